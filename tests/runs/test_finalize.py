"""A run is settled from its files alone, by its own supervisor or by one that finds it later."""

import csv
import time

import pytest

from tfpt_tui import events
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.events import Stamped, encode
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.hardware.sample import GpuSample, Sample, columns, to_row
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.fold import Record
from tfpt_tui.runs.supervision import finalize as finalizing
from tfpt_tui.runs.supervision.finalize import RecordKeeper, finalize, find_ending

OVERLAP = {"message": "another worker was running", "code": "overlap", "advice": "run one", "taints": "time"}


@pytest.fixture
def run(tmp_path):
    directory = RunDirectory(tmp_path / "20261122-165501-pytorch-3f9a")
    directory.path.mkdir()
    return directory


def tell(run, *told):
    with run.events.open("a") as file:
        for seq, event in enumerate(told):
            file.write(encode(Stamped(seq, time.time(), float(seq), event)))


def sample(run, *readings):
    header = columns(range(len(readings[0].cores_percent)), len(readings[0].gpus))
    with run.hardware.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *(to_row(one, header) for one in readings)])


def codes(run):
    return [warning["code"] for warning in read_toml(run.result)["warnings"]]


def test_warnings_of_worker_supervisor_and_samples_come_together_as_tables(run):
    tell(run, events.RunWarning("the labels are odd", "labels", "look at them", "accuracy"))
    write_toml(run.environment, {"warnings": [OVERLAP]})
    sample(run, Sample(1.0, 0.0, quota_throttled_s=1.0), Sample(2.0, 1.0, quota_throttled_s=2.0))
    finalize(run, "completed", None)
    labels, overlap, quota = read_toml(run.result)["warnings"]
    assert labels == {
        "message": "the labels are odd",
        "code": "labels",
        "advice": "look at them",
        "taints": "accuracy",
    }
    assert overlap == OVERLAP
    assert quota["code"] == "quota_throttled"


@pytest.mark.parametrize(("disturbed", "expected"), [(3, []), (20, ["busy"])])
def test_an_arm_of_a_duel_was_disturbed_where_others_were_in_the_turns_that_count(run, disturbed, expected):
    loads = [0.3] * disturbed + [0.02] * (20 - disturbed)
    tell(run, *(events.Slice(number, 1, 10, 320, 1.0, 1.9, load) for number, load in enumerate(loads, start=1)))
    write_toml(run.environment, {"machine": {"allowed_cores": "0-1"}})
    busy = {"cores_percent": (100.0, 100.0), "worker_cpu_percent": 20.0}
    sample(run, *(Sample(float(second), float(second), **busy) for second in range(5)))
    finalize(run, "completed", None)
    assert codes(run) == expected


def test_slow_epochs_are_named_but_not_those_of_a_duel_whose_figures_are_of_rounds(run):
    epochs = [
        events.EpochEnd(number, 8, 1.0, 0.5, 30.0 if number == 5 else 10 + 0.1 * number, 0.1, 10.0)
        for number in range(1, 9)
    ]
    tell(run, *epochs)
    finalize(run, "completed", None)
    assert codes(run) == ["disturbed_epochs"]
    tell(run, events.Slice(1, 1, 10, 320, 1.0, 1.0))
    finalize(run, "completed", None)
    assert codes(run) == []


def test_what_was_seen_before_and_during_a_run_is_told_once(run):
    seen = {**OVERLAP, "code": "foreign_gpu_process", "message": "before"}
    write_toml(run.environment, {"warnings": [seen, OVERLAP, OVERLAP], "gpu": {"used": 0}})
    sample(run, Sample(1.0, 0.0, gpus=(GpuSample(processes=2),)))
    finalize(run, "completed", None)
    assert codes(run) == ["foreign_gpu_process", "overlap"]
    assert read_toml(run.result)["warnings"][0]["message"] == "before"


@pytest.mark.parametrize(
    ("imports", "training", "expected"),
    [
        (190.0, 100.0, []),
        (100.0, 150.0, ["other processes used 25% of the 2 cores while it was timed"]),
        (100.0, None, ["before the start"]),
    ],
)
def test_how_busy_others_were_is_judged_while_it_was_timed(run, imports, training, expected):
    busy = {**OVERLAP, "code": "busy", "message": "before the start"}
    write_toml(run.environment, {"machine": {"allowed_cores": "0-1"}, "warnings": [busy]})
    phases = (
        (events.PhaseStart("training"), 10.0),
        (events.PhaseEnd("training"), 20.0),
        (events.PhaseEnd("evaluation"), 25.0),
    )
    run.events.write_text("".join(encode(Stamped(n, at, at, event)) for n, (event, at) in enumerate(phases)))
    used = [(at, training if 10 < at <= 25 else imports) for at in range(1, 30)]
    sample(
        run,
        *(
            Sample(at, at, cores_percent=(percent / 2, percent / 2), worker_cpu_percent=100.0)
            for at, percent in used
            if percent is not None
        ),
    )
    finalize(run, "completed", None)
    assert [warning["message"] for warning in read_toml(run.result)["warnings"]] == expected


