import errno
import sys
import threading

import pytest

from tests.waiting import wait_until
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.asking import AbandonedError
from tfpt_tui.environments.doctor.frameworks import judge_framework, judge_frameworks, probe_all
from tfpt_tui.environments.probe import Probe
from tfpt_tui.hardware.gpu import GpuReading

NO_GPU = GpuReading(problem="no NVIDIA GPU")
H200 = GpuReading(facts=({"uuid": "GPU-1"},), names=("H200",), cuda_driver="12.8")
PYTORCH = Probe("pytorch", "/p", python="3.11.7", version="2.15.0+cu132", cuda="13.2", import_s=2.04)
TENSORFLOW = Probe("tensorflow", "/p", python="3.11.7", version="2.21.0", cuda="12.5.1", import_s=5.0)


def changed(found, **changes):
    return Probe(**{**{name: getattr(found, name) for name in Probe.__dataclass_fields__}, **changes})


def test_a_framework_that_works_says_what_it_is():
    (finding,) = judge_framework(PYTORCH, NO_GPU)
    assert (finding.level, finding.topic, finding.remedy) == ("ok", "PyTorch", "")
    assert finding.message == ("2.15.0+cu132, Python 3.11.7, built for CUDA 13.2, imported in 2.0 s, sees no GPU")
    (finding,) = judge_framework(changed(PYTORCH, gpus=("H200", "H200")), H200)
    assert finding.message.endswith("sees 2 x H200")


def test_a_missing_framework_is_an_error_with_the_line_that_installs_it():
    missing = Probe("tensorflow", "/p", "no module tensorflow, keras", missing=("tensorflow", "keras"))
    (finding,) = judge_framework(missing, NO_GPU)
    assert (finding.level, finding.message) == ("error", "/p: no module tensorflow, keras")
    assert finding.remedy == "/p -m pip install tensorflow pillow"


def test_a_torchvision_of_another_build_is_explained_and_both_are_installed_anew():
    broken = Probe(
        "pytorch",
        "/p",
        "torchvision cannot be imported: RuntimeError: operator torchvision::nms does not exist",
        python="3.11.7",
        broken="torchvision",
        packages={"torch": "2.13.0+cpu", "torchvision": "0.29.2"},
    )
    (finding,) = judge_framework(broken, NO_GPU)
    assert finding.level == "error"
    assert finding.message.endswith(
        "does not exist; torch 2.13.0+cpu and torchvision 0.29.2 are not builds for each other"
    )
    assert finding.remedy == "/p -m pip install --force-reinstall torch torchvision"


def test_a_broken_framework_of_a_named_environment_keeps_its_version():
    packages = {"torch": "2.6.0+cu124", "tensorflow": "2.18.0"}
    for framework, wanted in (
        ("pytorch", "torch==2.6.0 torchvision"),
        ("tensorflow", "tensorflow==2.18.0 pillow"),
    ):
        module = wanted.partition("=")[0]
        broken = Probe(framework, "/p", "no libx.so", python="3.11.7", broken=module, packages=packages)
        assert judge_framework(broken, NO_GPU, "old")[0].remedy == f"/p -m pip install --force-reinstall {wanted}"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EMFILE, "ulimit -n 4096"), (errno.EAGAIN, "raise the limit of processes: ulimit -u")],
)
def test_no_environment_is_to_be_removed_for_a_limit_of_this_shell(number, remedy):
    refused = Probe("pytorch", "/p", "cannot be started: too many open files", refused=number)
    assert judge_framework(refused, NO_GPU, "old")[0].remedy == remedy


def test_a_library_that_finds_no_address_space_is_not_installed_again():
    problem = "torch cannot be imported: ImportError: libtorch_cpu.so: failed to map segment from shared object"
    broken = Probe("pytorch", "/p", problem, python="3.11.7", broken="torch")
    assert judge_framework(broken, NO_GPU, limited=True)[0].remedy == "ulimit -v unlimited"


def test_a_named_environment_that_lacks_a_library_holds_its_framework_all_the_same():
    probes = {
        ("e", "pytorch"): Probe("pytorch", "/p", "no module torch, PIL", missing=("torch", "torchvision", "PIL")),
        ("e", "tensorflow"): Probe("tensorflow", "/p", "no module PIL", python="3.11.7", missing=("PIL",)),
    }
    (finding,) = judge_frameworks(probes, NO_GPU)
    assert (finding.topic, finding.message) == ("TensorFlow in e", "/p: no module PIL")
    assert finding.remedy == "/p -m pip install tensorflow pillow"


def test_an_aborted_import_of_tensorflow_is_given_a_place_of_its_own():
    broken = Probe("tensorflow", "/p", "the import of tensorflow ends the process by SIGABRT", broken="tensorflow")
    (finding,) = judge_framework(broken, NO_GPU)
    assert finding.remedy == "give it an environment of its own: tfpt-tui env create tensorflow"
    assert judge_framework(broken, H200)[0].remedy.endswith("env create tensorflow --gpu")


