"""Preparing pictures against a plain loop of Pillow in one process that does the same work."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.bench.pictures import picture_folder
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.prepare import Target, prepare


def plain_loop(source, out):
    for split in ("train", "test"):
        for label, name in enumerate(sorted(os.listdir(source / split))):
            (out / split / str(label)).mkdir(parents=True)
            for number, path in enumerate(sorted((source / split / name).iterdir()), start=1):
                with Image.open(path) as image:
                    small = image.convert("RGB").resize((64, 64))
                small.save(out / split / str(label) / f"{number}.jpg", quality=75)


def create_files(source, out):
    """What the disk alone can do: as many files of the same size, without any image."""
    content = bytes(1700)
    for split in ("train", "test"):
        for label, name in enumerate(sorted(os.listdir(source / split))):
            directory = out / split / str(label)
            directory.mkdir(parents=True)
            for number in range(len(os.listdir(source / split / name))):
                (directory / f"{number}.jpg").write_bytes(content)


def timed(action):
    out = Path(tempfile.mkdtemp(dir=picture_folder().parent)) / "out"
    started = time.perf_counter()
    action(out)
    seconds = time.perf_counter() - started
    shutil.rmtree(out.parent)
    return seconds


def speeds(turns=3):
    """How many times as fast as creating the files alone, in pairs that alternate."""
    source, jobs = picture_folder(), len(os.sched_getaffinity(0))
    actions = {
        "files": lambda out: create_files(source, out),
        "prepare": lambda out: prepare(read_folder(source), Target(out), jobs=jobs),
    }
    found = []
    for turn in range(turns):
        seconds = {}
        for name in ("files", "prepare") if turn % 2 else ("prepare", "files"):
            seconds[name] = timed(actions[name])
        found.append(seconds["files"] / seconds["prepare"])
    return found


def main():
    source = picture_folder()
    jobs = len(os.sched_getaffinity(0))
    actions = {
        "plain loop": lambda out: plain_loop(source, out),
        "tfpt-tui": lambda out: prepare(read_folder(source), Target(out), jobs=jobs),
        "files alone": lambda out: create_files(source, out),
    }
    times = {name: [] for name in actions}
    for order in (list(actions), list(reversed(actions))):
        for name in order:
            times[name].append(timed(actions[name]))
    best = {name: min(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:<12} {', '.join(f'{value:.1f}' for value in values)} s")
    ratio = best["tfpt-tui"] / best["plain loop"]
    print(f"tfpt-tui in {jobs} processes / plain loop: {ratio:.2f} (below 1 is faster)")
