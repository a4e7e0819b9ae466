"""What the samples of a run say against it."""

from dataclasses import replace

import pytest

from tfpt_tui.hardware.run_checks import judge_counters, judge_idleness, judge_run, others_share
from tfpt_tui.hardware.sample import GpuSample, Sample


def samples(gpus=(), swapped=(), held=()):
    """One sample for each of the longest list; what a list lacks is unknown."""
    count = max(map(len, (gpus, swapped, held)))

    def at(values, index):
        return values[index] if index < len(values) else None

    return [
        Sample(
            100.0 + index,
            float(index),
            swap_in_bytes=at(swapped, index),
            quota_throttled_s=at(held, index),
            gpus=(at(gpus, index),) if index < len(gpus) else (),
        )
        for index in range(count)
    ]


def only(warnings):
    (warning,) = warnings
    assert warning.advice
    assert warning.taints == "time"
    return warning.code, warning.message


def throttled(count, of, reason="power cap"):
    return samples([GpuSample(throttle=reason if index < count else "") for index in range(of)])


def test_a_run_without_incidents_or_readings_is_not_warned_of():
    assert judge_run([], 0) == ()
    assert judge_run(samples([GpuSample(throttle="", processes=1)], [5.0, 5.0], [1.0, 1.0]), 0) == ()
    assert judge_run(samples([GpuSample()]), 0) == ()


def test_a_gpu_that_slowed_down_in_more_than_a_twentieth_of_the_samples_is_told_with_the_reasons():
    assert judge_run(throttled(5, of=100), 0) == ()
    told = only(judge_run(throttled(6, of=100, reason="power cap + hardware thermal"), 0))
    assert told == ("throttled", "the GPU slowed down in 6% of the samples: power cap, hardware thermal")


def test_samples_without_an_answer_count_neither_way():
    silent = samples([GpuSample()] * 90 + [GpuSample(throttle="power cap")] * 10)
    assert only(judge_run(silent, 0))[1] == "the GPU slowed down in 100% of the samples: power cap"


@pytest.mark.parametrize(
    ("percents", "seconds"), [([180.0] * 9, None), ([180.0, 0.0, 4.0], None), ([180.0, 0.0, 0.0, 0.0, 2.0], 4)]
)
def test_seconds_in_which_a_training_on_the_cpu_computed_nothing_are_told(percents, seconds):
    told = judge_idleness([Sample(float(at), at, worker_cpu_percent=one) for at, one in enumerate(percents)])
    assert (told and only([told])) == (
        seconds and ("idle", f"the worker computed nothing for about {seconds} s while it was timed")
    )


@pytest.mark.parametrize("gpu", [None, 1])
def test_a_gpu_that_the_run_did_not_use_does_not_matter(gpu):
    assert judge_run(throttled(10, of=10), gpu) == ()


def test_a_second_process_on_the_gpu_is_told():
    run = samples([GpuSample(processes=1), GpuSample(processes=3), GpuSample()])
    code, message = only(judge_run(run, 0))
    assert code == "foreign_gpu_process"
    assert message == "up to 3 processes computed on the GPU during the run, our worker among them"


def test_the_other_arms_of_a_duel_are_no_strangers_on_the_gpu():
    arms = samples([GpuSample(processes=3), GpuSample(processes=2)])
    assert judge_run(arms, 0, workers=3) == ()
    _, message = only(judge_run(arms, 0, workers=2))
    assert message == "up to 3 processes computed on the GPU during the run, our 2 workers among them"


def test_what_came_back_from_swap_is_told():
    told = only(judge_run(samples(swapped=[4096.0, 4096.0, 4096.0 + 3 * 2**20]), None))
    assert told == ("swapped", "3,072 KiB came back from swap during the run")


def test_a_page_that_somebody_elses_program_brought_back_is_nothing():
    assert judge_run(samples(swapped=[0.0, 0.0, 4096.0]), None) == ()


def test_for_how_long_the_quota_held_the_run_up_is_told():
    told = only(judge_run(samples(held=[None, 1.5, None, 3.75]), None))
    assert told == (
        "quota_throttled",
        "the CPU quota held up what would have run for 2.250 s, added up over the cores",
    )


def busy(*shares, worker=100.0):
    """Two cores, so much of them together used by all, and by the worker, each in per cent of one core."""
    return [
        Sample(float(n), float(n), cores_percent=(share / 2, share / 2), worker_cpu_percent=worker)
        for n, share in enumerate(shares)
    ]


def test_what_others_used_while_it_was_timed_is_told():
    told = only(judge_run([], 0, others_share(busy(100.0, 200.0, 200.0), (0, 1)), 2))
    assert told == ("busy", "other processes used 33% of the 2 cores while it was timed")
    assert judge_run([], 0, others_share(busy(100.0, 110.0, 130.0), (0, 1)), 2) == ()
    assert judge_run([], 0, others_share(busy(90.0, 95.0, 95.0), (0, 1)), 2) == ()


def test_only_the_cores_that_we_may_use_count():
    hog_elsewhere = [replace(one, cores_percent=(100.0, 100.0)) for one in busy(100.0, 100.0, 100.0)]
    assert others_share(hog_elsewhere, (0,)) == 0.0
    assert others_share(hog_elsewhere, (0, 1)) == 0.5


def test_cores_are_known_by_their_numbers_where_some_are_offline():
    some_offline = [
        replace(one, cores=(0, 2, 4), cores_percent=(0.0, 100.0, 100.0)) for one in busy(100.0, 100.0, 100.0)
    ]
    assert others_share(some_offline, (2, 4)) == 0.5
    assert others_share(some_offline, (0, 1)) is None


def test_too_few_samples_with_the_worker_say_nothing_of_others():
    assert others_share(busy(200.0, 200.0, 200.0, worker=None), (0, 1)) is None
    assert others_share([*busy(100.0, 100.0), *busy(200.0, worker=None)], (0, 1)) is None
    assert others_share(busy(100.0, 100.0, 100.0), ()) is None
    assert others_share(busy(100.0, 100.0, 100.0), (0, 7)) is None


def test_a_training_in_which_the_system_had_too_much_to_do_is_told_with_the_cause():
    counters = {"user_s": 8.4, "system_s": 7.4, "minor_faults": 1_900_000}
    log = "generator_dataset_op.cc:213] Memory patch applied: M_TRIM_THRESHOLD=128 kb was set.\n"
    warning = judge_counters(counters, 1920, log)
    assert (warning.code, warning.taints) == ("system_time", "time")
    assert "the system took 47% of the training's processor time, 990 page faults an image" in warning.message
    assert "from_generator" in warning.message
    assert "from_generator" not in judge_counters(counters, 1920, "").message


def test_a_usual_share_of_system_time_and_a_short_training_are_not_told():
    assert judge_counters({"user_s": 16.0, "system_s": 3.2, "minor_faults": 700_000}, 3968, "") is None
    assert judge_counters({"user_s": 0.5, "system_s": 0.6}, 100, "") is None
    assert judge_counters({}, 0, "Memory patch applied") is None
