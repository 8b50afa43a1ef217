"""The loop turned by hand, with real sockets on both ends and an engine that has commands with defects."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from crashes.ports import free_port
from respd.clock import Clock
from respd.command import FAST, READONLY, Group
from respd.commands import all_groups
from respd.config import Config
from respd.context import Context
from respd.engine import Engine
from respd.log import Log
from respd.network import Server

extra = Group("generic")


@extra.command("NOTHING-KNOWN", arity=1, since="1.0.0", flags=FAST | READONLY)
def nothing_known(ctx: Context, args: list[bytes]) -> object:
    """Return what no reply can be made of."""
    return object()


class Loop:
    """A server in this process, and clients of it."""

    def __init__(self, log_path: Path) -> None:
        config = Config()
        config.port = free_port()
        config.bind = ["127.0.0.1"]
        config.put(b"save", [])
        self.log_path = log_path
        self.port = config.port
        self.server = Server(config, log := Log(str(log_path)), Engine(config, [*all_groups(), extra], Clock(), log))
        self.server.listeners.open()

    def client(self) -> socket.socket:
        """A connection that the server has accepted."""
        sock = socket.create_connection(("127.0.0.1", self.port))
        self.turn()
        return sock

    def turn(self, times: int = 3) -> None:
        """Let the loop turn, without waiting for long."""
        for _ in range(times):
            self.server.turn(0.05)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    loop = Loop(tmp_path / "respd.log")
    yield loop
    loop.server.stop()


def test_a_reply_that_cannot_be_encoded_is_an_error(loop: Loop) -> None:
    with loop.client() as victim, loop.client() as other:
        victim.sendall(b"NOTHING-KNOWN\r\nPING\r\n")
        loop.turn()
        assert re.fullmatch(rb"-ERR internal error in 'nothing-known': \w+\r\n\+PONG\r\n", victim.recv(100))
        other.sendall(b"PING\r\n")
        loop.turn()
        assert other.recv(100) == b"+PONG\r\n"
    assert "no reply" in loop.log_path.read_text()


def test_a_connection_that_cannot_be_served_is_closed_and_the_others_go_on(loop: Loop) -> None:
    server = loop.server
    with loop.client() as unread, loop.client() as unsent, loop.client() as other:
        broken_fd, mute_fd, _ = list(server.connections)
        read, write = server.read_fd, server.write_fd

        def failing_read(fd: int, size: int) -> bytes:
            return read(fd, size) if fd != broken_fd else b"%d" % (size // 0)

        def failing_write(fd: int, data: bytes) -> int:
            return write(fd, data) if fd != mute_fd else len(data) // 0

        server.read_fd, server.write_fd = failing_read, failing_write
        for each in (unread, unsent, other):
            each.sendall(b"PING\r\n")
        loop.turn()
        assert other.recv(100) == b"+PONG\r\n"
        assert unsent.recv(100) == b""
        with pytest.raises(ConnectionResetError):  # what it sent was never read
            unread.recv(100)
        assert len(server.connections) == 1
    assert server.stats.internal_errors == 2
    assert loop.log_path.read_text().count("internal error in serving a connection: ZeroDivisionError") == 2


def test_replies_are_sent_when_what_is_due_fails(loop: Loop) -> None:
    with loop.client() as sock:
        sock.sendall(b"PING\r\n")
        loop.server.engine.pause.released.append(5)  # type: ignore[arg-type]
        loop.turn(1)
        sock.setblocking(False)
        assert sock.recv(100) == b"+PONG\r\n"
    assert "internal error in what was due" in loop.log_path.read_text()


def test_one_read_a_turn_keeps_a_flood_from_starving_the_others(loop: Loop) -> None:
    with loop.client() as flood, loop.client() as other:
        flood.setblocking(False)
        flood.send(b"PING\r\n" * 50_000)
        other.sendall(b"ECHO x\r\n")
        loop.turn(1)
        assert other.recv(100) == b"$1\r\nx\r\n"


def test_a_reader_that_is_slow_gets_everything(loop: Loop) -> None:
    with loop.client() as sock:
        size = 5_000_000
        sock.sendall(b"SETRANGE k %d x\r\n" % (size - 1))
        loop.turn()
        assert sock.recv(100) == b":%d\r\n" % size
        sock.sendall(b"GET k\r\nPING\r\n")
        loop.turn()
        wanted = len(b"$%d\r\n\r\n+PONG\r\n" % size) + size
        received = bytearray()
        while len(received) < wanted:
            received += sock.recv(1 << 20)
            loop.turn(1)
        assert received.endswith(b"x\r\n+PONG\r\n")
        assert len(received) == wanted


def test_a_closed_connection_leaves_nothing_behind(loop: Loop) -> None:
    sock = loop.client()
    sock.sendall(b"SUBSCRIBE c\r\n")
    loop.turn()
    sock.close()
    loop.turn()
    server = loop.server
    assert not server.connections
    assert not any(server.by_fd)
    assert not server.engine.clients
    assert not server.engine.contexts


def test_a_reply_never_goes_to_the_next_client_with_the_descriptor(loop: Loop) -> None:
    first = loop.client()
    first.sendall(b"PING\r\n")
    loop.turn()
    (client,) = loop.server.engine.clients.values()
    connection = loop.server.connections[client.fd]
    second = socket.create_connection(("127.0.0.1", loop.port))
    loop.server.close(connection)
    loop.turn()
    assert list(loop.server.connections) == [client.fd]  # the lowest that is free is given again
    client.out.write(b"+LATE\r\n")
    client.wants_write()
    second.sendall(b"ECHO mine\r\n")
    loop.turn()
    assert second.recv(100) == b"$4\r\nmine\r\n"
    first.close()
    second.close()


def test_a_pipeline_longer_than_a_small_read_is_split_once_only(loop: Loop) -> None:
    sock = loop.client()
    pipeline = b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000001\r\n" * 16  # its rest, after a small read, is short
    stats = loop.server.engine.stats
    for number in range(10):
        sock.sendall(pipeline)
        loop.turn()
        assert sock.recv(1000) == b"$-1\r\n" * 16
        assert stats.total_reads_processed == number + 2
    sock.close()


def test_a_pipeline_that_takes_long_is_run_in_turns(loop: Loop) -> None:
    with loop.client() as greedy, loop.client() as other:
        greedy.sendall(b"SETBIT k 40000000 1\r\n" + b"BITCOUNT k\r\n" * 100)
        loop.turn(1)
        other.sendall(b"PING\r\n")
        loop.turn(3)
        assert other.recv(100) == b"+PONG\r\n"
        (busy,) = [each for each in loop.server.connections.values() if each.is_unfinished]
        assert 0 < busy.client.commands_total < 100
        while busy.is_unfinished:
            loop.turn(1)
        assert greedy.recv(10_000).endswith(b":0\r\n" + b":1\r\n" * 100)


def test_what_a_large_session_leaves_is_taken_down_in_slices(loop: Loop) -> None:
    """To everybody else it is gone at once."""
    engine = loop.server.engine
    with loop.client() as other:
        large = loop.client()
        names = b" ".join(b"n%d" % number for number in range(2000))
        for command in (b"WATCH", b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"):
            large.sendall(b"HELLO 3\r\n" + command + b" " + names + b"\r\n")
            loop.turn(5)
        other.sendall(b"SUBSCRIBE n1\r\n")
        loop.turn()
        other.recv(1000)
        large.close()
        for connection in list(loop.server.connections.values()):
            if connection.client.watched:
                loop.server.close(connection)
        assert not engine.departures.are_over()
        assert engine.pubsub.publish(b"n1", b"hello") == 1
        assert engine.pubsub.publish(b"n2", b"hello") == 0
        assert engine.pubsub.publish_to_shard(b"n1", b"hello") == 0
        assert engine.pubsub.channels.matching(b"n*") == [b"n1"]
        assert [engine.pubsub.channels.count(name) for name in (b"n1", b"n2", b"n")] == [1, 0, 0]
        assert (engine.pubsub.patterns.size(), engine.pubsub.shard_channels.size()) == (0, 0)
        engine.departures.work(100)
        assert 0 < len(engine.pubsub.patterns.by_name) <= 2000
        while not engine.departures.are_over():
            loop.turn(1)
        assert list(engine.pubsub.channels.by_name) == [b"n1"]
        assert not engine.pubsub.channels.has_gone
        assert not engine.databases[0].watchers
        assert engine.shared.watched_keys == 0
        assert engine.pubsub.publish(b"n1", b"hello") == 1


def test_a_long_queue_is_freed_in_slices(loop: Loop) -> None:
    departures = loop.server.engine.departures
    departures.discard([[b"INCR", b"n"]] * 3)
    assert departures.are_over()
    departures.discard([[b"INCR", b"n"]] * 1000)
    assert departures.work(900)
    assert not departures.work(900)
    with loop.client() as sock:
        sock.sendall(b"MULTI\r\n" + b"INCR n\r\n" * 100 + b"EXEC\r\n")
        received = b""
        while not received.endswith(b":100\r\n"):
            loop.turn(1)
            received += sock.recv(1 << 16)
        assert departures.are_over()


def test_who_only_listens_is_never_idle(loop: Loop) -> None:
    with loop.client() as idle, loop.client() as subscriber, loop.client() as monitor:
        subscriber.sendall(b"SUBSCRIBE news\r\n")
        monitor.sendall(b"MONITOR\r\n")
        loop.turn()
        server = loop.server
        server.config.timeout = 1
        for connection in server.connections.values():
            connection.client.last_interaction_ms = 0
        server.close_idle()
        loop.turn()
        assert sorted(c.client.last_command for c in server.connections.values()) == [b"monitor", b"subscribe"]
        assert idle.recv(1) == b""


def test_the_longest_input_is_that_of_the_last_seconds(loop: Loop) -> None:
    with loop.client() as sock:
        sock.sendall(b"*2\r\n$4\r\nECHO\r\n$70000\r\n" + b"x" * 60_000)
        loop.turn(10)
        client = next(iter(loop.server.connections.values())).client
        assert client.query_buffer_peak == 60_000
        sock.sendall(b"x" * 10_000 + b"\r\n")
        loop.turn(10)
        loop.server.close_idle()
        loop.server.close_idle()
        assert client.query_buffer_peak == 0
        assert loop.server.stats.recent_inputs.greatest(loop.server.engine.clock.ms // 1000) >= 60_000
