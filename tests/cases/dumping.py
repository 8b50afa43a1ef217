"""Cases for RESTORE, with payloads that redis-server 8 made."""

from collections.abc import Iterator

import anycrc

from tests.harness import Case, about, case, events

_CRC = anycrc.Model("CRC64-REDIS")

# DUMP without the footer, by what it holds.
BODIES = {
    "raw": bytes.fromhex("000568656c6c6f"),
    "int8": bytes.fromhex("00c0f9"),
    "int16": bytes.fromhex("00c1d4fe"),
    "int32": bytes.fromhex("00c270110100"),
    "int64": bytes.fromhex("000d31303939353131363237373736"),
    "lzf": bytes.fromhex("00c30b40780361626361e06902016263"),
    "empty": bytes.fromhex("0000"),
    "list": bytes.fromhex("120102c3194059115900000004008161020101f178ec03e04678e03c000148ff"),
    "quicklist": bytes.fromhex("1203020b0b000000020000010101ff020b0b000000020002010301ff02090900000001000401ff"),
    "plain": bytes.fromhex(
        "1202020a0a0000000100816102ff01c33f5388017979e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0"
        "ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0ff00e0eb00017979"
    ),
    "intset16": bytes.fromhex("0b0e0200000003000000fdff01000200"),
    "intset32": bytes.fromhex("0b1004000000020000000100000070110100"),
    "intset64": bytes.fromhex("0b18080000000200000001000000000000000000000000010000"),
    "set": bytes.fromhex("140f0f00000003008161028162020701ff"),
    "table": bytes.fromhex("0203016101630162"),
    "zset": bytes.fromhex("1122220000000800816302842d696e66058164020001816102010181620283322e3504ff"),
    "skiplist": bytes.fromhex("05040163000000000000f07f016200000000000004400161000000000000f03f01640000000000000080"),
    "hash": bytes.fromhex("04020161c0010162c3094046017878e03900017878"),
    "wide": bytes.fromhex("10c3184058105800000004008161020101816202e04678e03c000148ff"),
    "expiring": bytes.fromhex(
        "1900409452a3030000c3252c112c00000009008163020301f400409452a303200f0381620202e0030e06610201010001ff"
    ),
    "expiring table": bytes.fromhex("1800409452a303000003000161c00141f50163c003010162c002"),
    "stream": bytes.fromhex(
        "150210000000000000000100000000000000013b3b0000001800020101010101816102000102010001000101010401030100"
        "0101010201040100010101dfff020201816202030181630204010801ff10fffffffffffffffe0000000000000005c3234074"
        "07740000000a00010120020601816102000102200a040001e05778e04d0003590401ff0381fffffffffffffffe0501010102"
        "0400"
    ),
    "empty stream": bytes.fromhex("1500000505000005050100"),
    "stream with groups": bytes.fromhex(
        "15011000000000000000010000000000000001c3293007300000001400020140000781610200010201002001040101040103"
        "200580090002200160090101ff020301010102010302036f6e65030103030000000000000001000000000000000181a72cfd"
        "a1010000010000000000000002000000000000000181a72cfda1010000010000000000000003000000000000000181a72cfd"
        "a10100000103017881a72cfda101000081a72cfda10100000200000000000000010000000000000001000000000000000200"
        "00000000000001017981a72cfda101000081a72cfda10100000100000000000000030000000000000001017a81a72cfda101"
        "0000ffffffffffffffff000374776f020181ffffffffffffffff0000"
    ),
}


def payload(body: bytes, version: int = 11) -> bytes:
    """What DUMP gives: the body and its footer."""
    signed = body + version.to_bytes(2, "little")
    return signed + int(_CRC.calc(signed)).to_bytes(8, "little")


def restore(key: str, name: str, ttl: int | str = 0, *options: str) -> list[bytes]:
    """The words of a RESTORE of one of the bodies; its options may hold placeholders."""
    return [b"RESTORE", key.encode(), str(ttl).encode(), payload(BODIES[name]), *[word.encode() for word in options]]


def _damaged(body: bytes, version: int = 11) -> list[bytes]:
    return [b"RESTORE", b"k", b"0", payload(body, version)]


