import pytest

from tfpt_tui.backends import effective
from tfpt_tui.backends.effective import computes_natively, differences, emulated, requested_threads, retraced
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.cores import physical_cores


def config(**settings):
    return RunConfig.from_mapping({"framework": "pytorch", "data": "/d", **settings}, "here")


def applied(**changes):
    """What a framework tells that applies all that is asked by default."""
    return {
        "device": "cpu",
        "threads": physical_cores(),
        "interop_threads": physical_cores(),
        "dtype_activations": "float32",
        "dtype_weights": "float32",
        "tf32_matmul": False,
        "tf32_convolution": False,
        "deterministic": False,
        "compile": False,
        "num_workers": 0,
        "cache": False,
        **changes,
    }


def names(warnings):
    return [warning.message.split("=")[0].removeprefix("requested ") for warning in warnings]


def test_what_is_applied_as_asked_needs_no_warning():
    assert differences(config(), applied()) == []
    assert differences(config(track="parity"), applied()) == []


@pytest.mark.parametrize(
    ("asked", "told", "name"),
    [
        ({"threads": 3}, {}, "threads"),
        ({"precision": "bfloat16"}, {}, "dtype_activations"),
        ({"compile": "on"}, {}, "compile"),
        ({"compile": "off"}, {"compile": True}, "compile"),
        ({"deterministic": True}, {}, "deterministic"),
        ({"num_workers": 2}, {}, "num_workers"),
        ({"cache": True}, {}, "cache"),
        ({"device": "gpu"}, {}, "device"),
        ({}, {"tf32_matmul": True}, "tf32_matmul"),
        ({"track": "parity"}, {"compile": True}, "compile"),
        ({"track": "parity"}, {"interop_threads": 99}, "interop_threads"),
    ],
)
def test_what_is_not_applied_is_a_warning_that_taints_the_time(asked, told, name):
    (warning,) = differences(config(**asked), applied(**told))
    assert names([warning]) == [name]
    assert (warning.code, warning.taints) == ("not_applied", "time")
    assert warning.advice


def test_tf32_on_a_cpu_is_asked_for_in_vain():
    told = applied(tf32_matmul=True, tf32_convolution=True)
    assert names(differences(config(precision="tf32"), told)) == ["device"]
    assert differences(config(precision="tf32"), {**told, "device": "gpu:0"}) == []


def test_what_the_framework_leaves_to_itself_is_no_difference():
    assert differences(config(compile="auto"), applied(compile=True)) == []
    assert differences(config(device="auto"), applied(device="gpu:0")) == []


def test_workers_of_tensorflow_are_asked_for_on_the_track_parity_only():
    tensorflow = config(framework="tensorflow", num_workers=2)
    assert differences(tensorflow, applied()) == []
    assert names(differences(tensorflow.replace(track="parity"), applied())) == ["num_workers"]


def test_the_article_left_the_threads_to_the_frameworks():
    assert requested_threads(config(track="published")) == 0
    assert requested_threads(config(track="published", threads=4)) == 4
    assert requested_threads(config()) == physical_cores()


def test_graphs_made_during_the_training_make_its_time_doubtful():
    assert retraced(2, 2) == []
    (warning,) = retraced(2, 3)
    assert (warning.code, warning.taints) == ("retraced", "time")
    assert warning.message == "1 more graph traced or compiled during the training"


@pytest.mark.parametrize(
    ("flags", "precision", "native"),
    [
        ("flags : fpu avx2 fma", "bfloat16", False),
        ("flags : fpu avx512f avx512_bf16", "bfloat16", True),
        ("flags : fpu avx512f avx512_bf16", "float16", False),
        ("flags : fpu amx_tile amx_bf16 amx_fp16", "float16", True),
        ("Features : fp asimd fphp asimdhp", "float16", True),
        ("flags : fpu avx2", "float32", True),
        ("", "bfloat16", True),
    ],
)
def test_sixteen_bits_need_instructions_of_the_processor(tmp_path, flags, precision, native):
    (tmp_path / "cpuinfo").write_text(flags)
    assert computes_natively(precision, tmp_path / "cpuinfo") is native


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_a_gpu_that_is_older_than_a_precision_is_a_warning(precision):
    (warning,) = emulated(config(precision=precision), applied(device="gpu:0", compute_capability=7.5))
    assert "a GPU of compute capability 7.5 has no instructions for it" in warning.message
    assert emulated(config(precision="float16"), applied(device="gpu:0", compute_capability=7.5)) == []


def test_emulated_sixteen_bits_are_a_warning_on_a_cpu_alone(monkeypatch):
    monkeypatch.setattr(effective, "computes_natively", lambda precision: precision == "float32")
    (warning,) = emulated(config(precision="bfloat16"), applied())
    assert (warning.code, warning.taints) == ("emulated", "time")
    assert emulated(config(precision="bfloat16"), applied(device="gpu:0")) == []
    assert emulated(config(precision="tf32"), applied(device="gpu:0", compute_capability=8.0)) == []
    assert emulated(config(), applied()) == []
