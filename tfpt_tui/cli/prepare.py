"""``tfpt-tui prepare``: make a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
from click.core import ParameterSource

from tfpt_tui.cli.invocation import Invocation, ended_as_by_ctrl_c, pass_invocation, progress_bar, say, show
from tfpt_tui.cli.sources import FOLDER, NAMED, Wanted, check_before_fetching, known_request, open_source
from tfpt_tui.data.journal import Tell, told
from tfpt_tui.data.prepare import DEFAULT_SIZE, Outcome, Target, check_target, find_prepared
from tfpt_tui.data.prepare import prepare as prepare_dataset
from tfpt_tui.data.source import DEFAULT_SEED, Source
from tfpt_tui.errors import MissingError, UsageError, printable
from tfpt_tui.runs.cifar import OWN_READER, READERS
from tfpt_tui.runs.preparation import Asked, sign_on
from tfpt_tui.wording import first_few


@click.command()
@click.argument("source")
@click.option("--out", required=True, metavar="DIR", help="Directory to make; interrupted work is continued.")
@click.option(
    "--size", default=DEFAULT_SIZE, type=click.IntRange(8, 4096), help="Side in pixels.", show_default=True
)
@click.option("--limit", type=click.IntRange(1), help="At most so many images a class and split.")
@click.option("--classes", type=click.IntRange(2), help="Only the first so many classes.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help=f"Of split and drawing.  [default: {DEFAULT_SEED}]"
)
@click.option("--archive", metavar="FILE", help="CIFAR's archive, where there is no network.")
@click.option("--url", help="Fetch CIFAR's archive from here, a mirror; its checksum is the same.")
@click.option(
    "--reader",
    default=OWN_READER,
    type=click.Choice(READERS),
    help="Who reads CIFAR's archive: we, or a framework's own loader.",
    show_default=True,
)
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes; by default one a core.")
@click.option("--skip-bad", is_flag=True, help="Leave out files that are no images.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace a dataset of ours, which stays until the new one is complete: both need room.",
)
@click.option("--progress", metavar="FILE", hidden=True, help="For the app: tell here how far it is.")
@pass_invocation
def prepare(
    invocation: Invocation,
    source: str,
    out: str,
    size: int,
    limit: int | None,
    classes: int | None,
    seed: int | None,
    archive: str | None,
    url: str | None,
    reader: str,
    jobs: int | None,
    skip_bad: bool,
    force: bool,
    progress: str | None,
) -> None:
    """Make a dataset from SOURCE: cifar100, cifar10, synthetic, or a folder of images by class.

    CIFAR is fetched from its authors' page (169 and 170 MB) and kept for the next time; an interrupted download
    goes on where it stopped. A folder has train/CLASS/* and test/CLASS/*, or only CLASS/*, which is split 5:1; it
    is known again by the names of its files.
    """
    wanted = Wanted(source, limit or 0, classes or 0, seed, archive, url, reader, skip_bad)
    with ended_as_by_ctrl_c(), told(Path(progress) if progress else None) as journal:
        wanted.check()
        if not out:
            raise UsageError("--out: is empty; give it a value")
        target = Target(Path(out), size)
        request = known_request(wanted)
        outcome = find_prepared(request, target) if request and not force else None
        if not outcome:
            if request:
                check_before_fetching(wanted, request, target, force, invocation)
            if source not in NAMED:
                check_apart(source, target.directory)
            images = open_source(wanted, request, invocation, journal.tell)
            for line in images.left_out:
                say(f"note: {source}: not used: {line}")
            check_target(images.request, target, force=force)
            outcome = prepare_with_bar(
                images,
                target,
                jobs=jobs,
                skip_bad=skip_bad,
                force=force,
                on_begin=lambda: None if progress else journal.write_to(_sign_on(target, invocation)),
                tell=journal.tell,
            )
        journal.end(0, describe(outcome, target.directory), outcome.made)
    show(describe(outcome, target.directory))


def _sign_on(target: Target, invocation: Invocation) -> Path | None:
    """Let the app know of these images. They are made all the same where that cannot be written down."""
    context = click.get_current_context()
    source = context.params["source"]
    kind = source if source in NAMED else FOLDER
    with suppress(MissingError, OSError):
        asked = Asked(kind, target.directory.absolute(), target.size, typed_words(context))
        return sign_on(asked, invocation.paths)
    return None


def typed_words(context: click.Context) -> tuple[str, ...]:
    """What was typed behind ``tfpt-tui prepare``, with paths that hold wherever it is said again."""
    words: list[str] = []
    for parameter in context.command.params:
        name = str(parameter.name)
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not typed or name == "url":  # which may hold a password, and the archive is here by now
            continue
        value = str(context.params[name])
        if name in ("out", "archive") or (name == "source" and value not in NAMED):
            value = os.path.abspath(value)  # the shell has expanded what is to be
        option = [] if isinstance(parameter, click.Argument) else [parameter.opts[0]]
        words += option if getattr(parameter, "is_flag", False) else [*option, value]
    return tuple(words)


def prepare_with_bar(
    source: Source,
    target: Target,
    *,
    jobs: int | None = None,
    skip_bad: bool = False,
    force: bool = False,
    on_begin: Callable[[], None] = lambda: None,
    tell: Tell = lambda phase, done, total: None,
) -> Outcome:
    """Prepare with a progress bar, which is drawn on a terminal only."""
    with progress_bar(len(source), "preparing") as bar:

        def show_progress(done: int, total: int) -> None:
            bar.update(done - bar.pos)
            tell("writing", done, total)

        try:
            return prepare_dataset(
                source,
                target,
                jobs=jobs or len(os.sched_getaffinity(0)),
                skip_bad=skip_bad,
                force=force,
                on_begin=on_begin,
                on_progress=show_progress,
            )
        except KeyboardInterrupt:
            say(f"\n{target.directory}: {bar.pos} of {bar.length} images are made; the same command continues")
            raise


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
        lines.append(f"left out, as no images ({len(manifest.skipped):,}): {first_few(manifest.skipped)}")
    untested = [name for name, count in zip(manifest.classes, manifest.counts["test"], strict=True) if not count]
    if untested:
        lines.append(f"without a test image: {first_few(untested)}")
    return "".join(f"{printable(line)}\n" for line in lines)


def check_apart(source: str, out: Path) -> None:
    """Raise UsageError for a dataset within the folder that it is made from, or around it."""
    origin, target = Path(os.path.realpath(source)), Path(os.path.realpath(out))
    if os.path.isdir(origin) and (origin == target or origin in target.parents or target in origin.parents):
        raise UsageError(f"{out}: the dataset must lie outside the folder that it is made from")
