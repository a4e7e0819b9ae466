"""The disks below our directories: room, files, permission, and whether reading them measures this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.environments.doctor.sizes import show_size
from tfpt_tui.files import free_bytes, nearest_existing
from tfpt_tui.hardware.storage import describe_directory
from tfpt_tui.linux import ROOT

LEAST_BYTES = 100 * 10**6
FEW_BYTES = 2 * 10**9
SPARE_BYTES = 500 * 10**6
# A prepared CIFAR-100 is a file for each of 60,000 pictures.
FEW_FILES = 100_000
DOWNLOADS, TEMPORARY = "downloads", "temporary files"
# What a run can do without, and what it is for; the variable that moves it.
SPARE = {DOWNLOADS: "CIFAR takes 163 MB", TEMPORARY: "compilers and installers write there"}
VARIABLES = {DOWNLOADS: "XDG_CACHE_HOME", TEMPORARY: "TMPDIR"}
NETWORK = (
    *("9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"),
    *("fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
)
# What lies here is gone one day, and runs are kept to be compared.
FLEETING = {
    "tmpfs": "lies in memory and is gone after a reboot",
    "ramfs": "lies in memory and is gone after a reboot",
    "overlay": "lies in the container's own layer and is gone with the container",
}


@dataclass(frozen=True)
class DirectoryFacts:
    """``name`` is what the directory is for, ``place`` the nearest one at or above it that exists.

    ``free_bytes`` and ``free_files`` are what we may take, None where the file system does not count them;
    ``device`` is the number by which the kernel tells file systems apart.
    """

    name: str
    place: str
    writable: bool = True
    free_bytes: int | None = None
    free_files: int | None = None
    filesystem: str = ""
    device: int = 0


def read_directory(name: str, path: Path, root: Path = ROOT) -> DirectoryFacts:
    """Look at the file system that holds the directory, or would hold it (statvfs(3), proc(5) mountinfo)."""
    place = nearest_existing(path)
    room = os.statvfs(place)
    return DirectoryFacts(
        name=name,
        place=str(place),
        writable=place.is_dir() and os.access(place, os.W_OK | os.X_OK),
        free_bytes=free_bytes(place),
        free_files=room.f_favail if room.f_files else None,
        filesystem=str(describe_directory(place, root).get("filesystem", "")),
        device=os.stat(place).st_dev,
    )


def judge_directories(directories: tuple[DirectoryFacts, ...]) -> list[Finding]:
    """Permission for each directory, the rest once for all on one file system."""
    findings = [_judge_permission(directory) for directory in directories if not directory.writable]
    for device in dict.fromkeys(directory.device for directory in directories):
        findings += _judge_file_system([directory for directory in directories if directory.device == device])
    return findings


def _judge_permission(directory: DirectoryFacts) -> Finding:
    return Finding(
        "warning" if directory.name in SPARE else "error",
        "disk",
        f"{directory.name}: {directory.place} cannot be written",
        f"set {VARIABLES.get(directory.name, 'XDG_DATA_HOME')} to a directory that you may write",
    )


def _judge_file_system(directories: list[DirectoryFacts]) -> list[Finding]:
    names, first = _list([directory.name for directory in directories]), directories[0]
    if all(directory.name in SPARE for directory in directories):
        judged = [_judge_spare_room(directory) for directory in directories]
    else:
        judged = [_judge_room(names, first), _judge_files(names, first), _judge_kind(names, first)]
    findings = [finding for finding in judged if finding]
    if findings:
        return findings
    kind = f" ({first.filesystem})" if first.filesystem else ""
    return [Finding("ok", "disk", f"{names}: {_show_room(first)}{kind}")]


def _list(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _judge_room(names: str, directory: DirectoryFacts) -> Finding | None:
    if directory.free_bytes is None:
        return None
    room, remedy = f"{names}: {_show_room(directory)}", "free some room or choose another directory"
    if directory.free_bytes < LEAST_BYTES:
        return Finding("error", "disk", f"{room}: a run could not keep its records", remedy)
    if directory.free_bytes < FEW_BYTES:
        return Finding("warning", "disk", f"{room}: datasets and runs may soon fill the disk", remedy)
    return None


def _judge_spare_room(directory: DirectoryFacts) -> Finding | None:
    """What lies on a disk of its own, away from the runs."""
    if directory.free_bytes is None or directory.free_bytes >= SPARE_BYTES:
        return None
    return Finding(
        "warning",
        "disk",
        f"{directory.name}: {_show_room(directory)}, and {SPARE[directory.name]}",
        f"set {VARIABLES[directory.name]} to a directory with more room",
    )


def _judge_files(names: str, directory: DirectoryFacts) -> Finding | None:
    if directory.free_files is None or directory.free_files >= FEW_FILES:
        return None
    return Finding(
        "warning",
        "disk",
        f"{names}: room for only {directory.free_files:,} more files (inodes), and CIFAR-100 takes 60,000",
        "choose another directory, or remove files that nobody needs and see how many are left: df -i",
    )


def _judge_kind(names: str, directory: DirectoryFacts) -> Finding | None:
    if directory.filesystem in NETWORK:
        return Finding(
            "warning",
            "disk",
            f"{names}: a network file system ({directory.filesystem}): reading pictures would measure the network",
            "choose directories on a disk of this machine, with prepare --out DIR and tfpt-tui --runs DIR",
        )
    if directory.filesystem in FLEETING:
        return Finding(
            "note",
            "disk",
            f"{names}: {FLEETING[directory.filesystem]} ({directory.filesystem}); {_show_room(directory)}",
            "keep what you need on a disk, with prepare --out DIR and tfpt-tui --runs DIR;"
            " a container is given one with -v DIR:DIR",
        )
    return None


def _show_room(directory: DirectoryFacts) -> str:
    return "room unknown" if directory.free_bytes is None else f"{show_size(directory.free_bytes)} free"
