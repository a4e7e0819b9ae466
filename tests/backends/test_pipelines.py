"""What the networks are given: the batches of both frameworks' input pipelines, on a few real pictures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.prepare import Target, prepare

FRAMEWORKS = ("pytorch", "tensorflow")
IMAGES = 100  # six whole batches of 16 and four images


@pytest.fixture(scope="module")
def probed(pictures, tmp_path_factory):
    """By framework: what tests/backends/pipeline_probe.py saw, and what the framework logged."""
    directory = tmp_path_factory.mktemp("prepared") / "few"
    prepare(read_folder(pictures, limit=10), Target(directory), jobs=2)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "0"}
    found = {}
    for framework in FRAMEWORKS:
        probe = [sys.executable, "-m", "tests.backends.pipeline_probe", framework, str(directory)]
        done = subprocess.run(probe, env=environment, capture_output=True, text=True, timeout=250, check=True)
        found[framework] = json.loads(done.stdout.splitlines()[-1]) | {"log": done.stderr}
    return found


@pytest.fixture(scope="module")
def looks(probed):
    """By framework and pipeline: two epochs of its batches."""
    return {framework: found["looks"] for framework, found in probed.items()}


@pytest.fixture(params=FRAMEWORKS)
def own(request, looks):
    return looks[request.param]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_warm_up_restores_weights_statistics_and_optimiser_and_traces_the_real_feed(probed, framework):
    found = probed[framework]["warm-up"]
    before, after = found["weights"]
    assert before == after
    largest, count = found["moments"]
    assert largest == 0
    assert count > 24  # two moments of every trained array are allocated
    assert found["traces"] == 0
    assert found["trained"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_statistics_are_recomputed_from_the_same_images_however_long_it_trained(probed, framework):
    first, second = probed[framework]["warm-up"]["recalibrated"]
    assert first == second


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_loads_beside_a_batch_that_stays(probed, framework):
    assert probed[framework]["warm-up"]["loaders"] == 0


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_input_of_an_epoch_is_gone_before_that_of_the_next_begins(probed, framework):
    assert probed[framework]["begins"] == [0, 0, 0]


def test_every_decoder_gives_the_same_pixels(probed):
    digests = {**probed["pytorch"]["decoders"], **probed["tensorflow"]["decoders"]}
    assert {"Pillow", "TensorFlow"} <= set(digests)
    assert len(set(digests.values())) == 1


def test_nothing_that_we_do_patches_malloc(probed):
    assert "Memory patch" not in probed["tensorflow"]["log"]


def test_batches_are_float32_from_0_to_1(own):
    for name, look in own.items():
        assert look["dtype"] == "float32", name
        assert 0 <= look["range"][0] < 0.2, name
        assert 0.8 < look["range"][1] <= 1, name


@pytest.mark.parametrize("track", ["default", "parity"])
def test_every_training_batch_is_whole(own, track):
    assert own[track]["sizes"] == [16] * 12
    assert own[track]["images"] == 96


def test_the_article_keeps_its_short_last_batch(own):
    assert own["published"]["sizes"] == [*[16] * 6, 4] * 2
    assert own["published"]["images"] == IMAGES


def test_max_steps_shortens_an_epoch(own):
    assert own["default short"]["sizes"] == [16] * 4


@pytest.mark.parametrize("track", ["default", "parity"])
def test_an_epoch_has_no_image_twice_and_another_order_than_the_one_before(own, track):
    first, second = np.split(np.array(own[track]["pixels"]), 2)
    assert len(set(first)) > 0.95 * len(first)  # a few pictures have the same mean
    assert first.tolist() != second.tolist()


def test_the_same_seed_gives_the_same_batches_and_another_seed_others(own):
    assert own["default"]["digest"] == own["default again"]["digest"]
    assert own["default"]["labels"] != own["default other seed"]["labels"]


@pytest.mark.parametrize("track", ["default", "parity"])
def test_the_cache_changes_no_pixel(own, track):
    assert own[f"{track} cached"]["filled"] == IMAGES
    assert own[f"{track} cached"]["digest"] == own[track]["digest"]


def test_workers_change_no_pixel(own):
    assert own["parity with workers"]["digest"] == own["parity"]["digest"]


def test_flips_change_pixels_and_neither_order_nor_means(own):
    assert own["parity plain"]["digest"] != own["parity"]["digest"]
    assert own["parity plain"]["labels"] == own["parity"]["labels"]
    assert own["parity plain"]["pixels"] == pytest.approx(own["parity"]["pixels"], abs=1e-4)


def test_training_data_has_no_end(looks):
    """Keras begins data that has one anew after the last epoch, and waits up to an epoch to drop it."""
    ending = {name for name, look in looks["tensorflow"].items() if not look["endless"]}
    assert ending == {"documented"}  # as its documentation has it


@pytest.mark.parametrize("pipeline", ["parity", "parity cached", "parity plain"])
def test_on_the_track_parity_both_frameworks_see_the_same(looks, pipeline):
    one, other = (looks[framework][pipeline] for framework in FRAMEWORKS)
    assert one["labels"] == other["labels"]
    assert one["pixels"] == pytest.approx(other["pixels"], abs=1e-4)


def test_on_the_track_published_plotting_fills_the_cache_of_tensorflow_only(looks):
    assert looks["tensorflow"]["published cached"]["filled"] == IMAGES
    assert looks["pytorch"]["published cached"]["filled"] == 16
