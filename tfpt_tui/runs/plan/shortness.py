"""A training that is too short for its test accuracy to mean anything: known before it starts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.runs.plan.duel import Duel

LEAST_SHARE = 0.01  # of their beginning that running averages may still hold: 459 steps with momentum 0.99


def too_short(configs: Sequence[RunConfig], manifests: Sequence[Manifest], duel: Duel | None) -> list[str]:
    """A sentence for each kind of run that ends before its running averages have forgotten where they began; none
    for a duel that does not measure accuracy.
    """
    if duel and not duel.accuracy:
        return []
    notes = []
    for config, manifest in zip(configs, manifests, strict=True):
        if config.measure != "end_to_end":
            continue
        framework = FRAMEWORKS[config.framework]
        momentum = TRACKS[config.track].running_average_momentum or framework.running_average_momentum
        steps = _steps(config, manifest.total("train"))
        share = momentum**steps
        if share > LEAST_SHARE:
            enough = math.ceil(math.log(LEAST_SHARE) / math.log(momentum))
            judged = "; learning is judged without them" if TRACKS[config.track].recalibrates else ""
            notes.append(
                f"{framework.title}: too short for test accuracy: after {steps:,} steps its"
                f" running averages still hold {share:.1%} of their start"
                f" (under {LEAST_SHARE:.0%} from {enough} steps on){judged}"
            )
    return list(dict.fromkeys(notes))


def _steps(config: RunConfig, images: int) -> int:
    steps = max(1, images // config.batch_size)
    return min(steps, config.max_steps or steps) * config.epochs_trained
