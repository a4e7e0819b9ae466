"""Every key of the app, once: bindings, footer and help are made from this registry."""

from __future__ import annotations

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
    Key("start", "s", "start", "Start", "run the chosen preset on the chosen dataset", BUILD),
    Key("new_dataset", "n", "new", "New", "make a new dataset", PREPARE),
    Key("prepare_start", "s", "start", "Start", "make it, or go on where it stopped; enter in a field", PREPARE),
    Key("prepare_stop", "K", "stop", "Stop", "stop the preparation; it can go on later", PREPARE),
    Key("prepare_forget", "D", "forget", "Forget", "forget a preparation that is over; images stay", PREPARE),
    Key("sheet", "f", "sheet", "Pictures", "its pictures on the whole screen, or small again", PREPARE),
    Key("dataset_copy", "y", "copy", "Copy", "copy its path, or the command", PREPARE, footer=False),
    Key("prepare_first", "g", "first", "First", "first entry", PREPARE, footer=False),
    Key("prepare_last", "G", "last", "Last", "last entry", PREPARE, footer=False),
    Key("prepare_field", "escape", "field", "List", "from a field or large pictures to the list", PREPARE),
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
    names = {"question_mark": "?", "f1": "F1", "f5": "F5"}
    return " or ".join(names.get(key, key) for key in keys.split(","))
