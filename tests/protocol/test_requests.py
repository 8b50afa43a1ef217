"""The request parser: every case whole, byte by byte, joined with what follows, and cut at random places."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.protocol.requests import ProtocolError, RequestParser, split_line
from tests.wire import encode

PING = b"*1\r\n$4\r\nPING\r\n"
BIG = b"x" * 100_000

COMMANDS: list[tuple[bytes, list[list[bytes]]]] = [
    (PING, [[b"PING"]]),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n", [[b"SET", b"k", b"\r\n"]]),
    (b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [[b"ECHO", b""]]),
    (b"*2\r\n$4\r\nECHO\r\n$12\r\n0123456789ab\r\n", [[b"ECHO", b"0123456789ab"]]),
    (b"*2\r\n$4\r\nECHO\r\n$100\r\n" + b"y" * 100 + b"\r\n", [[b"ECHO", b"y" * 100]]),
    (b"*2\r\n$4\r\nECHO\r\n$3\r\n\x00\xff\n\r\n", [[b"ECHO", b"\x00\xff\n"]]),
    (b"*12\r\n" + b"$1\r\na\r\n" * 12, [[b"a"] * 12]),
    (b"*0\r\n*-1\r\n*-10\r\n*-9223372036854775808\r\n" + PING, [[b"PING"]]),
    (b"\r\n\r\n\n   \r\n" + PING, [[b"PING"]]),
    (b"PING\r\n", [[b"PING"]]),
    (b"PING\n", [[b"PING"]]),
    (b"  set  k   v \r\n", [[b"set", b"k", b"v"]]),
    (b"""set k "a b\\x41\\n\\"" 'c \\' \\n'\r\n""", [[b"set", b"k", b'a bA\n"', b"c ' \\n"]]),
    (b'echo ""\r\n', [[b"echo", b""]]),
    (b'get a"b c"\r\n', [[b"get", b"ab c"]]),
    (b"PING\r\n" + PING + b"PING\r\n", [[b"PING"]] * 3),
]

ERRORS: list[tuple[bytes, bytes]] = [
    (b"*x\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*1a\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*01\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*-0\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*-9223372036854775809\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*1\r\n$04\r\n", b"ERR Protocol error: invalid bulk length"),
    (b"* 1\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*2147483648\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*99999999999999999999\r\n", b"ERR Protocol error: invalid multibulk length"),
    (b"*1\r\n:5\r\n", b"ERR Protocol error: expected '$', got ':'"),
    (b"*2\r\n$4\r\nPING\r\nxyz\r\n", b"ERR Protocol error: expected '$', got 'x'"),
    (b"*1\r\n$-1\r\n", b"ERR Protocol error: invalid bulk length"),
    (b"*1\r\n$\r\n", b"ERR Protocol error: invalid bulk length"),
    (b"*1\r\n$x\r\n", b"ERR Protocol error: invalid bulk length"),
    (b"*1\r\n$536870913\r\n", b"ERR Protocol error: invalid bulk length"),
    (b"*1\r\n$99999999999999999999\r\n", b"ERR Protocol error: invalid bulk length"),
    (b'set "a\r\n', b"ERR Protocol error: unbalanced quotes in request"),
    (b'set "a"b\r\n', b"ERR Protocol error: unbalanced quotes in request"),
    (b"set 'a\r\n", b"ERR Protocol error: unbalanced quotes in request"),
]


NewParser = Callable[..., RequestParser]


@pytest.fixture(params=[False, True], ids=["step by step", "split ahead"])
def new_parser(request: pytest.FixtureRequest) -> NewParser:
    """Parsers as compiled and as interpreted Python use them."""
    return partial(RequestParser, splits_ahead=request.param)


def commands_in(parser: RequestParser, chunks: list[bytes]) -> list[list[bytes]]:
    """Feed chunks, and take every command as soon as it is there."""
    found = []
    for chunk in chunks:
        parser.feed(chunk)
        while (words := parser.next()) is not None:
            found.append(words)
    return found


def byte_by_byte(data: bytes) -> list[bytes]:
    """The bytes of `data`, each on its own."""
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize("data, expected", COMMANDS)
def test_commands(new_parser: NewParser, data: bytes, expected: list[list[bytes]]) -> None:
    """Whole, byte by byte, twice in one chunk, and with the start of another."""
    assert commands_in(new_parser(), [data]) == expected
    assert commands_in(new_parser(), byte_by_byte(data)) == expected
    assert commands_in(new_parser(), [data + data]) == expected + expected
    parser = new_parser()
    assert commands_in(parser, [data + PING[:7]]) == expected
    assert parser.pending() > 0
    assert commands_in(parser, [PING[7:]]) == [[b"PING"]]
    assert parser.pending() == 0


