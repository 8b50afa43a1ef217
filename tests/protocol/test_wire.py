"""Raw bytes to respd and to redis-server: protocol errors, limits and inline commands must be answered alike."""

from __future__ import annotations

import pytest

from tests.conftest import StartServer
from tests.servers import Server
from tests.wire import CLOSED, TIMEOUT, Connection, Frame, encode

PING = b"*1\r\n$4\r\nPING\r\n"
QUIT = b"*1\r\n$4\r\nQUIT\r\n"
KB64 = 64 * 1024


def answers(server: Server, data: bytes, chunk: int = 0) -> list[Frame]:
    """All frames a connection gets for some bytes and a QUIT behind, up to `closed`."""
    with server.connect() as connection:
        sent = data + QUIT
        if chunk:
            for at in range(0, len(sent), chunk):
                connection.send_bytes(sent[at : at + chunk])
        else:
            connection.send_bytes(sent)
        frames = []
        while True:
            frame = connection.read()
            frames.append(frame)
            if frame.kind in (CLOSED, TIMEOUT):
                return frames


REQUESTS = [
    # Array headers
    b"*0\r\n",
    b"*-1\r\n",
    b"*-99\r\n",
    b"*-99999999999\r\n",
    b"*1\r\n$4\r\nPING\r\n*0\r\n",
    b"*x\r\n",
    b"*\r\n",
    b"*1.5\r\n",
    b"* 1\r\n",
    b"*+1\r\n",
    b"*01\r\n",
    b"*00\r\n",
    b"*-0\r\n",
    b"*1 \r\n",
    b"*2147483648\r\n",
    b"*9223372036854775808\r\n",
    b"*-9223372036854775809\r\n",
    b"*99999999999999999999999\r\n",
    b"*1\rX$4\r\nPING\r\n",
    b"*" + b"1" * (KB64 + 10),
    b"PING\0\r\nPING\r\n" + b"x" * KB64,  # a NUL hides the end of an inline command
    # Bulk headers
    b"*1\r\n:4\r\n",
    b"*1\r\nPING\r\n",
    b"*1\r\n\r\n",
    b"*2\r\n$4\r\nPING\r\n*1\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$-0\r\n\r\n",
    b"*1\r\n$\r\n",
    b"*1\r\n$x\r\n",
    b"*1\r\n$ 4\r\nPING\r\n",
    b"*1\r\n$+4\r\nPING\r\n",
    b"*1\r\n$4 \r\nPING\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*1\r\n$536870913\r\n",
    b"*1\r\n$9223372036854775808\r\n",
    b"*1\r\n$99999999999999999999999\r\n",
    b"*1\r\n$" + b"1" * (KB64 + 10),
    b"*1\r\n$" + b"0" * 30 + b"4\r\nPING\r\n",
    # Whatever stands where CR LF should be is passed over
    b"*1\r\n$4\r\nPINGxx",
    b"*2\r\n$4\r\nECHO\r\n$2\r\nab\n\n",
    # Names
    b"*1\r\n$0\r\n\r\n",
    b"*1\r\n$3\r\n\x00\xff\r\r\n",
    b"*1\r\n$200\r\n" + b"n" * 200 + b"\r\n",
    encode([b"n" * 200, b"a" * 200, b"b" * 100]),
    encode([b"nosuch", b"a\r\nb", b"'quoted'", b'"x"', b"\\"]),
    encode([b"CONFIG", b"nosuch\r\n"]),
    encode([b"GET"]),
    encode([b"GET", b"a", b"b"]),
    encode([b"gEt", b"a"]),
    encode([b"SET", b"k", b"v", b"WRONG"]),
    # Inline
    b"PING\r\n",
    b"PING\n",
    b"ping hello\r\n",
    b"   PING   \r\n",
    b"\tPING\t\r\n",
    b"\r\n",
    b"\n",
    b"\r\n\r\n\r\nPING\r\n",
    b"  \r\n",
    b"nosuch a b c\r\n",
    b"ECHO\r\n",
    b'ECHO "a b"\r\n',
    b'ECHO "\\x41\\n\\r\\t\\a\\b\\q\\\\ \\""\r\n',
    b'ECHO "\\xZZ\\x4"\r\n',
    b"ECHO 'a \\' \\n b'\r\n",
    b"ECHO a'b c'd\r\n",
    b'ECHO a"b c"\r\n',
    b'ECHO ""\r\n',
    b"ECHO ''\r\n",
    b'ECHO "a\r\n',
    b"ECHO 'a\r\n",
    b'ECHO "a"b\r\n',
    b"ECHO 'a'b\r\n",
    b'"PING"\r\n',
    b'""\r\n',
    b"ECHO a\rb\r\n",
    b"ECHO a\vb\fc\r\n",
    b"+PING\r\n",
    b"$4\r\nPING\r\n",
    b":1\r\n",
    b"-ERR\r\n",
    b"\xff\xfe\r\n",
    b"ECHO " + b"x" * 60_000 + b"\r\n",
    b"ECHO " + b"x" * (KB64 + 100),
    b"ECHO " + b"x" * (KB64 + 100) + b"\r\n",
    b"x" * 200_000,
    b"PING\r\n" + PING + b"PING\r\n",
    # After an error the connection goes on
    encode([b"nosuch"]) + PING,
    encode([b"GET"]) + encode([b"SET", b"k", b"v"]) + encode([b"LPUSH", b"k", b"x"]) + PING,
    # The security guards
    b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"host: localhost\r\n",
    encode([b"POST", b"x"]),
    # Commands before an error are answered
    PING + b"*1\r\n:4\r\n" + PING,
    PING * 3 + b'ECHO "\r\n' + PING,
    encode([b"QUIT"]) + PING,
    encode([b"QUIT", b"now"]) + PING,
    # RESP3 in the middle
    encode([b"HELLO", b"3", b"SETNAME", b"a b"]) + PING,
    encode([b"HELLO", b"4"]) + PING,
    encode([b"HELLO", b"x"]) + PING,
    encode([b"HELLO", b"3", b"AUTH", b"default"]) + PING,
]


