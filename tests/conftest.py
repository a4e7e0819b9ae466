"""What all tests share: small pictures, and directories of their own instead of the user's."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_directories(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's runs, settings or machine lock."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("TFPT_TUI_LOCK", str(home / "machine.lock"))
    return home


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """A folder of real CIFAR-10 pictures (2,000 + 500) by class where they are at hand, else drawn ones."""
    folder = tmp_path_factory.mktemp("pictures")
    archive = SHARED / "cifar10-mini.tar.gz"
    if archive.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        return folder / "cifar10-mini"
    from tfpt_tui.data.synthetic import draw_image, make_synthetic

    for item in make_synthetic(limit=40, classes=10).items:
        path = folder / item.split / f"class{item.label}" / f"{item.number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_image(item).save(path)
    return folder
