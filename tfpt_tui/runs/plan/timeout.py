"""How long a run may take: a guess that is only good enough to end a run that hangs."""

from __future__ import annotations

from tfpt_tui.config.schema import RunConfig

# Slower than any machine that this was tried on; a run on two cores trains about 1,000 images a second.
SLOWEST_IMAGES_PER_S = 100.0
STARTUP_S = 60.0
TIMEOUT_FACTOR = 4
MIN_TIMEOUT_S = 600


def estimate_s(config: RunConfig, train_images: int, test_images: int) -> float:
    """Seconds that a run takes on a slow machine."""
    steps = config.max_steps * config.batch_size or train_images
    images = min(steps, train_images) * config.epochs_trained + test_images
    # Decoding dominates small images; beyond 32x32 the arithmetic grows with the area.
    area = max(1.0, (config.image_size / 32) ** 2)
    return STARTUP_S + images * area / SLOWEST_IMAGES_PER_S


def timeout_s(config: RunConfig, train_images: int, test_images: int) -> float:
    """The time-out of a run: as configured, else four times the estimate and at least 600 s."""
    if config.timeout_s:
        return config.timeout_s
    return max(MIN_TIMEOUT_S, TIMEOUT_FACTOR * estimate_s(config, train_images, test_images))
