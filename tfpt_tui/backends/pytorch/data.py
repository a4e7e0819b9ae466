"""The input pipeline of the tracks default and parity: a Dataset read in whole batches, and a DataLoader over it.

After https://docs.pytorch.org/tutorials/beginner/basics/data_tutorial.html, with what the article's pipeline lacks
(manual/method.md): the sampler decides order and flips, resizing, flips and scaling work on whole batches, the
cache holds bytes, workers stay alive, and every training batch has the same size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, Dataset, Sampler
from torchvision.transforms.v2.functional import resize

from tfpt_tui.backends.dataset import Images, whole_batches
from tfpt_tui.backends.draws import Array, draw_flips, draw_order
from tfpt_tui.backends.loaders import begin_loader
from tfpt_tui.backends.memory import check_shared_memory
from tfpt_tui.backends.pytorch.decode import find_decoder
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.documents import Value

# Python 3.14 changed its default: said here, the same everywhere.
START_METHOD = "fork"

# Index of an image, whether it is flipped left-right, whether up-down.
Draw = tuple[int, bool, bool]
Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Data:
    """A loader of (images, labels): float32 (batch, 3, side, side) in 0..1, and int64 (batch,)."""

    loader: Any  # a DataLoader, or a list of batches
    images: int
    batch_sizes: tuple[int, ...]
    image_shape: tuple[int, ...]
    decoder: str
    memory_format: torch.memory_format = torch.contiguous_format

    def zeros(self, size: int, device: torch.device) -> torch.Tensor:
        """A batch of black images, laid out as the real ones."""
        return torch.zeros(size, *self.image_shape, device=device).contiguous(memory_format=self.memory_format)

    def begin_anew(self) -> None:
        """Let the next pass be the first epoch's again, as it is in TensorFlow, where the epochs are numbered."""
        order = getattr(self.loader.sampler, "sampler", None)
        if isinstance(order, TrainingOrder):
            order.epoch = 0

    def without_processes(self) -> DataLoader:
        """The same batches, loaded by this process."""
        own = self.loader
        return DataLoader(own.dataset, own.batch_size, sampler=own.sampler, collate_fn=own.collate_fn)

    def facts(self) -> dict[str, Value]:
        """How the images are loaded, read back from the loader."""
        return {
            "num_workers": self.loader.num_workers,
            "loading_cores": max(1, self.loader.num_workers),  # with none the process that trains loads
            "start_method": _start_method(self.loader),
            "pinned_memory": self.loader.pin_memory,
            "persistent_workers": self.loader.persistent_workers,
            "cache": getattr(self.loader.dataset, "cache", None) is not None,
        }


class ImageDataset(Dataset):
    """Batches of images by their draws, decoded, or taken from the cache once it is filled."""

    def __init__(self, config: RunConfig, images: Images, cache: torch.Tensor | None = None) -> None:
        self.config = config
        self.paths = images.paths
        self.labels = torch.tensor(images.labels)
        self.cache = cache
        self.decoder = find_decoder()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, draws: list[Draw]) -> Batch:
        indices = [index for index, _, _ in draws]
        images = self.read(indices) if self.cache is None else self.cache[indices]
        left_right, up_down = torch.tensor([draw[1:] for draw in draws]).unbind(1)
        images = torch.where(left_right[:, None, None, None], images.flip(3), images)
        images = torch.where(up_down[:, None, None, None], images.flip(2), images)
        return images.float() / 255, self.labels[indices]

    def read(self, indices: list[int]) -> torch.Tensor:
        """Decoded and resized: uint8 (n, 3, side, side)."""
        return _resize(torch.stack([self.decoder.decode(self.paths[index]) for index in indices]), self.config)


class CacheFiller(Dataset):
    """Reading a range of it decodes those images into the cache, in whichever process reads."""

    def __init__(self, dataset: ImageDataset, batch_size: int) -> None:
        self.dataset = dataset
        self.starts = range(0, len(dataset), batch_size)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, place: int) -> int:
        assert self.dataset.cache is not None
        indices = list(range(len(self.dataset))[self.starts[place] : self.starts[place] + self.starts.step])
        self.dataset.cache[indices] = self.dataset.read(indices)
        return len(indices)

    def in_processes(self, workers: int) -> DataLoader:
        """Fills the cache in so many processes, which share its memory with us: they are forked."""
        return DataLoader(
            self,
            batch_size=None,
            num_workers=workers,
            multiprocessing_context=START_METHOD if workers else None,
            worker_init_fn=begin_loader,
        )


