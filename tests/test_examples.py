"""The examples: each runs from the command line, ends by itself, and shows what it says it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import Server, respd_environment

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"

OUTCOMES = {
    "cache": ["the source was asked 2 times", "after throwing away Rome: 3 times", "after its time: 4 times"],
    "fair_dispatch": ["done: 30 of 30, left: 0"],
    "fan_out": [
        "nobody listens yet: 0",
        "said to 3: snow on the hills",
        "anna heard: rain in the north, sun in the south, snow on the hills",
        "carl heard: rain in the north, sun in the south, snow on the hills",
    ],
    "leaderboard": ["player-7 is number 1 of 1000, its best game was 98", "with 500 points or more: 451"],
    "live_counter": ["live: 1000", "total: 1000, by pages: 1000, by minutes: 1000"],
    "lock": [
        "4 processes paid in 10 each: 40",
        "the lock is held, another gets it at once: False",
        "after its time is over: True",
        "the one who was too slow learns that the lock is no longer its own",
        "it is still the other's: True",
    ],
    "rate_limiter": ["the limit held: True", "who waits as told gets through: True"],
    "rpc": ["fibonacci(20) = 6765", "fibonacci(10) = 55", "fibonacci(1) = 1"],
    "topics": [
        "mail.info goes to 1",
        "pager (*.error) got: kernel.error disk1.error raid.error",
        "kernel (kernel.*) got: kernel.info kernel.error",
        "disks (disk[0-9].* raid.*) got: disk1.error disk2.info raid.error",
    ],
    "work_queue": ["anna takes job-3", "anna died with 1 job unfinished", "done: 12 of 12, still pending: 0"],
}


def _run(name: str, *words: str) -> str:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *words]
    ran = subprocess.run(command, cwd=ROOT, env=respd_environment(), capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and not ran.stderr, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", OUTCOMES)
def test_example(name: str, server: Server) -> None:
    """On a server that runs already; it leaves nothing behind there."""
    lines = _run(name, "--url", f"redis://127.0.0.1:{server.port}").splitlines()
    assert [line for line in OUTCOMES[name] if line not in lines] == [], lines
    with server.connect() as connection:
        assert connection.ask("KEYS *") in ([], ()), name


def test_a_server_of_its_own() -> None:
    """Without --url an example starts respd, and ends it."""
    assert "the source was asked 2 times" in _run("cache")


def test_a_slow_worker_gets_fewer_jobs(server: Server) -> None:
    """Fair dispatch: nobody waits behind it."""
    output = _run("fair_dispatch", "--url", f"redis://127.0.0.1:{server.port}")
    done = {name: int(number) for name, number in re.findall(r"(\w+): (\d+) jobs of", output)}
    assert sum(done.values()) == 30 and done["slow"] < done["quick"]


def test_every_example_is_tested_and_listed() -> None:
    """Here, and in the README with what it shows."""
    names = {path.stem for path in EXAMPLES.glob("*.py")} - {"serving"}
    assert names == set(OUTCOMES)
    readme = (ROOT / "README.md").read_text()
    assert [name for name in names if f"examples/{name}.py" not in readme] == []
