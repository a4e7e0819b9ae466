import csv
import os
import signal
import subprocess
import sys

import pytest

from tfpt_tui.cgroup import Quota
from tfpt_tui.hardware import cpu, recorder
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.readings import read_samples, summarize
from tfpt_tui.hardware.recorder import Recorder
from tfpt_tui.hardware.sample import GpuSample, Sample, columns, from_row, to_row


class FakeGpu:
    def __init__(self, *gpus):
        self.reading = GpuReading(gpus=gpus)

    def latest(self):
        return self.reading


def sample(elapsed, energy=None, **fields):
    return Sample(1000.0 + elapsed, elapsed, gpus=(GpuSample(energy_j=energy, power_w=100.0),), **fields)


def test_a_sample_survives_the_way_through_a_line():
    full = Sample(
        1000.5,
        2.0,
        cpu_percent=50.0,
        worker_rss_bytes=123456.0,
        swap_in_bytes=8192.0,
        quota_throttled_s=0.125,
        cores_percent=(40.0, 60.0),
        cores=(0, 2),
        gpus=(
            GpuSample(utilization_percent=97.0, throttle="power cap", processes=2.0),
            GpuSample(throttle="", power_w=1.0),
        ),
    )
    header = columns((0, 2), 2)
    assert from_row(dict(zip(header, to_row(full, header), strict=True))) == full


def test_unknown_is_empty_and_never_zero():
    header = columns((), 1)
    row = dict(zip(header, to_row(Sample(1.0, 0.0, gpus=(GpuSample(),)), header), strict=True))
    assert {name for name, cell in row.items() if cell} == {"time", "elapsed_s"}
    assert from_row(row).gpus[0] == GpuSample()


def test_a_gpu_that_stops_answering_leaves_its_cells_empty():
    header = columns((), 1)
    row = dict(zip(header, to_row(Sample(1.0, 0.0), header), strict=True))
    assert row["gpu0_power_w"] == ""


