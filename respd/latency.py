"""The latency monitor: events that took at least `latency-monitor-threshold` ms, a short history of each.

Source: redis.io, "Redis latency monitoring".
"""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from mypy_extensions import i64

from respd.config import Config

HISTORY: Final = 160
_MS: Final = 1e3


class Event:
    """What is remembered of one kind of event: the worst of each of the last 160 seconds that had one, oldest first."""

    def __init__(self) -> None:
        self.samples: deque[tuple[int, int]] = deque()  # (second, ms)
        self.worst_ms: int = 0

    def add(self, at_s: int, duration_ms: int) -> None:
        """Note a sample; of one second only the worst is kept."""
        self.worst_ms = max(self.worst_ms, duration_ms)
        if self.samples and self.samples[-1][0] == at_s:
            duration_ms = max(duration_ms, self.samples.pop()[1])
        self.samples.append((at_s, duration_ms))
        if len(self.samples) > HISTORY:
            self.samples.popleft()


class LatencyMonitor:
    """The events by name. `threshold_s` is what counts as slow, in seconds, infinite when the monitor is off."""

    def __init__(self, config: Config) -> None:
        self.events: dict[bytes, Event] = {}
        self.threshold_s: float = float("inf")
        self.configure(config.latency_monitor_threshold)

    def configure(self, threshold_ms: int) -> None:
        """Take over the threshold; 0 switches the monitor off and keeps what it has seen."""
        self.threshold_s = threshold_ms / _MS if threshold_ms > 0 else float("inf")

    def add(self, name: bytes, duration_s: float, at_s: int) -> None:
        """Note that the event `name` took so long."""
        event = self.events.get(name)
        if event is None:
            event = Event()
            self.events[name] = event
        event.add(at_s, int(duration_s * _MS))

    def since(self, name: bytes, started_s: float, now_ms: i64) -> None:
        """Note, if it was slow, the event `name`, which began at `started_s` (monotonic) and has just ended."""
        duration_s = time.monotonic() - started_s
        if duration_s >= self.threshold_s:
            self.add(name, duration_s, int(now_ms // 1000))

    def reset(self, names: list[bytes]) -> int:
        """Forget the named events, or all when none is named; return how many there were."""
        count = 0
        for name in names or list(self.events):
            if self.events.pop(name, None) is not None:
                count += 1
        return count
