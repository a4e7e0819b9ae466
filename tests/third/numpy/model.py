"""The four-layer network as a list of arrays in Keras's layout, with the mathematics of the track parity."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tfpt_tui.backends.numpy import layers

from tfpt_tui.backends.draws import Array, Weights, draw_weights
from tfpt_tui.backends.network import PARITY_MOMENTUM, POOL
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import Layer, ModelSummary

FILE = "model.npz"
TRAINED = ("kernel", "bias", "scale", "shift")
FIXED = ("mean", "variance")

Parameters = dict[str, Array]


@dataclass
class Network:
    """``parameters`` are those of each convolution with its normalisation and each dense layer, by name."""

    parameters: list[Parameters]
    image_size: int
    momentum: float = PARITY_MOMENTUM
    tape: list[tuple[Array, ...]] = field(default_factory=list)

    def forward(self, images: Array, training: bool) -> Array:
        """Images (batch, side, side, 3) to logits (batch, classes); in training statistics are the batch's."""
        self.tape = []
        values = images.astype(self.parameters[0]["kernel"].dtype, copy=False)
        for own in self._convolutions():
            values, patches = layers.convolve(values, own["kernel"], own["bias"])
            if training:
                self._update(own, values)
            mean, variance = _statistics(values) if training else (own["mean"], own["variance"])
            values, normalised, deviation = layers.normalise(values, own["scale"], own["shift"], mean, variance)
            positive = values > 0
            values, places = layers.pool(values * positive)
            self.tape.append((patches, normalised, deviation, positive, places))
        hidden, last = self._dense()
        means = values.mean((1, 2))
        inner = means @ hidden["kernel"] + hidden["bias"]
        self.tape.append((values, means, inner))
        return np.maximum(inner, 0) @ last["kernel"] + last["bias"]

    def backward(self, gradient: Array) -> list[Parameters]:
        """The gradients of all trained parameters from that of the logits of the last forward pass."""
        hidden, last = self._dense()
        values, means, inner = self.tape[-1]
        active = np.maximum(inner, 0)
        found = [{"kernel": active.T @ gradient, "bias": gradient.sum(0)}]
        gradient = gradient @ last["kernel"].T * (inner > 0)
        found.insert(0, {"kernel": means.T @ gradient, "bias": gradient.sum(0)})
        spread = gradient @ hidden["kernel"].T / (values.shape[1] * values.shape[2])
        gradient = np.broadcast_to(spread[:, None, None, :], values.shape)
        for own, kept in zip(reversed(self._convolutions()), reversed(self.tape[:-1]), strict=True):
            patches, normalised, deviation, positive, places = kept
            gradient = layers.pool_backward(gradient, places) * positive
            gradient, scale, shift = layers.normalise_backward(gradient, normalised, deviation, own["scale"])
            gradient, kernel, bias = layers.convolve_backward(gradient, patches, own["kernel"])
            found.insert(0, {"kernel": kernel, "bias": bias, "scale": scale, "shift": shift})
        return found

    def _convolutions(self) -> list[Parameters]:
        return self.parameters[:-2]

    def _dense(self) -> list[Parameters]:
        return self.parameters[-2:]

    def _update(self, own: Parameters, values: Array) -> None:
        for name, batch in zip(FIXED, _statistics(values), strict=True):
            own[name] *= self.momentum
            own[name] += (1 - self.momentum) * batch


def build_model(config: RunConfig, classes: int, device: str) -> Network:
    """Images (batch, side, side, 3) to logits (batch, classes)."""
    model = Network([], config.image_size)
    set_weights(model, draw_weights(config.seed, classes))
    return model


def set_weights(model: Network, weights: list[Weights]) -> None:
    """Put in weights that come in Keras's layout, one entry for every convolution and dense layer."""
    model.parameters = [
        {name: np.array(values) for name, values in vars(layer).items() if values is not None} for layer in weights
    ]


def get_weights(model: Network) -> list[Weights]:
    """The weights in Keras's layout."""
    return [Weights(**{name: values.copy() for name, values in own.items()}) for own in model.parameters]


def summarize(model: Network) -> ModelSummary:
    """The layer table; nothing is computed."""
    table = []
    side = model.image_size
    for number, own in enumerate(model.parameters):
        outputs = own["kernel"].shape[-1]
        side = side // POOL if "scale" in own else side
        shape = (side, side, outputs) if "scale" in own else (outputs,)
        kind = "Convolution" if "scale" in own else "Dense"
        table.append(Layer(str(number), kind, shape, sum(values.size for values in own.values())))
    trainable, fixed = (
        sum(own[name].size for own in model.parameters for name in names if name in own)
        for names in (TRAINED, FIXED)
    )
    return ModelSummary(tuple(table), trainable + fixed, trainable, fixed)


def save_model(model: Network, config: RunConfig, path: Path) -> None:
    """Save all parameters by names such as ``0/kernel``."""
    named = {f"{number}/{name}": v for number, own in enumerate(model.parameters) for name, v in own.items()}
    np.savez(path, allow_pickle=False, **named)


def load_model(path: Path, config: RunConfig, classes: int, device: str) -> Network:
    """The saved model."""
    model = build_model(config, classes, device)
    with np.load(path) as saved:
        for key, values in saved.items():
            number, name = key.split("/")
            model.parameters[int(number)][name] = values
    return model


def in_double(model: Network) -> Network:
    """The same in double precision."""
    parameters = [{name: values.astype(float) for name, values in own.items()} for own in model.parameters]
    return dataclasses.replace(model, parameters=parameters)


def _statistics(values: Array) -> tuple[Array, Array]:
    """Mean and variance (divided by n) of every channel of a batch."""
    return values.mean((0, 1, 2)), values.var((0, 1, 2))
