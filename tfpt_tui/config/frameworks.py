"""Every framework, described once: by the ``backend.toml`` in its folder below ``backends/``.

The rest of the program knows frameworks only through :data:`FRAMEWORKS`; nobody imports a backend to learn of it.
A folder whose file cannot be used is left out and named by :data:`PROBLEMS`; the other frameworks keep working.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tfpt_tui
from tfpt_tui.config.toml import read_toml
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.documents import DocumentError, Value, build
from tfpt_tui.errors import MissingError, TfptError, UsageError

BACKENDS = Path(tfpt_tui.__file__).parent / "backends"
FILE = "backend.toml"
CONTRACT = "contract.py"
OWN_MODULES = ("data", "training")  # of a track that has modules of its own
UNKNOWN_COLOUR = "#555555"
EVERY_BACKEND_IMPORTS = ("numpy", "PIL")
EVERY_BACKEND_NEEDS = ("numpy", "pillow")


@dataclass(frozen=True)
class Requirements:
    """What pip installs of it, the framework itself first; numpy and Pillow come with every backend.

    ``usual_build_has_cuda`` where ``gpu`` is the same packages: pip leaves a build for the CPU alone then.
    """

    cpu: tuple[str, ...]
    gpu: tuple[str, ...]
    usual_build_has_cuda: bool = False


@dataclass(frozen=True)
class Colours:
    """One colour everywhere, as #rrggbb: entries of the 256-colour cube for the terminal, any for charts."""

    on_black: str
    on_white: str
    on_paper: str


@dataclass(frozen=True)
class TrackNotes:
    """What it does on one track, as lists that ``presets show`` prints; see config/tracks.py.

    ``fills_cache_before_training`` and ``shuffles_images`` are quirks of the article's pipelines: plotting a batch
    fills the whole cache, with the test images; images and not indices are shuffled.
    """

    reproduces: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    forces: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    has_cache: bool = True
    fills_cache_before_training: bool = False
    shuffles_images: bool = False


@dataclass(frozen=True)
class KernelLibrary:
    """What doctor says where the framework computes without its kernel library, and the fix."""

    missing: str
    fix: str


@dataclass(frozen=True)
class MisleadingVariable:
    """Environment variables of this framework that doctor warns of; with ``values`` only of those."""

    names: tuple[str, ...]
    level: str
    message: str
    fix: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogMark:
    """Words in a worker's log that explain a high system time."""

    mark: str
    cause: str
    advice: str


@dataclass(frozen=True)
class VoidFigures:
    """Figures of workers before a version that are wrong; ``device`` is where they were measured."""

    before: str
    device: str
    tracks: tuple[str, ...]
    measures: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Framework:
    """A folder below ``backends/``.

    Attributes:
        name: as in configurations and run IDs; the folder's name.
        title: as shown to people.
        distributions: those that decide what is computed; the version of the first is the framework's.
        modules: those that its backend imports, the framework itself first, beside numpy and Pillow.
        requirements: what an environment needs.
        colours: of its runs, in the app and in charts.
        model_file: the saved model's name in a run's directory.
        loader: what ``num_workers`` counts: "processes" or "threads".
        running_average_momentum: what batch normalisation keeps of its running averages in a step, by default.
        compiler: what ``compile`` switches on.
        matched_builds: whether its distributions are built for each other, and fail when they are not.
        parity_reference: whether ``tfpt-tui parity`` checks the others against it; one framework is.
        first_batch_includes_step: whether the wait for an epoch's first batch includes its training step.
        cifar_reader: the library that can read CIFAR's archive for ``prepare --reader``, "" for none.
        switches: settings of the track best that it has (``Setting.is_switch``).
        plain: the values with which each does what the framework does by itself, for ``tfpt-tui advise``;
            ``plain_on_gpu`` are those that are others there.
        variables: environment variables that change what it does; runs are recorded with them.
        thread_variables: environment variables that set its number of threads.
        hidden_variables: environment variables that its processes are not shown: they would change the work.
        tracks: those that it has, and what it does there.
    """

    name: str
    title: str
    distributions: tuple[str, ...]
    modules: tuple[str, ...]
    requirements: Requirements
    colours: Colours
    model_file: str
    loader: str
    running_average_momentum: float
    tracks: Mapping[str, TrackNotes]
    compiler: str = ""
    matched_builds: bool = False
    parity_reference: bool = False
    first_batch_includes_step: bool = False
    cifar_reader: str = ""
    switches: tuple[str, ...] = ()
    plain: Mapping[str, Value] = field(default_factory=dict)
    plain_on_gpu: Mapping[str, Value] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    thread_variables: tuple[str, ...] = ()
    hidden_variables: tuple[str, ...] = ()
    effects: Mapping[str, str] = field(default_factory=dict)
    kernel_library: KernelLibrary | None = None
    misleading_variables: tuple[MisleadingVariable, ...] = ()
    log_marks: tuple[LogMark, ...] = ()
    void_figures: tuple[VoidFigures, ...] = ()

    @property
    def imported(self) -> tuple[str, ...]:
        """The modules that its backend imports, the framework itself first."""
        return tuple(dict.fromkeys((*self.modules, *EVERY_BACKEND_IMPORTS)))


