"""The loop: so many faults, each in a world of its own, from a seed that is printed."""

from __future__ import annotations

import random
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

Fault = Callable[[Path, random.Random], str]


def run_faults(kinds: Sequence[Fault], count: int, seed: int, home: Path) -> tuple[Counter[str], list[str]]:
    """How often each kind was tried, and what went wrong, each with the seed that does it again."""
    tried: Counter[str] = Counter()
    wrong = []
    for number in range(count):
        own = seed + number
        kind = kinds[number % len(kinds)]
        world = home / f"fault-{own}"
        world.mkdir(parents=True)
        try:
            kind(world, random.Random(own))
        except Exception:
            wrong.append(f"{kind.__name__}, seed {own}:\n{traceback.format_exc()}")
        tried[kind.__name__] += 1
        shutil.rmtree(world, ignore_errors=True)
    return tried, wrong
