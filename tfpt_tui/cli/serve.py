"""``tfpt-tui serve``: the app in a browser, for this machine alone."""

from __future__ import annotations

import getpass
import shlex
import socket
import sys

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say
from tfpt_tui.errors import MissingError

HOST = "127.0.0.1"
DEFAULT_PORT = 8022


@click.command()
@click.option("--port", default=DEFAULT_PORT, type=click.IntRange(1, 65535), show_default=True)
@pass_invocation
def serve(invocation: Invocation, port: int) -> None:
    """Show the app in a browser, on 127.0.0.1 only; from elsewhere it is reached through ssh -L.

    Whoever may connect may do what you may: there is no password. Needs the extra "web".
    """
    try:
        from tfpt_tui.cli.web import LocalServer
    except ImportError:
        raise MissingError(
            f"textual-serve is not installed; install it with: {sys.executable} -m pip install textual-serve"
        ) from None
    _check_port(port)
    command = [sys.executable, "-m", "tfpt_tui", "--runs", str(invocation.paths.runs)]
    command += ["--ascii"] * invocation.ascii_only
    say(f"http://{HOST}:{port} shows the app; Ctrl-C ends it, runs continue")
    say(f"from another machine: ssh -L {port}:{HOST}:{port} {getpass.getuser()}@{socket.gethostname()}")
    LocalServer(shlex.join(command), HOST, port, title="tfpt-tui").serve()


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # As the server will: a port that a server left a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise MissingError(f"{HOST}:{port}: {reason}; choose another port with --port") from None
