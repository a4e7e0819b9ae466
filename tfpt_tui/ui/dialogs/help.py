"""Help: the keys, those of the current screen first, then the manual by topic."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, OptionList, Static
from textual.widgets.option_list import Option

from tfpt_tui.manual import TOPICS, read_topic
from tfpt_tui.ui.dialogs.dialog import Dialog
from tfpt_tui.ui.keys import EVERYWHERE, SECTIONS, show_keys
from tfpt_tui.wording import wrap

LEAST_WIDTH = 40
KEYS = "keys"
# Keys that Textual has.
MORE = (("ctrl+p", "Palette", "every action and theme by name"), ("tab", "Focus", "next part of the screen"))


class Help(Dialog[None]):
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > Horizontal {
        width: 104; max-width: 96%; height: 90%; background: $panel; border: round $primary;
    }
    Help OptionList, Help OptionList:focus {
        width: 15; height: 1fr; border: none; padding: 0 1; background: $panel;
    }
    Help VerticalScroll { width: 1fr; padding: 0 1; }
    Help Markdown { padding: 0; margin: 0; background: $panel; }
    """
    BINDINGS: ClassVar = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close"),
        Binding("right,enter", "read", "Read", show=False),
        Binding("left", "topics", "Topics", show=False),
    ]
    AUTO_FOCUS = "#topics"

    def __init__(self, screen: str) -> None:
        """``screen`` is the one that the user came from: its keys stand first."""
        super().__init__()
        self._screen_name = screen

    def compose(self) -> ComposeResult:
        with Horizontal() as box:
            box.border_title = "Help"
            box.border_subtitle = "up and down choose, right reads, esc closes"
            yield OptionList(*(Option(name.capitalize(), id=name) for name in (KEYS, *_topics())), id="topics")
            with VerticalScroll(id="page"):
                yield Static(id="keys", markup=False)
                yield Markdown(id="text")

    def on_resize(self) -> None:
        keys = self.query_one("#keys", Static)  # beside a scrollbar
        keys.update(help_text(self._screen_name, max(keys.container_size.width - 1, LEAST_WIDTH)))

    @on(OptionList.OptionHighlighted)
    async def _show_topic(self, event: OptionList.OptionHighlighted) -> None:
        topic = event.option_id or KEYS
        self.query_one("#keys").display = topic == KEYS
        text = self.query_one(Markdown)
        text.display = topic != KEYS
        if topic != KEYS:
            await text.update(read_topic(topic))
        self.query_one("#page").scroll_home(animate=False)

    @on(OptionList.OptionSelected)
    def action_read(self) -> None:
        """The arrow keys scroll the text from now on."""
        self.query_one("#page").focus()

    def action_topics(self) -> None:
        self.query_one("#topics").focus()


def _topics() -> list[str]:
    """Those of the manual; the keys are shown for the screen that is open."""
    return [topic for topic in TOPICS if topic != KEYS]


def help_text(screen: str, width: int) -> Content:
    """All keys, those of a screen first; what they do is broken below where it begins."""
    parts: list[Content] = []
    for where in sorted(SECTIONS, key=lambda where: (where != screen, where != EVERYWHERE)):
        lines = [(show_keys(key.keys), key.label, key.help) for key in SECTIONS[where]]
        lines += MORE if where == EVERYWHERE else ()
        parts.append(Content.styled(f"{where}\n", "bold $primary"))
        parts += [Content("\n".join(_wrap(*line, width)) + "\n") for line in lines]
        parts.append(Content("\n"))
    return Content("").join(parts)


def _wrap(keys: str, label: str, help_line: str, width: int) -> list[str]:
    return wrap(help_line, width, f"  {keys:<10} {label:<11} ", " " * 25)
