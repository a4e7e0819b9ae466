"""Archives of CIFAR's genuine layout, made as Python 2 made them: texts are byte strings of protocol 2."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np

CLASSES = {"cifar100": 100, "cifar10": 10}


class PickleOfPython2(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, which Python 3 never does by itself."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, text):
        short = len(text) < 256
        self.write(
            (pickle.SHORT_BINSTRING + bytes([len(text)])) if short else (b"T" + struct.pack("<i", len(text)))
        )
        self.write(text)
        self.memoize(text)

    dispatch[bytes] = save_string


def pickled(value) -> bytes:
    """As in the genuine archives, with NumPy's old name."""
    file = io.BytesIO()
    PickleOfPython2(file, protocol=2).dump(value)
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def draw(images: int, classes: int, seed: int):
    """Pixels (n, 3072), a plain colour of its class with noise, and labels that go round the classes."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(images) % classes)
    colours = np.random.default_rng(0).integers(40, 216, (classes, 3))
    planes = np.repeat(colours[labels].astype(np.int16), 1024, axis=1)
    noise = random.integers(-25, 26, (images, 3072), dtype=np.int16)
    return (planes + noise).clip(0, 255).astype(np.uint8), labels.tolist()


def files_of(name: str, train: int, test: int) -> dict[str, bytes]:
    """The files of an archive with so many pictures, by their names in it."""
    return _files_of_cifar100(train, test) if name == "cifar100" else _files_of_cifar10(train, test)


def _files_of_cifar100(train: int, test: int) -> dict[str, bytes]:
    files = {}
    for number, (split, count) in enumerate({"train": train, "test": test}.items()):
        data, labels = draw(count, 100, number)
        files[f"cifar-100-python/{split}"] = pickled(
            {
                b"filenames": [b"picture_s_%06d.png" % index for index in range(count)],
                b"batch_label": f"{split}ing batch 1 of 1".encode(),
                b"fine_labels": labels,
                b"coarse_labels": [label // 5 for label in labels],
                b"data": data,
            }
        )
    names = {
        b"fine_label_names": [b"fine_%02d" % label for label in range(100)],
        b"coarse_label_names": [b"coarse_%02d" % label for label in range(20)],
    }
    return {"cifar-100-python/file.txt~": b"", **files, "cifar-100-python/meta": pickled(names)}


def _files_of_cifar10(train: int, test: int) -> dict[str, bytes]:
    counts = {f"data_batch_{number}": train // 5 for number in range(1, 6)} | {"test_batch": test}
    files = {"cifar-10-batches-py/readme.html": b"<html></html>"}
    for number, (file, count) in enumerate(counts.items()):
        data, labels = draw(count, 10, number)
        files[f"cifar-10-batches-py/{file}"] = pickled(
            {
                b"batch_label": file.encode(),
                b"labels": labels,
                b"data": data,
                b"filenames": [b"picture_s_%06d.png" % index for index in range(count)],
            }
        )
    names = [b"name_%d" % label for label in range(10)]
    files["cifar-10-batches-py/batches.meta"] = pickled(
        {b"num_cases_per_batch": train // 5, b"label_names": names, b"num_vis": 3072}
    )
    return files


def pack(files: dict[str, bytes], archive: Path, *, extra: tarfile.TarInfo | None = None, level: int = 1) -> Path:
    """A gzipped tar file of these files in their folder, with one strange member more where ``extra`` is given."""
    with gzip.open(archive, "wb", compresslevel=level) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        folder = tarfile.TarInfo(next(iter(files)).partition("/")[0])
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        if extra:
            tar.addfile(extra)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def make_archive(name: str, archive: Path, *, train: int, test: int) -> Path:
    return pack(files_of(name, train, test), archive)
