"""The rules of the house that mypy, ruff and import-linter cannot check."""

import ast
import re
from pathlib import Path

import pytest

import tfpt_tui
from tfpt_tui.config.tracks import TRACKS

PACKAGE = Path(tfpt_tui.__file__).parent
BACKENDS = PACKAGE / "backends"
# A framework's code, and the plain scripts of it.
OF_FRAMEWORKS = tuple(path.parent for path in BACKENDS.glob("*/backend.toml"))
OUTSIDE = [path for path in PACKAGE.rglob("*.py") if not set(OF_FRAMEWORKS) & set(path.parents)]
FRAMEWORK = re.compile(r"pytorch|tensorflow|torch|keras|\bTF_|\btf\b", re.IGNORECASE)
PRODUCT = (
    "Which is faster on this machine, TensorFlow or PyTorch, with which settings, and do both learn the same?"
)


def docstrings(tree):
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    }


def strings(path):
    """The string literals of a file with their lines, docstrings left out."""
    tree = ast.parse(path.read_text())
    described = docstrings(tree)
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described
    ]


def test_no_string_outside_the_backends_names_a_framework():
    outside = [path for path in OUTSIDE if BACKENDS not in path.parents]
    named = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in outside
        for line, text in strings(path)
        if FRAMEWORK.search(text) and text != PRODUCT
    ]
    assert named == []


def compared(tree):
    """String literals on either side of a comparison, also in a tuple of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                for part in ast.walk(side):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.lineno, part.value


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_track_is_recognised_by_its_name(path):
    """Its behaviour is asked for (config/tracks.py)."""
    assert [found for found in compared(ast.parse(path.read_text())) if found[1] in TRACKS] == []


def test_contributing_names_files_that_exist():
    root = PACKAGE.parent
    named = re.findall(r"`(\w+/\w[\w/.]*)`", (root / "CONTRIBUTING.md").read_text())
    assert len(named) > 20
    assert [name for name in named if not ((PACKAGE / name).exists() or (root / name).exists())] == []
