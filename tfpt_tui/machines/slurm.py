"""Plans on a Slurm cluster, seen from its login node: jobs are submitted through submitit, and their states read.

What is paired stays on one node: a duel is one job, and so is each repeat with all its rows. Job and login node
share the directories of the runs, so that all else is as on one machine.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tfpt_tui.config.machines import Machine
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.documents import Value
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.errors import MissingError
from tfpt_tui.machines.jobs import is_open, jobs_of, read_job, settle_job, submit_parts
from tfpt_tui.machines.slurm_job import run_sweep
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.sweep import Sweep

FOLDER = "slurm"  # in the directory of a sweep: what submitit keeps, and the job's output
ANSWER_S = 20.0
# Half a day: what a job may take where the user's resources say nothing (minutes).
USUAL_MINUTES = 720
# Job state codes of squeue(1). After a requeue a job is pending again.
PENDING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT")
HELD = (*PENDING, "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING", "RESIZING")
# How the runs of a job have ended that could not say it themselves; every other state is a crash.
ENDED = {
    "CANCELLED": "stopped",
    "TIMEOUT": "timeout",
    "DEADLINE": "timeout",
    "OUT_OF_MEMORY": "out_of_memory",
}
COMPLETED = "COMPLETED"
GONE = "GONE"  # Slurm does not know it any more
# For so long a login node may not see the result of a job that ended well (nfs(5): attributes are cached), and
# nobody may know of a job while slurmdbd is started anew.
UNCERTAIN, UNCERTAIN_S = (COMPLETED, GONE), 90.0


class BusyError(MissingError):
    """A command of Slurm does not answer now."""


@dataclass
class Jobs:
    """The jobs of sweeps: their last known states, those that are to stop, and when they were seen to be over.

    ``wanted`` are sweeps that somebody follows, however many newer ones there are.
    """

    paths: Paths
    states: dict[str, str] = field(default_factory=dict)
    stopping: set[str] = field(default_factory=set)
    over: dict[str, float] = field(default_factory=dict)
    wanted: set[SweepDirectory] = field(default_factory=set)

    def look(self) -> None:
        """Ask Slurm. What a job left undone that is over gets its result; one that waits and is to stop is
        cancelled: nobody there would see the request.
        """
        every = jobs_of(list(self.wanted), self.paths)
        jobs = {sweep: job for sweep, job in every.items() if self._is_asked_about(sweep)}
        try:
            states = job_states(list(jobs.values()))
        except MissingError:
            return  # the controller does not answer, and is waited for: nothing is known to be over
        for sweep, job in jobs.items():
            state, now = states.get(job, GONE), time.monotonic()
            if state in HELD:
                self.over.pop(sweep.id, None)
                if state in PENDING and sweep.id in self.stopping:
                    _cancel(job)
            elif state in UNCERTAIN and now - self.over.setdefault(sweep.id, now) <= UNCERTAIN_S:
                if state == GONE:
                    continue  # as far as one knows it is as it was
            else:
                _settle(sweep, job, state, self.paths)
            self.states[sweep.id] = state

    def holds(self, sweep: SweepDirectory) -> bool:
        """Whether the sweep's job waits or runs; between two attempts of it all runs may have a result."""
        self.wanted.add(sweep)
        known = self.states.get(sweep.id)
        return known in HELD if known else bool(read_job(sweep))

    def stop(self, sweep: SweepDirectory) -> None:
        """Somebody wants it to end; what a preempted job leaves says so, too, and shall go on."""
        self.stopping.add(sweep.id)

    def _is_asked_about(self, sweep: SweepDirectory) -> bool:
        """What is over once, and has all its results, is so for good."""
        return self.states.get(sweep.id) in (None, *HELD) or is_open(sweep, self.paths)


def scheduler(machine: Machine, paths: Paths) -> Jobs:
    """Who holds the jobs of this directory; the machine is the cluster's login node."""
    return Jobs(paths)


def submit_plan(plan: Plan, machine: Machine, settings: UserSettings, paths: Paths, number: int) -> list[str]:
    """Submit the plan one job for each part; returns the IDs of their sweeps.

    Raises:
        MissingError: no environment of that name, submitit or Slurm is missing, or refuses the job.
    """
    return submit_parts(plan, settings, paths, number, lambda sweep: _submit(sweep, machine, paths))


