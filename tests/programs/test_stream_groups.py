"""A consumer group whose workers are killed at random, on a server that is killed and ended, too.

Every message whose XADD was answered is processed at least once, and at the end nothing is pending. With `appendfsync
always` what was acknowledged is never delivered again, whatever happened in between.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crashes.ports import free_port
from crashes.target import Target
from tests.patience import until
from tests.programs.processes import Worker, Workers
from tests.programs.stream_worker import GROUP, STREAM, connect
from tests.servers import respd_command, respd_environment

WORKERS = 3
KILLS = 20  # of workers
ENDS = ("kill", "terminate", "kill", "terminate", "kill")  # of the server
LINES_BYTES = 80  # what a worker writes of one message
SLOW_S = 200.0  # on a busy machine, interpreted
EVERYSEC_MAY_LOSE_S = 2.0


class Ledgers:
    """What all processes have written down."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, name: str) -> str:
        """Where a process writes."""
        return str(self._directory / f"{name}.ledger")

    def lines(self, kind: str) -> Iterator[list[str]]:
        """The words of all lines of a kind; the last line of a process that was killed may be torn."""
        for path in self._directory.glob("*.ledger"):
            for line in path.read_text().splitlines(keepends=True):
                words = line.split()
                if words[0] == kind and line.endswith("\n"):
                    yield words

    def got(self) -> int:
        """How many messages were processed so far, rather more than less: from the sizes of the files."""
        return sum(path.stat().st_size for path in self._directory.glob("worker-*.ledger")) // LINES_BYTES


class Crew:
    """The sender, the workers and the server, and all that happens to them."""

    def __init__(self, workers: Workers, target: Target, ledgers: Ledgers) -> None:
        self._workers = workers
        self._target = target
        self._ledgers = ledgers
        self._at_work: list[Worker] = []
        self._hired = 0
        self.client: Any = connect(workers.broker)
        self.killed_at: list[int] = []

    def send(self, number: int) -> Worker:
        """Start the sender."""
        return self._start("send", "sender", str(number))

    def hire(self) -> None:
        """Start another worker."""
        self._hired += 1
        name = f"worker-{self._hired}"
        self._at_work.append(self._start("work", name, name))

    def kill_one(self) -> None:
        """SIGKILL to one of the workers; a new one takes its place."""
        self._at_work.pop(random.randrange(len(self._at_work))).kill()
        self.hire()

    def _start(self, role: str, name: str, what: str) -> Worker:
        path = self._ledgers.path(name)
        return self._workers.start("tests.programs.stream_worker", role, self._workers.broker, path, what)

    def end_the_server(self, way: str) -> None:
        """SIGKILL or SIGTERM, and a new start."""
        if way == "kill":
            self._target.kill()
            self.killed_at.append(time.monotonic_ns())
        else:
            self._target.process.terminate()
            assert self._target.process.wait(30) == 0, self._target.log_tail()
        self._target.start()
        self._target.wait_until_ready(SLOW_S)

    def done(self) -> bool:
        """Whether everything is delivered and acknowledged."""
        (group,) = self.client.xinfo_groups(STREAM)
        last = self.client.xinfo_stream(STREAM)["last-generated-id"]
        return bool(group["last-delivered-id"] == last and group["pending"] == 0)

    def all_alive(self) -> bool:
        """Whether no worker has ended by itself."""
        return all(worker.process.poll() is None for worker in self._at_work)


@pytest.fixture
def crew_of(tmp_path: Path) -> Iterator[Callable[[str], Crew]]:
    """Starts a server with an append-only file, synced as asked, and those who work with it."""
    port = free_port()
    data = tmp_path / "data"
    data.mkdir()
    workers = Workers(f"redis://127.0.0.1:{port}", tmp_path)
    targets: list[Target] = []

    def make(appendfsync: str) -> Crew:
        options = ["--save", "", "--appendonly", "yes", "--appendfsync", appendfsync]
        targets.append(Target(respd_command(), data, port, options, respd_environment()))
        targets[0].start()
        targets[0].wait_until_ready(30)
        return Crew(workers, targets[0], Ledgers(tmp_path))

    yield make
    workers.kill()
    for target in targets:
        target.kill()
        target.sweep()


def _events(number: int, kills: int, ends: tuple[str, ...]) -> list[tuple[float, str]]:
    """What happens after how many messages were processed, in order."""
    events = [(number * (place + random.random()) / kills, "worker") for place in range(kills)]
    events += [(number * (place + 0.5) / len(ends), way) for place, way in enumerate(ends)]
    return sorted([*events, (number * 0.4, "rewrite")])


def _play(crew: Crew, ledgers: Ledgers, number: int, kills: int, ends: tuple[str, ...]) -> None:
    """Send, work, kill and end until all is done."""
    crew.client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    sender = crew.send(number)
    for _ in range(WORKERS):
        crew.hire()
    for moment, event in _events(number, kills, ends):
        until(lambda: ledgers.got() >= moment or not crew.all_alive(), f"{moment:.0f} messages", SLOW_S)  # noqa: B023
        assert crew.all_alive()
        if event == "worker":
            crew.kill_one()
        elif event == "rewrite":
            crew.client.bgrewriteaof()
        else:
            crew.end_the_server(event)
    until(lambda: sender.process.poll() is not None, "the end of the sender", SLOW_S)
    assert sender.process.returncode == 0, sender.log
    until(crew.done, "the end of the work", SLOW_S)


@pytest.mark.timeout(600)
def test_always(crew_of: Callable[[str], Crew], tmp_path: Path, long_form: bool) -> None:
    """Nothing is lost, nothing that was acknowledged comes again, nothing is left over."""
    crew, ledgers = crew_of("always"), Ledgers(tmp_path)
    number = 100_000 if long_form or crew.client.info("server").get("respd_build") == "compiled" else 15_000
    _play(crew, ledgers, number, KILLS, ENDS)
    sent = {int(words[1]) for words in ledgers.lines("sent")}
    got = {int(words[2]) for words in ledgers.lines("got")}
    assert sent == set(range(number)) and sent - got == set()

    acknowledged = {words[1]: int(words[2]) for words in ledgers.lines("acknowledged")}
    again = [words for words in ledgers.lines("got") if int(words[3]) > acknowledged.get(words[1], int(words[3]))]
    assert again == []
    (group,) = crew.client.xinfo_groups(STREAM)
    assert (group["pending"], group["lag"], group["entries-read"]) == (0, 0, crew.client.xlen(STREAM))
    assert [each for each in crew.client.xinfo_consumers(STREAM, GROUP) if each["pending"]] == []
    print(sum(1 for _ in ledgers.lines("got")) - number, "deliveries more than messages")


def test_everysec(crew_of: Callable[[str], Crew], tmp_path: Path) -> None:
    """What was answered more than two seconds before the server was killed is not lost; nothing is left over."""
    number = 5_000
    crew, ledgers = crew_of("everysec"), Ledgers(tmp_path)
    _play(crew, ledgers, number, 6, ("kill", "terminate"))
    sent = {int(words[1]): int(words[2]) for words in ledgers.lines("sent")}
    got = {int(words[2]) for words in ledgers.lines("got")}
    lost = [moment for each, moment in sent.items() if each not in got]
    assert set(sent) == set(range(number))
    assert [m for m in lost if not any(0 <= kill - m <= EVERYSEC_MAY_LOSE_S * 1e9 for kill in crew.killed_at)] == []
