"""What the charts draw, read back from matplotlib; and that both kinds of file are written."""

from dataclasses import replace

import pytest

from tests.results.test_comparison import compare, repeats, result
from tfpt_tui.config.frameworks import chart_colour
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.presets import find_preset
from tfpt_tui.events import RunWarning
from tfpt_tui.hardware.machine_snapshot import GpuDriver, MachineSnapshot
from tfpt_tui.results.comparison.published import published_table
from tfpt_tui.results.presentation.charts import draw_charts, older_charts, save_charts
from tfpt_tui.results.presentation.html import as_page
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.scaling import Scaled

SAMPLES = "time,elapsed_s,cpu_percent,worker_rss_bytes\n1,0,10,1e9\n2,1,90,2e9\n"


@pytest.fixture
def recorded(tmp_path):
    """Two frameworks with three runs each, whose epochs and load are on disk."""
    results = [*repeats("p"), *repeats("t", "tensorflow", (50.0, 50.5, 49.5), batch_size=64)]
    runs = []
    for one in results:
        run = RunDirectory(tmp_path / one.run)
        run.path.mkdir()
        run.epochs.write_text(
            "epoch,train_loss,train_accuracy,seconds,first_batch_s,images_per_s\n1,2.0,0.2,10,0.1,1\n2,1.5,0.4,8,0.1,1\n"
        )
        run.hardware.write_text(SAMPLES)
        runs.append(run)
    return results, runs


