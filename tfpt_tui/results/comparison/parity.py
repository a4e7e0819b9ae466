"""Do the frameworks compute the same? What ``tfpt-tui parity`` checks, keeps, and says beside a comparison."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import SETTINGS, plain
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.config.tracks import needs_proof
from tfpt_tui.documents import DocumentError, build, finite
from tfpt_tui.errors import TfptError
from tfpt_tui.results.comparison.provenance import DECISIVE
from tfpt_tui.results.table import Column, Table
from tfpt_tui.runs.record.result import RunResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tfpt_tui.runs.tasks.parity_evidence import Evidence

    Array = NDArray[np.float64]

SCHEMA = 1
# Values of settings for which the proof is made.
PROVEN = {key: setting.proven for key, setting in SETTINGS.items() if setting.proven}


@dataclass(frozen=True)
class Check:
    """One measured difference between the frameworks, and the bound that it must not pass."""

    name: str
    what: str
    difference: float
    bound: float

    @property
    def passed(self) -> bool:
        return self.difference <= self.bound  # NaN passes nothing


@dataclass(frozen=True)
class Proof:
    """Of a framework and the reference.

    ``machine`` is its fingerprint; ``versions`` are those of both frameworks; ``device`` is cpu or gpu.
    ``onednn`` says of each framework whether it computed with oneDNN: other kernels round otherwise.
    """

    date: datetime
    machine: str
    device: str
    device_name: str
    versions: Mapping[str, str]
    checks: tuple[Check, ...]
    onednn: Mapping[str, bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def check_evidence(evidence: Evidence, reference: Evidence) -> tuple[Check, ...]:
    """Compare what a framework computed with the reference, in the order in which one follows from another."""
    first, second = evidence.arrays, reference.arrays

    def largest(*names: str) -> float:
        return _worst(_largest(first[name], second[name]) for name in names)

    def names(prefix: str, *fields: str) -> list[str]:
        return [name for name in first if name.startswith(prefix) and name.rpartition("/")[2] in fields]

    weights = ("kernel", "bias", "scale", "shift")
    gradients = _relative_gradients(first, second, names("gradient/", *weights))
    loss = abs(float(first["epoch_loss"]) / float(second["epoch_loss"]) - 1)
    return (
        Check("pixels", "test images, decoded and resized; largest, of 0..1", largest("pixels"), 1 / 255 + 1e-6),
        Check(
            "order",
            "labels of an epoch and the next; share that differs",
            _order(first, second),
            0.0,
        ),
        Check("flips", "training images, flipped; largest, of 0..1", largest("batch_images"), 1 / 255 + 1e-6),
        Check("initial weights", "largest difference", largest(*names("initial/", *weights)), 0.0),
        Check("prediction", "logits of the untrained network; largest", largest("prediction"), 1e-4),
        Check("logits", "of a batch in training; largest", largest("logits"), 1e-4),
        Check("loss", "of that batch", largest("loss"), 1e-5),
        Check("gradients", "of that batch in double precision; largest of a layer, of its norm", gradients, 1e-3),
        Check(
            "weights",
            "after 10 steps of Adam in double precision; largest",
            largest(*names("trained/", *weights)),
            1e-3,
        ),
        Check("batch means", "running means after 11 batches; largest", largest(*names("trained/", "mean")), 1e-3),
        Check(
            "batch variances",
            "running variances, relative; some divide by n, others by n - 1",
            _worst(_relative(first[name], second[name]) for name in names("trained/", "variance")),
            5e-3,
        ),
        Check("epoch", "training loss of 40 steps, relative", loss, 5e-3),
    )


def proof_table(proof: Proof) -> Table:
    columns = (
        Column("check", "check"),
        Column("difference", "difference"),
        Column("bound", "bound"),
        Column("result", "result"),
        Column("what", "what"),
    )
    rows = [
        {
            "check": check.name,
            "difference": f"{check.difference:.1e}" if check.difference else "0",
            "bound": f"{check.bound:.1e}" if check.bound else "0",
            "result": "pass" if check.passed else "FAIL",
            "what": check.what,
        }
        for check in proof.checks
    ]
    return Table(columns, tuple(rows), (describe(proof),))


def describe(proof: Proof) -> str:
    """One line: what was proven, when, where and with what."""
    failed = [check.name for check in proof.checks if not check.passed]
    outcome = f"FAILED ({', '.join(failed)})" if failed else f"verified, {len(proof.checks)} checks"
    versions = ", ".join(f"{name} {version}" for name, version in proof.versions.items())
    if proof.onednn and proof.device == "cpu":
        with_it = [title_of(name) for name, used in proof.onednn.items() if used]
        versions += f", oneDNN in {' and '.join(with_it) or 'neither'}"
    return f"parity: {outcome}, {proof.date:%Y-%m-%d}, on {proof.device_name}, {versions}"


def document(proof: Proof) -> dict[str, Any]:
    """The proof as it is stored and as ``parity --json`` prints it."""
    checks = [{**dataclasses.asdict(check), "passed": check.passed} for check in proof.checks]
    plain = {**dataclasses.asdict(proof), "date": proof.date.isoformat(timespec="seconds"), "checks": checks}
    return {"schema": SCHEMA, "passed": proof.passed, **finite(plain)}


def decisive(*versions: Mapping[str, str]) -> dict[str, str]:
    """The versions that decide what is computed, of one framework or of several."""
    return {name: found[name] for found in versions for name in DECISIVE if name in found}


def store(proof: Proof, directory: Path) -> Path:
    """Keep the latest proof of every machine, device and pair of frameworks in their versions."""
    versions = "-".join(proof.versions[name] for name in DECISIVE if name in proof.versions)
    path = directory / f"{proof.machine}-{proof.device}-{versions}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_toml(path, document(proof))
    return path


def proof_note(results: Sequence[RunResult], directory: Path) -> str | None:
    """What is proven of the completed runs on the track parity; None where there are none.

    Each run needs a proof of its own device and versions; the latest counts. Nothing is proven of 16-bit
    arithmetic or of compiled models.
    """
    runs = [result for result in results if result.completed and needs_proof(result.config.track)]
    if not runs:
        return None
    if any(result.config.value(key) not in values for result in runs for key, values in PROVEN.items()):
        only = "; ".join(f"{key} {' or '.join(map(plain, values))}" for key, values in PROVEN.items())
        return f"parity: not proven for these settings, only for {only}"
    compared = decisive(*(result.versions for result in runs))
    # A run of the reference has a proof with every other framework: of those compared here is the one that counts.
    proofs = sorted(
        _read_all(directory),
        key=lambda proof: (proof.versions.items() <= compared.items(), proof.date),
        reverse=True,
    )
    used = [next((proof for proof in proofs if _covers(proof, result)), None) for result in runs]
    if None in used:
        return (
            "parity: not proven on this machine with these versions and kernel libraries; prove it with:"
            " tfpt-tui parity"
        )
    return "; ".join(dict.fromkeys(describe(proof) for proof in used if proof))


def _covers(proof: Proof, result: RunResult) -> bool:
    """Whether the proof was made on the run's machine and device, with its versions and its kernel library."""
    device = result.kind_of_device or "cpu"
    return (
        (proof.machine, proof.device) == (result.environment.fingerprint.machine, device)
        and decisive(result.versions).items() <= proof.versions.items()
        and (device != "cpu" or result.effective.get("onednn") == proof.onednn.get(result.framework))
    )


