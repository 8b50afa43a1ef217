"""The servers that are measured: how each starts, with nothing saved, what it is, and that it ends whatever happens."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.servers import Server, respd_environment

NOTHING_SAVED = ("--save", "", "--appendonly", "no")
FAKEREDIS_SERVER = Path(__file__).with_name("fakeredis_server.py")


def own_respd() -> str:
    """The command that starts the source beside this program."""
    return f"{shlex.quote(sys.executable)} -m respd"


def fakeredis(python: str) -> str:
    """The command that starts fakeredis' TCP server with the Python that has it."""
    return f"{shlex.quote(python)} {shlex.quote(str(FAKEREDIS_SERVER))}"


@dataclass
class Starter:
    """Starts servers of one command, and remembers them, so that none outlives the program."""

    command: str
    started: list[Server] = field(default_factory=list)

    def __call__(self, *options: str) -> Server:
        """Start one more, with further options; `python -m respd` of this very interpreter is the source beside us."""
        words = shlex.split(self.command)
        environment = respd_environment() if self.command == own_respd() else None
        server = Server(words, (*NOTHING_SAVED, *options), environment=environment)
        self.started.append(server)
        return server

    def stop_all(self) -> None:
        """End those that still run."""
        for server in self.started:
            server.stop()
        self.started.clear()


@dataclass(frozen=True)
class About:
    """What a server says it is: a name for tables, its version, and respd's build."""

    name: str
    version: str
    build: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def about(start: Starter) -> About:
    """Start a server for a moment and ask it."""
    server = start()
    try:
        with server.connect() as connection:
            info = connection.ask("INFO server")
    finally:
        server.stop()
    if not isinstance(info, bytes):  # fakeredis has no INFO
        words = [*shlex.split(start.command), "--version"]
        return About("fakeredis", subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.strip())
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    if "respd_version" in fields:
        return About(f"respd {fields['respd_build']}", fields["respd_version"], fields["respd_build"])
    if "valkey_version" in fields:
        return About("valkey-server", fields["valkey_version"])
    return About("redis-server", fields.get("redis_version", ""))


def is_here(command: str) -> bool:
    """Whether the program that a command names can be run."""
    return shutil.which(shlex.split(command)[0]) is not None


def has_fakeredis(python: str) -> bool:
    """Whether this Python is there and can import fakeredis."""
    if shutil.which(python) is None:
        return False
    return subprocess.run([python, "-c", "import fakeredis"], capture_output=True, timeout=60).returncode == 0


def machine() -> str:
    """The processors and the Python of this program."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else ""
    return f"{os.cpu_count()} × {model or platform.machine()}, Python {platform.python_version()}"


def commit() -> str:
    """The commit of the checkout that this program is in, or nothing."""
    words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(words, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def now() -> str:
    """The date and time for tables."""
    return time.strftime("%Y-%m-%d %H:%M")


def end_on_sigterm() -> None:
    """Have SIGTERM raise SystemExit as Ctrl-C raises KeyboardInterrupt, so that servers are stopped on the way out."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
