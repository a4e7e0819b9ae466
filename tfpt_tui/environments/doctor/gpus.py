"""The GPUs that NVML shows: their memory, their settings, and which of them CUDA will use."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.environments.doctor.sizes import GIB, show_size
from tfpt_tui.hardware.gpu import GpuReading

TOPIC = "GPU"
LITTLE_BYTES = 2 * GIB
# CUDA's releases and the first driver that runs them (CUDA Toolkit release notes, minor version compatibility).
OLDEST_CUDA, NEWEST_CUDA = 12, 13
NEWEST_DRIVER = 580


def judge_seen_gpus(reading: GpuReading, visible: str | None) -> list[Finding]:
    """``visible`` is CUDA_VISIBLE_DEVICES, None if unset."""
    return [
        *_judge_presence(reading),
        *_judge_memory(reading),
        *_judge_mig(reading, visible or ""),
        *_judge_persistence(reading),
        *_judge_driver(reading),
        *_judge_visible(reading, visible),
    ]


def _judge_presence(reading: GpuReading) -> list[Finding]:
    """One line for all that answer, and one for those that do not."""
    silent = [index for index, facts in enumerate(reading.facts) if not facts]
    names = [str(facts.get("name", "unnamed")) for facts in reading.facts if facts]
    kinds = ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
    findings = [Finding("ok", TOPIC, kinds)] if names else []
    if silent:
        findings.append(
            Finding(
                "warning" if names else "error",
                TOPIC,
                f"no answer from {_numbered(silent)}: lost, in need of a reset, or not for this user",
                "reboot, if a reset does not help: sudo nvidia-smi --gpu-reset",
            )
        )
    return findings


def _judge_memory(reading: GpuReading) -> list[Finding]:
    findings, least = [], None
    for index, gpu in enumerate(reading.gpus):
        if gpu.memory_total_bytes is None or gpu.memory_used_bytes is None:
            continue
        free = gpu.memory_total_bytes - gpu.memory_used_bytes
        least = free if least is None else min(free, least)
        if free >= LITTLE_BYTES:
            continue
        taken = free < gpu.memory_total_bytes / 2
        findings.append(
            Finding(
                "warning",
                "GPU memory",
                f"GPU {index}: {show_size(free)} of {show_size(gpu.memory_total_bytes)} free:"
                " a training may run out of it",
                "choose another GPU with device=gpu:N, or end what else uses it: nvidia-smi"
                if taken
                else "train with a smaller batch_size",
            )
        )
    if findings or least is None:
        return findings
    return [
        Finding(
            "ok", "GPU memory", f"{show_size(least)} free" + (" or more on each" if len(reading.gpus) > 1 else "")
        )
    ]


def _judge_mig(reading: GpuReading, visible: str) -> list[Finding]:
    divided = [index for index, facts in enumerate(reading.facts) if facts.get("mig_mode")]
    if not divided:
        return []
    if visible.startswith("MIG-"):
        message = f"{visible} is a slice of a GPU (MIG): figures are of the slice, and no use of it is recorded"
        return [Finding("note", "MIG", message)]
    return [
        Finding(
            "warning",
            "MIG",
            f"MIG divides {_numbered(divided)}: CUDA sees the first slice alone, and figures are of that slice",
            "set CUDA_VISIBLE_DEVICES to the UUID of a slice; they are listed by: nvidia-smi -L",
        )
    ]


def _judge_persistence(reading: GpuReading) -> list[Finding]:
    forgetful = [index for index, facts in enumerate(reading.facts) if facts.get("persistence") is False]
    if not forgetful:
        return []
    message = f"persistence mode is off ({_numbered(forgetful)}): each run waits seconds for the driver"
    return [Finding("note", "GPU persistence", message, "sudo nvidia-smi -pm 1")]


def _judge_driver(reading: GpuReading) -> list[Finding]:
    if not reading.cuda_driver:
        return []
    newest = int(reading.cuda_driver.partition(".")[0])
    driver = f"driver {reading.driver}" if reading.driver else "the driver"
    if newest >= NEWEST_CUDA:
        return [Finding("ok", "GPU driver", f"{driver} runs builds for CUDA {newest} and older")]
    if newest == OLDEST_CUDA:
        return [
            Finding(
                "note",
                "GPU driver",
                f"{driver} runs builds for CUDA {newest}, and none for CUDA {NEWEST_CUDA}",
                f"install builds for CUDA {newest}, or a driver of {NEWEST_DRIVER} or newer",
            )
        ]
    return [
        Finding(
            "warning",
            "GPU driver",
            f"{driver} runs builds for CUDA {newest} and older: the frameworks of today need CUDA {OLDEST_CUDA}",
            f"install a driver of {NEWEST_DRIVER} or newer",
        )
    ]


def _judge_visible(reading: GpuReading, visible: str | None) -> list[Finding]:
    """CUDA takes what the variable names, by number or the beginning of a UUID, and stops at the first error."""
    if visible is None or visible.startswith("MIG-"):
        return []  # a slice is not among NVML's whole GPUs: it is judged with MIG
    topic, remedy = "CUDA_VISIBLE_DEVICES", "unset CUDA_VISIBLE_DEVICES"
    if visible.strip() in ("", "-1"):
        message = f"{visible.strip() or 'empty'}: it hides every GPU, and training runs on the CPU"
        return [Finding("warning", topic, message, remedy)]
    named = [_index_of(name.strip(), reading) for name in visible.split(",")]
    shown = list(itertools.takewhile(lambda index: index is not None, named))
    if len(shown) == len(named):
        return [Finding("note", topic, f"{visible}: CUDA is shown {_numbered(shown)} alone")]
    left = f"CUDA is shown {_numbered(shown)} alone" if shown else "all are hidden, and training runs on the CPU"
    wrong = visible.split(",")[len(shown)].strip()
    return [Finding("warning", topic, f"{visible}: there is no GPU {wrong!r}; {left}", remedy)]


def _index_of(name: str, reading: GpuReading) -> int | None:
    for index, facts in enumerate(reading.facts):
        if name == str(index) or (name.startswith("GPU-") and str(facts.get("uuid", "")).startswith(name)):
            return index
    return None


def _numbered(indices: Iterable[int | None]) -> str:
    numbers = [str(index) for index in indices]
    return ("GPU " if len(numbers) == 1 else "GPUs ") + ", ".join(numbers)
