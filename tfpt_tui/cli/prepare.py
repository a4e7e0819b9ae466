"""``tfpt-tui prepare``: make a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfpt_tui.cli.completion import complete_source
from tfpt_tui.cli.invocation import Invocation, ended_as_by_ctrl_c, pass_invocation, progress_bar, say, show
from tfpt_tui.data.prepare import Outcome
from tfpt_tui.data.progress_log import following
from tfpt_tui.errors import MissingError, printable
from tfpt_tui.runs.tasks.preparation import sign_on
from tfpt_tui.runs.tasks.prepare_request import OPTIONS, PrepareRequest, execute
from tfpt_tui.wording import first_few

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def _option(name: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option of the request; its values are checked there, as those of the app's form are."""
    setting = OPTIONS[name]
    kind: Any = click.Choice(setting.choices) if setting.choices else setting.type
    return click.option(f"--{name}", type=kind, help=f"{setting.help[0].upper()}{setting.help[1:]}.", **more)


@click.command()
@click.argument("source", shell_complete=complete_source)
@click.option("--out", required=True, metavar="DIR", help="Directory to make; interrupted work is continued.")
@_option("size", default=OPTIONS["size"].default, show_default=True)
@_option("limit")
@_option("classes")
@_option("seed")
@click.option("--archive", metavar="FILE", help="CIFAR's archive, where there is no network.")
@click.option("--url", help="Fetch CIFAR's archive from here, a mirror; its checksum is the same.")
@_option("reader", default=OPTIONS["reader"].default, show_default=True)
@_option("jobs")
@click.option("--skip-bad", is_flag=True, help="Skip files that are not images.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace a dataset made by tfpt-tui; it stays until the new one is complete, so both need room.",
)
@click.option("--progress", metavar="FILE", hidden=True, help="For the app: write the progress to this file.")
@pass_invocation
def prepare(invocation: Invocation, /, progress: str | None, **options: Any) -> None:
    """Make a dataset from SOURCE: cifar100, cifar10, synthetic, or a folder of images by class.

    CIFAR is fetched from its authors' page (169 and 170 MB) and kept for the next time; an interrupted download
    resumes where it stopped. A folder has train/CLASS/* and test/CLASS/*, or only CLASS/*, which is split 5:1; it
    is known again by the names of its files.

    \b
    Examples:
      tfpt-tui prepare cifar100 --out ~/datasets/cifar100
      tfpt-tui prepare ~/photos --out ~/datasets/photos --limit 500
    """
    request = PrepareRequest(**options)
    with (
        ended_as_by_ctrl_c(),
        following(Path(progress) if progress else None) as journal,
        shown_progress(request) as bar,
    ):

        def tell(phase: str, done: int, total: int) -> None:
            bar.tell(phase, done, total)
            journal.tell(phase, done, total)

        outcome = execute(
            request,
            invocation.settings,
            invocation.paths,
            note=lambda line: say(f"note: {line}"),
            tell=tell,
            on_begin=lambda: None if progress else journal.write_to(_sign_on(request, invocation)),
        )
        journal.end(0, describe(outcome, request.target.directory), outcome.made)
    show(describe(outcome, request.target.directory))


def _sign_on(request: PrepareRequest, invocation: Invocation) -> Path | None:
    """Record the preparation for the app to list; where that cannot be written, the images are made without it."""
    with suppress(MissingError, OSError):
        return sign_on(request.recorded, invocation.paths)
    return None


@dataclass
class ProgressBars:
    """A bar for each phase that has a length, one after the other."""

    title: str
    phase: str = ""
    done: int = 0
    total: int = 0
    _bar: Any = None
    _context: AbstractContextManager[Any] | None = field(default=None, repr=False)

    def tell(self, phase: str, done: int, total: int) -> None:
        """Show how far it is: bytes while fetching, else images."""
        if phase != self.phase:
            self.close()
            self.phase = phase
            if total:
                self._context = self._begin(total)
                self._bar = self._context.__enter__()
        if self._bar is not None:
            megabytes = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if phase == "fetching" else None
            self._bar.update(done - self._bar.pos, megabytes)
        self.done, self.total = done, total

    def close(self) -> None:
        """End the bar that is shown."""
        if self._context is not None:
            self._context.__exit__(None, None, None)
        self._bar = self._context = None

    def _begin(self, total: int) -> AbstractContextManager[Any]:
        if self.phase == "fetching":
            return progress_bar(total, f"fetching {self.title}", lambda megabytes: megabytes)
        return progress_bar(total, "preparing")


@contextmanager
def shown_progress(request: PrepareRequest) -> Iterator[ProgressBars]:
    """Bars, which are drawn on a terminal only; after Ctrl-C a line that says how it goes on."""
    bars = ProgressBars(request.cifar.title if request.cifar else request.source)
    try:
        yield bars
    except KeyboardInterrupt:
        bars.close()
        if bars.phase == "writing":
            say(f"{request.out}: {bars.done} of {bars.total} images are made; the same command continues")
        elif bars.phase == "fetching":
            say(f"{request.out}: the same command resumes the download")
        raise
    finally:
        bars.close()


def describe(outcome: Outcome, directory: Path) -> str:
    """What is in the directory now, a line each."""
    manifest = outcome.manifest
    how = "already prepared" if outcome.existed else "prepared"
    lines = [
        f"{directory}: {how}: {len(manifest.classes)} classes,"
        f" {manifest.total('train')} training and {manifest.total('test')} test images"
        f" of {manifest.image['width']}x{manifest.image['height']}"
    ]
    if outcome.continued:
        lines.append(f"{outcome.continued} images were there already")
    if manifest.skipped:
        lines.append(f"skipped, not images ({len(manifest.skipped):,}): {first_few(manifest.skipped)}")
    lines += outcome.remarks
    untested = [name for name, count in zip(manifest.classes, manifest.counts["test"], strict=True) if not count]
    if untested:
        lines.append(f"without a test image: {first_few(untested)}")
    return "".join(f"{printable(line)}\n" for line in lines)
