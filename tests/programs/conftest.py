"""What the tests of programs share: a server of their own, and worker processes that end with the test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.patience import PATIENT
from tests.programs.processes import Workers
from tests.servers import Server, start_respd


@pytest.fixture(scope="session")
def program_server() -> Iterator[Server]:
    """A respd for the programs; modules of tasks find it in RESPD_TEST_BROKER.

    RESPD_TEST_COMMAND=/path/to/redis-server runs the same tests against that.
    """
    server = start_respd()
    os.environ["RESPD_TEST_BROKER"] = f"redis://127.0.0.1:{server.port}"
    yield server
    server.stop()


@pytest.fixture
def url(program_server: Server) -> str:
    """Where the server is; it is empty."""
    with program_server.connect() as connection:
        connection.call("FLUSHALL")
    return f"redis://127.0.0.1:{program_server.port}"


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Workers]:
    """Starts worker processes."""
    made = Workers(url, tmp_path)
    yield made
    made.kill()


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    """A client that looks at what the programs leave."""
    with redis.Redis.from_url(url, decode_responses=True, **PATIENT) as made:
        yield made
        made.connection_pool.disconnect()