def read_framework(folder: Path) -> Framework:
    """Raises UsageError for a field that is unknown, missing or of another type; it names file and field."""
    path = folder / FILE
    try:
        found = build(Framework, read_toml(path), exact=True)
    except DocumentError as error:
        raise UsageError(f"{path}: {error}") from None
    assert isinstance(found, Framework)
    if found.name != folder.name:
        raise UsageError(f"{path}: name {found.name!r} is not the name of its folder, {folder.name!r}")
    for track in found.tracks:
        if track not in TRACKS:
            raise UsageError(f"{path}: tracks: unknown track {track!r}")
    return found


def missing_functions(framework: Framework, folder: Path) -> list[str]:
    """What ``contract.py`` asks for and the modules in a framework's folder lack, such as ``data.py: fill_cache``.

    Their text is read, nothing is imported.
    """
    wanted = _contract(folder.parent / CONTRACT)
    if not framework.cifar_reader:
        del wanted["cifar_reader"]
    places = {name: name for name in wanted}
    for track in framework.tracks:
        if TRACKS[track].own_modules:
            places |= {f"{track}/{name}": name for name in OWN_MODULES}
    return [
        f"{place}.py: {function}"
        for place, name in places.items()
        for function in wanted[name] - _offered(folder / f"{place}.py")
    ]


def _contract(path: Path) -> dict[str, set[str]]:
    """The functions of each protocol, by the name of the module that it describes."""
    return {
        _module_of(node.name): {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }


def _module_of(protocol: str) -> str:
    """Such as ``cifar_reader`` of ``CifarReader``."""
    return re.sub(r"(?<=.)([A-Z])", r"_\1", protocol).lower()


def _offered(module: Path) -> set[str]:
    """Functions that a module defines or imports from another; its syntax is not parsed, which takes ten times as
    long.
    """
    if not module.exists():
        return set()
    text = module.read_text(encoding="utf-8")
    imported = re.findall(r"^from \S+ import (\([^)]*\)|.*)$", text, re.MULTILINE)
    return {*re.findall(r"^def (\w+)\(", text, re.MULTILINE), *re.findall(r"\w+", " ".join(imported))}


def read_frameworks(backends: Path = BACKENDS) -> tuple[dict[str, Framework], tuple[str, ...]]:
    """The frameworks by name, in the order of their names, and one line for every file that cannot be used."""
    found: dict[str, Framework] = {}
    problems = []
    for path in sorted(backends.glob(f"*/{FILE}")):
        try:
            framework = read_framework(path.parent)
            _check_unique(framework, found.values(), path)
            if missing := sorted(missing_functions(framework, path.parent)):
                raise UsageError(f"{path.parent}/{missing[0]} is missing (backends/{CONTRACT} says what it does)")
        except TfptError as error:
            problems.append(str(error))
        else:
            found[framework.name] = framework
    return found, tuple(problems)


def title_of(name: str, unknown: str | None = None) -> str:
    """The title of a framework; of one that is not installed, as in imported runs, ``unknown`` or its name."""
    if name in FRAMEWORKS:
        return FRAMEWORKS[name].title
    return name if unknown is None else unknown


def parity_reference() -> Framework:
    """The framework that the others are checked against.

    Raises:
        MissingError: none is; its file could not be used.
    """
    for framework in FRAMEWORKS.values():
        if framework.parity_reference:
            return framework
    raise MissingError(f"no framework is the reference for parity: {'; '.join(PROBLEMS) or BACKENDS}")


def chart_colour(name: str) -> str:
    """The colour of the framework's curves in charts; grey for a framework that is not installed here."""
    return FRAMEWORKS[name].colours.on_paper if name in FRAMEWORKS else UNKNOWN_COLOUR


def titles() -> dict[str, str]:
    """The names of all frameworks by their titles."""
    return {framework.title: name for name, framework in FRAMEWORKS.items()}


def _check_unique(framework: Framework, others: Iterable[Framework], path: Path) -> None:
    for other in others:
        if framework.title == other.title:
            raise UsageError(f"{path}: title {framework.title!r} is that of {other.name}, too")
        if framework.parity_reference and other.parity_reference:
            raise UsageError(f"{path}: parity_reference: {other.name} is the reference already")


FRAMEWORKS, PROBLEMS = read_frameworks()
