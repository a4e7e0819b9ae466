"""``samples.jpg``: a grid of augmented training images, so that a user sees what the network sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tfpt_tui.backends.draws import Array
from tfpt_tui.files import written_whole

GRID = 6
COUNT = GRID * GRID
SIDE = 96  # pixels of one image in the grid
GAP = 4


def sample_indices(images: int) -> list[int]:
    """Indices spread evenly over the training images, which are ordered by class."""
    return [round(index) for index in np.linspace(0, images - 1, min(COUNT, images))]


def write_samples(images: Array, path: Path) -> None:
    """Write the grid. ``images``: floats of 0 to 1, shape (n, side, side, 3) with n at most 36."""
    pixels = (np.asarray(images) * 255).round().clip(0, 255).astype(np.uint8)
    sheet = Image.new("RGB", (GRID * (SIDE + GAP) + GAP,) * 2, "white")
    for index, image in enumerate(pixels):
        row, column = divmod(index, GRID)
        tile = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.NEAREST)
        sheet.paste(tile, (GAP + column * (SIDE + GAP), GAP + row * (SIDE + GAP)))
    with written_whole(path) as temporary:
        sheet.save(temporary, "JPEG", quality=90)
