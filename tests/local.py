"""An engine in this process: no socket, no file, and a clock that a test moves by hand."""

from __future__ import annotations

from respd.client import Client
from respd.clock import ManualClock
from respd.command import Group
from respd.config import Config
from respd.context import Context
from respd.engine import Engine
from respd.keyspace_events import ALL, KEY_MISS, KEYEVENT
from respd.log import Log
from respd.protocol.requests import RequestParser
from tests.wire import Frame, ReplyReader, plain, split

SEED = 7


class Local:
    """Runs commands of the given groups, over RESP3, and keeps what they log and which keyspace events they send."""

    def __init__(self, *groups: Group) -> None:
        self.clock = ManualClock()
        config = Config()
        config.put(b"save", [])
        self.engine = Engine(config, list(groups), self.clock, Log(level=b"nothing"), SEED)
        self.engine.record_effects(True)
        self.engine.shared.set_notify(ALL | KEY_MISS | KEYEVENT)
        self._watcher = self.engine.connect().client
        self.engine.pubsub.psubscribe(self._watcher, b"*")
        self.ctx = self.connect()

    def connect(self) -> Context:
        """Open another session."""
        ctx = self.engine.connect()
        ctx.client.speak(3)
        return ctx

    def run(self, command: str | list[bytes], ctx: Context | None = None) -> object:
        """Run one command, split as redis-cli does; return its reply as a Python value, errors as `Error`."""
        ctx = ctx or self.ctx
        self.engine.execute(ctx, split(command) if isinstance(command, str) else command)
        frames = _written(ctx.client)
        assert len(frames) == 1
        return plain(frames[0])

    def send(self, command: str | list[bytes], ctx: Context | None = None) -> None:
        """Run a command that may not answer yet, or more than once; `heard` tells what it wrote."""
        self.engine.execute(ctx or self.ctx, split(command) if isinstance(command, str) else command)

    def heard(self, ctx: Context | None = None) -> list[object]:
        """Return what was written to a session since the last look, as Python values."""
        return [plain(frame) for frame in _written((ctx or self.ctx).client)]

    def pass_time(self, ms: int) -> None:
        """Move the clock, and do what is then due, as the loop would."""
        self.clock.advance(ms)
        self.engine.before_sleep()

    def logged(self) -> list[list[bytes]]:
        """What was logged since the last call, without the SELECTs."""
        return [words for words in logged_by(self.engine) if words[0] != b"SELECT"]

    def events(self) -> list[tuple[bytes, bytes]]:
        """The keyspace events since the last call, as (event, key)."""
        found: list[tuple[bytes, bytes]] = []
        for frame in _written(self._watcher):
            channel, key = frame.items[2].value, frame.items[3].value
            assert isinstance(channel, bytes) and isinstance(key, bytes)
            found.append((channel.partition(b":")[2], key))
        return found


def logged_by(engine: Engine) -> list[list[bytes]]:
    """Take what an engine has logged."""
    parser = RequestParser()
    parser.feed(engine.effects.take())
    commands: list[list[bytes]] = []
    while (words := parser.next()) is not None:
        commands.append(words)
    return commands


def _written(client: Client) -> list[Frame]:
    """Take the frames that were written to a client."""
    reader = ReplyReader()
    reader.feed(client.out.getvalue())
    client.out.truncate(0)
    frames: list[Frame] = []
    while (frame := reader.next()) is not None:
        frames.append(frame)
    return frames
