"""``tfpt-tui demo``: from nothing to a comparison."""

from __future__ import annotations

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say
from tfpt_tui.cli.prepare import describe, shown_progress
from tfpt_tui.cli.wait_for_sweep import wait_for_sweep
from tfpt_tui.config.presets import find_preset
from tfpt_tui.runs.plan.plan import duel_of, make_plan
from tfpt_tui.runs.supervision.submit import submit
from tfpt_tui.runs.tasks.prepare_request import PrepareRequest, execute

# 4,000 training images: three epochs take a core or two about ten seconds.
IMAGES_PER_CLASS = 40


@click.command()
@click.option("--headless", is_flag=True, help="Plain text even on a terminal.")
@pass_invocation
def demo(invocation: Invocation, headless: bool) -> int:
    """Make synthetic pictures, train a short run of each framework on them, and compare the two."""
    request = PrepareRequest("synthetic", str(invocation.paths.datasets / "demo"), limit=IMAGES_PER_CLASS)
    with shown_progress(request) as bars:
        outcome = execute(request, invocation.settings, invocation.paths, note=say, tell=bars.tell)
    say(describe(outcome, request.target.directory).rstrip())
    preset = find_preset("demo", invocation.paths)
    plan = make_plan(preset, data=request.out, repeats=1, duel=duel_of(preset))
    return wait_for_sweep(submit(plan, invocation.settings, invocation.paths), invocation, headless)
