"""Hosts on this machine: real sshd instances on loopback addresses, each with a host name and directories.

    python -m tests.machines.hosts DIR [COUNT]

keeps them up until Ctrl-C, with a config.toml and an ssh that know them: see DIR/env.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.machines.by_hand import FAKE_PYTHON, STANDINS, keep_up
from tfpt_tui.own_process import own_command

SSHD = "/usr/sbin/sshd"
HIDDEN = "laptop"


def why_none() -> str:
    """Why there can be no hosts here, "" where there can."""
    if not Path(SSHD).exists() or not shutil.which("ssh"):
        return "no OpenSSH server here: apt-get install openssh-server"
    if os.geteuid() != 0:
        return "a host name of its own needs root (unshare --uts)"
    trial = ["unshare", "--uts", "--mount", "sh", "-c", "hostname trial && mount -t tmpfs none /mnt"]
    done = subprocess.run(trial, capture_output=True, check=False)
    return "" if done.returncode == 0 else "this container may make no namespaces"


@dataclass
class Host:
    """One that calls itself by its name, at ``address:port``; ``home`` has the directories of its tfpt-tui."""

    name: str
    address: str
    port: int
    home: Path
    server: subprocess.Popen | None = None

    def start(self, story: str = "completes", disk_mb: int = 0, **more: str) -> None:
        """Start its sshd; whoever comes in finds these variables. ``disk_mb`` gives it a disk of its own for what
        it records, which :meth:`seen_there` shows.
        """
        kept = self.home / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        if not (kept / "host_key").exists():
            _make_key(kept / "host_key")
        variables = {
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_RUNTIME_DIR": str(kept),
            "TFPT_TUI_LOCK": str(self.home / "machine.lock"),
            "PYTHONPATH": str(STANDINS),
            "FAKE_STORY": story,
            **more,
        }
        pairs = " ".join(f'"{name}={value}"' for name, value in variables.items())
        (kept / "sshd_config").write_text(
            f"ListenAddress {self.address}:{self.port}\nHostKey {kept / 'host_key'}\nPidFile none\n"
            f"AuthorizedKeysFile {self.home.parent / 'key.pub'}\nStrictModes no\nUsePAM no\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nSetEnv {pairs}\n"
        )
        log = kept / "sshd.log"
        records = self.home / "data" / "tfpt-tui"
        records.mkdir(parents=True, exist_ok=True)
        # What is in HIDDEN no host sees: of all else they have the same file system.
        line = (
            f"hostname {self.name} && mount -t tmpfs none '{self.home.parent / HIDDEN}'"
            + (f" && mount -t tmpfs -o size={disk_mb}m none '{records}'" if disk_mb else "")
            + f" && exec {SSHD} -f {kept / 'sshd_config'} -D -E {log}"
        )
        self.server = subprocess.Popen(["unshare", "--uts", "--mount", "sh", "-c", line], start_new_session=True)
        deadline = time.monotonic() + 10
        while not _answers(self.address, self.port):
            assert time.monotonic() < deadline, log.read_text() if log.exists() else "sshd did not start"
            time.sleep(0.02)

    def seen_there(self, path: Path) -> Path:
        """What the host has at the path, with its own mounts."""
        return Path(f"/proc/{self.server.pid}/root") / path.relative_to("/") if self.server else path

    def stop(self) -> None:
        """End the sshd and cut every connection; what was begun there goes on."""
        if self.server:
            self.cut()
            self.server.kill()
            self.server.wait()
            self.server = None

    def cut(self) -> None:
        """Kill the sessions that are open, as a network does that goes away; new ones can be made."""
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def sessions(self) -> list[int]:
        """The sshd processes of the connections that are open."""
        return _children(self.server.pid) if self.server else []


@contextmanager
def hosts(place: Path, count: int):
    """So many hosts that are up, by their names, and an ssh and a config.toml in ``place`` that know them."""
    place.mkdir(parents=True, exist_ok=True)
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it, for its parts without privileges
    (place / HIDDEN).mkdir(exist_ok=True)
    _make_key(place / "key")
    script = place / "fake-python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_PYTHON}" "$@"\n')
    script.chmod(0o755)
    found = {}
    for number in range(1, count + 1):
        name, address = f"box{number}", f"127.0.0.{number + 1}"
        found[name] = Host(name, address, _free_port(address), place / name)
    try:
        for host in found.values():
            host.start()
        _write_ssh(place, found)
        yield found
    finally:
        for host in found.values():
            host.stop()


def settings_for(found: dict[str, Host], place: Path) -> str:
    """A config.toml that describes the hosts; frameworks there are the scripted worker."""
    fake = str(place / "fake-python")
    command = shlex.join(own_command("tfpt_tui"))
    tables = [
        f"[machines.{name}]\nkind = 'ssh'\nhost = '{name}'\ncommand = {json.dumps(command)}\n"
        f"interpreters = {{ pytorch = {json.dumps(fake)}, tensorflow = {json.dumps(fake)} }}\n"
        for name in found
    ]
    return f"[interpreters]\npytorch = {json.dumps(fake)}\ntensorflow = {json.dumps(fake)}\n" + "\n".join(tables)


def _write_ssh(place: Path, found: dict[str, Host]) -> None:
    """An ``ssh`` to be put on PATH that knows the hosts by their names, as a user's ~/.ssh/config would."""
    known = place / "known_hosts"
    lines = []
    for host in found.values():
        key = (host.home / "kept" / "host_key.pub").read_text()
        lines.append(f"[{host.address}]:{host.port} {key}")
    known.write_text("".join(lines))
    (place / "ssh_config").write_text(
        "".join(
            f"Host {host.name}\n  HostName {host.address}\n  Port {host.port}\n  User root\n"
            for host in found.values()
        )
        + f"Host *\n  IdentityFile {place / 'key'}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
    )
    (place / "bin").mkdir(exist_ok=True)
    wrapper = place / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "{place / "ssh_config"}" "$@"\n')
    wrapper.chmod(0o755)


def _make_key(path: Path) -> None:
    if not path.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
        subprocess.run(command, check=True)


def _free_port(address: str) -> int:
    with socket.socket() as one:
        one.bind((address, 0))
        return one.getsockname()[1]


def _answers(address: str, port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((address, port)) == 0


def _children(pid: int) -> list[int]:
    """Its sessions: of its descendants those that are sshd still, and not what they started."""
    found = []
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in map(int, children):
        with suppress(OSError):
            found += [child, *_children(child)] if Path(f"/proc/{child}/comm").read_text() == "sshd\n" else []
    return found


def main() -> None:
    place = Path(sys.argv[1]).absolute()
    with hosts(place, int(sys.argv[2]) if len(sys.argv) > 2 else 2) as found:
        keep_up(place, settings_for(found, place), {"PATH": f"{place / 'bin'}:$PATH"})


if __name__ == "__main__":
    main()
