"""Servers that start on a directory which another has left: respd and the oracles of three kinds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from crashes.ports import free_port
from crashes.target import Target, ask
from tests.patience import PATIENCE, until
from tests.servers import find_oracle, respd_command, respd_environment

COMMON = ["--save", "", "--enable-debug-command", "yes", "--auto-aof-rewrite-percentage", "0"]


@dataclass(frozen=True)
class Kind:
    """A kind of server: how to start it, whether fields of hashes expire, and whether it reads our files with such.

    `checks` are its redis-check-rdb and redis-check-aof. Its DEBUG DIGEST is ours only with `same_digest`: Redis 7.0
    writes scores with other digits.
    """

    name: str
    command: tuple[str, ...]
    expires_fields: bool = False
    reads_our_fields: bool = False
    checks: tuple[str, ...] = ()
    same_digest: bool = True
    environment: dict[str, str] | None = None


def _program(*places: str) -> str | None:
    return next((found for place in places if (found := shutil.which(place))), None)


def respd() -> Kind:
    """The server under test."""
    return Kind("respd", tuple(respd_command()), True, True, environment=respd_environment())


def oracle(name: str) -> Kind:
    """An oracle: `redis8`, `redis7` or `valkey9`; skips the test when it is not here."""
    checks: tuple[str, ...]
    if name == "redis8":
        program = find_oracle()
        checks = ("redis-check-rdb-8", "redis-check-aof-8")
    elif name == "redis7":
        program = _program("redis-server")
        checks = ("redis-check-rdb", "redis-check-aof")
    else:
        program = _program("valkey-server-9", "valkey-server", "/tmp/oracles/bin/valkey-server-9")
        checks = ()  # valkey-check-aof 9.1 does not know the first bytes of valkey-server 9.1's own files
    if program is None:
        pytest.skip(f"no {name} here")
    tools = [found for check in checks if (found := _program(check, str(Path(program).parent / check)))]
    return Kind(name, (program,), name != "redis7", name == "redis8", tuple(tools), name != "redis7")


@contextmanager
def running(kind: Kind, place: Path, *options: str) -> Iterator[Target]:
    """A server of a kind on `place`/data, whatever is there; killed in the end unless it was stopped."""
    data = place / "data"
    data.mkdir(parents=True, exist_ok=True)
    target = Target(list(kind.command), data, free_port(), [*COMMON, *options], kind.environment)
    target.start()
    try:
        target.wait_until_ready(PATIENCE)
        yield target
    finally:
        target.kill()
        target.sweep()


def stop(target: Target) -> None:
    """SHUTDOWN NOSAVE, and wait for the end: what the log has to hold it holds by then."""
    try:
        ask(target.port, [[b"SHUTDOWN", b"NOSAVE"]])
    except ConnectionResetError:
        pass
    assert target.process.wait(PATIENCE) == 0, target.log_tail()


def rewrite(target: Target) -> None:
    """BGREWRITEAOF, and wait until it is done."""
    ask(target.port, [[b"BGREWRITEAOF"]])
    wait_for(target, b"aof_rewrite_in_progress:0", b"aof_rewrite_scheduled:0", b"aof_last_bgrewrite_status:ok")


def wait_for(target: Target, *signs: bytes) -> None:
    """Wait until INFO persistence shows all signs."""

    def shown() -> bool:
        info = ask(target.port, [[b"INFO", b"persistence"]])[0]
        return isinstance(info, bytes) and all(sign + b"\r\n" in info for sign in signs)

    until(shown, f"{signs}\n{target.log_tail()}")


def check(kind: Kind, data: Path) -> None:
    """The kind's own tools find nothing wrong with the snapshots and logs in a directory."""
    if len(kind.checks) < 2:
        return
    check_rdb, check_aof = kind.checks
    for snapshot in [*data.glob("*.rdb"), *data.glob("*/*.rdb")]:
        _passes(check_rdb, snapshot)
    for manifest in data.glob("*/*.manifest"):
        _passes(check_aof, manifest)


def _passes(tool: str, path: Path) -> None:
    done = subprocess.run([tool, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{tool} {path}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
