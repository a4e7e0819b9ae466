"""What a backend is: a protocol for each of its modules, of the module's name.

mypy checks every backend against these (``backends/NAME/__init__.py``), and ``config/frameworks.py`` looks for
the functions as the program starts. Device, data, network and step are a framework's own types; nobody looks into
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from tfpt_tui.backends.dataset import Images
from tfpt_tui.backends.draws import Array, Weights
from tfpt_tui.backends.profile import Peaks, Recorded
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.documents import Value
from tfpt_tui.events import EvaluationEnd, ModelSummary

D = TypeVar("D")  # data: an input pipeline, ready to be iterated
N = TypeVar("N")  # a network
S = TypeVar("S")  # a training step
V = TypeVar("V")  # a device
V_in = TypeVar("V_in", contravariant=True)
N_in = TypeVar("N_in", contravariant=True)
D_in = TypeVar("D_in", contravariant=True)
S_in = TypeVar("S_in", contravariant=True)


class Data(Protocol[D, V_in]):
    """The input pipelines. A track with a pipeline of its own has such a module in a package of its name."""

    def make_training_data(self, config: RunConfig, images: Images, device: V_in) -> D: ...

    def make_test_data(self, config: RunConfig, images: Images, device: V_in) -> D: ...

    def fill_cache(self, data: D, report: Report) -> D:
        """The data with every image decoded that cache or pack are to hold; ``report.done`` counts them."""
        ...

    def augmented_samples(self, config: RunConfig, images: Images) -> Array:
        """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
        ...


class Model(Protocol[N, V_in]):
    """The network, its weights in Keras's layout, and its file."""

    FILE: str

    def build_model(self, config: RunConfig, classes: int, device: V_in) -> N: ...

    def set_weights(self, model: N, weights: list[Weights]) -> None: ...

    def get_weights(self, model: N) -> list[Weights]: ...

    def summarize(self, model: N) -> ModelSummary:
        """The layers and their parameters; nothing is computed."""
        ...

    def save_model(self, model: N, config: RunConfig, path: Path) -> None: ...

    def load_model(self, path: Path, config: RunConfig, classes: int, device: V_in) -> N: ...


class Training(Protocol[D, N_in, S, V_in]):
    """The loops. A track with loops of its own has such a module in a package of its name."""

    def compile_step(self, model: N_in, data: D, config: RunConfig, device: V_in) -> S:
        """Make the training step and warm it up (backends/warm_up.py)."""
        ...

    def train(self, step: S, data: D, config: RunConfig, report: Report) -> None:
        """Train for all epochs: call ``report.count`` after every step, and take seconds from ``report.clock``.

        In a duel ``report.count`` blocks until the next turn, and raises an exception that ends the training.
        """

    def resident(self, step: S, data: D) -> D:
        """One batch for every step of an epoch: what the model alone costs."""
        ...

    def load_only(self, data: D, config: RunConfig, report: Report) -> None: ...

    def evaluate(self, model: N_in, data: D, config: RunConfig, report: Report) -> EvaluationEnd: ...

    def recalibrate(self, model: N_in, data: D, config: RunConfig) -> None:
        """Compute the running statistics anew over training images, weights as they are."""


class Runtime(Protocol[D_in, S_in, V]):
    """Device, threads and precision: set as requested, and read back."""

    def set_seed(self, config: RunConfig) -> None:
        """Let all that is drawn from here on be what this seed always draws."""

    def init_device(self, config: RunConfig) -> V:
        """Seed, set threads and precision, and wake the device."""
        ...

    def versions(self) -> dict[str, str]: ...

    def effective(
        self, config: RunConfig, step: S_in | None, data: D_in, device: V
    ) -> tuple[str, Mapping[str, Value]]:
        """The device's name and what the framework says it applies; ``step`` is None where nothing is trained."""
        ...

    def synchronize(self, device: V) -> None: ...

    def peak_gpu_bytes(self) -> int: ...

    def is_out_of_memory(self, error: BaseException) -> bool: ...


class Profiler(Protocol[V_in]):
    """The framework's own profiler."""

    TRACE: str

    def record_steps(self, work: Callable[[], None], device: V_in, directory: Path) -> Recorded:
        """Do some training under it and leave its trace in the directory."""
        ...

    def find_peaks(self, config: RunConfig, device: V_in) -> Peaks:
        """What the device reaches in a matrix product, and in the network's convolutions alone."""
        ...


class Variables(Protocol):
    """Environment variables that a track sets before the framework is imported."""

    def variables(self, config: RunConfig) -> dict[str, str]: ...


class ParityEvidence(Protocol[D_in, N, S, V_in]):
    """The evidence for parity: plain arrays, images in NHWC and weights in Keras's layout."""

    def take_batches(self, data: D_in, count: int) -> tuple[list[Array], list[Array]]: ...

    def make_step(self, model: N, config: RunConfig, device: V_in) -> S:
        """The training step, not warmed up."""
        ...

    def build_in_double(self, config: RunConfig, classes: int, device: V_in) -> N: ...

    def predict(self, model: N, images: Array) -> Array: ...

    def differentiate(self, step: S, images: Array, labels: Array) -> tuple[Array, float, list[Weights]]: ...

    def take_steps(self, step: S, images: list[Array], labels: list[Array]) -> None: ...


class Probe(Protocol):
    """What the imported framework says of itself."""

    def look(self) -> Mapping[str, Value]: ...


class CifarReader(Protocol):
    """The framework's own reader of CIFAR's archive."""

    def read_cifar(self, name: str, directory: Path) -> dict[str, tuple[Array, Array]]:
        """Images (n, side, side, 3) and labels (n,) of each split."""
        ...
