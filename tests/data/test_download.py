import errno
import fcntl
import hashlib
import os
import socket
from io import FileIO
from pathlib import Path

import pytest

from tests.data.lying_server import LOGIN, OTHER, PAYLOAD, TAG, answer, honest, reset, says, stall
from tfpt_tui.data import download as downloading
from tfpt_tui.data.download import check_url, download, kept_bytes, md5_of, shown_url
from tfpt_tui.errors import MissingError, UsageError

ELSEWHERE = "fetch it on a machine with network and give it with --archive FILE"
KEPT = "the same command resumes it (0.1 of 0.3 MB are kept)"


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "downloads/file.tar.gz"


def fetch(server, file, expected=PAYLOAD, url=None, timeouts=(20, 20), **options):
    download(url or server.url, md5(expected), len(expected), file, timeouts=timeouts, pause_s=0, **options)


def refusal(server, file, **options):
    """The one line that the user sees."""
    with pytest.raises(MissingError) as caught:
        fetch(server, file, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert "Pool(" not in line
    assert "Error(" not in line
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return line


def left(file):
    return {path.name: path.stat().st_size for path in file.parent.iterdir()}


def cut_short(server, file, at=100_000):
    """What a call leaves that got so many bytes before the server was gone."""
    server.script = [honest(end=at), says(404)]
    assert KEPT in refusal(server, file)
    assert left(file) == {"file.tar.gz.part": at}
    for log in (server.ranges, server.sent):
        log.clear()
    server.script = [honest()]


def test_a_file_is_fetched_and_nothing_else_is_left(server, file):
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert os.listdir(file.parent) == ["file.tar.gz"]
    assert server.ranges == [None]


def test_nothing_is_asked_when_the_file_is_there(server, file):
    fetch(server, file)
    fetch(server, file, on_progress=lambda done, total: pytest.fail("there is nothing to do"))
    assert len(server.ranges) == 1


def test_another_file_of_that_name_is_replaced(server, file):
    file.parent.mkdir()
    file.write_bytes(OTHER)
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_progress_is_told_now_and_then_and_at_the_end(server, file, monkeypatch):
    steps = []
    monkeypatch.setattr(downloading, "PACE", 1000)
    fetch(server, file, on_progress=lambda *step: steps.append(step))
    assert len(steps) == 2
    assert 0 < steps[0][0] <= steps[0][1] == len(PAYLOAD)
    assert steps[1] == (len(PAYLOAD), len(PAYLOAD))


def test_md5_of_a_file(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert md5_of(tmp_path / "abc") == "900150983cd24fb0d6963f7d28e17f72"


@pytest.mark.parametrize("headers", [TAG, {"ETag": 'W/"one"'}, {}])
def test_a_cut_connection_is_resumed_within_the_same_call(server, file, headers):
    server.script = [honest(headers=headers, end=end) for end in (100_000, 200_000, None)]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert server.sent == [100_000] * 3


def test_a_later_call_asks_only_for_the_rest(server, file):
    cut_short(server, file)
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert os.listdir(file.parent) == ["file.tar.gz"]
    assert (server.ranges, server.sent) == (["bytes=100000-"], [200_000])


def test_an_interrupted_call_is_resumed(server, file, monkeypatch):
    def interrupt(done, total):
        if done >= 100_000:
            raise KeyboardInterrupt

    monkeypatch.setattr(downloading, "PACE", 0)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, file, on_progress=interrupt)
    kept = left(file)["file.tar.gz.part"]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == [None, f"bytes={kept}-"]
    assert server.sent[-1] == len(PAYLOAD) - kept


def test_a_call_that_was_killed_after_the_last_byte_asks_nothing(server, file):
    cut_short(server, file)
    Path(f"{file}.part").write_bytes(PAYLOAD)
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == []


def test_a_reset_connection_is_tried_again(server, file):
    server.script = [honest(end=100_000, after=reset), honest()]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_a_stalled_connection_is_tried_again(server, file):
    server.script = [honest(end=100_000, after=stall), honest()]
    fetch(server, file, timeouts=(20, 1))
    assert file.read_bytes() == PAYLOAD
    assert server.ranges[:2] == [None, "bytes=100000-"]


def test_a_server_that_stalls_for_ever_is_given_up_and_the_bytes_are_kept(server, file, monkeypatch):
    monkeypatch.setattr(downloading, "WAITS", (1,))
    server.script = [honest(end=100_000, after=stall)]
    line = refusal(server, file, timeouts=(20, 1))
    assert line == f"{server.url}: cannot be fetched: no data for 1 s; {KEPT}, or {ELSEWHERE}"
    assert left(file) == {"file.tar.gz.part": 100_000}
    assert server.ranges == [None, "bytes=100000-"]


def test_a_server_that_never_answers_is_asked_once(server, file):
    server.script = [stall]
    line = refusal(server, file, timeouts=(20, 0.2))
    assert line == f"{server.url}: cannot be fetched: timed out; {ELSEWHERE}"
    assert left(file) == {}
    assert len(server.ranges) == 1


def lie(**headers):
    def behave(request):
        assert request.headers["Range"] == "bytes=100000-"
        place = {"Content-Range": "bytes 100000-299999/300000", **TAG}
        answer(
            request, OTHER[100_000:], 206, {**place, **{name.replace("_", "-"): v for name, v in headers.items()}}
        )

    return behave


@pytest.mark.parametrize(
    "instead",
    [
        lie(Content_Range="bytes 0-199999/300000"),
        lie(Content_Range="bytes 100000-299999/300001"),
        lie(Content_Range=""),
        says(416, Content_Range="bytes */300000"),
    ],
    ids=["another start", "another length", "no place", "out of range"],
)
def test_a_part_that_does_not_fit_is_not_joined(server, file, instead):
    cut_short(server, file)
    server.script = [instead, honest()]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == ["bytes=100000-", None]


def test_a_server_that_ignores_ranges_sends_the_whole_file_again(server, file):
    cut_short(server, file)
    server.script = [says(200, PAYLOAD, **TAG)]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.sent == [len(PAYLOAD)]


def test_pieces_that_do_not_match_are_fetched_whole_once(server, file):
    server.script = [honest(OTHER, end=100_000), honest()]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == [None, "bytes=100000-", None]


def test_what_is_kept_is_good_for_another_server_too(server, file):
    cut_short(server, file)
    fetch(server, file, url=server.url + "?mirror")
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == ["bytes=100000-"]


@pytest.mark.parametrize(
    "instead", [says(404), says(206, OTHER, Content_Range="bytes 100000-200001/200002"), says(200, OTHER + b"x")]
)
def test_another_server_without_the_file_costs_nothing_of_what_is_kept(server, file, instead):
    cut_short(server, file)
    server.script = [instead, says(200, OTHER + b"x")]
    assert f"{KEPT}, or {ELSEWHERE}" in refusal(server, file, url=server.url + "?mirror")
    assert left(file) == {"file.tar.gz.part": 100_000}


def test_bytes_of_another_file_cost_one_more_try(server, file):
    cut_short(server, file)
    Path(f"{file}.part").write_bytes(OTHER[:100_000])
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == ["bytes=100000-", None]


def test_a_part_longer_than_the_file_is_not_used(server, file):
    cut_short(server, file)
    Path(f"{file}.part").write_bytes(PAYLOAD + b"more")
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == [None]


def test_a_wrong_checksum_is_told_and_nothing_is_kept(server, file):
    server.script = [honest(OTHER)]
    line = refusal(server, file)
    assert f"damaged or another file: its MD5 is {md5(OTHER)}, expected {md5(PAYLOAD)}; {ELSEWHERE}" in line
    assert left(file) == {}
    assert len(server.ranges) == 1


def test_a_wrong_checksum_after_resuming_costs_one_more_try(server, file):
    server.script = [honest(OTHER, end=100_000), honest(OTHER)]
    assert "damaged or another file" in refusal(server, file)
    assert left(file) == {}
    assert server.ranges == [None, "bytes=100000-", None]


def test_a_file_of_unknown_length_is_fetched(server, file):
    server.script = [lambda request: answer(request, PAYLOAD, length=None)]
    steps = []
    fetch(server, file, on_progress=lambda *step: steps.append(step))
    assert {total for _, total in steps} == {len(PAYLOAD)}
    assert steps[-1] == (len(PAYLOAD), len(PAYLOAD))


def test_an_early_end_without_a_length_is_no_end(server, file):
    server.script = [lambda request: answer(request, PAYLOAD[:100_000], length=None), says(404)]
    assert f"404 Not Found; {KEPT}" in refusal(server, file)


def chunked(ends):
    def behave(request):
        request.protocol_version = "HTTP/1.1"
        request.close_connection = True
        body = b"%x\r\n%b\r\n" % (len(PAYLOAD), PAYLOAD) + b"0\r\n\r\n"
        headers = {**TAG, "Transfer-Encoding": "chunked", "Connection": "close"}
        answer(request, body[:ends], headers=headers, length=None)

    return behave


def test_a_chunked_answer_that_is_cut_is_tried_again(server, file):
    server.script = [chunked(100_000), chunked(None)]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges[0] is None
    assert server.ranges[1].startswith("bytes=")


def test_more_bytes_than_the_file_has_are_not_read(server, file):
    cut_short(server, file)
    place = {"Content-Range": "bytes 100000-299999/300000"}
    server.script = [lambda request: answer(request, PAYLOAD[100_000:] + b"more", 206, place, length=None)]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_a_server_that_never_ends_is_read_to_the_size_of_the_file(server, file):
    server.script = [lambda request: answer(request, OTHER * 100, length=None)]
    assert "damaged or another file" in refusal(server, file)
    assert left(file) == {}
    assert len(server.ranges) == 1


def test_a_file_that_the_server_calls_encoded_is_kept_as_it_is(server, file):
    server.script = [honest(headers={**TAG, "Content-Encoding": "x-gzip"})]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_a_login_page_is_refused_and_not_kept(server, file):
    server.script = [LOGIN]
    line = refusal(server, file)
    assert line == (
        f"{server.url}: cannot be fetched: 127.0.0.1 sent a web page ('text/html') instead of a gzip file,"
        f" perhaps a proxy's login page; {ELSEWHERE}"
    )
    assert left(file) == {}


def test_a_login_page_by_redirect_is_refused(server, file):
    server.script = [says(302, Location=f"http://localhost:{server.server_port}/login"), LOGIN]
    assert "localhost sent a web page ('text/html') instead of a gzip file" in refusal(server, file)
    assert left(file) == {}


@pytest.mark.parametrize(
    "location", ["http://[", "http://host:99999999/", "ftp://host/file", "//", "/caf\xe9\xff"]
)
def test_a_redirect_to_nowhere_is_one_line(server, file, location):
    server.script = [says(302, Location=location), says(404)]
    assert f"; {ELSEWHERE}" in refusal(server, file)
    assert left(file) == {}


def test_what_comes_with_a_redirect_is_not_read(server, file):
    def flood(request):
        answer(request, bytes(100_000), 302, {"Location": "/there"}, length=10**12)
        stall(request)

    server.script = [flood, honest()]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_an_empty_answer_is_told(server, file):
    server.script = [says(200, b"")]
    assert "127.0.0.1 sent nothing; fetch it" in refusal(server, file)
    assert left(file) == {}


@pytest.mark.parametrize("body", [b"\x1f", b"PK\x03\x04"])
def test_what_is_no_gzip_file_is_refused(server, file, body):
    server.script = [says(200, body, Content_Type="application/\x1bzip")]
    assert r"sent something ('application/\x1bzip') instead of a gzip file" in refusal(server, file)
    assert left(file) == {}


def test_a_login_page_does_not_cost_what_is_kept(server, file):
    cut_short(server, file)
    server.script = [LOGIN]
    assert f"perhaps a proxy's login page; {KEPT}, or {ELSEWHERE}" in refusal(server, file)
    assert left(file) == {"file.tar.gz.part": 100_000}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "401 Unauthorized"),
        (403, "403 Forbidden"),
        (404, "404 Not Found"),
        (407, "407 Proxy Authentication Required"),
        (206, "206 Partial Content"),
        (304, "304 Not Modified"),
    ],
)
def test_a_refusal_is_one_line_with_the_status_and_is_final(server, file, status, said):
    server.script = [says(status, b"<html>")]
    line = refusal(server, file)
    assert line == f"{server.url}: cannot be fetched: the server or a proxy answers {said}; {ELSEWHERE}"
    assert left(file) == {}
    assert len(server.ranges) == 1


