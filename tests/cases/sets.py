"""Cases for the set commands."""

from collections.abc import Iterator

from tests.harness import Case, Step, case, events, shape, sized, unordered


def _words(prefix: str, count: int, first: int = 0) -> str:
    return " ".join(f"{prefix}{number}" for number in range(first, first + count))


def _numbers(count: int, first: int = 0) -> str:
    return _words("", count, first)


def _add(key: str, members: str) -> Iterator[str]:
    """Add members one by one: SADD with many at once goes by their number when it chooses the encoding."""
    for member in members.split():
        yield f"SADD {key} {member}"


def _batches(key: str, members: str, size: int = 100) -> list[str]:
    words = members.split()
    return [f"SADD {key} " + " ".join(words[at : at + size]) for at in range(0, len(words), size)]


_NAMES = ["SADD", "SCARD", "SDIFF", "SDIFFSTORE", "SINTER", "SINTERCARD", "SINTERSTORE", "SISMEMBER", "SMEMBERS"]
_NAMES += ["SMISMEMBER", "SMOVE", "SPOP", "SRANDMEMBER", "SREM", "SSCAN", "SUNION", "SUNIONSTORE"]


def _arity() -> list[Case]:
    return [case(f"{name} arity", name, f"{name} a", f"{name} a b c d e", data=False) for name in _NAMES]


def _wrong_type(kind: str, make: str) -> Case:
    steps: list[str | Step] = [make, "SADD s a", "SADD t b"]
    steps += [
        "SADD k a",
        "SREM k a",
        "SCARD k",
        "SISMEMBER k a",
        "SMISMEMBER k a b",
        "SMEMBERS k",
        "SPOP k",
        "SPOP k 1",
        "SPOP k 0",
        "SPOP k -1",
        "SRANDMEMBER k",
        "SRANDMEMBER k 1",
        "SRANDMEMBER k 0",
        "SSCAN k 0",
        "SSCAN k x",
        "SSCAN k 0 COUNT x",
        "SMOVE k s a",
        "SMOVE s k a",
        "SMOVE s k nope",
        "SMOVE nope k a",
        "SMOVE k nope a",
        "SDIFF s k",
        "SDIFF k s",
        "SDIFF nope k",
        "SDIFFSTORE d s k",
        "SDIFFSTORE d nope k",
        "SINTER s k",
        "SINTER nope k",
        "SINTERSTORE d s nope k",
        "SINTERCARD 2 s k",
        "SINTERCARD 2 nope k",
        "SUNION s k",
        "SUNIONSTORE d s k",
        "SUNIONSTORE d nope k",
        "EXISTS d",
        "SUNIONSTORE k s t",
        "TYPE k",
    ]
    return case(f"wrong type: {kind}", *steps)


_OPERANDS = [
    "SADD a 1 2 3 4 5",
    "SADD b 3 4 5 6",
    "SADD c 5 6 7 x",
    "SADD w x y z",
]


