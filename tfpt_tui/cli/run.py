"""``tfpt-tui run``: run a preset, or a file of one's own."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from tfpt_tui.cli.completion import complete_dataset, complete_machine, complete_preset
from tfpt_tui.cli.forecast import forecast, short_trainings
from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show
from tfpt_tui.cli.run_on import run_on_machines
from tfpt_tui.cli.wait_for_sweep import wait_for_sweep
from tfpt_tui.config.machines import Machine, find_machines
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import find_preset, select_rows
from tfpt_tui.config.schema import PLAN, PROVIDED, SETTINGS, Setting, parse_override
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.results.store.datasets import named_dataset
from tfpt_tui.runs.plan.duel import SHORTEST_S, NoDuelError
from tfpt_tui.runs.plan.plan import Place, duel_of, make_plan
from tfpt_tui.runs.supervision.queue import waits_for
from tfpt_tui.runs.supervision.submit import submit
from tfpt_tui.wording import parse_duration

MOST_PERCENT = 50

Command = TypeVar("Command", bound=Callable[..., Any])


def _option(flag: str, setting: Setting, **more: Any) -> Callable[[Command], Command]:
    """An option for what a plan has beside its rows, with the help and the range of its setting."""
    kind: Mapping[str, Any] = {"is_flag": True} if setting.type is bool else {"type": _range(setting)}
    return click.option(flag, help=_sentence(setting), **kind, **more)


def _sentence(setting: Setting) -> str:
    return f"{setting.help[0].upper()}{setting.help[1:]}."


def _range(setting: Setting, least: int | None = None) -> click.ParamType[Any]:
    """The numbers that a setting takes, from another least one where that means nothing."""
    minimum = setting.minimum if least is None else least
    if setting.type is int:
        return click.IntRange(_whole(minimum), _whole(setting.maximum))
    return FiniteRange(minimum, setting.maximum)


class FiniteRange(click.FloatRange):
    """Not a number is in no range, and click lets it pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        return self.fail(f"{value} is not a number", param, ctx) if math.isnan(number) else number


def _whole(bound: float | None) -> int | None:
    return None if bound is None else round(bound)


class Percent(click.ParamType[float]):
    """A share such as ``2%``, as the number 0.02."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            share = float(str(value).removesuffix("%"))
        except ValueError:
            share = 0.0
        if not 0 < share <= MOST_PERCENT:
            self.fail(f"{value}: must be a percentage such as 2%, greater than 0% and at most {MOST_PERCENT}%")
        return share / 100


class Duration(click.ParamType[float]):
    """A time such as ``90s``, ``10m`` or ``1h``, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(f"{value}: {error}")
        if seconds < SHORTEST_S:
            self.fail(f"{value}: a duel needs at least two turns of a second, {SHORTEST_S:g}s")
        return seconds


