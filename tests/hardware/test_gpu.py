"""NVML through a fake at the library's boundary: no GPU is at hand where these tests run."""

import threading
from types import SimpleNamespace

import pytest

from tests.waiting import wait_until
from tfpt_tui.hardware import gpu
from tfpt_tui.hardware.gpu import NO_ANSWER, GpuReader, throttle_names


class NVMLError(Exception):
    pass


class NVMLError_LibraryNotFound(NVMLError):
    pass


class NVMLError_DriverNotLoaded(NVMLError):
    pass


def fake_nvml(**overrides):
    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: b"NVIDIA H200",
        "nvmlSystemGetDriverVersion": lambda: "570.1",
        "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=97, memory=40),
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=2 * 10**9, total=140 * 10**9),
        "nvmlDeviceGetPowerUsage": lambda handle: 350_500,
        "nvmlDeviceGetEnforcedPowerLimit": lambda handle: 700_000,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda handle: 0x1,
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: 5_000,
        "nvmlDeviceGetTemperature": lambda handle, sensor: 61,
        "nvmlDeviceGetClockInfo": lambda handle, clock: 1980,
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: [SimpleNamespace(pid=7), SimpleNamespace(pid=9)],
        "nvmlSystemGetCudaDriverVersion": lambda: 12080,
        "nvmlDeviceGetUUID": lambda handle: "GPU-1234",
        "nvmlDeviceGetMaxClockInfo": lambda handle, clock: {1: 1980, 2: 3201}[clock],
        "nvmlDeviceGetApplicationsClock": lambda handle, clock: {1: 1500, 2: 3201}[clock],
        "nvmlDeviceGetMigMode": lambda handle: [0, 1],
        "nvmlDeviceGetEccMode": lambda handle: [1, 0],
        "nvmlDeviceGetPersistenceMode": lambda handle: 1,
        "nvmlDeviceGetVbiosVersion": lambda handle: "96.00",
        "NVML_TEMPERATURE_GPU": 0,
        "NVML_CLOCK_SM": 1,
        "NVML_CLOCK_MEM": 2,
        "NVMLError": NVMLError,
    }
    return SimpleNamespace(**(answers | overrides))


def refuse(*_):
    raise NVMLError("Not Supported")


@pytest.fixture
def read():
    readers = []

    def start(nvml=None, load=None, wait_s=10):
        readers.append(GpuReader(load or (lambda: nvml), interval_s=0.01))
        return readers[-1].start(wait_s)

    yield start
    for reader in readers:
        reader.stop()


def test_all_that_the_library_tells_is_read_in_the_units_of_the_columns(read):
    reading = read(fake_nvml()).latest()
    assert reading.names == ("NVIDIA H200",)
    sample = reading.gpus[0]
    assert (sample.utilization_percent, sample.memory_used_bytes) == (97, 2 * 10**9)
    assert (sample.power_w, sample.power_limit_w, sample.energy_j) == (350.5, 700.0, 5.0)
    assert (sample.temperature_c, sample.sm_clock_mhz, sample.throttle) == (61, 1980, "")


def test_a_question_that_is_refused_is_unknown_and_the_others_are_answered(read):
    nvml = fake_nvml(nvmlDeviceGetUtilizationRates=refuse, nvmlDeviceGetTotalEnergyConsumption=refuse)
    sample = read(nvml).latest().gpus[0]
    assert sample.utilization_percent is None
    assert sample.energy_j is None
    assert sample.power_w == 350.5


def test_what_a_gpu_is_and_how_it_is_set_is_told(read):
    reading = read(fake_nvml()).latest()
    assert reading.cuda_driver == "12.8"
    assert reading.facts == (
        {
            "name": "NVIDIA H200",
            "uuid": "GPU-1234",
            "memory_bytes": 140 * 10**9,
            "power_limit_w": 700.0,
            "max_sm_clock_mhz": 1980,
            "max_memory_clock_mhz": 3201,
            "application_sm_clock_mhz": 1500,
            "application_memory_clock_mhz": 3201,
            "mig_mode": False,
            "ecc": True,
            "persistence": True,
            "vbios": "96.00",
        },
    )


