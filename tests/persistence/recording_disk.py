"""A disk that records what is done to it, and what a loss of power would leave of that.

`RecordingDisk` writes every change, in the order in which it happened, into a journal outside the directory: a forked
child goes on in the same journal. `Medium` replays a journal and knows, for each moment, what is certain to be on the
disk and what is still under way:

- of what was written to a file since its last sync, any first part may be there, cut at any byte;
- of the names that were created, replaced and removed in a directory since it was synced, any first part may count.

Each file and each directory has its own fate: a name may be there before its file's contents, and the other way round.
"""

from __future__ import annotations

import os
import pickle
import struct
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from respd.persistence.disk import Disk

_SIZE = struct.Struct("<I")

Record = tuple[str, tuple[object, ...]]


class Journal:
    """A file of records that several processes append to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = 0
        self._fd = -1

    def note(self, what: str, *about: object) -> None:
        """Append a record. A child, which may have closed what it does not need, opens the file itself."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        data = pickle.dumps((what, about))
        os.write(self._fd, _SIZE.pack(len(data)) + data)

    def read(self) -> list[Record]:
        """All records."""
        data, at, found = self._path.read_bytes(), 0, []
        while at < len(data):
            size = _SIZE.unpack_from(data, at)[0]
            found.append(pickle.loads(data[at + _SIZE.size : at + _SIZE.size + size]))
            at += _SIZE.size + size
        return found

    def close(self) -> None:
        """End."""
        os.close(self._fd)


