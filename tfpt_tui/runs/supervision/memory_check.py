"""How much memory a run takes for its images, known before it starts: what does not fit is refused, not tried."""

from __future__ import annotations

from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.errors import MissingError
from tfpt_tui.hardware.memory import WORKER_BYTES, available_bytes, shared_memory_bytes

CHANNELS = 3
FLOAT_BYTES = 4
# What a DataLoader keeps ready for every worker, by default.
PREFETCHED_BATCHES = 2


def check_room(config: RunConfig, manifest: Manifest) -> None:
    """Refuse a run whose images have no room in memory, or in the shared memory of its loaders.

    Raises:
        MissingError: the message has what is needed, what is there, and the ways out.
    """
    _check_memory(config, manifest)
    _check_shared_memory(config, manifest.total("train"))


def cache_bytes(config: RunConfig, manifest: Manifest) -> int:
    """Size of the cache of decoded images: bytes or floats, as its track has them; 0 without one.

    A pipeline of the article's that fills its cache before the training has the test images in it, too.
    """
    if not config.cache:
        return 0
    images = manifest.total("train")
    if not TRACKS[config.track].float_cache:
        return images * _values(config)
    if FRAMEWORKS[config.framework].tracks[config.track].fills_cache_before_training:
        images += manifest.total("test")
    return images * _values(config) * FLOAT_BYTES


def shuffle_bytes(config: RunConfig, manifest: Manifest) -> int:
    """Size of the buffer in which one of the article's pipelines shuffles all training images as floats.

    Cached images that are not augmented lie in memory once. All other pipelines shuffle indices.
    """
    shuffles = FRAMEWORKS[config.framework].tracks[config.track].shuffles_images
    if not shuffles or (config.cache and not config.augment):
        return 0
    return manifest.total("train") * _values(config) * FLOAT_BYTES


def _check_memory(config: RunConfig, manifest: Manifest) -> None:
    available = available_bytes()
    cache, buffer = cache_bytes(config, manifest), shuffle_bytes(config, manifest)
    needed = cache + buffer + WORKER_BYTES
    if not cache + buffer or available is None or needed <= available:
        return
    parts = [f"{_gb(cache)} for the cache"] * bool(cache) + [f"{_gb(buffer)} for shuffling"] * bool(buffer)
    ways_out = ["set cache=false"] * (cache > 0) + ["take another track"] * (buffer > 0)
    raise MissingError(
        f"{title_of(config.framework)}, cache={str(config.cache).lower()}: the {manifest.total('train'):,}"
        f" images of {config.data} need {' and '.join(parts)}, and the framework about {_gb(WORKER_BYTES)};"
        f" {_gb(available)} of memory are available; {', '.join([*ways_out, 'a smaller image_size'])} or less data"
    )


def _check_shared_memory(config: RunConfig, images: int) -> None:
    """Refuse workers that would die of a bus error: batches go through /dev/shm, the cache lies there."""
    room = shared_memory_bytes()
    if FRAMEWORKS[config.framework].loader != "processes" or not room:
        return
    size, free = room
    values = _values(config)
    floats = TRACKS[config.track].float_cache
    needed = config.num_workers * PREFETCHED_BATCHES * config.batch_size * values * FLOAT_BYTES
    if config.cache and (config.num_workers or floats):
        needed += images * values * (FLOAT_BYTES if floats else 1)
    if needed > free:
        ways_out = ["num_workers=0"] * (config.num_workers > 0) + ["cache=false"] * config.cache
        raise MissingError(
            f"/dev/shm: num_workers={config.num_workers} and cache={str(config.cache).lower()} need"
            f" {needed / 1e6:,.0f} MB of shared memory, {free / 1e6:,.0f} of {size / 1e6:,.0f} MB are free;"
            f" give the container more (docker run --shm-size), or set {' or '.join(ways_out)}"
        )


def _values(config: RunConfig) -> int:
    return CHANNELS * config.image_size**2


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
