"""Cases for the list commands."""

from collections.abc import Iterator

from tests.harness import Case, Step, case, events, wait

_ARITY = [
    "LPUSH", "RPUSH", "LPUSHX", "RPUSHX", "LPOP", "RPOP", "LMPOP", "BLMPOP", "LMOVE", "BLMOVE", "RPOPLPUSH",
    "BRPOPLPUSH", "BLPOP", "BRPOP", "LLEN", "LRANGE", "LINDEX", "LPOS", "LINSERT", "LSET", "LREM", "LTRIM",
]  # fmt: skip
_NUMBERS = [
    "0", "1", "127", "128", "4095", "4096", "-1", "-4096", "-4097", "32767", "32768", "-32769", "8388607", "8388608",
    "2147483647", "2147483648", "-2147483649", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
    "007", "-0", "+1", "1.5",
]  # fmt: skip

_TIMEOUTS = (
    "x -1 -0.5 1e400 -1e400 1e-400 1e5000 inf -inf nan 9223372036854775807 9223372036854775 9223372036854774 1e16 "
    "0.001 1e3 -0 0x10 +5"
)


def _arity() -> Iterator[Case]:
    for name in _ARITY:
        yield case(f"{name} arity", name, f"{name} a", f"{name} a b c d e f g h", data=False)


def _wrong_types() -> Iterator[Case]:
    for kind, make in [("string", "SET k v"), ("hash", "HSET k f v"), ("set", "SADD k a"), ("zset", "ZADD k 1 a")]:
        yield case(
            f"lists against a {kind}",
            make,
            "RPUSH l a b",
            "LPUSH k a",
            "RPUSH k a",
            "LPUSHX k a",
            "RPUSHX k a",
            "LPOP k",
            "RPOP k",
            "LPOP k 1",
            "RPOP k 0",
            "LPOP k -1",
            "LPOP k x",
            "LLEN k",
            "LRANGE k 0 -1",
            "LRANGE k x -1",
            "LINDEX k 0",
            "LINDEX k x",
            "LPOS k a",
            "LPOS k a RANK 0",
            "LINSERT k BEFORE a b",
            "LINSERT k BESIDE a b",
            "LSET k 0 a",
            "LSET k x a",
            "LREM k 0 a",
            "LREM k x a",
            "LTRIM k 0 0",
            "LTRIM k 0 x",
            "LMOVE k l LEFT LEFT",
            "LMOVE l k LEFT LEFT",
            "LMOVE missing k LEFT LEFT",
            "LMOVE k l LEFT UP",
            "RPOPLPUSH k l",
            "RPOPLPUSH l k",
            "RPOPLPUSH missing k",
            "LMPOP 1 k LEFT",
            "LMPOP 2 missing k LEFT",
            "LMPOP 2 l k LEFT",
            "BLPOP k 1",
            "BLPOP missing k 1",
            "BLPOP l k 1",
            "BLPOP k x",
            "RPUSH l a b c",
            "BRPOP missing k 1",
            "BLMPOP 1 1 k LEFT",
            "BLMPOP 1 2 missing k LEFT",
            "BLMOVE k l LEFT LEFT 1",
            "BLMOVE l k LEFT LEFT 1",
            "BRPOPLPUSH k l 1",
            "BRPOPLPUSH l k 1",
        )


