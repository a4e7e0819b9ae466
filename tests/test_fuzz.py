"""Parsers on what nobody wrote: each answers, or refuses in the way that its callers expect."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as any_of

from tfpt_tui.config.presets import select_rows
from tfpt_tui.config.schema import parse_override
from tfpt_tui.config.toml import dump_toml, read_toml
from tfpt_tui.documents import DocumentError
from tfpt_tui.errors import UsageError
from tfpt_tui.events import KINDS, MalformedEventError, Stamped, decode, encode
from tfpt_tui.hardware.machine_snapshot import NO_SNAPSHOT, snapshot_from
from tfpt_tui.hardware.readings import parse_samples, summarize
from tfpt_tui.results.table import json_text
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.result import result_document, result_from, whole_document

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCALARS = any_of.one_of(
    any_of.none(), any_of.booleans(), any_of.integers(), any_of.floats(), any_of.text(max_size=8)
)
VALUES = any_of.recursive(
    SCALARS,
    lambda inner: (
        any_of.lists(inner, max_size=3) | any_of.dictionaries(any_of.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = any_of.sampled_from(
    ["seconds", "loss", "epoch", "done", "total", "layers", "config", "memory", "counters", "error", "status", "v"]
)
PARTS = any_of.sampled_from(
    [
        "status",
        "run",
        "training",
        "test",
        "phases",
        "config",
        "warnings",
        "memory",
        "hardware",
        "artifacts",
        "scaled",
    ]
)


@FEW
@given(any_of.sampled_from(sorted(KINDS)), any_of.dictionaries(FIELDS, VALUES, max_size=4))
def test_an_event_is_read_and_can_be_written_again_or_is_refused(kind, fields):
    body = {"v": 1, "seq": 1, "time": 1.0, "elapsed": 1.0, "kind": kind, **fields}
    try:
        read = decode(json.dumps(body))
    except MalformedEventError:
        return
    assert isinstance(read, Stamped)
    assert decode(encode(read)) is not None
    fold_all([read])


@FEW
@given(any_of.text(max_size=60))
def test_a_line_of_anything_is_an_event_or_refused(line):
    try:
        decode(line)
    except MalformedEventError:
        return


@FEW
@given(any_of.dictionaries(PARTS, VALUES, max_size=4))
def test_a_result_is_read_and_can_be_written_again_or_is_refused(tables):
    sound = {"run": "r", "status": "completed", "config": {}, "phases": {}}
    try:
        result = result_from({**sound, **tables}, NO_SNAPSHOT)
    except DocumentError:
        return
    json.loads(json_text(whole_document(result)))
    dump_toml(result_document(result))


@FEW
@given(any_of.dictionaries(any_of.sampled_from(["machine", "gpu", "gpus", "variables", "warnings"]), VALUES))
def test_facts_of_a_machine_are_read_or_refused(tables):
    try:
        snapshot_from(tables)
    except DocumentError:
        return


@FEW
@given(any_of.lists(any_of.text(alphabet='0123456789.,-einfa"\n x', max_size=30), max_size=6))
def test_lines_of_readings_are_read_or_left_out(lines):
    header = ["time", "elapsed_s", "cpu_percent", "core0_percent", "gpu0_power_w", "gpu0_throttle"]
    summarize(parse_samples(header, lines), 0)


@FEW
@given(any_of.text(max_size=40))
def test_what_is_typed_is_understood_or_refused(text):
    for parse in (lambda: select_rows(9, text), lambda: parse_override(text)):
        try:
            parse()
        except UsageError:
            continue


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=any_of.binary(max_size=80))
def test_a_file_of_anything_is_toml_or_refused(tmp_path, content):
    (tmp_path / "x.toml").write_bytes(content)
    try:
        read_toml(tmp_path / "x.toml")
    except UsageError:
        return
