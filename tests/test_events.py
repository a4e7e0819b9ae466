import json
import math

import pytest

from tfpt_tui import events
from tfpt_tui.events import EpochEnd, MalformedEventError, RunEnd, RunError, Stamped, decode, encode

EXAMPLES = [
    events.RunStart("r1", "pytorch", "2.15.0", "0.2.0", {"batch_size": 32}, 123),
    events.Environment({"torch": "2.15.0"}, "cpu", {"threads": 2}),
    events.PhaseStart("training"),
    events.PhaseEnd("training", 1.5, {"user_s": 1.25, "minor_faults": 3.0}),
    events.ModelSummary((events.Layer("conv", "Conv2d", (32, 32, 32), 896),), 271652, 270948, 704),
    events.Progress("training", 1, 320, 50000, 812.5),
    EpochEnd(1, 20, 2.5, 0.25, 10.0, 0.1, 5000.0),
    EpochEnd(2, 20, None, None, 10.0, 0.1, 5000.0),
    events.Slice(3, 2, 16, 512, 1.02, 1.9),
    events.StepProfile(0.03, 0.032, {"convolution": 0.7, "other": 0.3}, "trace.json"),
    events.EvaluationEnd(2.5, 0.25, 1.0, 10000.0),
    events.RunWarning("the disk is slow", "disk", "use another one", "time"),
    events.Heartbeat(),
    RunEnd("failed", RunError("ValueError", "no", "Traceback"), {"peak_rss_bytes": 5}),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_every_kind_survives_the_way_through_a_line(event):
    stamped = Stamped(7, 1000.5, 2.25, event)
    line = encode(stamped)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert json.loads(line)["v"] == 1
    assert decode(line) == stamped


def test_there_is_an_example_of_every_kind():
    assert {event.kind for event in EXAMPLES} == set(events.KINDS)


@pytest.mark.parametrize(("value", "text"), [(math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")])
def test_values_that_json_has_not_are_strings(value, text):
    line = encode(Stamped(0, 0, 0, EpochEnd(1, 1, value, seconds=2.0)))
    assert json.loads(line)["loss"] == text
    read = decode(line).event.loss
    assert read == value or (math.isnan(read) and math.isnan(value))


def test_unknown_kinds_and_keys_are_ignored():
    assert decode('{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"future"}') is None
    line = '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"phase_end","phase":"import","seconds":2,"new":[]}'
    assert decode(line).event == events.PhaseEnd("import", 2.0)


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "",
        "[]",
        "3",
        '{"kind":3}',
        '{"kind":"heartbeat"}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"epoch_end","loss":"high"}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"epoch_end","seconds":null}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"phase_end","phase":[]}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"run_start","config":3}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"model_summary","layers":[3]}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"progress","done":true}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"progress","done":1e999}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"epoch_end","epoch":1,"seconds":0}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"epoch_end","epoch":1,"seconds":2,"images_per_s":"nan"}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"epoch_end","epoch":1,"seconds":-2}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"phase_end","phase":"import","seconds":"inf"}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"run_end","memory":{"peak_rss_bytes":1e30}}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"model_summary","total":' + "9" * 40 + "}",
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"warning","message":"half a pair: \\ud800"}',
        '{"v":1,"seq":1,"time":1,"elapsed":1,"kind":"model_summary","layers":[null]}',
        '{"v":1,"seq":1,"time":"nan","elapsed":1,"kind":"heartbeat"}',
        '{"v":2,"seq":1,"time":1,"elapsed":1,"kind":"heartbeat"}',
        '{"kind":' + "[" * 100_000,
    ],
    ids=lambda line: line[:90],
)
def test_nonsense_is_refused_and_never_half_read(line):
    with pytest.raises(MalformedEventError):
        decode(line)
