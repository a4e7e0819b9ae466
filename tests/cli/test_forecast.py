import pytest

from tests.waiting import wait_until
from tfpt_tui.cli import forecast as forecasting
from tfpt_tui.cli.forecast import Countdown, forecast, forecast_rest, short_trainings
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT, SETTINGS
from tfpt_tui.results.requests.duration import SUPERVISED_S
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.lock import MachineLock
from tfpt_tui.runs.record.state import owner_of
from tfpt_tui.runs.tasks.calibration import calibrate


@pytest.fixture
def plan(paths, dataset, fake_python, tmp_path):
    def make(repeats=1):
        (tmp_path / "two.toml").write_text(
            '[grid]\nframework = ["pytorch", "tensorflow"]\n[defaults]\nepochs = 2\n'
        )
        return make_plan(load_preset(tmp_path / "two.toml"), data=str(dataset), repeats=repeats)

    return make


@pytest.fixture
def interpreters(fake_python):
    return {(framework, DEFAULT_ENVIRONMENT): str(fake_python) for framework in SETTINGS["framework"].choices}


def test_a_short_plan_without_recordings_is_started_without_a_word(plan, interpreters, paths, capsys):
    assert forecast(plan(), interpreters, paths) == [None, None]
    assert capsys.readouterr().err == ""


def test_a_training_too_short_for_its_running_averages_is_told(plan):
    assert short_trainings(plan()) == [
        "PyTorch: too short for test accuracy: after 2 steps its running averages still hold 81.0% of"
        " their start (under 1% from 44 steps on); learning is judged without them",
        "TensorFlow: too short for test accuracy: after 2 steps its running averages still hold 98.0% of"
        " their start (under 1% from 459 steps on); learning is judged without them",
    ]


def test_a_longer_plan_whose_calibration_fails_says_that_its_time_is_unknown(
    plan, interpreters, paths, capsys, monkeypatch
):
    monkeypatch.setenv("FAKE_STORY", "fails")
    assert forecast(plan(repeats=2), interpreters, paths) == [None] * 4
    assert "4 runs; no estimate: no comparable runs" in capsys.readouterr().err


def test_a_longer_plan_is_calibrated_first(plan, interpreters, paths, capsys):
    seconds = forecast(plan(repeats=2), interpreters, paths)
    assert all(one > 0 for one in seconds)
    said = capsys.readouterr().err
    assert "running PyTorch for a few seconds" in said
    assert "running TensorFlow for a few seconds" in said
    assert "4 runs, about " in said
    assert not list(paths.runs.glob("2*"))


def test_nothing_is_tried_out_that_would_not_tell_of_all_runs(
    plan, interpreters, paths, monkeypatch, tmp_path, dataset, capsys
):
    monkeypatch.setattr(forecasting, "calibrate", lambda *_: pytest.fail("it would not tell"))
    kinds = ", ".join(f'"{measure}"' for measure in ("loader", "model", "end_to_end"))
    (tmp_path / "kinds.toml").write_text(f'[grid]\nmeasure = [{kinds}]\n[defaults]\nframework = "pytorch"\n')
    several = make_plan(load_preset(tmp_path / "kinds.toml"), data=str(dataset))
    assert forecast(several, interpreters, paths) == [None] * 3
    assert "no estimate: no comparable runs" in capsys.readouterr().err


def test_recorded_runs_of_this_machine_tell_it(plan, interpreters, paths, start, capsys, monkeypatch):
    sweep = start("completes", epochs=2, track="default")
    wait_until(lambda: owner_of(sweep.directory.state) is None)
    monkeypatch.setattr(forecasting, "calibrate", lambda *_: pytest.fail("it is known already"))
    # The story: an import of one second, 200 images a second in training and evaluation, 32 images each.
    assert (
        forecast(plan(repeats=2), interpreters, paths)
        == [pytest.approx(SUPERVISED_S + 1.0 + 2 * 32 / 200 + 32 / 200)] * 4
    )
    assert "4 runs, about 29 s" in capsys.readouterr().err  # with three pauses of five seconds


def test_what_is_left_of_a_plan_is_foretold_where_all_of_it_is_known(plan, paths, start):
    configs = [run.config for run in plan().runs]
    assert forecast_rest(configs, paths) == ""
    sweep = start("completes", epochs=2, track="default")
    wait_until(lambda: owner_of(sweep.directory.state) is None)
    assert forecast_rest(configs * 10, paths) == "about 70 s"  # 3.48 s each, as above


def test_nothing_is_tried_out_while_a_plan_trains(plan, interpreters):
    lock = MachineLock()
    assert lock.acquire("a test")
    run = plan().runs[0]
    try:
        assert calibrate(run.config, interpreters[run.place]) is None
    finally:
        lock.release()


def test_a_calibration_that_has_no_room_tells_nothing(plan, interpreters, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    run = plan().runs[0]
    assert calibrate(run.config, interpreters[run.place]) is None


def test_a_calibration_that_fails_tells_nothing(plan, interpreters, monkeypatch):
    monkeypatch.setenv("FAKE_STORY", "fails")
    run = plan().runs[0]
    assert calibrate(run.config, interpreters[run.place]) is None


def test_the_time_left_follows_the_real_pace(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(forecasting.time, "monotonic", lambda: now[0])
    countdown = Countdown([100.0, 100.0, 100.0])
    now[0] = 3600.0  # it waited for another plan
    countdown.begin()
    now[0] = 3650.0
    assert countdown.finish() == "about 2 min left"
    now[0] = 3700.0
    countdown.begin()
    assert countdown.finish() == "about 50 s left"
    now[0] = 3750.0
    assert countdown.finish() == ""


def test_a_run_that_did_not_complete_corrects_nothing():
    countdown = Countdown([100.0, 100.0])
    assert countdown.finish(completed=False) == "about 2 min left"
