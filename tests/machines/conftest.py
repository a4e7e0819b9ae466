"""What tests of other machines share: plans that were run there, and the copies of them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tfpt_tui.config.paths import find_paths
from tfpt_tui.machines.changes import Changes
from tfpt_tui.machines.mirror import Mirror
from tfpt_tui.machines.wire import Request, read_frame, write_frame
from tfpt_tui.runs.record.directory import SweepDirectory, list_sweeps
from tfpt_tui.runs.record.sweep import Sweep, read_sweep


@pytest.fixture
def there(tmp_path):
    """The directories of another machine."""
    return find_paths(str(tmp_path / "there" / "runs"))


@pytest.fixture
def here(tmp_path):
    """The directories of the machine that copies."""
    return find_paths(str(tmp_path / "here" / "runs"))


def describe(own_directories: Path, settings: str) -> Path:
    """The user's config.toml, which has these machines."""
    file = own_directories / "config" / "tfpt-tui" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(settings)
    return file


def copies() -> list[Sweep]:
    """The sweeps that are here, oldest first."""
    return [read_sweep(one, find_paths()) for one in reversed(list_sweeps(find_paths()))]


def latest() -> Sweep:
    """The sweep that was begun last; a machine tells of what goes on there from before, too."""
    return copies()[-1]


def original(there: object, sweep: Sweep) -> Sweep:
    """The sweep of which that is the copy; ``there`` has the cluster's directory of runs."""
    paths = find_paths(str(there.runs))
    return read_sweep(SweepDirectory(paths.sweeps / sweep.id), paths)


def copy(changes: Changes, mirror: Mirror, parts: int | None = None) -> int:
    """Take in what is new, or so many parts of it before the connection is cut; returns how many there were."""
    taken = 0
    for frame, content in changes.look():
        if taken == parts:
            break
        mirror.take(frame, content)
        taken += 1
    return taken


def begin_copying(there, here, name: str = "box") -> tuple[Changes, Mirror]:
    """Both ends of a new connection: what the copy has is told as it goes over the wire."""
    mirror = Mirror(name, here)
    wire = io.BytesIO()
    write_frame(wire, Request("follow", known=mirror.known()))
    wire.seek(0)
    request, _ = read_frame(wire)
    return Changes(there, request.known), mirror


def check_copied(sweep, here) -> None:
    """Every file of a run that has ended there is here, byte for byte."""
    from tfpt_tui.machines.changes import RUN_FILES, SWEEP_FILES

    files = [(here.sweeps / sweep.id / name, sweep.directory.path / name) for name in SWEEP_FILES]
    files += [(here.runs / run.id / name, run.path / name) for run in sweep.runs for name in RUN_FILES]
    for own, original in files:
        if original.exists():
            assert own.read_bytes() == original.read_bytes(), own
        else:
            assert not own.exists(), own
