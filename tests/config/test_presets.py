import tomllib
from pathlib import Path

import pytest

from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.presets import find_preset, load_preset, preset_files, select_rows
from tfpt_tui.errors import MissingError, UsageError

# What the article printed, typed a second time: the presets are compared with it.
TABLES = Path(__file__).with_name("published_tables.toml")


def write(path, text):
    path.write_text(text)
    return path


def test_every_shipped_preset_is_valid_and_named_after_its_file():
    paths = find_paths()
    names = list(preset_files(paths))
    assert "demo" in names
    for name in names:
        preset = find_preset(name, paths)
        assert preset.name == name
        assert preset.title
        assert all(row.resolved()["framework"] for row in preset.rows)


def test_two_tracks_for_all_rows_are_refused(tmp_path):
    text = '[preset]\ntrack = "parity"\n[defaults]\ntrack = "best"\n[[rows]]\nframework = "pytorch"\n'
    with pytest.raises(UsageError, match=r"\[defaults\]: track is not that of \[preset\]"):
        load_preset(write(tmp_path / "mine.toml", text))


def test_rows_inherit_the_defaults_and_keep_what_was_published(tmp_path):
    preset = load_preset(
        write(
            tmp_path / "mine.toml",
            """
            [preset]
            title = "Mine"
            [defaults]
            epochs = 3
            batch_size = 16
            [[rows]]
            framework = "pytorch"
            [[rows]]
            framework = "tensorflow"
            batch_size = 64
            [rows.published]
            training_s = 94
            """,
        )
    )
    assert preset.name == "mine"
    assert [row.resolved()["batch_size"] for row in preset.rows] == [16, 64]
    assert [row.resolved()["epochs"] for row in preset.rows] == [3, 3]
    assert preset.rows[0].resolved()["data"] is None
    assert dict(preset.rows[1].published) == {"training_s": 94}


@pytest.mark.parametrize(
    ("cores", "counts"),
    [
        (1, [0, 1]),
        (2, [0, 1, 2]),
        (6, [0, 1, 2, 4, 6]),
        (16, [0, 1, 2, 4, 8, 16]),
        (192, [0, 1, 2, 4, 8, 16, 32, 64, 128]),
    ],
)
def test_a_grid_may_go_up_to_the_cores_of_this_machine(tmp_path, monkeypatch, cores, counts):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(cores)))
    text = '[defaults]\nframework = "pytorch"\n[grid]\nnum_workers = "0..cores"\n'
    preset = load_preset(write(tmp_path / "grid.toml", text))
    assert [row.settings["num_workers"] for row in preset.rows] == counts


def test_the_published_presets_are_the_printed_tables():
    tables = {table["name"]: table for table in tomllib.loads(TABLES.read_text())["tables"]}
    for name, table in tables.items():
        preset = find_preset(name, find_paths())
        assert preset.hardware == table["hardware"]
        rows = [row.resolved() for row in preset.rows]
        assert len(rows) == len(table["rows"])
        for row, mine, printed in zip(preset.rows, rows, table["rows"], strict=True):
            assert (mine["track"], mine["augment"], mine["epochs"], mine["seed"]) == (
                "published",
                table["augment"],
                20,
                25,
            )
            assert mine["device"] == (table["device"] if table["device"] in ("cpu", "gpu") else "auto")
            figures = ("training_s", "evaluation_s", "marked_best")
            assert dict(row.published) == {key: printed[key] for key in figures if key in printed}
            settings = {key: value for key, value in printed.items() if key not in figures}
            assert {key: mine[key] for key in settings} == settings


def test_the_published_presets_have_as_many_rows_as_the_article():
    counts = {name: len(find_preset(name, find_paths()).rows) for name in preset_files(find_paths())}
    assert counts == counts | {"cpu-plain": 4, "cpu-augmented": 13, "gpu-augmented": 14, "deepfashion": 2}


