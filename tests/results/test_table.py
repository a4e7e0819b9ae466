import csv
import io
import json
import math

import pytest

from tfpt_tui.results.table import (
    Column,
    Table,
    as_csv,
    as_json,
    as_latex,
    as_markdown,
    as_text,
    fitted,
    sorted_by,
)

COLUMNS = (Column("name", "name"), Column("rate", "images/s", 1), Column("cached", "cached"))
ROWS = (
    {"name": "PyTorch", "rate": 816.123, "cached": True},
    {"name": "a|b", "rate": None, "cached": False},
    {"name": "=cmd()", "rate": -5.0, "cached": None},
)
TABLE = Table(COLUMNS, ROWS, ("a note",))


@pytest.mark.parametrize(("p_value", "shown"), [(0.0453, "0.0453"), (0.0001, "0.0001"), (1.68e-05, "2e-05")])
def test_a_probability_is_never_0(p_value, shown):
    column = Column("p_value", "p", 4, small=True)
    assert column.show(p_value) == shown
    table = Table((column,), ({"p_value": p_value},), ())
    assert json.loads(as_json(table))["rows"][0]["p_value"] > 0


def test_text_is_aligned_and_carries_its_notes():
    assert as_text(TABLE).splitlines() == [
        "name     images/s  cached",
        "-------  --------  ------",
        "PyTorch     816.1  yes",
        "a|b                no",
        "=cmd()       -5.0",
        "",
        "a note",
    ]


def test_a_narrow_terminal_gets_the_first_columns_and_is_told_of_the_others():
    lines = as_text(fitted(TABLE, 20)).splitlines()
    assert lines[0] == "name     images/s"
    assert max(map(len, lines)) <= 20
    assert " ".join(lines[-2:]) == "hidden (terminal too   narrow): cached"
    assert as_text(fitted(TABLE, 30)) == as_text(TABLE)
    (line, *_) = as_text(fitted(Table(COLUMNS, ()), 80)).splitlines()
    assert line.split() == ["name", "images/s", "cached"]


def test_a_text_without_room_is_cut_and_a_number_never():
    columns = (Column("a", "a"), Column("title", "title"), Column("n", "n"))
    wide = Table(columns, ({"a": "one", "title": "much to say about it", "n": 5},))
    assert as_text(fitted(wide, 22)).splitlines()[2] == "one  much to say abou…"
    assert as_text(fitted(wide, 20)).splitlines()[2] == "one"
    numbers = Table((columns[0], columns[2]), ({"a": "one", "n": 10**20},))
    assert as_text(fitted(numbers, 22)).splitlines()[2] == "one"


def test_columns_without_a_value_need_no_room():
    rows = ({"name": "a", "rate": None, "cached": True},)
    shown = as_text(fitted(Table(COLUMNS, rows), 80))
    assert shown.splitlines()[0] == "name  cached"
    assert "left out" not in shown


def test_a_column_without_a_value_is_for_programs_only():
    rows = ({"name": "a", "rate": None, "cached": True},)
    table = Table(COLUMNS, rows)
    for text in (as_text(table), as_markdown(table), as_latex(table)):
        assert "images/s" not in text
    assert as_csv(table).splitlines()[0] == "name,rate,cached"


def test_an_empty_table_has_its_header_in_every_format():
    empty = Table(COLUMNS, ())
    assert as_text(empty).splitlines()[0].split() == ["name", "images/s", "cached"]
    assert as_csv(empty) == "name,rate,cached\n"
    assert as_markdown(empty).splitlines()[0] == "| name | images/s | cached |"
    assert json.loads(as_json(empty))["rows"] == []


def test_the_same_number_is_the_same_in_every_format():
    cells = list(csv.DictReader(io.StringIO(as_csv(TABLE))))
    assert cells[0]["rate"] == "816.1"
    assert json.loads(as_json(TABLE))["rows"][0]["rate"] == 816.1
    assert "| 816.1 |" in as_markdown(TABLE)


def test_no_cell_can_run_in_a_spreadsheet_and_negative_numbers_stay_numbers():
    cells = list(csv.DictReader(io.StringIO(as_csv(TABLE))))
    assert cells[2]["name"] == "'=cmd()"
    assert cells[2]["rate"] == "-5.0"


def test_a_bar_does_not_break_a_markdown_row():
    assert "| a\\|b |" in as_markdown(TABLE)


def test_values_that_json_has_not_are_strings():
    table = Table(COLUMNS, ({"name": "x", "rate": math.nan, "cached": None},))
    assert json.loads(as_json(table))["rows"][0] == {"name": "x", "rate": "nan", "cached": None}
    assert "nan" in as_text(table)


def test_a_table_for_latex_is_ready_to_paste():
    table = Table(
        (Column("name", "a_name"), Column("rate", "% of peak", 1)),
        ({"name": "50% & more_", "rate": 1.25},),
        ("a < b",),
    )
    assert as_latex(table) == (
        "% \\usepackage{booktabs}\n"
        "\\begin{tabular}{lr}\n"
        "\\toprule\n"
        "a\\_name & \\% of peak \\\\\n"
        "\\midrule\n"
        "50\\% \\& more\\_ & 1.2 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\n"
        "a $<$ b\n"
    )
    empty = as_latex(Table((Column("name", "name"),), ()))
    assert "name \\\\\n\\midrule\n\\bottomrule" in empty


def test_values_that_are_no_numbers_come_last_and_leave_the_others_in_order():
    table = Table(COLUMNS, tuple({"name": "a", "rate": rate} for rate in (3.0, math.nan, 1.0, None, 2.0)))
    shown = {column: [row["rate"] for row in sorted_by(table, column).rows] for column in ("rate", "-rate")}
    assert (shown["rate"][:3], shown["-rate"][:3]) == ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])


def test_nothing_that_a_terminal_would_obey_is_printed():
    table = Table((Column("name", "name"),), ({"name": "a\x1b[2Jb\nc"},), ("a \x1b]0;note",))
    for show in (as_text, as_markdown):
        text = show(table)
        assert "\x1b" not in text
        assert "a\\x1b[2Jb\\nc" in text
    assert "\x1b" not in as_latex(table)
    assert next(csv.DictReader(io.StringIO(as_csv(table))))["name"] == "a\\x1b[2Jb\\nc"


def test_markdown_has_numbers_to_the_right_and_the_notes_as_a_list():
    assert as_markdown(TABLE).splitlines()[1] == "| --- | ---: | --- |"
    assert as_markdown(TABLE).endswith("\n\n- a note\n")


HOSTILE = "\x1b]0;t\x07\x9b2J\x7f\u202e<script>&`*[a](b)$x_ \ud800"


@pytest.mark.parametrize("write", [as_text, as_csv, as_json, as_markdown, as_latex])
def test_nothing_in_a_name_is_obeyed_whatever_it_is_written_as(write):
    text = write(Table(COLUMNS, ({"name": HOSTILE, "rate": 1.0, "cached": None},), (HOSTILE,)))
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    if write is as_json:
        assert json.loads(text)["rows"][0]["name"] == HOSTILE
    if write is as_markdown:
        assert "<script>" not in text
        assert "&lt;script&gt;&amp;\\`\\*[a]\\(b)$x\\_ " in text
    if write is as_latex:
        assert "$x" not in text.replace("\\$x", "")


def test_intervals_and_names_with_underscores_read_as_ever_in_markdown():
    row = {"name": "images_per_s [0.68, 0.99]", "rate": 1.0, "cached": None}
    assert "| images_per_s [0.68, 0.99] | 1.0 |" in as_markdown(Table(COLUMNS[:2], (row,)))
