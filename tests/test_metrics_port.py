"""The port for metrics, with real sockets: the loop is turned by hand, and so is the clock."""

from __future__ import annotations

import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from crashes.ports import free_port
from respd.clock import ManualClock
from respd.commands import all_groups
from respd.config import Config
from respd.engine import Engine
from respd.listeners import ListenError
from respd.log import Log
from respd.metrics_port import CROWDED_S, MOST_VISITORS, READING_S, REQUEST_S
from respd.network import Server as Loop
from tests.exposition import Exposition
from tests.servers import Server, respd_command, respd_environment

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Scraped:
    """A server in this process, with a port for clients and one for metrics."""

    def __init__(self, log_path: Path) -> None:
        config = Config()
        config.put(b"save", [])
        config.put(b"bind", [b"127.0.0.1"])
        config.put(b"port", free_port())
        config.put(b"metrics-port", free_port())
        self.config = config
        self.clock = ManualClock()
        self.engine = Engine(config, all_groups(), self.clock, log := Log(str(log_path), b"verbose"))
        self.server = Loop(config, log, self.engine)
        self.server.listeners.open()
        self.visitors = self.server.metrics.visitors

    def connect(self, sent: bytes = b"") -> socket.socket:
        """A connection to the port for metrics, and what it says first."""
        sock = socket.create_connection(("127.0.0.1", self.config.metrics_port), timeout=20)
        if sent:
            sock.sendall(sent)
        return sock

    def turn(self, times: int = 4) -> None:
        """Let the loop turn. What was sent on this machine has arrived: there is no need to wait."""
        for _ in range(times):
            self.server.turn(0.0)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and have the loop see it."""
        self.clock.advance(int(seconds * 1000))
        self.turn()

    def ask(self, request: bytes) -> bytes:
        """The answer to a request, up to the end of the connection, which the server closes, too."""
        with self.connect(request) as sock:
            self.turn()
            answer = read_all(sock)
        self.turn()
        assert not self.visitors
        return answer

    def ping(self) -> bytes:
        """What a client of the server hears."""
        with socket.create_connection(("127.0.0.1", self.config.port), timeout=20) as client:
            client.sendall(b"PING\r\n")
            self.turn()
            return client.recv(100)


def read_all(sock: socket.socket) -> bytes:
    received = b""
    while data := sock.recv(1 << 20):
        received += data
    return received


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[Scraped]:
    scraped = Scraped(tmp_path / "respd.log")
    yield scraped
    scraped.server.stop()


def test_the_page(scraped: Scraped) -> None:
    head, _, body = scraped.ask(GET).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK" and lines[-1] == b"Connection: close"
    assert b"Content-Type: text/plain; version=0.0.4; charset=utf-8" in lines
    assert b"Content-Length: %d" % len(body) in lines
    assert Exposition(body.decode()).value("redis_up") == 1
    alone = scraped.ask(GET.replace(b"GET", b"HEAD", 1))
    assert alone.endswith(b"\r\n\r\n") and b"Content-Length: %d" % len(body) in alone


@pytest.mark.parametrize(
    "request_line, status",
    [
        (b"GET / HTTP/1.1", b"200 OK"),
        (b"GET /metrics?name=a HTTP/1.0", b"200 OK"),
        (b"GET /metrics/ HTTP/1.1", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed"),
        (b"CONNECT example.com:443 HTTP/1.1", b"405 Method Not Allowed"),
        (b"PING", b"400 Bad Request"),
        (b"GET / HTTP/3", b"505 HTTP Version Not Supported"),
    ],
)
def test_other_requests(scraped: Scraped, request_line: bytes, status: bytes) -> None:
    assert scraped.ask(request_line + b"\r\n\r\n").startswith(b"HTTP/1.1 %b\r\n" % status)


def test_it_is_no_client(scraped: Scraped) -> None:
    with scraped.connect(), scraped.connect(GET):
        scraped.turn()
        assert not scraped.engine.clients and not scraped.engine.stats.total_connections_received
        assert scraped.engine.stats.total_net_input_bytes == 0


def test_a_request_byte_by_byte_and_one_with_more_behind_it(scraped: Scraped) -> None:
    with scraped.connect() as sock:
        for place in range(len(GET)):
            sock.sendall(GET[place : place + 1])
            scraped.turn(2)
        assert read_all(sock).startswith(b"HTTP/1.1 200")
    answer = scraped.ask(GET * 50)  # the rest is not looked at, nor does it take the answer away
    assert answer.count(b"HTTP/1.1 200 OK") == 1 and answer.endswith(b"\n")
    posted = scraped.ask(b"POST /metrics HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30_000)
    assert posted.startswith(b"HTTP/1.1 405")


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01\x00", b"*1\r\n$4\r\nPING\r\n", bytes(range(256)) * 200])
def test_noise_is_refused_at_once(scraped: Scraped, noise: bytes) -> None:
    with scraped.connect(noise) as sock:
        scraped.turn()
        assert sock.recv(100).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    scraped.turn(20)
    assert not scraped.visitors and scraped.ping() == b"+PONG\r\n"


def test_a_head_without_end_is_refused(scraped: Scraped) -> None:
    with scraped.connect(b"GET / HTTP/1.1\r\n" + b"Name: value\r\n" * 2000) as sock:
        scraped.turn(8)
        assert sock.recv(100).startswith(b"HTTP/1.1 431 ")


def test_who_goes_on_sending_is_cut_off(scraped: Scraped) -> None:
    with scraped.connect(GET) as sock:
        scraped.turn()
        sock.setblocking(False)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(200):
                try:
                    sock.send(b"x" * 65536)
                except BlockingIOError:
                    pass
                scraped.turn(2)
    assert not scraped.visitors


def test_the_slow_are_closed(scraped: Scraped) -> None:
    with scraped.connect(), scraped.connect(b"GET /met") as half, scraped.connect(GET) as answered:
        scraped.turn()
        assert len(scraped.visitors) == 3
        scraped.pass_time(REQUEST_S - 1)
        assert len(scraped.visitors) == 2  # who has the answer and does not hang up goes early
        half.sendall(b"r")
        scraped.pass_time(1.1)
        assert not scraped.visitors and half.recv(1) == b""
        assert read_all(answered).startswith(b"HTTP/1.1 200")


def test_who_does_not_read_is_closed(scraped: Scraped) -> None:
    metrics = scraped.server.metrics.metrics
    metrics._page, metrics._made_s = b"x" * 10_000_000, scraped.clock.seconds  # as if made just now
    with scraped.connect(GET) as sock, scraped.connect(GET) as other:
        scraped.turn()
        assert [bool(visitor.unsent) for visitor in scraped.visitors.values()] == [True, True]
        received = 0
        while received < 10_000_000:
            received += len(sock.recv(1 << 20))
            scraped.turn(1)
        scraped.pass_time(READING_S + 0.1)
        assert not scraped.visitors
        assert len(read_all(other)) < 10_000_000


def test_a_half_closed_connection_gets_its_answer(scraped: Scraped) -> None:
    with scraped.connect(GET) as sock:
        sock.shutdown(socket.SHUT_WR)
        scraped.turn()
        assert Exposition(read_all(sock).partition(b"\r\n\r\n")[2].decode()).samples


def test_a_crowd_is_served_place_by_place(scraped: Scraped) -> None:
    crowd = [scraped.connect(GET) for _ in range(200)]
    turns = 0
    answered = 0
    for sock in crowd:
        sock.setblocking(False)
    waiting = set(crowd)
    while waiting:
        scraped.turn(1)
        turns += 1
        assert len(scraped.visitors) <= MOST_VISITORS and turns < 2000
        for sock in list(waiting):
            try:
                answered += sock.recv(100).startswith(b"HTTP/1.1 200")
            except BlockingIOError:
                continue
            waiting.discard(sock)
            sock.close()
        scraped.clock.advance(10)
    assert answered == 200
    assert scraped.ping() == b"+PONG\r\n"


def test_silent_ones_give_way_to_those_that_wait(scraped: Scraped) -> None:
    silent = [scraped.connect(b"GET") for _ in range(MOST_VISITORS)]
    scraped.turn()
    with scraped.connect(GET) as scraper:
        scraped.turn()
        assert len(scraped.visitors) == MOST_VISITORS
        cycles = scraped.engine.stats.eventloop_cycles
        scraped.server.turn(0.0)
        assert scraped.engine.stats.eventloop_cycles == cycles + 1  # nobody's coming keeps the loop awake
        scraped.pass_time(CROWDED_S)
        scraped.turn()
        assert read_all(scraper).startswith(b"HTTP/1.1 200")
    for sock in silent:
        sock.close()
    scraped.turn()


def test_it_is_served_while_a_script_runs(scraped: Scraped) -> None:
    with scraped.connect(GET) as sock:
        for _ in range(4):
            scraped.server.serve_others()
        assert read_all(sock).startswith(b"HTTP/1.1 200")


def test_a_defect_costs_one_answer(scraped: Scraped, tmp_path: Path) -> None:
    scraped.engine.stats.errors[b"X"] = "many"  # type: ignore[assignment]
    assert scraped.ask(GET).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    del scraped.engine.stats.errors[b"X"]
    assert scraped.ask(GET).startswith(b"HTTP/1.1 200 OK\r\n")
    assert "internal error while making the page of metrics" in (tmp_path / "respd.log").read_text()


def test_the_port_moves_while_the_server_runs(scraped: Scraped) -> None:
    scraped.config.on_change(["metrics-port", "metrics-bind"], scraped.server.listeners.follow)
    old, new = scraped.config.metrics_port, free_port()
    scraped.config.set([(b"metrics-port", b"%d" % new)])
    assert scraped.ask(GET).startswith(b"HTTP/1.1 200")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old), timeout=20)
    with pytest.raises(Exception, match="Unable to listen on this port"):
        scraped.config.set([(b"metrics-port", b"%d" % scraped.config.port)])
    assert scraped.config.metrics_port == new and scraped.ask(GET).startswith(b"HTTP/1.1 200")
    crowd = [scraped.connect() for _ in range(MOST_VISITORS + 1)]
    scraped.turn()
    scraped.config.set([(b"metrics-port", b"0")])  # while its listener rests
    for sock in crowd:
        sock.close()
    scraped.turn()
    assert not scraped.visitors and scraped.ping() == b"+PONG\r\n"


def test_a_server_with_metrics(tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "respd.conf"
    file.write_text("maxclients 100\n")
    server = Server([*respd_command(), str(file)], ("--metrics-port", str(port)), environment=respd_environment())
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as page:
            exposition = Exposition(page.read().decode())
            assert page.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert exposition.value("redis_config_maxclients") == 100
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/other", timeout=20)
        assert refused.value.code == 404
        refused.value.close()
        with server.connect() as connection:
            assert connection.ask("CONFIG GET metrics-*") == [
                b"metrics-port", b"%d" % port, b"metrics-bind", b"127.0.0.1 -::1",
            ]  # fmt: skip
            info = connection.ask("INFO server")
            line = b"listener3:name=metrics,bind=127.0.0.1,bind=-::1,port=%d\r\n" % port
            assert isinstance(info, bytes) and line in info
            assert connection.ask("CONFIG SET metrics-bind 127.0.0.1") == b"OK"
            assert connection.ask("CONFIG REWRITE") == b"OK"
        lines = file.read_text().splitlines()
        assert f"metrics-port {port}" in lines and "metrics-bind 127.0.0.1" in lines
        assert f"Ready to tell metrics on port {port}\n" in server.log
    finally:
        server.stop()


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        words = [*respd_command(), "--port", str(free_port()), "--metrics-port", str(port)]
        ran = subprocess.run(words, env=respd_environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert f"Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use" in ran.stdout
    assert f"Failed listening on port {port} (metrics), aborting." in ran.stdout


def test_metrics_alone_are_no_server(tmp_path: Path) -> None:
    scraped = Scraped(tmp_path / "respd.log")
    scraped.server.stop()
    scraped.config.put(b"port", 0)
    server = Loop(scraped.config, scraped.engine.log, scraped.engine)
    with pytest.raises(ListenError, match="Configured to not listen anywhere"):
        server.listeners.open()
    server.stop()
