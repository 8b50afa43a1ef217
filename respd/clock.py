"""The time, handed to whoever needs it: never fetched, so that tests move it by hand."""

from typing import Final

from librt.time import time
from mypy_extensions import i64, mypyc_attr

_MS: Final = 1000.0


@mypyc_attr(allow_interpreted_subclasses=True)
class Clock:
    """Wall-clock time that stands still while one command runs.

    `ms` is the cached moment in milliseconds since the epoch, `seconds` the same as a float with microseconds.
    `refresh()` reads the clock of the machine, moves both on unless the clock is `frozen` (while a transaction or a
    script runs), and returns what it read.
    """

    def __init__(self) -> None:
        self.seconds: float = time()
        self.ms: i64 = int(self.seconds * _MS)
        self.frozen: bool = False

    def refresh(self) -> float:
        """Read the machine's clock into `ms` and `seconds`, unless frozen; return the seconds read."""
        seconds = time()
        if not self.frozen:
            self.seconds = seconds
            self.ms = int(seconds * _MS)
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
        self.seconds = int(self.ms) / _MS
