"""A tfpt-tui on another machine, started by the user's own OpenSSH and spoken to through its pipes.

Keys, users, ports, jumps and shared connections are those of the user's ssh: what ``ssh HOST`` does, this does.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar, cast

from tfpt_tui import __version__
from tfpt_tui.config.machines import Machine
from tfpt_tui.errors import MissingError, TfptError, UsageError, cannot
from tfpt_tui.machines.wire import (
    Frame,
    Greeting,
    Refused,
    Request,
    read_frame,
    read_greeting,
    write_frame,
)
from tfpt_tui.own_process import own_command

CONNECT_S = 15
# From the start of ssh to the first word of tfpt-tui there: a cold Python on a busy disk takes some seconds.
GREETING_S = 60.0
# A connection of which nothing is heard for so long is given up (ssh_config(5), ServerAliveInterval).
ALIVE_S, ALIVE_TIMES = 10, 3
END_S = 5.0
AGENT = "machines agent"
SAID_BYTES = 1 << 16

# What ssh says where it fails, and what to do about it.
REASONS = (
    ("could not resolve hostname", "no host of that name; correct host in config.toml, or your ~/.ssh/config"),
    (
        "remote host identification has changed",
        "its host key is another than before; if it was installed anew: ssh-keygen -R HOST, if not, ask its owner",
    ),
    ("host key verification failed", "its host key is not known here; connect once by hand: ssh HOST"),
    ("permission denied", "it refuses your key; let it in first: ssh-copy-id HOST"),
    ("connection refused", "nothing answers there for ssh; is sshd running, and the port right?"),
    ("timed out", "it does not answer; is it on, and the network up?"),
    ("no route to host", "there is no way to it; is it on, and the network up?"),
    ("network is unreachable", "there is no way to it; is the network up?"),
)
NO_COMMAND, SSH_FAILED = 127, 255
Answer = TypeVar("Answer", bound=Frame)


class UnreachableError(MissingError):
    """The machine, or the tfpt-tui there, cannot be reached now; it may be later."""


@dataclass(frozen=True)
class Connection:
    """``sent`` and ``greeted`` are our wall clock, before the connection was asked for and at its greeting."""

    machine: Machine
    greeting: Greeting
    sent: float
    greeted: float
    to_there: BinaryIO
    from_there: BinaryIO

    def say(self, request: Request) -> None:
        """Raises UnreachableError where the connection is lost."""
        try:
            write_frame(self.to_there, request)
        except OSError:
            raise UnreachableError(f"{self.machine.name}: the connection was lost") from None

    def hear(self) -> Iterator[tuple[Frame, bytes]]:
        """What is said there, to its end.

        Raises:
            TfptError: what was wanted is refused there.
            MissingError: what is said is not ours.
        """
        while said := self._read():
            frame, content = said
            if isinstance(frame, Refused):
                raise _refusal(self.machine, frame)
            yield frame, content

    def _read(self) -> tuple[Frame, bytes] | None:
        try:
            return read_frame(self.from_there)
        except MissingError as error:
            raise MissingError(f"{self.machine.name}: {error}") from None

    def hear_one(self, kind: type[Answer]) -> Answer:
        """The next frame, which is of that kind. Raises as :meth:`hear`, and UnreachableError where none comes."""
        for frame, _ in self.hear():
            if isinstance(frame, kind):
                return frame
        raise UnreachableError(
            f"{self.machine.name}: the connection was lost before it answered; what was wanted may have been done"
        )


@contextmanager
def connected(machine: Machine, request: Request, *, same_version: bool = True) -> Iterator[Connection]:
    """Reach the machine, and say what is wanted there.

    Raises:
        UnreachableError: it cannot be reached, or tfpt-tui is not there; the line says why and what to do.
        MissingError: another version is there.
    """
    sent = time.time()
    with _scratch() as said:
        try:
            ssh = subprocess.Popen(
                _command(machine),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            raise UnreachableError(f"ssh: cannot be started: {error.strerror}; install OpenSSH") from None
        to_there, from_there = cast(BinaryIO, ssh.stdin), cast(BinaryIO, ssh.stdout)
        try:
            impatience = threading.Timer(GREETING_S, ssh.kill)
            impatience.start()
            try:
                greeting = read_greeting(from_there)
            finally:
                impatience.cancel()
            if greeting is None:
                raise UnreachableError(f"{machine.name}: {_explain(machine, _end(ssh), said)}")
            if same_version and greeting.tfpt_tui != __version__:
                raise MissingError(other_version(machine, greeting))
            connection = Connection(machine, greeting, sent, time.time(), to_there, from_there)
            connection.say(replace(request, machine=machine))
            yield connection
        finally:
            with suppress(OSError):
                to_there.close()
            from_there.close()
            _end(ssh)


def _scratch() -> BinaryIO:
    try:
        return cast(BinaryIO, tempfile.TemporaryFile())
    except OSError as error:
        raise cannot("keep what ssh says", tempfile.gettempdir(), error) from None


def other_version(machine: Machine, greeting: Greeting) -> str:
    """The line for a machine with another version than ours."""
    return (
        f"{machine.name}: has tfpt-tui {greeting.tfpt_tui}, and this one is {__version__}: update the older one,"
        " they must be the same"
    )


def _command(machine: Machine) -> list[str]:
    options = {
        "BatchMode": "yes",  # it asks for nothing: nobody would see the question
        "ControlMaster": "no",  # of others, who would be cut off with it; one that is there is used
        "ConnectTimeout": CONNECT_S,
        "ServerAliveInterval": ALIVE_S,
        "ServerAliveCountMax": ALIVE_TIMES,
    }
    settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    if not machine.host:  # this machine is the login node
        return own_command("tfpt_tui", *AGENT.split())
    # -T: no terminal, which would change bytes. The command is the user's own line for the shell there; all else
    # goes through the pipe, where no shell reads it.
    return ["ssh", "-T", *settings, "--", machine.host, f"{machine.command} {AGENT}"]


def _end(ssh: subprocess.Popen[bytes]) -> int:
    """Wait for its end, which its closed pipes bring about; returns its exit code."""
    try:
        return ssh.wait(END_S)
    except subprocess.TimeoutExpired:
        ssh.kill()
        return ssh.wait()


def _explain(machine: Machine, code: int, said: BinaryIO) -> str:
    """Why there is no greeting, and what to do, from what ssh and the shell there said."""
    said.seek(0)
    text = said.read(SAID_BYTES).decode("utf-8", "replace")
    for part, reason in REASONS:
        if code == SSH_FAILED and part in text.lower():
            return reason.replace("HOST", machine.host)
    if code == NO_COMMAND:
        return (
            f"{machine.command!r} is not found there; install tfpt-tui, or set command under"
            f" [machines.{machine.name}] to its full path"
        )
    if code == -signal.SIGKILL:
        return f"it answers ssh, but tfpt-tui does not start there within {GREETING_S:.0f} s"
    lines = [line for line in text.splitlines() if line.strip()]
    return f"tfpt-tui does not start there: {lines[-1].strip() if lines else f'exit code {code}'}"


def _refusal(machine: Machine, refused: Refused) -> TfptError:
    for kind in (UsageError, MissingError):
        if refused.code == kind.exit_code:
            return kind(f"{machine.name}: {refused.problem}")
    return TfptError(f"{machine.name}: {refused.problem}")
