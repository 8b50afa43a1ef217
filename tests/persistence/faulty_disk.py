"""A disk that fails when a test says so, and remembers what was asked of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from respd.persistence.disk import Disk


class FaultyDisk(Disk):
    """`fail` has an operation fail from now on, `heal` ends that. `done` lists operations as (name, path or fd)."""

    def __init__(self) -> None:
        self.done: list[tuple[str, object]] = []
        self.room = -1  # bytes that may still be written; -1: any number
        self._failing: dict[str, int] = {}
        self.before: Callable[[str], None] | None = None  # called before each operation

    def fail(self, name: str, number: int = errno.EIO) -> None:
        """Have the operation `name` fail with an errno."""
        self._failing[name] = number

    def heal(self) -> None:
        """Have everything work again."""
        self._failing = {}
        self.room = -1

    def _check(self, name: str, what: object) -> None:
        if self.before is not None:
            self.before(name)
        self.done.append((name, what))
        number = self._failing.get(name)
        if number is not None:
            raise OSError(number, os.strerror(number))

    def write(self, fd: int, data: bytes) -> int:
        """Write as much as there is room for, and nothing with ENOSPC once there is none."""
        self._check("write", fd)
        if self.room < 0:
            return super().write(fd, data)
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = super().write(fd, data[: self.room])
        self.room -= taken
        return taken

    def open_new(self, path: str) -> int:
        self._check("open_new", path)
        return super().open_new(path)

    def open_append(self, path: str) -> int:
        self._check("open_append", path)
        return super().open_append(path)

    def fsync(self, fd: int) -> None:
        self._check("fsync", fd)
        super().fsync(fd)

    def fdatasync(self, fd: int) -> None:
        self._check("fdatasync", fd)
        super().fdatasync(fd)

    def truncate(self, path: str, size: int) -> None:
        self._check("truncate", path)
        super().truncate(path, size)

    def rename(self, old: str, new: str) -> None:
        self._check("rename", new)
        super().rename(old, new)

    def unlink(self, path: str) -> None:
        self._check("unlink", path)
        super().unlink(path)

    def mkdir(self, path: str) -> None:
        self._check("mkdir", path)
        super().mkdir(path)

    def fsync_directory(self, path: str) -> None:
        self._check("fsync_directory", path)
        super().fsync_directory(path)
