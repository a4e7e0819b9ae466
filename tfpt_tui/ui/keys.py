"""Every key of the app, once: bindings, footer and help are made from this registry."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textual.binding import Binding, BindingType

EVERYWHERE = "Everywhere"
PREPARE, BUILD, MONITOR, COMPARE = "Prepare", "Build", "Monitor", "Compare"


@dataclass(frozen=True)
class Key:
    """``keys`` may name several, separated by commas; ``id`` is what the user's ``[keys]`` table refers to."""

    id: str
    keys: str
    action: str
    label: str
    help: str
    where: str = EVERYWHERE
    footer: bool = True


# No key that tmux, screen or a terminal takes for itself, and a letter wherever there is a special key.
KEYS = (
    Key("prepare", "1", "app.switch_mode('prepare')", "Prepare", "datasets on this machine", footer=False),
    Key("build", "2", "app.switch_mode('build')", "Build", "choose what to run, and start it", footer=False),
    Key("monitor", "3", "app.switch_mode('monitor')", "Monitor", "runs, live and recorded", footer=False),
    Key(
        "compare",
        "4",
        "app.switch_mode('compare')",
        "Compare",
        "the runs of a sweep beside each other",
        footer=False,
    ),
    Key("help", "question_mark,f1", "app.help", "Help", "this list"),
    Key("doctor", "d", "app.doctor", "Doctor", "what works on this machine, and what mends the rest"),
    Key("quit", "q", "app.leave", "Quit", "close this, or leave; runs may go on"),
    Key("down", "j", "screen.cursor_down", "Down", "next entry; the arrow keys do the same", footer=False),
    Key("up", "k", "screen.cursor_up", "Up", "previous entry", footer=False),
    Key("details", "i", "details", "Details", "settings, phases and layers of the run", MONITOR),
    Key("log", "l", "log", "Log", "the worker's log, large or small", MONITOR),
    Key("follow", "g", "follow", "Live run", "the run that is live, else the newest", MONITOR),
    Key("stop", "K", "stop", "Stop", "ask the run to stop", MONITOR),
    Key("copy", "y", "copy", "Copy path", "copy the path of the run's directory", MONITOR, footer=False),
    Key("start", "f9,s", "start", "Start", "start these runs, or queue them behind those that train", BUILD),
    Key("select", "space", "select", "Row", "choose the row, or leave it out", BUILD),
    Key("select_all", "a", "select_all", "All", "all rows, or none", BUILD, footer=False),
    Key("save", "w", "save", "Save", "save as a preset of your own", BUILD),
    Key("preview", "f", "preview", "TOML", "the preset as TOML, large or small", BUILD),
    Key("reset", "u", "reset", "Undo", "forget what was typed and chosen here", BUILD, footer=False),
    Key("filter", "slash", "filter", "Filter", "only presets and runs that have these words", BUILD, footer=False),
    Key("copy_preset", "y", "copy", "Copy", "copy the TOML", BUILD, footer=False),
    Key("read_again", "f5,r", "rescan", "Reload", "read presets, runs and datasets again", BUILD, footer=False),
    Key("back", "escape", "back", "Back", "from a field to the list on the left", BUILD),
    Key("top", "g", "top", "Top", "first entry", BUILD, footer=False),
    Key("bottom", "G", "bottom", "Bottom", "last entry", BUILD, footer=False),
    Key("rescan", "f5,r", "rescan", "Rescan", "read the datasets again", PREPARE),
    Key("reload", "f5,r", "reload", "Reload", "compare the latest runs again", COMPARE),
)


def bindings(where: str) -> list[BindingType]:
    """The bindings of the app (``EVERYWHERE``) or of one screen."""
    return [
        Binding(key.keys, key.action, key.label, show=key.footer, tooltip=key.help, id=key.id)
        for key in KEYS
        if key.where == where
    ]


def show_keys(keys: str) -> str:
    """The keys as they stand on a keyboard."""
    names = {"question_mark": "?", "slash": "/", "escape": "esc"}
    return " or ".join(names.get(key, re.sub(r"^f(?=\d)", "F", key)) for key in keys.split(","))
