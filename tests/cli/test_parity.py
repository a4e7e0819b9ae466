"""``tfpt-tui parity`` where it cannot be made; tests/third has the proofs, for real."""

import subprocess
import sys
from pathlib import Path

import pytest

import tfpt_tui

PACKAGE = Path(tfpt_tui.__file__).parent


def run(tree, *arguments):
    """Run the program of a source tree."""
    command = [sys.executable, "-m", "tfpt_tui", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=280)


@pytest.mark.parametrize("story", ["", "exit 7"])
def test_a_framework_that_cannot_take_part_is_named(fake_python, story):
    if story:
        fake_python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo missing: && exit 0\n{story}\n')
    else:
        fake_python.unlink()
    done = run(PACKAGE.parent, "parity")
    assert done.returncode == (1 if story else 3)
    assert done.stderr.splitlines()[-1].startswith("tfpt-tui: ")
    assert "Traceback" not in done.stderr


def test_without_a_temporary_directory_it_says_so(cli, fake_python, monkeypatch, tmp_path):
    with monkeypatch.context() as changed:
        changed.setattr("tempfile.tempdir", str(tmp_path / "gone"))
        code, _, err = cli("parity")
    assert code == 3
    assert err.splitlines()[-1].startswith(f"tfpt-tui: {tmp_path}/gone/")
    assert "cannot keep the evidence: no such file or directory" in err


def test_tracks_are_chosen_for_neutrality_alone():
    done = run(PACKAGE.parent, "parity", "--track", "default")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--track: only with --neutrality" in done.stderr
