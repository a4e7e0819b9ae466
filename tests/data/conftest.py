import pytest

from tests.data.folders import draw


@pytest.fixture
def folder(tmp_path):
    """Two classes with three training and two test images each, in several formats."""
    source = tmp_path / "source"
    for split, count in (("train", 3), ("test", 2)):
        for name in ("zebra", "ape"):
            for number in range(count):
                draw(source / split / name / f"{number}.{('png', 'jpg', 'webp')[number]}")
    return source
