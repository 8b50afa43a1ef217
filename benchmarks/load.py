"""Load generators over raw sockets, for what redis-benchmark cannot do.

Requests are encoded beforehand and sent in large pieces, and replies are not parsed: a PING at the end of a piece tells
by its +PONG that all before it was answered. So the client costs little beside the server it measures.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PING = b"*1\r\n$4\r\nPING\r\n"
PONG = b"+PONG\r\n"


class LoadFailed(Exception):
    """A server answered with an error, or not at all."""


def encode(*words: bytes | str | int | float) -> bytes:
    """A command as clients send it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def pieces(commands: Iterable[bytes], size: int) -> Iterator[tuple[bytes, int]]:
    """Encoded commands joined into pieces of `size`, each with how many it has."""
    some: list[bytes] = []
    for one in commands:
        some.append(one)
        if len(some) == size:
            yield b"".join(some), size
            some = []
    if some:
        yield b"".join(some), len(some)


def connect(port: int, timeout: float | None = 120.0) -> socket.socket:
    """A connection that sends at once."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _await_pong(sock: socket.socket, buffer: bytearray) -> None:
    tail = b""
    while True:
        got = sock.recv_into(buffer)
        if got == 0:
            raise LoadFailed("the server hung up")
        if b"-ERR" in (start := bytes(buffer[:64])) or b"-WRONG" in start:
            raise LoadFailed(bytes(buffer[: min(got, 200)]).decode(errors="replace"))
        tail = (tail + bytes(buffer[max(0, got - len(PONG)) : got]))[-len(PONG) :]
        if tail == PONG:
            return


class Flood:
    """Sends commands as fast as a server takes them, in pieces, over a few connections in turns: it never idles."""

    def __init__(self, port: int, connections: int = 4) -> None:
        self._sockets = [connect(port) for _ in range(connections)]
        self._buffer = bytearray(1 << 18)

    def run(self, commands: Iterable[bytes], piece: int = 100) -> float:
        """Send all of them and return how many seconds that took; encoding is not counted."""
        return self.run_pieces([data + PING for data, _ in pieces(commands, piece)])

    def run_pieces(self, encoded: Sequence[bytes]) -> float:
        """Send pieces that end in a PING each."""
        waiting: deque[socket.socket] = deque()
        free = list(self._sockets)
        started = time.perf_counter()
        for data in encoded:
            if not free:
                first = waiting.popleft()
                _await_pong(first, self._buffer)
                free.append(first)
            sock = free.pop()
            sock.sendall(data)
            waiting.append(sock)
        while waiting:
            _await_pong(waiting.popleft(), self._buffer)
        return time.perf_counter() - started

    def fill(self, commands: Iterable[bytes], piece: int = 200) -> None:
        """Send them without holding all encoded ones in memory."""
        some: list[bytes] = []
        for data, _ in pieces(commands, piece):
            some.append(data + PING)
            if len(some) == 256:
                self.run_pieces(some)
                some = []
        self.run_pieces(some)

    def close(self) -> None:
        """Hang up."""
        for sock in self._sockets:
            sock.close()

    def __enter__(self) -> Flood:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def scheduled_s(pid: int) -> tuple[float, float]:
    """Seconds that all threads of a process have run, and that its main thread has waited for a processor."""
    ran = waited = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = Path(task, "schedstat").read_text().split()
        ran += int(fields[0])
        if task.name == str(pid):
            waited = int(fields[1])
    return ran / 1e9, waited / 1e9


@dataclass
class Latencies:
    """What paced requests saw: milliseconds from the sending to the reply.

    `own_ms` has, for the same requests, what is left when the time is taken off that the server and this generator
    waited for a processor: a busy machine's share. `late_ms` is the longest delay of the generator itself.
    """

    ms: list[float] = field(default_factory=list)
    own_ms: list[float] = field(default_factory=list)
    late_ms: float = 0.0
    sent: int = 0

    @staticmethod
    def percentile(values: list[float], percent: float) -> float:
        """The value that `percent` of all do not exceed."""
        ordered = sorted(values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


class Paced:
    """Sends requests at a fixed rate, whatever the server does, so that a pause is seen by all who wait in it.

    Every tick some of 50 connections send one request each, whose replies are timed, and `load_connections` others send
    a batch each of a load that is not timed. Nothing waits for earlier replies: each connection keeps when its
    unanswered requests were sent.
    """

    TICK_S = 0.001

    def __init__(self, port: int, pid: int, rate: int, load: Sequence[bytes] = (), load_connections: int = 0) -> None:
        self.per_tick = max(1, round(rate * self.TICK_S))
        self._poll = select.epoll()
        self._sockets = [connect(port) for _ in range(max(50, self.per_tick))]
        self._load = load
        self._load_sockets = [connect(port) for _ in range(load_connections)]
        self._by_fd = {sock.fileno(): sock for sock in self._sockets + self._load_sockets}
        self._sent: dict[int, deque[tuple[float, float]]] = {fd: deque() for fd in self._by_fd}
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)
        self._waited = [os.open(f"/proc/{one}/schedstat", os.O_RDONLY) for one in (pid, os.getpid())]

    def _waited_s(self) -> float:
        return sum(int(os.pread(fd, 64, 0).split()[1]) for fd in self._waited) / 1e9

    def run(self, requests: Sequence[bytes], seconds: float) -> Latencies:
        """Send `requests` (of one reply each, which fits in a read) over and over; return what they saw."""
        seen = Latencies()
        sockets, sent = self._sockets, self._sent
        place = turn = batch = 0
        now = time.perf_counter()
        due, end = now, now + seconds
        while now < end:
            waited = self._waited_s()
            seen.late_ms = max(seen.late_ms, (now - due) * 1e3)
            if now - due > 0.05:
                due = now  # this process was held up: do not make the server pay for it
            for _ in range(self.per_tick):
                sock = sockets[turn]
                turn = turn + 1 if turn + 1 < len(sockets) else 0
                sent[sock.fileno()].append((time.perf_counter(), waited))
                sock.sendall(requests[place])
                place = place + 1 if place + 1 < len(requests) else 0
            for sock in self._load_sockets:
                sock.sendall(self._load[batch])
                batch = batch + 1 if batch + 1 < len(self._load) else 0
            seen.sent += self.per_tick
            due += self.TICK_S
            self._receive(seen, due)
            now = time.perf_counter()
        last = now + 10
        while any(sent.values()) and now < last:
            self._receive(seen, now + 0.01)
            now = time.perf_counter()
        if any(sent.values()):
            raise LoadFailed("replies are missing")
        return seen

    def _receive(self, seen: Latencies, until: float) -> None:
        """Take replies until `until`; each read of a connection answers its oldest unanswered requests."""
        while True:
            left = until - time.perf_counter()
            events = self._poll.poll(max(left, 0))
            if events:
                waited = self._waited_s()
                now = time.perf_counter()
                for fd, _ in events:
                    data = self._by_fd[fd].recv(1 << 16)
                    if not data:
                        raise LoadFailed("the server hung up")
                    queue = self._sent[fd]
                    if not queue:
                        continue  # of the load that is not timed
                    for _ in range(min(len(queue), count_replies(data))):
                        at, waited_then = queue.popleft()
                        ms = (now - at) * 1e3
                        seen.ms.append(ms)
                        seen.own_ms.append(max(0.0, ms - (waited - waited_then) * 1e3))
            if time.perf_counter() >= until:
                return

    def close(self) -> None:
        """Hang up."""
        for sock in self._by_fd.values():
            sock.close()
        self._poll.close()
        for fd in self._waited:
            os.close(fd)

    def __enter__(self) -> Paced:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def count_replies(data: bytes) -> int:
    """How many replies begin in what was read at once (RESP2)."""
    at = replies = 0
    while at < len(data):
        at, replies = _skip(data, at), replies + 1
    return replies


def _skip(data: bytes, at: int) -> int:
    """The offset after the reply at `at`."""
    start = at
    end = data.find(b"\r\n", at)
    if end < 0:
        return len(data)
    kind = data[at : at + 1]
    if kind == b"$":
        size = int(data[at + 1 : end])
        return end + 2 + (size + 2 if size >= 0 else 0)
    if kind == b"*":
        at = end + 2
        for _ in range(int(data[start + 1 : end])):
            at = _skip(data, at)
        return at
    return end + 2
