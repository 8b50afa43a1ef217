"""The string commands."""

from tests.harness import Step, about, case, events, wait

MAX = "9223372036854775807"
MIN = "-9223372036854775808"
NO_STRING = ["RPUSH l a", "HSET h f v", "SADD s a", "ZADD z 1 a"]
TTL = 100


def expiry_of(key: str) -> list[Step]:
    """Steps that show when a key expires."""
    return [about(f"TTL {key}", 1), about(f"PTTL {key}", 2000)]


def raw(*words: str) -> list[bytes]:
    """A step whose words hold what a command line cannot show."""
    return [word.encode() for word in words]


SET_MISTAKES = (
    "NX XX,XX NX,FOO,EX,EX 10 PX 10,PX 10 EX 10,EXAT 10 PXAT 10,EX 10 KEEPTTL,KEEPTTL EX 10,"
    "PERSIST,EX 10 PERSIST,"
    "NX FOO,GET FOO,KEEPTTL PX,NX XX GET,XX GET NX,GETX,EX 0,EX -1,EX abc,EX 1.5,PX 0,PX -5,"
    "PX x,EXAT 0,"
    "EXAT -1,EXAT x,PXAT 0,PXAT -1,EX 9223372036854775807,EX 9223372036854776,EX 9223372036854775,"
    "PX 9223372036854775807,PX 9223370000000000000,EXAT 9223372036854775807,EXAT 9223372036854776,"
    "EX 9223372036854775808,EX abc NX XX,EX abc FOO,EX 10 EX abc,EX abc EX 10,NX EX 0,XX EX 0,GET "
    "EX 0,EX  ,"
    "EX nx,EX 10 10"
)

SET_CASES = [
    case("set and get", "SET k v", "GET k", "SET k w", "GET k", "GET missing"),
    case("set replaces any type", *NO_STRING, "SET l 1", "SET h 2", "SET s 3", "SET z 4", "MGET l h s z"),
    case("set drops the expiry", "SET k v EX 100", "SET k w", "TTL k"),
    case("set keepttl", "SET k v EX 100", "SET k w KEEPTTL", *expiry_of("k"), "SET n v KEEPTTL", "TTL n"),
    case("set nx", "SET k v NX", "SET k w NX", "GET k", "SET k w nx", "SET k w nX EX 10", "TTL k"),
    case("set xx", "SET k v XX", "EXISTS k", "SET k v", "SET k w XX", "SET k x xx EX 100", *expiry_of("k"), "GET k"),
    case("set get", "SET k v GET", "SET k w GET", "SET k 12 get", "SET k x GET", "GET k"),
    case("set get with nx and xx", "SET k v NX GET", "SET k w NX GET", "SET k x XX GET", "SET m x XX GET", "GET k"),
    case("set get of no string", *NO_STRING, "SET l v GET", "SET h v GET NX", "SET z v XX GET", "TYPE l"),
    case("set get with expiry", "SET k v GET EX 100", "SET k w PX 100000 GET", *expiry_of("k")),
    case("set expiries", "SET a v EX 100", "SET b v PX 100000", *expiry_of("a"), *expiry_of("b")),
    case("set moments", "SET a v EXAT {now+100}", "SET b v PXAT {now_ms+100000}", *expiry_of("a"), *expiry_of("b")),
    case("set moments in the past", "SET a v EXAT 1", "GET a", "SET b v", "SET b w PXAT 1", "GET b", "EXISTS a b"),
    case("set expiry replaces expiry", "SET k v EX 1000", "SET k w EX 100", *expiry_of("k")),
    case("set options twice", "SET k v EX 10 EX 100", "SET k w XX XX GET GET", "SET k w KEEPTTL KEEPTTL", "TTL k"),
    case("set events", "SET k v", "SET k v EX 100", "SET k v NX", "SET k v XX KEEPTTL", events("SET k v GET")),
    case("set encodings", "SET a 12", "SET b 012", "SET c x", "SET d 12 EX 10"),
    case("set empty value", 'SET k ""', "GET k", "STRLEN k", 'SET "" v', 'GET ""', 'SET "" ""', 'GET ""'),
    *(
        case(f"set with bad options: {options}", "SET k old", f"SET k v {options}", "GET k", f"SET n v {options}")
        for options in SET_MISTAKES.split(",")
    ),
    case(
        "set far future",
        "SET k v PXAT 9223372036854775807",
        "PEXPIRETIME k",
        "SET k v EXAT 9223372036854775",
        data=False,
    ),
    case("set get with a bad expiry", "RPUSH l a", "SET l v GET EX 0", "SET l v GET EX x", "SET l v EX x GET FOO"),
    case("setnx", "SETNX k v", "SETNX k w", "GET k", *NO_STRING, "SETNX l v", "SETNX n 12", "OBJECT ENCODING n"),
    case("setex", "SETEX k 100 v", *expiry_of("k"), "GET k", *NO_STRING, "SETEX l 100 12", "GET l", events("PING")),
    case("psetex", "PSETEX k 100000 v", *expiry_of("k"), "GET k", "RPUSH l a", "PSETEX l 100000 12", "GET l"),
    *(
        case(f"{name} with a bad time", f"{name} k 0 v", f"{name} k -1 v", f"{name} k x v", f"{name} k {MAX} v")
        for name in ("SETEX", "PSETEX", "setex", "PSetEx")
    ),
    case("getset", "GETSET k v", "GETSET k 12", "GETSET k x", "GET k", *NO_STRING, "GETSET l v", "GETSET h v"),
    case("getset drops the expiry", "SET k v EX 100", "GETSET k w", "TTL k", events("PING")),
    case(
        "getdel", "GETDEL k", "SET k v", "GETDEL k", "GET k", "SET k 12", "GETDEL k", *NO_STRING, "GETDEL l", "GETDEL z"
    ),
    case("getdel of a raw string", "APPEND k ab", "APPEND k cd", events("GETDEL k"), "EXISTS k"),
    case(
        "expired strings", "SET k v PX 20", "SET n 5 PX 20", "APPEND r a", "PEXPIRE r 20", wait(40), "GET k", "INCR n"
    ),
    case("expired strings to writers", "SET a v PX 20", "SET b v PX 20", "SET c v PX 20", wait(40), "APPEND a x"),
]

