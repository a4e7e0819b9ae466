"""``machines/NAME.toml``: what was heard of another machine last. Whoever follows it writes it, others read it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import TfptError

SCHEMA = 1
# A machine says something every second: one that has said nothing for so long is not heard any more.
SILENT_S = 5.0


@dataclass(frozen=True)
class Contact:
    """When the machine was ``heard`` (seconds of our wall clock, 0 if never), and what it was doing then.

    Attributes:
        done, runs: of the runs of its plans that are under way.
        busy: what else keeps it busy, "" where nothing does.
        cpu_percent: the load of all its cores; ``gpus_percent`` of each GPU.
        problem: why it is not heard, "" while it is.
    """

    heard: float = 0.0
    done: int = 0
    runs: int = 0
    busy: str = ""
    cpu_percent: float = 0.0
    gpus_percent: tuple[float, ...] = ()
    problem: str = ""

    @property
    def doing(self) -> str:
        """In a few words."""
        if self.runs:
            return f"{self.done} of {self.runs} runs done"
        return self.busy or "idle"

    def is_heard(self, now: float) -> bool:
        return not self.problem and now - self.heard < SILENT_S


def read_contact(name: str, paths: Paths) -> Contact:
    """What is known of the machine; nothing where it was never heard."""
    try:
        return build(Contact, read_record(_file(name, paths), SCHEMA))
    except (TfptError, DocumentError):
        return Contact()


def write_contact(name: str, contact: Contact, paths: Paths) -> None:
    """Keep what is known of the machine; without room for it, what was known before stays."""
    with suppress(OSError):
        write_toml(_file(name, paths), {"schema": SCHEMA, **asdict(contact)})


def _file(name: str, paths: Paths) -> Path:
    return paths.machines / f"{name}.toml"
