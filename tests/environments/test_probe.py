import errno
import json
import os
import subprocess
import sys

import pytest

from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.interpreters import check_framework
from tfpt_tui.environments.probe import probe
from tfpt_tui.errors import MissingError

FACTS = {"python": "3.11.7", "packages": {"torch": "2.15.0"}, "overwritten": {}}


@pytest.fixture
def interpreter(tmp_path):
    """A program that stands for an interpreter and prints what ours would."""

    def make(*lines, then="exit 0"):
        path = tmp_path / "python"
        told = "\n".join(f"echo '{line}'" for line in lines)
        path.write_text(f"#!/bin/sh\n{told}\n{then}\n")
        path.chmod(0o755)
        return str(path)

    return make


def answer(**facts):
    return f"tfpt-tui probe: {json.dumps(facts)}"


def test_what_a_framework_is_comes_from_its_own_process(interpreter):
    facts = {**FACTS, "version": "2.15.0", "cuda": "13.2", "cudnn": "92600", "gpus": ["H200"], "import_s": 1.5}
    found = probe("pytorch", interpreter("Hello from a library", answer(importing="torch"), answer(**facts)))
    assert (found.problem, found.version, found.cuda, found.cudnn) == ("", "2.15.0", "13.2", "92600")
    assert (found.gpus, found.import_s, found.python) == (("H200",), 1.5, "3.11.7")


def test_modules_that_are_missing_are_named(interpreter):
    found = probe("tensorflow", interpreter(answer(**FACTS, missing=["tensorflow", "keras"])))
    assert (found.problem, found.missing) == ("no module tensorflow, keras", ("tensorflow", "keras"))


def test_a_broken_import_is_told_in_its_own_words(interpreter):
    reason = "RuntimeError: operator torchvision::nms does not exist"
    found = probe("pytorch", interpreter(answer(**FACTS, broken="torchvision", problem=reason)))
    assert (found.broken, found.problem) == ("torchvision", f"torchvision cannot be imported: {reason}")


def test_an_import_that_ends_the_process_is_named_with_its_signal(interpreter):
    found = probe(
        "pytorch", interpreter(answer(importing="numpy"), answer(importing="torch"), then="kill -ABRT $$")
    )
    assert (found.broken, found.problem) == ("torch", "the import of torch ends the process by SIGABRT")


def test_an_import_that_hangs_is_named(interpreter):
    found = probe("tensorflow", interpreter(answer(importing="tensorflow"), then="exec sleep 60"), timeout_s=3)
    assert found.problem == "the import of tensorflow hangs: nothing within 3 s"


def test_an_answer_without_a_version_is_none(interpreter):
    assert "it reports no version" in probe("pytorch", interpreter(answer(**FACTS))).problem


@pytest.mark.parametrize(("number", "of_machine"), [(errno.EMFILE, True), (errno.ENOENT, False)])
def test_a_machine_that_starts_nothing_is_told_from_an_interpreter_that_cannot(monkeypatch, number, of_machine):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tfpt_tui.environments.probe.ask", refuse)
    found = probe("pytorch", "/p")
    assert found.problem.startswith("cannot be started: ")
    assert found.refused == (number if of_machine else None)


def test_half_a_line_is_no_answer(interpreter):
    half = "printf 'tfpt-tui probe: {\"python\": '; kill -KILL $$"
    found = probe("pytorch", interpreter(answer(importing="torch"), then=half))
    assert found.problem == "the import of torch ends the process by SIGKILL"


def test_a_python_that_is_too_old_is_named(interpreter):
    found = probe("pytorch", interpreter(answer(**{**FACTS, "python": "3.9.18"})))
    assert found.problem == "Python 3.9.18 is too old: at least 3.11 is needed"


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (
            "echo 'cannot open shared object file' >&2; exit 127",
            "is not a working Python interpreter: cannot open shared",
        ),
        ("exit 3", "is not a working Python interpreter: it ends with exit code 3"),
        ("exec sleep 60", "does not answer: nothing within 0.5 s"),
    ],
)
def test_what_is_no_python_is_told_apart(interpreter, then, said):
    assert probe("pytorch", interpreter(then=then), silence_s=0.5).problem.startswith(said)


