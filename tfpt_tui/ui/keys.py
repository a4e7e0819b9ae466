"""Every key of the app, once: bindings, footer and help are made from this registry."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

EVERYWHERE = "Everywhere"
PREPARE, BUILD, MONITOR, COMPARE = "Prepare", "Build", "Monitor", "Compare"
CHARTS = "Charts"


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
    Key("view", "v", "view", "View", "training, hardware, or the log and all warnings", MONITOR),
    Key("log", "l", "log", "Log", "the worker's log and all warnings, and back", MONITOR, footer=False),
    Key("follow", "g", "follow", "Live run", "the run that is live, else the newest", MONITOR, footer=False),
    Key(
        "filter",
        "slash",
        "filter",
        "Filter",
        "the list, by text or as in batch_size>32; in the log, a search",
        MONITOR,
    ),
    Key(
        "next_match",
        "n",
        "match(1)",
        "Next",
        "the next place in the log that was searched for",
        MONITOR,
        footer=False,
    ),
    Key("previous_match", "N", "match(-1)", "Previous", "the one before", MONITOR, footer=False),
    Key("order", "o", "order", "Order", "newest, fastest or most accurate first", MONITOR, footer=False),
    Key("beside", "space", "beside", "Overlay", "draw the run beside the chosen one, or no more", MONITOR),
    Key(
        "baseline",
        "p",
        "baseline",
        "Baseline",
        "measure others against this run, or no more",
        MONITOR,
        footer=False,
    ),
    Key("stop", "K", "stop", "Stop", "ask the run to stop", MONITOR),
    Key("copy", "y", "copy", "Copy path", "copy the path of the run's directory", MONITOR, footer=False),
    Key("x_axis", "x", "x_axis", "X axis", "epochs, steps or seconds of the training", MONITOR, footer=False),
    Key("log_scale", "L", "log_scale", "Log scale", "of the loss", MONITOR, footer=False),
    Key("smooth", "s", "smooth", "Smooth", "curves over their raw points, or not", MONITOR, footer=False),
    Key(
        "smoother",
        "greater_than_sign",
        "smoother(1)",
        "Smoother",
        "give the past more weight",
        MONITOR,
        footer=False,
    ),
    Key(
        "rougher", "less_than_sign", "smoother(-1)", "Rougher", "give the past less weight", MONITOR, footer=False
    ),
    Key("enlarge", "f", "enlarge", "Enlarge", "the chart with the focus, and back", MONITOR, footer=False),
    Key(
        "close",
        "escape",
        "close",
        "Close",
        "what was opened last: a chart, a search, a filter",
        MONITOR,
        footer=False,
    ),
    Key("left", "left", "cursor(-1)", "Left", "read the values at a point before", CHARTS, footer=False),
    Key("right", "right", "cursor(1)", "Right", "read the values at a point after", CHARTS, footer=False),
    Key(
        "nearer",
        "plus",
        "zoom(1)",
        "Nearer",
        "enlarge the part at the cursor, or at the end",
        CHARTS,
        footer=False,
    ),
    Key("farther", "minus", "zoom(-1)", "Farther", "show more of the whole", CHARTS, footer=False),
    Key("whole", "0", "zoom(0)", "Whole", "show the whole again", CHARTS, footer=False),
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
    names = {
        "question_mark": "?",
        "slash": "/",
        "greater_than_sign": ">",
        "less_than_sign": "<",
        "escape": "esc",
        "plus": "+",
        "minus": "-",
        "f1": "F1",
        "f5": "F5",
    }
    return " or ".join(names.get(key, key) for key in keys.split(","))
