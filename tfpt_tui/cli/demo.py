"""``tfpt-tui demo``: from nothing to a proof, a comparison, and what to try next."""

from __future__ import annotations

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say
from tfpt_tui.cli.parity import prove
from tfpt_tui.cli.prepare import describe, shown_progress
from tfpt_tui.cli.wait_for_sweep import wait_for_sweep
from tfpt_tui.config.presets import find_preset
from tfpt_tui.errors import TfptError
from tfpt_tui.hardware.gpu import read_gpu
from tfpt_tui.hardware.preflight import used_gpu
from tfpt_tui.runs.plan.plan import duel_of, make_plan
from tfpt_tui.runs.supervision.submit import submit
from tfpt_tui.runs.tasks.prepare_request import PrepareRequest, execute

# 4,000 training images: three epochs take a core or two about ten seconds.
IMAGES_PER_CLASS = 40
NEXT = """
next, on your own images, a folder with one folder for each class:
  tfpt-tui prepare PICTURES --out mine        makes a dataset of them
  tfpt-tui run quick --data mine --until 2%   which is faster, as users write it?
  tfpt-tui run parity --data mine             the same mathematics, 20 epochs"""


@click.command()
@click.option("--headless", is_flag=True, help="Plain text even on a terminal.")
@pass_invocation
def demo(invocation: Invocation, headless: bool) -> int:
    """Make synthetic pictures, prove that the frameworks compute the same, let them take turns, and compare.

    \b
    Example:
      tfpt-tui demo
    """
    request = PrepareRequest("synthetic", str(invocation.paths.datasets / "demo"), limit=IMAGES_PER_CLASS)
    with shown_progress(request) as bars:
        outcome = execute(request, invocation.settings, invocation.paths, note=say, tell=bars.tell)
    say(describe(outcome, request.target.directory).rstrip())
    _prove_parity(invocation)
    preset = find_preset("demo", invocation.paths)
    plan = make_plan(preset, data=request.out, duel=duel_of(preset))
    code = wait_for_sweep(submit(plan, invocation.settings, invocation.paths), invocation, headless)
    if not code:
        say(NEXT)
    return code


def _prove_parity(invocation: Invocation) -> None:
    """Say whether the same network computes the same here; a speed can be measured anyway."""
    gpu = read_gpu()
    try:
        proofs = prove("cpu" if used_gpu("auto", gpu) is None else "gpu", gpu, invocation)
    except TfptError as error:
        say(f"no proof of parity: {error}")
        return
    checks = [check for proof in proofs for check in proof.checks]
    passed = sum(check.passed for check in checks)
    say(f"parity: {passed} of {len(checks)} checks passed; tfpt-tui parity shows them")
