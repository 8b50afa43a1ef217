"""Generic commands with time moved by hand: expiry, what is logged, events, and what SCAN promises."""

from random import Random

import pytest

from respd.commands import databases, expiry, hash_expiry, hashes, keys, sets, sort, strings
from respd.database import access_second
from tests.local import Local
from tests.wire import Error, Status, split


@pytest.fixture
def local() -> Local:
    modules = (keys, expiry, databases, sort, strings, sets, hashes, hash_expiry)
    return Local(*[module.group for module in modules])


# -- expiry


@pytest.mark.parametrize(
    ("command", "after_ms"),
    [
        ("EXPIRE k 5", 5000),
        ("PEXPIRE k 1500", 1500),
        ("EXPIREAT k 1700000007", 7000),
        ("PEXPIREAT k 1700000000250", 250),
    ],
)
def test_a_key_expires_to_the_millisecond(local: Local, command: str, after_ms: int) -> None:
    local.run("SET k v")
    assert local.run(command) == 1
    local.clock.advance(after_ms - 1)
    assert local.run("EXISTS k") == 1
    assert local.run("PTTL k") == 1
    local.clock.advance(1)
    assert local.run("EXISTS k") == 0
    assert local.run("PTTL k") == -2


def test_an_expired_key_goes_without_being_asked_for(local: Local) -> None:
    local.run("SET k v")
    local.run("PEXPIRE k 100")
    local.events()
    local.logged()
    local.pass_time(99)
    assert local.events() == []
    local.pass_time(1)
    assert local.events() == [(b"expired", b"k")]
    assert local.logged() == [[b"DEL", b"k"]]
    assert local.run("DBSIZE") == 0


def test_whoever_meets_an_expired_key_deletes_it_first(local: Local) -> None:
    local.run("SET k v")
    local.run("PEXPIRE k 100")
    local.events()
    local.logged()
    local.clock.advance(200)
    assert local.run("SADD k a") == 1
    assert local.events() == [(b"expired", b"k"), (b"sadd", b"k")]
    assert local.logged() == [[b"MULTI"], [b"DEL", b"k"], [b"SADD", b"k", b"a"], [b"EXEC"]]


def test_ttl_is_rounded_to_the_nearest_second(local: Local) -> None:
    local.run("SET k v")
    for ms, seconds in [(1, 0), (499, 0), (500, 1), (1499, 1), (1500, 2)]:
        local.run(f"PEXPIRE k {ms}")
        assert local.run("TTL k") == seconds
        assert local.run("PTTL k") == ms


def test_expiretime_is_the_moment(local: Local) -> None:
    local.run("SET k v")
    local.run("PEXPIRE k 1500")
    assert local.run("EXPIRETIME k") == 1_700_000_002
    assert local.run("PEXPIRETIME k") == 1_700_000_001_500


@pytest.mark.parametrize("command", ["EXPIRE k 5", "PEXPIRE k 5000", "EXPIREAT k 1700000005 LT", "expire k 5 nx"])
def test_a_relative_time_is_logged_as_a_moment(local: Local, command: str) -> None:
    local.run("SET k v")
    local.logged()
    local.run(command)
    assert local.logged() == [[b"PEXPIREAT", b"k", b"1700000005000", *split(command)[3:]]]


@pytest.mark.parametrize("command", ["EXPIRE k 0", "PEXPIRE k -1", "EXPIREAT k 1700000000", "PEXPIREAT k 1 LT"])
def test_a_moment_that_is_past_deletes_and_is_logged_so(local: Local, command: str) -> None:
    local.run("SET k v")
    local.logged()
    local.events()
    assert local.run(command) == 1
    assert local.logged() == [[b"DEL", b"k"]]
    assert local.events() == [(b"del", b"k")]
    assert local.run("EXISTS k") == 0


def test_what_changes_nothing_is_not_logged(local: Local) -> None:
    local.run("SET k v")
    local.run("SET l v")
    local.logged()
    unchanging = ["EXPIRE k 5 XX", "EXPIRE nope 5", "PERSIST k", "DEL nope", "RENAMENX k k", "RENAMENX k l", "COPY k l"]
    for command in [*unchanging, "COPY nope m", "MOVE nope 1", "SORT nope STORE m"]:
        local.run(command)
    assert local.logged() == []


def test_an_expiry_travels_with_the_value(local: Local) -> None:
    local.run("SET a 1")
    local.run("PEXPIRE a 1000")
    local.run("COPY a b")
    local.run("RENAME a c")
    local.run("COPY c c DB 1")
    local.run("MOVE b 2")
    local.events()
    local.pass_time(1000)
    assert sorted(local.events()) == [(b"expired", b"b"), (b"expired", b"c"), (b"expired", b"c")]
    assert [db.size() for db in local.engine.databases[:3]] == [0, 0, 0]


def test_the_expiry_of_hash_fields_travels_with_the_value(local: Local) -> None:
    local.run("HSET a f v g w")
    local.run("HPEXPIRE a 1000 FIELDS 1 f")
    local.run("COPY a b")
    local.run("RENAME a c")
    local.run("MOVE b 1")
    local.events()
    local.pass_time(1000)
    assert local.events() == [(b"hexpired", b"c"), (b"hexpired", b"b")]
    assert local.run("HLEN c") == 1


def test_the_replaced_value_leaves_no_expiry_behind(local: Local) -> None:
    local.run("SET a 1")
    local.run("SET b 2")
    local.run("PEXPIRE b 1000")
    local.run("RENAME a b")
    local.pass_time(5000)
    assert local.run("GET b") == b"1"
    for db in local.engine.databases:
        db.check()


# -- looking