def test_the_recorder_writes_a_row_a_second_of_the_worker(tmp_path, monkeypatch):
    clock = iter([0.0, 0.0, 0.5, 1.0, 1.2, 5.0, 5.1])
    monkeypatch.setattr(recorder.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(recorder.CpuReader, "read", lambda self: {"cpu_percent": 5.0})
    with Recorder(tmp_path / "hardware.csv", os.getpid(), FakeGpu(GpuSample(power_w=70.0))) as record:
        for _ in range(6):
            record.tick()
    samples = read_samples(tmp_path / "hardware.csv")
    assert [one.elapsed_s for one in samples] == [0.0, 1.0, 5.0]
    assert samples[0].gpus[0].power_w == 70.0


def test_the_real_reading_knows_the_worker_and_its_machine(tmp_path):
    with Recorder(tmp_path / "hardware.csv", os.getpid(), FakeGpu()) as record:
        record.tick()
    (one,) = read_samples(tmp_path / "hardware.csv")
    assert one.worker_rss_bytes > 10**6
    assert one.memory_total_bytes > one.memory_used_bytes > 0
    assert one.worker_processes >= 1
    assert one.gpus == ()


def test_what_a_child_did_before_it_ended_between_two_readings_is_the_workers(monkeypatch):
    reader = cpu.CpuReader(os.getpid())
    monkeypatch.setattr(cpu.time, "perf_counter", iter([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).__next__)
    burn = "\nwhile time.process_time() < {}: pass\n"
    script = f"import time{burn.format(0.3)}print(flush=True)\ninput(){burn.format(0.6)}"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        child.stdout.readline()
        reader.read()
        child.communicate("\n")
    # Its first 0.3 s count as its own at one reading, and as ours at the next.
    assert 20 < reader.read()["worker_cpu_percent"] < 45


def test_the_counters_of_swap_and_quota_are_read(monkeypatch, tmp_path):
    stat = tmp_path / "cpu.stat"
    stat.write_text("nr_throttled 3\nthrottled_usec 1500000\n")
    monkeypatch.setattr(cpu, "find_quota", lambda: Quota(1.0, stat))
    fields = cpu.CpuReader(os.getpid()).read()
    assert fields["quota_throttled_s"] == 1.5
    assert fields["swap_in_bytes"] >= 0


def test_a_worker_that_is_gone_has_no_reading(tmp_path):
    with Recorder(tmp_path / "hardware.csv", 2**22 + 5, FakeGpu()) as record:
        record.tick()
    (one,) = read_samples(tmp_path / "hardware.csv")
    assert one.worker_rss_bytes is None
    assert one.memory_used_bytes > 0


def test_a_half_written_or_damaged_line_is_left_out(tmp_path):
    path = tmp_path / "hardware.csv"
    header = columns(range(1), 0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerow(to_row(Sample(1.0, 0.0, cpu_percent=5.0), header))
        file.write("garbage\n")
        file.write("2.0,1.0,6")
    assert [one.cpu_percent for one in read_samples(path)] == [5.0]


def test_energy_is_the_difference_of_the_counter_where_the_run_was_long_enough():
    assert summarize([sample(0.0, 500.0), sample(12.0, 1700.0)], 0)["energy_j"] == 1200.0
    assert "energy_j" not in summarize([sample(0.0, 500.0), sample(5.0, 900.0)], 0)
    assert "energy_j" not in summarize([sample(0.0), sample(12.0)], 0)
    assert "energy_j" not in summarize([sample(0.0, 500.0), sample(12.0, 1700.0)], 0, alone=False)


@pytest.mark.parametrize(("gpu", "energy_j"), [(0, 5000.0), (1, 100.0), (2, None), (None, None)])
def test_energy_is_that_of_the_gpu_that_was_used(gpu, energy_j):
    samples = [
        Sample(0.0, 0.0, gpus=(GpuSample(energy_j=0.0), GpuSample(energy_j=200.0))),
        Sample(0.0, 20.0, gpus=(GpuSample(energy_j=5000.0), GpuSample(energy_j=300.0))),
    ]
    assert summarize(samples, gpu).get("energy_j") == energy_j


def test_means_leave_unknown_readings_out():
    summary = summarize([sample(0.0, cpu_percent=None), sample(1.0, cpu_percent=40.0)], None)
    assert summary["cpu_percent_mean"] == 40.0
    assert "load_1m_mean" not in summary
    assert summary["gpu0_power_w_mean"] == 100.0


@pytest.mark.parametrize("text", ["", "time,elapsed_s"])
def test_a_file_without_readings_has_none(tmp_path, text):
    (tmp_path / "hardware.csv").write_text(text)
    assert read_samples(tmp_path / "hardware.csv") == []
    assert read_samples(tmp_path / "none.csv") == []


def test_the_first_reading_has_no_shares():
    reader = cpu.CpuReader(os.getpid())
    first, second = reader.read(), reader.read()
    assert (first["cpu_percent"], first["cores_percent"]) == (None, ())
    assert 0 <= second["cpu_percent"] <= 100
    header = columns(range(len(second["cores_percent"])), 0)
    row = dict(zip(header, to_row(Sample(1.0, 0.0, **first), header), strict=True))
    assert (from_row(row).cpu_percent, from_row(row).cores_percent) == (None, ())


def test_what_a_loader_read_counts_once_though_its_parent_is_told_of_it_at_its_end():
    before = cpu.Tree({1: 0.0, 2: 0.0}, {1: 100, 2: 900}, {})
    after = cpu.Tree({1: 0.0}, {1: 1050}, {})
    assert cpu._rates(before, after, 1.0)["disk_read_bytes_per_s"] == 50


FORKING = """
import os, signal
held = os.urandom(1 << 20) * 200
for _ in range(3):
    if os.fork() == 0:
        signal.pause()
print(flush=True)
signal.pause()
"""


def test_what_forked_processes_share_counts_once():
    parent = subprocess.Popen([sys.executable, "-c", FORKING], stdout=subprocess.PIPE, start_new_session=True)
    try:
        parent.stdout.readline()
        fields = cpu.CpuReader(parent.pid).read()
        assert fields["worker_processes"] == 4
        assert 200 << 20 < fields["worker_rss_bytes"] < 300 << 20
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()


def test_where_the_kernel_does_not_tell_what_is_shared_all_counts(monkeypatch):
    monkeypatch.setattr(cpu, "_pss_bytes", lambda pid: None)
    assert cpu.SharedMemory().once(cpu.Tree({}, {}, {1: 100, 2: 50})) == 150


def test_the_walk_over_all_pages_is_done_seldom(monkeypatch):
    asked = []
    monkeypatch.setattr(cpu, "_pss_bytes", lambda pid: asked.append(pid) or 50)
    memory = cpu.SharedMemory()
    assert memory.once(cpu.Tree({}, {}, {1: 100})) == 100
    monkeypatch.setattr(cpu, "PSS_SHARE", 1e-9)
    assert [memory.once(cpu.Tree({}, {}, {1: size, 2: size})) for size in (100, 200)] == [100, 200]
    assert asked == [1, 2]
