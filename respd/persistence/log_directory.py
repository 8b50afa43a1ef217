"""The directory of the append-only file: its manifest on the disk, the names of its files, and their coming and going.

The manifest that is on the disk always names a complete log. So a file is created before the manifest that names it,
and removed after the manifest that does not; and each manifest is written aside, synced, renamed, and its directory
synced.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from respd.persistence.disk import Disk, read_file
from respd.persistence.manifest import SUFFIX, Manifest, ManifestError, parse

if TYPE_CHECKING:
    from respd.log import Log
    from respd.persistence.background import Background

_TEMPORARY: Final = "temp-"
_INCREMENT_ENDING: Final = ".incr"


class LogFileError(Exception):
    """The append-only file cannot be read, or not be begun; the log has been told. The server must not start."""


def reason_of(error: OSError) -> str:
    """Return what the system says about an error, without path and number."""
    return error.strerror or str(error)


class LogDirectory:
    """The directory `folder` (relative to the server's), where all files have names that begin with `stem`."""

    def __init__(self, disk: Disk, background: Background, log: Log, folder: str, stem: str) -> None:
        self.disk = disk
        self.background = background
        self.log = log
        self.folder = folder
        self.stem = stem
        self.manifest = Manifest()
        self.is_unsynced = False

    def path(self, name: str) -> str:
        """Return the path of a file of the directory."""
        return os.path.join(self.folder, name)

    def manifest_name(self) -> str:
        """Return the name of the manifest."""
        return self.stem + SUFFIX

    def temporary_increment(self) -> str:
        """Return the name of the increment that is written while the log's first base is being made."""
        return _TEMPORARY + self.stem + _INCREMENT_ENDING

    def load(self) -> None:
        """Read the manifest; without one the log is empty. Raise LogFileError when it is none."""
        log = self.log
        self.manifest = Manifest()
        if not self.disk.exists(self.folder):
            log.debug(f"The AOF directory {self.folder} doesn't exist")
            return
        name = self.manifest_name()
        if not self.disk.exists(self.path(name)):
            log.debug(f"The AOF manifest file {name} doesn't exist")
            return
        try:
            self.manifest = parse(read_file(self.disk, self.path(name)))
        except OSError as error:
            log.warning(f"Fatal error: can't open the AOF manifest file {name} for reading: {reason_of(error)}")
            raise LogFileError from None
        except ManifestError as fault:
            log.warning("\n*** FATAL AOF MANIFEST FILE ERROR ***\n")
            if fault.line:
                log.warning(f"Reading the manifest file, at line {fault.line}\n")
                log.warning(f">>> '{fault.text}'\n")
            log.warning(f"{fault.reason}\n")
            raise LogFileError from None

    def create(self) -> bool:
        """Make the directory if it is missing; log a failure and return False."""
        try:
            self.disk.mkdir(self.folder)
            self.disk.fsync_directory(".")
        except FileExistsError:
            pass
        except OSError as error:
            self.log.warning(f"Can't open or create append-only dir {self.folder}: {reason_of(error)}")
            return False
        return True

    def persist(self, manifest: Manifest) -> bool:
        """Put `manifest` on the disk in place of the one there, and use it; log a failure and return False.

        When all but the last sync worked, either of the two may be found after a loss of power: then both count as
        being there, nothing that the old one names is removed (`is_unsynced`), and False is returned.
        """
        if manifest.is_dirty:
            if not self._write(manifest.format()):
                self.background.remove(self.path(_TEMPORARY + self.manifest_name()))
                return False
            manifest.is_dirty = False
            self.is_unsynced = not self._sync()
        self.manifest = manifest
        return not self.is_unsynced

    def _write(self, data: bytes) -> bool:
        disk, log = self.disk, self.log
        name = self.manifest_name()
        temporary = _TEMPORARY + name
        try:
            fd = disk.open_new(self.path(temporary))
        except OSError as error:
            log.warning(f"Can't open the AOF manifest file {temporary}: {reason_of(error)}")
            return False
        try:
            try:
                disk.write_all(fd, data)
            except OSError as failure:
                log.warning(f"Error trying to write the temporary AOF manifest file {name}: {reason_of(failure)}")
                return False
            try:
                disk.fsync(fd)
            except OSError as failed_sync:
                log.warning(f"Fail to fsync the temp AOF file {temporary}: {reason_of(failed_sync)}.")
                return False
        finally:
            disk.close(fd)
        try:
            disk.rename(self.path(temporary), self.path(name))
        except OSError as failed_rename:
            log.warning(
                f"Error trying to rename the temporary AOF manifest file {temporary} into {name}: "
                f"{reason_of(failed_rename)}"
            )
            return False
        return True

    def _sync(self) -> bool:
        try:
            self.disk.fsync_directory(self.folder)
        except OSError as error:
            path = self.path(self.manifest_name())
            self.log.warning(f"Fail to fsync AOF directory {path}: {reason_of(error)}.")
            return False
        return True

    def remove_history(self) -> None:
        """Forget, and remove, the files that a rewrite has replaced."""
        manifest = self.manifest.copy()
        if not manifest.history or (self.is_unsynced and not self._sync()):
            return
        self.is_unsynced = False
        for part in manifest.history:
            self.log.notice(f"Removing the history file {part.name} in the background")
            self.background.remove(self.path(part.name))
        manifest.history = []
        manifest.is_dirty = True
        self.persist(manifest)

    def remove_temporary_increment(self) -> None:
        """Remove the temporary increment, should there be one."""
        name = self.temporary_increment()
        self.log.notice(f"Removing the temp incr aof file {name} in the background")
        self.background.remove(self.path(name))

    def size(self, name: str) -> int:
        """Return the size of a file of the directory, 0 when it cannot be told."""
        try:
            return self.disk.size(self.path(name))
        except OSError as error:
            self.log.warning(f"Unable to obtain the AOF file {name} length. stat: {reason_of(error)}")
            return 0

    def is_old_style(self) -> bool:
        """Tell whether the log is the single file of a Redis before 7, or was being taken over from there."""
        manifest = self.manifest
        if not self.disk.exists(self.stem):
            return False
        if manifest.is_empty() or not self.disk.exists(self.folder):
            return True
        base = manifest.base
        if base is None or manifest.increments:
            return False
        return base.name == self.stem and not self.disk.exists(self.path(self.stem))

    def adopt_single_file(self) -> None:
        """Make the single file of an older Redis the base of a log with a manifest; raise LogFileError.

        The manifest comes first: cut off in between, the next start finds the file where it was, and goes on here.
        """
        disk = self.disk
        manifest = Manifest()
        manifest.adopt_base(self.stem)
        if not self.create() or not self.persist(manifest):
            raise LogFileError
        try:
            disk.rename(self.stem, self.path(self.stem))
            disk.fsync_directory(self.folder)
            disk.fsync_directory(".")
        except OSError as error:
            self.log.warning(
                f"Error trying to move the old AOF file {self.stem} into dir {self.folder}: {reason_of(error)}"
            )
            raise LogFileError from None
        self.log.notice(
            f"Successfully migrated an old-style AOF file ({self.stem}) into the AOF directory ({self.folder})."
        )

    def check_files(self) -> int:
        """Return the size of all files to be loaded; raise LogFileError when one is missing."""
        total = 0
        for part in self.manifest.parts():
            try:
                total += self.disk.size(self.path(part.name))
            except OSError as error:
                self.log.warning(f"Unable to obtain the AOF file {part.name} length. stat: {reason_of(error)}")
                raise LogFileError from None
        return total
