"""Run in a framework's process by test_gpu.py: what only happens on a GPU, with a stand-in for it; prints JSON."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from tfpt_tui.backends.dataset import list_dataset
from tfpt_tui.backends.profile import Recorded, step_profile
from tfpt_tui.config.schema import RunConfig


class Epochs:
    """A report that keeps the figures of its epochs, and counts images."""

    def __init__(self):
        self.epochs, self.images, self.done = [], 0, 0

    def begin_epoch(self, *_):
        self.images = 0

    def count(self, images, steps=1):
        self.images += images

    def end_epoch(self, loss, accuracy, *_):
        self.epochs.append([loss, accuracy, self.images])

    def clock(self):
        return 0.0

    def emit(self, *_):
        pass


def whole_steps(directory):
    """Epochs trained step by step, and by what a CUDA graph records, which the CPU does anew."""
    import torch

    from tfpt_tui.backends.pytorch.best import data, training
    from tfpt_tui.backends.pytorch.model import build_model
    from tfpt_tui.backends.pytorch.runtime import init_device

    row = {"framework": "pytorch", "track": "best", "data": str(directory), "batch_size": 16, "epochs": 3}
    config = RunConfig.from_mapping(row | {"device": "cpu"}, "probe")
    device = init_device(config)
    dataset, found = list_dataset(directory), {}
    for name in ("one by one", "graph"):
        report = Epochs()
        train = data.fill_cache(data.make_training_data(config, dataset.train, device), report)
        step = training.make_step(build_model(config, dataset.classes, device), config, device)
        if name == "graph":
            torch.compile = lambda function: function
            torch.cuda.Event = lambda blocking: SimpleNamespace(synchronize=lambda: None, record=lambda: None)
            optimizer = training.FusedAdam(config.learning_rate, list(step.model.parameters()))
            epoch = training._make_epoch(len(train.loader), config.batch_size, device)
            take_step = training._whole_step(step, train, config, optimizer, epoch)
            step = training.GraphStep(step.model.train(), epoch, take_step, None, device, fused=True)
        else:
            step.model.train()
        training.train(step, train, config, report)
        found[name] = report.epochs
    return found


def adam():
    """How far weights are apart after steps of both optimisers by the same gradients, which are tiny at first."""
    import torch

    from tfpt_tui.backends.pytorch.best.training import FusedAdam
    from tfpt_tui.backends.pytorch.model import build_model
    from tfpt_tui.backends.pytorch.training import make_step

    row = {"framework": "pytorch", "track": "best", "data": "unused", "device": "cpu"}
    config, device = RunConfig.from_mapping(row, "probe"), torch.device("cpu")
    step, other = make_step(build_model(config, 10, device), config, device), build_model(config, 10, device)
    fused, drawn = FusedAdam(config.learning_rate, list(other.parameters())), torch.Generator().manual_seed(1)
    for number in range(20):
        for weight in step.model.parameters():
            weight.grad = torch.empty_like(weight).normal_(generator=drawn) * 10.0 ** (number / 4 - 8)
        fused.apply([weight.grad.clone() for weight in step.model.parameters()])
        step.update()
    pairs = zip(step.model.parameters(), other.parameters(), strict=True)
    return max(float((one - another).abs().max()) for one, another in pairs)


def torch_profile():
    """Parts of kernels with an overlap, of a loader beside them, and of what is named for a viewer alone."""
    import torch

    from tfpt_tui.backends.pytorch import profiler

    kinds = torch.autograd.DeviceType

    def event(name, start, end, kind=kinds.CUDA, *, named=False):
        span = SimpleNamespace(start=start * 1e6, end=end * 1e6)
        return SimpleNamespace(name=name, time_range=span, device_type=kind, is_user_annotation=named)

    events = [
        event("enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__", 0.0, 2.0, kinds.CPU),
        event("void cudnn::engines_precompiled::nhwcToNchwKernel<float>", 1.0, 3.0),
        event("triton_red_fused__native_batch_norm_legit_functional_3", 2.0, 4.0),
        event("triton_for_fused_0", 4.0, 5.0),
        event("Optimizer.step#Adam.step", 0.0, 9.0, named=True),
        event("aten::conv2d", 5.0, 9.0, kinds.CPU),
    ]
    parts = profiler._on_gpu(events)
    return parts, step_profile(Recorded(parts, kernels=True), 10.0, 20.0, 1, "").shares


def tensorflow_profile(directory):
    """Parts of a trace as TensorFlow writes it, of which XLA made some kernels, in the first second after 5."""
    from tensorflow.compiler.xla.service import hlo_pb2
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    from tfpt_tui.backends.tensorflow.internals import read_operations
    from tfpt_tui.backends.tensorflow.profiler import part_of

    hlo = hlo_pb2.HloProto()
    hlo.hlo_module.name = "step.47"
    inner = hlo.hlo_module.computations.add(id=1)
    inner.instructions.add(name="multiply.1").metadata.op_name = "gradient_tape/fused_batch_normalization_2/Grad"
    entry = hlo.hlo_module.computations.add(id=2)
    entry.instructions.add(name="fusion.1", called_computation_ids=[1])
    entry.instructions.add(name="custom-call.3").metadata.op_name = "sequential/dense_1/MatMul"
    space = xplane_pb2.XSpace()
    metadata = space.planes.add(name="/host:metadata")
    metadata.event_metadata[1].stats.add(bytes_value=hlo.SerializeToString())
    gpu = space.planes.add(name="/device:GPU:0")
    for key, name in ((1, "hlo_op"), (2, "hlo_module"), (3, "tf_op"), (4, "step.47")):
        gpu.stat_metadata[key].name = name
    stream = gpu.lines.add(name="Stream #13(Compute)", timestamp_ns=5 * 10**9)
    for key, (name, facts) in enumerate(
        (
            ("input_multiply_reduce_fusion", {1: "fusion.1", 2: "step.47"}),
            ("void cutlass::Kernel2<sgemm>", {1: "custom-call.3", 2: "step.47"}),
            ("loop_transpose_fusion", {1: "loop_transpose_fusion", 2: "step.47"}),
            ("sm80_xmma_fprop", {3: "model/conv2d_1/Conv2D:Conv2D"}),
            ("Memset 3", {}),
        )
    ):
        gpu.event_metadata[key].name = name
        event = stream.events.add(metadata_id=key, offset_ps=key * 10**11, duration_ps=10**11)
        for what, said in facts.items():
            event.stats.add(metadata_id=what, str_value=said)
    host = space.planes.add(name="/host:CPU")
    host.event_metadata[1].name = "sequential/conv2d_1:Conv2D"
    host.lines.add(name="tf_Compute/7").events.add(metadata_id=1, duration_ps=10**12)
    (directory / "vm.xplane.pb").write_bytes(space.SerializeToString())
    return [[part_of(name), round(start, 3), round(end, 3)] for name, start, end in read_operations(directory)]


def shown_to_tensorflow(requested):
    """The GPUs of two that TensorFlow is shown at last for a device, whether it can be had or not."""
    import tensorflow as tf

    from tfpt_tui.backends.tensorflow.runtime import _find_device
    from tfpt_tui.errors import MissingError

    gpus = ["first", "second"]
    shown = [gpus]
    tf.config.list_physical_devices = lambda kind: gpus
    tf.config.set_visible_devices = lambda devices, kind: shown.append(devices)
    tf.config.experimental.set_memory_growth = lambda device, grows: None
    with suppress(MissingError):
        _find_device(requested)
    return shown[-1]


def readings(directory):
    """How often Keras reads figures from the device in two epochs and a test, and how many batches those are."""
    from keras.src.callbacks import callback_list

    from tfpt_tui.backends.tensorflow import data, training
    from tfpt_tui.backends.tensorflow.model import build_model
    from tfpt_tui.backends.tensorflow.runtime import init_device

    row = {"framework": "tensorflow", "track": "parity", "data": str(directory), "batch_size": 16, "epochs": 2}
    config = RunConfig.from_mapping(row | {"device": "cpu"}, "probe")
    device, dataset = init_device(config), list_dataset(directory)
    train, test = (
        data.make_training_data(config, dataset.train, device),
        data.make_test_data(config, dataset.test, device),
    )
    step = training.compile_step(build_model(config, dataset.classes, device), train, config, device)
    training._prepare_test(step.model, test, config)
    read, real = [], callback_list.python_utils.pythonify_logs
    callback_list.python_utils.pythonify_logs = lambda logs: (read.append(1) if logs else None, real(logs))[1]
    training.make_step(step.model, config, device)
    training.train(step, train, config, Epochs())
    training.evaluate(step.model, test, config, Epochs())
    return {"read": len(read), "batches": 2 * train.steps + test.steps}


def is_full():
    """Whether errors of TensorFlow are taken for a GPU without room."""
    import tensorflow as tf

    from tfpt_tui.backends.tensorflow.runtime import is_out_of_memory

    full = "Failed copying input tensor from CPU:0 to GPU:0: Dst tensor is not initialized."
    return [is_out_of_memory(tf.errors.InternalError(None, None, text)) for text in (full, "cuDNN failed")]


def is_judged_as_on_a_gpu(framework):
    """Whether others may use all cores but one beside a training on the CPU."""
    from tfpt_tui.backends import worker

    seen = []
    worker.Gate = lambda *_, on_gpu: seen.append(on_gpu) or SimpleNamespace(passed=None, arrive=lambda: None)
    config = RunConfig.from_mapping({"framework": framework, "data": "/d", "device": "cpu"}, "probe")
    backend = worker.load_backend(config)
    worker._arrive(Epochs(), backend, worker.Duel(1, "whole"), backend.runtime.init_device(config))
    return seen


def is_full_to_pytorch():
    """The same of PyTorch, whose own allocator has an error of another kind."""
    import torch

    from tfpt_tui.backends.pytorch.runtime import is_out_of_memory

    texts = (
        "CUDA error: out of memory",
        "DefaultCPUAllocator: can't allocate memory",
        "CUDA error: no kernel image",
    )
    return [is_out_of_memory(error) for error in (torch.OutOfMemoryError(), *map(RuntimeError, texts))]


def images_beside_a_gpu(directory):
    """Where images are that did not fit on a GPU, and whether the step that reads them is compiled though."""
    import tensorflow as tf

    from tfpt_tui.backends.tensorflow.best import data, training
    from tfpt_tui.backends.tensorflow.model import build_model
    from tfpt_tui.backends.tensorflow.runtime import init_device

    row = {"framework": "tensorflow", "track": "best", "data": str(directory), "batch_size": 16, "compile": "on"}
    config = RunConfig.from_mapping(row | {"device": "cpu"}, "probe")
    device = init_device(config)
    dataset, visible = list_dataset(directory), tf.config.get_visible_devices
    model = build_model(config, dataset.classes, device)
    train = data.fill_cache(data.make_training_data(config, dataset.train, device), Epochs())
    tf.config.get_visible_devices = lambda kind=None: ["a GPU"] if kind == "GPU" else visible(kind)
    try:
        return [train.facts()["images"], training.compile_step(model, train, config, device).compiled]
    finally:
        tf.config.get_visible_devices = visible


if __name__ == "__main__":
    if sys.argv[1] == "pytorch":
        steps, full = whole_steps(Path(sys.argv[2])), is_full_to_pytorch()
        found = {"adam": adam(), "steps": steps, "profile": torch_profile(), "full": full}
        print(json.dumps(found | {"on_gpu": is_judged_as_on_a_gpu("pytorch")}))
    else:
        figures, full = readings(Path(sys.argv[2])), is_full()
        beside = images_beside_a_gpu(Path(sys.argv[2]))
        shown = {device: shown_to_tensorflow(device) for device in ("cpu", "gpu:1", "gpu:2")}
        print(
            json.dumps(
                {
                    "profile": tensorflow_profile(Path(sys.argv[3])),
                    "shown": shown,
                    "readings": figures,
                    "full": full,
                    "beside": beside,
                    "on_gpu": is_judged_as_on_a_gpu("tensorflow"),
                }
            )
        )
