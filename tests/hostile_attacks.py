"""Attacks on a server, in a size that is asked for, and a table of what they cost (see `tests.hostile`)."""

from __future__ import annotations

import argparse
import itertools
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable

from tests.hostile import Watch, cpu_s
from tests.servers import Server, start_redis
from tests.wire import Connection, encode

PATIENCE_S = 120.0
_END = b"the-end-of-it"


class Attack:
    """What is done, with which options of the server; `is_linear`: the time grows with the data by nature."""

    def __init__(self, run: Callable[[Server, int], None], options: tuple[str, ...], is_linear: bool) -> None:
        self.run = run
        self.name = run.__name__
        self.options = options
        self.is_linear = is_linear
        self.summary = (run.__doc__ or "").splitlines()[0]

    def __str__(self) -> str:
        return self.name


ATTACKS: list[Attack] = []


def attack(*options: str, is_linear: bool = False) -> Callable[[Callable[[Server, int], None]], Attack]:
    """Enlist a function of a server and a size."""

    def enlist(run: Callable[[Server, int], None]) -> Attack:
        ATTACKS.append(Attack(run, options, is_linear))
        return ATTACKS[-1]

    return enlist


# -- the tools


def connect(server: Server) -> socket.socket:
    """A bare connection."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)


def pour(sock: socket.socket, chunks: Iterable[bytes], ends: bool = True) -> bool:
    """Send all of it while what comes is thrown away; with `ends`, until the answer to the last has come.

    False when the server hangs up.
    """
    if ends:
        chunks = itertools.chain(chunks, [encode([b"ECHO", _END])])
    sock.setblocking(False)
    tail = b""
    try:
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                readable, writable, _ = select.select([sock], [sock], [], PATIENCE_S)
                if not readable and not writable:
                    raise AssertionError("nothing moves any more")
                if writable:
                    left = left[sock.send(left) :]
                if readable:
                    data = sock.recv(1 << 18)
                    if not data:
                        return False
                    tail = _tail(tail, data)
        while ends and tail != _END:
            if not select.select([sock], [], [], PATIENCE_S)[0]:
                raise AssertionError("no answer")
            data = sock.recv(1 << 18)
            if not data:
                return False
            tail = _tail(tail, data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    finally:
        sock.settimeout(PATIENCE_S)
    return True


def _tail(before: bytes, data: bytes) -> bytes:
    """The last of what has come, or the end if it is in there."""
    if before == _END or _END in before + data:
        return _END
    return (before + data)[-len(_END) :]


def batches(command: bytes, words: Iterable[bytes], count: int = 1000) -> Iterable[bytes]:
    """The command with so many of the words at a time."""
    source = iter(words)
    while batch := list(itertools.islice(source, count)):
        yield encode([command, *batch])


def names(prefix: bytes, count: int) -> Iterable[bytes]:
    """So many different words."""
    return (b"%b:%d" % (prefix, number) for number in range(count))


def fill(server: Server, chunks: Iterable[bytes]) -> None:
    """Make data, on a connection of its own."""
    with connect(server) as sock:
        assert pour(sock, chunks)


def do(server: Server, *commands: str | list[bytes], resp: int = 2) -> None:
    """Send commands, and throw away what they answer."""
    with connect(server) as sock:
        pour(sock, [encode(c.encode().split() if isinstance(c, str) else c) for c in commands])


def is_gone(sock: socket.socket) -> bool:
    """Wait until the server has closed the connection."""
    sock.settimeout(PATIENCE_S)
    try:
        while sock.recv(1 << 20):
            pass
    except ConnectionResetError:
        pass
    return True


def settle(server: Server, seconds: float = 20.0) -> None:
    """Wait until the server has little more to do than to answer pings."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        before = cpu_s(server.process.pid)
        time.sleep(0.05)
        if cpu_s(server.process.pid) - before < 0.02:
            return


def chunks(command: bytes, key: bytes, size: int, *parts: bytes, count: int = 500) -> Iterable[bytes]:
    """The command for a key with so many members, 500 at a time; of each, the parts with its number for %d."""
    for start in range(0, size, count):
        words = [part % number if b"%" in part else part for number in range(start, start + count) for part in parts]
        yield encode([command, key, *words] if key else [command, *words])


# -- requests that are none