def job_states(ids: Sequence[str]) -> dict[str, str]:
    """What Slurm knows of these jobs: its controller, which forgets them after some minutes, else its accounts.

    Raises:
        MissingError: the controller does not answer, or the accounts do not in time.
    """
    known: dict[str, str] = {}
    if ids:
        listed = ",".join(ids)
        try:
            known = _table(_run("squeue", "--noheader", "--states=all", "--format=%i %T", f"--jobs={listed}"))
        except MissingError as error:
            if "invalid job id" not in str(error).lower():
                raise
    if left := [one for one in ids if one not in known]:
        try:
            accounts = _run(
                "sacct", "--noheader", "--allocations", "--format=JobID,State%20", f"--jobs={','.join(left)}"
            )
            known |= _table(accounts)
        except BusyError:
            raise  # slurmdbd may know them when it answers
        except MissingError:
            pass  # no slurmdbd: what the controller does not know is over
    return known


def examine(machine: Machine) -> Iterator[Finding]:
    """Whether jobs can be submitted here, and how their ends become known."""
    try:
        import submitit

        yield Finding("ok", "submitit", f"submitit {submitit.__version__}")
    except ImportError:
        yield Finding("error", "submitit", "is not installed beside tfpt-tui here", "pip install submitit")
    try:
        version = _run("sinfo", "--version").strip()
        chosen = ["--partition", machine.partition] if machine.partition else []
        nodes = _run("sinfo", "--noheader", "--format=%D %T", *chosen).split()
    except MissingError as error:
        yield Finding("error", "Slurm", str(error), "see whether its controller is up: scontrol ping")
        return
    counts = ", ".join(f"{count} {state}" for count, state in zip(nodes[::2], nodes[1::2], strict=True))
    where = f"partition {machine.partition}" if machine.partition else "all partitions"
    if counts:
        yield Finding("ok", "Slurm", f"{version}; {where}: {counts}")
    else:
        yield Finding("error", "Slurm", f"{version}; {where}: no node", "correct partition; sinfo shows them")
    try:
        _run("sacct", "--noheader", "--allocations", "--format=JobID")
        yield Finding("ok", "accounts", "sacct answers: the end of a job is known however late one looks")
    except MissingError:
        yield Finding(
            "note",
            "accounts",
            "sacct does not answer, so squeue is asked: it forgets a job some minutes after its end",
            "nothing, while somebody follows the cluster; else run slurmdbd",
        )
    yield Finding("note", "nodes", "frameworks, devices and room are looked at by each job, on its node")


def _submit(sweep: Sweep, machine: Machine, paths: Paths) -> str:
    try:
        from submitit import SlurmExecutor
    except ImportError:
        raise MissingError("submitit is not installed; install it beside tfpt-tui: pip install submitit") from None
    # Nobody else on the node: otherwise it would be timed with whatever the others do.
    wanted: dict[str, Value] = {"exclusive": True, "time": USUAL_MINUTES, "requeue": True}
    wanted |= machine.resources
    if machine.partition:
        wanted["partition"] = machine.partition
    minutes = wanted.pop("time")
    flags = {name.replace("_", "-"): value for name, value in wanted.items() if value is not False}
    try:
        executor = SlurmExecutor(folder=sweep.directory.path / FOLDER)
        executor.update_parameters(
            job_name=f"tfpt-tui-{sweep.id}",  # not the preset's name: it stands in a script
            time=minutes,
            additional_parameters=flags,
            stderr_to_stdout=True,
        )
        return str(executor.submit(run_sweep, str(sweep.directory.path), str(paths.runs)).job_id)
    except Exception as error:  # submitit's own errors hold what sbatch said, in many lines
        raise MissingError(f"Slurm refuses the job: {_last_line(str(error))}") from None


def _cancel(job: str) -> None:
    with suppress(MissingError):  # it is tried again with the next look
        _run("scancel", job)


def _settle(directory: SweepDirectory, job: str, state: str, paths: Paths) -> None:
    known = "Slurm knows it no more" if state == GONE else f"Slurm ended it: {state}"
    reason = f"job {job}: {known}; see {directory.path / FOLDER}"
    settle_job(directory, ENDED.get(state, "crashed"), reason, paths)


def _run(*command: str) -> str:
    """What one of Slurm's commands says.

    Raises:
        BusyError: it does not answer in time.
        MissingError: it is not there, or fails; the line is its own.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise MissingError(f"{command[0]}: cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BusyError(f"{command[0]}: does not answer within {ANSWER_S:g} s") from None
    if done.returncode:
        raise MissingError(f"{command[0]}: {_last_line(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout


def _table(text: str) -> dict[str, str]:
    """By job the state, of which CANCELLED may be followed by who did it."""
    lines = (line.split() for line in text.splitlines())
    return {words[0]: words[1].rstrip("+") for words in lines if len(words) > 1}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