def _ends() -> Iterator[Case]:
    yield case("LPUSH and RPUSH", "LPUSH l a b c", "RPUSH l d e", "LPUSH l f", "RPUSH l g", "LRANGE l 0 -1", "LLEN l")
    yield case("LPUSHX and RPUSHX", "LPUSHX l a", "RPUSHX l a b", "RPUSH l x", "LPUSHX l a b", "RPUSHX l c d",
               "LRANGE l 0 -1")  # fmt: skip
    yield case("LPOP and RPOP", "RPUSH l a b c d", "LPOP l", "RPOP l", "LPOP l", "RPOP l", "LPOP l", "RPOP l",
               "EXISTS l")  # fmt: skip
    yield case(
        "LPOP and RPOP with a count",
        "RPUSH l a b c d e f g h",
        "LPOP l 0",
        "LPOP l 1",
        "LPOP l 2",
        "RPOP l 2",
        "RPOP l 0",
        "LPOP l 100",
        "LPOP l 1",
        "LPOP l 0",
        "RPOP l 0",
        "RPUSH l a b c",
        "RPOP l 100",
        "LPOP l -1",
        "LPOP l x",
        "LPOP l 1.5",
        "LPOP l 9223372036854775807",
        "LPOP l 9223372036854775808",
        "LPOP l 1 1",
        "RPOP l 1 1",
        "RPOP l -9223372036854775808",
        'LPOP l ""',
        events=True,
    )
    yield case("pushing keeps the expiry", "RPUSH l a", "EXPIRE l 100", "LPUSH l b", "LPOP l", "LSET l 0 c",
               "LMOVE l l LEFT RIGHT", "TTL l", "LPOP l", "RPUSH l x", "TTL l")  # fmt: skip
    yield case(
        "binary elements",
        [b"RPUSH", b"\x00key", b"\x00", b"", b"\r\n", b"\xff\xfe", b"a b"],
        [b"LRANGE", b"\x00key", b"0", b"-1"],
        [b"LPOS", b"\x00key", b"\r\n"],
        [b"LREM", b"\x00key", b"0", b""],
        [b"LINSERT", b"\x00key", b"AFTER", b"\x00", b"\x00\x00"],
        [b"LPOP", b"\x00key"],
    )
    yield case("an empty key and an empty element", 'RPUSH "" ""', 'LPOP ""', 'RPUSH "" "" ""', 'LRANGE "" 0 -1')
    yield case("names and options in any case", "rPuSh l a b c", "lpos l b rank 1 count 0 maxlen 0",
               "linsert l before b x", "lmove l l left right", "lmpop 1 l right count 2",
               "blmove l m LeFt rIgHt 0")  # fmt: skip


def _moving() -> Iterator[Case]:
    for source, target in [("LEFT", "LEFT"), ("LEFT", "RIGHT"), ("RIGHT", "LEFT"), ("RIGHT", "RIGHT")]:
        yield case(
            f"LMOVE {source} {target}",
            "RPUSH a 1 2 3",
            f"LMOVE a b {source} {target}",
            f"LMOVE a b {source} {target}",
            "LRANGE a 0 -1",
            "LRANGE b 0 -1",
            f"LMOVE a b {source} {target}",
            f"LMOVE a b {source} {target}",
            "EXISTS a",
            f"LMOVE b b {source} {target}",
            "LRANGE b 0 -1",
            f"BLMOVE b c {source} {target} 0",
            f"BLMOVE b b {source} {target} 0.1",
        )
    yield case("RPOPLPUSH", "RPUSH a 1 2 3", "RPOPLPUSH a b", "RPOPLPUSH a a", "RPOPLPUSH a b", "RPOPLPUSH a b",
               "RPOPLPUSH a b", "LRANGE b 0 -1", "BRPOPLPUSH b c 0", "RPOPLPUSH c c")  # fmt: skip
    yield case("LMOVE errors", "LMOVE a b", "LMOVE a b LEFT", "LMOVE a b UP LEFT", "LMOVE a b LEFT UP",
               "LMOVE a b LEFT ''", "BLMOVE a b UP LEFT x", "BLMOVE a b LEFT UP x", "BLMOVE a b LEFT LEFT x",
               "BLMOVE a b LEFT LEFT -1", "BRPOPLPUSH a b x", "BRPOPLPUSH a b -1")  # fmt: skip
    yield case("moving the only element of a list onto itself", "RPUSH a 1", "LMOVE a a LEFT RIGHT", "RPOPLPUSH a a")


