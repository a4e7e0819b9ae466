"""The project's signature: both frameworks in the same files with the same functions in the same order."""

import ast
from pathlib import Path

import pytest

import tfpt_tui

BACKENDS = Path(tfpt_tui.__file__).parent / "backends"
FILES = ("data", "model", "training", "runtime")


def public_functions(framework, file):
    tree = ast.parse((BACKENDS / framework / f"{file}.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
    return [(node.name, [argument.arg for argument in node.args.args]) for node in functions]


def test_both_frameworks_have_the_same_files():
    for framework in ("pytorch", "tensorflow"):
        files = {path.stem for path in (BACKENDS / framework).glob("*.py")}
        assert files == {"__init__", *FILES}


@pytest.mark.parametrize("file", FILES)
def test_both_frameworks_have_the_same_functions_in_the_same_order(file):
    assert public_functions("pytorch", file) == public_functions("tensorflow", file)
