"""What the server does `hz` times a second: sample rates, move the access clock on, tidy memory, measure keys."""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from respd.engine import Engine
from respd.memory import Heap, Memory

_SOON_MS: Final = 10


class Cron:
    """Periodic work. `next_ms` is when `run` is due again."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.memory = Memory(engine.clock, engine.stats, engine.shared.graveyard, Heap())
        self.next_ms: i64 = engine.clock.ms
        self._round_ms: i64 = engine.clock.ms
        self.checks: list[Callable[[], None]] = [engine.children.check, engine.rewriter.check, engine.snapshots.check]

    def run(self) -> bool:
        """Do one round if it is time for it, and return whether it was; some of it goes on in between."""
        engine = self.engine
        now_ms = engine.clock.ms
        is_time = now_ms >= self._round_ms
        if is_time:
            self._round_ms = now_ms + 1000 // engine.config.hz
            self._round(now_ms)
        self.next_ms = self._round_ms
        is_untidy = self.memory.tidy()
        is_walking = engine.key_sizes.step()
        if (is_untidy or is_walking) and now_ms + _SOON_MS < self._round_ms:
            self.next_ms = now_ms + _SOON_MS
        return is_time

    def _round(self, now_ms: i64) -> None:
        engine = self.engine
        engine.shared.tick(now_ms)
        engine.stats.sample(int(now_ms))
        if engine.loading is None:
            for check in self.checks:
                try:
                    check()
                except Exception as defect:  # the others have their turn all the same
                    engine.defects.outside("the periodic work", defect)
