"""Parsing of what clients send: bytes in, commands out, `None` while a command is incomplete.

The rules, and the errors, are Redis':

- a request is an array of bulk strings, or, when its first byte is no `*`, a line of words (an inline command);
- a line of an array header or a bulk length is at most 64 kB, as is an inline command;
- an array has at most 2**31 - 1 words, a word at most `proto-max-bulk-len` bytes; before authentication 10 and 16384;
- empty arrays and empty lines are passed over;
- after a protocol error nothing more is read.

The parser works on one `bytes` buffer and an offset. A request that arrived whole costs one slice per word and no copy
besides. Interpreted, where each step of a loop over bytes costs as much as a call into C, it first splits a chunk at
all line ends at once and takes the commands whose lines are as long as they say (`_split_ahead`); whatever is not that
plain, words with line ends inside among it, is parsed as ever. A long word is gathered in a `BytesIO`, whose buffer is
a `bytes` object that grows in place and becomes the word: a string of 512 MB is copied no more than once, and no more
memory is reserved than has arrived, and an eighth. What piles up behind a command that blocks is kept in a `bytearray`
and comes to the buffer in small parts.
"""

from io import BytesIO
from typing import Final

from mypy_extensions import i64

from respd.builds import INTERPRETED

MAX_LINE: Final = 64 * 1024
MAX_WORDS: Final = (1 << 31) - 1
UNAUTHENTICATED_WORDS: Final = 10
UNAUTHENTICATED_BULK: Final = 16384
_BIG_BULK: Final = 32 * 1024
_LONG_PART: Final = 1 << 20
_WORD_BYTES: Final = 48  # what a word takes in memory besides its bytes
_STAR: Final = 42
_DOLLAR: Final = 36
_CR: Final = 13
_LF: Final = 10
_MANY_LINES: Final = 16  # from which it pays to look whether all commands are alike
_SPLIT_COUNTS: Final = {b"*%d" % count: count for count in range(1, 1025)}
_SPLIT_HEADERS: Final = [b"$%d" % size for size in range(4096)]
_SPLIT_SIZES: Final = {header: size for size, header in enumerate(_SPLIT_HEADERS)}


