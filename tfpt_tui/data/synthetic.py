"""Synthetic images: ten colours times ten patterns, deterministic by seed and easy to learn.

They stand in where no dataset is at hand. Each image varies in phase, scale, hue, brightness and noise, so that a
network has to generalise, while the class stays visible after any flip.
"""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

from tfpt_tui.data.manifest import SPLITS
from tfpt_tui.data.source import DEFAULT_SEED, Group, Item, Source
from tfpt_tui.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray
    from PIL.Image import Image

    Array = NDArray[np.float64]

COLOURS = 10
PATTERNS = (
    "coarse-rows",
    "fine-rows",
    "coarse-columns",
    "fine-columns",
    "coarse-checks",
    "fine-checks",
    "coarse-rings",
    "fine-rings",
    "disc",
    "plain",
)
MAX_CLASSES = COLOURS * len(PATTERNS)
IMAGES_PER_CLASS = {"train": 500, "test": 100}
SIDE = 64


def make_synthetic(*, limit: int = 0, classes: int = 0, seed: int = DEFAULT_SEED) -> Source:
    """List synthetic images: CIFAR-100's 100 classes with 500 training and 100 test images, or fewer.

    Raises:
        UsageError: more classes than there are.
    """
    classes = classes or MAX_CLASSES
    if classes > MAX_CLASSES:
        raise UsageError(f"--classes {classes}: synthetic images have at most {MAX_CLASSES} classes")
    groups = [
        Group(split, label, f"{seed}", ("",) * min(IMAGES_PER_CLASS[split], limit or IMAGES_PER_CLASS[split]))
        for split in SPLITS
        for label in range(classes)
    ]
    return Source(
        classes=tuple(f"hue{label % COLOURS}-{PATTERNS[label // COLOURS]}" for label in range(classes)),
        groups=tuple(groups),
        request={"source": "synthetic", "limit": limit, "classes": classes, "seed": seed},
        open_image=draw_image,
    )


def draw_image(item: Item) -> Image:
    """Draw the image of an item: the same item gives the same 64x64 RGB pixels on every machine."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng([int(item.origin), SPLITS.index(item.split), item.label, item.number])
    mask = _pattern(PATTERNS[item.label // COLOURS], random)[..., None]
    hue = item.label % COLOURS / COLOURS + random.uniform(-0.025, 0.025)
    brightness = random.uniform(0.75, 1.0)
    front = 255 * brightness * np.array(colorsys.hsv_to_rgb(hue % 1, 0.9, 1.0))
    back = 255 * brightness * np.array(colorsys.hsv_to_rgb((hue + 0.5) % 1, 0.35, 0.35))
    pixels = back + mask * (front - back) + random.normal(0, 14, (SIDE, SIDE, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _pattern(name: str, random: Generator) -> Array:
    """A mask of 0 to 1, shape (64, 64)."""
    import numpy as np

    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    scale = random.uniform(0.85, 1.15) * (7 if name.startswith("fine") else 3)
    phase_x, phase_y = random.uniform(0, 1, 2)
    rows = np.sin(2 * np.pi * (scale * y + phase_y))
    columns = np.sin(2 * np.pi * (scale * x + phase_x))
    radius = np.hypot(x - random.uniform(0.4, 0.6), y - random.uniform(0.4, 0.6))
    wave = {
        "rows": rows,
        "columns": columns,
        "checks": rows * columns,
        "rings": np.sin(2 * np.pi * (scale * 1.5 * radius + phase_x)),
        "disc": random.uniform(0.2, 0.35) - radius,
        "plain": np.ones((SIDE, SIDE)),
    }[name.partition("-")[2] or name]
    mask: Array = (wave > 0).astype(np.float64)
    return mask
