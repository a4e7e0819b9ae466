"""Prepare a dataset: ``DIR/{train,test}/LABEL/N.jpg`` and, last of all, its manifest.

The article keeps CIFAR-100 as 64x64 JPEG files of quality 75, one directory a label, so that reading and
decoding files is part of what is measured.
"""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data import dataset_swap
from tfpt_tui.data import manifest as manifests
from tfpt_tui.data.dataset_swap import Found
from tfpt_tui.data.encode import Made, Order, begin, make_images
from tfpt_tui.data.manifest import MARKER, SPLITS, Manifest, is_whole
from tfpt_tui.data.picture import REMARK_LINES
from tfpt_tui.data.source import Item, Source
from tfpt_tui.documents import Value
from tfpt_tui.errors import MissingError, TfptError, UsageError, cannot
from tfpt_tui.files import free_bytes, nearest_existing, scratch_directory
from tfpt_tui.wording import first_few

DEFAULT_SIZE = 64
QUALITY = 75  # Pillow's default, which the article used
CHUNK = 64  # images a task: small enough for a smooth progress bar, large enough to hide the queue
HEED_S = 0.1  # seconds until Ctrl-C is heeded, at most
CHUNKS_AHEAD = 8  # a process: all stay busy while the slowest one is waited for
GOES_ON = "; what is made stays, and the same command continues"
FILE_BLOCK = 4096  # bytes that even the smallest file takes on common file systems

Progress = Callable[[int, int], None]


class BadImagesError(UsageError):
    """Files that are no images, when the user did not allow to skip them."""


class Outcome(NamedTuple):
    """``existed``: a complete dataset was found, nothing was made. ``continued``: images that were there.

    ``remarks`` are on the images that were made now.
    """

    manifest: Manifest
    existed: bool
    continued: int
    remarks: tuple[str, ...] = ()

    @property
    def made(self) -> int:
        """The images that were made now."""
        return 0 if self.existed else sum(self.manifest.total(split) for split in SPLITS) - self.continued


@dataclass(frozen=True)
class Target:
    directory: Path
    size: int = DEFAULT_SIZE

    @property
    def image(self) -> dict[str, Value]:
        return {
            "format": "JPEG",
            "mode": "RGB",
            "width": self.size,
            "height": self.size,
            "quality": QUALITY,
            "resample": "bicubic",
        }


def prepare(
    source: Source,
    target: Target,
    *,
    jobs: int,
    force: bool = False,
    skip_bad: bool = False,
    on_begin: Callable[[], None] = lambda: None,
    on_progress: Progress = lambda done, total: None,
) -> Outcome:
    """Make every image of the source in the target directory, in ``jobs`` processes.

    Interrupted work is continued, a complete dataset of the same request is recognised, and images that are gone
    from it are made again. With ``force`` another dataset of ours is replaced: it stays until the new one is
    complete. ``on_begin`` is called when nothing stands in the way any more, before the first image.

    Raises:
        UsageError: the directory holds something else, or (BadImagesError) files are no images.
        MissingError: the directory cannot be written, or its disk is too small or full.
    """
    directory = target.directory
    work = _Work(source, jobs, skip_bad, force, on_begin, on_progress)
    with claimed(directory, "the dataset", "preparing it"), _explained(directory):
        dataset_swap.go_on(directory)
        found = dataset_swap.look(directory)
        place = place_to_make(target, force)
        if place == target:
            return _prepare(work, target, found)
        dataset_swap.check_images(directory)
        place.directory.mkdir(exist_ok=True)
        outcome = _prepare(work, place, dataset_swap.look(place.directory))
        dataset_swap.put_in_place(directory)
        return outcome


@dataclass(frozen=True)
class _Work:
    source: Source
    jobs: int
    skip_bad: bool
    force: bool
    on_begin: Callable[[], None]
    on_progress: Progress


def _prepare(work: _Work, target: Target, found: Found) -> Outcome:
    directory, source = target.directory, work.source
    request = _whole_request(source.request, target)
    if not found.is_of(request) and (work.force or found.has_changed(request)) and not found.foreign:
        dataset_swap.clear(directory)
        found = Found()
    _check_found(directory, found, request)
    if found.manifest and is_whole(directory, found.manifest):
        (directory / MARKER).unlink(missing_ok=True)
        return Outcome(found.manifest, existed=True, continued=0)
    check_room(len(source), target)
    work.on_begin()
    _begin(source, directory, request)
    tally = _count(_make_all(work, target), source)
    _check_bad(tally, work.skip_bad)
    manifest = _describe(source, target, request, tally)
    manifest.write(directory)
    (directory / MARKER).unlink(missing_ok=True)  # another node may do the same where no lock keeps us apart
    remarks = [line.format(tally.remarks[name]) for name, line in REMARK_LINES.items() if name in tally.remarks]
    return Outcome(manifest, existed=False, continued=tally.continued, remarks=tuple(remarks))


