import json

import pytest

from tfpt_tui.cli import doctor as command
from tfpt_tui.cli.doctor import report
from tfpt_tui.config.paths import find_paths
from tfpt_tui.environments.doctor import examine as examination
from tfpt_tui.environments.doctor.examine import examine, summarize, works, worst_first
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.environments.doctor.machine import MachineFacts
from tfpt_tui.environments.probe import Probe
from tfpt_tui.environments.registry import begin
from tfpt_tui.hardware.preflight import Conditions

OK = Finding("ok", "memory", "23.0 GiB available")
NOTE = Finding("note", "clock", "nothing keeps it right", "sudo timedatectl set-ntp true")
WARNING = Finding("warning", "shared memory", "64.0 MiB of 64.0 MiB free", "docker run --shm-size=8g")
ERROR = Finding("error", "PyTorch", "/p: no module torch", "/p -m pip install torch torchvision")


@pytest.fixture
def findings(monkeypatch):
    def give(*found):
        monkeypatch.setattr(command, "examine", lambda paths: iter([list(found)]))

    return give


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([OK], 0, "nothing to fix"),
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
        "error    PyTorch        /p: no module torch",
        "                        -> /p -m pip install torch torchvision",
        "ok       memory         23.0 GiB available",
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
    assert lines[1].startswith(" " * 24 + "word")
    assert any("--gpu" in line for line in lines)


def test_a_long_topic_has_a_line_of_its_own():
    lines = report([Finding("ok", "PyTorch in " + "x" * 40, "2.8.0"), OK], 80).splitlines()
    assert lines == [
        f"ok       PyTorch in {'x' * 40}",
        f"{' ' * 35}2.8.0",
        f"ok       memory{' ' * 20}23.0 GiB available",
    ]


def all_findings(paths):
    return worst_first(finding for found in examine(paths) for finding in found)


def test_the_machines_findings_are_shown_on_a_terminal_before_the_frameworks(cli, monkeypatch, capfd):
    def look(paths):
        yield [WARNING]
        assert "shared memory" in capfd.readouterr().out
        yield [OK]

    monkeypatch.setattr(command, "examine", look)
    monkeypatch.setattr(command.sys.stdout, "isatty", lambda: True)
    assert cli("doctor")[1] == "ok       memory         23.0 GiB available\n\n1 warning\n"


def test_texts_from_elsewhere_cannot_steer_the_terminal():
    assert "\x1b" not in report([Finding("note", "variables", "LD_LIBRARY_PATH=\x1b[2J", "unset \x9b31m")], 200)


@pytest.fixture
def quick(monkeypatch):
    """Leave the machine and the frameworks out: only the user's own files are looked at."""
    monkeypatch.setattr(examination, "probe_all", lambda settings, cancelled: {})
    monkeypatch.setattr(examination, "read_machine", lambda directories: MachineFacts())
    monkeypatch.setattr(examination, "judge_machine", lambda facts: [OK, WARNING])
    monkeypatch.setattr(examination, "judge_gpus", lambda facts: [])
    monkeypatch.setattr(examination, "judge_terminal", lambda facts: [])


def test_broken_settings_and_presets_are_findings_and_the_worst_comes_first(quick):
    paths = find_paths()
    paths.user_presets.mkdir(parents=True)
    paths.settings.write_text("[ui]\ntheme = 7\n")
    begin("half", paths.environments)
    (paths.user_presets / "mine.toml").write_text("[[rows]]\nbatch_size = 0\n")
    found = all_findings(paths)
    assert [(one.level, one.topic) for one in found] == [
        ("error", "settings"),
        ("warning", "presets"),
        ("warning", "shared memory"),
        ("note", "environment half"),
        ("ok", "memory"),
    ]
    assert "theme must be text" in found[0].message
    assert "mine.toml: row 1: batch_size must be" in found[1].message


def test_a_training_is_not_disturbed_by_imports(quick, monkeypatch):
    training = MachineFacts(conditions=Conditions(workers=(4711,)))
    monkeypatch.setattr(examination, "read_machine", lambda directories: training)
    monkeypatch.setattr(examination, "probe_all", lambda *_: pytest.fail("it was disturbed"))
    findings = all_findings(find_paths())
    (finding,) = [one for one in findings if one.topic == "frameworks"]
    assert finding.level == "note"
    assert finding.remedy == "check again when it is over"
    assert works(findings) is None
    assert works([*findings, ERROR]) is False
    assert summarize(findings) == "1 warning, 1 note, the frameworks were not checked"


def test_this_machine_is_looked_at_for_real(cli, monkeypatch):
    monkeypatch.setattr("tfpt_tui.hardware.preflight.other_workers", lambda *_: ())
    code, out, _ = cli("doctor", "--json")
    found = {finding["topic"]: finding for finding in json.loads(out)["findings"]}
    assert code == (3 if any(one["level"] == "error" for one in found.values()) else 0)
    assert found["PyTorch"]["level"] == found["TensorFlow"]["level"] == "ok"
    assert {"memory", "disk", "cores", "GPU", "locale"} <= set(found)


def test_the_line_that_mends_it_is_whole_however_narrow_the_terminal_is():
    line = f"{'/long' * 12} -m pip install torch torchvision"
    assert f"-> {line}\n" in report([Finding("error", "PyTorch", "no module torch", line)], 40)


@pytest.mark.parametrize(("user", "remedy"), [(0, "timedatectl set-ntp true"), (1000, NOTE.remedy)])
def test_root_is_not_told_to_use_sudo(quick, monkeypatch, user, remedy):
    monkeypatch.setattr(examination, "judge_machine", lambda facts: [NOTE])
    monkeypatch.setattr(examination.os, "geteuid", lambda: user)
    assert [one.remedy for one in all_findings(find_paths())] == [remedy]


def test_an_import_that_fails_in_a_limited_address_space_is_put_down_to_it(quick, monkeypatch):
    broken = Probe("pytorch", "/p", "torch cannot be imported", python="3.11.7", broken="torch")
    monkeypatch.setattr(examination, "read_machine", lambda directories: MachineFacts(address_space_bytes=1 << 30))
    monkeypatch.setattr(examination, "probe_all", lambda *_: {("default", "pytorch"): broken})
    assert all_findings(find_paths())[0].remedy == "ulimit -v unlimited"
