"""A comparison as one HTML file that needs no network: the table, its notes, the charts and the machine."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tfpt_tui import __version__
from tfpt_tui.hardware.machine_snapshot import Fingerprint, snapshot_document
from tfpt_tui.results.table import Table, numeric_columns, printed_cells
from tfpt_tui.runs.record.result import RunResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1c1c1c; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #dadada; text-align: left; }
td.number { text-align: right; }
.answer { margin: 0; font-size: 1.1rem; font-weight: 600; }
svg { max-width: 100%; height: auto; }
pre { background: #f4f4f4; padding: 1rem; overflow-x: auto; }
"""


def as_page(
    title: str, tables: Sequence[Table], charts: Mapping[str, Figure], results: Sequence[RunResult]
) -> str:
    """The whole file; charts are part of it as SVG."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    parts += [_table(table) for table in tables]
    for name, figure in charts.items():
        parts.append(f"<h2>{name.replace('_', ' ').capitalize()}</h2>\n{_svg(figure)}")
    parts += [_environment(results), f"<footer>made by tfpt-tui {__version__}</footer>"]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _table(table: Table) -> str:
    heading, *rows = printed_cells(table)
    numbers = numeric_columns(table)
    names = "".join(f"<th>{html.escape(cell)}</th>" for cell in heading)
    answer = [f"<p class=answer>{html.escape(line)}</p>" for line in table.answer]
    lines = [*answer, f"<div class=table><table><thead><tr>{names}</tr></thead><tbody>"]
    for row in rows:
        cells = (
            f"<td{' class=number' if number else ''}>{html.escape(cell)}</td>"
            for cell, number in zip(row, numbers, strict=True)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    return "\n".join([*lines, "</tbody></table></div>", f"<ul>{notes}</ul>"])


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()[text.getvalue().index("<svg") :]


def _environment(results: Sequence[RunResult]) -> str:
    """Machine and versions of the first run of each set of versions."""
    environments: dict[Fingerprint, str] = {}
    for result in results:
        document = snapshot_document(result.environment)
        known = {name: document[name] for name in ("machine", "gpu", "gpus", "versions") if document.get(name)}
        if known:
            text = html.escape(json.dumps(known, indent=2))
            environments.setdefault(result.environment.fingerprint, f"<pre>{text}</pre>")
    return "".join(["<h2>Environment</h2>" if environments else "", *environments.values()])
