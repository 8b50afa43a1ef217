"""The server's log: one line an event, in Redis' format, written at once."""

import os
import time
from collections.abc import Callable
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
    replica. A line that cannot be written is dropped: logging never fails its caller. `system_log`, if there is one,
    gets every line besides, as (level, message).
    """

    def __init__(self, path: str = "", level: bytes = b"notice", role: str = "C") -> None:
        self.path = path
        self.level: int = NOTICE
        self.role = role
        self.system_log: Callable[[int, str], None] | None = None
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
            self._tell_system(NOTICE, text)

    def report(self, text: str) -> None:
        """Write lines as they are, at the level of `warning`."""
        if self.level <= WARNING:
            self._append(text)
            self._tell_system(WARNING, text)

    def _write(self, level: int, message: str) -> None:
        self._append(format_line(os.getpid(), self.role, time.time(), _LEVEL_SIGNS[level], message))
        self._tell_system(level, message)

    def _tell_system(self, level: int, text: str) -> None:
        if self.system_log is not None:
            for line in text.splitlines():
                self.system_log(level, line)

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


def open_system_log(ident: bytes, facility: bytes) -> Callable[[int, str], None] | None:
    """Return what sends a line to the system's log under the name `ident`; None where there is no such log."""
    try:
        import syslog
    except ImportError:
        return None
    number = getattr(syslog, "LOG_" + facility.decode().upper())
    options = syslog.LOG_PID | syslog.LOG_NDELAY | syslog.LOG_NOWAIT
    syslog.openlog(ident.decode(errors="replace"), options, number)
    priorities = (syslog.LOG_DEBUG, syslog.LOG_INFO, syslog.LOG_NOTICE, syslog.LOG_WARNING)

    def send(level: int, line: str) -> None:
        syslog.syslog(priorities[level], line.replace("\0", "\\x00").encode("utf-8", "replace").decode())

    return send


def format_line(pid: int, role: str, now_s: float, sign: str, message: str) -> str:
    """Return one line of the log, `now_s` shown in local time."""
    now = time.localtime(now_s)
    month = _MONTHS[now.tm_mon - 1]
    ms = int(now_s * 1000) % 1000
    clock = f"{now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}.{ms:03d}"
    return f"{pid}:{role} {now.tm_mday:02d} {month} {now.tm_year} {clock} {sign} {message}\n"
