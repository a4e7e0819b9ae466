"""Which layer keeps us from the GPUs, and what is to be known of those that NVML shows."""

import dataclasses
from types import SimpleNamespace

import pytest

from tests.hardware.test_gpu import NVMLError, fake_nvml, refuse
from tfpt_tui.environments.doctor.gpu import GpuFacts, judge_gpus, read_gpus
from tfpt_tui.hardware import gpu
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.sample import GpuSample

GIB = 1 << 30
VERSION = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\nGCC version:\n"
)
OPEN_VERSION = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n"
PCI = "sys/bus/pci/devices"
LOADED = GpuFacts(bus_drivers=("nvidia",), kernel_module="535.129.03", device_node=True)


def without_reading(error="", problem="no GPU reading: x", **facts):
    """The one finding where NVML gives no reading."""
    (finding,) = judge_gpus(dataclasses.replace(LOADED, **facts, reading=GpuReading(problem=problem, error=error)))
    return finding


def test_a_machine_without_a_gpu_trains_on_the_cpu():
    finding = without_reading("NVMLError_LibraryNotFound", bus_drivers=(), kernel_module="", device_node=False)
    assert (finding.level, finding.message) == ("note", "no NVIDIA GPU in this machine: training runs on the CPU")
    assert finding.remedy == ""


def test_an_amd_gpu_is_not_recorded():
    finding = without_reading(bus_drivers=(), kernel_module="", amd=True)
    assert (finding.level, "no use, memory or power is recorded" in finding.message) == ("note", True)


def test_a_gpu_without_a_driver_wants_one():
    finding = without_reading("NVMLError_LibraryNotFound", bus_drivers=("",), kernel_module="")
    assert finding.level == "warning"
    assert "there is an NVIDIA GPU, but no driver is loaded: training runs on the CPU" in finding.message
    assert "ubuntu-drivers" in finding.remedy


def test_a_gpu_with_another_driver_is_told_with_its_name():
    finding = without_reading(bus_drivers=("nouveau", ""), kernel_module="", container="docker")
    assert (finding.level, "the kernel gave it to nouveau" in finding.message) == ("warning", True)
    assert "on the container's host" in finding.remedy


@pytest.mark.parametrize(
    ("error", "device_node"), [("NVMLError_LibraryNotFound", True), ("NVMLError_DriverNotLoaded", False)]
)
def test_a_container_that_was_given_no_gpu_wants_one(error, device_node):
    finding = without_reading(error, device_node=device_node, container="docker")
    assert (finding.level, "this container has no GPU" in finding.message) == ("warning", True)
    assert finding.remedy == "start the container with --gpus all; its host needs the NVIDIA Container Toolkit"


def test_a_driver_without_device_files_wants_them():
    finding = without_reading("NVMLError_DriverNotLoaded", device_node=False)
    assert (finding.level, "/dev/nvidiactl" in finding.message) == ("warning", True)
    assert finding.remedy == "sudo nvidia-modprobe -u -c=0"


def test_a_driver_without_libraries_wants_those_of_its_version():
    finding = without_reading("NVMLError_LibraryNotFound")
    assert (finding.level, "libraries are not installed" in finding.message) == ("warning", True)
    assert "535.129.03" in finding.remedy


def test_a_driver_that_was_updated_wants_a_reboot():
    finding = without_reading("NVMLError_LibRmVersionMismatch")
    assert (finding.level, finding.remedy) == ("error", "sudo reboot")
    assert "still runs the old one (535.129.03)" in finding.message
    assert "restart the container" in without_reading("NVMLError_LibRmVersionMismatch", container="docker").remedy


def test_a_user_without_permission_wants_a_group():
    finding = without_reading("NVMLError_NoPermission")
    assert (finding.level, "may not talk" in finding.message) == ("warning", True)
    assert "ls -l /dev/nvidia*" in finding.remedy


@pytest.mark.parametrize("error", ["NVMLError_GpuIsLost", "NVMLError_ResetRequired"])
def test_a_lost_gpu_wants_a_reset(error):
    finding = without_reading(error)
    assert (finding.level, "the GPU is lost" in finding.message) == ("error", True)
    assert "nvidia-smi --gpu-reset" in finding.remedy


