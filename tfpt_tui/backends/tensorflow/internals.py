"""What TensorFlow and Keras decide by themselves, in one place.

Some of it can only be read through private modules: None where a version has moved them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfpt_tui.config.tracks import TRACKS

if TYPE_CHECKING:  # the probe of an interpreter comes by here, which may be too old for the rest of us
    from tfpt_tui.config.schema import RunConfig


def choose_jit(config: RunConfig) -> bool | str:
    """``jit_compile`` of a model. "auto" is Keras's choice, which is XLA on a GPU.

    Keras asks for physical GPUs (keras/src/trainers/trainer.py, resolve_auto_jit_compile): with device=cpu on a
    machine with a GPU it would compile for the CPU. On tracks of equal execution "auto" compiles nothing, as
    PyTorch does.
    """
    if config.compile != "auto":
        return config.compile == "on"
    keras_chooses = not TRACKS[config.track].equal_execution and tf.config.get_visible_devices("GPU")
    return "auto" if keras_chooses else False


def is_deterministic() -> bool | None:
    """Whether operations are deterministic."""
    try:
        from tensorflow.python.framework.config import is_op_determinism_enabled
    except ImportError:
        return None
    return bool(is_op_determinism_enabled())


def uses_onednn() -> bool | None:
    """Whether the kernels of oneDNN are used, as TensorFlow decided from processor and environment."""
    try:
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled
    except ImportError:
        return None
    return bool(IsMklEnabled())


# Threads of the profiler's trace on which operations run, those of the executor; and where a GPU's kernels are.
COMPUTE_LINES = ("tf_Compute",)
GPU_PLANE, METADATA_PLANE = "/device:GPU", "/host:metadata"
# The thread that waits for tf.data's next batch in place of the executor, and what it does there.
NEXT_BATCH_LINE, NEXT_BATCH = "tf_data_iterator_get_next", "IteratorGetNextOp"


class Waits:
    """Counts how often Python asks for values that the device computes, and so waits for it. Use it as a context.

    That is a number or an array read from a tensor (``numpy``, ``float``), or a call that synchronises.
    """

    def __init__(self) -> None:
        self.count = 0
        # Every way to a tensor's values leads through this method of a base class that has no public name.
        kinds: tuple[Any, ...] = tf.__internal__.EagerTensor.__mro__  # making a tensor would start the runtime
        self._tensor = next(kind for kind in kinds if "_numpy" in vars(kind))
        self._read = self._tensor._numpy
        self._synchronize = tf.test.experimental.sync_devices

    def __enter__(self) -> Waits:
        def read(tensor: Any) -> Any:
            self.count += 1
            return self._read(tensor)

        def synchronize() -> None:
            self.count += 1
            self._synchronize()

        self._tensor._numpy = read
        tf.test.experimental.sync_devices = synchronize
        return self

    def __exit__(self, *error: object) -> None:
        self._tensor._numpy = self._read
        tf.test.experimental.sync_devices = self._synchronize


def read_operations(trace: Path) -> list[tuple[str, float, float]]:
    """Name, start and end in seconds of what the threads that compute did, or waited for, by the profiler's trace.

    An operation is named ``PLACE:TYPE``. Where a GPU computed, they are those of its kernels. Nothing where a
    version has moved the format.
    """
    try:
        from tensorflow.tsl.profiler.protobuf import xplane_pb2
    except ImportError:
        return []
    found = []
    for path in trace.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        kernels = list(_kernels(space))
        found += [*kernels, *_on_threads(space, NEXT_BATCH_LINE if kernels else (*COMPUTE_LINES, NEXT_BATCH_LINE))]
    return found


def _on_threads(space: Any, threads: str | tuple[str, ...]) -> Iterator[tuple[str, float, float]]:
    for plane in space.planes:
        names = {key: data.name for key, data in plane.event_metadata.items()}
        for line in plane.lines:
            if not line.name.startswith(threads):
                continue
            wanted = NEXT_BATCH if line.name.startswith(NEXT_BATCH_LINE) else ""
            for event in line.events:
                if (name := names[event.metadata_id]).startswith(wanted):
                    yield name, *_span(line, event)


def _kernels(space: Any) -> Iterator[tuple[str, float, float]]:
    """What ran on GPUs, named by the operation that it is of and by itself."""
    origins = _origins(space)
    for plane in space.planes:
        if not plane.name.startswith(GPU_PLANE):
            continue
        names = {key: data.name for key, data in plane.event_metadata.items()}
        words = {key: data.name for key, data in plane.stat_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                facts = {
                    words[fact.metadata_id]: fact.str_value or words.get(fact.ref_value, "")
                    for fact in event.stats
                }
                made_of = facts.get("hlo_op", "")
                operation = (
                    origins.get((facts.get("hlo_module", ""), made_of)) or made_of or facts.get("tf_op", "")
                )
                yield f"{operation} {names[event.metadata_id]}", *_span(line, event)


def _origins(space: Any) -> dict[tuple[str, str], str]:
    """The operation of each kernel that XLA made, by module and name; of fused ones the first that has a name."""
    try:
        from tensorflow.compiler.xla.service import hlo_pb2
    except ImportError:
        return {}
    found = {}
    for plane in space.planes:
        modules = plane.event_metadata.values() if plane.name == METADATA_PLANE else ()
        for data in (fact.bytes_value for module in modules for fact in module.stats if fact.bytes_value):
            module = hlo_pb2.HloProto.FromString(data).hlo_module
            fused = {one.id: [part.metadata.op_name for part in one.instructions] for one in module.computations}
            for one in (made for computation in module.computations for made in computation.instructions):
                names = [
                    one.metadata.op_name,
                    *(name for key in one.called_computation_ids for name in fused[key]),
                ]
                found[module.name, one.name] = next(filter(None, names), "")
    return found


def _span(line: Any, event: Any) -> tuple[float, float]:
    start = line.timestamp_ns / 1e9 + event.offset_ps / 1e12
    return start, start + event.duration_ps / 1e12
