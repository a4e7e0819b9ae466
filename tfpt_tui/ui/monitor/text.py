"""A run in styled text: its state, its progress and the load of the machine."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence, Sized
from dataclasses import replace
from itertools import zip_longest

from textual.content import Content

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import SETTINGS, RunConfig, describe_epochs, epochs_trained
from tfpt_tui.errors import printable
from tfpt_tui.events import ALIVE, PHASES, Progress
from tfpt_tui.hardware.sample import GpuSample, Sample
from tfpt_tui.runs.record.fold import Record, share_done, time_left_s
from tfpt_tui.runs.record.result import RunResult, doubts, median_throughput, training_of
from tfpt_tui.ui.monitor.curves import CORES, SHARES, Shown
from tfpt_tui.ui.monitor.reader import RunView, Turns
from tfpt_tui.ui.monitor.watch import MachineView
from tfpt_tui.ui.plot import Series
from tfpt_tui.ui.theme import CURVE_LETTERS, GLYPHS, PHASE_MARKS, framework_style, status_style
from tfpt_tui.wording import printable_lines

GAUGE, LEAST_GAUGE = 20, 4
WIDE = 70  # columns from which there is room for what is nice to know
PHASE_WORDS = {
    "device_init": "device",
    "data_loading": "data",
    "cache_fill": "cache",
    "model_building": "model",
    "model_saving": "saving",
    "model_loading": "loading",
    "evaluation": "test",
}
# The headline has these in words of its own; the others are named where they are not as usual.
IN_WORDS = (
    *("framework", "track", "data", "batch_size", "epochs", "epochs_measured", "seed"),
    *("num_workers", "cache", "augment", "measure", "timeout_s"),
)
BARS = "▁▂▃▄▅▆▇█"
MOST_CORES = 64
HARDWARE_LINES = 3  # CPU, memory and worker; GPUs follow, a line each, or why no GPU can be read


def headline(view: RunView) -> Content:
    """Framework, version, device and status, of a duel the frameworks; below them the settings."""
    record = view.record
    version = f" {printable(record.start.version)}" if record.start and not view.turns else ""
    places = [view.machine, record.environment.device if record.environment else ""]
    device = f" on {printable(', '.join(filter(None, places)))}" if any(places) else ""
    frameworks = dict.fromkeys(arm.framework for arm in view.turns) or (view.framework,)
    names = [Content.styled(title_of(name), f"bold {framework_style(name)}") for name in frameworks]
    return Content.assemble(
        Content(", ").join(names),
        (version, f"bold {framework_style(view.framework)}"),
        f"{' by turns' * bool(view.turns)}{device}  ",
        (f"{GLYPHS.get(view.status, '?')} {view.status.replace('_', ' ')}", status_style(view.status)),
        (f"\n{_settings(view)}", "$foreground-muted"),
    )


def progress(view: RunView, columns: int) -> Content:
    """What is going on, how far it is, how fast and how long it will take; or how it ended."""
    record = _between_epochs(view.record)
    if view.error:
        return Content.styled(printable_lines(view.error.message), status_style(view.status))
    if view.status == "running" and view.waiting:
        return Content(printable(view.waiting))
    if view.status == "queued":
        return Content(printable(view.waiting) or "queued: it starts when the runs before it are done")
    if view.status not in ALIVE:
        return Content(f"{_seconds(record.elapsed)} in all, {_seconds(record.phases.get('training'))} of training")
    if not record.progress:
        number = PHASES.index(record.phase) + 1 if record.phase in PHASES else 0
        return Content(f"{record.phase or 'starting'}: phase {number} of {len(PHASES)}" if number else "starting")
    phase = printable(record.phase)
    what = f"epoch {record.progress.epoch}/{len_epochs(record)}" if record.progress.epoch else phase
    if view.config and columns >= WIDE:
        batch = view.config.batch_size
        what += f"  batch {record.progress.done // batch:,}/{max(1, record.progress.total // batch):,}"
    share, time_left = share_done(record), time_left_s(record)
    done, pace = f" {share:4.0%}", f" {record.progress.images_per_s:,.0f} img/s"
    left = "" if time_left is None else f" {_seconds(time_left)} left"
    width = min(GAUGE * 2, columns - len(what) - len(done + pace + left) - 2)
    if width >= LEAST_GAUGE:
        return Content.assemble(f"{what} ", *_gauge(share, width, "$primary"), done, pace, left)
    room = len(what + done + pace + left) <= columns
    return Content(what + done + (pace if room else "") + left)


def _between_epochs(record: Record) -> Record:
    """While an epoch has told nothing yet, the one before it tells how fast it goes."""
    if record.phase != "training" or not record.epochs:
        return record
    last, progress = record.epochs[-1], record.progress
    if progress is None:
        images = round(last.images_per_s * last.seconds)
        progress = Progress("training", last.epoch, images, images)
    return replace(record, progress=replace(progress, images_per_s=progress.images_per_s or last.images_per_s))


def timeline(record: Record, columns: int) -> Content:
    """All phases as parts of a bar, as long as they took: their names and seconds as far as there is room."""
    phases = dict(record.phases)
    if record.phase:
        phases[record.phase] = max(record.elapsed - record.phase_elapsed, 0.0)
    spent = [(phase, seconds) for phase, seconds in phases.items() if seconds > 0]
    total = sum(seconds for _, seconds in spent)
    if not total or columns < 1:
        return Content()
    parts, before, start = [], 0.0, 0
    for phase, seconds in spent:
        before += seconds
        end = round(before / total * columns)
        usual = PHASE_MARKS[phase][1] if phase in PHASE_MARKS else "$foreground-muted on $panel"
        style = "bold $text on $primary" if phase == record.phase else usual
        parts.append(Content.styled(_phase_text(phase, seconds, end - start), style))
        start = end
    return Content("").join(parts)


def legend(runs: Sequence[Shown], baseline: str | None) -> Content:
    """A line for each run that is drawn: its letter, what it is, and its time by that of the baseline."""
    against = next((run for run in runs if run.view.id == baseline), None)
    return Content("\n").join(_legend_line(run, against) for run in sorted(runs, key=lambda run: run.label))


def _legend_line(run: Shown, against: Shown | None) -> Content:
    config = run.view.config
    settings = "".join(f", {part}" for part in (*_work(config), *_pipeline(config))) if config else ""
    words = f" {title_of(run.view.framework)}{settings}, {run.view.id[-4:]}"
    own, base = _rate(run), _rate(against) if against else 0.0
    if run is against:
        words += ": baseline"
    elif own and base and against and _kind(run) == _kind(against):
        words += f": {base / own:.2f}x its time per image"
    return Content.assemble((f"━ {run.label}", f"bold {run.colour}"), words)


def _kind(run: Shown) -> tuple[str, ...]:
    """Only the times of one track and one measure are compared."""
    config = run.view.config
    return (config.track, config.measure) if config else ()


def _rate(run: Shown) -> float:
    """Steady images/s, 0 where there are none yet."""
    epochs = run.view.record.epochs
    return median_throughput(epochs) or 0.0


def _phase_text(phase: str, seconds: float, width: int) -> str:
    """The longest text that fits: name and seconds, the name, or nothing."""
    word = PHASE_WORDS.get(phase, printable(phase))
    for text in (f" {word} {_seconds(seconds)} ", f" {word}", word):
        if len(text) <= width:
            return text.ljust(width)
    return " " * width


def outcome(view: RunView, columns: int) -> Content:
    """The latest loss and accuracy, the test's once it is there, and the rate with what makes it doubtful; of a
    duel the rates of its arms, which have names where there is room.
    """
    record = view.record
    why = ", ".join(doubts(view.warnings, "time"))
    flags = Content.styled(f" {GLYPHS['warning']} {why}" if why else "", "$warning")
    # The doubts must be seen on 80 columns, too.
    accuracy, unit = (" acc", "img/s") if why else ("  accuracy", "images/s")
    if any(arm.rates for arm in view.turns):
        tests = [f"{arm.test_accuracy:.3f}" for arm in view.turns if arm.test_accuracy is not None]
        learned = f"  test {', '.join(tests)}" if len(tests) == len(view.turns) else ""
        titles = [title_of(arm.framework) for arm in view.turns]
        named = Content.assemble(f"{_rates_of_arms(view.turns, titles)} {unit}", flags, learned)
        if named.cell_length <= columns:
            return named
        return Content.assemble(f"{_rates_of_arms(view.turns, [])} {unit}", flags, learned)
    if record.evaluation:
        test = record.evaluation
        text = f"test loss {test.loss:.4f}{accuracy} {test.accuracy:.4f}"
    elif record.epochs:
        epoch = record.epochs[-1]
        text = "loading only: nothing is trained"
        if epoch.loss is not None:
            text = f"train loss {epoch.loss:.4f}{accuracy} {epoch.accuracy:.4f}"
    else:
        yet = "no epoch is over yet" if view.status in ALIVE else "it ended before its first epoch was over"
        return Content.styled(yet, "$foreground-muted")
    rate = record.epochs[-1].images_per_s if record.epochs else 0.0
    if record.epochs and view.status not in ALIVE and view.config:  # as comparisons have it
        rate = training_of(record.epochs, view.config, record.slices).throughput or 0.0
    return Content.assemble(f"{text}  {rate:,.0f} {unit}", flags)


def _rates_of_arms(turns: Sequence[Turns], titles: Sequence[str]) -> str:
    """Of each arm, with the letter of its curve and its title if there are any."""
    named = zip_longest(CURVE_LETTERS[: len(turns)], titles, fillvalue="")
    rates = (_number(arm.rate, ",.0f") for arm in turns)
    return ", ".join(" ".join(filter(None, (*name, rate))) for name, rate in zip(named, rates, strict=False))


def hardware(sample: Sample | None, gpu_problem: str, live: bool = True) -> Content:
    """CPU, memory, worker and GPUs, a line each; what is unknown is a dash. Of a run that is over, the last.

    ``gpu_problem`` says why no GPU can be read, "" where that need not be said.
    """
    if sample is None:
        return Content.styled("no hardware reading", "$foreground-muted")
    lines = [
        Content.assemble(
            "CPU  ",
            *_load(sample.cpu_percent),
            f"   load {_number(sample.load_1m, '.1f')}",
            _cores(sample),
        ),
        Content.assemble(
            "mem  ",
            *_share(sample.memory_used_bytes, sample.memory_total_bytes),
            "" if live else "   all as at its end",
        ),
        Content.assemble("work ", *_worker(sample)),
    ]
    lines += [_gpu(index, gpu) for index, gpu in enumerate(sample.gpus)]
    if not sample.gpus and gpu_problem:
        lines.append(Content.styled(printable(gpu_problem), "$foreground-muted"))
    return Content("\n").join(lines)


def history(courses: Mapping[str, Sequence[Series]], columns: int) -> Content:
    """Small bars of every reading from the run's start until now, with the latest value and the highest."""
    named = [(_name_of(figure, one), figure, one) for figure, series in courses.items() for one in series]
    width = max([len(name) for name, _, _ in named], default=0)
    lines = [
        Content.assemble(
            (f"{name:<{width}} ", "$foreground-muted"),
            (sparkline(one.ys, columns - width - 22, SHARES.get(figure)), "$secondary"),
            f" {one.ys[-1]:7,.1f}",
            (f" max {max(one.ys):7,.1f}", "$foreground-muted"),
        )
        for name, figure, one in named
    ]
    return Content("\n").join(lines)


