"""Executed by path: runs a module of ours in the Python that runs us, and nothing else that lies about.

``python -m`` would import from the working directory first, where a user's ``random.py`` may lie, or a stranger's.
"""

import runpy
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # First of all: what a shell in the background ignores is inherited, and by these we are asked to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # This very package, whichever is installed; what lies beside it takes the place of nothing that Python has.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import tfpt_tui  # noqa: F401

    del sys.path[0], sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
