"""Hash values against a naive model, and the claims their text makes."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from respd.datatypes.hashes import NO_FIELD, HashValue
from respd.datatypes.limits import Limits

FIELDS = st.sampled_from([b"", b"a", b"b", b"c", b"ab", b"cb", b"\x00\xff", b"f" * 9, b"w" * 300])
VALUES = st.sampled_from([b"", b"1", b"22", b"value", b"\xff\x00", b"v" * 9, b"v" * 255, b"v" * 1000])
MOMENTS = st.integers(1, 12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), FIELDS, VALUES),
        st.tuples(st.just("set_keeping_expiry"), FIELDS, VALUES),
        st.tuples(st.just("delete"), FIELDS),
        st.tuples(st.just("set_expire"), FIELDS, MOMENTS),
        st.tuples(st.just("persist"), FIELDS),
        st.tuples(st.just("take_expired"), MOMENTS),
        st.tuples(st.just("copy")),
    ),
    max_size=60,
)


class Model:
    """What a hash is, in two dictionaries."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.moments: dict[bytes, int] = {}

    def set(self, field: bytes, value: bytes) -> bool:
        self.moments.pop(field, None)
        return self.set_keeping_expiry(field, value)

    def set_keeping_expiry(self, field: bytes, value: bytes) -> bool:
        is_new = field not in self.values
        self.values[field] = value
        return is_new

    def delete(self, field: bytes) -> bool:
        self.moments.pop(field, None)
        return self.values.pop(field, None) is not None

    def persist(self, field: bytes) -> bool:
        return self.moments.pop(field, None) is not None

    def take_expired(self, now: int) -> list[bytes]:
        due = sorted(field for field, at in self.moments.items() if at <= now)
        for field in due:
            self.delete(field)
        return due


def small(entries: int = 4, value: int = 300) -> Limits:
    limits = Limits()
    limits.hash_max_entries = entries
    limits.hash_max_value = value
    return limits


@settings(max_examples=300, deadline=None)
@given(STEPS, st.sampled_from([(3, 300), (100, 5), (100, 400), (0, 0)]))
def test_random_steps_agree_with_the_model(steps: list[tuple[Any, ...]], sizes: tuple[int, int]) -> None:
    limits = small(*sizes)
    value, model = HashValue(), Model()
    for name, *words in steps:
        if name in ("set", "set_keeping_expiry"):
            assert getattr(value, name)(*words, limits) == getattr(model, name)(*words)
        elif name in ("delete", "persist"):
            assert getattr(value, name)(*words) == getattr(model, name)(*words)
        elif name == "set_expire":
            if words[0] in model.values:
                value.set_expire(*words)
                model.moments[words[0]] = words[1]
        elif name == "take_expired":
            assert sorted(value.take_expired(*words)) == model.take_expired(*words)
        else:
            value = value.copy()
        value.check()
        flat = value.items()
        assert dict(zip(flat[::2], flat[1::2], strict=True)) == model.values
        assert value.fields() == flat[::2] and value.values() == flat[1::2]
        assert len(value) == len(model.values)
        for field in (b"a", b"cb", b"w" * 300, b"nope"):
            assert value.get(field) == model.values.get(field)
            assert value.has(field) == (field in model.values)
            assert value.expire_at(field) == (model.moments.get(field, 0) if field in model.values else NO_FIELD)
        assert value.next_expire_ms == min(model.moments.values(), default=0)


def test_a_copy_is_independent() -> None:
    for limits in (small(100), small(0)):
        value = HashValue()
        for field in (b"a", b"b"):
            value.set(field, b"1", limits)
            value.set_expire(field, 5)
        twin = value.copy()
        twin.set(b"a", b"2", limits)
        twin.take_expired(9)
        value.check()
        assert value.get(b"a") == b"1" and len(value) == 2 and value.next_expire_ms == 5
        assert twin.items() == [b"a", b"2"] and twin.next_expire_ms == 0


def test_encodings_follow_the_limits() -> None:
    limits = small(2, 5)
    value = HashValue()
    value.set(b"a", b"12345", limits)
    value.set(b"b", b"", limits)
    assert value.encoding() == b"listpack"
    value.set_expire(b"a", 7)
    assert value.encoding() == b"listpackex"
    value.persist(b"a")
    assert value.encoding() == b"listpackex"
    value.set(b"c", b"", limits)
    assert value.encoding() == b"hashtable"
    value.delete(b"c")
    assert value.encoding() == b"hashtable"
    long_value, many = HashValue(), HashValue()
    long_value.prepare([b"HSET", b"h", b"a", b"123456"], 2, limits)
    many.prepare([b"HSET", b"h", b"a", b"1", b"a", b"1", b"a", b"1"], 2, limits)
    assert long_value.encoding() == many.encoding() == b"hashtable"