def test_idle_time_counts_from_the_last_access(local: Local) -> None:
    local.run("SET k v")
    local.pass_time(10_000)
    for question in ("TTL k", "TYPE k", "EXISTS k", "OBJECT ENCODING k", "SCAN 0", "KEYS *"):
        local.run(question)
    assert local.run("OBJECT IDLETIME k") == 10
    local.engine.shared.access_clock = access_second(local.clock.ms)
    local.run("TOUCH k")
    assert local.run("OBJECT IDLETIME k") == 0


def test_hits_and_misses_are_counted(local: Local) -> None:
    local.run("SET k v")
    stats = local.engine.stats
    hits, misses = stats.keyspace_hits, stats.keyspace_misses
    for question in ("TTL k", "TYPE k", "EXISTS k", "TOUCH k", "OBJECT ENCODING k"):
        local.run(question)
    for question in ("TTL no", "TYPE no", "EXISTS no", "TOUCH no", "OBJECT ENCODING no"):
        local.run(question)
    assert (stats.keyspace_hits - hits, stats.keyspace_misses - misses) == (5, 5)
    assert [event for event, _ in local.events()].count(b"keymiss") == 4


# -- moving large values


def test_a_moved_value_is_not_freed(local: Local) -> None:
    members = [b"m%d" % number for number in range(1000)]
    local.run([b"SADD", b"s", *members])
    local.run("RENAME s t")
    local.run("MOVE t 1")
    while local.engine.shared.graveyard.free_some(100):
        pass
    assert local.engine.databases[1].size() == 1
    value = local.engine.databases[1].read_set(b"t")
    assert value is not None and len(value) == 1000


def test_a_replaced_value_is_freed(local: Local) -> None:
    members = [b"m%d" % number for number in range(1000)]
    local.run([b"SADD", b"s", *members])
    local.run([b"SADD", b"t", *members])
    graveyard = local.engine.shared.graveyard
    local.run("RENAME s t")
    assert len(graveyard.values) == 1
    local.run("SET k v")
    local.run("COPY k t REPLACE")
    assert len(graveyard.values) == 2


# -- whole databases


def test_swapdb_and_flush_are_logged(local: Local) -> None:
    for command in ("SWAPDB 0 1", "FLUSHDB", "FLUSHALL ASYNC"):
        assert local.run(command) == Status(b"OK")
    assert local.logged() == [[b"SWAPDB", b"0", b"1"], [b"FLUSHDB"], [b"FLUSHALL", b"ASYNC"]]


def test_swapped_databases_keep_their_expiries(local: Local) -> None:
    local.run("SET k v")
    local.run("PEXPIRE k 1000")
    local.run("SWAPDB 0 1")
    local.events()
    local.pass_time(1000)
    assert local.events() == [(b"expired", b"k")]
    for db in local.engine.databases:
        db.check()


def test_a_database_that_was_flushed_expires_nothing(local: Local) -> None:
    for number in range(200):
        local.run(f"SET k{number} v")
        local.run(f"PEXPIRE k{number} 1000")
    local.run("FLUSHALL")
    local.run("SET k1 v")
    local.events()
    local.pass_time(2000)
    assert local.events() == []
    assert local.run("DBSIZE") == 1


# -- scanning


@pytest.mark.parametrize("seed", range(5))
def test_scan_returns_whatever_stays(local: Local, seed: int) -> None:
    random = Random(seed)
    for number in range(300):
        local.run(f"SET stay{number} v")
        local.run(f"SET go{number} v")
    seen: set[object] = set()
    cursor: object = b"0"
    for _ in range(2000):
        reply = local.run([b"SCAN", cursor, b"COUNT", b"%d" % random.randint(1, 20)])  # type: ignore[list-item]
        assert isinstance(reply, list)
        cursor, found = reply
        seen.update(found)
        if cursor == b"0":
            break
        for _ in range(random.randint(0, 8)):
            action = random.choice(["SET new{} v", "DEL go{}", "DEL new{}", "RENAME go{} new{}"])
            number = random.randrange(300)
            local.run(action.format(number, number))
    assert cursor == b"0"
    assert seen.issuperset(b"stay%d" % number for number in range(300))


def test_scan_does_not_show_what_has_expired(local: Local) -> None:
    local.run("SET a v")
    local.run("SET b v")
    local.run("PEXPIRE a 10")
    local.clock.advance(10)
    assert local.run("SCAN 0") == [b"0", [b"b"]]
    assert local.run("KEYS *") == [b"b"]
    assert local.run("KEYS a") == []
    assert local.run("RANDOMKEY") == b"b"


def test_random_keys_are_about_equally_frequent(local: Local) -> None:
    for number in range(4):
        local.run(f"SET k{number} v")
    counts: dict[object, int] = {}
    for _ in range(2000):
        key = local.run("RANDOMKEY")
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 4
    assert all(400 < count < 600 for count in counts.values())


# -- SORT


def test_sort_store_is_logged_as_sent(local: Local) -> None:
    local.run("SADD s 3 1 2")
    local.logged()
    assert local.run("SORT s STORE d") == 3
    assert local.run("SORT s") == [b"1", b"2", b"3"]
    assert local.run("SORT s LIMIT 0 0 STORE d") == 0
    assert local.logged() == [
        [b"SORT", b"s", b"STORE", b"d"],
        [b"SORT", b"s", b"LIMIT", b"0", b"0", b"STORE", b"d"],
    ]


def test_a_failed_sort_leaves_no_trace(local: Local) -> None:
    local.run("SADD s a b")
    local.run("SET d v")
    local.logged()
    assert local.run("SORT s STORE d") == Error(b"ERR One or more scores can't be converted into double")
    assert local.run("GET d") == b"v"
    assert local.logged() == []