@pytest.mark.parametrize("data, error", ERRORS)
def test_errors(new_parser: NewParser, data: bytes, error: bytes) -> None:
    """The commands before are there, then the error comes; whole, byte by byte, and after a command."""
    for chunks in ([data], byte_by_byte(data)):
        with pytest.raises(ProtocolError) as raised:
            commands_in(new_parser(), chunks)
        assert raised.value.text == error
    parser = new_parser()
    parser.feed(PING + data)
    assert parser.next() == [b"PING"]
    with pytest.raises(ProtocolError) as raised:
        parser.next()
    assert raised.value.text == error


@pytest.mark.parametrize(
    "data, error",
    [
        (b"*" + b"1" * 70_000, b"ERR Protocol error: too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 70_000, b"ERR Protocol error: too big bulk count string"),
        (b"x" * 70_000, b"ERR Protocol error: too big inline request"),
        (b"PING\0\r\n" + b"x" * 70_000, b"ERR Protocol error: too big inline request"),
    ],
)
def test_lines_without_end(new_parser: NewParser, data: bytes, error: bytes) -> None:
    """A line that goes on and on is refused at 64 kB, in whatever pieces it comes."""
    for size in (len(data), 1000):
        with pytest.raises(ProtocolError) as raised:
            commands_in(new_parser(), [data[at : at + size] for at in range(0, len(data), size)])
        assert raised.value.text == error


@pytest.mark.parametrize(
    "data, error",
    [
        (b"*11\r\n", b"ERR Protocol error: unauthenticated multibulk length"),
        (b"*2\r\n$4\r\nECHO\r\n$16385\r\n", b"ERR Protocol error: unauthenticated bulk length"),
    ],
)
def test_limits_before_authentication(new_parser: NewParser, data: bytes, error: bytes) -> None:
    """Ten words of 16 kB each are enough to log in."""
    parser = new_parser()
    parser.authenticated = False
    with pytest.raises(ProtocolError) as raised:
        commands_in(parser, [data])
    assert raised.value.text == error
    parser = new_parser()
    parser.authenticated = False
    words = [b"AUTH"] + [b"x" * 16384] * 9
    assert commands_in(parser, [encode(words)]) == [words]


def test_what_was_parsed_ahead_can_be_taken_back(new_parser: NewParser) -> None:
    """Bytes count as pending until their command is handed out, also when more have come, and limits apply at once."""
    parser = new_parser()
    data = encode([b"SET", b"k", b"a\r\nb"]) + encode([b"x"] * 11)
    parser.feed(PING + PING + data)
    assert parser.next() == [b"PING"]
    assert parser.pending() == len(PING + data)
    parser.feed(PING)
    assert parser.pending() == len(PING + data + PING)
    assert parser.next() == [b"PING"]
    assert parser.next() == [b"SET", b"k", b"a\r\nb"]
    parser.authenticated = False
    parser.step_back()
    with pytest.raises(ProtocolError):
        parser.next()


@pytest.mark.parametrize("chunk_size", [1000, 16384, 70_000, 1 << 20])
def test_long_words(new_parser: NewParser, chunk_size: int) -> None:
    """Words longer than a read arrive whole, also several of them, and what follows them too."""
    data = encode([b"MSET", b"a", BIG, b"b", BIG * 3]) + PING + encode([b"SET", b"c", BIG]) + PING
    chunks = [data[at : at + chunk_size] for at in range(0, len(data), chunk_size)]
    expected = [[b"MSET", b"a", BIG, b"b", BIG * 3], [b"PING"], [b"SET", b"c", BIG], [b"PING"]]
    parser = new_parser()
    assert commands_in(parser, chunks) == expected
    assert parser.pending() == 0


def test_what_is_promised_is_not_reserved(new_parser: NewParser) -> None:
    """Announcing a billion words, or a word of 512 MB, costs nothing."""
    for promise in (b"*1000000000\r\n", b"*2\r\n$4\r\nECHO\r\n$536870912\r\n"):
        parser = new_parser()
        assert commands_in(parser, [promise, b"$1\r\na\r\n"]) == []
        assert parser.pending() < 100


def test_a_long_word_is_not_kept_twice(new_parser: NewParser) -> None:
    """Once its command has been handed out, the parser holds nothing of it, although no further byte has come."""
    parser = new_parser()
    data = encode([b"SET", b"k", b"x" * 20_000_000])
    tracemalloc.start()
    try:
        for start in range(0, len(data), 1_000_000):
            parser.feed(data[start : start + 1_000_000])
            words = parser.next()
        assert words is not None and len(words[2]) == 20_000_000
        assert tracemalloc.get_traced_memory()[0] < 30_000_000
    finally:
        tracemalloc.stop()


def test_many_words_in_small_pieces_cost_linear_time(new_parser: NewParser) -> None:
    """Asking how much is held, as the loop does after each read, does not walk over the words that have come."""
    parser = new_parser()
    data = encode([b"x"] * 200_000)
    begun = time.process_time()
    for start in range(0, len(data), 100):
        parser.feed(data[start : start + 100])
        words = parser.next()
        assert parser.pending() < 100
    assert words is not None and len(words) == 200_000
    assert time.process_time() - begun < 10


def test_max_bulk_is_the_limit_of_a_word(new_parser: NewParser) -> None:
    """proto-max-bulk-len applies at once."""
    parser = new_parser(max_bulk=1_000_000)
    with pytest.raises(ProtocolError):
        commands_in(parser, [b"*1\r\n$1000001\r\n"])
    assert commands_in(new_parser(max_bulk=1_000_000), [encode([b"x" * 1_000_000])]) == [[b"x" * 1_000_000]]


@given(
    st.lists(st.lists(st.binary(max_size=60), min_size=1, max_size=12), min_size=1, max_size=8),
    st.lists(st.integers(0, 1500), max_size=12),
)
def test_any_commands_cut_anywhere(commands: list[list[bytes]], cuts: list[int]) -> None:
    """The pieces in which bytes arrive never matter."""
    data = b"".join(map(encode, commands))
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [data[start:end] for start, end in pairwise(places) if end > start]
    for splits_ahead in (False, True):
        assert commands_in(RequestParser(splits_ahead=splits_ahead), chunks) == commands


_PIECES = st.sampled_from(
    [b"*1", b"*2", b"*0", b"$1", b"$2", b"$02", b"\r\n", b"\r\n", b"\r\n", b"a", b"ab", b"\r", b"\n"]
)


@given(st.binary(max_size=400) | st.lists(_PIECES, max_size=60).map(b"".join), st.integers(1, 400))
def test_garbage_gives_commands_or_a_protocol_error(data: bytes, size: int) -> None:
    """Nothing else is ever raised, no more is held than was sent, and splitting ahead changes nothing."""
    outcomes = []
    for splits_ahead in (False, True):
        parser = RequestParser(splits_ahead=splits_ahead)
        found: list[list[bytes]] = []
        text = b""
        try:
            for at in range(0, len(data), size):
                parser.feed(data[at : at + size])
                while (words := parser.next()) is not None:
                    found.append(words)
        except ProtocolError as error:
            text = error.text
            assert text.startswith(b"ERR Protocol error: ")
        else:
            assert 0 <= parser.pending() <= len(data)
        outcomes.append((found, text))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "line, words",
    [
        (b"", []),
        (b"a  b\tc", [b"a", b"b", b"c"]),
        (b'"a b" c', [b"a b", b"c"]),
        (b'"\\x00\\xfF\\q\\t"', [b"\x00\xffq\t"]),
        (b'"\\xg0"', [b"xg0"]),
        (b"'a\\'b\\n'", [b"a'b\\n"]),
        (b"\va\fb c\0d", [b"a\fb", b"c"]),
        (b'"a', None),
        (b"'a", None),
        (b'"a"b', None),
    ],
)
def test_split_line(line: bytes, words: list[bytes] | None) -> None:
    """Words as redis-cli splits them."""
    assert split_line(line) == words


