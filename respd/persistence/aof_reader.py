"""Reading of an append-only file: bytes in, commands out. It touches neither file nor database.

The format is that of requests, arrays of bulk strings, with lines in between that begin with `#`: `#TS:1700000000`
tells when, in seconds since the epoch, what follows was written. The file of an older Redis may begin with a snapshot
(RDB) and go on with commands; `begins_with_snapshot` tells, and the reader is then started where the snapshot ends.

A file may end anywhere: the server may have been killed, or the machine lost its power, in the middle of a write. What
ends early can be cut; what is wrong in any other way must not be loaded. So the two are kept apart: `next` returns None
when it runs out of bytes, and raises `CorruptLog` for what can never become a command.
"""

from typing import Final

from mypy_extensions import i64

_MAX_WORDS: Final = (1 << 31) - 1
_MAX_WORD: Final = 1 << 40
_LONGEST_NUMBER: Final = 20
_LONGEST_LINE: Final = 1024
_STAR: Final = 42
_DOLLAR: Final = 36
_HASH: Final = 35
_CR: Final = 13
_LF: Final = 10
_MINUS: Final = 45
_SMALLEST_COPY: Final = 64 * 1024


class CorruptLog(Exception):
    """Bytes that no cut of the tail explains; `offset` is where the command with them begins."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at offset {offset}")
        self.reason = reason
        self.offset = offset


def begins_with_snapshot(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes, at least five, begins with a snapshot, Redis' or Valkey's."""
    return head.startswith((b"REDIS", b"VALKE"))


class AofReader:
    """Turn the bytes of one append-only file into commands.

    `feed` takes chunks of any size, `next` returns one command's words, or None when it needs more bytes. `offset` is
    where in the file the last command, or annotation, ends; `safe_end` is the offset after the last whole command or
    transaction: a file cut there loads and holds no part of a transaction. `timestamp` is what the last annotation
    said, 0 before the first. Cost: O(bytes).
    """

    def __init__(self, start: i64 = 0) -> None:
        self.offset: i64 = start
        self.safe_end: i64 = start
        self.timestamp: i64 = 0
        self.in_transaction: bool = False
        self._data: bytes = b""
        self._at: i64 = 0
        self._base: i64 = start  # the file's offset of _data[0]
        self._parts: list[bytes] = []  # chunks that came while a long command was under way
        self._waiting: i64 = 0  # bytes in _parts
        self._needed: i64 = 0  # bytes that must come before it is worth another try

    def feed(self, chunk: bytes) -> None:
        """Add the file's next bytes."""
        self._parts.append(chunk)
        self._waiting += len(chunk)

    def unread(self) -> i64:
        """Return how many bytes after `offset` have come."""
        return i64(len(self._data)) - self._at + self._waiting

    def next(self) -> list[bytes] | None:
        """Return the next command's words, or None when more bytes are needed; raise CorruptLog."""
        while True:
            words = self._parse()
            if words is None:
                if self._waiting == 0 or self._waiting < self._needed:
                    return None
                self._join()
                continue
            end = self._base + self._at
            self.offset = end
            if not words:
                continue  # an annotation
            first: i64 = len(words[0])
            if first == 4 or first == 5:
                name = words[0].upper()
                if name == b"MULTI":
                    self.in_transaction = True
                    return words
                if name == b"EXEC":
                    self.in_transaction = False
            if not self.in_transaction:
                self.safe_end = end
            return words

    def _join(self) -> None:
        rest = self._data[self._at :]
        self._base += self._at
        self._data = rest + b"".join(self._parts) if rest else b"".join(self._parts)
        self._at = 0
        self._parts = []
        self._waiting = 0
        self._needed = 0

    def _parse(self) -> list[bytes] | None:
        """Parse one command or annotation (no words) of the buffer; None when it is incomplete there."""
        data = self._data
        size: i64 = len(data)
        at = self._at
        if at >= size:
            return None
        if data[at] != _STAR:
            if data[at] == _HASH:
                return self._annotation()
            raise CorruptLog(f"expected a command, got {data[at : at + 1]!r}", self._base + at)
        count: i64 = 0
        if at + 3 < size and data[at + 2] == _CR and data[at + 3] == _LF and 49 <= data[at + 1] <= 57:
            count = i64(data[at + 1]) - 48
            at += 4
        else:
            end = self._line_end(at)
            if end < 0:
                return None
            count = self._number(at + 1, end)
            if count < 1 or count > _MAX_WORDS:
                raise CorruptLog("invalid number of words", self._base + self._at)
            at = end + 2
        words: list[bytes] = []
        while count > 0:
            if at + 4 <= size and data[at] == _DOLLAR and data[at + 2] == _CR and 48 <= data[at + 1] <= 57:
                length: i64 = i64(data[at + 1]) - 48
                if data[at + 3] != _LF:
                    raise CorruptLog("invalid length of a word", self._base + self._at)
                at += 4
            else:
                if at >= size:
                    return None
                if data[at] != _DOLLAR:
                    raise CorruptLog(f"expected a word, got {data[at : at + 1]!r}", self._base + self._at)
                end = self._line_end(at)
                if end < 0:
                    return None
                length = self._number(at + 1, end)
                if length < 0 or length > _MAX_WORD:
                    raise CorruptLog("invalid length of a word", self._base + self._at)
                at = end + 2
            stop: i64 = at + length
            if stop + 2 > size:
                if stop < size and data[stop] != _CR:
                    raise CorruptLog("a word does not end where it should", self._base + self._at)
                if stop + 2 - size > _SMALLEST_COPY:
                    self._needed = stop + 2 - size
                return None
            if data[stop] != _CR or data[stop + 1] != _LF:
                raise CorruptLog("a word does not end where it should", self._base + self._at)
            words.append(data[at:stop])
            at = stop + 2
            count -= 1
        self._at = at
        return words

    def _annotation(self) -> list[bytes] | None:
        """Consume a line that begins with `#`; return no words, or None when it is incomplete."""
        at = self._at
        end: i64 = self._data.find(b"\n", at)
        size: i64 = len(self._data)
        if (size if end < 0 else end) - at > _LONGEST_LINE:
            raise CorruptLog("an annotation is too long", self._base + at)
        if end < 0:
            return None
        if self._data[at : at + 4] == b"#TS:":
            moment = self._data[at + 4 : end].rstrip(b"\r")
            if not moment.isdigit() or len(moment) > 18:
                raise CorruptLog("invalid timestamp", self._base + at)
            self.timestamp = int(moment)
        self._at = end + 1
        return []

    def _line_end(self, at: i64) -> i64:
        """Return where the CR LF of the header at `at` stands, or -1 when the file ends before it."""
        data = self._data
        size: i64 = len(data)
        end: i64 = at + 1
        stop: i64 = at + _LONGEST_NUMBER
        while end < size and end < stop and (48 <= data[end] <= 57 or data[end] == _MINUS):
            end += 1
        if end >= size:
            return -1
        if data[end] != _CR:
            raise CorruptLog("invalid header", self._base + self._at)
        if end + 1 >= size:
            return -1
        if data[end + 1] != _LF:
            raise CorruptLog("invalid header", self._base + self._at)
        return end

    def _number(self, start: i64, end: i64) -> i64:
        """Return the number in the buffer between two offsets, -1 for what is none."""
        data = self._data
        if start >= end:
            return -1
        value: i64 = 0
        while start < end:
            digit: i64 = i64(data[start]) - 48
            if digit < 0 or value > _MAX_WORD:
                return -1
            value = value * 10 + digit
            start += 1
        return value