def find_prepared(request: Mapping[str, Value], target: Target) -> Outcome | None:
    """The dataset in the target directory if it is complete and of the same request.

    Raises:
        UsageError: the directory holds another dataset.
        MissingError: it cannot be read.
    """
    whole_request = _whole_request(request, target)
    with _explained(target.directory):
        if not (target.directory / manifests.NAME).exists():
            return None
        found = dataset_swap.look(target.directory)
        _check_found(target.directory, found, whole_request)
        if not (found.manifest and is_whole(target.directory, found.manifest)):
            return None
    return Outcome(found.manifest, existed=True, continued=0)


def check_target(request: Mapping[str, Value], target: Target, *, force: bool = False) -> None:
    """Refuse a directory that :func:`prepare` would refuse, before anything is fetched for it.

    Raises:
        UsageError: it holds something else.
        MissingError: it cannot be made or written.
    """
    directory = target.directory
    with _explained(directory):
        existing = nearest_existing(directory)
        writable = os.access(existing, os.W_OK | os.X_OK)
        if not writable or not existing.is_dir():
            refused = errno.EROFS if os.statvfs(existing).f_flag & os.ST_RDONLY else errno.EACCES
            problem = refused if existing.is_dir() else errno.ENOTDIR
            raise cannot("make the dataset", existing, OSError(problem, os.strerror(problem)))
        if directory.is_dir():
            found = dataset_swap.look(directory)
            if found.foreign or not force:
                _check_found(directory, found, _whole_request(request, target))


def check_room(images: int, target: Target, besides: int = 0) -> None:
    """Refuse a disk that has no room for so many images and, ``besides``, for so many bytes of their archive.

    Raises:
        MissingError: it has not.
    """
    directory = target.directory
    with _explained(directory):
        needed = needed_bytes(images - _count_made(directory), target.size) + besides
        free = free_bytes(directory)
        if free is None:  # one like /proc, or a ramfs: only trying tells them apart
            with scratch_directory(nearest_existing(directory), "prepare"):
                pass
    if free is not None and free < needed:
        archive = f" ({besides / 1e6:,.1f} MB for the archive)" if besides else ""
        shown = directory.parent if directory.name == dataset_swap.BESIDE else directory
        raise MissingError(
            f"{shown}: {needed / 1e6:,.1f} MB are needed{archive} and {free / 1e6:,.1f} MB are free;"
            " free some room, choose another directory or take fewer images with --limit"
        )


def place_to_make(target: Target, force: bool) -> Target:
    """Where the images are made: beside a dataset that is to be replaced, which stays until they are complete."""
    if force and (target.directory / manifests.NAME).exists():
        return replace(target, directory=target.directory / dataset_swap.BESIDE)
    return target


