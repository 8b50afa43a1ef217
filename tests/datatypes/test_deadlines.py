"""Deadlines against a dictionary, under random steps."""

from hypothesis import given, settings
from hypothesis import strategies as st

from respd.datatypes.deadlines import FAR_FUTURE, Deadlines

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "move on"]), st.integers(0, 9), st.integers(0, 60_000)), max_size=60
)


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
            now += amount
            deadlines.advance(now)
            due = set()
            while True:
                found = deadlines.pop_due(now)
                if found is None:
                    break
                if model.get(found, FAR_FUTURE) <= now:
                    due.add(found)
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
    deadlines.advance(now + 60_000)
    assert deadlines.pop_due(now + 60_000) is None


def test_a_large_bucket_is_poured_in_slices_and_complete() -> None:
    deadlines = Deadlines()
    now = 4096 * 1000
    for number in range(50_000):
        deadlines.add(b"%d" % number, now + 9000)
    largest = count = 0
    for _ in range(1000):
        deadlines.advance(now + 9000)
        before = count
        while deadlines.pop_due(now + 9000) is not None:
            count += 1
        largest = max(largest, count - before)
    assert count == 50_000
    assert largest < 5_000
