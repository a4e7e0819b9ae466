import gzip
import io
import lzma
import random
import shutil
import tarfile
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.toml import write_toml
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.runs.record import transfer
from tfpt_tui.runs.record.directory import RunDirectory, list_runs
from tfpt_tui.runs.record.transfer import export_runs, import_runs

ID = "20260101-000001-pytorch-0001"


@pytest.fixture
def runs(paths):
    """Two recorded runs, with what an export leaves behind."""
    made = []
    for number in (1, 2):
        run = RunDirectory(paths.runs / f"20260101-00000{number}-pytorch-000{number}")
        run.path.mkdir(parents=True)
        write_toml(run.config, {"rows": [{"framework": "pytorch", "data": "/d"}]})
        write_toml(run.result, {"status": "completed", "run": run.id})
        (run.path / "model.pt").write_bytes(bytes(range(256)) * 100)
        write_toml(run.state, {"boot_id": "here"})
        (run.path / ".half.tmp").write_text("")
        made.append(run)
    return made


@pytest.fixture
def elsewhere(tmp_path):
    return find_paths(str(tmp_path / "laptop" / "runs"))


def test_runs_arrive_whole_without_what_belongs_to_their_machine(runs, elsewhere, tmp_path):
    export_runs(runs, tmp_path / "runs.tar.gz")
    assert import_runs(tmp_path / "runs.tar.gz", elsewhere).new == tuple(run.id for run in runs)
    for run in runs:
        arrived = elsewhere.runs / run.id
        assert sorted(path.name for path in arrived.iterdir()) == ["config.toml", "model.pt", "result.toml"]
        assert all(path.read_bytes() == (run.path / path.name).read_bytes() for path in arrived.iterdir())
    assert sorted(path.name for path in elsewhere.runs.iterdir()) == [run.id for run in runs]


def test_notes_beside_a_run_go_with_it_and_what_is_no_file_does_not(runs, elsewhere, tmp_path):
    (runs[0].path / "my notes (2).txt").write_text("slower than last week")
    (runs[0].path / "two\nlines").write_text("")
    (runs[0].path / "data").symlink_to(tmp_path)
    (runs[0].path / "link.toml").symlink_to(runs[0].config)
    export_runs(runs[:1], tmp_path / "runs.tar.gz")
    import_runs(tmp_path / "runs.tar.gz", elsewhere)
    arrived = sorted(path.name for path in (elsewhere.runs / runs[0].id).iterdir())
    assert arrived == ["config.toml", "model.pt", "my notes (2).txt", "result.toml"]


def test_a_run_that_is_there_is_never_overwritten(runs, elsewhere, tmp_path):
    export_runs(runs, tmp_path / "runs.tar.gz")
    shutil.copytree(runs[0].path, elsewhere.runs / runs[0].id)
    (elsewhere.runs / runs[0].id / "result.toml").write_text('status = "mine"\n')
    imported = import_runs(tmp_path / "runs.tar.gz", elsewhere)
    assert (imported.new, imported.kept) == ((runs[1].id,), (runs[0].id,))
    assert (elsewhere.runs / runs[0].id / "result.toml").read_text() == 'status = "mine"\n'


def test_a_run_that_is_not_over_is_not_exported(runs, tmp_path):
    runs[0].result.unlink()
    with pytest.raises(UsageError, match="is crashed, and only runs with a result can be exported"):
        export_runs(runs, tmp_path / "runs.tar.gz")
    assert not (tmp_path / "runs.tar.gz").exists()


def test_a_file_that_cannot_be_written_leaves_nothing(runs, tmp_path):
    with pytest.raises(MissingError, match="cannot export the runs"):
        export_runs(runs, tmp_path / "none" / "runs.tar.gz")
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot export the runs"):
        export_runs(runs, tmp_path / "file" / "runs.tar.gz")
    with pytest.raises(MissingError, match="is a directory; choose another name"):
        export_runs(runs, Path("/"))


def pack(archive, *members):
    with tarfile.open(archive, "w:gz") as tar:
        for member in members:
            info, content = member if isinstance(member, tuple) else (member, b"")
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    return archive