class TrainingOrder(Sampler):
    """Another order and other flips in every epoch, the same for the same seed.

    On tracks of equal mathematics NumPy draws both, as it does for TensorFlow; else PyTorch does.
    """

    def __init__(self, config: RunConfig, images: int, count: int) -> None:
        self.config = config
        self.images = images
        self.count = count
        self.epoch = 0
        self.generator = torch.Generator().manual_seed(config.seed)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Draw]:
        order, flips = self._draw_with_numpy() if _is_equal(self.config) else self._draw()
        self.epoch += 1
        if not self.config.augment:
            flips = [[False, False]] * self.count
        return ((index, left_right, up_down) for index, (left_right, up_down) in zip(order, flips, strict=False))

    def _draw_with_numpy(self) -> tuple[list[int], list[list[bool]]]:
        order = draw_order(self.config.seed, self.epoch, self.images)[: self.count]
        return order.tolist(), draw_flips(self.config.seed, self.epoch, self.count).tolist()

    def _draw(self) -> tuple[list[int], list[list[bool]]]:
        order = torch.randperm(self.images, generator=self.generator)[: self.count]
        return order.tolist(), (torch.rand(self.count, 2, generator=self.generator) < 0.5).tolist()


class FileOrder(Sampler):
    """In the order of the files, nothing flipped."""

    def __init__(self, images: int) -> None:
        self.images = images

    def __len__(self) -> int:
        return self.images

    def __iter__(self) -> Iterator[Draw]:
        return ((index, False, False) for index in range(self.images))


def make_training_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """Shuffled, augmented and cached as requested, whole batches only; ``max_steps`` shortens each epoch."""
    count = whole_batches(config, len(images)) * config.batch_size
    cache = _empty_cache(config, len(images)) if config.cache else None
    order = TrainingOrder(config, len(images), count)
    return _load(config, ImageDataset(config, images, cache), order, device)


def make_test_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """All images in the order of the files, neither augmented nor cached."""
    return _load(config, ImageDataset(config, images), FileOrder(len(images)), device)


def fill_cache(data: Data, report: Report) -> Data:
    """Decode every training image into the cache, in as many processes as load them later."""
    filler = CacheFiller(data.loader.dataset, batch_size=64)
    for filled in filler.in_processes(data.loader.num_workers):
        report.done += int(filled)
    return data


def augmented_samples(config: RunConfig, images: Images) -> Array:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    order = TrainingOrder(config, len(images), len(images))
    batch, _ = ImageDataset(config, images)[sorted(order)]
    return batch.permute(0, 2, 3, 1).numpy()


def _resize(images: torch.Tensor, config: RunConfig) -> torch.Tensor:
    """A batch with antialiasing: uint8 (n, 3, side, side)."""
    side = [config.image_size, config.image_size]
    if list(images.shape[2:]) == side:
        return images
    if not _is_equal(config):
        return resize(images, side, antialias=True)
    # In floats and rounded once, half up: torchvision's way with bytes rounds after each direction.
    resized = functional.interpolate(images.float(), side, mode="bilinear", antialias=True)
    return (resized + 0.5).floor().clamp(0, 255).byte()


def _load(config: RunConfig, dataset: ImageDataset, order: Sampler, device: torch.device) -> Data:
    count = len(order)
    whole, last = divmod(count, config.batch_size)
    loader = DataLoader(
        dataset,
        sampler=BatchSampler(order, config.batch_size, drop_last=False),
        batch_size=None,  # the dataset returns whole batches
        num_workers=config.num_workers,
        persistent_workers=config.num_workers > 0,
        multiprocessing_context=START_METHOD if config.num_workers else None,
        pin_memory=device.type == "cuda",
        worker_init_fn=begin_loader,
        generator=torch.Generator().manual_seed(config.seed),
    )
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    return Data(loader, count, sizes, (3, config.image_size, config.image_size), dataset.decoder.name)


def _is_equal(config: RunConfig) -> bool:
    return TRACKS[config.track].equal_mathematics


def _start_method(loader: Any) -> str:
    """How its workers are started, "" where it has none."""
    if not loader.num_workers:
        return ""
    context = loader.multiprocessing_context or torch.multiprocessing.get_context()
    return str(context.get_start_method())


def _empty_cache(config: RunConfig, count: int) -> torch.Tensor:
    """Room for every resized image, uint8 (n, 3, side, side), in memory that the workers share."""
    shape = (count, 3, config.image_size, config.image_size)
    if not config.num_workers:
        return torch.empty(shape, dtype=torch.uint8)
    check_shared_memory(count, math.prod(shape))
    return torch.empty(shape, dtype=torch.uint8).share_memory_()
