"""What only happens on a GPU, with a stand-in for it: traces are made as those of an H200 were."""

import json
import os
import subprocess
import sys

import pytest

from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.prepare import Target, prepare


@pytest.fixture(scope="module")
def found(pictures, tmp_path_factory):
    """What gpu_probe.py prints for each framework."""
    directory = tmp_path_factory.mktemp("gpu")
    prepare(read_folder(pictures, limit=12), Target(directory / "few"), jobs=2)
    (directory / "trace").mkdir()

    def probe(framework):
        command = [
            sys.executable,
            "-m",
            "tests.backends.gpu_probe",
            framework,
            directory / "few",
            directory / "trace",
        ]
        run = subprocess.run(
            command, capture_output=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, timeout=200
        )
        assert run.returncode == 0, run.stderr.decode()
        return json.loads(run.stdout)

    return {framework: probe(framework) for framework in ("pytorch", "tensorflow")}


def test_a_step_as_a_graph_learns_what_steps_one_by_one_learn(found):
    one_by_one, graph = found["pytorch"]["steps"].values()
    assert len(graph) == 3
    # Rounding grows from epoch to epoch, with so few images.
    for usual, replayed, close in zip(one_by_one, graph, (5e-4, 5e-3, 2e-2), strict=True):
        assert replayed[0] == pytest.approx(usual[0], rel=close)
        assert replayed[1] == pytest.approx(usual[1], abs=0.05)
        assert replayed[2] == usual[2] == 112


def test_its_optimiser_adds_epsilon_where_keras_does(found):
    assert found["pytorch"]["adam"] < 1e-6  # 20 steps of 0.001


def test_time_without_a_kernel_is_the_loaders_or_the_hosts_of_the_step_without_profiler(found):
    parts, shares = found["pytorch"]["profile"]
    assert parts == {"loading": 1.0, "convolution": 1.5, "normalisation": 1.5, "optimiser": 1.0}
    # The step took 10 s; what it took longer under the profiler is the profiler's.
    assert shares == {"loading": 0.1, "host": 0.5, "convolution": 0.15, "normalisation": 0.15, "optimiser": 0.1}


def test_a_gpu_that_is_not_there_takes_none_of_the_others(found):
    # TensorFlow takes all memory of every GPU that it is shown, as soon as its peak of memory is read.
    assert found["tensorflow"]["shown"] == {"cpu": [], "gpu:1": "second", "gpu:2": []}


def test_keras_reads_figures_at_the_ends_of_epochs_and_not_after_every_step(found):
    readings = found["tensorflow"]["readings"]
    assert readings["batches"] > 10
    assert readings["read"] < readings["batches"] / 2  # the ends of epochs, of the training and of the test


def test_a_gpu_without_room_for_a_copy_is_out_of_memory(found):
    assert found["tensorflow"]["full"] == [True, False]


def test_beside_a_training_on_the_cpu_all_load_counts_whatever_its_framework_calls_the_device(found):
    assert [one["on_gpu"] for one in found.values()] == [[False], [False]]


def test_what_cuda_itself_refuses_for_want_of_memory_is_out_of_memory_too(found):
    assert found["pytorch"]["full"] == [True, True, True, False]


def test_a_step_that_reads_images_in_the_machines_memory_is_not_compiled_for_a_gpu(found):
    assert found["tensorflow"]["beside"] == ["in the machine's memory", False]


def test_kernels_of_xla_go_by_the_operations_that_they_were_made_of(found):
    assert found["tensorflow"]["profile"] == [
        ["normalisation", 5.0, 5.1],
        ["dense", 5.1, 5.2],
        ["copies", 5.2, 5.3],
        ["convolution", 5.3, 5.4],
        ["copies", 5.4, 5.5],
    ]
