"""``python -m tests.faults``: thousands of faults by hand; a seed does the same again."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.faults import files, loop, processes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--what", choices=("files", "processes"), default="files")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="tfpt-tui-faults-") as name:
        home = Path(name)
        for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            os.environ[variable] = str(home / variable)
        os.environ |= {"TFPT_TUI_LOCK": str(home / "lock"), "XDG_RUNTIME_DIR": str(home)}
        kinds = {"files": files.KINDS, "processes": processes.KINDS}[given.what]
        tried, wrong = loop.run_faults(kinds, given.count, given.seed, home / "worlds")
    print(*wrong, sep="\n")
    print(f"{dict(tried)}: {len(wrong)} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
