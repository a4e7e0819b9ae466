import json
import math
from dataclasses import replace

import pytest

from tests.recordings import MACHINE, a_result, an_unreadable_result
from tfpt_tui.errors import UsageError
from tfpt_tui.events import RunError, RunWarning, Slice
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.machine_snapshot import Fingerprint, MachineSnapshot
from tfpt_tui.results.comparison import compare as comparison
from tfpt_tui.results.comparison.groups import group, usual_by
from tfpt_tui.results.comparison.metrics import training_s
from tfpt_tui.results.table import as_csv, as_json, as_latex, as_markdown, as_text, sorted_by
from tfpt_tui.runs.record.result import Evaluation, Memory, ModelSize, Training, result_document, result_from
from tfpt_tui.runs.record.scaling import Scaled


def compare(*arguments, **options):
    """The table of a comparison."""
    return comparison.compare(*arguments, **options)[0]


def result(run, framework="pytorch", status="completed", rate=100.0, accuracy=0.5, **known):
    """A result with figures where it completed; ``known`` is as of :func:`a_result`."""
    memory = Memory(peak_rss_bytes=800_000_000)
    one = a_result(run, framework, status, phases={"training": 30.0}, memory=memory, **known)
    if not one.completed:
        return one
    training = Training(images_per_s=rate, epoch_s_median=1000 / rate, first_epoch_s=20.0)
    return replace(one, training=training, test=Evaluation(accuracy=accuracy, loss=1.0))


def repeats(name, framework="pytorch", rates=(100.0, 101.0, 99.0), **known):
    return [result(f"{name}{seed}", framework, rate=rate, seed=seed, **known) for seed, rate in enumerate(rates)]


def rows(table):
    return [dict(row) for row in table.rows]


def notes_with(table, text):
    return [line for line in (*table.answer, *table.notes) if text in line]


def test_each_configuration_has_a_row_and_the_first_is_the_baseline():
    first, second = rows(compare([result("a", rate=100.0), result("b", "tensorflow", rate=125.0)]))
    assert (first["framework"], first["ratio"], first["verdict"]) == ("PyTorch", 1.0, "baseline")
    assert (second["framework"], second["verdict"]) == ("TensorFlow", "single run")
    assert second["ratio"] == pytest.approx(0.8)


def test_repeats_share_a_row_whose_figures_are_medians():
    (row,) = rows(
        compare([result(str(seed), rate=rate, seed=seed) for seed, rate in ((1, 90), (2, 100), (3, 200))])
    )
    assert (row["n"], row["images_per_s"], row["runs"]) == (3, 100, "1 2 3")
    assert row["epoch_s_min"] == 5.0
    assert row["epoch_s_spread"] == pytest.approx(1000 / 90 - 5.0)


def test_a_baseline_may_be_named():
    first, second = rows(compare([result("a", rate=100.0), result("b", "tensorflow", rate=125.0)], baseline="b"))
    assert first["ratio"] == pytest.approx(1.25)
    assert second["verdict"] == "baseline"


def test_only_settings_that_differ_are_columns():
    names = [column.name for column in compare([result("a", batch_size=16), result("b", batch_size=32)]).columns]
    assert "batch_size" in names
    assert "epochs" not in names


def test_a_setting_of_the_other_framework_is_not_applicable_and_no_difference():
    same = compare([result("a"), result("b", "tensorflow", num_workers=3)])
    assert "num_workers" not in [column.name for column in same.columns]
    table = compare([result("a", num_workers=1), result("b", num_workers=2), result("c", "tensorflow")])
    assert [row["num_workers"] for row in rows(table)] == [1, 2, "n/a"]


def test_runs_that_did_not_complete_are_shown_without_figures():
    failed = result("a", status="failed", error=RunError("X", "no memory"))
    table = compare([failed, result("b", "tensorflow")])
    first, second = rows(table)
    assert (first["status"], first["n"], first["images_per_s"]) == ("failed", 0, None)
    assert first.get("ratio") is None
    assert second["verdict"] == "baseline"
    assert "a: no memory" in table.notes


