"""Loading: what a server reads before it serves, in slices between turns of the event loop.

Meanwhile nearly every command gets -LOADING, and INFO tells how far it is. A loader is an object whose `step` works for
some time and tells whether all is done, with the bytes that are loaded and those that there are.
"""

from __future__ import annotations

import time
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from mypy_extensions import i32, i64

from respd.database import access_second
from respd.errors import CommandError
from respd.persistence.rdb_format import CorruptFile, ShortFile, UnsupportedFile, WrongChecksum
from respd.persistence.rdb_reader import (
    AuxEvent,
    EndEvent,
    FunctionEvent,
    KeyEvent,
    ModuleAuxEvent,
    RdbReader,
    SelectEvent,
)
from respd.persistence.snapshot import reason_of

if TYPE_CHECKING:
    from respd.database import Database
    from respd.engine import Engine

UNREADABLE: Final = "Unexpected EOF reading RDB file"  # what Redis says of all that it cannot load

_CHUNK: Final = 1024 * 1024
_LOOK_AT_CLOCK: Final = 64  # keys between two looks
_EMPTY_KEYS_TOLD: Final = 10


class LoadError(Exception):
    """The data cannot be loaded; the log has been told why."""


class Loader(Protocol):
    """Something that is loaded in steps."""

    total_bytes: int
    loaded_bytes: int
    used_memory_bytes: int  # of the server that wrote the data, as it says itself

    def step(self, budget_s: float) -> bool:
        """Load for so many seconds; return True when everything is loaded."""
        ...

    def close(self) -> None:
        """End, done or not."""
        ...


class Loading:
    """A load under way, for INFO: since when, and how far."""

    def __init__(self, loader: Loader, started_s: int) -> None:
        self.loader = loader
        self.started_s = started_s
        self._began_s = monotonic()

    def lines(self) -> list[bytes]:
        """Return INFO's lines about it."""
        total = self.loader.total_bytes
        done = self.loader.loaded_bytes
        elapsed_s = int(monotonic() - self._began_s)
        eta_s = 1
        if done:
            eta_s = elapsed_s * (total - done) // done if elapsed_s else 1
        return [
            b"loading_start_time:%d" % self.started_s,
            b"loading_total_bytes:%d" % total,
            b"loading_rdb_used_mem:%d" % self.loader.used_memory_bytes,
            b"loading_loaded_bytes:%d" % done,
            b"loading_loaded_perc:%.2f" % (done * 100 / total if total else 0.0),
            b"loading_eta_seconds:%d" % eta_s,
        ]


