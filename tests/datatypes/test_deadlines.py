"""Deadlines against a dictionary, under random steps."""

from hypothesis import given, settings
from hypothesis import strategies as st

from respd.datatypes.deadlines import FAR_FUTURE, Deadlines

FAR = 4096 * 1000 + 9000

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "move on"]),
        st.integers(0, 9),
        st.one_of(st.integers(-2000, 2000), st.integers(0, 60_000)),
    ),
    max_size=60,
)


def _take_all(deadlines: Deadlines, now: int) -> list[bytes]:
    taken: list[bytes] = []
    while some := deadlines.take_due(now, 2):
        taken += some
    return taken


@settings(deadline=None)
@given(STEPS)
def test_everything_comes_out_when_it_is_due_and_not_before(steps: list[tuple[str, int, int]]) -> None:
    deadlines = Deadlines()
    model: dict[bytes, int] = {}
    now = 1_000_000
    for action, number, amount in steps:
        key = b"%d" % number
        if action == "add":
            if key in model:
                deadlines.remove(key, model[key])
            model[key] = now + amount
            deadlines.add(key, now + amount)
        elif action == "remove" and key in model:
            deadlines.remove(key, model.pop(key))
        elif action == "move on":
            now += amount  # even backwards: clocks are set
            deadlines.advance(now)
            due = {key for key in _take_all(deadlines, now) if model.get(key, FAR_FUTURE) <= now}
            assert due == {key for key, at in model.items() if at <= now}
            for found in due:
                del model[found]
        if model:
            assert deadlines.next_ms(now) <= max(now, min(model.values()))
        deadlines.check()


def test_next_is_far_future_when_nothing_waits() -> None:
    assert Deadlines().next_ms(5) == FAR_FUTURE
    assert Deadlines().is_empty()


def test_locks_set_and_deleted_leave_no_ballast() -> None:
    deadlines = Deadlines()
    now = 1_000_000
    deadlines.advance(now)
    for step in range(1000):
        deadlines.add(b"lock", now + 30_000 + step)
        deadlines.remove(b"lock", now + 30_000 + step)
    assert deadlines.size() == 0
    deadlines.advance(now + 60_000)
    assert deadlines.take_due(now + 60_000, 1) == []


def test_what_is_due_comes_in_order_and_no_more_than_asked_for() -> None:
    deadlines = Deadlines()
    deadlines.advance(FAR - 600)
    for number in range(100):
        deadlines.add(b"%d" % number, FAR - number // 2)
    assert deadlines.take_due(FAR - 50, 10) == []
    assert deadlines.take_due(FAR - 45, 3) == [b"98", b"99", b"97"]
    assert deadlines.next_ms(FAR - 45) == FAR - 48
    deadlines.check()
    rest = deadlines.take_due(FAR, 1000)
    assert sorted(rest, key=int, reverse=True) == [b"%d" % number for number in range(96, -1, -1)]
    assert deadlines.is_empty()


def test_moments_already_past_are_due_at_once() -> None:
    deadlines = Deadlines()
    deadlines.add(b"other", FAR + 5)
    deadlines.advance(FAR)
    for number in range(5):
        deadlines.add(b"%d" % number, FAR - 5000 * number)
    assert deadlines.next_ms(FAR) == FAR - 20_000
    assert deadlines.take_due(FAR, 10) == [b"4", b"3", b"2", b"1", b"0"]
    assert deadlines.next_ms(FAR) == FAR + 5


def test_a_crowd_is_poured_in_slices_before_its_time() -> None:
    deadlines = Deadlines()
    for number in range(70_000):
        deadlines.add(b"%d" % number, FAR)
    turns = 0
    while deadlines.next_ms(FAR - 600) <= FAR - 600:
        turns += 1
    assert 10 < turns < 200
    assert deadlines.size() == 70_000
    deadlines.check()
    assert len(deadlines.take_due(FAR, 500)) == 500
    assert len(_take_all(deadlines, FAR)) == 69_500


def test_a_crowd_that_is_late_comes_in_the_pieces_asked_for() -> None:
    deadlines = Deadlines()
    for number in range(5000):
        deadlines.add(b"%d" % number, FAR + number)
    pieces = []
    while some := deadlines.take_due(FAR + 60_000, 300):
        pieces.append(len(some))
    assert pieces == [300] * 16 + [200]
    assert deadlines.is_empty()