def test_a_driver_that_hangs_is_warned_of():
    finding = without_reading(gpu.NO_ANSWER)
    assert (finding.level, "does not answer" in finding.message) == ("warning", True)
    assert "reboot" in finding.remedy


def test_any_other_problem_is_told_in_its_own_words():
    finding = without_reading("NVMLError_Unknown", "no GPU reading: Unknown Error")
    assert (finding.level, finding.message) == (
        "warning",
        "no GPU reading: Unknown Error; training runs on the CPU",
    )
    assert "sudo dmesg | grep -i nvrm" in finding.remedy
    assert without_reading("NVMLError_Unknown", container="docker").remedy == "restart the container"


def seen(*gpus, visible=None, **reading):
    """The findings on GPUs that are seen, by topic; ``gpus`` are their facts."""
    gpus = gpus or ({"name": "A", "uuid": "GPU-aa"}, {"name": "A", "uuid": "GPU-bb"})
    facts = dataclasses.replace(
        LOADED,
        visible=visible,
        reading=GpuReading(facts=gpus, names=tuple(gpu.get("name", "") for gpu in gpus), **reading),
    )
    return {finding.topic: finding for finding in judge_gpus(facts)}


def test_gpus_in_order_are_told_with_what_was_measured():
    samples = tuple(GpuSample(memory_total_bytes=80 * GIB, memory_used_bytes=used * GIB) for used in (1, 5))
    found = seen(gpus=samples, driver="580.65", cuda_driver="13.0")
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found["GPU"].message == "2 x A"
    assert found["GPU memory"].message == "75.0 GiB free or more on each"
    assert found["GPU driver"].message == "driver 580.65 runs builds for CUDA 13 and older"


def test_a_gpu_that_does_not_answer_is_a_warning_beside_others_and_an_error_alone():
    found = judge_gpus(dataclasses.replace(LOADED, reading=GpuReading(facts=({"name": "A"}, {}))))
    assert [(finding.level, finding.topic) for finding in found] == [("ok", "GPU"), ("warning", "GPU")]
    assert "no answer from GPU 1" in found[1].message
    alone = seen({})["GPU"]
    assert (alone.level, "nvidia-smi --gpu-reset" in alone.remedy) == ("error", True)


@pytest.mark.parametrize(("total", "remedy"), [(80, "end what else uses it"), (2, "smaller batch_size")])
def test_little_gpu_memory_is_warned_of(total, remedy):
    sample = GpuSample(memory_total_bytes=total * GIB, memory_used_bytes=(total - 1.5) * GIB)
    finding = seen(gpus=(GpuSample(), sample))["GPU memory"]
    assert (finding.level, f"GPU 1: 1.5 GiB of {total}.0 GiB free" in finding.message) == ("warning", True)
    assert remedy in finding.remedy


def test_gpu_memory_that_is_not_told_is_not_judged():
    assert "GPU memory" not in seen(gpus=(GpuSample(),))


def test_a_divided_gpu_is_warned_of():
    finding = seen({"name": "A", "mig_mode": True}, {"name": "A", "mig_mode": False})["MIG"]
    assert (finding.level, "MIG divides GPU 0:" in finding.message) == ("warning", True)
    assert "nvidia-smi -L" in finding.remedy


def test_a_slice_that_was_chosen_is_noted():
    found = seen({"name": "A", "mig_mode": True}, visible="MIG-1234")
    assert (found["MIG"].level, "MIG-1234 is a slice" in found["MIG"].message) == ("note", True)
    assert "CUDA_VISIBLE_DEVICES" not in found


def test_a_driver_that_does_not_stay_is_noted():
    finding = seen({"name": "A", "persistence": False}, {"name": "A", "persistence": False})["GPU persistence"]
    assert (finding.level, "(GPUs 0, 1)" in finding.message) == ("note", True)
    assert finding.remedy == "sudo nvidia-smi -pm 1"


