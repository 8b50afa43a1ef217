"""CLIENT PAUSE: commands are held back until a moment, all of them or those that write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from respd import gates
from respd.client import Client
from respd.command import MAY_REPLICATE, WRITE, Command
from respd.context import Context
from respd.scripting.flags import NO_WRITES

if TYPE_CHECKING:
    from respd.engine import Engine


class Pause:
    """A pause under way, or what the last one has left: `until_ms` is the moment at which it ends."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.until_ms: i64 = 0
        self.write_only: bool = False
        self.postponed: list[Client] = []
        self.released: list[Client] = []  # a pause held them back; their commands run before the loop sleeps

    def hold(self, client: Client, args: list[bytes]) -> None:
        """Hold a client back with its command."""
        client.postponed = args
        client.gates |= gates.BLOCKED
        self.postponed.append(client)

    def forget(self, client: Client) -> None:
        """Drop what a client that has gone was to run."""
        if client.postponed is not None:
            client.postponed = None
            (self.postponed if client in self.postponed else self.released).remove(client)

    def start(self, until_ms: int, write_only: bool) -> None:
        """CLIENT PAUSE: hold commands back until a moment; a pause under way is only ever made longer or stricter."""
        engine = self._engine
        if engine.gates & gates.PAUSED:
            write_only = write_only and self.write_only
            until_ms = max(until_ms, int(self.until_ms))
        self.until_ms = until_ms
        self.write_only = write_only
        engine.gates |= gates.PAUSED

    def end(self) -> None:
        """End a pause: what was held back runs before the loop sleeps, in order."""
        engine = self._engine
        if not engine.gates & gates.PAUSED:
            return
        engine.gates &= ~gates.PAUSED
        self.released += self.postponed
        self.postponed = []

    def run_released(self) -> None:
        """Run the commands that a pause held back; a new pause may hold them back again."""
        engine = self._engine
        while self.released:
            client = self.released.pop(0)
            args = client.postponed
            client.postponed = None
            client.gates &= ~gates.BLOCKED
            ctx = engine.contexts.get(client.id)
            if args is not None and ctx is not None:
                engine.execute(ctx, args)
                engine.resumed.append(client)

    def holds(self, ctx: Context, command: Command, args: list[bytes]) -> bool:
        """Tell whether a command has to wait: EXEC does if one of those queued does, a script unless it says better."""
        if not self.write_only:
            return True
        if command.flags & (WRITE | MAY_REPLICATE):
            return self._engine.script_flags(command, args) & NO_WRITES == 0
        if command.name != b"exec":
            return False
        for words in ctx.client.queued:
            queued = self._engine.commands.lookup(words)
            if queued is not None and queued.flags & (WRITE | MAY_REPLICATE):
                return True
        return False
