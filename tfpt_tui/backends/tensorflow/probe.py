"""What TensorFlow says of itself and of this machine."""

from __future__ import annotations

import importlib.metadata

import tensorflow as tf

from tfpt_tui.backends.tensorflow.internals import uses_onednn
from tfpt_tui.documents import Value


def look() -> dict[str, Value]:
    """Version, the CUDA and cuDNN that it was built with ("" for none), and the names of the GPUs that it sees."""
    build = tf.sysconfig.get_build_info()
    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    return {
        "version": tf.__version__,
        "cuda": str(build.get("cuda_version", "")),
        "cudnn": _cudnn(str(build.get("cudnn_version", "")), str(build.get("cuda_version", ""))),
        "gpus": [str(detail.get("device_name", "GPU")) for detail in details],
        "onednn": uses_onednn(),
    }


def _cudnn(major: str, cuda: str) -> str:
    """The build tells 9 alone; 9.10.2 is what the package that comes with it says, where it is installed."""
    try:
        installed = importlib.metadata.version(f"nvidia-cudnn-cu{cuda.partition('.')[0]}")
    except importlib.metadata.PackageNotFoundError:
        return major
    return ".".join(installed.split(".")[:3]) if installed.split(".")[0] == major else major
