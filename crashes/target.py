"""The server that is killed: a command and a directory that outlives each of its processes."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import hiredis

LOG_TAIL = 3000
PORT_TAKEN = os.strerror(errno.EADDRINUSE)


class Broken(Exception):
    """The server did not keep a promise; the text says which."""


def connect(port: int) -> socket.socket:
    """A connection that sends at once."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def encode(words: list[bytes]) -> bytes:
    """A command as clients send it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def ask(port: int, commands: list[list[bytes]]) -> list[object]:
    """Send commands over a connection of their own and return their replies (errors as hiredis.ReplyError)."""
    with connect(port) as sock:
        sock.sendall(b"".join(map(encode, commands)))
        reader = hiredis.Reader()
        replies: list[object] = []
        while len(replies) < len(commands):
            reply = reader.gets()
            if reply is not False:
                replies.append(reply)
                continue
            data = sock.recv(1 << 20)
            if not data:
                raise ConnectionResetError("the server hung up")
            reader.feed(data)
        return replies


class Target:
    """A server command run over and over in one directory, each time as a process group of its own."""

    def __init__(
        self,
        command: list[str],
        directory: Path,
        port: int,
        options: list[str],
        environment: dict[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.port = port
        self.log_path = directory.parent / "server.log"
        self.starts = 0
        self._environment = environment
        self._words = [*command, "--port", str(port), "--dir", str(directory), *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the last start."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start the command, and do not wait."""
        self.starts += 1
        with self.log_path.open("ab") as log:
            log.write(b"\n--- start %d\n" % self.starts)
            log.flush()
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment,
            )

    def wait_until_ready(self, seconds: float) -> float:
        """Wait for the first PONG and return how long that took; a server that does not start is a broken promise."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            if self.process.poll() is not None:
                if not self.port_was_taken():
                    raise Broken(f"the server does not start, status {self.process.returncode}:\n{self.log_tail()}")
                time.sleep(0.1)
                self.start()
            try:
                if ask(self.port, [[b"PING"]]) in ([b"PONG"], ["PONG"]):
                    return time.monotonic() - begun
            except OSError:
                pass
            time.sleep(0.002)
        raise Broken(f"the server does not answer after {seconds:g} s:\n{self.log_tail()}")

    def port_was_taken(self) -> bool:
        """Whether the last start failed because somebody else used the port just then."""
        log = self.log_path.read_text(errors="replace")
        return PORT_TAKEN in log.rpartition("--- start")[2]

    def kill(self) -> None:
        """SIGKILL to the server alone: its children are left behind."""
        self.process.kill()
        self.process.wait()
        self._groups.append(self.process.pid)

    def sweep(self) -> None:
        """SIGKILL to all children that killed servers have left behind."""
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # none was left
        self._groups.clear()

    def log_tail(self) -> str:
        """The end of what the server has printed."""
        return self.log_path.read_text(errors="replace")[-LOG_TAIL:]
