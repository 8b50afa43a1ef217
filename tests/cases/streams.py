"""Cases of the stream commands that know no groups, and of what other commands do with streams."""

from __future__ import annotations

from collections.abc import Iterator

from tests.harness import Case, case, events, ignored, masked

THREE = ("XADD s 1-1 a 1", "XADD s 2-5 a 2 b two", "XADD s 3-0 c 3")
TOP = "18446744073709551615"
WRONG_IDS = (
    "x",
    "1-",
    "-1",
    "1-x",
    "1-2-3",
    "1--3",
    "-",
    "+",
    "(1",
    "1*",
    "*-1",
    "1-**",
    "1.5",
    f"1{TOP}",
    f"1-1{TOP}",
    "1" * 130,
    '""',
    '" "',
    "0x10",
)
ODD_IDS = ("007", '" 7"', "+7", "7-+3", "7-007", '"7- 3"', "7--03", '"7-3\\x00x"', "1" + "0" * 18)
TRIMMINGS = (
    "MAXLEN 3",
    "MAXLEN = 3",
    "MAXLEN ~ 3",
    "MAXLEN 0",
    "MAXLEN ~ 0",
    "MAXLEN 100",
    "MINID 5",
    "MINID = 5-0",
    "MINID ~ 8-1",
    "MINID 99",
    "MINID ~ 99",
    "MINID 0",
    "MAXLEN ~ 3 LIMIT 1",
    "MAXLEN ~ 3 LIMIT 4",
    "MAXLEN ~ 3 LIMIT 0",
    "MINID ~ 99 LIMIT 5",
    "LIMIT 5 MAXLEN ~ 1",
)
WRONG_TRIMMINGS = (
    "",
    "MAXLEN",
    "MAXLEN x",
    "MAXLEN -1",
    "MAXLEN 1.5",
    "MAXLEN ~",
    "MAXLEN ~ x",
    "MAXLEN ! 3",
    "MINID x",
    "MINID ~ -",
    "MINID +",
    "LIMIT 3",
    "LIMIT x",
    "LIMIT -1",
    "MAXLEN 3 LIMIT 3",
    "MAXLEN = 3 LIMIT 3",
    "MAXLEN 3 MINID 3",
    "MINID 3 MAXLEN 3",
    "MAXLEN 3 MAXLEN 4",
    "MAXLEN 3 FOO",
    "FOO 3",
    "MAXLEN ~ 3 LIMIT",
    "MAXLEN ~ 3 LIMIT -1",
    "MAXLEN = =",
)


def _many(count: int, name: str = "s") -> list[str]:
    return [f"XADD {name} {number}-1 n {number}" for number in range(1, count + 1)]