GETEX_MISTAKES = (
    "FOO,EX,PX,EX 10 PX 10,EX 10 PERSIST,PERSIST EX 10,KEEPTTL,NX,GET,EX 0,EX -1,EX x,PX 0,EXAT 0,PXAT -1,"
    "EX 9223372036854775807,PX 9223372036854775807,EX x FOO,PERSIST PERSIST,PERSIST FOO"
)

GETEX_CASES = [
    case("getex", "GETEX k", "GETEX k EX 10", "SET k v", "GETEX k", "TTL k", "GETEX k EX 100", *expiry_of("k")),
    case("getex in ms", "SET k v", "GETEX k PX 100000", *expiry_of("k"), "GETEX k PERSIST", "TTL k", "GETEX k persist"),
    case(
        "getex moments", "SET k 1", "GETEX k EXAT {now+100}", *expiry_of("k"), "GETEX k PXAT {now_ms+100000}", "TTL k"
    ),
    case("getex in the past", "SET k v", events("GETEX k EXAT 1"), "EXISTS k", "SET k w", "GETEX k PXAT 1", "GET k"),
    case("getex keeps the expiry", "SET k v EX 100", "GETEX k", *expiry_of("k"), events("GETEX k PERSIST")),
    case("getex of no string", *NO_STRING, "GETEX l", "GETEX h EX 10", "GETEX s PERSIST", "GETEX z EX x", "TTL h"),
    case("getex of a raw string", "APPEND k ab", "APPEND k cd", "GETEX k EX 100", "OBJECT ENCODING k"),
    *(
        case(f"getex with bad options: {options}", f"GETEX n {options}", "SET k v", f"GETEX k {options}", "TTL k")
        for options in GETEX_MISTAKES.split(",")
    ),
]

