"""What a preparation would make, need and take, before it starts. It reads folders, so it belongs in a worker.

The form is turned into the arguments of ``tfpt-tui prepare`` and checked by that command's own code: the app says
what the command line would say.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from tfpt_tui.cli.invocation import Invocation, what_click_says
from tfpt_tui.cli.prepare import check_apart, prepare
from tfpt_tui.cli.sources import FOLDER, NAMED, Wanted, check_before_fetching, known_request, open_source
from tfpt_tui.config.paths import Paths, absolute
from tfpt_tui.data.cifar import count_images
from tfpt_tui.data.download import kept_bytes
from tfpt_tui.data.prepare import (
    DEFAULT_SIZE,
    Target,
    check_room,
    check_target,
    find_prepared,
    nearest_existing,
    needed_bytes,
)
from tfpt_tui.data.replacing import MARKER
from tfpt_tui.errors import TfptError
from tfpt_tui.runs.lock import holder
from tfpt_tui.runs.preparation import Asked, known_rate, list_preparations

SOURCES = {
    "cifar100": "CIFAR-100",
    "cifar10": "CIFAR-10",
    FOLDER: "a folder of images",
    "synthetic": "synthetic pictures",
}
WITHOUT_FOLDER = "type the folder of your images: train/CLASS/* and test/CLASS/*, or only CLASS/*"


@dataclass(frozen=True)
class Form:
    """What stands in the fields; an empty one leaves the command's default."""

    source: str = "cifar100"
    folder: str = ""
    archive: str = ""
    out: str = ""
    size: str = ""
    limit: str = ""
    classes: str = ""
    skip_bad: bool = False

    def name(self) -> str:
        """A name for the dataset that says what is not the default."""
        stem = Path(absolute(self.folder)).name if self.source == FOLDER and self.folder else self.source
        parts = [stem, f"{self.size}px" if self.size not in ("", str(DEFAULT_SIZE)) else ""]
        parts += [f"{self.limit}each" if self.limit else "", f"{self.classes}classes" if self.classes else ""]
        return "-".join(part for part in parts if part)

    def arguments(self, paths: Paths) -> tuple[str, ...]:
        """The words behind ``tfpt-tui prepare``; paths are absolute, wherever the command is run."""
        source = absolute(self.folder) if self.source == FOLDER else self.source
        out = absolute(self.out) if self.out else str(paths.datasets / self.name())
        words = [source, "--out", out]
        for option, value in (("--size", self.size), ("--limit", self.limit), ("--classes", self.classes)):
            words += [option, value] if value else []
        if self.archive and self.source in ("cifar100", "cifar10"):
            words += ["--archive", absolute(self.archive)]
        if self.skip_bad and self.source == FOLDER:
            words.append("--skip-bad")
        return tuple(words)


@dataclass(frozen=True)
class Prospect:
    """``problem`` is why it cannot start; what could be found out beside it stands here all the same.

    ``seconds`` is None where nothing like it was prepared here; ``training`` is who trains on the machine now.
    """

    asked: Asked
    problem: str = ""
    missing: str = ""
    classes: int = 0
    images: int = 0
    needed: int = 0
    free: int = 0
    to_fetch: int = 0
    seconds: float | None = None
    there: bool = False
    continues: bool = False
    training: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def startable(self) -> bool:
        return not (self.problem or self.missing or self.there)

    @property
    def command(self) -> str:
        return shlex.join(("tfpt-tui", "prepare", *self.asked.arguments))


class _CancelledError(Exception):
    """Nobody waits for the answer any more."""


def foresee(form: Form, paths: Paths, is_cancelled: Callable[[], bool] = lambda: False) -> Prospect:
    """Check the form as the command would, and find out what it amounts to; it gives up when it is cancelled."""
    arguments = form.arguments(paths)
    size = int(form.size) if form.size.isdecimal() else DEFAULT_SIZE  # the command refuses what is no number
    asked = Asked(form.source, Path(arguments[2]), size, arguments)
    if form.source == FOLDER and not form.folder:
        return Prospect(asked, missing=WITHOUT_FOLDER)
    try:
        return _foresee(asked, paths, is_cancelled)
    except _CancelledError:
        return Prospect(asked, problem="cancelled")
    except click.ClickException as error:
        return Prospect(asked, problem=what_click_says(error))
    except TfptError as error:
        return Prospect(asked, problem=str(error))
    except OSError as error:
        return Prospect(asked, problem=f"{error.filename or asked.out}: {(error.strerror or str(error)).lower()}")


def _foresee(asked: Asked, paths: Paths, is_cancelled: Callable[[], bool]) -> Prospect:
    def go_on(phase: str, done: int, total: int) -> None:
        if is_cancelled():
            raise _CancelledError

    options = prepare.make_context("prepare", list(asked.arguments)).params
    wanted = Wanted(
        *(options["source"], options["limit"] or 0, options["classes"] or 0, options["seed"]),
        *(options["archive"], options["url"], options["reader"], options["skip_bad"]),
    )
    wanted.check()
    request = known_request(wanted)
    left_out: tuple[str, ...] = ()
    if wanted.cifar and request:
        classes, images = wanted.classes or wanted.cifar.classes, count_images(wanted.cifar, request)
    else:
        if wanted.name not in NAMED:
            check_apart(wanted.name, asked.out)
        source = open_source(wanted, None, Invocation(paths), go_on)
        request, classes, images = dict(source.request), len(source.classes), len(source)
        left_out = source.left_out
    prospect = Prospect(
        asked,
        classes=classes,
        images=images,
        needed=needed_bytes(images, asked.size),
        free=shutil.disk_usage(nearest_existing(asked.out)).free,
        to_fetch=_to_fetch(wanted, paths),
        seconds=_seconds(asked, images, paths),
        training=holder(),
        left_out=left_out,
    )
    return _checked(prospect, request, wanted, paths)


def _checked(prospect: Prospect, request: Mapping[str, Any], wanted: Wanted, paths: Paths) -> Prospect:
    """The prospect with what stands in the way of it in the directory or on its disk."""
    target = Target(prospect.asked.out, prospect.asked.size)
    try:
        if find_prepared(request, target):
            return replace(prospect, there=True)
        if wanted.cifar:
            check_before_fetching(wanted, request, target, False, Invocation(paths))
        else:
            check_target(request, target)
            check_room(prospect.images, target)
    except TfptError as error:
        return replace(prospect, problem=str(error))
    return replace(prospect, continues=(target.directory / MARKER).exists())


def _to_fetch(wanted: Wanted, paths: Paths) -> int:
    if not wanted.cifar or wanted.archive:
        return 0
    return max(wanted.cifar.size - kept_bytes(paths.downloads / wanted.cifar.archive_name), 0)


def _seconds(asked: Asked, images: int, paths: Paths) -> float | None:
    rate = known_rate(list_preparations(paths), asked.kind, asked.size)
    return images / rate if rate else None
