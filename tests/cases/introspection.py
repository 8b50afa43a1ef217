"""Cases for COMMAND. What it says about each command is compared in tests/test_command_table.py."""

from tests.harness import Case, case, shape, unordered

_CALLS = """
    GET k | GET | GET a b | NOSUCH | PING | PING a | PING a b | ECHO a | MULTI | DBSIZE | INFO | SELECT 1
    SET k v | SET k v GET | SET k v EX 1 get | SET k GET | MSET a 1 b 2 | MSET a 1 b | MSETNX a 1 b 2 | DEL a b c | DEL
    LMPOP 2 a b LEFT | LMPOP 0 a b LEFT | LMPOP x a b LEFT | LMPOP 5 a b LEFT | BLMPOP 0 2 a b LEFT
    LMOVE a b LEFT LEFT
    ZUNION 2 a b | ZUNION 2 a | ZUNION -1 a b | ZUNIONSTORE d 2 a b | ZDIFFSTORE d 1 a | ZINTERCARD 2 a b LIMIT 1
    ZRANGESTORE d s 0 -1 | BZMPOP 0 1 a MIN | BLPOP a b 0 | BZPOPMIN a 0 | BRPOPLPUSH a b 0 | SINTERCARD 2 a b
    SORT k | SORT k BY p GET q STORE d | SORT k STORE a STORE b | SORT k LIMIT 0 1 STORE | SORT k GET STORE d
    SORT k LIMIT STORE a b | SORT_RO k BY p GET q | BITFIELD k GET u8 0 | BITFIELD k SET u8 0 1 | BITFIELD k
    BITFIELD k OVERFLOW SAT GET u8 0 | BITFIELD k GET u8 0 INCRBY u8 0 1 | BITFIELD k FOO | BITFIELD_RO k GET u8 0
    BITOP AND d a b | RENAME a b | COPY a b | SMOVE a b m | OBJECT ENCODING k | OBJECT HELP | OBJECT NOSUCH k
    MEMORY USAGE k | MEMORY STATS | CLIENT INFO | CLIENT | CLIENT NOSUCH x | CONFIG GET a | COMMAND GETKEYS GET k
    PUBLISH a b | SPUBLISH a b | SUBSCRIBE a b | SSUBSCRIBE a b | WATCH a b | HSET h f v | HSET h | HGETEX h FIELDS 1 f
    ZADD z 1 a | ZSCORE z a | SINTER a b c | SDIFFSTORE d a b | PEXPIRE k 1 | get k | SeT k v gEt | SCAN 0 | KEYS a*
    SWAPDB 0 1 | FLUSHALL | TOUCH a b | UNLINK a | LCS a b | GETDEL k | SETRANGE k 0 v | ZADD | HEXPIRE h 1 FIELDS 1 f
    EXISTS a a | RANDOMKEY | PFADD k | LPOS l a | ZRANGE z 0 -1 | SPOP s | HSCAN h 0 | SUNION a | TYPE k | LOLWUT
"""


def _getkeys() -> list[Case]:
    found = []
    for line in _CALLS.strip().splitlines():
        for call in line.split("|"):
            call = call.strip()
            found.append(case(f"keys of {call}", f"COMMAND GETKEYS {call}", f"COMMAND GETKEYSANDFLAGS {call}"))
    return found


CASES = [
    *_getkeys(),
    case("getkeys errors", "COMMAND GETKEYS", "COMMAND GETKEYSANDFLAGS", "COMMAND GETKEYS ''", "COMMAND GETKEYS a b c"),
    case(
        "info",
        "COMMAND INFO get",
        "COMMAND INFO GET nosuch set",
        "COMMAND INFO client|id CLIENT|ID client|nosuch nosuch|id",
        "COMMAND INFO lmpop zunionstore blpop hset",
        "COMMAND INFO ''",
        shape("COMMAND INFO"),
        shape("COMMAND"),
    ),
    case("docs of nothing", "COMMAND DOCS nosuch", "COMMAND DOCS ''", "COMMAND DOCS client|nosuch"),
    case("docs", shape("COMMAND DOCS"), shape("COMMAND DOCS get"), shape("COMMAND DOCS client|id nosuch SET")),
    case("count", shape("COMMAND COUNT"), "COMMAND COUNT x"),
    case(
        "list",
        shape("COMMAND LIST"),
        unordered("COMMAND LIST FILTERBY PATTERN get*"),
        unordered("COMMAND LIST filterby pattern ZR*"),
        unordered("COMMAND LIST FILTERBY PATTERN config|*"),
        unordered("COMMAND LIST FILTERBY PATTERN ''"),
        unordered("COMMAND LIST FILTERBY ACLCAT bitmap"),
        unordered("COMMAND LIST FILTERBY ACLCAT PUBSUB"),
        unordered("COMMAND LIST FILTERBY ACLCAT transaction"),
        unordered("COMMAND LIST FILTERBY ACLCAT nosuch"),
        "COMMAND LIST FILTERBY MODULE nosuch",
        "COMMAND LIST FILTERBY",
        "COMMAND LIST FILTERBY PATTERN",
        "COMMAND LIST FILTERBY PATTERN a b",
        "COMMAND LIST FILTERBY FOO a",
        "COMMAND LIST FOO",
        "COMMAND LIST FOO PATTERN a",
    ),
    case("help", shape("COMMAND HELP"), "COMMAND HELP x", "COMMAND NOSUCH"),
]
