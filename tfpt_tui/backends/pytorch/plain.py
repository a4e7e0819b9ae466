"""The training loop without us: a script that imports nothing of tfpt_tui, for ``tfpt-tui parity --neutrality``.

It does a track's work as one would write it by hand after PyTorch's documentation, in a single file. The worker
must not be slower, nor the kernel busier, than this. Argument: a JSON file with the settings of the run
(RunConfig's names). It prints a line of JSON for what it runs with, and one for every epoch.
"""

import json
import math
import sys
import time
from glob import glob
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2


class ArticleDataset(Dataset):
    """The article's: Pillow, transforms, two flips, one image by its index."""

    def __init__(self, settings, paths):
        self.paths = paths
        side = (settings.image_size, settings.image_size)
        self.transforms = transforms.Compose([transforms.Resize(side), transforms.ToTensor()])
        self.flips = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip()])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        path = self.paths[index]
        return self.flips(self.transforms(Image.open(path).convert("RGB"))), int(path.split("/")[-2])


class BatchDataset(Dataset):
    """Whole batches of images by their indices and flips."""

    def __init__(self, settings, paths, decode):
        self.paths = paths
        self.labels = torch.tensor([int(path.split("/")[-2]) for path in paths])
        self.side = [settings.image_size, settings.image_size]
        self.rounded_once = settings.track == "parity"
        self.decode = decode

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, draws):
        indices = [index for index, _ in draws]
        flips = torch.tensor([flip for _, flip in draws])[:, :, None, None, None]
        images = self.resize(torch.stack([self.decode(self.paths[index]) for index in indices]))
        images = torch.where(flips[:, 0], images.flip(3), images)
        images = torch.where(flips[:, 1], images.flip(2), images)
        return images.float() / 255, self.labels[indices]

    def resize(self, images):
        if list(images.shape[2:]) == self.side:
            return images
        if not self.rounded_once:
            return v2.functional.resize(images, self.side, antialias=True)
        resized = functional.interpolate(images.float(), self.side, mode="bilinear", antialias=True)
        return (resized + 0.5).floor().clamp(0, 255).byte()


class Order:
    """Indices and flips of an epoch."""

    def __init__(self, settings, images):
        self.settings = settings
        self.images = images
        self.count = images // settings.batch_size * settings.batch_size
        self.epoch = 0
        self.generator = torch.Generator().manual_seed(settings.seed)

    def __len__(self):
        return self.count

    def __iter__(self):
        if self.settings.track == "parity":
            draws = [np.random.default_rng([self.settings.seed, stream, self.epoch]) for stream in (1, 2)]
            order = draws[0].permutation(self.images)[: self.count].tolist()
            flips = (draws[1].random((self.count, 2)) < 0.5).tolist()
        else:
            order = torch.randperm(self.images, generator=self.generator)[: self.count].tolist()
            flips = (torch.rand(self.count, 2, generator=self.generator) < 0.5).tolist()
        self.epoch += 1
        return zip(order, flips, strict=True)


def find_decoder():
    """The one that the worker takes."""
    try:
        from torchcodec.decoders import decode_image

        return decode_image
    except (ImportError, RuntimeError, OSError):
        pass
    try:
        import warnings

        from torchvision.io import ImageReadMode, decode_image

        warnings.filterwarnings("ignore", category=DeprecationWarning)
        return lambda path: decode_image(path, mode=ImageReadMode.RGB)
    except ImportError:
        return lambda path: torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)


def make_loader(settings):
    """The DataLoader, and how many images an epoch of it has."""
    paths = [
        path for label in sorted(Path(settings.data, "train").iterdir()) for path in sorted(glob(f"{label}/*.jpg"))
    ]
    workers = settings.num_workers
    if settings.track == "published":
        dataset = ArticleDataset(settings, paths)
        return DataLoader(dataset, settings.batch_size, shuffle=True, num_workers=workers), len(paths)
    if settings.track == "documented":
        transform = v2.Compose(
            [
                v2.ToImage(),
                v2.Resize((settings.image_size, settings.image_size), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )
        dataset = ImageFolder(f"{settings.data}/train", transform=transform)
        sampler = RandomSampler(dataset, num_samples=len(paths))
        return DataLoader(dataset, settings.batch_size, sampler=sampler, num_workers=workers), len(paths)
    dataset, order = BatchDataset(settings, paths, find_decoder()), Order(settings, len(paths))
    loader = DataLoader(
        dataset,
        sampler=BatchSampler(order, settings.batch_size, drop_last=False),
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=settings.device != "cpu",
    )
    return loader, len(order)


def make_model(settings):
    classes = len(list(Path(settings.data, "train").iterdir()))
    equal = {"eps": 1e-3, "momentum": 0.1} if settings.track == "parity" else {}
    layers, inputs = [], 3
    for outputs in (32, 64, 128, 128):
        layers += [nn.Conv2d(inputs, outputs, 3, padding="same"), nn.BatchNorm2d(outputs, **equal)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        inputs = outputs
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, classes)]
    return nn.Sequential(*layers, *head).to(settings.device)


def train_epoch(settings, batches, model, optimizer, loss_function):
    """Loss and accuracy; those of published and documented are read at every step, as their sources do."""
    device = settings.device
    reads = settings.track in ("published", "documented")
    loss_sum = 0.0 if reads else torch.zeros((), device=device)
    correct = torch.zeros((), device=device, dtype=torch.long)
    seen = 0
    model.train()
    for images, labels in batches:
        images = images.to(device, non_blocking=not reads)
        labels = labels.to(device, non_blocking=not reads)
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_function(logits, labels)
        loss.backward()
        if settings.track == "parity":  # Keras's epsilon stands at another place
            (group,) = optimizer.param_groups
            group["steps"] = group.get("steps", 0) + 1
            group["eps"] = 1e-7 / math.sqrt(1 - group["betas"][1] ** group["steps"])
        optimizer.step()
        loss_sum += loss.item() * len(labels) if reads else loss.detach() * len(labels)
        right = (logits.detach().argmax(1) == labels).sum()
        correct += right.item() if settings.track == "published" else right
        seen += len(labels)
    return float(loss_sum) / seen, int(correct) / seen


def main():
    settings = SimpleNamespace(**json.loads(Path(sys.argv[1]).read_text()))
    settings.device = {"gpu": "cuda"}.get(settings.device, settings.device)
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    if settings.track == "parity":
        torch.set_num_interop_threads(settings.threads)
        torch.backends.cudnn.benchmark = True
    if settings.track == "published":
        torch.backends.cudnn.deterministic = True
    else:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    print(json.dumps({"threads": torch.get_num_threads()}), flush=True)
    loader, images = make_loader(settings)
    model = make_model(settings)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    loss_function = nn.CrossEntropyLoss()
    resident = [part.to(settings.device) for part in next(iter(loader))] if settings.measure == "model" else None
    for _ in range(settings.epochs):
        started = time.perf_counter()
        if settings.measure == "loader":
            for _ in loader:
                pass
        else:
            steps = max(1, images // settings.batch_size)
            batches = repeat(resident, steps) if resident else loader
            train_epoch(settings, batches, model, optimizer, loss_function)
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
