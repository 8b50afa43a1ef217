"""Requests of HTTP: whole, in pieces, and what is none."""

from __future__ import annotations

import pytest

from respd.protocol.http import HEAD_SIZE, BadRequest, answer, read_request

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost:9121\r\nAccept: */*\r\n\r\n"


@pytest.mark.parametrize(
    "received, method, path",
    [
        (GET, b"GET", b"/metrics"),
        (b"GET / HTTP/1.0\r\n\r\n", b"GET", b"/"),
        (b"GET / HTTP/1.1\n\n", b"GET", b"/"),
        (b"HEAD /metrics?a=b HTTP/1.1\r\n\r\n", b"HEAD", b"/metrics"),
        (b"GET http://host:1/metrics HTTP/1.1\r\n\r\n", b"GET", b"/metrics"),
        (b"GET http://host HTTP/1.1\r\n\r\n", b"GET", b"/"),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", b"OPTIONS", b"*"),
        (GET + GET, b"GET", b"/metrics"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /\n\n", b"POST", b"/metrics"),
    ],
)
def test_requests(received: bytes, method: bytes, path: bytes) -> None:
    request = read_request(received)
    assert request is not None and (request.method, request.path) == (method, path)


def test_a_request_in_pieces() -> None:
    for size in range(len(GET)):
        assert read_request(GET[:size]) is None


@pytest.mark.parametrize(
    "received, status",
    [
        (b"\x16\x03\x01\x02\x00", 400),  # TLS
        (b"*1\r\n", 400),
        (b" GET / HTTP/1.1\r\n\r\n", 400),
        (b"get", 400),
        (b"A" * 21, 400),
        (b"\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1 x\r\n\r\n", 400),
        (b"GET / XTTP/1.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1400, 431),
        (b"GET /" + b"a" * HEAD_SIZE, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1400 + b"\r\n", 431),
    ],
)
def test_what_is_no_request_is_refused_at_once(received: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        read_request(received)
    assert refused.value.status.startswith(b"%d " % status)


def test_an_answer() -> None:
    head = answer(b"404 Not Found", b"text/plain", 5, 1_700_000_000.9, b"X: y\r\n")
    assert head == (
        b"HTTP/1.1 404 Not Found\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 5\r\nCache-Control: no-store\r\nX: y\r\nConnection: close\r\n\r\n"
    )
