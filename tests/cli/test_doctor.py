import json

import pytest

from tfpt_tui.cli import doctor as command
from tfpt_tui.cli.doctor import report
from tfpt_tui.config.paths import find_paths
from tfpt_tui.environments.doctor import examine as examination
from tfpt_tui.environments.doctor.examine import examine, summarize
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.environments.doctor.machine import MachineFacts
from tfpt_tui.hardware.preflight import Conditions

OK = Finding("ok", "memory", "23.0 GiB available")
NOTE = Finding("note", "clock", "nothing keeps it right", "sudo timedatectl set-ntp true")
WARNING = Finding("warning", "shared memory", "64.0 MiB of 64.0 MiB free", "docker run --shm-size=8g")
ERROR = Finding("error", "PyTorch", "/p: no module torch", "/p -m pip install torch torchvision")


@pytest.fixture
def findings(monkeypatch):
    def give(*found):
        monkeypatch.setattr(command, "examine", lambda paths: list(found))

    return give


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([OK], 0, "nothing to mend"),
        ([WARNING, NOTE, NOTE, OK], 0, "1 warning, 2 notes"),
        ([ERROR, ERROR, WARNING, OK], 3, "2 errors, 1 warning"),
    ],
)
def test_the_exit_code_is_3_when_a_run_could_not_work(cli, findings, found, code, said):
    findings(*found)
    result, out, _ = cli("doctor")
    assert result == code
    assert out.splitlines()[-1] == said == summarize(found)


def test_every_finding_stands_with_the_line_that_mends_it(cli, findings):
    findings(ERROR, OK)
    _, out, _ = cli("doctor")
    assert out.splitlines()[:3] == [
        "error  PyTorch  /p: no module torch",
        "                -> /p -m pip install torch torchvision",
        "ok     memory   23.0 GiB available",
    ]


def test_scripts_get_json(cli, findings):
    findings(ERROR, OK)
    code, out, _ = cli("doctor", "--json")
    document = json.loads(out)
    assert (code, document["schema"], document["works"]) == (3, 1, False)
    assert document["findings"][0] == {
        "level": "error",
        "topic": "PyTorch",
        "message": "/p: no module torch",
        "remedy": "/p -m pip install torch torchvision",
    }


def test_lines_are_broken_for_a_terminal_and_commands_not_within_a_word():
    long = Finding("warning", "disk", "word " * 40, "tfpt-tui env create tensorflow --gpu " + "x" * 60)
    lines = report([long], 60).splitlines()
    assert all(len(line) <= 60 or "xxx" in line for line in lines)
    assert lines[1].startswith(" " * 15 + "word")
    assert any("--gpu" in line for line in lines)


@pytest.fixture
def quick(monkeypatch):
    """Leave the machine and the frameworks out: only the user's own files are looked at."""
    monkeypatch.setattr(examination, "probe_all", lambda settings: {})
    monkeypatch.setattr(examination, "read_machine", lambda directories: MachineFacts())
    monkeypatch.setattr(examination, "judge_machine", lambda facts: [OK, WARNING])
    monkeypatch.setattr(examination, "judge_gpus", lambda facts: [])
    monkeypatch.setattr(examination, "judge_terminal", lambda facts: [])


def test_broken_settings_and_presets_are_findings_and_the_worst_comes_first(quick):
    paths = find_paths()
    paths.user_presets.mkdir(parents=True)
    paths.settings.write_text("[ui]\ntheme = 7\n")
    (paths.user_presets / "mine.toml").write_text("[[rows]]\nbatch_size = 0\n")
    found = examine(paths)
    assert [(one.level, one.topic) for one in found] == [
        ("error", "settings"),
        ("warning", "presets"),
        ("warning", "shared memory"),
        ("ok", "memory"),
    ]
    assert "theme must be text" in found[0].message
    assert "mine.toml: row 1: batch_size must be" in found[1].message


def test_a_training_is_not_disturbed_by_imports(quick, monkeypatch):
    training = MachineFacts(conditions=Conditions(workers=(4711,)))
    monkeypatch.setattr(examination, "read_machine", lambda directories: training)
    monkeypatch.setattr(examination, "probe_all", lambda settings: pytest.fail("it was disturbed"))
    (finding,) = [one for one in examine(find_paths()) if one.topic == "frameworks"]
    assert finding.level == "note"
    assert finding.remedy == "look again when it is over"


def test_this_machine_is_looked_at_for_real(cli):
    code, out, _ = cli("doctor", "--json")
    found = {finding["topic"]: finding for finding in json.loads(out)["findings"]}
    assert code == (3 if any(one["level"] == "error" for one in found.values()) else 0)
    assert found["PyTorch"]["level"] == found["TensorFlow"]["level"] == "ok"
    assert {"memory", "disk", "cores", "GPU", "locale"} <= set(found)
