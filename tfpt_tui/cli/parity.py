"""``tfpt-tui parity``: prove on this machine that both backends compute the same thing."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from pathlib import Path

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, table_text
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.gpu import GpuReading, read_gpu
from tfpt_tui.hardware.machine import describe_machine
from tfpt_tui.results.parity import Proof, check_evidence, decisive, document, proof_table, store
from tfpt_tui.runs.proof import gather_evidence


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@pass_invocation
def parity(invocation: Invocation, as_json: bool) -> int:
    """Prove that both frameworks compute the same on the track parity.

    Both get the same images, weights and batches, on the CPU and on the GPU where there is one. Every difference
    is measured against its bound; the exit code is 1 when one is larger. The result is kept, and stands beside
    comparisons of this track.
    """
    gpu = read_gpu()
    proofs: list[Proof] = []
    problem: TfptError | None = None
    for device in ["cpu", "gpu"] if gpu.names else ["cpu"]:
        try:
            proofs.append(_prove(device, gpu, invocation))
        except TfptError as error:
            problem = error  # what was proven before is shown first
    if as_json:
        show(json.dumps({"schema": 1, "proofs": [document(proof) for proof in proofs]}, indent=2) + "\n")
    else:
        show("\n".join(table_text(proof_table(proof)) for proof in proofs))
        if not gpu.names:
            say(f"only the CPU was proven ({gpu.problem})")
    if problem:
        raise problem
    return 0 if all(proof.passed for proof in proofs) else 1


def _prove(device: str, gpu: GpuReading, invocation: Invocation) -> Proof:
    try:
        with tempfile.TemporaryDirectory(prefix="tfpt-tui-parity-") as directory:
            evidence = gather_evidence(device, invocation.settings, Path(directory), say)
    except OSError as error:
        raise cannot("keep the evidence", error.filename or "the temporary directory", error) from None
    parts = list(evidence.values())
    proof = Proof(
        date=datetime.now().replace(microsecond=0),
        machine=fingerprint(describe_machine(gpu))["machine"],
        device=device,
        device_name=parts[0].device,
        versions=decisive(*(part.versions for part in parts)),
        checks=check_evidence(evidence),
    )
    try:
        store(proof, invocation.paths.proofs)
    except OSError as error:
        raise cannot("keep the proof", invocation.paths.proofs, error) from None
    return proof
