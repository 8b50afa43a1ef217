"""What the operating system lets a server process do: file limits, the background, pid file, title, supervisor."""

import contextlib
import os
import sys
from typing import Final

from respd.config import Config
from respd.directive_kinds import ConfigError, expand_title
from respd.log import Log

RESERVED_FILES: Final = 32
"""Files that the server needs besides one for each client."""

DEFAULT_PID_FILE: Final = "/var/run/redis.pid"


class TooFewFiles(Exception):
    """The limit of open files leaves none for clients."""


def adjust_file_limit(maxclients: int, log: Log) -> int:
    """Raise the limit of open files for `maxclients`; return how many clients it allows, logging what Redis logs.

    Raises TooFewFiles when that is none at all.
    """
    if sys.platform == "win32":
        return maxclients
    import resource

    wanted = maxclients + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return maxclients
    try:
        allowed = wanted if hard == resource.RLIM_INFINITY else max(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, allowed))
    except (OSError, ValueError) as error:
        best = max(soft, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
        now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if now <= RESERVED_FILES:
            log.warning(
                f"Your current 'ulimit -n' of {now} is not enough for the server to start. "
                f"Please increase your open file limit to at least {wanted}. Exiting."
            )
            raise TooFewFiles from None
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "Operation not permitted"
        log.warning(f"You requested maxclients of {maxclients} requiring at least {wanted} max file descriptors.")
        log.warning(f"Server can't set maximum open files to {wanted} because of OS error: {reason}.")
        log.warning(
            f"Current maximum open files is {now}. maxclients has been reduced to {now - RESERVED_FILES} to "
            "compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'."
        )
        return now - RESERVED_FILES
    log.notice(f"Increased maximum number of open files to {wanted} (it was originally set to {soft}).")
    return maxclients


class FileLimit:
    """Keeps the limit of open files in step with maxclients when CONFIG SET changes it."""

    def __init__(self, config: Config, log: Log) -> None:
        self.config = config
        self.log = log

    def follow(self) -> None:
        """Raise the limit for the present maxclients, or refuse it."""
        wanted = self.config.maxclients
        allowed = adjust_file_limit(wanted, self.log)
        if allowed < wanted:
            raise ConfigError(
                b"The operating system is not able to handle the specified number of clients, try with %d" % allowed
            )


def check_backlog(backlog: int, log: Log) -> None:
    """Warn when the system cuts the queue of waiting connections shorter than tcp-backlog."""
    path = "/proc/sys/net/core/somaxconn"
    with contextlib.suppress(OSError, ValueError), open(path) as file:
        most = int(file.read())
        if 0 < most < backlog:
            log.warning(
                f"WARNING: The TCP backlog setting of {backlog} cannot be enforced because {path} is set to the "
                f"lower value of {most}."
            )


def go_to_background() -> bool:
    """Detach from the terminal in a child process; return False in the parent, which has nothing left to do."""
    if os.fork():
        return False
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)
    return True


class Supervisor:
    """The service manager that waits to hear that the server is ready: systemd, when the configuration says so."""

    def __init__(self, mode: bytes) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self.mode = mode
        self.address = address if mode in (b"systemd", b"auto") else ""

    def is_there(self) -> bool:
        """Return whether somebody waits to be told."""
        return self.address != ""

    def log_presence(self, log: Log) -> None:
        """Say whether there is a supervisor, if one is asked for."""
        if self.address:
            log.notice(
                "supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and "
                "TimeoutStopSec in your service unit."
            )
        elif self.mode == b"systemd":
            log.warning("systemd supervision requested, but NOTIFY_SOCKET is not set: nobody to tell")

    def tell(self, message: str) -> None:
        """Send lines of the protocol of sd_notify(3)."""
        if not self.address:
            return
        import socket

        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(message.encode(), address)


