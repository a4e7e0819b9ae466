"""The copy of another machine's runs: complete, never ahead, and whole again after whatever cut it."""

from __future__ import annotations

import io
import os
import random
from contextlib import nullcontext
from dataclasses import replace

import pytest

from tests.machines.conftest import begin_copying, check_copied, copy
from tests.recordings import record_sweep
from tests.waiting import wait_until_late as wait_until
from tfpt_tui.config.machines import Machine
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.presets import find_preset
from tfpt_tui.config.schema import HERE
from tfpt_tui.config.settings import load_settings
from tfpt_tui.config.toml import write_toml
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.events import ALIVE
from tfpt_tui.machines import agent, jobs, slurm, submission
from tfpt_tui.machines import changes as changing
from tfpt_tui.machines.changes import GROWING, Changes
from tfpt_tui.machines.follower import _held
from tfpt_tui.machines.mirror import OVER, Mirror
from tfpt_tui.machines.wire import (
    FilePart,
    Refused,
    Request,
    Submitted,
    SweepStatus,
    read_frame,
    read_greeting,
    write_frame,
)
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, list_sweeps
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import (
    State,
    machine_of,
    owner_of,
    read_state,
    request_stop,
    state_of,
    status_of,
    write_state,
)
from tfpt_tui.runs.record.sweep import check_over, read_sweep, remove_abandoned
from tfpt_tui.runs.supervision.queue import alive_here
from tfpt_tui.runs.supervision.rerun import reruns_of
from tfpt_tui.runs.supervision.resume import resume
from tfpt_tui.runs.supervision.submit import submit
from tfpt_tui.runs.supervision.supervisor import _settle_orphans
from tfpt_tui.ui.monitor.reader import RunReader

RUN = "20261129-120000-pytorch-00aa"
SWEEP = "20261129-120000-demo-00ab"


@pytest.fixture
def begin(there, dataset, fake_python, monkeypatch):
    """Begin a plan of two runs there, whose workers tell these stories."""
    begun = []

    def begin_plan(*stories):
        monkeypatch.setenv("FAKE_STORY", ",".join(stories))
        plan = make_plan(find_preset("demo", there), data=str(dataset))
        begun.append(submit(plan, load_settings(there.settings), there))
        return begun[-1]

    yield begin_plan
    for sweep in begun:
        request_stop(sweep.directory)
        wait_until(lambda sweep=sweep: not any(status_of(run) in ALIVE for run in sweep.runs))


def told(here, status: str, *, over: bool = False) -> RunDirectory:
    """A copy of one run of which its machine told that status."""
    Mirror("box", here).take(SweepStatus(SWEEP, {RUN: status}, over=over), b"")
    return RunDirectory(here.runs / RUN)


def test_a_copy_has_every_byte_of_every_file_in_the_end(begin, there, here):
    sweep = begin("completes")
    changes, mirror = begin_copying(there, here)
    wait_until(lambda: copy(changes, mirror) == 0 and not mirror.open_sweeps())
    check_copied(sweep, here)
    copied = read_sweep(SweepDirectory(here.sweeps / sweep.id), here)
    assert [read_result(run).status for run in copied.runs] == ["completed", "completed"]
    assert {read_result(run).machine for run in copied.runs} == {"box"}
    assert read_state(copied.directory.state).status == OVER


def test_a_connection_cut_at_any_of_thirty_moments_loses_and_repeats_nothing(begin, there, tmp_path):
    sweep = begin("completes")
    wait_until(
        lambda: not any(status_of(run) in ALIVE for run in sweep.runs) and not owner_of(sweep.directory.state)
    )
    for seed in range(30):
        chance, growing = random.Random(seed), find_paths(str(tmp_path / f"there{seed}" / "runs"))
        here = find_paths(str(tmp_path / f"here{seed}" / "runs"))
        for share in sorted(chance.random() for _ in range(3)):
            grow(sweep, there, growing, share)
            copy(*begin_copying(growing, here), parts=chance.randint(0, 15))
        grow(sweep, there, growing, 1.0)
        changes, mirror = begin_copying(growing, here)
        copy(changes, mirror)
        check_copied(read_sweep(SweepDirectory(growing.sweeps / sweep.id), growing), here)
        assert not mirror.open_sweeps()


