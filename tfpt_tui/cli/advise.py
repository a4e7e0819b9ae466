"""``tfpt-tui advise``: the fastest settings of each framework on this machine, and what each of them brings."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click

from tfpt_tui.cli.completion import complete_dataset
from tfpt_tui.cli.follow import follow_turns
from tfpt_tui.cli.invocation import Invocation, outlive_the_terminal, pass_invocation, say, show
from tfpt_tui.cli.run import Duration
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.paths import absolute
from tfpt_tui.config.presets import ACCURACY, Preset, PresetRow
from tfpt_tui.config.schema import SETTINGS, RunConfig, parse_override
from tfpt_tui.config.script import script_text
from tfpt_tui.config.tracks import BEST
from tfpt_tui.config.writing import own_preset, preset_text, save_preset
from tfpt_tui.cores import physical_cores, usable_cores
from tfpt_tui.documents import Value
from tfpt_tui.environments.interpreters import check_framework, interpreter_of
from tfpt_tui.environments.probe import probe
from tfpt_tui.errors import MissingError, UsageError, cannot, printable
from tfpt_tui.files import write_where_asked
from tfpt_tui.results.presentation.ladder import ladder_text, learning_text, summary_text
from tfpt_tui.results.store.datasets import named_dataset
from tfpt_tui.runs.plan.candidates import Choices, choices_of
from tfpt_tui.runs.plan.duel import why_no_duel
from tfpt_tui.runs.tasks.advise import Advice, check_budget, compare_learning
from tfpt_tui.runs.tasks.advise import advise as find_fastest

ANY = "any"
# Settings that change the training, and so what is learned.
VARIABLE = ("batch_size", "num_workers")


def _split(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    keys = tuple(filter(None, value.split(",")))
    for key in keys:
        if key not in VARIABLE:
            raise click.BadParameter(f"{key}: must be of {', '.join(VARIABLE)}")
    return keys


@click.command()
@click.argument("framework", required=False, type=click.Choice(tuple(FRAMEWORKS)))
@click.option(
    "--data",
    required=True,
    metavar="DIR|NAME",
    help="A prepared dataset, by its directory or name.",
    shell_complete=complete_dataset,
)
@click.option(
    "--budget",
    type=Duration(),
    default="10m",
    metavar="10m",
    help="For all frameworks together; comparing accuracies comes on top.",
)
@click.option("--vary", default="", metavar="KEYS", callback=_split, help="Try other values of batch_size, too.")
@click.option(
    "--precision", type=click.Choice([ANY]), help="Try other precisions, too; they change what is computed."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting.")
@click.option(
    "--script", type=click.Path(dir_okay=False, path_type=Path), help="Write FRAMEWORK's best as a script."
)
@pass_invocation
def advise(
    invocation: Invocation,
    framework: str | None,
    data: str,
    budget: float,
    vary: tuple[str, ...],
    precision: str | None,
    overrides: tuple[str, ...],
    script: Path | None,
) -> int:
    """Find the fastest settings of each framework here, or of FRAMEWORK, on the track best.

    Candidates take turns with the fastest so far, and losers are sent home early. What comes out is a ladder that
    says what each switch brings, and a preset that reproduces it. The mathematics stay those of the track parity.
    A dropped connection does not end the search: the preset has the ladder, too.

    \b
    Example:
      tfpt-tui advise pytorch --data cifar100 --budget 10m --script fastest.py
    """
    if script and not framework:
        raise UsageError(
            "--script: a script is of one framework; name it: tfpt-tui advise FRAMEWORK --script FILE.py"
        )
    if script and not os.access(script.absolute().parent, os.W_OK | os.X_OK):
        raise MissingError(f"--script {script}: its directory is not there, or may not be written; name another")
    data = named_dataset(data, invocation.paths)
    names = [framework] if framework else [name for name, one in FRAMEWORKS.items() if BEST.name in one.tracks]
    changes: Mapping[str, Value] = dict(map(parse_override, overrides))
    if given := sorted({"data", "framework", "track"} & changes.keys()):
        raise UsageError(
            f"--set {given[0]}: the search is of FRAMEWORK on the track best, on --data; leave it out"
        )
    rows = {"data": absolute(data), **changes, "track": BEST.name}
    configs = [RunConfig.from_mapping({**rows, "framework": name}, "advise") for name in names]
    for config in configs:
        if reason := why_no_duel([config, config]):
            raise UsageError(f"advise: {reason}")
        check_framework(config.framework, invocation.settings, config.environment)
    if "num_workers" in vary:
        say("num_workers: on the track best nothing is loaded; left out")
    devices = [_seen(config, invocation) for config in configs]
    searches = [
        (config, _choices(config, seen, precision, vary, changes.keys()))
        for config, seen in zip(configs, devices, strict=True)
    ]
    for config, choices in searches:
        check_budget(config, choices, budget / len(searches))
    outlive_the_terminal()
    advices: list[Advice] = []
    for place, (config, choices) in enumerate(searches):
        share_s = (budget - sum(one.seconds for one in advices)) / (len(searches) - place)
        started = invocation.settings, invocation.paths, follow_turns, say
        advices.append(find_fastest(config, choices, share_s, *started))
        show(ladder_text(advices[-1]) + "\n")
        path = _keep(advices, data, framework, invocation)  # at once: what comes may fail, or be stopped
        if learning := compare_learning(config, advices[-1], *started):
            advices[-1] = replace(advices[-1], learning=learning)
            show(f"{learning_text(learning)}\n")
            path = _keep(advices, data, framework, invocation)
    show(summary_text(advices) + "\n")
    say(f"{path}: run it with: tfpt-tui run {path.stem} --data {data}")
    if script:
        _write_script(script, advices[0].config, on_gpu=devices[0].on_gpu)
    return 0


class _Seen(NamedTuple):
    """What the framework itself says: whether it will train on a GPU, and computes with oneDNN on this processor
    by itself.
    """

    on_gpu: bool
    onednn: bool | None


def _seen(config: RunConfig, invocation: Invocation) -> _Seen:
    """Asked of the framework: it may be a build for the CPU, and GPUs may be hidden from it."""
    interpreter = interpreter_of(config.framework, invocation.settings, config.environment)
    found = probe(config.framework, interpreter)
    return _Seen(config.device != "cpu" and bool(found.gpus), found.onednn)


def _choices(
    config: RunConfig, seen: _Seen, precision: str | None, vary: Sequence[str], given: Collection[str]
) -> Choices:
    return choices_of(
        config,
        _thread_counts(config, on_gpu=seen.on_gpu),
        _precisions(config, precision, on_gpu=seen.on_gpu),
        vary,
        onednn=seen.onednn,
        on_gpu=seen.on_gpu,
        given=given,
    )


def _thread_counts(config: RunConfig, *, on_gpu: bool) -> list[int]:
    """Beside the usual one, all physical cores: one, half of them, and all logical ones."""
    if on_gpu or config.threads:
        return []
    logical, physical = len(usable_cores()), physical_cores()
    return sorted({1, physical // 2, logical} - {0, physical})


def _precisions(config: RunConfig, wanted: str | None, *, on_gpu: bool) -> list[str]:
    """Those that the kind of device may have beside the one that is set."""
    if wanted != ANY:
        return []
    return [config.precision, *(("tf32", "bfloat16", "float16") if on_gpu else ("bfloat16",))]


def _keep(advices: list[Advice], data: str, framework: str | None, invocation: Invocation) -> Path:
    """Keep what is advised as a preset of the user's own, in place of an earlier advice for the same dataset."""
    of = re.sub(r"[^A-Za-z0-9._+-]+", "-", Path(absolute(data)).name).strip("-")[:40] or "data"
    heading = (
        f"Found by tfpt-tui advise on {printable(absolute(data))}; another machine has other fastest settings."
    )
    name = _free_name(f"best-{of}" + (f"-{framework}" if framework else ""), heading, invocation)
    rows = tuple(PresetRow(_changed(advice.config), {}) for advice in advices)
    preset = Preset(
        name,
        f"The fastest settings found on {of}",
        "",
        "",
        0,
        0,
        rows,
        own_preset(name, invocation.paths),
        ACCURACY,
    )
    found = "\n".join([*map(ladder_text, advices), summary_text(advices)])
    text = preset_text(preset, f"{heading}\n\n{found}")
    return save_preset(name, text, invocation.paths, overwrite=True)


def _free_name(base: str, heading: str, invocation: Invocation) -> str:
    """The name, or the first with a number that is free or has the same heading: nobody's preset is replaced."""
    for number in itertools.count(1):
        name = base if number == 1 else f"{base}-{number}"
        path = own_preset(name, invocation.paths)
        if not path.exists() or heading in path.read_text(encoding="utf-8", errors="replace"):
            return name
    raise AssertionError


def _write_script(script: Path, config: RunConfig, *, on_gpu: bool) -> None:
    threads = config.threads or (0 if on_gpu else physical_cores())
    try:
        write_where_asked(script, script_text(config.replace(threads=threads)))
    except OSError as error:
        raise cannot("write the script", script, error) from None
    say(f"{script}: the same without tfpt-tui; run it with: python {script}")


def _changed(config: RunConfig) -> dict[str, Value]:
    """What is not as by default; the dataset is named when it is run."""
    return {
        key: config.value(key) for key in SETTINGS if key != "data" and config.value(key) != SETTINGS[key].default
    }
