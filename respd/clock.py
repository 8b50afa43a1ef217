"""The time, handed to whoever needs it: never fetched, so that tests move it by hand."""

import time
from typing import Final

from mypy_extensions import i64, mypyc_attr

_MS: Final = 1000.0


@mypyc_attr(allow_interpreted_subclasses=True)
class Clock:
    """Wall-clock time that stands still while one command runs.

    `ms` is the cached moment in milliseconds since the epoch, `seconds` the same as a float with microseconds.
    `refresh()` reads the clock of the machine and returns `seconds`.
    """

    def __init__(self) -> None:
        self.seconds: float = time.time()
        self.ms: i64 = int(self.seconds * _MS)

    def refresh(self) -> float:
        """Read the machine's clock into `ms` and `seconds`; return `seconds`."""
        seconds = time.time()
        self.seconds = seconds
        self.ms = i64(seconds * _MS)
        return seconds


class ManualClock(Clock):
    """A clock that moves only when told to."""

    def __init__(self, ms: int = 1_700_000_000_000) -> None:
        super().__init__()
        self.ms = ms
        self.seconds = ms / _MS

    def refresh(self) -> float:
        """Leave the time as it is."""
        return self.seconds

    def advance(self, ms: int) -> None:
        """Move the time on by `ms` milliseconds."""
        self.ms += ms
        self.seconds = self.ms / _MS
