"""respd as a process under strain: many connections, slow and dying clients, big replies, one against the rest."""

from __future__ import annotations

import resource
import socket
import struct
import threading

import pytest

from tests.conftest import StartServer
from tests.patience import PATIENCE, until
from tests.servers import Server
from tests.wire import CLOSED, Connection, encode

IDLE = 10_000


def test_ten_thousand_idle_connections(start_server: StartServer) -> None:
    """They are all held, cost little, and are all answered when they wake; those beyond maxclients are told so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < IDLE + 500:
        pytest.skip(f"needs {IDLE + 500} open files, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 500), hard))
    server = start_server("--maxclients", str(IDLE + 1), "--tcp-backlog", "4096")
    before = server.memory_bytes()
    sockets = []
    try:
        for _ in range(IDLE):
            sockets.append(socket.create_connection(("127.0.0.1", server.port)))
        with server.connect() as other:
            info = other.ask("INFO clients")
            assert isinstance(info, bytes) and b"connected_clients:%d\r\n" % (IDLE + 1) in info
            with server.connect() as refused:
                assert refused.read().value == b"ERR max number of clients reached"
                assert refused.read().kind == CLOSED
            assert (server.memory_bytes() - before) / IDLE < 20_000
            for each in sockets:
                each.sendall(b"PING\r\n")
            for each in sockets:
                assert each.recv(100) == b"+PONG\r\n"
            assert other.ask("PING") == b"PONG"
    finally:
        for each in sockets:
            each.close()
    with server.connect() as other:
        until(lambda: b"connected_clients:1\r\n" in bytes(other.ask("INFO clients")))  # type: ignore[call-overload]


def test_a_reader_that_does_not_read_is_cut_off(start_server: StartServer) -> None:
    """Beyond client-output-buffer-limit the connection is closed, and nobody else notices."""
    server = start_server("--client-output-buffer-limit", "normal 5mb 0 0")
    with server.connect() as other, server.connect() as slow:
        other.ask(b"SET", b"big", b"x" * 1_000_000)
        slow.send(*["GET big"] * 60)
        assert other.ask("PING") == b"PONG"
        until(lambda: len(bytes(other.ask("CLIENT LIST")).splitlines()) == 1)  # type: ignore[call-overload]
        with pytest.raises((ConnectionResetError, AssertionError)):
            for _ in range(60):
                assert slow.read().kind == "$"


def test_a_slow_reader_gets_everything(server: Server) -> None:
    """What the kernel does not take at once is sent as the client reads."""
    value = bytes(range(256)) * 4000
    with server.connect() as slow:
        slow.ask(b"SET", b"big", value)
        slow.send(*["GET big"] * 20)
        with server.connect() as other:
            assert other.ask("PING") == b"PONG"
        for _ in range(20):
            assert slow.read().value == value


def test_subscribers_that_do_not_read(start_server: StartServer) -> None:
    """A subscriber beyond its limit is closed; the publisher and other subscribers go on."""
    server = start_server("--client-output-buffer-limit", "pubsub 2mb 0 0")
    with server.connect() as publisher, server.connect() as deaf, server.connect() as good:
        for each in (deaf, good):
            each.call("SUBSCRIBE news")
        message = b"m" * 100_000
        for number in range(100):
            publisher.ask(b"PUBLISH", b"news", message)
            assert good.read().items[2].value == message, number
        assert publisher.ask("PUBSUB NUMSUB news") == [b"news", 1]


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize(
    "part", [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nxxx", b"*2\r\n$5\r\nBLPOP", b"SET k", b"*"]
)
def test_a_client_that_dies_mid_command(server: Server, part: bytes, reset: bool) -> None:
    """Half a command of a client that is gone has no effect and leaves nothing behind."""
    with server.connect() as other:
        for _ in range(20):
            dying = server.connect()
            dying.send_bytes(encode([b"INCR", b"n"]) + part)
            dying.read()
            if reset:
                dying.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            dying.close()
        until(lambda: len(bytes(other.ask("CLIENT LIST")).splitlines()) == 1)  # type: ignore[call-overload]
        assert other.ask("GET n") == b"20"
        assert other.ask("EXISTS k") == 0


def test_a_client_that_dies_while_it_waits(server: Server) -> None:
    """A blocked client that is gone gets nothing: the element goes to the next, or stays."""
    with server.connect() as other:
        dying, living = server.connect(), server.connect()
        dying.send("BLPOP queue 0")
        other.call("PING")
        living.send("BLPOP queue 0")
        other.call("PING")
        dying.close()
        until(lambda: len(bytes(other.ask("CLIENT LIST")).splitlines()) == 2)  # type: ignore[call-overload]
        other.call("RPUSH queue first second")
        assert living.read().items[1].value == b"first"
        living.close()
        assert other.ask("LRANGE queue 0 -1") == [b"second"]


def test_big_replies_do_not_starve_others(server: Server) -> None:
    """While one client fetches half a million elements, another is answered."""
    with server.connect(timeout=60) as greedy, server.connect() as other:
        greedy.pipeline([[b"RPUSH", b"l"] + [b"element"] * 50_000] * 10)
        greedy.send("LRANGE l 0 -1", "LRANGE l 0 -1")
        assert other.ask("PING") == b"PONG"
        expected = b"*500000\r\n" + b"$7\r\nelement\r\n" * 500_000
        assert _receive(greedy, 2 * len(expected)) == expected * 2


def test_one_client_cannot_starve_the_rest(server: Server) -> None:
    """While one connection sends commands without end, another's wait stays bounded."""
    stop = threading.Event()

    def flood() -> None:
        batch = encode([b"SET", b"k", b"v"]) * 2000
        with server.connect() as greedy:
            reader = threading.Thread(target=_drain, args=(greedy,))
            reader.start()
            while not stop.is_set():
                greedy.send_bytes(batch)
            greedy.socket.shutdown(socket.SHUT_RDWR)
            reader.join()

    flooding = threading.Thread(target=flood)
    flooding.start()
    with server.connect() as other:
        away = sorted(_busy_while_asked(server, other) for _ in range(100))
    stop.set()
    flooding.join()
    assert away[50] < 0.25
    assert away[-1] < 2.0


