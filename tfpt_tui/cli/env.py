"""``tfpt-tui env``: the Python environments that frameworks live in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import click

from tfpt_tui.cli.completion import complete_environment
from tfpt_tui.cli.invocation import Invocation, ended_as_by_ctrl_c, pass_invocation, say, show, text_width
from tfpt_tui.config.frameworks import FRAMEWORKS, title_of, titles
from tfpt_tui.config.presets import find_preset
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.environments.create import create as create_environment
from tfpt_tui.environments.interpreters import install_line, interpreter_of
from tfpt_tui.environments.probe import Probe, probe
from tfpt_tui.environments.registry import Leftover, check_name, list_environments, list_leftovers, register
from tfpt_tui.environments.registry import remove as remove_environment
from tfpt_tui.errors import MissingError, UsageError, printable
from tfpt_tui.results.table import Cell
from tfpt_tui.runs.record.environment_usage import user_of
from tfpt_tui.wording import wrap

TITLE_WIDTH = max(map(len, titles()))
QUICK = "quick"  # the preset that tries an environment out
_WITH_CUDA = " and ".join(f"{one.title}'s" for one in FRAMEWORKS.values() if one.requirements.usual_build_has_cuda)


@click.group(invoke_without_command=True)
@click.pass_context
def env(context: click.Context) -> None:
    """List, add, create and remove the Python environments that frameworks live in.

    A run names one with --set environment=NAME; "default" is the interpreter set in config.toml, else our own.

    \b
    Example:
      tfpt-tui env list
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@env.command("list")
@click.option("--json", "as_json", is_flag=True, help="As a list of objects.")
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """All environments, with what is in them now: each framework is imported, which takes some seconds.

    \b
    Example:
      tfpt-tui env list
    """
    leftovers = list_leftovers(invocation.paths.environments)
    if as_json:
        rows = [_row(name, found) for name, found in _probes(invocation)]
        rows += [_leftover_row(leftover) for leftover in leftovers]
        show(json.dumps(rows, indent=2) + "\n")
        return
    above = ""
    for name, found in _probes(invocation):
        show(_describe(found) if name == above else f"{name}\n{_describe(found)}")
        above = name
    for leftover in leftovers:
        show(f"{printable(leftover.name)}\n{_block('  ', leftover.problem, f'-> {leftover.remedy}')}")


@env.command()
@click.argument("name")
@click.argument("python", metavar="PYTHON")
@pass_invocation
def add(invocation: Invocation, name: str, python: str) -> None:
    """Call the interpreter PYTHON by NAME; it needs a framework, numpy and Pillow, and nothing of ours.

    \b
    Example:
      tfpt-tui env add nightly ~/venvs/nightly/bin/python
    """
    directory = invocation.paths.environments
    check_name(name, directory)
    interpreter = _find(python)
    found = []
    for framework in FRAMEWORKS:
        say(f"importing {title_of(framework)} in {interpreter}")
        found.append(probe(framework, interpreter))
        if found[-1].is_of_interpreter:
            break
    usable = [one for one in found if not one.problem]
    if not usable:
        best = next((one for one in found if not one.absent), found[0])
        fix = f"; install it with: {install_line(best.framework, interpreter)}" if best.missing else ""
        raise MissingError(
            f"{interpreter}: {best.problem}; nothing was added, as no framework can be used there{fix}"
        )
    register(name, interpreter, directory)
    show("".join(_added(name, one, invocation) for one in usable))


@env.command()
@click.argument("framework", type=click.Choice(tuple(FRAMEWORKS)))
@click.option("--gpu", is_flag=True, help=f"With CUDA; {_WITH_CUDA} usual build has it anyway.")
@click.option("--version", metavar="V", help="This version of the framework; the newest by default.")
@click.option("--name", help="By default FRAMEWORK-VERSION-gpu, of what is given.")
@pass_invocation
def create(invocation: Invocation, framework: str, gpu: bool, version: str | None, name: str | None) -> None:
    """Make an environment with one framework in it, with uv where it is installed, else with pip.

    Interrupted or failed, it leaves nothing behind.

    \b
    Example:
      tfpt-tui env create pytorch --version 2.13.0
    """
    with ended_as_by_ctrl_c():
        made, found = create_environment(
            framework,
            name,
            invocation.paths.environments,
            version=version,
            gpu=gpu,
            say=say,
        )
    show(_added(made.name, found, invocation))


