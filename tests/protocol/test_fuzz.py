"""Malformed input, much of it: whatever is sent, respd answers errors, goes on serving others, and keeps no memory."""

from __future__ import annotations

import gc
import os
import random
import socket
from collections.abc import Iterator

import pytest

from respd.commands import all_groups
from respd.protocol.requests import ProtocolError, RequestParser
from tests.local import Local
from tests.servers import Server
from tests.wire import BadReply, Connection, ReplyReader, encode

INPUTS = int(os.environ.get("RESPD_FUZZ_INPUTS", "30000"))
SOCKET_INPUTS = max(INPUTS // 6, 100)

# Words that commands look for, so that mutations reach deep into their arguments.
WORDS = (
    b"k s l h z t 0 1 -1 5 10 3.14 inf -inf nan (1 [a + - +inf -inf * ? [ ] \\ a b c NX XX GT LT CH INCR EX PX EXAT "
    b"PXAT KEEPTTL GET WITHSCORES LIMIT BY REV BYSCORE BYLEX COUNT MATCH TYPE NOVALUES ASC DESC ALPHA STORE LEFT RIGHT "
    b"BEFORE AFTER FIELDS FNX FXX WEIGHTS AGGREGATE SUM MIN MAX AND OR XOR NOT BIT BYTE OVERFLOW WRAP SAT FAIL SET "
    b"INCRBY u8 i64 #1 u64 LEN IDX MINMATCHLEN WITHMATCHLEN REPLACE DB ASYNC SYNC ENCODING FREQ HELP PERSIST "
    b"9223372036854775807 -9223372036854775808 9223372036854775808 18446744073709551616 1e400 0x10 1e-5 00 +1 -0 99999"
).split()
WORDS += [b"", b"\x00", b"\xff\xfe", b"\r\n", b"x" * 300]
# Commands that end the test, wait, or write files.
LEFT_OUT = {b"shutdown", b"debug", b"monitor", b"blpop", b"brpop", b"blmove", b"brpoplpush", b"blmpop", b"bzmpop"}
LEFT_OUT |= {b"bzpopmin", b"bzpopmax", b"client", b"config", b"wait", b"waitaof", b"quit", b"replicaof", b"slaveof"}
LEFT_OUT |= {b"save", b"bgsave", b"bgrewriteaof"}


def names() -> list[bytes]:
    """The names of the commands that the fuzzers use."""
    table = Local(*all_groups()).engine.commands
    return sorted(name for name in table.by_name if name not in LEFT_OUT)


def inputs(seed: int, count: int) -> Iterator[bytes]:
    """Pieces of input: commands with random words, damaged in every second case, and plain garbage."""
    chance = random.Random(seed)
    known = names()
    headers = [b"*%d\r\n", b"$%d\r\n", b"*-%d\r\n", b"$-%d\r\n", b"*%d", b"$%d\n", b"%d\r\n", b":%d\r\n"]
    for _ in range(count):
        kind = chance.random()
        words = [chance.choice(known)]
        words += [chance.choice(WORDS) for _ in range(min(int(chance.expovariate(0.4)), 12))]
        data = encode(words)
        if kind < 0.5:
            yield data
        elif kind < 0.8:
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(damaged))
                if chance.random() < 0.3:
                    del damaged[at : at + chance.randint(1, 5)]
                    damaged = damaged or bytearray(b"\r")
                elif chance.random() < 0.5:
                    damaged[at] = chance.randrange(256)
                else:
                    damaged[at:at] = chance.choice([b"\r\n", b"$", b"*", b"-1", b"\x00", b"9" * 12, b'"', b"'"])
            yield bytes(damaged)
        elif kind < 0.9:
            yield b" ".join(words) + b"\r\n"
        elif kind < 0.95:
            yield chance.choice(headers) % chance.choice([0, 1, 3, 100, 1 << 31, 1 << 40, 1 << 64]) + data
        else:
            yield bytes(chance.randrange(256) for _ in range(chance.randint(1, 60))) + b"\r\n"


def finish(connection: Connection) -> None:
    """Say that no more comes, and read until the server has dealt with it all and hangs up."""
    try:
        connection.socket.shutdown(socket.SHUT_WR)
        while connection.socket.recv(1 << 16):
            pass
    except OSError:
        pass  # it had hung up before
    connection.close()


def test_parser_and_engine_survive_anything() -> None:
    """In this process: only ProtocolErrors are raised, every reply is well formed, none is an internal error."""
    local = Local(*all_groups())
    local.engine.record_effects(False)
    local.engine.shared.set_notify(0)
    ctx = local.connect()
    parser = RequestParser()
    reader = ReplyReader()
    for number, data in enumerate(inputs(1, INPUTS)):
        parser.feed(data)
        try:
            while (words := parser.next()) is not None:
                local.engine.execute(ctx, words)
        except ProtocolError:
            parser = RequestParser()
        written = ctx.client.out.getvalue()
        ctx.client.out.truncate(0)
        reader.feed(written)
        assert b"internal error" not in written, (data, written)
        try:
            while reader.next() is not None:
                pass
        except BadReply as error:
            pytest.fail(f"{data!r} was answered with what is no reply: {error}")
        assert reader.pending == b""
        local.engine.before_sleep()
        if number % 200 == 199:
            local.engine.disconnect(ctx)
            ctx = local.connect()
            parser = RequestParser()
            for words in ([b"RESET"], [b"FLUSHALL"]):
                local.engine.execute(ctx, words)
            ctx.client.out.truncate(0)
            ctx.client.speak(2 + number % 400 // 200)
    assert local.run("PING") == b"PONG"


def test_a_server_survives_anything(server: Server) -> None:
    """Over sockets: the same process still answers PING afterwards, and its memory is back."""
    with server.connect() as other:
        other.call("PING")
        gc.collect()
        before = server.memory_bytes()
        connection = server.connect()
        for number, data in enumerate(inputs(2, SOCKET_INPUTS)):
            connection.send_bytes(data)
            if number % 10 == 9:
                finish(connection)
                connection = server.connect()
        connection.close()
        assert other.ask("PING") == b"PONG"
        other.call("FLUSHALL")
        clients = other.ask("CLIENT LIST")
        assert isinstance(clients, bytes) and len(clients.splitlines()) <= 2
        assert server.running
        assert server.memory_bytes() < before + 30_000_000
    assert "internal error" not in server.log, server.log
