"""The child process: a fork of the server that writes the data as it was, while the server goes on. One at most.

Whoever has something to write hands `start` the work and what to do when it has ended. The child tells its parent
through a pipe how far it is and how much memory it had to copy; the parent looks a few times a second, and never waits,
unless it kills the child.
"""

from __future__ import annotations

import errno
import faulthandler
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from respd.engine import Engine

RDB: Final = "RDB"
AOF: Final = "AOF"
SUPPORTED: Final = hasattr(os, "fork")
KILLED_BY_US: Final = 10 if sys.platform == "win32" else int(signal.SIGUSR1)

_FIRST_FILE: Final = 3
_MANY_FILES: Final = 1 << 16
_MEGABYTE: Final = 1 << 20
_REPORT: Final = struct.Struct("=qqq")  # keys written, bytes copied so far, the most there were
_REPORT_EVERY_S: Final = 1.0
_PATIENCE: Final = 100  # copied memory is measured again after this many times what measuring it took
_FAILED: Final = 1

Work = Callable[[], int]
Ending = Callable[[int], None]


class Children:
    """The child and what is known of it. `kind` is RDB or AOF, empty without one; times in seconds."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.log = engine.log
        self.kind: str = ""
        self.pid: int = 0
        self.last_pid: int = 0
        self.forks: int = 0
        self.fork_us: int = 0  # of the last one
        self.keys_total: int = 0
        self.keys_done: int = 0
        self.copied_bytes: int = 0
        self.copied_peak_bytes: int = 0
        self.copied_at_s: float = 0.0
        self.last_copied_bytes: dict[str, int] = {RDB: 0, AOF: 0}
        self._on_end: Ending | None = None
        self._pipe: int = -1
        # In the child
        self._samples: int = 0
        self._copied_sum: int = 0
        self._reported_s: float = 0.0
        self._measured_s: float = 0.0
        self._measuring_s: float = 0.0

    def runs(self) -> bool:
        """Tell whether there is a child."""
        return self.pid != 0

    def forget_forks(self) -> None:
        """Start the counts of forks anew."""
        self.forks = 0
        self.fork_us = 0

    def copied_age_s(self) -> int:
        """Return how old the figures of copied memory are, 0 without any."""
        return int(time.monotonic() - self.copied_at_s) if self.copied_at_s else 0

    # -- in the server

    def start(self, kind: str, work: Work, on_end: Ending) -> int:
        """Fork; return the child's process id. There must be none yet. Raises OSError.

        The child calls `work`, whose result is its exit status; `on_end` is given the status as waitpid tells it.
        """
        if not SUPPORTED:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        keys = 0
        for db in self.engine.databases:
            keys += db.size()
        quiet = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1))
        started_s = time.monotonic()
        try:
            pid = os.fork()
            if pid == 0:
                self._be_child(kind, work, writer, quiet)
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
            signal.pthread_sigmask(signal.SIG_SETMASK, quiet)
        elapsed_s = time.monotonic() - started_s
        engine = self.engine
        if elapsed_s >= engine.latency.threshold_s:
            engine.latency.add(b"fork", elapsed_s, int(engine.clock.ms // 1000))
        self.fork_us = int(elapsed_s * 1e6)
        self.forks += 1
        self.kind = kind
        self.pid = pid
        self.keys_total = keys
        self.keys_done = 0
        self.copied_bytes = 0
        self.copied_peak_bytes = 0
        self.copied_at_s = 0.0
        self._on_end = on_end
        self._pipe = reader
        return pid

    def check(self) -> None:
        """Read what the child has told, and see whether it has ended. Does not wait."""
        if self.pid:
            self._receive()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._end(status)

    def wait(self) -> None:
        """Wait until the child, if there is one, has ended by itself."""
        if self.pid:
            self._end(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        """End the child, if there is one, and wait until it is gone; whoever started it is not told."""
        if self.pid:
            self._on_end = None
            os.kill(self.pid, KILLED_BY_US)
            self.wait()

    def _end(self, status: int) -> None:
        self._receive()
        os.close(self._pipe)
        self._pipe = -1
        on_end = self._on_end
        self.last_copied_bytes[self.kind] = self.copied_peak_bytes
        self.last_pid = self.pid
        self.pid = 0
        self.kind = ""
        self.keys_total = 0
        self.keys_done = 0
        self.copied_bytes = 0
        self.copied_peak_bytes = 0
        self.copied_at_s = 0.0
        self._on_end = None
        if on_end is not None:
            on_end(status)

    def _receive(self) -> None:
        while True:
            try:
                report = os.read(self._pipe, _REPORT.size)
            except BlockingIOError:
                return
            if len(report) < _REPORT.size:
                return
            self.keys_done, copied, peak = _REPORT.unpack(report)
            if peak:
                self.copied_bytes = copied
                self.copied_peak_bytes = peak
                self.copied_at_s = time.monotonic()

    # -- in the child

    def _be_child(self, kind: str, work: Work, pipe: int, quiet: set[signal.Signals] | set[int]) -> None:
        """Do the work and end the process."""
        status = _FAILED
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(KILLED_BY_US, signal.SIG_DFL)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            faulthandler.disable()  # its file is closed below
            signal.pthread_sigmask(signal.SIG_SETMASK, quiet)
            # The clients' connections are the server's to close, and its port must be free once it is gone.
            os.closerange(_FIRST_FILE, pipe)
            os.closerange(pipe + 1, max(os.sysconf("SC_OPEN_MAX"), _MANY_FILES))
            self.log.role = "C"
            self.engine.oom_score.enter_child()
            self._pipe = pipe
            self.kind = kind
            self.keys_done = 0
            self.copied_peak_bytes = 0
            status = work()
            if status == 0:
                self._report(True)
        except Exception:
            import traceback

            self.log.warning(f"The child ends because of an error of its own:\n{traceback.format_exc()}")
        finally:
            os._exit(status)

    def progress(self, keys: int) -> None:
        """Called by the work now and then: `keys` are written. Tells the parent once a second; ends without one."""
        self.keys_done = keys
        now_s = time.monotonic()
        if now_s - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = now_s
            self._report(False)

    def _report(self, is_last: bool) -> None:
        copied = 0
        now_s = time.monotonic()
        if is_last or now_s - self._measured_s > self._measuring_s * _PATIENCE:
            copied = private_dirty_bytes()
            self._measured_s = time.monotonic()
            self._measuring_s = self._measured_s - now_s
            self._samples += 1
            self._copied_sum += copied
            self.copied_peak_bytes = max(self.copied_peak_bytes, copied)
            purpose = "AOF rewrite" if self.kind == AOF else self.kind
            line = (
                f"Fork CoW for {purpose}: current {copied // _MEGABYTE} MB, "
                f"peak {self.copied_peak_bytes // _MEGABYTE} MB, "
                f"average {self._copied_sum // self._samples // _MEGABYTE} MB"
            )
            if is_last:
                self.log.notice(line)
            else:
                self.log.verbose(line)
        try:
            os.write(self._pipe, _REPORT.pack(self.keys_done, copied, self.copied_peak_bytes if copied else 0))
        except BlockingIOError:
            pass  # the parent is too busy to look
        except OSError as error:
            self.log.warning(f"Child failed reporting info to parent, exiting. {error.strerror}")
            os._exit(_FAILED)


def private_dirty_bytes() -> int:
    """Return how much memory of this process is its own and changed; 0 where the system does not tell."""
    try:
        with open("/proc/self/smaps_rollup", "rb") as summary:
            for line in summary:
                if line.startswith(b"Private_Dirty:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return 0
