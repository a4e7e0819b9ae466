"""What must be said below the numbers of a comparison, in whole sentences: what explains them comes first."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tfpt_tui.config.schema import SETTINGS, RunConfig, plain
from tfpt_tui.documents import Value
from tfpt_tui.events import RunWarning
from tfpt_tui.results.comparison.answer import DISTURBANCES, spoken_of
from tfpt_tui.results.comparison.bottleneck import bottlenecks
from tfpt_tui.results.comparison.comparability import origins
from tfpt_tui.results.comparison.groups import NOT_COMPARED, PROFILE, Group, kind_of
from tfpt_tui.results.comparison.profile import profile_notes
from tfpt_tui.results.comparison.provenance import machines_of, versions_of
from tfpt_tui.results.comparison.reasons import Brought, brought_nothing, reasons
from tfpt_tui.results.comparison.statistics import INCONCLUSIVE, MIN_RUNS, SINGLE_RUN, usable
from tfpt_tui.results.comparison.verdicts import RowVerdict
from tfpt_tui.runs.record.duel_ratio import DISTURBED_SHARE, EQUIVALENT, Spread
from tfpt_tui.runs.record.outliers import outliers
from tfpt_tui.runs.record.result import RunResult

BESIDE_SHARE = 0.1  # of the training; less makes no difference to what is concluded
BESIDE_S = 0.1  # of seconds that are told with one digit
# How many times as long a duel takes that may end at every look as one of planned length with such an interval:
# (sqrt(1.11 ln 4000) / 2.0)^2, the ends of both in standard errors at their nearest.
LOOKING_COSTS = 2.3
MOST_ALIKE = 3  # runs that each say the same of themselves


def notes_of(
    results: Sequence[RunResult],
    verdicts: Sequence[RowVerdict],
    groups: Sequence[Group],
    proof: str | None = None,
    brought: Brought = brought_nothing,
    *,
    across: bool = False,
) -> list[str]:
    return [
        *_more_minutes(verdicts, groups),
        *bottlenecks(groups),
        *profile_notes(groups),
        *reasons([row for _, rows in spoken_of(verdicts) for row in rows], groups, brought),
        *([proof] if proof else []),
        *(f"comparing different machines or versions: {difference}" for difference in origins(results)),
        *_packs(groups),
        *_beside_epochs(groups),
        *_first_epochs(groups),
        *_learning(verdicts, groups),
        *_outliers(groups),
        *_explanations(verdicts, groups),
        *_troubles(results),
        *_settings_in_all(results),
        *versions_of(results),
        *machines_of(results),
    ]


def _packs(groups: Sequence[Group]) -> list[str]:
    """What decoding once cost, and after how many epochs it pays beside a row that decodes in each."""
    said: dict[str, list[Group]] = {}
    for entry in groups:
        build_s = entry.median(lambda run: _number(run.effective.get("pack_build_s")))
        if build_s is None:
            continue
        reused = all(run.effective.get("pack_reused") for run in entry.done)
        when = "before these runs" if reused else "before the first step"
        what = f"images were decoded once, in {build_s:,.1f} s, {when}{_pays(entry, groups, build_s)}"
        said.setdefault(what, []).append(entry)
    notes = []
    for what, entries in said.items():
        if len(entries) == len(groups) > 1:
            notes.append(what)
        else:
            notes += [f"{kind_of(entry, groups)}{entry.name}: {what}" for entry in entries]
    return notes


def _pays(entry: Group, groups: Sequence[Group], build_s: float) -> str:
    alike = [one for one in groups if (one.measure, one.machine_name) == (entry.measure, entry.machine_name)]
    others = [one for one in alike if one.framework == entry.framework and _decodes_every_epoch(one)]
    for other in others:
        own_s, other_s = (one.median(lambda run: run.training.epoch_s_median) for one in (entry, other))
        if own_s and other_s and other_s > own_s:
            epochs = math.ceil(build_s / (other_s - own_s))
            return f"; beside {other.name} on {other.track} that pays after {epochs:,} epoch{'s' * (epochs > 1)}"
    return ""


def _decodes_every_epoch(entry: Group) -> bool:
    return bool(entry.done) and all(run.effective.get("cache") is False for run in entry.done)


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _beside_epochs(groups: Sequence[Group]) -> list[str]:
    """Training that no epoch has, and so no rate and no ratio: what a framework does before, between and after."""
    notes = []
    for entry in _run_alone(groups):
        if entry.measure == PROFILE:
            continue  # most of it is the profiler's, and what looks for peaks
        whole = entry.median(lambda run: run.phases.get("training"))
        epochs = entry.median(lambda run: run.training.epochs_s)
        if whole and epochs and whole - epochs > max(BESIDE_SHARE * whole, BESIDE_S):
            notes.append(
                f"{kind_of(entry, groups)}{entry.name}: {whole - epochs:.1f} s of its {whole:.1f} s of training"
                " lie before, between or after its epochs, and are not counted in throughput or ratios"
            )
    return notes


def _more_minutes(verdicts: Sequence[RowVerdict], groups: Sequence[Group]) -> list[str]:
    """How long a duel without an answer would have to take: its interval shrinks with the root of time."""
    notes = []
    for verdict in verdicts:
        time, baseline = verdict.time, verdict.baseline
        if not (time and time.by_turns and time.verdict == INCONCLUSIVE and baseline and time.low and time.high):
            continue
        if time.disturbed:
            continue  # no longer one would tell, but a quiet machine
        distance = abs(math.log(time.ratio))
        reach = math.log(time.high / time.low) / 2
        times = (reach / max(distance, EQUIVALENT - distance)) ** 2
        if times <= 1:
            continue
        runs = [result for entry in (verdict.entry, baseline) for result in entry.done if result.slices]
        spent_s = sum((result.ended or 0.0) - (result.started or 0.0) for result in runs) / 2
        looks = all(result.environment.duel and result.environment.duel.ends_early for result in runs)
        minutes = max(1, round(times * spent_s * (1.0 if looks else LOOKING_COSTS) / 60))
        more = f"{minutes:,} minute{'s' * (minutes > 1)}"
        name = f"{kind_of(verdict.entry, groups)}{verdict.entry.name}"
        notes.append(f"{name}: a duel of about {more} would settle it: run it with --until 2%")
    return notes


def _run_alone(groups: Sequence[Group]) -> list[Group]:
    """Those that took no turns: a duel is timed by them, and ends within an epoch."""
    return [entry for entry in groups if not any(result.slices for result in entry.done)]


def _first_epochs(groups: Sequence[Group]) -> list[str]:
    """A rate leaves the first epoch out, in which everything warms up, unless that is all that there is."""
    timed = [entry for entry in _run_alone(groups) if entry.images_per_s() is not None]
    single = [entry for entry in timed if set(entry.values(lambda run: run.training.epochs)) == {1}]
    if single and len(single) == len(timed):
        return [
            "images/s is that of a first epoch, in which everything warms up; run more epochs for the steady rate"
        ]
    return [
        f"{kind_of(entry, groups)}{entry.name}: its rate is that of its first epoch, which others leave out"
        for entry in single
    ]


def _learning(verdicts: Sequence[RowVerdict], groups: Sequence[Group]) -> list[str]:
    notes = []
    for verdict in verdicts:
        if verdict.learning.why and verdict.learning.same is not False:  # that is part of the answer
            notes.append(f"{kind_of(verdict.entry, groups)}{verdict.entry.name}: {verdict.learning.why}")
    return notes


def _outliers(groups: Sequence[Group]) -> list[str]:
    """Runs that stand out, which stay in all figures, and those whose timing is none."""
    notes = []
    for entry in groups:
        known = usable(entry.image_times())
        runs = entry.timed()
        notes += [
            f"{result.run}: {result.training.images_per_s:g} images/s is an invalid timing; excluded"
            for key, result in runs.items()
            if key not in known
        ]
        keys = list(known)
        notes += [
            f"{runs[keys[place]].run}: outlier among its {len(keys)} repeats; it is kept in all figures"
            for place in outliers(list(known.values()))
        ]
    return notes


def _explanations(verdicts: Sequence[RowVerdict], groups: Sequence[Group]) -> list[str]:
    notes = []
    times = [verdict.time for verdict in verdicts if verdict.time]
    if spreads := [time.spread for time in times if time.spread]:
        notes.append(_about_duels(max(spreads, key=lambda spread: spread.sd), groups))
    if any(len(entry.done) < MIN_RUNS for entry in _run_alone(groups) if entry.done):
        notes.append(
            f"{SINGLE_RUN}: with fewer than {MIN_RUNS} repeats no conclusion is drawn (--repeats {MIN_RUNS})"
        )
    return notes


def _about_duels(spread: Spread, groups: Sequence[Group]) -> str:
    duels = [result.environment.duel for entry in groups for result in entry.done if result.environment.duel]
    source = "assumed" if spread.is_assumed else "as duels on this machine showed"
    looked_at = any(duel.ends_early for duel in duels)
    early = (
        "; it holds though it was looked at after every round."
        " --repeats 5 in place of --until says more precisely how much"
        if looked_at
        else ""
    )
    tested = any(duel.accuracy for duel in duels)
    untested = "" if tested else ". Accuracy was not measured: the trainings were ended"
    turn_s = statistics.median(turn.seconds for entry in groups for run in entry.done for turn in run.slices)
    return (
        f"duel: the rows took turns of about {turn_s:.1f} s; the interval covers that processes differ by"
        f" {100 * spread.sd:.1f} % each time they are started ({source}){early}{untested}{_left_out(groups)}"
    )


def _left_out(groups: Sequence[Group]) -> str:
    """Of the rounds of a duel those that others on the machine disturbed."""
    rounds: dict[tuple[tuple[str, ...], int], float] = {}
    for run in (run for entry in groups for run in entry.done):
        arms = run.environment.duel.arms if run.environment.duel else ()
        for turn in run.slices:
            load = turn.other_load or 0.0
            rounds[arms, turn.round] = max(load, rounds.get((arms, turn.round), 0.0))
    loads = [load for load in rounds.values() if load > DISTURBED_SHARE]
    if not loads:
        return ""
    used = " to ".join(dict.fromkeys(f"{load:.0%}" for load in (min(loads), max(loads))))
    return (
        f". In {len(loads)} of {len(rounds)} rounds others used {used} of the cores: they count only where there"
        " are too few others"
    )


def _settings_in_all(results: Sequence[RunResult]) -> list[str]:
    """What was run, as far as no column says it: the usual settings, and those that are not as by default."""
    configs = [result.config for result in results if result.config.is_known]
    settings = []
    for key in (key for key in SETTINGS if key not in NOT_COMPARED):
        concerned = [config for config in configs if _applies(key, config)]
        values = {config.value(key) for config in concerned}
        if len(values) != 1:
            continue
        (value,) = values
        if SETTINGS[key].always_named or value != SETTINGS[key].default:
            where = "" if len(concerned) == len(configs) else " where it applies"
            settings.append(f"{key}={plain(value)}{where}")
    return [f"in all runs: {', '.join(settings)}"] if settings else []


def _applies(key: str, config: RunConfig) -> bool:
    return SETTINGS[key].applies_to(config.framework, config.track)


def _troubles(results: Sequence[RunResult]) -> list[str]:
    """Why runs failed and what is to be known of them; what many have in common is said of the first."""
    alike: dict[str, list[str]] = {}
    for result in results:
        if result.error and result.error.message:
            alike.setdefault(result.error.message, []).append(f"{result.run}: {result.error.message}")
        # The answer says once what disturbed the runs that completed.
        said = DISTURBANCES if result.completed else ()
        for warning in result.warnings:
            if warning.code not in said:
                kind = warning.message if warning.code == RunWarning().code else warning.code
                alike.setdefault(kind, []).append(f"{result.run}: {warning}")
    notes: list[str] = []
    for lines in alike.values():
        notes += lines if len(lines) <= MOST_ALIKE else [f"{lines[0]} (alike in {len(lines) - 1} more runs)"]
    return notes