def needed_bytes(images: int, size: int) -> int:
    """About what so many images take on the disk."""
    # A JPEG file of quality 75 takes about a fifth of a byte for each pixel and channel of a photograph.
    return images * max(FILE_BLOCK, size * size * 3 // 5)


def same_disk(one: Path, other: Path) -> bool:
    """Whether the two paths, which need not exist yet, share the room of one file system."""
    return nearest_existing(one).stat().st_dev == nearest_existing(other).stat().st_dev


def _count_made(directory: Path) -> int:
    """Images that an interrupted preparation has left."""
    return sum(1 for split in SPLITS for _ in directory.glob(f"{split}/*/*.jpg"))


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    """Turn what the file system or the machine refuses into one line that says what to do."""
    try:
        yield
    except OSError as error:
        problem = cannot("write", error.filename or directory, error)
        begun = any(os.path.exists(place / MARKER) for place in (directory, directory / dataset_swap.BESIDE))
        raise MissingError(f"{problem}{GOES_ON if begun else ''}") from None
    except BrokenProcessPool:
        raise TfptError(
            f"{directory}: a process that made images was killed, perhaps for want of memory{GOES_ON}"
        ) from None


def _whole_request(request: Mapping[str, Value], target: Target) -> dict[str, Value]:
    return {**request, "size": target.size, "quality": QUALITY}


def _check_found(directory: Path, found: Found, request: dict[str, Value]) -> None:
    """Refuse what is neither nothing, nor the beginning or the rest of this very dataset, nor all of it."""
    if found.foreign:
        raise UsageError(f"{directory}: not empty and not made by tfpt-tui prepare; choose another directory")
    if found.manifest and not found.is_of(request):
        raise UsageError(
            f"{directory}: holds another dataset ({dataset_swap.difference(found.manifest.request, request)});"
            " choose another directory or replace it with --force"
        )
    if found.begun == {}:
        raise UsageError(
            f"{directory}: holds an unfinished preparation whose {MARKER} is empty; start over with --force"
        )
    if found.begun and not found.is_of(request) and not found.has_changed(request):
        other = dataset_swap.difference(found.begun, request)
        raise UsageError(
            f"{directory}: holds another, unfinished preparation ({other});"
            " finish it with its own options or start over with --force"
        )


def _begin(source: Source, directory: Path, request: dict[str, Value]) -> None:
    write_toml(directory / MARKER, request)
    (directory / manifests.NAME).unlink(missing_ok=True)  # images are gone that it promises
    for group in source.groups:
        (directory / group.split / str(group.label)).mkdir(parents=True, exist_ok=True)


def _make_all(work: _Work, target: Target) -> Iterator[tuple[Item, Made]]:
    """Every item with what became of it, in order; only a few chunks are held at a time."""
    source, jobs = work.source, work.jobs
    done, total = 0, len(source)
    work.on_progress(done, total)
    items = iter(source)
    tasks: deque[tuple[list[Item], Future[list[Made]]]] = deque()
    order = Order(source.open_image, target.directory, target.size, QUALITY)
    with _held_interrupts() as raise_interrupt, _pool(jobs, order) as pool:
        while True:
            while len(tasks) < jobs * CHUNKS_AHEAD and (chunk := list(islice(items, CHUNK))):
                tasks.append((chunk, pool.submit(make_images, chunk)))
            if not tasks:
                return
            chunk, task = tasks.popleft()
            while not task.done():
                wait([task], timeout=HEED_S)
                raise_interrupt()
            yield from zip(chunk, task.result(), strict=True)
            done += len(chunk)
            work.on_progress(done, total)


@contextmanager
def _held_interrupts() -> Iterator[Callable[[], None]]:
    """Ctrl-C is raised where the function that this gives is called: left at another moment, a pool never ends."""
    interrupts: list[int] = []

    def raise_interrupt() -> None:
        if interrupts:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # no other one is interrupted
        yield raise_interrupt
        return
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        yield raise_interrupt
    finally:
        signal.signal(signal.SIGINT, before)
    raise_interrupt()


@contextmanager
def _pool(jobs: int, order: Order) -> Iterator[ProcessPoolExecutor]:
    # Forked before any thread exists: the children start at once, with Pillow and the pixels of a source.
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    pool = ProcessPoolExecutor(jobs, context, initializer=begin, initargs=(os.getpid(), order, stop))
    try:
        yield pool
    except BaseException:
        stop.set()  # each process ends after the image that it is at
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Tally:
    """What came of all images; ``bad`` are those that are none, ``remarks`` are on those that were made now."""

    counts: Mapping[str, tuple[int, ...]]
    digest: str
    continued: int
    bad: tuple[Made, ...]
    remarks: Mapping[str, int]
    total: int


def _count(made: Iterable[tuple[Item, Made]], source: Source) -> _Tally:
    counts = {split: [0] * len(source.classes) for split in SPLITS}
    content = hashlib.sha256()
    continued = 0
    bad: list[Made] = []
    remarks: Counter[str] = Counter()
    for item, image in made:
        if image.problem:
            bad.append(image)
            continue
        counts[item.split][item.label] += 1
        content.update(f"{item.name} {image.digest}\n".encode())
        continued += image.kept
        remarks.update(image.remarks)
    by_split = {split: tuple(counts[split]) for split in SPLITS}
    return _Tally(by_split, f"sha256:{content.hexdigest()}", continued, tuple(bad), remarks, len(source))


def _check_bad(tally: _Tally, skip_bad: bool) -> None:
    if tally.bad and not skip_bad:
        named = first_few([f"{image.origin} ({image.problem})" for image in tally.bad])
        raise BadImagesError(
            f"{len(tally.bad)} of {tally.total} files are not images: {named};"
            " fix or remove them, or leave them out with --skip-bad"
        )


def _describe(source: Source, target: Target, request: dict[str, Value], tally: _Tally) -> Manifest:
    for label, count in enumerate(tally.counts["train"]):
        if not count:
            raise BadImagesError(f"class {source.classes[label]!r} has no training image that can be read")
    return Manifest(
        classes=source.classes,
        counts=tally.counts,
        image=target.image,
        request=request,
        digest=tally.digest,
        skipped=tuple(image.origin for image in tally.bad),
        left_out=source.left_out,
    )
