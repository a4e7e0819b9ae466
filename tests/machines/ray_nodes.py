"""A real Ray cluster on this machine: a head that runs no task, and two nodes with a slot, a name and a lock each.

    python -m tests.machines.ray_nodes DIR

keeps it up until Ctrl-C, with a config.toml that knows it: see DIR/env.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.machines.by_hand import STANDINS, keep_up, tell, write_interpreter
from tests.waiting import wait_until, wait_until_late

NODES = ("r1", "r2")
UP = b"Ray runtime started."
START_S = 300


def why_none() -> str:
    """Why there can be no cluster here, "" where there can."""
    if importlib.util.find_spec("ray") is None:
        return "Ray is not installed: pip install 'tfpt-tui[ray]'"
    if os.geteuid() != 0:
        return "a host name of its own needs root (unshare --uts)"
    done = subprocess.run(["unshare", "--uts", "hostname", "trial"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this container may make no UTS namespace"


@dataclass
class RayCluster:
    """``place`` has all its files, ``runs`` are the head's."""

    place: Path
    port: int
    token: str
    scratch: Path  # names of sockets may not be long
    started: dict[str, subprocess.Popen] = field(default_factory=dict)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    namespaces: dict[int, str] = field(default_factory=dict)

    @property
    def runs(self) -> Path:
        return self.place / "head" / "runs"

    @property
    def address(self) -> str:
        return f"{socket.gethostbyname(socket.gethostname())}:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """What every driver must find."""
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, "RAY_USAGE_STATS_ENABLED": "0"}

    def start(self, name: str, *options: str) -> None:
        self.options[name] = options
        home = self.place / name
        home.mkdir(exist_ok=True)
        ray = Path(sys.executable).with_name("ray")
        own = {
            "TFPT_TUI_LOCK": str(home / "machine.lock"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_RUNTIME_DIR": str(home),
            "PYTHONPATH": str(STANDINS),
            "PYTHONUNBUFFERED": "1",  # its log says at once that it is up
        }
        line = f'hostname {name} && exec "$@"'
        log = self.log_of(name).open("wb")
        command = [str(ray), "start", "--block", "--disable-usage-stats", "--num-cpus=0", *options]
        self.started[name] = subprocess.Popen(
            ["unshare", "--uts", "sh", "-c", line, "sh", *command],
            env={**os.environ, **self.variables, **own},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        pid = self.started[name].pid
        wait_until_late(lambda: os.readlink(f"/proc/{pid}/ns/uts") != os.readlink("/proc/self/ns/uts"))
        self.namespaces[pid] = os.readlink(f"/proc/{pid}/ns/uts")

    def log_of(self, name: str) -> Path:
        return self.place / f"{name}.log"

    def wait_for(self, name: str) -> None:
        """Until it is up. Ray gives up a start after 30 s, too short beside other tests: it is repeated."""
        wait_until(lambda: self._is_up(name), START_S)

    def _is_up(self, name: str) -> bool:
        if self.started[name].poll() is not None:
            self.kill(name)
            self.start(name, *self.options[name])
        return UP in self.log_of(name).read_bytes()

    def nodes(self) -> int:
        """How many the cluster takes for alive: one that is lost, for some seconds more."""
        # Ray itself prints, too.
        code = "import ray, sys; ray.init(sys.argv[1]); print(sum(one['Alive'] for one in ray.nodes()))"
        command = [sys.executable, "-c", code, self.address]
        done = subprocess.run(command, env={**os.environ, **self.variables}, capture_output=True, check=True)
        return max(int(line) for line in done.stdout.splitlines() if line.strip().isdigit())

    def start_head(self) -> None:
        # A directory of its own: what is left of others in the usual one is taken for this cluster's.
        own = ("--include-dashboard=false", f"--temp-dir={self.scratch}")
        self.start("head", "--head", f"--port={self.port}", *own)

    def start_node(self, name: str) -> None:
        # The GPUs are there in name only: Ray counts them, and numbers them for its tasks.
        slot = f"--resources={json.dumps({'tfpt_slot': 1})}"
        self.start(name, f"--address={self.address}", "--num-gpus=2", slot)

    def kill(self, name: str) -> None:
        """As the loss of its power would: all that Ray runs there, with SIGKILL."""
        one = self.started.pop(name)
        pids = self.processes(one)
        while pids:  # what dies is started anew, until the one that does it is dead, too
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
            pids = self.processes(one)
        one.wait()

    def processes(self, one: subprocess.Popen) -> list[int]:
        """All of its host name, but for what our task has started: that must end by itself."""
        found: list[int] = []
        namespace = self.namespaces[one.pid]
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                words = (entry / "cmdline").read_text()
                if (
                    os.readlink(entry / "ns" / "uts") == namespace
                    and "tfpt_tui" not in words
                    and "fake" not in words
                ):
                    found.append(int(entry.name))
        return found

    def story(self, name: str) -> None:
        """What workers that begin from now on tell."""
        tell(self.place, name)


@contextmanager
def ray_cluster(place: Path):
    """A cluster that is up, with two nodes that offer a slot."""
    place.mkdir(parents=True, exist_ok=True)
    one = RayCluster(place, _free_port(), secrets.token_hex(16), Path(tempfile.mkdtemp(prefix="ray-")))
    write_interpreter(place)
    try:
        one.start_head()
        one.wait_for("head")
        for name in NODES:  # of two that start at once one now and then fails
            one.start_node(name)
            one.wait_for(name)
        yield one
    finally:
        for name in list(one.started):
            one.kill(name)
        shutil.rmtree(one.scratch, ignore_errors=True)


def settings_for(one: RayCluster) -> str:
    """A config.toml that describes the cluster, whose head is here; frameworks there are the scripted worker."""
    fake = json.dumps(str(one.place / "fake-python"))
    return (
        f"[machines.ray]\nkind = 'ray'\nruns = {json.dumps(str(one.runs))}\naddress = '{one.address}'\n"
        f"interpreters = {{ pytorch = {fake}, tensorflow = {fake} }}\n"
    )


def _free_port() -> int:
    """Not among those that Ray's workers take (10002 to 19999)."""
    while True:
        with socket.socket() as one:
            one.bind(("", 0))
            if (port := one.getsockname()[1]) > 20_000:
                return port


def main() -> None:
    place = Path(sys.argv[1]).absolute()
    shutil.rmtree(place, ignore_errors=True)
    with ray_cluster(place) as one:
        keep_up(place, settings_for(one), one.variables)


if __name__ == "__main__":
    main()
