"""The form of Prepare as a request, and what that amounts to. It reads folders, so it belongs in a worker."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.paths import Paths, absolute
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.data.prepare import DEFAULT_SIZE
from tfpt_tui.errors import TfptError
from tfpt_tui.runs.tasks.preparation import RecordedRequest
from tfpt_tui.runs.tasks.prepare_request import FOLDER, PrepareRequest, Preview, preview

SOURCES = {
    "cifar100": "CIFAR-100",
    "cifar10": "CIFAR-10",
    FOLDER: "a folder of images",
    "synthetic": "synthetic pictures",
}
WITHOUT_FOLDER = "type the path of your images: train/CLASS/* and test/CLASS/*, or only CLASS/*"


@dataclass(frozen=True)
class Form:
    """What stands in the fields; an empty one leaves the request's default."""

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

    def request(self, paths: Paths) -> PrepareRequest:
        """The request; paths are absolute. The fields of numbers take digits alone."""
        return PrepareRequest(
            source=absolute(self.folder) if self.source == FOLDER and self.folder else self.source,
            out=absolute(self.out) if self.out else str(paths.datasets / self.name()),
            archive=absolute(self.archive) if self.archive and self.source.startswith("cifar") else None,
            size=int(self.size or DEFAULT_SIZE),
            limit=int(self.limit) if self.limit else None,
            classes=int(self.classes) if self.classes else None,
            skip_bad=self.skip_bad and self.source == FOLDER,
        )


NOTHING_KNOWN = Preview()


@dataclass(frozen=True)
class PreparePreview:
    """A preview of what stands in the form; ``missing`` says which field is to be filled in first."""

    request: RecordedRequest
    preview: Preview = NOTHING_KNOWN
    missing: str = ""

    @property
    def startable(self) -> bool:
        return not (self.preview.problem or self.missing or self.preview.there)

    @property
    def command(self) -> str:
        return shlex.join(("tfpt-tui", "prepare", *self.request.arguments))


class _CancelledError(Exception):
    """Nobody waits for the answer any more."""


def read_preview(
    form: Form, settings: UserSettings, paths: Paths, is_cancelled: Callable[[], bool] = lambda: False
) -> PreparePreview:
    """Check the form as the command would, and find out what it amounts to; it gives up when it is cancelled."""

    def go_on(phase: str, done: int, total: int) -> None:
        if is_cancelled():
            raise _CancelledError

    request = form.request(paths)
    if form.source == FOLDER and not form.folder:
        return PreparePreview(request.recorded, missing=WITHOUT_FOLDER)
    try:
        return PreparePreview(request.recorded, preview(request, settings, paths, go_on))
    except _CancelledError:
        problem = "cancelled"
    except TfptError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.filename or request.out}: {(error.strerror or str(error)).lower()}"
    return PreparePreview(request.recorded, Preview(problem=problem))
