"""What the Compare screen shows, found without an app."""

from tfpt_tui.config.presets import find_preset
from tfpt_tui.results.requests import request
from tfpt_tui.results.requests.comparables import list_choices
from tfpt_tui.results.store.index import read_results, read_summaries
from tfpt_tui.ui.compare import comparison_view


def test_the_runs_are_read_once_for_a_comparison_with_its_published_table(record, paths, monkeypatch):
    row = find_preset("cpu-plain", paths).rows[0].resolved()
    told = {key: value for key, value in row.items() if key not in ("framework", "data")}
    record("20261121-100000-cpu-plain-aa01", (row["framework"], told), preset="cpu-plain")
    reads = []

    def counted(*of):
        reads.append(of)
        return read_results(*of)

    monkeypatch.setattr(request, "read_results", counted)
    monkeypatch.setattr(comparison_view, "read_results", counted)
    sweep, *_ = list_choices(read_summaries(paths), paths)
    found = comparison_view.read_comparison(comparison_view.ComparisonSelection((sweep,)), paths)
    assert found.comparison.results == found.published.results
    assert len(reads) == 1
