"""The user's own settings: ``$XDG_CONFIG_HOME/tfpt-tui/config.toml``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.machines import Machine, check_interpreter, read_machines
from tfpt_tui.config.schema import nearest
from tfpt_tui.config.toml import read_toml
from tfpt_tui.errors import UsageError

MIN_REFRESH_HZ, MAX_REFRESH_HZ = 0.5, 5.0


@dataclass(frozen=True)
class UserSettings:
    """Interpreters by framework, the look of the UI, remapped keys by binding id, and other machines by name.

    ``environments`` are the interpreters that have a name (``tfpt-tui env``); they stand in files of their own.
    """

    interpreters: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    theme: str = ""
    # Two paints a second read as live and stay far below what a slow SSH link carries.
    refresh_hz: float = 1.0
    # A command that is run, without a shell, with the text as its last argument, when all runs are over.
    notify: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    machines: Mapping[str, Machine] = field(default_factory=dict)

    @property
    def prices(self) -> dict[str, float]:
        """What an hour of each machine costs, 0 where it is not known."""
        return {name: machine.price_per_hour for name, machine in self.machines.items()}


def load_settings(path: Path) -> UserSettings:
    """Read the settings, all defaults where there is no file.

    Raises:
        UsageError: broken TOML, an unknown key or a refused value.
    """
    if not (path.exists() or path.is_symlink()):
        return UserSettings()
    document = read_toml(path)
    _check(document, {"interpreters", "ui", "keys", "machines"}, str(path))
    interpreters = _texts(document, "interpreters", path)
    _check(interpreters, set(FRAMEWORKS), f"{path}: [interpreters]")
    for framework, interpreter in interpreters.items():
        check_interpreter(interpreter, f"{path}: [interpreters]: {framework}")
    ui = document.get("ui", {})
    _check(ui, {"theme", "refresh_hz", "notify"}, f"{path}: [ui]")
    for key in ("theme", "notify"):
        if not isinstance(ui.get(key, ""), str):
            raise UsageError(f"{path}: [ui]: {key} must be text, not {ui[key]!r}")
    notify = ui.get("notify", "")
    _check_command(notify, f"{path}: [ui]: notify")
    refresh_hz = ui.get("refresh_hz", UserSettings.refresh_hz)
    if type(refresh_hz) not in (int, float) or not MIN_REFRESH_HZ <= refresh_hz <= MAX_REFRESH_HZ:
        raise UsageError(
            f"{path}: [ui]: refresh_hz must be {MIN_REFRESH_HZ:g} to {MAX_REFRESH_HZ:g}, not {refresh_hz!r}"
        )
    return UserSettings(
        interpreters,
        theme=ui.get("theme", ""),
        refresh_hz=float(refresh_hz),
        notify=notify,
        keys=_texts(document, "keys", path),
        machines=read_machines(document.get("machines", {}), str(path)),
    )


def _check_command(command: str, where: str) -> None:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{where}: not a command: {error}".lower()) from None
    if command and (not words or "\0" in command):
        raise UsageError(f"{where} must be a command such as 'notify-send', not {command!r}")


def _texts(document: Mapping[str, object], name: str, path: Path) -> dict[str, str]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} must be a table, written [{name}]")
    for key, value in table.items():
        if not isinstance(value, str):
            raise UsageError(f"{path}: [{name}]: {key} must be text, not {value!r}")
    return table


def _check(table: object, known: set[str], where: str) -> None:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table")
    for key in table:
        if key not in known:
            hint = nearest(key, sorted(known)) or f"; it has {', '.join(sorted(known))}"
            raise UsageError(f"{where}: unknown key {key!r}{hint}")
