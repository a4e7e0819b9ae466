"""What is said to a machine, on a connection that a test stands in for."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tfpt_tui.config.machines import Machine
from tfpt_tui.errors import MissingError
from tfpt_tui.machines import follower, mirror, submission
from tfpt_tui.machines.mirror import Mirror
from tfpt_tui.machines.wire import FilePart, Submitted, SweepStatus
from tfpt_tui.runs.record.contact import Contact, read_contact
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.state import machine_of

BOX = Machine("box", host="box")


def connect(monkeypatch, where, **parts):
    """Let a module's connections be made of these parts."""

    @contextmanager
    def connected(machine, request):
        yield SimpleNamespace(**parts)

    monkeypatch.setattr(where, "connected", connected)


def test_a_sweep_that_was_resumed_can_be_stopped_again_on_the_same_connection(monkeypatch, here):
    wishes = iter([[("sweep", "")], [("sweep", "")], [], [("sweep", "")]])
    said = []
    connect(monkeypatch, follower, hear=lambda: iter([(Contact(), b"")] * 4), say=said.append)
    monkeypatch.setattr(Mirror, "requests_to_stop", lambda self: next(wishes))
    with pytest.raises(MissingError, match="the connection was lost"):
        list(follower._beats(BOX, Mirror("box", here), here))
    assert [(request.do, request.sweep) for request in said] == [("stop", "sweep")] * 2


def test_a_sweep_that_is_another_machines_here_stops_no_other_and_no_request(monkeypatch, here):
    """Two hosts with one home each send what the other one's supervisor does."""
    sweep, run = "20261129-120000-demo-00ab", "20261129-120000-pytorch-00aa"
    Mirror("other", here).take(SweepStatus(sweep, {run: "running"}), b"")
    theirs = [SweepStatus(sweep, {run: "running"}), FilePart(sweep, "events.jsonl", run)]
    said = []
    here.machines.mkdir(parents=True)
    frames = [(frame, b"x") for frame in (*theirs, Contact())]
    connect(monkeypatch, follower, hear=lambda: iter(frames), say=said.append)
    monkeypatch.setattr(Mirror, "requests_to_stop", lambda self: [("its own", "")])
    with pytest.raises(MissingError, match="the connection was lost"):
        list(follower._beats(BOX, Mirror("box", here), here))
    assert [request.sweep for request in said] == ["its own"]
    assert "has the name of one that is here" in read_contact("box", here).problem
    assert machine_of(RunDirectory(here.runs / run)) == "other"


def test_an_open_sweep_is_asked_about_however_many_came_after_it(monkeypatch, here):
    monkeypatch.setattr(mirror, "RECENT_SWEEPS", 1)
    box = Mirror("box", here)
    sweeps = [f"20261129-12000{number}-demo-00ab" for number in range(4)]
    for number, sweep in enumerate(sweeps):
        (box if number < 2 else Mirror("other", here)).expect(sweep)
    for _ in range(2):
        assert sorted(sweep.id for sweep in box.open_sweeps()) == sweeps[:2]


def test_a_picture_that_cannot_be_read_ends_the_sending_with_its_name(monkeypatch, here, dataset, tmp_path):
    sent = tmp_path / "gone"
    sent.mkdir()  # without its splits

    def hear_one(kind):
        assert kind is Submitted, "nobody waits for an answer of the other side, which waits for the rest"
        return Submitted(missing=(str(sent),))

    with (tmp_path / "pipe").open("wb") as pipe:
        connect(monkeypatch, submission, hear_one=hear_one, to_there=pipe)
        with pytest.raises(MissingError, match="cannot send the dataset"):
            submission._place_data(BOX, {str(sent): "sha256:1"}, submission.SEND, here, lambda line: None)