@attack()
def empty_arrays(server: Server, size: int) -> None:
    """Empty requests, of which there is no end."""
    with connect(server) as sock:
        assert pour(sock, [b"*0\r\n" * 1000] * (size // 1000))


@attack()
def empty_lines(server: Server, size: int) -> None:
    """Line ends, and nothing else."""
    with connect(server) as sock:
        assert pour(sock, [b"\r\n" * 1000] * (size // 1000))


@attack()
def promises(server: Server, size: int) -> None:
    """Requests that announce 500 MB in each of two billion words, and send little of it."""
    socks = [connect(server) for _ in range(size // 2500)]
    for sock in socks:
        sock.sendall(b"*2147483647\r\n$536870912\r\n" + b"x" * 1000)
    with Connection(server.port) as other:
        other.ask("PING")
    for sock in socks:
        sock.close()


@attack()
def bytes_one_by_one(server: Server, size: int) -> None:
    """Requests that trickle in, from many connections."""
    socks = [connect(server) for _ in range(100)]
    for sock in socks:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in encode([b"SET", b"k", b"v"]) * max(1, size // 500_000):
        for sock in socks:
            sock.sendall(bytes([byte]))
    for sock in socks:
        assert sock.recv(100).startswith(b"+OK")
        sock.close()


@attack()
def junk(server: Server, size: int) -> None:
    """What is no request at all."""
    for number in range(size // 2500):
        with connect(server) as sock:
            sock.sendall([b"*x\r\n", b"*1\r\n!3\r\n", b"*1\r\n$-5\r\n", b'"\r\n', b"\x16\x03\x01\x02\r\n"][number % 5])
            sock.recv(1000)


@attack()
def endless_line(server: Server, size: int) -> None:
    """Lines that never end."""
    for start in (b"x", b"*", b"*1\r\n$"):
        for _ in range(max(1, size // 100_000)):
            with connect(server) as sock:
                pour(sock, [start] + [b"1" * 10_000] * 100, ends=False)


# -- connections


@attack()
def comings_and_goings(server: Server, size: int) -> None:
    """Connections that are opened and closed."""
    for number in range(size // 200):
        with connect(server) as sock:
            if number % 3 == 0:
                sock.sendall(b"PING\r\n")
            if number % 2 == 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    settle(server)


@attack("--maxclients", "200")
def too_many(server: Server, size: int) -> None:
    """More connections than there may be."""
    socks = [connect(server) for _ in range(min(5000, size // 500))]
    for sock in socks:
        sock.close()
    settle(server)


@attack()
def half_closed(server: Server, size: int) -> None:
    """Connections that say they will send no more, and do not go."""
    socks = [connect(server) for _ in range(min(1000, size // 1000))]
    for sock in socks:
        sock.sendall(b"PING\r\n*3\r\n$3\r\n")
        sock.shutdown(socket.SHUT_WR)
    for sock in socks:
        assert is_gone(sock)
        sock.close()


# -- those that do not read


@attack("--client-output-buffer-limit", "normal 4mb 0 0")
def deaf(server: Server, size: int) -> None:
    """Replies that nobody reads."""
    do(server, [b"SET", b"big", b"x" * 100_000])
    with connect(server) as sock:
        sock.sendall(encode([b"GET", b"big"]) * max(400, size // 1000))
        assert is_gone(sock)


@attack("--client-output-buffer-limit", "normal 4mb 0 0")
def deaf_transaction(server: Server, size: int) -> None:
    """One reply that is larger than a client's replies may be."""
    do(server, [b"SET", b"big", b"x" * 1_000_000])
    with connect(server) as sock:
        sock.sendall(encode([b"MULTI"]) + encode([b"GET", b"big"]) * (size // 2000) + encode([b"EXEC"]))
        assert is_gone(sock)


@attack("--client-output-buffer-limit", "normal 4mb 0 0")
def deaf_random(server: Server, size: int) -> None:
    """Random members without end."""
    do(server, [b"SADD", b"s", *names(b"member", 1000)], [b"HSET", b"h", *names(b"member", 1000)])
    for command in (b"SRANDMEMBER", b"HRANDFIELD"):
        with connect(server) as sock:
            sock.sendall(encode([command, b"sh"[command == b"HRANDFIELD" :][:1], b"-%d" % (size * 10)]))
            assert is_gone(sock)


@attack("--client-output-buffer-limit", "pubsub 4mb 1mb 1")
def deaf_subscribers(server: Server, size: int) -> None:
    """Subscribers that do not read, and a long message for each."""
    socks = [connect(server) for _ in range(50)]
    for sock in socks:
        sock.sendall(encode([b"SUBSCRIBE", b"news"]))
        sock.recv(100)
    with Connection(server.port, timeout=PATIENCE_S) as other:
        other.ask(b"PUBLISH", b"news", b"m" * (size * 10))
    for sock in socks:
        sock.close()


@attack("--requirepass", "secret")
def nobody(server: Server, size: int) -> None:
    """What clients without a password do."""
    words_of = (
        [b"PING"] * 11,
        [b"AUTH", b"x" * 20_000],
        [b"AUTH", b"x" * 16_000],
        [b"HELLO", b"3", b"AUTH", b"a", b"b"],
    )
    for words in words_of:
        for _ in range(size // 20_000):
            with connect(server) as sock:
                sock.sendall(encode(words))
                sock.recv(1000)
    with connect(server) as sock:
        pour(sock, [encode([b"GET", b"x"]) * 100] * (size // 1000), ends=False)


# -- sessions that grow


@attack()
def channels(server: Server, size: int) -> None:
    """A client with as many channels."""
    with connect(server) as sock:
        assert pour(sock, batches(b"SUBSCRIBE", names(b"channel", size)), ends=False)
        time.sleep(0.1)
        settle(server)


@attack()
def channels_and_away(server: Server, size: int) -> None:
    """The same, and it is the going that is measured."""
    with connect(server) as sock:
        pour(sock, batches(b"SUBSCRIBE", names(b"channel", size)), ends=False)
        time.sleep(0.1)
        settle(server)
    time.sleep(0.05)
    settle(server)


@attack()
def patterns(server: Server, size: int) -> None:
    """A client with as many patterns, and its going."""
    with connect(server) as sock:
        pour(sock, batches(b"PSUBSCRIBE", names(b"a*pattern*b", size)), ends=False)
        time.sleep(0.1)
        settle(server)
    time.sleep(0.05)
    settle(server)


@attack()
def watched(server: Server, size: int) -> None:
    """WATCH without end, and away."""
    with connect(server) as sock:
        assert pour(sock, batches(b"WATCH", names(b"key", size)))
    time.sleep(0.05)
    settle(server)


@attack("--client-query-buffer-limit", "100mb")
def queued(server: Server, size: int) -> None:
    """MULTI without end, and away."""
    with connect(server) as sock:
        pour(sock, [encode([b"MULTI"])] + [encode([b"SET", b"key", b"value"]) * 1000] * (size // 1000), ends=False)
        settle(server)
    time.sleep(0.05)
    settle(server)


@attack("--tracking-table-max-keys", "10000")
def tracked(server: Server, size: int) -> None:
    """Tracking without end."""
    with connect(server) as sock:
        sock.sendall(encode([b"HELLO", b"3"]) + encode([b"CLIENT", b"TRACKING", b"ON"]))
        time.sleep(0.05)
        sock.recv(10000)
        assert pour(sock, batches(b"MGET", names(b"key", size), 100))


@attack()
def tracked_and_flushed(server: Server, size: int) -> None:
    """Tracking up to the limit, and FLUSHALL."""
    with connect(server) as sock:
        sock.sendall(encode([b"HELLO", b"3"]) + encode([b"CLIENT", b"TRACKING", b"ON"]))
        time.sleep(0.05)
        sock.recv(10000)
        assert pour(sock, batches(b"MGET", names(b"key", size), 100))
        do(server, "FLUSHALL")
        settle(server)


@attack()
def prefixes(server: Server, size: int) -> None:
    """Prefixes by the hundred thousand, and changes meanwhile."""
    with connect(server) as sock:
        sock.sendall(encode([b"HELLO", b"3"]))
        time.sleep(0.05)
        sock.recv(10000)
        each = itertools.chain(*((b"PREFIX", name + b":") for name in names(b"p", size // 10)))
        assert pour(sock, [encode([b"CLIENT", b"TRACKING", b"ON", b"BCAST", *each])])
        fill(server, (encode([b"SET", name, b"v"]) for name in names(b"p", 2000)))
        pour(sock, [])
    time.sleep(0.05)
    settle(server)


@attack()
def backlog(server: Server, size: int) -> None:
    """Commands that pile up behind one that blocks, and run all at once."""
    with connect(server) as sock:
        sock.sendall(encode([b"BLPOP", b"queue", b"0"]))
        pour(sock, [encode([b"SET", b"key", b"value"]) * 1000] * (size // 1000), ends=False)
        do(server, "RPUSH queue x")
        assert pour(sock, [])


@attack()
def pipeline_of_long_ones(server: Server, size: int) -> None:
    """A pipeline of commands each of which takes long."""
    fill(server, (encode([b"RPUSH", b"l", *[b"x"] * 1000]) for _ in range(size // 100_000)))
    with connect(server) as sock:
        assert pour(sock, [encode([b"LRANGE", b"l", b"0", b"-1"]) * 400])


# -- patterns


@attack()
def stars(server: Server, size: int) -> None:
    """Patterns of many stars against long names."""
    long = b"a" * min(size // 10, 100_000)
    do(server, [b"SET", long, b"v"])
    pattern = b"a*" * 50 + b"b"
    with connect(server) as sock:
        for command in ([b"KEYS", pattern], [b"SCAN", b"0", b"MATCH", pattern], [b"CONFIG", b"GET", pattern]):
            assert pour(sock, [encode(command)])
        assert pour(sock, [encode([b"PSUBSCRIBE", pattern])], ends=False)
        do(server, [b"PUBLISH", long, b"m"])


@attack(is_linear=True)
def long_pattern(server: Server, size: int) -> None:
    """A star and a long word against a long name."""
    do(server, [b"SET", b"a" * (size // 10), b"v"])
    do(server, [b"KEYS", b"*" + b"a" * (size // 100) + b"b"])


@attack(is_linear=True)
def questions(server: Server, size: int) -> None:
    """A star and many question marks against a long name."""
    do(server, [b"SET", b"a" * (size // 50), b"v"])
    do(server, [b"KEYS", b"*" + b"a?" * (size // 1000) + b"b"])


# -- words that are too long


@attack("--proto-max-bulk-len", "1mb")
def too_long(server: Server, size: int) -> None:
    """Words and strings beyond proto-max-bulk-len."""
    with connect(server) as sock:
        sock.sendall(b"*2\r\n$3\r\nGET\r\n$1048577\r\n")
        assert is_gone(sock)
    with connect(server) as sock:
        pour(sock, [encode([b"APPEND", b"k", b"x" * 500_000])] * 10)
        pour(sock, [encode([b"SETRANGE", b"k", b"10000000", b"x"]), encode([b"SETBIT", b"k", b"80000000", b"1"])])


@attack()
def one_long_word(server: Server, size: int) -> None:
    """A value of hundreds of megabytes is set, read, and removed."""
    value = b"x" * (size * 200)
    with connect(server) as sock:
        assert pour(sock, [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % len(value), value, b"\r\n"])
        assert pour(sock, [encode([b"GET", b"k"])])
        assert pour(sock, [encode([b"DEL", b"k"])])


@attack()
def long_names(server: Server, size: int) -> None:
    """A client with a long name, and lists of clients."""
    with connect(server) as sock:
        assert pour(sock, [encode([b"CLIENT", b"SETNAME", b"x" * size * 5]), encode([b"CLIENT", b"LIST"]) * 3])


# -- floods of replies


@attack(is_linear=True)
def all_keys(server: Server, size: int) -> None:
    """KEYS * with as many keys."""
    fill(server, chunks(b"MSET", b"", size, b"key:%d", b"v"))
    do(server, "KEYS *", "KEYS x*", "SCAN 0 COUNT 100000000")


@attack(is_linear=True)
def whole_list(server: Server, size: int) -> None:
    """LRANGE, SORT and LPOS of as many elements."""
    fill(server, chunks(b"RPUSH", b"l", size, b"%d"))
    for command in ("LRANGE l 0 -1", "SORT l LIMIT 0 10", "LPOS l x", "LREM l 0 x"):
        do(server, command)


@attack(is_linear=True)
def whole_hash(server: Server, size: int) -> None:
    """HGETALL, SMEMBERS and ZRANGE of as many."""
    fill(server, chunks(b"HSET", b"h", size, b"f%d", b"v"))
    fill(server, chunks(b"SADD", b"s", size, b"m%d"))
    for command in ("HGETALL h", "SMEMBERS s", "SINTERCARD 2 s s", "SUNIONSTORE d s s"):
        do(server, command)


@attack()
def frees(server: Server, size: int) -> None:
    """DEL and FLUSHALL of much."""
    fill(server, chunks(b"RPUSH", b"l", size, b"%d"))
    fill(server, chunks(b"HSET", b"h", size, b"f%d", b"v"))
    fill(server, chunks(b"SADD", b"s", size, b"m%d"))
    fill(server, chunks(b"ZADD", b"z", size, b"%d", b"f%d"))
    do(server, "DEL l", "DEL h", "UNLINK s", "FLUSHALL")
    settle(server)


@attack()
def docs(server: Server, size: int) -> None:
    """COMMAND DOCS again and again."""
    with connect(server) as sock:
        assert pour(sock, [encode([b"COMMAND", b"DOCS"]), encode([b"COMMAND"])] * max(1, size // 100_000))


@attack(is_linear=True)
def list_of_clients(server: Server, size: int) -> None:
    """CLIENT LIST with many clients."""
    socks = [connect(server) for _ in range(min(5000, size // 200))]
    do(server, "CLIENT LIST", "CLIENT LIST")
    for sock in socks:
        sock.close()
    settle(server)


@attack()
def away_with_a_long_reply(server: Server, size: int) -> None:
    """A client that goes and leaves hundreds of megabytes of replies."""
    do(server, [b"SET", b"big", b"x" * size])
    with connect(server) as sock:
        sock.sendall(encode([b"GET", b"big"]) * 200)
        with Connection(server.port, timeout=PATIENCE_S) as other:
            for _ in range(50):
                other.ask("PING")
    settle(server)


# -- commands that cost much


@attack(is_linear=True)
def dear_commands(server: Server, size: int) -> None:
    """LCS, BITOP, SETRANGE and APPEND of much."""
    do(server, [b"SET", b"a", b"ab" * (size // 200)], [b"SET", b"b", b"ba" * (size // 200)])
    do(server, "LCS a b LEN")
    do(server, f"SETRANGE c {size * 50} x", f"SETRANGE d {size * 50} y")
    do(server, "BITOP XOR e c d", "BITCOUNT e", "APPEND c x")


@attack(is_linear=True)
def bombs(server: Server, size: int) -> None:
    """Scripts that ask for much."""
    for script in (f"return #string.rep('x', {size * 200})", f"local t = {{}} for i = 1, {size} do t[i] = i .. '' end"):
        with Connection(server.port, timeout=PATIENCE_S) as other:
            other.ask(b"EVAL", script.encode(), b"0")


@attack(is_linear=True)
def pattern_of_lua(server: Server, size: int) -> None:
    """string.find with a pattern that goes back again and again."""
    script = b"return string.find(string.rep('a', %d), string.rep('a-', 4) .. 'b')" % min(size // 2500, 400)
    with Connection(server.port, timeout=PATIENCE_S) as other:
        other.ask(b"EVAL", script, b"0")


# -- by hand


def measure(server: Server, one: Attack, size: int) -> str:
    """Run one attack under watch; return a line about it."""
    with Watch(server, "secret" if "--requirepass" in one.options else "") as watch:
        one.run(server, size)
    return str(watch)


def main(arguments: list[str]) -> None:
    """Run attacks on respd and on redis-server."""
    from tests.servers import start_respd

    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("names", nargs="*", help="of attacks; all without")
    parser.add_argument("--size", type=int, default=1_000_000, help="how much of everything")
    parser.add_argument("--redis", metavar="PATH", help="a redis-server to attack as well")
    parser.add_argument("--only-redis", action="store_true", help="leave respd out")
    given = parser.parse_args(arguments)
    for one in ATTACKS:
        if given.names and one.name not in given.names:
            continue
        print(f"{one.name}: {one.summary}", flush=True)
        starts: list[tuple[str, Callable[[], Server]]] = []
        if not given.only_redis:
            starts.append(("respd", lambda one=one: start_respd(*one.options)))  # type: ignore[misc]
        if given.redis:
            starts.append(("redis", lambda one=one: start_redis(given.redis, *one.options)))  # type: ignore[misc]
        for name, start in starts:
            server = start()
            try:
                print(f"    {name} {measure(server, one, given.size)}", flush=True)
            except Exception as error:
                print(f"    {name} {type(error).__name__}: {error}", flush=True)
            finally:
                server.stop()
