"""``tfpt-tui doctor``: what works here, what does not, and the line that fixes it."""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, table_text, text_width
from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.environments.doctor.examine import examine, summarize, works, worst_first
from tfpt_tui.environments.doctor.finding import LEVELS, Finding
from tfpt_tui.environments.interpreters import check_framework
from tfpt_tui.errors import MissingError, printable
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.gpu import read_gpu
from tfpt_tui.hardware.machine import describe_machine
from tfpt_tui.hardware.sensitivity import SHARES, to_document, write_sensitivity
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.record.lock import machine_lock
from tfpt_tui.runs.tasks.neutrality_evidence import Case, available_cores, make_images
from tfpt_tui.runs.tasks.sensitivity import measure_sensitivity
from tfpt_tui.wording import wrap

# Such as "shared memory": what is found later stands below what was found first. A longer topic has its own line.
LEAST_TOPIC_WIDTH, MOST_TOPIC_WIDTH = 13, 24


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option(
    "--sensitivity",
    is_flag=True,
    help="Instead, measure how much others on the processor slow each framework down; about three minutes.",
)
@pass_invocation
def doctor(invocation: Invocation, as_json: bool, sensitivity: bool) -> int:
    """Check this machine and show a fix for each problem.

    Both frameworks are imported for it, which takes some seconds. The exit code is 3 when a run could not work.

    With --sensitivity, each framework trains while a process that uses 5, 12 and 25 % of the cores comes and goes.
    From then on runs are judged by what others on this machine do to them, not by their share alone.

    \b
    Example:
      tfpt-tui doctor
    """
    if sensitivity:
        return _measure_sensitivity(invocation, as_json)
    live = sys.stdout.isatty() and not as_json
    findings: list[Finding] = []
    say("checking this machine")
    for found in examine(invocation.paths):
        if live:
            show(report(found, text_width()))
        if not findings:
            say("checking the frameworks")
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


def _measure_sensitivity(invocation: Invocation, as_json: bool) -> int:
    machine = fingerprint(describe_machine(read_gpu()), on_gpu=False).machine
    interpreters = {framework: check_framework(framework, invocation.settings) for framework in FRAMEWORKS}
    found = {}
    with machine_lock("tfpt-tui doctor", say), tempfile.TemporaryDirectory(prefix="tfpt-tui-doctor-") as place:
        data = make_images(Path(place) / "data", "model")
        for framework, interpreter in interpreters.items():
            case, own = Case(framework, "default", "model"), Path(place) / framework
            found[framework] = measure_sensitivity(case, interpreter, data, own, available_cores(), say)
            write_sensitivity(found[framework], invocation.paths.sensitivity, machine, framework)
    if as_json:
        slowdowns = {framework: to_document(one) for framework, one in found.items()}
        show(json.dumps({"schema": 1, "sensitivity": slowdowns}, indent=2) + "\n")
    else:
        columns = (
            Column("framework", "framework"),
            *(Column(f"{share}", f"others {share:.0%}", 2) for share in SHARES),
        )
        rows: list[dict[str, Cell]] = [
            {"framework": title_of(framework), **{f"{share}": one.slowdown[share] for share in SHARES}}
            for framework, one in found.items()
        ]
        note = "how many times as long an epoch takes while others use so much of our cores; kept for this machine"
        show(table_text(Table(columns, tuple(rows), (note,))))
    return 0


def report(findings: Sequence[Finding], width: int) -> str:
    """Every finding, broken at so many columns, and below it the line that fixes it, whole, to be copied."""
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
