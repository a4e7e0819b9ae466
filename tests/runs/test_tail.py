from tfpt_tui.events import Heartbeat, Stamped, encode
from tfpt_tui.runs.record import tail
from tfpt_tui.runs.record.tail import EventTail, LineTail


def line(seq):
    return encode(Stamped(seq, 1.0, 1.0, Heartbeat()))


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path):
    reader = LineTail(tmp_path / "log")
    assert reader.read() == []
    (tmp_path / "log").write_text("one\n")
    assert reader.read() == ["one"]


def test_half_a_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "events.jsonl"
    reader = EventTail(path)
    whole = line(0)
    path.write_text(whole[:20])
    assert reader.read() == []
    path.write_text(whole)
    assert [event.seq for event in reader.read()] == [0]
    assert reader.malformed == 0


def test_a_character_cut_in_two_is_read_whole(tmp_path):
    path = tmp_path / "log"
    reader = LineTail(path)
    path.write_bytes("é".encode()[:1])
    assert reader.read() == []
    path.write_bytes("é\n".encode())
    assert reader.read() == ["é"]


def test_a_file_that_shrank_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "log"
    reader = LineTail(path)
    path.write_text("a long first line\n")
    reader.read()
    path.write_text("new\n")
    assert reader.read() == ["new"]


def test_a_burst_is_read_in_portions_and_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tail, "CHUNK_BYTES", 100)
    path = tmp_path / "events.jsonl"
    path.write_text("".join(map(line, range(50))))
    reader = EventTail(path)
    assert len(reader.read()) < 50
    assert len(list(EventTail(path).stream())) == 50


def test_lines_that_are_no_events_are_counted_and_unknown_kinds_are_not(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(f'garbage\n{line(0)}{{"kind":"future"}}\n')
    reader = EventTail(path)
    assert len(list(reader.stream())) == 1
    assert reader.malformed == 1


def test_a_long_log_is_read_from_near_its_end(tmp_path):
    path = tmp_path / "log"
    path.write_text("".join(f"line {number}\n" for number in range(1000)))
    lines = LineTail(path, last_bytes=25).read()
    assert lines[-1] == "line 999"
    assert len(lines) <= 3


def test_a_portion_without_an_event_is_not_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tail, "CHUNK_BYTES", 100)
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind":"future"}\n' * 20 + f'{{"kind":"x{"x" * 500}"}}\n' + line(0))
    assert len(list(EventTail(path).stream())) == 1
