"""Executed by path: runs a module of ours in the Python that runs us, and nothing else that lies about.

``python -m`` would import from the working directory first, where a user's ``random.py`` may lie, or a stranger's.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # This very package, whichever is installed; what lies beside it takes the place of nothing that Python has.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import tfpt_tui  # noqa: F401

    del sys.path[0], sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
