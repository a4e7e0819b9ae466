import os
import subprocess
import threading

import pytest

from tests.waiting import wait_until
from tfpt_tui.environments.asking import ENDLESS, LATE, MOST_BYTES, SILENT, AbandonedError, ask


def shell(script, timeout_s=60, **how):
    return ask(["/bin/sh", "-c", script], dict(os.environ), timeout_s, **how)


def is_gone(pid):
    """A killed process may stay a zombie where nobody adopts it."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def child_of(file):
    wait_until(lambda: file.exists() and file.read_text().strip(), 30)
    return int(file.read_text())


def test_what_a_program_prints_and_how_it_ends_is_the_answer():
    answer = shell("echo out; echo first >&2; echo last >&2; exit 3")
    assert (answer.stdout, answer.stderr, answer.returncode, answer.cut) == ("out\n", "first\nlast\n", 3, "")
    assert (answer.reason, answer.ending) == ("last", "with exit code 3")
    assert shell("kill -KILL $$").ending == "by SIGKILL"
    assert shell("printf '\\377'").stdout == "\ufffd"


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path):
    answer = shell(f"echo begun; sleep 600 & echo $! > {tmp_path}/child; wait", timeout_s=3)
    assert (answer.cut, answer.stdout) == (LATE, "begun\n")
    wait_until(lambda: is_gone(child_of(tmp_path / "child")), 30)


def test_a_program_that_says_nothing_is_not_waited_for_as_long():
    assert shell("echo aside >&2; sleep 600", silence_s=0.2).cut == SILENT
    assert shell("echo hello; sleep 3", silence_s=2).cut == ""


def test_a_child_that_holds_the_streams_open_is_not_waited_for(tmp_path):
    answer = shell(f"sleep 600 & echo $! > {tmp_path}/child; echo done")
    assert (answer.stdout, answer.cut) == ("done\n", "")
    wait_until(lambda: is_gone(child_of(tmp_path / "child")), 30)


def test_what_is_printed_just_before_the_end_is_not_lost(monkeypatch):
    poll = subprocess.Popen.poll

    def after_its_end(process):
        """The program prints and ends between two of our looks."""
        if process.returncode is None:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        return poll(process)

    monkeypatch.setattr(subprocess.Popen, "poll", after_its_end)
    assert shell("sleep 0.3; echo done").stdout == "done\n"


def test_a_program_that_prints_without_end_fills_no_memory():
    answer = shell("exec yes")
    assert answer.cut == ENDLESS
    assert len(answer.stdout) < 2 * MOST_BYTES


def test_who_does_not_wait_any_more_leaves_no_process(tmp_path):
    over = threading.Event()
    threading.Thread(target=lambda: (child_of(tmp_path / "child"), over.set())).start()
    with pytest.raises(AbandonedError):
        shell(f"sleep 600 & echo $! > {tmp_path}/child; wait", cancelled=over.is_set)
    wait_until(lambda: is_gone(child_of(tmp_path / "child")), 30)
    with pytest.raises(AbandonedError):
        shell(f"touch {tmp_path}/started", cancelled=over.is_set)
    assert not (tmp_path / "started").exists()