def entry(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


GOOD = [entry(f"runs/{ID}/config.toml"), entry(f"runs/{ID}/result.toml")]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (entry("../../evil"), "is not a file of a run"),
        (entry("/etc/cron.d/evil"), "is not a file of a run"),
        (entry(f"runs/{ID}/../../evil"), "is not a file of a run"),
        (entry(f"runs/{ID}/sub/evil"), "is not a file of a run"),
        (entry(f"runs/{ID}/.hidden"), "is not a file of a run"),
        (entry("runs/not-a-run/config.toml"), "is not a file of a run"),
        (entry(f"runs/{ID}/link", tarfile.SYMTYPE, "/etc/passwd"), "is not a file of a run"),
        (entry(f"runs/{ID}/hard", tarfile.LNKTYPE, f"runs/{ID}/config.toml"), "is not a file of a run"),
        (entry(f"runs/{ID}/fifo", tarfile.FIFOTYPE), "is not a file of a run"),
        (entry(f"runs/{ID}/config.toml"), "twice"),
        (entry("runs/20260101-000009-pytorch-0009/config.toml"), "has no result.toml"),
    ],
)
def test_what_no_export_holds_refuses_all_of_it(elsewhere, tmp_path, bad, said):
    archive = pack(tmp_path / "bad.tar.gz", *GOOD, bad)
    with pytest.raises(UsageError, match=said):
        import_runs(archive, elsewhere)
    assert list(elsewhere.runs.iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_a_member_that_is_too_large_is_refused_before_it_fills_the_disk(elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "MAX_MEMBER_BYTES", 1000)
    archive = pack(tmp_path / "big.tar.gz", *GOOD, (entry(f"runs/{ID}/model.pt"), bytes(2000)))
    with pytest.raises(UsageError, match="is larger than a run's files can be"):
        import_runs(archive, elsewhere)
    assert list_runs(elsewhere) == []


@pytest.mark.parametrize("content", [b"", b"no archive at all" * 100, lzma.compress(bytes(10_000))[:-30]])
def test_what_is_no_archive_is_one_line(elsewhere, tmp_path, content):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(UsageError, match=r"not a tfpt-tui export, or (truncated|damaged)"):
        import_runs(tmp_path / "x.tar.gz", elsewhere)


def test_a_truncated_export_brings_nothing_in(runs, elsewhere, tmp_path):
    export_runs(runs, tmp_path / "runs.tar.gz")
    content = (tmp_path / "runs.tar.gz").read_bytes()
    (tmp_path / "runs.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match="or damaged"):
        import_runs(tmp_path / "runs.tar.gz", elsewhere)
    assert list_runs(elsewhere) == []


def test_an_archive_that_is_not_there_is_missing(elsewhere, tmp_path):
    with pytest.raises(MissingError, match="no such file"):
        import_runs(tmp_path / "none.tar.gz", elsewhere)


def test_every_damaged_bit_that_means_something_is_noticed(runs, elsewhere, tmp_path):
    export_runs(runs, tmp_path / "runs.tar.gz")
    content = (tmp_path / "runs.tar.gz").read_bytes()
    whole = gzip.decompress(content)
    found = random.Random(7)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[found.randrange(len(content))] ^= 1 << found.randrange(8)
        with suppress(OSError, EOFError, zlib.error):
            if gzip.decompress(damaged) == whole:
                continue  # gzip's own name and time, or what fills a byte up
        (tmp_path / "damaged.tar.gz").write_bytes(damaged)
        with pytest.raises(UsageError):
            import_runs(tmp_path / "damaged.tar.gz", elsewhere)
        assert list(elsewhere.runs.iterdir()) == []


def test_a_file_that_is_not_what_its_digest_says_is_refused(runs, elsewhere, tmp_path):
    member = entry(f"runs/{ID}/config.toml")
    member.pax_headers = {transfer.DIGEST: "0" * 64}
    with pytest.raises(UsageError, match="is damaged; nothing was imported"):
        import_runs(pack(tmp_path / "x.tar.gz", (member, b"x = 1")), elsewhere)


def test_headers_are_judged_before_they_are_read(elsewhere, tmp_path):
    huge = entry("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    huge.size = 1 << 31
    negative = bytearray(entry(f"runs/{ID}/config.toml").tobuf())
    negative[124:136] = b"\xff" * 12
    for header in (huge.tobuf(format=tarfile.GNU_FORMAT), negative):
        fields = bytearray(header)
        fields[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(fields))[0]
        with gzip.open(tmp_path / "x.tar.gz", "wb") as file:
            file.write(bytes(fields))
        with pytest.raises(UsageError, match="larger than a run's files can be"):
            import_runs(tmp_path / "x.tar.gz", elsewhere)


def test_a_small_archive_does_not_become_a_hundred_thousand_files(elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "FEW_FILES", 5)
    many = [entry(f"runs/{ID}/file{number}") for number in range(1000)]
    with pytest.raises(UsageError, match="one file more than"):
        import_runs(pack(tmp_path / "x.tar.gz", *many), elsewhere)
    assert list(elsewhere.runs.iterdir()) == []


def test_a_run_that_cannot_be_read_is_not_imported(elsewhere, tmp_path):
    bad = [(GOOD[0], b""), (GOOD[1], b'run = "r"\nstatus = "completed"\ntraining = "x"\n')]
    with pytest.raises(UsageError, match=r"the result of .* cannot be read; nothing was imported"):
        import_runs(pack(tmp_path / "x.tar.gz", *bad), elsewhere)


def test_secrets_that_an_earlier_version_recorded_stay_here(runs, elsewhere, tmp_path):
    write_toml(runs[0].environment, {"variables": {"NVIDIA_API_KEY": "nvapi-1", "OMP_NUM_THREADS": "2"}})
    export_runs(runs, tmp_path / "runs.tar.gz")
    import_runs(tmp_path / "runs.tar.gz", elsewhere)
    text = (elsewhere.runs / runs[0].id / "environment.toml").read_text()
    assert "OMP_NUM_THREADS" in text
    assert "nvapi" not in text
