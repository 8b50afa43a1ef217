"""What hostile clients do to a server: the longest time it was away from others, and the memory it took.

`Watch` pings from a process of its own while something goes on. How long a ping took counts for little on a machine
that is busy; how much *CPU time the server used* between a ping and its answer counts: that is the time for which it
was away. The figures are the operating system's, so that any server can be measured.

By hand, the attacks of `tests.hostile_attacks` against any server, with a table of what they cost:

    python -m tests.hostile [--redis PATH] [--size N] [NAME ...]
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.servers import Server
from tests.wire import Connection

_PAUSE_S = 0.002


def cpu_s(pid: int) -> float:
    """CPU time of the main thread of a process, to a few milliseconds while it runs, exact when it sleeps."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def peak_bytes(pid: int) -> int:
    """The largest resident size since `forget_peak`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak(pid: int) -> None:
    """Have the largest resident size begin with the present one."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


class Watch:
    """While it is open, a process pings the server. Then: `away_s`, `waited_s`, `pings`, `grown_bytes` (at most)."""

    def __init__(self, server: Server, password: str = "") -> None:
        self.server = server
        self.password = password
        self.away_s = 0.0
        self.waited_s = 0.0
        self.pings = 0
        self.grown_bytes = 0

    def __enter__(self) -> Watch:
        pid = self.server.process.pid
        words = [sys.executable, "-m", "tests.hostile", "--ping", str(self.server.port), str(pid), self.password]
        home = str(Path(__file__).parent.parent)
        self._process = subprocess.Popen(words, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        forget_peak(pid)
        self._resident_bytes = self.server.memory_bytes()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        out, _ = self._process.communicate("")
        if self.server.running:
            self.grown_bytes = peak_bytes(self.server.process.pid) - self._resident_bytes
        if self._process.returncode == 0:
            away, waited, pings = out.split()
            self.away_s, self.waited_s, self.pings = float(away), float(waited), int(pings)
        elif error is None:
            raise AssertionError("the server has stopped answering")

    def __str__(self) -> str:
        return (
            f"away {self.away_s * 1e3:7.1f} ms, waited {self.waited_s * 1e3:7.1f} ms, {self.pings:5} pings, "
            f"grown {self.grown_bytes / 1e6:7.1f} MB"
        )


def _ping(port: int, pid: int, password: str) -> None:
    """Ping until standard input ends; print the most CPU time and the longest wait for an answer, and the count."""
    away = waited = 0.0
    pings = 0
    with Connection(port, timeout=120.0) as connection:
        if password:
            connection.ask(b"AUTH", password.encode())
        connection.ask("PING")
        print("ready", flush=True)
        os.set_blocking(0, False)
        while True:
            with contextlib.suppress(BlockingIOError):
                if os.read(0, 1) == b"":
                    break
            cpu, begun = cpu_s(pid), time.monotonic()
            connection.ask("PING")
            waited = max(waited, time.monotonic() - begun)
            away = max(away, cpu_s(pid) - cpu)
            pings += 1
            time.sleep(_PAUSE_S)
    print(away, waited, pings)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ping"]:
        _ping(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        from tests.hostile_attacks import main

        main(sys.argv[1:])
