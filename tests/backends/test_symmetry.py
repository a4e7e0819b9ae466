"""The project's signature: all frameworks in the same files with the same functions in the same order."""

import ast
from pathlib import Path

import pytest

import tfpt_tui
from tfpt_tui.config.frameworks import FRAMEWORKS

BACKENDS = Path(tfpt_tui.__file__).parent / "backends"
FIRST, *OTHERS = FRAMEWORKS
TRACKS = ("published", "documented", "best")  # with modules of their own
FILES = (
    *(
        "data",
        "decode",
        "model",
        "training",
        "runtime",
        "variables",
        "parity_evidence",
        "cifar_reader",
        "probe",
        "profiler",
    ),
    *(f"{track}/{part}" for track in TRACKS for part in ("data", "training")),
)
# What each framework decides by itself, and a script as one would write it by hand: another in each.
OWN = ("internals", "plain", "best/script")


def public_functions(framework, file):
    tree = ast.parse((BACKENDS / framework / f"{file}.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
    return [(node.name, [argument.arg for argument in node.args.args]) for node in functions]


def test_all_frameworks_have_the_same_files():
    for framework in FRAMEWORKS:
        folder = BACKENDS / framework
        files = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.py")}
        assert files == {"__init__", *(f"{track}/__init__" for track in TRACKS), *FILES, *OWN}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("file", FILES)
def test_all_frameworks_have_the_same_functions_in_the_same_order(file, other):
    assert public_functions(FIRST, file) == public_functions(other, file)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("file", ["data", "training"])
def test_a_track_with_modules_of_its_own_offers_what_the_others_offer(framework, track, file):
    def offered(path):
        tree = ast.parse((BACKENDS / framework / path).read_text())
        imported = [name.name for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names]
        return {*imported, *(node.name for node in tree.body if isinstance(node, ast.FunctionDef))}

    needed = {name for name, _ in public_functions(framework, file)} - {
        "make_step",
        "warm_up",
    }  # parts of compile_step
    assert needed <= offered(f"{track}/{file}.py")
