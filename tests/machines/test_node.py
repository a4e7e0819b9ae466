"""What the next attempt of a job finds of the one before."""

import pytest

from tfpt_tui.config.presets import find_preset
from tfpt_tui.files import append_to
from tfpt_tui.machines.node import begin_again
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.state import request_stop
from tfpt_tui.runs.record.sweep import record_plan


@pytest.mark.parametrize(
    ("ask", "stays"), [(lambda sweep: append_to(sweep.stop).close(), False), (request_stop, True)]
)
def test_what_the_user_asked_for_outlives_an_attempt_and_the_signal_that_ended_it_does_not(
    paths, dataset, ask, stays
):
    plan = make_plan(find_preset("demo", paths), data=str(dataset))
    sweep = record_plan(plan, {run.place: "/p/python" for run in plan.runs}, paths)
    ask(sweep.directory)
    append_to(sweep.directory.stop).close()  # a signal comes on top
    begin_again(sweep.directory, paths, 2)
    assert sweep.directory.stop.exists() is stays
