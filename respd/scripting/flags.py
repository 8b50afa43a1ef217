"""What scripts and functions say of themselves: the flags. Source: redis.io, "Script flags"."""

from __future__ import annotations

from typing import Final

from respd.errors import CommandError

NO_WRITES: Final = 1 << 0
ALLOW_OOM: Final = 1 << 1
ALLOW_STALE: Final = 1 << 2
NO_CLUSTER: Final = 1 << 3
ALLOW_CROSS_SLOT_KEYS: Final = 1 << 4
NO_SHEBANG: Final = 1 << 5  # a script of the old kind: it has no flags, and each command is checked by itself

FLAG_NAMES: Final[dict[bytes, int]] = {
    b"no-writes": NO_WRITES,
    b"allow-oom": ALLOW_OOM,
    b"allow-stale": ALLOW_STALE,
    b"no-cluster": NO_CLUSTER,
    b"allow-cross-slot-keys": ALLOW_CROSS_SLOT_KEYS,
}


def read_flags(source: bytes) -> tuple[int, bytes]:
    """Read a script's first line, `#!lua [flags=a,b]`; return its flags and the source without that line's text."""
    if not source.startswith(b"#!"):
        return NO_SHEBANG, source
    line, newline, _ = source.partition(b"\n")
    if not newline:
        raise CommandError(b"ERR Invalid script shebang")
    if line.count(b'"') % 2:
        raise CommandError(b"ERR Invalid engine in script shebang")
    words = line.split()
    if words[0] != b"#!lua":
        raise CommandError(b"ERR Unexpected engine in script shebang: " + words[0])
    found = 0
    for word in words[1:]:
        if not word.startswith(b"flags="):
            raise CommandError(b"ERR Unknown lua shebang option: " + word)
        names = word.removeprefix(b"flags=")
        for name in names.split(b",") if names else ():
            if name not in FLAG_NAMES:
                raise CommandError(b"ERR Unexpected flag in script shebang: " + name)
            found |= FLAG_NAMES[name]
    return found, source[len(line) :]