def grow(sweep, whole, growing, share):
    """What was recorded, as it was when it had that share of its lines; it is ours until it is all there."""
    for directory, parent in [(sweep.directory, growing.sweeps), *((run, growing.runs) for run in sweep.runs)]:
        place = parent / directory.id
        place.mkdir(parents=True, exist_ok=True)
        for file in directory.path.iterdir():
            content = file.read_bytes()
            if file.name == "state.toml" and share < 1:
                write_state(place / file.name, state_of(identify(os.getpid()), identify(os.getpid())))
            elif file.name in GROWING:
                with (place / file.name).open("ab") as copied:
                    copied.write(content[copied.tell() : int(share * len(content))])
            elif file.name != "result.toml" or share == 1:
                (place / file.name).write_bytes(content)


def test_half_a_part_that_was_written_before_a_crash_is_continued(begin, there, here):
    sweep = begin("completes")
    changes, mirror = begin_copying(there, here)
    wait_until(lambda: copy(changes, mirror) == 0 and not mirror.open_sweeps())
    path = here.runs / sweep.runs[0].id / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-33])
    state = here.sweeps / sweep.id / "state.toml"
    state.write_text(state.read_text().replace(OVER, "open"))
    changes, mirror = begin_copying(there, here)
    parts = [frame for frame, _ in changes.look() if isinstance(frame, FilePart)]
    assert [(part.file, part.start) for part in parts] == [("events.jsonl", path.stat().st_size)]
    changes, mirror = begin_copying(there, here)
    copy(changes, mirror)
    check_copied(sweep, here)


@pytest.mark.parametrize("name", ["events.jsonl", "result.toml", "hardware.csv"])
def test_a_copy_that_was_damaged_is_made_anew(begin, there, here, name):
    sweep = begin("completes")
    changes, mirror = begin_copying(there, here)
    wait_until(lambda: copy(changes, mirror) == 0 and not mirror.open_sweeps())
    path = here.runs / sweep.runs[1].id / name
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    state = here.sweeps / sweep.id / "state.toml"
    state.write_text(state.read_text().replace(OVER, "open"))
    copy(*begin_copying(there, here))
    check_copied(sweep, here)


def test_a_run_that_goes_on_there_is_live_here_and_nothing_of_ours(begin, there, here):
    sweep = begin("hangs")
    changes, mirror = begin_copying(there, here)
    own = RunDirectory(here.runs / sweep.runs[0].id)
    wait_until(lambda: copy(changes, mirror) == 0 and status_of(own) == "running")
    assert alive_here(here) == []
    _settle_orphans(here)
    remove_abandoned(here)
    assert status_of(own) == "running"
    assert not own.result.exists()


def test_a_sweep_that_goes_on_there_once_more_does_so_on_the_same_connection(begin, there, here, monkeypatch):
    monkeypatch.setattr(changing, "ALL_EVERY_S", 0.0)
    sweep = begin("hangs")
    changes, mirror = begin_copying(there, here)
    # One of which nothing has come keeps its place: no other run replaces it.
    wait_until(lambda: copy(changes, mirror) == 0 and RunDirectory(here.runs / sweep.runs[0].id).events.exists())
    request_stop(sweep.directory)
    wait_until(lambda: copy(changes, mirror) == 0 and not mirror.open_sweeps())
    monkeypatch.setenv("FAKE_STORY", "completes")
    resumed, _ = resume(sweep.directory, there, load_settings(there.settings))
    wait_until(lambda: not any(status_of(run) in ALIVE for run in resumed.runs))
    wait_until(lambda: copy(changes, mirror) == 0 and not mirror.open_sweeps())
    copied = read_sweep(SweepDirectory(here.sweeps / sweep.id), here)
    assert copied.plan.runs[0].replaces == (sweep.runs[0].id,)
    assert [status_of(run) for run in copied.runs] == ["completed", "completed"]
    check_copied(resumed, here)


def test_what_the_machine_told_last_holds_while_nothing_is_heard(here, later):
    run = told(here, "running")
    later(3600)
    assert status_of(run) == "running"


