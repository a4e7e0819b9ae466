import pytest

from tfpt_tui.hardware.peaks import peak_flops


@pytest.mark.parametrize(
    ("device", "precision", "tflops"),
    [
        ("Tesla T4", "float16", 65.0),
        ("NVIDIA A100-SXM4-80GB", "tf32", 156.0),
        ("NVIDIA A100 80GB PCIe", "bfloat16", 312.0),
        ("NVIDIA H100 80GB HBM3", "float32", 67.0),
        ("NVIDIA H200", "bfloat16", 989.5),
    ],
)
def test_a_known_device_has_its_published_dense_peak(device, precision, tflops):
    assert peak_flops(device, precision) == pytest.approx(tflops * 1e12)


@pytest.mark.parametrize(
    "device",
    ["cpu", "", "NVIDIA A10G", "NVIDIA L40", "NVIDIA GeForce RTX 3090 Ti", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"],
)
def test_another_device_has_none_and_neither_has_a_look_alike(device):
    assert peak_flops(device, "float32") is None


def test_a_precision_that_the_device_lacks_has_no_peak():
    assert peak_flops("Tesla T4", "bfloat16") is None