def _adding() -> Iterator[Case]:
    yield case(
        "xadd",
        "XADD s 1-1 a 1",
        "XADD s 1-2 a 1 b 2",
        "XADD s 2 a 3",
        "XLEN s",
        "XRANGE s - +",
        "TYPE s",
        "OBJECT ENCODING s",
    )
    yield case("xadd makes ids", ignored("XADD s * a 1"), ignored("XADD s * a 2"), "XLEN s", data="sizes")
    yield case(
        "xadd makes sequence numbers",
        "XADD s 5-* a 1",
        "XADD s 5-* a 1",
        "XADD s 4-* a 1",
        "XADD s 6-7 a 1",
        "XADD s 6-* a 1",
        "XADD s 7-* a 1",
        f"XADD s 7-{TOP} a 1",
        "XADD s 7-* a 1",
        "XADD new 0-* a 1",
        "XRANGE s - +",
    )
    yield case("xadd from a future id", f"XADD s {TOP}-5 a 1", "XADD s * a 1", "XADD s 1 a 1", f"XADD s {TOP}-* a 1")
    yield case(
        "the last id",
        f"XADD s {TOP}-{TOP} a 1",
        "XADD s * a 1",
        "XADD s 1 a 1",
        "XADD s 1-* a 1",
        "XADD s NOMKSTREAM * a 1",
        "XREAD STREAMS s +",
        f"XREAD STREAMS s {TOP}-{TOP}",
    )
    yield case(
        "an id before the last",
        "XADD s 5-5 a 1",
        "XADD s 5-5 a 1",
        "XADD s 5-4 a 1",
        "XADD s 5 a 1",
        "XADD s 4-9 a 1",
        "XADD s 0-1 a 1",
        "XADD s 0-0 a 1",
        "XADD s 0 a 1",
        "XADD none 0-0 a 1",
        "EXISTS none",
    )
    yield case("xadd after all were deleted", *THREE, "XDEL s 1-1 2-5 3-0", "XADD s 3-0 a 1", "XADD s 3-1 a 1")
    yield case("ids that are none", *[f"XADD s {word} a 1" for word in WRONG_IDS], "EXISTS s")
    yield case("ids as C reads them", *[f"XADD s{at} {word} a 1" for at, word in enumerate(ODD_IDS)])
    yield case(
        "xadd and words",
        "XADD",
        "XADD s",
        "XADD s *",
        "XADD s * a",
        "XADD s 1 a 1 b",
        "XADD s x a 1 b",
        "XADD s 0-0 a",
        "XADD s MAXLEN 5 1 a",
        "XADD s MAXLEN 5 NOMKSTREAM LIMIT 3",
        "XADD s NOMKSTREAM NOMKSTREAM 1-1 a",
        "XADD s MAXLEN 5 LIMIT 0",
    )
    yield case(
        "nomkstream",
        "XADD s NOMKSTREAM 1 a 1",
        "EXISTS s",
        "XADD s nomkstream MAXLEN 1 * a 1",
        *THREE,
        "XADD s NOMKSTREAM 5-1 a 1",
        "XADD s NOMKSTREAM NoMkStream 6-1 a 1",
        "XADD s NOMKSTREAM MAXLEN ~ 1 7-1 a 1",
    )
    yield case(
        "fields",
        "XADD s 1 a 1 a 2 b 3",
        [b"XADD", b"s", b"2", b"", b"", b"\x00\xff\r\n", b"x" * 70],
        "XADD s 3 a 3 a 4 b 5",
        "XADD s 4 b 1 a 2",
        "XADD s 5 a 1",
        "XADD s 6 1 2 3 4",
        "XRANGE s - +",
        "XREVRANGE s + -",
    )
    numbers = [1 << bits for bits in (0, 6, 7, 11, 12, 15, 16, 23, 24, 31, 32, 62, 63, 64)]
    words = [b"%d" % each for number in numbers for each in (number, number - 1, -number, -number - 1)]
    words += [b"01", b"-0", b"+1", b"1.0", b" 1", b"-"]
    yield case(
        "values like numbers",
        *[[b"XADD", b"s", b"%d" % at, word, word] for at, word in enumerate(words, 1)],
        "XRANGE s - +",
        "XREVRANGE s + - COUNT 9",
        "DEBUG DIGEST-VALUE s",
    )
    sizes = [0, 1, 31, 32, 33, 62, 63, 64, 65, 126, 127, 128, 4095, 4096, 16370, 16384, 70000]
    yield case(
        "values of all sizes",
        *[[b"XADD", b"s", b"%d" % at, b"f", b"v" * size] for at, size in enumerate(sizes, 1)],
        "XRANGE s - +",
        "XREVRANGE s + -",
        "DEBUG DIGEST-VALUE s",
    )
    yield case(
        "ids far apart",
        f"XADD s 1-{TOP} a 1",
        "XADD s 2-0 a 1",
        "XADD s 3-9223372036854775808 a 1",
        "XADD s 9223372036854775807-5 a 1",
        "XADD s 9223372036854775808-1 a 1",
        f"XADD s {TOP}-0 a 1",
        "XRANGE s - +",
        "XREVRANGE s + -",
        "XRANGE s 2 9223372036854775807",
        "XDEL s 9223372036854775808-1",
        "XRANGE s 3 +",
    )
    yield case(
        "events of adding",
        events("XADD s 1 a 1"),
        events("XADD s 2 a 1"),
        events("XADD s MAXLEN 1 3 a 1"),
        events("XADD s MAXLEN 9 4 a 1"),
        events("XADD s 1 a 1"),
        events("XADD n NOMKSTREAM 1 a 1"),
    )


