"""How many bytes a run takes for its images, which follows from its configuration and the dataset alone."""

from __future__ import annotations

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.data.manifest import Manifest

CHANNELS = 3
LAYER_CHANNELS = (32, 64, 128, 128)
FLOAT_BYTES = 4
# What a DataLoader keeps ready for every worker, by default.
PREFETCHED_BATCHES = 2


def cache_bytes(config: RunConfig, manifest: Manifest) -> int:
    """Size of the cache of decoded images: bytes or floats, as its track has them; 0 without one.

    A pack holds the test images, too, as does the article's cache that is filled before the training.
    """
    images = manifest.total("train")
    if TRACKS[config.track].packs:
        return (images + manifest.total("test")) * values(config)
    if not config.cache:
        return 0
    if not TRACKS[config.track].float_cache:
        return images * values(config)
    if FRAMEWORKS[config.framework].tracks[config.track].fills_cache_before_training:
        images += manifest.total("test")
    return images * values(config) * FLOAT_BYTES


def shuffle_bytes(config: RunConfig, manifest: Manifest) -> int:
    """Size of the buffer in which one of the article's pipelines shuffles all training images as floats.

    Cached images that are not augmented lie in memory once. All other pipelines shuffle indices.
    """
    shuffles = FRAMEWORKS[config.framework].tracks[config.track].shuffles_images
    if not shuffles or (config.cache and not config.augment):
        return 0
    return manifest.total("train") * values(config) * FLOAT_BYTES


def shared_memory_needed(config: RunConfig, images: int) -> int:
    """Bytes of shared memory for batches on their way, and for a cache that loader processes share."""
    if FRAMEWORKS[config.framework].loader != "processes":
        return 0
    floats = TRACKS[config.track].float_cache
    # Of all workers together one more is in use while the others are on their way.
    batches = config.num_workers * PREFETCHED_BATCHES + bool(config.num_workers)
    needed = batches * config.batch_size * values(config) * FLOAT_BYTES
    if config.cache and (config.num_workers or floats):
        needed += images * values(config) * (FLOAT_BYTES if floats else 1)
    return needed


def training_bytes(config: RunConfig) -> int:
    """About what a training step keeps on its device: what every layer computed, and as much for the gradients.

    Each of the four layers keeps the values after convolution, normalisation, activation and pooling; their sides
    are halved from layer to layer (backends/network.py).
    """
    side, kept = config.image_size, 0.0
    for channels in LAYER_CHANNELS:
        kept += channels * side**2 * (3 + 1 / 4)
        side //= 2
    return round(2 * FLOAT_BYTES * config.batch_size * kept)


def values(config: RunConfig) -> int:
    """The numbers of an image."""
    return CHANNELS * config.image_size**2
