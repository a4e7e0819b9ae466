"""A job of a cluster that begins again is followed to its end, too."""

from tests.recordings import record_run, record_sweep
from tfpt_tui.cli import run_on, wait_for_sweep
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.sweep import read_sweep

SWEEP = "20261120-100000-demo-0001"


def begin(paths, monkeypatch, module, name):
    """A sweep of one run, whose place another one takes while it is followed; the runs that were followed."""
    first, second = (record_run(paths, f"20261120-10000{n}-000{n}", "pytorch", sweep=SWEEP) for n in (1, 2))
    directory = record_sweep(paths, SWEEP, first)
    followed = []

    def follow(what, *_):
        sweeps = what if isinstance(what, list) else [("", what)]
        followed.extend(run.id for _, sweep in sweeps for run in sweep.runs)
        plan = directory / "plan.toml"
        plan.write_text(plan.read_text().replace(first.id, second.id))
        return False

    monkeypatch.setattr(module, name, follow)
    return read_sweep(SweepDirectory(directory), paths), followed, [first.id, second.id]


def test_a_sweep_is_followed_until_nothing_takes_the_place_of_its_runs(paths, monkeypatch):
    sweep, followed, runs = begin(paths, monkeypatch, wait_for_sweep, "follow")
    last, interrupted = wait_for_sweep.follow_attempts(sweep, paths)
    assert (followed, interrupted) == (runs, False)
    assert [run.id for run in last.runs] == runs[1:]


def test_so_are_the_sweeps_of_several_machines(paths, monkeypatch, capsys):
    sweep, followed, runs = begin(paths, monkeypatch, run_on, "follow_together")

    class Invoked:
        pass

    invoked = Invoked()
    invoked.paths = paths
    run_on._wait_for_all([("box", sweep)], invoked, headless=True)
    assert followed == runs
