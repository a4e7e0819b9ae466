"""The input pipeline: a Dataset that reads, resizes, scales, caches and augments, and a DataLoader over it.

After https://docs.pytorch.org/tutorials/beginner/basics/data_tutorial.html and the article's
ClassificationDataset; its transforms resize with antialiasing, as torchvision does by default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from tfpt_tui.backends.dataset import Images
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import MissingError
from tfpt_tui.lifeline import die_with_parent

SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Data:
    """A loader of (images, labels): float32 (batch, 3, side, side) in 0..1, and int64 (batch,)."""

    loader: DataLoader
    images: int
    batch_sizes: tuple[int, ...]
    image_shape: tuple[int, ...]


class ImageDataset(Dataset):
    """Decoded images by index, from the cache once it is filled."""

    def __init__(self, images: Images, side: int, augment: bool, cache: torch.Tensor | None = None) -> None:
        self.paths = images.paths
        self.labels = images.labels
        self.cache = cache
        self.augment = _augmentation() if augment else None
        self.scale = _scaling(side)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = self.read(index) if self.cache is None else self.cache[index]
        if self.augment:
            image = self.augment(image)
        return image, self.labels[index]

    def read(self, index: int) -> torch.Tensor:
        return self.scale(decode_image(self.paths[index], mode=ImageReadMode.RGB))


class CacheFiller(Dataset):
    """Reading an index of it decodes that image into the cache, in whichever process reads."""

    def __init__(self, dataset: ImageDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> int:
        assert self.dataset.cache is not None
        self.dataset.cache[index] = self.dataset.read(index)
        return 1


def make_training_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """Shuffled by seed, augmented and cached as asked; ``max_steps`` shortens each epoch."""
    cache = _empty_cache(config, len(images)) if config.cache else None
    dataset = ImageDataset(images, config.image_size, config.augment, cache)
    count = min(len(images), config.max_steps * config.batch_size or len(images))
    generator = torch.Generator().manual_seed(config.seed)
    sampler = RandomSampler(dataset, num_samples=count, generator=generator)
    return _load(config, dataset, device, count, sampler=sampler, generator=generator)


def make_test_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """In the order of the files, neither augmented nor cached."""
    return _load(config, ImageDataset(images, config.image_size, augment=False), device, len(images))


def fill_cache(data: Data, report: Report) -> None:
    """Decode every training image into the cache, in as many processes as load them later."""
    loader = DataLoader(
        CacheFiller(data.loader.dataset),
        batch_size=64,
        num_workers=data.loader.num_workers,
        worker_init_fn=_begin_worker,
    )
    for filled in loader:
        report.done += len(filled)


def augmented_samples(config: RunConfig, paths: list[str]) -> np.ndarray[Any, Any]:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    dataset = ImageDataset(Images(tuple(paths), (0,) * len(paths)), config.image_size, config.augment)
    return torch.stack([dataset[index][0] for index in range(len(paths))]).permute(0, 2, 3, 1).numpy()


def _scaling(side: int) -> v2.Compose:
    return v2.Compose([v2.Resize((side, side)), v2.ToDtype(torch.float32, scale=True)])


def _augmentation() -> v2.Compose:
    return v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()])


def _load(config: RunConfig, dataset: Dataset, device: torch.device, count: int, **order: Any) -> Data:
    loader = DataLoader(
        dataset,
        batch_size=config.batch_size,
        num_workers=config.num_workers,
        persistent_workers=config.num_workers > 0,
        pin_memory=device.type == "cuda",
        worker_init_fn=_begin_worker,
        **order,
    )
    whole, last = divmod(count, config.batch_size)
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    return Data(loader, count, sizes, (3, config.image_size, config.image_size))


def _begin_worker(_: int) -> None:
    die_with_parent()


def _empty_cache(config: RunConfig, count: int) -> torch.Tensor:
    """Room for every decoded image, float32 (n, 3, side, side), in memory that the workers share."""
    shape = (count, 3, config.image_size, config.image_size)
    if not config.num_workers:
        return torch.empty(shape)
    needed = 4 * int(np.prod(shape, dtype=np.int64))
    free = os.statvfs(SHARED_MEMORY).f_bavail * os.statvfs(SHARED_MEMORY).f_frsize
    if needed > free:
        raise MissingError(
            f"{SHARED_MEMORY}: the cache of {count} images needs {needed / 1e6:,.0f} MB of shared memory,"
            f" {free / 1e6:,.0f} MB are free; give the container more (--shm-size)"
            " or set num_workers=0 or cache=false"
        )
    return torch.empty(shape).share_memory_()
