"""Hash commands: what they log, when fields expire, and what a scan promises."""

import random

import pytest

from respd.commands import all_groups, hash_expiry, hashes, keys
from tests.local import Local

LARGE = "x" * 65


@pytest.fixture
def local() -> Local:
    return Local(hashes.group, hash_expiry.group, keys.group)


def moment(local: Local, ms: int) -> bytes:
    return b"%d" % (local.clock.ms + ms)


def test_plain_changes_are_logged_as_sent(local: Local) -> None:
    for command in ("HSET h a 1 b 2", "HMSET h a 2", "HSETNX h c 3", "HINCRBY h c 1", "HDEL h a x"):
        local.run(command)
        assert local.logged() == [command.encode().split()]
    for command in ("HSETNX h c 4", "HDEL h x", "HPERSIST h FIELDS 1 b", "HGETDEL h FIELDS 1 x", "HGETEX h FIELDS 1 b"):
        local.run(command)
        assert local.logged() == []


def test_hincrbyfloat_is_logged_as_its_result(local: Local) -> None:
    local.run("HINCRBYFLOAT h n 2.50")
    assert local.logged() == [[b"HSET", b"h", b"n", b"2.5"]]
    local.run("HEXPIRE h 10 FIELDS 1 n")
    local.logged()
    local.run("HINCRBYFLOAT h n 1")
    assert local.logged() == [[b"HSETEX", b"h", b"KEEPTTL", b"FIELDS", b"1", b"n", b"3.5"]]


@pytest.mark.parametrize(
    ("command", "logged"),
    [
        ("HEXPIRE h 10 FIELDS 3 a x b", b"HPEXPIREAT h %b FIELDS 2 a b"),
        ("HPEXPIRE h 10000 nx FIELDS 1 a", b"HPEXPIREAT h %b nx FIELDS 1 a"),
        ("HGETEX h EX 10 FIELDS 1 a", b"HPEXPIREAT h %b FIELDS 1 a"),
        ("HSETEX h FXX EX 10 FIELDS 1 a 1", b"HSETEX h FXX PXAT %b FIELDS 1 a 1"),
    ],
)
def test_expiries_are_logged_as_moments(local: Local, command: str, logged: bytes) -> None:
    local.run("HSET h a 1 b 2")
    local.logged()
    local.run(command)
    assert local.logged() == [(logged % moment(local, 10_000)).split()]


@pytest.mark.parametrize(
    "command", ["HEXPIRE h 0 FIELDS 2 a x", "HGETEX h PX 0 FIELDS 2 a x", "HSETEX h EXAT 1 FIELDS 1 a 1"]
)
def test_a_past_expiry_is_logged_as_hdel(local: Local, command: str) -> None:
    local.run("HSET h a 1 b 2")
    local.logged()
    local.run(command)
    assert local.logged() == [[b"HDEL", b"h", b"a"]]


def test_several_past_expiries_are_logged_together(local: Local) -> None:
    local.run("HSET h a 1 b 2")
    local.logged()
    local.run("HEXPIRE h 0 FIELDS 2 a b")
    assert local.logged() == [[b"MULTI"], [b"HDEL", b"h", b"a"], [b"HDEL", b"h", b"b"], [b"EXEC"]]


def test_hgetdel_and_hgetex_log_their_effects(local: Local) -> None:
    local.run("HSET h a 1 b 2")
    local.run("HEXPIRE h 10 FIELDS 1 b")
    local.logged()
    local.run("HGETEX h PERSIST FIELDS 2 b x")
    local.run("HGETDEL h FIELDS 2 a x")
    assert local.logged() == [
        [b"HPERSIST", b"h", b"FIELDS", b"2", b"b", b"x"],
        [b"HDEL", b"h", b"a", b"x"],
    ]


@pytest.mark.parametrize("third", ["c 3", f"c {LARGE}"])
def test_fields_expire_at_their_moments(local: Local, third: str) -> None:
    local.run(f"HSET h a 1 b 2 {third}")
    local.run("HPEXPIRE h 100 FIELDS 1 a")
    local.run("HPEXPIRE h 300 FIELDS 2 b c")
    local.logged()
    local.events()
    local.pass_time(99)
    assert local.events() == []
    local.pass_time(1)
    assert local.events() == [(b"hexpired", b"h")]
    assert local.logged() == [[b"HDEL", b"h", b"a"]]
    assert local.run("HLEN h") == 2
    local.pass_time(200)
    assert local.events() == [(b"hexpired", b"h"), (b"del", b"h")]
    assert local.run("EXISTS h") == 0


def test_expired_fields_are_never_seen_even_before_the_loop_comes_round(local: Local) -> None:
    local.run("HSET h a 1 b 2")
    local.run("HPEXPIRE h 100 FIELDS 1 a")
    local.logged()
    local.clock.advance(100)
    assert local.run("HGETALL h") == {b"b": b"2"}
    assert local.logged() == [[b"HDEL", b"h", b"a"]]
    local.run("HPEXPIRE h 100 FIELDS 1 b")
    local.clock.advance(100)
    assert local.run("HSETNX h b 3") == 1
    assert local.run("HTTL h FIELDS 1 b") == [-1]


def test_moments_that_moved_are_the_ones_that_count(local: Local) -> None:
    local.run("HSET h a 1 b 2 c 3 d 4")
    local.run("HPEXPIRE h 100 FIELDS 4 a b c d")
    local.run("HPEXPIRE h 500 FIELDS 1 a")
    local.run("HSET h b 3")
    local.run("HPERSIST h FIELDS 1 c")
    local.run("HINCRBY h d 1")
    local.pass_time(100)
    assert local.run("HKEYS h") == [b"a", b"b", b"c"]
    local.events()
    local.pass_time(400)
    assert local.events() == [(b"hexpired", b"h")]
    assert local.run("HKEYS h") == [b"b", b"c"]


