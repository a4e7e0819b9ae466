"""NVIDIA GPUs, read through NVML in a thread of their own.

NVML can be missing, refuse single questions (MIG, laptops) and hang for good in the driver, so nothing waits for
it: the reader keeps the latest answer, and an answer that grows old counts as unknown.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tfpt_tui.documents import Value
from tfpt_tui.hardware.sample import GpuSample
from tfpt_tui.linux import known

INTERVAL_S = 1.0
STALE_S = 3.0

# nvml.h, nvmlClocksEventReasons: only those that slow a training down.
THROTTLE_REASONS = {
    0x0000000000000004: "power cap",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000020: "software thermal",
    0x0000000000000040: "hardware thermal",
    0x0000000000000080: "power brake",
}

# What pynvml names its exceptions after nvml.h, nvmlReturn_t, and what they mean to a user.
EXPLANATIONS = {
    "NVMLError_LibraryNotFound": "no NVIDIA GPU: the NVML library is not installed",
    "NVMLError_DriverNotLoaded": "no GPU reading: the NVIDIA driver is not loaded",
    "NVMLError_LibRmVersionMismatch": (
        "no GPU reading: the NVIDIA driver was updated, but the kernel still runs the old one; reboot"
    ),
    "NVMLError_NoPermission": "no GPU reading: this user may not talk to the NVIDIA driver",
    "NVMLError_GpuIsLost": "no GPU reading: the GPU is lost; reset it or reboot",
}
# In place of an exception's name, when NVML hangs.
NO_ANSWER = "no_answer"


@dataclass(frozen=True)
class GpuReading:
    """``problem`` says why there are no GPUs, "" when there are; ``time`` is monotonic seconds.

    ``error`` is the name of the exception that NVML raised for it, NO_ANSWER when it hangs, else "".
    ``facts`` are what seldom changes, for each GPU what it tells; ``processes`` are the pids that compute on each.
    """

    time: float = 0.0
    names: tuple[str, ...] = ()
    driver: str = ""
    gpus: tuple[GpuSample, ...] = ()
    problem: str = ""
    error: str = ""
    cuda_driver: str = ""
    facts: tuple[Mapping[str, Value], ...] = ()
    processes: tuple[tuple[int, ...], ...] = ()


class GpuReader:
    """Reads all GPUs once a second from :meth:`start` to :meth:`stop`; :meth:`latest` never waits."""

    def __init__(self, load: Callable[[], ModuleType] | None = None, interval_s: float = INTERVAL_S) -> None:
        self._load = load or _load_nvml
        self._interval_s = interval_s
        self._reading = GpuReading()
        self._answered = threading.Event()
        self._ending = threading.Event()
        self._wanted = threading.Event()
        # A daemon: a call that hangs in the driver must not keep the supervisor from ending.
        self._thread = threading.Thread(target=self._run, name="nvml", daemon=True)

    def start(self, wait_s: float = 2.0) -> GpuReader:
        """Begin to read, giving NVML so many seconds for its first answer."""
        self._thread.start()
        self._answered.wait(wait_s)
        return self

    def refresh(self) -> None:
        """Ask for a new reading now, with the facts that seldom change; it comes when NVML has answered."""
        self._wanted.set()

    def stop(self) -> None:
        self._ending.set()
        self._wanted.set()

    def latest(self) -> GpuReading:
        """The latest reading; without GPU samples once it is older than three seconds."""
        reading = self._reading
        if not self._answered.is_set():
            return GpuReading(problem="no GPU reading: NVML does not answer", error=NO_ANSWER)
        if reading.gpus and time.monotonic() - reading.time > STALE_S:
            return dataclasses.replace(
                reading, gpus=(), processes=(), problem="no GPU reading: NVML hangs", error=NO_ANSWER
            )
        return reading

    def _run(self) -> None:
        try:
            nvml = self._load()
            nvml.nvmlInit()
            count = nvml.nvmlDeviceGetCount()
        except Exception as error:
            # pynvml raises classes that it makes at run time, and OSError or ImportError when it is broken.
            self._answer(GpuReading(problem=explain(error), error=type(error).__name__))
            return
        handles = [_ask(nvml, "nvmlDeviceGetHandleByIndex", index) for index in range(count)]
        rarely = _read_rarely(nvml, handles)
        while True:
            processes = tuple(_read_processes(nvml, handle) for handle in handles)
            samples = tuple(_read(nvml, *pair) for pair in zip(handles, processes, strict=True))
            self._answer(
                dataclasses.replace(
                    rarely,
                    time=time.monotonic(),
                    gpus=samples,
                    processes=tuple(pids or () for pids in processes),
                )
            )
            if self._wanted.wait(self._interval_s):
                self._wanted.clear()
                rarely = _read_rarely(nvml, handles)
            if self._ending.is_set():
                return

    def _answer(self, reading: GpuReading) -> None:
        self._reading = reading
        self._answered.set()


def read_gpu(wait_s: float = 5.0) -> GpuReading:
    """One reading of all GPUs, for which NVML has so many seconds."""
    reader = GpuReader().start(wait_s)
    reader.stop()
    return reader.latest()


def explain(error: Exception) -> str:
    """One line that says why there is no GPU reading."""
    return EXPLANATIONS.get(type(error).__name__, f"no GPU reading: {str(error).rstrip('.')}")


def _load_nvml() -> ModuleType:
    import pynvml  # a tenth of a second and more: only here, in the thread

    module: ModuleType = pynvml
    return module


def _ask(nvml: ModuleType, question: str, *arguments: Any) -> Any:
    """The answer, or None where this GPU, driver or version refuses that one question.

    Whatever it raises: a library that is older than pynvml lacks functions, and a name may be no text.
    """
    try:
        return getattr(nvml, question)(*arguments)
    except Exception:
        return None


def _read_rarely(nvml: ModuleType, handles: list[Any]) -> GpuReading:
    """Names, versions and settings: what is read again for every run, but not every second."""
    version = _ask(nvml, "nvmlSystemGetCudaDriverVersion")
    return GpuReading(
        names=tuple(_text(_ask(nvml, "nvmlDeviceGetName", handle)) for handle in handles),
        driver=_text(_ask(nvml, "nvmlSystemGetDriverVersion")),
        problem="" if handles else "no GPU: the NVIDIA driver is loaded but shows none",
        cuda_driver=f"{version // 1000}.{version % 1000 // 10}" if version else "",
        facts=tuple(_describe(nvml, handle) for handle in handles),
    )


def _describe(nvml: ModuleType, handle: Any) -> dict[str, Value]:
    """What a GPU is and how it is set, without what it does not tell."""
    if handle is None:
        return {}
    sm, memory = nvml.NVML_CLOCK_SM, nvml.NVML_CLOCK_MEM
    room = _ask(nvml, "nvmlDeviceGetMemoryInfo", handle)
    # MIG and ECC answer with two modes: the one in force and the one after the next reset.
    mig = _ask(nvml, "nvmlDeviceGetMigMode", handle)
    ecc = _ask(nvml, "nvmlDeviceGetEccMode", handle)
    persistence = _ask(nvml, "nvmlDeviceGetPersistenceMode", handle)
    return known(
        {
            "name": _text(_ask(nvml, "nvmlDeviceGetName", handle)),
            "uuid": _text(_ask(nvml, "nvmlDeviceGetUUID", handle)),
            "memory_bytes": room and (room.total or None),
            "power_limit_w": _scaled(_ask(nvml, "nvmlDeviceGetEnforcedPowerLimit", handle), 1e-3),
            "max_sm_clock_mhz": _ask(nvml, "nvmlDeviceGetMaxClockInfo", handle, sm),
            "max_memory_clock_mhz": _ask(nvml, "nvmlDeviceGetMaxClockInfo", handle, memory),
            "application_sm_clock_mhz": _ask(nvml, "nvmlDeviceGetApplicationsClock", handle, sm),
            "application_memory_clock_mhz": _ask(nvml, "nvmlDeviceGetApplicationsClock", handle, memory),
            "mig_mode": None if mig is None else bool(mig[0]),
            "ecc": None if ecc is None else bool(ecc[0]),
            "persistence": None if persistence is None else bool(persistence),
            "vbios": _text(_ask(nvml, "nvmlDeviceGetVbiosVersion", handle)),
        }
    )


def _read_processes(nvml: ModuleType, handle: Any) -> tuple[int, ...] | None:
    """The pids that compute on a GPU; in a container they may be the host's."""
    if handle is None:
        return None
    processes = _ask(nvml, "nvmlDeviceGetComputeRunningProcesses", handle)
    return None if processes is None else tuple(process.pid for process in processes)


