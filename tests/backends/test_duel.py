"""A real worker of each framework at the gate of a duel: the supervisor's end is held by the test."""

import math
import subprocess
import sys
import time

import pytest

from tfpt_tui.backends.gate import taken_share
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.environments.interpreters import worker_command
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.processes import halt_group, kill_group, resume_group
from tfpt_tui.runs.record.tail import EventTail
from tfpt_tui.runs.supervision.gate import Gate

AT_THE_GATE_S = 1.5


@pytest.fixture(scope="module")
def few_images(tmp_path_factory):
    directory = tmp_path_factory.mktemp("prepared") / "few"
    prepare(make_synthetic(limit=10, classes=4), Target(directory), jobs=1)
    return directory


@pytest.fixture
def start(few_images, tmp_path):
    """A worker and its gate; it is gone after the test."""
    started = []

    def start(framework, kind, **settings):
        run = tmp_path / "run"
        run.mkdir()
        row = {"framework": framework, "data": str(few_images), "batch_size": 8, "epochs": 2, **settings}
        write_toml(run / "config.toml", {"rows": [row]})
        gate = Gate(kind)
        with (run / "worker.log").open("wb") as log:
            worker = subprocess.Popen(
                worker_command(sys.executable, run, *gate.task),
                stdout=log,
                stderr=log,
                cwd=run,
                pass_fds=gate.descriptors,
                process_group=0,
            )
        gate.begun()
        started.append((worker, gate))
        return run, worker, gate

    yield start
    for worker, gate in started:
        kill_group(worker.pid)
        worker.wait()
        gate.close()


def answer(gate):
    told = gate.answer(120)
    assert told is not None
    return told


@pytest.mark.parametrize(
    ("others", "own", "cores", "allowed", "on_gpu", "share"),
    [
        (0.2, 1.8, 2, math.inf, False, 0.1),
        (16.0, 1.0, 128, math.inf, True, 0.0),  # 112 cores are left to a training that needs one
        (127.0, 1.0, 128, math.inf, True, 0.5),
        (40.0, 8.0, 64, 8.0, False, 0.0),  # a container with a quota, on a large machine
        (60.0, 8.0, 64, 8.0, False, 0.5),
        (0.5, 0.5, 1, math.inf, True, 0.5),
    ],
)
def test_others_count_by_what_they_take_of_the_cores_that_a_training_needs(
    others, own, cores, allowed, on_gpu, share
):
    assert taken_share(others, own, cores, allowed, on_gpu=on_gpu) == pytest.approx(share)


def test_a_worker_trains_in_its_turns_alone_and_ends_when_it_is_told_to(start):
    run, worker, gate = start("pytorch", "measured")
    assert answer(gate) == {"ready": True}
    for number in (1, 2, 3):
        gate.order(images=24, round=number, position=1)
        turn = answer(gate)
        assert (turn["steps"], turn["images"]) == (3, 24)
        halt_group(worker)
        lines = (run / "events.jsonl").read_bytes().count(b"\n")
        time.sleep(AT_THE_GATE_S / 3)
        resume_group(worker)
        assert (run / "events.jsonl").read_bytes().count(b"\n") <= lines + 1  # a line of progress at most
    gate.order(over=True)
    assert worker.wait(60) == 0, (run / "worker.log").read_text()
    record = fold_all(EventTail(run / "events.jsonl").stream())
    assert record.end.status == "completed"
    assert [(turn.round, turn.steps, turn.images) for turn in record.slices] == [
        (1, 3, 24),
        (2, 3, 24),
        (3, 3, 24),
    ]
    # 9 steps of 40 images an epoch: one epoch, and the time at the gate is not in it.
    assert [epoch.epoch for epoch in record.epochs] == [1]
    assert record.epochs[0].seconds < sum(turn.seconds for turn in record.slices)
    assert record.phases["training"] < sum(turn.seconds for turn in record.slices) + AT_THE_GATE_S / 2
    assert record.evaluation is None
    assert not list(run.glob("model.*"))


def test_a_worker_that_is_let_go_trains_to_its_last_epoch_and_is_evaluated(start):
    """As long as it takes turns it waits before its evaluation, too."""
    run, worker, gate = start("tensorflow", "whole", track="parity", cache=True)
    assert answer(gate) == {"ready": True}
    gate.order(images=16, round=1, position=1)
    assert answer(gate)["images"] == 16
    gate.order(images=10**6, round=2, position=2)
    assert answer(gate) == {"ended": True}
    assert b"evaluation" not in (run / "events.jsonl").read_bytes()
    gate.order(free=True)
    assert worker.wait(120) == 0, (run / "worker.log").read_text()
    record = fold_all(EventTail(run / "events.jsonl").stream())
    assert [epoch.epoch for epoch in record.epochs] == [1, 2]
    assert record.evaluation.accuracy >= 0
    assert len(record.slices) == 1


@pytest.mark.parametrize(
    ("framework", "settings"),
    [("pytorch", {"num_workers": 2}), ("tensorflow", {"track": "parity", "cache": True})],
)
def test_turns_in_a_training_of_their_own_leave_no_trace_in_the_one_that_follows(
    few_images, start, tmp_path, framework, settings
):
    run, worker, gate = start(framework, "anew", **settings)
    assert answer(gate) == {"ready": True}
    for number in (1, 2):
        gate.order(images=104, round=number, position=number)  # more than the two epochs in all
        assert answer(gate)["images"] == 104
    gate.order(anew=True)
    assert worker.wait(120) == 0, (run / "worker.log").read_text()
    record = fold_all(EventTail(run / "events.jsonl").stream())
    assert [turn.images for turn in record.slices] == [104, 104]
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "config.toml").write_text((run / "config.toml").read_text())
    subprocess.run(worker_command(sys.executable, alone), cwd=alone, capture_output=True, check=True)
    other = fold_all(EventTail(alone / "events.jsonl").stream())
    assert [epoch.loss for epoch in record.epochs] == [epoch.loss for epoch in other.epochs]
    assert record.evaluation.loss == other.evaluation.loss
    assert record.phases.keys() == other.phases.keys()
    assert list(run.glob("model.*"))
