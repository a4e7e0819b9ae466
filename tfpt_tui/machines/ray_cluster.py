"""Plans on a Ray cluster, seen from its head: a named actor there keeps them, and a task runs each on a node.

Ray places, transports and notices what dies. It retries nothing: a generator that it repeats would lose the
beginning of the second attempt (ray-project/ray#35768). The actor repeats, with directories of its own for each
attempt. A node needs no directory in common with the head: the plan is sent to it, and what it records comes back.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfpt_tui.config.machines import Machine
from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import Value
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.errors import MissingError, TfptError
from tfpt_tui.hardware.preflight import SHARED_HOST
from tfpt_tui.machines.changes import QUEUED, Changes
from tfpt_tui.machines.datasets import digest_of, find_dataset
from tfpt_tui.machines.jobs import is_open, is_unwanted, jobs_of, settle_job, submit_parts, write_states
from tfpt_tui.machines.mirror import Mirror
from tfpt_tui.machines.node import begin_again
from tfpt_tui.machines.wire import FilePart, SweepStatus
from tfpt_tui.own_process import own_command
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, list_runs
from tfpt_tui.runs.record.lock import lock_path
from tfpt_tui.runs.record.state import State, request_stop, status_of, write_state
from tfpt_tui.runs.record.sweep import Sweep, read_sweep, runs_of

# Always said, whatever the user's shell says: an open cluster executes whatever anybody sends. A driver whose head
# is gone ends after so many seconds, and the next one finds out what became of it.
os.environ |= {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
}

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

NAMESPACE = "tfpt-tui"
# Of it a node has as much as it can train on at a time: one.
SLOT = "tfpt_slot"
# What tasks take by another name than that under which nodes offer it.
OFFERED_AS = {"num_gpus": "GPU", "num_cpus": "CPU", "memory": "memory"}
HOW_TO_START = "RAY_AUTH_MODE=token ray start ... --resources '{\"tfpt_slot\": 1}'"
MAX_ATTEMPTS = 3
LOOK_S = 0.5
WISHES_S = 1.0
ANSWER_S = 10.0

Said = list[tuple[FilePart | SweepStatus, bytes]]


@dataclass(frozen=True)
class Parcel:
    """What a node needs of a sweep: its plan, and the configuration of each run, as files; and the digests of the
    datasets that they name.
    """

    sweep: str
    plan: bytes
    configs: Mapping[str, bytes]
    digests: Mapping[str, str]
    attempt: int


def connect(address: str) -> None:
    """Join the cluster as a driver.

    Raises:
        MissingError: there is no cluster, or it refuses our token.
    """
    if not ray.is_initialized():
        try:
            ray.init(
                address=address or "auto",
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except Exception as error:  # ConnectionError, RuntimeError, and classes of its own
            raise MissingError(f"Ray: {_first_line(error)}; start it so: {HOW_TO_START}") from None


def scheduler(machine: Machine, paths: Paths) -> Tasks:
    """Who holds the plans of this directory; the machine is the cluster's head."""
    return Tasks(paths, machine.address)


def submit_plan(plan: Plan, machine: Machine, settings: UserSettings, paths: Paths, number: int) -> list[str]:
    """Hand the plan to the actor that keeps it, one task for each part; returns their sweeps.

    Raises:
        MissingError: the cluster is not there, or no node offers what a task needs.
    """
    connect(machine.address)
    wanted = _wanted(machine.resources)
    if not _room(wanted):
        lacking = " and ".join(f"{name} = {amount:g}" for name, amount in wanted.items())
        raise MissingError(f"Ray: no node offers {lacking}; start nodes so: {HOW_TO_START}")
    keeper = _keeper(paths)
    digests = {run.config.data: digest_of(run.config.data) for run in plan.runs}

    def submit(sweep: Sweep) -> str:
        try:
            ray.get(keeper.begin.remote(sweep.id, wanted, digests), timeout=ANSWER_S)
        except ray.exceptions.RayError as error:
            raise MissingError(f"Ray: its actor takes no plan: {_first_line(error)}") from None
        return "ray"

    return submit_parts(plan, settings, paths, number, submit)


