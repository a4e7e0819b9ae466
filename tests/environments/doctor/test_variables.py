"""Environment variables that mislead."""

import pytest

from tfpt_tui.environments.doctor.variables import judge_variables


@pytest.mark.parametrize(
    ("variables", "level", "words", "remedy"),
    [
        ({"LD_LIBRARY_PATH": "/usr/local/cuda/lib64"}, "warning", "may take the place", "unset LD_LIBRARY_PATH"),
        ({"LD_LIBRARY_PATH": "/opt/x:/opt/cuDNN"}, "warning", "/opt/x:/opt/cuDNN", "unset LD_LIBRARY_PATH"),
        ({"CUDA_LAUNCH_BLOCKING": "1"}, "warning", "waits for its end", "unset CUDA_LAUNCH_BLOCKING"),
        ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "warning", "without oneDNN", "export TF_ENABLE_ONEDNN_OPTS=1"),
        ({"NVIDIA_TF32_OVERRIDE": "0"}, "warning", "in place of the precision", "unset NVIDIA_TF32_OVERRIDE"),
        ({"XLA_FLAGS": "--a"}, "note", "XLA_FLAGS=--a: for TensorFlow's compiler alone", "keep it the same"),
        ({"TF_XLA_FLAGS": "--b"}, "note", "PyTorch knows nothing of it", "keep it the same"),
        ({"TF_NUM_INTRAOP_THREADS": "4"}, "note", "only for the track published", "threads=N"),
        (
            {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "2"},
            "note",
            "OMP_NUM_THREADS=4 and MKL_NUM_THREADS=2",
            "threads=N",
        ),
        ({"PYTHONPATH": "/lib"}, "note", "hidden from the workers", "pip"),
    ],
)
def test_a_variable_that_misleads_is_told_with_its_value(variables, level, words, remedy):
    (finding,) = judge_variables(variables)
    assert (finding.level, finding.topic) == (level, "variables")
    assert words in finding.message
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"LD_LIBRARY_PATH": "/usr/local/lib"},
        {"CUDA_LAUNCH_BLOCKING": "0"},
        {"TF_ENABLE_ONEDNN_OPTS": "1"},
        {"OMP_NUM_THREADS": ""},
    ],
)
def test_values_that_change_nothing_are_in_order(variables):
    (finding,) = judge_variables(variables)
    assert (finding.level, finding.message) == ("ok", "none is set that misleads")
