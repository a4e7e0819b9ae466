"""CIFAR-10 and CIFAR-100 from the archives of their authors (https://www.cs.toronto.edu/~kriz/cifar.html).

The article makes its dataset from CIFAR-100: pictures of 32x32, enlarged to 64x64 JPEG files by class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfpt_tui.data import unpickle
from tfpt_tui.data.archive import FETCH_AGAIN, read_members
from tfpt_tui.data.manifest import SPLITS
from tfpt_tui.data.source import Group, Item, Source
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Array = NDArray[np.integer]

SIDE = 32
CHANNELS = 3
IMAGES = {"train": 50_000, "test": 10_000}  # in either archive, as many of each class
MAX_NAME = 64  # characters of a name, of a class or in a table: the longest are of 16


@dataclass(frozen=True)
class Cifar:
    """One of the two, in the Python version of its archive: names of its files and of the keys in them."""

    name: str
    title: str
    url: str
    md5: str
    size: int
    folder: str
    files: Mapping[str, tuple[str, ...]]
    meta_file: str
    classes_key: str
    labels_key: str
    classes: int

    @property
    def archive_name(self) -> str:
        return self.url.rpartition("/")[2]

    def member(self, file: str) -> str:
        """The name of a file in the archive."""
        return f"{self.folder}/{file}"

    @property
    def members(self) -> tuple[str, ...]:
        files = (file for split in SPLITS for file in self.files[split])
        return tuple(self.member(file) for file in (*files, self.meta_file))


# The checksums are those that the authors print on their page, the sizes those that their server announces.
CIFAR100 = Cifar(
    name="cifar100",
    title="CIFAR-100",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    md5="eb9058c3a382ffc7106e4002c42a8d85",
    size=169_001_437,
    folder="cifar-100-python",
    files={"train": ("train",), "test": ("test",)},
    meta_file="meta",
    classes_key="fine_label_names",
    labels_key="fine_labels",
    classes=100,
)
CIFAR10 = Cifar(
    name="cifar10",
    title="CIFAR-10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    size=170_498_071,
    folder="cifar-10-batches-py",
    files={"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)},
    meta_file="batches.meta",
    classes_key="label_names",
    labels_key="labels",
    classes=10,
)
ARCHIVES = {cifar.name: cifar for cifar in (CIFAR100, CIFAR10)}


class Split(NamedTuple):
    """``pixels`` are uint8 (n, 32, 32, 3), ``labels`` are n whole numbers."""

    pixels: Array
    labels: Array


@dataclass(frozen=True)
class Pictures:
    """All of an archive: the names of its classes in the order of their labels, and its splits."""

    classes: tuple[str, ...]
    splits: Mapping[str, Split]


def request_of(cifar: Cifar, md5: str, reader: str, *, limit: int, classes: int) -> dict[str, Value]:
    """What decides the dataset: known before the archive is read, or fetched.

    Raises:
        UsageError: more classes than there are.
    """
    if classes > cifar.classes:
        raise UsageError(f"--classes {classes}: {cifar.title} has {cifar.classes} classes")
    return {"source": cifar.name, "archive_md5": md5, "reader": reader, "limit": limit, "classes": classes}


def count_images(cifar: Cifar, request: Mapping[str, Value]) -> int:
    """How many images the archive of the authors has for a request."""
    each = [images // cifar.classes for images in IMAGES.values()]
    classes, limit = _limits(request)
    return (classes or cifar.classes) * sum(min(limit or images, images) for images in each)


def _limits(request: Mapping[str, Value]) -> tuple[int, int]:
    """The classes, and the images of each in a split; 0 for all."""
    return int(request["classes"]), int(request["limit"])


def read_cifar(cifar: Cifar, archive: Path) -> tuple[Pictures, dict[str, bytes]]:
    """The pictures in an archive, and its files by their names there; nothing in them is executed.

    Raises:
        MissingError: no such file, or it cannot be read.
        UsageError: it is no archive of this dataset, or a broken one.
    """
    files = read_members(archive, cifar.members)
    missing = [name for name in cifar.members if name not in files]
    if missing:
        raise UsageError(
            f"{archive}: holds no {missing[0]}, so it is not the Python version of {cifar.title};"
            f" fetch {cifar.archive_name}, or give it with --archive FILE"
        )
    pickles = {}
    for name, content in files.items():
        try:
            pickles[name] = unpickle.load(content)
        except unpickle.PickleError as error:
            raise UsageError(f"{archive}: {name} cannot be read: {error}; {FETCH_AGAIN}") from None
    try:
        return _interpret(cifar, pickles), files
    except (KeyError, TypeError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{archive}: holds something else than {cifar.title}: {reason}; {FETCH_AGAIN}") from None


def cifar_source(pictures: Pictures, request: Mapping[str, Value]) -> Source:
    """List the pictures as requested: those of each class in the order of the archive."""
    count, limit = _limits(request)
    classes = pictures.classes[: count or None]
    groups = []
    for split in SPLITS:
        indices = _by_label(pictures.splits[split].labels, len(classes))
        groups += [
            Group(split, label, "", tuple(map(str, indices[label][: limit or None])))
            for label in range(len(classes))
        ]
    return Source(classes, tuple(groups), request, partial(_open_image, pictures.splits))


def _open_image(splits: Mapping[str, Split], item: Item) -> Image:
    from PIL import Image

    return Image.fromarray(splits[item.split].pixels[int(item.origin)])


def _by_label(labels: Array, classes: int) -> list[list[int]]:
    indices: list[list[int]] = [[] for _ in range(classes)]
    for index, label in enumerate(labels.tolist()):
        if label < classes:
            indices[label].append(index)
    return indices


def _interpret(cifar: Cifar, pickles: Mapping[str, object]) -> Pictures:
    meta = _texts_as_keys(pickles[cifar.member(cifar.meta_file)])
    listed = meta[cifar.classes_key]
    if not isinstance(listed, list):
        raise TypeError("its class names are not a list")
    names = tuple(_text(name) for name in listed)
    if len(names) != cifar.classes or len(set(names)) != len(names):
        raise ValueError(f"{len(set(names))} class names in place of {cifar.classes}")
    splits = {}
    for split in SPLITS:
        parts = [_interpret_file(cifar, pickles[cifar.member(file)]) for file in cifar.files[split]]
        splits[split] = _join(parts)
    for label, name in enumerate(names):
        if not (splits["train"].labels == label).any():
            raise ValueError(f"no training picture of class {name!r}")
    return Pictures(names, splits)


def _interpret_file(cifar: Cifar, content: object) -> Split:
    """One file: rows of 1,024 red, green and blue values each, and a label for every row."""
    import numpy as np

    table = _texts_as_keys(content)
    data, labels = table["data"], table[cifar.labels_key]
    if not isinstance(data, unpickle.ArrayOfBytes):
        raise TypeError("its data is not an array")
    if len(data.shape) != 2 or data.shape[1] != CHANNELS * SIDE * SIDE:
        raise ValueError(f"its data are not rows of {CHANNELS * SIDE * SIDE:,} bytes")
    rows = data.to_numpy().reshape(-1, CHANNELS, SIDE, SIDE)
    # Looked at one by one: NumPy would unfold lists within lists, however often they hold each other.
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise TypeError("its labels are not a list of whole numbers")
    if len(labels) != len(rows) or not labels:
        raise ValueError(f"{len(rows)} pictures with {len(labels)} labels")
    if min(labels) < 0 or max(labels) >= cifar.classes:
        raise ValueError(f"a label that is not among 0 to {cifar.classes - 1}")
    return Split(rows.transpose(0, 2, 3, 1), np.asarray(labels))


def _join(parts: list[Split]) -> Split:
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    return Split(np.concatenate([part.pixels for part in parts]), np.concatenate([part.labels for part in parts]))


def _texts_as_keys(table: object) -> dict[str, object]:
    if not isinstance(table, dict):
        raise TypeError("no table in it")
    texts = {_text(key): value for key, value in table.items()}
    if len(texts) != len(table):
        raise ValueError("a table that has a name twice")
    return texts


def _text(name: object) -> str:
    if not isinstance(name, bytes | str):
        raise TypeError(f"something else ({type(name).__name__}) in the place of a name")
    text = name.decode("utf-8") if isinstance(name, bytes) else name
    if not text.strip() or not text.isprintable():
        raise ValueError(f"a name that cannot be shown, {text[:MAX_NAME]!a}")
    if len(text) > MAX_NAME:
        raise ValueError(f"a name of {len(text):,} letters, {text[:MAX_NAME]!a}")
    return text
