import pytest

from tfpt_tui.config.presets import Preset, PresetRow, find_preset, preset_files
from tfpt_tui.config.writing import preset_text, save_preset, suggest_name
from tfpt_tui.errors import MissingError, UsageError


def preset(*rows, title=""):
    return Preset("mine", title, "", "", 0, 0, tuple(rows), None)


def row(published=None, **settings):
    return PresetRow(settings, published or {})


def test_a_product_is_written_as_a_grid_in_the_order_of_its_rows():
    rows = [
        row(framework=framework, epochs=3, batch_size=size)
        for size in (16, 32)
        for framework in ("pytorch", "tensorflow")
    ]
    assert preset_text(preset(*rows, title="T"), "how") == (
        '# how\n\n[preset]\nname = "mine"\ntitle = "T"\n\n[defaults]\nepochs = 3\n\n'
        '[grid]\nbatch_size = [16, 32]\nframework = ["pytorch", "tensorflow"]\n'
    )


def test_printed_numbers_stand_in_their_rows():
    rows = [row({"training_s": 5, "marked_best": True}, framework="pytorch"), row(framework="tensorflow")]
    assert preset_text(preset(*rows), "how").endswith(
        '[[rows]]\nframework = "pytorch"\npublished = { training_s = 5, marked_best = true }\n\n'
        '[[rows]]\nframework = "tensorflow"\n'
    )


def test_a_single_row_says_everything_itself():
    assert preset_text(preset(row(framework="pytorch", cache=True)), "how").endswith(
        '[[rows]]\nframework = "pytorch"\ncache = true\n'
    )


def test_a_saved_preset_is_one_of_the_users_own(paths):
    path = save_preset("mine", '[[rows]]\nframework = "pytorch"\n', paths)
    assert preset_files(paths)["mine"] == path
    assert len(find_preset("mine", paths).rows) == 1
    assert [file.name for file in path.parent.iterdir()] == ["mine.toml"]


def test_a_preset_is_overwritten_only_when_that_was_asked_for(paths):
    path = save_preset("mine", "old", paths)
    with pytest.raises(UsageError, match="there is a preset of that name"):
        save_preset("mine", "new", paths)
    assert path.read_text() == "old"
    save_preset("mine", "new", paths, overwrite=True)
    assert path.read_text() == "new"


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b", "-x", "ü", "[x]", "😀", "a\nb", "x" * 300])
def test_a_name_that_cannot_be_one_is_refused(paths, name):
    with pytest.raises(UsageError, match="not a name for a preset"):
        save_preset(name, "text", paths)
    assert not paths.user_presets.exists()


def test_a_directory_that_is_a_file_is_told(paths):
    paths.user_presets.parent.mkdir(parents=True)
    paths.user_presets.write_text("")
    with pytest.raises(MissingError, match="cannot keep the preset"):
        save_preset("mine", "text", paths)


def test_a_free_name_is_suggested():
    assert suggest_name("quick", ["quick", "quick-2"]) == "quick-3"
    assert suggest_name("[b]x y/ü\x00", []) == "b-x-y-2"
    assert suggest_name("", []) == "preset-2"
