"""The picture of a run's loss and accuracy, drawn by the real library."""

import math

import pytest
from PIL import Image

from tfpt_tui.events import EpochEnd
from tfpt_tui.runs.record.fold import Record
from tfpt_tui.runs.supervision.history import draw_history


def epoch(number, loss):
    return EpochEnd(
        epoch=number, epochs=3, loss=loss, accuracy=0.5, seconds=1.0, first_batch_s=0.1, images_per_s=99.0
    )


@pytest.mark.parametrize("losses", [(), (2.0,), (2.0, 1.0, 0.5), (2.0, math.nan, math.inf), (None, None)])
def test_whatever_the_losses_are_there_is_a_picture_of_them(tmp_path, losses):
    record = Record(epochs=tuple(epoch(number, loss) for number, loss in enumerate(losses, start=1)))
    draw_history(record, tmp_path / "history.png")
    with Image.open(tmp_path / "history.png") as picture:
        assert picture.size == (1080, 432)
        assert len(set(picture.convert("L").tobytes())) > 2
