"""The little of HTTP/1.1 that a page of figures needs: bytes in, a request out; an answer in, bytes out.

A connection serves one request and says so (`Connection: close`). A request has no body for us: what follows its head
is ignored. Source: RFC 9110, RFC 9112.
"""

from __future__ import annotations

import time
from typing import Final

HEAD_SIZE: Final = 8192  # bytes that a request's head may have
_METHOD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_METHOD_SIZE: Final = 20
_DAYS: Final = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS: Final = (
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
)  # fmt: skip
TEXT: Final = b"text/plain; charset=utf-8"


class BadRequest(Exception):
    """What came is no request that we serve; `status` is the status to answer."""

    def __init__(self, status: bytes) -> None:
        super().__init__(status)
        self.status = status


class Request:
    """The first line of a request; `path` is without a query."""

    def __init__(self, method: bytes, path: bytes) -> None:
        self.method = method
        self.path = path


def read_request(received: bytes) -> Request | None:
    """Return the request that `received` begins with, None while it is not whole. Raises BadRequest as soon as it can.

    Lines may end in a bare LF. Headers are not looked at.
    """
    _check_start(received)
    end = _end_of_head(received)
    if end < 0:
        if len(received) >= HEAD_SIZE:
            raise BadRequest(b"431 Request Header Fields Too Large")
        return None
    if end > HEAD_SIZE:
        raise BadRequest(b"431 Request Header Fields Too Large")
    words = received[: received.index(b"\n")].rstrip(b"\r").split(b" ")
    if len(words) != 3 or not words[0] or not words[1]:
        raise BadRequest(b"400 Bad Request")
    method, target, version = words
    if not version.startswith(b"HTTP/"):
        raise BadRequest(b"400 Bad Request")
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest(b"505 HTTP Version Not Supported")
    return Request(method, _path_of(target))


def _check_start(received: bytes) -> None:
    """Refuse at once what does not begin with a method: TLS, a Redis client, noise."""
    for index in range(min(len(received), _METHOD_SIZE + 1)):
        if received[index] == 0x20 and index > 0:
            return
        if received[index] not in _METHOD:
            raise BadRequest(b"400 Bad Request")
    if len(received) > _METHOD_SIZE:
        raise BadRequest(b"400 Bad Request")


def _end_of_head(received: bytes) -> int:
    """Return the place of the empty line that ends the head, below 0 while there is none."""
    strict, loose = received.find(b"\r\n\r\n"), received.find(b"\n\n")
    if strict < 0 or loose < 0:
        return max(strict, loose)
    return min(strict, loose)


def _path_of(target: bytes) -> bytes:
    """Return the path of a request's target, which may be a whole URL, without its query."""
    if target.startswith((b"http://", b"https://")):
        slash = target.find(b"/", 8)
        target = target[slash:] if slash >= 0 else b"/"
    return target.partition(b"?")[0]


def answer(status: bytes, kind: bytes, size: int, now_s: float, extra: bytes = b"") -> bytes:
    """Return the head of an answer whose body has a media type `kind` and `size` bytes. `extra`: further lines."""
    return (
        b"HTTP/1.1 %b\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nCache-Control: no-store\r\n"
        b"%bConnection: close\r\n\r\n" % (status, _date(now_s), kind, size, extra)
    )


def _date(now_s: float) -> bytes:
    """Return a moment as HTTP writes it: `Sat, 21 Nov 2026 11:08:28 GMT`."""
    now = time.gmtime(now_s)
    return b"%b, %02d %b %04d %02d:%02d:%02d GMT" % (
        _DAYS[now.tm_wday], now.tm_mday, _MONTHS[now.tm_mon - 1], now.tm_year, now.tm_hour, now.tm_min, now.tm_sec,
    )  # fmt: skip