NONSENSE = "is not a working Python interpreter: its answer makes no sense"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tfpt-tui probe: x", "is not a working Python interpreter: it ends with exit code 0"),
        ("tfpt-tui probe: 7", "is not a working Python interpreter: it ends with exit code 0"),
        ("tfpt-tui probe: " + "[" * 100_000, "is not a working Python interpreter: it ends with exit code 0"),
        (answer(python=3), NONSENSE),
        (answer(**{**FACTS, "packages": 7}), NONSENSE),
        (answer(**FACTS, import_s="soon"), NONSENSE),
        (answer(**FACTS, gpus=1), NONSENSE),
    ],
)
def test_an_answer_without_sense_is_a_problem_and_no_crash(interpreter, line, said):
    assert probe("pytorch", interpreter(line)).problem == said


def test_texts_of_an_interpreter_cannot_steer_the_terminal(interpreter):
    found = probe("pytorch", interpreter(answer(**{**FACTS, "version": "\x1b[2J2.8"}, gpus=["\x1b]0;x\x07"])))
    assert (found.version, found.gpus) == (r"\x1b[2J2.8", (r"\x1b]0;x\x07",))
    red = interpreter(then=r"printf '\033[31mred\377\n' >&2; exit 1")
    assert probe("pytorch", red).problem == "is not a working Python interpreter: \\x1b[31mred\ufffd"
    assert len(probe("pytorch", interpreter(answer(**FACTS, broken="torch", problem="x" * 10_000))).problem) < 500


def test_a_signal_without_a_name_is_told_by_its_number(interpreter):
    found = probe("pytorch", interpreter(answer(importing="torch"), then="kill -40 $$"))
    assert found.problem == "the import of torch ends the process by signal 40"


def test_an_import_that_prints_without_end_is_ended(interpreter):
    found = probe("pytorch", interpreter(answer(importing="torch"), then="exec yes"))
    assert found.problem == "the import of torch prints without end"


def test_a_python_that_cannot_even_read_the_probe_is_too_old(tmp_path):
    path = tmp_path / "python"
    path.write_text(
        "#!/bin/sh\n[ $1 = -c ] && echo 'python: 3.9.18' && exit\necho 'Unknown option: -P' >&2; exit 2\n"
    )
    path.chmod(0o755)
    found = probe("pytorch", str(path))
    assert (found.python, found.problem) == ("3.9.18", "Python 3.9.18 is too old: at least 3.11 is needed")


def test_a_program_that_is_not_there_cannot_be_started(tmp_path):
    assert probe("pytorch", str(tmp_path / "none")).problem == "cannot be started: no such file or directory"