@pytest.mark.parametrize(
    ("cuda", "level", "words"),
    [
        ("11.4", "warning", "need CUDA 12"),
        ("12.8", "note", "driver 570.1 runs builds for CUDA 12, and none for CUDA 13"),
        ("13.1", "ok", "CUDA 13 and older"),
    ],
)
def test_a_driver_is_told_by_the_builds_that_it_runs(cuda, level, words):
    finding = seen(driver="570.1", cuda_driver=cuda)["GPU driver"]
    assert (finding.level, words in finding.message) == (level, True)
    assert ("580 or newer" in finding.remedy) == (level != "ok")


@pytest.mark.parametrize(
    ("visible", "level", "words"),
    [
        ("", "warning", "empty: it hides every GPU"),
        ("-1", "warning", "-1: it hides every GPU"),
        ("7", "warning", "there is no GPU '7'; all are hidden"),
        ("1,7,0", "warning", "there is no GPU '7'; CUDA is shown GPU 1 alone"),
        ("1", "note", "CUDA is shown GPU 1 alone"),
        ("GPU-b, 0", "note", "CUDA is shown GPUs 1, 0 alone"),
    ],
)
def test_gpus_that_are_hidden_are_told(visible, level, words):
    finding = seen(visible=visible)["CUDA_VISIBLE_DEVICES"]
    assert (finding.level, words in finding.message) == (level, True)
    assert finding.remedy == ("unset CUDA_VISIBLE_DEVICES" if level == "warning" else "")


def test_a_machine_is_read_from_its_bus_up_to_nvml(tree, monkeypatch):
    monkeypatch.setattr(gpu, "_load_nvml", fake_nvml)
    root = tree(
        {
            f"{PCI}/0000:01:00.0/vendor": "0x10de\n",
            f"{PCI}/0000:01:00.0/class": "0x030000\n",
            f"{PCI}/0000:01:00.1/vendor": "0x10de\n",
            f"{PCI}/0000:01:00.1/class": "0x040300\n",
            f"{PCI}/0000:02:00.0/vendor": "0x10de\n",
            f"{PCI}/0000:02:00.0/class": "0x030200\n",
            f"{PCI}/0000:00:02.0/vendor": "0x8086\n",
            f"{PCI}/0000:00:02.0/class": "0x030000\n",
            "proc/driver/nvidia/version": VERSION,
            "dev/nvidiactl": "",
            ".dockerenv": "",
        }
    )
    (root / PCI / "0000:01:00.0/driver").symlink_to("../../../bus/pci/drivers/nvidia")
    facts = read_gpus(root, {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"})
    assert facts.bus_drivers == ("nvidia", "")
    assert (facts.kernel_module, facts.device_node, facts.amd) == ("535.129.03", True, False)
    assert (facts.container, facts.visible) == ("docker", "0")
    assert facts.reading.names == ("NVIDIA H200",)
    assert [finding.level for finding in judge_gpus(facts)] == ["ok", "ok", "note", "note"]


def test_the_open_kernel_module_has_a_version_as_well(tree, monkeypatch):
    monkeypatch.setattr(gpu, "_load_nvml", fake_nvml)
    facts = read_gpus(tree({"proc/driver/nvidia/version": OPEN_VERSION}), {})
    assert facts.kernel_module == "580.65.06"


def test_a_machine_without_any_of_it_is_read(tree, monkeypatch):
    monkeypatch.setattr(gpu, "_load_nvml", lambda: fake_nvml(nvmlInit=refuse))
    facts = read_gpus(tree({}), {})
    assert facts == GpuFacts(reading=GpuReading(problem="no GPU reading: Not Supported", error="NVMLError"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NVMLError_LibRmVersionMismatch", "was updated"),
        ("NVMLError_NoPermission", "may not talk"),
        ("NVMLError_GpuIsLost", "is lost"),
    ],
)
def test_the_kind_of_nvmls_error_reaches_the_finding(tree, monkeypatch, name, words):
    def fail():
        raise type(name, (NVMLError,), {})()

    monkeypatch.setattr(gpu, "_load_nvml", lambda: SimpleNamespace(nvmlInit=fail))
    facts = read_gpus(tree({}), {})
    assert facts.reading.error == name
    assert words in facts.reading.problem
    (finding,) = judge_gpus(facts)
    assert words in finding.message
