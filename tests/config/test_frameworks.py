"""Frameworks are known by the files in their folders, and a broken one costs only itself."""

import shutil

import pytest

from tfpt_tui.config.frameworks import BACKENDS, FILE, FRAMEWORKS, PROBLEMS, read_frameworks, title_of
from tfpt_tui.config.tracks import TRACKS


@pytest.fixture
def backends(tmp_path):
    """A copy of their folders."""
    copy = tmp_path / "backends"
    shutil.copytree(BACKENDS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_every_folder_is_a_framework_and_none_has_a_problem():
    assert set(FRAMEWORKS) == {path.parent.name for path in BACKENDS.glob(f"*/{FILE}")}
    assert PROBLEMS == ()


def test_notes_are_only_of_tracks_that_there_are():
    for framework in FRAMEWORKS.values():
        assert set(framework.tracks) <= set(TRACKS)


def test_a_name_that_is_no_framework_here_is_its_own_title():
    assert (title_of("pytorch"), title_of("jax"), title_of("jax", "")) == ("PyTorch", "jax", "")


@pytest.mark.parametrize(
    ("text", "replacement", "said"),
    [
        ('title = "PyTorch"\n', "", "title is missing"),
        ('title = "PyTorch"', 'tittle = "PyTorch"', "unknown field 'tittle'"),
        ('title = "PyTorch"', "title = 7", "title: must be text, not 7"),
        ('title = "PyTorch"', 'title = "TensorFlow"', "is that of pytorch, too"),
        ('name = "pytorch"', 'name = "torch"', "name 'torch' is not the name of its folder, 'pytorch'"),
        ('modules = ["torch", "torchvision"]', 'modules = "torch"', "modules: must be a list, not 'torch'"),
        ('on_white = "#875f00"\n', "", "colours: on_white is missing"),
        ("[colours]", "[[colours]]", "colours: must be a table, not [{"),
        ("[tracks.parity]\n", "[tracks.parity]\nfource = []\n", "tracks.parity: unknown field 'fource'"),
        ("[tracks.parity]\n", "[tracks.party]\n", "tracks: unknown track 'party'"),
        (
            'loader = "processes"',
            'loader = "processes"\nparity_reference = true',
            "pytorch is the reference already",
        ),
        ('title = "PyTorch"', "title = ", "line 4: "),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_field_and_the_others_keep_working(
    backends, text, replacement, said
):
    path = backends / "pytorch" / FILE
    assert path.read_text().count(text) == 1
    path.write_text(path.read_text().replace(text, replacement))
    found, (problem,) = read_frameworks(backends)
    assert len(found) == 1
    assert problem.startswith(f"{backends}/")
    assert FILE in problem
    assert said in problem


@pytest.mark.parametrize(
    ("file", "text", "replacement", "said"),
    [
        ("data.py", "def fill_cache(", "def fill(", "pytorch/data.py: fill_cache is missing"),
        ("parity_evidence.py", "def predict(", "def _predict(", "pytorch/parity_evidence.py: predict is missing"),
        (
            "published/data.py",
            "def augmented_samples(",
            "def samples(",
            "pytorch/published/data.py: augmented_samples",
        ),
        ("documented/training.py", "recalibrate, resident\n", "recalibrate\n", "training.py: resident is missing"),
    ],
)
def test_a_backend_that_lacks_a_function_of_the_contract_is_named_with_it_and_left_out(
    backends, file, text, replacement, said
):
    path = backends / "pytorch" / file
    assert path.read_text().count(text) == 1
    path.write_text(path.read_text().replace(text, replacement))
    found, (problem,) = read_frameworks(backends)
    assert list(found) == ["tensorflow"]
    assert problem.startswith(f"{backends}/pytorch/")
    assert said in problem


def test_a_module_that_is_missing_is_named_by_its_first_function(backends):
    (backends / "pytorch" / "probe.py").unlink()
    _, (problem,) = read_frameworks(backends)
    assert "pytorch/probe.py: look is missing" in problem


def test_a_folder_that_is_added_is_a_framework(backends):
    shutil.copytree(backends / "pytorch", backends / "other")
    path = backends / "other" / FILE
    path.write_text(path.read_text().replace('"pytorch"', '"other"').replace('"PyTorch"', '"Other"'))
    found, problems = read_frameworks(backends)
    assert list(found) == ["other", "pytorch", "tensorflow"]
    assert problems == ()
