"""What CONFIG and passwords leave in the slow log."""

from __future__ import annotations

from tests.local import Local


def test_passwords_do_not_reach_the_slow_log(local: Local) -> None:
    local.run("CONFIG SET slowlog-log-slower-than 0")
    for line in (
        "CONFIG SET hz 20 RequirePass secret masterauth secret",
        "CONFIG SET nosuch 1 requirepass secret",
        "AUTH secret",
        "AUTH default secret",
        "HELLO 2 AUTH default secret SETNAME me",
        "GET secret",
    ):
        local.run(line)
    words = [entry.words for entry in local.engine.slowlog.entries][-2::-1]
    hidden = b"(redacted)"
    assert words == [
        [b"CONFIG", b"SET", b"hz", b"20", b"RequirePass", hidden, b"masterauth", hidden],
        [b"CONFIG", b"SET", b"nosuch", b"1", b"requirepass", hidden],
        [b"AUTH", hidden],
        [b"AUTH", hidden, hidden],
        [b"HELLO", b"2", b"AUTH", hidden, hidden, b"SETNAME", b"me"],
        [b"GET", b"secret"],
    ]


def test_resetstat_forgets_the_calls(local: Local) -> None:
    local.run("GET k")
    local.run("CONFIG RESETSTAT")
    get = local.engine.commands.find(b"get")
    assert get is not None and get.calls == 0
    assert local.engine.stats.keyspace_misses == 0