def _trimming() -> Iterator[Case]:
    for words in TRIMMINGS:
        yield case(
            f"xtrim {words}",
            "CONFIG SET stream-node-max-entries 4",
            *_many(10),
            events(f"XTRIM s {words}"),
            "XRANGE s - +",
            "XINFO STREAM s",
            "XADD s 20-1 a 1",
            f"XTRIM s {words}",
            "XRANGE s - +",
            config=True,
        )
        yield case(
            f"xadd {words}",
            "CONFIG SET stream-node-max-entries 4",
            *_many(10),
            events(f"XADD s {words} 11-1 a 1"),
            "XRANGE s - +",
            f"XADD s {words} 12-1 a 1",
            "XINFO STREAM s",
            f"XADD new {words} 3-1 a 1",
            "XRANGE new - +",
            config=True,
        )
    yield case(
        "wrong trimmings",
        *_many(5),
        *[f"XTRIM s {words}" for words in WRONG_TRIMMINGS],
        *[f"XADD s {words} 9-1 a 1" for words in WRONG_TRIMMINGS],
    )
    yield case(
        "trimming what is not there",
        "XTRIM s MAXLEN 0",
        "XTRIM s MINID ~ 5",
        "XTRIM s FOO 1",
        "SET str v",
        "XTRIM str MAXLEN 0",
        "XTRIM str MAXLEN x",
        "XADD str MAXLEN 0 1 a 1",
        "XADD str NOMKSTREAM 1 a 1",
    )
    yield case(
        "trimming over deleted entries",
        "CONFIG SET stream-node-max-entries 3",
        *_many(9),
        "XDEL s 1-1 2-1 5-1 9-1",
        "XTRIM s MAXLEN 4",
        "XINFO STREAM s",
        "XTRIM s MINID 7-1",
        "XINFO STREAM s",
        "XTRIM s MINID 9-1",
        "XINFO STREAM s",
        "XADD s 10-1 a 1",
        "XRANGE s - +",
        "XTRIM s MAXLEN ~ 0",
        "XINFO STREAM s",
        config=True,
    )
    yield case(
        "a node without live entries",
        *_many(5),
        "XDEL s 5-1",
        "XTRIM s MINID 5-1",
        "XINFO STREAM s",
        "XRANGE s - +",
        "XREAD STREAMS s 0",
        "XADD s 6-1 a 1",
        "XTRIM s MAXLEN ~ 1",
        "XINFO STREAM s",
        "XTRIM s MAXLEN 0",
        "XINFO STREAM s",
        "XREVRANGE s + -",
    )
    yield case(
        "nodes by bytes",
        "CONFIG SET stream-node-max-bytes 60",
        *_many(12),
        "XTRIM s MAXLEN ~ 5",
        "XRANGE s - +",
        "XADD s 20-1 a " + "x" * 100,
        "XADD s 21-1 a 1",
        "XADD s 22-1 a 1",
        "XINFO STREAM s",
        "XTRIM s MAXLEN ~ 1",
        "XRANGE s - +",
        config=True,
    )
    yield case(
        "nodes without bounds",
        "CONFIG SET stream-node-max-bytes 0 stream-node-max-entries 0",
        *_many(300),
        "XTRIM s MAXLEN ~ 5",
        "XINFO STREAM s",
        "XTRIM s MAXLEN 5",
        "XRANGE s - +",
        config=True,
    )
    yield case(
        "the default limit",
        "CONFIG SET stream-node-max-entries 1",
        *_many(150),
        "XTRIM s MAXLEN ~ 0",
        "XLEN s",
        "XADD s MAXLEN ~ 0 500-1 a 1",
        "XLEN s",
        config=True,
    )


