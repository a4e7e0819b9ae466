"""What a shell offers for an argument while it is typed: presets, datasets, runs, tags, environments, machines.

One line turns it on: ``eval "$(_TFPT_TUI_COMPLETE=bash_source tfpt-tui)"``. Nothing here may fail or speak: a
shell waits, with somebody's command half typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import click
from click.shell_completion import CompletionItem

from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.errors import TfptError

RECENT_RUNS = 500  # whose tags are offered
Completer = Callable[[click.Context, click.Parameter, str], Sequence[CompletionItem]]


def _completer(names: Callable[[Paths], Iterable[str]], or_path: str = "") -> Completer:
    """``or_path`` is "file" or "dir" where the argument may be one, too: the shell itself knows those."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if or_path and incomplete.startswith(("/", ".", "~")):
            return [CompletionItem(incomplete, type=or_path)]
        try:
            found = list(names(find_paths(context.find_root().params.get("runs"))))
        except (TfptError, OSError):
            return []
        return [CompletionItem(name) for name in found if name.startswith(incomplete)]

    return complete


def _presets(paths: Paths) -> Iterable[str]:
    from tfpt_tui.config.presets import preset_files

    return preset_files(paths)


def _datasets(paths: Paths) -> Iterable[str]:
    from tfpt_tui.results.store.datasets import known_datasets

    return [path.name for path in known_datasets(paths)]


def _sources(_: Paths) -> Iterable[str]:
    from tfpt_tui.runs.tasks.prepare_request import NAMED

    return NAMED


def _runs(paths: Paths) -> Iterable[str]:
    from tfpt_tui.runs.record.directory import list_runs

    return [run.id for run in list_runs(paths)]


def _sweeps(paths: Paths) -> Iterable[str]:
    from tfpt_tui.runs.record.directory import list_sweeps

    return [sweep.id for sweep in list_sweeps(paths)]


def _tags(paths: Paths) -> Iterable[str]:
    from tfpt_tui.runs.record.directory import list_runs
    from tfpt_tui.runs.record.notes import read_notes

    recent = list_runs(paths)[:RECENT_RUNS]
    return sorted({tag for run in recent for tag in read_notes(run).tags})


def _groupings(_: Paths) -> Iterable[str]:
    from tfpt_tui.config.schema import SETTINGS
    from tfpt_tui.results.comparison.groups import MACHINE
    from tfpt_tui.results.requests.request import TOGETHER

    return [*SETTINGS, MACHINE, TOGETHER]


def _environments(paths: Paths) -> Iterable[str]:
    from tfpt_tui.environments.registry import named_interpreters

    return named_interpreters(paths.environments)


def _machines(paths: Paths) -> Iterable[str]:
    from tfpt_tui.config.settings import load_settings

    return load_settings(paths.settings).machines


complete_preset = _completer(_presets, or_path="file")
complete_dataset = _completer(_datasets, or_path="dir")
complete_source = _completer(_sources, or_path="dir")
complete_run = _completer(_runs)
complete_sweep = _completer(_sweeps)
complete_run_or_sweep = _completer(lambda paths: [*_runs(paths), *_sweeps(paths)])
complete_tag = _completer(_tags)
complete_grouping = _completer(_groupings)
complete_environment = _completer(_environments)
complete_machine = _completer(_machines)