@pytest.mark.parametrize(("waits_at", "expected"), [(range(3, 8), ["idle"]), (range(11, 19), [])])
def test_a_wait_counts_where_it_is_part_of_an_epoch_and_not_after_the_last(run, waits_at, expected):
    told = (
        (events.Environment({}, "cpu", {"device": "cpu"}), 0.0),
        (events.PhaseStart("training"), 1.0),
        (events.EpochEnd(1, 1, 1.0, 0.5, 9.0, 0.1, 100.0), 10.0),
        (events.PhaseEnd("training", 19.0), 20.0),
    )
    run.events.write_text("".join(encode(Stamped(n, at, at, event)) for n, (event, at) in enumerate(told)))
    sample(run, *(Sample(at, at, worker_cpu_percent=0.0 if at in waits_at else 150.0) for at in range(1, 20)))
    finalize(run, "completed", None)
    assert codes(run) == expected


@pytest.mark.parametrize(("spared", "expected"), [([], ["busy"]), ([1], [])])
def test_whoever_computes_on_a_core_that_the_worker_left_free_disturbs_nothing(run, spared, expected):
    write_toml(run.environment, {"machine": {"allowed_cores": "0-1"}, "spared_cores": spared})
    tell(run, events.PhaseStart("training"))
    sample(
        run,
        *(
            Sample(at + 1e12, at, cores_percent=(100.0, 90.0), worker_cpu_percent=100.0)  # long after its start
            for at in range(5)
        ),
    )
    finalize(run, "completed", None)
    assert codes(run) == expected


@pytest.mark.parametrize(("device", "expected"), [("gpu:0", ["foreign_gpu_process", "throttled"]), ("cpu", [])])
def test_the_gpu_matters_to_runs_that_were_really_on_it(run, device, expected):
    foreign = {**OVERLAP, "code": "foreign_gpu_process"}
    write_toml(run.environment, {"gpu": {"used": 0}, "warnings": [foreign]})
    tell(run, events.Environment({}, "some device", {"device": device}))
    sample(run, Sample(1.0, 0.0, gpus=(GpuSample(throttle="power cap", power_w=1.0),)))
    finalize(run, "completed", None)
    assert codes(run) == expected


@pytest.mark.parametrize("text", [None, "no TOML ["])
def test_a_run_without_a_readable_environment_is_settled_all_the_same(run, text):
    if text:
        run.environment.write_text(text)
    finalize(run, "crashed", None)
    assert codes(run) == []


def test_a_warning_of_a_later_version_is_read_as_far_as_it_is_known(run):
    write_toml(run.environment, {"warnings": [{"message": "new", "code": "new", "severity": "high"}]})
    finalize(run, "completed", None)
    assert read_toml(run.result)["warnings"] == [{"message": "new", "code": "new", "advice": "", "taints": ""}]


def test_the_environment_is_kept_at_once_and_completed_when_the_worker_tells_its_versions(run):
    overlap = events.RunWarning(**OVERLAP)
    keeper = RecordKeeper(run, MachineSnapshot(machine={"host": "anvil"}, warnings=(overlap,)))
    assert set(read_toml(run.environment)["fingerprint"]) == {"machine"}
    tell(run, events.Environment({"torch": "9.9"}))
    keeper.catch_up()
    keeper.warn(events.RunWarning("hot", "throttled"))
    environment = read_toml(run.environment)
    assert environment["versions"] == {"torch": "9.9"}
    assert set(environment["fingerprint"]) == {"machine", "software"}
    assert [warning["code"] for warning in environment["warnings"]] == ["overlap", "throttled"]


@pytest.mark.parametrize(("free", "status"), [(100_000, "failed"), (10**9, "crashed"), (None, "crashed")])
def test_a_worker_that_dies_while_it_saves_its_model_names_the_disk(free, status):
    record = Record(phase="model_saving")
    ended, error = find_ending(record, -6, "", killed_for_memory=False, limit_s=1.0, free=free)
    assert ended == status
    assert (error.message == "no space left on device to save the model: 0.1 MB are free") == (status == "failed")


def test_a_record_that_cannot_be_worked_out_still_gets_its_result(run, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr(finalizing, "make_result", fail)
    finalizing.finalize(run, "completed", None)
    result = read_toml(run.result)
    assert result["status"] == "completed"
    assert "its figures cannot be worked out: ZeroDivisionError" in result["warnings"][0]["message"]