@dataclass
class Tasks:
    """The plans that the actor keeps, by its last answer; ``wanted`` are those that somebody follows."""

    paths: Paths
    address: str
    kept: set[str] | None = None
    wanted: set[SweepDirectory] = field(default_factory=set)

    def look(self) -> None:
        """Ask the actor; what was lost with one that is gone gets its result."""
        before = jobs_of(list(self.wanted), self.paths)  # one that is submitted meanwhile is not lost
        try:
            connect(self.address)
            keeper = _find_keeper(self.paths)
            self.kept = set(ray.get(keeper.kept.remote(), timeout=ANSWER_S)) if keeper else set()
        except Exception:  # away, in one of Ray's many ways: nothing is known to be over
            self.kept = None
            return
        for sweep in before:
            if sweep.id not in self.kept and is_open(sweep, self.paths):
                settle_job(
                    sweep, "crashed", "the head of the Ray cluster was lost, and with it the plan", self.paths
                )

    def holds(self, sweep: SweepDirectory) -> bool:
        """Whether the actor keeps the sweep; while it does not answer, whether something of it is left."""
        self.wanted.add(sweep)
        return is_open(sweep, self.paths) if self.kept is None else sweep.id in self.kept

    def stop(self, sweep: SweepDirectory) -> None:
        """The actor reads the request itself."""


class Keeper:
    """Keeps plans on the head: begins their tasks, takes in what these record, and begins again what was lost."""

    def __init__(self, runs: str) -> None:
        self.paths = find_paths(runs)
        self.sweeps: dict[str, asyncio.Task[None]] = {}

    async def begin(self, sweep: str, wanted: dict[str, float], digests: dict[str, str]) -> None:
        keeping = self._keep(SweepDirectory(self.paths.sweeps / sweep), wanted, digests)
        self.sweeps[sweep] = asyncio.create_task(keeping)

    async def kept(self) -> list[str]:
        return [sweep for sweep, task in self.sweeps.items() if not task.done()]

    async def wishes(self, sweep: str) -> list[str]:
        """The runs, and "" for the whole sweep, that somebody wants to end."""
        directory = SweepDirectory(self.paths.sweeps / sweep)
        runs = [run.id for run in runs_of(directory, self.paths) if run.stop.exists()]
        return [*runs, *([""] if directory.stop.exists() else [])]

    async def _keep(self, directory: SweepDirectory, wanted: dict[str, float], digests: dict[str, str]) -> None:
        reason = f"its node was lost {MAX_ATTEMPTS} times"
        try:
            for attempt in range(1, MAX_ATTEMPTS + 1):
                if attempt > 1 and is_unwanted(directory, self.paths):
                    return settle_job(directory, "stopped", "stopped on request", self.paths)
                if attempt > 1:
                    begin_again(directory, self.paths, attempt)
                parcel = _pack(directory, self.paths, digests, attempt)
                if await self._try(directory, parcel, wanted):
                    return
        except Exception as error:  # a full disk here, what came is not ours, or Ray takes no such task
            reason = str(error) or type(error).__name__
        settle_job(directory, "crashed", reason, self.paths)

    async def _try(self, directory: SweepDirectory, parcel: Parcel, wanted: dict[str, float]) -> bool:
        """One attempt; False where its node or its process was lost, or its supervisor before it had ended."""
        # Ray's own retry would splice two attempts into one.
        task = ray.remote(max_retries=0, **_options(wanted))(execute)
        said = task.remote(parcel, _actor_name(self.paths))
        cancelling = asyncio.create_task(self._cancel_if_unbegun(directory, said))
        mirror = None
        try:
            async for reference in said:
                portion = await reference
                cancelling.cancel()
                if isinstance(portion, str):
                    mirror = self._hand_to(directory, portion)
                elif mirror:
                    for frame, content in portion:
                        mirror.take(frame, content)
        except ray.exceptions.TaskCancelledError:
            settle_job(directory, "stopped", "it was stopped before a node was free", self.paths)
        except ray.exceptions.RayTaskError as error:  # it ran, and failed in our own code: as it would again
            raise TfptError(str(error.cause).strip().split("\n")[-1]) from None
        except ray.exceptions.RayError:
            return False
        except TfptError:  # what it records cannot be kept
            ray.cancel(said)
            raise
        finally:
            cancelling.cancel()
        return not is_open(directory, self.paths)

    async def _cancel_if_unbegun(self, directory: SweepDirectory, said: Any) -> None:
        while not is_unwanted(directory, self.paths):
            await asyncio.sleep(WISHES_S)
        ray.cancel(said)

    def _hand_to(self, directory: SweepDirectory, node: str) -> Mirror:
        """From now on the records here are the copy of the node's."""
        write_states(read_sweep(directory, self.paths), State(status=QUEUED, machine=node))
        return Mirror(node, self.paths)


