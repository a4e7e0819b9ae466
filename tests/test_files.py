"""Files that the user named are written as a shell would: through links, into devices and pipes."""

import os
import stat
import subprocess
import sys

import pytest

from tfpt_tui.files import write_atomically, write_where_asked, written_where_asked


def test_a_link_stays_one_and_what_it_points_to_is_written_whole(tmp_path):
    (tmp_path / "notes").mkdir()
    link = tmp_path / "latest.md"
    link.symlink_to("notes/today.md")
    write_where_asked(link, "first")
    write_where_asked(link, "second")
    assert link.is_symlink()
    assert (tmp_path / "notes/today.md").read_text() == "second"
    with pytest.raises(ZeroDivisionError), written_where_asked(link) as place:
        place.write_text(f"half {1 / 0}")
    assert (tmp_path / "notes/today.md").read_text() == "second"
    assert [one.name for one in (tmp_path / "notes").iterdir()] == ["today.md"]


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen([sys.executable, "-c", f"print(open({str(pipe)!r}).read())"], stdout=subprocess.PIPE)
    write_where_asked(pipe, "written")
    assert reader.communicate(timeout=30)[0] == b"written\n"
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_a_terminal_or_dev_null_is_written_to_and_stays_what_it_is(tmp_path):
    link = tmp_path / "nothing"
    link.symlink_to("/dev/null")
    write_where_asked(link, "written")
    assert link.is_symlink()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    code = (
        "from pathlib import Path; from tfpt_tui.files import *; write_where_asked(Path('/dev/stdout'), 'shown')"
    )
    shown = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert shown.stdout == b"shown"
    log = tmp_path / "log"
    log.write_text("before, ")
    with log.open("a") as end:
        subprocess.run([sys.executable, "-c", code], stdout=end, check=True)
        end.write(", after")
    assert log.read_text() == "before, shown, after"


def test_what_is_there_keeps_its_permissions(tmp_path):
    secret = tmp_path / "mine.csv"
    secret.write_text("old")
    secret.chmod(0o600)
    write_where_asked(secret, "new")
    assert (secret.read_text(), stat.S_IMODE(secret.stat().st_mode)) == ("new", 0o600)


def test_a_record_takes_the_place_of_a_link(tmp_path):
    """Who may write into a directory of ours must not lead us elsewhere."""
    other = tmp_path / "other"
    other.write_text("somebody's")
    (tmp_path / "result.toml").symlink_to(other)
    write_atomically(tmp_path / "result.toml", "ours")
    assert other.read_text() == "somebody's"
    assert not (tmp_path / "result.toml").is_symlink()
