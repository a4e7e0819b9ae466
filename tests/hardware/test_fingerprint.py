from dataclasses import astuple, replace

import pytest

from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.machine_snapshot import UNKNOWN, GpuDriver, MachineSnapshot

MACHINE = {"host": "anvil", "kernel": "6.1", "governor": "performance", "load_1m": 0.1, "boot_id": "a"}
GPU = {"name": "H200", "uuid": "GPU-1", "power_limit_w": 700.0, "mig_mode": False}
ENVIRONMENT = MachineSnapshot(
    machine=MACHINE,
    gpu=GpuDriver("570.1"),
    gpus=(GPU,),
    variables={"OMP_NUM_THREADS": "2"},
    versions={"torch": "2.15"},
)


def changed(**tables):
    return fingerprint(replace(ENVIRONMENT, **tables), on_gpu=True)


def test_it_is_short_and_the_same_for_the_same_facts_in_any_order():
    names = fingerprint(ENVIRONMENT, on_gpu=True)
    assert all(len(name) == 12 and int(name, 16) >= 0 for name in astuple(names))
    assert changed(machine=dict(reversed(MACHINE.items())), gpus=(dict(reversed(GPU.items())),)) == names


@pytest.mark.parametrize(
    "change",
    [
        {"machine": {**MACHINE, "governor": "powersave"}},
        {"machine": {**MACHINE, "kernel": "6.2"}},
        {"machine": {**MACHINE, "cpu_quota": 1.5}},
        {"gpus": ({**GPU, "power_limit_w": 500.0},)},
        {"gpus": ({**GPU, "mig_mode": True},)},
        {"gpu": GpuDriver("580.1")},
    ],
)
def test_what_decides_the_speed_makes_it_another_machine(change):
    names = changed(**change)
    assert names.machine != fingerprint(ENVIRONMENT, on_gpu=True).machine
    assert names.software == fingerprint(ENVIRONMENT, on_gpu=True).software


@pytest.mark.parametrize("gpus", [(), ({},), ({**GPU, "power_limit_w": 500.0},), (GPU, GPU)])
def test_to_what_runs_on_the_processor_gpus_make_no_other_machine(gpus):
    other = replace(ENVIRONMENT, gpu=GpuDriver("580.1", problem="no GPU reading: NVML hangs"), gpus=gpus)
    assert fingerprint(other, on_gpu=False) == fingerprint(ENVIRONMENT, on_gpu=False)


@pytest.mark.parametrize(
    ("name", "value"), [("load_1m", 7.0), ("boot_id", "b"), ("frequency_mhz", 1200), ("shm_free_bytes", 5)]
)
def test_what_changes_from_minute_to_minute_does_not(name, value):
    assert changed(machine={**MACHINE, name: value}) == fingerprint(ENVIRONMENT, on_gpu=True)


@pytest.mark.parametrize("change", [{"versions": {"torch": "3"}}, {"variables": {"OMP_NUM_THREADS": "3"}}])
def test_versions_and_variables_make_it_other_software(change):
    names = changed(**change)
    assert names.software != fingerprint(ENVIRONMENT, on_gpu=True).software
    assert names.machine == fingerprint(ENVIRONMENT, on_gpu=True).machine


def test_software_is_not_named_before_its_versions_are_known():
    names = changed(versions={})
    assert (names.machine, names.software) == (fingerprint(ENVIRONMENT, on_gpu=True).machine, UNKNOWN)


def test_a_container_is_not_another_machine_when_it_is_started_again():
    contained = {**MACHINE, "container": "docker"}
    assert changed(machine=contained) == changed(machine={**contained, "host": "3f9a51c2"})
    assert changed(machine={**MACHINE, "host": "3f9a51c2"}) != fingerprint(ENVIRONMENT, on_gpu=True)


def test_memory_counts_in_whole_gibibytes():
    counts = (25_276_510_208, 25_276_000_000, 64 << 30)
    less, more, much = (changed(machine={**MACHINE, "memory_bytes": count}) for count in counts)
    assert less == more
    assert much != less


def test_a_run_on_the_cpu_has_the_software_of_one_on_the_gpu():
    """PyTorch tells cuDNN's version on a GPU only."""
    assert changed(versions={**ENVIRONMENT.versions, "cudnn": "91002"}) == fingerprint(ENVIRONMENT, on_gpu=True)
