"""``tfpt-tui``: global options, the commands, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import NoReturn

import click

from tfpt_tui import __version__
from tfpt_tui.cli.invocation import (
    Invocation,
    drop_broken_streams,
    end_cleanly,
    open_closed_streams,
    refuse_empty_options,
    say,
    what_click_says,
)
from tfpt_tui.config.frameworks import PROBLEMS
from tfpt_tui.config.paths import find_paths
from tfpt_tui.errors import INTERRUPTED, MissingError, TfptError, UsageError, cannot, printable

# The help is made from this table, so that it imports no command.
COMMANDS = {
    "demo": "Synthetic data, a short run of each framework, and their comparison.",
    "prepare": "Make a dataset of small JPEG files from CIFAR, a folder or synthetic images.",
    "presets": "List presets, or show one with every row resolved.",
    "run": "Run a preset or a file of your own.",
    "runs": "List, show, follow, stop, rerun, note, tag, delete, export and import runs.",
    "compare": "Compare runs as a table, csv, json, markdown, latex or html.",
    "advise": "Find the fastest settings of each framework here, and what each brings.",
    "parity": "Prove that both backends compute the same thing.",
    "doctor": "Check this machine and show a fix for each problem.",
    "env": "The Python environments that frameworks live in.",
    "machines": "The other machines that runs can be sent to: list, check, fetch.",
    "serve": "The app in a browser, on this machine only.",
    "manual": "How everything works, by topic.",
    "paths": "Where everything is.",
}


class Commands(click.Group):
    """Commands that are imported when they are called: the help and the UI wait for none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:  # a line that is being typed
                return None
            from tfpt_tui.config.schema import nearest

            raise click.UsageError(f"no such command {cmd_name!r}{nearest(cmd_name, list(COMMANDS))}", ctx)
        command: click.Command = getattr(importlib.import_module(f"tfpt_tui.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runs", metavar="DIR", help="Directory of recorded runs.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw the app with ASCII alone.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal, which selects text with it.")
@click.version_option(__version__, prog_name="tfpt-tui")
@click.pass_context
def cli(context: click.Context, runs: str | None, ascii_only: bool, no_mouse: bool) -> int:
    """Which is faster on this machine, TensorFlow or PyTorch, with which settings, and do both learn the same?

    Without a command it opens the terminal app.

    \b
    Examples:
      tfpt-tui demo
      tfpt-tui run parity --data cifar100
      eval "$(_TFPT_TUI_COMPLETE=bash_source tfpt-tui)"   (completion; also zsh_source, fish_source)
    """
    refuse_empty_options(context)
    paths = find_paths(runs)
    if paths.runs.exists() and not paths.runs.is_dir():
        raise UsageError(f"--runs {paths.runs}: is not a directory")
    for problem in PROBLEMS:
        say(f"tfpt-tui: {printable(problem)}; this framework is not available")
    context.obj = Invocation(paths, ascii_only, not no_mouse)
    if context.invoked_subcommand is None:
        code: int = context.obj.open_ui()
        from tfpt_tui.cli.wait_for_sweep import tell_what_goes_on  # with all that a report needs

        tell_what_goes_on(paths)
        return code
    return 0


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with the exit code of the contract."""
    end_cleanly()
    open_closed_streams()
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return _run(arguments)
    except OSError as error:
        if not _is_of_a_stream(error):
            return _tell_refusal(error)
        drop_broken_streams()
        if isinstance(error.__context__, KeyboardInterrupt):  # click could not even end the line
            return INTERRUPTED
        if isinstance(error, BrokenPipeError):
            return 0
        say(f"tfpt-tui: stdout cannot be written: {(error.strerror or str(error)).lower()}")
        return MissingError.exit_code


def _tell_refusal(error: OSError) -> int:
    """The line for a file system that refused where nobody expected it; an error that names no file is ours."""
    if error.filename is None:
        raise error
    refused = cannot("read or write it", error.filename, error)
    say(f"tfpt-tui: {printable(str(refused))}")
    return refused.exit_code


def _in_a_line(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return what_click_says(error) + (f"; see {context.command_path} --help" if context else "")


def _is_of_a_stream(error: OSError) -> bool:
    """click.echo writes to the streams alone, our texts and click's own."""
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    return bool(last.f_globals["__name__"] == click.echo.__module__)


def _run(arguments: list[str] | None) -> int:
    try:
        result: object = cli.main(args=arguments, prog_name="tfpt-tui", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except TfptError as error:
        say(f"tfpt-tui: {printable(str(error))}")
        return error.exit_code
    except click.ClickException as error:
        say(f"tfpt-tui: {_in_a_line(error)}")
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("tfpt-tui: interrupted")
        return INTERRUPTED
