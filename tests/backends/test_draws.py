import numpy as np
import pytest

from tfpt_tui.backends.draws import draw_flips, draw_order, draw_weights
from tfpt_tui.backends.network import count_parameters, flops_per_image


def test_the_order_of_an_epoch_is_a_permutation_that_only_seed_and_epoch_decide():
    order = draw_order(25, 0, 1000)
    assert sorted(order) == list(range(1000))
    assert (draw_order(25, 0, 1000) == order).all()
    assert (draw_order(25, 1, 1000) != order).any()
    assert (draw_order(26, 0, 1000) != order).any()


def test_half_of_the_images_are_flipped_each_way_independently():
    left_right, up_down = draw_flips(25, 0, 10_000).T
    for flips in (left_right, up_down, left_right ^ up_down):
        assert flips.mean() == pytest.approx(0.5, abs=0.02)


def test_the_weights_are_glorot_uniform_with_zero_biases_and_fill_the_network():
    layers = draw_weights(25, classes=100)
    first = layers[0].kernel
    limit = np.sqrt(6 / (9 * (3 + 32)))
    assert first.shape == (3, 3, 3, 32)
    assert abs(first).max() <= limit
    assert first.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert all(not layer.bias.any() for layer in layers)
    arrays = [value for layer in layers for value in vars(layer).values() if value is not None]
    assert sum(array.size for array in arrays) == sum(count_parameters(100))
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


def test_training_on_an_image_takes_as_many_operations_as_the_method_says():
    assert flops_per_image(classes=10, side=32) == 74_423_808  # as torch.utils.flop_counter has it
    assert flops_per_image(classes=100, side=64) > 3.9 * flops_per_image(classes=100, side=32)