def test_expiring_fields_stand_in_order_of_their_moments() -> None:
    value, limits = HashValue(), Limits()
    for field in (b"a", b"b", b"c", b"d"):
        value.set(field, b"v", limits)
    value.set_expire(b"c", 20)
    value.set_expire(b"a", 10)
    value.set_expire(b"d", 20)
    assert value.fields() == [b"a", b"d", b"c", b"b"]
    value.set(b"d", b"w", limits)
    assert value.fields() == [b"a", b"c", b"b", b"d"]
    assert value.take_expired(20) == [b"a", b"c"]
    assert value.fields() == [b"b", b"d"]


def test_many_renewed_expiries_do_not_pile_up() -> None:
    value, limits = HashValue(), small(0)
    for number in range(10):
        value.set(b"%d" % number, b"v", limits)
    for at_ms in range(1, 5000):
        value.set_expire(b"%d" % (at_ms % 10), at_ms)
    value.check()
    assert value.memory_bytes() < 10_000
    assert value.take_expired(4990) == [b"0"]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_scan_returns_what_stays(data: st.DataObject) -> None:
    value, limits = HashValue(), small(0)
    fields = [b"%d" % number for number in range(data.draw(st.integers(1, 40)))]
    for field in fields:
        value.set(field, b"v", limits)
    staying = set(fields)
    seen, cursor, fresh = set(), 0, 1000
    while True:
        cursor, flat = value.scan(cursor, data.draw(st.integers(1, 7)))
        seen.update(flat[::2])
        if cursor == 0:
            break
        for _ in range(data.draw(st.integers(0, 3))):
            if data.draw(st.booleans()):
                fresh += 1
                value.set(b"%d" % fresh, b"v", limits)
            else:
                gone = data.draw(st.sampled_from(fields))
                value.delete(gone)
                staying.discard(gone)
    assert staying <= seen


def test_random_picks_reach_every_field() -> None:
    for limits in (small(100), small(0)):
        value = HashValue()
        for number in range(6):
            value.set(b"%d" % number, b"v%d" % number, limits)
        dice = random.Random(1)
        assert {value.pick(dice) for _ in range(200)} == set(value.fields())
        value.set_expire(b"3", 9)
        assert {value.pick(dice) for _ in range(200)} == set(value.fields())
        flat = value.sample(4, dice)
        assert len(set(flat[::2])) == 4
        assert all(value.get(field) == content for field, content in zip(flat[::2], flat[1::2], strict=True))
        assert len(value.choose(20, dice)) == 40
        assert value.sample(6, dice) == value.items() == value.sample(99, dice)


def test_a_large_hash_gives_up_its_expired_fields_in_slices() -> None:
    value, limits = HashValue(), small(0)
    for number in range(100):
        value.set(b"%d" % number, b"v", limits)
        value.set_expire(b"%d" % number, 5)
    assert len(value.take_expired(5, 60)) == 60 and value.next_expire_ms == 5
    value.check()
    assert len(value.take_expired(5, 60)) == 40 and value.next_expire_ms == 0


def test_freeing_in_slices_ends() -> None:
    value, limits = HashValue(), small(0)
    for number in range(100):
        value.set(b"%d" % number, b"v", limits)
        value.set_expire(b"%d" % number, 5)
    rounds = 1
    while not value.free_some(30):
        rounds += 1
    assert rounds == 14 and len(value) == 0
    tiny = HashValue()
    tiny.set(b"a", b"1", Limits())
    assert tiny.free_some(1) and len(tiny) == 0


def test_moving_expiries_again_and_again_leaves_nothing_behind() -> None:
    limits = small(0)
    value = HashValue()
    for number in range(300):
        value.set(b"%d" % number, b"v", limits)
        value.set_expire(b"%d" % number, 1000)
    before = value.memory_bytes()
    for turn in range(10):
        for number in range(300):
            value.set_expire(b"%d" % number, 1000 + turn + number)
    assert value.memory_bytes() < before * 1.1
    assert value.next_expire_ms == 1009
    value.check()
