"""How long runs may live, and whom we can see: logins, batch jobs and namespaces."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.linux import ROOT, read_text

# After each other in precedence, and of two files of one name the later one counts (logind.conf(5)).
DROP_INS = ("usr/lib/systemd", "run/systemd", "etc/systemd")
TRUE = ("1", "yes", "y", "true", "t", "on")


@dataclass(frozen=True)
class SessionFacts:
    """``unit`` is what systemd counts us to: ``session`` for a login, ``user`` for the user's services, or "".

    ``ended_with_login`` tells that the login's processes are killed when it ends, ``lingers`` that the user's
    services stay; ``sees_others`` is False in a pid namespace of its own; ``job`` is Slurm's number.
    """

    unit: str = ""
    ended_with_login: bool = False
    lingers: bool = False
    sees_others: bool = True
    job: str = ""


def read_session(variables: Mapping[str, str], root: Path = ROOT) -> SessionFacts:
    """What systemd, Slurm and /proc tell of the session that we run in."""
    user = _user_name()
    return SessionFacts(
        unit=_unit(root) if (root / "run/systemd/system").is_dir() else "",
        ended_with_login=_ends_logins_of(user, _logind_settings(root)),
        lingers=(root / "var/lib/systemd/linger" / user).exists(),
        # The second process of the kernel's own namespace; in another it is anything, or nothing.
        sees_others=read_text(root / "proc/2/comm") == "kthreadd",
        job=variables.get("SLURM_JOB_ID", ""),
    )


def judge_session(session: SessionFacts, container: str) -> list[Finding]:
    """``container`` is its kind as hardware/system.py names it, "" outside of one."""
    judged = (_judge_ending(session), _judge_sight(session, container))
    return [finding for finding in judged if finding]


def _judge_ending(session: SessionFacts) -> Finding | None:
    if session.job:
        return Finding(
            "note",
            "logins",
            f"this is Slurm's job {session.job}: runs end with it",
            "ask for as much time as all runs take, with --time of sbatch",
        )
    if session.unit == "session" and session.ended_with_login:
        # Lingering alone saves the user's services, and not what a login has started (logind.conf(5)).
        return Finding(
            "warning",
            "logins",
            "runs end with your login: systemd-logind is set to kill what a login leaves (KillUserProcesses=yes)",
            "loginctl enable-linger && systemd-run --user --scope tfpt-tui",
        )
    if session.unit == "user" and not session.lingers:
        return Finding(
            "note",
            "logins",
            "runs end when you log out for good: they are of your user's services, which go with the last login",
            "loginctl enable-linger",
        )
    return Finding("ok", "logins", "runs continue after you log out") if session.unit else None


def _judge_sight(session: SessionFacts, container: str) -> Finding | None:
    if session.sees_others:
        return None
    return Finding(
        "note",
        "processes",
        "processes outside of our namespace cannot be seen: what else uses the processor or the GPU has no name",
        "start the container with --pid=host" if container in ("docker", "podman") else "",
    )


def _unit(root: Path) -> str:
    """Our control group's place in systemd's tree: user-1000.slice/session-3.scope or .../user@1000.service/..."""
    groups = read_text(root / "proc/self/cgroup") or ""
    if re.search(r"/user@\d+\.service", groups):
        return "user"
    return "session" if re.search(r"/session-\w+\.scope", groups) else ""


def _logind_settings(root: Path) -> dict[str, str]:
    """The settings of logind.conf and its drop-ins, of each the last."""
    drop_ins = {path.name: path for place in DROP_INS for path in (root / place / "logind.conf.d").glob("*.conf")}
    settings = {}
    for path in (root / "etc/systemd/logind.conf", *(drop_ins[name] for name in sorted(drop_ins))):
        for line in (read_text(path) or "").splitlines():
            name, equals, value = line.partition("=")
            if equals and not name.startswith(("#", ";")):
                settings[name.strip()] = value.strip()
    return settings


def _ends_logins_of(user: str, settings: Mapping[str, str]) -> bool:
    """Users that are named count before the rule for all, and root is spared unless told otherwise."""
    if user in settings.get("KillExcludeUsers", "root").split():
        return False
    if only := settings.get("KillOnlyUsers", "").split():
        return user in only
    return settings.get("KillUserProcesses", "no").lower() in TRUE


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())  # a container may run us as a number without a name
