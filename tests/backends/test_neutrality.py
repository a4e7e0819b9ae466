"""The worker beside a plain script of the same work, and faults planted in copies of the backends.

What does not depend on the load of the machine is asserted here; times are in ``python -m tests.bench
neutrality``.
"""

import shutil
import sys

import pytest

from tfpt_tui.environments.interpreters import PACKAGE
from tfpt_tui.results.comparison.neutrality import FAULTY, judge
from tfpt_tui.runs.tasks.neutrality_evidence import Case, count_waits, make_images, take_turns


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return make_images(tmp_path_factory.mktemp("neutrality") / "images", "model")


@pytest.fixture
def faulty_package(tmp_path):
    """A copy of the package with texts of a backend's files replaced."""

    def plant(*faults):
        package = tmp_path / "tfpt_tui"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        for file, text, fault in faults:
            source = (package / "backends" / file).read_text()
            assert source.count(text) == 1
            (package / "backends" / file).write_text(source.replace(text, fault))
        return package

    return plant


def outcomes(case, turns, waits=None):
    return {check.name: check for check in judge(case, [turns], waits).checks}


def least_page_faults(turns):
    """An image's, in the turn with the fewest: in the first ones memory still grows."""
    return min(turn.counters.minor_faults / turn.images for turn in turns)


def test_the_worker_makes_the_kernel_no_busier_than_a_plain_script(images, tmp_path):
    case = Case("tensorflow", "default", "model")
    turns = take_turns(case, sys.executable, images, tmp_path / "turns", pairs=3, threads=2)
    # What is wrong costs hundreds an image; memory that grows late, a few.
    assert least_page_faults(turns.worker) <= 1.5 * least_page_faults(turns.plain) + 5
    assert turns.worker_threads == turns.plain_threads


def test_a_generator_in_the_warm_up_and_a_thread_fewer_are_found_each_by_its_name(
    faulty_package, images, tmp_path
):
    generator = (
        "tensorflow/training.py",
        "    step.model.fit(_batches_of_zeros(data, STEPS), verbose=0)\n",
        "    batch = next(iter(_batches_of_zeros(data, STEPS)))\n"
        "    spec = tf.nest.map_structure(tf.TensorSpec.from_tensor, batch)\n"
        "    step.model.fit(tf.data.Dataset.from_generator(lambda: [batch], output_signature=spec), verbose=0)\n",
    )
    thread = (
        "tensorflow/runtime.py",
        "set_intra_op_parallelism_threads(threads)",
        "set_intra_op_parallelism_threads(threads - 1)",
    )
    case, package = Case("tensorflow", "default", "model"), faulty_package(generator, thread)
    turns = take_turns(case, sys.executable, images, tmp_path / "turns", package=package, pairs=1, threads=2)
    found = outcomes(case, turns)
    assert found["page faults"].outcome == FAULTY
    assert found["page faults"].worker > 2 * found["page faults"].plain
    assert found["page faults"].describe().startswith("page faults: ")
    assert found["threads"].outcome == FAULTY
    assert found["threads"].describe() == "threads: 1 threads, 2 in the plain script"


@pytest.mark.parametrize(
    ("framework", "text", "fault"),
    [
        (
            "pytorch",
            "            loss_sum += loss * len(labels)\n",
            "            loss_sum += loss.item() * len(labels)\n",
        ),
        (
            "tensorflow",
            "        if batch == 0:\n",
            "        synchronize('cpu')\n        if batch == 0:\n",
        ),
    ],
    ids=["pytorch", "tensorflow"],
)
def test_one_more_wait_a_step_is_found_by_counting(framework, text, fault, faulty_package, images, tmp_path):
    case = Case(framework, "parity", "model")
    package = faulty_package((f"{framework}/training.py", text, fault))
    plain, worker = count_waits(case, sys.executable, images, tmp_path / "waits", package=package, threads=1)
    assert worker == pytest.approx(plain + 1, abs=0.3)
