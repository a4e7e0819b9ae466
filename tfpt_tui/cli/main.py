"""``tfpt-tui``: global options, the commands, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import sys
from typing import Any, NoReturn

import click

from tfpt_tui import __version__
from tfpt_tui.cli.invocation import Invocation
from tfpt_tui.config.paths import find_paths
from tfpt_tui.errors import TfptError, printable

INTERRUPTED = 130

# The help is made from this table, so that it imports no command.
COMMANDS = {
    "demo": "Synthetic data, a short run of each framework, and their comparison.",
    "prepare": "Make a dataset of small JPEG files from CIFAR, a folder or nothing.",
    "presets": "List presets, or show one with every row resolved.",
    "run": "Run a preset or a file of your own.",
    "runs": "List, show, follow, stop, resume, rerun, delete and carry recorded runs.",
    "compare": "Compare runs as a table, csv, json, markdown, latex or html.",
    "parity": "Prove that both backends compute the same thing.",
    "doctor": "What works here, what does not, and the line that mends it.",
    "env": "The Python environments that frameworks live in.",
    "paths": "Where everything is.",
}


class Commands(click.Group):
    """Commands that are imported when they are called: the help and the UI wait for none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"tfpt_tui.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runs", metavar="DIR", help="Directory of recorded runs.")
@click.version_option(__version__, prog_name="tfpt-tui")
@click.pass_context
def cli(context: click.Context, runs: str | None) -> None:
    """Which is faster on this machine, TensorFlow or PyTorch, with which settings, and do both learn the same?

    Without a command it opens the terminal app.
    """
    context.obj = Invocation(find_paths(runs))
    if context.invoked_subcommand is None:
        context.obj.open_ui()


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with the exit code of the contract."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        result: Any = cli.main(args=arguments, prog_name="tfpt-tui", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except TfptError as error:
        click.echo(f"tfpt-tui: {printable(str(error))}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("tfpt-tui: interrupted", err=True)
        return INTERRUPTED