def test_repeats_that_ended_differently_are_counted():
    (row,) = rows(compare([result("a", seed=1), result("b", seed=2, status="crashed")]))
    assert (row["status"], row["n"]) == ("1 completed, 1 crashed", 1)


def test_fewer_than_three_repeats_allow_no_conclusion():
    table = compare([result("a"), result("b", "tensorflow")])
    assert any(note.startswith("single run: with fewer than 3 repeats") for note in table.notes)


def test_warnings_and_versions_stand_beside_the_numbers():
    swapped = {"code": "swap", "message": "it swapped", "advice": "close something", "taints": "time"}
    document = result_document(result("a", versions={"torch": "2.15.0", "os": "x"}))
    document["warnings"] = [swapped, "of an old recording"]
    table = compare([result_from(document, MachineSnapshot())])
    assert "a: it swapped; close something" in table.notes
    assert "a: of an old recording" in table.notes
    assert "versions: torch 2.15.0" in table.notes


def test_what_taints_the_time_is_a_flag_of_its_row_once():
    warnings = (
        RunWarning("it swapped", "swap", "", "time"),
        RunWarning("others computed", "busy", "", "time"),
        RunWarning("it grew", "leak", "", "memory"),
    )
    tainted = repeats("p", warnings=warnings)
    first, second = rows(compare([*tainted, *repeats("t", "tensorflow")]))
    assert (first["flags"], second["flags"]) == ("swap, busy", None)


def test_a_flag_says_how_many_of_the_runs_have_it():
    busy = RunWarning("others computed", "busy", "", "time")
    first, *others = repeats("p")
    (row,) = rows(compare([replace(first, warnings=(busy,)), *others]))
    assert row["flags"] == "busy (1 of 3)"


def test_a_run_that_diverged_is_in_no_band_and_makes_none():
    warning = RunWarning("the loss became nan", "diverged", "", "accuracy")
    diverged = result("d", "tensorflow", warnings=(warning,))
    diverged = replace(diverged, test=Evaluation(accuracy=0.5, loss=math.nan))
    table = compare([result("a"), diverged])
    assert (rows(table)[1]["in_band"], rows(table)[1]["flags"]) == (False, "diverged")
    assert notes_with(table, "TensorFlow: not equivalent: its training diverged, so its time")
    assert rows(compare([diverged, result("a")]))[1]["in_band"] is None


def test_what_many_runs_say_of_themselves_is_said_once():
    odd = [replace(one, warnings=(RunWarning(f"{n} labels", "labels", ""),)) for n, one in enumerate(repeats("p"))]
    assert len(notes_with(compare(odd), " labels")) == 3
    more = [result("q", seed=7, warnings=(RunWarning("9 labels", "labels", ""),)), *odd]
    assert notes_with(compare(more), " labels") == ["q: 9 labels (alike in 3 more runs)"]


def test_settings_that_differ_little_do_not_look_alike():
    table = compare([result("a", learning_rate=0.0005), result("b", learning_rate=0.0001)])
    assert [line.split(",")[1] for line in as_csv(table).splitlines()[1:]] == ["0.0005", "0.0001"]
    assert [row["learning_rate"] for row in json.loads(as_json(table))["rows"]] == [0.0005, 0.0001]


def test_a_setting_that_does_not_count_for_a_row_is_told_of_those_alone_where_it_does():
    alike = [result("a", num_workers=2), result("b", num_workers=2)]
    assert not notes_with(compare(alike), "num_workers=2 where it applies")
    assert notes_with(compare(alike), "num_workers=2")
    mixed = [result("a", num_workers=2), result("b", "tensorflow", num_workers=2)]
    assert notes_with(compare(mixed), "num_workers=2 where it applies")


def test_an_empty_selection_is_a_table_without_rows():
    table = compare([])
    assert table.rows == ()
    assert table.columns[0].name == "framework"


def test_the_answer_is_a_sentence_with_its_interval_and_separate_numbers():
    table = compare([*repeats("t", "tensorflow", rates=(121, 122, 120)), *repeats("p", rates=(100, 101, 99))])
    sentence, learning = table.answer
    row = rows(table)[1]
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    low, high = row["ratio_low"], row["ratio_high"]
    assert sentence == f"TensorFlow is 1.21x as fast as PyTorch (95 %: {low:.2f} to {high:.2f}, 3 pairs)"
    assert learning == "same learning: test accuracy 50.0 % in TensorFlow and 50.0 % in PyTorch"
    assert row["verdict"] == "slower"
    assert row["p_value"] < 0.05