@click.command()
@click.argument("preset", metavar="PRESET|FILE.toml", shell_complete=complete_preset)
@click.option(
    "--data",
    metavar="DIR|NAME",
    help="A prepared dataset, by its directory or as it is listed.",
    shell_complete=complete_dataset,
)
@click.option("--rows", metavar="1,3-5", help="Only these rows of the preset.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting in every row.")
@_option("--repeats", PLAN["repeats"])
@_option("--cooldown", PLAN["cooldown_s"], metavar="SECONDS")
@_option("--burn-in", PLAN["burn_in"])
@click.option(
    "--epochs-measured",
    type=_range(SETTINGS["epochs_measured"], least=1),
    metavar="K",
    help="Train K epochs of each row, and scale the time to all of its epochs.",
)
@click.option(
    "--duel/--no-duel",
    default=None,
    help="Let the rows take turns, second by second, to compare their speed. demo, quick and parity do anyway.",
)
@click.option(
    "--until", type=Percent(), metavar="2%", help="End the duel when its answer is known, or known so precisely."
)
@click.option("--budget", type=Duration(), metavar="10m", help="End the duel after this time without an answer.")
@click.option(
    "--on",
    metavar="MACHINE[,MACHINE]",
    help=_sentence(PLAN["on"]),
    shell_complete=complete_machine,
)
@click.option(
    "--provide",
    type=click.Choice(PROVIDED),
    help=_sentence(PLAN["provide"]),
)
@click.option("--detach", is_flag=True, help="Return at once with the IDs of the runs.")
@click.option("--headless", is_flag=True, help="Plain text even on a terminal.")
@pass_invocation
def run(
    invocation: Invocation,
    preset: str,
    data: str | None,
    rows: str | None,
    overrides: tuple[str, ...],
    repeats: int | None,
    cooldown: float | None,
    burn_in: bool,
    epochs_measured: int | None,
    duel: bool | None,
    until: float | None,
    budget: float | None,
    on: str | None,
    provide: str | None,
    detach: bool,
    headless: bool,
) -> int:
    """Run PRESET, or the rows of FILE.toml.

    The runs continue when this terminal closes; Ctrl-C stops them.

    \b
    Examples:
      tfpt-tui run parity --data cifar100
      tfpt-tui run quick --data cifar100 --set batch_size=64 --until 2%
      tfpt-tui run parity --data cifar100 --on box1,box2
    """
    if provide and not on:
        raise UsageError("--provide: is of the machines that --on names")
    machines = find_machines(on, invocation.settings.machines) if on else []
    chosen = find_preset(preset, invocation.paths)
    changes = dict(map(parse_override, overrides))
    for option, is_given in (("data", data is not None), ("epochs_measured", epochs_measured is not None)):
        if is_given and option in changes:
            raise UsageError(
                f"--set {option}: --{option.replace('_', '-')} says it already; leave one of them out"
            )
    if epochs_measured:
        changes["epochs_measured"] = epochs_measured
    wanted = bool(duel or until or budget)
    if wanted and duel is False:
        raise UsageError("--until and --budget: are of a duel; leave --no-duel out")
    rule = dataclasses.replace(duel_of(chosen), until=until or 0.0, budget_s=budget or 0.0)
    plan_with = functools.partial(
        make_plan,
        chosen,
        data=None if data is None else _directory(data, machines, invocation.paths),
        rows=None if rows is None else select_rows(len(chosen.rows), rows),
        overrides=changes,
        repeats=repeats,
        cooldown_s=cooldown,
        burn_in=burn_in,
    )
    try:
        plan = plan_with(duel=rule if wanted or (duel is None and chosen.duel) else None)
    except NoDuelError as reason:
        if wanted:
            raise UsageError(f"--duel: {reason}") from None
        say(f"no duel, as otherwise by {chosen.name}: {reason}")
        plan = plan_with()
    if machines:
        return run_on_machines(plan, machines, provide or "", invocation, detach=detach, headless=headless)
    seconds: list[float | None] = []
    short: list[str] = []
    waits = waits_for(invocation.paths)

    def look_ahead(interpreters: Mapping[Place, str]) -> None:
        seconds.extend(forecast(plan, interpreters, invocation.paths))
        short.extend(short_trainings(plan))

    sweep = submit(plan, invocation.settings, invocation.paths, look_ahead)
    for note in short:
        say(f"warning: {note}")
    if not detach:
        return wait_for_sweep(sweep, invocation, headless, seconds)
    waiting = f", which wait for {waits}" if waits else ""
    most = "up to " if plan.duel and plan.duel.ends_early else ""
    say(
        f"sweep {sweep.id} of {most}{len(sweep.runs)} runs{waiting}; follow it with: tfpt-tui runs tail {sweep.id}"
    )
    show("".join(f"{one.id}\n" for one in sweep.runs))
    return 0


def _directory(data: str, machines: Sequence[Machine], paths: Paths) -> str:
    """Of the dataset; a name that is known to none here may be to other machines."""
    try:
        return named_dataset(data, paths)
    except MissingError:
        if machines:
            return data
        raise
