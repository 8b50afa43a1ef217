"""Streams against a plain model, a list of ids and fields; the bounds of nodes; what views and copies see."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from respd.datatypes.limits import Limits
from respd.datatypes.listpacks import after, before, element_at, encode
from respd.datatypes.stream_entries import EVERYTHING
from respd.datatypes.stream_nodes import LAST_ID
from respd.datatypes.stream_producers import Producers, content_iid
from respd.datatypes.streams import Stream

Model = list[tuple[int, list[bytes]]]
HALF = 1 << 63
NEXT_IDS = st.sampled_from([1, 1, 2, 300, 1 << 64, (1 << 64) + 5, (1 << 64) - 1, HALF, HALF << 64])
WORDS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1).map(lambda number: b"%d" % number),
    st.sampled_from([b"", b"a", b"007", b"-0", b"x" * 63, b"x" * 64, b"x" * 127, b"x" * 5000]),
)
FIELDS = st.one_of(
    st.tuples(st.just(b"f"), WORDS).map(list),
    st.lists(st.tuples(st.sampled_from([b"f", b"g", b"12"]), WORDS), min_size=1, max_size=3).map(
        lambda pairs: [word for pair in pairs for word in pair]
    ),
)
PLACES = st.tuples(st.integers(0, 40), st.sampled_from([-1, 0, 0, 1]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), NEXT_IDS, FIELDS),
        st.tuples(st.just("add"), NEXT_IDS, FIELDS),
        st.tuples(st.just("add"), NEXT_IDS, FIELDS),
        st.tuples(st.just("delete"), PLACES),
        st.tuples(st.just("to length"), st.integers(0, 20), st.booleans(), st.sampled_from([0, 1, 5, 100])),
        st.tuples(st.just("below id"), PLACES, st.booleans(), st.sampled_from([0, 1, 5, 100])),
        st.tuples(st.just("range"), PLACES, PLACES, st.sampled_from([EVERYTHING, 0, 1, 3, 100]), st.booleans()),
        st.tuples(st.just("copy")),
    ),
    max_size=80,
)
LIMITS = st.tuples(st.sampled_from([0, 1, 2, 7, 100]), st.sampled_from([0, 1, 60, 300, 4096]))


def limits_of(entries: int, size: int) -> Limits:
    limits = Limits()
    limits.stream_node_entries = entries
    limits.stream_node_bytes = size
    return limits


def an_id(model: Model, place: tuple[int, int]) -> int:
    """An id of the model's, or one beside it."""
    found = model[place[0] % len(model)][0] if model else 5
    return min(LAST_ID, max(0, found + place[1]))


def step(stream: Stream, model: Model, limits: Limits, given_step: tuple[object, ...]) -> Stream:
    match given_step:
        case ("add", int(distance), list(fields)) if stream.last_id + distance <= LAST_ID:
            id = stream.last_id + distance
            assert stream.append(id, fields, limits)
            model.append((id, fields))
        case ("delete", (int(place), int(shift))):
            id = an_id(model, (place, shift))
            there = [entry for entry in model if entry[0] == id]
            deleted = stream.max_deleted_id
            assert stream.get(id) == (there[0][1] if there else None)
            assert stream.delete(id) == bool(there)
            assert stream.max_deleted_id == (max(deleted, id) if there else deleted)
            model[:] = [entry for entry in model if entry[0] != id]
        case ("to length", int(length), bool(approximately), int(limit)):
            limit = limit if approximately else 0
            removed = stream.trim_to_length(length, approximately, limit)
            excess = max(0, len(model) - length)
            assert removed <= excess and (not limit or removed <= limit)
            assert approximately or removed == excess
            del model[:removed]
        case ("below id", (int(place), int(shift)), bool(approximately), int(limit)):
            id = an_id(model, (place, shift))
            removed = stream.trim_before(id, approximately, limit if approximately else 0)
            below = sum(entry[0] < id for entry in model)
            assert removed <= below
            assert approximately or removed == below
            del model[:removed]
        case ("range", (int(one), int(left)), (int(other), int(right)), int(count), bool(reverse)):
            start, end = an_id(model, (one, left)), an_id(model, (other, right))
            wanted = [entry for entry in model if start <= entry[0] <= end]
            if reverse:
                wanted.reverse()
            if count >= 0:
                wanted = wanted[:count]
            assert stream.range(start, end, count, reverse) == wanted
            assert stream.entries(start, end, count, reverse).ids() == [entry[0] for entry in wanted]
        case ("copy",):
            old = stream
            stream = stream.copy()
            old.trim_to_length(0, False, 0)
    return stream


