"""The manifest of a multi-part append-only file: which files make up the log, and in what order. Bytes in, bytes out.

    file appendonly.aof.2.base.rdb seq 2 type b
    file appendonly.aof.2.incr.aof seq 2 type i

One line a file: at most one *base* (type b; a snapshot or commands), then increments (i) with rising numbers, which
are loaded after the base in this order; *history* files (h) have been replaced by a rewrite and wait to be removed. The
manifest itself is only ever replaced as a whole, by a rename, so that it names a complete log at any moment.
Source: redis.io, "Redis persistence"; errors as redis-server words them.
"""

from typing import Final

from respd.directive_kinds import quoted
from respd.protocol.requests import split_line

BASE: Final = "b"
HISTORY: Final = "h"
INCREMENT: Final = "i"
SUFFIX: Final = ".manifest"

_LONGEST_LINE: Final = 1024
_PLAIN: Final = frozenset(range(33, 127)) - frozenset(b"\"'\\")


class ManifestError(Exception):
    """A manifest that cannot be used; `line` is the offending one (0: none is), `text` what stands there."""

    def __init__(self, reason: str, line: int = 0, text: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.text = text


class LogFile:
    """One line: the file's name (no path), its number, and its type."""

    def __init__(self, name: str, seq: int, kind: str) -> None:
        self.name = name
        self.seq = seq
        self.kind = kind

    def line(self) -> bytes:
        """Return the line, with its end."""
        name = self.name.encode("utf-8", "surrogateescape")
        if not _PLAIN.issuperset(name):
            name = quoted(name)
        return b"file %b seq %d type %b\n" % (name, self.seq, self.kind.encode())


class Manifest:
    """The files of one log. `base` may be None, and so may `increments` be empty, when there is no log yet."""

    def __init__(self) -> None:
        self.base: LogFile | None = None
        self.increments: list[LogFile] = []
        self.history: list[LogFile] = []
        self.base_seq: int = 0  # the highest number a base has had
        self.increment_seq: int = 0
        self.is_dirty: bool = False  # differs from what is on the disk

    def copy(self) -> "Manifest":
        """Return one that may be changed without changing this one."""
        other = Manifest()
        other.base = self.base
        other.increments = list(self.increments)
        other.history = list(self.history)
        other.base_seq = self.base_seq
        other.increment_seq = self.increment_seq
        other.is_dirty = self.is_dirty
        return other

    def is_empty(self) -> bool:
        """Tell whether it names no data."""
        return self.base is None and not self.increments

    def parts(self) -> list[LogFile]:
        """Return the files to load, in order."""
        return ([self.base] if self.base is not None else []) + self.increments

    def new_base(self, stem: str, is_snapshot: bool) -> str:
        """Replace the base by one with the next number; return its name. The old one becomes history."""
        if self.base is not None:
            self.history.insert(0, LogFile(self.base.name, self.base.seq, HISTORY))
        self.base_seq += 1
        name = f"{stem}.{self.base_seq}.base.{'rdb' if is_snapshot else 'aof'}"
        self.base = LogFile(name, self.base_seq, BASE)
        self.is_dirty = True
        return name

    def adopt_base(self, name: str) -> None:
        """Make a file of an older version of Redis, as it is, the base."""
        self.base_seq += 1
        self.base = LogFile(name, self.base_seq, BASE)
        self.is_dirty = True

    def new_increment(self, stem: str) -> str:
        """Add an increment with the next number; return its name."""
        self.increment_seq += 1
        name = f"{stem}.{self.increment_seq}.incr.aof"
        self.increments.append(LogFile(name, self.increment_seq, INCREMENT))
        self.is_dirty = True
        return name

    def retire_increments(self, keep: int) -> None:
        """Make all but the last `keep` increments history: a base that holds their effects has been written."""
        end = len(self.increments) - keep
        for each in self.increments[:end]:
            self.history.insert(0, LogFile(each.name, each.seq, HISTORY))
            self.is_dirty = True
        self.increments = self.increments[end:]

    def format(self) -> bytes:
        """Return the contents of the file: the base, the history, the increments."""
        parts = [self.base] if self.base is not None else []
        return b"".join([part.line() for part in parts + self.history + self.increments])


def parse(data: bytes) -> Manifest:
    """Return the manifest that the bytes describe; raise ManifestError."""
    if not data:
        raise ManifestError("Found an empty AOF manifest")
    manifest = Manifest()
    lines = data.split(b"\n")
    has_end = not lines[-1]
    if has_end:
        lines.pop()
    for index, raw in enumerate(lines):
        number = index + 1
        if raw.startswith(b"#"):
            continue
        text = raw.strip(b" \t\r\n").decode("utf-8", "surrogateescape")
        if len(raw) > _LONGEST_LINE or (number == len(lines) and not has_end):
            raise ManifestError("The AOF manifest file contains too long line")
        try:
            _add(manifest, _parse_line(raw))
        except ManifestError as error:
            raise ManifestError(error.reason, number, text) from None
    return manifest


def _parse_line(raw: bytes) -> LogFile:
    words = split_line(raw.strip(b" \t\r\n"))
    if words is None or len(words) < 6 or len(words) % 2:
        raise ManifestError("Invalid AOF manifest file format")
    name = b""
    seq = 0
    kind = ""
    for key, value in zip(words[::2], words[1::2]):
        lowered = key.lower()
        if lowered == b"file":
            name = value
            if b"/" in name or b"\\" in name:
                raise ManifestError("File can't be a path, just a filename")
        elif lowered == b"seq":
            seq = int(value) if value.isdigit() and len(value) < 19 else 0
        elif lowered == b"type":
            kind = value[:1].decode("latin-1")
    if not name or not seq or not kind:
        raise ManifestError("Invalid AOF manifest file format")
    return LogFile(name.decode("utf-8", "surrogateescape"), seq, kind)


def _add(manifest: Manifest, part: LogFile) -> None:
    if part.kind == BASE:
        if manifest.base is not None:
            raise ManifestError("Found duplicate base file information")
        manifest.base = part
        manifest.base_seq = part.seq
    elif part.kind == HISTORY:
        manifest.history.append(part)
    elif part.kind == INCREMENT:
        if part.seq <= manifest.increment_seq:
            raise ManifestError("Found a non-monotonic sequence number")
        manifest.increments.append(part)
        manifest.increment_seq = part.seq
    else:
        raise ManifestError("Unknown AOF file type")