@pytest.mark.parametrize("status", [503, 429])
def test_a_busy_server_is_asked_again(server, file, status):
    server.script = [says(status), says(status), honest()]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_a_server_that_stays_busy_is_given_up(server, file):
    server.script = [says(503)]
    assert f"answers 503 Service Unavailable; {ELSEWHERE}" in refusal(server, file)
    assert left(file) == {}
    assert len(server.ranges) == 5


def test_a_redirect_is_followed(server, file):
    server.script = [says(302, Location="/there"), honest()]
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_a_redirect_in_circles_is_one_line(server, file):
    server.script = [says(302, Location="/file.tar.gz")]
    assert "cannot be fetched: exceeded 30 redirects" in refusal(server, file)
    assert left(file) == {}


@pytest.fixture
def closed():
    """An address where nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_closed_port_is_one_line(server, file, closed):
    line = refusal(server, file, url=f"http://{closed}/x")
    assert line == f"http://{closed}/x: cannot be fetched: connection refused; {ELSEWHERE}"
    assert left(file) == {}


def test_a_name_that_does_not_resolve_is_one_line(server, file):
    line = refusal(server, file, url="http://nowhere.invalid/x")
    assert line.startswith("http://nowhere.invalid/x: cannot be fetched: the name cannot be looked up: ")
    assert line.endswith(f"; {ELSEWHERE}")
    assert left(file) == {}


def test_a_network_that_is_gone_leaves_what_was_kept(server, file):
    cut_short(server, file)
    server.shutdown()
    server.socket.close()
    assert f"connection refused; {KEPT}, or {ELSEWHERE}" in refusal(server, file)
    assert left(file) == {"file.tar.gz.part": 100_000}


def test_a_server_without_tls_is_one_line(server, file):
    line = refusal(server, file, url=f"https://{server.address}/x")
    assert "the server speaks no TLS at this address; it may be http:// in place of https://" in line
    assert left(file) == {}


@pytest.mark.parametrize(
    ("proxy", "said"),
    [("socks5://127.0.0.1:1", "pip install pysocks"), ("http://[", "the proxy that is set is not one")],
)
def test_a_proxy_that_cannot_be_used_is_named(server, file, monkeypatch, proxy, said):
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    assert said in refusal(server, file, url="http://example.invalid/x")


def test_a_pipe_in_the_place_of_the_part_is_not_waited_for(server, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file.with_name(f"{file.name}.part"))
    assert "is in the way of the download and is not a file" in refusal(server, file)


def test_missing_certificates_are_one_line(server, file, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/Nowhere/ca.pem")
    line = refusal(server, file, url=f"https://{server.address}/x")
    assert "could not find a suitable TLS CA certificate bundle, invalid path: /Nowhere/ca.pem" in line


def test_an_answer_with_two_lengths_is_one_line(server, file):
    server.script = [says(200, PAYLOAD, Content_Length="7")]
    assert f"cannot be fetched: no proper answer; {ELSEWHERE}" in refusal(server, file)


def test_a_server_that_speaks_no_http_is_one_line(server, file):
    server.script = [lambda request: request.wfile.write(b"SSH-2.0-OpenSSH\r\n")]
    assert f"cannot be fetched: no proper answer; {ELSEWHERE}" in refusal(server, file)


def test_a_proxy_that_is_not_there_is_one_line(server, file, closed, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{closed}")
    line = refusal(server, file, url="http://nowhere.invalid/x")
    assert f"cannot be fetched: the proxy cannot be used: connection refused; {ELSEWHERE}" in line
    assert left(file) == {}


def test_a_proxy_that_asks_for_a_password_is_one_line(server, file, monkeypatch):
    monkeypatch.setenv("https_proxy", f"http://{server.address}")
    line = refusal(server, file, url="https://nowhere.invalid/x")
    assert "the proxy cannot be used: tunnel connection failed: 407 Proxy Authentication Required" in line


def test_a_proxy_is_used(server, file, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{server.address}")
    fetch(server, file, url="http://nowhere.invalid/x")
    assert file.read_bytes() == PAYLOAD


def free(monkeypatch, size):
    monkeypatch.setattr("tfpt_tui.data.download.free_bytes", lambda _: size)


def test_a_disk_without_room_is_noticed_before_the_start(server, file, monkeypatch):
    free(monkeypatch, 200_000)
    line = refusal(server, file)
    assert line == (
        f"{file.parent}: 0.3 MB are needed and 0.2 MB are free; free some room or choose another directory"
    )
    assert left(file) == {}
    assert server.ranges == []


def test_what_is_kept_needs_no_room_again(server, file, monkeypatch):
    cut_short(server, file)
    free(monkeypatch, 150_000)
    assert f"0.2 MB are needed and 0.1 MB are free; free some room or choose another directory, then {KEPT}" in (
        refusal(server, file)
    )
    free(monkeypatch, 200_000)
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


class FullDisk(FileIO):
    """A file on a disk with room for so many bytes."""

    room = 100_000

    def write(self, block):
        room = self.room - os.fstat(self.fileno()).st_size
        if room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(block[:room])


@pytest.fixture
def full_disk(monkeypatch):
    real = Path.open

    def open_file(path, mode="r", *args, **options):
        return FullDisk(path, mode) if path.suffix == ".part" else real(path, mode, *args, **options)

    monkeypatch.setattr(Path, "open", open_file)


def test_a_disk_that_fills_up_is_told_and_the_bytes_are_kept(server, file, full_disk, monkeypatch):
    line = refusal(server, file)
    assert line == (
        f"{file}.part: cannot write: no space left on device;"
        f" free some room or choose another directory, then {KEPT}"
    )
    assert left(file) == {"file.tar.gz.part": 100_000}
    monkeypatch.setattr(FullDisk, "room", 1_000_000)
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD
    assert server.ranges == [None, "bytes=100000-"]


def test_a_directory_that_cannot_be_made_is_one_line(server, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot write: not a directory" in refusal(server, tmp_path / "file/below/x.tar.gz")
    assert server.ranges == []


def test_what_is_kept_is_counted(file):
    assert kept_bytes(file) == 0
    file.parent.mkdir()
    Path(f"{file}.part").write_bytes(b"part")
    assert kept_bytes(file) == 4
    file.write_bytes(b"whole")
    assert kept_bytes(file) == 5


def test_a_directory_of_downloads_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(MissingError, match="cannot read what is fetched: too many levels of symbolic links"):
        kept_bytes(tmp_path / "loop/file.tar.gz")


def test_a_file_system_without_locks_does_not_keep_it_from_being_fetched(server, file, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    fetch(server, file)
    assert file.read_bytes() == PAYLOAD


def test_two_downloads_of_one_file_do_not_meet(server, file):
    cut_short(server, file)
    with open(f"{file}.part", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        line = refusal(server, file)
        assert line == f"{file}.part: another tfpt-tui is fetching it; wait for that one"
    assert left(file) == {"file.tar.gz.part": 100_000}
    assert server.ranges == []


@pytest.mark.parametrize("end", [lambda part, file: part.rename(file), lambda part, file: part.unlink()])
def test_a_part_that_the_other_download_just_finished_is_not_touched(tmp_path, end):
    part, file = tmp_path / "x.part", tmp_path / "x"
    with part.open("ab", buffering=0) as handle:
        handle.write(b"done")
        end(part, file)
        with (
            pytest.raises(MissingError, match="another tfpt-tui"),
            downloading._claimed(part, handle),
        ):
            pytest.fail("this is not ours")
    assert not file.exists() or file.read_bytes() == b"done"


@pytest.mark.parametrize("length", [10**15, 2, "9" * 5000])
def test_a_file_of_another_size_is_not_begun(server, file, length):
    def announce(request):
        request.send_response(200)
        request.send_header("Content-Length", str(length))
        request.end_headers()
        request.wfile.write(PAYLOAD)

    server.script = [announce]
    assert "the server has another file (" in refusal(server, file)
    assert left(file) == {}


SECRET = "http://user:secret@{}/file.tar.gz?token=secret"


def test_a_password_in_a_url_is_used_and_never_shown(server, file):
    server.script = [says(404)]
    line = refusal(server, file, url=SECRET.format(server.address))
    assert line.startswith(f"{server.url}: cannot be fetched")
    assert "secret" not in line


@pytest.mark.parametrize("location", ["http://user:secret@[", "ftp://user:secret@host", "http://user:secret@.../"])
def test_a_password_in_a_redirect_is_never_shown(server, file, location):
    server.script = [says(302, Location=location)]
    assert "secret" not in refusal(server, file)


def test_a_url_is_shown_without_what_may_be_secret():
    assert shown_url("HTTPS://user:p@ss@Host:8/path/file?key=1#x") == "https://Host:8/path/file"


@pytest.mark.parametrize("url", ["http://host/x", "HTTP://host/x", "https://user:secret@[::1]:8/x"])
def test_addresses_that_can_be_asked(url):
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host/secret",
        "ftp://host/secret",
        "http://",
        "http:///secret",
        "http://secret@[",
        "http://u:sec/ret@host/",
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_and_not_repeated(url):
    with pytest.raises(UsageError, match="--url: ") as caught:
        check_url(url)
    assert "sec" not in str(caught.value)
