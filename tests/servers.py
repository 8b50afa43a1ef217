"""Servers as processes: respd itself, and the redis-server it is compared with."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crashes.ports import free_port
from tests.patience import PATIENCE
from tests.wire import Connection

ORACLE_PLACES = ("redis-server-8", "redis-server", "/tmp/oracles/bin/redis-server-8")
OLDEST_ORACLE = 8


def respd_command() -> list[str]:
    """How to start respd: the words of RESPD_TEST_COMMAND, else the package these tests import, by this interpreter."""
    given = os.environ.get("RESPD_TEST_COMMAND")
    return shlex.split(given) if given else [sys.executable, "-m", "respd"]


def respd_environment() -> dict[str, str]:
    """The environment in which `python -m respd` finds the same package that `import respd` finds here.

    A server named by RESPD_TEST_COMMAND finds its own.
    """
    if os.environ.get("RESPD_TEST_COMMAND"):
        return dict(os.environ)
    import respd

    home = str(Path(respd.__file__).parent.parent)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{home}{os.pathsep}{path}" if path else home}


def redis_version(program: str) -> tuple[int, ...] | None:
    """The version of a redis-server program, or None when it is no such thing."""
    try:
        line = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"Redis server v=(\d+)\.(\d+)\.(\d+)", line)
    return tuple(int(part) for part in found.groups()) if found else None


def find_oracle(named: str | None = None) -> str | None:
    """The path of a redis-server of version 8 or later: the one named, RESPD_TEST_REDIS, one on the PATH, or None.

    One that is named must serve; one that is found must be new enough.
    """
    named = named or os.environ.get("RESPD_TEST_REDIS")
    if named:
        if redis_version(named) is None:
            raise FileNotFoundError(f"{named} is not a redis-server")
        return named
    for place in ORACLE_PLACES:
        program = shutil.which(place)
        version = redis_version(program) if program else None
        if program and version and version[0] >= OLDEST_ORACLE:
            return program
    return None


class Server:
    """A server process on a free port of 127.0.0.1, with a directory of its own, ended by `stop`.

    `options` are words of its command line after the port. The log is in `log`, the time from the start of the process
    to the first answer in `start_up_s`.
    """

    def __init__(
        self,
        command: list[str],
        options: tuple[str, ...] = (),
        *,
        environment: dict[str, str] | None = None,
        attempts: int = 3,
    ) -> None:
        self.command = command
        self.options = options
        self.environment = environment
        self.start_up_s = 0.0
        self.directory = tempfile.mkdtemp(prefix="respd-test-")
        self.log_path = Path(self.directory, "server.log")
        for attempt in range(attempts):
            self.port = free_port()
            try:
                self._start()
                if self._answers():
                    return
            except BaseException:  # Ctrl-C while it starts: it must not stay behind
                if hasattr(self, "process"):
                    self.process.kill()
                    self.process.wait()
                shutil.rmtree(self.directory, ignore_errors=True)
                raise
            self.process.kill()
            self.process.wait()
            if "Failed listening" not in self.log or attempt == attempts - 1:
                break  # only a port that someone else took meanwhile is worth another try
        log = self.log
        shutil.rmtree(self.directory, ignore_errors=True)
        raise RuntimeError(f"{' '.join(command)} does not start:\n{log[-3000:]}")

    def _start(self) -> None:
        words = [*self.command, "--port", str(self.port), "--dir", self.directory, *self.options]
        self._started = time.monotonic()
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, cwd=self.directory
            )

    def _answers(self, seconds: float = PATIENCE) -> bool:
        """Wait until the server answers a PING (or refuses it for want of a password)."""
        until = self._started + seconds
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with Connection(self.port, timeout=seconds) as connection:
                    if connection.call("PING").kind in "+-":
                        self.start_up_s = time.monotonic() - self._started
                        return True
            except OSError:
                time.sleep(0.002)
        return False

    @property
    def log(self) -> str:
        """What the server has printed so far."""
        return self.log_path.read_text(errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None

    def connect(self, resp: int = 2, timeout: float = PATIENCE) -> Connection:
        """A new connection."""
        return Connection(self.port, resp=resp, timeout=timeout)

    def cpu_s(self) -> float:
        """CPU time the process has used so far, all threads, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Resident memory of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self, seconds: float = 30.0) -> int:
        """End the process (SIGTERM, then SIGKILL when it does not listen) and return its exit status."""
        if self.running:
            self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        return status


def start_respd(*options: str) -> Server:
    """Start respd with nothing saved and DEBUG allowed."""
    options = ("--save", "", "--enable-debug-command", "yes", *options)
    return Server(respd_command(), options, environment=respd_environment())


def start_redis(program: str, *options: str) -> Server:
    """Start a redis-server with nothing saved and DEBUG allowed."""
    return Server([program], ("--save", "", "--enable-debug-command", "yes", *options))
