"""``history.png``: loss and accuracy by epoch."""

from __future__ import annotations

import math
from pathlib import Path

from tfpt_tui.config.frameworks import chart_colour
from tfpt_tui.files import written_whole
from tfpt_tui.runs.record.fold import Record


def draw_history(record: Record, path: Path) -> None:
    """Draw the picture; epochs whose loss is not finite are marked at the lower edge."""
    # Half a second and 60 MB: only here, between two runs.
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    matplotlib.rcdefaults()  # the user's own style may need LaTeX, or be broken
    colour = chart_colour(record.start.framework if record.start else "")
    figure = Figure(figsize=(9, 3.6))
    # Fixed: matplotlib's own layouts draw all of it several times to find out as much.
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.14, top=0.91, wspace=0.16)
    trained = [epoch for epoch in record.epochs if epoch.loss is not None]
    epochs = [epoch.epoch for epoch in trained]
    losses = [epoch.loss or 0.0 for epoch in trained]
    for axes, name, values in (
        (figure.add_subplot(1, 2, 1), "training loss", losses),
        (figure.add_subplot(1, 2, 2), "training accuracy", [epoch.accuracy or 0.0 for epoch in trained]),
    ):
        axes.plot(epochs, values, marker="o", markersize=3, color=colour)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    diverged = [epoch for epoch, loss in zip(epochs, losses, strict=True) if not math.isfinite(loss)]
    if diverged:
        loss_axes = figure.axes[0]
        loss_axes.plot(
            diverged, [0.02] * len(diverged), "x", color="black", transform=loss_axes.get_xaxis_transform()
        )
        loss_axes.set_title(f"training loss (not finite from epoch {diverged[0]})")
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