def execute(parcel: Parcel, keeper: str) -> Iterator[str | Said]:
    """Run a sweep on this node: first its host name, then what is recorded, until all of it is sent.

    The supervisor is a child of this process and dies with it, however it dies.
    """
    yield os.uname().nodename
    paths = _paths_for(parcel.sweep)
    directory = _unpack(parcel, paths)
    actor = ray.get_actor(keeper, namespace=NAMESPACE)
    child = subprocess.Popen(
        own_command("tfpt_tui.machines.ray_node", str(directory.path), str(paths.runs), str(os.getpid())),
        stdin=subprocess.DEVNULL,
        env=_variables_of_node() | _share_of_host(),
    )
    changes, asked = Changes(paths, {directory.id: {}}), time.monotonic()
    try:
        while True:
            over = child.poll() is not None  # before the look: what was written last is in it
            if portion := list(changes.look()):
                yield portion
            if over:
                return
            if time.monotonic() - asked > WISHES_S:
                asked = time.monotonic()
                for run in ray.get(actor.wishes.remote(directory.id)):
                    request_stop(RunDirectory(paths.runs / run) if run else directory)
            time.sleep(LOOK_S)
    finally:
        child.kill()
        child.wait()


def _variables_of_node() -> dict[str, str]:
    """The environment variables that the node was started with, for what we start in a task.

    Ray changes a task's own: without CPUs of its own it gets one thread of OpenMP.
    """
    raylet = Path(f"/proc/{os.getppid()}/environ").read_bytes()
    lines = (os.fsdecode(line).partition("=") for line in raylet.split(b"\0") if line)
    return {name: value for name, _, value in lines}


def _share_of_host() -> dict[str, str]:
    """For a plan that has a GPU but not the node's slot: which one, and that others may train beside it."""
    gpus = ",".join(map(str, ray.get_gpu_ids()))
    if not gpus or SLOT in ray.get_runtime_context().get_assigned_resources():
        return {}
    return {"CUDA_VISIBLE_DEVICES": gpus, "TFPT_TUI_LOCK": f"{lock_path()}.gpu-{gpus}", SHARED_HOST: "1"}


def examine(machine: Machine) -> Iterator[Finding]:
    """Whether there is a cluster that only we may use, and how many plans it can run at a time."""
    yield Finding("ok", "Ray", f"ray {ray.__version__}")
    try:
        connect(machine.address)
    except MissingError as error:
        yield Finding("error", "cluster", str(error))
        return
    alive = [node for node in ray.nodes() if node["Alive"]]
    room = _room(_wanted(machine.resources))
    level, remedy = ("ok", "") if room else ("error", HOW_TO_START)
    yield Finding(level, "cluster", f"{len(alive)} nodes, room for {room} plans at a time", remedy)
    if _answers_without_token():
        yield Finding(
            "error",
            "authentication",
            "the cluster answers without a token: whoever reaches it runs what he likes on it",
            f"stop it, and {HOW_TO_START}",
        )
    else:
        yield Finding("ok", "authentication", "without the token the cluster does not answer")
    yield Finding("note", "nodes", "frameworks, devices and room are looked at by each task, on its node")