def _types() -> Iterator[Case]:
    for name in BODIES:
        yield case(
            f"a payload of {name}",
            events(restore("k", name)),
            "TYPE k",
            "OBJECT ENCODING k",
            "TTL k",
            "DEBUG DIGEST-VALUE k",
        )
    yield case("fields that expire", restore("k", "expiring"), "HPEXPIRETIME k FIELDS 3 a b c", "HGETALL k")
    yield case("a restored list is usable", restore("k", "quicklist"), "RPUSH k 5", "LPOP k", "LRANGE k 0 -1")
    yield case("a restored set is usable", restore("k", "intset16"), "SADD k x", "SREM k 1", "SCARD k")
    yield case("a restored sorted set is usable", restore("k", "skiplist"), "ZADD k 2 e", "ZRANK k e", "ZPOPMIN k")
    yield case("a restored hash is usable", restore("k", "wide"), "HSET k c 3", "HGET k b", "HDEL k a", "HLEN k")
    plain = payload(b"\x12\x02\x01\x01a\x01\x01b")
    for commands in (
        ["RPUSH k c", "LPUSH k d"],
        ["LSET k 0 x", "LSET k -1 y"],
        ["LPOP k", "RPUSH k x"],
        ["RPOP k", "LPOP k", "RPUSH k x"],
        ["LREM k 0 a", "LPUSH k x y"],
        ["LINSERT k BEFORE b x", "LINSERT k AFTER b y", "LINSERT k BEFORE a z"],
        ["LTRIM k 1 1", "RPUSH k x"],
    ):
        yield case(
            f"small elements with nodes of their own, {', '.join(commands)}",
            [b"RESTORE", b"k", b"0", plain],
            *[step for command in commands for step in (command, "LRANGE k 0 -1", "OBJECT ENCODING k")],
        )
    yield case(
        "limits in force",
        "CONFIG SET set-max-listpack-entries 2 set-max-intset-entries 2 zset-max-listpack-entries 3",
        "CONFIG SET hash-max-listpack-entries 1 list-max-listpack-size 3",
        *[restore(name, name) for name in BODIES],
        *[f'OBJECT ENCODING "{name}"' for name in BODIES],
        config=True,
    )
    yield case(
        "limits of sizes",
        "CONFIG SET set-max-listpack-value 0 zset-max-listpack-value 0 hash-max-listpack-value 0",
        "CONFIG SET list-max-listpack-size -5",
        *[restore(name, name) for name in BODIES],
        *[f'OBJECT ENCODING "{name}"' for name in BODIES],
        config=True,
    )