def test_a_request_to_stop_a_copy_is_one_to_its_machine(begin, there, here):
    sweep = begin("hangs")
    changes, mirror = begin_copying(there, here)
    own = SweepDirectory(here.sweeps / sweep.id)
    wait_until(lambda: copy(changes, mirror) == 0 and own.plan.exists())
    assert list(mirror.requests_to_stop()) == []
    request_stop(own)
    request_stop(RunDirectory(here.runs / sweep.runs[0].id))
    assert list(mirror.requests_to_stop()) == [(sweep.id, ""), (sweep.id, sweep.runs[0].id)]
    request_stop(sweep.directory)
    wait_until(lambda: copy(changes, mirror) == 0 and not mirror.open_sweeps())
    assert status_of(RunDirectory(here.runs / sweep.runs[0].id)) == "stopped"
    assert list(mirror.requests_to_stop()) == []
    assert not own.stop.exists()


def test_plans_that_are_begun_or_go_on_are_found_however_many_newer_ones_there_are(there, here):
    old = SweepDirectory(record_sweep(there, "20260101-000000-demo-0000"))
    changes, mirror = begin_copying(there, here)
    assert copy(changes, mirror) == 0
    later = [f"20991231-235959-demo-{number:04x}" for number in range(60)]
    for name in later:
        write_state(SweepDirectory(record_sweep(there, name)).state, State(job=True))
    copy(changes, mirror)
    assert {one.id for one in list_sweeps(here)} == set(later)
    old.plan.touch()  # it went on, and is over
    changes.due = 0.01  # some seconds later
    copy(changes, mirror)
    assert {one.id for one in list_sweeps(here)} == {*later, old.id}


def test_a_machine_is_followed_for_each_directory_of_runs(here, tmp_path):
    elsewhere = find_paths(str(tmp_path / "elsewhere/runs"))
    with _held("box", here) as held, _held("box", here) as again, _held("box", elsewhere) as other:
        assert (held, again, other) == (True, False, True)


def test_a_run_whose_supervisor_died_there_is_crashed_here(here):
    run = told(here, "crashed", over=True)
    run.config.write_text('[[rows]]\nframework = "pytorch"\ndata = "/d"\n')
    assert status_of(run) == "crashed"
    view = RunReader(run, here).read()
    assert view.machine == "box"
    how = f"exited unexpectedly; resume with: tfpt-tui runs resume {read_state(run.state).sweep}"
    assert view.error.message == read_result(run).error.message == f"its supervisor on box {how}"


def test_a_restart_that_a_duel_did_not_need_is_gone_here_too(here):
    run = told(here, "queued")
    told(here, "deleted")
    assert not run.path.exists()


def test_a_run_that_was_deleted_there_stays_here_with_its_result(here):
    run = told(here, "running")
    run.result.write_text('status = "completed"\n')
    told(here, "deleted")
    assert run.result.exists()


def test_a_copy_is_not_deleted_while_its_plan_goes_on_there_which_would_send_it_again(begin, there, here):
    sweep = begin("completes", "hangs")
    changes, mirror = begin_copying(there, here)
    first, second = (RunDirectory(here.runs / run.id) for run in sweep.runs)
    wait_until(lambda: copy(changes, mirror) == 0 and status_of(first) == "completed")
    with pytest.raises(UsageError, match=r"its plan goes on on box, .* runs stop"):
        check_over([first], here, ["box"])
    check_over([first, second], here, ["renamed"])  # whose settings are gone, nobody asks any more
    request_stop(sweep.directory)
    wait_until(lambda: copy(changes, mirror) == 0 and not mirror.open_sweeps())
    check_over([first, second], here, ["box"])


def test_a_sweep_that_was_deleted_there_is_over(begin, there, here):
    changes, mirror = Changes(there, {SWEEP: {}}), Mirror("box", here)
    mirror.expect(SWEEP)
    copy(changes, mirror)
    assert mirror.open_sweeps() == []


