"""Stream commands: what is newer than the redis-server we compare with, by its documentation; and the log."""

import pytest

from respd.commands import all_groups
from tests.local import Local
from tests.wire import Error

NOW = b"1700000000000-"


@pytest.fixture
def local() -> Local:
    return Local(*(group for group in all_groups() if group.name in ("stream", "generic")))


def ids(local: Local, key: str = "s") -> list[bytes]:
    found = local.run(f"XRANGE {key} - +")
    assert isinstance(found, list)
    return [entry[0] for entry in found]


def fill(local: Local, count: int) -> None:
    for number in range(1, count + 1):
        local.run(f"XADD s {number}-0 f v")


def same(found: object, text: str) -> bool:
    return isinstance(found, Error) and found == Error(text)


# -- the log


def test_ids_are_logged_as_they_were_made(local: Local) -> None:
    local.run("XADD s * a 1")
    local.run("XADD s 1700000000000-* a 1")
    local.run("XADD s 1700000000001 a 1")
    assert [words[2] for words in local.logged()] == [NOW + b"0", NOW + b"1", b"1700000000001"]


def test_approximate_trimming_is_logged_as_exact(local: Local) -> None:
    fill(local, 250)
    local.logged()
    local.run("XTRIM s MAXLEN ~ 10 LIMIT 150")
    local.run("XADD s MINID ~ 120 251-0 f v")
    local.run("XTRIM s MAXLEN ~ 200")
    assert local.logged() == [
        [b"XTRIM", b"s", b"MAXLEN", b"=", b"150", b"LIMIT", b"150"],
        [b"XADD", b"s", b"MINID", b"=", b"101-0", b"251-0", b"f", b"v"],
    ]


# -- references of groups while trimming (8.2)


def test_delref_forgets_what_is_trimmed(local: Local) -> None:
    fill(local, 5)
    local.run("XGROUP CREATE s g 0")
    local.run("XREADGROUP GROUP g c STREAMS s >")
    local.run("XTRIM s MAXLEN 4")
    assert local.run("XPENDING s g")[0] == 5  # type: ignore[index]
    local.logged()
    assert local.run("XTRIM s MAXLEN 2 DELREF") == 2
    assert local.logged()[1:-1] == [[b"XTRIM", b"s", b"MAXLEN", b"2"], [b"XACK", b"s", b"g", b"2-0", b"3-0"]]
    assert local.run("XPENDING s g")[:2] == [3, b"1-0"]  # type: ignore[index]
    local.logged()
    local.run("XADD s DELREF MAXLEN = 1 6-0 f v")
    assert local.logged()[1][:4] == [b"XADD", b"s", b"MAXLEN", b"="]
    assert local.run("XPENDING s g")[0] == 1  # type: ignore[index]


def test_acked_trims_what_all_groups_have_done_with(local: Local) -> None:
    fill(local, 5)
    local.run("XGROUP CREATE s g 0")
    local.run("XADD s MAXLEN = 1 ACKED 6-0 f v")
    assert local.run("XLEN s") == 6
    local.run("XREADGROUP GROUP g c COUNT 3 STREAMS s >")
    local.run("XACK s g 1-0 3-0")
    local.logged()
    local.run("XADD s MAXLEN = 1 ACKED 7-0 f v")
    assert ids(local) == [b"2-0", b"4-0", b"5-0", b"6-0", b"7-0"]
    assert local.logged()[1:-1] == [[b"XADD", b"s", b"7-0", b"f", b"v"], [b"XDEL", b"s", b"1-0", b"3-0"]]
    local.run("XREADGROUP GROUP g c STREAMS s >")
    local.run("XACK s g 2-0 4-0 5-0 6-0 7-0")
    assert local.run("XTRIM s MINID 6 ACKED") == 3
    assert ids(local) == [b"6-0", b"7-0"]
    assert local.run("XTRIM s ACKED MAXLEN 0") == 2


def test_acked_leaves_the_newest_and_without_groups_trims_all(local: Local) -> None:
    fill(local, 4)
    local.run("XGROUP CREATE s g 0")
    local.run("XREADGROUP GROUP g c STREAMS s >")
    local.run("XACK s g 3-0 4-0")
    assert local.run("XTRIM s MAXLEN 2 ACKED") == 0
    local.run("XGROUP DESTROY s g")
    assert local.run("XTRIM s MAXLEN 2 ACKED") == 2


