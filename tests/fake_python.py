"""A scripted stand-in for a framework's interpreter: it is started like one and tells a story as events.

The story is named by the environment variable FAKE_STORY, several stories by commas, one a worker in order.
"""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from pathlib import Path

from tfpt_tui import events
from tfpt_tui.backends.report import Report
from tfpt_tui.events import Stamped, encode


class Story:
    def __init__(self, run: Path) -> None:
        self.run = run
        self.file = run / "events.jsonl"
        self.seq = 0
        self.is_disturbed = False

    def tell(self, event) -> None:
        self.write(encode(Stamped(self.seq, time.time(), self.seq / 10, event)))
        self.seq += 1

    def write(self, text: str) -> None:
        with self.file.open("a") as file:
            file.write(text)

    def begin(self) -> None:
        config = {"epochs": 2, "framework": self.run.name.split("-")[2], "batch_size": 32}
        self.tell(events.RunStart(self.run.name, config["framework"], "9.9", "0.2.0", config, os.getpid()))
        self.phase("import")
        self.tell(events.ModelSummary((events.Layer("conv", "Conv2d", (32, 32, 32), 896),), 271652, 270948, 704))
        self.tell(events.Environment({"torch": "9.9"}, "cpu", {"device": "cpu", "threads": 2}))
        self.tell(events.PhaseStart("training"))

    def phase(self, name: str, seconds: float = 1.0) -> None:
        self.tell(events.PhaseStart(name))
        self.tell(events.PhaseEnd(name, seconds))

    def epoch(self, number: int, loss: float) -> None:
        self.tell(events.Progress("training", number, 50, 100, 100.0))
        self.tell(events.EpochEnd(number, 2, loss, 0.5, 1.0 / number, 0.1, 100.0 * number))

    def end(self, status: str = "completed", error: events.RunError | None = None) -> None:
        self.tell(events.RunEnd(status, error, {"peak_rss_bytes": 10**6}))


def completes(story: Story) -> None:
    story.begin()
    story.epoch(1, 2.0)
    story.epoch(2, 1.0)
    story.tell(events.PhaseEnd("training", 1.5))
    story.phase("evaluation", 0.5)
    story.tell(events.EvaluationEnd(1.1, 0.6, 0.5, 200.0))
    story.end()


def profiles(story: Story) -> None:
    story.begin()
    story.tell(events.StepProfile(0.02, 0.021, {"convolution": 1.0}, "trace.json", 150.0, 120.0))
    story.end()


def diverges(story: Story) -> None:
    story.begin()
    story.epoch(1, 2.0)
    story.epoch(2, float("nan"))
    story.tell(events.EvaluationEnd(float("inf"), 0.1, 0.5, 200.0))
    story.end()


def fails(story: Story) -> None:
    story.begin()
    story.end("failed", events.RunError("ValueError", "a bad value", "Traceback ..."))
    sys.exit(1)


def lacks_a_device(story: Story) -> None:
    story.end("failed", events.RunError("MissingError", "device=gpu: it sees 0 GPUs", ""))
    sys.exit(1)


def runs_out_of_memory(story: Story) -> None:
    story.begin()
    story.end("out_of_memory", events.RunError("OutOfMemoryError", "tried to allocate 1 TB", ""))


def jumps_back(story: Story) -> None:
    """Its clocks do, and its run has more steps than anybody waits for."""
    story.begin()
    story.tell(events.Progress("training", 1, 10**12, 10**13, 1e15))
    story.seq = 1000
    story.epoch(1, 2.0)
    story.seq = 2
    story.epoch(2, 1.0)
    story.tell(events.PhaseStart("evaluation"))
    story.seq = 0
    story.tell(events.Progress("evaluation", None, 1, 2, 0.0))
    os._exit(0)


def exits(story: Story) -> None:
    story.begin()
    story.epoch(1, 2.0)
    os._exit(3)


def is_killed(story: Story) -> None:
    story.begin()
    story.epoch(1, 2.0)
    os.kill(os.getpid(), signal.SIGKILL)


def talks_nonsense(story: Story) -> None:
    print("Hello from a library", flush=True)
    story.begin()
    story.write("this is no event\n[1, 2]\n" + '{"kind": "epoch_end", "loss": "high"}\n\xff\n')
    story.epoch(1, 2.0)
    story.write('{"v":1,"seq":99,"time":1,"elapsed":1,"kind":"run_end","sta')
    os._exit(0)


def floods(story: Story) -> None:
    story.begin()
    line = encode(Stamped(7, time.time(), 1.0, events.Progress("training", 1, 5, 10, 1.0)))
    for _ in range(50):
        story.write(line * 1000)
    story.epoch(1, 2.0)
    story.end()


def takes_its_time(story: Story) -> None:
    """An epoch every twentieth of a second, for three seconds."""
    story.begin()
    for number in range(1, 61):
        story.epoch(number, 2.0 / number)
        time.sleep(0.05)
    story.tell(events.PhaseEnd("training", 1.5))
    story.tell(events.EvaluationEnd(1.1, 0.6, 0.5, 200.0))
    story.end()


def trains_for_minutes(story: Story) -> None:
    """Tells of its progress five times a second, as a worker does."""
    story.begin()
    for number in range(3000):
        story.tell(events.Progress("training", 1, number, 3000, 100.0))
        time.sleep(0.2)


def hangs(story: Story) -> None:
    """Silent, but polite: it stops when it is asked to."""

    def stop(*_):
        story.end("stopped")
        sys.exit(1)

    signal.signal(signal.SIGTERM, stop)
    story.begin()
    story.epoch(1, 2.0)
    time.sleep(600)