CASES = [
    *_arity(),
    _wrong_type("string", "SET k v"),
    _wrong_type("list", "RPUSH k a"),
    _wrong_type("hash", "HSET k a 1"),
    _wrong_type("sorted set", "ZADD k 1 a"),
    # SADD, SREM, SCARD, SISMEMBER, SMISMEMBER, SMEMBERS
    case("sadd", "SADD s a b c", "SADD s a d", "SADD s a", "SCARD s", unordered("SMEMBERS s")),
    case("sadd one by one", "SADD s a", "SADD s a", events("SADD s b"), "SCARD s"),
    case("sadd twice the same", "SADD s a a a", "SCARD s"),
    case("sadd keeps the expiry", "SADD s a", "EXPIRE s 100", "SADD s b"),
    case(
        "binary members", [b"SADD", b"s", b"\x00\xff", b"", b"\r\n"], [b"SISMEMBER", b"s", b""], unordered("SMEMBERS s")
    ),
    case("srem", "SADD s a b c", "SREM s a x b", "SREM s a", events("SREM s c"), "EXISTS s", "SREM s c"),
    case("srem all at once", "SADD s a b", "SREM s a b c", "EXISTS s"),
    case("srem of numbers", "SADD s 1 2 3", "SREM s x", "SREM s 01", "SREM s 2", "SMEMBERS s"),
    case("scard", "SCARD nope", "SADD s a", "SCARD s"),
    case("sismember", "SISMEMBER nope a", "SADD s a", "SISMEMBER s a", "SISMEMBER s b"),
    case("sismember of numbers", "SADD s 1 2", "SISMEMBER s 1", "SISMEMBER s 3", "SISMEMBER s x", "SISMEMBER s 01"),
    case("smismember", "SMISMEMBER nope a b", "SADD s a b", "SMISMEMBER s a x b a"),
    case("smembers", "SMEMBERS nope", "SADD s 3 1 2", "SMEMBERS s", "SADD t c a b", "SMEMBERS t"),
    case("members in order", "SADD s 10 9 -1 -20", "SMEMBERS s", "SADD s x", "SMEMBERS s", "SREM s 9", "SMEMBERS s"),
    # SMOVE
    case("smove", "SADD s a b", "SADD t c", "SMOVE s t a", "SMOVE s t x", events("SMOVE s t b"), "EXISTS s"),
    case("smove to a new key", "SADD s a", events("SMOVE s t a"), "EXISTS s", "SMEMBERS t"),
    case("smove of what is there already", "SADD s a b", "SADD t a", events("SMOVE s t a")),
    case("smove to itself", "SADD s a", "SMOVE s s a", "SMOVE s s b", "SMOVE nope nope a"),
    case("smove from nowhere", "SMOVE nope t a", "EXISTS t"),
    case("smove of a number", "SADD s 1 2 x", "SMOVE s t 1", "OBJECT ENCODING t", "SMOVE s t x", "OBJECT ENCODING t"),
    # SPOP
    case("spop", "SADD s a", events("SPOP s"), "SPOP s", "EXISTS s"),
    case("spop leaves the rest", "SADD s a b c", shape("SPOP s"), "SCARD s", data="sizes"),
    case("spop with count", "SADD s a b c d", sized("SPOP s 2"), "SCARD s", "SPOP s 0", data="sizes"),
    case("spop of all", "SADD s a b c", events(unordered("SPOP s 3")), "EXISTS s"),
    case("spop of more than all", "SADD s a b c", events(unordered("SPOP s 100")), "EXISTS s", "SPOP s 3"),
    case("spop of numbers", "SADD s 1 2 3", shape("SPOP s"), sized("SPOP s 1"), "SCARD s", data="sizes"),
    case(
        "spop errors",
        "SADD s a",
        "SPOP s x",
        "SPOP s -1",
        "SPOP s 9223372036854775808",
        "SPOP s 1 2",
        "SPOP nope -1",
        "SPOP nope 1 2",
        "SPOP nope",
        "SPOP nope 1",
    ),
    case("spop of nearly all numbers", *_batches("s", _numbers(300)), sized("SPOP s 298"), data="sizes"),
    case("spop of nearly all words", *_batches("s", _words("w", 300)), sized("SPOP s 298"), data="sizes"),
    case("spop of many words", *_batches("s", _words("w", 300)), sized("SPOP s 100"), data="sizes"),
    case("spop of most of a small set", "SADD s a b c d e f g h i j", sized("SPOP s 9"), data="sizes"),
    # SRANDMEMBER
    case("srandmember", "SRANDMEMBER nope", "SADD s a", "SRANDMEMBER s", "SRANDMEMBER s 1", "SRANDMEMBER s -3"),
    case("srandmember with count", "SADD s a b c", sized("SRANDMEMBER s 2"), unordered("SRANDMEMBER s 3")),
    case("srandmember of more", "SADD s a b c", unordered("SRANDMEMBER s 10"), sized("SRANDMEMBER s -10")),
    case("srandmember of numbers", "SADD s 1 2 3", shape("SRANDMEMBER s"), unordered("SRANDMEMBER s 10")),
    case(
        "srandmember of many", *_batches("s", _words("w", 300)), sized("SRANDMEMBER s 50"), sized("SRANDMEMBER s -400")
    ),
    case(
        "srandmember errors",
        "SADD s a",
        "SRANDMEMBER s x",
        "SRANDMEMBER s 0",
        "SRANDMEMBER s -9223372036854775808",
        "SRANDMEMBER s 9223372036854775808",
        "SRANDMEMBER s 1 2",
        "SRANDMEMBER nope 1 2",
        "SRANDMEMBER nope x",
        "SRANDMEMBER nope 3",
        "SRANDMEMBER nope -3",
    ),
    # SSCAN
    case(
        "sscan of a small set", "SADD s a b c", unordered("SSCAN s 0"), unordered("SSCAN s 0 COUNT 1"), "SSCAN nope 0"
    ),
    case("sscan of numbers", "SADD s 3 1 2", "SSCAN s 0", "SSCAN s 5", "SSCAN s 0 MATCH [12]"),
    case("sscan of many", *_batches("s", _words("w", 300)), unordered("SSCAN s 0 COUNT 1000")),
    case(
        "sscan match",
        "SADD s ab ac b",
        unordered("SSCAN s 0 MATCH a*"),
        "SSCAN s 0 MATCH x",
        unordered("SSCAN s 0 MATCH *"),
    ),
    case("sscan match twice", "SADD s ab ac b", "SSCAN s 0 MATCH a* MATCH b", "SSCAN s 0 COUNT 10 MATCH b COUNT 5"),
    case(
        "sscan errors",
        "SADD s a",
        "SSCAN s 0 COUNT 0",
        "SSCAN s 0 COUNT -1",
        "SSCAN s 0 COUNT x",
        "SSCAN s 0 COUNT",
        "SSCAN s 0 MATCH",
        "SSCAN s 0 FOO",
        "SSCAN s 0 NOVALUES",
        "SSCAN s 0 TYPE set",
        "SSCAN s 0 COUNT 0 FOO",
        "SSCAN s x COUNT 0",
        "SSCAN nope x",
        "SSCAN nope 0 FOO",
        "SSCAN nope 0 COUNT 0",
    ),
    case(
        "sscan cursors",
        "SADD s a",
        "SSCAN s 18446744073709551615",
        "SSCAN s 18446744073709551616",
        "SSCAN s -1",
        "SSCAN s -01",
        "SSCAN s +1",
        'SSCAN s " 1"',
        'SSCAN s " -5"',
        'SSCAN s "1 "',
        'SSCAN s ""',
        "SSCAN s 007",
        "SSCAN s 0x10",
        "SSCAN s 1a",
        "SSCAN s +",
    ),
    # SUNION, SINTER, SDIFF and their STORE
    case(
        "sunion",
        *_OPERANDS,
        unordered("SUNION a b"),
        unordered("SUNION a nope w"),
        "SUNION nope",
        unordered("SUNION a a"),
    ),
    case(
        "sinter",
        *_OPERANDS,
        unordered("SINTER a b"),
        unordered("SINTER a b c"),
        "SINTER a nope",
        "SINTER a w",
        "SINTER nope",
    ),
    case("sinter of one", *_OPERANDS, unordered("SINTER a"), unordered("SINTER w w")),
    case(
        "sdiff",
        *_OPERANDS,
        unordered("SDIFF a b"),
        unordered("SDIFF a b c"),
        "SDIFF a a",
        "SDIFF nope a",
        unordered("SDIFF a"),
    ),
    case("sdiff by removing", *_OPERANDS, "SADD n 1", unordered("SDIFF a n n n n n n"), unordered("SDIFF c w nope")),
    case(
        "sunionstore",
        *_OPERANDS,
        events("SUNIONSTORE d a b"),
        events("SUNIONSTORE d c w"),
        "SUNIONSTORE d nope",
        "EXISTS d",
    ),
    case(
        "sinterstore", *_OPERANDS, events("SINTERSTORE d a b"), "SINTERSTORE d a w", "EXISTS d", "SINTERSTORE d a nope"
    ),
    case("sdiffstore", *_OPERANDS, events("SDIFFSTORE d a b"), "SDIFFSTORE d a a", "EXISTS d", "SDIFFSTORE d nope a"),
    case("store over a source", *_OPERANDS, "SUNIONSTORE a a b", "SINTERSTORE b b c", "SDIFFSTORE c c w"),
    case("store over a source leaves nothing", *_OPERANDS, "SINTERSTORE a a nope", "SDIFFSTORE w w w", "EXISTS a w"),
    case(
        "store replaces other types",
        *_OPERANDS,
        "SET d x EX 100",
        "SUNIONSTORE d a",
        "TTL d",
        "SET e x",
        "SINTERSTORE e a b",
    ),
    case("store of nothing deletes other types", *_OPERANDS, "SET d x", events("SINTERSTORE d a nope"), "EXISTS d"),
    case("store of nothing at nowhere", events("SUNIONSTORE d nope"), events("SDIFFSTORE d nope a")),
    case("sintercard", *_OPERANDS, "SINTERCARD 2 a b", "SINTERCARD 1 a", "SINTERCARD 2 a nope", "SINTERCARD 3 a b c"),
    case(
        "sintercard limit",
        *_OPERANDS,
        "SINTERCARD 2 a b LIMIT 1",
        "SINTERCARD 2 a b LIMIT 0",
        "SINTERCARD 2 a b LIMIT 2",
        "SINTERCARD 2 a b limit 100",
        "SINTERCARD 2 a b LIMIT 1 LIMIT 2",
    ),
    case(
        "sintercard errors",
        *_OPERANDS,
        "SINTERCARD 0 a",
        "SINTERCARD -1 a",
        "SINTERCARD x a",
        "SINTERCARD 3 a b",
        "SINTERCARD 1 a b",
        "SINTERCARD 1 a LIMIT",
        "SINTERCARD 1 a LIMIT -1",
        "SINTERCARD 1 a LIMIT x",
        "SINTERCARD 1 a LIMIT 1 FOO",
        "SINTERCARD 1 a LIMIT -1 FOO",
        "SINTERCARD 9223372036854775808 a",
        "SINTERCARD 2 LIMIT 1",
    ),
    case("missed keys", events("SINTER nope1 nope2"), events("SUNIONSTORE d nope1"), "SISMEMBER nope a", "SPOP nope"),
    # Encodings
    case(
        "511 and more numbers",
        *_batches("s", _numbers(511)),
        "SADD s 511",
        "OBJECT ENCODING s",
        "SADD s 512",
        "OBJECT ENCODING s",
    ),
    case(
        "127 and more words",
        *_batches("s", _words("w", 127)),
        "SADD s x",
        "OBJECT ENCODING s",
        "SADD s y",
        "OBJECT ENCODING s",
    ),
    case("numbers then a word", *_add("s", _numbers(127)), "SADD s x", "OBJECT ENCODING s"),
    case("many numbers then a word", *_add("s", _numbers(128)), "SADD s x", "OBJECT ENCODING s"),
    case(
        "many at once, of which few differ",
        "SADD s " + "a " * 129,
        "OBJECT ENCODING s",
        "SADD t " + "1 " * 513,
        "OBJECT ENCODING t",
    ),
    case("many at once to numbers", "SADD s 1", "SADD s " + "1 " * 513, "OBJECT ENCODING s", "SADD s 2"),
    case(
        "many at once to words",
        "SADD s a",
        "SADD s " + "a " * 129,
        "OBJECT ENCODING s",
        "SADD t 1",
        "SADD t " + "1 " * 129,
    ),
    case(
        "many at once, numbers first",
        "SADD s 1 " + _words("w", 127),
        "OBJECT ENCODING s",
        "SADD t 1 " + _words("w", 128),
    ),
    case(
        "many at once, words first",
        "SADD s w " + _numbers(127),
        "SADD t w " + _numbers(128),
        "SADD u w " + _numbers(600),
    ),
    case("a long word", "SADD s " + "x" * 64, "OBJECT ENCODING s", "SADD s " + "x" * 65, "OBJECT ENCODING s"),
    case("a long word after a number", "SADD s 1", "SADD s " + "x" * 64, "SADD t 1", "SADD t " + "x" * 65),
    case(
        "what counts as a number",
        "SADD a 9223372036854775807",
        "SADD b 9223372036854775808",
        "SADD c 01",
        "SADD d -0",
        "SADD e +1",
    ),
    case(
        "what counts as a number, again",
        "SADD a -9223372036854775808",
        "SADD b -9223372036854775809",
        'SADD c " 1"',
        "SADD d 1.0",
    ),
    case(
        "no way back",
        "SADD s 1 x",
        "SREM s x",
        "OBJECT ENCODING s",
        *_batches("t", _words("w", 129)),
        "SREM t w1 w2 w3 w4",
    ),
    case("copy keeps the encoding", "SADD s 1 x", "SREM s x", "COPY s t", "OBJECT ENCODING t"),
    case(
        "configured limits",
        "CONFIG SET set-max-intset-entries 3 set-max-listpack-entries 5 set-max-listpack-value 4",
        *_add("ints", _numbers(4)),
        *_add("mixed", "1 2 3 x"),
        *_add("words", "a b c d e"),
        *_add("many", "a b c d e f"),
        *_add("long", "abcd abcde"),
        *_add("wide", "12345 x"),
        *_add("wide_negative", "-1234 x"),
        "SADD together 1 2 3 4",
        "SADD together_words a b c d e f",
        config=True,
    ),
    case(
        "limits of nothing",
        "CONFIG SET set-max-intset-entries 0 set-max-listpack-entries 0",
        "SADD a 1",
        "SADD b x",
        "SADD c 1 x",
        config=True,
    ),
    case(
        "stored results where there are to be no intsets",
        "SADD a 1",
        "SADD b x",
        "SADD c x 1",
        "SADD d 1 x",
        "CONFIG SET set-max-intset-entries 0",
        "SUNIONSTORE u1 a",
        "SUNIONSTORE u2 b",
        "SUNIONSTORE u3 c",
        "SUNIONSTORE u4 d",
        "SDIFFSTORE d1 a nope",
        "SDIFFSTORE d2 b nope",
        "SDIFFSTORE d3 c b",
        "SINTERSTORE i1 a",
        "SINTERSTORE i2 c",
        "SINTERSTORE i3 a c",
        config=True,
    ),
    case(
        "limits lowered later",
        "SADD a 1 2 3 4 5",
        "SADD b x y z v w",
        "CONFIG SET set-max-intset-entries 2 set-max-listpack-entries 3",
        "OBJECT ENCODING a",
        "OBJECT ENCODING b",
        "SADD a 6",
        "SADD b u",
        "SINTERSTORE c a",
        "SUNIONSTORE d a",
        config=True,
    ),
    case(
        "encodings of stored results",
        *_batches("large", _numbers(600) + " x"),
        *_batches("other", _numbers(600, 400)),
        "SADD small 1 2 y",
        "SINTERSTORE i1 large other",
        "SINTERSTORE i2 large small",
        "SINTERSTORE i3 large",
        "SUNIONSTORE u1 large",
        "SUNIONSTORE u2 small small",
        "SDIFFSTORE d1 large other",
        "SDIFFSTORE d2 other large",
        "SDIFFSTORE d3 small large",
        "SDIFFSTORE d4 large large",
    ),
    case(
        "encodings of stored differences",
        *_batches("large", _words("w", 200)),
        *_batches("most", _words("w", 190)),
        "SDIFFSTORE by_removing large most",
        "SDIFFSTORE by_asking large most most",
        "SDIFFSTORE of_few most large",
    ),
    case(
        "encodings of stored intersections with low limits",
        *_batches("a", _words("w", 20) + " " + _numbers(20)),
        "CONFIG SET set-max-intset-entries 10 set-max-listpack-entries 15",
        *_batches("b", _numbers(30, 5)),
        "SADD c 5 6 7 8",
        "SINTERSTORE d a b",
        "SINTERSTORE e a c",
        "SINTERSTORE f b c",
        config=True,
    ),
]