NUMBER_CASES = [
    case("incr", "INCR k", "INCR k", "GET k", "OBJECT ENCODING k", "SET k -1", "INCR k", "INCR k"),
    case("decr", "DECR k", "DECR k", "GET k", "SET k 1", "DECR k", "DECR k"),
    case("incrby and decrby", "INCRBY k 5", "INCRBY k -10", "DECRBY k 5", "DECRBY k -10", "INCRBY n 0", "DECRBY m 0"),
    case(
        "limits of incr", f"SET k {MAX}", "INCR k", "GET k", f"SET k {MIN}", "DECR k", "GET k", "INCRBY k -1", "INCR k"
    ),
    case(
        "limits of incrby", "SET k 1", f"INCRBY k {MAX}", f"INCRBY n {MAX}", "INCRBY n 1", f"INCRBY m {MIN}", "DECR m"
    ),
    case(
        "limits of decrby",
        f"DECRBY k {MIN}",
        f"DECRBY k {MAX}",
        "DECR k",
        "DECR k",
        "GET k",
        "SET n 1",
        f"DECRBY n {MIN}",
    ),
    case("sums across zero", f"SET k {MIN}", f"INCRBY k {MAX}", "GET k", f"INCRBY k {MAX}", "INCRBY k 1"),
    *(
        case(f"incr of {value}", raw("SET", "k", value), "INCR k", "DECR k", "INCRBY k 2", "DECRBY k 2", "GET k")
        for value in (
            "",
            " 1",
            "1 ",
            "01",
            "+1",
            "-0",
            "1.0",
            "1e3",
            "abc",
            "9223372036854775808",
            "0x1",
            "1\n",
            "-",
            "0",
        )
    ),
    *(
        case(
            f"incrby with {word}",
            raw("INCRBY", "k", word),
            raw("DECRBY", "k", word),
            "SET k abc",
            raw("INCRBY", "k", word),
        )
        for word in ("", " 1", "01", "+1", "-0", "1.0", "1e3", "x", "9223372036854775808", "-9223372036854775809")
    ),
    case(
        "incr of raw strings", "APPEND k 1", "APPEND k 2", "OBJECT ENCODING k", "INCR k", "OBJECT ENCODING k", "GET k"
    ),
    case("incr keeps the expiry", "SET k 1 EX 100", "INCR k", *expiry_of("k"), "INCRBYFLOAT k 1.5", *expiry_of("k")),
    case("incr of no string", *NO_STRING, "INCR l", "DECR h", "INCRBY s 1", "DECRBY z 1", "INCRBY l x", "DECRBY z x"),
    case("incr events", "INCR k", "DECR k", "INCRBY k 5", "DECRBY k 5", events("INCRBYFLOAT k 1"), "SET a x", "INCR a"),
    case("incrbyfloat", "INCRBYFLOAT k 0.1", "INCRBYFLOAT k 0.2", "INCRBYFLOAT k -0.3", "GET k", "OBJECT ENCODING k"),
    case(
        "incrbyfloat to whole numbers",
        "SET k 1.5",
        "INCRBYFLOAT k 1.5",
        "OBJECT ENCODING k",
        "INCR k",
        "OBJECT ENCODING k",
    ),
    case("incrbyfloat notations", "SET k 5.0e3", "INCRBYFLOAT k 2.0e2", "INCRBYFLOAT k 0x10", "INCRBYFLOAT k +.5"),
    case(
        "incrbyfloat of integers", f"SET k {MAX}", "INCRBYFLOAT k 1", "INCRBYFLOAT k 0.5", "INCR k", "INCRBYFLOAT n 3"
    ),
    case("incrbyfloat far out", "SET k 1e4932", "INCRBYFLOAT k 1e4932", "STRLEN k", "SET k 1e-4950", "INCRBYFLOAT k 0"),
    case(
        "incrbyfloat to infinity", "SET k inf", "INCRBYFLOAT k 1", "INCRBYFLOAT n inf", "INCRBYFLOAT n -inf", "EXISTS n"
    ),
    case("incrbyfloat to no number", "SET k inf", "INCRBYFLOAT k -inf", "INCRBYFLOAT n nan", "INCRBYFLOAT n 1e5000"),
    case("incrbyfloat of no string", *NO_STRING, "INCRBYFLOAT l 1", "INCRBYFLOAT h x", "INCRBYFLOAT z nan"),
    case(
        "incrbyfloat of zero", "INCRBYFLOAT k -0", "SET n 0.1", "INCRBYFLOAT n -0.1", "INCRBYFLOAT m -1e-18", "SET i 0"
    ),
    *(
        case(
            f"incrbyfloat with {word}", raw("SET", "k", word), "INCRBYFLOAT k 1", raw("INCRBYFLOAT", "n", word), "GET n"
        )
        for word in (
            "",
            " 1",
            "1 ",
            "1.",
            ".",
            "1e",
            "x",
            "1_0",
            "0x",
            "1\n",
            "1\x00",
            "1,5",
            "--1",
            "1e400",
            "infinity",
        )
    ),
]