def test_acked_by_whole_nodes(local: Local) -> None:
    local.engine.config.limits.stream_node_entries = 3
    fill(local, 10)
    local.run("XGROUP CREATE s g 0")
    local.run("XREADGROUP GROUP g c STREAMS s >")
    local.run("XACK s g 1-0 2-0 4-0 5-0 6-0 7-0 8-0 9-0")
    assert local.run("XTRIM s MAXLEN ~ 3 ACKED LIMIT 5") == 2
    assert local.run("XTRIM s MINID ~ 9 ACKED") == 3
    assert ids(local) == [b"3-0", b"7-0", b"8-0", b"9-0", b"10-0"]


def test_one_policy_at_most(local: Local) -> None:
    for line in (
        "XTRIM s MAXLEN 1 ACKED DELREF",
        "XADD s KEEPREF ACKED MAXLEN 1 * a 1",
        "XTRIM s MAXLEN 1 KEEPREF KEEPREF",
    ):
        assert same(local.run(line), "ERR syntax error")


# -- producers (8.6)


def test_a_message_that_comes_again_is_not_added(local: Local) -> None:
    first = local.run("XADD s IDMP p 1 * a 1")
    local.logged()
    local.events()
    assert local.run("XADD s IDMP p 1 MAXLEN 0 * a 2") == first
    assert local.logged() == []
    assert local.events() == []
    assert local.run("XADD s IDMP q 1 * a 1") != first
    assert local.run("XADD s IDMP p 2 * a 1") != first
    assert local.run("XLEN s") == 3
    local.run([b"XDEL", b"s", first])  # type: ignore[list-item]
    assert local.run("XADD s IDMP p 1 * a 1") == first


def test_a_message_may_be_known_by_its_content(local: Local) -> None:
    first = local.run("XADD s IDMPAUTO p * a 1 b 2")
    assert local.run("XADD s MAXLEN 9 IDMPAUTO p * a 1 b 2") == first
    assert local.run("XADD s IDMPAUTO p * a 1 b 3") != first
    assert local.run("XADD s IDMPAUTO p * a 1b 2 x") != first


def test_messages_are_forgotten_in_time(local: Local) -> None:
    first = local.run("XADD s IDMP p 1 * a 1")
    local.pass_time(100_000)
    assert local.run("XADD s IDMP p 1 * a 1") == first
    local.pass_time(1)
    assert local.run("XADD s IDMP p 1 * a 1") != first


def test_no_stream_is_made_for_a_message(local: Local) -> None:
    assert local.run("XADD s NOMKSTREAM IDMP p 1 * a 1") is None
    assert local.run("EXISTS s") == 0


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("XADD s IDMP p * f v", "ERR Invalid stream ID specified as stream command argument"),
        ("XADD s IDMP p i 1-1 f v", "ERR IDMP/IDMPAUTO can be used only with auto-generated IDs"),
        ("XADD s IDMPAUTO p 1-* f v", "ERR IDMP/IDMPAUTO can be used only with auto-generated IDs"),
        ("XADD s IDMP p i IDMP q j * f v", "ERR IDMP/IDMPAUTO specified multiple times"),
        ("XADD s IDMPAUTO p IDMP q j * f v", "ERR IDMP/IDMPAUTO specified multiple times"),
        ('XADD s IDMP "" i * f v', "ERR IDMP requires a non-empty producer ID"),
        ('XADD s IDMP p "" * f v', "ERR IDMP requires a non-empty idempotent ID"),
        ('XADD s IDMPAUTO "" * f v', "ERR IDMPAUTO requires a non-empty producer ID"),
        ("XCFGSET s", "ERR At least one parameter must be specified"),
        ("XCFGSET s IDMP-DURATION", "ERR syntax error"),
        ("XCFGSET s IDMP-DURATION 3.14", "ERR value is not an integer or out of range"),
        ("XCFGSET s IDMP-DURATION 0", "ERR IDMP-DURATION must be between 1 and 86400 seconds"),
        ("XCFGSET s IDMP-MAXSIZE 10001", "ERR IDMP-MAXSIZE must be between 1 and 10000 entries"),
        ("XCFGSET none IDMP-MAXSIZE 1", "ERR no such key"),
        ("XIDMPRECORD none p i 1-1", "ERR no such key"),
        ("XIDMPRECORD s p i x", "ERR Invalid stream ID specified as stream command argument"),
    ],
)
def test_errors_about_producers(local: Local, line: str, text: str) -> None:
    local.run("XADD s 0-1 a 1")
    assert same(local.run(line), text)


