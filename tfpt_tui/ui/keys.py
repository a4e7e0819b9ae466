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
    Key("rescan", "f5,r", "rescan", "Rescan", "read the datasets again", PREPARE),
    Key("view", "v", "view(1)", "View", "next view: ratios, phases, curves, published, environment", COMPARE),
    Key("view_back", "V", "view(-1)", "View back", "previous view", COMPARE, footer=False),
    Key("choose_filter", "slash", "filter", "Filter", "by words, or conditions such as batch_size>32", COMPARE),
    Key("mark", "space", "mark", "Mark", "compare the marked entries together", COMPARE),
    Key("baseline", "p", "baseline", "Baseline", "measure the others against this row", COMPARE),
    Key("sort", "s", "sort", "Sort", "by the column under the cursor; again for the reverse", COMPARE),
    Key(
        "group",
        "b",
        "group",
        "Within",
        "compare within each value of a setting, the next one",
        COMPARE,
        footer=False,
    ),
    Key("transpose", "t", "transpose", "Turn", "rows as columns, and back", COMPARE, footer=False),
    Key("x_axis", "x", "x_axis", "X axis", "curves by epoch or by seconds", COMPARE),
    Key("across", "A", "across", "Across", "compare across machines and versions all the same", COMPARE),
    Key("export", "e", "export", "Export", "write it to a file, in any format", COMPARE),
    Key("copy_cell", "y", "copy_cell", "Copy", "copy the cell under the cursor", COMPARE, footer=False),
    Key("copy_table", "Y", "copy_table", "Copy table", "copy the table as Markdown", COMPARE, footer=False),
    Key("enlarge", "f", "enlarge", "Full", "this part alone, and back", COMPARE, footer=False),
    Key("first", "g", "cursor_first", "First", "first entry", COMPARE, footer=False),
    Key("last", "G", "cursor_last", "Last", "last entry", COMPARE, footer=False),
    Key("reload", "f5,r", "reload", "Reload", "read the runs again", COMPARE, footer=False),
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
    names = {"question_mark": "?", "slash": "/", "f1": "F1", "f5": "F5"}
    return " or ".join(names.get(key, key) for key in keys.split(","))