class RdbLoader:
    """Loads a snapshot into the databases. Keys whose time has come are dropped.

    With `merge` keys replace those that are there; without, a key that is there already is a fault of the file. Raises
    LoadError.
    """

    def __init__(self, engine: Engine, path: str, merge: bool = False) -> None:
        self.engine = engine
        self.disk = engine.disk
        self.log = engine.log
        self.total_bytes: int = 0
        self.loaded_bytes: int = 0
        self.used_memory_bytes: int = 0
        self.last_words: str = "Terminating server after rdb file reading failure."  # of a server that ends for it
        self.keys: int = 0
        self.expired: int = 0
        self.empty: int = 0
        self._merge = merge
        self._reader = RdbReader(engine.config.limits, engine.config.rdbchecksum and not engine.shared.skips_checksums)
        self._db: Database = engine.databases[0]
        try:
            self.total_bytes = self.disk.size(path)
            self._fd: int = self.disk.open_read(path)
        except OSError as error:
            self.log.warning(f"Fatal error: can't open the RDB file {path} for reading: {reason_of(error)}")
            raise LoadError from None
        self._shared = engine.shared
        self._shared.expire_off = True

    def step(self, budget_s: float) -> bool:
        """Load for `budget_s` seconds; return True when everything is loaded."""
        until_s = monotonic() + budget_s
        reader = self._reader
        shared = self._shared
        listeners = shared.notify_classes
        shared.notify_classes = 0  # nobody is told of keys that were there before
        try:
            while not self._take_keys(until_s):
                if monotonic() >= until_s:
                    return False
                chunk = self.disk.read(self._fd, _CHUNK)
                self.loaded_bytes += len(chunk)
                if chunk:
                    reader.feed(chunk)
                else:
                    reader.close()
        except (CorruptFile, OSError) as fault:
            self._refuse(fault)
        finally:
            shared.notify_classes = listeners
        self.close()
        self.log.notice(
            f"Done loading RDB, keys loaded: {self.keys}, keys expired: {self.expired}"
            + (f", empty keys skipped: {self.empty}." if self.empty else ".")
        )
        return True

    def close(self) -> None:
        """End, done or not."""
        self._shared.expire_off = False
        if self._fd >= 0:
            self.disk.close(self._fd)
            self._fd = -1

    def _refuse(self, fault: Exception) -> None:
        """Tell the log why the file is not loaded, and raise LoadError."""
        self.close()
        log = self.log
        if isinstance(fault, CorruptFile) and fault.offset == 0 and not isinstance(fault, ShortFile):
            log.warning(fault.reason)
            self.last_words = "Fatal error loading the DB, check server logs. Exiting."
        else:
            if isinstance(fault, (ShortFile, OSError)):
                log.warning("Short read or OOM loading DB. Unrecoverable error, aborting now.")
            if isinstance(fault, WrongChecksum):
                log.warning(fault.details)
            if isinstance(fault, CorruptFile):
                log.warning(f"Internal error in RDB reading offset {fault.offset} -> {fault.reason}")
            elif isinstance(fault, OSError):
                log.warning(f"Internal error in RDB reading offset {self.loaded_bytes} -> {reason_of(fault)}")
        raise LoadError from None

    def _take_keys(self, until_s: float) -> bool:
        """Put what the reader has into the databases, until the time is over; return True after the last of it."""
        reader = self._reader
        db = self._db
        now_ms = self.engine.clock.ms
        now_access = i64(access_second(now_ms))
        delay_us = self.engine.config.key_load_delay
        keys: i64 = 0
        seen: i64 = 0
        while True:
            event = reader.next()
            if event is None:
                break
            if isinstance(event, KeyEvent):
                seen += 1
                if event.value is None:
                    if self.empty < _EMPTY_KEYS_TOLD:
                        shown = event.key.decode(errors="backslashreplace")
                        self.log.notice(f"rdbLoadObject skipping empty key: {shown}")
                    self.empty += 1
                elif event.expire_at_ms != 0 and event.expire_at_ms < now_ms:
                    self.expired += 1
                else:
                    self._put(db, event, now_access)
                    keys += 1
                if delay_us > 0:
                    time.sleep(delay_us / 1e6)
                if (delay_us > 0 or seen % _LOOK_AT_CLOCK == 0) and monotonic() >= until_s:
                    break
            elif isinstance(event, SelectEvent):
                if event.database >= len(self.engine.databases):
                    self.log.warning(
                        "FATAL: Data file was created with a Redis server configured to handle more than "
                        f"{len(self.engine.databases)} databases. Exiting"
                    )
                    self.last_words = "Fatal error loading the DB, check server logs. Exiting."
                    self.close()
                    raise LoadError
                db = self.engine.databases[event.database]
                self._db = db
            elif isinstance(event, AuxEvent):
                self._tell(event)
            elif isinstance(event, FunctionEvent):
                if not load_library(self.engine, event.code, self._merge):
                    raise ShortFile(UNREADABLE, reader.consumed)
            elif isinstance(event, ModuleAuxEvent):
                raise UnsupportedFile(
                    f"The RDB file contains module data I can't load: no matching module '{event.module}'",
                    reader.consumed,
                )
            elif isinstance(event, EndEvent):
                if event.checksum == 0 and reader.version >= 5 and self.engine.config.rdbchecksum:
                    self.log.notice("RDB file was saved with checksum disabled: no check performed.")
        self.keys += int(keys)
        return reader.ended

    def _put(self, db: Database, event: KeyEvent, now_access: i64) -> None:
        key = event.key
        if not db.load(key, event.value, event.expire_at_ms):
            if not self._merge:
                self.log.warning(f"RDB has duplicated key '{key.decode(errors='backslashreplace')}' in DB {db.index}")
                raise CorruptFile("Duplicated key found in RDB file", self._reader.consumed)
            db.remove(key)
            db.load(key, event.value, event.expire_at_ms)
        if db.shared.counts_accesses:
            if event.frequency >= 0:
                db.set_frequency(key, i32(event.frequency))
        elif event.idle_s > 0:
            access = now_access - event.idle_s
            db.entries[key].access = i32(max(0, access))

    def _tell(self, event: AuxEvent) -> None:
        """Log what the file says about who wrote it."""
        text = event.value.decode(errors="backslashreplace")
        if event.name == b"redis-ver":
            self.log.notice(f"Loading RDB produced by version {text}")
        elif event.name == b"ctime" and event.value.isdigit():
            age_s = max(0, int(self.engine.clock.ms // 1000) - int(text))
            self.log.notice(f"RDB age {age_s} seconds")
        elif event.name == b"used-mem" and event.value.isdigit():
            self.used_memory_bytes = int(text)
            self.log.notice(f"RDB memory usage when created {int(text) / (1 << 20):.2f} Mb")


def load_library(engine: Engine, code: bytes, replace: bool) -> bool:
    """Add a library of a snapshot; tell whether that worked, having logged why not."""
    try:
        engine.libraries.load(code, replace, 0.0)
    except CommandError as error:
        reason = error.text.removeprefix(b"ERR ").decode(errors="backslashreplace")
        engine.log.warning(f"Failed loading library, {reason}")
        return False
    return True


class _FirstSnapshot(RdbLoader):
    """The snapshot that a server starts with: the log is told how it went."""

    def __init__(self, engine: Engine, path: str) -> None:
        super().__init__(engine, path)
        self._started_s = monotonic()

    def step(self, budget_s: float) -> bool:
        """Load for `budget_s` seconds; return True when everything is loaded."""
        try:
            if not super().step(budget_s):
                return False
        except LoadError:
            self.log.warning(self.last_words)
            raise
        self.log.notice(f"DB loaded from disk: {monotonic() - self._started_s:.3f} seconds")
        return True


def first_loader(engine: Engine) -> Loader | None:
    """Return what loads the data that a server starts with: the append-only file if it is kept, else the snapshot.

    None when there is nothing to load. Raises LoadError or LogFileError.
    """
    from respd.persistence.log_loader import prepare_log

    log_loader = prepare_log(engine)
    if engine.config.appendonly:
        return log_loader
    name = engine.config.dbfilename
    return _FirstSnapshot(engine, name) if engine.disk.exists(name) else None


def reload_snapshot(engine: Engine, merge: bool) -> None:
    """Load the configured snapshot in one go. Raises LoadError."""
    loader = RdbLoader(engine, engine.config.dbfilename, merge)
    while not loader.step(1.0):
        pass
    note_loaded(engine, loader)


def note_loaded(engine: Engine, loader: Loader) -> None:
    """Keep what INFO tells about the last load."""
    if isinstance(loader, RdbLoader):
        engine.snapshots.last_keys_loaded = loader.keys
        engine.snapshots.last_keys_expired = loader.expired
