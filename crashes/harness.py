"""Kill, restart, look: the loop of the crash harness.

A round begins with a server that runs and whose data is known. Writers go to work; at some moment the server is killed,
maybe killed again while it starts, then started and read. What it knows is held against the ledger's promises.

Moments:
- **load**: any moment while clients write;
- **snapshot**: after BGSAVE, **rewrite**: after BGREWRITEAOF: at the first, second, ... thing that then happens to a
  file in the directory (so at each step), or after a random while;
- **shutdown**: after SHUTDOWN or SIGTERM;
- **start**: while the server that replaces a killed one starts and loads.

A kill hits the server alone. A child that it leaves behind lives on for some milliseconds with an AOF, until the next
server runs; with snapshots only, until shortly before, for a snapshot that it completes replaces what was loaded.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from crashes.events import Events
from crashes.ledger import Ledger
from crashes.ports import free_port
from crashes.target import Broken, Target, ask
from crashes.writers import Writers
from crashes.writes import reading, state_of

DURABILITIES = ("always", "everysec", "rdb")
EVERYSEC_S = 2.0
MOST_EVENTS = 12
START_S = 60.0


def options(durability: str) -> list[str]:
    """A server's command line for a durability: nothing is saved or rewritten but at our word."""
    if durability == "rdb":
        return ["--save", "", "--appendonly", "no"]
    words = ["--save", "", "--appendonly", "yes", "--appendfsync", durability]
    return [*words, "--auto-aof-rewrite-percentage", "0"]


@dataclass
class Report:
    """What a run has seen so far. `steps` are the last things that happened to files before kills."""

    durability: str
    kills: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: int = 0
    lost_s: float = 0.0
    restart_s: float = 0.0
    broken: list[str] = field(default_factory=list)


