"""Requested settings against those that the framework applied: every difference is a warning on the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfpt_tui.config.schema import ON, SETTINGS, RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.cores import physical_cores, usable_cores
from tfpt_tui.documents import Value
from tfpt_tui.events import RunWarning
from tfpt_tui.linux import read_text

AMPERE = 8.0  # the compute capability that brought TF32 and bfloat16 (CUDA C++ Programming Guide, appendix)
# Of the instructions for a 16-bit type, as the kernel names them on x86 ("flags") and ARM ("Features").
NATIVE = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"},
    "float16": {"avx512_fp16", "amx_fp16", "fphp", "asimdhp"},
}
ACTIVATIONS = {"float32": "float32", "tf32": "float32", "bfloat16": "bfloat16", "float16": "float16"}


def requested_threads(config: RunConfig) -> int:
    """Threads inside one operation; 0 leaves them to the framework, as the article did."""
    if config.threads or TRACKS[config.track].framework_settings:
        return config.threads
    return physical_cores()


def loading_cores(config: RunConfig) -> int:
    """Processes or threads that load images; what a track has by itself is never more than there are cores."""
    return config.num_workers or min(TRACKS[config.track].usual_workers, len(usable_cores()))


def computes_natively(precision: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has instructions for a 16-bit type; without them it is emulated, many times slower.

    True where nothing is known.
    """
    names = NATIVE.get(precision)
    words = set((read_text(cpuinfo) or "").split())
    return names is None or not words or bool(names & words)


def differences(config: RunConfig, effective: Mapping[str, Value]) -> list[RunWarning]:
    """A warning for every setting that is not applied as requested; what is not known is passed over."""
    return [
        RunWarning(
            f"requested {name}={_show(wanted)}, applied is {_show(effective[name])}",
            code="not_applied",
            advice="the run is not what its configuration says; compare it by what was applied",
            taints="time",
        )
        for name, wanted in _wanted(config, effective).items()
        if name in effective and effective[name] != wanted
    ]


def retraced(before: int, after: int) -> list[RunWarning]:
    """A warning when graphs were made while the clock of the epochs ran."""
    if after <= before:
        return []
    graphs = "graph" if after - before == 1 else "graphs"
    message = f"{after - before} more {graphs} traced or compiled during the training"
    return [RunWarning(message, "retraced", "leave out the epoch that took longest", "time")]


def emulated(config: RunConfig, effective: Mapping[str, Value]) -> list[RunWarning]:
    """A warning where processor or GPU have no instructions for the precision that was requested."""
    capability = float(effective.get("compute_capability") or AMPERE)
    if config.precision in ("tf32", "bfloat16") and capability < AMPERE:
        message = (
            f"precision={config.precision}: a GPU of compute capability {capability} has no instructions for it"
        )
        return [RunWarning(message, "emulated", f"they came with {AMPERE}; compare with float32", "time")]
    if effective.get("device") != "cpu" or computes_natively(config.precision):
        return []
    message = f"precision={config.precision}: this processor has no instructions for it and emulates them"
    advice = "expect it to be many times slower than float32, which is the choice on this processor"
    return [RunWarning(message, "emulated", advice, "time")]


def _wanted(config: RunConfig, effective: Mapping[str, Value]) -> dict[str, Value]:
    """What the configuration asks for, by the names of the effective settings."""
    wanted: dict[str, Value] = {
        "dtype_activations": ACTIVATIONS[config.precision],
        "dtype_weights": "float32",
        "cache": config.cache,
    }
    track = TRACKS[config.track]
    on_gpu = str(effective.get("device", "")).startswith("gpu")
    if config.device != "auto":
        wanted["device"] = "gpu:0" if config.device == "gpu" else config.device
    if requested_threads(config):
        wanted["threads"] = requested_threads(config)
    if config.compile != "auto":
        wanted["compile"] = config.compile == "on"
    elif track.equal_execution:
        wanted["compile"] = False
    if SETTINGS["num_workers"].applies_to(config.framework, config.track):
        wanted["num_workers"] = loading_cores(config)
    if not track.framework_settings:
        # Only a GPU has TF32: on a CPU it is requested in vain.
        wanted |= dict.fromkeys(("tf32_matmul", "tf32_convolution"), config.precision == "tf32")
        wanted["deterministic"] = config.deterministic
        if config.precision == "tf32" and not on_gpu:
            wanted["device"] = "gpu"
    if track.equal_execution:
        wanted["interop_threads"] = wanted["threads"]
    if track.is_tuned:
        wanted |= _wanted_switches(config)
    return wanted


def _wanted_switches(config: RunConfig) -> dict[str, Value]:
    """The switches of the framework; "auto" of one that has more than two states is what it is."""
    wanted: dict[str, Value] = {}
    for key, setting in SETTINGS.items():
        if not setting.applies_to(config.framework, config.track) or not setting.is_switch:
            continue
        if ON in setting.choices:
            wanted[key] = config.is_on(key)
        elif config.value(key) != setting.default:
            wanted[key] = config.value(key)
    return wanted


def _show(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
