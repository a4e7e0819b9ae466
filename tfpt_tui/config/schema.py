"""Every setting of a run, described once: type, default, range, unit, help and where it applies.

Command-line overrides, the builder's form, validation messages and the columns of a comparison are all
made from :data:`SETTINGS`: no other list of settings is kept.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.tracks import DEFAULT, TRACKS
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError

MEASURES = ("end_to_end", "loader", "model", "profile")
# The groups of the form, in their order.
GROUPS = WHAT_RUNS, TRAINING, INPUT, MACHINE, SWITCHES, MEASUREMENT, PLANNING = (
    *("what runs", "training", "input", "machine", "switches of the track best", "measurement"),
    "the plan",
)
AUTO, ON, OFF = "auto", "on", "off"
DEFAULT_ENVIRONMENT = "default"
PRINTED = "published"  # the table of a row with the numbers of its source

# A name that is also a directory, and no path.
ENVIRONMENT_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@dataclass(frozen=True)
class Setting:
    """A setting of a run's configuration; all that the rest of the program knows of it.

    Attributes:
        key: its name in files, options and tables.
        minimum, maximum: inclusive; ``above`` is exclusive.
        frameworks: those that it applies to; with ``is_resource`` all of them on tracks of equal resources.
        tried: values that ``tfpt-tui advise`` tries; of others than switches only where that is requested.
        is_switch: one of the track best, for the frameworks that name it in their ``backend.toml``.
        group: where it stands in the form of Build.
        compared: runs that differ in it are separate rows of a comparison. False for the seed, which tells repeats
            apart, and for limits such as the time-out.
        identifies: a run must have the same value to count as a row of a published table. False for what readers
            choose on their own machines, such as the dataset's directory.
        always_named: named beside results also where it has its default.
        speed: the rank of its effect on the pace of a run, for estimates: 0 where recordings of another value say
            nothing, then 1 for the largest effect; None where it has none.
        proven: the values for which ``tfpt-tui parity`` proves anything; empty for all.
    """

    key: str
    type: type
    default: Value | _Required
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    pattern_help: str = ""
    frameworks: tuple[str, ...] = tuple(FRAMEWORKS)
    is_resource: bool = False
    is_switch: bool = False
    tried: tuple[Value, ...] = ()
    group: str = PLANNING
    compared: bool = True
    identifies: bool = True
    always_named: bool = False
    speed: int | None = None
    proven: tuple[Value, ...] = ()

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def allowed(self) -> str:
        """The values that this setting takes, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.pattern_help:
            return self.pattern_help
        if self.type is bool:
            return "true or false"
        kind = {str: "text that is not empty", int: "a whole number", float: "a number"}[self.type]
        if self.above is not None:
            return f"{kind} greater than {self.above:g}"
        if self.maximum is not None:
            return f"{kind} from {self.minimum:.0f} to {self.maximum:.0f}"
        if self.minimum is not None:
            return f"{kind}, at least {self.minimum:g}"
        return kind

    def applies_to(self, framework: str, track: str) -> bool:
        behaviour = TRACKS[track]
        if self.group == INPUT and behaviour.packs:  # nothing is loaded
            return False
        if self.is_switch and not behaviour.is_tuned:
            return False
        return framework in self.frameworks or (self.is_resource and behaviour.equal_resources)

    def check(self, value: object) -> Value:
        """Return ``value`` in this setting's type, or raise ValueError saying why it is refused."""
        return self._in_range(self._typed(value))

    def parse(self, text: str) -> Value:
        """Read the value from a command line, or raise ValueError saying why it is refused."""
        if self.type is str:
            return self.check(text)
        words: dict[str, Value] = {"true": True, "false": False}
        if self.type is bool:
            if text.lower() not in words:
                raise ValueError(f"must be {self.allowed}, not {text!r}")
            return self.check(words[text.lower()])
        try:
            return self.check(self.type(text))
        except ValueError as error:
            if str(error).startswith("must"):
                raise
            raise ValueError(f"must be {self.allowed}, not {text!r}") from None

    def _typed(self, value: object) -> Value:
        if self.type is float and type(value) is int:
            try:
                return float(value)
            except OverflowError:
                raise ValueError(f"must be {self.allowed}, not a number of {len(str(value))} digits") from None
        if type(value) is not self.type:
            raise ValueError(f"must be {self.allowed}, not {value!r}")
        assert isinstance(value, str | int | float | bool)
        return value

    def _in_range(self, value: Value) -> Value:
        refused = ValueError(f"must be {self.allowed}, not {value!r}")
        if isinstance(value, str):
            if not value or (self.choices and value not in self.choices):
                raise refused
            if self.pattern and not re.fullmatch(self.pattern, value):
                raise refused
        elif not isinstance(value, bool):
            if isinstance(value, float) and not math.isfinite(value):
                raise refused
            too_low = self.minimum is not None and value < self.minimum
            too_high = self.maximum is not None and value > self.maximum
            if too_low or too_high or (self.above is not None and value <= self.above):
                raise refused
        return value


