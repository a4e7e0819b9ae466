"""The input pipeline of the track documented: ImageFolder, transforms v2 and a DataLoader with workers.

As in "Transfer Learning for Computer Vision Tutorial"
(https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html: ImageFolder, shuffle=True,
num_workers=4) and "Getting started with transforms v2"
(https://docs.pytorch.org/vision/stable/auto_examples/transforms/plot_transforms_getting_started.html), both read
in November 2026.
"""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from tfpt_tui.backends.dataset import Images, check_labels
from tfpt_tui.backends.draws import Array
from tfpt_tui.backends.effective import loading_cores
from tfpt_tui.backends.loaders import begin_loader
from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig


def make_training_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """Shuffled and augmented; the last batch may be short. ``max_steps`` shortens each epoch."""
    check_labels(images)
    dataset = ImageFolder(images.directory, transform=_transform(config, config.augment))
    count = min(len(images), config.max_steps * config.batch_size or len(images))
    # What shuffle=True makes, for as many images as are asked for.
    return _load(config, dataset, count, sampler=RandomSampler(dataset, num_samples=count))


def make_test_data(config: RunConfig, images: Images, device: torch.device) -> Data:
    """In the order of the files, not augmented."""
    check_labels(images)
    return _load(config, ImageFolder(images.directory, transform=_transform(config, False)), len(images))


def fill_cache(data: Data, report: Report) -> Data:
    """The documentation shows none, and the configuration refuses one."""
    raise AssertionError("the track documented has no cache")


def augmented_samples(config: RunConfig, images: Images) -> Array:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    dataset = ImageFolder(images.directory, transform=_transform(config, config.augment))
    places = {path: place for place, (path, _) in enumerate(dataset.samples)}
    return torch.stack([dataset[places[path]][0] for path in images.paths]).permute(0, 2, 3, 1).numpy()


def _transform(config: RunConfig, augment: bool) -> v2.Compose:
    flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()] if augment else []
    side = (config.image_size, config.image_size)
    scale = v2.ToDtype(torch.float32, scale=True)
    return v2.Compose([v2.ToImage(), v2.Resize(side, antialias=True), *flips, scale])


def _load(config: RunConfig, dataset: Dataset, count: int, sampler: RandomSampler | None = None) -> Data:
    loader = DataLoader(
        dataset,
        batch_size=config.batch_size,
        sampler=sampler,
        num_workers=loading_cores(config),
        worker_init_fn=begin_loader,
    )
    whole, last = divmod(count, config.batch_size)
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    return Data(loader, count, sizes, (3, config.image_size, config.image_size), "Pillow")
