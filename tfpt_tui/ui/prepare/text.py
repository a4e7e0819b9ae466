"""A dataset, or the preparation of one, in styled text."""

from __future__ import annotations

import shlex
import statistics
import textwrap

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from tfpt_tui.data.cifar import ARCHIVES
from tfpt_tui.data.manifest import SPLITS, Manifest
from tfpt_tui.data.progress_log import Step
from tfpt_tui.errors import printable
from tfpt_tui.results.store.datasets import Dataset, Usage, command_of, show_bytes
from tfpt_tui.runs.tasks.preparation import Preparation
from tfpt_tui.runs.tasks.prepare_request import Preview
from tfpt_tui.ui.prepare.preview import PreparePreview
from tfpt_tui.ui.theme import GLYPHS, status_style
from tfpt_tui.wording import show_duration

LABEL = 9  # columns of what stands before a fact
NAME_COLUMNS = 24  # of a class in the table; longer names are cut
MAX_CLASSES, MAX_FILES = 2000, 200  # more of them nobody scrolls through
FEW = 0.5  # of the median: a class with fewer training images than that is marked
UNITS = {"fetching": "MB", "writing": "images"}


def facts(dataset: Dataset, usage: Usage | None, columns: int) -> Content:
    """Where it is, what it was made from and what it holds."""
    name = Content.styled(printable(dataset.path.name), "bold")
    if dataset.manifest is None:
        lines = [name, _fact("path", str(dataset.path), columns)]
        return Content("\n").join([*lines, Content.styled(f"\n{printable(dataset.problem)}", "$text-warning")])
    manifest = dataset.manifest
    return Content("\n").join(
        [
            name,
            _fact("path", str(dataset.path), columns),
            _fact("made by", command_of(manifest), columns),
            *_doubts_about(manifest, columns),
            _fact("images", _images(manifest), columns),
            _on_disk(manifest, usage, columns),
        ]
    )


def _doubts_about(manifest: Manifest, columns: int) -> list[Content]:
    """What was told while it was made, and somebody may want to know later."""
    cifar = ARCHIVES.get(str(manifest.request["source"]))
    doubts = [("not used", "; ".join(manifest.left_out))] if manifest.left_out else []
    if cifar and manifest.request.get("archive_md5") != cifar.md5:
        doubts.append(("archive", "not the one that its authors published, by its MD5"))
    return [_fact(label, text, columns, "$text-warning") for label, text in doubts]


