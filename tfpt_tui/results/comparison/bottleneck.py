"""Where the time of an epoch goes: the whole training beside loading alone and the model alone."""

from __future__ import annotations

from collections.abc import Sequence

from tfpt_tui.results.comparison.groups import END_TO_END, LOADER, MODEL, Group, same_settings


def bottlenecks(groups: Sequence[Group]) -> list[str]:
    """A sentence for each configuration of which all three were measured."""
    parts: dict[tuple[str, str], dict[str, Group]] = {}
    for entry in groups:
        alike = entry.machine_name, same_settings(entry.config, "measure")
        parts.setdefault(alike, {})[entry.measure] = entry
    return [
        sentence
        for measured in parts.values()
        if {END_TO_END, LOADER, MODEL} <= measured.keys() and (sentence := _sentence(measured, groups))
    ]


def _sentence(measured: dict[str, Group], groups: Sequence[Group]) -> str:
    seconds = _epoch_seconds([measured[END_TO_END], measured[LOADER], measured[MODEL]])
    if not seconds:
        return ""
    whole, loading, model = seconds
    bound, hidden, cover = (
        ("input", "the model's work", "the loading") if loading > model else ("compute", "the loading", "it")
    )
    whole_entry = measured[END_TO_END]
    track = f"{whole_entry.track}: " if len({entry.track for entry in groups}) > 1 else ""
    return (
        f"{track}{whole_entry.name}: an epoch takes {whole:.1f} s:"
        f" loading alone {loading:.1f} s, the model alone {model:.1f} s:"
        f" bound by {bound}; {100 * overlap(whole, loading, model):.0f} % of {hidden} is hidden behind {cover}"
    )


def overlap(whole: float, loading: float, model: float) -> float:
    """The share, 0 to 1, of the shorter of loading and model that costs no time; all in seconds an epoch."""
    return min(1.0, max(0.0, (loading + model - whole) / min(loading, model)))


def _epoch_seconds(entries: Sequence[Group]) -> list[float]:
    """Median steady seconds of an epoch of as many images as the first has; empty where one is unknown."""
    images = [_images_an_epoch(entry) for entry in entries]
    lengths = [entry.median(lambda run: run.training.epoch_s_median) for entry in entries]
    if len(set(images)) > 1:
        lengths = [_seconds_for(images[0], entry) for entry in entries]
    known = [length for length in lengths if length and length > 0]
    return known if len(known) == len(entries) else []


def _images_an_epoch(entry: Group) -> float | None:
    images = entry.median(lambda run: run.training.images)
    epochs = entry.median(lambda run: run.training.epochs)
    return images / epochs if images and epochs else None


def _seconds_for(images: float | None, entry: Group) -> float | None:
    rate = entry.images_per_s()
    return images / rate if images and rate else None
