"""Tables against plain dictionaries under random steps, small and split, and how they give memory back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from respd.datatypes.tables import Table

_SPLIT = 65_536

_steps = st.lists(
    st.tuples(st.sampled_from(["put", "add", "pop", "get"]), st.integers(0, 20), st.integers(0, 5)), max_size=60
)


def _split() -> tuple[Table[int], dict[bytes, int]]:
    plain = {b"other %d" % number: number for number in range(_SPLIT + 1)}
    table: Table[int] = Table()
    for key, value in plain.items():
        table.put(key, value)
    return table, plain


def _walk(table: Table[int], plain: dict[bytes, int], steps: list[tuple[str, int, int]]) -> None:
    for action, number, value in steps:
        key = b"%d" % number
        if action == "put":
            table.put(key, value)
            plain[key] = value
        elif action == "add":
            assert table.add(key, value) == (key not in plain)
            plain.setdefault(key, value)
        elif action == "pop":
            assert table.pop(key) == plain.pop(key, None)
        assert table.get(key) == plain.get(key)
        assert (key in table) == (key in plain)
        if key in plain:
            assert table[key] == plain[key]
        assert len(table) == len(plain)


@given(_steps)
def test_a_table_behaves_like_a_dictionary(steps: list[tuple[str, int, int]]) -> None:
    table: Table[int] = Table()
    _walk(table, {}, steps)
    table.check()


_large, _plain = _split()


@settings(deadline=None, max_examples=30)
@given(_steps)
def test_a_split_table_behaves_like_a_dictionary(steps: list[tuple[str, int, int]]) -> None:
    _walk(_large, _plain, steps)


def test_a_table_is_split_and_copied_whole() -> None:
    table, plain = _split()
    table.check()
    twin = table.copy()
    twin.check()
    assert table.pop(b"other 0") == 0
    assert len(twin) == len(plain) == len(table) + 1
    assert all(twin.get(key) == value for key, value in plain.items())


def test_adding_splits_as_putting_does() -> None:
    table: Table[int] = Table()
    for number in range(_SPLIT + 1):
        assert table.add(b"%d" % number, number)
    table.check()
    assert table.memory_bytes() > _SPLIT * 24
    assert all(table[b"%d" % number] == number for number in range(_SPLIT + 1))


def test_a_table_that_shrinks_gives_memory_back() -> None:
    table, _ = _split()
    full = table.memory_bytes()
    for number in range(_SPLIT - 3000):
        assert table.pop(b"other %d" % number) == number
    table.check()
    assert table.memory_bytes() < full / 4
    for number in range(_SPLIT - 3000, _SPLIT + 1):
        assert table.get(b"other %d" % number) == number
        assert table.pop(b"other %d" % number) == number
    assert len(table) == 0
    table.put(b"k", 1)
    assert table.get(b"k") == 1


def test_values_are_popped_in_slices() -> None:
    for count in (0, 1, 2500, _SPLIT + 1):
        table: Table[int] = Table()
        for number in range(count):
            table.put(b"%d" % number, number)
        values: list[int] = []
        while True:
            some = table.pop_some(1000)
            assert len(some) <= 1000
            if not some:
                break
            values += some
            assert len(table) == count - len(values)
        assert sorted(values) == list(range(count))


def test_items_are_listed_and_popped() -> None:
    for count in (0, 1, 2500, _SPLIT + 1):
        table: Table[int] = Table()
        for number in range(count):
            table.put(b"%d" % number, number)
        expected = [(b"%d" % number, number) for number in range(count)]
        assert sorted(table.items(), key=_value) == expected
        assert sorted(table.pop_items(count + 1), key=_value) == expected
        assert len(table) == 0


def _value(item: tuple[bytes, int]) -> int:
    return item[1]


def test_freeing_takes_slices() -> None:
    table, _ = _split()
    steps = 1
    left = len(table)
    while not table.free_some(100):
        steps += 1
        assert 100 <= left - len(table) < 400
        left = len(table)
    assert steps > 256
    assert len(table) == 0
