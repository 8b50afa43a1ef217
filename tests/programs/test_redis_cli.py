"""The modes of redis-cli (Debian's, 8.0's, Valkey's) on respd and, with the same assertions, on redis-server 8."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import until
from tests.servers import Server, find_oracle
from tests.wire import encode

_TAKES_LONG_S = 60


def _programs() -> list[str]:
    """Every redis-cli that is here, and those beside the redis-server that we compare with."""
    oracle = find_oracle(None)
    beside = [str(Path(oracle).with_name(name)) for name in ("redis-cli-8", "valkey-cli-9")] if oracle else []
    return [path for name in ("redis-cli", *beside) if (path := shutil.which(name)) is not None]


def _pairs() -> list[tuple[str, str]]:
    """Each redis-cli with respd, and the one of redis-server 8 with that."""
    programs = _programs()
    with_oracle = [(program, "oracle") for program in programs if program.endswith("-8")] or [
        (program, "oracle") for program in programs[:1]
    ]
    return [(program, "server") for program in programs] + with_oracle


@pytest.fixture(params=_pairs(), ids=lambda pair: f"{Path(pair[0]).name}-{pair[1]}")
def cli(request: pytest.FixtureRequest) -> Cli:
    """A redis-cli, on respd or on redis-server with a key of each type, of which one is the largest by far."""
    program, target = request.param
    server: Server = request.getfixturevalue(target)
    with server.connect() as connection:
        connection.pipeline([[b"SET", b"key:%d" % number, b"v" * (number % 9)] for number in range(60)])
        connection.pipeline([
            [b"SET", b"big string", b"v" * 5000],
            [b"RPUSH", b"list", *(b"%d" % number for number in range(300))],
            [b"RPUSH", b"short list", b"a"],
            [b"SADD", b"set", b"a", b"b", b"c"],
            [b"ZADD", b"zset", *(word for number in range(200) for word in (b"%d" % number, b"m%d" % number))],
            [b"HSET", b"hash", *(word for number in range(250) for word in (b"f%d" % number, b"x"))],
            [b"XADD", b"stream", b"1-1", b"field", b"value"],
        ])  # fmt: skip
    return Cli(program, server)


class Cli:
    """A redis-cli and a server."""

    def __init__(self, program: str, server: Server) -> None:
        self.program = program
        self.server = server
        self.is_eight = program.endswith("redis-cli-8")
        self.is_new = program != shutil.which("redis-cli")

    def run(self, *words: str, input: bytes = b"", status: int = 0) -> str:
        """What it prints, and what it complains of; its exit status is as expected."""
        command = [self.program, "-p", str(self.server.port), *words]
        done = subprocess.run(command, input=input, capture_output=True, timeout=_TAKES_LONG_S)
        printed = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode == status, printed
        return printed

    def first_lines(self, count: int, *words: str) -> list[str]:
        """The first lines of a mode without end."""
        command = ["stdbuf", "-oL", self.program, "-p", str(self.server.port), *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                return [process.stdout.readline().decode() for _ in range(count)]
            finally:
                process.kill()


def test_formats_of_replies(cli: Cli) -> None:
    """Plain, for people, as CSV and as JSON; errors and null; both protocols."""
    assert cli.run("--no-raw", "get", "nothing") == "(nil)\n"
    assert cli.run("--no-raw", "lpush", "set", "x").startswith("(error) WRONGTYPE")
    assert cli.run("-e", "lpush", "set", "x", status=1).startswith("WRONGTYPE")
    assert cli.run("--csv", "lrange", "list", "0", "2") == '"0","1","2"\n'
    assert cli.run("-3", "--csv", "zrange", "zset", "0", "0", "withscores") == '"m0",0\n'
    assert (
        cli.run("-3", "--no-raw", "xrange", "stream", "-", "+") == '1) 1) "1-1"\n   2) 1) "field"\n      2) "value"\n'
    )
    assert cli.run("-d", ",", "lrange", "list", "0", "2") == "0,1,2\n"
    if cli.is_new:
        assert json.loads(cli.run("--json", "config", "get", "databases")) == {"databases": "16"}
        assert json.loads(cli.run("--json", "xrange", "stream", "-", "+")) == [["1-1", ["field", "value"]]]
        assert json.loads(cli.run("-2", "--json", "zrange", "zset", "0", "0", "withscores")) == ["m0", "0"]


def test_words_from_standard_input(cli: Cli) -> None:
    """-x and -X, quoted words, a script file, repetition, a database."""
    assert cli.run("-x", "set", "k", input=b"from\nstdin\n") == "OK\n"
    assert cli.run("strlen", "k") == "11\n"
    assert cli.run("-X", "tag", "set", "k", "tag", "ex", "100", input=b"tagged") == "OK\n"
    assert cli.run("get", "k") == "tagged\n"
    assert cli.run("--quoted-input", "set", r'"null\x00byte"', "v") == "OK\n"
    assert cli.run("--no-raw", "keys", "null*") == '1) "null\\x00byte"\n'
    assert cli.run("-r", "3", "incr", "n") == "1\n2\n3\n"
    assert cli.run("-n", "5", "dbsize") == "0\n"


def test_eval(cli: Cli, tmp_path: Path) -> None:
    """A script's file with keys and arguments, one with an error in it."""
    script = tmp_path / "script.lua"
    script.write_text("return {KEYS[1], ARGV[1], redis.call('strlen', KEYS[1])}")
    assert cli.run("--eval", str(script), "big string", ",", "a b") == "big string\na b\n5000\n"
    script.write_text("return redis.call('nosuch')")
    assert cli.run("--eval", str(script)).startswith("ERR Unknown Redis command called from script")


