"""What this machine refuses before anything of a plan starts."""

import json
import shutil
import sys

import pytest

from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.hardware.gpu import GpuReader, GpuReading
from tfpt_tui.hardware.sample import GpuSample
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.supervision.submit import check_machine


@pytest.fixture
def settings(fake_python):
    return UserSettings(interpreters={"pytorch": str(fake_python), "tensorflow": str(fake_python)})


def show_gpus(monkeypatch, reading):
    monkeypatch.setattr(GpuReader, "start", lambda self, wait_s: self)
    monkeypatch.setattr(GpuReader, "latest", lambda self: reading)


def check(preset, settings, **options):
    """What this machine says to a plan of the preset."""
    return check_machine([run.config for run in make_plan(preset, **options).runs], settings)


@pytest.fixture
def seeing(tmp_path):
    """Make an interpreter whose framework sees so many GPUs."""

    def make(count):
        path = tmp_path / f"python-that-sees-{count}"
        facts = {"python": "3.11.7", "packages": {}, "overwritten": {}, "version": "2.0", "gpus": ["H200"] * count}
        answer = f"tfpt-tui probe: {json.dumps(facts)}"
        path.write_text(f"#!/bin/sh\ncase \"$*\" in *' probe '*) echo '{answer}';; *) echo missing:;; esac\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_images_of_which_the_network_leaves_nothing_are_refused(preset, settings, dataset):
    with pytest.raises(UsageError, match="image_size=15: the network's four poolings leave nothing of it; 16 is"):
        check(preset, settings, data=str(dataset), overrides={"image_size": 15})
    assert check(preset, settings, data=str(dataset), overrides={"image_size": 16})


def test_a_framework_that_sees_no_gpu_is_not_compared_with_one_that_does(
    preset, seeing, dataset, monkeypatch, tmp_path
):
    show_gpus(monkeypatch, GpuReading(names=("H200",), gpus=(GpuSample(),)))
    settings = UserSettings(interpreters={"pytorch": seeing(1), "tensorflow": seeing(0)})
    with pytest.raises(MissingError) as caught:
        check(preset, settings, data=str(dataset))
    assert str(caught.value) == (
        "device=auto: TensorFlow sees no GPU where another framework sees one; fix it with:"
        f" {seeing(0)} -m pip install 'tensorflow[and-cuda]' pillow, or set device=cpu"
    )
    assert check(preset, settings, data=str(dataset), overrides={"device": "cpu"})
    assert check(preset, settings, data=str(dataset), rows=[1])
    on_cpu = tmp_path / "one.toml"
    on_cpu.write_text('[[rows]]\nframework = "tensorflow"\ndevice = "cpu"\n[[rows]]\nframework = "pytorch"\n')
    assert check(load_preset(on_cpu), settings, data=str(dataset))


def test_frameworks_that_see_the_same_kind_of_device_are_compared(preset, seeing, dataset, monkeypatch):
    show_gpus(monkeypatch, GpuReading(names=("H200",), gpus=(GpuSample(),)))
    for count in (0, 2):
        settings = UserSettings(interpreters={"pytorch": seeing(count), "tensorflow": seeing(count)})
        assert check(preset, settings, data=str(dataset))


def test_an_epoch_without_a_whole_batch_is_refused_but_for_the_articles_code_path(preset, settings, dataset):
    large = {"batch_size": 33}
    with pytest.raises(UsageError, match="batch_size=33: more than the 32 training images of "):
        check(preset, settings, data=str(dataset), overrides=large)
    assert check(preset, settings, data=str(dataset), overrides={**large, "track": "published"})


def test_a_missing_dataset_is_noticed_before_anything_starts(preset, settings, tmp_path):
    with pytest.raises(MissingError, match="no such dataset directory"):
        check(preset, settings, data=str(tmp_path / "none"))


def test_an_interpreter_that_is_not_there_is_named(preset, dataset):
    settings = UserSettings(interpreters={"pytorch": "/nowhere/python"})
    with pytest.raises(MissingError, match="/nowhere/python: no such interpreter"):
        check(preset, settings, data=str(dataset), rows=[0])


def test_an_interpreter_without_the_framework_is_named_with_the_line_that_mends_it(preset, dataset, tmp_path):
    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "$@"\n')
    bare.chmod(0o755)
    settings = UserSettings(interpreters={"tensorflow": str(bare)})
    with pytest.raises(MissingError) as caught:
        check(preset, settings, data=str(dataset), rows=[1])
    assert f"TensorFlow is not installed for {bare} (no module tensorflow)" in str(caught.value)
    assert f"{bare} -m pip install tensorflow pillow" in str(caught.value)


def test_an_interpreter_that_is_too_old_is_refused_before_the_run(preset, dataset, tmp_path):
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\necho 'python: 3.10.13'; echo missing:\n")
    old.chmod(0o755)
    settings = UserSettings(interpreters={"pytorch": str(old)})
    with pytest.raises(
        MissingError, match=r"Python 3\.10\.13 is too old: at least 3\.11 is needed; tfpt-tui env create"
    ):
        check(preset, settings, data=str(dataset), rows=[0])


def test_a_program_that_answers_nothing_is_no_interpreter(preset, dataset):
    settings = UserSettings(interpreters={"pytorch": "/bin/true"})
    with pytest.raises(MissingError, match="/bin/true: is not a working Python interpreter: it does not answer"):
        check(preset, settings, data=str(dataset), rows=[0])


def test_something_that_is_no_interpreter_is_named(preset, dataset, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'Segmentation fault' >&2\nexit 139\n")
    broken.chmod(0o755)
    settings = UserSettings(interpreters={"pytorch": str(broken)})
    with pytest.raises(MissingError, match="not a working Python interpreter: Segmentation fault"):
        check(preset, settings, data=str(dataset), rows=[0])


def test_a_gpu_is_refused_at_once_where_there_is_none(preset, settings, dataset, monkeypatch):
    show_gpus(monkeypatch, GpuReading(problem="no NVIDIA GPU: the NVML library is not installed"))
    monkeypatch.setattr("tfpt_tui.runs.supervision.submit.Path.exists", lambda path: str(path) != "/dev/kfd")
    with pytest.raises(MissingError, match="device=gpu: no NVIDIA GPU"):
        check(preset, settings, data=str(dataset), overrides={"device": "gpu"})


def test_a_gpu_beyond_those_there_are_is_refused(preset, settings, dataset, monkeypatch):
    show_gpus(monkeypatch, GpuReading(names=("H200",), gpus=(GpuSample(),)))
    assert check(preset, settings, data=str(dataset), overrides={"device": "gpu:0"})
    with pytest.raises(MissingError, match="device=gpu:1: this machine has 1 GPUs"):
        check(preset, settings, data=str(dataset), overrides={"device": "gpu:1"})


def test_an_nvml_that_hangs_leaves_the_answer_to_the_framework(preset, settings, dataset, monkeypatch):
    show_gpus(monkeypatch, GpuReading(problem="no GPU reading: NVML does not answer"))
    assert check(preset, settings, data=str(dataset), overrides={"device": "gpu"})


def test_a_dataset_with_more_labels_than_its_manifest_is_refused_before_anything_starts(
    preset, settings, dataset, tmp_path
):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "train/2").mkdir()
    with pytest.raises(UsageError, match=r"train/2: not among the labels 0 to 1 of manifest\.toml"):
        check(preset, settings, data=str(copy))


def test_a_dataset_without_one_of_its_splits_is_missing(preset, settings, dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    shutil.rmtree(copy / "test")
    with pytest.raises(MissingError, match="test: cannot read the dataset: no such file or directory"):
        check(preset, settings, data=str(copy))