def leaves_a_file_and_hangs(story: Story) -> None:
    (Path(os.environ["TMPDIR"]) / "left").touch()
    hangs(story)


def is_stubborn(story: Story) -> None:
    """Neither it nor its child reacts to a request."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])
    (story.run / "child.json").write_text(json.dumps({"pid": child.pid}))
    story.begin()
    time.sleep(600)


PACES_S = {"pytorch": 0.001, "tensorflow": 0.002}


def takes_turns(story: Story, in_turn=lambda number: None) -> None:
    """Trains on 8 images a step, 80 an epoch, for three epochs or until it is told to end.

    ``in_turn`` is called before each step with its number, the first one 10. Five find the length of a turn. The
    time of a step is on its clock only: nobody waits for it.
    """
    from tfpt_tui.backends import gate as gates
    from tfpt_tui.backends import report as reports
    from tfpt_tui.backends.gate import DuelOver, Gate, TrainAnew

    trained_s = 0.0
    reports.clock = lambda: time.perf_counter() + trained_s
    if not story.is_disturbed:  # by whatever else is tested meanwhile
        gates.LEAST_JUDGED_S = math.inf
    framework, kind = story.run.name.split("-")[2], sys.argv[7]
    with Report(story.file) as report, suppress(DuelOver):
        config = {"epochs": 3, "framework": framework, "batch_size": 8}
        report.emit(events.RunStart(story.run.name, framework, "9.9", "0.2.0", config, os.getpid()))
        report.emit(events.Environment({"torch": "9.9"}, "cpu", {"device": "cpu"}))
        report.quiet, report.endless = kind == events.ANEW, kind != events.WHOLE

        def train(epochs):
            nonlocal trained_s
            for epoch in range(1, epochs + 1):
                report.begin_epoch(epoch, 3, 80)
                started = report.clock()
                for step in range(10):
                    in_turn(10 * epoch + step)
                    trained_s += PACES_S[framework]
                    report.count(8)
                report.end_epoch(1.0, 0.5, report.clock() - started, 0.01)

        gate = Gate(report, int(sys.argv[6]), lambda: None)
        report.step_done = gate.passed
        gate.arrive()
        if kind == events.ANEW:
            with suppress(TrainAnew):
                train(10_000)
            report.quiet = report.endless = False
            report.step_done = lambda images, steps: None
        with report.phase("training"), suppress(DuelOver):
            train(10_000 if kind == events.ONLY_TURNS else 3)
        gate.leave()
        report.emit(events.EvaluationEnd(1.1, 0.6, 0.5, 200.0))
    with Report(story.file) as report:
        report.emit(events.RunEnd("completed", None, {"peak_rss_bytes": 10**6}))


def dies_in_its_turn(story: Story) -> None:
    takes_turns(story, lambda number: number > 20 and os._exit(3))


def dies_in_its_first_turn(story: Story) -> None:
    takes_turns(story, lambda number: os._exit(3))


def hangs_in_its_turn(story: Story) -> None:
    takes_turns(story, lambda number: number > 20 and time.sleep(600))


def is_ten_thousand_times_slower(story: Story) -> None:
    PACES_S[story.run.name.split("-")[2]] = 0.3
    takes_turns(story)


def is_disturbed_in_some_turns(story: Story, every: int = 3) -> None:
    """Others use most of the cores in each third of its turns."""
    from tfpt_tui.backends import gate

    readings, busy_s = itertools.count(), 0.0

    def read_busy_s(cores: object) -> float:
        nonlocal busy_s
        turn, at_end = divmod(next(readings), 2)
        busy_s += 1000.0 * (at_end and turn % every == 0)
        return busy_s

    gate.LEAST_JUDGED_S, gate.read_busy_s = 0.0, read_busy_s
    story.is_disturbed = True
    takes_turns(story)


def is_disturbed_in_all_turns(story: Story) -> None:
    is_disturbed_in_some_turns(story, every=1)


def is_far_behind(story: Story) -> None:
    PACES_S[story.run.name.split("-")[2]] *= 2
    takes_turns(story)


def never_comes_to_its_gate(story: Story) -> None:
    os._exit(3)


def is_as_fast_as_its_switches(story: Story) -> None:
    """oneDNN is worth a third of the time, the fused Adam costs a third; compiled it dies in its first turns."""
    row = tomllib.loads((story.run / "config.toml").read_text())["rows"][0]
    if row["compile"] == "on":
        dies_in_its_turn(story)
    slower = (1.5 if row["onednn"] == "off" else 1.0) * (1.5 if row["fused_adam"] == "on" else 1.0)
    PACES_S[row["framework"]] = 0.002 * slower
    takes_turns(story)


def is_as_fast_as_its_batch(story: Story) -> None:
    """One of 16 takes half of the time of any other; without turns it is like any run."""
    row = tomllib.loads((story.run / "config.toml").read_text())["rows"][0]
    PACES_S[row["framework"]] = 0.002 if row["batch_size"] == 16 else 0.004
    takes_turns(story) if len(sys.argv) > 5 else completes(story)


def main() -> None:
    if sys.argv[1] == "-c":
        print("missing:")  # the probe asks which modules are missing: none
        return
    run, parent = Path(sys.argv[3]), int(sys.argv[4])
    from tfpt_tui.lifeline import die_with_parent

    die_with_parent(parent)
    stories = os.environ["FAKE_STORY"].split(",")
    counter = run.parent / "workers-started"
    started = len(counter.read_text()) if counter.exists() else 0
    with counter.open("a") as file:
        file.write(".")
    story = globals()[stories[min(started, len(stories) - 1)]]
    at_a_gate = len(sys.argv) > 5
    (takes_turns if at_a_gate and story is completes else story)(Story(run))


if __name__ == "__main__":
    main()
