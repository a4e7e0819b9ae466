"""A request for a dataset: validated, previewed and executed here, for the command line and the app alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import Setting, nearest
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.cores import processes_at_once
from tfpt_tui.data.archive import checksum_of
from tfpt_tui.data.cifar import ARCHIVES, Cifar, cifar_source, count_images, read_cifar, request_of
from tfpt_tui.data.download import check_url, download, kept_bytes
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.manifest import MARKER
from tfpt_tui.data.prepare import (
    DEFAULT_SIZE,
    Outcome,
    Target,
    check_room,
    check_target,
    find_prepared,
    needed_bytes,
    place_to_make,
    prepare,
    same_disk,
)
from tfpt_tui.data.progress_log import Tell, tell_nobody
from tfpt_tui.data.source import DEFAULT_SEED, Source
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.documents import Value
from tfpt_tui.errors import MissingError, TfptError, UsageError
from tfpt_tui.files import free_bytes
from tfpt_tui.runs.record.dataset_usage import run_that_needs
from tfpt_tui.runs.record.lock import holder
from tfpt_tui.runs.tasks.cifar_reader import OWN_READER, READERS, check_reader, read_again
from tfpt_tui.runs.tasks.preparation import RecordedRequest, known_rate, list_preparations

FOLDER = "folder"
NAMED = (*ARCHIVES, "synthetic")  # every other source is a folder

# The options of a request that are numbers or one of several words: for the command line and for the form.
OPTIONS = {
    setting.key: setting
    for setting in (
        Setting("size", int, DEFAULT_SIZE, "side in pixels", "pixels", 8, 4096),
        Setting("limit", int, 0, "at most this many images per class and split; all by default", minimum=1),
        Setting("classes", int, 0, "use only the first N classes; all by default", minimum=2),
        Setting("seed", int, DEFAULT_SEED, "random seed for splitting and sampling", "", 0, 2**32 - 1),
        Setting("reader", str, OWN_READER, "CIFAR reader: built in, or a framework's loader", choices=READERS),
        Setting("jobs", int, 0, "processes; one per core by default", minimum=1, maximum=1024),
    )
}


@dataclass(frozen=True)
class PrepareRequest:
    """``source`` is one of ``NAMED`` or a folder; what is None is as usual.

    ``archive``, ``url`` and ``reader`` are for CIFAR alone, which in turn has nothing to draw or to leave out.
    """

    source: str
    out: str
    size: int = DEFAULT_SIZE
    limit: int | None = None
    classes: int | None = None
    seed: int | None = None
    archive: str | None = None
    url: str | None = None
    reader: str = OWN_READER
    jobs: int | None = None
    skip_bad: bool = False
    force: bool = False

    @property
    def cifar(self) -> Cifar | None:
        return ARCHIVES.get(self.source)

    @property
    def kind(self) -> str:
        """The source's name; that of no folder, which may be any."""
        return self.source if self.source in NAMED else FOLDER

    @property
    def target(self) -> Target:
        return Target(Path(self.out), self.size)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind ``tfpt-tui prepare``, with paths that hold wherever they are said again.

        An address is left out: it may hold a password, and the archive is kept once it was fetched.
        """
        words = [self.source if self.source in NAMED else _whole(self.source)]
        words += ["--out", _whole(self.out)]
        usual = PrepareRequest(self.source, self.out)
        for name in OPTIONS:
            if (value := getattr(self, name)) != getattr(usual, name):
                words += [f"--{name}", str(value)]
        words += ["--archive", _whole(self.archive)] if self.archive else []
        words += ["--skip-bad"] * self.skip_bad + ["--force"] * self.force
        return tuple(words)

    @property
    def recorded(self) -> RecordedRequest:
        """The request as its record has it."""
        return RecordedRequest(self.kind, Path(_whole(self.out)), self.size, self.arguments)

    def validate(self) -> None:
        """Raise UsageError for what is empty or out of range, and for options that this source has not."""
        texts = {"SOURCE": self.source, "--out": self.out, "--archive": self.archive, "--url": self.url}
        for name, text in texts.items():
            if text == "":
                raise UsageError(f"{name}: is empty; give it a value")
        for name, setting in OPTIONS.items():
            if (value := getattr(self, name)) is not None:
                try:
                    setting.check(value)
                except ValueError as error:
                    raise UsageError(f"--{name}: {error}") from None
        of_archives = {"--archive": self.archive, "--url": self.url, "--reader": self.reader != OWN_READER}
        if not self.cifar and (given := [option for option, value in of_archives.items() if value]):
            hint = nearest(self.source.lower(), list(ARCHIVES))
            raise UsageError(
                f"{given[0]}: {self.source} uses no archive; that option is for {' and '.join(ARCHIVES)}{hint}"
            )
        if self.cifar and self.seed is not None:
            raise UsageError(
                f"--seed: nothing is drawn for {self.source}, which has its own test images; leave it out"
            )
        if self.source in NAMED and self.skip_bad:
            raise UsageError(f"--skip-bad: {self.source} has no files to leave out; it is for a folder of images")
        if self.archive and self.url:
            raise UsageError("--archive and --url: give one of them")
        if self.url:
            check_url(self.url)


@dataclass(frozen=True)
class Preview:
    """What a request would make, need and take.

    ``problem`` is why it cannot start, "" where it can; the other figures are known either way. ``needed``,
    ``free`` and ``to_fetch`` are bytes. ``seconds`` is None where nothing like it was prepared here; ``training``
    is who trains on the machine now; ``there``: the dataset exists; ``continues``: a part of it does.
    """

    classes: int = 0
    images: int = 0
    needed: int = 0
    free: int | None = None
    to_fetch: int = 0
    seconds: float | None = None
    there: bool = False
    continues: bool = False
    training: str = ""
    left_out: tuple[str, ...] = ()
    problem: str = ""


def _whole(path: str) -> str:
    """The path from everywhere, a ``~`` as it is; where the working directory is gone, as it was given."""
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        return path


def execute(
    request: PrepareRequest,
    settings: UserSettings,
    paths: Paths,
    *,
    note: Callable[[str], None],
    tell: Tell = tell_nobody,
    on_begin: Callable[[], None] = lambda: None,
) -> Outcome:
    """Make the dataset, or find that it is there.

    ``note`` is given what the user should know, ``tell`` how far it is; ``on_begin`` is called when images begin
    to be made.

    Raises:
        UsageError: the request contradicts itself, or its target holds something else.
        MissingError: a source, a framework, the network or room on a disk is missing.
    """
    request.validate()
    if request.force and (use := run_that_needs(request.target.directory, paths)):
        raise UsageError(f"--force: {request.target.directory}: {use}")
    identity = _known_identity(request)
    if identity and not request.force and (outcome := find_prepared(identity, request.target)):
        return outcome
    if identity:
        _check_before_fetching(request, identity, settings, paths)
    source = _open_source(request, identity, settings, paths, note, tell)
    for line in source.left_out:
        note(f"{request.source}: not used: {line}")
    for line in source.notes:
        note(f"{request.source}: {line}")
    check_target(source.request, request.target, force=request.force)
    return prepare(
        source,
        request.target,
        jobs=request.jobs or processes_at_once(),
        skip_bad=request.skip_bad,
        force=request.force,
        on_begin=on_begin,
        on_progress=lambda done, total: tell("writing", done, total),
    )


def preview(request: PrepareRequest, settings: UserSettings, paths: Paths, tell: Tell = tell_nobody) -> Preview:
    """Check the request as :func:`execute` would, and find out what it amounts to. It reads folders.

    Raises:
        UsageError, MissingError: nothing can be found out; the reason is that of :func:`execute`.
        OSError: a folder cannot be read.
    """
    request.validate()
    identity: Mapping[str, Value] | None = _known_identity(request)
    left_out: tuple[str, ...] = ()
    if request.cifar and identity:
        classes, images = request.classes or request.cifar.classes, count_images(request.cifar, identity)
    else:
        source = _open_source(request, None, settings, paths, lambda line: None, tell)
        identity, classes, images = source.request, len(source.classes), len(source)
        left_out = source.left_out
    rate = known_rate(list_preparations(paths), request.kind, request.size)
    found = Preview(
        classes=classes,
        images=images,
        needed=needed_bytes(images, request.size),
        free=free_bytes(request.target.directory),
        to_fetch=_bytes_to_fetch(request, paths),
        seconds=images / rate if rate else None,
        training=holder(),
        left_out=left_out,
    )
    try:
        if find_prepared(identity, request.target):
            return replace(found, there=True)
        if request.cifar:
            _check_before_fetching(request, identity, settings, paths)
        else:
            check_target(identity, request.target)
            check_room(images, request.target)
    except TfptError as error:
        return replace(found, problem=str(error))
    return replace(found, continues=(request.target.directory / MARKER).exists())


def _known_identity(request: PrepareRequest) -> dict[str, Value] | None:
    """What decides a dataset of CIFAR, before anything is fetched or read; None for other sources."""
    if not request.cifar:
        return None
    md5 = checksum_of(Path(request.archive)) if request.archive else request.cifar.md5
    limit, classes = request.limit or 0, request.classes or 0
    return request_of(request.cifar, md5, request.reader, limit=limit, classes=classes)


def _check_before_fetching(
    request: PrepareRequest, identity: Mapping[str, Value], settings: UserSettings, paths: Paths
) -> None:
    """Refuse now what would be refused when the archive is there."""
    check_target(identity, request.target, force=request.force)
    check_reader(request.reader, settings)
    if request.cifar and not request.archive:
        shared = same_disk(paths.downloads, request.target.directory)
        missing = _bytes_to_fetch(request, paths)
        images = count_images(request.cifar, identity)
        check_room(images, place_to_make(request.target, request.force), missing if shared else 0)


def _bytes_to_fetch(request: PrepareRequest, paths: Paths) -> int:
    if not request.cifar or request.archive:
        return 0
    return max(request.cifar.size - kept_bytes(paths.downloads / request.cifar.archive_name), 0)


def _open_source(
    request: PrepareRequest,
    identity: Mapping[str, Value] | None,
    settings: UserSettings,
    paths: Paths,
    note: Callable[[str], None],
    tell: Tell,
) -> Source:
    """The images of the source, listed; an archive is fetched and read for it."""
    if request.cifar and identity:
        return _open_cifar(request.cifar, request, identity, settings, paths, note, tell)
    tell("reading", 0, 0)
    limit, classes = request.limit or 0, request.classes or 0
    if request.source == "synthetic":
        seed = DEFAULT_SEED if request.seed is None else request.seed
        return make_synthetic(limit=limit, classes=classes, seed=seed)
    _check_apart(request)
    if hint := "" if os.path.isdir(request.source) else _meant(request.source):
        raise MissingError(f"{request.source}: no such directory of images{hint}")
    return read_folder(Path(request.source), limit=limit, classes=classes, seed=request.seed, tell=tell)


def _check_apart(request: PrepareRequest) -> None:
    """Raise UsageError for a dataset within the folder that it is made from, or around it."""
    origin, target = Path(os.path.realpath(request.source)), Path(os.path.realpath(request.out))
    if os.path.isdir(origin) and (origin == target or origin in target.parents or target in origin.parents):
        raise UsageError(f"{request.out}: the dataset must lie outside the folder that it is made from")


def _meant(name: str) -> str:
    """What somebody may have meant by a name that is no directory."""
    if os.path.isfile(name):
        return "; it is a file: CIFAR's archive is given as in cifar100 --archive FILE"
    if name.lower() == FOLDER:
        return "; give the path of a folder that has train/CLASS/* and test/CLASS/*, or only CLASS/*"
    return nearest(name.lower(), list(NAMED))


def _open_cifar(
    cifar: Cifar,
    request: PrepareRequest,
    identity: Mapping[str, Value],
    settings: UserSettings,
    paths: Paths,
    note: Callable[[str], None],
    tell: Tell,
) -> Source:
    if request.archive:
        archive = Path(request.archive)
        if identity["archive_md5"] != cifar.md5:
            note(f"{archive} is not the archive that its authors published (MD5 {identity['archive_md5']})")
    else:
        archive = paths.downloads / cifar.archive_name
        download(
            request.url or cifar.url,
            cifar.md5,
            cifar.size,
            archive,
            lambda done, total: tell("fetching", done, total),
        )
    tell("reading", 0, 0)
    pictures, files = read_cifar(cifar, archive)
    if request.reader != OWN_READER:
        pictures = read_again(request.reader, archive, cifar, pictures, files, settings)
        note(f"{request.reader} reads the same pictures")
    return cifar_source(pictures, identity)
