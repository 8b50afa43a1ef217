"""What the sorted-set commands read and reply alike: scores, the bounds of ranges, elements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from respd.datatypes.strings import parse_double, plain_double
from respd.errors import MIN_MAX_NOT_FLOAT, MIN_MAX_NOT_STRING, NOT_FLOAT, CommandError
from respd.protocol.replies import Pairs

if TYPE_CHECKING:
    from respd.datatypes.sorted_sets import Element, SortedSet

RESULT_IS_NAN: Final = b"ERR resulting score is not a number (NaN)"

_LOWEST: Final = -1
_MEMBER: Final = 0
_HIGHEST: Final = 1


def score_arg(word: bytes) -> float:
    """Return the score that `word` spells; raise NOT_FLOAT."""
    score = plain_double(word)
    if score == score:
        return score
    score = read_score(word)
    if score != score:
        raise CommandError(NOT_FLOAT)
    return score


def read_score(word: bytes) -> float:
    """Return the score that `word` spells, else nan."""
    value = parse_double(word)
    return math.nan if value is None else value


class ScoreRange:
    """Scores from `low` to `high`, each end within or, if `..._open`, just outside."""

    def __init__(self, low: bytes, high: bytes) -> None:
        """Read both ends; raise MIN_MAX_NOT_FLOAT."""
        self.low_open: bool = low.startswith(b"(")
        self.low: float = _bound(low)
        self.high_open: bool = high.startswith(b"(")
        self.high: float = _bound(high)

    def span(self, zset: SortedSet) -> tuple[int, int]:
        """Return the ranks (start, stop) of the elements within; start >= stop when there are none. O(log n)."""
        return zset.rank_of_score(self.low, self.low_open), zset.rank_of_score(self.high, not self.high_open)


def _bound(word: bytes) -> float:
    """Return the number of a score range's end. Read as a C string by strtod: nothing at all is 0, no hex."""
    text = word[1:] if word.startswith(b"(") else word
    value = plain_double(text)
    if value == value:
        return value
    text, _, _ = text.partition(b"\x00")
    if not text:
        return 0.0
    if text.strip() != text or 95 in text:  # float() would pass over spaces and underscores
        raise CommandError(MIN_MAX_NOT_FLOAT)
    try:
        value = float(text)
    except ValueError:
        raise CommandError(MIN_MAX_NOT_FLOAT) from None
    if math.isnan(value):
        raise CommandError(MIN_MAX_NOT_FLOAT)
    return value


class LexRange:
    """Members from `low` to `high`, where scores are all equal: `[a` with a, `(a` without, `-` and `+` the ends."""

    def __init__(self, low: bytes, high: bytes) -> None:
        """Read both ends; raise MIN_MAX_NOT_STRING."""
        self._low_kind: int = _kind(low)
        self._low: bytes = low
        self._high_kind: int = _kind(high)
        self._high: bytes = high

    def span(self, zset: SortedSet) -> tuple[int, int]:
        """Return the ranks (start, stop) of the elements within; start >= stop when there are none. O(log n)."""
        return _edge(zset, self._low_kind, self._low, b"("), _edge(zset, self._high_kind, self._high, b"[")


def _kind(word: bytes) -> int:
    if word.startswith((b"[", b"(")):
        return _MEMBER
    word, _, _ = word.partition(b"\x00")
    if word == b"-":
        return _LOWEST
    if word == b"+":
        return _HIGHEST
    raise CommandError(MIN_MAX_NOT_STRING)


def _edge(zset: SortedSet, kind: int, word: bytes, after: bytes) -> int:
    """Return the rank of an end: after the member itself if the word starts with `after`, else before it."""
    if kind == _LOWEST:
        return 0
    if kind == _HIGHEST:
        return len(zset)
    return zset.rank_of_member(word[1:], word.startswith(after))


def elements_reply(elements: list[Element], with_scores: bool) -> object:
    """Return the members of `elements`, with scores as pairs."""
    if not with_scores:
        return [element.member for element in elements]
    return Pairs(flat_scores(elements))


def flat_scores(elements: list[Element]) -> list[object]:
    """Return member, score, member, score."""
    flat: list[object] = []
    for element in elements:
        flat.append(element.member)
        flat.append(element.score)
    return flat


def nested_scores(elements: list[Element]) -> list[object]:
    """Return arrays of member and score, whatever the protocol version (ZMPOP)."""
    pairs: list[object] = []
    for element in elements:
        pairs.append([element.member, element.score])
    return pairs
