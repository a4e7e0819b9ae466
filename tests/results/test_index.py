import json
import os
import shutil
import sqlite3

import pytest

from tfpt_tui.config.toml import write_toml
from tfpt_tui.results.store import index
from tfpt_tui.results.store.index import NAME, read_results, read_summaries, recall, stream_documents
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory, list_runs
from tfpt_tui.runs.record.result import whole_document


@pytest.fixture
def record(paths):
    """Record a run that is over, as a supervisor leaves it."""

    def make(number, status="completed", rate=100.0):
        run = RunDirectory(paths.runs / f"20260101-0000{number:02}-pytorch-{number:04x}")
        run.path.mkdir(parents=True, exist_ok=True)
        write_toml(run.config, {"rows": [{"framework": "pytorch", "data": "/d"}]})
        config = {"framework": "pytorch", "data": "/d", "track": "default", "batch_size": 32, "epochs": 2}
        training = {"images_per_s": rate, "epoch_s_median": 1.0}
        result = {
            "schema": 1,
            "run": run.id,
            "status": status,
            "config": config,
            "training": training,
            "phases": {},
        }
        write_toml(run.result, result)
        write_toml(run.environment, {"machine": {"host": f"h{number}"}})
        return run

    return make


@pytest.fixture
def reads(monkeypatch):
    """The runs whose files were really read."""
    read = []

    def count(run):
        read.append(run.id)
        return read_result(run)

    monkeypatch.setattr(index, "read_result", count)
    return read


def test_runs_are_read_once_and_listed_newest_first(paths, record, reads):
    runs = [record(number) for number in range(3)]
    for _ in range(2):
        assert [one.run for one in read_summaries(paths)] == [run.id for run in reversed(runs)]
    assert sorted(reads) == sorted(run.id for run in runs)


def test_whole_results_are_those_of_the_files_in_the_order_asked_for(paths, record, reads):
    runs = [record(number) for number in range(3)]
    wanted = [runs[2], runs[0]]
    assert read_results(paths, wanted) == [read_result(run) for run in wanted]
    reads.clear()
    assert [one.environment.machine["host"] for one in read_results(paths, wanted)] == ["h2", "h0"]
    assert reads == []


def test_what_is_new_changed_or_gone_is_noticed(paths, record, reads):
    kept, changed, gone = (record(number) for number in range(3))
    read_summaries(paths)
    reads.clear()
    record(1, status="failed", rate=7.0)
    shutil.rmtree(gone.path)
    new = record(3)
    found = {one.run: one for one in read_summaries(paths)}
    assert set(found) == {kept.id, changed.id, new.id}
    assert (found[changed.id].status, found[changed.id].training.images_per_s) == ("failed", 7.0)
    assert sorted(reads) == [changed.id, new.id]


def test_a_changed_environment_is_noticed(paths, record):
    run = record(1)
    read_results(paths, [run])
    write_toml(run.environment, {"machine": {"host": "renamed"}})
    assert read_results(paths, [run])[0].environment.machine["host"] == "renamed"


def test_a_run_that_is_not_over_is_read_every_time(paths, record):
    run = record(1)
    run.result.unlink()
    write_toml(run.state, {"boot_id": "another"})
    assert [one.status for one in read_summaries(paths)] == ["crashed"]
    record(1)
    assert [one.status for one in read_summaries(paths)] == ["completed"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"this is no database" * 1000),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: file.write_bytes(file.read_bytes()[:4096] + b"x" * 4096 + file.read_bytes()[8192:]),
        lambda file: sqlite3.connect(file).execute("PRAGMA user_version = 99").connection.close(),
        lambda file: sqlite3.connect(file).execute("DROP TABLE runs").connection.close(),
        lambda file: sqlite3.connect(file).execute("DROP TABLE answers").connection.close(),
    ],
    ids=["missing", "empty", "garbage", "cut", "damaged inside", "newer", "without runs", "without answers"],
)
def test_an_index_that_cannot_be_used_is_made_anew(paths, record, monkeypatch, damage):
    runs = [record(number) for number in range(3)]
    read_summaries(paths)
    damage(paths.runs / NAME)
    assert len(read_summaries(paths)) == 3
    assert len(read_results(paths, runs)) == 3
    assert recall(paths, "6 * 7", lambda: "42") == "42"
    monkeypatch.setattr(index, "read_result", lambda run: pytest.fail("it was not made anew"))
    assert len(read_summaries(paths)) == 3
    assert recall(paths, "6 * 7", lambda: pytest.fail("it was not kept")) == "42"