def class_table(manifest: Manifest, columns: int) -> Content:
    """Every class with its training and test images; where they differ the smallest classes come first."""
    order = sorted(range(len(manifest.classes)), key=lambda label: manifest.counts["train"][label])
    few = FEW * statistics.median(manifest.counts["train"])
    names = [printable(name) for name in manifest.classes]
    width = min(NAME_COLUMNS, max(cell_len(name) for name in names), max(4, columns - 18))
    cell = width + 16
    across = max(1, (columns + 2) // (cell + 2))
    down = -(-min(len(order), MAX_CLASSES) // across)
    heading = "  " + set_cell_size("class", width) + f"{'train':>7}{'test':>7}"
    lines = [Content.styled("  ".join([heading] * min(across, -(-len(order) // down))), "$foreground-muted")]
    for row in range(down):
        labels = order[:MAX_CLASSES][row::down]
        lines.append(Content("  ").join(_class(manifest, label, names[label], width, few) for label in labels))
    if len(order) > MAX_CLASSES:
        lines.append(Content.styled(f"and {len(order) - MAX_CLASSES:,} more", "$foreground-muted"))
    return Content("\n").join(lines)


def problem_files(manifest: Manifest) -> Content:
    """The files that were left out, as they are no images; empty where there are none."""
    if not manifest.skipped:
        return Content("")
    count = len(manifest.skipped)
    shown = [printable(name) for name in manifest.skipped[:MAX_FILES]]
    heading = f"{count:,} file{' skipped, not an image' if count == 1 else 's skipped, not images'}\n"
    more = [f"and {count - MAX_FILES:,} more: manifest.toml has them all"] if count > MAX_FILES else []
    return Content.styled(heading, "$text-warning") + Content("\n".join(shown + more))


def preview(found: PreparePreview, columns: int) -> Content:
    """What a preparation would make, need and take, and why it cannot start."""
    if found.missing:
        return Content.styled(found.missing, "$foreground-muted")
    preview = found.preview
    lines = []
    if preview.images:
        images = f"{preview.images:,} in {preview.classes:,} classes"
        needs = f"about {show_bytes(preview.needed)}"
        needs += f"; {show_bytes(preview.free)} are free there" if preview.free is not None else ""
        facts = {"images": images, "needs": needs, "takes": _takes(preview)}
        lines += [_fact(label, text, columns) for label, text in facts.items()]
    if preview.left_out:
        lines.append(_fact("not used", "; ".join(preview.left_out), columns, "$text-warning"))
    lines.append(_fact("command", found.command, columns))
    lines.append(_verdict(found))
    if preview.training and found.startable:
        lines.append(
            Content.styled(
                f"{GLYPHS['warning']} {preview.training} trains on this machine now:"
                " preparing would disturb what it measures",
                "$text-warning",
            )
        )
    return Content("\n").join(lines)


def progress(one: Preparation, columns: int) -> Content:
    """What it is doing, how far it is, how fast, and how long it will take; or how it ended."""
    if one.status != "running":
        why = "stopped on request" if one.status == "stopped" else printable(one.problem)
        again = "tries again" if one.status == "failed" else "resumes where it stopped"
        return Content.assemble(
            (why, status_style(one.status)), (f"\n\ns {again}, D forgets it", "$foreground-muted")
        )
    if one.step is None:
        return Content("starting")
    step = one.step
    if not step.total:
        return Content("reading the archive or the folder" if step.phase == "reading" else step.phase)
    share = step.done / step.total
    full = round(share * min(columns, 60))
    bar = Content.assemble(
        ("━" * full, "$primary"),
        ("─" * (min(columns, 60) - full), "$foreground-disabled"),
    )
    return Content.assemble(bar, f"\n{share:4.0%} {_how_far(step)}\n     {_how_fast(step)}")


def headline(one: Preparation, columns: int) -> Content:
    """Its name and state, where it goes and the command that it is."""
    return Content("\n").join(
        [
            Content.assemble(
                (printable(one.request.out.name), "bold"),
                "  ",
                (f"{GLYPHS.get(one.status, '?')} {one.status}", status_style(one.status)),
            ),
            _fact("path", str(one.request.out), columns),
            _fact("command", shlex.join(("tfpt-tui", "prepare", *one.request.arguments)), columns),
        ]
    )


def _fact(label: str, text: str, columns: int, style: str = "") -> Content:
    """A label, and beside it the text in as many lines as it needs."""
    lines = textwrap.wrap(printable(text), max(10, columns - LABEL), break_on_hyphens=False) or [""]
    return Content.assemble((f"{label:<{LABEL}}", "$foreground-muted"), (f"\n{'':<{LABEL}}".join(lines), style))


def _images(manifest: Manifest) -> str:
    size = f"{manifest.image['width']}x{manifest.image['height']}"
    each = [set(manifest.counts[split]) for split in SPLITS]
    if all(len(counts) == 1 for counts in each):
        train, test = (next(iter(counts)) for counts in each)
        how = f"of {train:,}+{test:,}"
    else:
        counts = manifest.counts["train"]
        how = f"of {min(counts):,} to {max(counts):,} training images, the median {statistics.median(counts):,.0f}"
    images = sum(manifest.total(split) for split in SPLITS)
    return f"{images:,} of {size}, {len(manifest.classes):,} classes {how}"


def _on_disk(manifest: Manifest, usage: Usage | None, columns: int) -> Content:
    if usage is None:
        return _fact("on disk", "counting ...", columns, "$foreground-muted")
    recorded = sum(manifest.total(split) for split in SPLITS)
    if usage.images == recorded:
        return _fact("on disk", show_bytes(usage.bytes), columns)
    differs = f"{show_bytes(usage.bytes)}, but {usage.images:,} images in place of {recorded:,}: prepare it again"
    return _fact("on disk", f"{GLYPHS['warning']} {differs}", columns, "$text-warning")


def _class(manifest: Manifest, label: int, name: str, width: int, few: float) -> Content:
    train, test = (manifest.counts[split][label] for split in SPLITS)
    line = f"{set_cell_size(name, width)}{train:>7,}{test:>7,}"
    if train < few:
        return Content.styled(f"{GLYPHS['warning']} {line}", "$text-warning")
    return Content(f"  {line}")


def _takes(found: Preview) -> str:
    how_long = "time unknown (first of its kind here)"
    if found.seconds is not None:
        how_long = f"about {show_duration(found.seconds)}, as the last of this kind"
    fetched = f"; {show_bytes(found.to_fetch)} are fetched first" if found.to_fetch else ""
    return how_long + fetched


def _verdict(found: PreparePreview) -> Content:
    if found.preview.problem:
        return Content.styled(f"{GLYPHS['failed']} {printable(found.preview.problem)}", "$text-error")
    if found.preview.there:
        return Content.styled("it is there already: choose it on the left", "$foreground-muted")
    how = "resumes where it stopped" if found.preview.continues else "starts it"
    return Content.styled(f"{GLYPHS['completed']} s {how}, or enter in a field", "$text-success")


def _how_far(step: Step) -> str:
    scale = 1_000_000 if step.phase == "fetching" else 1
    return f"{step.phase} {step.done // scale:,}/{step.total // scale:,} {UNITS.get(step.phase, '')}"


def _how_fast(step: Step) -> str:
    if not step.per_second:
        return ""
    scale = 1_000_000 if step.phase == "fetching" else 1
    left = show_duration((step.total - step.done) / step.per_second)
    digits = 1 if scale > 1 else 0
    return f"{step.per_second / scale:,.{digits}f} {UNITS.get(step.phase, '')}/s, about {left} left"
