"""What is seen of the server meanwhile: memory, descriptors, clients, and how long a reply takes to come."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Server
from tests.wire import Connection

PING_EVERY_S = 0.02


@dataclass(frozen=True)
class Sample:
    """The server at one moment; `at_s` counts from the start of the load."""

    at_s: float
    resident: int
    used: int
    descriptors: int
    clients: int
    blocked: int
    keys: int
    evicted: int
    expired: int


class Watcher:
    """Asks the server over one connection of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection: Connection = server.connect(timeout=60.0)
        self._began = time.monotonic()

    def begin(self) -> None:
        """Count seconds from now on."""
        self._began = time.monotonic()

    def info(self) -> dict[str, str]:
        """The fields of INFO."""
        text = self.connection.ask("INFO everything")
        assert isinstance(text, bytes)
        return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)

    def sample(self) -> Sample:
        """The server now."""
        info = self.info()
        keys = sum(
            int(value.split(",")[0].removeprefix("keys="))
            for name, value in info.items()
            if name[:2] == "db" and name[2:].isdigit()
        )
        return Sample(
            time.monotonic() - self._began,
            self.server.memory_bytes(),
            int(info["used_memory"]),
            len(os.listdir(f"/proc/{self.server.process.pid}/fd")),
            int(info["connected_clients"]),
            int(info["blocked_clients"]),
            keys,
            int(info["evicted_keys"]),
            int(info["expired_keys"]),
        )


def _waited_s(path: Path) -> float:
    """For how long a thread could have run and had no processor, as the scheduler counts it."""
    try:
        return int(path.read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0  # the kernel does not tell


class Pinger(threading.Thread):
    """A client that asks for a sign of life fifty times a second, and remembers the longest waits.

    Time in which the server or this thread had no processor is not the server's: it is taken off.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._connection: Connection = server.connect(timeout=60.0)
        self._schedstats = [Path(f"/proc/{server.process.pid}/task/{server.process.pid}/schedstat")]
        self._over = threading.Event()
        self.count = 0
        self.longest_s = 0.0
        self.longest_at_s = 0.0
        self.longest_as_seen_s = 0.0
        self.failed = ""

    def run(self) -> None:
        """Ask until `stop`."""
        self._schedstats.append(Path(f"/proc/self/task/{threading.get_native_id()}/schedstat"))
        began = time.monotonic()
        try:
            while not self._over.wait(PING_EVERY_S):
                without = sum(map(_waited_s, self._schedstats))
                sent = time.monotonic()
                self._connection.ask("PING")
                seen_s = time.monotonic() - sent
                took_s = seen_s - (sum(map(_waited_s, self._schedstats)) - without)
                self.count += 1
                self.longest_as_seen_s = max(self.longest_as_seen_s, seen_s)
                if took_s > self.longest_s:
                    self.longest_s, self.longest_at_s = took_s, sent - began
        except OSError as error:
            self.failed = str(error)

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()
        self.join()
        self._connection.close()


def slope(points: list[tuple[float, float]]) -> float:
    """The growth of y with x of the line that fits best, 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
