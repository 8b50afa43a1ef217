"""The configuration: its table, reading it, changing it, writing it back; and the log's lines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import respd
from respd.config import Config, ConfigFileError, SetError, UnreadableFile
from respd.config_rewrite import rewrite_file, rewritten
from respd.directive_kinds import ConfigError, expand_title, format_memory, parse_memory, quoted
from respd.directives import DIRECTIVES, HIDDEN, OWN
from respd.log import Log, format_line
from respd.protocol.requests import split_line
from tests.conftest import StartServer
from tests.wire import Frame

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(respd.__file__).parent
_TABLE = ("directives.py", "directive_kinds.py", "config.py")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(text: str) -> Config:
    config = Config()
    config.load(text.encode())
    return config


def shown(config: Config, name: str) -> bytes:
    return config.get([name.encode()])[1]


def text(frame: Frame) -> bytes:
    assert isinstance(frame.value, bytes)
    return frame.value


# -- the table


def test_each_directive_stands_in_the_table_once() -> None:
    names = [directive.name for directive in DIRECTIVES] + [each.alias for each in DIRECTIVES if each.alias]
    assert len(names) == len(set(names))


def test_default_values_are_what_their_words_mean() -> None:
    for directive in DIRECTIVES:
        if directive.default in (b"", [], 0) or not directive.kind.show(directive.default):
            continue
        shown_default = directive.kind.show(directive.default)
        words = shown_default.split() if directive.kind.takes_many else [shown_default]
        empty = [] if directive.name == b"save" else directive.default
        assert directive.kind.parse(words, empty) == directive.default, directive.name


def test_directives_in_force_have_a_summary_and_are_read_somewhere() -> None:
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py") if path.name not in _TABLE)
    elsewhere = {b"dir", b"client-output-buffer-limit", b"enable-protected-configs"}  # read in config.py, or renamed
    for directive in DIRECTIVES:
        if not directive.is_in_force():
            continue
        assert directive.summary, directive.name
        is_limit = b"-max-" in directive.name and directive.name.startswith(
            (b"hash", b"list", b"set", b"zset", b"stream")
        )
        if not is_limit and directive.name not in elsewhere:
            assert re.search(rf"config\.{directive.attribute}\b", sources), directive.name


def test_the_table_is_that_of_redis(start_oracle: StartServer) -> None:
    with start_oracle().connect() as connection:
        theirs = connection.call("CONFIG GET *").items
        names = {text(each) for each in theirs[::2]}
    own = {directive.name for directive in DIRECTIVES if directive.flags & OWN}
    own |= {directive.alias for directive in DIRECTIVES if directive.alias.startswith(b"commandlog-")}  # Valkey's names
    ours = Config().get([b"*"])[::2]
    assert set(ours) - own == names


def test_the_defaults_are_those_of_redis(start_oracle: StartServer) -> None:
    ours = Config().get([b"*"])
    given_to_it = {b"port", b"dir", b"save", b"enable-debug-command"}
    with start_oracle().connect() as connection:
        theirs = [text(each) for each in connection.call("CONFIG GET *").items]
    mine = dict(zip(ours[::2], ours[1::2]))
    differing = {
        name: (mine.get(name), value)
        for name, value in zip(theirs[::2], theirs[1::2])
        if name not in given_to_it and mine.get(name) != value
    }
    assert differing == {}


def test_the_page_of_directives_is_current() -> None:
    script = ROOT / "scripts" / "directives.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


# -- values


@pytest.mark.parametrize(
    "word, size_bytes",
    [
        (b"0", 0), (b"", 0), (b"1b", 1), (b"2k", 2000), (b"2KB", 2048), (b"3m", 3_000_000), (b"3mb", 3 << 20),
        (b"1G", 10**9), (b"1Gb", 1 << 30), (b"-1", -1), (b"1.5gb", -1), (b"1t", -1), (b" 1", -1), (b"1 ", -1),
        (b"99999999999999999999", 2**64 - 1),
    ],
)  # fmt: skip
def test_amounts_of_memory(word: bytes, size_bytes: int) -> None:
    assert parse_memory(word) == size_bytes


@given(st.integers(0, 2**63 - 1))
def test_amounts_of_memory_are_read_back(size_bytes: int) -> None:
    assert parse_memory(format_memory(size_bytes)) == size_bytes


@given(st.binary())
def test_quoted_words_are_read_back(data: bytes) -> None:
    assert split_line(b"name " + quoted(data)) == [b"name", data]


def test_quoted_words_are_printable() -> None:
    assert quoted(b'a"b\\c\n\r\t\a\b\x00\xff') == rb'"a\"b\\c\n\r\t\a\b\x00\xff"'


def test_process_title_templates() -> None:
    assert expand_title(b"{title} at {port}", {b"title": b"respd", b"port": b"1"}) == b"respd at 1"
    assert expand_title(b"{title} {nosuch}", {}) is None
    assert expand_title(b"{title", {}) is None


# -- reading


def test_a_file_in_all_its_forms() -> None:
    config = loaded(
        "# comment\n"
        "\n"
        "  port 7000  \r\n"
        "PORT 7001\n"
        "bind 127.0.0.1 -::1\n"
        'requirepass "a b\\x41"\n'
        "unixsocket '/tmp/a b'\n"
        "unixsocketperm 700\n"
        "hash-max-ziplist-entries 7\n"
        "list-max-ziplist-entries 7\n"
        "proto-max-bulk-len 2mb\n"
        'save "60 1"\n'
        "save 10 2 5 3\n"
        "client-output-buffer-limit pubsub 1mb 0 0\n"
    )
    assert config.port == 7001
    assert config.bind == ["127.0.0.1", "-::1"]
    assert config.requirepass == b"a bA"
    assert config.unixsocket == "/tmp/a b"
    assert config.unixsocketperm == 0o700
    assert config.limits.hash_max_entries == 7
    assert config.proto_max_bulk_len == 2 << 20
    assert shown(config, "save") == b"60 1 10 2 5 3"
    assert config.client_output_buffer_limits == [(0, 0, 0), (256 << 20, 64 << 20, 60), (1 << 20, 0, 0)]


def test_limits_follow_their_directives() -> None:
    config = loaded(
        "hash-max-listpack-value 1\nlist-max-listpack-size -1\nset-max-intset-entries 2\nset-max-listpack-entries 3\n"
        "set-max-listpack-value 4\nzset-max-listpack-entries 5\nzset-max-listpack-value 6\n"
    )
    limits = config.limits
    assert (limits.hash_max_value, limits.list_max_size, limits.set_max_intset, limits.set_max_entries) == (1, -1, 2, 3)
    assert (limits.set_max_value, limits.zset_max_entries, limits.zset_max_value) == (4, 5, 6)


@pytest.mark.parametrize("text", ["save", "save ''", "save 60 1\nsave ''", "save ''\nsave ''"])
def test_empty_save_points_take_all_away(text: str) -> None:
    assert shown(loaded(text), "save") == b""


def test_directives_that_may_stand_without_a_word() -> None:
    config = loaded("client-output-buffer-limit\nlatency-tracking-info-percentiles\nbind")
    assert shown(config, "client-output-buffer-limit") == shown(loaded(""), "client-output-buffer-limit")
    assert shown(config, "latency-tracking-info-percentiles") == b""
    assert shown(config, "bind") == b""


@pytest.mark.parametrize(
    "line, reason",
    [
        ("nosuch 1", "Bad directive or wrong number of arguments"),
        ("include a b", "Bad directive or wrong number of arguments"),
        ("rename-command a", "Bad directive or wrong number of arguments"),
        ("lua-replicate-commands", "Bad directive or wrong number of arguments"),
        ('port "1', "Unbalanced quotes in configuration line"),
        ("port", "wrong number of arguments"),
        ("oom-score-adj-values", "wrong number of arguments"),
        ("shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now, force"),
        ("port 1 2", "wrong number of arguments"),
        ("port x", "argument couldn't be parsed into an integer"),
        ("port 65536", "argument must be between 0 and 65535 inclusive"),
        ("unixsocketperm 8", "argument couldn't be parsed as an octal number"),
        ("unixsocketperm 1000", "argument must be between 0 and 777 inclusive"),
        ("daemonize 1", "argument must be 'yes' or 'no'"),
        ("loglevel x", "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"),
        ("maxmemory x", "argument must be a memory value"),
        ("save 1", "Invalid save parameters"),
        ("appendfilename ''", "appendfilename can't be empty"),
        ("appenddirname a/b", "appenddirname can't be a path, just a dirname"),
        ("dbfilename a/b", "dbfilename can't be a path, just a filename"),
        ("replicaof a", "wrong number of arguments"),
        ("replicaof", "wrong number of arguments"),
        ("replicaof a x", "Invalid master port"),
        ("dir /nonexistent", "No such file or directory"),
        ("sentinel monitor x", "sentinel directive while not in sentinel mode"),
        ("loadmodule x", "loadmodule: respd does not load modules"),
    ],
)
def test_lines_that_stop_the_start(line: str, reason: str) -> None:
    with pytest.raises(ConfigFileError) as caught:
        loaded(f"# first\n  {line}\nport 1")
    assert (caught.value.number, caught.value.line, caught.value.reason) == (2, line.encode(), reason.encode())


def test_included_files_are_read_in_place(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("port 1\ntimeout 1\n")
    (tmp_path / "b.conf").write_text("timeout 2\n")
    config = loaded("port 9\ninclude a.conf\ninclude ?.conf\nhz 50\n")
    assert (config.port, config.timeout, config.hz) == (1, 2, 50)


def test_an_included_file_that_is_not_there() -> None:
    with pytest.raises(UnreadableFile) as caught:
        loaded("include nosuch.conf")
    assert (caught.value.path, caught.value.reason) == ("nosuch.conf", "No such file or directory")


def test_an_error_in_an_included_file_names_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("\nport x\n")
    with pytest.raises(ConfigFileError) as caught:
        loaded("\n\n\ninclude a.conf")
    assert (caught.value.number, caught.value.line) == (2, b"port x")


def test_dir_changes_the_folder_for_what_follows(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.conf").write_text("port 5\n")
    config = loaded("dir sub\ninclude a.conf\n")
    assert config.port == 5
    assert shown(config, "dir") == os.fsencode(tmp_path / "sub")


def test_renamed_commands_are_noted() -> None:
    config = loaded('rename-command FLUSHALL ""\nrename-command get fetch\n')
    assert [(each.name, each.new_name, each.number) for each in config.renamings] == [
        (b"FLUSHALL", b"", 1),
        (b"get", b"fetch", 2),
    ]


def test_lines_of_users_are_noted() -> None:
    config = loaded("port 1\nuser bob on ~a* (+get\nuser alice")
    assert [(each.name, each.rules, each.number) for each in config.user_lines] == [
        (b"bob", [b"on", b"~a*", b"(+get"], 2),
        (b"alice", [], 3),
    ]


def test_values_given_without_effect_are_known() -> None:
    assert loaded("activedefrag yes\nport 1\nmaxmemory 0\nsave ''\nrdbcompression yes").unused() == ["activedefrag"]


# -- CONFIG GET and SET


def test_hidden_directives_are_not_listed() -> None:
    names = Config().get([b"*"])[::2]
    hidden = [directive.name for directive in DIRECTIVES if directive.flags & HIDDEN]
    assert not set(hidden) & set(names)
    assert Config().get(hidden)[::2] == hidden


def set_pairs(config: Config, *words: str) -> None:
    config.set([(name.encode(), value.encode()) for name, value in zip(words[::2], words[1::2])])


def test_set_changes_attributes_and_limits() -> None:
    config = Config()
    set_pairs(config, "timeout", "7", "hash-max-ziplist-entries", "9", "notify-keyspace-events", "KEA")
    assert (config.timeout, config.limits.hash_max_entries) == (7, 9)
    assert config.notify_keyspace_events


def test_set_changes_all_or_nothing() -> None:
    config = Config()
    with pytest.raises(SetError, match="possibly related to argument 'hz'"):
        set_pairs(config, "timeout", "7", "hz", "x")
    assert config.timeout == 0
    assert shown(config, "timeout") == b"0"


class Follower:
    """A listener that may refuse."""

    def __init__(self, config: Config, refuses: bool = False) -> None:
        self.config = config
        self.refuses = refuses
        self.seen: list[int] = []

    def follow(self) -> None:
        self.seen.append(self.config.timeout)
        if self.refuses:
            raise ConfigError(b"will not do")


def test_listeners_hear_of_changes_once() -> None:
    config = Config()
    follower = Follower(config)
    config.on_change(["timeout", "hz"], follower.follow)
    set_pairs(config, "timeout", "7", "hz", "20")
    set_pairs(config, "timeout", "7")
    set_pairs(config, "tcp-keepalive", "7")
    assert follower.seen == [7]


def test_a_listener_that_refuses_takes_everything_back() -> None:
    config = Config()
    first, second = Follower(config), Follower(config, refuses=True)
    config.on_change(["timeout"], first.follow)
    config.on_change(["hz"], second.follow)
    with pytest.raises(SetError) as caught:
        set_pairs(config, "timeout", "7", "hz", "20", "set-max-intset-entries", "3")
    assert caught.value.text == b"ERR CONFIG SET failed (possibly related to argument 'hz') - will not do"
    assert caught.value.unapplied == b"hz"
    assert (config.timeout, config.hz, config.limits.set_max_intset) == (0, 10, 512)
    assert first.seen == [7, 0]


def test_protected_directives_may_be_opened(tmp_path: Path) -> None:
    config = loaded("enable-protected-configs local")
    with pytest.raises(SetError, match="can't set protected config"):
        config.set([(b"dir", b"/")], is_local=False)
    (tmp_path / "sub").mkdir()
    config.set([(b"dir", b"sub")], is_local=True)
    assert shown(config, "dir") == os.fsencode(tmp_path / "sub")
    with pytest.raises(SetError, match=r"possibly related to argument 'dir'\) - No such file"):
        config.set([(b"dir", b"nosuch")], is_local=True)


def test_dir_goes_back_with_the_rest(tmp_path: Path) -> None:
    config = loaded("enable-protected-configs yes")
    (tmp_path / "sub").mkdir()
    with pytest.raises(SetError):
        config.set([(b"dir", b"sub"), (b"hz", b"x")])
    assert shown(config, "dir") == os.fsencode(tmp_path)


# -- CONFIG REWRITE


def test_rewriting_keeps_comments_and_order(tmp_path: Path) -> None:
    text = (
        "# top\nport 1\n\n\n  # more\nTIMEOUT 5\nslave-read-only no\nsave 1 1\nsave 2 2\ninclude x\nnosuch 1\n# end\n"
    )
    config = loaded("port 2\ntimeout 0\nreplica-read-only no\nsave 3 3\nhz 20")
    assert rewritten(text.encode(), config, []).decode() == (
        "# top\nport 2\n\n# more\ntimeout 0\nreplica-read-only no\nsave 3 3\n\ninclude x\n# ??? nosuch 1\n# end\n"
        f'\n# Generated by CONFIG REWRITE\ndir "{tmp_path}"\nhz 20\n'
    )


def test_rewriting_twice_changes_nothing() -> None:
    config = loaded("port 2\nclient-output-buffer-limit pubsub 1 2 3\nrequirepass 'a\"b'\nbind 1.1.1.1\nmaxmemory 1gb")
    once = rewritten(b"", config, [])
    assert rewritten(once, config, []) == once


def test_rewritten_files_are_read_back() -> None:
    config = Config()
    set_pairs(
        config,
        "timeout", "7", "requirepass", 'q"\x01 ', "save", "1 2 3 4", "client-output-buffer-limit", "pubsub 1mb 2k 3",
        "maxmemory", "3gb", "maxmemory-clients", "5%", "notify-keyspace-events", "Kg$", "bind", "127.0.0.1 -::1",
        "oom-score-adj-values", "1 2 3", "latency-tracking-info-percentiles", "50 99.9",
        "proc-title-template", "x {port}",
        "shutdown-on-sigterm", "save now", "replica-announce-ip", "a", "cluster-announce-hostname", "b",
    )  # fmt: skip
    again = Config()
    again.load(rewritten(b"", config, []))
    assert again.values == {**config.values, b"dir": again.values[b"dir"]}


def test_a_file_with_all_directives_is_read_back() -> None:
    config = loaded("port 2\nsave 1 2\nrequirepass 'a b'")
    text = rewritten(b"", config, [], is_forced=True)
    again = Config()
    again.load(text)
    assert again.values == {**config.values, b"dir": again.values[b"dir"]}
    assert rewritten(text, again, [], is_forced=True) == text
    lines = text.decode().splitlines()
    assert {"timeout 0", "oom-score-adj-values 0 200 800", "client-output-buffer-limit normal 0 0 0"} <= set(lines)
    assert not [line for line in lines if line.startswith(("metrics-", "replicaof"))]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "respd.conf"
    path.write_text("port 1\n")
    path.chmod(0o600)
    config = loaded("port 2")
    config.config_file = str(path)
    rewrite_file(config, [])
    assert path.read_text().startswith("port 2\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["respd.conf"]


# -- the log


def test_a_line_of_the_log() -> None:
    line = format_line(12, "M", 1700000000.0456, "#", "hello")
    assert re.fullmatch(r"12:M 1[45] Nov 2023 \d\d:\d\d:20\.045 # hello\n", line)


def test_the_log_keeps_to_its_level(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(str(path), b"notice")
    log.verbose("one")
    log.notice("two")
    log.set_level(b"nothing")
    log.warning("three")
    log.set_level(b"debug")
    log.debug("four")
    assert [line.split()[5:] for line in path.read_text().splitlines()] == [["*", "two"], [".", "four"]]


def test_the_log_survives_its_file_being_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(str(path))
    log.notice("one")
    path.rename(tmp_path / "old")
    log.notice("two")
    assert path.read_text().endswith("two\n")


def test_a_log_that_cannot_be_written_fails_nobody(tmp_path: Path) -> None:
    Log(str(tmp_path / "nosuch" / "log")).warning("lost")