def _read(nvml: ModuleType, handle: Any, processes: tuple[int, ...] | None) -> GpuSample:
    if handle is None:
        return GpuSample()
    use = _ask(nvml, "nvmlDeviceGetUtilizationRates", handle)
    memory = _ask(nvml, "nvmlDeviceGetMemoryInfo", handle)
    if memory is not None and not memory.total:
        memory = None  # shared with the processor: neither figure is of the GPU
    power = _ask(nvml, "nvmlDeviceGetPowerUsage", handle)
    limit = _ask(nvml, "nvmlDeviceGetEnforcedPowerLimit", handle)
    reasons = _ask(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", handle)
    energy = _ask(nvml, "nvmlDeviceGetTotalEnergyConsumption", handle)
    return GpuSample(
        utilization_percent=None if use is None else use.gpu,
        memory_used_bytes=None if memory is None else memory.used,
        memory_total_bytes=None if memory is None else memory.total,
        power_w=_scaled(power, 1e-3),
        power_limit_w=_scaled(limit, 1e-3),
        temperature_c=_ask(nvml, "nvmlDeviceGetTemperature", handle, nvml.NVML_TEMPERATURE_GPU),
        sm_clock_mhz=_ask(nvml, "nvmlDeviceGetClockInfo", handle, nvml.NVML_CLOCK_SM),
        throttle=None if reasons is None else throttle_names(reasons),
        energy_j=_scaled(energy, 1e-3),
        processes=None if processes is None else len(processes),
    )


def throttle_names(reasons: int) -> str:
    return " + ".join(name for bit, name in THROTTLE_REASONS.items() if reasons & bit)


def _scaled(value: int | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
