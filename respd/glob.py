"""Patterns of KEYS, SCAN, PSUBSCRIBE and CONFIG GET: `*`, `?`, `[a-z]`, `[^a]` and `\\x`, over bytes.

Only the last `*` met is ever gone back to, so that a match costs O(pattern * text) at worst, whatever the pattern.
Plain bytes behind a `*` are searched for, which costs O(pattern + text) unless they are followed by `?`, `[` or `\\`.
The forms that nearly everyone uses (`*`, a plain word, `prefix*`) are recognised and cost one comparison.
"""

from typing import Final, final

from mypy_extensions import i64

_STAR: Final = 42
_QUESTION: Final = 63
_OPEN: Final = 91
_CLOSE: Final = 93
_CARET: Final = 94
_BACKSLASH: Final = 92
_DASH: Final = 45
_ANY: Final = 0
_EXACT: Final = 1
_PREFIX: Final = 2
_GENERAL: Final = 3


@final
class Glob:
    """A pattern made ready to match many texts. `matches_all`: it is `*`."""

    def __init__(self, pattern: bytes, ignore_case: bool = False) -> None:
        self.ignore_case = ignore_case
        self.pattern = pattern.lower() if ignore_case else pattern
        self._body = self.pattern
        self._kind: i64 = _GENERAL
        special = any(byte in b"*?[\\" for byte in self.pattern)
        if self.pattern == b"*":
            self._kind = _ANY
        elif not special:
            self._kind = _EXACT
        elif self.pattern.endswith(b"*") and not any(byte in b"*?[\\" for byte in self.pattern[:-1]):
            self._kind = _PREFIX
            self._body = self.pattern[:-1]
        self.matches_all = self._kind == _ANY
        self.is_literal = self._kind == _EXACT

    def matches(self, text: bytes) -> bool:
        """Tell whether the whole of `text` matches."""
        kind = self._kind
        if kind == _ANY:
            return True
        if self.ignore_case:
            text = text.lower()
        if kind == _EXACT:
            return text == self._body
        if kind == _PREFIX:
            return text.startswith(self._body)
        return _match(self.pattern, text)


def matches(pattern: bytes, text: bytes, ignore_case: bool = False) -> bool:
    """Tell whether the whole of `text` matches `pattern`, once."""
    if ignore_case:
        return _match(pattern.lower(), text.lower())
    return _match(pattern, text)


def _match(pattern: bytes, text: bytes) -> bool:
    size: i64 = len(pattern)
    length: i64 = len(text)
    at: i64 = 0
    position: i64 = 0
    star: i64 = -1  # where the pattern goes on after the last star
    resume: i64 = 0  # how much of the text that star covers
    run = b""  # the plain bytes after it
    while True:
        if at < size and pattern[at] == _STAR:
            while at < size and pattern[at] == _STAR:
                at += 1
            if at == size:
                return True
            star = at
            run = _plain_at(pattern, at)
            if star + len(run) == size:
                return length - len(run) >= position and text.endswith(run)
            resume = position - 1
        elif position == length:
            return at == size
        else:
            following = _step(pattern, at, text[position]) if at < size else -1
            if following >= 0:
                at = following
                position += 1
                continue
            if star < 0:
                return False
        resume += 1
        if run:
            resume = text.find(run, resume)
            if resume < 0:
                return False
        position = resume + len(run)
        at = star + len(run)


def _plain_at(pattern: bytes, at: i64) -> bytes:
    """Return the bytes from `at` on that stand for themselves."""
    size: i64 = len(pattern)
    end = at
    while end < size:
        here: i64 = pattern[end]
        if here in (_STAR, _QUESTION, _OPEN, _BACKSLASH):
            break
        end += 1
    return pattern[at:end]


def _step(pattern: bytes, at: i64, byte: i64) -> i64:
    """Match one byte with the element of the pattern at `at`: return where the pattern goes on, -1 for no match."""
    size: i64 = len(pattern)
    here: i64 = pattern[at]
    if here == _QUESTION:
        return at + 1
    if here == _OPEN:
        return _class(pattern, at + 1, byte)
    if here == _BACKSLASH and at + 1 < size:
        at += 1
        here = pattern[at]
    return at + 1 if here == byte else -1


def _class(pattern: bytes, at: i64, byte: i64) -> i64:
    """Match one byte with the class whose `[` stands before `at`; one that is not closed goes to the pattern's end."""
    size: i64 = len(pattern)
    negated = at < size and pattern[at] == _CARET
    if negated:
        at += 1
    found = False
    while True:
        if at >= size:
            break
        here: i64 = pattern[at]
        if here == _BACKSLASH and at + 1 < size:
            at += 1
            if pattern[at] == byte:
                found = True
        elif here == _CLOSE:
            at += 1
            break
        elif at + 2 < size and pattern[at + 1] == _DASH:
            low = here
            high: i64 = pattern[at + 2]
            if low > high:
                low, high = high, low
            at += 2
            if low <= byte <= high:
                found = True
        elif here == byte:
            found = True
        at += 1
    if found == negated:
        return -1
    return at
