import pytest

from tfpt_tui.backends.network import CHANNELS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.errors import MissingError
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.memory import WORKER_BYTES
from tfpt_tui.hardware.sample import GpuSample
from tfpt_tui.runs.plan.byte_counts import LAYER_CHANNELS, cache_bytes, shuffle_bytes, training_bytes
from tfpt_tui.runs.supervision import memory_check
from tfpt_tui.runs.supervision.memory_check import GPU_WORKER_BYTES, check_room, check_room_together

# As many as make the figures easy: 100,000 training and 20,000 test images.
LARGE = Manifest(("a", "b"), {"train": (50_000, 50_000), "test": (10_000, 10_000)}, {}, {}, "")
PIXELS = 3 * 32 * 32


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Change what is free: (shared memory, memory) in bytes."""

    def give(shared=10**12, memory=10**12):
        monkeypatch.setattr(memory_check, "shared_memory_bytes", lambda: shared and (64 << 20, shared))
        monkeypatch.setattr(memory_check, "available_bytes", lambda: memory)

    give()
    return give


def config(framework="pytorch", track="default", **settings):
    return RunConfig.from_mapping({"framework": framework, "track": track, "data": "/d", **settings}, "test")


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
@pytest.mark.parametrize("track", ["default", "parity"])
def test_a_cache_of_bytes_holds_every_training_image_once(framework, track):
    assert cache_bytes(config(framework, track, cache=True), LARGE) == 100_000 * PIXELS
    assert cache_bytes(config(framework, track, cache=True, image_size=64), LARGE) == 4 * 100_000 * PIXELS
    assert cache_bytes(config(framework, track), LARGE) == 0
    assert shuffle_bytes(config(framework, track, cache=True), LARGE) == 0


def test_the_articles_pipelines_keep_floats_and_tensorflows_shuffles_them():
    assert cache_bytes(config("pytorch", "published", cache=True), LARGE) == 100_000 * PIXELS * 4
    assert shuffle_bytes(config("pytorch", "published", cache=True), LARGE) == 0
    assert cache_bytes(config("tensorflow", "published", cache=True), LARGE) == 120_000 * PIXELS * 4
    assert shuffle_bytes(config("tensorflow", "published"), LARGE) == 100_000 * PIXELS * 4
    assert shuffle_bytes(config("tensorflow", "published", cache=True), LARGE) == 100_000 * PIXELS * 4
    assert shuffle_bytes(config("tensorflow", "published", cache=True, augment=False), LARGE) == 0


def test_a_cache_that_memory_has_no_room_for_is_refused_with_all_figures_and_ways_out(machine):
    machine(memory=2_000_000_000)
    check_room(config("tensorflow", image_size=64), LARGE)
    with pytest.raises(MissingError) as caught:
        check_room(config("tensorflow", image_size=64, cache=True), LARGE)
    assert str(caught.value) == (
        "TensorFlow, cache=true: the 100,000 images of /d need 1.2 GB for the cache, and the framework"
        " about 1.1 GB; 2.0 GB of memory are available; set cache=false, a smaller image_size or less data"
    )


def test_the_articles_shuffling_counts_also_without_a_cache(machine):
    machine(memory=2_000_000_000)
    check_room(config("pytorch", "published"), LARGE)
    with pytest.raises(MissingError, match=r"need 1\.2 GB for shuffling.*; take another track, a smaller"):
        check_room(config("tensorflow", "published"), LARGE)


def test_a_run_that_keeps_no_images_is_left_to_the_machine(machine):
    machine(memory=100)
    check_room(config(), LARGE)
    machine(memory=None)
    check_room(config(cache=True), LARGE)


def test_workers_that_shared_memory_has_no_room_for_are_refused(machine):
    machine(shared=10_000_000)
    with pytest.raises(MissingError) as caught:
        check_room(config(num_workers=16), LARGE)
    assert str(caught.value) == (
        "/dev/shm: num_workers=16 and cache=false need 13.0 MB of shared memory, 10.0 of 67.1 MB are free;"
        " give the container more (docker run --shm-size), or set num_workers=0"
    )
    check_room(config(num_workers=4), LARGE)
    check_room(config("tensorflow", num_workers=16), LARGE)


def test_the_articles_cache_is_shared_also_without_workers(machine):
    machine(shared=64_000_000)
    check_room(config(cache=True), LARGE)
    with pytest.raises(MissingError, match=r"cache=true need 1,228\.8 MB .* or set cache=false$"):
        check_room(config(track="published", cache=True), LARGE)


def test_the_cache_counts_where_workers_share_it(machine):
    machine(shared=310_000_000)
    check_room(config(num_workers=2, cache=True), LARGE)
    with pytest.raises(MissingError, match=r"need 1,230\.8 MB of shared.* or set num_workers=0 or cache=false"):
        check_room(config(track="published", num_workers=2, cache=True), LARGE)


def test_a_machine_without_shared_memory_is_not_judged(machine):
    machine(shared=None)
    check_room(config(num_workers=16), LARGE)


def test_arms_of_a_duel_need_room_beside_each_other(machine):
    arms = [config(cache=True), config("tensorflow", cache=True)]
    machine(memory=2 * (WORKER_BYTES + 100_000 * PIXELS))
    check_room_together(arms, [LARGE, LARGE], GpuReading())
    machine(memory=2 * (WORKER_BYTES + 100_000 * PIXELS) - 1)
    with pytest.raises(MissingError, match=r"all 2 arms together need \d.* of memory, \d.* are available"):
        check_room_together(arms, [LARGE, LARGE], GpuReading())


def test_arms_on_one_gpu_need_room_on_it(monkeypatch):
    """The reading stands in for a GPU: none is needed to count."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    small, large = config(batch_size=32), config(batch_size=2048, image_size=64)
    assert training_bytes(small) < 10**8 < 5 * 10**9 < training_bytes(large)

    def of(free):
        sample = GpuSample(memory_used_bytes=10**9, memory_total_bytes=10**9 + free)
        return GpuReading(names=("H200",), gpus=(sample,), facts=({},))

    needed = 2 * (training_bytes(large) + GPU_WORKER_BYTES)
    check_room_together([large, large], [LARGE, LARGE], of(needed))
    check_room_together([config(device="cpu"), large], [LARGE, LARGE], of(needed / 2))
    with pytest.raises(MissingError, match=r"need about \d.* of GPU 0's memory, \d.* are free"):
        check_room_together([large, large], [LARGE, LARGE], of(needed - 1))


def test_a_pack_counts_on_the_gpu_for_every_arm(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    one = config(track="best")
    needed = 2 * (training_bytes(one) + GPU_WORKER_BYTES + 2 * 120_000 * PIXELS)

    def of(free):
        sample = GpuSample(memory_used_bytes=0, memory_total_bytes=free)
        return GpuReading(names=("H200",), gpus=(sample,), facts=({},))

    check_room_together([one, one], [LARGE, LARGE], of(needed))
    with pytest.raises(MissingError, match="GPU 0's memory"):
        check_room_together([one, one], [LARGE, LARGE], of(needed - 1))


def test_the_layers_are_those_of_the_network():
    assert LAYER_CHANNELS == CHANNELS
