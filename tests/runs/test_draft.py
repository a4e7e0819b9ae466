import pytest

from tfpt_tui.config.presets import find_preset, load_preset
from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.config.writing import preset_text
from tfpt_tui.runs.plan.draft import FIELDS, begin, carry_over, command_of, look_at, preset_of


def draft(name, paths, **texts):
    started = begin(find_preset(name, paths)).type("data", "/d")
    for key, text in texts.items():
        started = started.type(key, text)
    return started


def settings(outcome, *keys):
    return [tuple(row.resolved()[key] for key in keys) for row in outcome.rows]


@pytest.fixture
def look(paths):
    return lambda name, **texts: look_at(draft(name, paths, **texts))


def test_what_nobody_changed_is_the_preset(look, paths):
    outcome = look("cpu-plain")
    assert outcome.problem == ""
    assert outcome.runs == 4
    for row, original in zip(outcome.rows, find_preset("cpu-plain", paths).rows, strict=True):
        assert row.resolved() == {**original.resolved(), "data": "/d"}
        assert row.published == original.published


def test_only_rows_that_are_chosen_run(paths):
    started = draft("cpu-plain", paths).choose([3, 1])
    assert settings(look_at(started), "framework", "cache") == [("tensorflow", True), ("tensorflow", False)]
    assert look_at(started.choose([])).problem == "no row is chosen"


def test_a_list_makes_a_sweep_of_every_combination(look):
    outcome = look("demo", batch_size="16, 32,64", cache="true,false")
    assert outcome.runs == 2 * 3 * 2
    assert settings(outcome, "framework", "batch_size", "cache")[:3] == [
        ("pytorch", 16, True),
        ("pytorch", 16, False),
        ("pytorch", 32, True),
    ]


def test_rows_that_become_the_same_are_one(look):
    assert look("batch-sweep", batch_size="64").runs == 2
    assert look("demo", batch_size="16,16,").runs == 2


def test_a_setting_that_is_none_of_a_framework_does_not_multiply_its_rows(look):
    outcome = look("quick", num_workers="0, 2, 4")
    assert settings(outcome, "framework", "num_workers") == [
        ("pytorch", 0),
        ("pytorch", 2),
        ("pytorch", 4),
        ("tensorflow", 0),
    ]
    assert len(look("parity", num_workers="0, 2, 4").rows) == 6


def test_only_what_applies_to_the_chosen_framework_and_track_has_a_field(look):
    assert "num_workers" in look("quick").fields
    assert "num_workers" not in look("quick", framework="tensorflow").fields
    assert "num_workers" in look("quick", framework="tensorflow", track="parity").fields
    hidden = look("quick", framework="tensorflow", num_workers="nonsense")
    assert hidden.problem == ""
    assert hidden.runs == 1
    switches = [key for key, setting in SETTINGS.items() if setting.is_switch]
    assert list(look("parity").fields) == [key for key in FIELDS if key not in switches]
    assert [key for key in look("best").fields if key in switches] == switches
    assert "num_workers" not in look("best").fields


def test_a_field_says_what_holds_where_nothing_is_typed(look):
    fields = look("cpu-plain").fields
    assert fields["framework"].inherited == "pytorch, tensorflow"
    assert fields["num_workers"].inherited == "0, 5"
    assert fields["cache"].inherited == "false, true"
    assert fields["learning_rate"].inherited == "0.001"
    assert fields["cooldown_s"].inherited == "0"
    assert look("cpu-plain", repeats="3").fields["cooldown_s"].inherited == "5"


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("batch_size", "x", "must be a whole number from 1 to 65536, not 'x'"),
        ("batch_size", "16, 0", "must be a whole number from 1 to 65536, not 0"),
        ("batch_size", ",", "must be a whole number from 1 to 65536"),
        ("cache", "maybe", "must be true or false, not 'maybe'"),
        ("device", "gpu:x", "must be auto, cpu, gpu or gpu:N, not 'gpu:x'"),
        ("learning_rate", "nan", "must be a number greater than 0, not nan"),
        ("repeats", "0", "must be a whole number from 1 to 1000, not 0"),
        ("repeats", "1,2", "must be a whole number from 1 to 1000, not '1,2'"),
        ("cooldown_s", "-1", "must be a number from 0 to 3600, not -1.0"),
        ("burn_in", "yes", "must be true or false, not 'yes'"),
    ],
)
def test_a_text_that_is_refused_says_why_beside_its_field(look, key, text, problem):
    outcome = look("demo", **{key: text})
    assert outcome.fields[key].problem == problem
    assert outcome.problem == f"{key} {problem}"


