"""How the app looked when it was left, for the next time; settings in config.toml have precedence."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock

from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import TfptError

SCHEMA = 1
_WRITING = Lock()  # two changes in a moment are both kept


@dataclass(frozen=True)
class Look:
    """The theme, and the order of the runs in the Monitor; "" for as usual."""

    theme: str = ""
    order: str = ""


def read_look(path: Path) -> Look:
    try:
        return build(Look, read_record(path, SCHEMA))
    except (TfptError, DocumentError):
        return Look()


def keep_look(path: Path, **changes: str) -> None:
    """Keep what has changed; where it cannot be written, the next start looks as usual."""
    with _WRITING, suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_toml(path, {"schema": SCHEMA, **asdict(replace(read_look(path), **changes))})
