import dataclasses

import pytest

from tfpt_tui.backends.network import check_parameters, count_parameters
from tfpt_tui.events import ModelSummary


def test_with_100_classes_the_parameters_are_those_of_the_article():
    assert count_parameters(100) == (270_948, 704)


def test_another_network_is_refused():
    right = ModelSummary((), 271_652, 270_948, 704)
    check_parameters(right, 100)
    with pytest.raises(RuntimeError, match="are wanted"):
        check_parameters(dataclasses.replace(right, trainable=270_949), 100)
    with pytest.raises(RuntimeError, match="are wanted"):
        check_parameters(right, 10)