def _mpop() -> Iterator[Case]:
    yield case(
        "LMPOP",
        "LMPOP 1 a LEFT",
        "RPUSH a 1 2 3 4 5",
        "RPUSH b x y z",
        "LMPOP 1 a LEFT",
        "LMPOP 2 missing a RIGHT",
        "LMPOP 2 missing a LEFT COUNT 2",
        "LMPOP 2 a b RIGHT COUNT 10",
        "LMPOP 2 a b RIGHT COUNT 2",
        "LMPOP 2 a b LEFT COUNT 2",
        "LMPOP 2 a b LEFT COUNT 2",
        "EXISTS a b",
    )
    yield case("BLMPOP at once", "RPUSH a 1 2 3 4 5", "BLMPOP 1 2 missing a LEFT", "BLMPOP 0 1 a RIGHT COUNT 2",
               "BLMPOP 0 1 a RIGHT COUNT 20")  # fmt: skip
    for name in ("LMPOP", "BLMPOP 0"):
        yield case(
            f"{name} errors",
            "RPUSH a 1",
            f"{name} 0 a LEFT",
            f"{name} -1 a LEFT",
            f"{name} x a LEFT",
            f"{name} 2 a LEFT",
            f"{name} 3 a LEFT",
            f"{name} 9223372036854775807 a LEFT",
            f"{name} 9223372036854775808 a LEFT",
            f"{name} 1 a UP",
            f"{name} 1 a b LEFT",
            f"{name} 1 a LEFT COUNT",
            f"{name} 1 a LEFT COUNT 0",
            f"{name} 1 a LEFT COUNT -1",
            f"{name} 1 a LEFT COUNT x",
            f"{name} 1 a LEFT COUNT 1 COUNT 1",
            f"{name} 1 a LEFT COUNT 0 COUNT 1",
            f"{name} 1 a LEFT COUNT 1 x",
            f"{name} 1 a LEFT bar 1",
            f"{name} 1 a UP COUNT 0",
            f"{name} 1 a LEFT LEFT",
        )
    yield case("BLMPOP looks at its timeout last", "BLMPOP x 0 a LEFT", "BLMPOP x 1 a UP",
               "BLMPOP x 1 a LEFT COUNT 0", "BLMPOP x 1 a LEFT", "BLMPOP -1 1 a LEFT COUNT 1",
               "BLMPOP -1 1 a LEFT COUNT")  # fmt: skip


def _looking() -> Iterator[Case]:
    yield case(
        "LRANGE",
        "RPUSH l a b c d e",
        *[f"LRANGE l {start} {stop}" for start in (-9, -5, -2, 0, 1, 4, 5) for stop in (-9, -5, -1, 0, 3, 4, 9)],
        "LRANGE missing 0 -1",
        "LRANGE missing x 1",
        "LRANGE l x 1",
        "LRANGE l 0 1.5",
        "LRANGE l -9223372036854775808 9223372036854775807",
        "LRANGE l 9223372036854775807 -9223372036854775808",
        "LRANGE l 9223372036854775808 1",
    )
    yield case(
        "LINDEX",
        "RPUSH l a b c",
        *[
            f"LINDEX l {index}"
            for index in (-4, -3, -1, 0, 2, 3, "x", "1.5", -9223372036854775808, 9223372036854775807)
        ],
        "LINDEX l 9223372036854775808",
        "LINDEX missing 0",
        "LINDEX missing x",
    )
    yield case(
        "LPOS",
        "RPUSH l a b c 1 2 3 c c a",
        "LPOS l c",
        "LPOS l nope",
        "LPOS missing c",
        "LPOS missing c COUNT 0",
        *[f"LPOS l c RANK {rank}" for rank in (1, 2, 3, 4, -1, -2, -3, -4)],
        *[f"LPOS l c COUNT {count}" for count in (0, 1, 2, 9)],
        *[f"LPOS l c RANK {rank} COUNT {count}" for rank in (2, -1, -2) for count in (0, 1, 2)],
        *[f"LPOS l c MAXLEN {depth}" for depth in (0, 1, 2, 3, 100)],
        *[f"LPOS l c RANK -1 MAXLEN {depth} COUNT 0" for depth in (1, 2, 3, 7)],
        "LPOS l nope COUNT 0",
        "LPOS l nope COUNT 1 RANK -1",
        "LPOS l c RANK 0",
        "LPOS l c RANK x",
        "LPOS l c RANK -9223372036854775808",
        "LPOS l c RANK -9223372036854775807",
        "LPOS l c RANK 9223372036854775808",
        "LPOS l c COUNT -1",
        "LPOS l c COUNT x",
        "LPOS l c MAXLEN -1",
        "LPOS l c MAXLEN x",
        "LPOS l c RANK",
        "LPOS l c RANK 1 COUNT",
        "LPOS l c NOPE 1",
        "LPOS l c RANK 1 RANK 2",
        "LPOS l c COUNT 0 COUNT 1",
        "LPOS l c COUNT -1 RANK 0",
        "LPOS missing c RANK 0",
        "LPOS l 2",
        "LPOS l 02",
    )
    yield case("LLEN", "LLEN missing", "RPUSH l a b", "LLEN l")


