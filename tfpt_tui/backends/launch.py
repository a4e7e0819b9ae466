"""Executed by path, in the framework's own interpreter: makes our package importable and starts the worker.

Only ``tfpt_tui`` becomes visible, not the site-packages that it may be installed in: those hold other versions
of numpy and of the frameworks. Processes that load images may import this file anew, hence the guard.
"""

import importlib
import importlib.util
import sys
from pathlib import Path


def show_package() -> None:
    package = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(
        "tfpt_tui", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tfpt_tui"] = module
    spec.loader.exec_module(module)


if "tfpt_tui" not in sys.modules:
    show_package()

if __name__ == "__main__":
    # A run by default; the third argument may name another of the modules that have a main of their own.
    directory, parent, *rest = sys.argv[1:]
    task, *arguments = rest or ["worker"]
    sys.exit(importlib.import_module(f"tfpt_tui.backends.{task}").main([directory, parent, *arguments]))
