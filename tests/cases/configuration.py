"""CONFIG: GET, SET, RESETSTAT, REWRITE, against redis-server: what each directive takes, refuses, and shows.

The directives come from respd's own table; a test in tests/test_config.py compares its names with redis-server's.
"""

from __future__ import annotations

from respd.directives import DIRECTIVES, IMMUTABLE, OWN, Directive
from tests.harness import Case, case, unordered

# What would take the server away, or go on in the background, when set at random.
_LEFT_ALONE = {
    "port",
    "bind",
    "dir",
    "dbfilename",
    "save",
    "appendonly",
    "requirepass",
    "maxclients",
    "maxmemory",
    "maxmemory-clients",
    "client-query-buffer-limit",
    "proto-max-bulk-len",
    "client-output-buffer-limit",
    "tls-port",
    "watchdog-period",
    "repl-backlog-size",
    "oom-score-adj",
    "oom-score-adj-values",
    "timeout",
    "propagation-error-behavior",
    "protected-mode",
    "active-defrag-cycle-min",
    "active-defrag-cycle-max",
    "activedefrag",
    "locale-collate",
    "jemalloc-bg-thread",
}
_TEXTS = {"bind-source-addr", "masteruser", "masterauth", "ignore-warnings"}

_NUMBERS = (b"", b"x", b"1x", b" 1", b"+1", b"007", b"-1", b"0", b"1", b"2147483648", b"9223372036854775808", b"1.5")
_AMOUNTS = (b"", b"0", b"1", b"1k", b"1KB", b"2mb", b"1g", b"-1", b"1.5gb", b"1tb", b"18446744073709551616", b"5%")


def _values(directive: Directive) -> tuple[bytes, ...]:
    """Values to try for a directive that may be changed."""
    kind = type(directive.kind).__name__
    if kind == "Bool":
        return (b"yes", b"NO", b"", b"1", b"yes ", b"true")
    if kind in ("Integer", "Clamped"):
        return _NUMBERS
    if kind in ("Memory", "MemoryOrPercent"):
        return _AMOUNTS
    if kind in ("Choice", "ShutdownOptions"):
        return (*directive.kind.words, directive.kind.words[-1].upper(), b"", b"nosuch", b"yes no")  # type: ignore[attr-defined]
    return (b"", b"x y", b"x" * 300)


def _directive_cases() -> list[Case]:
    found = []
    for directive in DIRECTIVES:
        name = directive.name.decode()
        steps: list[str | list[bytes]] = []
        if name in _LEFT_ALONE or name.startswith("tls-") or directive.flags & OWN:
            continue
        alias = b"" if directive.alias.startswith(b"commandlog-") else directive.alias  # Valkey's
        for value in _values(directive):
            steps.append([b"CONFIG", b"SET", directive.name, value])
            steps.append([b"CONFIG", b"GET", (alias or directive.name).upper()])
            if directive.flags & IMMUTABLE:
                break
        if directive.flags & IMMUTABLE:
            steps = steps[:1]
        found.append(case(name, *steps, config=True, multi=False))
    return found


