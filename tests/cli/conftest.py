import pytest

from tfpt_tui.cli.main import run as run_cli


@pytest.fixture
def cli(tmp_path, capfd):
    """Run a command in this process, with runs of its own; returns exit code, stdout and stderr."""

    def call(*arguments):
        code = run_cli(["--runs", str(tmp_path / "runs"), *map(str, arguments)])
        return code, *capfd.readouterr()

    return call
