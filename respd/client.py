"""A client's session: who it is, what it has selected, what it is to be told. Sockets are the network's business."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd import gates
from respd.protocol.replies import Push, encode

if TYPE_CHECKING:
    from respd.acl import User
    from respd.blocking import Parked
    from respd.database import Database
    from respd.tracking import Tracked

REPLY_ON: Final = 0
REPLY_OFF: Final = 1
REPLY_SKIP: Final = 2
REPLY_SKIP_NEXT: Final = 3

NO_COMMAND: Final = b"NULL"  # the last command, as CLIENT LIST tells it, of who has sent none that exists
_SHARED: Final = 64 * 1024  # bytes from which a push is not copied for each client

# Classes of client-output-buffer-limit.
CLASS_NORMAL: Final = 0
CLASS_REPLICA: Final = 1
CLASS_PUBSUB: Final = 2
FREE_OUTPUT: Final = 16 * 1024  # what may wait to be sent before the limits of output begin to count
NO_LIMIT: Final = 1 << 61  # compiled, a number that needs no object


class Outbox:
    """The clients that have something to be sent; the network empties it before it sleeps.

    `normal_limit` and `pubsub_limit` are how many bytes may wait for a client of that class. `on_overflow` is told of a
    client for whom more wait, and is to see that its connection is closed.
    """

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.normal_limit: i64 = NO_LIMIT
        self.pubsub_limit: i64 = NO_LIMIT
        self.on_overflow: Callable[[Client], None] = _kill

    def limit(self, limits: list[tuple[int, int, int]]) -> None:
        """Take over the hard limits of client-output-buffer-limit."""
        self.normal_limit = _limit_of(limits[CLASS_NORMAL])
        self.pubsub_limit = _limit_of(limits[CLASS_PUBSUB])


class Client:
    """One session. Times are in ms since the epoch, sizes in bytes.

    `gates` (respd.gates) holds the conditions that keep its commands off the fast path. `out` gathers encoded replies;
    whoever writes to it calls `wants_write` so that the network flushes it.
    """

    def __init__(self, id: int, outbox: Outbox, now_ms: i64) -> None:
        self.id: int = id
        self.outbox: Outbox = outbox
        self.out: BytesWriter = BytesWriter()
        self.unsent: list[bytes] = []  # what the kernel would not take yet, oldest first
        self.unsent_size: i64 = 0
        self.protocol: i64 = 2  # of the connection
        self.resp: i64 = 2  # the same, but while a script runs what that has chosen
        self.gates: i64 = 0
        self.wants_flush: bool = False
        self.name: bytes = b""
        self.lib_name: bytes = b""
        self.lib_ver: bytes = b""
        self.user: bytes = b"default"
        self.permissions: User | None = None  # None: may do everything (a loader's)
        self.address: bytes = b""
        self.local_address: bytes = b""
        self.fd: int = -1
        self.is_unix: bool = False
        self.created_ms: i64 = now_ms
        self.last_interaction_ms: i64 = now_ms
        self.last_command: bytes = NO_COMMAND
        self.db_index: int = 0
        # Transactions
        self.queued: list[list[bytes]] = []
        self.queued_size: i64 = 0  # of the words, and what they take besides
        self.queued_overhead: i64 = 0
        self.multi_failed: bool = False  # a command was refused while queueing
        self.watched: list[tuple[Database, bytes]] = []
        self.watch_spoiled: bool = False
        self.fieldsets: dict[bytes, list[tuple[bytes, int]]] = {}  # HIMPORT: fields, and the places of their values
        # Publish/subscribe
        self.channels: dict[bytes, bool] = {}
        self.patterns: dict[bytes, bool] = {}
        self.shard_channels: dict[bytes, bool] = {}
        self.held: list[bytes] | None = None  # pushes that wait for the reply to the running command
        # Blocking
        self.parked: Parked | None = None
        self.write_offset: i64 = 0  # of the stream of effects, behind the last one of this client
        self.postponed: list[bytes] | None = None  # a command held back by CLIENT PAUSE
        # Wishes
        self.reply_mode: i64 = REPLY_ON
        self.no_evict: bool = False
        self.is_monitor: bool = False
        self.close_after_reply: bool = False
        self.close_now: bool = False
        self.is_gone: bool = False  # its session is over, its subscriptions are being removed
        self.tracked: Tracked | None = None
        # Output limits
        self.soft_limit_since_ms: i64 = 0
        # Totals
        self.input_total: i64 = 0
        self.output_total: i64 = 0
        self.commands_total: i64 = 0
        self.query_buffer: i64 = 0
        self.query_buffer_peak: i64 = 0
        self.partial_bytes: i64 = 0  # what the words of an incomplete command take

    def speak(self, version: int) -> None:
        """Choose the version of the protocol."""
        self.protocol = version
        self.resp = version

    def push(self, items: list[object]) -> None:
        """Send out-of-band data: a push in RESP3, an array in RESP2."""
        out = BytesWriter()
        encode(out, Push(items), self.protocol)
        self.push_raw(out.getvalue())

    def push_raw(self, data: bytes) -> None:
        """Send a push that is already encoded for this client's protocol version, unless its last reply was made."""
        if self.close_now or self.close_after_reply:
            return
        if self.held is not None:
            self.held.append(data)
            return
        if len(data) >= _SHARED and len(self.out) == 0:  # one copy for all who get it
            self.unsent.append(data)
            self.unsent_size += len(data)
        else:
            self.out.write(data)
        self.wants_write()
        if self.output_pending() > self.output_limit():
            self.outbox.on_overflow(self)

    def hold_pushes(self) -> None:
        """Keep pushes back while a command of this client runs: they follow its reply."""
        self.held = []

    def release_pushes(self) -> None:
        """Send the pushes that were held back."""
        held = self.held
        self.held = None
        if held:
            for data in held:
                self.push_raw(data)

    def wants_write(self) -> None:
        """Have the network flush `out` before it sleeps."""
        if not self.wants_flush:
            self.wants_flush = True
            self.outbox.clients.append(self)

    def kill(self) -> None:
        """Have the network close the connection; nothing more is run for it."""
        self.close_now = True
        self.gates |= gates.CLOSING
        self.wants_write()

    def subscriptions(self) -> int:
        """Return to how many channels and patterns it is subscribed, shard channels apart."""
        return len(self.channels) + len(self.patterns)

    def update_subscribed_gate(self) -> None:
        """Set or clear the gate of subscribed mode, after subscriptions changed."""
        if self.channels or self.patterns or self.shard_channels:
            self.gates |= gates.SUBSCRIBED
        else:
            self.gates &= ~gates.SUBSCRIBED

    def is_local(self) -> bool:
        """Tell whether it runs on this machine."""
        return self.is_unix or self.address.startswith((b"127.", b"[::1]"))

    def output_pending(self) -> int:
        """Return how many bytes wait to be sent."""
        return len(self.out) + self.unsent_size

    def output_limit(self) -> i64:
        """Return how many bytes may wait to be sent; before it has authenticated that is next to nothing."""
        if self.gates & gates.AUTH:
            return FREE_OUTPUT
        return self.outbox.pubsub_limit if self.gates & gates.SUBSCRIBED else self.outbox.normal_limit

    def output_class(self) -> int:
        """Return which client-output-buffer-limit applies."""
        if self.channels or self.patterns or self.shard_channels:
            return CLASS_PUBSUB
        return CLASS_NORMAL


def _limit_of(limits: tuple[int, int, int]) -> i64:
    hard = limits[0]
    return min(hard + FREE_OUTPUT, NO_LIMIT) if hard > 0 else NO_LIMIT


def _kill(client: Client) -> None:
    client.kill()