def _busy_while_asked(server: Server, other: Connection) -> float:
    """How many seconds of CPU the server used until a PING was answered; what other processes take is not in it."""
    begun = server.cpu_s()
    assert other.ask("PING") == b"PONG"
    return server.cpu_s() - begun


def _receive(connection: Connection, count: int) -> bytes:
    """So many bytes, without looking at them."""
    chunks = []
    while count > 0 and (chunk := connection.socket.recv(1 << 20)):
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def _drain(connection: Connection) -> None:
    """Read and throw away, as fast as it comes."""
    try:
        while connection.socket.recv(1 << 20):
            pass
    except OSError:
        pass


def test_idle_clients_time_out(start_server: StartServer) -> None:
    """`timeout` closes those who say nothing, but not those who wait for something."""
    server = start_server("--timeout", "2")
    with server.connect() as idle, server.connect() as blocked, server.connect() as subscribed:
        idle.call("PING")
        blocked.send("BLPOP queue 0")
        subscribed.call("SUBSCRIBE news")
        assert idle.read(PATIENCE).kind == CLOSED
        with server.connect() as other:
            other.call("RPUSH queue x")
            other.call("PUBLISH news hello")
        assert blocked.read().items[1].value == b"x"
        assert subscribed.read().items[2].value == b"hello"


def test_a_query_buffer_has_a_limit(start_server: StartServer) -> None:
    """A client that sends more of one command than client-query-buffer-limit is closed."""
    server = start_server("--client-query-buffer-limit", "1mb")
    with server.connect() as greedy:
        greedy.send_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n" + b"x" * 5_000_000)
        assert greedy.read(PATIENCE).kind == CLOSED
    with server.connect() as other:
        assert other.ask("EXISTS k") == 0


def test_a_queue_of_multi_has_the_same_limit(start_server: StartServer) -> None:
    """What waits for EXEC counts as much as what waits to be parsed; many small words that were parsed do not."""
    server = start_server("--client-query-buffer-limit", "1mb")
    with server.connect() as modest, server.connect() as greedy:
        assert modest.ask(b"MSET", *[b"x" * 100] * 20_000) == b"OK"
        greedy.ask("MULTI")
        for _ in range(2):
            assert greedy.ask(b"SET", b"k", b"v" * 400_000) == b"QUEUED"
        greedy.send([b"SET", b"k", b"v" * 400_000])
        until(lambda: greedy.read().kind == CLOSED)
        assert b"client_query_buffer_limit_disconnections:1\r\n" in bytes(modest.ask("INFO stats"))  # type: ignore[call-overload]


def test_deleting_something_huge_stalls_nobody(server: Server) -> None:
    """UNLINK of a set of 300,000 members: others are answered meanwhile, and the key is gone at once."""
    with server.connect(timeout=60) as one, server.connect() as other:
        for start in range(0, 300_000, 10_000):
            one.call([b"SADD", b"huge", *[b"member:%d" % number for number in range(start, start + 10_000)]])
        one.send("UNLINK huge", "EXISTS huge")
        away = sorted(_busy_while_asked(server, other) for _ in range(200))
        assert [one.read().value, one.read().value] == [1, 0]
        assert away[190] < 0.1
