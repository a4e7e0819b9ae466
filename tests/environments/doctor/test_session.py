"""How long runs may live, and whom we can see."""

import pytest

from tfpt_tui.environments.doctor import session
from tfpt_tui.environments.doctor.session import SessionFacts, judge_session, read_session

IN_LOGIN = "0::/user.slice/user-1000.slice/session-3.scope\n"
IN_SERVICES = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n"
# A host with systemd, in whose own namespace we are.
HOST = {"run/systemd/system/x": "", "proc/2/comm": "kthreadd\n", "proc/self/cgroup": IN_LOGIN}
KILL = "[Login]\n#KillUserProcesses=no\nKillUserProcesses = yes\n"


@pytest.fixture(autouse=True)
def user(monkeypatch):
    monkeypatch.setattr(session, "_user_name", lambda: "ada")


def judge(container="", **facts):
    (finding,) = judge_session(SessionFacts(**facts), container)
    return finding


def test_runs_that_outlive_the_login_are_in_order():
    assert (judge(unit="session").level, judge(unit="user", lingers=True).level) == ("ok", "ok")


def test_a_login_that_takes_its_processes_with_it_is_warned_of_even_where_the_user_lingers():
    finding = judge(unit="session", ended_with_login=True, lingers=True)
    assert (finding.level, finding.topic) == ("warning", "logins")
    assert "runs end with your login" in finding.message
    assert finding.remedy == "loginctl enable-linger && systemd-run --user --scope tfpt-tui"


def test_services_of_a_user_that_end_with_the_last_login_are_noted():
    finding = judge(unit="user")
    assert (finding.level, "when you log out for good" in finding.message) == ("note", True)
    assert finding.remedy == "loginctl enable-linger"


def test_runs_end_with_their_batch_job():
    finding = judge(job="42", unit="session", ended_with_login=True)
    assert (finding.level, "Slurm's job 42" in finding.message) == ("note", True)
    assert "--time of sbatch" in finding.remedy


def test_processes_that_cannot_be_seen_are_noted():
    finding = judge("docker", sees_others=False)
    assert (finding.level, finding.topic, finding.remedy) == (
        "note",
        "processes",
        "start the container with --pid=host",
    )
    assert "cannot be seen" in finding.message
    assert judge("kubernetes", sees_others=False).remedy == ""


def test_without_systemd_nothing_is_said_of_logins():
    assert judge_session(SessionFacts(), "") == []


@pytest.mark.parametrize(("groups", "unit"), [(IN_LOGIN, "session"), (IN_SERVICES, "user"), ("0::/\n", "")])
def test_a_login_is_told_from_the_services_of_its_user(tree, groups, unit):
    facts = read_session({}, tree(HOST | {"proc/self/cgroup": groups}))
    assert facts == SessionFacts(unit=unit)


def test_groups_say_nothing_where_systemd_does_not_run(tree):
    assert read_session({}, tree({"proc/self/cgroup": IN_LOGIN})).unit == ""


@pytest.mark.parametrize(
    ("files", "ends"),
    [
        ({}, False),
        ({"etc/systemd/logind.conf": KILL}, True),
        ({"etc/systemd/logind.conf": KILL, "etc/systemd/logind.conf.d/a.conf": "KillUserProcesses=no"}, False),
        (
            {"etc/systemd/logind.conf.d/b.conf": KILL, "run/systemd/logind.conf.d/a.conf": "KillUserProcesses=no"},
            True,
        ),
        (
            {"etc/systemd/logind.conf.d/a.conf": KILL, "run/systemd/logind.conf.d/a.conf": "KillUserProcesses=no"},
            True,
        ),
        ({"etc/systemd/logind.conf": KILL + "KillExcludeUsers=root ada\n"}, False),
        ({"etc/systemd/logind.conf": KILL + "KillOnlyUsers=bob\n"}, False),
        ({"etc/systemd/logind.conf": "KillOnlyUsers=ada\n"}, True),
    ],
)
def test_the_last_word_on_logins_counts(tree, files, ends):
    assert read_session({}, tree(HOST | files)).ended_with_login is ends


def test_root_is_spared(tree, monkeypatch):
    monkeypatch.setattr(session, "_user_name", lambda: "root")
    assert not read_session({}, tree(HOST | {"etc/systemd/logind.conf": KILL})).ended_with_login


def test_the_rest_of_a_session_is_read(tree):
    root = tree(HOST | {"var/lib/systemd/linger/ada": ""})
    assert read_session({"SLURM_JOB_ID": "42"}, root) == SessionFacts(unit="session", lingers=True, job="42")


def test_in_another_namespace_the_second_process_is_no_thread_of_the_kernel(tree):
    assert not read_session({}, tree({"proc/2/comm": "bash\n"})).sees_others
    assert not read_session({}, tree({"proc/2/comm": ""})).sees_others
