"""The memory of a Lua state: how much scripts may take, and what is kept for us.

Lua allocates for us too where no Lua error may be raised: replies, results, errors that Python raises. So a part of the
limit is kept for us: when scripts have taken the rest, the next thing they ask of Python ends the script, and the limit
is lifted while we clean up. Errors of memory inside a script are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_LIMIT: Final = 512 << 20
_OURS: Final = 64 << 20
SPENT: Final = _LIMIT - _OURS  # scripts may take so much
_TIDY_AT: Final = 64 << 20  # all garbage is collected after a script that leaves more than this, and doubles it
_SPARE_REFERENCES: Final = 9000  # as many values as a call can have
LARGE: Final = 1 << 20  # what is larger is counted before it goes into Lua


class LuaMemory:
    """Counts and limits what a state takes. `used()` is the bytes taken, the state's own beginnings apart.

    `release()` lets go of the last reply, which Lua keeps for as long as we may ask for more of it.
    """

    def __init__(self, lua: Any) -> None:
        self._lua = lua
        self.used: Callable[[], int] = lua.get_memory_used
        self.release: Callable[[], object] = _nothing
        self._is_limited = True
        self._tidy_at: int = _TIDY_AT
        spare = [lua.table() for _ in range(_SPARE_REFERENCES)]  # so that none must be made in a script's reach
        del spare
        self.limit()

    def close(self) -> None:
        """Let go of the state."""
        self._lua = None
        self.used = self.release = _nothing

    def total_bytes(self) -> int:
        """What the state takes."""
        return int(self._lua.get_memory_used(total=True))

    def limit(self) -> None:
        """Limit the memory."""
        self._lua.set_max_memory(_LIMIT)
        self._is_limited = True

    def lift(self) -> None:
        """Allow for any size, until `limit` or `tidy`."""
        self._lua.set_max_memory(0)
        self._is_limited = False

    def make_room(self, size: int) -> None:
        """Allow for `size` bytes of ours."""
        if size > _OURS // 2:
            self.lift()

    def has_room(self, size: int) -> bool:
        """Tell whether so many bytes fit into what scripts may take."""
        return self.used() + size <= SPENT

    def tidy(self) -> None:
        """Free what a script has left behind if that is much, and limit the memory again.

        What stays, as libraries keep it, is no reason to try again after every call.
        """
        if not self._is_limited or self.used() > self._tidy_at:
            self.lift()
            self.release()
            self._lua.gccollect()
            self._tidy_at = max(_TIDY_AT, min(2 * self.used(), SPENT))
            self.limit()


def _nothing() -> int:
    return 0
