"""Forward and backward passes of the layers, on arrays (batch, height, width, channels).

A forward pass returns what the backward pass needs, which returns the gradients of inputs and parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tfpt_tui.backends.draws import Array
from tfpt_tui.backends.network import KERNEL, PARITY_EPSILON, POOL

BORDER = KERNEL // 2


def convolve(images: Array, kernel: Array, bias: Array) -> tuple[Array, Array]:
    """A "same" convolution as one matrix product: values, and the patches (batch, height, width, 9 channels)."""
    padded = np.pad(images, ((0, 0), (BORDER, BORDER), (BORDER, BORDER), (0, 0)))
    windows = sliding_window_view(padded, (KERNEL, KERNEL), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(*images.shape[:3], -1)
    return patches @ kernel.reshape(-1, kernel.shape[-1]) + bias, patches


def convolve_backward(gradient: Array, patches: Array, kernel: Array) -> tuple[Array, Array, Array]:
    """Gradients of inputs, kernel and bias."""
    batch, height, width, outputs = gradient.shape
    inputs = kernel.shape[2]
    flat = gradient.reshape(-1, outputs)
    of_kernel = patches.reshape(len(flat), -1).T @ flat
    of_patches = (flat @ kernel.reshape(-1, outputs).T).reshape(batch, height, width, KERNEL, KERNEL, inputs)
    padded = np.zeros((batch, height + 2 * BORDER, width + 2 * BORDER, inputs), gradient.dtype)
    for row in range(KERNEL):
        for column in range(KERNEL):
            padded[:, row : row + height, column : column + width] += of_patches[:, :, :, row, column]
    return padded[:, BORDER:-BORDER, BORDER:-BORDER], of_kernel.reshape(kernel.shape), flat.sum(0)


def normalise(
    images: Array, scale: Array, shift: Array, mean: Array, variance: Array
) -> tuple[Array, Array, Array]:
    """Values, normalised inputs, and the deviation that they were divided by."""
    deviation = np.sqrt(variance + PARITY_EPSILON)
    normalised = (images - mean) / deviation
    return normalised * scale + shift, normalised, deviation


def normalise_backward(
    gradient: Array, normalised: Array, deviation: Array, scale: Array
) -> tuple[Array, Array, Array]:
    """Gradients of inputs, scale and shift, where mean and variance are those of the batch."""
    axes = (0, 1, 2)
    of_scale, of_shift = (gradient * normalised).sum(axes), gradient.sum(axes)
    count = normalised[..., 0].size
    of_inputs = scale / deviation * (gradient - of_shift / count - normalised * of_scale / count)
    return of_inputs, of_scale, of_shift


def pool(images: Array) -> tuple[Array, Array]:
    """The largest of each square, and where in its square it was."""
    batch, height, width, channels = images.shape
    squares = images.reshape(batch, height // POOL, POOL, width // POOL, POOL, channels)
    squares = squares.transpose(0, 1, 3, 5, 2, 4).reshape(batch, height // POOL, width // POOL, channels, -1)
    places = squares.argmax(-1)
    return np.take_along_axis(squares, places[..., None], -1)[..., 0], places


def pool_backward(gradient: Array, places: Array) -> Array:
    """The gradient goes to the places that the values came from."""
    batch, height, width, channels = gradient.shape
    squares = np.zeros((*gradient.shape, POOL * POOL), gradient.dtype)
    np.put_along_axis(squares, places[..., None], gradient[..., None], -1)
    squares = squares.reshape(batch, height, width, channels, POOL, POOL)
    return squares.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * POOL, width * POOL, channels)


def cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Mean loss of a batch, and the gradient of the logits."""
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    own = np.arange(len(labels)), labels
    gradient = np.exp(logs)
    gradient[own] -= 1
    return float(-logs[own].mean()), gradient / len(labels)