def _name_of(figure: str, course: Series) -> str:
    if figure == CORES:
        return course.label
    return figure.replace("GPU", course.label) if course.label else figure


def sparkline(ys: Sequence[float], width: int, y_range: tuple[float, float] | None = None) -> str:
    """A bar for each of the values, or for the mean of neighbours where they are more than the width has room for.

    Without a range the lowest bar is 0 and the highest the largest value.
    """
    count = max(1, min(width, len(ys)))
    means = [
        statistics.fmean(ys[len(ys) * place // count : len(ys) * (place + 1) // count]) for place in range(count)
    ]
    low, high = y_range or (0.0, max(*means, 0.0, 1e-9))
    bars = [BARS[min(max(int((y - low) / (high - low) * len(BARS)), 0), len(BARS) - 1)] for y in means]
    return "".join(bars).ljust(width)


def counted(runs: Sized) -> str:
    return f"{len(runs):,} run{'' if len(runs) == 1 else 's'}"


def named(runs: Sequence[RunResult]) -> str:
    """One run by its ID, several by how many they are and the frameworks among them."""
    if len(runs) == 1:
        return runs[0].run
    frameworks = dict.fromkeys(title_of(run.framework) for run in runs)
    return f"{counted(runs)} of {' and '.join(frameworks)}"


def all_ended(before: Sequence[RunResult], runs: Sequence[RunResult]) -> str:
    """How those ended that were alive before, with the others of their plans, once nothing is alive any more; ""
    while something is.
    """
    alive = [run for run in before if run.status in ALIVE]
    if not alive or any(run.status in ALIVE for run in runs):
        return ""
    names = {run.run for run in alive} | {run.sweep for run in alive if run.sweep}
    endings = Counter(run.status.replace("_", " ") for run in runs if run.run in names or run.sweep in names)
    said = ", ".join(f"{count} run{'s' * (count > 1)} {status}" for status, count in endings.items())
    return said


def len_epochs(record: Record) -> int:
    return epochs_trained(record.start.config) if record.start else 0


def _settings(view: RunView) -> str:
    config = view.config
    if config is None:
        return "its config.toml cannot be read"
    return ", ".join([*_work(config), describe_epochs(config), f"seed {config.seed}", *_pipeline(config)])


def _work(config: RunConfig) -> list[str]:
    only = [f"{config.measure} only"] if config.measure != "end_to_end" else []
    return [f"track {config.track}", *only, f"batch {config.batch_size}"]


def _pipeline(config: RunConfig) -> list[str]:
    workers = config.num_workers if SETTINGS["num_workers"].applies_to(config.framework, config.track) else 0
    parts = [f"{workers} workers"] if workers else []
    parts += ["cached"] * config.cache + ["not augmented"] * (not config.augment)
    return [*parts, *_unusual(config)]


def _unusual(config: RunConfig) -> list[str]:
    """The settings that are not as they are by default, and may be all in which two runs of a sweep differ."""
    values = {key: getattr(config, key) for key in SETTINGS if key not in IN_WORDS}
    return [f"{key} {printable(str(value))}" for key, value in values.items() if value != SETTINGS[key].default]


def _gpu(index: int, gpu: GpuSample) -> Content:
    throttle = (f" {printable(gpu.throttle)}", "$warning") if gpu.throttle else ""
    return Content.assemble(
        f"GPU{index} ",
        *_load(gpu.utilization_percent),
        f"  {_gigabytes(gpu.memory_used_bytes)}/{_gigabytes(gpu.memory_total_bytes)} GB"
        f"  {_number(gpu.power_w, '.0f')}/{_number(gpu.power_limit_w, '.0f')} W"
        f"  {_number(gpu.temperature_c, '.0f')} C  {_number(gpu.sm_clock_mhz, '.0f')} MHz",
        throttle,
    )


def _worker(sample: Sample) -> tuple[Content | str, ...]:
    """The worker and its image loaders; their share is of all cores, as the machine's is."""
    cores = len(sample.cores_percent) or 1
    used = None if sample.worker_cpu_percent is None else sample.worker_cpu_percent / cores
    count = _number(sample.worker_processes, ".0f")
    processes = f"{count} process{'' if count == '1' else 'es'}"
    return (
        *_gauge((used or 0) / 100, GAUGE // 2, "$secondary"),
        f" {_number(used, '3.0f')} %",
        f"   {_gigabytes(sample.worker_rss_bytes)} GB in {processes}",
    )


def _cores(sample: Sample) -> str:
    """A bar for every core, as far as it makes sense to look at them one by one."""
    if not 1 < len(sample.cores_percent) <= MOST_CORES:
        return ""
    return "   cores " + "".join(
        BARS[min(int(percent / 100 * len(BARS)), len(BARS) - 1)] for percent in sample.cores_percent
    )


def machine_lines(machines: Sequence[MachineView]) -> Content:
    """A line for each other machine: what it does and how busy it is, or since when it is not heard."""
    lines = []
    for one in machines:
        if one.silent:
            glyph, style = GLYPHS["warning"], "$text-warning"
            words = one.silent + (f": {one.problem.removeprefix(f'{one.name}: ')}" if one.problem else "")
        else:
            training = bool(one.doing != "idle")
            glyph, style = (
                GLYPHS["running" if training else "queued"],
                "$success" if training else "$foreground-muted",
            )
            load = ", ".join(f"GPU {share} %" for share in one.gpus_percent) or f"CPU {one.cpu_percent} %"
            words = f"{one.doing}, {load}"
        lines.append(
            Content.assemble(
                (f"{glyph} ", style), (printable(one.name), "bold"), (f" {printable(words)}", "$text-muted")
            )
        )
    return Content("\n").join(lines)


def _load(percent: float | None) -> tuple[Content | str, ...]:
    return (*_gauge((percent or 0) / 100, GAUGE // 2, "$secondary"), f" {_number(percent, '3.0f')} %")


def _share(used: float | None, total: float | None) -> tuple[Content | str, ...]:
    share = used / total if used is not None and total else 0.0
    return (*_gauge(share, GAUGE // 2, "$secondary"), f" {_gigabytes(used)}/{_gigabytes(total)} GB")


def _gauge(share: float, width: int, style: str) -> tuple[Content, Content]:
    full = round(min(max(share, 0.0), 1.0) * width)
    return Content.styled("━" * full, style), Content.styled("─" * (width - full), "$foreground-disabled")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _gigabytes(value: float | None) -> str:
    return _number(None if value is None else value / 1e9, ".1f")


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 60:
        return f"{value:.0f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min {seconds:02} s"
