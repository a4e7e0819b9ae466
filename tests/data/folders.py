"""Folders of small images, and what becomes of them."""

from PIL import Image


def draw(path, colour=(200, 30, 30), size=(20, 10), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())
