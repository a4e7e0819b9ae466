from dataclasses import replace

import pytest

from tests.recordings import a_result
from tfpt_tui.config.presets import load_preset
from tfpt_tui.errors import UsageError
from tfpt_tui.events import RunWarning
from tfpt_tui.hardware.machine_snapshot import Fingerprint, MachineSnapshot
from tfpt_tui.results.comparison.published import compare_with_published, hardware_of
from tfpt_tui.results.table import as_csv, as_text
from tfpt_tui.runs.record.result import ArticleClock, Evaluation, Training
from tfpt_tui.runs.record.scaling import Scaled

PRESET = """
[preset]
track = "published"
source = "an article"
hardware = "a laptop"
train_images = 50000
test_images = 10000
[defaults]
augment = false
[[rows]]
framework = "pytorch"
num_workers = 0
published = { training_s = 1500, evaluation_s = 10 }
[[rows]]
framework = "pytorch"
num_workers = 5
published = { training_s = 1400, evaluation_s = 6 }
[[rows]]
framework = "tensorflow"
cache = true
published = { training_s = 1000, evaluation_s = 3, marked_best = true }
"""


@pytest.fixture
def preset(tmp_path):
    (tmp_path / "table.toml").write_text(PRESET)
    return load_preset(tmp_path / "table.toml")


def result(framework="pytorch", training_s=3000.0, status="completed", images=50_000, **settings):
    one = a_result(
        "r",
        framework,
        status,
        training=Training(
            images=20 * images,
            epochs=20,
            epochs_s=training_s,
            first_epoch_s=training_s / 20,
            epoch_s_median=training_s / 20,
        ),
        test=Evaluation(images_per_s=images / 5 / 20, seconds=20.0),
        article_clock=ArticleClock(training_s, 20.0),
        **{"track": "published", "augment": False, **settings},
    )
    return replace(one, environment=MachineSnapshot(machine={"processor": "AMD EPYC", "allowed_cores": "0-1"}))


def short(framework, training_s, images, **settings):
    """One epoch of so many images, in which 5 s passed beside the epoch."""
    one = result(framework, images=images, epochs_measured=1, **settings)
    epoch_s = training_s - 5
    return replace(
        one,
        training=Training(images=images, epochs=1, first_epoch_s=epoch_s, epoch_s_median=epoch_s),
        scaled=Scaled(
            from_epochs=1,
            to_epochs=20,
            training_s=5 + 20 * epoch_s,
            article_training_s=5 + 20 * epoch_s,
        ),
    )


def compare(preset, *results, across=False):
    table = compare_with_published(preset, results, across=across)
    return [dict(row) for row in table.rows], table


def test_every_row_shows_theirs_yours_and_the_ratio(preset):
    rows, table = compare(preset, result(), result("tensorflow", 500.0, cache=True))
    assert rows[0]["theirs_training_s"] == 1500
    assert (rows[0]["yours_training_s"], rows[0]["training_ratio"]) == (3000.0, 2.0)
    assert (rows[0]["theirs_evaluation_s"], rows[0]["yours_evaluation_s"], rows[0]["evaluation_ratio"]) == (
        10,
        20,
        2,
    )
    assert rows[2]["training_ratio"] == 0.5
    assert "yours_is" not in as_csv(table).splitlines()[0]


def test_a_row_that_was_not_run_is_visible(preset):
    rows, table = compare(preset, result(), result(num_workers=5, status="failed"))
    assert [row["status"] for row in rows] == ["completed", "failed", "not run"]
    assert rows[2]["yours_training_s"] is None
    assert "without a completed run: rows 2, 3" in table.notes


def test_ranks_stand_beside_each_other_and_the_winner_is_told(preset):
    rows, table = compare(
        preset,
        result(training_s=900.0),
        result(num_workers=5, training_s=3000.0),
        result("tensorflow", 2000.0, cache=True),
    )
    assert [row["theirs_rank"] for row in rows] == [3, 2, 1]
    assert [row["yours_rank"] for row in rows] == [1, 3, 2]
    weak = "; with 1 run of a row that is no conclusion"
    assert (
        f"their winner, row 3 (TensorFlow), is number 2 here; row 1 (PyTorch) has the shortest median{weak}"
        in table.notes
    )
    _, table = compare(preset, result(), result("tensorflow", 500.0, cache=True))
    too = "has the shortest median here, too, among the 2 rows that were run"
    assert f"their winner, row 3 (TensorFlow), {too}{weak}" in table.notes
    _, table = compare(preset, result())
    assert "their winner, row 3 (TensorFlow), was not run here" in table.notes


def test_both_machines_are_named(preset):
    _, table = compare(preset, result())
    assert "theirs: an article, on a laptop" in table.notes
    assert "yours: AMD EPYC, cores 0-1" in table.notes
    gpu = replace(result(), effective={"device_name": "NVIDIA H200"})
    assert hardware_of(gpu) == "NVIDIA H200"


