"""Databases: random histories against a dictionary, exact expiry, scans that lose no key, slow freeing."""

import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from respd.client import Client, Outbox
from respd.clock import ManualClock
from respd.database import Database, Keyspace
from respd.datatypes.limits import Limits
from respd.keyspace_events import ALL, KEYEVENT, STRING
from respd.pubsub import PubSub
from respd.stats import Stats


class Fixture:
    """A database with its clock, and a subscriber that keeps the events."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pubsub = PubSub()
        self.shared = Keyspace(self.clock, Stats(), self.pubsub)
        self.db = Database(0, self.shared)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["set", "set keeping", "remove", "expire", "persist", "wait", "expire due", "flush"]),
        st.integers(0, 7),
        st.integers(1, 20_000),
    ),
    max_size=80,
)


@settings(deadline=None)
@given(STEPS)
def test_a_database_is_a_dictionary_with_deadlines(steps: list[tuple[str, int, int]]) -> None:
    fixture = Fixture()
    db, clock = fixture.db, fixture.clock
    model: dict[bytes, tuple[bytes, int]] = {}
    for action, number, amount in steps:
        key, value = b"k%d" % number, b"v%d" % amount
        now = int(clock.ms)
        model = {name: held for name, held in model.items() if held[1] == 0 or held[1] > now}
        if action == "set":
            db.set(key, value)
            model[key] = (value, 0)
        elif action == "set keeping":
            db.set(key, value, keep_ttl=True)
            model[key] = (value, model.get(key, (b"", 0))[1])
        elif action == "remove":
            assert db.delete(key) == (model.pop(key, None) is not None)
        elif action == "expire" and db.write(key) is not None:
            db.set_expire(key, now + amount)
            model[key] = (model[key][0], now + amount)
        elif action == "persist" and db.write(key) is not None:
            assert db.persist(key) == (model[key][1] != 0)
            model[key] = (model[key][0], 0)
        elif action == "wait":
            clock.advance(amount)
        elif action == "expire due":
            db.expire_due(1000)
        elif action == "flush":
            db.flush()
            model = {}
        now = int(clock.ms)
        model = {name: held for name, held in model.items() if held[1] == 0 or held[1] > now}
        assert sorted(db.keys()) == sorted(model)
        for name, (held, at_ms) in model.items():
            assert db.read_string(name) == held
            assert db.get_expire(name) == at_ms
        db.check()


def test_scan_loses_no_key_that_stays() -> None:
    chance = random.Random(7)
    for _ in range(300):
        db = Fixture().db
        staying = {b"s%d" % number for number in range(chance.randrange(40))}
        passing = [b"p%d" % number for number in range(40)]
        for key in sorted(staying | set(passing), key=lambda _: chance.random()):
            db.set(key, b"")
        seen: list[bytes] = []
        cursor = 0
        calls = 0
        while True:
            cursor, found = db.scan(cursor, chance.randrange(1, 8))
            seen += found
            for key in chance.sample(passing, 6):
                if chance.random() < 0.6:
                    db.remove(key)
                else:
                    db.set(key, b"")
            calls += 1
            if cursor == 0:
                break
        assert staying <= set(seen)
        assert calls <= 200


def test_due_keys_go_without_being_asked_for() -> None:
    fixture = Fixture()
    db, clock = fixture.db, fixture.clock
    for number in range(100):
        db.set(b"%d" % number, b"x")
        db.set_expire(b"%d" % number, clock.ms + 10 * (number + 1))
    assert db.next_expire_ms() <= clock.ms + 10
    clock.advance(505)
    assert db.expire_due(1000) == 50
    assert db.size() == 50
    assert int(fixture.shared.stats.expired_keys) == 50


def test_expiry_is_bounded_per_round() -> None:
    fixture = Fixture()
    for number in range(50):
        fixture.db.set(b"%d" % number, b"x")
        fixture.db.set_expire(b"%d" % number, fixture.clock.ms + 5)
    fixture.clock.advance(10)
    assert fixture.db.expire_due(20) == 20
    assert fixture.db.size() == 30


def _subscriber(fixture: Fixture, *channels: bytes) -> Callable[[], bytes]:
    client = Client(1, Outbox(), fixture.clock.ms)
    for channel in channels:
        fixture.pubsub.psubscribe(client, channel)
    return lambda: client.out.getvalue()


def test_events_tell_of_changes_and_expiry() -> None:
    fixture = Fixture()
    heard = _subscriber(fixture, b"__key*__:*")
    fixture.shared.set_notify(KEYEVENT | ALL)
    fixture.db.set(b"k", b"v")
    fixture.db.changed(b"k", STRING, b"set")
    fixture.db.set_expire(b"k", fixture.clock.ms + 1)
    fixture.clock.advance(2)
    fixture.db.expire_due(10)
    assert b"__keyevent@0__:set" in heard()
    assert b"__keyevent@0__:expired" in heard()
    assert int(fixture.shared.dirty) == 1


def test_huge_values_are_freed_in_slices() -> None:
    fixture = Fixture()
    value = fixture.db.open_set(b"big")
    limits = Limits()
    for number in range(5000):
        value.add(b"member %d" % number, limits)
    fixture.db.delete(b"big")
    graveyard = fixture.shared.graveyard
    rounds = 0
    while graveyard.free_some(500):
        rounds += 1
    assert 5 <= rounds <= 20
    assert not graveyard.values


def test_a_flushed_database_is_freed_in_slices() -> None:
    fixture = Fixture()
    for number in range(3000):
        fixture.db.set(b"%d" % number, b"x")
    assert fixture.db.flush() == 3000
    assert fixture.db.size() == 0
    rounds = 0
    while fixture.shared.graveyard.free_some(500):
        rounds += 1
    assert rounds >= 5
