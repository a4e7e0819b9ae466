"""The input of the track best: all images on the device, from a pack that is decoded once.

An epoch's order and flips are drawn with NumPy, as on the track parity, and go to the device at once; every batch
is gathered, flipped and scaled there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from tfpt_tui.backends.dataset import Images, whole_batches
from tfpt_tui.backends.draws import draw_flips, draw_order
from tfpt_tui.backends.pack import Pixels, open_pack
from tfpt_tui.backends.pytorch.data import Batch, CacheFiller, Data, ImageDataset, augmented_samples
from tfpt_tui.backends.pytorch.decode import find_decoder
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.cores import usable_cores
from tfpt_tui.documents import Value

__all__ = ["augmented_samples", "fill_cache", "make_test_data", "make_training_data"]

# Of a GPU's free memory, what images may take; the rest is the training's.
IMAGES_SHARE = 0.5


class Feed:
    """Begun anew it yields the next epoch; without ``shuffled`` the images in their order, not flipped."""

    def __init__(
        self, config: RunConfig, images: Images, count: int, device: torch.device, shuffled: bool
    ) -> None:
        self.config = config
        self.images = images
        self.count = count
        self.device = device
        self.shuffled = shuffled
        self.epoch = 0
        self.labels = torch.tensor(images.labels, device=device)
        self.pixels = torch.empty(0)

    def __len__(self) -> int:
        return -(-self.count // self.config.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order, flips = self.draw()
        size = self.config.batch_size
        on_device, on_images = order.to(self.device), order.to(self.pixels.device)
        flipped = flips.to(self.device).split(size) if self._flips else [None] * len(self)
        for here, there, flip in zip(on_device.split(size), on_images.split(size), flipped, strict=True):
            pixels = self.pixels.index_select(0, there).to(self.device, non_blocking=True)
            yield self._prepare(pixels, flip), self.labels.index_select(0, here)

    @property
    def _flips(self) -> bool:
        return self.shuffled and self.config.augment

    def draw(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Order and flips of the next epoch: int64 (count,), and left-right and up-down, bool (count, 2)."""
        order, flips = np.arange(self.count), np.zeros((self.count, 2), bool)
        if self.shuffled:
            order = draw_order(self.config.seed, self.epoch, len(self.images))[: self.count]
        if self._flips:
            flips = draw_flips(self.config.seed, self.epoch, self.count)
        self.epoch += self.shuffled
        return torch.from_numpy(order), torch.from_numpy(flips)

    def batch(self, places: torch.Tensor, flips: torch.Tensor) -> Batch:
        """Gathered, flipped and scaled, where the images are on the device."""
        pixels = self.pixels.index_select(0, places)
        return self._prepare(pixels, flips if self._flips else None), self.labels.index_select(0, places)

    def _prepare(self, pixels: torch.Tensor, flips: torch.Tensor | None) -> torch.Tensor:
        """uint8 (batch, side, side, 3) to float32 (batch, 3, side, side) in 0..1, laid out as the network is."""
        if flips is not None:
            left_right, up_down = flips[:, :, None, None, None].unbind(1)
            pixels = torch.where(left_right, pixels.flip(2), pixels)
            pixels = torch.where(up_down, pixels.flip(1), pixels)
        images = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=_layout(self.config))
        return images.div_(255)


@dataclass(frozen=True)
class PackedData(Data):
    """Data whose loader is a :class:`Feed`; ``pack`` is what it took, once it is filled."""

    pack: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_on_device(self) -> bool:
        return bool(self.loader.pixels.device == self.loader.device)

    def begin_anew(self) -> None:
        """Let the next pass be the first epoch's again, as it is in TensorFlow."""
        self.loader.epoch = 0

    def without_processes(self) -> Feed:
        """It has none."""
        return self.loader

    def facts(self) -> dict[str, Value]:
        """Where the images are, and what the pack took."""
        if not self.pack:
            return {}
        return {"images": "on the device" if self.is_on_device else "in the machine's memory", **self.pack}


def make_training_data(config: RunConfig, images: Images, device: torch.device) -> PackedData:
    """Shuffled and augmented as requested, whole batches only; ``max_steps`` shortens each epoch."""
    count = whole_batches(config, len(images)) * config.batch_size
    return _load(config, images, count, device, shuffled=True)


def make_test_data(config: RunConfig, images: Images, device: torch.device) -> PackedData:
    """All images in the order of the files, not augmented."""
    return _load(config, images, len(images), device, shuffled=False)


def fill_cache(data: PackedData, report: Report) -> PackedData:
    """Open the pack, building it if necessary, and move the images to the device if they fit."""
    feed = data.loader

    def decode(pixels: Pixels) -> None:
        cache = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        filler = CacheFiller(ImageDataset(feed.config, feed.images, cache), batch_size=64)
        cores = len(usable_cores())
        workers = cores if cores > 1 else 0
        for filled in filler.in_processes(workers):
            report.done += int(filled)

    pack = open_pack(feed.images, feed.config.image_size, data.decoder, decode, report)
    pixels = torch.from_numpy(pack.pixels)
    fits = feed.device.type == "cpu" or pixels.nbytes < IMAGES_SHARE * torch.cuda.mem_get_info(feed.device)[0]
    feed.pixels = pixels.to(feed.device) if fits else pixels
    return dataclasses.replace(data, pack=pack.facts())


def _load(config: RunConfig, images: Images, count: int, device: torch.device, *, shuffled: bool) -> PackedData:
    whole, last = divmod(count, config.batch_size)
    return PackedData(
        loader=Feed(config, images, count, device, shuffled=shuffled),
        images=count,
        batch_sizes=(config.batch_size,) * bool(whole) + (last,) * bool(last),
        image_shape=(3, config.image_size, config.image_size),
        decoder=find_decoder().name,
        memory_format=_layout(config),
    )


def _layout(config: RunConfig) -> torch.memory_format:
    return torch.channels_last if config.is_on("channels_last") else torch.contiguous_format
