"""What commands have changed, as a stream of commands: the bytes that the append-only file, and replicas, get.

While one command runs, what it and those that it calls (EXEC's, a script's) are to be logged as gathers in a *unit*, in
the order in which it happened, each part with its database: what expired as it was met, what `ctx.record` said, or the
words as sent. When the command has ended the unit becomes bytes: in MULTI and EXEC when it is more than one command,
with a SELECT wherever the database changes. A plain write, the common case, skips the unit. The bytes are made once,
for all who want them.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd.protocol.writing import write_array_header, write_bulk

_KEEP: Final = 256 * 1024  # bytes of the buffer that stay reserved
_MULTI: Final = b"*1\r\n$5\r\nMULTI\r\n"
_EXEC: Final = b"*1\r\n$4\r\nEXEC\r\n"


def write_words(out: BytesWriter, words: list[bytes]) -> None:
    """Append a command as an array of bulk strings."""
    write_array_header(out, len(words))
    for word in words:
        write_bulk(out, word)


class Effects:
    """The stream. `is_on`: somebody wants it; `database` is the one that it has selected, -1 for not known.

    `offset` counts the commands that have ever been in it, but for SELECT.
    """

    def __init__(self) -> None:
        self.is_on: bool = False
        self.offset: i64 = 0
        self.is_muted: bool = False  # a script asked that its commands be not logged
        self.database: i64 = -1
        self.out: BytesWriter = BytesWriter()
        self.unit: list[list[bytes]] = []
        self.databases: list[int] = []  # of the unit's commands

    def write(self, index: i64, words: list[bytes]) -> None:
        """Append one command to the stream."""
        if index != self.database:
            self.database = index
            write_words(self.out, [b"SELECT", b"%d" % index])
        write_words(self.out, words)
        self.offset += 1

    def add(self, index: int, words: list[bytes]) -> None:
        """Add a command to the unit under way."""
        self.unit.append(words)
        self.databases.append(index)

    def commit(self, is_atomic: bool) -> None:
        """End the unit under way; if `is_atomic`, in MULTI and EXEC unless it is one command."""
        unit = self.unit
        if not unit:
            return
        databases = self.databases
        self.unit = []
        self.databases = []
        is_wrapped = is_atomic and len(unit) > 1
        if is_wrapped:
            self.out.write(_MULTI)
        for at in range(len(unit)):
            self.write(databases[at], unit[at])
        if is_wrapped:
            self.out.write(_EXEC)
            self.offset += 2

    def take(self) -> bytes:
        """Return what has come since the last call, and forget it."""
        if self.unit:
            self.commit(False)
        data = self.out.getvalue()
        if len(data) > _KEEP:
            self.out = BytesWriter()
        else:
            self.out.truncate(0)
        return data

    def start(self) -> None:
        """Gather effects from now on; the next command is preceded by a SELECT."""
        self.is_on = True
        self.database = -1

    def stop(self) -> None:
        """Gather no more, and forget what is there."""
        self.is_on = False
        self.unit = []
        self.databases = []
        self.out = BytesWriter()
