"""A local HTTP server that does what its script says: serves a file honestly, cuts, stalls and lies."""

import http.server
import os
import random
import socket
import struct
import threading

from tfpt_tui.data.download import GZIP

PAYLOAD = GZIP + random.Random(0).randbytes(299_998)
OTHER = GZIP + random.Random(1).randbytes(299_998)  # as long, of the same kind, and not the file
TAG = {"ETag": '"one"'}
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        script = self.server.script
        self.server.ranges.append(self.headers.get("Range"))
        (script.pop(0) if len(script) > 1 else script[0])(self)

    def do_CONNECT(self):
        self.send_error(407)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Does what its script says, request by request; the script's last line holds for all that follow."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.address}/file.tar.gz"
        self.script = [honest()]
        self.ranges = []
        self.sent = []
        self.over = threading.Event()

    def handle_error(self, *_):
        pass  # the client went away: often what the test is about


def serve(monkeypatch):
    """A server for one test, which no proxy of the environment stands before."""
    for name in (*PROXIES, *(name.upper() for name in PROXIES), *BUNDLES):
        monkeypatch.delenv(name, raising=False)
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


def answer(request, body, status=200, headers=TAG, length=-1):
    """``length``: what the header says; the true one for -1, none for None."""
    request.server.sent.append(len(body))
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    if length is not None:
        request.send_header("Content-Length", str(len(body) if length < 0 else length))
    request.end_headers()
    request.wfile.write(body)


def honest(payload=PAYLOAD, headers=TAG, end=None, after=lambda request: None):
    """A server that knows Range; it stops after the byte ``end`` of the file and does ``after``."""

    def behave(request):
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        place = {"Content-Range": f"bytes {start}-{len(payload) - 1}/{len(payload)}"} if start else {}
        status = 206 if start else 200
        answer(request, payload[start:end], status, {**headers, **place}, length=len(payload) - start)
        after(request)

    return behave


def reset(request):
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(request.connection.detach())


def stall(request):
    request.server.over.wait(60)


def says(status, body=b"", **headers):
    return lambda request: answer(
        request, body, status, {name.replace("_", "-"): v for name, v in headers.items()}
    )


LOGIN = says(200, b"\n<html>Room number?</html>", Content_Type="text/html; charset=utf-8", **TAG)