def test_what_is_no_interpreter_is_corrected_where_it_stands():
    gone = Probe("pytorch", "/p", "cannot be started: no such file or directory")
    assert "[interpreters] in config.toml" in judge_framework(gone, NO_GPU)[0].remedy
    assert judge_framework(gone, NO_GPU, "old")[0].remedy == "tfpt-tui env remove old"
    old = Probe("pytorch", "/p", "Python 3.9.1 is too old: at least 3.11 is needed", python="3.9.1")
    assert judge_framework(old, NO_GPU)[0].remedy.endswith(": tfpt-tui env create pytorch")


def test_a_framework_that_misses_the_gpu_says_why():
    cpu = changed(PYTORCH, version="2.15.0+cpu", cuda="")
    _, finding = judge_framework(cpu, H200)
    assert finding.level == "warning"
    assert finding.message.endswith("trains on the CPU: it is a build for the CPU alone")
    assert finding.remedy == "/p -m pip install --force-reinstall torch torchvision"

    _, finding = judge_framework(PYTORCH, H200)
    assert finding.message.endswith("it is built for CUDA 13.2, and the driver runs CUDA 12.8 at most")
    assert "tfpt-tui env create pytorch --gpu --version V" in finding.remedy

    _, finding = judge_framework(TENSORFLOW, H200)
    assert finding.message.endswith("its CUDA libraries are missing or do not fit")
    assert finding.remedy == "/p -m pip install 'tensorflow[and-cuda]' pillow"


def test_a_framework_from_which_the_gpus_are_hidden_is_not_to_be_installed_anew(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (finding,) = judge_framework(TENSORFLOW, H200)
    assert (finding.level, finding.remedy) == ("ok", "")


def test_both_frameworks_cuda_in_one_place_is_recognised_once():
    shared = {"nvidia/cudnn": ["nvidia-cudnn-cu12", "nvidia-cudnn-cu13"], "nvidia/nccl": ["a", "b"]}
    probes = {
        ("default", "pytorch"): changed(PYTORCH, overwritten=shared),
        ("default", "tensorflow"): changed(TENSORFLOW, overwritten=shared),
    }
    (finding,) = [one for one in judge_frameworks(probes, NO_GPU) if one.level == "warning"]
    assert finding.topic == "CUDA libraries"
    assert finding.message.startswith(
        "nvidia-cudnn-cu12 and nvidia-cudnn-cu13 both wrote to nvidia/cudnn and 1 more"
    )
    assert finding.remedy.endswith(": tfpt-tui env create pytorch; tfpt-tui env create tensorflow --gpu")


def test_a_named_environment_need_hold_only_one_framework():
    none = Probe("tensorflow", "/e", "no module tensorflow", missing=("tensorflow",))
    probes = {("old", "pytorch"): PYTORCH, ("old", "tensorflow"): none}
    assert [(one.level, one.topic) for one in judge_frameworks(probes, NO_GPU)] == [("ok", "PyTorch in old")]
    empty = Probe("pytorch", "/e", "no module torch", missing=("torch",))
    (finding,) = judge_frameworks({("old", "pytorch"): empty, ("old", "tensorflow"): none}, NO_GPU)
    assert (finding.level, finding.message) == ("error", "/e: holds none of PyTorch, TensorFlow")
    assert "tfpt-tui env remove old" in finding.remedy


def test_the_processes_end_when_the_doctor_is_interrupted(monkeypatch):
    """Ctrl-C arrives in the main thread, which waits for the pool's."""
    ended, started = [], threading.Event()

    def hang(framework, interpreter, cancelled):
        if framework == "pytorch":
            started.wait(20)
            raise KeyboardInterrupt
        started.set()
        wait_until(cancelled, 20)
        ended.append(framework)
        raise AbandonedError

    monkeypatch.setattr("tfpt_tui.environments.doctor.frameworks.probe", hang)
    with pytest.raises(KeyboardInterrupt):
        probe_all(UserSettings())
    assert ended == ["tensorflow"]


def test_every_environment_is_asked_for_both_frameworks(monkeypatch):
    asked = []

    def answer(framework, interpreter, cancelled):
        asked.append((framework, interpreter))
        return Probe(framework, interpreter)

    monkeypatch.setattr("tfpt_tui.environments.doctor.frameworks.probe", answer)
    probe_all(UserSettings(interpreters={"tensorflow": "/tf"}, environments={"old": "/old"}))
    assert sorted(asked) == sorted(
        [("pytorch", sys.executable), ("tensorflow", "/tf"), ("pytorch", "/old"), ("tensorflow", "/old")]
    )
