import pytest

from tfpt_tui.cli.presets import describe_track
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.config.tracks import TRACKS


def test_every_track_can_be_chosen_and_each_framework_has_it():
    assert SETTINGS["track"].choices == tuple(TRACKS)
    assert all(set(framework.tracks) == set(TRACKS) for framework in FRAMEWORKS.values())


@pytest.mark.parametrize("name", TRACKS)
def test_a_track_says_what_it_does_to_both_frameworks(name):
    first, *items = describe_track(name)
    assert first.startswith(f"track {name}")
    assert items


def test_the_track_published_lists_what_it_reproduces_and_what_it_leaves_out():
    text = "\n".join(describe_track("published"))
    for quirk in ("fills the whole cache", "two .item() a step", "XLA is Keras's choice", "workers restarted"):
        assert quirk in text
    assert "leaves out  progress bars" in text