def _middle() -> Iterator[Case]:
    yield case(
        "LINSERT",
        "LINSERT l BEFORE a b",
        "LINSERT l UP a b",
        "RPUSH l a b c b",
        "LINSERT l BEFORE a x",
        "LINSERT l AFTER a y",
        "LINSERT l BEFORE b z",
        "LINSERT l AFTER b w",
        "LINSERT l AFTER nope w",
        "LINSERT l BEFORE c 12",
        "LINSERT l AFTER 12 13",
        "LRANGE l 0 -1",
        "LINSERT l UP a b",
    )
    yield case(
        "LSET",
        "LSET l 0 a",
        "LSET l x a",
        "RPUSH l a b c",
        "LSET l 0 x",
        "LSET l -1 y",
        "LSET l 1 12",
        "LSET l 3 z",
        "LSET l -4 z",
        "LSET l x z",
        "LSET l 9223372036854775807 z",
        "LSET l -9223372036854775808 y",
        "LSET l 4294967298 w",
        "LSET l 4294967299 w",
        "LRANGE l 0 -1",
    )
    yield case(
        "LREM",
        "LREM l 0 a",
        "LREM l x a",
        "RPUSH l a b a c a d a e a",
        "LREM l 1 a",
        "LREM l -1 a",
        "LRANGE l 0 -1",
        "LREM l -2 nope",
        "LREM l 2 a",
        "LRANGE l 0 -1",
        "LREM l -9223372036854775808 a",
        "LREM l -9223372036854775807 a",
        "LREM l 9223372036854775807 b",
        "LREM l 0 c",
        "LREM l 0 d",
        "LREM l 5 e",
        "EXISTS l",
    )
    for start in (-9, -2, 0, 1, 3, 9):
        yield case(
            f"LTRIM from {start}",
            *[step for stop in (-9, -1, 0, 2, 9) for step in
              ("DEL l", "RPUSH l a b c d", f"LTRIM l {start} {stop}", "LRANGE l 0 -1")],
        )  # fmt: skip
    yield case("LTRIM errors", "LTRIM l 0 0", "LTRIM l x 0", "LTRIM l 0 x", "RPUSH l a", "LTRIM l 0 x",
               "LTRIM l x 0", "LTRIM l -9223372036854775808 9223372036854775807",
               "LTRIM l 9223372036854775808 0")  # fmt: skip


def _timeouts() -> Iterator[Case]:
    for name in ("BLPOP l", "BRPOP l", "BRPOPLPUSH l m", "BLMOVE l m LEFT LEFT"):
        yield case(
            f"timeouts of {name}",
            "RPUSH l a b c d e f g h i j k l m n o p q r s t",
            *[f"{name} {text}" for text in _TIMEOUTS.split()],
            f"{name} ''",
            f"{name} 1 2",
        )
        yield case(f"{name} in vain", f"{name} 0.01", f"{name} 0.0001", "EXISTS l m", multi=False)
        yield case(f"{name} in vain inside a transaction", "MULTI", f"{name} 0", "EXEC")
    yield case("BLMPOP in vain", "BLMPOP 0.01 2 a b LEFT COUNT 3", multi=False)
    yield case("blocking pops find the first list", "RPUSH b x y", "BLPOP a b c 0", "BRPOP a b c 0", "RPUSH c z",
               "RPUSH b 1", "BLPOP a c b 0", "BLPOP b b b 0")  # fmt: skip


