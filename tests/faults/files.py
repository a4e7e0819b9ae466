"""Faults in files: recorded runs are damaged in every way that was found, and all that reads them must go on."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import sqlite3
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

from tests.recordings import record_run, record_sweep
from tfpt_tui import events
from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.config.toml import read_toml
from tfpt_tui.errors import UsageError
from tfpt_tui.events import ENDINGS, Stamped, encode
from tfpt_tui.hardware.sample import Sample, columns, to_row
from tfpt_tui.results.presentation.listing import listing
from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs, write_out
from tfpt_tui.results.store.datasets import list_datasets
from tfpt_tui.results.store.index import NAME, read_results, read_summaries, stream_documents
from tfpt_tui.results.store.plan_sources import list_sources
from tfpt_tui.results.table import FORMATS, as_text
from tfpt_tui.runs.record.directory import RunDirectory, list_runs
from tfpt_tui.runs.record.lock import MachineLock, lock_path, own_lock_path
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import state_of, status_of, write_state
from tfpt_tui.runs.record.sweep import latest_sweep
from tfpt_tui.runs.record.transfer import export_runs, import_runs
from tfpt_tui.runs.supervision.supervisor import _settle_orphans
from tfpt_tui.ui.monitor.reader import RunReader

SWEEP = "20261121-100000-quick-aa01"
NOBODY = 2**22 + 1  # no process has a number like it
ODD = (
    *(None, True, 0, -1, 1e999, float("nan"), 10**40, "", "nan", "x", "\ud800", "\x1b]0;t\x07", "$\\foo$"),
    *([], [None], {}, {"a": None}, [[]], "\u202e", 2**63),
)


def make_world(home: Path) -> Paths:
    """Three runs that are over, and one whose supervisor was killed, of one sweep."""
    paths = find_paths(str(home / "runs"))
    runs = [
        record_run(paths, f"20261120-100{n}00-100{n}", framework, sweep=SWEEP, preset="quick", rate=100.0 + n)
        for n, framework in enumerate(("pytorch", "tensorflow", "pytorch", "tensorflow"))
    ]
    for run in runs:
        _tell(run)
    left = runs[-1]
    left.result.unlink()
    write_state(left.state, replace(state_of(identify(NOBODY)), sweep=SWEEP))
    record_sweep(paths, SWEEP, *runs)
    return paths


def _tell(run: RunDirectory) -> None:
    told = [
        events.RunStart(run.id, "pytorch", "1", "0.2.0", {"epochs": 2}, 1),
        events.Environment({"torch": "2"}, "cpu", {"device": "cpu", "threads": 2}),
        events.PhaseStart("training"),
        events.Progress("training", 1, 5, 10, 10.0),
        events.EpochEnd(1, 2, 2.0, 0.5, 1.0, 0.1, 10.0),
        events.EpochEnd(2, 2, 1.0, 0.6, 1.0, 0.1, 10.0),
        events.PhaseEnd("training", 2.0, {"user_s": 1.0}),
        events.EvaluationEnd(1.0, 0.5, 1.0, 10.0),
    ]
    run.events.write_text("".join(encode(Stamped(seq, 10.0 + seq, seq, one)) for seq, one in enumerate(told)))
    header = columns(range(2), 0)
    rows = [
        to_row(Sample(10.0 + n, n, 50.0, 1.0, 4e9, 16e9, cores_percent=(20.0, 80.0)), header) for n in range(4)
    ]
    run.hardware.write_text("".join(",".join(row) + "\n" for row in (header, *rows)))
    run.log.write_text("a framework speaks\n")


def look(paths: Paths) -> dict[str, str]:
    """All that a user may look at, none of which may fail; the statuses by run."""
    runs = list_runs(paths)
    summaries = read_summaries(paths)
    assert [one.run for one in summaries] == [one.run for one in read_results(paths, runs)]
    as_text(listing(summaries))
    told = [json.loads(text) for text in stream_documents(paths)]
    assert len(told) == len(runs)
    found = compare_runs(ComparisonRequest(tuple(runs), across=True), paths, read_results(paths, runs))
    for format_ in FORMATS:
        text = write_out(found, format_)
        assert all(letter.isprintable() or letter == "\n" for letter in text), format_
    for run in runs:
        reader = RunReader(run, paths)
        try:
            view = reader.read()
        except OSError as error:  # as the Monitor does
            view = reader.unreadable(error)
        assert view.status in (*ENDINGS, "queued", "running")
    latest_sweep(paths)
    list_datasets(paths)
    list_sources(paths, summaries)
    return {run.id: status_of(run) for run in runs}


def damage_a_file(paths: Paths, chance: random.Random) -> str:
    """Any file of a run or of the sweep, in any way."""
    place = chance.choice([*(run.path for run in list_runs(paths)), paths.sweeps / SWEEP])
    file = chance.choice(sorted(path for path in place.iterdir() if path.is_file()))
    way = chance.choice(
        [
            "bits",
            "cut",
            "empty",
            "garbage",
            "zeros",
            "gone",
            "link",
            "pipe",
            "directory",
            "values",
            "values",
            "values",
        ]
    )
    content = bytearray(file.read_bytes())
    if way == "bits":
        for _ in range(chance.randint(1, 8)):
            if content:
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
    elif way == "cut":
        file.write_bytes(content[: chance.randrange(len(content) + 1)])
    elif way in ("empty", "garbage", "zeros"):
        file.write_bytes({"empty": b"", "garbage": chance.randbytes(500), "zeros": bytes(500)}[way])
    elif way == "values":
        _damage_values(file, chance)
    else:
        file.unlink()
        if way == "link":
            file.symlink_to("/etc/hostname")
        elif way == "pipe":
            os.mkfifo(file)
        elif way == "directory":
            file.mkdir()
    return f"{way} of {file.name}"


def _damage_values(file: Path, chance: random.Random) -> None:
    """A value of a wrong kind in a file that is whole."""
    lines = file.read_text(errors="replace").splitlines()
    places = [place for place, line in enumerate(lines) if " = " in line]
    if file.suffix == ".jsonl" or not places:
        lines.append(odd_event(chance))
    else:
        place = chance.choice(places)
        name = lines[place].partition(" = ")[0]
        odd = chance.choice(
            ['"x"', "-1", "nan", "inf", "true", "[]", "{}", "[1, 'a']", "99999999999999999999", "1e400"]
        )
        lines[place] = f"{name} = {odd}"
    file.write_text("\n".join(lines) + "\n")


def odd_event(chance: random.Random) -> str:
    """A line that is JSON, mostly, and an event in part."""
    kind = chance.choice([*events.KINDS, "future", "", None, 3])
    known = events.KINDS.get(kind)
    body = {"v": 1, "seq": 9, "time": 20.0, "elapsed": 9.0, "kind": kind}
    if known:
        sound = Stamped(9, 20.0, 9.0, known())
        body |= json.loads(encode(sound))
    for name in chance.sample(sorted(map(str, body)), k=min(len(body), chance.randint(1, 3))):
        body[name] = chance.choice(ODD)
    return json.dumps(body, default=str)


def corrupt_a_file(home: Path, chance: random.Random) -> str:
    paths = make_world(home)
    others = set(look(paths)) if chance.random() < 0.5 else None
    what = damage_a_file(paths, chance)
    statuses = look(paths)
    assert others is None or set(statuses) == others
    _settle(paths)
    look(paths)
    return what


def tell_an_odd_event(home: Path, chance: random.Random) -> str:
    paths = make_world(home)
    *_, left = sorted(list_runs(paths), key=lambda run: run.result.exists(), reverse=True)
    line = odd_event(chance)
    with left.events.open("a", encoding="utf-8", errors="surrogatepass") as file:
        file.write(line + "\n")
    look(paths)
    _settle(paths)
    assert read_toml(left.result)["status"] == "crashed"
    assert look(paths)[left.id] == "crashed"
    return line[:60]


def _settle(paths: Paths) -> None:
    """As the next supervisor does; what it says goes to its log."""
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(said):
        _settle_orphans(paths)
    assert "Traceback" not in said.getvalue()


def damage_a_transfer(home: Path, chance: random.Random) -> str:
    paths = make_world(home)
    runs = [run for run in list_runs(paths) if run.result.exists()]
    archive = home / "runs.tar.gz"
    export_runs(runs, archive)
    content = bytearray(archive.read_bytes())
    way = chance.choice(["bit", "bit", "cut", "more"])
    if way == "bit":
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif way == "cut":
        del content[chance.randrange(len(content)) :]
    else:
        content += chance.randbytes(chance.randint(1, 2000))
    archive.write_bytes(content)
    elsewhere = find_paths(str(home / "elsewhere" / "runs"))
    try:
        imported = import_runs(archive, elsewhere)
    except UsageError:
        assert list(elsewhere.runs.iterdir()) == []
        return f"{way}: refused"
    assert set(imported.new) == {run.id for run in runs}
    for run in runs:  # a bit that says nothing, as in the time of gzip's header
        for file in (elsewhere.runs / run.id).iterdir():
            if file.name != "environment.toml":
                assert file.read_bytes() == (run.path / file.name).read_bytes()
    return f"{way}: harmless"


def rot_the_index(home: Path, chance: random.Random) -> str:
    paths = make_world(home)
    sound = look(paths)
    file = paths.runs / NAME
    way = chance.choice(["flip", "cut", "row", "garbage"])
    if way == "row":
        column = chance.choice(["summary", "document", "stamp", "checksum"])
        with sqlite3.connect(file) as index:
            index.execute(
                f"UPDATE runs SET {column} = ?", (chance.choice(["", "{", "[]", "3", None, b"\xff", 7]),)
            )
        index.close()
    else:
        content = bytearray(file.read_bytes())
        if way == "flip":
            for _ in range(chance.randint(1, 30)):
                content[chance.randrange(len(content))] ^= 255
        file.write_bytes(content[: chance.randrange(len(content))] if way == "cut" else content)
        if way == "garbage":
            file.write_bytes(chance.randbytes(10_000))
    assert look(paths) == sound
    assert look(paths) == sound
    return way


def take_the_locks_place(home: Path, chance: random.Random) -> str:
    first, second = MachineLock(), MachineLock()
    path = chance.choice([lock_path(), own_lock_path()])
    way = chance.choice(["removed", "pipe", "link", "other name", "directory", "replaced"])
    held = chance.random() < 0.5
    if held:
        assert first.acquire("A")
    if way in ("removed", "replaced") or path.exists():
        path.unlink(missing_ok=True)
    if way == "pipe":
        os.mkfifo(path)
    elif way == "link":
        path.symlink_to(home / "precious")
    elif way == "directory":
        path.mkdir()
    elif way == "replaced":
        path.write_text("")
    elif way == "other name":
        (home / "precious").write_text("precious")
        os.link(home / "precious", path)
    if not held:
        assert first.acquire("A")
    assert not second.acquire("B"), way
    first.release()
    assert second.acquire("B")
    second.release()
    if (home / "precious").exists():
        assert (home / "precious").read_text() == "precious"
    for place in (lock_path(), own_lock_path()):
        if place.is_dir():
            place.rmdir()
        else:
            place.unlink(missing_ok=True)
    return f"{way}, {'held' if held else 'free'}"


def put_a_link(home: Path, chance: random.Random) -> str:
    """A run's directory leads elsewhere: nothing there is read, settled or deleted."""
    paths = make_world(home)
    elsewhere = home / "somebodys home"
    shutil.copytree(chance.choice(list_runs(paths)).path, elsewhere)
    (elsewhere / "result.toml").unlink(missing_ok=True)
    (elsewhere / ".precious.tmp").write_text("precious")
    before = sorted(path.name for path in elsewhere.iterdir())
    (paths.runs / "20261121-100000-pytorch-9999").symlink_to(elsewhere)
    look(paths)
    _settle(paths)
    assert sorted(path.name for path in elsewhere.iterdir()) == before
    return "link"


KINDS = (
    corrupt_a_file,
    tell_an_odd_event,
    damage_a_transfer,
    rot_the_index,
    take_the_locks_place,
    put_a_link,
)