def _in_threads() -> str:
    """Such as `` (in TensorFlow threads)``."""
    titles = [framework.title for framework in FRAMEWORKS.values() if framework.loader == "threads"]
    return f" (in {' and '.join(titles)} threads)" if titles else ""


def _setting(default: Value | _Required = REQUIRED, **description: Any) -> Any:
    keywords: dict[str, Any] = {} if isinstance(default, _Required) else {"default": default}
    return dataclasses.field(metadata={"default": default, **description}, **keywords)


def _switch(key: str, effect: str, default: Value = AUTO, **description: Any) -> Any:
    """A setting of the track best; of two states and "auto", unless ``description`` says otherwise."""
    states = {} if description else {"choices": (AUTO, OFF, ON), "tried": (OFF, ON)}
    return _setting(
        default,
        help=effect,
        frameworks=tuple(one.name for one in FRAMEWORKS.values() if key in one.switches),
        is_switch=True,
        group=SWITCHES,
        speed=10,
        **states,
        **description,
    )


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """The configuration of one run. Build it with :meth:`from_mapping`, which validates every key."""

    framework: str = _setting(
        help="the framework that trains",
        choices=tuple(FRAMEWORKS),
        group=WHAT_RUNS,
        compared=False,
        speed=0,
    )
    track: str = _setting(
        DEFAULT.name,
        help="what is held equal: runs are ranked only within one track",
        choices=tuple(TRACKS),
        group=WHAT_RUNS,
        compared=False,
        speed=0,
    )
    data: str = _setting(
        help="directory of a prepared dataset", group=WHAT_RUNS, identifies=False, always_named=True
    )
    environment: str = _setting(
        DEFAULT_ENVIRONMENT,
        help="the Python that runs the framework; default is the one set in config.toml, else our own",
        pattern=ENVIRONMENT_NAME,
        pattern_help="default, or a name that tfpt-tui env list shows",
        group=WHAT_RUNS,
        speed=9,
    )
    image_size: int = _setting(
        32,
        help="side of the model's square input",
        unit="pixels",
        minimum=8,
        maximum=512,
        group=TRAINING,
        always_named=True,
        speed=1,
    )
    batch_size: int = _setting(
        32,
        help="images in a training step",
        tried=(16, 32, 64, 128, 256, 512),
        unit="images",
        minimum=1,
        maximum=65536,
        group=TRAINING,
        always_named=True,
        speed=6,
    )
    epochs: int = _setting(
        20, help="passes over the training images", minimum=1, maximum=10000, group=TRAINING, always_named=True
    )
    epochs_measured: int = _setting(
        0,
        help="train only this many epochs and scale the time to all of them, marked as scaled; 0 trains all",
        minimum=0,
        maximum=10000,
        group=MEASUREMENT,
        identifies=False,
    )
    learning_rate: float = _setting(0.001, help="step size of Adam", above=0.0, group=TRAINING)
    seed: int = _setting(
        25,
        help="seed for weights, shuffling and augmentation",
        minimum=0,
        maximum=2**32 - 1,
        group=TRAINING,
        compared=False,
        identifies=False,
    )
    num_workers: int = _setting(
        0,
        help=f"processes{_in_threads()} that load images; 0 loads between the steps,"
        " on the track documented it is what the documentation shows",
        minimum=0,
        maximum=128,
        frameworks=tuple(one.name for one in FRAMEWORKS.values() if one.loader == "processes"),
        is_resource=True,
        group=INPUT,
        speed=3,
    )
    cache: bool = _setting(
        False, help="keep decoded training images in memory", group=INPUT, always_named=True, speed=2
    )
    augment: bool = _setting(
        True,
        help="flip training images at random, left-right and up-down",
        group=TRAINING,
        always_named=True,
        speed=8,
    )
    device: str = _setting(
        "auto",
        help="where to train; auto takes the first GPU where there is one",
        pattern=r"auto|cpu|gpu|gpu:\d{1,3}",
        pattern_help="auto, cpu, gpu or gpu:N",
        group=MACHINE,
        speed=0,
    )
    precision: str = _setting(
        "float32",
        help="arithmetic of the training step; 16-bit types are mixed precision",
        choices=("float32", "tf32", "bfloat16", "float16"),
        tried=("float32", "tf32", "bfloat16", "float16"),
        group=MACHINE,
        speed=5,
        proven=("float32",),
    )
    compile: str = _setting(
        "auto",
        help=f"compile the model ({', '.join(one.compiler for one in FRAMEWORKS.values() if one.compiler)});"
        " auto is what the framework does by itself",
        choices=(AUTO, OFF, ON),
        tried=(OFF, ON),
        group=MACHINE,
        speed=4,
        proven=("auto", "off"),
    )
    measure: str = _setting(
        "end_to_end",
        help="what is timed: the whole training, loading without a model, the model on one resident batch,"
        " or the parts of a step, under the framework's profiler",
        choices=MEASURES,
        group=MEASUREMENT,
        speed=0,
    )
    deterministic: bool = _setting(
        False,
        help="force deterministic kernels; on a CPU the same seed repeats without it",
        group=MACHINE,
    )
    threads: int = _setting(
        0,
        help="threads inside one operation; 0 = all available physical cores",
        minimum=0,
        maximum=1024,
        group=MACHINE,
        speed=7,
    )
    onednn: str = _switch("onednn", "compute with the kernels of oneDNN; auto is on")
    channels_last: str = _switch(
        "channels_last", "keep the channels of a pixel next to each other in memory; auto is on"
    )
    pool_first: str = _switch(
        "pool_first", "pool before ReLU, which gives the same values for a quarter of the work; auto is on"
    )
    fused_adam: str = _switch("fused_adam", "let one kernel do all of Adam's arithmetic; auto is on")
    fused_norm: str = _switch("fused_norm", "let one kernel do all of a batch normalisation; auto is on")
    keep_memory: str = _switch(
        "keep_memory",
        "keep freed memory for the next step, in place of giving it back to the system (mallopt); auto is on",
    )
    openmp_wait: str = _switch(
        "openmp_wait",
        "what a thread of OpenMP does until there is work; auto is what its library does by itself",
        choices=(AUTO, "active", "passive"),
        tried=(AUTO, "active", "passive"),
    )
    steps_per_call: int = _switch(
        "steps_per_call",
        "training steps that one call takes in a compiled loop",
        default=16,
        tried=(1, 4, 16),
        unit="steps",
        minimum=1,
        maximum=1024,
    )
    max_steps: int = _setting(
        0,
        help="end each epoch after this many steps; 0 runs whole epochs",
        unit="steps",
        minimum=0,
        maximum=2**31 - 1,
        group=MEASUREMENT,
        identifies=False,
    )
    timeout_s: int = _setting(
        0,
        help="stop the run after this long; 0 is four times the estimate, at least 600",
        unit="s",
        minimum=0,
        maximum=2**31 - 1,
        group=MEASUREMENT,
        compared=False,
        identifies=False,
    )

    @classmethod
    def from_mapping(cls, values: Mapping[str, object], where: str) -> RunConfig:
        """Validate ``values`` and fill in the defaults.

        Raises:
            UsageError: an unknown, missing or refused key; the message names ``where`` it stands.
        """
        checked = check_settings(values, where)
        missing = [key for key, setting in SETTINGS.items() if setting.required and key not in checked]
        if missing:
            raise UsageError(f"{where}: {missing[0]} is missing: {SETTINGS[missing[0]].help}")
        config = cls(**checked)  # type: ignore[arg-type]
        tracks = FRAMEWORKS[config.framework].tracks
        if config.track not in tracks:
            raise UsageError(f"{where}: {config.framework} has no track {config.track}, only {', '.join(tracks)}")
        if config.cache and TRACKS[config.track].packs:
            raise UsageError(
                f"{where}: cache=true: the track {config.track} keeps its images decoded anyway; leave it out"
            )
        for key, setting in SETTINGS.items():
            if setting.is_switch and config.value(key) != setting.default:
                _check_tuned(key, config, where)
        without = [
            one.title
            for one in FRAMEWORKS.values()
            if config.track in one.tracks and not one.tracks[config.track].has_cache
        ]
        if config.cache and without:
            raise UsageError(
                f"{where}: cache=true: {without[0]} has none on the track {config.track}; choose another track"
            )
        return config

    @classmethod
    def from_row(cls, row: Mapping[str, object], where: str) -> RunConfig:
        """The configuration of a preset's row, or of a run's ``config.toml``: what was printed is no setting."""
        return cls.from_mapping({key: value for key, value in row.items() if key != PRINTED}, where)

    @property
    def epochs_trained(self) -> int:
        """Epochs that the run really trains."""
        return min(self.epochs_measured or self.epochs, self.epochs)

    def is_on(self, switch: str) -> bool:
        """Whether a switch of two states is on: on the track best "auto" is, on every other track it is not."""
        return TRACKS[self.track].is_tuned and self.value(switch) != OFF

    @property
    def is_known(self) -> bool:
        """False for the stand-in of a configuration that could not be read: no run is without a dataset."""
        return bool(self.data)

    def value(self, key: str) -> Value:
        """The value of the setting of this name."""
        found: Value = getattr(self, key)
        return found

    def to_mapping(self) -> dict[str, Value]:
        return {key: self.value(key) for key in SETTINGS}

    def replace(self, **changes: Value) -> RunConfig:
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def _describe_settings() -> dict[str, Setting]:
    types = get_type_hints(RunConfig)
    return {
        field.name: Setting(key=field.name, type=types[field.name], **field.metadata)
        for field in dataclasses.fields(RunConfig)
    }