@pytest.mark.parametrize("size", [1, 7, 1000, 40_000, 100_000])
@pytest.mark.parametrize("asks", ["always", "at the end"])
def test_long_words_and_backlogs_in_any_pieces(size: int, asks: str) -> None:
    """Words around the size from which they are gathered, with short commands in between; read at once or behind."""
    commands = [
        [b"SET", b"k%d" % length, bytes(range(256)) * (length // 256) + b"x" * (length % 256)]
        for length in ((32_767, 32_768, 70_001) if size > 7 else (32_770,))
        for _ in range(2)
    ] + [[b"PING"], [b"MSET", *[b"word"] * 2000], [b"PING"]]
    data = b"".join(map(encode, commands))
    for splits_ahead in (False, True):
        parser = RequestParser(splits_ahead=splits_ahead)
        found: list[list[bytes]] = []
        for at in range(0, len(data), size):
            parser.feed(data[at : at + size])
            while asks == "always" and (words := parser.next()) is not None:
                found.append(words)
        while (words := parser.next()) is not None:
            found.append(words)
        assert found == commands
        assert parser.pending() == 0
        assert not parser.is_gathering()


def test_the_words_of_an_incomplete_command_are_counted() -> None:
    parser = RequestParser()
    parser.feed(b"*100\r\n" + b"$100\r\n%b\r\n" % (b"x" * 100) * 10)
    assert parser.next() is None
    assert 1000 < parser.words_bytes() < 3000
    parser.feed(b"$100\r\n%b\r\n" % (b"x" * 100) * 90)
    assert parser.next() is not None
    assert parser.words_bytes() == 0
