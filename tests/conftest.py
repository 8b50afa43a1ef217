"""What all tests share: an engine in this process whose clock is moved by hand, respd and redis-server as processes."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from respd.clock import ManualClock
from respd.commands import all_groups
from tests.harness import Pair, Side
from tests.local import Local
from tests.servers import Server, find_oracle, redis_version, start_redis, start_respd

StartServer = Callable[..., Server]

# Machines that test are busy with other things too: how long an example takes says nothing.
hypothesis.settings.register_profile("respd", deadline=None)
hypothesis.settings.load_profile("respd")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our options, besides pytest's own."""
    parser.addoption("--redis-server", metavar="PATH", help="the redis-server (8 or later) to compare with")
    parser.addoption("--random-steps", type=int, default=0, metavar="N", help="steps of the random differential test")
    parser.addoption("--long", action="store_true", help="the long forms of the tests of persistence")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a redis-server that is named and is none.

    Programs started by tests are interrupted: they must not inherit that SIGINT is ignored, as in background jobs.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        find_oracle(config.getoption("--redis-server"))
    except FileNotFoundError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which respd is tested, and against what."""
    engine = importlib.util.find_spec("respd.engine")
    oracle = find_oracle(config.getoption("--redis-server"))
    version = ".".join(map(str, redis_version(oracle) or ())) if oracle else ""
    return [
        f"respd: {engine.origin if engine else None}",
        f"compared with: {oracle} {version}" if oracle else "compared with: nothing, there is no redis-server 8",
    ]


@pytest.fixture(scope="session")
def oracle_program(pytestconfig: pytest.Config) -> str:
    """The path of redis-server; skips the test when there is none."""
    program = find_oracle(pytestconfig.getoption("--redis-server"))
    if program is None:
        pytest.skip("no redis-server 8 to compare with: name one with --redis-server or RESPD_TEST_REDIS")
    return program


@pytest.fixture(scope="session")
def long_form(pytestconfig: pytest.Config) -> bool:
    """Whether tests with a long form are to run in it."""
    return bool(pytestconfig.getoption("--long"))


class _Keeper:
    """Starts a shared server at first use, and again when a test has ended it."""

    def __init__(self, start: Callable[[], Server]) -> None:
        self._start = start
        self._server: Server | None = None

    def get(self) -> Server:
        """The running server, empty."""
        if self._server is None or not self._server.running:
            self.stop()
            self._server = self._start()
        with self._server.connect() as connection:
            connection.call("FLUSHALL")
        return self._server

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.stop()


@pytest.fixture(scope="session")
def _respd_keeper() -> Iterator[_Keeper]:
    keeper = _Keeper(start_respd)
    yield keeper
    keeper.stop()


@pytest.fixture(scope="session")
def _oracle_keeper(oracle_program: str) -> Iterator[_Keeper]:
    keeper = _Keeper(lambda: start_redis(oracle_program))
    yield keeper
    keeper.stop()


@pytest.fixture
def server(_respd_keeper: _Keeper) -> Server:
    """A respd process, empty, shared by the tests of one worker: leave its configuration as it was."""
    return _respd_keeper.get()


@pytest.fixture
def oracle(_oracle_keeper: _Keeper) -> Server:
    """A redis-server process, empty, shared like `server`."""
    return _oracle_keeper.get()


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start respd processes with options of your own; they end with the test."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(start_respd(*options))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def start_oracle(oracle_program: str) -> Iterator[StartServer]:
    """Start redis-server processes with options of your own; they end with the test."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(start_redis(oracle_program, *options))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def local() -> Local:
    """An engine in this process with all commands, whose clock is moved by hand."""
    return Local(*all_groups())


@pytest.fixture
def run(local: Local) -> Callable[..., object]:
    """Run a command in this process and return its reply as a Python value."""
    return local.run


@pytest.fixture
def recorded(local: Local) -> Callable[[], list[list[bytes]]]:
    """What `run` has logged since the last call."""
    return local.logged


@pytest.fixture
def clock(local: Local) -> ManualClock:
    """The clock of `run`; `local.pass_time` moves it and does what is then due."""
    return local.clock


class PairKeeper:
    """respd and redis-server side by side, started again when one of them has gone."""

    def __init__(self, respd: _Keeper, oracle: _Keeper) -> None:
        self._keepers = (respd, oracle)
        self._servers: tuple[Server, Server] | None = None
        self._pair: Pair | None = None

    def get(self) -> Pair:
        """Both, in their first configuration."""
        if self._pair is None or self._servers is None or not all(each.running for each in self._servers):
            self.forget()
            self._servers = (self._keepers[0].get(), self._keepers[1].get())
            self._pair = Pair(Side("respd", self._servers[0].port), Side("redis", self._servers[1].port))
        return self._pair

    def forget(self) -> None:
        """Drop all connections: the next `get` makes new ones."""
        if self._pair is not None:
            self._pair.close()
        self._pair = None


@pytest.fixture(scope="session")
def pairs(oracle_program: str) -> Iterator[PairKeeper]:
    """The two servers of the differential tests, which watch all events and are reconfigured by cases."""
    respd, redis = _Keeper(start_respd), _Keeper(lambda: start_redis(oracle_program))
    keeper = PairKeeper(respd, redis)
    yield keeper
    keeper.forget()
    respd.stop()
    redis.stop()
