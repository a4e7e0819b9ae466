"""What a shell offers while a command is typed, and that every command shows how it is used."""

import click
import pytest
from click.shell_completion import BashComplete

from tests.recordings import record_run, record_sweep
from tfpt_tui.cli.main import cli as program
from tfpt_tui.runs.record.notes import write_tags

SWEEP = "20261121-100000-quick-aa01"


@pytest.fixture
def offered(paths):
    """The values that are offered at the end of a line."""
    run = record_run(paths, "20261121-100000-0001", "pytorch", sweep=SWEEP)
    record_sweep(paths, SWEEP, run)
    write_tags(run, ["night", "day"])

    def offer(*words):
        bash = BashComplete(program, {}, "tfpt-tui", "_TFPT_TUI_COMPLETE")
        found = bash.get_completions(["--runs", str(paths.runs), *words[:-1]], words[-1])
        return [(item.type, item.value) for item in found]

    return offer


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("run", "par"), ["parity"]),
        (("presets", "show", "cpu-"), ["cpu-augmented", "cpu-plain"]),
        (("runs", "show", "2026"), ["20261121-100000-pytorch-0001", SWEEP]),
        (("runs", "resume", "2026"), [SWEEP]),
        (("runs", "no"), ["note"]),
        (("compare", "--baseline", "2026"), ["20261121-100000-pytorch-0001"]),
        (("compare", "--sweep", "2026"), [SWEEP]),
        (("compare", "--by", "mac"), ["machine"]),
        (("runs", "tag", SWEEP, "ni"), ["night"]),
        (("run", "nothing-like-it"), []),
    ],
)
def test_names_complete(offered, words, values):
    assert offered(*words) == [("plain", value) for value in values]


def test_datasets_complete_by_name_or_as_directories(offered, monkeypatch, paths, dataset):
    from tfpt_tui.results.store import datasets

    monkeypatch.setattr(datasets, "known_datasets", lambda paths: {dataset: None})
    assert offered("run", "demo", "--data", dataset.name[:2]) == [("plain", dataset.name)]
    assert offered("run", "demo", "--data", "~/da") == [("dir", "~/da")]


def test_what_cannot_be_read_offers_nothing_and_says_nothing(capfd, tmp_path):
    (tmp_path / "runs").write_text("a file")
    bash = BashComplete(program, {}, "tfpt-tui", "_TFPT_TUI_COMPLETE")
    assert bash.get_completions(["--runs", str(tmp_path / "runs"), "runs", "show"], "2") == []
    assert capfd.readouterr() == ("", "")


def commands(group, context, path=()):
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, context, (*path, name))


def test_the_help_of_every_command_has_an_example_of_it():
    context = click.Context(program, info_name="tfpt-tui")
    for path, command in commands(program, context):
        text = command.get_help(click.Context(command, info_name=" ".join(path), parent=context))
        assert f"    tfpt-tui {path[0]}" in text.partition("Example")[2], path