def _waiting() -> Iterator[Case]:
    yield case("BLPOP is served by a push", "1& BLPOP l 0", "2> RPUSH l a b", "1<", "2> LRANGE l 0 -1", multi=False)
    yield case("BRPOP is served by a push", "1& BRPOP l m 0", "2> LPUSH m a b", "1<", "2> EXISTS m", multi=False)
    yield case("BLPOP takes what LPUSH put in front", "1& BLPOP l 0", "2> LPUSH l a b c", "1<", multi=False)
    yield case(
        "first come, first served",
        "1& BLPOP l 0", "2& BRPOP l 0", "3& BLPOP m l 0", "4> RPUSH l a b c d", "1<", "2<", "3<", "4> LRANGE l 0 -1",
        multi=False,
    )  # fmt: skip
    yield case("one element serves one client", "1& BLPOP l 0", "2& BLPOP l 0.2", "3> RPUSH l a", "1<", "2<",
               multi=False)  # fmt: skip
    yield case("BLMPOP is served by a push", "1& BLMPOP 0 2 a b RIGHT COUNT 2", "2> RPUSH b 1 2 3", "1<", multi=False)
    yield case("BLMPOP takes all", "1& BLMPOP 0 2 a b LEFT COUNT 9", "2> RPUSH b 1 2 3", "1<", "2> EXISTS b",
               multi=False)  # fmt: skip
    yield case("BLMOVE is served by a push", "1& BLMOVE a b RIGHT LEFT 0", "2> RPUSH a 1 2", "1<", multi=False)
    yield case("BLMOVE onto itself", "1& BLMOVE a a RIGHT LEFT 0", "2> RPUSH a 1 2", "1<", multi=False)
    yield case("BRPOPLPUSH is served by a push", "1& BRPOPLPUSH a b 0", "2> RPUSH a 1 2", "1<", multi=False)
    yield case("a chain of moves", "1& BLMOVE a b LEFT LEFT 0", "2& BLMOVE b c LEFT LEFT 0", "3& BLPOP c 0",
               "4> RPUSH a x", "1<", "2<", "3<", multi=False)  # fmt: skip
    yield case("a circle of moves", "1& BLMOVE a b LEFT LEFT 0", "2& BLMOVE b a LEFT LEFT 0", "3> RPUSH a x", "1<",
               "2<", multi=False)  # fmt: skip
    yield case("BLMOVE to a wrong type", "SET b v", "1& BLMOVE a b LEFT LEFT 0", "2> RPUSH a 1 2", "1<", multi=False)
    yield case("BRPOPLPUSH to a wrong type, others waiting", "SET b v", "1& BRPOPLPUSH a b 0", "2& BLPOP a 0",
               "3> RPUSH a 1 2", "1<", "2<", multi=False)  # fmt: skip
    yield case("a key of another type wakes nobody", "1& BLPOP l 0.3", "2> SET l v", "2> DEL l", "2> SADD l a",
               "2> DEL l", "2> RPUSH l x", "1<", multi=False)  # fmt: skip
    yield case("pushed and deleted in a transaction", "1& BLPOP l 0.3", "2> MULTI", "2> RPUSH l a", "2> DEL l",
               "2> EXEC", "1<", multi=False)  # fmt: skip
    yield case("pushed and replaced in a transaction", "1& BLPOP l 0.3", "2> MULTI", "2> RPUSH l a", "2> DEL l",
               "2> SET l v", "2> EXEC", "1<", multi=False)  # fmt: skip
    yield case("served after the transaction", "1& BLPOP l 0", "2> MULTI", "2> RPUSH l a", "2> LPUSH l b",
               "2> RPUSH m c", "2> EXEC", "1<", multi=False)  # fmt: skip
    yield case("several keys in a transaction: the first that was ready", "1& BLPOP a b 0", "2> MULTI",
               "2> RPUSH b 1", "2> RPUSH a 2", "2> EXEC", "1<", multi=False)  # fmt: skip
    yield case("of several keys the first one named", "1& BLPOP a b c 0", "2> MULTI", "2> RPUSH c 1", "2> RPUSH b 2",
               "2> EXEC", "1<", multi=False)  # fmt: skip
    yield case("a wrong type among several keys", "1& BLPOP a b 0", "2> MULTI", "2> SET a v", "2> RPUSH b 1",
               "2> EXEC", "1<", multi=False)  # fmt: skip
    yield case("a wrong type among several keys at first", "2> SET a v", "BLPOP b a 0.05", "BLPOP a b 0.05",
               multi=False)  # fmt: skip
    yield case("BLPOP of the same key twice", "1& BLPOP l l 0", "2> RPUSH l a b", "1<", "2> LLEN l", multi=False)
    yield case("RENAME wakes", "RPUSH m a b", "1& BLPOP l 0", "2> RENAME m l", "1<", multi=False)
    yield case("COPY wakes", "RPUSH m a b", "1& BLPOP l 0", "2> COPY m l", "1<", multi=False)
    yield case("MOVE wakes", "RPUSH l a b", "SELECT 1", "1& BLPOP l 0", "2> MOVE l 1", "1<", multi=False)
    yield case("SWAPDB wakes", "RPUSH l a b", "SELECT 1", "1& BLPOP l 0", "2> SWAPDB 0 1", "1<", multi=False)
    yield case("SORT STORE wakes", "RPUSH m 2 1", "1& BLPOP l 0", "2> SORT m STORE l", "1<", multi=False)
    yield case("LMOVE wakes", "RPUSH m 2 1", "1& BLPOP l 0", "2> LMOVE m l LEFT LEFT", "1<", multi=False)
    yield case("LINSERT finds nothing to wake for", "1& BLPOP l 0.2", "2> LINSERT l BEFORE a b", "2> LPUSHX l a",
               "1<", multi=False)  # fmt: skip
    yield case("a waiting client times out", "1& BLPOP a b 0.05", "1<", "2> RPUSH a x", "LRANGE a 0 -1", multi=False)
    yield case("a waiting BLMOVE times out", "1& BLMOVE a b LEFT LEFT 0.05", "1<", "1& BRPOPLPUSH a b 0.05", "1<",
               multi=False)  # fmt: skip
    yield case("CLIENT UNBLOCK", "1& BLPOP a 0", "2> CLIENT UNBLOCK {id:1}", "1<", "2> CLIENT UNBLOCK {id:1}",
               "1& BLMOVE a b LEFT LEFT 0", "2> CLIENT UNBLOCK {id:1} TIMEOUT", "1<", "1& BLMPOP 0 1 a LEFT",
               "2> CLIENT UNBLOCK {id:1} ERROR", "1<", "PING", multi=False)  # fmt: skip
    yield case("a client that gave up is not served", "1& BLPOP l 0.05", "1<", "2& BLPOP l 0", "3> RPUSH l a b",
               "2<", "3> LRANGE l 0 -1", multi=False)  # fmt: skip
    yield case("waiting in another database", "SELECT 3", "1& BLPOP l 0", "2> RPUSH l a", "2> SELECT 3",
               "2> RPUSH l b", "1<", "2> LLEN l", multi=False)  # fmt: skip
    yield case("a blocked list client and a blocked zset client", "1& BLPOP k 0", "2& BZPOPMIN k 0", "3> ZADD k 1 a",
               "2<", "3> RPUSH k x", "1<", multi=False)  # fmt: skip
    yield case("a waiter for a key that expires", "RPUSH l a", "PEXPIRE l 30", "LPOP l", "1& BLPOP l 0", wait(60),
               "2> RPUSH l b", "1<", multi=False)  # fmt: skip
    yield case("events of a served pop", "1& BLPOP l 0", events("2> RPUSH l a b"), "1<", "3& BLPOP m 0",
               events("2> RPUSH m a"), "3<", "3& BLMOVE m n LEFT RIGHT 0", events("2> RPUSH m a"), "3<",
               multi=False)  # fmt: skip


