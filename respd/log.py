"""The server's log: one line an event, in Redis' format, written at once."""

import os
import time
from typing import Final

DEBUG: Final = 0
VERBOSE: Final = 1
NOTICE: Final = 2
WARNING: Final = 3
_LEVEL_NAMES: Final = (b"debug", b"verbose", b"notice", b"warning", b"nothing")
_LEVEL_SIGNS: Final = ".-*#"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Log:
    """Writes `PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message` to a file, or to standard output.

    The file is opened anew for each line, so that it may be moved away at any time, and one line is one write, so that
    nothing is lost when the process dies. `role` is C while starting and in child processes, M for a master, S for a
    replica. A line that cannot be written is dropped: logging never fails its caller.
    """

    def __init__(self, path: str = "", level: bytes = b"notice", role: str = "C") -> None:
        self.path = path
        self.level: int = NOTICE
        self.role = role
        self.set_level(level)

    def set_level(self, name: bytes) -> None:
        """Log from now on what is at least as important as `name` (debug verbose notice warning nothing)."""
        self.level = _LEVEL_NAMES.index(name)

    def debug(self, message: str) -> None:
        """Log for those who look for a fault in respd."""
        if self.level <= DEBUG:
            self._write(DEBUG, message)

    def verbose(self, message: str) -> None:
        """Log what is rarely of use."""
        if self.level <= VERBOSE:
            self._write(VERBOSE, message)

    def notice(self, message: str) -> None:
        """Log what an operator may want to know."""
        if self.level <= NOTICE:
            self._write(NOTICE, message)

    def info(self, message: str) -> None:
        """The same as `notice`."""
        self.notice(message)

    def warning(self, message: str) -> None:
        """Log what an operator should know."""
        if self.level <= WARNING:
            self._write(WARNING, message)

    def raw(self, text: str) -> None:
        """Write `text` as it is, at the level of `notice`."""
        if self.level <= NOTICE:
            self._append(text)

    def _write(self, level: int, message: str) -> None:
        self._append(format_line(os.getpid(), self.role, time.time(), _LEVEL_SIGNS[level], message))

    def _append(self, text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        try:
            if self.path:
                fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
                try:
                    os.write(fd, data)
                finally:
                    os.close(fd)
            else:
                os.write(1, data)
        except OSError:
            pass


def format_line(pid: int, role: str, now_s: float, sign: str, message: str) -> str:
    """Return one line of the log, `now_s` shown in local time."""
    now = time.localtime(now_s)
    month = _MONTHS[now.tm_mon - 1]
    ms = int(now_s * 1000) % 1000
    clock = f"{now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}.{ms:03d}"
    return f"{pid}:{role} {now.tm_mday:02d} {month} {now.tm_year} {clock} {sign} {message}\n"
