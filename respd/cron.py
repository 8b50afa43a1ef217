"""What the server does `hz` times a second: sample its rates, move the access clock on, collect young garbage."""

import gc
from typing import Final

from mypy_extensions import i64

from respd.database import access_second
from respd.engine import Engine

_YOUNG_LIMIT: Final = 2000


class Cron:
    """Periodic work. `next_ms` is when `run` is due again."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.next_ms: i64 = engine.clock.ms

    def run(self) -> None:
        """Do one round."""
        engine = self.engine
        now_ms = engine.clock.ms
        self.next_ms = now_ms + 1000 // engine.config.hz
        engine.shared.access_clock = access_second(now_ms)
        engine.stats.sample(int(now_ms))
        engine.rewriter.check()
        if gc.get_count()[0] > _YOUNG_LIMIT:
            # Nothing that lives long holds a cycle. What survives its first collection is put out of the collector's
            # sight, so that no later collection walks over millions of keys.
            gc.collect(0)
            gc.freeze()