def test_several_comparisons_learn_the_same_where_each_row_is_near_its_own_baseline():
    small = [result("a", batch_size=16, accuracy=0.40), result("b", "tensorflow", batch_size=16, accuracy=0.39)]
    large = [result("c", batch_size=64, accuracy=0.32), result("d", "tensorflow", batch_size=64, accuracy=0.34)]
    told = "same learning in 2 of 2: test accuracy within 2.0 points"
    assert told in compare([*small, *large], by="batch_size").answer
    large[1] = result("d", "tensorflow", batch_size=64, accuracy=0.2)
    told = "same learning in 1 of 2: test accuracy within 1.0 points"
    assert told in compare([*small, *large], by="batch_size").answer


def test_a_failed_repeat_leaves_its_partner_out():
    broken = [*repeats("t", "tensorflow")[:2], result("t2", "tensorflow", status="crashed", seed=2)]
    assert notes_with(compare([*repeats("p"), *broken]), "in too few runs to be sure (2 of 3 pairs)")


def test_repeats_of_one_seed_pair_in_their_order():
    twice = [result("p0", seed=1), result("p1", seed=1)]
    others = [result(f"t{number}", "tensorflow", rate=125.0, seed=1) for number in range(2)]
    assert notes_with(compare([*twice, *others]), "(2 pairs)")


def test_runs_pair_within_the_sweep_in_which_they_alternated():
    earlier = [replace(one, sweep="s1") for one in repeats("o", rates=(50.0, 50.0, 50.0))]
    now = [
        replace(one, sweep="s2")
        for one in (*repeats("p"), *repeats("t", "tensorflow", rates=(100.0, 101.0, 99.0)))
    ]
    table = compare([*earlier, *now])
    assert rows(table)[1]["ratio"] == pytest.approx(1.0)
    assert notes_with(table, "3 of 6 pairs")


def test_a_rate_that_is_none_is_left_out_and_said():
    runs = [*repeats("p"), *repeats("t", "tensorflow", rates=(100.0, math.nan, 100.0))]
    table = compare(runs)
    assert rows(table)[1]["images_per_s"] == 100.0
    assert "t1: nan images/s is an invalid timing; excluded" in table.notes
    assert notes_with(table, "(2 of 3 pairs)")


def test_an_outlier_is_named_and_kept():
    table = compare(repeats("p", rates=(100, 101, 99, 102, 50)))
    assert "p4: outlier among its 5 repeats; it is kept in all figures" in table.notes
    assert rows(table)[0]["n"] == 5


def test_each_track_and_measure_has_a_baseline_of_its_own():
    table = compare(
        [
            result("a", track="published"),
            result("b", "tensorflow", track="published", rate=125.0),
            result("c", track="parity", rate=50.0),
            result("d", "tensorflow", track="parity", rate=25.0),
            result("e", track="parity", measure="loader", rate=500.0),
        ],
        baseline="d",
    )
    assert [row["verdict"] for row in rows(table)] == [
        "baseline",
        "single run",
        "single run",
        "baseline",
        "baseline",
    ]
    assert rows(table)[2]["ratio"] == pytest.approx(0.5)
    assert [row["measure"] for row in rows(table)] == ["end_to_end"] * 4 + ["loader"]
    assert notes_with(table, "published, end_to_end: TensorFlow was 1.25x as fast as PyTorch, in too few runs")


def test_rows_of_one_framework_are_told_apart_in_sentences():
    runs = [result("a", batch_size=16), result("b", batch_size=32, rate=200.0), result("c", "tensorflow")]
    first, second, _ = compare(runs).answer
    assert first.startswith("PyTorch (batch_size 32) was 2.00x as fast as PyTorch (batch_size 16), ")
    assert second.startswith("PyTorch (batch_size 16) was 1.00x as fast as TensorFlow, ")


