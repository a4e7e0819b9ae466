"""Interpreters that hold one framework and what it needs, and nothing of ours, without installing anything."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

OURS = ("click", "textual", "psutil", "tomli_w", "plotext", "scipy", "matplotlib", "pynvml", "tfpt_tui")


def make_bare(home: Path, *distributions: str) -> Path:
    """A virtual environment into which the distributions and all that they require are linked; its interpreter.

    Only our own interpreter's site-packages are linked from: what is not installed there cannot be had.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    site = next((home / "lib").glob("python*/site-packages"))
    installed = Path(sysconfig.get_paths()["purelib"])
    for name in _closure(distributions):
        for top in _top_levels(metadata.distribution(name)):
            if not (site / top).exists():
                (site / top).symlink_to(installed / top)
    return home / "bin" / "python"


def _closure(names: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # required elsewhere only: another system, another Python
        found.add(name)
        waiting += [re.split(r"[^A-Za-z0-9._-]", wanted)[0] for wanted in requires if "extra ==" not in wanted]
    return found


def _top_levels(distribution: metadata.Distribution) -> set[str]:
    tops = {file.parts[0] for file in distribution.files or () if not file.is_absolute()}
    return {top for top in tops if top not in ("..", "__pycache__")}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
