"""Whether a run's images fit in memory, and its record on the disk: what does not is refused before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.errors import MissingError
from tfpt_tui.files import free_bytes
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.memory import WORKER_BYTES, available_bytes, shared_memory_bytes
from tfpt_tui.hardware.preflight import used_gpu
from tfpt_tui.runs.plan.byte_counts import cache_bytes, shared_memory_needed, shuffle_bytes, training_bytes

# A context of CUDA, the kernels of a framework and their workspaces.
GPU_WORKER_BYTES = 2_000_000_000
RUN_BYTES = 8_000_000  # a model of 3 MB is written beside its place first; events, readings and pictures


def check_room(config: RunConfig, manifest: Manifest) -> None:
    """Refuse a run whose images have no room in memory, or in the shared memory of its loaders.

    Raises:
        MissingError: the message has what is needed, what is there, and the ways out.
    """
    _check_memory(config, manifest)
    _check_shared_memory(config, manifest.total("train"))


def check_room_together(configs: Sequence[RunConfig], manifests: Sequence[Manifest], gpu: GpuReading) -> None:
    """Refuse arms of a duel that have no room beside each other, in memory or on a GPU.

    Raises:
        MissingError: the message has what is needed and what is there.
    """
    needed = sum(
        cache_bytes(config, manifest) + shuffle_bytes(config, manifest) + WORKER_BYTES
        for config, manifest in zip(configs, manifests, strict=True)
    )
    available = available_bytes()
    if available is not None and needed > available:
        raise MissingError(
            f"all {len(configs)} arms together need {_gb(needed)} of memory, {_gb(available)} are available"
        )
    for index, sample in enumerate(gpu.gpus):
        arms = [
            (config, manifest)
            for config, manifest in zip(configs, manifests, strict=True)
            if used_gpu(config.device, gpu) == index
        ]
        needed = sum(
            training_bytes(config) + GPU_WORKER_BYTES + _images_on_gpu(config, manifest)
            for config, manifest in arms
        )
        total, used = sample.memory_total_bytes, sample.memory_used_bytes
        if total is not None and used is not None and needed > total - used:
            raise MissingError(
                f"all {len(arms)} arms together need about {_gb(needed)} of GPU {index}'s memory,"
                f" {_gb(total - used)} are free"
            )


def _images_on_gpu(config: RunConfig, manifest: Manifest) -> int:
    """A pack moves there where it takes at most half of what is free: in all arms, or they are no equals."""
    return 2 * cache_bytes(config, manifest) if TRACKS[config.track].packs else 0


def check_disk(runs: Path) -> None:
    """Refuse a disk that has no room for the record of a run and its model.

    Raises:
        MissingError: the message has what is needed, and what is there.
    """
    free = free_bytes(runs)
    if free is not None and free < RUN_BYTES:
        raise MissingError(
            f"{runs}: no room for a run: about {RUN_BYTES / 1e6:.0f} MB are needed, {free / 1e6:.1f} MB are free;"
            " free some room, or choose another directory with --runs"
        )


def _check_memory(config: RunConfig, manifest: Manifest) -> None:
    available = available_bytes()
    cache, buffer = cache_bytes(config, manifest), shuffle_bytes(config, manifest)
    needed = cache + buffer + WORKER_BYTES
    if not cache + buffer or available is None or needed <= available:
        return
    parts = [f"{_gb(cache)} for the cache"] * bool(cache) + [f"{_gb(buffer)} for shuffling"] * bool(buffer)
    ways_out = ["set cache=false"] * config.cache + ["take another track"] * (buffer > 0 or not config.cache)
    raise MissingError(
        f"{title_of(config.framework)}, cache={str(config.cache).lower()}: the {manifest.total('train'):,}"
        f" images of {config.data} need {' and '.join(parts)}, and the framework about {_gb(WORKER_BYTES)};"
        f" {_gb(available)} of memory are available; {', '.join([*ways_out, 'a smaller image_size'])} or less data"
    )


def _check_shared_memory(config: RunConfig, images: int) -> None:
    """Refuse workers that would die of a bus error: batches go through /dev/shm, the cache lies there."""
    needed, room = shared_memory_needed(config, images), shared_memory_bytes()
    if not needed or not room:
        return
    size, free = room
    if needed > free:
        ways_out = ["num_workers=0"] * (config.num_workers > 0) + ["cache=false"] * config.cache
        raise MissingError(
            f"/dev/shm: num_workers={config.num_workers} and cache={str(config.cache).lower()} need"
            f" {needed / 1e6:,.1f} MB of shared memory, {free / 1e6:,.1f} of {size / 1e6:,.1f} MB are free;"
            f" give the container more (docker run --shm-size), or set {' or '.join(ways_out)}"
        )


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
