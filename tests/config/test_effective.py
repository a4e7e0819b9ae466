from tfpt_tui.config.effective import BY_NAME, effective_differences
from tfpt_tui.config.tracks import TRACKS

PYTORCH = {
    "device": "cpu",
    "onednn": True,
    "threads": 2,
    "execution": "eager",
    "memory_format": "channels_first",
    "cudnn_autotune": False,
    "decoder": "torchvision",
    "loading_cores": 1,
}
TENSORFLOW = PYTORCH | {
    "onednn": False,
    "execution": "traced graph",
    "memory_format": "channels_last",
    "cudnn_autotune": True,
    "loading_cores": 16,
}


def names(found):
    return [one.setting.name for one in found]


def test_every_difference_that_matters_on_the_device_is_named():
    found = effective_differences(TENSORFLOW, PYTORCH)
    assert names(found) == ["onednn", "execution", "memory_format", "loading_cores"]


def test_on_a_gpu_its_libraries_matter_and_those_of_the_processor_do_not():
    found = effective_differences(TENSORFLOW | {"device": "gpu:0"}, PYTORCH | {"device": "gpu:0"})
    assert names(found) == ["execution", "memory_format", "cudnn_autotune", "loading_cores"]


def test_what_was_asked_for_or_is_not_told_or_not_used_is_passed_over():
    unknown = {name: value for name, value in PYTORCH.items() if name != "onednn"}
    found = effective_differences(TENSORFLOW, unknown, but=["execution"], loading=False)
    assert names(found) == ["memory_format"]


def test_tracks_name_their_differences_from_the_same_list():
    assert {name for track in TRACKS.values() for name in track.unequal} <= set(BY_NAME)
    assert "onednn" not in TRACKS["parity"].unequal
