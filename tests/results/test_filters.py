import pytest

from tests.recordings import a_result, an_unreadable_result
from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.filters import is_condition, named, parse_condition, select
from tfpt_tui.runs.record.notes import Notes
from tfpt_tui.runs.record.result import Evaluation, Training

RUNS = [
    a_result("a", preset="demo", batch_size=16),
    a_result("b", preset="demo", batch_size=32, cache=True, notes=Notes("old driver", ("baseline", "v1"))),
    a_result("c", "tensorflow", preset="demo", batch_size=64, track="parity"),
    a_result("d", status="failed", preset="quick", batch_size=64),
    an_unreadable_result("e"),
]


@pytest.mark.parametrize(
    ("conditions", "chosen"),
    [
        (["batch_size=32"], "b"),
        (["batch_size>16"], "bcd"),
        (["batch_size>=32", "batch_size<64"], "b"),
        (["batch_size <= 16"], "a"),
        (["framework=tensorflow"], "c"),
        (["framework!=tensorflow"], "abd"),
        (["track=parity"], "c"),
        (["cache=true"], "b"),
        (["status=completed"], "abc"),
        (["status!=completed"], "de"),
        (["preset=quick"], "d"),
        (["environment=default", "status=completed"], "abc"),
        (["learning_rate=1e-3", "batch_size=64", "status=failed"], "d"),
        (["tag=baseline"], "b"),
        (["tag=baseline", "tag=v1"], "b"),
        (["tag!=v1"], "acde"),
        ([], "abcde"),
    ],
)
def test_runs_are_chosen_by_what_they_are(conditions, chosen):
    found = select(RUNS, [parse_condition(text) for text in conditions])
    assert "".join(one.run for one in found) == chosen


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batchsize=32", "unknown key 'batchsize'; did you mean 'batch_size'?"),
        ("batch_size=many", "batch_size must be a whole number from 1 to 65536, not 'many'"),
        ("batch_size=0", "batch_size must be"),
        ("framework=jax", "framework must be one of pytorch, tensorflow"),
        ("framework>pytorch", "framework is not a number: only = and != compare it"),
        ("cache<true", "cache is not a number"),
        ("tag>v1", "tag is not a number"),
        ("=32", "not a condition such as"),
        ("batch_size=>32", "batch_size must be"),
    ],
)
def test_a_condition_that_is_none_says_why(text, said):
    with pytest.raises(UsageError, match=said):
        parse_condition(text)


def test_words_are_looked_for_in_notes_and_tags():
    assert [run.run for run in RUNS if named(run, ["driver", "basel"])] == ["b"]


def test_an_id_is_no_condition():
    assert not is_condition("20260101-000000-pytorch-0001")
    assert is_condition("epochs=3")


def test_runs_are_chosen_by_their_figures_too():
    fast = a_result("a", training=Training(images_per_s=600.0), test=Evaluation(accuracy=0.4))
    slow = a_result("b", training=Training(images_per_s=90.0))
    chosen = [parse_condition("images_per_s>500"), parse_condition("test_accuracy>=0.4")]
    assert [result.run for result in select([fast, slow], chosen)] == ["a"]
    with pytest.raises(UsageError, match="images_per_s>fast: images_per_s must be a number, not 'fast'"):
        parse_condition("images_per_s>fast")
    with pytest.raises(UsageError, match="unknown key 'test_acuracy'; did you mean 'test_accuracy'"):
        parse_condition("test_acuracy>0.4")
