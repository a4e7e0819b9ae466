import copy

import pytest

from tfpt_tui.hardware.fingerprint import fingerprint

ENVIRONMENT = {
    "machine": {"host": "anvil", "kernel": "6.1", "governor": "performance", "load_1m": 0.1, "boot_id": "a"},
    "gpu": {"driver": "570.1"},
    "gpus": [{"name": "H200", "uuid": "GPU-1", "power_limit_w": 700.0, "mig_mode": False}],
    "variables": {"OMP_NUM_THREADS": "2"},
    "versions": {"torch": "2.15"},
}


def changed(table, name, value):
    environment = copy.deepcopy(ENVIRONMENT)
    place = environment[table][0] if table == "gpus" else environment[table]
    place[name] = value
    return fingerprint(environment)


def test_it_is_short_and_the_same_for_the_same_facts_in_any_order():
    names = fingerprint(ENVIRONMENT)
    assert all(len(name) == 12 and int(name, 16) >= 0 for name in names.values())
    turned = {name: ENVIRONMENT[name] for name in reversed(ENVIRONMENT)}
    turned["machine"] = dict(reversed(ENVIRONMENT["machine"].items()))
    assert fingerprint(turned) == names


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("machine", "governor", "powersave"),
        ("machine", "kernel", "6.2"),
        ("machine", "cpu_quota", 1.5),
        ("gpus", "power_limit_w", 500.0),
        ("gpus", "mig_mode", True),
        ("gpu", "driver", "580.1"),
    ],
)
def test_what_decides_the_speed_makes_it_another_machine(table, name, value):
    names = changed(table, name, value)
    assert names["machine"] != fingerprint(ENVIRONMENT)["machine"]
    assert names["software"] == fingerprint(ENVIRONMENT)["software"]


@pytest.mark.parametrize(
    ("name", "value"), [("load_1m", 7.0), ("boot_id", "b"), ("frequency_mhz", 1200), ("shm_free_bytes", 5)]
)
def test_what_changes_from_minute_to_minute_does_not(name, value):
    assert changed("machine", name, value) == fingerprint(ENVIRONMENT)


@pytest.mark.parametrize(("table", "name"), [("versions", "torch"), ("variables", "OMP_NUM_THREADS")])
def test_versions_and_variables_make_it_other_software(table, name):
    names = changed(table, name, "3")
    assert names["software"] != fingerprint(ENVIRONMENT)["software"]
    assert names["machine"] == fingerprint(ENVIRONMENT)["machine"]


def test_software_is_not_named_before_its_versions_are_known():
    assert set(fingerprint({name: ENVIRONMENT[name] for name in ENVIRONMENT if name != "versions"})) == {"machine"}


def test_a_container_is_not_another_machine_when_it_is_started_again():
    contained = copy.deepcopy(ENVIRONMENT)
    contained["machine"]["container"] = "docker"
    again = copy.deepcopy(contained)
    again["machine"]["host"] = "3f9a51c2"
    assert fingerprint(contained) == fingerprint(again)
    assert changed("machine", "host", "3f9a51c2") != fingerprint(ENVIRONMENT)


def test_memory_counts_in_whole_gibibytes():
    less, more = (changed("machine", "memory_bytes", count) for count in (25_276_510_208, 25_276_000_000))
    assert less == more
    assert changed("machine", "memory_bytes", 64 << 30) != less


def test_a_run_on_the_cpu_has_the_software_of_one_on_the_gpu():
    """PyTorch tells cuDNN's version on a GPU only."""
    assert changed("versions", "cudnn", "91002") == fingerprint(ENVIRONMENT)