def test_a_recording_from_before_there_was_a_measure_is_of_the_whole_training():
    document = result_document(result("a"))
    del document["config"]["measure"]
    old = result_from(document, MachineSnapshot())
    (row,) = rows(compare([old, result("b", seed=2)]))
    assert row["n"] == 2


def test_the_time_of_what_learns_something_else_is_not_equivalent():
    table = compare([result("a", accuracy=0.5), result("b", "tensorflow", accuracy=0.44)])
    assert [row["in_band"] for row in rows(table)] == [None, False]
    (note,) = notes_with(table, "not equivalent")
    assert note.startswith("TensorFlow: not equivalent: its test accuracy 0.4400 is outside 0.5000 ± 0.0500")


@pytest.mark.parametrize(("accuracy", "in_band"), [(0.55, True), (0.551, False), (math.nan, False)])
def test_the_band_of_a_single_run_ends_five_points_from_it(accuracy, in_band):
    table = compare([result("a", accuracy=0.5), result("b", "tensorflow", accuracy=accuracy)])
    assert rows(table)[1]["in_band"] is in_band


def test_where_nothing_is_learnt_accuracy_says_nothing():
    runs = [result("a", measure="model"), result("b", "tensorflow", measure="model", accuracy=0.1)]
    assert rows(compare(runs))[1]["in_band"] is None
    diverged = [result("a", accuracy=math.nan), result("b", "tensorflow")]
    assert rows(compare(diverged))[1]["in_band"] is None


def test_p_values_are_corrected_for_the_number_of_rows():
    rates = (100, 101, 99, 102, 98, 100.5)
    others = [
        repeats(name, rates=[rate * 2 for rate in rates], batch_size=size) for name, size in (("b", 8), ("c", 4))
    ]
    noisy = [*repeats("a", rates=(100, 130, 90, 110, 80, 120))]
    alone = rows(compare([*noisy, *others[0]]))[1]["p_value"]
    of_two = [row["p_value"] for row in rows(compare([*noisy, *others[0], *others[1]]))[1:]]
    assert of_two == pytest.approx([2 * alone] * 2)


def test_achieved_arithmetic_is_told_and_its_share_of_a_known_peak():
    def of(run, framework="pytorch", device="Tesla T4", **settings):
        effective = {"device_name": device, "dtype_activations": "float32"}
        return result(run, framework, model=ModelSize(flops_per_image=2 * 10**9), effective=effective, **settings)

    known, unknown, loader = rows(compare([of("a"), of("b", "tensorflow", "cpu"), of("c", measure="loader")]))
    assert (known["gflops"], unknown["gflops"], loader["gflops"]) == (200.0, 200.0, None)
    assert known["peak_percent"] == pytest.approx(100 * 200 / 8100)
    assert unknown["peak_percent"] is None


def test_the_peak_of_a_processor_is_what_was_measured_there():
    effective = {"device": "cpu", "device_name": "cpu", "dtype_activations": "float32"}
    one = result("a", model=ModelSize(flops_per_image=2 * 10**9), effective=effective)
    (row,) = rows(compare([replace(one, environment=MachineSnapshot(peaks={"matmul": 400.0}))]))
    assert row["peak_percent"] == pytest.approx(50)


def test_float32_through_tensor_cores_has_their_peak():
    effective = {"device_name": "NVIDIA A100-SXM4-40GB", "dtype_activations": "float32", "tf32_convolution": True}
    (row,) = rows(compare([result("a", model=ModelSize(flops_per_image=2 * 10**9), effective=effective)]))
    assert row["peak_percent"] == pytest.approx(100 * 200 / 156_000)


def test_the_answer_fits_the_narrowest_terminal_and_every_format():
    table = compare([*repeats("t", "tensorflow", rates=(121, 122, 120)), *repeats("p")])
    lines = as_text(table).splitlines()
    assert lines[0].startswith("TensorFlow is 1.2")
    assert "slower" in lines[6][:80]
    assert '"answer": [\n    "TensorFlow is 1.2' in as_json(table)
    assert as_markdown(table).startswith("TensorFlow is 1.2")
    assert as_latex(table).startswith("TensorFlow is 1.2")
    assert "ratio,ratio_low,ratio_high,verdict" in as_csv(table)
    assert '"ratio_low": 1.' in as_json(table)


