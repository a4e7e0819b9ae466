"""Run in a framework's process by test_pipelines.py: looks at the batches of its input pipelines, prints JSON."""

import dataclasses
import hashlib
import importlib
import json
import os
import sys
import weakref
from pathlib import Path

import numpy as np

from tfpt_tui.backends.dataset import list_dataset
from tfpt_tui.backends.report import Report
from tfpt_tui.backends.worker import load_backend
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.counters import descendants


def look(framework, directory, **settings):
    row = {"framework": framework, "data": str(directory), "batch_size": 16, "device": "cpu", **settings}
    config = RunConfig.from_mapping(row, "probe")
    data = load_backend(config).data
    proof = importlib.import_module(f"tfpt_tui.backends.{framework}.parity_evidence")
    images = list_dataset(directory).train
    train = data.make_training_data(config, images, cpu(framework))
    filled = 0
    if config.cache:
        with Report(directory.parent / "probe-events") as report:
            train = data.fill_cache(train, report)
            filled = report.done
    steps = len(train.batch_sizes) and -(-train.images // config.batch_size)
    batches, labels = proof.take_batches(train, 2 * steps)
    labels = [values.argmax(1) if values.ndim > 1 else values for values in labels]
    return {
        "images": train.images,
        "filled": filled,
        "sizes": [len(batch) for batch in batches],
        "range": [float(min(map(np.min, batches))), float(max(map(np.max, batches)))],
        "dtype": str(batches[0].dtype),
        "labels": np.concatenate(labels).tolist(),
        "pixels": [round(float(image.mean()), 5) for batch in batches for image in batch],
        "digest": hashlib.sha256(b"".join(batch.tobytes() for batch in batches)).hexdigest(),
        "endless": not hasattr(train, "batches") or int(train.batches.cardinality()) == -1,
    }


def warm_up(framework, directory):
    """Digests of weights and statistics, and the optimiser's numbers, around the warm-up."""
    row = {"framework": framework, "data": str(directory), "batch_size": 16, "device": "cpu", "track": "parity"}
    config = RunConfig.from_mapping(row, "probe")
    data, model, training, _ = load_backend(config)
    dataset = list_dataset(directory)
    network = model.build_model(config, dataset.classes, cpu(framework))
    train = data.make_training_data(config, dataset.train, cpu(framework))
    before = [weights_digest(model.get_weights(network))]
    step = training.compile_step(network, train, config, cpu(framework))
    traces = step.traces()
    before.append(weights_digest(model.get_weights(network)))
    with Report(directory.parent / "probe-events") as report:
        moments = optimizer_numbers(step)
        training.train(step, train, config.replace(epochs=1), report)
    trained = weights_digest(model.get_weights(network)) != before[0]
    recalibrated = []
    for _ in range(2):
        training.recalibrate(network, train, config)
        recalibrated.append(weights_digest(model.get_weights(network)))
    loading = data.make_training_data(config.replace(num_workers=2), list_dataset(directory).train, cpu(framework))
    training.resident(step, loading)
    return {
        "weights": before,
        "moments": moments,
        "traces": step.traces() - traces,
        "trained": trained,
        "recalibrated": recalibrated,
        "loaders": len(list(descendants(os.getpid()))),
    }


class Begins:
    """An input that notes how many of its iterators are still there whenever it is begun anew."""

    def __init__(self, batches):
        self.batches = batches
        self.alive = []
        self._begun = []

    def __iter__(self):
        self.alive.append(sum(iterator() is not None for iterator in self._begun))
        iterator = iter(self.batches)
        self._begun.append(weakref.ref(iterator))
        return iterator

    def __getattr__(self, name):
        return getattr(self.batches, name)


def begins(framework, directory):
    """How many iterators were still there as each of three epochs of loading alone began."""
    row = {"framework": framework, "data": str(directory), "batch_size": 16, "device": "cpu"}
    row |= {"track": "documented", "measure": "loader", "epochs": 3}
    config = RunConfig.from_mapping(row, "probe")
    data, _, training, _ = load_backend(config)
    train = data.make_training_data(config, list_dataset(directory).train, cpu(framework))
    name = "batches" if hasattr(train, "batches") else "loader"
    counted = Begins(getattr(train, name))
    with Report(directory.parent / "probe-events") as report:
        training.load_only(dataclasses.replace(train, **{name: counted}), config, report)
    return counted.alive


def decoders(framework, directory):
    """A digest of the pixels of all training images, by each decoder that is there."""
    module = importlib.import_module(f"tfpt_tui.backends.{framework}.decode")
    paths = list_dataset(directory).train.paths
    digests = {}
    for decoder in module.available_decoders():
        arrays = [np.asarray(decoder.decode(path)) for path in paths]
        arrays = [array.transpose(1, 2, 0) if array.shape[0] == 3 else array for array in arrays]
        digests[decoder.name] = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    return digests


def weights_digest(layers):
    arrays = [array for layer in layers for array in vars(layer).values() if array is not None]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def optimizer_numbers(step):
    """Largest absolute value of moments and counters, and how many there are; the learning rate is a setting."""
    if hasattr(step, "optimizer"):
        values = [value for state in step.optimizer.state.values() for value in state.values()]
    else:
        values = [value for value in step.model.optimizer.variables if "learning_rate" not in value.path]
    return [max(float(abs(np.asarray(value)).max()) for value in values), len(values)]


def cpu(framework):
    if framework == "tensorflow":
        return "cpu"
    import torch

    return torch.device("cpu")


def main(framework, directory):
    looks = {
        "default": look(framework, directory),
        "default again": look(framework, directory),
        "default cached": look(framework, directory, cache=True),
        "default other seed": look(framework, directory, seed=26),
        "default short": look(framework, directory, max_steps=2),
        "parity": look(framework, directory, track="parity"),
        "parity cached": look(framework, directory, track="parity", cache=True),
        "parity with workers": look(framework, directory, track="parity", num_workers=2),
        "parity plain": look(framework, directory, track="parity", augment=False),
        "documented": look(framework, directory, track="documented"),
        "published": look(framework, directory, track="published"),
        "published cached": look(framework, directory, track="published", cache=True),
    }
    found = {
        "looks": looks,
        "warm-up": warm_up(framework, directory),
        "begins": begins(framework, directory),
        "decoders": decoders(framework, directory),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
