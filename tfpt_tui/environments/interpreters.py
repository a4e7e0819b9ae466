"""Which interpreter runs a framework, whether the framework is there, and how we start processes in it."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import tfpt_tui
from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT, nearest
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.asking import Answer, ask, never
from tfpt_tui.errors import MissingError

ANSWER_TIMEOUT_S = 30
PACKAGE = Path(tfpt_tui.__file__).parent
# The first two would show our site-packages, or another Python's library, to the framework's interpreter.
HIDDEN_VARIABLES = (
    *("PYTHONPATH", "PYTHONHOME"),
    *(name for framework in FRAMEWORKS.values() for name in framework.hidden_variables),
)

OLDEST_PYTHON = (3, 11)

# Every Python can read this, be it ever so old; the working directory may hold a folder of a framework's name.
_VERSION = "import sys; sys.stdout.write('python: %d.%d.%d\\n' % sys.version_info[:3]); sys.stdout.flush()\n"
_MISSING = _VERSION + (
    "sys.path[:] = [place for place in sys.path if place]\n"
    "import importlib.util\n"
    "missing = [name for name in sys.argv[1:] if not getattr(importlib.util.find_spec(name), 'origin', None)]\n"
    "sys.stdout.write('missing: ' + ' '.join(missing) + '\\n')"
)


def worker_command(interpreter: str, directory: str | Path, *task: str, package: Path = PACKAGE) -> list[str]:
    """The command that starts ``backends/launch.py`` for a directory; see there for ``task``.

    ``package`` is the folder whose backends run: ours, or a copy.
    """
    # -P: the directory of launch.py has a package named like TensorFlow's.
    launch = package / "backends" / "launch.py"
    return [interpreter, "-P", str(launch), str(directory), str(os.getpid()), *task]


def worker_variables() -> dict[str, str]:
    """The environment variables of every process that we start in a framework's interpreter.

    GPUs are counted as NVML counts them, by their place on the bus, so that gpu:N is the same one everywhere.
    """
    ours = {name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES}
    return ours | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def interpreter_of(framework: str, settings: UserSettings, environment: str = DEFAULT_ENVIRONMENT) -> str:
    """The interpreter of the environment; by default the one set for the framework, else the one that runs us.

    Raises:
        MissingError: no environment of that name.
    """
    if environment == DEFAULT_ENVIRONMENT:
        return os.path.expanduser(settings.interpreters.get(framework, sys.executable))
    if environment not in settings.environments:
        hint = nearest(environment, settings.environments)
        raise MissingError(
            f"environment={environment}: no environment of that name{hint}; tfpt-tui env list shows them,"
            f" tfpt-tui env add {environment} PYTHON makes one"
        )
    return settings.environments[environment]


def check_framework(framework: str, settings: UserSettings, environment: str = DEFAULT_ENVIRONMENT) -> str:
    """The interpreter of the framework, once it is known that the framework is installed there.

    Raises:
        MissingError: no such interpreter, or one without the framework; the message has the line that fixes it.
    """
    interpreter = interpreter_of(framework, settings, environment)
    modules = FRAMEWORKS[framework].imported
    missing = _missing_modules(interpreter, modules)
    if missing:
        lacks = "is not installed for" if missing[0] == modules[0] else "lacks what it needs in"
        raise MissingError(
            f"{title_of(framework)} {lacks} {interpreter} (no module {missing[0]});"
            f" install it with: {install_line(framework, interpreter)}"
        )
    return interpreter


def missing_frameworks(settings: UserSettings) -> list[str]:
    """One line for every framework that is missing, with the line that installs it.

    Quick: it looks into our own interpreter only, as asking another one means starting it.
    """
    return [
        f"{title_of(framework)} is not installed; install it with: " + install_line(framework, sys.executable)
        for framework in FRAMEWORKS
        if interpreter_of(framework, settings) == sys.executable and _missing_here(FRAMEWORKS[framework].imported)
    ]


def install_line(
    framework: str, interpreter: str, *, gpu: bool = False, anew: bool = False, version: str = ""
) -> str:
    """The line that installs the framework, with ``gpu`` the build for GPUs in place of another one.

    ``anew`` replaces what is there and broken. ``version`` is such as ``2.8.0+cpu``; the build is not held to.
    """
    needed = FRAMEWORKS[framework].requirements
    first, *others = needed.gpu if gpu else needed.cpu
    if version:
        first = f"{first}=={version.partition('+')[0]}"
    # pip leaves a build for the CPU alone where it has the name of the usual one.
    option = "--force-reinstall " if anew or (gpu and needed.usual_build_has_cuda) else ""
    return f"{installer_of(interpreter)} {option}{shlex.join([first, *others])}"


def installer_of(interpreter: str) -> str:
    """The command that installs packages for the interpreter: uv makes environments that have no pip."""
    home = Path(interpreter).parent.parent
    if (home / "pyvenv.cfg").exists() and not any(home.glob("lib/python*/site-packages/pip")):
        return f"uv pip install --python {shlex.quote(interpreter)}"
    return f"{shlex.quote(interpreter)} -m pip install"


def _missing_modules(interpreter: str, modules: tuple[str, ...]) -> list[str]:
    if interpreter == sys.executable:
        return _missing_here(modules)
    if shutil.which(interpreter) is None:
        raise MissingError(
            f"{interpreter}: no such interpreter; correct [interpreters] in the settings (see tfpt-tui paths)"
            " or the environment (see tfpt-tui env list)"
        )
    answer = _ask(interpreter, _MISSING, *modules)
    python = _told_version(answer.stdout)
    if python and tuple(map(int, python.split(".")[:2])) < OLDEST_PYTHON:
        raise MissingError(f"{interpreter}: {too_old(python)}; tfpt-tui env create makes another")
    if answer.cut:
        raise MissingError(f"{interpreter}: does not answer within {ANSWER_TIMEOUT_S} s")
    if answer.returncode:
        raise MissingError(f"{interpreter}: is not a working Python interpreter: {answer.reason}")
    if "missing:" not in answer.stdout:
        raise MissingError(f"{interpreter}: is not a working Python interpreter: it does not answer")
    return answer.stdout.rpartition("missing:")[2].split()


def version_of(interpreter: str, cancelled: Callable[[], bool] = never) -> str:
    """Such as ``3.11.7``, "" where the interpreter does not tell.

    Raises:
        OSError: it cannot be started.
    """
    command = [interpreter, "-c", _VERSION]
    return _told_version(ask(command, worker_variables(), ANSWER_TIMEOUT_S, cancelled=cancelled).stdout)


def too_old(python: str) -> str:
    return f"Python {python} is too old: at least {'.'.join(map(str, OLDEST_PYTHON))} is needed"


def _told_version(output: str) -> str:
    found = re.search(r"^python: (\d+\.\d+\.\d+)$", output, re.MULTILINE)
    return found[1] if found else ""


def _ask(interpreter: str, code: str, *arguments: str) -> Answer:
    """What the interpreter prints when it runs ``code``."""
    try:
        return ask([interpreter, "-c", code, *arguments], worker_variables(), ANSWER_TIMEOUT_S)
    except OSError as error:
        raise MissingError(f"{interpreter}: cannot be started: {error.strerror}") from None


def _missing_here(modules: tuple[str, ...]) -> list[str]:
    # A folder without a package in it, as an interrupted removal leaves it, has no origin.
    return [name for name in modules if not getattr(importlib.util.find_spec(name), "origin", None)]
