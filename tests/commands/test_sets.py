"""Set commands: what they log, and what random choice promises."""

import pytest

from respd.commands import configuration, keys, sets, strings
from tests.local import Local


@pytest.fixture
def local() -> Local:
    return Local(sets.group, keys.group, strings.group, configuration.group)


def test_sadd_and_srem_are_logged_as_sent_when_they_change_something(local: Local) -> None:
    local.run("sadd s a b")
    local.run("SADD s a")
    local.run("SREM s x")
    local.run("SREM s b x")
    assert local.logged() == [[b"sadd", b"s", b"a", b"b"], [b"SREM", b"s", b"b", b"x"]]


def test_spop_logs_the_member_it_took(local: Local) -> None:
    local.run("SADD s a b c")
    local.logged()
    member = local.run("SPOP s")
    assert local.logged() == [[b"SREM", b"s", member]]
    assert local.run([b"SISMEMBER", b"s", member]) == 0  # type: ignore[list-item]


def test_spop_of_nothing_logs_nothing(local: Local) -> None:
    assert local.run("SPOP s") is None
    assert local.run("SPOP s 3") == set()
    local.run("SADD s a")
    local.logged()
    assert local.run("SPOP s 0") == set()
    assert local.logged() == []


def test_spop_with_count_logs_the_members_it_took(local: Local) -> None:
    local.run("SADD s a b c d")
    local.logged()
    members = local.run("SPOP s 2")
    (record,) = local.logged()
    assert record[:2] == [b"SREM", b"s"]
    assert set(record[2:]) == members


def test_spop_of_all_logs_a_delete(local: Local) -> None:
    local.run("SADD s a b")
    local.logged()
    local.events()
    assert local.run("SPOP s 5") == {b"a", b"b"}
    assert local.logged() == [[b"DEL", b"s"]]
    assert local.events() == [(b"spop", b"s"), (b"del", b"s")]


def test_lazyfree_lazy_server_del_is_logged_as_unlink(local: Local) -> None:
    local.run("SADD s a b")
    local.run("CONFIG SET lazyfree-lazy-server-del yes")
    local.logged()
    local.run("SPOP s 2")
    assert local.logged() == [[b"UNLINK", b"s"]]


def test_a_large_spop_is_logged_in_pieces(local: Local) -> None:
    members = [b"m%d" % number for number in range(5000)]
    local.run([b"SADD", b"s", *members])
    local.logged()
    popped = local.run("SPOP s 2500")
    records = local.logged()
    assert records[0] == [b"MULTI"] and records[-1] == [b"EXEC"]
    assert [len(record) for record in records[1:-1]] == [1026, 1026, 454]
    assert {word for record in records[1:-1] for word in record[2:]} == popped
    assert local.run("SCARD s") == 2500


def test_replaying_the_log_gives_the_same_set(local: Local) -> None:
    for number in range(300):
        local.run(f"SADD s m{number}")
        local.run("SADD t 5")
        if number % 3 == 0:
            local.run("SPOP s")
        if number % 50 == 49:
            local.run("SPOP s 7")
            local.run("SUNIONSTORE u s t")
            local.run("SMOVE s v m" + str(number))
    other = Local(sets.group, keys.group, strings.group)
    for words in local.logged():
        if words not in ([b"MULTI"], [b"EXEC"]):
            other.run(words)
    for key in ("s", "t", "u", "v"):
        assert local.run(f"SMEMBERS {key}") == other.run(f"SMEMBERS {key}")


def test_every_member_is_picked_about_equally_often(local: Local) -> None:
    for make in ("SADD s 1 2 3 4", "SADD s a b c d", "SADD s " + " ".join(f"m{n}" for n in range(4)) + " " + "x" * 100):
        local.run("DEL s")
        local.run(make)
        size = local.run("SCARD s")
        assert isinstance(size, int)
        counts: dict[object, int] = {}
        picked = local.run(f"SRANDMEMBER s -{size * 1000}")
        assert isinstance(picked, list)
        for member in picked:
            counts[member] = counts.get(member, 0) + 1
        assert len(counts) == size
        assert all(850 < count < 1150 for count in counts.values())


def test_a_reply_kept_by_exec_is_of_its_moment(local: Local) -> None:
    """A set's members are read when the command runs, not when the transaction's reply is written."""
    local.run("SADD s a")
    members = sets.smembers(local.ctx, [b"SMEMBERS", b"s"])
    local.run("SADD s b")
    assert getattr(members, "items") == [b"a"]  # noqa: B009


def test_sscan_returns_whatever_stays(local: Local) -> None:
    stay = [b"stay%d" % number for number in range(500)]
    local.run([b"SADD", b"s", *stay])
    seen: set[object] = set()
    cursor: object = b"0"
    for step in range(1000):
        reply = local.run([b"SSCAN", b"s", cursor, b"COUNT", b"7"])  # type: ignore[list-item]
        assert isinstance(reply, list)
        cursor, found = reply
        seen.update(found)
        if cursor == b"0":
            break
        local.run(f"SADD s new{step}")
        local.run(f"SREM s new{step - 1}")
    assert cursor == b"0"
    assert seen.issuperset(stay)