def _listpack() -> Iterator[Case]:
    for bound in (1, 2, 4, 0):
        yield case(
            f"at most {bound} in a listpack",
            f"CONFIG SET list-max-listpack-size {bound}",
            *_grow_and_shrink("a"),
            config=True,
        )
    for bound, size in [(-1, 4096), (-2, 8192)]:
        for length in (size - 16, size - 9, size - 8, size - 7, size - 6, size, size + 1):
            big = "x" * length
            yield case(
                f"bound {bound}, an element of {length} bytes",
                f"CONFIG SET list-max-listpack-size {bound}",
                f"RPUSH l {big}",
                "OBJECT ENCODING l",
                "RPUSH l a",
                "OBJECT ENCODING l",
                "LPOP l",
                "OBJECT ENCODING l",
                f"LPUSH l {big}",
                f"RPUSH l {big}",
                "LINSERT l AFTER a b",
                "OBJECT ENCODING l",
                "LREM l 1 a",
                "LPOP l",
                "OBJECT ENCODING l",
                "RPOP l",
                "OBJECT ENCODING l",
                f"LSET l 0 {big}",
                "OBJECT ENCODING l",
                "LSET l 0 small",
                "OBJECT ENCODING l",
                f"RPUSH l a b c {big} d",
                "LTRIM l 1 2",
                "OBJECT ENCODING l",
                config=True,
            )
    yield case("numbers of every size", "RPUSH l " + " ".join(_NUMBERS),
               *[f"LPOS l {number}" for number in _NUMBERS], "LRANGE l 0 -1", "LMOVE l m LEFT LEFT",
               "OBJECT ENCODING l", "LSET l 3 77", "LREM l 0 007")  # fmt: skip
    many = " ".join(str(number) for number in range(1500))
    yield case(
        "a long list",
        f"RPUSH l {many}",
        f"LPUSH l {many}",
        f"RPUSH l {many}",
        "OBJECT ENCODING l",
        "LRANGE l 1490 1510",
        "LRANGE l 0 600",
        "LRANGE l -600 -1",
        "LINDEX l 2250",
        "LINDEX l -100",
        "LSET l 2250 middle",
        "LINSERT l BEFORE middle before",
        "LINSERT l AFTER middle after",
        "LPOS l middle",
        "LPOS l 700 COUNT 0",
        "LPOS l 700 RANK -2 COUNT 0",
        "LPOS l 700 RANK -1 COUNT 0 MAXLEN 1000",
        "LREM l -2 700",
        "LPOP l 1400",
        "RPOP l 1400",
        "LTRIM l 5 -6",
        "LLEN l",
        "OBJECT ENCODING l",
        "LTRIM l 0 200",
        "OBJECT ENCODING l",
        "COPY l m",
        "OBJECT ENCODING m",
        "LPOP m 1000",
        "LLEN l",
    )
    long = "y" * 300
    yield case(
        "long elements split and join nodes",
        "CONFIG SET list-max-listpack-size -1",
        "RPUSH l " + " ".join(f"{number}{long}" for number in range(40)),
        *[f"LINSERT l AFTER {number}{long} {number}z{long}" for number in (0, 6, 12, 13, 20, 30, 39)],
        *[f"LINSERT l BEFORE {number}{long} {number}w{long}" for number in (0, 6, 12, 13, 20, 30, 39)],
        f"LSET l 20 {'b' * 5000}",
        f"LINSERT l AFTER {'b' * 5000} {'c' * 5000}",
        f"LINSERT l BEFORE {'b' * 5000} {'d' * 5000}",
        "LRANGE l 0 -1",
        *["LPOP l 8", "RPOP l 7", "OBJECT ENCODING l"] * 4,
        config=True,
    )


