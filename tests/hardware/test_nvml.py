"""GPUs that answer oddly, through a C library that stands in for NVML; no real one is at hand here.

Each is read in a process of its own, as the real library would be: by pynvml, which finds it by its name.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("nvml_stand_in.c")
ASK = """
import dataclasses, json
from tfpt_tui.environments.doctor.gpu import GpuFacts, judge_gpus
from tfpt_tui.hardware.gpu import GpuReader
reader = GpuReader().start(WAIT_S)
reading = reader.latest()
findings = judge_gpus(GpuFacts(reading=reading))
told = [[one.level, one.topic, one.message] for one in findings]
print(json.dumps({**dataclasses.asdict(reading), "findings": told}))
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """The stand-in, and one that lacks what old drivers lack."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        assert not os.environ.get("CI"), "CI needs a C compiler"
        pytest.skip("no C compiler: the stand-in for NVML cannot be made")
    made = {}
    for name, options in (("now", []), ("old", ["-DOLD"])):
        made[name] = tmp_path_factory.mktemp(name)
        library = made[name] / "libnvidia-ml.so.1"
        subprocess.run([compiler, "-shared", "-fPIC", *options, "-o", library, SOURCE], check=True)
    return made


@pytest.fixture
def see(libraries):
    def read(kind, library="now", wait_s=20.0):
        variables = {**os.environ, "KIND": kind, "LD_LIBRARY_PATH": str(libraries[library])}
        code = ASK.replace("WAIT_S", str(wait_s))
        done = subprocess.run(
            [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    return read


def said(seen):
    return "\n".join(" ".join(finding) for finding in seen["findings"])


@pytest.mark.parametrize(
    ("kind", "name", "unknown"),
    [
        ("sound", "NVIDIA A10", set()),
        ("garbled", "", set()),
        ("name refused", "", set()),
        ("garbled uuid", "NVIDIA A10", set()),
        ("garbled driver", "NVIDIA A10", set()),
        ("uma", "NVIDIA GB10", {"memory_used_bytes", "memory_total_bytes"}),
        ("zero", "NVIDIA A10", {"memory_used_bytes", "memory_total_bytes"}),
        ("full", "NVIDIA A10", set()),
        ("mig", "NVIDIA A10", {"utilization_percent"}),
        ("vgpu", "NVIDIA A10", {"utilization_percent", "power_w", "energy_j"}),
        (
            "jetson",
            "Orin (nvgpu)",
            {"utilization_percent", "power_w", "memory_used_bytes", "memory_total_bytes"},
        ),
        ("wsl", "NVIDIA A10", {"processes"}),
        ("lost later", "NVIDIA A10", {"utilization_percent"}),
    ],
)
def test_what_one_question_is_refused_is_unknown_and_all_else_is_known(see, kind, name, unknown):
    seen = see(kind)
    assert (seen["problem"], seen["names"]) == ("", [name])
    (sample,) = seen["gpus"]
    figures = {
        "utilization_percent",
        "memory_used_bytes",
        "memory_total_bytes",
        "power_w",
        "energy_j",
        "processes",
    }
    assert {figure for figure in figures if sample[figure] is None} == unknown
    assert "hangs" not in said(seen)
    assert ("a training may run out of it" in said(seen)) == (kind == "full")
    assert ("MIG divides GPU 0" in said(seen)) == (kind == "mig")


def test_a_library_that_lacks_functions_is_asked_for_the_others(see):
    seen = see("sound", library="old")
    assert seen["gpus"][0]["power_w"] is None
    assert seen["gpus"][0]["utilization_percent"] == 35


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("not loaded", "no NVIDIA GPU in this machine"),
        ("no permission", "this user may not talk to the NVIDIA driver"),
        ("mismatch", "the kernel still runs the old one"),
        ("blocked", "The operating system has blocked the request"),
        ("irq", "Interrupt Request Issue"),
        ("unknown", "Unknown Error"),
        ("count refused", "Unknown Error"),
    ],
)
def test_an_error_is_told_with_the_reason_that_nvml_gives(see, kind, reason):
    seen = see(kind)
    assert seen["gpus"] == []
    assert reason in said(seen)
    assert ("no NVIDIA GPU in this machine" in said(seen)) == (kind == "not loaded")


@pytest.mark.parametrize("kind", ["lost", "reset required", "handle refused"])
def test_a_gpu_without_a_handle_is_there_and_unknown(see, kind):
    seen = see(kind)
    assert seen["gpus"][0]["power_w"] is None
    assert said(seen).startswith("error GPU no answer from GPU 0: lost, in need of a reset, or not for this user")


def test_of_two_gpus_the_one_that_answers_is_read(see):
    seen = see("one lost")
    assert [gpu["power_w"] for gpu in seen["gpus"]] == [60.0, None]
    assert "no answer from GPU 1" in said(seen)


def test_no_gpu_is_no_problem_of_the_driver(see):
    assert see("none")["problem"] == "no GPU: the NVIDIA driver is loaded but shows none"


@pytest.mark.parametrize("kind", ["hangs at once", "hangs later"])
def test_a_library_that_never_returns_holds_nobody_up(see, kind):
    seen = see(kind, wait_s=0.5)
    assert seen["problem"] == "no GPU reading: NVML does not answer"
    assert "the NVIDIA driver does not answer (NVML hangs)" in said(seen)
