"""`respd check-aof`: reads an append-only file and tells whether it is sound, in the manner of redis-check-aof.

Given a manifest it reads all the files that this names; given one file, that one alone, which may begin with a
snapshot. What follows the last whole command or transaction can be cut off, but in the last file only: what comes after
a gap was never meant to be applied without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from respd.check_rdb import RdbCheck
from respd.persistence.aof_reader import AofReader, CorruptLog, begins_with_snapshot
from respd.persistence.disk import Disk, cut_file, read_file
from respd.persistence.manifest import SUFFIX, LogFile, ManifestError, parse

_CHUNK: Final = 1 << 20
_NO_TIME: Final = -1


class CheckFailed(Exception):
    """The check ends here; all has been said."""


class AofCheck:
    """One check. `say` is given lines, `ask` a question to be answered with True or False, `advance` bytes read.

    `fixes`: cut off what is damaged at the end. `until_s`: cut off what was logged after this moment (_NO_TIME:
    nothing).
    """

    def __init__(
        self,
        disk: Disk,
        say: Callable[[str], None],
        ask: Callable[[str], bool],
        advance: Callable[[int], None],
        fixes: bool = False,
        until_s: int = _NO_TIME,
    ) -> None:
        self.disk = disk
        self._say = say
        self._ask = ask
        self._advance = advance
        self._fixes = fixes
        self._until_s = until_s

    def run(self, path: str) -> int:
        """Check the file at `path`; return the exit status."""
        try:
            if path.endswith(SUFFIX):
                self._check_manifest(path)
            else:
                self._check_single(path)
        except CheckFailed:
            return 1
        except OSError as error:
            self._say(f"Cannot open file {error.filename or path}: {error.strerror}")
            return 1
        return 0

    def _check_manifest(self, path: str) -> None:
        self._say("Start checking Multi Part AOF")
        try:
            manifest = parse(read_file(self.disk, path))
        except ManifestError as fault:
            if fault.line:
                self._say(f"Reading the manifest file, at line {fault.line}\n>>> '{fault.text}'")
            self._fail(fault.reason)
        parts = manifest.parts()
        for at, part in enumerate(parts):
            if at == (manifest.base is not None):
                self._say("Start to check INCR files.")
            self._check_part(os.path.join(os.path.dirname(path), part.name), part, part is parts[-1])
        self._say("All AOF files and manifest are valid")

    def _check_part(self, path: str, part: LogFile, is_last: bool) -> None:
        kind = "BASE" if part.kind == "b" else "INCR"
        has_snapshot = begins_with_snapshot(self._head(path))
        if kind == "BASE":
            self._say(f"Start to check BASE AOF ({'RDB' if has_snapshot else 'RESP'} format).")
        if self.disk.size(path) == 0:
            self._say(f"{kind} AOF {part.name} is empty")
        elif self._check_file(path, has_snapshot, is_last):
            self._say(f"{kind} AOF {part.name} is valid")

    def _check_single(self, path: str) -> None:
        has_snapshot = begins_with_snapshot(self._head(path))
        self._say("Start checking Old-Style AOF")
        if self.disk.size(path) == 0:
            self._say(f"AOF {os.path.basename(path)} is empty")
        elif self._check_file(path, has_snapshot, True):
            self._say(f"AOF {os.path.basename(path)} is valid")

    def _head(self, path: str) -> bytes:
        fd = self.disk.open_read(path)
        try:
            return self.disk.read(fd, 5)
        finally:
            self.disk.close(fd)

    def _check_file(self, path: str, has_snapshot: bool, is_last: bool) -> bool:
        """Check one file, and cut it if that was asked for; tell whether it was sound. Raise CheckFailed."""
        name = os.path.basename(path)
        size = self.disk.size(path)
        fd = self.disk.open_read(path)
        try:
            reader = self._check_snapshot(fd, path) if has_snapshot else AofReader()
            late_at = self._check_commands(fd, reader, name)
        finally:
            self.disk.close(fd)
        end = int(reader.safe_end)
        if self._until_s != _NO_TIME:
            if self._cut_late(path, late_at, is_last):
                return False
            if end == size:
                self._say(f"Truncate nothing in AOF {name} to timestamp {self._until_s}")
                return True
        self._say(f"AOF analyzed: filename={name}, size={size}, ok_up_to={end}, diff={size - end}")
        if end == size:
            return True
        self._cut_damaged(path, end, size, is_last)
        return False

    def _read(self, fd: int) -> bytes:
        chunk = self.disk.read(fd, _CHUNK)
        self._advance(len(chunk))
        return chunk

    def _check_snapshot(self, fd: int, path: str) -> AofReader:
        """Check the snapshot that a file begins with; return a reader of what follows it."""
        self._say(f"[offset 0] Checking RDB file {path}")
        check = RdbCheck(self._say)
        if check.run(lambda size: self.disk.read(fd, size), self._advance) != 0:
            self._fail("RDB preamble of AOF file is not sane, aborting.")
        self._say("RDB preamble is OK, proceeding with AOF tail...")
        reader = AofReader(check.reader.consumed)
        reader.feed(check.reader.rest())
        return reader

    def _check_commands(self, fd: int, reader: AofReader, name: str) -> int:
        """Read to the end or to what is damaged; return where what was logged too late begins, or -1."""
        late_at = -1
        before = int(reader.safe_end)
        try:
            while True:
                words = reader.next()
                if words is None:
                    chunk = self._read(fd)
                    if not chunk:
                        break
                    reader.feed(chunk)
                    continue
                if late_at < 0 and self._until_s != _NO_TIME and reader.timestamp > self._until_s:
                    late_at = before
                before = int(reader.safe_end)
        except CorruptLog as fault:
            self._say(f"0x{fault.offset:16x}: {fault.reason}")
            self._say(f"AOF {name} format error")
            return late_at
        if reader.unread() > 0:
            self._say(f"0x{int(reader.offset):16x}: the file ends within a command")
        elif reader.in_transaction:
            self._say(f"0x{int(reader.safe_end):16x}: Reached EOF before reading EXEC for MULTI")
        return late_at

    def _cut_late(self, path: str, late_at: int, is_last: bool) -> bool:
        """Cut off what was logged after the moment asked for; tell whether there was anything."""
        name = os.path.basename(path)
        moment = self._until_s
        if late_at < 0:
            return False
        if late_at == 0:
            self._fail(f"AOF {name} has nothing before timestamp {moment}, aborting...")
        if not is_last:
            self._say(
                f"Failed to truncate AOF {name} to timestamp {moment} to offset {late_at} because it is not "
                "the last file."
            )
            self._fail(
                "If you insist, please delete all files after this file according to the manifest file and delete the "
                "corresponding records in manifest file manually. Then re-run redis-check-aof."
            )
        self._truncate(path, late_at)
        self._say(f"Successfully truncated AOF {name} to timestamp {moment}")
        return True

    def _cut_damaged(self, path: str, end: int, size: int, is_last: bool) -> None:
        name = os.path.basename(path)
        if not self._fixes:
            self._fail(f"AOF {name} is not valid. Use the --fix option to try fixing it.")
        if not is_last:
            self._fail(f"Failed to truncate AOF {name} because it is not the last file")
        self._say(f"This will shrink the AOF {name} from {size} bytes, with {size - end} bytes, to {end} bytes")
        if not self._ask("Continue?"):
            self._fail("Aborting...")
        self._truncate(path, end)
        self._say(f"Successfully truncated AOF {name}")

    def _truncate(self, path: str, end: int) -> None:
        try:
            cut_file(self.disk, path, end)
        except OSError:
            self._fail(f"Failed to truncate AOF {os.path.basename(path)}")

    def _fail(self, line: str) -> None:
        self._say(line)
        raise CheckFailed
