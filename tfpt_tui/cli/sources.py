"""Where ``tfpt-tui prepare`` takes its images from: a folder, an archive given or fetched, or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfpt_tui.cli.invocation import Invocation, progress_bar, say
from tfpt_tui.config.schema import nearest
from tfpt_tui.data.archive import checksum_of
from tfpt_tui.data.cifar import ARCHIVES, Cifar, cifar_source, count_images, read_cifar, request_of
from tfpt_tui.data.download import check_url, download, kept_bytes
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.journal import Tell
from tfpt_tui.data.prepare import Target, check_room, check_target, place_to_make, same_disk
from tfpt_tui.data.source import DEFAULT_SEED, Source
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.runs.cifar import OWN_READER, check_reader, read_again

FOLDER = "folder"
NAMED = (*ARCHIVES, "synthetic")  # every other source is a folder


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for.

    ``archive``, ``url`` and ``reader`` are for CIFAR only, which in turn has nothing to draw or to leave out.
    """

    name: str
    limit: int
    classes: int
    seed: int | None
    archive: str | None = None
    url: str | None = None
    reader: str = OWN_READER
    skip_bad: bool = False

    @property
    def cifar(self) -> Cifar | None:
        return ARCHIVES.get(self.name)

    def check(self) -> None:
        """Raise UsageError for what is empty, and for options that this source has not."""
        for name, value in {"SOURCE": self.name, "--archive": self.archive, "--url": self.url}.items():
            if value == "":
                raise UsageError(f"{name}: is empty; give it a value")
        of_archives = {"--archive": self.archive, "--url": self.url, "--reader": self.reader != OWN_READER}
        if not self.cifar and (given := [option for option, value in of_archives.items() if value]):
            hint = nearest(self.name.lower(), list(ARCHIVES))
            raise UsageError(
                f"{given[0]}: {self.name} is made from no archive; it is for {' and '.join(ARCHIVES)}{hint}"
            )
        if self.cifar and self.seed is not None:
            raise UsageError(
                f"--seed: nothing is drawn for {self.name}, which has its own test images; leave it out"
            )
        if self.name in NAMED and self.skip_bad:
            raise UsageError(f"--skip-bad: {self.name} has no files to leave out; it is for a folder of images")
        if self.archive and self.url:
            raise UsageError("--archive and --url: give one of them")
        if self.url:
            check_url(self.url)


def known_request(wanted: Wanted) -> dict[str, Any] | None:
    """What decides a dataset of CIFAR, before anything is fetched or read; None for other sources."""
    if not wanted.cifar:
        return None
    md5 = checksum_of(Path(wanted.archive)) if wanted.archive else wanted.cifar.md5
    return request_of(wanted.cifar, md5, wanted.reader, limit=wanted.limit, classes=wanted.classes)


def check_before_fetching(
    wanted: Wanted, request: Mapping[str, Any], target: Target, force: bool, invocation: Invocation
) -> None:
    """Refuse now what would be refused when the archive is there.

    Raises:
        UsageError: the target holds something else.
        MissingError: it cannot be made, the reader's framework is missing, or a disk has no room.
    """
    check_target(request, target, force=force)
    check_reader(wanted.reader, invocation.settings)
    if wanted.cifar and not wanted.archive:
        downloads = invocation.paths.downloads
        shared = same_disk(downloads, target.directory)
        missing = max(wanted.cifar.size - kept_bytes(downloads / wanted.cifar.archive_name), 0)
        check_room(count_images(wanted.cifar, request), place_to_make(target, force), missing if shared else 0)


def open_source(wanted: Wanted, request: Mapping[str, Any] | None, invocation: Invocation, tell: Tell) -> Source:
    """The images that are wanted, listed; an archive is fetched and read for it."""
    if wanted.cifar and request:
        return _open_cifar(wanted.cifar, wanted, request, invocation, tell)
    tell("reading", 0, 0)
    if wanted.name == "synthetic":
        seed = DEFAULT_SEED if wanted.seed is None else wanted.seed
        return make_synthetic(limit=wanted.limit, classes=wanted.classes, seed=seed)
    if hint := "" if os.path.isdir(wanted.name) else _meant(wanted.name):
        raise MissingError(f"{wanted.name}: no such directory of images{hint}")
    return read_folder(Path(wanted.name), limit=wanted.limit, classes=wanted.classes, seed=wanted.seed, tell=tell)


def _meant(name: str) -> str:
    """What somebody may have meant by a name that is no directory."""
    if os.path.isfile(name):
        return "; it is a file: CIFAR's archive is given as in cifar100 --archive FILE"
    if name.lower() == FOLDER:
        return "; give the path of a folder that has train/CLASS/* and test/CLASS/*, or only CLASS/*"
    return nearest(name.lower(), list(NAMED))


def _open_cifar(
    cifar: Cifar, wanted: Wanted, request: Mapping[str, Any], invocation: Invocation, tell: Tell
) -> Source:
    if wanted.archive:
        archive = Path(wanted.archive)
        if request["archive_md5"] != cifar.md5:
            say(f"note: {archive} is not the archive that its authors published (MD5 {request['archive_md5']})")
    else:
        archive = invocation.paths.downloads / cifar.archive_name
        _fetch(cifar, wanted.url or cifar.url, archive, tell)
    tell("reading", 0, 0)
    pictures, files = read_cifar(cifar, archive)
    if wanted.reader != OWN_READER:
        pictures = read_again(wanted.reader, archive, cifar, pictures, files, invocation.settings)
        say(f"{wanted.reader} reads the same pictures")
    return cifar_source(pictures, request)


def _fetch(cifar: Cifar, url: str, archive: Path, tell: Tell) -> None:
    """Download with a progress bar, which is drawn on a terminal only."""
    with progress_bar(cifar.size, f"fetching {cifar.title}", lambda megabytes: megabytes) as bar:

        def show(done: int, total: int) -> None:
            bar.update(done - bar.pos, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
            tell("fetching", done, total)

        try:
            download(url, cifar.md5, cifar.size, archive, show)
        except KeyboardInterrupt:
            if archive.with_name(f"{archive.name}.part").exists():
                say(f"\n{archive}: the same command goes on where the download stopped")
            raise
