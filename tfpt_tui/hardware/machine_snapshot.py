"""What was known of a machine as a run began: ``environment.toml``, as it is written and as it is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.documents import Value, build
from tfpt_tui.events import RunWarning, read_warnings

ENVIRONMENT_SCHEMA = 1
UNKNOWN = "unknown"
# Environment variables that change what a framework does, whichever it is; those of one stand in its backend.toml.
# Names, not beginnings of names: under those, tools keep their keys (NVIDIA_API_KEY, TF_TOKEN_...).
VARIABLES = (
    *("ATEN_CPU_CAPABILITY", "CUBLAS_WORKSPACE_CONFIG", "CUDA_AUTO_BOOST", "CUDA_CACHE_DISABLE"),
    *("CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_DEVICE_ORDER", "CUDA_DISABLE_PTX_JIT", "CUDA_FORCE_PTX_JIT"),
    *("CUDA_LAUNCH_BLOCKING", "CUDA_MODULE_LOADING", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "CUDA_VISIBLE_DEVICES"),
    *("DNNL_DEFAULT_FPMATH_MODE", "DNNL_MAX_CPU_ISA", "GLIBC_TUNABLES", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT"),
    *("KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_DUPLICATE_LIB_OK", "KMP_HW_SUBSET", "KMP_LIBRARY", "LD_PRELOAD"),
    *("MALLOC_ARENA_MAX", "MALLOC_CONF", "MALLOC_MMAP_THRESHOLD_", "MALLOC_PERTURB_", "MALLOC_TOP_PAD_"),
    *("MALLOC_TRIM_THRESHOLD_", "MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "MKL_DYNAMIC", "MKL_ENABLE_INSTRUCTIONS"),
    *("MKL_NUM_THREADS", "MKL_THREADING_LAYER", "MKL_VERBOSE", "NVIDIA_DRIVER_CAPABILITIES"),
    *("NVIDIA_TF32_OVERRIDE", "NVIDIA_VISIBLE_DEVICES", "OMP_DYNAMIC", "OMP_MAX_ACTIVE_LEVELS"),
    *("OMP_NUM_THREADS", "OMP_PLACES", "OMP_PROC_BIND", "OMP_SCHEDULE", "OMP_THREAD_LIMIT", "OMP_WAIT_POLICY"),
    *("ONEDNN_CPU_ISA_HINTS", "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "ONEDNN_VERBOSE"),
    *("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "XLA_FLAGS"),
)
# What stands in the file also where it is empty.
ALWAYS = ("spared_cores", "variables", "warnings")


@dataclass(frozen=True)
class Fingerprint:
    """Short names for all that decides how fast a machine and its software are (hardware/fingerprint.py)."""

    machine: str = UNKNOWN
    software: str = UNKNOWN


@dataclass(frozen=True)
class GpuDriver:
    """``problem`` says why there are no GPUs, ``used`` is the index of the one that a run was to use."""

    driver: str = ""
    cuda_driver: str = ""
    problem: str = ""
    used: int | None = None


@dataclass(frozen=True)
class DuelPart:
    """What a run is in a duel: one arm of one of its restarts.

    ``arms`` are the runs that took turns, this one among them. ``until`` and ``budget_s`` are the precision and
    the seconds at which the duel was to end early, both 0 for one of planned length. Spread and its degrees of
    freedom are what was known as it began of processes that are started again (runs/record/shown_by_duels.py).
    ``accuracy`` is whether the run was to train on to its last epoch.
    """

    arms: tuple[str, ...] = ()
    until: float = 0.0
    budget_s: float = 0.0
    spread_sd: float = 0.0
    spread_freedom: float = 0.0
    accuracy: bool = False

    @property
    def ends_early(self) -> bool:
        """Whether it may have ended because the answer suited, or its time was over."""
        return self.until > 0 or self.budget_s > 0


@dataclass(frozen=True)
class MachineSnapshot:
    """Facts about machine and software, unknown ones left out. Field names are those of the file.

    Attributes:
        spared_cores: the cores that are left to the supervisor.
        gpus: the facts of each GPU.
        variables: environment variables that change what a framework does.
        data, runs: where the dataset and the records lie, and what was in the page cache.
        warnings: what the supervisor saw before, during and after the run.
        sensitivity: how many times as long an epoch takes, by the share of our cores that others use, as text.
        peaks: GFLOP/s that the framework is known to reach at best on this processor, by what it computes.
        versions: of the packages that ran, as the worker tells them; empty before it has.
        duel: the run's part in a duel, where it is in one.
    """

    interpreter: str = ""
    spared_cores: tuple[int, ...] = ()
    machine: Mapping[str, Value] = field(default_factory=dict)
    gpu: GpuDriver = GpuDriver()
    gpus: tuple[Mapping[str, Value], ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Value] = field(default_factory=dict)
    runs: Mapping[str, Value] = field(default_factory=dict)
    warnings: tuple[RunWarning, ...] = ()
    sensitivity: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    fingerprint: Fingerprint = Fingerprint()
    duel: DuelPart | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything was recorded."""
        return self != NO_SNAPSHOT


NO_SNAPSHOT = MachineSnapshot()


def snapshot_from(document: Mapping[str, Any]) -> MachineSnapshot:
    """Read ``environment.toml``, also of earlier versions, which recorded variables that are nobody's business.

    Raises:
        DocumentError: a fact has a wrong type.
    """
    snapshot = build(MachineSnapshot, {**document, "warnings": read_warnings(document)})
    return replace(snapshot, variables=recorded(snapshot.variables))


def recorded(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of the environment variables that are kept with a run."""
    names = {*VARIABLES, *(name for framework in FRAMEWORKS.values() for name in framework.variables)}
    return {name: value for name, value in sorted(variables.items()) if name in names}


def snapshot_document(snapshot: MachineSnapshot) -> dict[str, Any]:
    """The tables of the file; what is not known is left out."""
    if not snapshot.is_known:
        return {}
    tables = dataclasses.asdict(snapshot)
    known = {name: table for name, table in tables.items() if name in ALWAYS or table not in ("", (), {}, None)}
    document = {"schema": ENVIRONMENT_SCHEMA, **known}
    document["gpu"] = {name: fact for name, fact in document["gpu"].items() if fact not in ("", None)}
    document["fingerprint"] = {
        name: digest for name, digest in document["fingerprint"].items() if digest != UNKNOWN
    }
    return document
