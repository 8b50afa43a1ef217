"""The log of slow commands, and what logs of commands have in common. Source: redis.io, SLOWLOG."""

from __future__ import annotations

from collections import deque
from typing import Final

from respd.config import Config

_MAX_WORDS: Final = 32
_MAX_WORD: Final = 128


class SlowEntry:
    """A command: its words (long ones cut short), how long it took or how large it was, when it ended, whose it was."""

    def __init__(self, id: int, words: list[bytes], amount: int, at_s: int, address: bytes, name: bytes) -> None:
        self.id = id
        self.words = words
        self.amount = amount
        self.at_s = at_s
        self.address = address
        self.name = name


class EntryLog:
    """The last `max_len` entries, newest first; their numbers go on for ever."""

    def __init__(self, max_len: int) -> None:
        self.entries: deque[SlowEntry] = deque()
        self.next_id = 0
        self.max_len = max_len

    def append(self, words: list[bytes], amount: int, at_s: int, address: bytes, name: bytes) -> None:
        """Note a command, its secrets left out already; `amount` is µs or bytes."""
        self.entries.appendleft(SlowEntry(self.next_id, shorten(words), amount, at_s, address, name))
        self.next_id += 1
        while len(self.entries) > self.max_len:
            self.entries.pop()

    def reset(self) -> None:
        """Forget all entries."""
        self.entries.clear()

    def shown(self, count: int) -> list[object]:
        """Return the latest `count` entries (-1: all) as SLOWLOG GET and COMMANDLOG GET answer them."""
        found: list[object] = []
        for entry in self.entries:
            if len(found) == count:
                break
            words: list[object] = list(entry.words)
            found.append([entry.id, entry.at_s, entry.amount, words, entry.address, entry.name])
        return found


class SlowLog(EntryLog):
    """The last `slowlog-max-len` commands that took at least `slowlog-log-slower-than` µs.

    `threshold_s` is that limit in seconds, infinite when the log is off.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(128)
        self.threshold_s: float = 0.01
        self._hidden_in: list[bytes] = []
        self._hidden: list[int] = []
        self.configure(config.slowlog_log_slower_than, config.slowlog_max_len)

    def configure(self, slower_than_us: int, max_len: int) -> None:
        """Take over the two limits; a negative duration switches the log off, and so does no room.

        What has no room any more goes when the next entry comes.
        """
        is_on = slower_than_us >= 0 and max_len > 0
        self.threshold_s = slower_than_us / 1e6 if is_on else float("inf")
        self.max_len = max_len

    def add(self, words: list[bytes], duration_us: int, at_s: int, address: bytes, name: bytes) -> None:
        """Note a slow command."""
        self.append(self.without_secrets(words), duration_us, at_s, address, name)

    def hide(self, words: list[bytes], index: int) -> None:
        """Show `(redacted)` in place of a word of the command under way, should it be slow: passwords."""
        if self._hidden_in is not words:
            self._hidden_in = words
            self._hidden = []
        self._hidden.append(index)

    def without_secrets(self, words: list[bytes]) -> list[bytes]:
        """Return the words of the command under way or just ended, what was hidden of them replaced."""
        if words is not self._hidden_in:
            return words
        shown = list(words)
        for index in self._hidden:
            shown[index] = b"(redacted)"
        return shown


def shorten(words: list[bytes]) -> list[bytes]:
    """Return `words` with at most 32 of them, each at most 128 bytes, saying what was left out."""
    shown: list[bytes] = []
    for index, word in enumerate(words):
        if index == _MAX_WORDS - 1 and len(words) > _MAX_WORDS:
            shown.append(b"... (%d more arguments)" % (len(words) - _MAX_WORDS + 1))
            break
        if len(word) > _MAX_WORD:
            shown.append(word[:_MAX_WORD] + b"... (%d more bytes)" % (len(word) - _MAX_WORD))
        else:
            shown.append(word)
    return shown
