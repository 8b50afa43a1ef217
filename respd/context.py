"""What a handler may touch."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from respd.client import Client
from respd.clock import Clock
from respd.config import Config
from respd.database import Database
from respd.datatypes.limits import Limits
from respd.effects import Effects

if TYPE_CHECKING:
    from respd.engine import Engine


class Context:
    """One client's view of the server, made once per connection: the session, its selected database, and the engine.

    `deny_blocking` is set in transactions and scripts.
    """

    def __init__(self, client: Client, db: Database, engine: Engine) -> None:
        self.client: Client = client
        self.db: Database = db
        self.engine: Engine = engine
        self.clock: Clock = engine.clock
        self.config: Config = engine.config
        self.limits: Limits = engine.config.limits
        self.random: Random = engine.random
        self.effects: Effects = engine.effects
        self.deny_blocking: bool = False

    def record(self, words: list[bytes]) -> None:
        """Log `words` instead of the command as sent; several calls log several commands."""
        effects = self.effects
        if effects.is_on:
            if not effects.is_muted:
                effects.add(self.db.index, words)
            self.engine.is_recorded = True

    def record_nothing(self) -> None:
        """Log nothing for this command unless `record` says so."""
        self.engine.is_recorded = True

    def push(self, items: list[object]) -> None:
        """Send out-of-band data to the client."""
        self.client.push(items)

    def has_room_for(self, size_bytes: int) -> bool:
        """Tell whether the client may be sent so much; one that may not is disconnected."""
        limit: int = self.client.output_limit()  # not i64: a count times a size may be beyond it
        if self.deny_blocking or size_bytes <= limit:
            return True
        self.engine.overflow(self.client)
        return False

    def select(self, index: int) -> None:
        """Select a database by a number that is known to exist."""
        self.db = self.engine.databases[index]
        self.client.db_index = index
