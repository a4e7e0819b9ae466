"""Runs of several machines: apart, or beside each other where that is wanted, and what they give for a price."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.results.test_comparison import repeats, rows
from tfpt_tui.errors import UsageError
from tfpt_tui.hardware.machine_snapshot import Fingerprint, MachineSnapshot
from tfpt_tui.results.comparison.compare import compare
from tfpt_tui.results.comparison.filters import parse_condition
from tfpt_tui.results.comparison.groups import MACHINE
from tfpt_tui.results.comparison.worth import Worth, worth_of


def on(machine, results, data="/d", digest="sha256:1"):
    snapshot = MachineSnapshot(
        machine={"host": machine}, data={"digest": digest}, fingerprint=Fingerprint(machine=machine)
    )
    return [
        replace(one, machine=machine, environment=snapshot, config=one.config.replace(data=data))
        for one in results
    ]


SLOW, FAST = (100.0, 101.0, 99.0), (200.0, 199.0, 202.0)


def two_machines(**of_box2):
    first = on("box1", repeats("a", rates=SLOW) + repeats("b", "tensorflow", rates=SLOW), "/one/tiny")
    return first + on("box2", repeats("c", rates=FAST) + repeats("d", "tensorflow", rates=FAST), "/two", **of_box2)


def test_machines_share_no_row_and_no_rank_unless_that_is_requested():
    table, verdicts = compare(two_machines())
    assert [verdict.baseline.results[0].machine for verdict in verdicts] == ["box1", "box1", "box2", "box2"]
    assert [row["verdict"] for row in rows(table)] == ["baseline", "equivalent"] * 2
    assert "data" not in [column.name for column in table.columns]  # it is the same in two places
    assert table.answer[0].startswith("box1: TensorFlow and PyTorch are equally fast")
    assert table.answer[1].startswith("box2: ")


def test_by_machine_each_configuration_stands_beside_itself_elsewhere():
    table, verdicts = compare(two_machines(), by=MACHINE)
    assert [(row["framework"], row["verdict"]) for row in rows(table)] == [
        ("PyTorch", "baseline"),
        ("TensorFlow", "baseline"),
        ("PyTorch", "faster"),
        ("TensorFlow", "faster"),
    ]
    assert table.answer[0].startswith("PyTorch on box2 is 2.00x as fast as PyTorch on box1 (95 %: ")
    assert verdicts[2].time.counted == "3 and 3 runs"  # the same seed on another machine makes no pair
    assert [column.name for column in table.columns][:2] == ["framework", "machine"]


def test_another_dataset_of_the_same_name_is_another_row():
    table, _ = compare(two_machines(digest="sha256:2"), by=MACHINE)
    assert "data" in [column.name for column in table.columns]
    assert [row["verdict"] for row in rows(table)] == ["baseline"] * 4


def test_runs_of_one_machine_that_changed_are_refused_as_ever():
    changed = on("box1", repeats("a", rates=SLOW)) + on("box1", repeats("b", "tensorflow", rates=SLOW))
    facts = {**changed[-1].environment.machine, "physical_cores": 64}
    snapshot = replace(changed[-1].environment, machine=facts)
    with pytest.raises(UsageError, match="come from different machines"):
        compare([*changed[:-1], replace(changed[-1], environment=snapshot)])


def test_nodes_of_a_cluster_that_are_alike_are_one_machine():
    nodes = [
        replace(one, environment=replace(one.environment, machine={"host": f"n{place}", "physical_cores": 8}))
        for place, one in enumerate(on("cluster", repeats("a", rates=SLOW)))
    ]
    assert [row["n"] for row in rows(compare(nodes)[0])] == [3]
    other = replace(nodes[0].environment, machine={"host": "n0", "physical_cores": 16})
    with pytest.raises(UsageError, match="come from different machines"):
        compare([*nodes[1:], replace(nodes[0], environment=other)])


def test_what_a_machine_gives_for_its_price_has_an_interval_and_a_sentence():
    table, verdicts = compare(two_machines(), by=MACHINE, prices={"box1": 1.0, "box2": 4.0})
    first, _, third, _ = rows(table)
    assert first["images_per_unit"] == pytest.approx(360_000)
    assert first["images_per_unit_low"] < 360_000 < first["images_per_unit_high"]
    assert third["images_per_unit"] == pytest.approx(200.0 * 3600 / 4)
    (said,) = [line for line in table.answer if line.startswith("PyTorch: box1 gives")]
    low, high = (math.log(float(end)) for end in said.split("95 %: ")[1].rstrip(")").split(" to "))
    ratio = verdicts[2].time
    assert said.startswith("PyTorch: box1 gives 2.00x the images for its price that box2 gives (95 %: ")
    assert high - low == pytest.approx(math.log(ratio.high / ratio.low), abs=0.02)  # prices add no doubt
    assert "box1 1, box2 4" in table.notes[-1]


def test_of_several_configurations_each_price_names_its_own():
    small, large = (on(box, repeats("a", rates=rates)) for box, rates in (("box1", SLOW), ("box2", FAST)))
    sixteen = [replace(one, config=one.config.replace(batch_size=16)) for one in (*small, *large)]
    table, _ = compare([*small, *large, *sixteen], by=MACHINE, prices={"box1": 1.0, "box2": 4.0})
    said = [line for line in table.answer if "for its price" in line]
    assert len(said) == len(set(said)) == 2
    assert any("batch 16" in line or "batch_size 16" in line for line in said)


def test_without_a_price_or_enough_runs_nothing_is_promised():
    table, _ = compare(two_machines(), by=MACHINE, prices={"box1": 1.0, "box2": 0.0})
    assert not any("price" in line for line in table.answer)
    few = on("box1", repeats("a", rates=(100.0,))) + on("box2", repeats("b", rates=(100.0,)))
    table, verdicts = compare(few, by=MACHINE, prices={"box1": 1.0, "box2": 2.0})
    assert worth_of(verdicts[0].entry, {"box1": 1.0}) == Worth(360_000.0)
    assert worth_of(verdicts[0].entry, {}) is None
    assert any("2.00x the images for its price" in line and "too few runs" in line for line in table.answer)


def test_runs_are_chosen_by_their_machine():
    (box, *_), (ours, *_) = on("box", repeats("a")), repeats("b")
    assert parse_condition("machine=box").holds(box)
    assert parse_condition("machine=here").holds(ours)
    assert not parse_condition("machine=here").holds(box)
