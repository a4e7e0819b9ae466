"""``tfpt-tui compare --fail-if`` on recorded runs: exit codes, and what is said."""

import pytest

from tests.recordings import record_run
from tfpt_tui.config.paths import find_paths


@pytest.fixture
def recorded(tmp_path):
    """Three pairs of runs: TensorFlow takes a quarter more time."""
    paths = find_paths(str(tmp_path / "runs"))
    for seed in range(3):
        for framework, rate in (("pytorch", 100.0 + seed), ("tensorflow", 80.0 + seed)):
            record_run(paths, f"20261128-10000{seed}-100{seed}", framework, rate=rate, seed=25 + seed)


def test_what_is_proven_fails_with_4_and_its_opposite_passes(cli, recorded):
    code, out, err = cli("compare", "status=completed", "--fail-if", "tensorflow slower than 10%")
    assert code == 4
    assert "TensorFlow" in out
    assert "tensorflow slower than 10%: is proven: TensorFlow took 1.2" in err
    code, _, err = cli("compare", "status=completed", "--fail-if", "pytorch slower than 10%")
    assert code == 0
    assert "is disproven: PyTorch took 0.8" in err


@pytest.mark.parametrize(("unknown", "exit_code", "word"), [("pass", 0, "passed"), ("fail", 4, "failed")])
def test_what_nobody_can_tell_passes_or_fails_as_asked_and_says_so(cli, recorded, unknown, exit_code, word):
    gate = ("--fail-if", "tensorflow slower than 24%", "--unknown", unknown)
    code, _, err = cli("compare", "status=completed", *gate)
    assert code == exit_code
    assert f"can be neither proven nor disproven: {word}, as --unknown {unknown} says" in err


def test_what_to_do_where_nobody_can_tell_is_refused_without_a_condition(cli, recorded):
    code, _, err = cli("compare", "--unknown", "fail")
    assert code == 2
    assert "--unknown: says what --fail-if does; name a condition with it" in err


def test_a_condition_that_is_none_is_refused_before_anything_is_read(cli):
    code, out, err = cli("compare", "--fail-if", "tensorflow is slow")
    assert (code, out) == (2, "")
    assert "must be NAME slower than P%" in err
