"""A run in styled text: its state, its progress and the load of the machine."""

from __future__ import annotations

from textual.content import Content

from tfpt_tui.config.schema import FRAMEWORK_TITLES, SETTINGS, describe_epochs, epochs_trained
from tfpt_tui.events import ALIVE, PHASES
from tfpt_tui.hardware.sample import GpuSample, Sample
from tfpt_tui.runs.record import Record, doubts, time_left_s
from tfpt_tui.ui.theme import FRAMEWORK_COLOURS, GLYPHS, status_style
from tfpt_tui.ui.watch import RunView

GAUGE = 20
HARDWARE_LINES = 3  # CPU, memory and worker; GPUs follow, a line each


def headline(view: RunView) -> Content:
    """Framework, version, device and status; below them the settings."""
    record, config = view.record, view.config
    framework = config.framework if config else view.id.split("-")[2]
    version = record.start.version if record.start else ""
    device = f" on {record.environment.device}" if record.environment else ""
    return Content.assemble(
        (
            f"{FRAMEWORK_TITLES.get(framework, framework)} {version}".rstrip(),
            f"bold {FRAMEWORK_COLOURS.get(framework, '')}",
        ),
        f"{device}  ",
        (f"{GLYPHS.get(view.status, '?')} {view.status.replace('_', ' ')}", status_style(view.status)),
        (f"\n{_settings(view)}", "$foreground-muted"),
    )


def progress(view: RunView, columns: int) -> Content:
    """What is going on, how far it is, how fast and how long it will take; or how it ended."""
    record = view.record
    if view.error:
        reason = view.error.message or ("stopped on request" if view.status == "stopped" else "it left no message")
        return Content.styled(reason, status_style(view.status))
    if view.status == "queued":
        return Content(view.waiting or "queued: it starts when the runs before it are done")
    if view.status not in ALIVE:
        return Content(f"{_seconds(record.elapsed)} in all, {_seconds(record.phases.get('training'))} of training")
    if not record.progress:
        number = PHASES.index(record.phase) + 1 if record.phase in PHASES else 0
        return Content(f"{record.phase or 'starting'}: phase {number} of {len(PHASES)}" if number else "starting")
    what = f"epoch {record.progress.epoch}/{len_epochs(record)}" if record.progress.epoch else record.phase
    left = f" {record.epoch_progress:4.0%} {record.progress.images_per_s:,.0f} img/s"
    time_left = time_left_s(record)
    left += "" if time_left is None else f" {_seconds(time_left)} left"
    width = max(4, min(GAUGE * 2, columns - len(what) - len(left) - 2))
    return Content.assemble(f"{what} ", *_gauge(record.epoch_progress, width, "$primary"), left)


def outcome(view: RunView) -> Content:
    """The latest loss and accuracy, the test's once it is there, and the rate with what makes it doubtful."""
    record = view.record
    why = doubts(view.warnings, "time")
    # The doubts must be seen on 80 columns, too.
    accuracy, unit = (" acc", "img/s") if why else ("  accuracy", "images/s")
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
    flags = Content.styled(f" {GLYPHS['warning']} {why}" if why else "", "$warning")
    return Content.assemble(f"{text}  {rate:,.0f} {unit}", flags)


def hardware(sample: Sample | None, gpu_problem: str) -> Content:
    """CPU, memory, worker and GPU, a line each; what is unknown is a dash."""
    if sample is None:
        return Content.styled("no hardware reading", "$foreground-muted")
    lines = [
        Content.assemble("CPU  ", *_load(sample.cpu_percent), f"   load {_number(sample.load_1m, '.1f')}"),
        Content.assemble("mem  ", *_share(sample.memory_used_bytes, sample.memory_total_bytes)),
        Content.assemble("work ", *_worker(sample)),
    ]
    lines += [_gpu(index, gpu) for index, gpu in enumerate(sample.gpus)]
    if not sample.gpus:
        lines.append(Content.styled(gpu_problem or "no GPU reading", "$foreground-muted"))
    return Content("\n").join(lines)


def len_epochs(record: Record) -> int:
    return epochs_trained(record.start.config) if record.start else 0


def _settings(view: RunView) -> str:
    config = view.config
    if config is None:
        return "its config.toml cannot be read"
    parts = [f"track {config.track}"] + ([f"{config.measure} only"] if config.measure != "end_to_end" else [])
    parts += [
        f"batch {config.batch_size}",
        describe_epochs(config),
        f"seed {config.seed}",
    ]
    if SETTINGS["num_workers"].applies_to(config.framework, config.track) and config.num_workers:
        parts.append(f"{config.num_workers} workers")
    parts += ["cached"] * config.cache + ["not augmented"] * (not config.augment)
    return ", ".join(parts)


def _gpu(index: int, gpu: GpuSample) -> Content:
    throttle = (f" {gpu.throttle}", "$warning") if gpu.throttle else ""
    return Content.assemble(
        f"GPU{index} ",
        *_load(gpu.utilization_percent),
        f"  {_gigabytes(gpu.memory_used_bytes)}/{_gigabytes(gpu.memory_total_bytes)} GB"
        f"  {_number(gpu.power_w, '.0f')}/{_number(gpu.power_limit_w, '.0f')} W"
        f"  {_number(gpu.temperature_c, '.0f')} C  {_number(gpu.sm_clock_mhz, '.0f')} MHz",
        throttle,
    )


def _worker(sample: Sample) -> tuple[Content | str, ...]:
    """The worker and its image loaders; their CPU share is of one core, the gauge's of all."""
    cores = len(sample.cores_percent) or 1
    count = _number(sample.worker_processes, ".0f")
    processes = f"{count} process{'' if count == '1' else 'es'}"
    return (
        *_gauge((sample.worker_cpu_percent or 0) / 100 / cores, GAUGE // 2, "$secondary"),
        f" {_number(sample.worker_cpu_percent, '3.0f')} %",
        f"   {_gigabytes(sample.worker_rss_bytes)} GB in {processes}",
    )


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
