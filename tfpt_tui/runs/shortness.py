"""A training that is too short for its test accuracy to mean anything: known before it starts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tfpt_tui.config.schema import FRAMEWORK_TITLES, RunConfig
from tfpt_tui.data.manifest import Manifest

# Keras's default; PyTorch's is 0.9, and the track parity gives it to both (backends/network.py).
KERAS_MOMENTUM = 0.99
LEAST_SHARE = 0.01  # of their beginning that running averages may still hold: 459 steps of Keras


def too_short(configs: Sequence[RunConfig], manifests: Sequence[Manifest]) -> list[str]:
    """A sentence for each kind of run that ends before its running averages have forgotten where they began."""
    notes = []
    for config, manifest in zip(configs, manifests, strict=True):
        averages_last = config.framework == "tensorflow" and config.track != "parity"
        if not averages_last or config.measure != "end_to_end":
            continue
        steps = _steps(config, manifest.total("train"))
        share = KERAS_MOMENTUM**steps
        if share > LEAST_SHARE:
            enough = math.ceil(math.log(LEAST_SHARE) / math.log(KERAS_MOMENTUM))
            judged = "; learning is judged without them" if config.track != "published" else ""
            notes.append(
                f"{FRAMEWORK_TITLES[config.framework]}: too short for test accuracy: after {steps:,} steps its"
                f" running averages still hold {share:.1%} of their start"
                f" (under {LEAST_SHARE:.0%} from {enough} steps on){judged}"
            )
    return list(dict.fromkeys(notes))


def _steps(config: RunConfig, images: int) -> int:
    steps = max(1, images // config.batch_size)
    return min(steps, config.max_steps or steps) * config.epochs_trained