@pytest.mark.parametrize("command", ["RENAME h i", "COPY h i", "MOVE h 1"])
def test_expiries_go_where_the_hash_goes(local: Local, command: str) -> None:
    local.run("HSET h a 1 b 2")
    local.run("HPEXPIRE h 100 FIELDS 1 a")
    local.run(command)
    local.events()
    local.pass_time(100)
    key = b"h" if command.startswith("MOVE") else b"i"
    assert (b"hexpired", key) in local.events()


def test_many_fields_that_are_due_at_once_go_batch_by_batch(local: Local) -> None:
    fields = [b"%d" % number for number in range(2500)]
    local.run([b"HSET", b"h", *(word for field in fields for word in (field, b"v"))])
    local.run([b"HPEXPIRE", b"h", b"10", b"FIELDS", b"2500", *fields])
    local.logged()
    local.clock.advance(10)
    local.engine.before_sleep()
    assert b"h" not in local.engine.databases[0].entries
    sizes = [len(words) - 2 for words in local.logged()]
    assert max(sizes) < 2500 and sum(sizes) == 2500
    local.run([b"HSET", b"h", *(word for field in fields for word in (field, b"v"))])
    local.run([b"HPEXPIRE", b"h", b"10", b"FIELDS", b"2000", *fields[:2000]])
    local.clock.advance(10)
    local.engine.before_sleep()
    assert local.run("HLEN h") == 500


def test_renewing_an_expiry_over_and_over_leaves_nothing_behind(local: Local) -> None:
    local.run("HSET h a 1")
    for _ in range(3000):
        local.run("HPEXPIRE h 50 FIELDS 1 a")
        local.pass_time(1)
    assert local.run("HLEN h") == 1
    local.pass_time(60_000)
    assert local.run("EXISTS h") == 0
    local.pass_time(60_000)
    assert not local.engine.databases[0].has_deadlines()


def test_a_scan_of_a_changing_hash_returns_what_stays(local: Local) -> None:
    staying = [b"stay%d" % number for number in range(300)]
    for number, field in enumerate(staying):
        local.run([b"HSET", b"h", b"go%d" % number, b"v", field, LARGE.encode()])
    seen: set[bytes] = set()
    cursor, step = b"0", 0
    while True:
        reply = local.run([b"HSCAN", b"h", cursor, b"COUNT", b"7", b"NOVALUES"])
        assert isinstance(reply, list)
        cursor = reply[0]
        seen.update(reply[1])
        if cursor == b"0":
            break
        for number in range(step, step + 5):
            local.run([b"HDEL", b"h", b"go%d" % number])
            local.run([b"HSET", b"h", b"new%d" % number, b"v"])
        step += 5
    assert seen >= set(staying)


def test_hashes_with_fields_that_expire_are_counted() -> None:
    """INFO's subexpiry holds whatever happens to such hashes, at once."""
    local = Local(*all_groups())
    chance = random.Random(1)
    keys, fields = ("a", "b", "c"), ("f", "g", "h")
    actions = [
        "HSET {k} {f} 1 {g} 2", "HPEXPIRE {k} {t} FIELDS 1 {f}", "HPEXPIRE {k} {t} GT FIELDS 2 {f} {g}",
        "HPERSIST {k} FIELDS 2 {f} {g}", "HDEL {k} {f}", "HDEL {k} f g", "HGETEX {k} PX {t} FIELDS 1 {f}",
        "HGETEX {k} PERSIST FIELDS 1 {f}", "HGETDEL {k} FIELDS 1 {f}", "HSETEX {k} PX {t} FIELDS 2 {f} 1 {g} 2",
        "HSETEX {k} KEEPTTL FIELDS 1 {f} 1", "HPEXPIREAT {k} 1 FIELDS 1 {f}", "DEL {k}", "SET {k} v", "RENAME {k} {l}",
        "COPY {k} {l} REPLACE", "MOVE {k} 1", "SWAPDB 0 1", "PEXPIRE {k} {t}", "PERSIST {k}", "HGET {k} {f}", "FLUSHDB",
        "CONFIG SET hash-max-listpack-entries 1", "CONFIG SET hash-max-listpack-entries 4", "HINCRBY {k} {f} 1",
    ]  # fmt: skip
    for number in range(4000):
        key, field, other, target = *chance.sample(keys, 1), *chance.sample(fields, 2), chance.choice(keys)
        action = chance.choice(actions)
        local.run(action.format(k=key, f=field, g=other, l=target, t=chance.choice((5, 700, 3000, 100_000))))
        if number % 3 == 0:
            local.pass_time(chance.choice((1, 10, 500, 2000)))
        for db in local.engine.databases[:2]:
            db.check()


def test_a_moment_in_the_past_counts_as_an_expiry() -> None:
    local = Local(*all_groups())
    for line in ("HPEXPIREAT h 1 FIELDS 3 a b z", "HGETEX h PXAT 1 FIELDS 1 c", "HSETEX h PXAT 1 FIELDS 2 d 1 e 1"):
        local.run("HSET h a 1 b 1 c 1 d 1 x 1")
        local.run("CONFIG RESETSTAT")
        local.run(line)
        shown = local.run("INFO stats")
        assert isinstance(shown, bytes)
        assert b"\r\nexpired_subkeys:%d\r\n" % (1 if line.startswith("HGETEX") else 2) in shown