PART_CASES = [
    case(
        "append", "APPEND k ab", "APPEND k cd", "GET k", "OBJECT ENCODING k", 'APPEND k ""', 'APPEND n ""', "EXISTS n"
    ),
    case(
        "append to numbers", "SET k 1", "APPEND k 2", "GET k", "OBJECT ENCODING k", "APPEND n 12", "OBJECT ENCODING n"
    ),
    case("append keeps the expiry", "SET k v EX 100", "APPEND k w", *expiry_of("k"), events("APPEND k x")),
    case("append of no string", *NO_STRING, "APPEND l x", "APPEND h x", "APPEND s x", "APPEND z x"),
    case("append then overwrite", "APPEND k ab", "APPEND k cd", "SET k v", "OBJECT ENCODING k", "APPEND k w", "GET k"),
    case(
        "append makes long strings",
        raw("APPEND", "k", "x" * 44),
        "OBJECT ENCODING k",
        "APPEND k x",
        "OBJECT ENCODING k",
    ),
    case("copies of raw strings stand alone", "APPEND a x", "APPEND a y", "COPY a b", "APPEND a z", "MGET a b"),
    case(
        "replies are what they were",
        "APPEND a x",
        "APPEND a y",
        "MULTI",
        "GET a",
        "APPEND a z",
        "MGET a",
        "SETRANGE a 0 _",
        "EXEC",
    ),
    case("strlen", "STRLEN k", "SET k hello", "STRLEN k", "SET k -123", "STRLEN k", "APPEND k x", "STRLEN k"),
    case("strlen of no string", *NO_STRING, "STRLEN l", "STRLEN h", "STRLEN s", "STRLEN z"),
    *(
        case(
            f"{name} {bounds}",
            raw("SET", "k", "Hello"),
            f"{name} k {bounds}",
            "SET n -1234",
            f"{name} n {bounds}",
            'SET e ""',
        )
        for name in ("GETRANGE", "SUBSTR")
        for bounds in (
            "0 -1,0 0,1 3,-3 -1,-1 -3,3 1,5 10,4 100,-100 2,-100 -90,-100 -4,0 -5,0 -6,-5 -5,0 -100,x 1,1 x,1.5 2,"
            f"0 {MAX},{MIN} {MAX},{MIN} {MIN},{MAX} {MAX},0 9223372036854775808"
        ).split(",")
    ),
    case("getrange of nothing", "GETRANGE k 0 -1", 'SET k ""', "GETRANGE k 0 -1", "GETRANGE k 0 0", "GETRANGE k -1 -1"),
    case("getrange of raw strings", "APPEND k Hel", "APPEND k lo", "GETRANGE k 1 -2", "SUBSTR k 0 0"),
    case("getrange of no string", *NO_STRING, "GETRANGE l 0 -1", "GETRANGE h 0 x", "SUBSTR s 0 -1", "SUBSTR z 0 -1"),
    case("setrange", "SETRANGE k 0 abc", "SETRANGE k 1 XY", "SETRANGE k 5 z", "GET k", "SETRANGE k 2 123456", "GET k"),
    case("setrange makes strings raw", "SET k 123", "SETRANGE k 1 9", "OBJECT ENCODING k", "GET k", "INCR k"),
    case(
        "setrange of nothing", 'SETRANGE k 0 ""', 'SETRANGE k 100 ""', "EXISTS k", "SET k v", 'SETRANGE k 5 ""', "GET k"
    ),
    case(
        "setrange far out",
        "SETRANGE k 1000 x",
        "STRLEN k",
        "GETRANGE k 998 1000",
        "OBJECT ENCODING k",
        "SETRANGE k 1000 yz",
    ),
    case("setrange keeps the expiry", "SET k v EX 100", "SETRANGE k 0 w", *expiry_of("k"), events("SETRANGE k 9 v")),
    case("setrange of no string", *NO_STRING, "SETRANGE l 0 x", 'SETRANGE h 0 ""', "SETRANGE s -1 x", "SETRANGE z x x"),
    case(
        "setrange offsets",
        "SETRANGE k -1 x",
        "SETRANGE k x x",
        "SETRANGE k 1.0 x",
        'SETRANGE k -1 ""',
        'SETRANGE k "" x',
    ),
    case("strings too long", "SETRANGE k 536870911 xx", f"SETRANGE k {MAX} x", f"SETRANGE k {MAX} xxx", "EXISTS k"),
    case(
        "existing strings too long", "SET k v", "SETRANGE k 536870912 x", f'SETRANGE k {MAX} ""', f"SETRANGE k {MAX} xx"
    ),
    case(
        "shorter limits",
        "CONFIG SET proto-max-bulk-len 1048576",
        "SETRANGE k 1048574 xx",
        "SETRANGE k 1048575 xx",
        "APPEND k y",
        "STRLEN k",
        "SETBIT b 8388607 1",
        "SETBIT b 8388608 1",
        "BITFIELD b SET u8 8388600 255 GET u8 8388608",
        config=True,
        data="sizes",
    ),
]

