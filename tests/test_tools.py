"""redis-cli and redis-benchmark, as Debian's redis-tools has them, against respd; skipped where not installed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import pytest

from tests.patience import PATIENCE
from tests.servers import Server
from tests.wire import encode


@pytest.fixture
def redis_cli() -> str:
    """The path of redis-cli."""
    program = shutil.which("redis-cli")
    if program is None:
        pytest.skip("there is no redis-cli (on Debian: apt install redis-tools)")
    return program


def cli(program: str, server: Server, *words: str, input: bytes = b"") -> str:
    """What redis-cli prints."""
    command = [program, "-p", str(server.port), *words]
    done = subprocess.run(command, input=input, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_commands_on_the_command_line(server: Server, redis_cli: str) -> None:
    """Replies as people see them, plain and with types, over both protocols."""
    assert cli(redis_cli, server, "set", "k", "v") == "OK\n"
    assert cli(redis_cli, server, "--no-raw", "get", "k") == '"v"\n'
    assert cli(redis_cli, server, "--no-raw", "get", "nothing") == "(nil)\n"
    assert cli(redis_cli, server, "--no-raw", "lpush", "k", "v").startswith("(error) WRONGTYPE")
    assert cli(redis_cli, server, "hset", "h", "f", "1") == "1\n"
    assert cli(redis_cli, server, "-3", "--no-raw", "hgetall", "h") == '1# "f" => "1"\n'
    assert cli(redis_cli, server, "--csv", "hgetall", "h") == '"f","1"\n'
    assert cli(redis_cli, server, "-n", "3", "dbsize") == "0\n"
    assert cli(redis_cli, server, "-r", "3", "incr", "n") == "1\n2\n3\n"
    assert cli(redis_cli, server, "-x", "set", "stdin", input=b"from stdin") == "OK\n"
    assert cli(redis_cli, server, "get", "stdin") == "from stdin\n"


def test_commands_from_standard_input(server: Server, redis_cli: str) -> None:
    """A script of commands, a transaction among them."""
    script = b'SET a "x y"\nGET a\nMULTI\nINCR n\nINCR n\nEXEC\nNOSUCH\n'
    lines = cli(redis_cli, server, input=script).splitlines()
    assert lines[:7] == ["OK", "x y", "OK", "QUEUED", "QUEUED", "1", "2"]
    assert lines[7].startswith("ERR unknown command 'NOSUCH'")


def test_mass_insertion(server: Server, redis_cli: str) -> None:
    """--pipe sends raw protocol and counts replies."""
    data = b"".join(encode([b"SET", b"key:%d" % number, b"x"]) for number in range(20_000))
    assert "errors: 0, replies: 20000" in cli(redis_cli, server, "--pipe", input=data)
    assert cli(redis_cli, server, "dbsize") == "20000\n"


def test_scanning_tools(server: Server, redis_cli: str) -> None:
    """--scan, --bigkeys and --memkeys walk the keys with SCAN, TYPE, sizes and MEMORY USAGE."""
    cli(redis_cli, server, input=b"".join(b"SET key:%d %d\n" % (number, number) for number in range(100)))
    cli(redis_cli, server, "rpush", "list", *map(str, range(50)))
    assert sorted(cli(redis_cli, server, "--scan").split()) == sorted(["list", *(f"key:{n}" for n in range(100))])
    assert cli(redis_cli, server, "--scan", "--pattern", "l*") == "list\n"
    report = cli(redis_cli, server, "--bigkeys")
    assert "Sampled 101 keys in the keyspace" in report and "list" in report and "has 50 items" in report, report
    assert "101 keys in the keyspace" in cli(redis_cli, server, "--memkeys")


def test_hints_and_help_in_a_terminal(server: Server, redis_cli: str) -> None:
    """At a terminal redis-cli reads COMMAND DOCS, and shows our syntax while one types and our summary on `help`."""
    try:
        master, slave = pty.openpty()
    except OSError:
        pytest.skip("this system gives no pseudo-terminals (a chroot without /dev/pts)")
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "REDISCLI_HISTFILE": "/dev/null", "REDISCLI_RCFILE": "/dev/null"}
    process = subprocess.Popen(
        [redis_cli, "-p", str(server.port)], stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    try:
        assert "> " in _read_until(master, "> ")
        os.write(master, b"help getex\r")
        shown = _read_until(master, f"group: string\n\n127.0.0.1:{server.port}> ")
        assert "GETEX key [EX seconds|PX milliseconds|" in shown and "since: 6.2.0" in shown
        os.write(master, b"hsetnx ")
        assert "key field value" in _read_until(master, "key field value")
        os.write(master, b"h f v\r")
        assert "(integer) 1" in _read_until(master, "(integer) 1")
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _read_until(terminal: int, text: str) -> str:
    """What the terminal shows until `text` has come, without colours and cursor movements."""
    raw = b""
    shown = ""
    end = time.monotonic() + PATIENCE
    while text not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            raw += os.read(terminal, 65536)
            shown = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", raw.decode(errors="replace"))
    return shown


def test_redis_benchmark_runs_its_whole_list(server: Server) -> None:
    """Every test of its default list, pipelined and not, without an error."""
    program = shutil.which("redis-benchmark")
    if program is None:
        pytest.skip("there is no redis-benchmark (on Debian: apt install redis-tools)")
    for options in ((), ("-P", "16", "-r", "1000"), ("-3",)):
        words = [program, "-p", str(server.port), "-n", "1000", "-q", *options]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "rror" not in done.stdout + done.stderr, done.stdout + done.stderr
        assert done.stdout.count("requests per second") == 20