CASES = [
    *_directive_cases(),
    case("arity", "CONFIG", "CONFIG GET", "CONFIG SET", "CONFIG SET a", "CONFIG RESETSTAT x", "CONFIG REWRITE x"),
    case("unknown sub-command", "CONFIG NOSUCH", "CONFIG NOSUCH a b"),
    case("odd number of words", "CONFIG SET timeout 1 hz", "CONFIG SET nosuch 1 timeout"),
    case(
        "get by pattern",
        "CONFIG GET timeout",
        "CONFIG GET TimeOut",
        unordered("CONFIG GET *-max-*-entries"),
        unordered("CONFIG GET *max*ziplist*"),
        unordered("CONFIG GET [st]*-keep*"),
        unordered("CONFIG GET HZ hz h? TIMEOUT time*"),
        unordered("CONFIG GET timeout hz tcp-keepalive"),
        unordered("CONFIG GET slave* replica-*"),
        unordered("CONFIG GET ?????"),
        "CONFIG GET nosuch",
        "CONFIG GET nosuch*",
        [b"CONFIG", b"GET", b""],
        r"CONFIG GET time\out",
        r"CONFIG GET time\*",
        "CONFIG GET [",
        "CONFIG GET tim[d-f]out",
        "CONFIG GET tim[^e]out",
    ),
    case(
        "hidden directives answer to their names only",
        "CONFIG GET watchdog-period",
        "CONFIG GET watchdog-perio?",
        unordered("CONFIG GET rdb-key-save-delay KEY-load-delay"),
        "CONFIG GET lua-enable-deprecated-api",
        "CONFIG GET use-exit-on-panic",
    ),
    case(
        "aliases are one directive",
        "CONFIG SET hash-max-ziplist-entries 17",
        "CONFIG GET hash-max-listpack-entries",
        "CONFIG SET zset-max-listpack-value 18",
        "CONFIG GET zset-max-ziplist-value",
        "CONFIG SET lua-time-limit 7",
        "CONFIG GET busy-reply-threshold",
        "CONFIG SET slave-read-only x",
        "CONFIG SET hash-max-ziplist-entries 1 hash-max-listpack-entries 2",
        unordered("CONFIG GET hash-max-*-entries"),
        config=True,
        multi=False,
    ),
    case(
        "all or nothing",
        "CONFIG SET hz 20 lfu-decay-time 3",
        "CONFIG GET hz",
        "CONFIG SET hz 30 lfu-decay-time x",
        "CONFIG GET hz",
        "CONFIG SET hz 30 nosuch 1",
        "CONFIG SET hz 30 daemonize yes",
        "CONFIG SET hz 30 dbfilename x",
        "CONFIG SET hz x lfu-decay-time x",
        "CONFIG GET hz",
        config=True,
        multi=False,
    ),
    case(
        "which error comes first",
        "CONFIG SET nosuch 1 hz x",
        "CONFIG SET hz x nosuch 1",
        "CONFIG SET daemonize yes nosuch 1",
        "CONFIG SET nosuch 1 daemonize yes",
        "CONFIG SET hz 1 hz 2 nosuch 1",
        "CONFIG SET nosuch 1 hz 1 hz 2",
        "CONFIG SET hz x hz 2",
        "CONFIG SET NoSuch 1",
        "CONFIG SET DaemonIze yes",
        "CONFIG SET SlaveOf yes",
        "CONFIG SET DBfileName yes",
        "CONFIG SET HZ x",
        "CONFIG SET Slave-Read-Only x",
        "CONFIG SET hz 1 HZ 2",
        "CONFIG SET HZ 1 hz 2",
        config=True,
        multi=False,
    ),
    case(
        "save",
        *[
            step
            for value in ("", "900 1", "900  1", '"900 1"', "0 1", "1 0", "1", "900 1 300 10", " 900 1", "x y", "5 -1")
            for step in ([b"CONFIG", b"SET", b"save", value.encode()], "CONFIG GET save")
        ],
        config=True,
        multi=False,
    ),
    case(
        "client-output-buffer-limit",
        *[
            step
            for value in (
                "normal 1gb 2gb 3",
                "replica 1 2 3 pubsub 1mb 1mb 1",
                "slave 1 2",
                "master 1 2 3",
                "foo 1 2 3",
                "normal x 1 1",
                "normal 1g x 1",
                "normal 1g 1g -1",
                "normal 1g 1g 1x",
                "",
                "normal  1 1 1",
                "PubSub 1k 2K 3",
                "pubsub 1 2 3 pubsub 4 5 6",
                "pubsub 7 7 7 nosuch 1 1 1",
            )
            for step in (
                [b"CONFIG", b"SET", b"client-output-buffer-limit", value.encode()],
                "CONFIG GET client-output-buffer-limit",
            )
        ],
        config=True,
        multi=False,
    ),
    case(
        "notify-keyspace-events",
        *[
            step
            for value in ("", "KEA", "AKE", "g$lshzxetd", "Knm", "x", "q", "AKEn", "AKEm", "K$", "gg", "Kd", "K\0q")
            for step in (
                [b"CONFIG", b"SET", b"notify-keyspace-events", value.encode()],
                "CONFIG GET notify-keyspace-events",
            )
        ],
        config=True,
        multi=False,
        events=False,
    ),
    case(
        "latency-tracking-info-percentiles",
        *[
            step
            for value in ("", "50", "50 99 100", "99.999", "1e1", "0", "100.1", "-1", "50  99", "0.001", "x", "50.0 50")
            for step in (
                [b"CONFIG", b"SET", b"latency-tracking-info-percentiles", value.encode()],
                "CONFIG GET latency-tracking-info-percentiles",
            )
        ],
        config=True,
        multi=False,
    ),
    case(
        "oom-score-adj-values",
        *[
            step
            for value in ("1 2 3", "3 2 1", "1 2", "1 2 x", "1 2 2001", "-2000 0 2000", "", "1 2 3 4")
            for step in (
                [b"CONFIG", b"SET", b"oom-score-adj-values", value.encode()],
                "CONFIG GET oom-score-adj-values",
            )
        ],
        config=True,
        multi=False,
    ),
    case(
        "shutdown options",
        *[
            step
            for value in ("save now", "nosave force now", "default save", "save x", "now save", "save nosave", "now  x")
            for step in (
                [b"CONFIG", b"SET", b"shutdown-on-sigterm", value.encode()],
                "CONFIG GET shutdown-on-sigterm",
            )
        ],
        config=True,
        multi=False,
    ),
    case(
        "limits that would hurt when low",
        "CONFIG SET client-query-buffer-limit 1",
        "CONFIG SET client-query-buffer-limit 1mb",
        "CONFIG GET client-query-buffer-limit",
        "CONFIG SET proto-max-bulk-len 1048575",
        "CONFIG SET proto-max-bulk-len 2mb",
        "CONFIG GET proto-max-bulk-len",
        "CONFIG SET maxmemory-clients 5%",
        "CONFIG GET maxmemory-clients",
        "CONFIG SET maxmemory-clients 101%",
        "CONFIG SET maxmemory-clients -5%",
        "CONFIG SET maxmemory-clients 5x",
        "CONFIG SET maxmemory-clients 1gb",
        "CONFIG GET maxmemory-clients",
        "CONFIG SET maxclients 0",
        "CONFIG SET maxclients 4294967296",
        "CONFIG SET maxclients 500",
        "CONFIG GET maxclients",
        "CONFIG SET timeout 500",
        "CONFIG GET timeout",
        "CONFIG SET timeout x",
        "CONFIG SET maxmemory 100gb",
        "CONFIG GET maxmemory",
        "CONFIG SET protected-mode no",
        "CONFIG GET protected-mode",
        "CONFIG SET protected-mode x",
        "CONFIG SET oom-score-adj x",
        "CONFIG SET active-defrag-cycle-min 100",
        "CONFIG SET port 65536",
        "CONFIG SET port -1",
        "CONFIG SET port x",
        [b"CONFIG", b"SET", b"bind", b" ".join([b"127.0.0.1"] * 17)],
        "CONFIG SET bind 127.0.0.1",
        "CONFIG GET bind",
        config=True,
        multi=False,
    ),
    case(
        "locale-collate",
        "CONFIG SET locale-collate C",
        "CONFIG GET locale-collate",
        "CONFIG SET locale-collate POSIX",
        "CONFIG SET locale-collate xx_YY",
        "CONFIG GET locale-collate",
        [b"CONFIG", b"SET", b"locale-collate", b""],
        config=True,
        multi=False,
    ),
    case(
        "proc-title-template",
        *[
            step
            for value in ("{title}", "{foo}", "{", "", "a {port}{tls-port} {unixsocket} {config-file}", "x", "}{port}")
            for step in (
                [b"CONFIG", b"SET", b"proc-title-template", value.encode()],
                "CONFIG GET proc-title-template",
            )
        ],
        config=True,
        multi=False,
    ),
    case("thresholds act at once", "CONFIG SET hash-max-listpack-entries 2", "HSET h a 1 b 2", "OBJECT ENCODING h",
         "HSET h c 3", "OBJECT ENCODING h", "CONFIG SET set-max-intset-entries 1", "SADD s 1", "OBJECT ENCODING s",
         "SADD s 2", "OBJECT ENCODING s", "CONFIG SET list-max-listpack-size 2", "RPUSH l a b c", "OBJECT ENCODING l",
         "CONFIG SET zset-max-ziplist-value 3", "ZADD z 1 abc", "OBJECT ENCODING z", "ZADD z 1 abcd",
         "OBJECT ENCODING z", config=True, multi=False),
    case("no file to rewrite", "CONFIG REWRITE"),
    case("resetstat", "CONFIG RESETSTAT"),
    case("deprecated and file-only directives", "CONFIG SET list-max-ziplist-entries 3", "CONFIG SET include x",
         "CONFIG SET rename-command x", "CONFIG SET user x", "CONFIG GET user", "CONFIG GET include"),
]  # fmt: skip
