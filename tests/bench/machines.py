"""What following five machines costs: processor time here and there, in per cent of a core, while each trains."""

import os
import tempfile
import time
from pathlib import Path

import psutil

from tests.machines.hosts import hosts, settings_for, why_none
from tests.waiting import wait_until
from tfpt_tui.cli.main import run as command
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import load_settings
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.machines.follower import following
from tfpt_tui.runs.record.contact import read_contact

COUNT, SECONDS, STORY = 5, 60.0, "trains_for_minutes"


def processor_s(pids):
    """Of these processes so far."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def here():
    """This process, which follows, and the ssh of each machine."""
    return [os.getpid(), *(child.pid for child in psutil.Process().children(True) if child.name() == "ssh")]


def there(box):
    """The sshd of the connection, and the tfpt-tui that it started."""
    sessions = box.sessions()
    return {*sessions, *(child.pid for pid in sessions for child in psutil.Process(pid).children(True))}


def main():
    if reason := why_none():
        print(reason)
        return
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        os.environ |= {f"XDG_{name}_HOME": str(place / name.lower()) for name in ("DATA", "CONFIG", "CACHE")}
        data = place / "data" / "tfpt-tui" / "datasets" / "tiny"
        prepare(make_synthetic(limit=16, classes=2), Target(data), jobs=1)
        with hosts(place / "hosts", COUNT) as boxes:
            config = place / "config" / "tfpt-tui" / "config.toml"
            config.parent.mkdir(parents=True)
            config.write_text(settings_for(boxes, place / "hosts"))
            os.environ["PATH"] = f"{place / 'hosts' / 'bin'}:{os.environ['PATH']}"
            for box in boxes.values():
                box.stop()
                box.start(STORY)
            started = ["run", "demo", "--no-duel", "--rows", "1", "--data", str(data), "--provide", "send"]
            assert command([*started, "--on", ",".join(boxes), "--detach"]) == 0
            paths = find_paths()
            machines = load_settings(paths.settings).machines
            with following(list(machines.values()), paths):
                wait_until(lambda: all(read_contact(name, paths).is_heard(time.time()) for name in machines))
                time.sleep(5)
                before = processor_s(here()), [processor_s(there(box)) for box in boxes.values()]
                time.sleep(SECONDS)
                after = processor_s(here()), [processor_s(there(box)) for box in boxes.values()]
            print(
                f"here, {COUNT} machines, ssh included: {100 * (after[0] - before[0]) / SECONDS:.1f} % of a core"
            )
            each = [100 * (now - then) / SECONDS for then, now in zip(before[1], after[1], strict=True)]
            print(f"there: {min(each):.1f} to {max(each):.1f} % of a core")
            for one in sorted(find_paths().sweeps.iterdir()):
                if one.is_dir():
                    command(["runs", "stop", one.name])


if __name__ == "__main__":
    main()
