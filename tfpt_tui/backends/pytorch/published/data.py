"""The input pipeline of the track published: the article's ClassificationDataset and DataLoader, reconstructed.

https://github.com/infocusp/tf_pt_benchmarking, tfvspt/pt/data.py and main.py; config/tracks.py lists the quirks.
"""

from __future__ import annotations

import math

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, RandomSampler, SequentialSampler
from torchvision import transforms

from tfpt_tui.backends.dataset import Images
from tfpt_tui.backends.draws import Array
from tfpt_tui.backends.loaders import begin_loader
from tfpt_tui.backends.memory import check_shared_memory
from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig


class ClassificationDataset(Dataset):
    """One image by its index: Pillow, resize, scale, float32 cache, then two flips, each with a module call."""

    def __init__(self, config: RunConfig, images: Images, augment: bool, cache: bool) -> None:
        side = (config.image_size, config.image_size)
        self.paths = images.paths
        self.transforms = transforms.Compose([transforms.Resize(side), transforms.ToTensor()])
        self.augmentations = _augmentations() if augment else None
        self.cache: torch.Tensor | None = None
        self.filled: torch.Tensor | None = None
        if cache:
            shape = (len(images), 3, *side)
            # Shared also without workers: the article's library knows no other memory.
            check_shared_memory(len(images), 4 * math.prod(shape))
            self.cache = torch.zeros(shape).share_memory_()
            self.filled = torch.zeros(len(images), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path = self.paths[index]
        label = int(path.split("/")[-2])
        image = self._recall(index)
        if image is None:
            image = self.transforms(Image.open(path).convert("RGB"))
            self._remember(index, image)
        if self.augmentations:
            image = self.augmentations(image)
        return image, label

    def _recall(self, index: int) -> torch.Tensor | None:
        if self.cache is None or self.filled is None or not self.filled[index].item():
            return None
        return self.cache[index]

    def _remember(self, index: int, image: torch.Tensor) -> None:
        if self.cache is not None and self.filled is not None:
            self.cache[index] = image
            self.filled[index] = True


def make_training_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """Shuffled, augmented and cached as the row says; the last batch may be short, as in the article."""
    dataset = ClassificationDataset(config, images, config.augment, config.cache)
    count = min(len(images), config.max_steps * config.batch_size or len(images))
    data = _load(config, dataset, RandomSampler(dataset, num_samples=count), count)
    if not config.cache:
        _plot_batch(data)
    return data


def make_test_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """In the order of the files, neither augmented nor cached."""
    dataset = ClassificationDataset(config, images, augment=False, cache=False)
    return _load(config, dataset, SequentialSampler(dataset), len(images))


def fill_cache(data: Data, report: Report) -> Data:
    """Only what plotting one batch puts there: the first epoch fills the rest, inside the article's clock."""
    report.done += _plot_batch(data)
    return data


def augmented_samples(config: RunConfig, images: Images) -> Array:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    dataset = ClassificationDataset(config, images, config.augment, cache=False)
    return torch.stack([dataset[index][0] for index in range(len(dataset))]).permute(0, 2, 3, 1).numpy()


def _augmentations() -> transforms.Compose:
    return transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip()])


def _load(config: RunConfig, dataset: Dataset, order: object, count: int) -> Data:
    """Neither pinned memory nor persistent workers: they are started anew for every epoch, as in the article."""
    loader = DataLoader(
        dataset,
        batch_size=config.batch_size,
        sampler=order,
        num_workers=config.num_workers,
        worker_init_fn=begin_loader,
    )
    whole, last = divmod(count, config.batch_size)
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    return Data(loader, count, sizes, (3, config.image_size, config.image_size), "Pillow")


def _plot_batch(data: Data) -> int:
    """The article draws a batch of the images before its clocks start."""
    images, _ = next(iter(data.loader))
    return len(images)