def test_a_short_form_is_scaled_to_the_printed_work_and_says_so(preset):
    rows, table = compare(preset, short("pytorch", 15.0, images=2000))
    # 5 s beside the epochs, 20 epochs of 10 s, and 25 times as many images.
    assert rows[0]["yours_training_s"] == 5 + 20 * 10 * 25
    assert rows[0]["yours_evaluation_s"] == pytest.approx(20.0 * 25)
    assert rows[0]["yours_is"] == "scaled from 1 epoch of 2,000 images"
    assert "scaled from 1 epoch of 2,000 images" in as_text(table)
    rows, _ = compare(preset, short("pytorch", 15.0, images=50_000))
    assert (rows[0]["yours_training_s"], rows[0]["yours_is"]) == (205.0, "scaled from 1 epoch")


def test_what_is_compiled_once_is_neither_once_an_epoch_nor_once_an_image(preset):
    one = short("tensorflow", 17.0, images=2000, cache=True)
    epochs_s = 2.0 + 20 * 10.0
    one = replace(
        one,
        training=replace(one.training, once_s=2.0),
        scaled=replace(one.scaled, epochs_s=epochs_s, article_training_s=5.0 + epochs_s),
        test=replace(one.test, first_batch_s=1.0 + 19.0 / 12),  # of 400 pictures, in thirteen batches of 32
    )
    rows, _ = compare(preset, one)
    assert rows[2]["yours_training_s"] == 5 + 2 + 20 * 10 * 25
    assert rows[2]["yours_evaluation_s"] == pytest.approx(1.0 + 19.0 * 25, rel=0.01)


def test_a_whole_run_of_fewer_images_is_scaled_as_its_short_form(preset):
    whole = result(training_s=205.0, images=2000)
    whole = replace(whole, training=replace(whole.training, epochs_s=200.0))
    assert compare(preset, whole)[0][0]["yours_training_s"] == 5 + 20 * 10 * 25


def test_of_a_row_only_the_runs_that_were_scaled_least_count(preset):
    few, more = short("pytorch", 15.0, images=2000), short("pytorch", 25.0, images=4000)
    rows, table = compare(preset, few, more, more)
    assert (rows[0]["n"], rows[0]["yours_is"]) == (2, "scaled from 1 epoch of 4,000 images")
    assert "excluded, as other runs of the same rows were scaled less: 1 run" in " ".join(table.notes)
    rows, _ = compare(preset, few, more, result())
    assert (rows[0]["n"], rows[0]["yours_is"], rows[0]["yours_training_s"]) == (1, None, 3000.0)


def test_what_disturbed_a_run_stands_beside_its_time(preset):
    busy = RunWarning("others computed", "busy", "end them", "time")
    rows, table = compare(preset, replace(result(), warnings=(busy,)))
    assert rows[0]["flags"] == "busy"
    assert "r: others computed; end them" in table.notes
    assert "flags" not in as_csv(compare(preset, result())[1]).splitlines()[0]


def test_several_runs_of_a_row_count_by_their_median(preset):
    runs = [result(training_s=seconds, seed=seed) for seed, seconds in enumerate((1000.0, 9000.0, 2000.0))]
    rows, _ = compare(preset, *runs)
    assert (rows[0]["n"], rows[0]["yours_training_s"]) == (3, 2000.0)


@pytest.mark.parametrize("change", [{"batch_size": 64}, {"augment": True}, {"track": "default"}, {"epochs": 3}])
def test_a_run_of_other_settings_is_of_no_row(preset, change):
    rows, _ = compare(preset, result(**change))
    assert [row["status"] for row in rows] == ["not run"] * 3


def test_runs_of_different_machines_are_mixed_on_request_only(preset):
    elsewhere = MachineSnapshot(fingerprint=Fingerprint("another"))
    other = replace(result(num_workers=5), environment=elsewhere)
    with pytest.raises(UsageError, match="come from different machines"):
        compare(preset, result(), other)
    _, table = compare(preset, result(), other, across=True)
    assert any(note.startswith("comparing different machines or versions") for note in table.notes)


def test_a_preset_without_printed_numbers_is_refused(tmp_path):
    (tmp_path / "mine.toml").write_text('[[rows]]\nframework = "pytorch"\n')
    with pytest.raises(UsageError, match="none of its rows has printed numbers"):
        compare(load_preset(tmp_path / "mine.toml"))


def test_runs_of_several_machines_are_not_mixed_unless_that_is_requested(preset):
    here, there = result(), replace(result(), run="s", machine="box1")
    with pytest.raises(UsageError, match="the runs of its rows come from several machines: here, box1; --across"):
        compare(preset, here, there)
    compare(preset, here, there, across=True)
