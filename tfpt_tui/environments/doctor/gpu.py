"""The GPUs, and which of the layers between us and them is missing: bus, driver, device files, library."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.environments.doctor.gpus import judge_seen_gpus
from tfpt_tui.hardware.gpu import NO_ANSWER, GpuReading, read_gpu
from tfpt_tui.hardware.system import describe_system
from tfpt_tui.linux import ROOT, read_text

NVIDIA = "0x10de"
DISPLAY_CLASS = "0x03"  # of a PCI device: display controllers, with a screen or without
TOPIC = "GPU"
ON_CPU = "training runs on the CPU"
# What NVML says where there may be no GPU at all; whatever else it says is of one.
ABSENT = ("", "NVMLError_LibraryNotFound", "NVMLError_DriverNotLoaded")
LOST = ("NVMLError_GpuIsLost", "NVMLError_ResetRequired")


@dataclass(frozen=True)
class GpuFacts:
    """``bus_drivers`` has for each NVIDIA GPU on the PCI bus the kernel's driver for it, "" where it has none.

    ``kernel_module`` is the version of NVIDIA's module, "" where it is not loaded; ``device_node`` tells whether
    /dev/nvidiactl is there; ``visible`` is CUDA_VISIBLE_DEVICES, None where it is not set.
    """

    bus_drivers: tuple[str, ...] = ()
    kernel_module: str = ""
    device_node: bool = False
    amd: bool = False
    container: str = ""
    visible: str | None = None
    reading: GpuReading = field(default_factory=GpuReading)


def read_gpus(root: Path = ROOT, variables: Mapping[str, str] = os.environ) -> GpuFacts:
    """What the PCI bus, the kernel and NVML tell; NVML has five seconds for it."""
    return GpuFacts(
        bus_drivers=_bus_drivers(root),
        kernel_module=_kernel_module(root),
        device_node=(root / "dev/nvidiactl").exists(),
        amd=(root / "dev/kfd").exists(),
        container=str(describe_system(root, variables).get("container", "")),
        visible=variables.get("CUDA_VISIBLE_DEVICES"),
        reading=read_gpu(),
    )


def judge_gpus(facts: GpuFacts) -> list[Finding]:
    """The layer that keeps us from the GPUs where there is one, else what is to be known of each GPU."""
    if not facts.reading.problem:
        return judge_seen_gpus(facts.reading, facts.visible)
    return [_judge_answer(facts) or _judge_layers(facts)]


def _judge_answer(facts: GpuFacts) -> Finding | None:
    """What NVML itself says to be wrong."""
    error = facts.reading.error
    if error == "NVMLError_LibRmVersionMismatch":
        return Finding(
            "error",
            TOPIC,
            "the NVIDIA driver was updated, but the kernel still runs the old one"
            + (f" ({facts.kernel_module})" if facts.kernel_module else "")
            + ": no program can use the GPU",
            "restart the container; if that does not help, reboot its host" if facts.container else "sudo reboot",
        )
    if error == "NVMLError_NoPermission":
        return Finding(
            "warning",
            TOPIC,
            f"this user may not talk to the NVIDIA driver: {ON_CPU}",
            "let this user into the group that may, and log in again; its name is in: ls -l /dev/nvidia*",
        )
    if error in LOST:
        return Finding(
            "error",
            TOPIC,
            "the GPU is lost (it fell off the bus or must be reset): programs that use it hang or fail",
            "reboot, if a reset does not help: sudo nvidia-smi --gpu-reset",
        )
    if error == NO_ANSWER:
        return Finding(
            "warning",
            TOPIC,
            "the NVIDIA driver does not answer (NVML hangs): a training on the GPU may hang as well",
            "sudo reboot",
        )
    return None


def _judge_layers(facts: GpuFacts) -> Finding:
    """The lowest layer that is missing."""
    if facts.reading.error not in ABSENT:
        return _tell_reason(facts)
    if not facts.kernel_module:
        return _judge_driver(facts) if facts.bus_drivers else _judge_absence(facts)
    no_library = facts.reading.error == "NVMLError_LibraryNotFound"
    if facts.container and (no_library or not facts.device_node):
        return Finding(
            "warning",
            TOPIC,
            f"the machine has an NVIDIA driver ({facts.kernel_module}), this container has no GPU: {ON_CPU}",
            "start the container with --gpus all; its host needs the NVIDIA Container Toolkit",
        )
    if not facts.device_node:
        return Finding(
            "warning",
            TOPIC,
            f"the NVIDIA driver is loaded, but its device files are missing (/dev/nvidiactl): {ON_CPU}",
            "sudo nvidia-modprobe -u -c=0",
        )
    if no_library:
        return Finding(
            "warning",
            TOPIC,
            f"the NVIDIA driver {facts.kernel_module} is loaded, but its libraries are not installed: {ON_CPU}",
            f"install the driver's libraries of version {facts.kernel_module}; nvidia-smi then lists the GPU",
        )
    return _tell_reason(facts)


def _tell_reason(facts: GpuFacts) -> Finding:
    """What NVML gave as its reason: it is there, so this machine has a GPU, or had."""
    return Finding(
        "warning",
        TOPIC,
        f"{facts.reading.problem}; {ON_CPU}",
        "restart the container"
        if facts.container
        else "see what the kernel says of it: sudo dmesg | grep -i nvrm",
    )


def _judge_driver(facts: GpuFacts) -> Finding:
    """A GPU is on the bus, and NVIDIA's driver is not in the kernel."""
    others = sorted({driver for driver in facts.bus_drivers if driver})
    bound = f"the kernel gave it to {' and '.join(others)}" if others else "no driver is loaded"
    where = " on the container's host" if facts.container else ""
    return Finding(
        "warning",
        TOPIC,
        f"there is an NVIDIA GPU, but {bound}: {ON_CPU}",
        f"install NVIDIA's driver{where} and reboot; on Ubuntu: sudo ubuntu-drivers install",
    )


def _judge_absence(facts: GpuFacts) -> Finding:
    if facts.amd:
        return Finding(
            "note",
            TOPIC,
            "an AMD GPU: a ROCm build of a framework can train on it, but no use, memory or power is recorded",
        )
    return Finding("note", TOPIC, f"no NVIDIA GPU in this machine: {ON_CPU}")


def _bus_drivers(root: Path) -> tuple[str, ...]:
    """The drivers of NVIDIA's display controllers; a board's sound and USB are other devices on the bus."""
    devices = [
        device
        for device in sorted((root / "sys/bus/pci/devices").glob("*"))
        if read_text(device / "vendor") == NVIDIA and (read_text(device / "class") or "").startswith(DISPLAY_CLASS)
    ]
    return tuple(
        os.readlink(driver).rpartition("/")[2] if driver.is_symlink() else ""
        for driver in (device / "driver" for device in devices)
    )


def _kernel_module(root: Path) -> str:
    """The version in a line such as "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19"."""
    found = re.search(
        r"Kernel Module\D.*?\s(\d+(?:\.\d+)+)\s", read_text(root / "proc/driver/nvidia/version") or ""
    )
    return found[1] if found else ""
