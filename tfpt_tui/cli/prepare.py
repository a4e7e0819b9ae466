"""``tfpt-tui prepare``: make a dataset."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tfpt_tui.cli.invocation import say, show
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.prepare import DEFAULT_SIZE, Outcome, Target
from tfpt_tui.data.prepare import prepare as prepare_dataset
from tfpt_tui.data.source import DEFAULT_SEED, Source
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.errors import UsageError

ARCHIVES = ("cifar100", "cifar10")


@click.command()
@click.argument("source")
@click.option("--out", required=True, metavar="DIR", help="Directory to make; interrupted work is continued.")
@click.option(
    "--size", default=DEFAULT_SIZE, type=click.IntRange(8, 4096), help="Side in pixels.", show_default=True
)
@click.option("--limit", type=click.IntRange(1), help="At most so many images a class and split.")
@click.option("--classes", type=click.IntRange(2), help="Only the first so many classes.")
@click.option(
    "--seed", default=DEFAULT_SEED, type=click.IntRange(0), help="Of split and drawing.", show_default=True
)
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes; by default one a core.")
@click.option("--skip-bad", is_flag=True, help="Leave out files that are no images.")
@click.option("--force", is_flag=True, help="Replace a dataset of ours that was made differently.")
def prepare(
    source: str,
    out: str,
    size: int,
    limit: int | None,
    classes: int | None,
    seed: int,
    jobs: int | None,
    skip_bad: bool,
    force: bool,
) -> None:
    """Make a dataset from SOURCE: synthetic, or a folder of images by class.

    A folder has train/CLASS/* and test/CLASS/*, or only CLASS/*, which is split 5:1.
    """
    images = open_source(source, limit=limit or 0, classes=classes or 0, seed=seed)
    target = Target(Path(out), size)
    _check_apart(source, target.directory)
    outcome = prepare_with_bar(images, target, jobs=jobs, skip_bad=skip_bad, force=force)
    show(describe(outcome, target.directory))


def open_source(name: str, *, limit: int, classes: int, seed: int) -> Source:
    """The source of that name, or the folder at that path."""
    if name == "synthetic":
        return make_synthetic(limit=limit, classes=classes, seed=seed)
    if name in ARCHIVES and not Path(name).is_dir():
        raise UsageError(f"{name}: this version does not read its archive; give a folder of images, or synthetic")
    return read_folder(Path(name), limit=limit, classes=classes, seed=seed)


def prepare_with_bar(
    source: Source, target: Target, *, jobs: int | None = None, skip_bad: bool = False, force: bool = False
) -> Outcome:
    """Prepare with a progress bar, which is drawn on a terminal only."""
    with click.progressbar(length=len(source.items), label="preparing", file=sys.stderr) as bar:
        try:
            return prepare_dataset(
                source,
                target,
                jobs=jobs or len(os.sched_getaffinity(0)),
                skip_bad=skip_bad,
                force=force,
                on_progress=lambda done, total: bar.update(done - bar.pos),
            )
        except KeyboardInterrupt:
            say(f"\n{target.directory}: {bar.pos} of {bar.length} images are made; the same command continues")
            raise


def describe(outcome: Outcome, directory: Path) -> str:
    """What is in the directory now, in two lines."""
    manifest = outcome.manifest
    how = "already prepared" if outcome.existed else "prepared"
    lines = [
        f"{directory}: {how}: {len(manifest.classes)} classes,"
        f" {manifest.total('train')} training and {manifest.total('test')} test images"
        f" of {manifest.image['width']}x{manifest.image['height']}"
    ]
    if outcome.continued:
        lines.append(f"{outcome.continued} images were there from an interrupted preparation")
    if manifest.skipped:
        named = ", ".join(manifest.skipped[:5]) + (" and more" if len(manifest.skipped) > 5 else "")
        lines.append(f"{len(manifest.skipped)} files were left out as they are no images: {named}")
    return "\n".join(lines) + "\n"


def _check_apart(source: str, out: Path) -> None:
    origin, target = Path(source).absolute(), out.absolute()
    if origin.is_dir() and (origin == target or origin in target.parents or target in origin.parents):
        raise UsageError(f"{out}: the dataset must lie outside the folder that it is made from")
