"""Worker processes of the programs under test: each in a session of its own, waited for, and ended whatever happens."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE, until
from tests.servers import respd_environment

HOME = Path(__file__).parent.parent.parent
LOG_TAIL = 5000


def _session(leader: int) -> list[int]:
    """The processes of a session: workers put their children in process groups of their own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


class Worker:
    """A process with its children, and what it has printed."""

    def __init__(self, words: list[str], log_path: Path, environment: dict[str, str]) -> None:
        self.log_path = log_path
        with log_path.open("wb") as log:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=HOME,
                env=environment,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self.log_path.read_text(errors="replace")

    def says(self, text: str, times: int = 1) -> None:
        """Wait until `text` stands in the log, `times` times."""

        def said() -> bool:
            if self.log.count(text) >= times:
                return True
            assert self.process.poll() is None, f"ended with status {self.process.returncode}:\n{self.log[-LOG_TAIL:]}"
            return False

        try:
            until(said, f"{text!r} in the log")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-LOG_TAIL:]}") from None

    def children(self) -> list[int]:
        """The process ids of its children, and theirs."""
        return [pid for pid in _session(self.process.pid) if pid != self.process.pid]

    def terminate(self) -> int:
        """SIGTERM, as people end a worker; its status."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the process and its children, until all are gone.

        A child that lives on for a moment keeps its parent's connections open: what the parent waits for in a BLPOP
        would be given to nobody.
        """
        until(self._is_gone, "the end of killed processes")

    def _is_gone(self) -> bool:
        left = _session(self.process.pid)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended meanwhile
        return self.process.poll() is not None and not left


class Workers:
    """Starts workers that are told where the broker is (RESPD_TEST_BROKER), and ends them all."""

    def __init__(self, broker: str, directory: Path) -> None:
        self.broker = broker
        self._directory = directory
        self._started: list[Worker] = []

    def start(self, module: str, *words: str, ready: str = "") -> Worker:
        """Start `python -m module words` and wait until it prints `ready`."""
        environment = {"RESPD_TEST_BROKER": self.broker, "PYTHONUNBUFFERED": "1"}
        return self.run(sys.executable, "-m", module, *words, ready=ready, environment=environment)

    def run(self, *words: str, ready: str, environment: dict[str, str]) -> Worker:
        """Start a program and wait until it prints `ready`."""
        log_path = self._directory / f"worker-{len(self._started)}.log"
        worker = Worker(list(words), log_path, {**respd_environment(), **environment})
        self._started.append(worker)
        if ready:
            worker.says(ready)
        return worker

    def kill(self) -> None:
        """SIGKILL to all that are left."""
        for worker in self._started:
            worker.kill()


def _can_share_locks() -> bool:
    """Whether processes can share locks here, as Celery's usual pool needs (a container may have no /dev/shm)."""
    try:
        multiprocessing.Lock()
    except OSError:
        return False
    return True


def start_celery(workers: Workers) -> Worker:
    """A Celery worker with two processes, or threads where processes cannot be."""
    words = ["-A", "tests.programs.celery_app", "worker", "--concurrency", "2", "-l", "INFO"]
    if not _can_share_locks():
        words += ["--pool", "threads"]
    return workers.start("celery", *words, ready=" ready.")
