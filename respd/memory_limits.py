"""maxmemory and maxmemory-clients before each command: look, evict, and say which commands are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respd import gates
from respd.command import DENYOOM, Command
from respd.context import Context
from respd.eviction import FAILED
from respd.scripting.flags import ALLOW_OOM, NO_SHEBANG, NO_WRITES

if TYPE_CHECKING:
    from respd.engine import Engine


class MemoryLimits:
    """Sees to it that data and clients keep to their limits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        config = engine.config
        config.on_change(["maxmemory"], self._configure_limit)
        config.on_change(["maxmemory-clients"], self._configure_gate)
        config.on_change(
            [
                "maxmemory-policy",
                "lfu-log-factor",
                "lfu-decay-time",
                "lazyfree-lazy-expire",
                "lazyfree-lazy-eviction",
            ],
            engine.eviction.configure,
        )

    def start(self) -> None:
        """Begin with the limits that the configuration has."""
        self._engine.eviction.start()
        self._configure_gate()

    def are_exceeded(self, ctx: Context, command: Command, args: list[bytes]) -> bool:
        """Evict what must go before a command; tell whether the command is to be refused for want of memory."""
        engine = self._engine
        self.look()
        if engine.eviction.state != FAILED or ctx.client.gates & gates.CLOSING:
            return False
        if command.name != b"exec":
            return command.flags & DENYOOM != 0 or self._script_needs_some(command, args)
        for words in ctx.client.queued:
            queued = engine.commands.lookup(words)
            if queued is not None and (queued.flags & DENYOOM or self._script_needs_some(queued, words)):
                return True
        return False

    def _script_needs_some(self, command: Command, args: list[bytes]) -> bool:
        """Tell whether a command runs a script or function whose flags say that it may need memory."""
        return not self._engine.script_flags(command, args) & (NO_SHEBANG | ALLOW_OOM | NO_WRITES)

    def look(self) -> None:
        """See to it that clients and data keep to their limits, if it is time to."""
        engine = self._engine
        eviction = engine.eviction
        if engine.clock.ms < eviction.look_at_ms or engine.busy is not None:
            return
        engine.client_eviction.look()
        if eviction.limit_bytes == 0:
            eviction.look_at_ms = engine.clock.ms + 1
        elif engine.gates & (gates.LOADING | gates.PAUSED):
            eviction.stop()
        else:
            eviction.uncounted_bytes = engine.append_log.buffered()
            eviction.look()

    def _configure_limit(self) -> None:
        engine = self._engine
        engine.eviction.uncounted_bytes = engine.append_log.buffered()
        engine.eviction.limit()
        self._configure_gate()

    def _configure_gate(self) -> None:
        engine = self._engine
        engine.client_eviction.configure()
        if engine.eviction.limit_bytes or engine.client_eviction.limit_bytes:
            engine.gates |= gates.MEMORY
        else:
            engine.gates &= ~gates.MEMORY
