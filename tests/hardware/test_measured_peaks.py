"""What a framework reached at best on this machine: the largest of what profiled runs saw."""

from tfpt_tui.hardware.measured_peaks import keep_peaks, read_peaks


def test_the_largest_that_was_ever_reached_is_kept_by_machine_and_framework(tmp_path):
    for matmul in (120.0, 150.04, 90.0):
        keep_peaks({"matmul": matmul}, tmp_path / "peaks", "m1", "pytorch")
    assert read_peaks(tmp_path / "peaks", "m1", "pytorch") == {"matmul": 150.0}
    assert read_peaks(tmp_path / "peaks", "m2", "pytorch") == {}
    assert read_peaks(tmp_path / "peaks", "m1", "tensorflow") == {}


def test_a_file_that_is_broken_is_as_if_nothing_was_measured(tmp_path):
    (tmp_path / "m1-pytorch.toml").write_text("gflops = [")
    assert read_peaks(tmp_path, "m1", "pytorch") == {}
    (tmp_path / "m1-pytorch.toml").write_text('gflops = { matmul = "fast" }')
    assert read_peaks(tmp_path, "m1", "pytorch") == {}
