from dataclasses import replace

import pytest

from tests.results.test_comparison import result
from tfpt_tui.results.comparison.bottleneck import bottlenecks, overlap
from tfpt_tui.results.comparison.groups import group


def timed(run, measure, epoch_s, images=1000, framework="pytorch", **settings):
    one = result(run, framework, rate=images / epoch_s, measure=measure, **settings)
    return replace(one, training=replace(one.training, epoch_s_median=epoch_s, epochs=2, images=2 * images))


def test_the_longer_part_binds_and_the_hidden_share_of_the_shorter_is_told():
    runs = [timed("a", "end_to_end", 7.1), timed("b", "loader", 2.1), timed("c", "model", 5.2)]
    assert bottlenecks(group(runs)) == [
        "PyTorch: an epoch takes 7.1 s: loading alone 2.1 s, the model alone 5.2 s:"
        " bound by compute; 10 % of the loading is hidden behind it"
    ]


def test_each_framework_has_a_sentence_when_all_three_were_measured():
    runs = [
        *(timed(f"t{name}", name, s, framework="tensorflow") for name, s in (("end_to_end", 6), ("loader", 6))),
        timed("tm", "model", 2.0, framework="tensorflow"),
        timed("a", "end_to_end", 7.1),
        timed("b", "loader", 2.1),
    ]
    (sentence,) = bottlenecks(group(runs))
    assert sentence.startswith("TensorFlow: ")
    assert sentence.endswith("bound by input; 100 % of the model's work is hidden behind the loading")


def test_parts_with_other_settings_are_not_put_together():
    runs = [timed("a", "end_to_end", 7.1), timed("b", "loader", 2.1), timed("c", "model", 5.2, batch_size=64)]
    assert bottlenecks(group(runs)) == []


def test_parts_that_saw_fewer_images_are_scaled_to_the_whole_epoch():
    runs = [
        timed("a", "end_to_end", 7.1),
        timed("b", "loader", 2.1),
        timed("c", "model", 0.52, images=100),
    ]
    (sentence,) = bottlenecks(group(runs))
    assert "the model alone 5.2 s" in sentence


@pytest.mark.parametrize(
    ("whole", "loading", "model", "share"),
    [(8, 3, 5, 0), (5, 3, 5, 1), (6.5, 3, 5, 0.5), (9, 3, 5, 0), (4, 3, 5, 1)],
)
def test_overlap_is_a_share_whatever_the_noise(whole, loading, model, share):
    assert overlap(whole, loading, model) == share