@pytest.mark.parametrize("data", REQUESTS, ids=lambda data: repr(data[:60])[2:-1])
def test_requests_are_answered_alike(server: Server, oracle: Server, data: bytes) -> None:
    """The same frames and the same end, whether the bytes come at once or in two-byte pieces."""
    for chunk in (0, 2) if len(data) < 300 else (0,):
        for _ in range(20):
            seen, expected = answers(server, data, chunk), answers(oracle, data, chunk)
            if seen == expected:
                break  # a server that closes with input unread resets the connection, which may swallow its last words
        assert seen == expected


@pytest.mark.parametrize("resp", [2, 3])
def test_errors_in_resp3_are_errors_too(server: Server, oracle: Server, resp: int) -> None:
    """A protocol error looks the same in both protocols."""
    seen = []
    for each in (server, oracle):
        with each.connect(resp=resp) as connection:
            connection.send_bytes(b"*1\r\n$x\r\n")
            seen.append([connection.read(), connection.read()])
    assert seen[0] == seen[1] == [Frame("-", b"ERR Protocol error: invalid bulk length"), Frame(CLOSED, None)]


BEFORE_LOGIN = [
    PING,
    b"PING\r\n",
    encode([b"nosuch"]),
    encode([b"GET"]),
    encode([b"AUTH"]),
    encode([b"AUTH", b"wrong"]),
    encode([b"AUTH", b"default", b"wrong"]),
    encode([b"AUTH", b"nobody", b"secret"]),
    encode([b"AUTH", b"a", b"b", b"c"]),
    encode([b"AUTH", b"secret"]),
    encode([b"AUTH", b"default", b"secret"]),
    encode([b"HELLO"]),
    encode([b"HELLO", b"3"]),
    encode([b"HELLO", b"3", b"AUTH", b"default", b"wrong"]),
    encode([b"RESET"]),
    encode([b"QUIT"]),
    encode([b"MULTI"]) + encode([b"EXEC"]),
    encode([b"SUBSCRIBE", b"a"]),
    encode([b"COMMAND", b"COUNT"]),
    encode([b"AUTH"] + [b"x"] * 9),
    encode([b"AUTH"] + [b"x"] * 10),
    b"*11\r\n",
    b"*10\r\n$16385\r\n",
    encode([b"ECHO", b"x" * 16384]),
    encode([b"ECHO", b"x" * 16385]),
    b"ECHO " + b"x" * 30_000 + b"\r\n",
    b"ECHO " + b"x " * 30 + b"\r\n",
    encode([b"AUTH", b"secret"]) + b"*11\r\n" + b"$1\r\nx\r\n" * 11,
    encode([b"AUTH", b"secret"]) + encode([b"ECHO", b"x" * 20_000]),
    encode([b"AUTH", b"secret"]) + encode([b"RESET"]) + b"*11\r\n",
]


def test_before_login(start_server: StartServer, start_oracle: StartServer) -> None:
    """A server with a password: what it answers, and how little it takes, from those who have not given it."""
    ours, theirs = start_server("--requirepass", "secret"), start_oracle("--requirepass", "secret")
    for data in BEFORE_LOGIN:
        expected = answers(theirs, data)
        for frames in (expected, seen := answers(ours, data)):
            frames[:] = [_without_identity(frame) for frame in frames]
        assert seen == expected, data[:100]


def _without_identity(frame: Frame) -> Frame:
    """HELLO's answer without what is different by nature."""
    if not frame.items:
        return frame
    flat = frame.items
    pairs = zip(flat[::2], flat[1::2], strict=True)
    changing = (b"id", b"version", b"server", b"modules")
    return Frame(frame.kind, tuple(item for pair in pairs if pair[0].value not in changing for item in pair))


def test_a_long_array_is_not_believed(server: Server) -> None:
    """A billion promised words cost no memory, and others are served meanwhile."""
    before = server.memory_bytes()
    connections = [server.connect() for _ in range(20)]
    for connection in connections:
        connection.send_bytes(b"*1000000000\r\n$500000000\r\nabc")
    with server.connect() as other:
        assert other.ask("PING") == b"PONG"
    assert server.memory_bytes() < before + 20_000_000
    for connection in connections:
        connection.close()


def test_a_word_of_many_megabytes(server: Server) -> None:
    """A long value goes in and comes out, in however many reads."""
    value = bytes(range(256)) * 60_000
    with Connection(server.port) as connection:
        assert connection.ask(b"SET", b"k", value) == b"OK"
        assert connection.ask("STRLEN k") == len(value)
        assert connection.ask("GET k") == value