def test_a_grid_is_the_product_of_its_lists(tmp_path):
    preset = load_preset(
        write(
            tmp_path / "grid.toml",
            '[grid]\nbatch_size = [16, 32]\nframework = ["pytorch", "tensorflow"]\n',
        )
    )
    assert [(row.settings["batch_size"], row.settings["framework"]) for row in preset.rows] == [
        (16, "pytorch"),
        (16, "tensorflow"),
        (32, "pytorch"),
        (32, "tensorflow"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[preset\n", "line 1: "),
        (
            '[[rows]]\nframework = "pytorch"\nepoch = 3\n',
            "row 1: unknown key 'epoch'; did you mean 'epochs'?",
        ),
        ('[[row]]\nframework = "pytorch"\n', "unknown table 'row'; did you mean 'rows'?"),
        ("[defaults]\nepochs = 0\n", "[defaults]: epochs must be a whole number from 1 to 10000, not 0"),
        ("[defaults]\nepochs = 1\n", "there is nothing to run"),
        ("[grid]\nepochs = 3\n", "[grid]: epochs must be a list of values"),
        ("[grid]\nepochs = []\n", "[grid]: epochs must be a list of values"),
        ("rows = 3\n", "rows must be an array of tables"),
        ("preset = 3\n", "preset must be a table"),
        ('[preset]\ntitle = 3\n[[rows]]\nframework = "pytorch"', "[preset]: title must be text"),
        ('[preset]\nduel = "fast"\n', "[preset]: duel must be one of speed, accuracy, not 'fast'"),
        ("[preset]\nrepeats = 0\n", "[preset]: repeats must be a whole number from 1 to 1000, not 0"),
        ('[[rows]]\nframework = "pytorch"\npublished = {speed = 3}\n', "unknown key 'speed'"),
    ],
)
def test_a_broken_preset_is_refused_with_file_place_and_reason(tmp_path, text, said):
    path = write(tmp_path / "broken.toml", text)
    with pytest.raises(UsageError) as caught:
        load_preset(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b'title = "caf\xe9"\n')
    with pytest.raises(UsageError, match="byte 12 is not UTF-8"):
        load_preset(path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"caf\\xe9\.toml'?: its name is not UTF-8; rename it"):
        load_preset(write(tmp_path / "caf\udce9.toml", '[[rows]]\nframework = "pytorch"\n'))


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingError, match=r"none\.toml: no such file"):
        find_preset(str(tmp_path / "none.toml"), find_paths())


def test_an_unknown_preset_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match=r"no preset named 'dmeo'; did you mean 'demo'\?"):
        find_preset("dmeo", find_paths())


def test_the_users_own_presets_hide_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "tfpt-tui" / "presets"
    own.mkdir(parents=True)
    write(own / "demo.toml", '[preset]\ntitle = "My demo"\n[[rows]]\nframework = "pytorch"\n')
    assert find_preset("demo", find_paths()).title == "My demo"
    (own / ".#demo.toml").symlink_to("nowhere")  # as Emacs has it while it edits
    assert ".#demo" not in preset_files(find_paths())


@pytest.mark.parametrize(
    ("text", "rows"), [("1", [0]), ("1,3-5", [0, 2, 3, 4]), ("5,1", [4, 0]), ("2,2,1-2", [1, 0])]
)
def test_rows_are_selected_in_the_order_given_and_once(text, rows):
    assert select_rows(5, text) == rows


@pytest.mark.parametrize("text", ["0", "6", "4-6", "3-1", "a", "1-", "", "-2", "1;2"])
def test_rows_that_do_not_exist_are_refused(text):
    with pytest.raises(UsageError, match="--rows"):
        select_rows(5, text)


def test_a_grid_beyond_all_patience_is_refused_before_it_is_made(tmp_path):
    many = list(range(1, 1001))
    text = f'[grid]\nframework = ["pytorch"]\nbatch_size = {many}\nepochs = {many}\nseed = {many}\n'
    with pytest.raises(UsageError, match=r"\[grid\]: 1,000,000,000 combinations: more than 1,000"):
        load_preset(write(tmp_path / "huge.toml", text))
