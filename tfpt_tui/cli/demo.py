"""``tfpt-tui demo``: from nothing to a comparison."""

from __future__ import annotations

import click

from tfpt_tui.cli.attend import attend
from tfpt_tui.cli.invocation import Invocation, pass_invocation, say
from tfpt_tui.cli.prepare import describe, prepare_with_bar
from tfpt_tui.config.presets import find_preset
from tfpt_tui.data.prepare import Target
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.runs.plan import make_plan
from tfpt_tui.runs.sweep import submit

# 4,000 training images: three epochs take a core or two about ten seconds.
IMAGES_PER_CLASS = 40


@click.command()
@click.option("--headless", is_flag=True, help="Plain text, also on a terminal.")
@pass_invocation
def demo(invocation: Invocation, headless: bool) -> int:
    """Make synthetic pictures, train a short run of each framework on them, and compare the two."""
    target = Target(invocation.paths.datasets / "demo")
    outcome = prepare_with_bar(make_synthetic(limit=IMAGES_PER_CLASS), target)
    say(describe(outcome, target.directory).rstrip())
    preset = find_preset("demo", invocation.paths)
    plan = make_plan(preset, invocation.settings, data=str(target.directory))
    return attend(submit(plan, invocation.paths), invocation, headless)