def test_a_number_of_a_million_digits_is_refused_like_any_other(look):
    assert look("demo", epochs="9" * 5000).fields["epochs"].problem.startswith("must be a whole number")


def test_without_a_dataset_nothing_starts(paths):
    outcome = look_at(begin(find_preset("demo", paths)))
    assert outcome.problem == "data is missing: directory of a prepared dataset"


def test_a_path_may_hold_a_comma_and_is_kept_whole(look, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert settings(look("quick", data="a, b"), "data") == [(f"{tmp_path}/a, b",)] * 2
    assert settings(look("quick", data="~/d"), "data") == [("/home/me/d",)] * 2
    assert settings(look("quick", data="~nobody-of-that-name/d"), "data")[0][0].endswith("/~nobody-of-that-name/d")


def test_an_absurd_number_of_runs_is_refused_before_it_is_made(look):
    many = ", ".join(map(str, range(1, 10_001)))
    outcome = look("demo", batch_size=many)
    assert outcome.problem.startswith("20,000 combinations: more than 1,000; shorten a list")
    huge = dict.fromkeys(("batch_size", "epochs", "seed", "max_steps", "timeout_s", "image_size"), many)
    assert look("demo", **{**huge, "image_size": "8"}).problem.startswith(
        "200,000,000,000,000,000,000 combinations"
    )
    many_runs = look("demo", batch_size=", ".join(map(str, range(1, 101))), repeats="1000")
    assert many_runs.problem == "200,000 runs: more than 10,000; repeat them less often"


def test_repeats_pauses_and_a_burn_in_count(look, paths):
    sweep = begin(find_preset("batch-sweep", paths))
    outcome = look("demo", repeats="5", burn_in="true", duel="false")
    assert outcome.runs == 11
    assert outcome.pauses_s == 50.0
    assert command_of(sweep, outcome, "mine") == "tfpt-tui run mine --burn-in"
    outcome = look("demo", cooldown_s="2.5", duel="false")
    assert outcome.pauses_s == 2.5
    assert command_of(sweep, outcome, "mine") == "tfpt-tui run mine --cooldown 2.5"
    assert command_of(sweep, outcome, "my own") == "tfpt-tui run 'my own' --cooldown 2.5"


def test_a_duel_has_its_usual_restarts_and_no_pauses(look, paths):
    sweep = begin(find_preset("batch-sweep", paths))
    outcome = look("demo", duel="true", repeats="3")
    assert (outcome.runs, outcome.repeats, outcome.pauses_s) == (6, 3, 0.0)
    assert look("batch-sweep", duel="true").fields["repeats"].inherited == "3"
    assert command_of(sweep, outcome, "mine") == "tfpt-tui run mine"
    assert look("demo", duel="true", measure="loader").problem.startswith("duel: measure=loader")


def test_a_preset_whose_rows_take_turns_by_themselves_does_so_here_too(look, paths):
    parity = begin(find_preset("parity", paths))
    outcome = look("parity")
    assert (bool(outcome.duel), outcome.repeats) == (True, 3)
    assert outcome.fields["duel"].inherited == "true"
    assert command_of(parity, outcome, "mine") == "tfpt-tui run mine"
    otherwise = look("parity", duel="false")
    assert (otherwise.duel, otherwise.repeats) == (None, 1)
    assert command_of(parity, otherwise, "mine") == "tfpt-tui run mine"
    alone = look("parity", measure="loader")
    assert (alone.duel, alone.problem) == (None, "")


@pytest.mark.parametrize(
    ("name", "texts", "repeats", "duel"),
    [
        ("batch-sweep", {"duel": "true", "repeats": "4"}, 4, "speed"),
        ("parity", {"duel": "false"}, 0, ""),
        ("demo", {}, 1, "accuracy"),
        ("batch-sweep", {"until": "2"}, 0, "speed"),
    ],
)
def test_what_was_typed_of_the_plan_goes_into_the_preset(look, paths, tmp_path, name, texts, repeats, duel):
    typed = draft(name, paths, **texts)
    (tmp_path / "mine.toml").write_text(preset_text(preset_of(typed, look_at(typed), "mine"), "a comment"))
    kept = load_preset(tmp_path / "mine.toml")
    assert (kept.repeats, kept.duel) == (repeats, duel)


def test_a_duel_that_ends_with_its_answer_is_typed_as_the_command_line_has_it(look, paths):
    sweep = begin(find_preset("batch-sweep", paths))
    outcome = look("demo", until="2", budget="1.5")
    assert (outcome.duel.until, outcome.duel.budget_s, outcome.duel.accuracy) == (0.02, 90.0, True)
    assert outcome.fields["duel"].inherited == "true"
    assert command_of(sweep, look("batch-sweep", until="2"), "m") == "tfpt-tui run m --until 2%"
    assert command_of(sweep, look("batch-sweep", budget="1.5"), "m") == "tfpt-tui run m --budget 90s"
    assert look("batch-sweep", until="2", duel="false").problem.startswith("until is of a duel")
    assert look("batch-sweep", until="60").problem.startswith("until must be")
    assert look("cpu-plain", budget="1").problem.startswith("duel: the clock of the track published")


def test_a_preset_may_say_how_often_its_rows_are_run(look, paths):
    demo = begin(find_preset("demo", paths))
    assert look("demo").repeats == 1
    assert command_of(demo, look("demo", repeats="2"), "mine") == "tfpt-tui run mine"


def test_printed_numbers_stay_with_the_rows_that_they_are_of(look):
    assert all(row.published for row in look("cpu-plain", epochs_measured="1", seed="7").rows)
    changed = look("cpu-plain", cache="true")
    assert [bool(row.published) for row in changed.rows] == [False, True, False]


def test_another_preset_keeps_the_dataset_and_the_repeats_alone(paths):
    before = draft("demo", paths, repeats="3", batch_size="7")
    after = carry_over(before, begin(find_preset("quick", paths)).type("epochs", "9"))
    assert dict(after.texts) == {"data": "/d", "repeats": "3", "epochs": "9"}


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("demo", {}),
        ("demo", {"framework": "pytorch"}),
        ("batch-sweep", {}),
        ("batch-sweep", {"epochs": "1, 2", "repeats": "3"}),
        ("cpu-plain", {}),
        ("cpu-plain", {"cache": "true, false"}),
        ("gpu-augmented", {"device": "cpu", "epochs_measured": "1"}),
        ("demo", {"num_workers": "0, 2", "learning_rate": "0.001, 1e-4"}),
        ("quick", {"data": '/tmp/a "b" \\ 😀 [x]\t\x07'}),
        ("workers-sweep", {"cache": "true"}),
    ],
)
def test_the_file_that_is_saved_runs_the_same_rows(paths, tmp_path, name, texts):
    started = draft(name, paths, **texts)
    outcome = look_at(started)
    assert outcome.problem == ""
    file = tmp_path / "mine.toml"
    file.write_text(preset_text(preset_of(started, outcome, "mine"), command_of(started, outcome, "mine")))
    saved = load_preset(file)
    assert saved.name == "mine"
    assert [row.resolved() for row in saved.rows] == [row.resolved() for row in outcome.rows]
    assert [row.published for row in saved.rows] == [row.published for row in outcome.rows]
    if any(row.published for row in outcome.rows):
        assert saved.train_images == started.preset.train_images
