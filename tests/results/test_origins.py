"""What differs between the machines and versions of runs, and what they share."""

from dataclasses import replace

from tests.recordings import MACHINE, a_result
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.results.comparison.origins import describe_runs, origins_of


def result(run, framework="pytorch", host="mars", variables=None, **versions):
    machine = {**MACHINE, "host": host}
    environment = MachineSnapshot(machine=machine, versions=versions, variables=variables or {})
    return replace(a_result(run, framework), environment=environment)


def test_facts_that_differ_name_each_value_with_its_runs():
    found = origins_of([result("a"), result("b", host="venus"), result("c", host="venus")])
    (fact,) = found.differing
    assert (fact.name, fact.values) == ("host", (("mars", ("a",)), ("venus", ("b", "c"))))
    assert ("kernel", "6.18") in found.shared
    assert found.devices == ("AMD EPYC, cores 0-7",)


def test_the_other_framework_lacks_a_package_without_a_difference():
    found = origins_of([result("a", torch="2.14"), result("b", "tensorflow", tensorflow="2.21")])
    assert found.differing == ()
    assert dict(found.shared)["torch"] == "2.14"


def test_runs_of_one_framework_that_lack_a_package_differ():
    found = origins_of([result("a", torchvision="0.29"), result("b")])
    assert [(fact.name, fact.values[1][0]) for fact in found.differing] == [("torchvision", "not set")]


def test_a_variable_that_only_some_runs_have_differs():
    found = origins_of([result("a", variables={"OMP_NUM_THREADS": "1"}), result("b", "tensorflow")])
    assert [fact.name for fact in found.differing] == ["OMP_NUM_THREADS"]


def test_runs_without_a_known_environment_are_passed_over():
    assert origins_of([a_result("a")]).devices == ()


def test_several_runs_are_told_by_framework_and_number():
    results = [result("a"), result("b"), result("c", "tensorflow")]
    assert describe_runs(["a"], results) == "a"
    assert describe_runs(["a", "b"], results) == "PyTorch, 2 runs"
    assert describe_runs(["a", "c"], results) == "PyTorch and TensorFlow, 2 runs"
