import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from tests.recordings import a_result
from tests.results.test_comparison import compare
from tfpt_tui.hardware.machine_snapshot import Fingerprint, MachineSnapshot
from tfpt_tui.results.comparison.parity import (
    Proof,
    check_evidence,
    decisive,
    describe,
    document,
    proof_note,
    proof_table,
    store,
)
from tfpt_tui.results.table import FORMATS, as_text
from tfpt_tui.runs.record.result import Training
from tfpt_tui.runs.tasks.parity_evidence import Evidence

VERSIONS = {"pytorch": {"torch": "2.15.0"}, "tensorflow": {"tensorflow": "2.21.0", "keras": "3.15.1"}}


def arrays():
    layer = {"kernel": (3, 3, 3, 4), "bias": (4,), "scale": (4,), "shift": (4,)}
    random = np.random.default_rng(1)
    made = {
        f"{stage}/0/{name}": random.normal(size=shape)
        for stage in ("initial", "gradient", "trained")
        for name, shape in layer.items()
    }
    made |= {"trained/0/mean": random.normal(size=4), "trained/0/variance": random.uniform(1, 2, 4)}
    made |= {"pixels": random.random((2, 8, 8, 3)), "batch_images": random.random((2, 8, 8, 3))}
    made |= {"batch_labels": np.array([1, 2]), "prediction": random.normal(size=(2, 10))}
    return made | {"logits": random.normal(size=(2, 10)), "loss": np.array(2.0), "epoch_loss": np.array(1.5)}


def evidence(**changes):
    """PyTorch's and the reference's: equal but for ``changes`` of PyTorch's arrays, by name with _ for /."""
    one, other = arrays(), arrays()
    for name, change in changes.items():
        one[name.replace("__", "/")] = one[name.replace("__", "/")] + change
    return (
        Evidence(VERSIONS["pytorch"], "cpu", {}, one),
        Evidence(VERSIONS["tensorflow"], "cpu", {}, other),
    )


def failed(checks):
    return [check.name for check in checks if not check.passed]


def proof(checks=None, **changes):
    facts = {
        "date": datetime(2026, 11, 23, 12),
        "machine": "a1b2",
        "device": "cpu",
        "device_name": "cpu",
        "versions": decisive(*VERSIONS.values()),
        "checks": checks or check_evidence(*evidence()),
    }
    return Proof(**{**facts, **changes})


def result(framework="pytorch", machine="a1b2", device="cpu", track="parity", **versions):
    known = {"python": "3.11.2", **VERSIONS[framework], **versions}
    one = a_result(framework=framework, track=track, effective={"device": device}, versions=known)
    return replace(one, environment=MachineSnapshot(fingerprint=Fingerprint(machine)))


def test_equal_evidence_passes_every_check():
    assert failed(check_evidence(*evidence())) == []


@pytest.mark.parametrize(
    ("change", "caught"),
    [
        ({"pixels": 2 / 255}, "pixels"),
        ({"batch_images": 2 / 255}, "flips"),
        ({"batch_labels": 1}, "order"),
        ({"initial__0__kernel": 1e-9}, "initial weights"),
        ({"prediction": 2e-4}, "prediction"),
        ({"logits": 2e-4}, "logits"),
        ({"loss": 2e-5}, "loss"),
        ({"gradient__0__kernel": 0.01}, "gradients"),
        ({"trained__0__scale": 2e-3}, "weights"),
        ({"trained__0__mean": 2e-3}, "batch means"),
        ({"trained__0__variance": 0.02}, "batch variances"),
        ({"epoch_loss": 0.01}, "epoch"),
    ],
)
def test_each_difference_is_caught_by_its_own_check(change, caught):
    assert failed(check_evidence(*evidence(**change))) == [caught]


def test_a_pixel_rounded_the_other_way_passes():
    assert failed(check_evidence(*evidence(pixels=1 / 255))) == []


def test_what_is_not_a_number_passes_nothing_wherever_it_stands():
    assert failed(check_evidence(*evidence(logits=np.nan))) == ["logits"]
    assert failed(check_evidence(*evidence(trained__0__shift=np.nan))) == ["weights"]
    assert json.loads(json.dumps(document(proof(check_evidence(*evidence(loss=np.nan)))), allow_nan=False))


def test_the_table_shows_difference_bound_and_outcome_and_says_what_failed():
    text = as_text(proof_table(proof(check_evidence(*evidence(loss=1e-3)))))
    (line,) = [line for line in text.splitlines() if line.startswith("loss ")]
    assert line.split()[:4] == ["loss", "1.0e-03", "1.0e-05", "FAIL"]
    assert "parity: FAILED (loss), 2026-11-23, on cpu, torch 2.15.0, tensorflow 2.21.0, keras 3.15.1" in text


def test_every_format_of_a_parity_comparison_carries_the_proof():
    runs = [replace(run, training=Training(images_per_s=100.0)) for run in (result(), result("tensorflow"))]
    table = compare(runs, proof="parity: verified")
    for name, write in FORMATS.items():
        assert "parity: verified" in write(table), name
    assert "parity: verified" not in as_text(table).splitlines()[2]


def test_a_comparison_of_the_track_parity_names_the_proof_that_covers_it(tmp_path):
    store(proof(), tmp_path)
    store(proof(machine="ffff"), tmp_path)
    runs = [result("pytorch"), result("tensorflow")]
    assert proof_note(runs, tmp_path) == describe(proof())
    assert proof_note([result(track="default")], tmp_path) is None


@pytest.mark.parametrize("other", [{"machine": "c3"}, {"device": "gpu:0"}, {"torch": "2.16.0"}])
def test_a_proof_of_another_machine_device_or_version_covers_nothing(tmp_path, other):
    store(proof(), tmp_path)
    assert proof_note([result(**other)], tmp_path).startswith("parity: not proven on this machine")


def test_nothing_is_proven_of_other_arithmetic_or_compiled_models(tmp_path):
    store(proof(), tmp_path)
    for key, value in (("precision", "bfloat16"), ("compile", "on")):
        run = replace(result(), config=result().config.replace(**{key: value}))
        assert proof_note([run], tmp_path).startswith(
            "parity: not proven for these settings, only for precision float32"
        )


def test_runs_that_did_not_complete_need_no_proof(tmp_path):
    store(proof(), tmp_path)
    stopped = replace(result(), status="stopped", environment=MachineSnapshot(), effective={})
    assert proof_note([result(), stopped], tmp_path) == describe(proof())
    assert proof_note([stopped], tmp_path) is None


def test_runs_of_two_devices_have_a_proof_each(tmp_path):
    store(proof(), tmp_path)
    store(proof(device="gpu", device_name="H200"), tmp_path)
    note = proof_note([result(), result(device="gpu:0")], tmp_path)
    assert note == f"{describe(proof())}; {describe(proof(device='gpu', device_name='H200'))}"


def test_a_later_proof_takes_the_place_of_an_earlier_one(tmp_path):
    store(proof(), tmp_path)
    bad = proof(check_evidence(*evidence(loss=1e-3)), date=datetime(2026, 11, 24))
    store(bad, tmp_path)
    assert "FAILED (loss), 2026-11-24" in proof_note([result()], tmp_path)


def test_a_stored_proof_that_cannot_be_read_proves_nothing(tmp_path):
    (tmp_path / "broken.toml").write_text("checks = 3")
    assert proof_note([result()], tmp_path).startswith("parity: not proven")


def test_the_document_says_whether_it_passed():
    assert document(proof())["passed"] is True
    assert document(proof())["checks"][0]["passed"] is True
