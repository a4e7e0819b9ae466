"""The frameworks in their interpreters: whether they are there, can be imported, and see the GPU."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tfpt_tui.config.frameworks import FRAMEWORKS, Framework, title_of, titles
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.asking import never
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.environments.interpreters import install_line, interpreter_of
from tfpt_tui.environments.probe import Probe, probe
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.preflight import used_gpu


def _env_create(framework: Framework) -> str:
    option = "" if framework.requirements.usual_build_has_cuda else " --gpu"
    return f"tfpt-tui env create {framework.name}{option}"


SEPARATE = (
    "give each framework an environment of its own, and name it in a run with environment=NAME:"
    f" {'; '.join(map(_env_create, FRAMEWORKS.values()))}"
)
# What fixes a machine that starts no process, by its error.
LIMITS = {
    errno.EMFILE: "ulimit -n 4096",
    errno.ENFILE: "end programs that hold many files open",
    errno.EAGAIN: "raise the limit of processes: ulimit -u",
    errno.ENOMEM: "end programs that use much memory",
}
AT_ONCE = 2  # probes; more would wait for each other's imports


def probe_all(settings: UserSettings, cancelled: Callable[[], bool] = never) -> dict[tuple[str, str], Probe]:
    """Every framework in every environment, by environment and framework; seconds each, two at a time.

    Raises:
        AbandonedError: ``cancelled`` became true.
    """
    places = [
        (name, framework) for name in (DEFAULT_ENVIRONMENT, *settings.environments) for framework in FRAMEWORKS
    ]
    interpreters = [interpreter_of(framework, settings, name) for name, framework in places]
    over = threading.Event()

    def probe_one(place: tuple[str, str], interpreter: str) -> Probe:
        return probe(place[1], interpreter, cancelled=lambda: over.is_set() or cancelled())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            return dict(zip(places, pool.map(probe_one, places, interpreters), strict=True))
        finally:
            over.set()  # Interrupted: leaving the pool waits for its threads, and they for their processes.


def judge_frameworks(
    probes: Mapping[tuple[str, str], Probe], gpu: GpuReading, limited: bool = False
) -> list[Finding]:
    """What to know of each framework; a named environment need hold only one of them.

    With ``limited`` address space an import fails without anything being broken.
    """
    findings: list[Finding] = []
    for name in dict.fromkeys(name for name, _ in probes):
        found = [probes[name, framework] for framework in FRAMEWORKS if (name, framework) in probes]
        held = [one for one in found if not one.absent]
        if name == DEFAULT_ENVIRONMENT:
            held = found
        elif not held:
            findings.append(_judge_empty(name, found))
        findings += [finding for one in held for finding in judge_framework(one, gpu, name, limited)]
        findings += _judge_overwritten(found, name)
    return findings


def judge_framework(
    found: Probe, gpu: GpuReading, environment: str = DEFAULT_ENVIRONMENT, limited: bool = False
) -> list[Finding]:
    """One framework in its interpreter: why it cannot be used, or what it is and whether it sees the GPU."""
    topic = _topic(found.framework, environment)
    if found.problem:
        remedy = "ulimit -v unlimited" if found.broken and limited else _fix_of(found, environment, gpu)
        return [Finding("error", topic, f"{found.interpreter}: {_explain(found)}", remedy)]
    parts = [f"{found.version}, Python {found.python}"]
    parts += [f"built for CUDA {found.cuda}"] * bool(found.cuda)
    parts += [f"imported in {found.import_s:.1f} s"] * (found.import_s is not None)
    parts += [f"sees {len(found.gpus)} x {found.gpus[0]}" if found.gpus else "sees no GPU"]
    findings = [Finding("ok", topic, ", ".join(parts)), *_judge_blindness(found, gpu, topic)]
    return findings + _judge_kernels(found, topic)


def _judge_kernels(found: Probe, topic: str) -> list[Finding]:
    """Whether it computes without its kernel library on this processor, as some leave it off by themselves."""
    library = FRAMEWORKS[found.framework].kernel_library
    if found.onednn is not False or library is None:
        return []
    return [Finding("note", topic, library.missing, library.fix)]


def _judge_empty(name: str, found: Sequence[Probe]) -> Finding:
    return Finding(
        "error",
        f"environment {name}",
        f"{found[0].interpreter}: holds none of {', '.join(titles())}",
        f"install one there, or forget it: tfpt-tui env remove {name}",
    )


def _explain(found: Probe) -> str:
    framework = FRAMEWORKS[found.framework]
    first = framework.distributions[0]
    if framework.matched_builds and found.broken in framework.modules[1:] and first in found.packages:
        named = [f"{name} {found.packages.get(name, '')}".rstrip() for name in framework.distributions]
        return f"{found.problem}; {' and '.join(named)} are not builds for each other"
    return found.problem


def _fix_of(found: Probe, environment: str, gpu: GpuReading) -> str:
    if found.refused:
        return LIMITS[found.refused]
    if found.missing:
        return install_line(found.framework, found.interpreter)
    named = environment != DEFAULT_ENVIRONMENT
    framework = FRAMEWORKS[found.framework]
    if (framework.matched_builds and found.broken in framework.modules) or (found.broken and named):
        # In its own environment the version stays, which its name may tell; matched builds fit each other again.
        version = found.packages.get(framework.distributions[0], "") if named else ""
        return install_line(found.framework, found.interpreter, anew=True, version=version)
    if found.broken:
        option = " --gpu" if gpu.names else ""
        return f"give it an environment of its own: tfpt-tui env create {found.framework}{option}"
    if found.python:
        return (
            f"make one of another Python, and name it with environment=NAME: tfpt-tui env create {found.framework}"
        )
    if named:
        return f"tfpt-tui env remove {environment}"
    return "correct [interpreters] in config.toml (tfpt-tui paths says where it is)"


def _judge_blindness(found: Probe, gpu: GpuReading, topic: str) -> list[Finding]:
    """NVML shows a GPU and the framework sees none: it would train on the CPU and left no message."""
    if found.gpus or used_gpu("auto", gpu) is None:  # CUDA_VISIBLE_DEVICES may hide it: doctor says so elsewhere
        return []
    fixed = install_line(found.framework, found.interpreter, gpu=True)
    built, driver = _major(found.cuda), _major(gpu.cuda_driver)
    if not found.cuda:
        why = "it is a build for the CPU alone"
    elif built and driver and built > driver:
        why = f"it is built for CUDA {found.cuda}, and the driver runs CUDA {gpu.cuda_driver} at most"
        fixed = (
            "install a newer driver, or an older version,"
            f" with tfpt-tui env create {found.framework} --gpu --version V"
        )
    else:
        why = "its CUDA libraries are missing or do not fit"
    return [
        Finding("warning", topic, f"sees no GPU where the machine has one, and trains on the CPU: {why}", fixed)
    ]


def _judge_overwritten(found: Sequence[Probe], environment: str) -> list[Finding]:
    """Both frameworks' GPU packages in one place: the later one replaced libraries of the other."""
    shared = {folder: names for one in found for folder, names in one.overwritten.items()}
    if not shared:
        return []
    folder, names = next(iter(shared.items()))
    more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
    return [
        Finding(
            "warning",
            "CUDA libraries" if environment == DEFAULT_ENVIRONMENT else f"environment {environment}",
            f"{' and '.join(names)} both wrote to {folder}{more}: the one installed last replaced the other's"
            " libraries, and a framework may fail on the GPU or use a cuDNN that it was not built for",
            SEPARATE,
        )
    ]


def _topic(framework: str, environment: str) -> str:
    title = title_of(framework)
    return title if environment == DEFAULT_ENVIRONMENT else f"{title} in {environment}"


def _major(version: str) -> int:
    first = version.partition(".")[0]
    return int(first) if first.isdecimal() else 0
