"""What must not be loaded: seconds and hundreds of megabytes that the help and the first paint would wait for."""

import subprocess
import sys

import pytest

from tests.waiting import usual_signals

HEAVY = {"torch", "torchvision", "tensorflow", "keras", "numpy", "matplotlib", "scipy", "pynvml", "PIL"}


def loaded_by(code):
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_help_loads_neither_framework_nor_app():
    loaded = loaded_by("from tfpt_tui.cli.main import run; run(['--help'])")
    assert not loaded & (HEAVY | {"textual", "rich", "psutil", "plotext"})


def test_the_app_loads_no_framework_before_its_first_paint():
    loaded = loaded_by("import tfpt_tui.cli.main, tfpt_tui.ui.app")
    assert not loaded & (HEAVY | {"plotext", "psutil"})


@pytest.mark.parametrize("command", ["runs", "compare", "presets", "paths"])
def test_reading_commands_load_no_framework(command, tmp_path):
    loaded = loaded_by(f"from tfpt_tui.cli.main import run; run(['--runs', {str(tmp_path)!r}, {command!r}])")
    assert not loaded & (HEAVY | {"textual"})


@pytest.mark.parametrize(
    "module", ["cli.run", "cli.runs", "cli.machines", "ui.app", "ui.monitor.screen", "ui.build.screen"]
)
def test_whoever_has_one_machine_loads_nothing_of_others(module):
    script = f"import tfpt_tui.{module}, sys; print([name for name in sys.modules if 'tfpt_tui.machines' in name])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_supervisor_loads_no_framework():
    assert not loaded_by("import tfpt_tui.runs.supervision.supervisor") & (HEAVY | {"textual"})


def test_a_worker_loads_nothing_of_ours_that_its_interpreter_may_lack():
    loaded = loaded_by("import tfpt_tui.backends.worker")
    assert not loaded & (HEAVY | {"click", "psutil", "textual", "tomli_w", "plotext"})


def test_ctrl_c_is_no_traceback_while_the_program_is_loaded():
    """The program is interrupted by itself, when it begins to load its commands."""
    program = (
        "import signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from tfpt_tui.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, preexec_fn=usual_signals
    )
    assert (done.returncode, done.stderr) == (130, "")