def test_where_the_index_cannot_be_kept_the_runs_are_read(paths, record, monkeypatch):
    record(1)
    monkeypatch.setattr(index, "NAME", "no/such/directory/index")
    assert len(read_summaries(paths)) == 1


def test_an_index_that_somebody_else_writes_is_no_obstacle(paths, record, monkeypatch):
    record(1)
    read_summaries(paths)
    record(2)
    monkeypatch.setattr(index, "BUSY_S", 0.05)
    other = sqlite3.connect(paths.runs / NAME)
    other.execute("BEGIN IMMEDIATE")
    assert len(read_summaries(paths)) == 2
    other.rollback()
    other.close()


def test_without_runs_nothing_is_made(paths):
    assert read_summaries(paths) == []
    assert not paths.runs.exists()


def test_figures_that_are_no_numbers_come_back(paths, record):
    record(1, rate=float("nan"))
    read_summaries(paths)
    (found,) = read_summaries(paths)
    assert str(found.training.images_per_s) == "nan"


def test_many_new_runs_are_told_of_and_few_are_not(paths, record, monkeypatch):
    monkeypatch.setattr(index, "MANY_RUNS", 3)
    told = []
    for number in range(3):
        record(number)
    read_summaries(paths, lambda *step: told.append(step))
    assert told == [(1, 3), (2, 3), (3, 3)]
    record(4)
    read_summaries(paths, lambda *step: pytest.fail("too few to be told of"))


def test_the_index_is_no_run(paths, record):
    record(1)
    read_summaries(paths)
    assert os.path.exists(paths.runs / NAME)
    assert len(list_runs(paths)) == 1


def test_an_answer_is_kept_until_the_index_is_deleted(paths, record):
    record(1)
    answers = iter(["", '{"ratio": Infinity}', "again"])
    assert recall(paths, "a", lambda: next(answers)) == ""
    assert recall(paths, "b", lambda: next(answers)) == '{"ratio": Infinity}'
    assert recall(paths, "a", lambda: next(answers)) == ""
    assert recall(paths, "b", lambda: next(answers)) == '{"ratio": Infinity}'
    (paths.runs / NAME).unlink()
    assert recall(paths, "a", lambda: next(answers)) == "again"


def test_an_answer_that_cannot_be_kept_is_worked_out(paths, record, monkeypatch):
    record(1)
    recall(paths, "a", lambda: "1")
    monkeypatch.setattr(index, "BUSY_S", 0.05)
    other = sqlite3.connect(paths.runs / NAME)
    other.execute("BEGIN IMMEDIATE")
    assert recall(paths, "b", lambda: "2") == "2"
    other.rollback()
    other.close()


def rot(column, value):
    def damage(file):
        with sqlite3.connect(file) as index:
            index.execute(f"UPDATE runs SET {column} = ?", (value,))
        index.close()

    return damage


ROT = [
    rot("summary", "{half"),
    rot("summary", None),
    rot("summary", "[]"),
    rot("document", '{"run": 3}'),
    rot("document", "{half"),
    rot("document", b"\xff"),
    rot("checksum", 7),
]


@pytest.mark.parametrize("damage", ROT, ids=range(len(ROT)))
def test_rows_that_rot_are_read_from_the_files_again(paths, record, damage):
    runs = [record(number) for number in range(3)]
    read_summaries(paths)
    damage(paths.runs / NAME)
    assert [one.run for one in read_summaries(paths)] == [run.id for run in reversed(runs)]
    assert [one.run for one in read_results(paths, runs)] == [run.id for run in runs]
    read_summaries(paths)
    damage(paths.runs / NAME)
    told = [json.loads(text) for text in stream_documents(paths)]
    assert [one["run"] for one in told] == [run.id for run in reversed(runs)]
    assert told == [json.loads(json.dumps(whole_document(read_result(run)))) for run in reversed(runs)]


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: os.symlink("elsewhere", path), os.mkdir])
def test_what_somebody_put_in_the_place_of_the_index_is_left_alone(paths, record, tmp_path, put):
    record(1)
    put(paths.runs / NAME)
    assert len(read_summaries(paths)) == 1
    assert len(list(stream_documents(paths))) == 1
    assert not (paths.runs / "elsewhere").exists()


def test_garbage_in_a_directory_that_cannot_be_written_is_gone_around(paths, record, monkeypatch):
    record(1)
    (paths.runs / NAME).write_bytes(b"this is no database" * 1000)

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(index.Path, "unlink", refuse)
    assert len(read_summaries(paths)) == 1
