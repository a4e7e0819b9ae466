"""``tfpt-tui prepare`` as a user meets it who makes mistakes, or means harm."""

import os
import pty
import signal
import subprocess
import sys

import psutil
import pytest
from PIL import Image

from tests.waiting import usual_signals, wait_until
from tfpt_tui.cli.invocation import ended_as_by_ctrl_c, progress_bar, say
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.results.store.datasets import known_datasets
from tfpt_tui.runs.tasks.preparation import list_preparations
from tfpt_tui.runs.tasks.prepare_request import PrepareRequest


def one_line(err):
    """The one line that says why; nothing else is said."""
    (line,) = err.splitlines()
    assert line.startswith("tfpt-tui: ")
    return line


def test_a_problem_is_shown_without_what_a_terminal_would_obey(cli, tmp_path):
    code, _, err = cli("prepare", "/no\x1b]0;owned\x07\nwhere\udce9", "--out", tmp_path / "out")
    assert code == 3
    assert r"/no\x1b]0;owned\x07\nwhere\udce9: no such directory" in one_line(err)


def test_narration_keeps_its_lines_and_loses_what_a_terminal_would_obey(capfd):
    say("one\x1b[31m\ntwo")
    assert capfd.readouterr().err == "one\\x1b[31m\ntwo\n"