class ProtocolError(Exception):
    """What the client sent breaks the protocol; `text` is the whole error reply. The connection must be closed."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


class RequestParser:
    """Turn chunks of bytes into commands.

    `feed` takes a chunk of any size, `next` returns the next command's words or None when it needs more bytes.
    Invariant: everything before `_at` has been consumed; `_words` holds the complete words of the command under way,
    `_left` how many are missing (0: none under way), `_bulk` the length of the word under way (-1: its header has not
    come). `_long` holds the first `_long_size` bytes of that word when it is a long one; the buffer goes on after them,
    and `_backlog` after the buffer. `_ahead` holds commands that were parsed already, the next one last; they end at
    `_at`.
    """

    def __init__(self, max_bulk: i64 = 512 * 1024 * 1024, splits_ahead: bool | None = None) -> None:
        self.max_bulk: i64 = max_bulk
        self._splits_ahead: bool = INTERPRETED if splits_ahead is None else splits_ahead
        self._may_split: bool = False  # at most once a chunk
        self._ahead: list[list[bytes]] = []
        self.authenticated: bool = True
        self._data: bytes = b""
        self._at: i64 = 0
        self._words: list[bytes] = []
        self._left: i64 = 0
        self._bulk: i64 = -1
        self._long: BytesIO | None = None
        self._long_size: i64 = 0
        self._backlog: bytearray | None = None
        self._summed: i64 = 0  # words of the command under way whose sizes `_sum` has
        self._sum: i64 = 0

    def feed(self, chunk: bytes) -> None:
        """Add bytes that arrived."""
        backlog = self._backlog
        if backlog is not None:
            backlog += chunk
            return
        rest: i64 = len(self._data) - self._at
        if rest > _BIG_BULK:
            self._backlog = bytearray(chunk)
            return
        self._append(chunk)

    def _append(self, chunk: bytes) -> None:
        """Add bytes to the buffer, or to the long word under way."""
        rest: i64 = len(self._data) - self._at
        if self._long is not None and rest == 0:
            chunk = self._lengthen(chunk)
        self._may_split = self._splits_ahead
        if self._ahead:
            self.step_back()
            rest = len(self._data) - self._at
        if rest == 0:
            self._data = chunk
        else:
            self._data = self._data[self._at :] + chunk
        self._at = 0

    def _lengthen(self, chunk: bytes) -> bytes:
        """Add to the long word under way, and return what is left of the chunk."""
        long = self._long
        assert long is not None
        missing = self._bulk - self._long_size
        if len(chunk) <= missing:
            long.write(chunk)
            self._long_size += len(chunk)
            return b""
        if missing > 0:
            long.write(chunk[:missing])
            self._long_size = self._bulk
        return chunk[missing:]

    def pending(self) -> i64:
        """Return how many bytes wait to be parsed; the words of an incomplete command are none of them."""
        total: i64 = len(self._data) - self._at
        if self._ahead:
            total += self._size_ahead()
        backlog = self._backlog
        if backlog is not None:
            total += len(backlog)
        return total + self._long_size

    def is_under_way(self) -> bool:
        """Tell whether a command is incomplete, or more waits."""
        return self._left > 0 or self.pending() > 0

    def words_bytes(self) -> i64:
        """Return about how much memory the words of the incomplete command take. O(1) on the whole."""
        words = self._words
        count: i64 = len(words)
        if count < self._summed:
            self._summed = 0
            self._sum = 0
        while self._summed < count:
            self._sum += len(words[self._summed]) + _WORD_BYTES
            self._summed += 1
        return self._sum

    def is_amid(self) -> bool:
        """Tell whether a part of a command has come, and the rest has not."""
        return self._left > 0

    def is_gathering(self) -> bool:
        """Tell whether a long word is under way, or much waits, so that large reads pay."""
        return self._long is not None or self._backlog is not None

    def next(self) -> list[bytes] | None:
        """Return the next command's words, or None when more bytes are needed; raise ProtocolError.

        Cost: O(bytes of the command).
        """
        if self._ahead:
            return self._ahead.pop()
        words = self._parse()
        while words is None and self._backlog is not None:
            self._refill()
            words = self._parse()
        return words

    def _parse(self) -> list[bytes] | None:
        """Do as `next`, with what is in the buffer."""
        data = self._data
        size: i64 = len(data)
        at = self._at
        if self._left == 0:
            while True:
                if at >= size:
                    if size > _BIG_BULK:
                        self._data = b""
                        self._at = 0
                    return None
                if self._may_split:
                    ahead = self.look_ahead()
                    if ahead:
                        return ahead.pop()
                if data[at] != _STAR:
                    words = self._inline()
                    if words is None:
                        return None
                    if words:
                        return words
                    at = self._at
                    continue
                # Array header; short ones are the rule.
                if at + 3 < size and data[at + 2] == _CR and 49 <= data[at + 1] <= 57:
                    digit: i64 = data[at + 1]
                    count = digit - 48
                    at += 4
                else:
                    end = self._line_end(at, b"too big mbulk count string")
                    if end < 0:
                        return None
                    count = self._number(at + 1, end)
                    if count > MAX_WORDS or count == _NOT_A_NUMBER:
                        raise ProtocolError(b"ERR Protocol error: invalid multibulk length")
                    if count > UNAUTHENTICATED_WORDS and not self.authenticated:
                        raise ProtocolError(b"ERR Protocol error: unauthenticated multibulk length")
                    at = end + 2
                self._at = at
                if count > 0:
                    break
            self._left = count
            self._bulk = -1
            words = []
            self._words = words
        else:
            words = self._words
            count = self._left
            if self._long is not None:
                if self._long_size < self._bulk or size - at < 2:
                    return None
                words.append(self._long.getvalue())
                self._long = None
                self._long_size = 0
                self._bulk = -1
                at += 2
                count -= 1
        bulk = self._bulk
        while count > 0:
            if bulk < 0:
                if at + 4 <= size and data[at] == _DOLLAR and data[at + 2] == _CR and 48 <= data[at + 1] <= 57:
                    digit = data[at + 1]
                    bulk = digit - 48
                    at += 4
                elif (
                    at + 5 <= size
                    and data[at] == _DOLLAR
                    and data[at + 3] == _CR
                    and 49 <= data[at + 1] <= 57
                    and 48 <= data[at + 2] <= 57
                ):
                    digit = data[at + 1]
                    bulk = (digit - 48) * 10
                    digit = data[at + 2]
                    bulk += digit - 48
                    at += 5
                else:
                    if at >= size:
                        break
                    self._at = at
                    self._left = count
                    end = self._line_end(at, b"too big bulk count string")
                    if end < 0:
                        break
                    if data[at] != _DOLLAR:
                        raise ProtocolError(b"ERR Protocol error: expected '$', got '%c'" % data[at])
                    bulk = self._number(at + 1, end)
                    if bulk < 0 or bulk > self.max_bulk:
                        raise ProtocolError(b"ERR Protocol error: invalid bulk length")
                    if bulk > UNAUTHENTICATED_BULK and not self.authenticated:
                        raise ProtocolError(b"ERR Protocol error: unauthenticated bulk length")
                    at = end + 2
            stop: i64 = at + bulk
            if stop + 2 > size:
                break
            words.append(data[at:stop])
            at = stop + 2
            bulk = -1
            count -= 1
        self._at = at
        self._left = count
        self._bulk = bulk
        if count > 0:
            if bulk >= _BIG_BULK:
                self._begin_long()
            return None
        self._words = []
        if size > _BIG_BULK and at == size:
            self._data = b""  # or a long word would be kept twice until more arrives
            self._at = 0
        return words

    def look_ahead(self) -> list[list[bytes]]:
        """Return the commands that were parsed ahead, the next one last; who runs some takes them from this list."""
        if self._may_split and self.authenticated and self._left == 0 and not self._ahead:
            self._may_split = False
            if len(self._data) - self._at <= _BIG_BULK:
                self._split_ahead()
        return self._ahead

    def step_back(self) -> None:
        """Take back what was parsed ahead: the next command is parsed anew."""
        self._at -= self._size_ahead()
        self._ahead = []

    def _size_ahead(self) -> i64:
        """Return how many bytes the commands that were parsed ahead took."""
        total: i64 = 0
        for words in self._ahead:
            total += len(b"*%d\r\n" % len(words))
            for word in words:
                total += len(b"$%d\r\n\r\n" % len(word)) + len(word)
        return total

    def _split_ahead(self) -> None:
        """Parse the plain commands at the head of the buffer, all at once."""
        data = self._data
        at = self._at
        parts = data[at:].split(b"\r\n") if at > 0 else data.split(b"\r\n")
        last = len(parts) - 1
        start = 0
        found: list[list[bytes]] = []
        count = _SPLIT_COUNTS.get(parts[0], 0)
        step = 1 + 2 * count
        if count and last >= _MANY_LINES:
            start = last - last % step
            found = _split_alike(parts, start, count)
            if not found:
                start = 0
        if not found:
            while start < last:
                count = _SPLIT_COUNTS.get(parts[start], 0)
                end = start + 1 + 2 * count
                if count == 0 or end > last:
                    break
                for place in range(start + 1, end, 2):
                    if _SPLIT_SIZES.get(parts[place], -1) != len(parts[place + 1]):
                        end = 0
                        break
                if end == 0:
                    break
                found.append(parts[start + 2 : end : 2])
                start = end
            if start == 0:
                return
        if start == last:
            self._at = len(data) - len(parts[last])
        else:
            self._at = len(data) - sum(map(len, parts[start:])) - 2 * (last - start)
        found.reverse()
        self._ahead = found

    def _begin_long(self) -> None:
        """Gather the word under way, which is long, from here on."""
        data = self._data
        end = self._at + self._bulk
        self._long = BytesIO()
        self._long_size = 0
        if end < len(data):
            self._data = data[end:]
            data = data[self._at : end]
        else:
            self._data = b""
            data = data[self._at :]
        self._at = 0
        self._lengthen(data)

    def _refill(self) -> None:
        """Bring the next part of the backlog to the buffer."""
        backlog = self._backlog
        assert backlog is not None
        size = _BIG_BULK
        if self._long is not None and self._bulk - self._long_size > _BIG_BULK:
            size = _LONG_PART
        part = bytes(backlog[:size])
        del backlog[:size]
        if not backlog:
            self._backlog = None
        self._append(part)

    def _line_end(self, at: i64, error: bytes) -> i64:
        """Return where the CR LF of the line at `at` stands, or -1 while it has not come."""
        end: i64 = self._data.find(b"\r", at)
        if end < 0:
            if len(self._data) - at > MAX_LINE:
                raise ProtocolError(b"ERR Protocol error: " + error)
            return -1
        if end + 2 > len(self._data):
            return -1
        return end

    def _number(self, start: i64, end: i64) -> i64:
        """Return the number in the buffer between two offsets, or _NOT_A_NUMBER."""
        data = self._data
        negative = start < end and data[start] == 45
        if negative:
            start += 1
        if start >= end or end - start > 19:
            return _NOT_A_NUMBER
        if data[start] == 48 and (negative or end - start > 1):
            return _NOT_A_NUMBER
        if end - start == 19 and data[start:end] > (b"9223372036854775808" if negative else b"9223372036854775807"):
            return _NOT_A_NUMBER
        value: i64 = 0
        while start < end:
            digit: i64 = data[start]
            if digit < 48 or digit > 57:
                return _NOT_A_NUMBER
            value = value * 10 + digit - 48
            start += 1
        return -value if negative else value

    def _inline(self) -> list[bytes] | None:
        """Consume one line and return its words, maybe none; None while the line is incomplete: a NUL hides its end."""
        data = self._data
        at = self._at
        end = _line_feed(data, at)
        line = data[at : end - 1 if data[end - 1] == _CR else end] if end > at else b""
        if end < 0 or 0 in line:
            if len(data) - at > MAX_LINE:
                raise ProtocolError(b"ERR Protocol error: too big inline request")
            return None
        words = split_line(line)
        if words is None:
            raise ProtocolError(b"ERR Protocol error: unbalanced quotes in request")
        self._at = end + 1
        return words


def _split_alike(parts: list[bytes], end: int, count: int) -> list[list[bytes]]:
    """Return the commands that the lines up to `end` are, if each has `count` words, all of them plain; else none.

    So are most pipelines. There is no loop of Python over their words.
    """
    step = 1 + 2 * count
    if parts[0:end:step].count(parts[0]) * step != end:
        return []
    lines = parts[:end]
    del lines[::step]
    words = lines[1::2]
    try:
        if lines[::2] != list(map(_SPLIT_HEADERS.__getitem__, map(len, words))):
            return []
    except IndexError:
        return []
    return [words[place : place + count] for place in range(0, len(words), count)]


_NOT_A_NUMBER: Final = -(1 << 62)
_NEAR: Final = 64  # bytes that compiled code looks at sooner than it calls into C
_ESCAPES: Final = {110: 10, 114: 13, 116: 9, 98: 8, 97: 7}  # \n \r \t \b \a
_HEX: Final = b"0123456789abcdefABCDEF"
_SPACES: Final = b" \t\n\v\f\r"
_ENDS_OF_WORDS: Final = b" \t\n\r\0"
_NOT_PLAIN: Final = b"\"'\0\v\f"


def _line_feed(data: bytes, at: i64) -> i64:
    """Return where the first line feed from `at` on stands, or -1."""
    if not INTERPRETED:
        stop = at + _NEAR
        if stop > len(data):
            stop = len(data)
        while at < stop:
            if data[at] == _LF:
                return at
            at += 1
    return data.find(b"\n", at)


def split_line(line: bytes) -> list[bytes] | None:
    """Split a line into words as redis-cli, inline commands and redis.conf do; None for unbalanced quotes.

    Words may stand in double quotes, with escapes (\\n \\r \\t \\b \\a \\xHH), or in single quotes, where only \\' is
    special.
    """
    if INTERPRETED and len(line.translate(None, _NOT_PLAIN)) == len(line):
        return line.split()
    words: list[bytes] = []
    size: i64 = len(line)
    at: i64 = 0
    while True:
        while at < size and (line[at] == 32 or 9 <= line[at] <= 13):
            at += 1
        if at >= size or line[at] == 0:
            return words
        start = at
        while at < size and line[at] > 39:
            at += 1
        if at == size or line[at] == 32:
            words.append(line[start:at])
        else:
            word = bytearray(line[start:at])
            at = _finish_word(line, at, word)
            if at < 0:
                return None
            words.append(bytes(word))


def _finish_word(line: bytes, at: i64, word: bytearray) -> i64:
    """Read the rest of a word, from `at` on, into `word`; return where it ends, or -1 for unbalanced quotes."""
    size: i64 = len(line)
    quote = 0
    while at < size:
        byte = line[at]
        if quote == 34:
            if byte == 92 and at + 3 < size and line[at + 1] == 120 and line[at + 2] in _HEX and line[at + 3] in _HEX:
                word.append(int(line[at + 2 : at + 4], 16))
                at += 3
            elif byte == 92 and at + 1 < size:
                at += 1
                word.append(_ESCAPES.get(line[at], line[at]))
            elif byte == 34:
                return -1 if at + 1 < size and line[at + 1] not in _SPACES else at + 1
            else:
                word.append(byte)
        elif quote == 39:
            if byte == 92 and at + 1 < size and line[at + 1] == 39:
                at += 1
                word.append(39)
            elif byte == 39:
                return -1 if at + 1 < size and line[at + 1] not in _SPACES else at + 1
            else:
                word.append(byte)
        elif byte in _ENDS_OF_WORDS:
            return at
        elif byte in (34, 39):
            quote = byte
        else:
            word.append(byte)
        at += 1
    return -1 if quote else size
