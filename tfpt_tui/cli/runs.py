"""``tfpt-tui runs``: what is recorded, and what can be done with it."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import click

from tfpt_tui.cli.completion import complete_run_or_sweep, complete_sweep, complete_tag
from tfpt_tui.cli.follow import POLL_S, follow, narrators_of
from tfpt_tui.cli.forecast import forecast_rest
from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, show_table, tell_indexing, text_width
from tfpt_tui.cli.run_on import run_on_machines
from tfpt_tui.cli.wait_for_sweep import wait_for_sweep
from tfpt_tui.config.machines import find_machine, find_machines
from tfpt_tui.documents import finite
from tfpt_tui.errors import UsageError, printable
from tfpt_tui.events import ALIVE
from tfpt_tui.results.presentation.listing import describe_notes, listing
from tfpt_tui.results.presentation.run_report import report_layers, report_run
from tfpt_tui.results.store.index import read_summaries, stream_documents
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory, find_run, find_sweep
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.notes import parse_note, parse_tags, read_notes, write_note, write_tags
from tfpt_tui.runs.record.result import whole_document
from tfpt_tui.runs.record.state import (
    delete_run,
    machine_of,
    owner_of,
    read_state,
    request_stop,
    status_of,
)
from tfpt_tui.runs.record.sweep import (
    Sweep,
    check_over,
    find_run_or_sweep,
    latest_sweep,
    left_of,
    read_config,
    read_sweep,
)
from tfpt_tui.runs.record.tail import EventTail
from tfpt_tui.runs.record.transfer import export_runs, import_runs
from tfpt_tui.runs.supervision.rerun import Rerun, reruns_of
from tfpt_tui.runs.supervision.submit import Interpreters, submit

# Ending a worker that hangs takes ten seconds.
PATIENCE_S = 15.0
WRITTEN_AT_ONCE = 200  # documents of runs


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def runs(context: click.Context, as_json: bool) -> None:
    """List, show, follow, stop, resume, rerun, note, tag, delete, export and import recorded runs.

    An ID may be shortened to any prefix that is unique.

    \b
    Example:
      tfpt-tui runs list
    """
    if context.invoked_subcommand is None:
        context.invoke(list_command, as_json=as_json)
    elif as_json:
        raise click.UsageError("put --json after the command: runs list --json, runs show ID --json")


@runs.command("list")
@click.option("--json", "as_json", is_flag=True, help="As a list of JSON objects.")
@pass_invocation
def list_command(invocation: Invocation, as_json: bool) -> None:
    """List all runs, newest first.

    \b
    Example:
      tfpt-tui runs list --json
    """
    if as_json:
        documents = stream_documents(invocation.paths, tell_indexing)
        before = "[\n"
        while some := list(islice(documents, WRITTEN_AT_ONCE)):
            show(before + ",\n".join(some))
            before = ",\n"
        show("[]\n" if before == "[\n" else "\n]\n")
    else:
        found = read_summaries(invocation.paths, tell_indexing)
        show_table(listing(found))
        if not found:
            say(f"{invocation.paths.runs}: no runs yet; make some with: tfpt-tui demo")
    invocation.note_missing_frameworks()


@runs.command("show")
@click.argument("run_id", metavar="ID", shell_complete=complete_run_or_sweep)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@pass_invocation
def show_command(invocation: Invocation, run_id: str, as_json: bool) -> None:
    """Show one run, live or over.

    \b
    Example:
      tfpt-tui runs show 20261122-1655
    """
    run = find_run(invocation.paths, run_id)
    result = read_result(run)
    if as_json:
        show(_as_json({**whole_document(result), "directory": str(run.path)}))
        return
    show(report_run(result, text_width()) + f"  {printable(str(run.path))}\n")
    if result.model:  # the layers themselves stand in the events only
        model = fold_all(EventTail(run.events).stream()).model
        show("\n" + report_layers(model) if model else "")


@runs.command()
@click.argument("run_id", metavar="ID", shell_complete=complete_run_or_sweep)
@pass_invocation
def tail(invocation: Invocation, run_id: str) -> None:
    """Follow a run, or a sweep, from its beginning to its end; Ctrl-C leaves it running.

    \b
    Example:
      tfpt-tui runs tail 20261122-1655
    """
    found = find_run_or_sweep(run_id, invocation.paths)
    runs, sweep = ([found], None) if isinstance(found, RunDirectory) else (list(found.runs), found)
    with _kept_up_to_date(invocation, found):
        for narrator in narrators_of(runs):
            while not narrator.step(sweep):
                time.sleep(POLL_S)


@runs.command()
@click.argument("run_id", metavar="ID", shell_complete=complete_run_or_sweep)
@pass_invocation
def stop(invocation: Invocation, run_id: str) -> None:
    """Ask a run, or a sweep, to stop, and wait until it has.

    \b
    Example:
      tfpt-tui runs stop 20261122-1655
    """
    found = find_run_or_sweep(run_id, invocation.paths)
    with _kept_up_to_date(invocation, found):
        if isinstance(found, RunDirectory):
            if status_of(found) not in ALIVE:
                raise UsageError(f"{found.id}: is not running: {status_of(found)}")
            request_stop(found)
            is_over = _wait_for_the_end(found)
            say(f"{found.id}: {status_of(found) if is_over else 'is left out when its turn comes'}")
            return
        if not left_of(found):
            raise UsageError(f"{found.id}: none of its runs is running")
        request_stop(found.directory)
        follow(found)


@runs.command()
@click.argument("run_id", metavar="[ID]", required=False, shell_complete=complete_run_or_sweep)
@click.option("--failed", is_flag=True, help="Those of a sweep (by default the latest) that did not complete.")
@click.option("--detach", is_flag=True, help="Return at once with the IDs of the new runs.")
@click.option("--headless", is_flag=True, help="Plain text even on a terminal.")
@pass_invocation
def rerun(invocation: Invocation, run_id: str | None, failed: bool, detach: bool, headless: bool) -> int:
    """Run once more what a run or a sweep was, on its machine, as a sweep of its own; a duel as a duel.

    \b
    Example:
      tfpt-tui runs rerun 20261122-1655
    """
    if not failed and not run_id:
        raise click.UsageError("name the run, or give --failed")
    chosen = _unfinished(_sweep(invocation, run_id)) if failed else _runs_of(invocation, run_id or "")
    code = 0
    for again in reruns_of(chosen, invocation.paths):
        if again.machine:
            machines = find_machines(again.machine, invocation.settings.machines)
            code = run_on_machines(again.plan, machines, "", invocation, detach=detach, headless=headless) or code
            continue
        note = partial(_note_other_interpreters, again)
        sweep = submit(again.plan, invocation.settings, invocation.paths, note)
        code = _follow(sweep, invocation, detach, headless) or code
    return code


def _note_other_interpreters(again: Rerun, interpreters: Interpreters) -> None:
    for run, planned in zip(again.runs, again.plan.runs, strict=True):
        now = interpreters[planned.place]
        before = read_result(run).environment.interpreter or now
        if before != now:
            say(f"note: {run.id} ran in {before}; its environment is {now} now")


@runs.command()
@click.argument("sweep_id", metavar="[SWEEP]", required=False, shell_complete=complete_sweep)
@click.option("--detach", is_flag=True, help="Return at once with the IDs of the runs that are left.")
@click.option("--headless", is_flag=True, help="Plain text even on a terminal.")
@pass_invocation
def resume(invocation: Invocation, sweep_id: str | None, detach: bool, headless: bool) -> int:
    """Go on with a sweep that was interrupted, by default the latest: only what did not complete is run.

    \b
    Example:
      tfpt-tui runs resume
    """
    from tfpt_tui.machines.again import go_on

    sweep = _sweep(invocation, sweep_id)
    resumed, rest = go_on(sweep.directory, invocation.settings, invocation.paths)
    summary = (
        f"{sweep.id}: {len(rest.completed)} of {len(sweep.runs)} runs completed, {len(rest.pending)} are left"
    )
    left = [read_config(run) for run in rest.pending if run.config.exists()]
    # The pace is known of this machine only.
    elsewhere = machine_of(sweep.directory)
    # A duel takes as long as its question, not as its trainings.
    how_long = "" if elsewhere or sweep.plan.duel else forecast_rest(left, invocation.paths)
    say(f"{summary}, {how_long}" if how_long else summary)
    if rest.deleted:
        say(f"deleted since, skipped: {', '.join(run.id for run in rest.deleted)}")
    with _kept_up_to_date(invocation, resumed):
        return _follow(resumed, invocation, detach, headless)


@runs.command()
@click.argument("run_id", metavar="ID", shell_complete=complete_run_or_sweep)
@click.argument("text", metavar="[TEXT]...", nargs=-1)
@click.option("--remove", is_flag=True, help="Take the note away.")
@pass_invocation
def note(invocation: Invocation, run_id: str, text: tuple[str, ...], remove: bool) -> None:
    """Note a line on a run, or on those of a sweep, in place of the one before; without TEXT, show it.

    \b
    Example:
      tfpt-tui runs note 20261122-1655 before the driver was updated
    """
    if text and remove:
        raise click.UsageError("give TEXT or --remove")
    words = parse_note(" ".join(text))
    for run in _runs_of(invocation, run_id):
        if text or remove:
            write_note(run, words)
        say(f"{run.id}: {describe_notes(read_notes(run)) or 'no note'}")


@runs.command()
@click.argument("run_id", metavar="ID", shell_complete=complete_run_or_sweep)
@click.argument("tags", metavar="TAG...", nargs=-1, required=True, shell_complete=complete_tag)
@click.option("--remove", is_flag=True, help="Take these tags away.")
@pass_invocation
def tag(invocation: Invocation, run_id: str, tags: tuple[str, ...], remove: bool) -> None:
    """Tag a run, or those of a sweep, to choose them by it.

    \b
    Example:
      tfpt-tui runs tag 20261122-1655 baseline
      tfpt-tui compare tag=baseline
    """
    named = parse_tags(tags)
    for run in _runs_of(invocation, run_id):
        before = read_notes(run).tags
        others = [tag for tag in before if tag not in named]
        write_tags(run, others if remove else [*others, *named])
        say(f"{run.id}: {describe_notes(read_notes(run)) or 'no tag'}")


@runs.command()
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_run_or_sweep)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def delete(invocation: Invocation, run_ids: tuple[str, ...], yes: bool) -> None:
    """Delete recorded runs, or those of a sweep, models and all. A run that is alive is refused.

    \b
    Example:
      tfpt-tui runs delete 20261122-165501-pytorch 20261122-1702 --yes
    """
    found = list(dict.fromkeys(run for run_id in run_ids for run in _what_is_left_of(invocation, run_id)))
    check_over(found, invocation.paths, invocation.settings.machines)
    if not found:
        say(f"{', '.join(run_ids)}: no run is left of it")
        return
    if not yes and not sys.stdin.isatty():
        raise UsageError("delete asks first, and nobody can answer here; say --yes")
    if not yes and not click.confirm(f"delete {', '.join(run.id for run in found)}?", err=True):
        say("nothing was deleted")
        return
    for run in found:
        delete_run(run)
        say(f"{run.id}: deleted")


@runs.command()
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_run_or_sweep)
@click.option("--out", required=True, metavar="FILE.tar.gz", help="File to write.")
@pass_invocation
def export(invocation: Invocation, run_ids: tuple[str, ...], out: str) -> None:
    """Write recorded runs, or those of a sweep, to one file for another machine.

    \b
    Example:
      tfpt-tui runs export 20261122-1655 --out box.tar.gz
    """
    chosen = list(dict.fromkeys(run for run_id in run_ids for run in _runs_of(invocation, run_id)))
    export_runs(chosen, Path(out))
    say(f"{out}: {len(chosen)} run{'' if len(chosen) == 1 else 's'}; import them with: tfpt-tui runs import {out}")


@runs.command("import")
@click.argument("archive", metavar="FILE.tar.gz")
@pass_invocation
def import_command(invocation: Invocation, archive: str) -> None:
    """Take in the runs of another machine; a run that is here already stays as it is.

    \b
    Example:
      tfpt-tui runs import box.tar.gz
    """
    imported = import_runs(Path(archive), invocation.paths)
    if imported.kept:
        say(f"already here, unchanged: {', '.join(imported.kept)}")
    show("".join(f"{run}\n" for run in imported.new))
    sweeps = {read_result(RunDirectory(invocation.paths.runs / run)).sweep for run in imported.new}
    for sweep in sorted(sweeps - {""}):
        say(f"compare them with: tfpt-tui compare sweep={sweep}")


@contextmanager
def _kept_up_to_date(invocation: Invocation, found: RunDirectory | Sweep) -> Iterator[None]:
    """Follow the machine of a copy until the end of the block: without, nothing would change in it.

    Raises:
        MissingError: the machine cannot be reached.
    """
    name = machine_of(found if isinstance(found, RunDirectory) else found.directory)
    if not name:
        yield
        return
    from tfpt_tui.machines.follower import fetch, following

    machine = find_machine(name, invocation.settings.machines)
    fetch(machine, invocation.paths)
    with following([machine], invocation.paths):
        yield


def _sweep(invocation: Invocation, prefix: str | None) -> Sweep:
    if prefix:
        return read_sweep(find_sweep(invocation.paths, prefix), invocation.paths)
    latest = latest_sweep(invocation.paths)
    if latest is None:
        raise UsageError(f"{invocation.paths.sweeps}: there is no sweep yet")
    return latest


def _unfinished(sweep: Sweep) -> list[RunDirectory]:
    """The runs of a sweep that ended otherwise than completed."""
    ended = [run for run in sweep.runs if run.config.exists() and status_of(run) not in (*ALIVE, "completed")]
    if not ended:
        raise UsageError(f"{sweep.id}: none of its runs failed")
    return ended


def _follow(sweep: Sweep, invocation: Invocation, detach: bool, headless: bool) -> int:
    """Stay with the sweep, or return at once and print what is still to be run."""
    if not detach:
        return wait_for_sweep(sweep, invocation, headless)
    show("".join(f"{run.id}\n" for run in left_of(sweep)))
    return 0


def _wait_for_the_end(run: RunDirectory) -> bool:
    """Wait until the run is over, and say so where its supervisor takes long to hear of it.

    Returns False for one that has not begun then: its supervisor looks at it when its turn comes.
    """
    patience = time.monotonic() + PATIENCE_S
    while status_of(run) in ALIVE:
        if time.monotonic() > patience:
            patience = math.inf
            owner, machine = owner_of(run.state), machine_of(run)
            if machine:
                say(f"{run.id}: its machine {machine} has not answered yet; see: tfpt-tui machines list")
                continue
            if read_state(run.state).worker is None:
                return False
            where = f"kill -CONT {owner.pid}" if owner and owner.is_ours_to_see else "it is of another machine"
            say(f"{run.id}: its supervisor has not answered yet; where it is suspended, wake it: {where}")
        time.sleep(POLL_S)
    return True


def _runs_of(invocation: Invocation, prefix: str) -> list[RunDirectory]:
    """The run of that ID, else those of the sweep that are still there.

    Raises:
        UsageError: none is.
    """
    if found := _what_is_left_of(invocation, prefix):
        return found
    raise UsageError(f"{prefix}: none of its runs is left; tfpt-tui runs list shows all that are")


def _what_is_left_of(invocation: Invocation, prefix: str) -> list[RunDirectory]:
    found = find_run_or_sweep(prefix, invocation.paths)
    return [found] if isinstance(found, RunDirectory) else [run for run in found.runs if run.path.is_dir()]


def _as_json(document: object) -> str:
    return json.dumps(finite(document), indent=2, default=str) + "\n"