def test_facts_that_are_refused_are_left_out(read):
    questions = (
        "MigMode",
        "EccMode",
        "PersistenceMode",
        "ApplicationsClock",
        "VbiosVersion",
        "UUID",
        "MemoryInfo",
    )
    refused = {f"nvmlDeviceGet{name}": refuse for name in questions}
    reading = read(fake_nvml(**refused, nvmlSystemGetCudaDriverVersion=refuse)).latest()
    assert set(reading.facts[0]) == {"name", "power_limit_w", "max_sm_clock_mhz", "max_memory_clock_mhz"}
    assert reading.cuda_driver == ""


def test_processes_that_compute_on_a_gpu_are_counted_and_named(read):
    reading = read(fake_nvml()).latest()
    assert reading.gpus[0].processes == 2
    assert reading.processes == ((7, 9),)


def test_processes_that_nobody_tells_are_unknown(read):
    reading = read(fake_nvml(nvmlDeviceGetComputeRunningProcesses=refuse)).latest()
    assert reading.gpus[0].processes is None
    assert reading.processes == ((),)


def test_a_gpu_that_refuses_its_handle_is_unknown_as_a_whole(read):
    reading = read(fake_nvml(nvmlDeviceGetHandleByIndex=refuse)).latest()
    assert (reading.facts, reading.processes) == (({},), ((),))
    assert reading.gpus[0].power_w is None


def test_a_refreshed_reading_has_the_settings_of_now(read):
    limits = iter([700_000])
    reader = read(fake_nvml(nvmlDeviceGetEnforcedPowerLimit=lambda handle: next(limits, 500_000)))
    wait_until(lambda: reader.latest().gpus[0].power_limit_w == 500.0)
    assert reader.latest().facts[0]["power_limit_w"] == 700.0
    reader.refresh()
    wait_until(lambda: reader.latest().facts[0]["power_limit_w"] == 500.0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NVMLError_LibraryNotFound(), "no NVIDIA GPU: the NVML library is not installed"),
        (NVMLError_DriverNotLoaded(), "no GPU reading: the NVIDIA driver is not loaded"),
        (OSError("bad library"), "no GPU reading: bad library"),
    ],
)
def test_why_there_is_no_reading_is_said(read, error, said):
    def fail():
        raise error

    assert read(load=fail).latest().problem == said


def test_a_driver_without_gpus_is_told_apart(read):
    reading = read(fake_nvml(nvmlDeviceGetCount=lambda: 0)).latest()
    assert reading.gpus == ()
    assert "shows none" in reading.problem


def test_a_call_that_never_returns_holds_nobody_up(read):
    forever = threading.Event()
    reader = read(fake_nvml(nvmlInit=forever.wait), wait_s=0.05)
    assert reader.latest().problem == "no GPU reading: NVML does not answer"
    forever.set()


def test_a_reading_that_grows_old_is_unknown_and_comes_back(read, monkeypatch):
    monkeypatch.setattr(gpu, "STALE_S", 0.2)
    hanging, free = threading.Event(), threading.Event()

    def power(handle):
        if hanging.is_set():
            free.wait(10)
        return 1000

    reader = read(fake_nvml(nvmlDeviceGetPowerUsage=power))
    assert reader.latest().gpus
    hanging.set()
    wait_until(lambda: reader.latest().problem == "no GPU reading: NVML hangs")
    assert reader.latest().gpus == ()
    hanging.clear()
    free.set()
    wait_until(lambda: reader.latest().gpus)


def test_throttle_reasons_are_named_and_idle_is_none_of_them():
    assert throttle_names(0x1) == ""
    assert throttle_names(0x4 | 0x40) == "power cap + hardware thermal"


def test_the_real_library_or_the_lack_of_it_gives_an_answer():
    reading = GpuReader().start(wait_s=60).latest()
    assert reading.error != NO_ANSWER
    assert bool(reading.problem) != bool(reading.names)