class Harness:
    """Writers, a server that is killed, and the ledger they are compared by."""

    def __init__(
        self,
        target: Target,
        durability: str,
        *,
        writers: int = 4,
        keys: int = 3000,
        seed: int = 0,
        longest_s: float = 0.08,
    ) -> None:
        self.report = Report(durability)
        self._target = target
        self._ledger = Ledger(writers)
        self._random = Random(seed)
        self._fillers = [
            (b"filler:%d" % number, b"%d:" % number + b"x" * self._random.randrange(200)) for number in range(keys)
        ]
        self._floors = [0] * writers
        self._longest_s = longest_s
        self._start_s = 0.1

    def run(self, kills: int) -> Report:
        """Kill so often and report; the first broken promise ends the run."""
        try:
            self._begin()
            while sum(self.report.kills.values()) < kills:
                self._round()
        except Broken as broken:
            self.report.broken.append(str(broken))
        finally:
            self._target.kill()
            self._target.sweep()
        return self.report

    def _begin(self) -> None:
        self._target.start()
        self._target.wait_until_ready(START_S)
        words = [b"MSET", *(word for pair in self._fillers for word in pair)]
        ask(self._target.port, [words] if self._fillers else [])
        if self.report.durability == "rdb":
            ask(self._target.port, [[b"SAVE"]])

    def _round(self) -> None:
        moments: list[Callable[[Writers], None]] = [self._load, self._snapshot, self._shutdown]
        if self.report.durability != "rdb":
            moments += [self._rewrite, self._rewrite]
        writers = Writers(self._target.port, self._ledger, self._random)
        ended_at = 0.0
        try:
            moment = self._random.choice(moments)
            moment(writers)
            ended_at = time.monotonic()
            self._target.kill()
            self.report.kills[moment.__name__.strip("_")] += 1
            writers.drain()
        finally:
            writers.close()
        time.sleep(self._random.choice([0, 0, 0.01]))
        if self.report.durability == "rdb":
            self._target.sweep()
        while self._random.random() < 0.5:
            self._start_and_kill()
        self._restart(ended_at)

    # The moments: each returns when it is time to kill

    def _load(self, writers: Writers) -> None:
        if self.report.durability == "rdb" and self._random.random() < 0.7:
            self._save(writers)
        self._pump(writers, self._random.uniform(0, self._longest_s))

    def _snapshot(self, writers: Writers) -> None:
        self._pump(writers, self._random.uniform(0, self._longest_s / 4))
        self._until_step(writers, b"BGSAVE")

    def _rewrite(self, writers: Writers) -> None:
        self._pump(writers, self._random.uniform(0, self._longest_s / 4))
        self._until_step(writers, b"BGREWRITEAOF")

    def _shutdown(self, writers: Writers) -> None:
        self._pump(writers, self._random.uniform(0, self._longest_s / 2))
        floors = self._ledger.floors(time.monotonic())
        how = self._random.choice([b"", b"SAVE", b"NOSAVE"])
        events = Events(self._target.directory)
        steps = self._random.randint(1, MOST_EVENTS // 2)
        if how:
            writers.command(b"SHUTDOWN", how)
        else:
            self._target.process.send_signal(signal.SIGTERM)
        self._watch(writers, events, steps, self._random.choice([0.01, 1.0]))
        events.close()
        deadline = time.monotonic() + 0.2 * self._random.random()
        while self._target.process.poll() is None and writers.gone and time.monotonic() < deadline:
            time.sleep(0.001)
        if self._target.process.poll() == 0 and how == b"SAVE":
            self._floors = floors

    def _until_step(self, writers: Writers, command: bytes) -> None:
        """Send a command that starts a child; return at one of the next things that happen to files, or by chance."""
        events = Events(self._target.directory)
        writers.command(command)
        if self._random.random() < 0.3:
            self._pump(writers, self._random.uniform(0, self._longest_s))
        else:
            self._watch(writers, events, self._random.randint(1, MOST_EVENTS), self._longest_s * 2)
            if writers.gone:
                self._ended()
        events.close()

    def _watch(self, writers: Writers, events: Events, steps: int, seconds: float) -> None:
        seen: list[str] = []

        def done() -> bool:
            if events.fd >= 0:
                seen.extend(events.read())
            return len(seen) >= steps

        writers.pump(seconds, done, events)
        if len(seen) >= steps:
            self.report.steps[seen[-1]] += 1

    def _save(self, writers: Writers) -> None:
        """A snapshot, in the foreground or background, that is completed: from now on it is what has to be there."""
        floors = self._ledger.floors(time.monotonic())
        if self._random.random() < 0.3:
            writers.command(b"SAVE")
            self._pump_until(writers, lambda: writers.reply() is not False)
        else:
            writers.command(b"BGSAVE")
            self._pump_until(writers, lambda: writers.reply() is not False)

            def saved() -> bool:
                writers.command(b"INFO", b"persistence")
                info = writers.reply(5.0)
                return isinstance(info, bytes) and b"rdb_bgsave_in_progress:0" in info

            self._pump_until(writers, saved)
        self._floors = floors

    def _pump(self, writers: Writers, seconds: float) -> None:
        writers.pump(seconds)
        if writers.gone:
            self._ended()

    def _pump_until(self, writers: Writers, done: Callable[[], bool]) -> None:
        writers.pump(START_S, done)
        if writers.gone:
            self._ended()

    def _ended(self) -> None:
        self._target.process.wait(10)
        raise Broken(f"the server ended by itself, {self._target.process.returncode}:\n{self._target.log_tail()}")

    # Starting again

    def _start_and_kill(self) -> None:
        """Start the server and kill it at a step of its start, or after a while in which it may start."""
        self._target.start()
        time.sleep(self._random.uniform(0, self._start_s * 1.2))
        if self._target.process.poll() is not None and not self._target.port_was_taken():
            raise Broken(f"the server does not start:\n{self._target.log_tail()}")
        self._target.kill()
        self.report.kills["start"] += 1

    def _restart(self, ended_at: float) -> None:
        self._target.start()
        start_s = self._target.wait_until_ready(START_S)
        self.report.restart_s = max(self.report.restart_s, start_s)
        self._start_s += (start_s - self._start_s) / 4
        self._target.sweep()
        self._verify(ended_at)

    def _verify(self, ended_at: float) -> None:
        durability, port = self.report.durability, self._target.port
        if durability != "rdb":
            self._floors = self._ledger.floors(ended_at + 1 if durability == "always" else ended_at - EVERYSEC_S)
        states = [state_of(writer, ask(port, reading(writer))) for writer in range(len(self._ledger.accounts))]
        self.report.acknowledged += sum(len(account.acked_at) for account in self._ledger.accounts)
        verdict = self._ledger.settle(states, self._floors, ended_at)
        self.report.lost += verdict.lost
        self.report.lost_s = max(self.report.lost_s, verdict.lost_s)
        self.report.broken += verdict.broken
        size, values = ask(port, [[b"DBSIZE"], [b"MGET", *(key for key, _ in self._fillers), b"filler:none"]])
        assert isinstance(values, list)
        if values[:-1] != [value for _, value in self._fillers]:
            wrong = sum(1 for found, (_, value) in zip(values, self._fillers) if found != value)
            self.report.broken.append(f"{wrong} of {len(self._fillers)} keys that nobody touched are wrong")
        if size != len(self._fillers) + sum(map(len, states)):
            self.report.broken.append(f"{size} keys, not {len(self._fillers)} and {sum(map(len, states))}")
        if self.report.broken:
            raise Broken(f"after {sum(self.report.kills.values())} kills")


def make_target(
    command: list[str],
    directory: Path,
    durability: str,
    further: list[str],
    port: int = 0,
    environment: dict[str, str] | None = None,
) -> Target:
    """A server of a durability in `directory`/data, its log beside."""
    data = directory / "data"
    data.mkdir(parents=True)
    return Target(command, data, port or free_port(), [*options(durability), *further], environment)
