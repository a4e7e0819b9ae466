"""``tfpt-tui parity``: prove on this machine that both backends compute the same thing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, table_text
from tfpt_tui.config.frameworks import FRAMEWORKS, parity_reference
from tfpt_tui.config.tracks import PARITY, TRACKS
from tfpt_tui.errors import TfptError, UsageError, cannot
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.gpu import GpuReading, read_gpu
from tfpt_tui.hardware.machine import describe_machine
from tfpt_tui.hardware.preflight import used_gpu
from tfpt_tui.results.comparison.neutrality import FAULTY, Neutrality, check_neutrality, neutrality_table
from tfpt_tui.results.comparison.neutrality import document as neutrality_document
from tfpt_tui.results.comparison.parity import Proof, check_evidence, decisive, document, proof_table, store
from tfpt_tui.runs.tasks.neutrality_evidence import all_cases
from tfpt_tui.runs.tasks.parity_evidence import Evidence, gather_evidence


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option(
    "--neutrality",
    is_flag=True,
    help="Instead, compare the worker with a plain script of the same work, on every track; about an hour.",
)
@click.option(
    "--track", "tracks", multiple=True, type=click.Choice(tuple(TRACKS)), help="With --neutrality: only these."
)
@pass_invocation
def parity(invocation: Invocation, as_json: bool, neutrality: bool, tracks: tuple[str, ...]) -> int:
    """Prove that the frameworks compute the same on the track parity.

    They get the same images, weights and batches, on the CPU and on the GPU where there is one. Every difference
    is measured against its bound; the exit code is 1 when one is larger. The result is kept, and stands beside
    comparisons of this track.

    With --neutrality: what does measuring cost? A plain script of each framework, which imports nothing of
    tfpt-tui, takes turns with the worker that does the same work. Their times may differ by 3 %, with an interval
    within 10 %, and processor time, page faults, threads and waits for the device must agree; the exit code is 1
    when they do not.

    \b
    Example:
      tfpt-tui parity --json
    """
    if tracks and not neutrality:
        raise UsageError("--track: only with --neutrality; parity itself is of the track parity")
    gpu = read_gpu()
    has_gpu = used_gpu("auto", gpu) is not None
    if neutrality:
        return _check_neutrality(invocation, tracks or tuple(TRACKS), "gpu" if has_gpu else "cpu", as_json)
    proofs: list[Proof] = []
    problem: TfptError | None = None
    for device in ["cpu", "gpu"] if has_gpu else ["cpu"]:
        try:
            proofs += prove(device, gpu, invocation)
        except TfptError as error:
            problem = error  # what was proven before is shown first
    if as_json:
        show(json.dumps({"schema": 1, "proofs": [document(proof) for proof in proofs]}, indent=2) + "\n")
    else:
        show("\n".join(table_text(proof_table(proof)) for proof in proofs))
        if not has_gpu:
            say(f"only the CPU was checked ({gpu.problem or 'CUDA_VISIBLE_DEVICES hides the GPUs'})")
    if problem:
        raise problem
    return 0 if all(proof.passed for proof in proofs) else 1


def _check_neutrality(invocation: Invocation, tracks: Sequence[str], device: str, as_json: bool) -> int:
    cases = all_cases(tracks, device)
    found: list[Neutrality] = []
    try:
        for one in check_neutrality(cases, invocation.settings, say):
            found.append(one)
            say(f"{len(found)} of {len(cases)}: {one.case}: {one.outcome}")
    finally:  # what was found is shown, also when it is interrupted
        if as_json:
            show(json.dumps(neutrality_document(found), indent=2) + "\n")
        elif found:
            show(table_text(neutrality_table(found)))
    return 1 if any(one.outcome == FAULTY for one in found) else 0


def prove(device: str, gpu: GpuReading, invocation: Invocation) -> list[Proof]:
    """Make and keep a proof for every framework that has the track, against the reference.

    Raises:
        TfptError: a framework cannot take part, or the proof cannot be kept.
    """
    reference = parity_reference().name
    others = [name for name, one in FRAMEWORKS.items() if PARITY.name in one.tracks and name != reference]
    try:
        with tempfile.TemporaryDirectory(prefix="tfpt-tui-parity-") as directory:
            evidence = gather_evidence([reference, *others], device, invocation.settings, Path(directory), say)
    except OSError as error:
        raise cannot("keep the evidence", error.filename or "the temporary directory", error) from None
    machine = fingerprint(describe_machine(gpu), on_gpu=device != "cpu").machine
    proofs = [_compare({name: evidence[name] for name in (other, reference)}, device, machine) for other in others]
    try:
        for proof in proofs:
            store(proof, invocation.paths.proofs)
    except OSError as error:
        raise cannot("keep the proof", invocation.paths.proofs, error) from None
    return proofs


def _compare(evidence: Mapping[str, Evidence], device: str, machine: str) -> Proof:
    """``evidence`` is that of a framework and of the reference, by name."""
    own, reference = evidence.values()
    return Proof(
        date=datetime.now().replace(microsecond=0),
        machine=machine,
        device=device,
        device_name=own.device,
        versions=decisive(own.versions, reference.versions),
        checks=check_evidence(own, reference),
        onednn={
            framework: bool(part.effective["onednn"])
            for framework, part in evidence.items()
            if "onednn" in part.effective
        },
    )
