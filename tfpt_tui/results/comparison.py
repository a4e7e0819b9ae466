"""Compare runs: one row for every configuration, its repeats together, beside a baseline.

Rows are ranked only within one track and one measure, each such kind with a baseline of its own. Ratios are of
time per training image: 1.25 takes a quarter longer than the baseline. With fewer than three pairs of runs
nothing is concluded: the verdict is "single run".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.config.tracks import needs_proof
from tfpt_tui.hardware.peaks import peak_flops
from tfpt_tui.results.comparable import check_comparable
from tfpt_tui.results.groups import LOADER, NOT_COMPARED, Group, applies, asked, differing_keys, flags_of, group
from tfpt_tui.results.notes import notes_of
from tfpt_tui.results.standing import Comparing, Standing, stand
from tfpt_tui.results.statistics import compare_times
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.scaling import scaled_note


def compare(
    results: Sequence[Mapping[str, Any]],
    baseline: str | None = None,
    *,
    across: bool = False,
    proof: str | None = None,
    by: str = "",
    all_columns: bool = False,
    comparing: Comparing = compare_times,
) -> tuple[Table, list[Standing]]:
    """The comparison of runs given by their results, in the order given, and how its rows stand.

    ``baseline`` is the ID of a run whose configuration the others of its kind are measured against; by default,
    and for every other kind, it is the first. ``across`` compares what comes from different machines or versions
    too. ``proof`` is the line that says what is proven of the track parity (:func:`parity.proof_note`). ``by`` is
    a setting: rows are compared within each of its values. Settings that are the same in all rows are shown with
    ``all_columns`` only. ``comparing`` compares timings as :func:`compare_times` does.

    Raises:
        UsageError: the runs come from different machines or versions.
    """
    if not across:
        check_comparable(results)
    standings = stand(group(results, by), baseline, comparing)
    return _tabulate(results, standings, proof, all_columns), standings


def _tabulate(
    results: Sequence[Mapping[str, Any]], standings: Sequence[Standing], proof: str | None, all_columns: bool
) -> Table:
    """A row a standing; ``results`` are those of all their runs."""
    groups = [standing.entry for standing in standings]
    differing = [key for key in SETTINGS if key not in NOT_COMPARED] if all_columns else differing_keys(groups)
    columns = (
        # The answer comes first: what follows may lie beyond the edge of a narrow terminal.
        Column("framework", "framework"),
        *(Column(key, key) for key in differing),
        Column("version", "version", printed=_versions_differ(groups)),
        Column("status", "status"),
        Column("n", "n"),
        Column("images_per_s", "images/s", 1),
        Column("ratio", "time ratio", 3),
        Column("ratio_low", "low", 3),
        Column("ratio_high", "high", 3),
        Column("verdict", "verdict"),
        Column("test_accuracy", "test acc.", 4),
        Column("recalibrated_accuracy", "recal. acc.", 4),
        Column("in_band", "same accuracy?"),
        Column("flags", "flags"),
        Column("p_value", "p", 4),
        Column("epoch_s_median", "epoch s", 2),
        Column("epoch_s_min", "min s", 2),
        Column("epoch_s_spread", "spread s", 2),
        Column("training_s", "training s", 1),
        *([Column("scaled", "training s is")] if any(scaled_note(result) for result in results) else []),
        Column("test_loss", "test loss", 4),
        Column("gflops", "GFLOP/s", 1),
        Column("peak_percent", "% of peak", 1),
        Column("peak_rss_mb", "peak MB", 0),
        Column("system_percent", "system %", 0),
        Column("track", "track"),
        Column("machine", "machine", printed=len({entry.machine for entry in groups if entry.done}) > 1),
        Column("runs", "runs"),
        *([Column("parity", "parity", printed=False)] if proof else []),
    )
    rows = tuple(_row(standing, differing, proof) for standing in standings)
    return Table(columns, rows, tuple(notes_of(results, standings, groups, proof)))


def _row(standing: Standing, differing: Sequence[str], proof: str | None) -> dict[str, Cell]:
    entry = standing.entry
    epochs = entry.values("training", "epoch_s_median")
    rss = entry.median("memory", "peak_rss_bytes")
    gflops = _gflops(entry)
    return {
        "framework": entry.title,
        **{key: _setting(entry, key) for key in differing},
        "version": entry.version or None,
        "status": _status(entry),
        "n": len(entry.done),
        "images_per_s": entry.images_per_s(),
        **_answer(standing),
        "test_accuracy": entry.median("test", "accuracy"),
        "recalibrated_accuracy": entry.median("test", "recalibrated_accuracy"),
        "in_band": standing.in_band,
        "flags": flags_of(entry.done),
        "epoch_s_median": entry.median("training", "epoch_s_median"),
        "epoch_s_min": min(epochs, default=None),
        "epoch_s_spread": max(epochs) - min(epochs) if len(epochs) > 1 else None,
        "training_s": entry.median("scaled", "training_s") or entry.median("phases", "training"),
        "scaled": next((note for result in entry.done if (note := scaled_note(result))), None),
        "test_loss": entry.median("test", "loss"),
        "gflops": gflops,
        "peak_percent": _peak_percent(entry, gflops),
        "peak_rss_mb": rss / 1e6 if rss else None,
        "system_percent": entry.system_percent(),
        "track": entry.config.get("track"),
        "machine": entry.machine or None,
        "runs": " ".join(result["run"] for result in entry.results),
        "parity": proof if needs_proof(entry.track) else None,
    }


def _versions_differ(groups: Sequence[Group]) -> bool:
    """Whether rows of one framework ran in different versions of it."""
    told = {(entry.framework, entry.version) for entry in groups if entry.done}
    return len(told) > len({framework for framework, _ in told})


def _answer(standing: Standing) -> dict[str, Cell]:
    time = standing.time
    if standing.is_baseline:
        return {"ratio": 1.0, "verdict": "baseline"}
    if time is None:
        return {}
    return {
        "ratio": time.ratio,
        "ratio_low": time.low,
        "ratio_high": time.high,
        "p_value": time.p_value,
        "verdict": time.verdict,
    }


def _gflops(entry: Group) -> float | None:
    """Achieved GFLOP/s of the training; none where no model was trained."""
    an_image, rate = entry.median("model", "flops_per_image"), entry.images_per_s()
    return an_image * rate / 1e9 if an_image and rate and entry.measure != LOADER else None


def _peak_percent(entry: Group, gflops: float | None) -> float | None:
    """Of what the device could do at best in the precision that was really used, where both are known."""
    if gflops is None:
        return None
    effective = entry.done[0].get("effective", {})
    precision = effective.get("dtype_activations", "float32")
    if precision == "float32" and effective.get("tf32_convolution"):
        precision = "tf32"
    peak = peak_flops(str(effective.get("device_name", "")), precision)
    return 100 * gflops * 1e9 / peak if peak else None


def _setting(entry: Group, key: str) -> Cell:
    if not applies(key, entry):
        return "n/a"
    value: Cell = asked(entry.config, key)
    return value


def _status(entry: Group) -> str:
    counts: dict[str, int] = {}
    for result in entry.results:
        counts[result["status"]] = counts.get(result["status"], 0) + 1
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {status}" for status, count in counts.items())