class RecordingDisk(Disk):
    """Records every operation that changes something, after it was done; a sync also as it begins."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._names: dict[int, str] = {}
        self._opened = 0

    def _open(self, fd: int, path: str, what: str) -> int:
        self._opened += 1
        name = f"{os.getpid()}:{self._opened}"
        self._names[fd] = name
        self._journal.note(what, name, os.path.normpath(path))
        return fd

    def open_new(self, path: str) -> int:
        return self._open(super().open_new(path), path, "open_new")

    def open_append(self, path: str) -> int:
        return self._open(super().open_append(path), path, "open_append")

    def write(self, fd: int, data: bytes) -> int:
        taken = super().write(fd, data)
        self._journal.note("write", self._names[fd], bytes(data[:taken]))
        return taken

    def fsync(self, fd: int) -> None:
        self._journal.note("sync begins", self._names[fd])
        super().fsync(fd)
        self._journal.note("sync ends", self._names[fd])

    def fdatasync(self, fd: int) -> None:
        self._journal.note("sync begins", self._names[fd])
        super().fdatasync(fd)
        self._journal.note("sync ends", self._names[fd])

    def truncate(self, path: str, size: int) -> None:
        super().truncate(path, size)
        self._journal.note("truncate", os.path.normpath(path), size)

    def mkdir(self, path: str) -> None:
        super().mkdir(path)
        self._journal.note("mkdir", os.path.normpath(path))

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self._journal.note("rename", os.path.normpath(old), os.path.normpath(new))

    def unlink(self, path: str) -> None:
        super().unlink(path)
        self._journal.note("unlink", os.path.normpath(path))

    def fsync_directory(self, path: str) -> None:
        super().fsync_directory(path)
        self._journal.note("directory synced", os.path.normpath(path or "."))


@dataclass
class _File:
    """What is certainly on the disk, and the writes and truncations since."""

    synced: bytes = b""
    pending: list[bytes | int] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)

    def sync(self, count: int) -> None:
        """The first `count` of what was pending is on the disk."""
        self.synced = _applied(self.synced, self.pending[:count])
        del self.pending[:count]
        self.begun = {name: max(0, other - count) for name, other in self.begun.items()}

    def fates(self, random: Random | None, most: bool) -> bytes:
        """What may be left: all (`most`) or nothing of what is pending, or with `random` some of it, cut somewhere."""
        if random is None:
            return _applied(self.synced, self.pending if most else [])
        whole = random.randint(0, len(self.pending))
        left = _applied(self.synced, self.pending[:whole])
        if whole < len(self.pending) and isinstance(torn := self.pending[whole], bytes):
            left += torn[: random.randint(0, len(torn))]
        return left


def _applied(data: bytes, pending: list[bytes | int]) -> bytes:
    for change in pending:
        data = data + change if isinstance(change, bytes) else data[:change]
    return data


Names = dict[str, "_File | None"]
"""What a directory holds; None stands for a directory in it."""


@dataclass
class _Directory:
    """The names that are certain, those that a process sees, and the changes that lie between."""

    synced: Names = field(default_factory=dict)
    seen: Names = field(default_factory=dict)
    pending: list[Names] = field(default_factory=list)

    def change(self, changes: Names, gone: tuple[str, ...] = ()) -> None:
        """Let names stand for other things, or for nothing."""
        self.seen = {name: what for name, what in {**self.seen, **changes}.items() if name not in gone}
        self.pending.append(self.seen)

    def sync(self) -> None:
        """What is seen is certain."""
        self.synced = self.seen
        self.pending = []

    def fates(self, random: Random | None, most: bool) -> Names:
        """What may be left."""
        stages = [self.synced, *self.pending]
        return stages[random.randrange(len(stages))] if random is not None else stages[-1 if most else 0]


class Medium:
    """The disk under a journal, up to the record last played."""

    def __init__(self) -> None:
        self._directories: dict[str, _Directory] = {".": _Directory()}
        self._files: dict[str, _File] = {}

    def play(self, record: Record) -> None:
        """Let a record happen."""
        what, about = record
        words = [word for word in about if isinstance(word, str)]
        if what in ("open_new", "open_append"):
            self._open(words[0], words[1], what == "open_new")
        elif what == "write":
            data = about[1]
            assert isinstance(data, bytes)
            self._files[words[0]].pending.append(data)
        elif what == "sync begins":
            file = self._files[words[0]]
            file.begun[words[0]] = len(file.pending)
        elif what == "sync ends":
            file = self._files[words[0]]
            file.sync(file.begun.pop(words[0]))
        elif what == "truncate":
            directory, name = self._place(words[0])
            found, size = directory.seen[name], about[1]
            assert found is not None and isinstance(size, int)
            found.pending.append(size)
        elif what == "mkdir":
            directory, name = self._place(words[0])
            directory.change({name: None})
            self._directories[words[0]] = _Directory()
        elif what == "rename":
            self._rename(words[0], words[1])
        elif what == "unlink":
            directory, name = self._place(words[0])
            directory.change({}, (name,))
        elif what == "directory synced":
            self._directories[words[0]].sync()

    def _place(self, path: str) -> tuple[_Directory, str]:
        folder, name = os.path.split(path)
        return self._directories[folder or "."], name

    def _open(self, opened: str, path: str, empties: bool) -> None:
        directory, name = self._place(path)
        file = directory.seen.get(name)
        if file is None:
            file = _File()
            directory.change({name: file})
        elif empties:
            file.pending.append(0)
        self._files[opened] = file

    def _rename(self, old: str, new: str) -> None:
        """Give a file another name; between two directories either may tell of it first, but the file is not lost."""
        (source, old_name), (target, new_name) = self._place(old), self._place(new)
        moved = {new_name: source.seen[old_name]}
        if source is target:
            source.change(moved, (old_name,))
        else:
            target.change(moved)
            source.change({}, (old_name,))

    def left(self, random: Random | None, most: bool) -> dict[str, bytes | None]:
        """The files that a loss of power now leaves, by path, and directories as None.

        Without `random` all that can be lost is lost, or (`most`) nothing is.
        """
        found: dict[str, bytes | None] = {}
        fates: dict[int, bytes] = {}
        top = self._directories["."].fates(random, most)
        for name, what in top.items():
            if what is not None:
                found[name] = fates.setdefault(id(what), what.fates(random, most))
                continue
            found[name] = None
            for inner, file in self._directories[name].fates(random, most).items():
                assert file is not None
                found[f"{name}/{inner}"] = fates.setdefault(id(file), file.fates(random, most))
        return found


def lay_out(left: dict[str, bytes | None], directory: Path) -> None:
    """Make a directory of what is left."""
    directory.mkdir()
    for path, data in left.items():
        if data is None:
            (directory / path).mkdir()
    for path, data in left.items():
        if data is not None:
            (directory / path).write_bytes(data)