def _options() -> Iterator[Case]:
    good = payload(BODIES["raw"])
    yield case(
        "checksums that nobody looks at",
        "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1",
        [b"RESTORE", b"k", b"0", good[:-1] + b"x"],
        "GET k",
        [b"RESTORE", b"l", b"0", _damaged(b"\x12\x01\x01\x00")[3][:-1] + b"x"],
        "DEBUG SET-SKIP-CHECKSUM-VALIDATION 0",
        [b"RESTORE", b"m", b"0", good[:-1] + b"x"],
    )
    yield case("arity", "RESTORE", "RESTORE k", "RESTORE k 0")
    yield case(
        "a taken key", "SET k v", restore("k", "raw"), "GET k", events(restore("k", "raw", 0, "REPLACE")), "GET k"
    )
    yield case("REPLACE of another type", "LPUSH k a", restore("k", "zset", 0, "replace"), "TYPE k")
    yield case("REPLACE of nothing", events(restore("k", "raw", 0, "REPLACE")))
    yield case("REPLACE takes the expiry", "SET k v EX 100", restore("k", "raw", 0, "REPLACE"), "TTL k")
    yield case("a TTL", restore("k", "raw", 100_000), about("PTTL k", 2000))
    yield case("a moment", restore("k", "raw", "{now_ms+100000}", "ABSTTL"), about("PTTL k", 2000))
    yield case("a moment gone by", events(restore("k", "raw", 1, "ABSTTL")), "EXISTS k")
    yield case(
        "a moment gone by, and REPLACE", "SET k v", events(restore("k", "raw", 1, "ABSTTL", "REPLACE")), "EXISTS k"
    )
    yield case("ABSTTL without a moment", restore("k", "raw", 0, "ABSTTL"), "TTL k")
    yield case(  # which redis-server's cycle that looks for expired keys would take for one gone by
        "a TTL beyond all moments",
        "DEBUG SET-ACTIVE-EXPIRE 0",
        restore("k", "raw", (1 << 63) - 1),
        "EXISTS k",
        "GET k",
        "DEL k",
        "DEBUG SET-ACTIVE-EXPIRE 1",
        script=False,
        data=False,
    )
    yield case("IDLETIME", restore("k", "raw", 0, "IDLETIME", "1000"), about("OBJECT IDLETIME k", 1))
    yield case("FREQ", restore("k", "raw", 0, "FREQ", "255"), "GET k")
    yield case("all options", restore("k", "raw", "{now_ms+9000}", "absttl", "replace", "idletime", "5"), "GET k")
    for options in (
        "NOPE", "IDLETIME", "FREQ", "IDLETIME x", "IDLETIME -1", "FREQ x", "FREQ -1", "FREQ 256", "IDLETIME 1 FREQ 1",
        "FREQ 1 IDLETIME 1", "IDLETIME 1 IDLETIME 2", "FREQ 1 FREQ 2", "REPLACE REPLACE ABSTTL ABSTTL", "REPLACE nope",
        "IDLETIME 0", "FREQ 0", "IDLETIME 9223372036854775807",
    ):  # fmt: skip
        yield case(f"options {options}", restore("k", "raw", 0, *options.split()), "EXISTS k")
    yield case(
        "the order of the checks",
        "SET k v",
        [b"RESTORE", b"k", b"x", b"bad", b"NOPE"],
        [b"RESTORE", b"k", b"x", b"bad", b"IDLETIME", b"x"],
        [b"RESTORE", b"k", b"x", b"bad"],
        [b"RESTORE", b"k", b"x", b"bad", b"REPLACE"],
        [b"RESTORE", b"k", b"-1", b"bad", b"REPLACE"],
        [b"RESTORE", b"k", b"0", b"bad", b"REPLACE"],
        [b"RESTORE", b"k", b"1.5", good, b"REPLACE"],
        [b"RESTORE", b"k", b"-1", good, b"REPLACE"],
        [b"RESTORE", b"k", b"0", payload(b"\x00\x20hell"), b"REPLACE"],
        "GET k",
    )
    yield case("a blocked client gets what is restored", "2& BLPOP k 0", restore("k", "list"), "2<", "LLEN k")
    yield case("WATCH", "2> WATCH k", restore("k", "raw"), "2> MULTI", "2> PING", "2> EXEC")


def _damage() -> Iterator[Case]:
    body = BODIES["hash"]
    good = payload(body)
    yield case("an empty payload", [b"RESTORE", b"k", b"0", b""], [b"RESTORE", b"k", b"0", b"123456789"])
    yield case("a footer alone", [b"RESTORE", b"k", b"0", payload(b"")])
    yield case("a wrong checksum", [b"RESTORE", b"k", b"0", good[:-1] + bytes((good[-1] ^ 1,))])
    yield case("no checksum", [b"RESTORE", b"k", b"0", good[:-8] + bytes(8)])
    yield case("versions", *[_damaged(BODIES["raw"], version) for version in (13, 79, 81, 255, 65535)])
    yield case("old versions", _damaged(BODIES["raw"], 1), "DEL k", _damaged(BODIES["raw"], 0), "GET k")
    body = BODIES["wide"]
    yield case("a short payload", *[_damaged(body[:size]) for size in range(3, len(body) - 10)])
    yield case("types there are not", *[_damaged(bytes((kind,)) + b"\x01a\x01a") for kind in (8, 26, 100, 243, 255)])
    yield case("nothing in it", *[_damaged(bytes((kind, 0))) for kind in (1, 2, 3, 4, 5, 14, 18)])
    yield case(
        "the same twice",
        "CONFIG SET sanitize-dump-payload yes",
        _damaged(b"\x02\x02\x01a\x01a"),
        _damaged(b"\x04\x02\x01a\x01b\x01a\x01c"),
        _damaged(b"\x05\x02\x01a" + bytes(8) + b"\x01a" + bytes(8)),
        _damaged(b"\x02\x02\xc0\x01\x011"),
        config=True,
    )
    yield case(
        "scores that are none",
        _damaged(b"\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xf8\x7f"),
        _damaged(b"\x03\x01\x01a\xfd"),
    )
    yield case("text scores", _damaged(b"\x03\x03\x01a\x031.5\x01b\xfe\x01c\xff"), "ZRANGE k 0 -1 WITHSCORES")
    yield case("an intset out of order", "CONFIG SET sanitize-dump-payload yes",
               _damaged(b"\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x01\x00"), config=True)  # fmt: skip


CASES = [*_types(), *_options(), *_damage()]
