"""The system around the processor: host, kernel, distribution, container and virtual machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from tfpt_tui.documents import Value
from tfpt_tui.linux import ROOT, known, read_text

# Words in the control group's path of the first process, for containers that leave no file of their own.
CONTAINERS = {"kubepods": "kubernetes", "docker": "docker", "libpod": "podman", "lxc": "lxc"}


def describe_system(root: Path = ROOT, variables: Mapping[str, str] = os.environ) -> dict[str, Value]:
    """Names and versions, the boot, and the load of the last minute; unknown facts are left out."""
    kernel = root / "proc/sys/kernel"
    return known(
        {
            "host": read_text(kernel / "hostname"),
            "system": platform.system(),
            "kernel": read_text(kernel / "osrelease"),
            "distribution": _distribution(root),
            "container": _container(root, variables),
            "virtualization": _virtualization(root),
            "boot_id": read_text(kernel / "random/boot_id"),
            "load_1m": _load(root),
        }
    )


def _distribution(root: Path) -> str | None:
    for line in (read_text(root / "etc/os-release") or "").splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip("\"'")
    return None


def _container(root: Path, variables: Mapping[str, str]) -> str | None:
    """docker, podman, lxc, kubernetes or what systemd calls it; None outside of containers."""
    if "KUBERNETES_SERVICE_HOST" in variables:
        return "kubernetes"  # first: its containers have the files of others, too
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    group = read_text(root / "proc/1/cgroup") or ""
    words = [name for word, name in CONTAINERS.items() if word in group]
    return read_text(root / "run/systemd/container") or (words[0] if words else None)


def _virtualization(root: Path) -> str | None:
    """The hypervisor or the maker of the virtual machine, None on a machine of metal."""
    hypervisor = read_text(root / "sys/hypervisor/type")
    if hypervisor:
        return hypervisor
    flags = [line for line in (read_text(root / "proc/cpuinfo") or "").splitlines() if line.startswith("flags")]
    if not flags or "hypervisor" not in flags[0].split():
        return None
    return read_text(root / "sys/class/dmi/id/sys_vendor") or "virtual machine"


def _load(root: Path) -> float | None:
    text = read_text(root / "proc/loadavg")
    return float(text.split()[0]) if text else None
