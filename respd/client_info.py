"""A client's line in CLIENT LIST, CLIENT INFO, ACL LOG and the log. Source: redis.io/commands/client-list."""

from __future__ import annotations

from typing import Final

from respd import gates
from respd.client import Client

# What a session takes in memory besides its buffers: the Client, its context, connection and parser.
SESSION_BYTES: Final = 4096
COMMAND_BYTES: Final = 72  # a command that is queued,
WORD_BYTES: Final = 48  # and each of its words besides its bytes
_NAME_BYTES: Final = 400  # a channel, pattern, key watched or prefix, in the dictionaries on both sides


def _flags_of(client: Client, in_multi: bool) -> bytes:
    """Return the letters of the `flags` field. Source: redis.io/commands/client-list."""
    flags = b""
    if client.is_monitor:
        flags += b"O"
    if client.channels or client.patterns or client.shard_channels:
        flags += b"P"
    if in_multi:
        flags += b"x"
    if client.gates & gates.BLOCKED:
        flags += b"b"
    tracked = client.tracked
    if tracked is not None:
        flags += b"t"
        if tracked.is_redirect_broken:
            flags += b"R"
        if tracked.broadcasts:
            flags += b"B"
    if client.watch_spoiled:
        flags += b"d"
    if client.close_after_reply:
        flags += b"c"
    if client.close_now:
        flags += b"A"
    if client.is_unix:
        flags += b"U"
    if client.no_evict:
        flags += b"e"
    if client.gates & gates.NO_TOUCH:
        flags += b"T"
    return flags or b"N"


def _events_of(client: Client) -> bytes:
    """Return what the loop waits for on the client's socket: to read, or to read and to write."""
    return b"rw" if client.unsent else b"r"


def session_bytes(client: Client) -> int:
    """Return about how much memory a session takes: its buffers, what it has queued, watches and is subscribed to."""
    held = client.query_buffer + client.partial_bytes + client.unsent_size + len(client.out)
    held += client.queued_size + client.queued_overhead
    names = len(client.watched) + len(client.channels) + len(client.patterns) + len(client.shard_channels)
    if client.tracked is not None:
        names += len(client.tracked.prefixes)
    return SESSION_BYTES + int(held) + names * _NAME_BYTES + len(client.name)


def request_size(words: list[bytes]) -> int:
    """Return how many bytes a command is, as clients send it."""
    size = 3 + len(str(len(words)))
    for word in words:
        size += len(word) + len(str(len(word))) + 5
    return size


def describe(client: Client, now_ms: int, args: list[bytes] | None, exec_size: int = 0) -> bytes:
    """Return a client's line of CLIENT LIST.

    `args` are the words of the command it is running, if it is, and `exec_size` the length of its running transaction.
    """
    queue_size = len(client.queued) if client.gates & gates.MULTI else exec_size or -1
    argv_size = 0
    input_size = int(client.query_buffer)
    if args is not None:
        for word in args:
            argv_size += len(word)
        input_size += request_size(args)
    pending = len(client.out)
    tracked = client.tracked
    return (
        b"id=%d addr=%b laddr=%b fd=%d name=%b age=%d idle=%d flags=%b db=%d sub=%d psub=%d ssub=%d multi=%d watch=%d "
        b"qbuf=%d qbuf-free=%d argv-mem=%d multi-mem=%d rbs=%d rbp=%d obl=%d oll=%d omem=%d tot-mem=%d events=%b "
        b"cmd=%b user=%b redir=%d resp=%d lib-name=%b lib-ver=%b io-thread=0"
        % (
            client.id, client.address, client.local_address, client.fd, client.name,
            (now_ms - int(client.created_ms)) // 1000, (now_ms - int(client.last_interaction_ms)) // 1000,
            _flags_of(client, queue_size >= 0), client.db_index,
            len(client.channels), len(client.patterns), len(client.shard_channels),
            queue_size, 0 if client.watch_spoiled else len(client.watched),
            input_size, max(int(client.query_buffer_peak) - input_size, 0), argv_size,
            int(client.queued_size), pending, pending, pending, len(client.unsent), int(client.unsent_size),
            session_bytes(client) + argv_size, _events_of(client), client.last_command,
            client.user, -1 if tracked is None else tracked.redirect, int(client.protocol),
            client.lib_name, client.lib_ver,
        )
    )  # fmt: skip