def made_on(one, hardware="m1", software="s1", **known):
    return replace(one, environment=MachineSnapshot(fingerprint=Fingerprint(hardware, software), **known))


def test_runs_of_different_machines_are_refused_with_what_differs():
    runs = [
        made_on(result("a"), "m1", machine={"host": "mars", "kernel": "6.1", "uptime_s": 1}),
        made_on(result("b", "tensorflow"), "m2", machine={"host": "venus", "kernel": "6.1"}),
    ]
    with pytest.raises(UsageError) as refused:
        compare(runs)
    assert str(refused.value) == (
        "a and b come from different machines (host mars and venus); --across compares them anyway"
    )
    assert notes_with(compare(runs, across=True), "a and b come from different machines (host mars and venus)")


def test_versions_of_one_framework_must_agree_and_those_of_the_other_need_not():
    old, new = {"torch": "2.14.0"}, {"torch": "2.15.0"}
    runs = [
        made_on(result("a"), versions=old),
        made_on(result("b", "tensorflow"), software="s2", versions={"tensorflow": "2.20"}),
    ]
    assert len(compare(runs).rows) == 2
    with pytest.raises(
        UsageError, match=r"a and c ran PyTorch in different versions \(torch 2\.14\.0 and 2\.15\.0\)"
    ):
        compare([*runs, made_on(result("c"), software="s3", versions=new)])


def test_runs_of_one_environment_with_other_versions_are_no_repeats_of_each_other():
    new = [made_on(run) for run in repeats("new", versions={"torch": "2.15.0"})]
    old = [made_on(run, software="s2") for run in repeats("old", rates=(50, 51, 49), versions={"torch": "2.14.0"})]
    lost = result("lost", status="crashed", seed=9)
    table = compare([*new, *old, lost], across=True)
    assert [(row["version"], row["n"], row["status"]) for row in rows(table)] == [
        ("2.15.0", 3, "3 completed, 1 crashed"),
        ("2.14.0", 3, "completed"),
    ]
    assert notes_with(table, "is 2.00x as fast as PyTorch (2.14.0)")
    assert "version" in as_text(table).splitlines()[3]
    assert "version" not in as_text(compare(new)).splitlines()[0]
    assert "2.15.0" in as_csv(compare(new))


def test_runs_of_two_machines_have_rows_that_name_them():
    here, there = (
        [made_on(run, host, machine={"host": host, "processor": "EPYC"}) for run in repeats(host)]
        for host in ("mars", "venus")
    )
    table = compare([*here, *there], across=True)
    assert [row["machine"] for row in rows(table)] == ["mars: EPYC", "venus: EPYC"]
    assert notes_with(table, "3 and 3 runs")  # of two machines: no pairs, whatever their seeds


def test_training_that_is_in_no_epoch_is_named():
    one = result("a", rate=10.0)
    between = replace(one, phases={"training": 41.0}, training=replace(one.training, epochs_s=26.0))
    note = "PyTorch: 15.0 s of its 41.0 s of training lie before, between or after its epochs"
    assert notes_with(compare([between]), note)
    assert not notes_with(compare([replace(between, phases={"training": 27.0})]), "of training lie")


def test_two_versions_are_compared_where_each_has_its_environment():
    old, new = {"torch": "2.8.0", "torchvision": "0.23.0"}, {"torch": "2.15.0", "torchvision": "0.29.2"}
    runs = [made_on(run, software="s1") for run in repeats("new", versions=new)]
    older = repeats("old", rates=(50.0, 50.5, 49.5), environment="pytorch-2.8.0", versions=old)
    table = compare([*runs, *(made_on(run, software="s2") for run in older)])
    assert [row["environment"] for row in rows(table)] == ["default", "pytorch-2.8.0"]
    assert rows(table)[1]["ratio"] == pytest.approx(2.0)
    (sentence,) = notes_with(table, "3 pairs")
    assert " is 2.00x as fast as PyTorch (environment pytorch-2.8.0) " in sentence
    assert "versions in environment default: torch 2.15.0, torchvision 0.29.2" in table.notes
    assert "versions in environment pytorch-2.8.0: torch 2.8.0, torchvision 0.23.0" in table.notes


