"""Glob patterns: a table of Redis' rules, and agreement of the quick forms with the general one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.glob import Glob, matches


@pytest.mark.parametrize(
    "pattern, text, expected",
    [
        (b"*", b"", True),
        (b"*", b"anything", True),
        (b"", b"", True),
        (b"", b"a", False),
        (b"a", b"a", True),
        (b"a", b"ab", False),
        (b"a*", b"a", True),
        (b"a*c", b"abbbc", True),
        (b"a*c", b"abbbd", False),
        (b"a**c", b"ac", True),
        (b"?", b"", False),
        (b"a?c", b"abc", True),
        (b"[abc]x", b"bx", True),
        (b"[^abc]x", b"bx", False),
        (b"[a-c]", b"b", True),
        (b"[c-a]", b"b", True),
        (b"[a-c]", b"d", False),
        (b"[a", b"a", True),
        (b"[]", b"]", False),
        (b"[\\]]", b"]", True),
        (b"\\*", b"*", True),
        (b"\\*", b"a", False),
        (b"a\\", b"a\\", True),
        (b"\xff*", b"\xff\x00", True),
        (b"a*b*c*d", b"axxbxxcxxd", True),
        (b"a*b*c*d", b"axxcxxbxxd", False),
    ],
)
def test_matches(pattern: bytes, text: bytes, expected: bool) -> None:
    assert matches(pattern, text) is expected
    assert Glob(pattern).matches(text) is expected


def test_case_is_ignored_when_asked_for() -> None:
    assert matches(b"MaX*", b"maxmemory", ignore_case=True)
    assert Glob(b"MaX*", ignore_case=True).matches(b"MAXMEMORY")
    assert not Glob(b"MaX*").matches(b"maxmemory")


def test_many_stars_cost_no_exponential_time() -> None:
    assert not matches(b"a*" * 50 + b"b", b"a" * 2000)


@given(st.text("ab*?[]^\\-", max_size=8), st.text("ab*-", max_size=8))
def test_quick_forms_agree_with_the_general_match(pattern: str, text: str) -> None:
    assert Glob(pattern.encode()).matches(text.encode()) == matches(pattern.encode(), text.encode())


def slow_match(pattern: bytes, text: bytes) -> bool:
    """The same by its definition: a star is nothing, or a byte and the star again."""
    if not pattern:
        return not text
    if pattern[:1] == b"*":
        return slow_match(pattern[1:], text) or (bool(text) and slow_match(pattern, text[1:]))
    if pattern[:1] == b"?":
        return bool(text) and slow_match(pattern[1:], text[1:])
    return pattern[:1] == text[:1] and slow_match(pattern[1:], text[1:])


@given(st.text("ab*?", max_size=9), st.text("ab", max_size=12))
def test_stars_match_as_defined(pattern: str, text: str) -> None:
    assert matches(pattern.encode(), text.encode()) is slow_match(pattern.encode(), text.encode())


def test_a_long_word_behind_a_star_is_searched_for() -> None:
    """Tried at every place it would take a minute."""
    assert not matches(b"*" + b"a" * 20_000 + b"b*", b"a" * 1_000_000)
    assert matches(b"*" + b"a" * 20_000 + b"b*", b"a" * 1_000_000 + b"b")
    assert not matches(b"*" + b"a" * 20_000 + b"b", b"a" * 1_000_000)