def test_the_runs_of_a_sweep_that_was_deleted_there_in_their_midst_are_over(here):
    run = told(here, "running")
    record_sweep(here, "20261129-120001-demo-00ac", run)
    plan = here.sweeps / "20261129-120001-demo-00ac" / "plan.toml"
    plan.rename(here.sweeps / SWEEP / "plan.toml")
    Mirror("box", here).take(SweepStatus(SWEEP, over=True), b"")
    assert status_of(run) == "crashed"


def test_a_machine_that_records_in_the_same_directory_is_refused_before_anything_begins(here):
    with submission._trace(here) as trace:
        request = Request("find", Machine("box"), trace=trace)
        with pytest.raises(
            UsageError, match=r"both machines record in this directory; give box another one: runs"
        ):
            next(agent._find(request, here))
    assert [frame.missing for frame in agent._find(request, here)] == [()]


def test_more_than_can_be_said_at_once_is_refused_before_it_is_said():
    wire = io.BytesIO()
    with pytest.raises(
        UsageError, match=r"5\.0 MB are more than can be said at once \(4\.2 MB\); take fewer runs"
    ):
        write_frame(wire, Refused("x" * 5_000_000, 1))
    assert wire.getvalue() == b""


@pytest.mark.parametrize(
    ("sweep", "run", "file"),
    [
        ("../runs", "", "plan.toml"),
        (SWEEP, "../../x", "events.jsonl"),
        (SWEEP, RUN, "../config.toml"),
        (SWEEP, RUN, "state.toml"),
        (SWEEP, RUN, "notes.toml"),
        (SWEEP, "", "state.toml"),
        ("a\nb", "", "plan.toml"),
        (".latest", "", "plan.toml"),
    ],
)
def test_no_machine_decides_where_a_file_is_written(here, sweep, run, file):
    told(here, "running")
    before = sorted(path for path in here.runs.parent.rglob("*"))
    with pytest.raises(MissingError):
        Mirror("box", here).take(FilePart(sweep, file, run), b"x")
    assert sorted(path for path in here.runs.parent.rglob("*")) == before


def test_a_machine_may_not_write_into_a_run_of_another_or_of_ours(here):
    run = told(here, "running")
    with pytest.raises(MissingError, match="not one of its own"):
        Mirror("other", here).take(FilePart(SWEEP, "events.jsonl", RUN), b"x")
    with pytest.raises(MissingError, match="has the name of one that is here"):
        Mirror("other", here).take(SweepStatus(SWEEP, {RUN: "running"}), b"")
    assert machine_of(run) == "box"


def test_a_machine_may_not_take_over_a_run_that_was_imported(here):
    """An export leaves the state out: such a run has none."""
    run = RunDirectory(here.runs / RUN)
    run.path.mkdir(parents=True)
    run.result.write_text('status = "completed"\n')
    with pytest.raises(MissingError, match="has the name of one that is here"):
        told(here, "running")
    told(here, "deleted")
    assert run.result.exists()


def test_bytes_that_do_not_follow_what_is_here_are_refused(here):
    told(here, "running")
    mirror = Mirror("box", here)
    mirror.take(FilePart(SWEEP, "events.jsonl", RUN), b"one\n")
    for start in (2, 8):
        with pytest.raises(MissingError, match="does not go on"):
            mirror.take(FilePart(SWEEP, "events.jsonl", RUN, start), b"two\n")
    mirror.take(FilePart(SWEEP, "events.jsonl", RUN, 4), b"two\n")
    assert (here.runs / RUN / "events.jsonl").read_bytes() == b"one\ntwo\n"


def test_a_file_that_is_sent_whole_takes_its_place_when_all_of_it_is_here(here):
    told(here, "running")
    mirror, path = Mirror("box", here), here.runs / RUN / "epochs.csv"
    mirror.take(FilePart(SWEEP, "epochs.csv", RUN), b"old")
    mirror.take(FilePart(SWEEP, "epochs.csv", RUN, 0, more=True), b"new ")
    assert path.read_bytes() == b"old"
    mirror.take(FilePart(SWEEP, "epochs.csv", RUN, 4), b"one")
    assert path.read_bytes() == b"new one"
    with pytest.raises(MissingError, match="wrong order"):
        mirror.take(FilePart(SWEEP, "epochs.csv", RUN, 4), b"one")


