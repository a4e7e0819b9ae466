"""Results of runs, and recorded runs and sweeps as a supervisor leaves them, for tests of what reads them."""

from tfpt_tui.config.schema import SETTINGS, RunConfig
from tfpt_tui.config.toml import write_toml
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.result import RunResult

QUICK = "20261121-100000-quick-aa01"
VERSIONS = {"pytorch": {"torch": "2.14.1"}, "tensorflow": {"tensorflow": "2.21.0"}}
WORKER = "0.2.0"  # recordings of older ones are void in part
MACHINE = {
    "processor": "AMD EPYC",
    "host": "mars",
    "physical_cores": 8,
    "allowed_cores": "0-7",
    "kernel": "6.18",
    "memory_bytes": 25_276_502_016,
}


def a_result(run="r", framework="pytorch", status="completed", **known):
    """The result of a run; ``known`` are settings, by their names, and fields of ``RunResult``.

    ``environment`` is the setting; that of the machine is put in by :func:`dataclasses.replace`.
    """
    settings = {name: known.pop(name) for name in list(known) if name in SETTINGS}
    config = RunConfig.from_mapping({"framework": framework, "data": "/d", **settings}, "here")
    return RunResult(run=run, status=status, config=config, **known)


def an_unreadable_result(run="r", framework="pytorch"):
    """The result of a run whose files cannot be read."""
    return RunResult(run=run, status="crashed", config=RunConfig(framework=framework, data=""))


def record_run(paths, name, framework, *, status="completed", rate=100.0, accuracy=0.5, losses=(2.0, 1.0), **told):
    """Write a run that is over. ``told`` are settings, and ``sweep``, ``preset``, ``host``, ``versions``."""
    sweep, preset, host = told.pop("sweep", ""), told.pop("preset", ""), told.pop("host", "mars")
    versions = told.pop("versions", VERSIONS[framework])
    run = RunDirectory(paths.runs / f"{name[:15]}-{framework}-{name[16:]}")
    run.path.mkdir(parents=True)
    config = RunConfig.from_mapping({"framework": framework, "data": "/d", **told}, "here").to_mapping()
    write_toml(run.config, {"preset": {"name": preset}, "rows": [config]})
    epoch_s = 1000 / rate if rate and rate == rate else 10.0
    training = {
        "epochs": len(losses),
        "images": 1000 * len(losses),
        "images_per_s": rate,
        "first_epoch_s": epoch_s,
        "epoch_s_median": epoch_s,
    }
    measured = {
        "training": training,
        "test": {"accuracy": accuracy, "loss": losses[-1], "seconds": 1.0, "images_per_s": 200.0},
        "memory": {"peak_rss_bytes": 800_000_000},
        "phases": {"import": 3.0, "data_loading": 0.5, "training": epoch_s * len(losses), "evaluation": 1.0},
        "article_clock": {"training_s": epoch_s * len(losses), "evaluation_s": 1.0},
        "effective": {"device": "cpu", "device_name": "cpu"},
    }
    failed = {"phases": {}, "error": {"type": "ValueError", "message": "a bad value", "traceback": ""}}
    write_toml(
        run.result,
        {
            "schema": 1,
            "run": run.id,
            "worker_version": WORKER,
            "status": status,
            "sweep": sweep,
            "preset": preset,
            "config": config,
            "versions": versions,
            **(measured if status == "completed" else failed),
        },
    )
    write_toml(
        run.environment,
        {
            "machine": {**MACHINE, "host": host},
            "versions": {"python": "3.11.7", **versions},
            "fingerprint": {"machine": host, "software": "-".join(versions.values())},
        },
    )
    lines = ["epoch,train_loss,train_accuracy,seconds,first_batch_s,images_per_s"]
    lines += [f"{number},{loss},{number / 10},{epoch_s},0.1,{rate}" for number, loss in enumerate(losses, start=1)]
    run.epochs.write_text("\n".join(lines) + "\n")
    return run


def record_sweep(paths, sweep, *runs, preset="demo"):
    """Write the plan of runs that are recorded already."""
    directory = paths.sweeps / sweep
    directory.mkdir(parents=True)
    write_toml(
        directory / "plan.toml", {"sweep": sweep, "preset": preset, "runs": [{"run": run.id} for run in runs]}
    )
    return directory
