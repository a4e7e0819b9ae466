"""Where ``tfpt-tui prepare`` takes its images from: a folder, an archive given or fetched, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tfpt_tui.cli.invocation import Invocation, say
from tfpt_tui.data.archive import checksum_of
from tfpt_tui.data.cifar import ARCHIVES, Cifar, cifar_source, read_cifar, request_of
from tfpt_tui.data.download import download
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.journal import Tell
from tfpt_tui.data.source import Source
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.errors import UsageError
from tfpt_tui.runs.cifar import OWN_READER, read_again


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for; ``archive``, ``url`` and ``reader`` are for CIFAR only."""

    name: str
    limit: int
    classes: int
    seed: int
    archive: str | None = None
    url: str | None = None
    reader: str = OWN_READER

    @property
    def cifar(self) -> Cifar | None:
        return ARCHIVES.get(self.name)

    def check(self) -> None:
        """Raise UsageError for options that this source has not."""
        given = {"--archive": self.archive, "--url": self.url, "--reader": self.reader != OWN_READER}
        for option, value in given.items():
            if value and not self.cifar:
                raise UsageError(
                    f"{option}: {self.name} is made from no archive; it is for {' and '.join(ARCHIVES)}"
                )
        if self.archive and self.url:
            raise UsageError("--archive and --url: give one of them")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise UsageError(f"--url {self.url}: no http:// or https://; a file is given with --archive")


def known_request(wanted: Wanted) -> dict[str, Any] | None:
    """What decides a dataset of CIFAR, before anything is fetched or read; None for other sources."""
    if not wanted.cifar:
        return None
    md5 = checksum_of(Path(wanted.archive)) if wanted.archive else wanted.cifar.md5
    return request_of(wanted.cifar, md5, wanted.reader, limit=wanted.limit, classes=wanted.classes)


def open_source(wanted: Wanted, request: Mapping[str, Any] | None, invocation: Invocation, tell: Tell) -> Source:
    """The images that are wanted, listed; an archive is fetched and read for it."""
    if wanted.cifar and request:
        return _open_cifar(wanted.cifar, wanted, request, invocation, tell)
    tell("reading", 0, 0)
    if wanted.name == "synthetic":
        return make_synthetic(limit=wanted.limit, classes=wanted.classes, seed=wanted.seed)
    return read_folder(Path(wanted.name), limit=wanted.limit, classes=wanted.classes, seed=wanted.seed)


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
        pictures = read_again(wanted.reader, cifar, pictures, files, invocation.settings)
        say(f"{wanted.reader} reads the same pictures")
    return cifar_source(pictures, request)


def _fetch(cifar: Cifar, url: str, archive: Path, tell: Tell) -> None:
    """Download with a progress bar, which is drawn on a terminal only."""
    with click.progressbar(
        length=1, label=f"fetching {cifar.title}", file=sys.stderr, item_show_func=lambda megabytes: megabytes
    ) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total or done
            bar.update(done - bar.pos, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
            tell("fetching", done, total)

        try:
            download(url, cifar.md5, archive, show)
        except KeyboardInterrupt:
            if archive.with_name(f"{archive.name}.part").exists():
                say(f"\n{archive}: the same command goes on where the download stopped")
            raise
