"""HyperLogLogs against a list of registers, and the claims their texts make."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.hyperloglog import (
    DENSE_SIZE,
    CorruptRegisters,
    Union,
    add,
    cached_count,
    count,
    empty,
    forget_count,
    is_sparse,
    is_valid,
    make_dense,
    merge,
    registers,
    remember_count,
)
from respd.datatypes.hyperloglog_sparse import (
    CHANGED,
    REGISTERS,
    TOO_LARGE,
    UNCHANGED,
    SparseEditor,
    is_whole,
    no_registers,
    raise_registers,
    read_runs,
)
from respd.datatypes.murmur import murmur64a

SEED = 0xADC83B19
ELEMENTS = st.lists(st.binary(max_size=20), max_size=60)
PUTS = st.lists(
    st.tuples(st.one_of(st.integers(0, 80), st.integers(0, REGISTERS - 1)), st.integers(1, 34)), max_size=120
)


def of(elements: list[bytes], sparse_max: int = 3000) -> bytearray:
    """A HyperLogLog of these elements."""
    data = empty()
    for element in elements:
        add(data, element, sparse_max)
    return data


def values(data: bytearray) -> list[object]:
    """Its registers, whatever its form."""
    twin = bytearray(data)
    make_dense(twin)
    return registers(twin)


def union_of(*sources: bytearray) -> Union:
    union = Union()
    for source in sources:
        union.merge(source)
    return union


@given(st.binary(max_size=40))
def test_murmur_is_the_same_on_both_builds(data: bytes) -> None:
    # A second implementation, word by word, in unbounded numbers.
    factor, mask = 0xC6A4A7935BD1E995, (1 << 64) - 1
    value = SEED ^ (len(data) * factor & mask)
    for at in range(0, len(data) - 7, 8):
        word = int.from_bytes(data[at : at + 8], "little") * factor & mask
        word = (word ^ (word >> 47)) * factor & mask
        value = (value ^ word) * factor & mask
    if len(data) % 8:
        value = (value ^ int.from_bytes(data[len(data) // 8 * 8 :], "little")) * factor & mask
    value = (value ^ (value >> 47)) * factor & mask
    value ^= value >> 47
    assert murmur64a(data, SEED) & mask == value


@given(ELEMENTS)
def test_sparse_and_dense_have_the_same_registers(elements: list[bytes]) -> None:
    sparse = of(elements)
    dense = of(elements, 0)
    assert is_valid(sparse) and is_valid(dense)
    assert is_sparse(sparse)
    assert values(sparse) == values(dense)
    assert count(sparse) == count(dense)
    assert abs(count(sparse) - len(set(elements))) <= 2


@given(ELEMENTS, ELEMENTS, st.sampled_from([0, 40, 3000]), st.sampled_from([0, 40, 3000]))
def test_a_merge_is_the_union(one: list[bytes], other: list[bytes], small: int, large: int) -> None:
    left, right = of(one, small), of(other, large)
    both = of(one + other)
    assert union_of(left, right).count() == count(both)
    merged = empty()
    merge(merged, union_of(merged, left, right), 3000)
    assert values(merged) == values(both)
    assert is_sparse(merged) == (is_sparse(left) and is_sparse(right))
    merge(left, union_of(left, right), small)
    assert values(left) == values(both)


@given(PUTS, st.booleans())
def test_random_edits_agree_with_a_list(puts: list[tuple[int, int]], in_order: bool) -> None:
    model = [0] * REGISTERS
    data = empty()
    if in_order:
        puts.sort()
    editor = SparseEditor(data, 20_000)
    for index, value in puts:
        again = bytearray(data)
        done = editor.put(index, value)
        assert done == SparseEditor(again, 20_000).put(index, value)  # from the front the bytes are the same
        assert again == data
        if value > 32:
            assert done == TOO_LARGE
            continue
        assert done == (CHANGED if value > model[index] else UNCHANGED)
        model[index] = max(model[index], value)
    runs = read_runs(bytes(data))
    assert is_whole(runs)
    plain = no_registers()
    raise_registers(plain, runs)
    assert list(plain.getvalue()) == model
    dense = bytearray(data)
    assert make_dense(dense) and not make_dense(dense)
    assert registers(dense) == model


def test_the_sparse_form_ends_at_its_limit() -> None:
    data = empty()
    editor = SparseEditor(data, 21)
    assert editor.put(5, 1) == CHANGED
    assert len(data) == 20
    assert editor.put(100, 1) == TOO_LARGE
    assert editor.put(5, 2) == CHANGED
    assert editor.put(6, 2) == CHANGED
    assert len(data) == 20


def test_estimates_stay_within_their_error() -> None:
    data = empty()
    added = 0
    for limit in (10, 100, 1000, 5000, 20_000):
        while added < limit:
            add(data, b"element:%d" % added, 3000)
            added += 1
        assert abs(count(data) - added) <= max(1, added * 0.03)
    assert not is_sparse(data)
    assert len(data) == DENSE_SIZE


def test_full_registers_have_a_count_beyond_all() -> None:
    data = of([], 0)
    make_dense(data)
    data[16:] = b"\xff" * (DENSE_SIZE - 16)
    assert count(data) == 1 << 63
    assert registers(data) == [63] * REGISTERS


def test_a_count_is_remembered_until_it_is_stale() -> None:
    data = empty()
    assert cached_count(data) == 0
    remember_count(data, 12345)
    assert cached_count(data) == 12345
    forget_count(data)
    assert cached_count(data) == -1
    assert bytes(data[8:16]) == b"\x39\x30\x00\x00\x00\x00\x00\x80"


@pytest.mark.parametrize("runs", [b"", b"\x3f", b"\x7f\xff\x00", b"\x7f", b"\x7f\xfe", b"\xff" * 4097])
def test_runs_of_other_than_all_registers_are_corrupt(runs: bytes) -> None:
    data = empty()
    data[16:] = runs
    assert is_valid(data)
    for use in (count, make_dense, Union().merge):
        with pytest.raises(CorruptRegisters):
            use(data)


def test_random_damage_raises_nothing_else() -> None:
    rng = random.Random(3)
    for _ in range(300):
        data = of([b"%d" % number for number in range(rng.randrange(50))])
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(16, len(data))] = rng.randrange(256)
        del data[rng.randrange(len(data) - 2, len(data)) :]
        for number in range(20):
            try:
                add(data, b"other:%d" % number, rng.choice([20, 3000]))
                count(data)
                union_of(data).count()
            except CorruptRegisters:
                continue
