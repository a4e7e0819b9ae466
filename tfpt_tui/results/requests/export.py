"""Write a comparison to where its reader wants it: as a table, as one page, as charts, or the runs themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.errors import cannot
from tfpt_tui.files import write_where_asked
from tfpt_tui.results.requests.request import HTML, Comparison, draw, write_out
from tfpt_tui.runs.record.transfer import export_runs

CHARTS, RUNS = "charts", "runs"


@dataclass(frozen=True)
class Kind:
    """``suffix`` ends the file's name; the charts are a directory, which has none."""

    title: str
    suffix: str


# In the order of a list to choose from.
KINDS: Mapping[str, Kind] = {
    "csv": Kind("CSV, for spreadsheets and scripts", ".csv"),
    "json": Kind("JSON, rows and notes", ".json"),
    "markdown": Kind("Markdown, for an issue or a README", ".md"),
    "latex": Kind("LaTeX, for booktabs", ".tex"),
    "table": Kind("plain text, as the command prints it", ".txt"),
    HTML: Kind("one HTML page with charts and machine", ".html"),
    CHARTS: Kind("charts, a directory of PNG and SVG", ""),
    RUNS: Kind("the runs, for another machine", ".tar.gz"),
}


def export(found: Comparison, kind: str, out: Path) -> int:
    """Write the comparison as a kind of ``KINDS``, over what is there; returns the number of files.

    Raises:
        UsageError: a run is not over, and runs are to be exported.
        MissingError: it cannot be written.
    """
    if kind == CHARTS:
        from tfpt_tui.results.presentation.charts import save_charts

        return len(save_charts(draw(found), out))
    if kind == RUNS:
        export_runs(found.request.runs, out)
    else:
        write_comparison(out, write_out(found, kind))
    return 1


def write_comparison(out: Path, text: str) -> None:
    """Write the text, whole or not at all.

    Raises:
        MissingError: it cannot be written.
    """
    try:
        write_where_asked(out, text)
    except OSError as error:
        raise cannot("write the comparison", out, error) from None


def kind_named_by(path: Path, kind: str) -> str:
    """The title of another kind whose ending the file would have, "" where it has its own or nobody's."""
    named = [name for name, known in KINDS.items() if known.suffix and path.name.endswith(known.suffix)]
    return "" if not named or kind in named else KINDS[named[0]].title.partition(",")[0]


def free_name(directory: Path, stem: str, kind: str) -> Path:
    """A path in the directory that is not there yet."""
    suffix = KINDS[kind].suffix
    path, number = directory / f"{stem}{suffix}", 2
    while path.exists():
        path, number = directory / f"{stem}-{number}{suffix}", number + 1
    return path
