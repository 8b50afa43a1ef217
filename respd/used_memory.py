"""How much memory the process uses, asked as cheaply as the answer must be exact.

The *resident size* is one read of a file of the kernel's: a microsecond. It tells at once when the process grows. But
what is freed stays resident: Python's allocator gives an arena (1 MB) back when nothing is left in it, and the C
library's heap only its end; so a server that has deleted half of its keys would look as full as before. What is *used*
leaves out what both allocators keep for later:

    used = pages of files (the program) + blocks in use of Python's allocator + blocks in use of the C library's
           + the rest (stacks, static data), which is what was left over when it was measured

Python tells of its blocks in a report on all its arenas, whose lines are written to memory here and read back (50 us
for 150 MB, 0.3 ms for 1 GB). The C library tells by `mallinfo2`, which walks over all that is free in its heap: nothing
while a server fills, 1 ms for 3,000 holes, 20 ms for the 50,000 that random deletes of values of 1 kB in 200 MB leave.
So it is asked while that is bearable (who asks takes care not to ask often); else, and where one of the allocators does
not tell, what it keeps counts as used, and `is_exact` is false. Nothing is loaded before the first question.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

from mypy_extensions import i64, mypyc_attr

from respd.stats import resident_bytes

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_SMALL_HEAP: Final = 16 << 20
_BEARABLE_S: Final = 0.020
_AGAIN: Final = 100  # times what a walk took that was too long
_ALLOCATED: Final = b"# bytes in allocated blocks"
_ARENAS: Final = b"bytes/arena"
_NAMES: Final = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
)  # fmt: skip


@mypyc_attr(allow_interpreted_subclasses=True)
class UsedMemory:
    """The two figures, in bytes. `took_s` is how much of the processor the last `used_bytes` has taken, `kept_bytes`
    what the C library's heap kept for later, as far as it was told.
    """

    def __init__(self) -> None:
        self.took_s: float = 0.0
        self.kept_bytes: i64 = 0
        self.is_exact: bool = True
        self._statm: int = -1
        self._shared_bytes: i64 = 0  # pages of files, as of the last look
        self._rest_bytes: i64 = 0
        self._heap_took_s: float = 0.0
        self._again_at_s: float = 0.0
        self._heap_bytes: i64 = 0  # and its end, when it was last asked about
        self._heap_end: i64 = 0
        self._is_known: bool = False
        self._libc: Any = None
        self._mallinfo: Any = None
        self._report: Any = None
        self._pointer: Any = None
        self._size: Any = None

    def resident_bytes(self) -> i64:
        """Return the memory of this process that is in RAM."""
        if self._statm < 0:
            try:
                self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
            except (OSError, AttributeError):
                return resident_bytes()
        fields = os.pread(self._statm, 128, 0).split(b" ", 3)
        self._shared_bytes = int(fields[2]) * _PAGE_BYTES
        pages: i64 = int(fields[1])
        return pages * _PAGE_BYTES

    def used_bytes(self, whatever_it_takes: bool = False) -> i64:
        """Return how much is in use: of the resident size, what no allocator keeps for later."""
        started = time.thread_time()
        if not self._is_known:
            self._is_known = True
            self._find()
        resident = self.resident_bytes()
        in_use, arenas = self._python_bytes()
        used = resident - (arenas - in_use)
        self.is_exact = False
        self.kept_bytes = 0
        if self._mallinfo is not None and (whatever_it_takes or self._is_bearable()):
            resident_heap = resident - self._shared_bytes - arenas
            used_heap = self._heap_in_use(resident_heap)
            used = self._shared_bytes + in_use + used_heap
            self.kept_bytes = max(i64(0), resident_heap - used_heap)
            self.is_exact = True
        self.took_s = time.thread_time() - started
        return used

    def _is_bearable(self) -> bool:
        """Tell whether a walk over the heap's holes will not take long, by what the last one took.

        One that was hardly too long may have been so by chance: it is tried again later.
        """
        heap = self._heap_bytes + int(self._libc.sbrk(0)) - self._heap_end
        if heap < _SMALL_HEAP:
            return True
        if self._heap_took_s < _BEARABLE_S:
            return bool(heap < 2 * self._heap_bytes + _SMALL_HEAP)
        return self._heap_took_s < 2 * _BEARABLE_S and time.monotonic() >= self._again_at_s

    def _heap_in_use(self, resident: i64) -> i64:
        """Return what of `resident`, all of it but the arenas and the program, is in use."""
        started = time.thread_time()
        info = self._mallinfo()
        self._heap_took_s = time.thread_time() - started
        self._again_at_s = time.monotonic() + self._heap_took_s * _AGAIN
        self._heap_bytes = int(info.arena)
        self._heap_end = int(self._libc.sbrk(0))
        known: i64 = self._heap_bytes + int(info.hblkhd)
        # What neither allocator knows of. Pages that were given back make it look smaller than it is.
        if resident - known > self._rest_bytes:
            self._rest_bytes = resident - known
        in_use: i64 = int(info.uordblks) + int(info.hblkhd)
        return in_use + self._rest_bytes

    def _python_bytes(self) -> tuple[i64, i64]:
        """Return the bytes of Python's blocks in use, and of its arenas; zeros where it does not tell."""
        if self._report is None:
            return 0, 0
        stream = self._libc.open_memstream(self._pointer, self._size)
        if not stream:
            return 0, 0
        self._report(stream)
        self._libc.fclose(stream)
        address = self._pointer._obj.value
        import ctypes

        text = ctypes.string_at(address, self._size._obj.value)
        self._libc.free(address)
        in_use: i64 = 0
        arenas: i64 = 0
        for line in text.splitlines():
            if line.startswith(_ALLOCATED):
                in_use = _number_of(line)
            elif _ARENAS in line:
                arenas = _number_of(line)
        return in_use, arenas

    def _find(self) -> None:
        """Look for what the two allocators offer."""
        import ctypes

        try:
            libc: Any = ctypes.CDLL(None)
            self._report = ctypes.pythonapi._PyObject_DebugMallocStats
            self._report.argtypes = [ctypes.c_void_p]
            libc.open_memstream.restype = ctypes.c_void_p
            libc.open_memstream.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
            libc.fclose.argtypes = [ctypes.c_void_p]
            libc.free.argtypes = [ctypes.c_void_p]
        except (AttributeError, OSError, TypeError):
            self._report = None
            return
        self._libc = libc
        self._pointer = ctypes.byref(ctypes.c_void_p())
        self._size = ctypes.byref(ctypes.c_size_t())
        try:
            self._mallinfo = libc.mallinfo2
            libc.sbrk.restype = ctypes.c_ssize_t
        except AttributeError:
            self._mallinfo = None
            return
        self._heap_end = int(libc.sbrk(0))
        fields: Any = [(name, ctypes.c_size_t) for name in _NAMES]
        self._mallinfo.restype = type("Mallinfo2", (ctypes.Structure,), {"_fields_": fields})


def _number_of(line: bytes) -> int:
    """Return the number, with its commas, at the end of a line."""
    return int(line.rpartition(b"=")[2].replace(b",", b""))
