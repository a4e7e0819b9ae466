"""A real Slurm on this machine: one controller and two nodes, each with a host name and a lock of its own.

    python -m tests.machines.cluster DIR

keeps it up until Ctrl-C, with a config.toml that knows it: see DIR/env. Debian's slurm-wlm, munge, slurmdbd and
mariadb-server are needed; nothing of them is started by their installation.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.machines.by_hand import STANDINS, keep_up, tell, write_interpreter
from tests.waiting import wait_until

PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb-install-db", "sacctmgr")
NODES = ("n1", "n2")


def why_none() -> str:
    """Why there can be no cluster here, "" where there can."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if missing:
        return f"no {missing[0]} here: apt-get install slurm-wlm slurmdbd mariadb-server munge"
    if os.geteuid() != 0:
        return "Slurm's daemons need root here"
    done = subprocess.run(["unshare", "--uts", "hostname", "trial"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this container may make no UTS namespace"


@dataclass
class Cluster:
    """``place`` has all its files, ``runs`` of them are shared by login node and nodes."""

    place: Path
    started: list[subprocess.Popen] = field(default_factory=list)
    nodes: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def runs(self) -> Path:
        return self.place / "shared" / "runs"

    @property
    def variables(self) -> dict[str, str]:
        """What every command of Slurm must find."""
        return {"SLURM_CONF": str(self.place / "slurm.conf"), "PATH": f"{os.environ['PATH']}:/usr/sbin"}

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env={**os.environ, **self.variables}, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def daemon(self, *command: str, user: str | None = None) -> subprocess.Popen:
        log = (self.place / f"{Path(command[0]).name}.log").open("ab")
        one = subprocess.Popen(
            command,
            env={**os.environ, **self.variables, "PYTHONPATH": str(STANDINS)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            start_new_session=True,
        )
        self.started.append(one)
        return one

    def start_node(self, name: str) -> None:
        line = f"hostname {name} && exec slurmd -D -N {name}"
        self.nodes[name] = self.daemon("unshare", "--uts", "sh", "-c", line)

    def kill_node(self, name: str) -> None:
        """As the loss of its power would: its daemon and what executes jobs there, with SIGKILL."""
        one = self.nodes.pop(name)
        namespace = os.readlink(f"/proc/{one.pid}/ns/uts")
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                pid = int(entry.name)
                name_of = (entry / "comm").read_text().strip()
                if os.readlink(entry / "ns" / "uts") == namespace and name_of in ("slurmd", "slurmstepd"):
                    os.kill(pid, signal.SIGKILL)
        one.wait()

    def story(self, name: str) -> None:
        """What workers that begin from now on tell."""
        tell(self.place, name)


@contextmanager
def cluster(place: Path):
    """A cluster that is up, with two idle nodes."""
    place.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ends:
        one = Cluster(place)
        ends.callback(_end, one)
        _start_munge(one)
        _start_database(one)
        _write_configuration(one)
        one.daemon("/usr/sbin/slurmdbd", "-D")
        wait_until(lambda: _says(one, "sacctmgr", "--noheader", "show", "cluster") is not None)
        one.run("sacctmgr", "-i", "add", "cluster", "tests")
        one.daemon("/usr/sbin/slurmctld", "-D")
        for name in NODES:
            one.start_node(name)
        wait_until(lambda: (_says(one, "sinfo", "--noheader", "--format=%D %t") or "").split() == ["2", "idle"])
        yield one


def settings_for(one: Cluster) -> str:
    """A config.toml that describes the cluster, reached here; frameworks there are the scripted worker."""
    fake = json.dumps(str(one.place / "fake-python"))
    return (
        f"[machines.cluster]\nkind = 'slurm'\nruns = {json.dumps(str(one.runs))}\npartition = 'all'\n"
        f"interpreters = {{ pytorch = {fake}, tensorflow = {fake} }}\nresources = {{ time = 10 }}\n"
    )


def _start_munge(one: Cluster) -> None:
    home = one.place / "munge"
    home.mkdir()
    (home / "key").write_bytes(secrets.token_bytes(1024))
    (home / "key").chmod(0o400)
    for path in (home, home / "key"):
        shutil.chown(path, "munge", "munge")
    for parent in (one.place, *one.place.parents):  # munge must come to its directory
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    options = ("key-file=key", "socket=socket", "pid-file=pid", "log-file=log", "seed-file=seed")
    flags = [f"--{name}={home / file}" for name, file in (option.split("=") for option in options)]
    one.daemon("/usr/sbin/munged", "--foreground", *flags, user="munge")
    wait_until(lambda: (home / "socket").exists())


def _start_database(one: Cluster) -> None:
    home = one.place / "mysql"
    home.mkdir()
    common = [f"--datadir={home}", "--user=root"]
    one.run("mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", *common)
    port = _free_port()
    one.daemon(
        "/usr/sbin/mariadbd", "--no-defaults", *common, f"--port={port}", "--bind-address=127.0.0.1",
        f"--socket={home / 'socket'}", f"--pid-file={home / 'pid'}", "--innodb-buffer-pool-size=32M",
    )  # fmt: skip
    wait_until(lambda: (home / "socket").exists())
    one.run(
        "mariadb",
        f"--socket={home / 'socket'}",
        "-e",
        "create database slurm_acct_db; create user slurm@localhost; grant all on *.* to slurm@localhost",
    )
    (one.place / "slurmdbd.conf").write_text(
        f"AuthType=auth/munge\nAuthInfo=socket={one.place / 'munge' / 'socket'}\nDbdHost=localhost\n"
        f"DbdPort={_free_port()}\nSlurmUser=root\nStorageType=accounting_storage/mysql\nStorageHost=127.0.0.1\n"
        f"StoragePort={port}\nStorageUser=slurm\nStorageLoc=slurm_acct_db\nPidFile={one.place / 'slurmdbd.pid'}\n"
    )
    (one.place / "slurmdbd.conf").chmod(0o600)


def _write_configuration(one: Cluster) -> None:
    place, host = one.place, socket.gethostname()
    one.runs.mkdir(parents=True)
    (place / "state").mkdir()
    write_interpreter(place)
    # A node has its own lock; a task finds what its prolog says.
    prolog = place / "prolog"
    home = place / "homes"
    prolog.write_text(
        f'#!/bin/sh\necho "export TFPT_TUI_LOCK={place}/$SLURMD_NODENAME.lock"\n'
        f'echo "export XDG_RUNTIME_DIR={home}/$SLURMD_NODENAME"\n'
    )
    prolog.chmod(0o755)
    dbd_port = next(
        line.split("=")[1]
        for line in (place / "slurmdbd.conf").read_text().splitlines()
        if line.startswith("DbdPort")
    )
    nodes = "".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={_free_port()} CPUs=2 State=UNKNOWN\n"
        for name in NODES
    )
    for name in NODES:
        (home / name).mkdir(parents=True)
    (place / "slurm.conf").write_text(
        f"ClusterName=tests\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root\n"
        # A job is requeued when the credentials of its first start have expired.
        f"AuthType=auth/munge\nAuthInfo=socket={place / 'munge' / 'socket'},cred_expire=5\nCredType=cred/munge\n"
        f"SlurmctldPort={_free_port()}\nSlurmdPort={_free_port()}\nStateSaveLocation={place / 'state'}\n"
        f"SlurmdSpoolDir={place}/spool-%n\nSlurmctldPidFile={place}/slurmctld.pid\nSlurmdPidFile={place}/slurmd-%n.pid\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSelectType=select/cons_tres\n"
        "JobAcctGatherType=jobacct_gather/none\nAccountingStorageType=accounting_storage/slurmdbd\n"
        f"AccountingStorageHost=localhost\nAccountingStoragePort={dbd_port}\n"
        f"AccountingStoragePass={place / 'munge' / 'socket'}\nReturnToService=2\nSlurmdTimeout=4\n"
        "MessageTimeout=3\n"
        f"KillWait=5\nMpiDefault=none\nTaskProlog={prolog}\nSchedulerParameters=batch_sched_delay=1,sched_interval=2\n"
        f"{nodes}PartitionName=all Nodes=n1,n2 Default=YES State=UP\n"
    )


def _end(one: Cluster) -> None:
    for daemon in reversed(one.started):
        with suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()


def _says(one: Cluster, *command: str) -> str | None:
    done = subprocess.run(
        command, env={**os.environ, **one.variables}, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def main() -> None:
    place = Path(sys.argv[1]).absolute()
    shutil.rmtree(place, ignore_errors=True)
    with cluster(place) as one:
        keep_up(place, settings_for(one), one.variables)


if __name__ == "__main__":
    main()