def test_xcfgset_forgets_when_it_changes_something(local: Local) -> None:
    first = local.run("XADD s IDMP p 1 * a 1")
    local.run("XCFGSET s IDMP-DURATION 100")
    assert local.run("XADD s IDMP p 1 * a 1") == first
    local.logged()
    local.run("XCFGSET s IDMP-MAXSIZE 2 IDMP-DURATION 5")
    assert local.logged() == [[b"XCFGSET", b"s", b"IDMP-MAXSIZE", b"2", b"IDMP-DURATION", b"5"]]
    found = [local.run(f"XADD s IDMP p {number} * a 1") for number in (1, 2, 3)]
    assert found[0] != first
    assert local.run("XADD s IDMP p 2 * a 1") == found[1]
    assert local.run("XADD s IDMP p 1 * a 1") != found[0]


def test_a_message_is_logged_with_its_id(local: Local) -> None:
    local.run("XADD s IDMP p 1 * a 1")
    local.run("XADD s IDMPAUTO p MAXLEN ~ 5 * a 1")
    assert local.logged() == [
        [b"XADD", b"s", b"IDMP", b"p", b"1", NOW + b"0", b"a", b"1"],
        [b"XADD", b"s", b"IDMPAUTO", b"p", b"MAXLEN", b"=", b"2", NOW + b"1", b"a", b"1"],
    ]


def test_xinfo_tells_of_producers(local: Local) -> None:
    for line in ("XADD s * a 1", "XADD s IDMP p 1 * a 1", "XADD s IDMP p 1 * a 1", "XADD s IDMP q 1 * a 1"):
        local.run(line)
    found = local.run("XINFO STREAM s")
    assert isinstance(found, dict)
    names = ("idmp-duration", "idmp-maxsize", "pids-tracked", "iids-tracked", "iids-added", "iids-duplicates")
    assert [found[name.encode()] for name in names] == [100, 100, 2, 2, 2, 1]


def test_xidmprecord_tells_of_a_message(local: Local) -> None:
    entry = local.run("XADD s * a 1")
    assert isinstance(entry, bytes)
    for _ in range(2):
        assert local.run([b"XIDMPRECORD", b"s", b"p", b"1", entry]) == b"OK"
    assert local.run("XADD s IDMP p 1 * a 1") == entry
    local.run("XADD s 1700000000009-0 a 1")
    assert isinstance(local.run("XIDMPRECORD s p 1 1700000000009-0"), Error)
    assert isinstance(local.run("XIDMPRECORD s p 2 5-0"), Error)
    assert isinstance(local.run('XIDMPRECORD s "" 2 1700000000009-0'), Error)


# -- bounds of a whole reply (8.10)


def counts(found: object) -> dict[bytes, int]:
    assert isinstance(found, dict)
    return {key: len(entries) for key, entries in found.items()}


def test_maxcount_counts_all_streams(local: Local) -> None:
    for key in "abc":
        for number in (1, 2, 3):
            local.run(f"XADD {key} {number} f v")
    assert counts(local.run("XREAD COUNT 2 MAXCOUNT 3 STREAMS a b c 0 0 0")) == {b"a": 2, b"b": 1}
    assert counts(local.run("XREAD MAXCOUNT 4 STREAMS a b c 0 3 0")) == {b"a": 3, b"c": 1}
    assert counts(local.run("XREAD MAXCOUNT 99 STREAMS a b c 0 0 0")) == {b"a": 3, b"b": 3, b"c": 3}


def test_maxsize_counts_bytes_but_returns_one_entry_at_least(local: Local) -> None:
    for number in range(1, 6):
        local.run(f"XADD a {number} f {'v' * 100}")
        local.run(f"XADD b {number} f {'v' * 100}")
    assert counts(local.run("XREAD MAXSIZE 1 STREAMS a b 0 0")) == {b"a": 1}
    assert counts(local.run("XREAD MAXSIZE 500 STREAMS a b 0 0")) == {b"a": 3}
    assert counts(local.run("XREAD MAXSIZE 1000 COUNT 3 STREAMS a b 0 0")) == {b"a": 3, b"b": 3}
    assert counts(local.run("XREAD MAXSIZE 99999 STREAMS a b 0 4")) == {b"a": 5, b"b": 1}
    assert local.run("XREAD MAXSIZE 1 STREAMS a 5") is None


@pytest.mark.parametrize("options", ["MAXCOUNT 0", "MAXCOUNT x", "MAXSIZE -1", "COUNT 3 MAXCOUNT 2", "MAXCOUNT"])
def test_bounds_that_are_none(local: Local, options: str) -> None:
    assert isinstance(local.run(f"XREAD {options} STREAMS a 0"), Error)
