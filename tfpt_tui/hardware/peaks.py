"""What well-known GPUs could compute at best, as NVIDIA publishes it: dense, in TFLOP/s.

``float32`` is the ordinary cores' rate, the others the tensor cores' with sums in float32, as frameworks ask
for. The data sheets of Ampere and later print twice the tensor rates ("with sparsity"); these are the halves. A
CPU's peak depends on clocks and vector units that no data sheet settles: it is unknown, as is that of a part of
a GPU (MIG).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Names as CUDA gives them; look-alikes (A10G, L40, RTX 3090 Ti, RTX 4090 D, H100 NVL) are other chips or clocks.
PEAKS_TFLOPS: tuple[tuple[str, Mapping[str, float]], ...] = (
    # "NVIDIA T4 Tensor Core GPU" data sheet: 8.1 single, 65 mixed precision
    (r"Tesla T4", {"float32": 8.1, "float16": 65.0}),
    # "NVIDIA V100 Tensor Core GPU" data sheet: SXM2 15.7 and 125, PCIe 14 and 112
    (r"Tesla V100-SXM2-\d+GB", {"float32": 15.7, "float16": 125.0}),
    (r"Tesla V100-PCIE-\d+GB", {"float32": 14.0, "float16": 112.0}),
    # "NVIDIA A100 Tensor Core GPU" data sheet: the same for SXM and PCIe
    (
        r"A100-(SXM4|PCIE)-\d+GB|A100 80GB PCIe",
        {"float32": 19.5, "tf32": 156.0, "bfloat16": 312.0, "float16": 312.0},
    ),
    # "NVIDIA A10 Tensor Core GPU" data sheet
    (r"A10", {"float32": 31.2, "tf32": 62.5, "bfloat16": 125.0, "float16": 125.0}),
    # "NVIDIA L4 Tensor Core GPU" data sheet: 120 and 242 with sparsity
    (r"L4", {"float32": 30.3, "tf32": 60.0, "bfloat16": 121.0, "float16": 121.0}),
    # "NVIDIA Ampere GA102 GPU Architecture" white paper, appendix A: RTX 3090
    (r"GeForce RTX 3090", {"float32": 35.6, "tf32": 35.6, "bfloat16": 71.0, "float16": 71.0}),
    # "NVIDIA Ada GPU Architecture" white paper, appendix A: RTX 4090
    (r"GeForce RTX 4090", {"float32": 82.6, "tf32": 82.6, "bfloat16": 165.2, "float16": 165.2}),
    # "NVIDIA H100 Tensor Core GPU" data sheet: SXM 989 and 1,979, PCIe 756 and 1,513 with sparsity
    (r"H100 80GB HBM3", {"float32": 67.0, "tf32": 494.5, "bfloat16": 989.5, "float16": 989.5}),
    (r"H100 PCIe", {"float32": 51.0, "tf32": 378.0, "bfloat16": 756.5, "float16": 756.5}),
    # "NVIDIA H200 Tensor Core GPU" data sheet: SXM, 989 and 1,979 with sparsity
    (r"H200", {"float32": 67.0, "tf32": 494.5, "bfloat16": 989.5, "float16": 989.5}),
)


def peak_flops(device_name: str, precision: str) -> float | None:
    """The published dense peak in FLOP/s; None for an unknown device, or a precision that it has no figure for.

    ``precision`` is float32, tf32, bfloat16 or float16.
    """
    name = device_name.removeprefix("NVIDIA ")
    for pattern, peaks in PEAKS_TFLOPS:
        if re.fullmatch(pattern, name):
            return peaks[precision] * 1e12 if precision in peaks else None
    return None
