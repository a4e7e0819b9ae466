"""What reaches the terminal: all that changed, and nothing that it shows already."""

import random

from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

from tfpt_tui.ui.painted import Painted, Pieces

SIZE = Size(12, 3)
STYLES = [Style.parse(one) for one in ("red", "blue", "red on white")]
HERE, ELSEWHERE = object(), object()


def whole(rows):
    return LayoutUpdate([[Strip(row)] for row in rows], SIZE.region)


def part(y, x, strip):
    """Textual's update of one part of a row."""
    chops = [{} for _ in range(SIZE.height)]
    chops[y] = {0: None, x: strip}
    end = x + strip.cell_length
    return ChopsUpdate(chops, [(y, x, end)], [[x, end]] * SIZE.height)


def row(*parts):
    return [Segment(text, STYLES[style]) for text, style in parts]


def write(terminal, update):
    """As a terminal does; how many cells were written."""
    cells = 0
    for y, x, strip in update.pieces if update else ():
        for text, style, _ in strip:
            for letter in text:
                terminal[y, x] = letter, style
                x, cells = x + 1, cells + 1
    return cells


def test_a_picture_is_written_once_however_often_it_is_painted():
    painted, terminal = Painted(), {}
    rows = [row(("loss ", 0), ("0.1    ", 1))] * 3
    assert write(terminal, painted.differences(whole(rows), HERE, SIZE)) == 36
    assert write(terminal, painted.differences(whole(rows), HERE, SIZE)) == 0
    # In other segments, too.
    again = [row(("lo", 0), ("ss ", 0), ("0.1 ", 1), ("   ", 1))] * 3
    assert write(terminal, painted.differences(whole(again), HERE, SIZE)) == 0


def test_of_a_row_only_the_segments_that_differ_are_written():
    painted = Painted()
    painted.differences(whole([row(("loss ", 0), ("0.1", 1), (" ", 2), ("end", 0))] * 3), HERE, SIZE)
    pieces = painted.differences(whole([row(("loss ", 0), ("0.2", 1), (" ", 2), ("end", 0))] * 3), HERE, SIZE)
    assert [(y, x, strip.text) for y, x, strip in pieces.pieces] == [(y, 5, "0.2") for y in range(3)]


def test_another_screen_and_a_terminal_that_was_resized_are_written_whole():
    painted = Painted()
    rows = [row(("loss ", 0), ("0.1    ", 1))] * 3
    painted.differences(whole(rows), HERE, SIZE)
    assert write({}, painted.differences(whole(rows), ELSEWHERE, SIZE)) == 36
    assert write({}, painted.differences(whole(rows), ELSEWHERE, SIZE)) == 0
    painted.forget()
    assert write({}, painted.differences(whole(rows), ELSEWHERE, SIZE)) == 36
    assert write({}, painted.differences(whole(rows), ELSEWHERE, Size(13, 3))) == 36


def test_a_part_that_comes_first_is_written_at_its_place():
    painted, terminal = Painted(), {}
    write(terminal, painted.differences(part(1, 4, Strip(row(("0.1", 1)))), HERE, SIZE))
    assert {place: letter for place, (letter, _) in terminal.items()} == {(1, 4): "0", (1, 5): ".", (1, 6): "1"}


def test_the_terminal_always_shows_what_was_painted_last():
    dice = random.Random(1)
    painted, terminal, wanted = Painted(), {}, {}
    for _ in range(500):
        if dice.random() < 0.2:
            rows = [
                row(*((dice.choice("ab·") * 3, dice.randrange(3)) for _ in range(4))) for _ in range(SIZE.height)
            ]
            update = whole(rows)
            write(wanted, Pieces([(y, 0, Strip(one)) for y, one in enumerate(rows)]))
        else:
            y, x = dice.randrange(SIZE.height), dice.randrange(1, SIZE.width - 3)
            strip = Strip(row((dice.choice("ab"), dice.randrange(3)), (dice.choice("·─"), dice.randrange(3))))
            update = part(y, x, strip)
            write(wanted, Pieces([(y, x, strip)]))
        write(terminal, painted.differences(update, HERE, SIZE))
        assert terminal == wanted