@pytest.fixture
def bare(tmp_path):
    """A real interpreter with an empty site-packages of its own, and that directory."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    return tmp_path / "bare/bin/python", next((tmp_path / "bare/lib").glob("python*/site-packages"))


def test_a_bare_interpreter_lacks_everything(bare):
    python, _ = bare
    assert probe("pytorch", str(python)).missing == ("numpy", "PIL", "torch", "torchvision")
    assert probe("tensorflow", str(python)).missing == ("numpy", "PIL", "tensorflow", "keras")


def test_an_import_that_fails_or_aborts_for_real_is_told(bare):
    python, site = bare
    for name in ("numpy", "PIL", "torch"):
        (site / f"{name}.py").write_text("")
    (site / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist\\nmore')\n")
    found = probe("pytorch", str(python))
    assert (
        found.problem == "torchvision cannot be imported: RuntimeError: operator torchvision::nms does not exist"
    )
    (site / "torchvision.py").write_text("import os; os.abort()\n")
    assert probe("pytorch", str(python)).problem == "the import of torchvision ends the process by SIGABRT"


def test_our_own_variables_do_not_reach_the_interpreter(bare, monkeypatch):
    python, _ = bare
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    assert "torch" in probe("pytorch", str(python)).missing


def install(site, name, version, *files):
    """What pip leaves of a package: its files, and a RECORD of them."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def test_packages_for_two_cudas_that_overwrite_each_other_are_found(bare):
    python, site = bare
    for cuda in ("12", "13"):
        install(
            site, f"nvidia-cudnn-cu{cuda}", f"9.{cuda}", "nvidia/cudnn/lib/libcudnn.so.9", "nvidia/__init__.py"
        )
    install(site, "nvidia-nccl-cu13", "2.30", "nvidia/nccl/lib/libnccl.so.2")
    # The newest packages share a folder on purpose, and no file in it.
    install(site, "nvidia-cublas", "13.4", "nvidia/cu13/lib/libcublas.so.13")
    install(site, "nvidia-cufft", "12.2", "nvidia/cu13/lib/libcufft.so.12")
    found = probe("tensorflow", str(python))
    assert found.overwritten == {"nvidia/cudnn": ["nvidia-cudnn-cu12", "nvidia-cudnn-cu13"]}
    assert found.packages["nvidia-nccl-cu13"] == "2.30"


@pytest.mark.parametrize(("number", "shown"), [("92600", "9.26.0"), ("8902", "8.9.2"), ("None", "")])
def test_cudnn_is_shown_as_nvidia_writes_it_where_pytorch_tells_a_number(bare, number, shown):
    python, site = bare
    for name in ("numpy", "PIL", "torchvision"):
        (site / f"{name}.py").write_text("")
    (site / "torch.py").write_text(
        "from types import SimpleNamespace as It\n"
        "__version__, version = '2.8.0', It(cuda='13.0', hip=None)\n"
        f"backends = It(cudnn=It(version=lambda: {number}))\n"
        "cuda = It(device_count=lambda: 0)\n"
    )
    assert probe("pytorch", str(python)).cudnn == shown


@pytest.mark.parametrize(
    ("packages", "shown"),
    [((), "9"), (("cu12", "9.10.2.21"), "9.10.2"), (("cu12", "8.9.0"), "9"), (("cu13", "9.1"), "9")],
)
def test_cudnn_is_shown_as_its_package_says_where_tensorflow_tells_the_first_number_alone(bare, packages, shown):
    python, site = bare
    for name in ("numpy", "PIL", "keras"):
        (site / f"{name}.py").write_text("")
    (site / "tensorflow.py").write_text(
        "from types import SimpleNamespace as It\n"
        "__version__, config = '2.20.0', It(list_physical_devices=lambda kind: [])\n"
        "sysconfig = It(get_build_info=lambda: {'cuda_version': '12.5.1', 'cudnn_version': '9'})\n"
    )
    if packages:
        install(site, f"nvidia-cudnn-{packages[0]}", packages[1])
    assert probe("tensorflow", str(python)).cudnn == shown


def test_a_folder_that_a_removal_left_is_no_package(bare):
    python, site = bare
    for name in ("torch", "torchvision", "numpy", "PIL"):
        (site / name).mkdir()
    assert probe("pytorch", str(python)).missing == ("numpy", "PIL", "torch", "torchvision")


@pytest.mark.parametrize(("there", "said"), [((), "is not installed for"), (("torch",), "lacks what it needs in")])
def test_what_is_missing_for_a_run_is_told_by_what_is_there(bare, there, said):
    python, site = bare
    for name in ("torch", "torchvision", "numpy", "PIL"):
        (site / name).mkdir()
        if name in there:
            (site / name / "__init__.py").touch()
    with pytest.raises(MissingError, match=f"PyTorch {said} {python}"):
        check_framework("pytorch", UserSettings(interpreters={"pytorch": str(python)}))
