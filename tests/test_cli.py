"""The command line: how its words become configuration, what it prints, and how redis-server's compares."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from respd.cli import Words, guarded
from respd.config import Config
from respd.directives import DIRECTIVES
from respd.log import Log, open_system_log
from respd.process import Life
from tests.patience import PATIENCE
from tests.servers import respd_command, respd_environment

FATAL = "*** FATAL CONFIG FILE ERROR (Redis "


def respd(*words: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run respd to its end."""
    return subprocess.run(
        [*respd_command(), *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=respd_environment(),
        cwd=cwd,
        check=False,
    )


@pytest.mark.parametrize(
    "words, options",
    [
        ([], b""),
        (["--port", "1"], b'port "1" '),
        (["--port 1"], b"port 1 "),
        (["--port 1", "--hz", "2"], b'port 1 \nhz "2" '),
        (["--bind", "127.0.0.1", "-::1"], b'bind "127.0.0.1" "-::1" '),
        (["--save", "900 1"], b'save "900 1" '),
        (["--save", ""], b'save "" '),
        (["--save", "--hz", "2"], b'save ""\nhz "2" '),
        (["--save"], b'save ""'),
        (["--SAVE"], b'SAVE ""'),
        (["--requirepass", "--x"], b'requirepass "--x" '),
        (["--port", "--hz", "2"], b'port "--hz" "2" '),
        (["--port", "1", "2"], b'port "1" "2" '),
        (["--port ", "1"], b'port  "1" '),
        (["-x"], b'"-x" '),
        (["--requirepass", 'a"b\n'], b'requirepass "a\\"b\\n" '),
    ],
)
def test_words_become_configuration_lines(words: list[str], options: bytes) -> None:
    assert Words(words).options == options


@pytest.mark.parametrize(
    "words, file, reads_stdin",
    [
        (["a.conf"], "a.conf", False),
        (["a.conf", "-"], "a.conf", True),
        (["a.conf", "--port", "1", "-"], "a.conf", True),
        (["-", "--port", "1"], "", True),
        (["--port", "1"], "", False),
    ],
)
def test_files_and_standard_input(words: list[str], file: str, reads_stdin: bool) -> None:
    found = Words(words)
    assert (found.config_file, found.reads_stdin) == (os.path.abspath(file) if file else "", reads_stdin)


def test_version() -> None:
    for option in ("-v", "--version"):
        done = respd(option)
        assert done.returncode == 0
        assert done.stdout.startswith("Redis server v=7.4.0 sha=00000000:0 malloc=libc bits=64 build=")
        assert done.stdout.rstrip().endswith(("(compiled)", "(interpreted)"))
        assert " respd=" in done.stdout


def test_help_shows_the_directives_in_force() -> None:
    done = respd("--help")
    assert done.returncode == 0
    assert respd("-h").stdout == done.stdout
    shown = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  -")}
    for directive in DIRECTIVES:
        assert (f"--{directive.name.decode()}" in shown) == directive.is_in_force()


@pytest.mark.parametrize(
    "words", [["--test-memory"], ["--test-memory", "100"], ["--sentinel"], ["x.conf", "--sentinel"]]
)
def test_what_respd_is_not(words: list[str]) -> None:
    done = respd(*words)
    assert done.returncode == 1
    assert done.stderr.startswith("respd ") and done.stdout == ""


@pytest.mark.parametrize(
    "words, number, line, reason",
    [
        (["--port", "x"], 2, 'port "x"', "argument couldn't be parsed into an integer"),
        (["--port"], 2, "port", "wrong number of arguments"),
        (["--timeout", "1", "--port", "1", "2"], 3, 'port "1" "2"', "wrong number of arguments"),
        (["--nosuch", "1"], 2, 'nosuch "1"', "Bad directive or wrong number of arguments"),
        (["-x"], 2, '"-x"', "Bad directive or wrong number of arguments"),
        (["--dir", "/nonexistent"], 2, 'dir "/nonexistent"', "No such file or directory"),
        (["--rename-command", "NOSUCH", "x"], 2, 'rename-command "NOSUCH" "x"', "No such command in rename-command"),
        (["--rename-command", "GET", "SET"], 2, 'rename-command "GET" "SET"', "Target command name already exists"),
        (["--port 1 2"], 2, "port 1 2", "wrong number of arguments"),
    ],
)
def test_bad_options(words: list[str], number: int, line: str, reason: str) -> None:
    done = respd(*words)
    assert done.returncode == 1
    assert done.stdout == ""
    head = f"Reading the configuration file, at line {number}\n>>> '{line}'\n{reason}\n"
    assert done.stderr == f"\n{FATAL}7.4.0) ***\n{head}"


def test_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("port 1\n\n  hz x\n")
    done = respd("a.conf", cwd=tmp_path)
    assert done.returncode == 1
    assert "at line 3\n>>> 'hz x'\n" in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = respd("a.conf", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.endswith(
        f"# Fatal error, can't open config file '{tmp_path}/a.conf': No such file or directory\n"
    )


def test_standard_input() -> None:
    done = respd("-", stdin="port 1\nhz x\n")
    assert done.returncode == 1
    assert done.stdout.endswith("* Reading config from stdin\n")
    assert "at line 2\n>>> 'hz x'\n" in done.stderr


def test_a_log_file_that_cannot_be_opened() -> None:
    done = respd("--logfile", "/nonexistent/log")
    assert done.returncode == 1
    assert done.stderr == f"\n{FATAL}7.4.0) ***\nCan't open the log file: No such file or directory\n"


def _fail(config: Config, log: Log, on_ready: object) -> int:
    raise ZeroDivisionError("a defect")


def test_a_defect_of_ours_reaches_the_log(tmp_path: Path) -> None:
    config, log = Config(), Log(str(tmp_path / "log"))
    assert guarded(_fail, config, log, Life(config, log)) == 1
    assert "ZeroDivisionError: a defect" in (tmp_path / "log").read_text()


SAME_AS_REDIS = [
    ["--port", "x"],
    ["--port"],
    ["--port", "65536"],
    ["--port", "1", "2"],
    ["--port", "1", "--timeout"],
    ["--port 0x", "--hz", "1"],
    ["--hz", ""],
    ["-x"],
    ["--save", "--timeout", "x"],
    ["--save", "1", "--hz", "x"],
    ["--save", "x"],
    ["--unixsocketperm", "9"],
    ["--unixsocketperm", "7777"],
    ["--maxclients", "0"],
    ["--databases", "0"],
    ["--io-threads-do-reads", "no", "--timeout", "x"],
    ["--lua-replicate-commands", "no", "--timeout", "x"],
    ["--dir", "/nonexistent"],
    ["--logfile", "/nonexistent/x"],
    ["--replicaof", "a"],
    ["--replicaof", "a", "x"],
    ["--appendfilename", "a/b"],
    ["--appenddirname", "a/b"],
    ["--loglevel", "x"],
    ["--client-output-buffer-limit", "normal 1 1"],
    ["--client-output-buffer-limit", "x", "1", "1", "1"],
    ["--notify-keyspace-events", "q"],
    ["--oom-score-adj-values", "1", "2"],
    ["--latency-tracking-info-percentiles", "x"],
    ["--bind", *["127.0.0.1"] * 17],
    ["--proc-title-template", "{x}"],
    ["--supervised", "x"],
    ["--requirepass", "a", "b"],
    ["--rename-command", "NOSUCH", "x"],
    ["--rename-command", "GET", "SET"],
    ["--maxmemory-clients", "101%"],
]


@pytest.mark.parametrize("words", SAME_AS_REDIS, ids=" ".join)
def test_bad_options_are_refused_as_redis_refuses_them(words: list[str], oracle_program: str) -> None:
    theirs = subprocess.run([oracle_program, *words], capture_output=True, text=True, timeout=PATIENCE, check=False)
    ours = respd(*words)
    assert ours.returncode == theirs.returncode == 1
    assert ours.stderr.splitlines()[2:] == theirs.stderr.splitlines()[2:]


def test_the_system_log_gets_every_line() -> None:
    log = Log(os.devnull, b"verbose")
    lines: list[tuple[int, str]] = []

    def send(level: int, line: str) -> None:
        lines.append((level, line))

    log.system_log = send
    log.debug("not that important")
    log.verbose("a")
    log.warning("b\nc")
    log.report("d\ne\n")
    assert lines == [(1, "a"), (3, "b"), (3, "c"), (3, "d"), (3, "e")]


def test_lines_for_the_system_log_may_hold_anything() -> None:
    send = open_system_log(b"respd-test", b"local3")
    if send is not None:
        for level in range(4):
            send(level, "a\0b \udcff é")
