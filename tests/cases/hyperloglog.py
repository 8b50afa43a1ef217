"""The HyperLogLog commands. GET shows every byte of the value after each step."""

from tests.harness import about, case, events, ignored

NO_STRING = ["RPUSH l a", "HSET h f v", "SADD s a", "ZADD z 1 a"]
SPARSE = b"HYLL\x01" + bytes(11)
EMPTY = SPARSE + b"\x7f\xff"
DENSE = b"HYLL\x00" + bytes(11)
STALE = bytes(7) + b"\x80"
VALID = {
    "empty": EMPTY,
    "dense and empty": DENSE + bytes(12288),
    "dense and stale": DENSE[:8] + STALE + b"\x41" * 12288,
    "dense and full": DENSE[:8] + STALE + b"\xff" * 12288,
    "of many runs": SPARSE[:8] + STALE + b"\x3f\x80\x83\x3f" + b"\x7f\x7a",
    "with a count of its own": SPARSE[:5] + b"abc" + b"\x01\x02\x03\x04\x05\x06\x07\x08" + b"\x7f\xff",
}
BROKEN = {
    "too short": SPARSE[:15],
    "of another magic": b"hyll" + EMPTY[4:],
    "of another form": b"HYLL\x02" + EMPTY[5:],
    "dense and too short": DENSE + bytes(12287),
    "dense and too long": DENSE + bytes(12289),
    "a number": b"12345",
    "nothing": b"",
}
CORRUPT = {
    "without runs": SPARSE,
    "of too few registers": SPARSE[:8] + STALE + b"\x3f",
    "of too many registers": SPARSE[:8] + STALE + b"\x7f\xff\x80",
    "cut short": SPARSE[:8] + STALE + b"\x7f",
    "cut short behind a value": SPARSE[:8] + STALE + b"\x84\x40\x7f",
    "of too few registers, counted": SPARSE + b"\x83\x83",
}
LOOK = ("GET k", "OBJECT ENCODING k", "PFCOUNT k", "GET k")


def elements(start: int, stop: int) -> str:
    return " ".join(f"element:{number}" for number in range(start, stop))


