"""The effective settings, which a framework applied, that can make two runs differ in speed.

A worker reads them back from its framework (``[effective]`` of result.toml). A comparison names each one in which
two rows differ, and the tracks name those that they cannot make equal: both from this list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.documents import Value


@dataclass(frozen=True)
class EffectiveSetting:
    """What a framework applied, by its ``name`` in ``[effective]``: that of the setting where there is one.

    ``words`` are the values in words, ``devices`` those where it matters; ``effect`` says how much it was measured
    to change the time. ``loads`` marks what concerns the loading of images, which some runs leave out. ``switch``
    is the setting of a run that changes it, and the value to try.
    """

    name: str
    title: str
    words: Mapping[Value, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ("cpu", "gpu")
    effect: str = ""
    loads: bool = False
    switch: tuple[str, str] | None = None

    def say(self, value: Value) -> str:
        return self.words.get(value, str(value))


ON_OFF: dict[Value, str] = {True: "on", False: "off"}

EFFECTIVE = (
    EffectiveSetting(
        "onednn",
        "kernel library",
        {True: "oneDNN", False: "no oneDNN"},
        ("cpu",),
        effect="; ".join(one.effects["onednn"] for one in FRAMEWORKS.values() if "onednn" in one.effects),
    ),
    EffectiveSetting("threads", "threads", {0: "as many as the framework likes"}, ("cpu",)),
    EffectiveSetting("dtype_activations", "precision"),
    EffectiveSetting("tf32_convolution", "TF32", ON_OFF, ("gpu",)),
    EffectiveSetting("execution", "execution", switch=("compile", "on")),
    EffectiveSetting(
        "compile", "compilation", {True: "compiled", False: "not compiled"}, switch=("compile", "on")
    ),
    EffectiveSetting("memory_format", "memory layout"),
    EffectiveSetting("cudnn_autotune", "cuDNN autotuning", ON_OFF, ("gpu",)),
    EffectiveSetting("deterministic", "deterministic kernels", ON_OFF),
    EffectiveSetting("decoder", "JPEG decoder", effect="the same pixels on parity", loads=True),
    EffectiveSetting("images", "place of the images", devices=("gpu",), loads=True),
    EffectiveSetting("loading_cores", "cores that may load images", loads=True),
)
BY_NAME = {setting.name: setting for setting in EFFECTIVE}


@dataclass(frozen=True)
class Difference:
    """An effective setting that two runs do not share."""

    setting: EffectiveSetting
    own: Value
    other: Value


def effective_differences(
    own: Mapping[str, Value], other: Mapping[str, Value], *, but: Sequence[str] = (), loading: bool = True
) -> list[Difference]:
    """What differs and can matter on the device that both used; what either did not tell is passed over."""
    device = str(own.get("device", "")).partition(":")[0]
    return [
        Difference(setting, own[setting.name], other[setting.name])
        for setting in EFFECTIVE
        if setting.name in own and setting.name in other and setting.name not in but
        if own[setting.name] != other[setting.name]
        if device in setting.devices and (loading or not setting.loads)
    ]