def _grow_and_shrink(letter: str) -> Iterator[str | Step]:
    for push in ("RPUSH", "LPUSH"):
        for number in range(6):
            yield f"{push} l {letter}{number}"
            yield "OBJECT ENCODING l"
        for pop in (
            "LPOP l",
            "RPOP l",
            "LREM l 1 a3",
            "LMOVE l l LEFT RIGHT",
            "LSET l 0 a9",
            "LTRIM l 1 -1",
            "LPOP l 1",
        ):
            yield pop
            yield "OBJECT ENCODING l"
        yield f"LINSERT l AFTER {letter}9 {letter}8"
        yield "OBJECT ENCODING l"
        yield "DEL l"
    yield f"RPUSH l {letter} {letter} {letter} {letter} {letter}"
    yield "OBJECT ENCODING l"
    yield "LINSERT l AFTER nope x"
    yield "LSET l 9 x"
    yield "LMPOP 1 l LEFT COUNT 3"
    yield "OBJECT ENCODING l"
    yield "LMPOP 1 l RIGHT"
    yield "OBJECT ENCODING l"
    yield "DEL l"
    yield f"RPUSH l {letter}"
    yield "LINSERT l AFTER nope x"
    yield "OBJECT ENCODING l"
    yield "LSET l 9 x"
    yield "OBJECT ENCODING l"
    yield "LMOVE l m LEFT LEFT"
    yield "SORT m ALPHA STORE n"
    yield "OBJECT ENCODING n"
    yield "RPUSH m b c d e f"
    yield "SORT m ALPHA STORE n"
    yield "OBJECT ENCODING n"
    yield "SORT m ALPHA LIMIT 0 2 STORE n"
    yield "OBJECT ENCODING n"


CASES = [
    *_arity(),
    *_wrong_types(),
    *_ends(),
    *_moving(),
    *_mpop(),
    *_looking(),
    *_middle(),
    *_timeouts(),
    *_waiting(),
    *_listpack(),
]
