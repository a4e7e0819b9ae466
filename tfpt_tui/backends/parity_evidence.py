"""One framework's part of ``tfpt-tui parity``: what it computes from what both are given, as arrays in a file.

Everything goes through the code that the track parity trains with. Only what the network is given is drawn with
NumPy, so that a difference of pixels does not hide in one of logits.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfpt_tui.backends.dataset import list_dataset
from tfpt_tui.backends.draws import Array, Weights
from tfpt_tui.backends.network import INPUT_CHANNELS
from tfpt_tui.backends.report import Report
from tfpt_tui.backends.worker import load_backend, read_config
from tfpt_tui.errors import TfptError
from tfpt_tui.events import EpochEnd, decode
from tfpt_tui.lifeline import die_with_parent

STEPS = 10
TEST_BATCHES = 8
SECOND_EPOCH_BATCHES = 2


def main(arguments: list[str]) -> int:
    """``arguments``: a directory with config.toml, the parent's pid. Leaves arrays.npz and facts.json there."""
    directory, parent = Path(arguments[0]), int(arguments[1])
    die_with_parent(parent)
    try:
        _prove(directory)
    except TfptError as error:
        (directory / "problem.txt").write_text(str(error), encoding="utf-8")
        return error.exit_code
    return 0


def _prove(directory: Path) -> None:
    config = read_config(directory)
    backend = load_backend(config)
    data, model, training, runtime = backend
    own = importlib.import_module(f"tfpt_tui.backends.{config.framework}.parity_evidence")
    device = runtime.init_device(config)
    dataset = list_dataset(Path(config.data))
    train = data.make_training_data(config, dataset.train, device)
    arrays: dict[str, Array] = {}

    test_images, _ = own.take_batches(data.make_test_data(config, dataset.test, device), TEST_BATCHES)
    arrays["pixels"] = np.concatenate(test_images)
    steps = train.images // config.batch_size + SECOND_EPOCH_BATCHES
    images, labels = own.take_batches(train, steps)
    arrays["batch_images"], arrays["batch_labels"] = np.concatenate(images), np.concatenate(labels)

    inputs, targets = _draw_batches(config.seed, config.batch_size, config.image_size, dataset.classes)
    network = model.build_model(config, dataset.classes, device)
    arrays |= _flatten("initial", model.get_weights(network))
    arrays["prediction"] = own.predict(network, inputs[0])
    step = own.make_step(network, config, device)
    arrays["logits"], loss, _ = own.differentiate(step, inputs[0], targets[0])
    arrays["loss"] = np.array(loss)

    # From the cache: the batches above were not.
    config = config.replace(cache=True)
    network = model.build_model(config, dataset.classes, device)
    train = data.make_training_data(config, dataset.train, device)
    step = training.compile_step(network, train, config, device)
    with Report(directory / "events.jsonl") as report:
        train = data.fill_cache(train, report)
        training.train(step, train, config, report)
    arrays["epoch_loss"] = np.array(_epoch_loss(directory / "events.jsonl"))

    name, effective = runtime.effective(config, step, train, device)
    facts = {"versions": runtime.versions(), "device": name, "effective": effective}
    (directory / "facts.json").write_text(json.dumps(facts), encoding="utf-8")

    # Last, and in double precision: in single, one rounding decides on which side of zero a ReLU's input falls,
    # and whether a bias before a normalisation, whose gradient is zero, takes a step of Adam.
    step = own.make_step(own.build_in_double(config, dataset.classes, device), config, device)
    arrays |= _flatten("gradient", own.differentiate(step, inputs[0], targets[0])[2])
    own.take_steps(step, inputs, targets)
    arrays |= _flatten("trained", model.get_weights(step.model))

    np.savez(directory / "arrays.npz", allow_pickle=False, **arrays)


def _draw_batches(seed: int, batch_size: int, side: int, classes: int) -> tuple[list[Array], list[Array]]:
    """What the network is given: the same numbers in both frameworks."""
    generator = np.random.default_rng(seed)
    shape = (STEPS, batch_size, side, side, INPUT_CHANNELS)
    images = generator.random(shape, dtype=np.float32)
    return list(images), list(generator.integers(0, classes, shape[:2]))


def _flatten(name: str, layers: Sequence[Weights]) -> dict[str, Array]:
    """Arrays by names such as ``trained/0/kernel``."""
    return {
        f"{name}/{number}/{field.name}": values
        for number, layer in enumerate(layers)
        for field in dataclasses.fields(layer)
        if (values := getattr(layer, field.name)) is not None
    }


def _epoch_loss(events: Path) -> float:
    stamped = [decode(line) for line in events.read_text(encoding="utf-8").splitlines()]
    losses = [one.event.loss for one in stamped if one and isinstance(one.event, EpochEnd)]
    return float(losses[-1] or 0.0)