def test_who_and_where(cli: Cli) -> None:
    """A URL, a user with a password, a wrong one."""
    cli.run("acl", "setuser", "ada", "reset", "on", ">secret", "~*", "+get", "+acl|whoami", "+ping")
    try:
        url = f"redis://ada:secret@127.0.0.1:{cli.server.port}/0"
        assert "ada\n" in cli.run("-u", url, "acl", "whoami")
        assert "NOPERM" in cli.run("--user", "ada", "--pass", "secret", "set", "k", "v")
        assert cli.run("--user", "ada", "--pass", "secret", "--no-auth-warning", "ping") == "PONG\n"
        wrong = cli.run("--user", "ada", "--pass", "wrong", "acl", "whoami")
        assert "AUTH failed: WRONGPASS" in wrong and "default" in wrong
        asked = cli.run("--user", "ada", "--askpass", "acl", "whoami", input=b"secret\n")
        assert "ada\n" in asked
    finally:
        cli.run("acl", "deluser", "ada")


def test_mass_insertion(cli: Cli) -> None:
    """--pipe: replies are counted, errors among them shown; the rest is done."""
    commands = [encode([b"SET", b"p:%d" % number, b"x"]) for number in range(2000)]
    assert "errors: 0, replies: 2000" in cli.run("--pipe", input=b"".join(commands))
    commands[1000:1000] = [encode([b"LPUSH", b"p:1", b"x"]), encode([b"NOSUCH"])]
    printed = cli.run("--pipe", input=b"".join(commands), status=1)
    assert "errors: 2, replies: 2002" in printed
    assert "WRONGTYPE" in printed and "unknown command 'NOSUCH'" in printed


def test_scan(cli: Cli) -> None:
    """--scan with a pattern and a count."""
    assert len(cli.run("--scan").splitlines()) == 67
    assert sorted(cli.run("--scan", "--pattern", "key:5?").split()) == [f"key:{number}" for number in range(50, 60)]
    if cli.is_new:
        assert cli.run("--scan", "--count", "1000", "--pattern", "z*") == "zset\n"


def test_large_keys(cli: Cli) -> None:
    """--bigkeys and --memkeys find the largest of each type."""
    report = cli.run("--bigkeys").replace("'", "")
    assert "Sampled 67 keys in the keyspace!" in report
    for line in (
        'list found "list" has 300 items',
        'hash found "hash" has 250 fields',
        'zset found "zset" has 200 members',
        'set found "set" has 3 members',
        'stream found "stream" has 1 entries',
        'string found "big string" has 5000 bytes',
    ):
        assert re.search(rf"Biggest +{line}", report), line
    assert "2 lists with 301 items (02.99% of keys, avg size 150.50)" in report
    for words in (["--memkeys"], ["--memkeys-samples", "0"]):
        report = cli.run(*words).replace("'", "")
        for kind, key in (("string", "big string"), ("zset", "zset"), ("list", "list"), ("hash", "hash")):
            assert re.search(rf'Biggest +{kind} found "{key}" has \d+ bytes', report), (kind, report)


