"""MONITOR: the clients that are told of every command, and how. Source: redis.io/commands/monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd import gates
from respd.command import ADMIN, SKIP_MONITOR, Command
from respd.directive_kinds import quoted
from respd.protocol.replies import Status

if TYPE_CHECKING:
    from respd.client import Client

FROM_SCRIPT: Final = b"lua"


def is_shown(command: Command) -> bool:
    """Tell whether a command is shown when it has run: administration never is, scripts are when they begin."""
    return not command.flags & (ADMIN | SKIP_MONITOR)


class Monitors:
    """The clients in MONITOR mode."""

    def __init__(self) -> None:
        self.clients: list[Client] = []

    def add(self, client: Client) -> None:
        """Tell `client` of every command from now on."""
        if not client.is_monitor:
            client.is_monitor = True
            client.gates |= gates.MONITOR
            self.clients.append(client)

    def remove(self, client: Client) -> None:
        """Tell `client` no more."""
        if client.is_monitor:
            client.is_monitor = False
            client.gates &= ~gates.MONITOR
            self.clients.remove(client)

    def show(self, moment: float, db_index: int, source: bytes, words: list[bytes]) -> None:
        """Tell of a command: `moment` in seconds since the epoch, `source` an address or what stands for one."""
        micros = int(moment * 1_000_000)
        place = b"%d.%06d [%d %b]" % (micros // 1_000_000, micros % 1_000_000, db_index, source)
        line = Status(place + b"".join([b" " + quoted(word) for word in words]))
        for client in self.clients:
            if not client.gates & gates.CLOSING:
                client.push_raw(line.wire)
