"""``tfpt-tui doctor``: what works here, what does not, and the line that mends it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, text_width, wrap
from tfpt_tui.environments.doctor.examine import examine, summarize, works
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.errors import MissingError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@pass_invocation
def doctor(invocation: Invocation, as_json: bool) -> int:
    """What works here, what does not, and the line that mends it.

    Both frameworks are imported for it, which takes some seconds. The exit code is 3 when a run could not work.
    """
    say("looking at this machine, and importing the frameworks")
    findings = examine(invocation.paths)
    if as_json:
        document = {
            "schema": 1,
            "works": works(findings),
            "findings": [dataclasses.asdict(finding) for finding in findings],
        }
        show(json.dumps(document, indent=2) + "\n")
    else:
        show(f"{report(findings, text_width())}\n{summarize(findings)}\n")
    return 0 if works(findings) else MissingError.exit_code


def report(findings: Sequence[Finding], width: int) -> str:
    """A line for every finding, and below it the one that mends it, broken at so many columns."""
    level_width = max(len(finding.level) for finding in findings)
    topic_width = max(len(finding.topic) for finding in findings)
    indent = " " * (level_width + topic_width + 4)
    lines = []
    for finding in findings:
        first = f"{finding.level:<{level_width}}  {finding.topic:<{topic_width}}  "
        lines += wrap(finding.message, width, first, indent)
        if finding.remedy:
            lines += wrap(finding.remedy, width, f"{indent}-> ", f"{indent}   ")
    return "\n".join(lines) + "\n"
