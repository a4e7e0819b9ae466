"""Trees of the small files in which Linux tells about itself, for machines that are not at hand."""

import pytest


@pytest.fixture
def tree(tmp_path):
    """Write files by their paths from the root; the root of the tree."""
    root = tmp_path / "root"
    root.mkdir()

    def grow(files):
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return grow