def _taking_away() -> Iterator[Case]:
    yield case(
        "xdel",
        *THREE,
        events("XDEL s 2-5"),
        "XRANGE s - +",
        events("XDEL s 2-5"),
        "XDEL s 9-9 1-1 1-1 3",
        "XLEN s",
        "EXISTS s",
        "XRANGE s - +",
        "XINFO STREAM s",
        "XADD s 3-0 a 1",
        "XADD s 3-1 a 1",
    )
    yield case(
        "xdel errors",
        "XDEL s",
        "XDEL s 1-1",
        "XDEL s x",
        "SET str v",
        "XDEL str 1",
        "XDEL str x",
        *THREE,
        "XDEL s 1-1 x",
        "XDEL s -",
        "XDEL s (1",
        "XDEL s 1-*",
        "XLEN s",
    )
    yield case(
        "tombstones",
        *_many(6),
        "XDEL s 2-1",
        "XDEL s 6-1",
        "XDEL s 1-1",
        "XINFO STREAM s",
        "XRANGE s - + COUNT 2",
        "XREVRANGE s + - COUNT 2",
        "XRANGE s 2 3",
        "XREVRANGE s 6 5",
        "XDEL s 3-1 4-1 5-1",
        "XINFO STREAM s",
    )
    yield case("xlen", "XLEN s", *THREE, "XLEN s", "XLEN", "XLEN s t", "SET str v", "XLEN str")
    yield case(
        "xsetid",
        "XSETID s 1",
        *THREE,
        events("XSETID s 5-1"),
        "XADD s 5-1 a 1",
        "XSETID s 3-0",
        "XSETID s 2-9",
        "XSETID s 4",
        "XINFO STREAM s",
        "XSETID s 9-9 ENTRIESADDED 7 MAXDELETEDID 1-1",
        "XINFO STREAM s",
        "XSETID s 9-9 MAXDELETEDID 0-0",
        "XSETID s 9-9 ENTRIESADDED 2",
        "XSETID s 9-9 ENTRIESADDED 3",
        "XINFO STREAM s",
    )
    yield case(
        "xsetid errors",
        *THREE,
        "SET str v",
        "XSETID",
        "XSETID s",
        "XSETID s x",
        "XSETID none x",
        "XSETID str 5",
        "XSETID s -",
        "XSETID s 9 FOO",
        "XSETID s 9 ENTRIESADDED",
        "XSETID s 9 ENTRIESADDED x",
        "XSETID s 9 ENTRIESADDED -1",
        "XSETID none 9 ENTRIESADDED -1",
        "XSETID s 9 MAXDELETEDID x",
        "XSETID s 9 MAXDELETEDID 9-1",
        "XSETID none 9 MAXDELETEDID 10",
        "XSETID s 9 MAXDELETEDID 8 ENTRIESADDED 1",
        "XDEL s 3-0",
        "XSETID s 2-9",
        "XSETID s 3-0 MAXDELETEDID 2-0",
        "XINFO STREAM s",
        "XSETID s 3-0 MAXDELETEDID 2-0 ENTRIESADDED 9 FOO",
    )
    yield case(
        "xsetid of an empty stream",
        *THREE,
        "XTRIM s MAXLEN 0",
        "XSETID s 2-0",
        "XSETID s 1-0 ENTRIESADDED 0",
        "XINFO STREAM s",
        "XADD s 1-1 a 1",
    )


def _ranges() -> Iterator[Case]:
    ends = ["-", "+", "0", "1", "2", "3", "1-1", "2-5", "2-6", "3-0", "9", "(1-1", "(2-5", "(3", "(1", f"{TOP}-{TOP}"]
    yield case("ranges", *THREE, *[f"XRANGE s {start} {end}" for start in ends for end in ends])
    yield case("ranges backwards", *THREE, *[f"XREVRANGE s {end} {start}" for start in ends for end in ends])
    yield case(
        "ranges of many nodes",
        "CONFIG SET stream-node-max-entries 3",
        *_many(20),
        "XDEL s 4-1 5-1 6-1 11-1 20-1",
        *[
            f"{name} {start} {end} {count}"
            for name, start, end in (
                ("XRANGE s", "-", "+"),
                ("XREVRANGE s", "+", "-"),
                ("XRANGE s", "3", "13"),
                ("XREVRANGE s", "13", "3"),
                ("XRANGE s", "(4-1", "(12-1"),
                ("XREVRANGE s", "(12-1", "(4-1"),
                ("XRANGE s", "5", "5"),
            )
            for count in ("", "COUNT 1", "COUNT 2", "COUNT 5", "COUNT 100")
        ],
        config=True,
    )
    wrong = (
        "s",
        "s -",
        "s x +",
        "s - x",
        "s ( +",
        "s (- +",
        "s (+ +",
        "s - (",
        "s (x +",
        f"s ({TOP}-{TOP} +",
        "s - (0-0",
        "s - (0",
        "s - + COUNT",
        "s - + COUNT x",
        "s - + COUNT 1 2",
        "s - + FOO",
        "s - + FOO 1",
        "s x + COUNT y",
        "none x +",
        "str - +",
        "str x +",
        "str - + COUNT 0",
        "1-* +",
        "",
    )
    yield case(
        "range errors",
        *THREE,
        "SET str v",
        *[f"XRANGE {rest}" for rest in wrong],
        *[f"XREVRANGE {rest}" for rest in wrong],
    )
    yield case(
        "range counts",
        *THREE,
        *[f"XRANGE s - + COUNT {count}" for count in (0, 1, 2, 9, -1, -9)],
        "XRANGE none - +",
        "XRANGE none - + COUNT 0",
        "XRANGE s - + COUNT 1 COUNT 2",
        "XRANGE s - + count 1",
        "XREVRANGE none + -",
        "XDEL s 1-1 2-5 3-0",
        "XRANGE s - +",
        "XRANGE s - + COUNT 0",
    )
    yield case(
        "a missed key",
        events("XRANGE none - +"),
        events("XREVRANGE none + -"),
        events("XLEN none"),
        events("XREAD STREAMS none 0"),
        events("XDEL none 1"),
        events("XTRIM none MAXLEN 1"),
    )