MANY_CASES = [
    case("mget", "SET a 1", "SET b x", "APPEND c x", "APPEND c y", "MGET a b c d a", *NO_STRING, "MGET l a h s z"),
    case("mset", "MSET a 1 b x", "MGET a b", "MSET a 2 a 3", "GET a", "OBJECT ENCODING a", *NO_STRING, "MSET l 1 h 2"),
    case("mset drops expiries", "SET a v EX 100", "MSET a w b x", "TTL a", events("MSET c 1")),
    case("mset without a value", "MSET a", "MSET a 1 b", "EXISTS a", "mset a 1 b"),
    case(
        "msetnx", "MSETNX a 1 b x", "MGET a b", "MSETNX b 2 c 3", "EXISTS c", "RPUSH l a", "MSETNX d 1 l 2", "EXISTS d"
    ),
    case(
        "msetnx twice the same", "MSETNX a 1 a 2", "GET a", events("PING"), "MSETNX a", "MSETNX a 1 b", "MsetNX c 1 d"
    ),
    case("msetnx over expired keys", "SET a v PX 10", wait(30), "MSETNX a 1 b 2", "MGET a b"),
]

LCS_CASES = [
    case("lcs", "MSET a ohmytext b mynewtext", "LCS a b", "LCS a b LEN", "LCS a b IDX", "LCS a b IDX WITHMATCHLEN"),
    case(
        "lcs with a least length",
        "MSET a ohmytext b mynewtext",
        "LCS a b IDX MINMATCHLEN 4",
        "LCS a b IDX MINMATCHLEN 5",
    ),
    case(
        "lcs with odd least lengths",
        "MSET a ohmytext b mynewtext",
        "LCS a b IDX MINMATCHLEN -1",
        "LCS a b IDX MINMATCHLEN 0",
    ),
    case(
        "lcs options", "MSET a xyz b yz", "LCS a b WITHMATCHLEN", "LCS a b MINMATCHLEN 3", "LCS a b len MINMATCHLEN 1"
    ),
    case("lcs options in any order", "MSET a xyz b yz", "LCS a b MINMATCHLEN 1 WITHMATCHLEN IDX", "LCS a b idx IDX"),
    case(
        "lcs bad options",
        "MSET a x b y",
        "LCS a b LEN IDX",
        "LCS a b FOO",
        "LCS a b MINMATCHLEN",
        "LCS a b MINMATCHLEN x",
    ),
    case(
        "lcs of nothing",
        "LCS a b",
        "LCS a b LEN",
        "LCS a b IDX",
        "SET a abc",
        "LCS a b",
        "LCS a b IDX WITHMATCHLEN",
        'SET b ""',
        "LCS a b",
    ),
    case(
        "lcs of itself", "SET a abc", "LCS a a", "LCS a a IDX WITHMATCHLEN", "SET n 12345", "SET m 1345", "LCS n m IDX"
    ),
    case("lcs without a match", "MSET a abc b xyz", "LCS a b", "LCS a b LEN", "LCS a b IDX WITHMATCHLEN"),
    case("lcs choice", "MSET a abcbdab b bdcaba", "LCS a b", "LCS a b IDX WITHMATCHLEN", "LCS b a", "LCS b a IDX"),
    case("lcs repeats", "MSET a aaaabaaa b abaaab", "LCS a b", "LCS a b IDX", "LCS b a IDX WITHMATCHLEN MINMATCHLEN 2"),
    case("lcs of raw strings", "APPEND a ab", "APPEND a cd", "SET b xbxd", "LCS a b", "LCS a b IDX"),
    case(
        "lcs of no strings",
        *NO_STRING,
        "SET a x",
        "LCS l a",
        "LCS a h",
        "LCS s z",
        "LCS l missing",
        "LCS missing z FOO",
        "LCS l a FOO",
    ),
    case(
        "lcs of binary",
        [b"SET", b"a", b"\x00\xff\r\n\x80"],
        [b"SET", b"b", b"\xff\r\x80\x00"],
        "LCS a b",
        "LCS a b IDX",
    ),
    case("lcs too large", "SETRANGE a 20000 x", "SETRANGE b 20000 x", "LCS a b", "LCS a b LEN", "LCS a b IDX LEN"),
]