def points(axes):
    return [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"]


def test_every_run_is_a_point_in_its_frameworks_colour(recorded):
    results, runs = recorded
    axes = draw_charts(results, runs)["training_time"].axes[0]
    assert points(axes) == [[30.0] * 3, [30.0] * 3]
    colours = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert colours == [chart_colour("pytorch"), chart_colour("tensorflow")]


def test_the_ratio_has_its_interval_and_verdict(recorded):
    results, runs = recorded
    axes = draw_charts(results, runs)["time_ratio"].axes[0]
    (name,) = [label.get_text() for label in axes.get_yticklabels()]
    assert name == "TensorFlow: slower"
    row = compare(results).rows[1]
    interval = next(list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "-")
    assert interval == [pytest.approx(row["ratio_low"]), pytest.approx(row["ratio_high"])]


def test_the_rows_are_those_of_the_table(recorded):
    results, runs = recorded
    busy = RunWarning("m", "busy", "", "time")
    others = repeats("q", rates=(200.0, 201.0, 199.0), batch_size=64, warnings=(busy,))
    charts = draw_charts([*results, *others], runs, by="batch_size")
    (ratio,) = (label.get_text() for label in charts["time_ratio"].axes[0].get_yticklabels())
    assert ratio == "batch_size 64: PyTorch: faster (busy)"
    names = [label.get_text() for label in charts["training_time"].axes[0].get_yticklabels()]
    assert names == ["batch_size 32: PyTorch", "batch_size 64: TensorFlow", "batch_size 64: PyTorch, busy"]


def test_kinds_of_measure_are_told_apart(recorded):
    results, runs = recorded
    loading = [replace(one, config=one.config.replace(measure="loader")) for one in results]
    names = draw_charts([*results, *loading], runs)["training_time"].axes[0].get_yticklabels()
    assert [name.get_text() for name in names][::2] == ["end_to_end: PyTorch", "loader: PyTorch"]


def test_curves_go_by_epoch_and_by_seconds(recorded):
    results, runs = recorded
    loss, loss_by_s, accuracy, _ = draw_charts(results, runs)["curves"].axes
    assert list(loss.lines[0].get_xdata()) == [1, 2]
    assert list(loss_by_s.lines[0].get_xdata()) == [10, 18]
    assert list(accuracy.lines[0].get_ydata()) == [0.2, 0.4]


def test_the_rate_goes_against_the_batch_size_where_there_are_several(recorded):
    results, runs = recorded
    axes = draw_charts(results, runs)["batch_size"].axes[0]
    assert [list(line.get_xdata()) for line in axes.lines[:2]] == [[32], [64]]
    sizes = [result(str(size), batch_size=size) for size in (16, 32)]
    workers = [result(f"w{size}", batch_size=size, num_workers=2) for size in (32, 64)]
    lines = draw_charts([*sizes, *workers], [])["batch_size"].axes[0].lines
    assert [list(line.get_xdata()) for line in lines[:2]] == [[16, 32], [32, 64]]
    boxes = [replace(one, machine=box) for box in ("one", "two") for one in sizes]
    lines = draw_charts(boxes, [])["batch_size"].axes[0].lines
    assert [list(line.get_xdata()) for line in lines[:2]] == [[16, 32], [16, 32]]
    assert "batch_size" not in draw_charts(results[:3], runs)


def test_the_load_is_drawn_over_time(recorded):
    results, runs = recorded
    titles = [axes.get_title() for axes in draw_charts(results, runs)["hardware"].axes]
    assert titles == ["processor (%)", "worker's memory (GB)"]


def test_of_several_gpus_the_one_that_was_used_is_drawn(recorded):
    results, runs = recorded
    for run in runs:
        run.hardware.write_text(
            "time,elapsed_s,gpu0_utilization_percent,gpu1_utilization_percent\n1,0,99,10\n2,1,99,20\n"
        )
    machine = MachineSnapshot(gpu=GpuDriver(used=1))
    devices = {"pytorch": "cuda:1", "tensorflow": "cpu"}
    told = [replace(one, environment=machine, effective={"device": devices[one.framework]}) for one in results]
    (axes,) = draw_charts(told, runs)["hardware"].axes
    assert axes.get_title() == "GPU (%)"
    assert [list(line.get_ydata()) for line in axes.lines if len(line.get_ydata())] == [[10.0, 20.0]]


def test_a_scaled_time_says_so_in_its_chart():
    scaled = Scaled(from_epochs=1, to_epochs=20, training_s=600.0)
    axes = draw_charts([result("a", epochs_measured=1, scaled=scaled)], [])["training_time"].axes[0]
    assert points(axes) == [[600.0]]
    assert axes.get_yticklabels()[0].get_text() == "PyTorch, scaled from 1 epoch"


def test_theirs_stands_beside_yours():
    table = published_table(find_preset("cpu-plain", find_paths()), [])
    axes = draw_charts([], [], published=table)["published"].axes[0]
    assert [bar.get_width() for bar in axes.patches] == [1518, 1086, 1402, 1164]


def test_every_picture_says_where_its_figures_come_from(recorded):
    results, runs = recorded
    mars = MachineSnapshot(machine={"host": "mars", "processor": "EPYC"})
    told = [replace(one, versions={"torch": "2.15.0"}, environment=mars) for one in results]
    charts = draw_charts(told, runs, proof="parity: not proven")
    signatures = {" ".join(figure.get_supxlabel().split("\n")) for figure in charts.values()}
    assert signatures == {"6 runs, track default; versions: torch 2.15.0; machine: mars: EPYC; parity: not proven"}


@pytest.mark.parametrize("results", [[], [result("a", status="failed")], [result("a", rate=float("nan"))]])
def test_runs_without_figures_have_no_charts(results):
    assert draw_charts(results, []) == {}


def test_every_chart_is_written_as_png_and_svg(recorded, tmp_path):
    charts = draw_charts(*recorded)
    written = save_charts(charts, tmp_path / "charts")
    assert len(written) == 2 * len(charts)
    assert all(path.stat().st_size > 1000 for path in written)


def test_charts_of_an_earlier_comparison_are_named_and_stay(recorded, tmp_path):
    results, runs = recorded
    both, one = draw_charts(results, runs), draw_charts(results[:3], runs)
    save_charts(both, tmp_path)
    assert older_charts(both, tmp_path) == []
    save_charts(one, tmp_path)
    older = older_charts(one, tmp_path)
    assert set(older) == {f"{name}.{kind}" for name in both.keys() - one.keys() for kind in ("png", "svg")}
    assert all((tmp_path / name).exists() for name in older)


def test_a_page_holds_table_charts_and_machine_and_needs_no_network(recorded):
    results, runs = recorded
    machine = MachineSnapshot(machine={"processor": "<b>EPYC</b>"})
    named = [replace(one, environment=machine) for one in results]
    page = as_page("a & b", [compare(named)], draw_charts(results, runs), named)
    assert page.count("<svg") == 5
    assert "a &amp; b" in page
    assert "&lt;b&gt;EPYC" in page
    assert "<td class=number>50.0</td>" in page
    assert "slower" in page
    for word in ("<script", "src=", "@import", "url(http"):
        assert word not in page
