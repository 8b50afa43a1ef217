"""Clients that write numbered changes as fast as they are acknowledged, all in one thread."""

from __future__ import annotations

import select
import selectors
import time
from collections import deque
from collections.abc import Callable
from random import Random

import hiredis

from crashes.events import Events
from crashes.ledger import Ledger
from crashes.target import Broken, connect, encode
from crashes.writes import commands

TICK_S = 0.001


class _Writer:
    """One client: its socket, and how many replies each unacknowledged change still has to come."""

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.reader = hiredis.Reader()
        self.replies_left: deque[int] = deque()


class Writers:
    """A client for each account of a ledger. Each sends a few changes, waits for their replies, and sends again.

    A change is acknowledged when its last reply is here. `gone` tells that the server has hung up.
    """

    def __init__(self, port: int, ledger: Ledger, random: Random, most_at_once: int = 8) -> None:
        self.gone = False
        self._ledger = ledger
        self._random = random
        self._most_at_once = most_at_once
        self._writers = [_Writer(port) for _ in ledger.accounts]
        self._control = connect(port)
        self._control_reader = hiredis.Reader()

    def pump(self, seconds: float, done: Callable[[], bool] | None = None, events: Events | None = None) -> None:
        """Write for so long, or until `done` says so after some replies or an event, or the server hangs up."""
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for number, writer in enumerate(self._writers):
                selector.register(writer.socket, selectors.EVENT_READ, number)
                if not writer.replies_left:
                    self._send(number)
            if events is not None and events.fd >= 0:
                selector.register(events.fd, selectors.EVENT_READ, -1)
            while not self.gone and time.monotonic() < until and not (done is not None and done()):
                for key, _ in selector.select(TICK_S):
                    if key.data >= 0 and self._receive(key.data) and not self.gone:
                        self._send(key.data)

    def command(self, *words: bytes) -> None:
        """Send a command over a connection of its own, and do not wait for its reply."""
        try:
            self._control.sendall(encode(list(words)))
        except OSError:
            self.gone = True

    def reply(self, seconds: float = 0.0) -> object:
        """The next reply to `command`, or False when it is not here in time or never will be."""
        reply = self._control_reader.gets()
        if reply is False and select.select([self._control], [], [], seconds)[0]:
            try:
                self._control_reader.feed(self._control.recv(1 << 16))
            except OSError:
                return False
            reply = self._control_reader.gets()
        return reply

    def drain(self) -> None:
        """Take the replies that a server sent before its end."""
        for number, writer in enumerate(self._writers):
            writer.socket.settimeout(30)
            while writer.replies_left and not self._receive(number, until_empty=True):
                pass

    def close(self) -> None:
        """Hang up."""
        for sock in [*(writer.socket for writer in self._writers), self._control]:
            sock.close()

    def _send(self, number: int) -> None:
        account, writer = self._ledger.accounts[number], self._writers[number]
        data: list[bytes] = []
        for _ in range(self._random.randint(1, self._most_at_once)):
            change = commands(number, account.sent + 1 + len(data))
            writer.replies_left.append(len(change))
            data.append(b"".join(map(encode, change)))
        account.sent_at += [time.monotonic()] * len(data)
        try:
            writer.socket.sendall(b"".join(data))
        except OSError:
            self.gone = True

    def _receive(self, number: int, until_empty: bool = False) -> bool:
        """Take what has arrived; whether nothing more is to be waited for: all acknowledged, or the server gone."""
        writer = self._writers[number]
        try:
            data = writer.socket.recv(1 << 16)
        except (TimeoutError, ConnectionResetError):
            data = b""
        if not data:
            self.gone = True
            return True
        now = time.monotonic()
        writer.reader.feed(data)
        left = writer.replies_left
        while left and (reply := writer.reader.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                raise Broken(f"a write was refused: {reply}")
            left[0] -= 1
            if left[0] == 0:
                left.popleft()
                self._ledger.accounts[number].acked_at.append(now)
        return not left
