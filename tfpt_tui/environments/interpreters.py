"""Which interpreter runs a framework, and whether the framework is installed there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

from tfpt_tui.config.schema import FRAMEWORK_TITLES, FRAMEWORKS
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import MissingError

# Modules that a backend imports, and the distributions that bring them. torchvision brings Pillow.
MODULES = {
    "pytorch": ("torch", "torchvision", "numpy", "PIL"),
    "tensorflow": ("tensorflow", "keras", "numpy", "PIL"),
}
DISTRIBUTIONS = {"pytorch": "torch torchvision", "tensorflow": "tensorflow pillow"}
# The usual build of PyTorch has its CUDA with it, but pip leaves a build for the CPU alone.
GPU_DISTRIBUTIONS = {
    "pytorch": "--force-reinstall torch torchvision",
    "tensorflow": "'tensorflow[and-cuda]' pillow",
}
PROBE_TIMEOUT_S = 30

IMPORT_TIMEOUT_S = 120

_COUNT_GPUS = {
    "pytorch": "import torch; print('gpus:', torch.cuda.device_count())",
    "tensorflow": "import tensorflow as tf; print('gpus:', len(tf.config.list_physical_devices('GPU')))",
}
_PROBE = (
    "import importlib.util, sys\n"
    "print('missing:', *[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None])"
)


def interpreter_of(framework: str, settings: UserSettings) -> str:
    """The interpreter set for the framework, by default the one that runs us."""
    return os.path.expanduser(settings.interpreters.get(framework, sys.executable))


def check_framework(framework: str, settings: UserSettings) -> str:
    """The interpreter of the framework, once it is known that the framework is installed there.

    Raises:
        MissingError: no such interpreter, or one without the framework; the message has the line that mends it.
    """
    interpreter = interpreter_of(framework, settings)
    missing = _missing_modules(interpreter, MODULES[framework])
    if missing:
        raise MissingError(
            f"{FRAMEWORK_TITLES[framework]} is not installed for {interpreter} (no module {missing[0]});"
            f" install it with: {install_line(framework, interpreter)}"
        )
    return interpreter


def missing_frameworks(settings: UserSettings) -> list[str]:
    """One line for every framework that is missing, with the line that installs it.

    Quick: it looks into our own interpreter only, as asking another one means starting it.
    """
    return [
        f"{FRAMEWORK_TITLES[framework]} is not installed; install it with: "
        + install_line(framework, sys.executable)
        for framework in FRAMEWORKS
        if interpreter_of(framework, settings) == sys.executable and _missing_here(MODULES[framework])
    ]


def install_line(framework: str, interpreter: str, gpu: bool = False) -> str:
    """The line that installs the framework, with ``gpu`` the build for GPUs in place of another one."""
    distributions = GPU_DISTRIBUTIONS[framework] if gpu else DISTRIBUTIONS[framework]
    return f"{interpreter} -m pip install {distributions}"


def count_gpus(framework: str, interpreter: str) -> int:
    """How many GPUs the framework sees. It is imported for it, in a process of its own: this takes seconds.

    Raises:
        MissingError: it cannot be imported, or does not answer.
    """
    answer = _ask(interpreter, _COUNT_GPUS[framework], timeout_s=IMPORT_TIMEOUT_S)
    return int(answer.rpartition("gpus:")[2])


def _missing_modules(interpreter: str, modules: tuple[str, ...]) -> list[str]:
    if interpreter == sys.executable:
        return _missing_here(modules)
    if shutil.which(interpreter) is None:
        raise MissingError(
            f"{interpreter}: no such interpreter; correct [interpreters] in the settings (see tfpt-tui paths)"
        )
    word, *missing = _ask(interpreter, _PROBE, *modules).split() or [""]
    if word != "missing:":
        raise MissingError(f"{interpreter}: is no working Python interpreter: it does not answer")
    return missing


def _ask(interpreter: str, code: str, *arguments: str, timeout_s: int = PROBE_TIMEOUT_S) -> str:
    """What the interpreter prints when it runs ``code``."""
    try:
        probe = subprocess.run(
            [interpreter, "-c", code, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise MissingError(f"{interpreter}: does not answer within {timeout_s} s") from None
    except OSError as error:
        raise MissingError(f"{interpreter}: cannot be started: {error.strerror}") from None
    if probe.returncode:
        last = (probe.stderr.strip().splitlines() or [f"exit code {probe.returncode}"])[-1]
        raise MissingError(f"{interpreter}: is no working Python interpreter: {last}")
    return probe.stdout


def _missing_here(modules: tuple[str, ...]) -> list[str]:
    return [name for name in modules if importlib.util.find_spec(name) is None]
