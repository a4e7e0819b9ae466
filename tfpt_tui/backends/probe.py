"""What a framework is in the interpreter that runs this: versions, devices, and why it cannot be imported.

Its answer is one line of JSON on stdout. It is asked of interpreters that may be too old for the rest of us.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from tfpt_tui.lifeline import die_with_parent

ANSWER = "tfpt-tui probe: "


def main(arguments: list[str]) -> int:
    """``arguments``: any directory, the parent's pid, the framework, the modules that its backend imports in their
    order, and the distributions whose versions are of interest, both between commas.
    """
    parent, framework = int(arguments[1]), arguments[2]
    modules, distributions = (text.split(",") for text in arguments[3:])
    die_with_parent(parent)
    # At once: who hears nothing takes us for no Python at all.
    print(f"{ANSWER}{{}}", flush=True)
    facts: dict[str, Any] = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": dict(_packages(distributions)),
        "overwritten": _overwritten(),
    }
    facts |= _look_at(framework, modules)
    print(f"{ANSWER}{json.dumps(facts)}", flush=True)
    return 0


def _look_at(framework: str, modules: Sequence[str]) -> dict[str, Any]:
    missing = [module for module in modules if not _is_installed(module)]
    if missing:
        return {"missing": missing}
    started = time.perf_counter()
    for module in modules:
        # Should it abort the process, this line is what is left of it.
        print(f"{ANSWER}{json.dumps({'importing': module})}", flush=True)
        try:
            importlib.import_module(module)
        except Exception as error:
            # Whatever a broken library raises is the answer: RuntimeError, OSError, AttributeError were seen.
            first = (str(error).strip().splitlines() or [""])[0]
            return {"broken": module, "problem": f"{type(error).__name__}: {first}"}
    seconds = time.perf_counter() - started
    backend = importlib.import_module(f"tfpt_tui.backends.{framework}.probe")
    return {"import_s": round(seconds, 2), **backend.look()}


def _is_installed(module: str) -> bool:
    """A folder without a package in it, as an interrupted removal leaves it, has a name and no origin."""
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None


def _packages(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Distributions that decide what runs: those, and what NVIDIA has in them."""
    for distribution in importlib.metadata.distributions():
        name = (distribution.metadata["Name"] or "").lower()
        if name in names or name.startswith("nvidia-"):
            yield name, distribution.version


def _overwritten() -> dict[str, list[str]]:
    """Folders such as ``nvidia/cudnn`` with libraries of the same name from several packages.

    The package that was installed last overwrote the other's: builds for CUDA 12 and 13 do so.
    """
    owners: dict[str, str] = {}
    found: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions():
        name = (distribution.metadata["Name"] or "").lower()
        for file in (distribution.files or ()) if name.startswith("nvidia-") else ():
            if ".so" in file.name and owners.setdefault(str(file), name) != name:
                found.setdefault("/".join(file.parts[:2]), set()).update((name, owners[str(file)]))
    return {folder: sorted(names) for folder, names in sorted(found.items())}
