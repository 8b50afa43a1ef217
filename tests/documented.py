r"""Commands that no redis-server here has, against replies written down from the public documentation.

A case is a name and pairs of a command line and its reply, given as what a handler returns:

    documented("digest", ("SET k hello", OK), ("DIGEST k", b"9555e8555c62dcfd"), ("DIGEST missing", None))

Every case runs over RESP2 and RESP3, directly and with each command inside a MULTI/EXEC of its own; compared is every
byte of the replies. `any_reply` is for what another step is to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from librt.strings import BytesWriter

from respd.commands import all_groups
from respd.context import Context
from respd.errors import CommandError
from respd.protocol.replies import encode
from tests.local import Local
from tests.wire import split

any_reply = object()

WRONG_TYPE = CommandError(b"WRONGTYPE Operation against a key holding the wrong kind of value")
SYNTAX = CommandError(b"ERR syntax error")


def err(text: str) -> CommandError:
    """An error reply with the code ERR."""
    return CommandError(b"ERR " + text.encode())


def arity(name: str) -> CommandError:
    """The error of a wrong number of arguments."""
    return err(f"wrong number of arguments for '{name}' command")


@dataclass(frozen=True)
class Documented:
    """One case."""

    name: str
    steps: tuple[tuple[str, Any], ...]

    def run(self, resp: int, in_multi: bool) -> None:
        """Play the case on a server of its own."""
        local = Local(*all_groups())
        ctx = local.connect()
        ctx.client.speak(resp)
        for line, expected in self.steps:
            reply = _in_multi(local, ctx, line) if in_multi else _wire(local, ctx, line)
            if expected is not any_reply:
                assert reply == wire_of(expected, resp), line


def documented(name: str, *steps: tuple[str, Any]) -> Any:
    """A parameter of a test: the case, under its name."""
    return pytest.param(Documented(name, steps), id=name)


def wire_of(reply: object, resp: int) -> bytes:
    """The bytes of a reply."""
    out = BytesWriter()
    encode(out, reply, resp)
    return out.getvalue()


def _wire(local: Local, ctx: Context, line: str) -> bytes:
    local.engine.execute(ctx, split(line))
    reply = ctx.client.out.getvalue()
    ctx.client.out.truncate(0)
    return reply


def _in_multi(local: Local, ctx: Context, line: str) -> bytes:
    """The reply inside EXEC's; what is refused when queued is refused at once."""
    _wire(local, ctx, "MULTI")
    queued = _wire(local, ctx, line)
    if queued != b"+QUEUED\r\n":
        _wire(local, ctx, "DISCARD")
        return queued
    reply = _wire(local, ctx, "EXEC")
    assert reply.startswith(b"*1\r\n")
    return reply[4:]
