"""What stands behind an arrow is pasted into a shell: it is a line for it, or plainly words."""

import ast
from pathlib import Path

import pytest

from tfpt_tui.environments import doctor

MODULES = sorted(Path(doctor.__path__[0]).glob("*.py"))


def texts(node):
    return [
        part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def remedies(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Finding", "_Rule"):
            yield from (text for argument in node.args[3:4] for text in texts(argument))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("remedy", "fixed"):
            yield from texts(node.value)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_remedy_has_words_in_brackets(module):
    assert [text for text in remedies(ast.parse(module.read_text())) if "(" in text] == []


def test_remedies_are_found_where_they_stand():
    assert sum(1 for module in MODULES for _ in remedies(ast.parse(module.read_text()))) > 40
