"""What is said of a plan when the app is left, and the exit code that it comes to."""

import shutil
from dataclasses import replace

from tests.recordings import record_run
from tests.waiting import wait_until
from tfpt_tui.cli.wait_for_sweep import exit_code, leave
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.state import request_stop
from tfpt_tui.runs.record.sweep import Sweep, SweepPlan, left_of


def test_an_arm_that_ended_with_another_one_does_not_decide_the_exit_code(paths):
    errors = {"type": "DuelEnded", "message": "the duel ended with its other arm"}, {"type": "MissingError"}
    runs = tuple(record_run(paths, f"20261120-10000{n}-000{n}", "pytorch", status="failed") for n in (1, 2))
    for run, error in zip(runs, errors, strict=True):
        write_toml(run.result, {**read_toml(run.result), "error": error})
    sweep = Sweep(SweepDirectory(paths.sweeps / "s"), runs, SweepPlan())
    assert exit_code(sweep) == 3
    assert exit_code(replace(sweep, runs=runs[:1])) == 1


def test_when_the_app_is_left_what_is_left_goes_on_or_is_being_stopped(start, capsys):
    sweep = start("hangs")
    wait_until(sweep.runs[0].events.exists)  # the supervisor has claimed all of them, and writes no more there
    shutil.rmtree(sweep.runs[1].path)  # it was deleted: nothing of it is left
    assert left_of(sweep) == [sweep.runs[0]]
    assert leave([sweep], 0, "tfpt-tui") == 0
    assert "the runs continue; follow them with: tfpt-tui" in capsys.readouterr().err
    request_stop(sweep.runs[0])
    assert leave([sweep], 0, "tfpt-tui") == 130
    assert "stopping the runs" in capsys.readouterr().err
    wait_until(lambda: not left_of(sweep))