def test_a_file_that_another_takes_the_place_of_is_sent_anew(there, here, begin):
    sweep = begin("completes")
    changes, mirror = begin_copying(there, here)
    wait_until(lambda: not any(status_of(run) in ALIVE for run in sweep.runs))
    log = sweep.directory.log
    copy(changes, mirror, parts=4)
    log.rename(log.with_suffix(".old"))
    log.write_text("another one\n")
    changes, mirror = begin_copying(there, here)
    copy(changes, mirror)
    assert (here.sweeps / sweep.id / log.name).read_text() == "another one\n"
    assert log.name in GROWING


def test_what_was_elsewhere_is_not_resumed_here_and_run_again_where_it_was(here):
    run = told(here, "stopped", over=True)
    run.config.write_text('[[rows]]\nframework = "pytorch"\ndata = "/d"\n')
    with pytest.raises(UsageError, match="is of the machine box, which alone can go on with it"):
        resume(SweepDirectory(here.sweeps / SWEEP), here, load_settings(here.settings))
    (again,) = reruns_of([run], here)
    assert (again.machine, again.runs) == ("box", (run,))


def test_a_dataset_that_vanishes_between_two_questions_is_said(here, dataset, monkeypatch):
    class Answers:
        def hear_one(self, kind):
            return kind(missing=(str(dataset),))

    monkeypatch.setattr(submission, "connected", lambda *_: nullcontext(Answers()))
    plan = make_plan(find_preset("demo", here), data=str(dataset))
    with pytest.raises(MissingError, match=r"box: its dataset like .* is gone: nothing was begun there"):
        submission._begin_there(plan, Machine("box"), {}, 0, here)


def test_a_name_that_only_another_machine_knows_begins_nothing_where_this_one_takes_part(here, monkeypatch):
    monkeypatch.setattr(submission, "connected", None)
    plan = make_plan(find_preset("demo", here), data="/data/known-to-box1-alone")
    with pytest.raises(MissingError, match="known-to-box1-alone"):
        submission.begin(plan, [Machine("box1"), Machine(HERE)], "", load_settings(here.settings), here, print)


def test_what_a_job_of_slurm_recorded_may_be_seen_a_minute_after_its_end(here, monkeypatch):
    run = RunDirectory(here.runs / RUN)
    run.path.mkdir(parents=True)
    sweep = SweepDirectory(record_sweep(here, SWEEP, run))
    write_toml(sweep.path / "job.toml", {"schema": 1, "id": "7"})
    monkeypatch.setattr(slurm, "job_states", lambda ids: dict.fromkeys(ids, "COMPLETED"))
    jobs = slurm.Jobs(here)
    jobs.look()
    assert not run.result.exists()
    monkeypatch.setattr(slurm, "UNCERTAIN_S", -1.0)
    jobs.look()
    assert run.result.exists()


def test_a_job_that_slurm_does_not_know_for_a_moment_is_not_over(here, monkeypatch):
    run = RunDirectory(here.runs / RUN)
    run.path.mkdir(parents=True)
    sweep = SweepDirectory(record_sweep(here, SWEEP, run))
    write_toml(sweep.path / "job.toml", {"schema": 1, "id": "7"})
    jobs = slurm.Jobs(here)
    for known in ({"7": "RUNNING"}, {}, {"7": "RUNNING"}):
        monkeypatch.setattr(slurm, "job_states", lambda ids, known=known: known)
        jobs.look()
        assert jobs.holds(sweep)
        assert not run.result.exists()
    monkeypatch.setattr(slurm, "UNCERTAIN_S", -1.0)
    monkeypatch.setattr(slurm, "job_states", lambda ids: {})
    jobs.look()
    assert "Slurm knows it no more" in read_result(run).error.message


def test_a_job_that_is_followed_is_asked_for_behind_any_number_of_newer_ones(here, monkeypatch):
    sweep = SweepDirectory(record_sweep(here, SWEEP, RunDirectory(here.runs / RUN)))
    write_toml(sweep.path / "job.toml", {"schema": 1, "id": "7"})
    monkeypatch.setattr("tfpt_tui.machines.jobs.RECENT_SWEEPS", 0)
    monkeypatch.setattr(slurm, "job_states", lambda ids: dict.fromkeys(ids, "RUNNING"))
    jobs = slurm.Jobs(here)
    assert jobs.holds(sweep)
    jobs.look()
    assert jobs.states == {SWEEP: "RUNNING"}


