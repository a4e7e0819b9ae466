"""Read CIFAR with a framework's own loader, which works in the framework's process."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.data.cifar import Cifar, Pictures, Split
from tfpt_tui.data.manifest import SPLITS
from tfpt_tui.environments.interpreters import check_framework
from tfpt_tui.errors import TfptError, UsageError, cannot
from tfpt_tui.runs.record.processes import kill_group
from tfpt_tui.runs.supervision.launcher import launch

TIMEOUT_S = 300
# Whose loader it is; our own reader needs no framework.
FRAMEWORK_OF = {one.cifar_reader: name for name, one in FRAMEWORKS.items() if one.cifar_reader}
OWN_READER = "archive"
READERS = (OWN_READER, *FRAMEWORK_OF)


def check_reader(reader: str, settings: UserSettings) -> None:
    """Raise MissingError where the framework of this reader is not installed."""
    if reader != OWN_READER:
        check_framework(FRAMEWORK_OF[reader], settings)


def read_again(
    reader: str,
    archive: Path,
    cifar: Cifar,
    pictures: Pictures,
    files: Mapping[str, bytes],
    settings: UserSettings,
) -> Pictures:
    """The pictures as ``reader``, the library of a framework, reads the same files of the archive.

    The ``files`` of the ``archive`` went through our own reader: a library may unpickle what they hold.

    Raises:
        MissingError: the framework is not installed.
        UsageError: it cannot read them.
        TfptError: it takes too long, or reads something else than we do.
    """
    framework = FRAMEWORK_OF[reader]
    interpreter = check_framework(framework, settings)
    with tempfile.TemporaryDirectory(prefix="tfpt-tui-cifar-") as name:
        directory = Path(name)
        try:
            _unpack(files, directory)
        except OSError as error:
            raise cannot("unpack the archive", directory, error) from None
        log = directory / "reader.log"
        process = launch(directory, log, interpreter, "cifar_reader", framework, cifar.name)
        try:
            returncode = process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise TfptError(f"{title_of(framework)}: has not read the archive in {TIMEOUT_S} s") from None
        finally:
            kill_group(process.pid)
            process.wait()
        if returncode:
            last = (log.read_text(errors="replace").strip().splitlines() or [f"exit code {returncode}"])[-1]
            raise UsageError(f"{archive}: {reader} cannot read it: {last}; leave --reader out")
        try:
            splits = _load(directory / "arrays.npz")
        except (OSError, EOFError, KeyError, ValueError, BadZipFile):
            raise TfptError(f"{reader} ended without the pictures that it read; leave --reader out") from None
    check_same(reader, pictures.splits, splits)
    return Pictures(pictures.classes, splits)


def _unpack(files: Mapping[str, bytes], directory: Path) -> None:
    for name, content in files.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(content)


def _load(file: Path) -> dict[str, Split]:
    import numpy as np

    with np.load(file) as arrays:
        return {split: Split(arrays[f"{split}/pixels"], arrays[f"{split}/labels"]) for split in SPLITS}


def check_same(reader: str, ours: Mapping[str, Split], theirs: Mapping[str, Split]) -> None:
    """Raise TfptError where two readers differ in a pixel or a label."""
    import numpy as np

    for split in SPLITS:
        pairs = zip(ours[split], theirs[split], strict=True)
        if not all(np.array_equal(own, other) for own, other in pairs):
            raise TfptError(f"{reader} reads other {split} pictures from this archive than tfpt-tui does")