SETTINGS: dict[str, Setting] = _describe_settings()
HERE = "here"  # this machine, beside others
# In lists they are parted by commas, and they are names of files.
MACHINE_NAME = r"[^,/\x00-\x1f\x7f.][^,/\x00-\x1f\x7f]*"
# How a dataset comes to a machine that lacks it.
PREPARE, SEND = PROVIDED = ("prepare", "send")
# What a plan has beside its rows.
PLAN = {
    setting.key: setting
    for setting in (
        Setting("repeats", int, 1, "runs of each row, with seeds counting up", minimum=1, maximum=1000),
        Setting("cooldown_s", float, 0.0, "pause between runs; 5 where they are repeated", "s", 0, 3600),
        Setting("burn_in", bool, False, "a first run that warms the machine up and is not compared"),
        Setting("duel", bool, False, "let the rows take turns, second by second, to compare their speed"),
        Setting("until", float, 0.0, "end a duel when its answer is known, or known so precisely", "%", 0, 50),
        Setting("budget", float, 0.0, "end a duel after this time without an answer", "min", 0, 1440),
        Setting(
            "on",
            str,
            HERE,
            f"run the whole plan on each of these machines; {HERE} is this one",
            pattern=MACHINE_NAME,
            pattern_help="names of machines of config.toml",
        ),
        Setting(
            "provide",
            str,
            "",
            "where a machine lacks the dataset: prepare it there as it was here, or send it",
            choices=PROVIDED,
        ),
    )
}


