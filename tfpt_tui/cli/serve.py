"""``tfpt-tui serve``: the app in a browser, for whoever has its address on this machine."""

from __future__ import annotations

import os
import pwd
import secrets
import shlex
import socket
import sys
from contextlib import suppress

import click

from tfpt_tui.cli.invocation import SERVER, Invocation, pass_invocation, say
from tfpt_tui.errors import MissingError
from tfpt_tui.own_process import own_command

HOST = "127.0.0.1"
DEFAULT_PORT = 8022
TOKEN_BYTES = 24


@click.command()
@click.option("--port", default=DEFAULT_PORT, type=click.IntRange(1, 65535), show_default=True)
@click.option("--no-token", is_flag=True, help="Let every user of this machine in; the address has no token.")
@pass_invocation
def serve(invocation: Invocation, port: int, no_token: bool) -> None:
    """Show the app in a browser, on 127.0.0.1 only; from elsewhere it is reached through ssh -L.

    Whoever has the address that it prints may do what you may: it holds a token. Needs the extra "web".

    \b
    Example:
      tfpt-tui serve --port 8000
    """
    try:
        from tfpt_tui.cli.web import LocalServer
    except ImportError:
        raise MissingError(
            f"textual-serve is not installed; install it with: {sys.executable} -m pip install textual-serve"
        ) from None
    _check_port(port)
    options = ["--ascii"] * invocation.ascii_only + ["--no-mouse"] * (not invocation.mouse)
    command = own_command("tfpt_tui", "--runs", str(invocation.paths.runs), *options)
    token = "" if no_token else secrets.token_urlsafe(TOKEN_BYTES)
    say(f"http://{HOST}:{port}/{f'?token={token}' if token else ''} shows the app; Ctrl-C ends it, runs continue")
    say(f"from another machine: ssh -L {port}:{HOST}:{port} {_user()}@{socket.gethostname()}")
    os.environ[SERVER] = str(os.getpid())
    # exec: the shell that textual-serve starts becomes the app, and no process stands between us.
    LocalServer(f"exec {shlex.join(command)}", HOST, port, "tfpt-tui", token).serve()


def _user() -> str:
    with suppress(KeyError):  # a container's user may have no name
        return pwd.getpwuid(os.getuid()).pw_name
    return "USER"


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # As the server will: a port that a server left a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise MissingError(f"{HOST}:{port}: {reason}; choose another port with --port") from None