def _answers_without_token() -> bool:
    """Whether a driver that has no token is let in."""
    code = "import ray, sys; ray.init(address=sys.argv[1], logging_level='CRITICAL'); ray.nodes()"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    command = ["-c", code, ray.get_runtime_context().gcs_address]
    try:
        done = subprocess.run(
            [sys.executable, *command],
            env={**bare, "RAY_AUTH_MODE": "disabled"},
            capture_output=True,
            timeout=3 * ANSWER_S,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _wanted(resources: Mapping[str, Value]) -> dict[str, float]:
    """What a task takes of a node: its slot, unless the user says otherwise."""
    return {name: float(value) for name, value in (resources or {SLOT: 1}).items()}


def _room(wanted: Mapping[str, float]) -> int:
    """How many tasks that want so much the nodes could run at a time."""
    return sum(
        int(min(node["Resources"].get(OFFERED_AS.get(name, name), 0) // amount for name, amount in wanted.items()))
        for node in ray.nodes()
        if node["Alive"]
    )


def _options(wanted: Mapping[str, float]) -> dict[str, Any]:
    named = {name: value for name, value in wanted.items() if name in OFFERED_AS}
    others = {name: value for name, value in wanted.items() if name not in OFFERED_AS}
    return {"num_cpus": 0, **named, "resources": others}


def _actor_name(paths: Paths) -> str:
    return f"plans of {hashlib.sha256(os.fsencode(paths.runs)).hexdigest()[:12]}"


def _keeper(paths: Paths) -> Any:
    """The actor that keeps the plans of this directory; it is made on this very node, whose files it writes."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"name": _actor_name(paths), "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True}
    actor = ray.remote(num_cpus=0, max_restarts=0)(Keeper)
    return actor.options(**options, scheduling_strategy=here).remote(str(paths.runs))


def _find_keeper(paths: Paths) -> Any | None:
    try:
        return ray.get_actor(_actor_name(paths), namespace=NAMESPACE)
    except ValueError:
        return None


def _pack(directory: SweepDirectory, paths: Paths, digests: Mapping[str, str], attempt: int) -> Parcel:
    left = [run for run in runs_of(directory, paths) if status_of(run) != "completed"]
    configs = {run.id: run.config.read_bytes() for run in left}
    return Parcel(directory.id, directory.plan.read_bytes(), configs, digests, attempt)


def _paths_for(sweep: str) -> Paths:
    """Directories on this node for a sweep: apart from its user's own, from those of another that runs beside it,
    and from those of other nodes that share the disk.
    """
    node = ray.get_runtime_context().get_node_id()[:12]
    return find_paths(str(find_paths().machines / "ray" / node / sweep / "runs"))


def _unpack(parcel: Parcel, paths: Paths) -> SweepDirectory:
    """Record the sweep here, with the directories that this node has of its datasets."""
    for run in list_runs(paths):  # of an attempt that was lost on this very node: the head has what it sent
        if not run.result.exists():
            shutil.rmtree(run.path, ignore_errors=True)
    directory = SweepDirectory(paths.sweeps / parcel.sweep)
    directory.path.mkdir(parents=True, exist_ok=True)
    write_state(directory.state, State(job=True))
    for name, config in parcel.configs.items():
        run = RunDirectory(paths.runs / name)
        run.path.mkdir(parents=True, exist_ok=True)
        write_state(run.state, State(job=True, sweep=parcel.sweep))
        run.config.write_bytes(config)
        document = read_record(run.config)
        row = document["rows"][0]
        usual = find_dataset(row["data"], parcel.digests.get(row["data"], ""), find_paths())
        if usual and str(usual) != row["data"]:
            row["data"] = str(usual)
            write_toml(run.config, document)
    directory.plan.write_bytes(parcel.plan)
    return directory


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