def test_without_room_for_its_id_no_job_is_submitted(here, dataset, fake_python, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jobs, "write_toml", full)
    plan, taken = make_plan(find_preset("demo", here), data=str(dataset)), []
    with pytest.raises(MissingError, match="no space left on device; free some room"):
        jobs.submit_parts(plan, load_settings(here.settings), here, 0, taken.append)
    assert (taken, list_sweeps(here)) == ([], [])


def test_the_name_of_a_job_is_no_line_of_its_script(here, dataset, fake_python, monkeypatch):
    submitit = pytest.importorskip("submitit")
    named = []
    monkeypatch.setattr(submitit.SlurmExecutor, "update_parameters", lambda _, **given: named.append(given))
    monkeypatch.setattr(submitit.SlurmExecutor, "submit", lambda *_: type("Job", (), {"job_id": "7"}))
    monkeypatch.setattr(submitit.SlurmExecutor, "affinity", classmethod(lambda _: 1))
    plan = replace(make_plan(find_preset("demo", here), data=str(dataset)), preset="a\ntouch /tmp/x #")
    slurm.submit_plan(plan, Machine("cluster"), load_settings(here.settings), here, 0)
    assert named[0]["job_name"].isprintable()
    assert "touch /tmp" not in named[0]["job_name"]


def test_jobs_that_were_submitted_before_one_was_refused_are_named(here, dataset, fake_python):
    plan = make_plan(find_preset("demo", here), data=str(dataset), repeats=3)
    taken = []

    def submit_job(sweep):
        if taken:
            raise MissingError("the partition is full")
        taken.append(sweep.id)
        return "7"

    with pytest.raises(MissingError) as caught:
        jobs.submit_parts(plan, load_settings(here.settings), here, 0, submit_job)
    assert str(caught.value) == (
        f"the partition is full; 1 of its 3 jobs were submitted before, and go on: {taken[0]}"
    )
    assert [one.id for one in list_sweeps(here)] == taken


def test_a_job_whose_runs_cannot_be_settled_keeps_no_other_from_it(here, monkeypatch):
    runs = [RunDirectory(here.runs / f"{RUN[:-1]}{number}") for number in range(2)]
    for run in runs:
        run.path.mkdir(parents=True)

    def write(run, *_):
        if run == runs[0]:
            raise OSError("no space left on device")
        run.result.touch()

    monkeypatch.setattr(jobs, "finalize", write)
    jobs.settle_job(SweepDirectory(record_sweep(here, SWEEP, *runs)), "crashed", "its node was lost", here)
    assert [run.result.exists() for run in runs] == [False, True]


def test_an_error_that_nobody_foresaw_is_an_answer_too(monkeypatch):
    def answer(*_):
        raise OSError("no space left on device")
        yield

    monkeypatch.setitem(agent.ANSWERS, "find", answer)
    asked, told_there = io.BytesIO(), io.BytesIO()
    write_frame(asked, Request("find"))
    asked.seek(0)
    with pytest.raises(OSError, match="no space"):
        agent.serve(asked, told_there)
    told_there.seek(0)
    assert read_greeting(told_there)
    assert read_frame(told_there)[0] == Refused("OSError: no space left on device", 1)


def test_why_a_machine_takes_no_more_of_a_dataset_is_said_by_itself(here, dataset, monkeypatch):
    class Answers:
        to_there = None

        def hear_one(self, kind):
            if kind is Submitted:
                return Submitted(missing=(str(dataset),))
            raise UsageError("box: /d/tiny: is another dataset; rename one of them")

    def broken(*_):
        raise MissingError("cannot send the dataset: broken pipe") from BrokenPipeError()

    monkeypatch.setattr(submission, "connected", lambda *_: nullcontext(Answers()))
    monkeypatch.setattr(submission, "send_dataset", broken)
    with pytest.raises(UsageError, match="is another dataset"):
        submission._place_data(Machine("box"), {str(dataset): "sha256:1"}, "send", here, print)
