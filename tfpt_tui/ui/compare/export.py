"""Export: in which format, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tfpt_tui.config.paths import absolute
from tfpt_tui.errors import TfptError, cannot, printable
from tfpt_tui.results.requests.export import CHARTS, KINDS, export, free_name, kind_named_by
from tfpt_tui.results.requests.request import Comparison
from tfpt_tui.ui.dialogs.confirm import Confirm
from tfpt_tui.ui.dialogs.dialog import Dialog

WRITE = "write the comparison"


class ExportDialog(Dialog[str]):
    """Writes what the screen shows, with the functions of the command line; what is there is asked about.

    Returns where the file went.
    """

    DEFAULT_CSS = """
    ExportDialog { align: center middle; }
    ExportDialog > Vertical {
        width: 76; max-width: 95%; height: auto; padding: 0 2; background: $panel; border: round $primary;
    }
    ExportDialog Label { color: $text-muted; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    ExportDialog OptionList { height: auto; border: none; background: $panel; margin-bottom: 1; padding: 0; }
    ExportDialog OptionList > .option-list--option-highlighted { background: $surface; text-style: none; }
    ExportDialog OptionList:focus > .option-list--option-highlighted {
        background: $primary-muted; text-style: none;
    }
    ExportDialog Input { background: $surface; }
    ExportDialog #state { height: auto; min-height: 1; }
    ExportDialog #state.-error { color: $text-error; }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "dismiss", "Close"),
        Binding("j", "move('down')", show=False),
        Binding("k", "move('up')", show=False),
    ]

    @dataclass
    class Written(Message):
        path: Path
        files: int

    @dataclass
    class Refused(Message):
        reason: str

    def __init__(self, comparison: Comparison, stem: str) -> None:
        super().__init__()
        self._comparison = comparison
        self._stem = stem
        self._suggested = ""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Export"
            box.border_subtitle = "enter: on to the file, then write; esc closes"
            yield Label("Format")
            yield OptionList(
                *(Option(kind.title, id=name) for name, kind in KINDS.items()), compact=True, markup=False
            )
            yield Label(_where_to(), markup=False)
            yield Input(compact=True, select_on_focus=False)
            yield Static(id="state", markup=False)

    @property
    def _kind(self) -> str:
        options = self.query_one(OptionList)
        return options.get_option_at_index(options.highlighted or 0).id or ""

    @on(OptionList.OptionHighlighted)
    def _suggest(self) -> None:
        """A free name in this directory, unless the user has written one, or it is no use as a directory."""
        field = self.query_one(Input)
        if field.value not in ("", self._suggested):
            return
        try:
            self._suggested = free_name(Path.cwd(), self._stem, self._kind).name
        except OSError:
            self._suggested = ""
        field.value = self._suggested
        field.cursor_position = len(field.value)

    @on(OptionList.OptionSelected)
    def _go_on(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    @work
    async def _write(self) -> None:
        text, kind = self.query_one(Input).value.strip(), self._kind
        if not text:
            self._tell("name a file", error=True)
            return
        try:
            path = Path(absolute(text))
            is_directory, is_there = path.is_dir(), path.exists()
        except OSError as error:
            self._tell(str(cannot(WRITE, text, error)), error=True)
            return
        if is_directory and kind != CHARTS:
            self._tell(f"{path}: is a directory; name a file in it", error=True)
            return
        if other := kind_named_by(path, kind):
            self._tell(f"{path.name}: that is how {other} ends; choose it, or another name", error=True)
            return
        if is_there:
            question = f"{printable(str(path))} is there already."
            answers = {"r": "Write into it" if is_directory else "Replace it", "c": "Cancel"}
            if await self.app.push_screen_wait(Confirm(question, answers)) == "c":
                return
        self._tell("writing ...")
        self._export(kind, path)

    @work(thread=True, exclusive=True, group="export")
    def _export(self, kind: str, path: Path) -> None:
        try:
            files = export(self._comparison, kind, path)
        except TfptError as error:
            self.post_message(self.Refused(str(error)))
        except OSError as error:
            self.post_message(self.Refused(str(cannot(WRITE, path, error))))
        else:
            self.post_message(self.Written(path, files))

    @on(Written)
    def _tell_written(self, message: Written) -> None:
        files = "" if message.files == 1 else f"\n{message.files} files"
        self.dismiss(f"{printable(str(message.path))}{files}")

    @on(Refused)
    def _tell_refused(self, message: Refused) -> None:
        self._tell(message.reason, error=True)

    def _tell(self, text: str, *, error: bool = False) -> None:
        state = self.query_one("#state", Static)
        state.set_class(error, "-error")
        state.update(printable(text))

    def action_move(self, where: str) -> None:
        options = self.query_one(OptionList)
        if where == "down":
            options.action_cursor_down()
        else:
            options.action_cursor_up()


def _where_to() -> str:
    try:
        return f"File, in {printable(str(Path.cwd()))} or by its path"
    except OSError:
        return "File, by its path: the directory that this was started in is gone"