@given(STEPS, LIMITS)
def test_a_stream_is_a_list(steps: list[tuple[object, ...]], limits: tuple[int, int]) -> None:
    stream, model = Stream(), Model()
    added = 0
    for given_step in steps:
        before = len(model)
        stream = step(stream, model, limits_of(*limits), given_step)
        added += len(model) > before
        assert stream.length == len(model)
        assert stream.entries_added == added
        assert stream.first_id() == (model[0][0] if model else 0)
        assert stream.last_live_id() == (model[-1][0] if model else 0)
        stream.check()
    assert stream.range(0, LAST_ID, EVERYTHING, False) == model
    assert stream.range(0, LAST_ID, EVERYTHING, True) == model[::-1]


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_a_listpack_is_walked_in_either_direction(words: list[bytes]) -> None:
    data = encode(words, BytesWriter())
    forwards, at = [], 6
    for _ in words:
        forwards.append(at)
        at = after(data, at)
    assert at == len(data) - 1
    assert [element_at(data, each) for each in forwards] == words
    for each in reversed(forwards):
        at = before(data, at)
        assert at == each


def filled(count: int, entries: int, size: int = 4096) -> Stream:
    stream = Stream()
    for number in range(1, count + 1):
        stream.append(number << 64, [b"n", b"%d" % number], limits_of(entries, size))
    return stream


@pytest.mark.parametrize(("entries", "size", "nodes"), [(10, 4096, 5), (0, 4096, 1), (100, 1, 50), (1, 0, 50)])
def test_nodes_have_bounds(entries: int, size: int, nodes: int) -> None:
    assert len(filled(50, entries, size).nodes()) == nodes


def test_dropping_nodes_at_the_front_leaves_no_trace() -> None:
    stream = filled(3000, 3)
    for length in range(2999, 0, -7):
        stream.trim_to_length(length, False, 0)
        assert stream.length == length
        assert stream.first_id() == (3001 - length) << 64
    stream.check()


def test_a_node_whose_last_live_entry_is_deleted_goes() -> None:
    stream = filled(9, 3)
    for number in (4, 5, 6, 9, 8, 7):
        assert stream.delete(number << 64)
    assert [node.id() >> 64 for node in stream.nodes()] == [1]
    stream.append(10 << 64, [b"n", b"10"], limits_of(3, 4096))
    stream.check()


def test_what_was_found_stays_as_it_was() -> None:
    stream = filled(10, 4)
    found = stream.entries(0, LAST_ID, EVERYTHING, False)
    wanted = [(number << 64, [b"n", b"%d" % number]) for number in range(1, 11)]
    stream.delete(2 << 64)
    stream.append(11 << 64, [b"n", b"11"], limits_of(4, 4096))
    stream.trim_to_length(1, False, 0)
    assert found.items() == wanted
    assert found.ids(3) == [1 << 64, 2 << 64, 3 << 64]


def test_a_large_stream_is_freed_in_slices() -> None:
    stream = filled(5000, 10)
    turns = 1
    while not stream.free_some(100):
        turns += 1
    assert 20 < turns < 100


def test_an_entry_may_be_too_large() -> None:
    stream = Stream()
    half = bytes(1 << 29)
    assert not stream.append(1, [half, half + b"x"], limits_of(0, 0))
    assert stream.length == 0
    assert stream.last_id == 0


# -- producers


def test_producers_messages_are_forgotten_by_age_and_by_number() -> None:
    producers = Producers()
    producers.configure(10, 3)
    for number in range(5):
        producers.add(b"p", b"%d" % number, (1000 + number) << 64, 1000)
    assert [producers.find(b"p", b"%d" % number, 1000) >> 64 for number in range(5)] == [-1, -1, 1002, 1003, 1004]
    assert producers.find(b"q", b"4", 1000) == -1
    assert producers.find(b"p", b"2", 11_002) >> 64 == 1002
    assert producers.find(b"p", b"2", 11_003) == -1
    assert producers.find(b"p", b"3", 11_003) >> 64 == 1003
    producers.sweep(20_000)
    assert producers.messages == {}


def test_silent_producers_are_forgotten_while_others_come() -> None:
    producers = Producers()
    for number in range(10_000):
        producers.add(b"%d" % number, b"x", number * 1000 << 64, number * 1000)
    assert len(producers.messages) < 400


def test_the_iid_of_a_message_tells_where_its_words_end() -> None:
    seen = {content_iid(words) for words in ([b"a", b"bc"], [b"ab", b"c"], [b"a", b"b", b"c", b""], [b"", b"abc"])}
    assert len(seen) == 4


def test_random_deletions_leave_what_was_not_deleted() -> None:
    picks = random.Random(5)
    stream = filled(2000, 100)
    left = set(range(1, 2001))
    for number in picks.sample(range(1, 2001), 1500):
        assert stream.delete(number << 64)
        left.discard(number)
    assert [id >> 64 for id in stream.entries(0, LAST_ID, EVERYTHING, False).ids()] == sorted(left)
    stream.check()