CASES = [
    case(
        "pfadd",
        events("PFADD k a b c"),
        *LOOK,
        "TYPE k",
        "STRLEN k",
        events("PFADD k a b"),
        *LOOK,
        "PFADD k d",
        "GET k",
        "PFADD k e a",
        "PFADD k",
        *LOOK,
        events("PFADD new"),
        "GET new",
        "PFCOUNT new",
        'PFADD k ""',
        [b"PFADD", b"k", b"\x00\xff", b"\x00" * 7, b"x" * 8, b"y" * 15, b"z" * 1000],
        *LOOK,
    ),
    case(
        "pfcount remembers",
        "PFADD k a b c",
        events("PFCOUNT k"),
        "GET k",
        events("PFCOUNT k"),
        "PFADD k d",
        "PFCOUNT k k",
        "GET k",
        "PFCOUNT nokey",
        "PFCOUNT nokey none",
        "EXISTS nokey",
    ),
    case(
        "from sparse to dense",
        *[
            step
            for start in range(0, 3000, 250)
            for step in (f"PFADD k {elements(start, start + 250)}", "PFDEBUG ENCODING k", *LOOK)
        ],
    ),
    *[
        case(
            f"sparse up to {size} bytes",
            f"CONFIG SET hll-sparse-max-bytes {size}",
            *[step for n in range(30) for step in (f"PFADD k {elements(n * n, n * n + n)}", "GET k")],
            "PFADD m a",
            "PFMERGE m k",
            "GET m",
            "PFMERGE n m",
            "GET n",
            "PFCOUNT k m n",
            config=True,
        )
        for size in (0, 18, 19, 20, 40, 100, 20000)
    ],
    case(
        "equal neighbours are joined",
        "CONFIG SET hll-sparse-max-bytes 20000",
        *[f"PFADD k {elements(start, start + 1000)}" for start in range(0, 3000, 1000)],
        "PFDEBUG DECODE k",
        "GET k",
        "PFMERGE m k",
        "GET m",
        "PFADD n x y z",
        "PFMERGE n k",
        "PFDEBUG ENCODING n",
        "GET n",
        config=True,
    ),
    case(
        "pfmerge",
        f"PFADD a {elements(0, 100)}",
        f"PFADD b {elements(50, 150)}",
        f"PFADD c {elements(0, 2000)}",
        "PFCOUNT a b",
        "PFCOUNT a b c",
        "PFCOUNT a nokey b b",
        events("PFMERGE k a b"),
        *LOOK,
        "PFMERGE k c",
        *LOOK,
        "PFMERGE c a b",
        "GET c",
        "PFMERGE a",
        "GET a",
        "PFMERGE new",
        "GET new",
        "PFMERGE newer nokey none",
        "GET newer",
        "PFDEBUG TODENSE b",
        "PFMERGE new b",
        "GET new",
        "PFCOUNT b c k",
        "PFMERGE a a a",
        "GET a",
    ),
    case("pfmerge keeps the expiry", "PFADD k a", "EXPIRE k 100", "PFADD m b", "PFMERGE k m", about("TTL k", 1)),
    case("pfmerge is new", "PFADD m b", events("PFMERGE k m"), events("PFMERGE k m")),
    *[
        case(
            f"a string {name}",
            [b"SET", b"k", value],
            *LOOK,
            "PFDEBUG ENCODING k",
            "PFDEBUG DECODE k",
            "PFADD k",
            *LOOK,
            "PFADD k a b c",
            *LOOK,
            "PFMERGE m k",
            "GET m",
            "PFCOUNT m k",
            "PFDEBUG TODENSE k",
            *LOOK,
        )
        for name, value in VALID.items()
    ],
    *[
        case(
            f"a string {name}",
            [b"SET", b"k", value],
            "PFADD k",
            "PFADD k a",
            "PFCOUNT k",
            "PFCOUNT nokey k",
            "PFMERGE k",
            "PFMERGE m k",
            "PFDEBUG GETREG k",
            "PFDEBUG FOO k",
            "GET k",
            "OBJECT ENCODING k",
            "EXISTS m",
        )
        for name, value in BROKEN.items()
    ],
    *[
        case(
            f"a string {name}",
            [b"SET", b"k", value],
            "PFCOUNT k",
            "PFCOUNT k nokey",
            "PFMERGE m k",
            "PFMERGE k",
            "PFDEBUG DECODE k",
            "PFDEBUG TODENSE k",
            "PFDEBUG GETREG k",
            "PFADD k",
            "GET k",
            "PFADD k a b c d e f g h",
            "GET k",
            "EXISTS m",
        )
        for name, value in CORRUPT.items()
    ],
    case(
        "no string",
        *NO_STRING,
        "PFADD l a",
        "PFADD h",
        "PFCOUNT s",
        "PFCOUNT nokey z",
        "PFMERGE l",
        "PFMERGE k z",
        "PFADD k a",
        "PFMERGE h k",
        "PFDEBUG GETREG l",
        "PFCOUNT k l",
    ),
    case(
        "damaged by other commands",
        "PFADD k a b c",
        "APPEND k x",
        "PFCOUNT k",
        "PFADD k a",
        "PFADD k d",
        "GET k",
        "SETRANGE k 0 h",
        "PFCOUNT k",
        "PFADD n a",
        "SETRANGE n 15 0",
        "PFCOUNT n",
        "SETBIT n 7 1",
        "PFCOUNT n",
    ),
    case(
        "pfdebug",
        "PFADD k a b c",
        "PFDEBUG ENCODING k",
        "pfdebug decode k",
        events("PFDEBUG TODENSE k"),
        "PFDEBUG TODENSE k",
        "PFDEBUG DECODE k",
        "PFDEBUG ENCODING k",
        "GET k",
        [b"SET", b"m", VALID["of many runs"]],
        events("PFDEBUG GETREG m"),
        "GET m",
        "PFDEBUG FOO m",
        "PFDEBUG FOO nokey",
        "PFDEBUG GETREG nokey",
        "PFDEBUG SIMD on",
        "PFDEBUG simd OFF",
        "PFDEBUG SIMD ON",
    ),
    case("pfdebug arity", "PFDEBUG", "PFDEBUG GETREG", "PFDEBUG GETREG k x", multi=False),
    case("pfselftest arity", "PFSELFTEST x", multi=False),
    case("copied", "PFADD k a b c", "COPY k c", "PFADD k d", "PFCOUNT k", "PFCOUNT c", "GET c", ignored("DUMP k")),
    *(case(f"arity of {name}", name, f"{name} x", multi=False) for name in ("PFADD", "PFCOUNT", "PFMERGE")),
]
