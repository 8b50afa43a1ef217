"""The port for metrics: HTTP, served by the loop between its clients.

A connection is good for one request. Who is slow, sends too much or does not read is closed; who comes while all places
are taken waits in the system's queue, and of those that hold a place without having asked anything the old ones then
give way. So the port costs little memory, a page every tenth of a second at most, and no client anything else. It asks
nobody for a password: `metrics-bind` says who can reach it, this machine alone by default.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from respd.listeners import METRICS, Listener, Listeners
from respd.metrics import MEDIA_TYPE, Metrics
from respd.protocol.http import HEAD_SIZE, TEXT, BadRequest, Request, answer, read_request

if TYPE_CHECKING:
    from respd.engine import Engine

MOST_VISITORS: Final = 8
REQUEST_S: Final = 5.0  # that a request may take to arrive
CROWDED_S: Final = 1.0  # the same while others wait for a place
READING_S: Final = 10.0  # that a visitor may take to read the answer
_LEAVING_S: Final = 1.0  # and to hang up
_SEND_BUFFER: Final = 512 * 1024
_IGNORED_SIZE: Final = 64 * 1024  # bytes after a request that are read and thrown away
_INDEX: Final = b"respd: the metrics are at /metrics\n"


class Visitor:
    """A connection. `unsent` is what is left of its answer; `until_s` is when its time is over."""

    def __init__(self, sock: socket.socket, now_s: float) -> None:
        self.sock = sock
        self.fd: int = sock.fileno()
        self.since_s = now_s
        self.until_s = now_s + REQUEST_S
        self.received: bytes = b""
        self.is_answered: bool = False
        self.unsent: bytes = b""
        self.sent: int = 0
        self.ignored: int = 0
        self.is_writing: bool = False


class MetricsPort:
    """All visitors by descriptor, and what they are told."""

    def __init__(self, engine: Engine, listeners: Listeners) -> None:
        self.engine = engine
        self.listeners = listeners
        self.poller = listeners.poller
        self.metrics = Metrics(engine)
        self.visitors: dict[int, Visitor] = {}
        self.is_closed_for_now: bool = False

    def accept(self, listener: Listener) -> None:
        """Let in who waits, as long as there is room."""
        now_s = self.engine.clock.refresh()
        while len(self.visitors) < MOST_VISITORS:
            try:
                sock, _ = listener.sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.engine.log.verbose(f"Accepting a connection for metrics: {error.strerror or error}")
                break
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            visitor = Visitor(sock, now_s)
            self.visitors[visitor.fd] = visitor
            self.poller.add(visitor.fd)
        self.is_closed_for_now = True
        self.listeners.rest(METRICS, True)

    def serve(self, fd: int) -> None:
        """Go on with a visitor whose socket is ready."""
        visitor = self.visitors[fd]
        try:
            if visitor.unsent:
                self._send(visitor)
            self._receive(visitor)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._close(visitor)

    def tidy(self) -> None:
        """Close visitors whose time is over, and let others in where there is room."""
        if not self.visitors and not self.is_closed_for_now:
            return
        now_s = self.engine.clock.refresh()
        is_crowded = len(self.visitors) >= MOST_VISITORS
        for visitor in list(self.visitors.values()):
            is_old = is_crowded and not visitor.is_answered and now_s - visitor.since_s >= CROWDED_S
            if is_old or now_s >= visitor.until_s:
                self._close(visitor)
        if self.is_closed_for_now and len(self.visitors) < MOST_VISITORS:
            self.is_closed_for_now = False
            self.listeners.rest(METRICS, False)

    def close(self) -> None:
        """Close all connections."""
        for visitor in list(self.visitors.values()):
            self._close(visitor)

    def _receive(self, visitor: Visitor) -> None:
        data = visitor.sock.recv(HEAD_SIZE)
        if not data:
            self._close(visitor)
        elif visitor.is_answered:
            visitor.ignored += len(data)
            if visitor.ignored > _IGNORED_SIZE:
                self._close(visitor)
        else:
            visitor.received += data
            try:
                request = read_request(visitor.received)
            except BadRequest as error:
                self._refuse(visitor, error.status)
                return
            if request is not None:
                self._answer(visitor, request)

    def _answer(self, visitor: Visitor, request: Request) -> None:
        if request.method not in (b"GET", b"HEAD"):
            self._refuse(visitor, b"405 Method Not Allowed", b"Allow: GET, HEAD\r\n")
            return
        if request.path == b"/metrics":
            try:
                kind, body = MEDIA_TYPE, self.metrics.page()
            except Exception as defect:  # ours: the scrape fails, and nothing else
                self.engine.log.warning(f"internal error while making the page of metrics: {defect!r}")
                self._refuse(visitor, b"500 Internal Server Error")
                return
        elif request.path == b"/":
            kind, body = TEXT, _INDEX
        else:
            self._refuse(visitor, b"404 Not Found")
            return
        head = answer(b"200 OK", kind, len(body), self.engine.clock.refresh())
        self._reply(visitor, head if request.method == b"HEAD" else head + body)

    def _refuse(self, visitor: Visitor, status: bytes, extra: bytes = b"") -> None:
        """Answer with an error and its name."""
        body = status + b"\n"
        self._reply(visitor, answer(status, TEXT, len(body), self.engine.clock.refresh(), extra) + body)

    def _reply(self, visitor: Visitor, reply: bytes) -> None:
        visitor.received = b""
        visitor.is_answered = True
        visitor.unsent = reply
        visitor.until_s = self.engine.clock.refresh() + READING_S
        self._send(visitor)

    def _send(self, visitor: Visitor) -> None:
        """Send what the socket takes; after the last of it, say that there is no more. Raises OSError."""
        view = memoryview(visitor.unsent)
        try:
            while visitor.sent < len(view):
                visitor.sent += visitor.sock.send(view[visitor.sent :])
        except (BlockingIOError, InterruptedError):
            if not visitor.is_writing:
                visitor.is_writing = True
                self.poller.set_writing(visitor.fd, True)
            return
        visitor.unsent = b""
        if visitor.is_writing:
            visitor.is_writing = False
            self.poller.set_writing(visitor.fd, False)
        # Not closed yet: what came and was not read would have the system take back what was sent.
        visitor.sock.shutdown(socket.SHUT_WR)
        visitor.until_s = self.engine.clock.refresh() + _LEAVING_S

    def _close(self, visitor: Visitor) -> None:
        if self.visitors.pop(visitor.fd, None) is not None:
            self.poller.remove(visitor.fd)
            visitor.sock.close()
