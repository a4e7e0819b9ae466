"""What planned runs take; the command line's words for it are tested in tests/cli/test_forecast.py."""

import pytest

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import MissingError
from tfpt_tui.results.requests.duration import SUPERVISED_S, Pace, expect_s, paces_here
from tfpt_tui.results.store.index import read_summaries


def config(data, **settings):
    return RunConfig.from_mapping({"framework": "pytorch", "data": str(data), **settings}, "test")


def test_a_run_is_expected_from_the_images_of_its_dataset(dataset):
    pace = Pace(config(dataset).to_mapping(), 3.0, 16.0, 32.0)
    # 32 images in training and 32 in the test
    assert expect_s([config(dataset, epochs=2), config(dataset, track="parity")], [pace]) == [
        SUPERVISED_S + 3.0 + 4.0 + 1.0,
        None,
    ]


def test_a_dataset_that_is_not_there_is_told(tmp_path):
    for missing in (tmp_path / "none", tmp_path / ("x" * 300)):
        with pytest.raises(MissingError, match=r"no such dataset|cannot read the dataset"):
            expect_s([config(missing)], [])


def test_a_machine_without_recordings_has_no_paces(paths):
    assert paces_here(read_summaries(paths)) == []
