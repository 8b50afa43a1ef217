"""The data directory's files: the only room that touches them.

Whoever writes a snapshot or a log is handed a `Disk` and asks it for every operation, so that a test's subclass can
record them all in their order, make any of them fail, or write less than it was given. It works on paths and on file
descriptors, unbuffered: what `write` has returned is in the system's hands, what `fsync` has returned from is on disk.
Every method raises OSError as the system does.
"""

import os
import sys
from typing import Final

from mypy_extensions import mypyc_attr

_CLOSE_ON_EXEC: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HAS_FDATASYNC: Final = hasattr(os, "fdatasync")
_F_FULLFSYNC: Final = 51 if sys.platform == "darwin" else 0  # there fsync alone leaves data in the drive's cache


@mypyc_attr(allow_interpreted_subclasses=True)
class Disk:
    """File operations below one data directory. Paths are absolute, or relative to the process's directory."""

    # -- opening

    def open_read(self, path: str) -> int:
        """Open a file to read; return its descriptor."""
        return os.open(path, os.O_RDONLY | _CLOSE_ON_EXEC)

    def open_new(self, path: str) -> int:
        """Open a file to write from its start, created or emptied; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CLOSE_ON_EXEC, 0o644)

    def open_append(self, path: str) -> int:
        """Open a file to append to, created when absent; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _CLOSE_ON_EXEC, 0o644)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    # -- contents

    def read(self, fd: int, size: int) -> bytes:
        """Return up to `size` bytes from where the descriptor stands, none at the end."""
        return os.read(fd, size)

    def write(self, fd: int, data: bytes) -> int:
        """Write at most all of `data`; return how many bytes were taken (fewer on a disk that is about to be full)."""
        return os.write(fd, data)

    def write_all(self, fd: int, data: bytes) -> None:
        """Write all of `data`, in as many steps as that takes; after an error an unknown part of it is in the file."""
        taken = self.write(fd, data)
        while taken < len(data):
            data = data[taken:]
            taken = self.write(fd, data)

    def fsync(self, fd: int) -> None:
        """Have what was written, and the file's size and times, on the disk."""
        if _F_FULLFSYNC:
            import fcntl

            fcntl.fcntl(fd, _F_FULLFSYNC)
        else:
            os.fsync(fd)

    def fdatasync(self, fd: int) -> None:
        """Have what was written on the disk, and of the rest what is needed to read it."""
        if _HAS_FDATASYNC:
            os.fdatasync(fd)
        else:
            self.fsync(fd)

    def drop_cache(self, fd: int) -> None:
        """Tell the system that what is in this file is not about to be read."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def truncate(self, path: str, size: int) -> None:
        """Cut a file to `size` bytes."""
        os.truncate(path, size)

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""
        return os.stat(path).st_size

    # -- names

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or directory of this name."""
        return os.path.exists(path)

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory, in no order."""
        return os.listdir(path)

    def mkdir(self, path: str) -> None:
        """Create a directory."""
        os.mkdir(path, 0o755)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, replacing at once a file that has it. Lasting after `fsync_directory`."""
        os.replace(old, new)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        os.unlink(path)

    def fsync_directory(self, path: str) -> None:
        """Have the names in a directory on the disk; where directories cannot be synced, that is nothing."""
        if os.name == "nt":
            return
        fd = os.open(path or ".", os.O_RDONLY | _CLOSE_ON_EXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def read_file(disk: Disk, path: str) -> bytes:
    """Return a small file's contents."""
    fd = disk.open_read(path)
    try:
        parts: list[bytes] = []
        part = disk.read(fd, 65536)
        while part:
            parts.append(part)
            part = disk.read(fd, 65536)
        return b"".join(parts)
    finally:
        disk.close(fd)


def cut_file(disk: Disk, path: str, size: int) -> None:
    """Cut a file to `size` bytes, lastingly."""
    disk.truncate(path, size)
    fd = disk.open_append(path)
    try:
        disk.fsync(fd)
    finally:
        disk.close(fd)


def replace_file(path: str, data: bytes) -> None:
    """Have a file hold `data`, lastingly, keeping its mode: replaced as a whole or not at all. Raises OSError."""
    import tempfile

    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o644
    folder = os.path.dirname(os.path.abspath(path))
    fd, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.chmod(temporary, mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    Disk().fsync_directory(folder)
