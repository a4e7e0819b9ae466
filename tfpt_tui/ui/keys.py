"""Every key of the app, once: bindings, footer, palette and help are made from this registry."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from textual.binding import Binding, BindingType

from tfpt_tui.config.schema import nearest

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


# One that the footer has no room for; help and palette have it.
quiet = partial(Key, footer=False)

# No key that tmux, screen or a terminal takes for itself, and a letter wherever there is a special key.
SECTIONS: dict[str, tuple[Key, ...]] = {
    EVERYWHERE: (
        quiet("prepare", "1", "app.switch_mode('prepare')", "Prepare", "make and view datasets"),
        quiet("build", "2", "app.switch_mode('build')", "Build", "choose what to run, and start it"),
        quiet("monitor", "3", "app.switch_mode('monitor')", "Monitor", "runs, live and recorded"),
        quiet("compare", "4", "app.switch_mode('compare')", "Compare", "runs beside each other, and exports"),
        Key("help", "question_mark,f1", "app.help", "Help", "the keys of this screen, and the manual"),
        Key("doctor", "d", "app.doctor", "Doctor", "check this machine, with a fix for each problem"),
        Key("quit", "q", "app.leave", "Quit", "close this, or leave; runs may continue"),
        quiet("down", "j", "screen.cursor_down", "Down", "next entry; the arrow keys do the same"),
        quiet("up", "k", "screen.cursor_up", "Up", "previous entry"),
    ),
    PREPARE: (
        Key("new_dataset", "n", "new", "New", "make a new dataset"),
        Key("start", "s", "start", "Start", "make it, or resume it; enter in a field"),
        Key("stop", "K", "stop", "Stop", "stop the preparation; it can be resumed"),
        Key("forget", "D", "forget", "Forget", "forget a preparation that is over; images stay"),
        Key("enlarge", "f", "sheet", "Pictures", "its pictures on the whole screen, or small again"),
        quiet("copy", "y", "copy", "Copy", "copy its path, or the command"),
        quiet("first", "g", "first", "First", "first entry"),
        quiet("last", "G", "last", "Last", "last entry"),
        Key("close", "escape", "field", "List", "from a field or large pictures to the list"),
        Key("reload", "f5,r", "rescan", "Rescan", "read the datasets again"),
    ),
    BUILD: (
        Key("start", "f9,s", "start", "Start", "start these runs, or queue them behind those that train"),
        Key("select", "space", "select", "Row", "toggle the row"),
        quiet("select_all", "a", "select_all", "All", "all rows, or none"),
        Key("save", "w", "save", "Save", "save as a preset of your own"),
        Key("advise", "A", "advise", "Advise", "find the fastest settings for this dataset on this machine"),
        Key("enlarge", "f", "preview", "TOML", "the preset as TOML, large or small"),
        quiet("reset", "u", "reset", "Undo", "forget what was typed and chosen here"),
        quiet("filter", "slash", "filter", "Filter", "only presets and runs that have these words"),
        quiet("copy", "y", "copy", "Copy", "copy the TOML"),
        quiet("first", "g", "top", "First", "first entry"),
        quiet("last", "G", "bottom", "Last", "last entry"),
        Key("close", "escape", "back", "Back", "from a field to the list on the left"),
        quiet("reload", "f5,r", "rescan", "Reload", "read presets, runs and datasets again"),
    ),
    MONITOR: (
        Key("demo", "t", "demo", "Try it", "the demo: both frameworks on synthetic pictures, in two minutes"),
        Key("details", "i", "details", "Details", "settings, phases and layers of the run"),
        Key("view", "v", "view", "View", "training, hardware, or the log and all warnings"),
        quiet("log", "l", "log", "Log", "the worker's log and all warnings, and back"),
        quiet("follow", "g", "follow", "Live run", "the run that is live, else the newest"),
        quiet("last", "G", "last", "Last", "last entry"),
        Key("filter", "slash", "filter", "Filter", "by words or as in batch_size>32; in the log, a search"),
        quiet("next_match", "n", "match(1)", "Next", "the next place in the log that was searched for"),
        quiet("previous_match", "N", "match(-1)", "Previous", "the one before"),
        quiet("sort", "o", "order", "Order", "newest, fastest or most accurate first"),
        Key("mark", "space", "beside", "Overlay", "toggle the run as an overlay"),
        quiet("baseline", "p", "baseline", "Baseline", "use this run as the baseline, or not"),
        Key("stop", "K", "stop", "Stop", "ask the run to stop"),
        quiet("again", "R", "again", "Run again", "the run, those overlaid, or what is left of its plan"),
        quiet("note", "m", "note", "Note", "a line of your own on the run"),
        quiet("tag", "T", "tag", "Tags", "words to find the run, and those overlaid, by: tag=baseline"),
        quiet("delete", "D", "delete", "Delete", "the run, or those overlaid, too; asks first"),
        quiet("copy", "y", "copy", "Copy path", "copy the path of the run's directory"),
        quiet("x_axis", "x", "x_axis", "X axis", "epochs, steps or seconds of the training"),
        quiet("log_scale", "L", "log_scale", "Log scale", "the loss on a logarithmic scale, or not"),
        quiet("smooth", "s", "smooth", "Smooth", "curves over their raw points, or not"),
        quiet("smoother", "greater_than_sign", "smoother(1)", "Smoother", "give the past more weight"),
        quiet("rougher", "less_than_sign", "smoother(-1)", "Rougher", "give the past less weight"),
        quiet("enlarge", "f", "enlarge", "Enlarge", "the chart with the focus, and back"),
        quiet("close", "escape", "close", "Close", "what was opened last: a chart, a search, a filter"),
    ),
    COMPARE: (
        Key("view", "v", "view(1)", "View", "next view: speed, phases, curves, published, environment"),
        quiet("view_back", "V", "view(-1)", "View back", "previous view"),
        Key("filter", "slash", "filter", "Filter", "by words, or conditions such as batch_size>32"),
        Key("mark", "space", "mark", "Mark", "compare the marked entries together"),
        Key("baseline", "p", "baseline", "Baseline", "measure the others against this row"),
        Key("sort", "s", "sort", "Sort", "by the column under the cursor; again for the reverse"),
        quiet("group", "b", "group", "Within", "compare within each value of a setting, the next one"),
        quiet("transpose", "t", "transpose", "Turn", "rows as columns, and back"),
        Key("x_axis", "x", "x_axis", "X axis", "curves by epoch or by seconds"),
        Key("across", "A", "across", "Across", "compare across machines and versions anyway"),
        Key("undisturbed", "z", "undisturbed", "Disturbed", "leave out runs that were disturbed, or not"),
        quiet("again", "R", "again", "Repeat", "run those once more that were disturbed"),
        Key("export", "e", "export", "Export", "write it to a file, in any format"),
        quiet("copy", "y", "copy_cell", "Copy", "copy the cell under the cursor"),
        quiet("copy_table", "Y", "copy_table", "Copy table", "copy the table as Markdown"),
        quiet("enlarge", "f", "enlarge", "Full", "this part alone, and back"),
        quiet("first", "g", "cursor_first", "First", "first entry"),
        quiet("last", "G", "cursor_last", "Last", "last entry"),
        Key("close", "escape", "close", "Back", "clear the filter; or from one part to all"),
        quiet("reload", "f5,r", "reload", "Reload", "read the runs again"),
    ),
    CHARTS: (
        quiet("left", "left", "cursor(-1)", "Left", "read the values at a point before"),
        quiet("right", "right", "cursor(1)", "Right", "read the values at a point after"),
        Key("nearer", "plus", "zoom(1)", "Nearer", "enlarge the part at the cursor, or at the end"),
        quiet("farther", "minus", "zoom(-1)", "Farther", "show more of the whole"),
        Key("whole", "0", "zoom(0)", "Whole", "show the whole again"),
        Key("fit", "a", "fit", "Fit", "the y axis from 0 to all that there could be, or to the data"),
    ),
}
KEYS = tuple(replace(key, where=where) for where, keys in SECTIONS.items() for key in keys)

NAMES = {
    "question_mark": "?",
    "slash": "/",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "escape": "esc",
    "plus": "+",
    "minus": "-",
}


def bindings(where: str) -> list[BindingType]:
    """The bindings of the app (``EVERYWHERE``), of one screen, or of a kind of widget."""
    return [
        Binding(key.keys, key.action, key.label, show=key.footer, tooltip=key.help, id=key.id)
        for key in SECTIONS[where]
    ]


def faults_of(keymap: Mapping[str, str]) -> list[str]:
    """What is wrong with the user's ``[keys]``: names that no action has, keys that are another's, too."""
    known = {key.id for key in KEYS}
    faults = [f"no action {name!r}{nearest(name, list(known))}" for name in keymap if name not in known]
    pressed = [replace(key, keys=keymap.get(key.id, key.keys)) for key in KEYS]
    for key, other in itertools.permutations(pressed, 2):
        if key.id in keymap and key.id != other.id and _meet(key, other):
            faults.append(f"{key.id} = {key.keys!r} takes a key of {other.id} ({other.where})")
    return list(dict.fromkeys(faults))


def _meet(key: Key, other: Key) -> bool:
    """Whether both are pressed on one screen, by one key."""
    together = key.where == other.where or EVERYWHERE in (key.where, other.where)
    return together and not set(key.keys.split(",")).isdisjoint(other.keys.split(","))


def show_keys(keys: str) -> str:
    """The keys as they stand on a keyboard."""
    return " or ".join(NAMES.get(key, re.sub(r"^f(?=\d)", "F", key)) for key in keys.split(","))