def test_statistics_of_keys(cli: Cli) -> None:
    """--keystats, which 8.0 has: sizes in memory and lengths, and how they are distributed."""
    if not cli.is_eight:
        pytest.skip("of redis-cli 8")
    report = cli.run("--keystats", "--top", "5")
    assert re.search(r"Keys sampled: +67\b", report) and "--- Top 5 key sizes ---" in report
    for line in (r"list +list has 300 items", r"zset +zset has 200 members", r"string +big string has 4.88K"):
        assert re.search(line, report), line
    assert re.search(r"^hash +1 +1.49% .* 250 fields", report, re.MULTILINE)
    report = cli.run("--keystats-samples", "2", "--pattern", "z*")
    assert re.search(r"Keys sampled: +1\b", report)


def test_hot_keys(cli: Cli) -> None:
    """--hotkeys under an LFU policy, and the error without."""
    assert "An LFU maxmemory policy is not selected" in cli.run("--hotkeys", status=1)
    cli.run("config", "set", "maxmemory-policy", "allkeys-lfu")
    try:
        cli.run("-r", "200", "get", "hash", input=b"")
        with cli.server.connect() as connection:
            connection.pipeline([[b"GET", b"key:7"]] * 300)
        report = cli.run("--hotkeys")
        assert "Sampled 67 keys in the keyspace!" in report
        assert re.search(r'hot key found with counter: \d+\tkeyname: "?key:7"?', report), report
    finally:
        cli.run("config", "set", "maxmemory-policy", "noeviction")


def test_rolling_figures(cli: Cli) -> None:
    """--stat shows a line of figures each time, --latency its least, greatest and mean."""
    lines = cli.first_lines(4, "--stat", "-i", "0.05")
    assert lines[1].split() == ["keys", "mem", "clients", "blocked", "requests", "connections"]
    assert re.match(r"67 +\S+[MK] +\d+ +0 +\d+ \(\+0\) +\d+", lines[2]), lines
    assert re.match(r"67 +\S+[MK] +\d+ +0 +\d+ \(\+\d+\) +\d+", lines[3]), lines
    assert re.fullmatch(r"\d+ \d+ [\d.]+ \d+\n", cli.run("--latency", "--raw", "-i", "0.1"))
    assert re.fullmatch(r"\d+,\d+,[\d.]+,\d+\n", cli.run("--latency", "--csv", "-i", "0.1"))


def _place(told: re.Match[str]) -> str:
    return f"[{told[1]} lua]" if told[2] == "lua" else f"[{told[1]}]"


def test_monitor(cli: Cli) -> None:
    """What others send, as MONITOR tells it, escaped."""
    command = ["stdbuf", "-oL", cli.program, "-p", str(cli.server.port), "monitor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"OK\n"
            with cli.server.connect() as connection:
                connection.call([b"SET", b"a b", b'"\n\x01\xff'])
                connection.call([b"SELECT", b"3"])
                connection.call([b"EVAL", b"return redis.call('get', 'k')", b"0"])
            lines = [process.stdout.readline().decode() for _ in range(4)]
        finally:
            process.kill()
    texts = [re.sub(r"^\d+\.\d{6} \[(\d+) (lua|[\d.]+:\d+)\]", _place, line) for line in lines]
    assert texts[0] == '[0] "SET" "a b" "\\"\\n\\x01\\xff"\n'
    assert texts[1] == '[3] "SELECT" "3"\n'
    assert texts[2:] == ['[3] "EVAL" "return redis.call(\'get\', \'k\')" "0"\n', '[3 lua] "get" "k"\n']


def test_no_cluster(cli: Cli) -> None:
    """-c on a server that is no node of one."""
    assert cli.run("-c", "get", "nothing") == "\n"
    assert cli.run("-c", "cluster", "info").strip() == "ERR This instance has cluster support disabled"
    checked = cli.run("--cluster", "check", f"127.0.0.1:{cli.server.port}", status=1)
    assert "is not configured as a cluster node" in checked


@pytest.fixture
def subscriber(cli: Cli) -> Iterator[subprocess.Popen[bytes]]:
    """redis-cli, subscribed to a channel."""
    command = ["stdbuf", "-oL", cli.program, "-p", str(cli.server.port), "subscribe", "news"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_subscribe(cli: Cli, subscriber: subprocess.Popen[bytes]) -> None:
    """Messages as they come."""
    assert subscriber.stdout is not None
    assert [subscriber.stdout.readline() for _ in range(3)] == [b"subscribe\n", b"news\n", b"1\n"]
    with cli.server.connect() as connection:
        until(lambda: connection.ask("PUBLISH news hello") == 1, "a subscriber")
    assert [subscriber.stdout.readline() for _ in range(3)] == [b"message\n", b"news\n", b"hello\n"]
