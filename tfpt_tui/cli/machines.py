"""``tfpt-tui machines``: the other machines that runs can be sent to."""

from __future__ import annotations

import dataclasses
import json
import time

import click

from tfpt_tui.cli.completion import complete_machine
from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, show_table, text_width
from tfpt_tui.config.machines import Machine, find_machine
from tfpt_tui.errors import MissingError, TfptError
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.record.contact import read_contact
from tfpt_tui.wording import show_duration

COLUMNS = (
    Column("machine", "machine"),
    Column("kind", "kind"),
    Column("host", "host"),
    Column("heard", "last heard"),
    Column("doing", "then"),
)


@click.group(invoke_without_command=True)
@click.pass_context
def machines(context: click.Context) -> None:
    """List, check and fetch from the other machines that config.toml describes.

    Runs are sent to them with: tfpt-tui run PRESET --on NAME

    \b
    Example:
      tfpt-tui machines check box
    """
    if context.invoked_subcommand is None:
        context.invoke(list_command)


@machines.command("list")
@click.option("--json", "as_json", is_flag=True, help="As a list of JSON objects.")
@pass_invocation
def list_command(invocation: Invocation, as_json: bool) -> None:
    """List them, with what was heard of each last. No machine is asked.

    \b
    Example:
      tfpt-tui machines list
    """
    known = [(machine, read_contact(machine.name, invocation.paths)) for machine in _all(invocation)]
    if as_json:
        documents = [{**dataclasses.asdict(one), **dataclasses.asdict(contact)} for one, contact in known]
        show(json.dumps(documents, indent=2) + "\n")
        return
    rows: list[dict[str, Cell]] = [
        {
            "machine": machine.name,
            "kind": machine.kind,
            "host": machine.host,
            "heard": f"{show_duration(time.time() - contact.heard)} ago" if contact.heard else None,
            "doing": contact.problem or (contact.doing if contact.heard else None),
        }
        for machine, contact in known
    ]
    show_table(Table(COLUMNS, tuple(rows)))
    if not rows:
        say(f"{invocation.paths.settings}: describes no machine; see tfpt-tui manual machines")


@machines.command()
@click.argument("name", shell_complete=complete_machine)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@pass_invocation
def check(invocation: Invocation, name: str, as_json: bool) -> int:
    """Reach a machine, and look at all that a run needs there; each problem has its fix.

    The frameworks are imported there for it, which takes some seconds. The exit code is 3 where a run could not
    work.

    \b
    Example:
      tfpt-tui machines check box
    """
    from tfpt_tui.cli.doctor import report
    from tfpt_tui.environments.doctor.examine import summarize, works
    from tfpt_tui.machines.check import check_machine

    findings = []
    for found in check_machine(find_machine(name, invocation.settings.machines)):
        findings.append(found)
        if not as_json:
            show(report([found], text_width()))
    if as_json:
        document = {"schema": 1, "machine": name, "works": works(findings)}
        show(json.dumps({**document, "findings": [dataclasses.asdict(one) for one in findings]}, indent=2) + "\n")
    else:
        show(f"\n{summarize(findings)}\n")
    return MissingError.exit_code if works(findings) is False else 0


@machines.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_machine)
@pass_invocation
def fetch(invocation: Invocation, names: tuple[str, ...]) -> int:
    """Bring the copies of their runs up to date, once; all machines where none is named.

    Without it they are up to date while the app is open, or a run is followed.

    \b
    Example:
      tfpt-tui machines fetch box
    """
    from tfpt_tui.machines.follower import fetch as fetch_runs

    code = 0
    chosen = [find_machine(name, invocation.settings.machines) for name in names] or _all(invocation)
    for machine in chosen:
        try:
            left = fetch_runs(machine, invocation.paths)
        except TfptError as error:
            say(f"tfpt-tui: {error}")
            code = code or error.exit_code
            continue
        say(f"{machine.name}: up to date; {left} plan{'' if left == 1 else 's'} under way")
    return code


@machines.command(hidden=True)
def agent() -> None:
    """Execute what the tfpt-tui of another machine wants; it is started by that, over ssh.

    \b
    Example:
      tfpt-tui machines agent < request
    """
    from tfpt_tui.machines.agent import main

    main()


def _all(invocation: Invocation) -> list[Machine]:
    return list(invocation.settings.machines.values())