def _generic() -> Iterator[Case]:
    yield case(
        "copies",
        *THREE,
        "COPY s t",
        "XADD s 9 a 1",
        "XDEL s 1-1",
        "XRANGE s - +",
        "XRANGE t - +",
        "XADD t 4 a 1",
        "XDEL t 2-5",
        "XRANGE s - +",
        "XRANGE t - +",
        "COPY s t",
        "COPY s t REPLACE",
        "XINFO STREAM t",
        "RENAME t u",
        "XADD u 10 b 1",
    )
    yield case(
        "keys of streams",
        *THREE,
        "EXPIRE s 100",
        "PERSIST s",
        "EXISTS s",
        "TYPE s",
        "OBJECT REFCOUNT s",
        "SCAN 0 TYPE stream",
        "SCAN 0 TYPE string",
        "DEBUG DIGEST-VALUE s",
        "DEBUG DIGEST",
        "XDEL s 2-5",
        "DEBUG DIGEST-VALUE s",
        "XTRIM s MAXLEN 0",
        "EXISTS s",
        "TYPE s",
        "DEBUG DIGEST-VALUE s",
        "RENAME s t",
        "MOVE t 2",
        "UNLINK s",
    )
    strange = (
        "GET s",
        "APPEND s a",
        "STRLEN s",
        "INCR s",
        "GETDEL s",
        "SETRANGE s 1 a",
        "GETBIT s 1",
        "SETBIT s 1 1",
        "BITCOUNT s",
        "LPUSH s a",
        "LRANGE s 0 -1",
        "LLEN s",
        "SADD s a",
        "SMEMBERS s",
        "SINTER s",
        "HSET s a b",
        "HGETALL s",
        "HEXPIRE s 5 FIELDS 1 a",
        "ZADD s 1 a",
        "ZRANGE s 0 -1",
        "ZUNION 1 s",
        "SORT s",
        "PFADD s a",
        "GEOADD s 1 1 a",
        "BLPOP s 1",
        "LMPOP 1 s LEFT",
        "MGET s",
    )
    yield case("other commands", *THREE, *strange, "SET s v GET", "SET s v", "TYPE s")
    yield case(
        "stream commands and other types",
        *[f"{line} x" for line in ("RPUSH l", "SADD e", "HSET h f", "SET str", "ZADD z 1")],
        *[
            words.replace("?", key)
            for key in ("l", "e", "h", "str", "z")
            for words in (
                "XADD ? 1 a 1",
                "XADD ? NOMKSTREAM 1 a 1",
                "XLEN ?",
                "XRANGE ? - +",
                "XREVRANGE ? + -",
                "XDEL ? 1",
                "XTRIM ? MAXLEN 1",
                "XREAD STREAMS ? 0",
                "XSETID ? 5",
            )
        ],
    )
    yield case(
        "a transaction is spoiled",
        *THREE,
        "WATCH s",
        "2> XDEL s 9-9",
        "MULTI",
        "XLEN s",
        "EXEC",
        "WATCH s",
        "2> XADD s 9-9 a 1",
        "MULTI",
        "XLEN s",
        "EXEC",
        "WATCH s",
        "2> XSETID s 99",
        "MULTI",
        "XLEN s",
        "EXEC",
        "WATCH s",
        "2> XTRIM s MAXLEN 1",
        "MULTI",
        "XLEN s",
        "EXEC",
        "WATCH s",
        "2> XTRIM s MAXLEN 1",
        "MULTI",
        "XLEN s",
        "EXEC",
        multi=False,
    )
    yield case("debug object", *THREE, masked("DEBUG OBJECT s", r"at:\S*|serializedlength:\S*|lru\S*"), data=False)


CASES = [*_adding(), *_trimming(), *_taking_away(), *_ranges(), *_generic()]
