"""What a framework's process is not shown of the user's environment."""

from tfpt_tui.environments.interpreters import worker_variables


def test_what_would_change_the_work_of_one_framework_does_not_reach_it(monkeypatch):
    for name in ("PYTHONPATH", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    shown = worker_variables()
    assert not shown.keys() & {"PYTHONPATH", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"}
    assert (shown["OMP_NUM_THREADS"], shown["CUDA_DEVICE_ORDER"]) == ("3", "PCI_BUS_ID")