def _read_all(directory: Path) -> list[Proof]:
    """Every stored proof; what cannot be read proves nothing."""
    proofs = []
    for path in sorted(directory.glob("*.toml")):
        try:
            document = read_toml(path)
            proofs.append(build(Proof, {**document, "date": datetime.fromisoformat(document["date"])}))
        except (TfptError, DocumentError, KeyError, TypeError, ValueError):
            continue
    return proofs


def _worst(differences: Iterable[float]) -> float:
    """The largest, or NaN as soon as one is: Python's max would pass over it."""
    found = list(differences)
    return next((value for value in found if math.isnan(value)), max(found))


def _largest(first: Array, second: Array) -> float:
    import numpy as np

    if first.shape != second.shape:
        return float("inf")
    return float(np.abs(first.astype(float) - second.astype(float)).max())


def _relative(first: Array, second: Array) -> float:
    import numpy as np

    return float((np.abs(first - second) / np.abs(second)).max())


def _relative_gradients(first: Mapping[str, Array], second: Mapping[str, Array], names: Sequence[str]) -> float:
    """Largest norm of a difference, relative to the layer's own norm.

    A bias before a normalisation has no gradient but rounding: its differences count against a thousandth of the
    norm of all gradients.
    """
    import numpy as np

    norms = {name: float(np.linalg.norm(second[name])) for name in names}
    least = 1e-3 * float(np.linalg.norm(list(norms.values())))
    return _worst(float(np.linalg.norm(first[name] - second[name])) / max(norms[name], least) for name in names)


def _order(first: Mapping[str, Array], second: Mapping[str, Array]) -> float:
    labels, others = first["batch_labels"], second["batch_labels"]
    return float((labels != others).mean()) if labels.shape == others.shape else 1.0
