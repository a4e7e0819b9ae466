from tfpt_tui.events import Heartbeat, Progress, Stamped, encode
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


def test_a_line_without_end_is_passed_over_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(tail, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(tail, "CHUNK_BYTES", 64)
    path = tmp_path / "events"
    path.write_text(encode(Stamped(0, 0.0, 0.0, Heartbeat())) + "x" * 1000 + "\n")
    reader = EventTail(path)
    assert len(list(reader.stream())) == 1
    with path.open("a") as file:
        file.write(encode(Stamped(1, 0.0, 0.0, Heartbeat())) + "y" * 300)
    assert len(list(reader.stream())) == 1
    assert reader.malformed == 2


def test_of_very_much_progress_only_some_is_read_and_the_last_before_each_other_event(tmp_path):
    path = tmp_path / "events"
    told = [Progress("training", 1, done, 5000, 10.0) for done in range(5000)]
    told[1500] = told[3000] = Heartbeat()
    path.write_text("".join(encode(Stamped(seq, 0.0, 0.0, one)) for seq, one in enumerate(told)))
    read = [one.seq for one in EventTail(path).stream()]
    assert {1499, 1500, 2999, 3000, 4999} <= set(read)
    assert read == sorted(read)
    assert len(read) < 1000
