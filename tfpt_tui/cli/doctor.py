"""``tfpt-tui doctor``: what works here, what does not, and the line that mends it."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, text_width
from tfpt_tui.environments.doctor.examine import examine, summarize, works, worst_first
from tfpt_tui.environments.doctor.finding import LEVELS, Finding
from tfpt_tui.errors import MissingError, printable
from tfpt_tui.wording import wrap

# Such as "shared memory": what is found later stands below what was found first. A longer topic has its own line.
LEAST_TOPIC_WIDTH, MOST_TOPIC_WIDTH = 13, 24


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@pass_invocation
def doctor(invocation: Invocation, as_json: bool) -> int:
    """What works here, what does not, and the line that mends it.

    Both frameworks are imported for it, which takes some seconds. The exit code is 3 when a run could not work.
    """
    live = sys.stdout.isatty() and not as_json
    findings: list[Finding] = []
    say("looking at this machine")
    for found in examine(invocation.paths):
        if live:
            show(report(found, text_width()))
        if not findings:
            say("looking at the frameworks")
        findings += found
    findings = worst_first(findings)
    if as_json:
        document = {
            "schema": 1,
            "works": works(findings),
            "findings": [dataclasses.asdict(finding) for finding in findings],
        }
        show(json.dumps(document, indent=2) + "\n")
    elif live:
        show(f"\n{summarize(findings)}\n")
    else:
        show(f"{report(findings, text_width())}\n{summarize(findings)}\n")
    return MissingError.exit_code if works(findings) is False else 0


def report(findings: Sequence[Finding], width: int) -> str:
    """Every finding, broken at so many columns, and below it the line that mends it, whole, to be copied."""
    level_width = max(map(len, LEVELS))
    topic_width = min(max([LEAST_TOPIC_WIDTH, *(len(finding.topic) for finding in findings)]), MOST_TOPIC_WIDTH)
    indent = " " * (level_width + topic_width + 4)
    lines = []
    for finding in findings:
        first = f"{finding.level:<{level_width}}  {printable(finding.topic):<{topic_width}}  "
        if len(first) > len(indent):
            lines.append(first.rstrip())
            first = indent
        lines += wrap(finding.message, width, first, indent)
        if finding.remedy:
            lines.append(f"{indent}-> {printable(finding.remedy)}")
    return "".join(f"{line}\n" for line in lines)