@pytest.fixture
def pictures_by_class(tmp_path):
    """A folder with a test split of its own."""
    for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (tmp_path / "source" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "source" / name / "1.png")
    return tmp_path / "source"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", "--out", "x"], "SOURCE: is empty"),
        (["synthetic", "--out", ""], "--out: is empty"),
        (["cifar10", "--out", "x", "--archive", ""], "--archive: is empty"),
        (["cifar10", "--out", "x", "--url", ""], "--url: is empty"),
        (["cifar10", "--out", "x", "--seed", "25"], "--seed: nothing is drawn for cifar10"),
        (["cifar10", "--out", "x", "--skip-bad"], "--skip-bad: cifar10 has no files to leave out"),
        (
            ["Cifar10", "--out", "x", "--archive", "y"],
            "uses no archive; that option is for cifar100 and cifar10; did you",
        ),
        (["synthetic", "--out", "x", "--skip-bad"], "--skip-bad: synthetic has no files to leave out"),
        (["cifar10", "--out", "x", "--url", "http://user:secret@["], "--url: not an address"),
        (["cifar10", "--out", "x", "--url", "user:secret@host/x"], "--url: has no http:// or https://"),
    ],
)
def test_what_would_be_ignored_or_misread_is_refused(cli, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("prepare", *arguments)
    assert (code, out) == (2, "")
    assert said in one_line(err)
    assert "secret" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_seed_for_a_folder_that_is_split_is_refused(cli, pictures_by_class, tmp_path):
    code, _, err = cli("prepare", pictures_by_class, "--out", tmp_path / "out", "--seed", "1")
    assert code == 2
    assert "has a test/ of its own, so nothing is drawn" in one_line(err)


@pytest.mark.parametrize(
    ("source", "meant"),
    [("CIFAR100", "cifar100"), ("cifar1000", "cifar100"), ("cifar-10", "cifar10"), ("Synthetic", "synthetic")],
)
def test_a_source_that_is_nearly_one_gets_a_hint(cli, tmp_path, source, meant):
    code, _, err = cli("prepare", source, "--out", tmp_path / "out")
    assert code == 3
    assert f"{source}: no such directory of images; did you mean {meant!r}?" in one_line(err)


@pytest.mark.parametrize("source", ["synthetic", "cifar100", "x" * 300, "deep/" * 1000])
@pytest.mark.parametrize("out", ["x" * 300, "deep/" * 1000])
def test_names_that_are_too_long_are_one_line(cli, tmp_path, source, out):
    code, _, err = cli("prepare", source, "--out", f"{tmp_path}/{out}")
    assert code == 3
    assert "file name too long" in one_line(err.removeprefix("preparing\n"))


def test_a_directory_is_shown_without_what_a_terminal_would_obey(cli, pictures_by_class, tmp_path):
    odd = tmp_path / "new\nline\x1b[31m\udce9"
    (pictures_by_class / "train/cat/no\npicture\udce9.png").write_bytes(b"")
    code, out, _ = cli("prepare", pictures_by_class, "--out", odd, "--skip-bad")
    assert code == 0
    assert out.splitlines()[0].startswith(rf"{tmp_path}/new\nline\x1b[31m\udce9: prepared: 2 classes")
    assert r"no\npicture\xe9.png" in out.splitlines()[1]
    assert read_manifest(odd).total("train") == 2


def test_odd_names_of_classes_and_folders_are_kept(cli, pictures_by_class, tmp_path):
    source = pictures_by_class.rename(tmp_path / "source\n\x1b[31m\udce9")
    for split in ("train", "test"):
        (source / split / "cat").rename(source / split / 'a "class"\nof\x1b[31m=cats')
    assert cli("prepare", source, "--out", tmp_path / "out")[0] == 0
    assert read_manifest(tmp_path / "out").classes == ('a "class"\nof\x1b[31m=cats', "dog")


def test_a_directory_that_is_called_as_a_source_is_no_obstacle(cli, tmp_path, monkeypatch):
    (tmp_path / "synthetic").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli("prepare", "synthetic", "--out", "synthetic/out", "--limit", "1", "--classes", "2")[0] == 0


def test_a_working_directory_that_is_gone_is_one_line(cli, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for source in ("synthetic", "cifar100"):
        code, _, err = cli("prepare", source, "--out", "x", "--limit", "1", "--classes", "2")
        assert code == 3
        assert "no such file or directory" in one_line(err.removeprefix("preparing\n"))


def test_a_dataset_inside_its_own_source_is_found_out_behind_a_link(cli, pictures_by_class, tmp_path):
    (tmp_path / "link").symlink_to(pictures_by_class)
    code, _, err = cli("prepare", pictures_by_class, "--out", tmp_path / "link/out")
    assert code == 2
    assert "must lie outside the folder" in one_line(err)
    assert not (pictures_by_class / "out").exists()


def test_the_app_knows_of_what_was_prepared_in_a_shell(cli, paths, pictures_by_class, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("prepare", "source", "--out", "out", "--size", "8", "--skip-bad", "--jobs", "1")[0] == 0
    assert list(known_datasets(paths)) == [tmp_path / "out"]
    (one,) = list_preparations(paths)
    assert one.status == "completed"
    assert one.ending.images == 4
    assert (one.request.kind, one.request.size) == ("folder", 8)
    # They hold wherever they are said again.
    monkeypatch.chdir("/")
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    assert cli("prepare", *one.request.arguments)[0] == 0
    manifests = [read_manifest(tmp_path / name) for name in ("out", "elsewhere")]
    assert manifests[0].request == manifests[1].request
    assert one.request.arguments[-3:] == ("--jobs", "1", "--skip-bad")


def test_what_made_no_images_is_nothing_for_the_app(cli, paths, tmp_path):
    assert cli("prepare", tmp_path / "nowhere", "--out", tmp_path / "out")[0] == 3
    assert cli("prepare", "cifar10", "--archive", tmp_path / "nothing", "--out", tmp_path / "out")[0] == 3
    assert list_preparations(paths) == []


def test_images_are_made_where_nothing_of_it_can_be_written_down(cli, paths, tmp_path):
    paths.preparations.parent.mkdir(parents=True)
    paths.preparations.write_text("a file in the way")
    code, out, _ = cli("prepare", "synthetic", "--out", tmp_path / "out", "--limit", "1", "--classes", "2")
    assert code == 0
    assert "prepared: 2 classes" in out


def test_an_address_is_not_written_down():
    request = PrepareRequest("cifar10", "/out", url="https://user:secret@host/file", limit=3)
    assert request.arguments == ("cifar10", "--out", "/out", "--limit", "3")


@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_is_heeded_as_ctrl_c_is(paths, tmp_path, request_to_end):
    command = [sys.executable, "-m", "tfpt_tui", "prepare", "synthetic", "--out", tmp_path / "o", "--jobs", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=usual_signals)
    wait_until(lambda: list(tmp_path.glob("o/train/*/*.jpg")), 60)
    process.send_signal(request_to_end)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command continues" in err
    (one,) = list_preparations(paths)
    assert one.status == "stopped"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("folder", "give the path of a folder that has train/CLASS"),
        ("archive.tar.gz", "it is a file: CIFAR's archive is given as in cifar100 --archive FILE"),
    ],
)
def test_what_may_have_been_meant_is_said(cli, tmp_path, monkeypatch, source, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archive.tar.gz").write_bytes(b"")
    code, _, err = cli("prepare", source, "--out", "out")
    assert code == 3
    assert said in one_line(err)


def test_what_is_left_out_is_told_before_the_images_are_made(cli, pictures_by_class, tmp_path):
    (pictures_by_class / "train/cat/1.tif").write_text("")
    (pictures_by_class / "test/cat/1.png").unlink()
    code, out, err = cli("prepare", pictures_by_class, "--out", tmp_path / "out")
    assert code == 0
    assert "not used: files of other kinds (.tif): 1" in err
    assert "without a test image: cat" in out


def hung_up(command, seen):
    """Run a command on a terminal that vanishes when ``seen`` is true; its exit code."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=usual_signals
    )
    os.close(slave)
    wait_until(seen, 60)
    os.kill(process.pid, signal.SIGHUP)
    os.close(master)
    return process.wait(60)


def test_a_terminal_that_vanishes_leaves_a_preparation_that_was_stopped(paths, tmp_path):
    command = [sys.executable, "-m", "tfpt_tui", "prepare", "synthetic", "--out", tmp_path / "o", "--jobs", "1"]
    assert hung_up(command, lambda: list(tmp_path.glob("o/train/*/*.jpg"))) == 130
    (one,) = list_preparations(paths)
    assert one.status == "stopped"


def test_sigterm_is_heeded_in_the_background_of_a_script_too(tmp_path):
    command = f"trap '' INT; exec {sys.executable} -m tfpt_tui prepare synthetic --out {tmp_path}/o --jobs 1"
    process = subprocess.Popen(["sh", "-c", command], stderr=subprocess.DEVNULL)
    wait_until(lambda: list(tmp_path.glob("o/train/*/*.jpg")), 60)
    process.terminate()
    assert process.wait(60) == 130


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ended_as_by_ctrl_c():
        inside = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, before)
    assert inside is signal.SIG_IGN


def test_processes_that_make_images_end_by_sigterm_whatever_we_do(tmp_path):
    code = f"import signal; signal.signal(signal.SIGTERM, print); {MAKE_FOR_EVER.format(out=tmp_path / 'o')}"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    children = psutil.Process(process.pid).children
    wait_until(lambda: len(children()) == 2 and list(tmp_path.glob("o/train/*/*.jpg")), 60)
    for child in children():
        child.terminate()
    assert process.wait(60) == 1


MAKE_FOR_EVER = (
    "from pathlib import Path; from tfpt_tui.data.prepare import Target, prepare;"
    " from tfpt_tui.data.synthetic import make_synthetic;"
    " prepare(make_synthetic(), Target(Path('{out}')), jobs=2)"
)


def test_a_dataset_that_is_there_is_recorded_as_no_failure(cli, paths, tmp_path):
    assert cli("prepare", "synthetic", "--out", tmp_path / "o", "--limit", "1", "--classes", "2")[0] == 0
    assert cli("prepare", "synthetic", "--out", tmp_path / "o", "--limit", "2", "--classes", "2")[0] == 2
    assert cli("prepare", "synthetic", "--out", tmp_path / "o", "--limit", "1", "--classes", "2")[0] == 0
    assert [one.status for one in list_preparations(paths)] == ["completed"]


def test_a_disk_that_is_full_keeps_what_is_made_and_says_how_to_go_on(cli, tmp_path, monkeypatch):
    def open_on_a_full_disk(file, mode):
        if mode == "wb":
            os.close(file)
            raise OSError(28, "No space left on device")
        return open(file, mode)

    monkeypatch.setattr("tfpt_tui.data.encode.open", open_on_a_full_disk, raising=False)
    code, _, err = cli("prepare", "synthetic", "--out", tmp_path / "o", "--limit", "1", "--classes", "2")
    assert code == 3
    assert "/o/train/0/1.jpg: cannot write: no space left on device; free some room" in err
    assert "what is made stays, and the same command continues" in err
    assert not list(tmp_path.glob("o/*/*/*"))


@pytest.mark.parametrize(("columns", "width"), [(200, 36), (60, 11), (20, 1)])
def test_a_bar_fits_the_terminal(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert progress_bar(10, "preparing").width == width


def test_paths_of_a_record_hold_from_everywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = PrepareRequest("cifar10", "~/o", archive="a.tar.gz").arguments
    assert words == ("cifar10", "--out", f"{tmp_path}/~/o", "--archive", f"{tmp_path}/a.tar.gz")