class PidFile:
    """The file that holds the process id while the server runs."""

    def __init__(self, path: str, log: Log) -> None:
        self.path = os.path.abspath(path)
        self.log = log

    def write(self) -> None:
        """Create the file; a failure is logged and the server goes on."""
        try:
            with open(self.path, "w") as file:
                file.write(f"{os.getpid()}\n")
        except OSError as error:
            self.log.warning(f"Failed to write PID file: {error.strerror}")

    def remove(self) -> None:
        """Remove the file at the end, if there is one."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)
            self.log.notice("Removing the pid file.")


class ProcessTitle:
    """The title that `ps` shows, as proc-title-template makes it. Linux only, and cut to the room the arguments took.

    The kernel shows the memory that holds the program's arguments; this writes the title there, through /proc/self/mem.
    """

    def __init__(self, config: Config, program: str) -> None:
        self.config = config
        self.program = program

    def show(self) -> None:
        """Set the title for the present configuration, where the system lets us."""
        if not self.config.set_proc_title or sys.platform != "linux":
            return
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open("/proc/self/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            start, end = int(fields[45]), int(fields[46])
            if not 0 < start < end:
                return
            room = end - start
            with open("/proc/self/mem", "r+b", buffering=0) as memory:
                memory.seek(start)
                memory.write(self.text()[: room - 1].ljust(room, b"\0"))
            with open("/proc/self/comm", "wb") as comm:
                comm.write(b"respd")

    def text(self) -> bytes:
        """Return the title."""
        config = self.config
        address = config.bind[0] if config.bind else "*"
        port = config.tls_port or config.port
        listen = f"{address}:{port}" if port or not config.unixsocket else config.unixsocket
        fields = {
            b"title": self.program.encode(errors="surrogateescape"),
            b"listen-addr": listen.encode(errors="surrogateescape"),
            b"server-mode": b"",
            b"port": b"%d" % config.port,
            b"tls-port": b"%d" % config.tls_port,
            b"unixsocket": os.fsencode(config.unixsocket),
            b"config-file": os.fsencode(config.config_file),
        }
        return (expand_title(config.proc_title_template, fields) or b"").rstrip()


class FaultReports:
    """Has the process write where it is into its log when it dies of SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT.

    The file of the log is held open for that, as nothing can be opened then; moved away, it is still that file.
    """

    def __init__(self, config: Config, log: Log) -> None:
        self.config = config
        self.log = log
        self.fd = -1

    def follow(self) -> None:
        """Report faults, or not, as crash-log-enabled says."""
        import faulthandler

        faulthandler.disable()
        if self.fd > 2:
            os.close(self.fd)
        self.fd = -1
        if not self.config.crash_log_enabled:
            return
        with contextlib.suppress(OSError):
            self.fd = 1
            if self.log.path:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
                self.fd = os.open(self.log.path, flags, 0o644)
            faulthandler.enable(self.fd)


class Life:
    """Everything above, in its order: before the server listens, once it does, when it serves, and after its end."""

    def __init__(self, config: Config, log: Log) -> None:
        self.config = config
        self.log = log
        self.title = ProcessTitle(config, "respd")
        self.file_limit = FileLimit(config, log)
        self.supervisor = Supervisor(config.supervised)
        self.faults = FaultReports(config, log)
        self.pid_file: PidFile | None = None
        if config.daemonize or config.pidfile:
            if not config.pidfile:
                config.put(b"pidfile", DEFAULT_PID_FILE.encode())
            self.pid_file = PidFile(config.pidfile, log)

    def prepare(self) -> None:
        """Fit the limits of the process to the configuration; raises TooFewFiles."""
        config, log = self.config, self.log
        self.supervisor.log_presence(log)
        config.put(b"maxclients", adjust_file_limit(config.maxclients, log))
        check_backlog(config.tcp_backlog, log)
        self.title.show()

    def on_listening(self) -> None:
        """Say who the server is, and follow the configuration from here on."""
        if self.pid_file is not None:
            self.pid_file.write()
        self.config.on_change(["maxclients"], self.file_limit.follow)
        self.faults.follow()
        self.config.on_change(["crash-log-enabled"], self.faults.follow)
        self.config.on_change(["loglevel"], self.follow_level)
        self.config.on_change(["port", "bind", "tls-port", "proc-title-template"], self.title.show)

    def on_ready(self) -> None:
        """Tell the world that the data is loaded and clients are served."""
        self.supervisor.tell("STATUS=Ready to accept connections\nREADY=1\n")

    def follow_level(self) -> None:
        """Log at the level that CONFIG SET chose."""
        self.log.set_level(self.config.loglevel)

    def end(self) -> None:
        """Take back what was put into the world."""
        self.supervisor.tell("STOPPING=1\n")
        if self.pid_file is not None:
            self.pid_file.remove()