@env.command()
@click.argument("name", shell_complete=complete_environment)
@pass_invocation
def remove(invocation: Invocation, name: str) -> None:
    """Forget an environment; one that tfpt-tui created is deleted.

    \b
    Example:
      tfpt-tui env remove nightly
    """
    if user := user_of(name, invocation.paths, invocation.settings):
        raise UsageError(f"{name}: {user}")
    removed = remove_environment(name, invocation.paths.environments)
    say(f"{name}: deleted" if removed.made else f"{name}: forgotten; {printable(removed.python)} is left as it is")


def _probes(invocation: Invocation) -> Iterator[tuple[str, Probe]]:
    """One after the other, so that the seconds of an import are its own; what is no interpreter is asked once."""
    named = [environment.name for environment in list_environments(invocation.paths.environments)]
    useless: dict[str, Probe] = {}
    for name in (DEFAULT_ENVIRONMENT, *named):
        held = False
        for framework in FRAMEWORKS:
            interpreter = interpreter_of(framework, invocation.settings, name)
            if interpreter not in useless:
                say(f"importing {title_of(framework)} in {name}")
                found = probe(framework, interpreter)
            else:
                found = replace(useless[interpreter], framework=framework)
            if found.is_of_interpreter:
                useless[interpreter] = found
            # A named environment need hold only one framework; one that holds none is shown all the same.
            if name == DEFAULT_ENVIRONMENT or not found.absent or (framework == [*FRAMEWORKS][-1] and not held):
                held = True
                yield name, found


def _row(name: str, found: Probe) -> dict[str, Cell]:
    return {
        "environment": name,
        "framework": title_of(found.framework),
        "version": found.version or None,
        "gpus": ", ".join(found.gpus) or ("none" if found.version else None),
        "cuda": found.cuda or None,
        "cudnn": found.cudnn or None,
        "import_s": found.import_s,
        "python_version": found.python or None,
        "python": found.interpreter,
        "problem": found.problem or None,
    }


def _leftover_row(leftover: Leftover) -> dict[str, Cell]:
    nothing = dict.fromkeys(_row("", Probe("", "")))
    return nothing | {
        "environment": leftover.name,
        "problem": f"{leftover.problem}; remove it with: {leftover.remedy}",
    }


def _describe(found: Probe) -> str:
    """A framework in an environment in two lines: what it is, and below it where it is."""
    facts = [found.problem]
    if not found.problem:
        facts = [found.version, ", ".join(found.gpus) or "no GPU"]
        facts += [f"CUDA {found.cuda}"] * bool(found.cuda)
        facts += [f"cuDNN {found.cudnn}"] * bool(found.cudnn)
        facts += [f"imported in {found.import_s:.1f} s"] * (found.import_s is not None)
    python = f"Python {found.python}, " if found.python else ""
    title = f"  {title_of(found.framework):<{TITLE_WIDTH}}  "
    return _block(title, ", ".join(facts), python + found.interpreter)


def _block(title: str, *texts: str) -> str:
    """Texts below each other behind their title, broken at the terminal's width."""
    indent = " " * len(title)
    first, *others = texts
    lines = wrap(first, text_width(), title, indent)
    lines += [line for text in others for line in wrap(text, text_width(), indent, indent)]
    return "".join(f"{line}\n" for line in lines)


def _added(name: str, found: Probe, invocation: Invocation) -> str:
    """What is there now, and how a run uses it."""
    gpus = f"{len(found.gpus)} x {found.gpus[0]}" if found.gpus else "no GPU"
    rows = [row.settings["framework"] for row in find_preset(QUICK, invocation.paths).rows]
    row = f" --rows {rows.index(found.framework) + 1}" if found.framework in rows else ""
    return (
        f"{name}: {title_of(found.framework)} {found.version} ({gpus}); use it with:"
        f" tfpt-tui run {QUICK} --data DIR{row} --set environment={name}\n"
    )


def _find(python: str) -> str:
    """The full path of an interpreter; a directory stands for the virtual environment in it."""
    path = os.path.expanduser(python)
    if os.path.isdir(path):
        path = os.path.join(path, "bin", "python")
    found = shutil.which(path)
    if found is None:
        why = "cannot be started" if os.path.exists(path) else "no such interpreter"
        raise MissingError(f"{path or repr(python)}: {why}")
    return os.path.abspath(found)