def defaults() -> dict[str, Value | None]:
    """Every key with its default; None where the user must give a value."""
    return {
        key: None if isinstance(setting.default, _Required) else setting.default
        for key, setting in SETTINGS.items()
    }


def epochs_trained(config: Mapping[str, Value]) -> int:
    """Epochs that a run of these settings trains: all, or the few that are measured; 0 where it names none."""
    epochs, measured = (
        one if isinstance(one := config.get(key), int) else 0 for key in ("epochs", "epochs_measured")
    )
    return min(measured or epochs, epochs)


def describe_epochs(config: RunConfig) -> str:
    """Such as ``20 epochs``, or ``1 of 20 epochs`` where only some are measured."""
    part = f"{config.epochs_trained} of " if config.epochs_trained < config.epochs else ""
    return f"{part}{config.epochs} epoch{'' if config.epochs == 1 else 's'}"


def check_settings(values: Mapping[str, object], where: str) -> dict[str, Value]:
    """Return ``values`` with every key known and every value in range, or raise UsageError."""
    checked: dict[str, Value] = {}
    for key, value in values.items():
        if key not in SETTINGS:
            raise UsageError(f"{where}: unknown key {key!r}{nearest(key, SETTINGS)}")
        try:
            checked[key] = SETTINGS[key].check(value)
        except ValueError as error:
            raise UsageError(f"{where}: {key} {error}") from None
    return checked


def _check_tuned(key: str, config: RunConfig, where: str) -> None:
    """Refuse a switch on a track where it would change nothing, and the run be recorded with it."""
    if not TRACKS[config.track].is_tuned:
        tuned = ", ".join(track.name for track in TRACKS.values() if track.is_tuned)
        raise UsageError(f"{where}: {key} is a switch of the track {tuned}, not of {config.track}")


def parse_override(text: str) -> tuple[str, Value]:
    """Read one ``key=value`` of the command line, or raise UsageError."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals:
        raise UsageError(f"--set {text}: must be key=value")
    if key not in SETTINGS:
        raise UsageError(f"--set {text}: unknown key {key!r}{nearest(key, SETTINGS)}")
    try:
        return key, SETTINGS[key].parse(value.strip())
    except ValueError as error:
        several = "; several values: in [grid] of a file, or in the app's Build" if "," in value else ""
        raise UsageError(f"--set {text}: {key} {error}{several}") from None


def plain(value: Value | None) -> str:
    """A value as one types it and as a file has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def nearest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """A hint such as ``; did you mean 'epochs'?``, or nothing when no known word is near."""
    match = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {match[0]!r}?" if match else ""