def test_recordings_older_than_environments_were_made_in_the_default_one():
    document = result_document(result("a"))
    del document["config"]["environment"]
    old = result_from(document, MachineSnapshot())
    assert len(compare([old, result("b", seed=26)]).rows) == 1


def test_a_scaled_training_time_is_marked_in_every_format():
    scaled = Scaled(from_epochs=1, to_epochs=20, training_s=600.0)
    table = compare([result("a", epochs_measured=1, scaled=scaled), result("b", "tensorflow")])
    first, second = rows(table)
    assert (first["training_s"], first["scaled"]) == (600.0, "scaled from 1 epoch")
    assert (second["training_s"], second["scaled"]) == (30.0, None)
    assert all("scaled from 1 epoch" in written(table) for written in (as_text, as_csv, as_json))
    assert "scaled" not in as_csv(compare([result("b")]))


def test_each_value_of_a_key_is_compared_apart():
    runs = [
        result(f"{framework[0]}{size}", framework, rate=rate, batch_size=size)
        for framework, size, rate in (
            ("pytorch", 64, 400.0),
            ("tensorflow", 64, 200.0),
            ("pytorch", 32, 100.0),
            ("tensorflow", 32, 200.0),
        )
    ]
    table = compare(runs, by="batch_size")
    assert [(row["batch_size"], row["framework"], row["ratio"]) for row in rows(table)] == [
        (32, "PyTorch", 1.0),
        (32, "TensorFlow", pytest.approx(0.5)),
        (64, "PyTorch", 1.0),
        (64, "TensorFlow", pytest.approx(2.0)),
    ]
    assert notes_with(table, "batch_size 64: PyTorch was 2.00x as fast as TensorFlow")


def test_only_settings_that_differ_have_a_column_unless_all_are_wanted():
    runs = [result("a", batch_size=16), result("b", batch_size=32)]
    narrow, wide = (
        as_csv(compare(runs, all_columns=wanted)).splitlines()[0].split(",") for wanted in (False, True)
    )
    assert "batch_size" in narrow
    assert "learning_rate" not in narrow
    assert {"learning_rate", "batch_size", "environment", "data"} <= set(wide)


def test_rows_are_sorted_by_any_column_and_unknown_ones_come_last():
    table = compare(
        [result("a", rate=1.0), result("b", "tensorflow", rate=3.0), result("c", status="failed", epochs=9)]
    )
    assert [row["runs"] for row in sorted_by(table, "images_per_s").rows] == ["a", "b", "c"]
    assert [row["runs"] for row in sorted_by(table, "-images_per_s").rows] == ["b", "a", "c"]
    with pytest.raises(UsageError, match="no column 'image_per_s'; did you mean 'images_per_s'"):
        sorted_by(table, "image_per_s")


def test_runs_that_left_the_device_open_and_got_different_ones_are_refused():
    one = result("a", effective={"device": "gpu:0"})
    other = result("b", "tensorflow", effective={"device": "cpu"})
    with pytest.raises(UsageError, match=r"a and b trained on different devices \(gpu and cpu\); --across"):
        compare([one, other])
    chosen = [
        result("a", device="gpu", effective={"device": "gpu:0"}),
        result("b", "tensorflow", device="cpu", effective={"device": "cpu"}),
    ]
    assert len(rows(compare(chosen))) == 2


def test_two_devices_of_one_machine_are_no_two_machines():
    def trained(name, device, host):
        one = result(name, device=device, effective={"device": device})
        snapshot = MachineSnapshot(machine={**MACHINE, "host": host}, gpus=({"name": "T4", "memory_bytes": 1},))
        known = fingerprint(snapshot, on_gpu=device == "gpu")
        return replace(one, environment=replace(snapshot, fingerprint=known))

    assert len(rows(compare([trained("a", "gpu", "mars"), trained("b", "cpu", "mars")]))) == 2
    with pytest.raises(UsageError, match=r"a and b come from different machines \(host mars and venus\)"):
        compare([trained("a", "gpu", "mars"), trained("b", "cpu", "venus")])