GENERAL_CASES = [
    *(
        case(
            f"encoding of {len(word)} bytes: {word[:20]!r}",
            raw("SET", "k", word),
            "OBJECT ENCODING k",
            "APPEND n x",
            raw("GETSET", "n", word),
        )
        for word in (
            "x" * 20,
            "x" * 21,
            "x" * 43,
            "x" * 44,
            "x" * 45,
            "x" * 1000,
            "0",
            "-1",
            "-0",
            "00",
            "1" * 18,
            "1" * 19,
            "1" * 20,
            MAX,
            MIN,
            "9223372036854775808",
            "-9223372036854775809",
            "9" * 19,
            "+1",
            "1 ",
            " 1",
            "1.0",
            "9999",
            "10000",
        )
    ),
    case(
        "binary",
        [b"SET", b"k\x00\xff", b"\x00\r\n\xff$"],
        [b"GET", b"k\x00\xff"],
        [b"APPEND", b"k\x00\xff", b"\r\n\x00"],
    ),
    case(
        "binary parts",
        [b"SET", b"k", bytes(range(256))],
        "GETRANGE k 120 140",
        [b"SETRANGE", b"k", b"3", b"\xff\x00"],
        "GET k",
    ),
    case("wrong type", *NO_STRING, "GET l", "GET h", "GET s", "GET z"),
    case(
        "hits and misses",
        "GET missing",
        "SET k v",
        "GET k",
        "MGET k missing",
        "STRLEN missing",
        events("GETEX missing"),
    ),
    case(
        "misses of writers",
        "GETDEL missing",
        "GETSET m1 v",
        "SET m2 v GET",
        "INCR m3",
        "APPEND m4 x",
        events("SETRANGE m5 0 x"),
    ),
    case(
        "misses of readers",
        "GETRANGE m 0 1",
        "SUBSTR m 0 1",
        "LCS m1 m2",
        "GETBIT m 0",
        "BITCOUNT m",
        events("BITPOS m 1"),
    ),
    *(
        case(
            f"arity of {name}",
            name,
            *(f"{name}{' x' * count}" for count in range(1, top + 2)),
            f"COMMAND INFO {name}",
            multi=False,
        )
        for name, top in (
            ("GET", 1),
            ("SETNX", 2),
            ("SETEX", 3),
            ("PSETEX", 3),
            ("GETSET", 2),
            ("GETDEL", 1),
            ("MGET", 0),
            ("INCR", 1),
            ("DECR", 1),
            ("INCRBY", 2),
            ("DECRBY", 2),
            ("INCRBYFLOAT", 2),
            ("APPEND", 2),
            ("STRLEN", 1),
            ("GETRANGE", 3),
            ("SUBSTR", 3),
            ("SETRANGE", 3),
            ("LCS", 2),
            ("MSET", 3),
            ("MSETNX", 3),
            ("SET", 2),
            ("GETEX", 1),
        )
    ),
]

CASES = SET_CASES + GETEX_CASES + NUMBER_CASES + PART_CASES + MANY_CASES + LCS_CASES + GENERAL_CASES
