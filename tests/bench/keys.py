"""How soon the app answers a key, and what it writes: a hundred runs, 80x24, in a pseudo-terminal.

The budget of a screen and of a dialog is 100 ms to the first byte, and 20 kB for a dialog. The reference is the
key ``j`` in the same app, which moves a list by one.
"""

import statistics
import tempfile

from tests.bench.many import write_runs
from tests.bench.terminal import Terminal
from tfpt_tui.config.paths import find_paths

RUNS, VISITS = 100, 5
# Where the key is pressed, what it is called, the key, and what leaves again.
STEPS = (
    ("3", "Details", "i", "\x1b"),
    ("3", "another run", "j", "k"),
    ("3", "Help", "?", "\x1b"),
    ("3", "Note", "m", "\x1b"),
    ("3", "Delete", "D", "\x1b"),
    ("3", "to Prepare", "1", "3"),
    ("3", "to Build", "2", "3"),
    ("3", "to Compare", "4", "3"),
    ("4", "another entry", "j", "k"),
    ("4", "next view", "v", "V"),
    ("4", "Export", "e", "\x1b"),
    ("2", "another preset", "j", "k"),
    ("2", "Save", "w", "\x1b"),
    ("1", "another dataset", "j", "k"),
)


def main():
    paths = find_paths(tempfile.mkdtemp() + "/runs")
    paths.runs.mkdir(parents=True)
    write_runs(paths, RUNS)
    with Terminal(paths.runs) as terminal:
        terminal.drain(4)
        for screen, what, key, back in STEPS:
            terminal.press(screen)
            terminal.drain(1.5)
            answers = []
            for _ in range(VISITS):
                answers.append(terminal.answer(key))
                terminal.press(back)
                terminal.drain(0.7)
            opened, *again = answers
            first, whole, written = (statistics.median(figures) for figures in zip(*again, strict=True))
            print(
                f"{what:16} {1000 * first:4.0f} ms to the first byte, {1000 * whole:4.0f} ms to the last,"
                f" {written / 1000:5.1f} kB; the first time {1000 * opened[0]:4.0f}, {1000 * opened[1]:4.0f} ms,"
                f" {opened[2] / 1000:5.1f} kB",
                flush=True,
            )


if __name__ == "__main__":
    main()