def test_unknown_origins_are_equal_to_each_other_only():
    assert compare([result("a"), result("b", "tensorflow")]).rows
    with pytest.raises(UsageError, match="a and b come from different machines"):
        compare([result("a"), made_on(result("b", "tensorflow"))])


def test_runs_without_figures_cannot_come_from_elsewhere():
    waiting = result("b", "tensorflow", status="queued")
    assert compare([made_on(result("a")), waiting]).rows


def test_what_all_runs_have_in_common_is_said_once():
    table = compare(
        [
            result("a", batch_size=64, threads=2, seed=1, epochs=3),
            result("b", "tensorflow", batch_size=64, threads=2, seed=2, epochs=5),
        ]
    )
    assert notes_with(table, "in all runs: ") == [
        "in all runs: data=/d, image_size=32, batch_size=64, cache=false, augment=true, threads=2"
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_loss_that_is_no_number_leaves_its_row_without_a_median(order):
    losses = zip(repeats("p"), (0.9, 1.0, math.nan), strict=True)
    runs = [replace(run, test=replace(run.test, loss=loss)) for run, loss in losses]
    (entry,) = group([runs[place] for place in order])
    assert math.isnan(entry.median(lambda run: run.test.loss))


def test_a_broken_run_does_not_hinder_a_comparison_by_a_setting():
    broken = an_unreadable_result("x", framework="")
    entries = group([result("a", batch_size=64), broken, result("b", batch_size=32)], by="framework")
    assert [entry.config for entry in entries][-1] == broken.config


def test_a_rate_of_a_first_epoch_is_told_beside_steady_ones():
    def of(epochs, *arguments):
        one = result(*arguments)
        return replace(one, training=replace(one.training, epochs=epochs))

    first, steady = of(1, "a"), of(3, "b", "tensorflow")
    assert notes_with(
        compare([first, steady]), "PyTorch: its rate is that of its first epoch, which others leave out"
    )
    assert notes_with(compare([first, of(1, "b", "tensorflow")]), "images/s is that of a first epoch")
    assert not notes_with(compare([of(3, "a"), steady]), "first epoch")


def test_what_disturbed_runs_is_said_once_with_how_many_and_how_much():
    def busy(share):
        return RunWarning(f"other processes used {share}% of the 2 cores while it was timed", "busy", "", "time")

    runs = [*repeats("p"), *repeats("t", "tensorflow")]
    table = compare([replace(runs[0], warnings=(busy(16),)), replace(runs[1], warnings=(busy(39),)), *runs[2:]])
    assert table.answer[-1] == "! 2 of 6 runs disturbed (16 to 39 % other load)"
    assert not any("other processes used" in note for note in table.notes)


def test_accuracy_that_was_not_measured_is_said():
    untested = [replace(one, test=Evaluation()) for one in (*repeats("p"), *repeats("t", "tensorflow"))]
    assert compare(untested).answer[-1] == "accuracy was not measured"
    assert "accuracy was not measured" not in compare([*repeats("p"), *repeats("t", "tensorflow")]).answer


@pytest.mark.parametrize(
    ("settings", "by"),
    [
        ([{"batch_size": 16}, {"batch_size": 32}], "batch_size"),
        ([{"batch_size": 16}], ""),
        ([{"batch_size": 16, "image_size": 16}, {"batch_size": 32, "image_size": 32}], ""),
    ],
)
def test_frameworks_are_compared_within_the_values_of_the_one_setting_that_differs(settings, by):
    runs = [
        result(f"{framework}{number}", framework, **one)
        for framework in ("pytorch", "tensorflow")
        for number, one in enumerate(settings)
    ]
    assert usual_by(runs) == by


def test_a_value_of_one_framework_alone_keeps_all_rows_together():
    assert usual_by([result("a", batch_size=16), result("b", "tensorflow", batch_size=32)]) == ""
    one = [result("a", batch_size=16), result("b", batch_size=32)]
    assert usual_by(one) == ""


def test_rows_that_are_not_ranked_are_told_with_their_throughput_and_why():
    assert compare([result("a", rate=1234.0)]).answer == ("PyTorch: 1,234 images/s",)
    table = compare([result("a", track="parity"), result("b", rate=200.0)])
    assert table.answer[:3] == (
        "parity: PyTorch: 100 images/s",
        "default: PyTorch: 200 images/s",
        "different tracks are different work, so they are not ranked",
    )
    assert [column.name for column in table.columns][:2] == ["framework", "track"]


def test_of_many_rows_the_one_with_the_highest_rate_alone_is_told_of():
    runs = [result(f"r{size}", batch_size=size, rate=100.0 + size) for size in (1, 2, 4, 8, 16)]
    first, second, *_ = compare(runs).answer
    assert first == (
        "the highest of 5 rates is that of PyTorch (batch_size 16): 116 images/s; PyTorch (batch_size 8) may be as"
        " fast"
    )
    assert second.startswith("PyTorch (batch_size 16) was 1.15x as fast as PyTorch (batch_size 1), ")
    assert not any("batch_size 4" in line for line in compare(runs).answer)
    often = [
        result(f"r{size}-{seed}", batch_size=size, rate=100.0 + size + seed / 100, seed=seed)
        for size in (1, 2, 4, 8, 16)
        for seed in range(4)
    ]
    assert compare(often).answer[0] == "the highest of 5 rates is that of PyTorch (batch_size 16): 116 images/s"


VOID = RunWarning("void: measured by a worker before 0.2", "void", "run it again", "time")


def test_what_is_void_has_no_rate_and_takes_no_comparison_from_the_others():
    void = [replace(one, warnings=(VOID,)) for one in repeats("v", rates=(700.0, 701.0, 699.0), batch_size=8)]
    table = compare([*void, *repeats("p"), *repeats("t", "tensorflow", (80.0, 81.0, 79.5))])
    without, first, second = rows(table)
    times = ("images_per_s", "epoch_s_median", "epoch_s_min", "training_s", "gflops", "ratio")
    assert [without.get(name) for name in times] == [None] * len(times)
    assert (first["verdict"], second["verdict"]) == ("baseline", "slower")
    mixed = [*(replace(one, config=one.config.replace(batch_size=32)) for one in void), *repeats("p")]
    (row,) = rows(compare(mixed))
    assert row["images_per_s"] == 100.0


def test_reasons_are_those_of_the_rows_that_are_told_of():
    applied = {"device": "cpu", "threads": 1}
    runs = [result(f"r{size}", batch_size=size, rate=100.0 + size) for size in (1, 2, 4, 8, 16)]
    first, *others = [
        replace(one, effective={**applied, "threads": size}) for size, one in enumerate(runs, start=1)
    ]
    (told,) = notes_with(compare([first, *others]), "threads: ")
    assert told == "not the same: threads: 5 in PyTorch (batch_size 16), 1 in PyTorch (batch_size 1)"
    assert len(notes_with(compare([first, *others[1:]]), "threads: ")) == 3


def test_what_the_pack_of_all_rows_took_is_said_once():
    runs = [result(f"r{size}", batch_size=size) for size in (8, 16)]
    packed = [replace(one, effective={**one.effective, "pack_build_s": 3.0}) for one in runs]
    (note,) = notes_with(compare(packed), "decoded once")
    assert note == "images were decoded once, in 3.0 s, before the first step"


def test_runs_that_differ_in_their_time_limit_alone_are_repeats():
    (row,) = rows(compare([result("a", seed=1), result("b", seed=2, timeout_s=3600)]))
    assert row["n"] == 2


def test_a_failed_row_is_no_other_rate_to_compare_a_first_epoch_with():
    one = result("a")
    first = replace(one, training=replace(one.training, epochs=1))
    table = compare([first, result("b", "tensorflow", status="failed")])
    assert notes_with(table, "images/s is that of a first epoch")
    assert not notes_with(table, "which others leave out")


def test_an_arm_that_was_ended_before_its_last_epoch_has_no_seconds_of_a_whole_training():
    whole = result("a", epochs=20)
    arm = replace(whole, slices=(Slice(1, 1, 4, 128, 1.0, 0.0),))
    assert training_s(whole) == training_s(arm) == 30.0
    # It trained on until the duel was over, perhaps for more epochs than were planned.
    assert training_s(replace(arm, test=Evaluation())) is None
