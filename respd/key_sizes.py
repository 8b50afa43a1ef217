"""How many keys there are of which size: the histograms of INFO keysizes.

Nothing is counted when keys are written, which would cost every write something for figures that few ask for. A small
keyspace is walked when it is asked about. A large one is walked in slices between other work, once somebody has asked,
and not again soon: who asks meanwhile sees the last finished walk.

A walk goes up the dense lists of keys, as far as they reached when it came to each. A removal moves the last key into
the hole: below the walk, then, a key that is gone was counted in place of the one that has moved there. So no key is
counted twice where it stands, however quickly keys come and go, and a walk ends however quickly they come.

A bucket holds the sizes from one power of two to the next, the first one size 0. Strings count bytes, others members;
streams are not counted. Source: redis.io/commands/info.
"""

from typing import Final

from mypy_extensions import i64

from respd.clock import Clock
from respd.database import Database, Entry
from respd.datatypes.hashes import HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet

_SMALL: Final = 10_000  # keys in all that are walked at once
_SLICE: Final = 2000  # keys of a larger keyspace that are walked at a time
_FRESH_MS: Final = 10_000  # for which a walk's figures are good enough

_NAMES: Final = (b"strings_sizes", b"lists_items", b"sets_items", b"zsets_items", b"hashes_items")
_BUCKETS: Final = 60  # of each type
_COUNTERS: Final = 300  # of a database
_UNITS: Final = (b"", b"K", b"M", b"G", b"T", b"P")

_LISTS: Final = 1
_SETS: Final = 2
_ZSETS: Final = 3
_HASHES: Final = 4


class KeySizes:
    """The histograms of all databases, as of a walk."""

    def __init__(self, databases: list[Database], clock: Clock) -> None:
        self._databases = databases
        self._clock = clock
        self._finished: list[list[int]] | None = None
        self._finished_ms: i64 = 0
        self._walk: list[list[int]] | None = None  # what a walk has counted so far,
        self._slot: int = 0  # and where it goes on, and ends, in the database of the last histogram
        self._end: int = 0

    def ask(self) -> bool:
        """Tell whether the sizes are known, or have been lately; if not, begin a walk unless one is under way."""
        if self._is_small() or self._is_fresh():
            return True
        if self._walk is None:
            self._walk = []
            self._slot = self._end = 0
        return False

    def lines(self) -> list[bytes]:
        """Return INFO's lines: of the keys as they are when they are few, else of the last finished walk."""
        if self._is_small():
            self._walk = None
            self._finished = None
            counts: list[list[int]] = []
            for db in self._databases:
                counts.append([0] * _COUNTERS)
                _count(db, 0, _SMALL, counts[-1])
            return _lines(counts)
        self.ask()
        return [] if self._finished is None else _lines(self._finished)

    def step(self) -> bool:
        """Go on with a walk, if one is under way; return whether it still is."""
        walk = self._walk
        if walk is None:
            return False
        while self._slot >= self._end:
            if len(walk) == len(self._databases):
                self._finished = walk
                self._finished_ms = self._clock.ms
                self._walk = None
                return False
            self._slot = 0
            self._end = self._databases[len(walk)].size()
            walk.append([0] * _COUNTERS)
        _count(self._databases[len(walk) - 1], self._slot, min(_SLICE, self._end - self._slot), walk[-1])
        self._slot += _SLICE
        return True

    def _is_small(self) -> bool:
        return sum([db.size() for db in self._databases]) <= _SMALL

    def _is_fresh(self) -> bool:
        return self._finished is not None and self._clock.ms < self._finished_ms + _FRESH_MS


def _count(db: Database, slot: int, limit: int, counts: list[int]) -> None:
    """Count up to `limit` keys, from a slot of the dense list on."""
    entries = db.entries
    for key in db.dense[slot : slot + limit]:
        counts[_bucket(entries[key])] += 1


def _bucket(entry: Entry) -> int:
    """Return which counter a key belongs to; the last one, which no size reaches, when it is of none."""
    value = entry.value
    if isinstance(value, bytes):
        return len(value).bit_length()
    if isinstance(value, bytearray):
        return len(value).bit_length()
    if isinstance(value, int):
        return len(str(value)).bit_length()
    if isinstance(value, ListValue):
        return _LISTS * _BUCKETS + len(value).bit_length()
    if isinstance(value, SetValue):
        return _SETS * _BUCKETS + len(value).bit_length()
    if isinstance(value, SortedSet):
        return _ZSETS * _BUCKETS + len(value).bit_length()
    if isinstance(value, HashValue):
        return _HASHES * _BUCKETS + len(value).bit_length()
    return -1


def _lines(histograms: list[list[int]]) -> list[bytes]:
    lines: list[bytes] = []
    for index, counts in enumerate(histograms):
        for kind, name in enumerate(_NAMES):
            shown: list[bytes] = []
            for bucket in range(_BUCKETS - 1):
                count = counts[kind * _BUCKETS + bucket]
                if count:
                    shown.append(b"%b=%d" % (_label(bucket), count))
            if shown:
                lines.append(b"db%d_distrib_%b:%b" % (index, name, b",".join(shown)))
    return lines


def _label(bucket: int) -> bytes:
    """Return the least size of a bucket: `0`, `1`, `2`, `512`, `1K`, `64M`."""
    if bucket == 0:
        return b"0"
    power = bucket - 1
    return b"%d%b" % (1 << power % 10, _UNITS[power // 10])
