"""The process' memory: cyclic garbage is collected in slices, and what is free goes back to the system.

**Garbage.** Nothing that lives long holds a cycle, so only the youngest objects are collected, and what survives its
first collection is put out of the collector's sight: it never walks over millions of keys. It does look at all that the
young containers refer to, and a node of a list refers to hundreds of elements; so it runs every 10 ms while containers
are made quickly. A crowd that came at once (a file was loaded) goes out of sight unseen.

**The C library's heap.** Python keeps small objects in arenas and gives back those that are empty, but tables and lists
of more than 512 bytes live in the heap of the C library, and glibc gives back only its end: one block that lives there
keeps everything below. `malloc_trim` gives back the free pages in between, a megabyte in 0.1 ms. So it is called again
and again while large values are freed, and else when clients are quiet; and ever more rarely when it is of no use. On
systems without it nothing happens.
"""

import gc
import time
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64, mypyc_attr

from respd.clock import Clock
from respd.database import Graveyard
from respd.stats import Stats, resident_bytes

YOUNG: Final = 500  # containers, from which they are collected
_CROWD: Final = 20_000
_QUIET_MS: Final = 1000
_QUIET_COMMANDS: Final = 10  # in a second in which clients are quiet
_BUSY_COMMANDS: Final = 10_000  # after which something may be free
_BUSY_BYTES: Final = 8 << 20  # of input, likewise: a few large values
_USEFUL_BYTES: Final = 1 << 18  # given back
_MOST_PATIENCE: Final = 64
_LONG_S: Final = 0.005
_REST: Final = 20  # times the time that giving back took, when it took long


@mypyc_attr(allow_interpreted_subclasses=True)
class Heap:
    """The C library's heap: how to give back what is free in it, and how to see whether that was of use."""

    def __init__(self) -> None:
        self._malloc_trim: Callable[[int], int] | None = None
        self._is_known: bool = False

    def trim(self) -> float:
        """Give free pages back to the system, where that can be done; return the seconds of processor it took."""
        started = time.thread_time()
        if not self._is_known:
            self._is_known = True
            self._malloc_trim = _find_malloc_trim()
        if self._malloc_trim is not None:
            self._malloc_trim(0)
        return time.thread_time() - started

    def resident_bytes(self) -> int:
        """Return the memory of this process that is in RAM."""
        return resident_bytes()


def _find_malloc_trim() -> Callable[[int], int] | None:
    import ctypes

    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return found
    except (AttributeError, OSError, TypeError):
        return None  # another C library


class Memory:
    """Both of the above: `tidy` is to be called several times a second."""

    def __init__(self, clock: Clock, stats: Stats, graveyard: Graveyard, heap: Heap) -> None:
        self.clock = clock
        self.stats = stats
        self.graveyard = graveyard
        self.heap = heap
        self._rest_until_ms: i64 = 0
        self._patience: i64 = 1  # slices to free before the next try
        self._slices: i64 = 0  # freed since the last
        self._commands: i64 = 0  # that had run at the last
        self._input_bytes: i64 = 0  # that had come at the last
        self._quiet_since_ms: i64 = clock.ms
        self._quiet_commands: i64 = 0  # that had run when it was last not quiet

    def tidy(self) -> bool:
        """Collect young garbage, give memory back if some may be free; return whether to call again in 10 ms."""
        young = gc.get_count()[0]
        if young > YOUNG:
            if young < _CROWD:
                gc.collect(0)
            gc.freeze()
        now_ms = self.clock.ms
        commands = self.stats.total_commands_processed
        if _grown(self._quiet_commands, commands) > _QUIET_COMMANDS:
            self._quiet_commands = commands
            self._quiet_since_ms = now_ms
        elif now_ms - self._quiet_since_ms >= _QUIET_MS and not self.graveyard.values:
            if self._slices > 0 or _grown(self._commands, commands) >= _BUSY_COMMANDS or self._has_come(_BUSY_BYTES):
                self.give_back()
        return young > YOUNG // 4

    def _has_come(self, size: i64) -> bool:
        return _grown(self._input_bytes, self.stats.total_net_input_bytes) >= size

    def freed_some(self) -> None:
        """Note that a part of a large value was freed, and give memory back unless that was of no use lately."""
        self._slices += 1
        if self._slices >= self._patience and self.clock.ms >= self._rest_until_ms:
            self.give_back()

    def give_back(self) -> None:
        """Give what is free to the system, now."""
        heap = self.heap
        before = heap.resident_bytes()
        took = heap.trim()
        if before - heap.resident_bytes() >= _USEFUL_BYTES:
            self._patience = 1
        elif self._patience < _MOST_PATIENCE:
            self._patience *= 2
        self.clock.refresh()
        self._rest_until_ms = self.clock.ms + (int(took * 1000 * _REST) if took > _LONG_S else 0)
        self._slices = 0
        self._commands = self.stats.total_commands_processed
        self._input_bytes = self.stats.total_net_input_bytes


def _grown(before: i64, now: i64) -> i64:
    """Return how much a counter has grown; it may have been reset."""
    return now - before if now >= before else now
