"""Cases for the commands that take snapshots, and for what DEBUG RELOAD makes of the data."""

from collections.abc import Iterator

from tests.harness import Case, case, events, ignored, shape


def _snapshots() -> Iterator[Case]:
    yield case("save wants no arguments", "SAVE x", "SAVE now please", "LASTSAVE x")
    yield case("bgsave knows one option", "BGSAVE x", "BGSAVE SCHEDULE x", "BGSAVE schedul")
    yield case("save", "SET k v", events("SAVE"), shape("LASTSAVE"))
    yield case("save is not for transactions", "MULTI", "SAVE", "EXEC", multi=False)
    yield case("bgsave in a transaction waits", "MULTI", "BGSAVE", "LASTSAVE x", "EXEC", multi=False)
    yield case("snapshots in scripts", "EVAL \"return redis.call('SAVE')\" 0", "EVAL \"return redis.call('BGSAVE')\" 0",
               "EVAL \"return redis.pcall('LASTSAVE') > 0\" 0")  # fmt: skip
    yield case("flushall with save points", "CONFIG SET save '3600 1000'", "SET k v", "FLUSHALL", "DBSIZE",
               "CONFIG SET save ''", "FLUSHALL", config=True)  # fmt: skip


def _reloading() -> Iterator[Case]:
    yield case("reload knows its options", "DEBUG RELOAD x", "DEBUG RELOAD NOSAVE x", "DEBUG RELOAD MERGE NOFLUSH 1")
    yield case("reload of every type", "SET i 12", "SET s hello", "APPEND i 3", "RPUSH l a 1 b", "SADD n 1 2 3",
               "SADD m a b", "ZADD z 1 a 2.5 b", "HSET h f v", events("DEBUG RELOAD"), "OBJECT ENCODING i",
               "OBJECT ENCODING l", "OBJECT ENCODING n", "OBJECT ENCODING m", "OBJECT ENCODING z", "OBJECT ENCODING h",
               "LRANGE l 0 -1", "GET i")  # fmt: skip
    yield case("reload of large values", "DEBUG POPULATE 100 k 100", "CONFIG SET hash-max-listpack-entries 1",
               "HSET h a 1 b 2", "CONFIG SET set-max-listpack-entries 1", "SADD n a 2 3",
               "CONFIG SET zset-max-listpack-entries 1", "ZADD z 1 a inf b -inf c 0.1 d",
               "CONFIG SET list-max-listpack-size 2", "RPUSH l a b c d e", "DEBUG RELOAD", "OBJECT ENCODING h",
               "OBJECT ENCODING n", "OBJECT ENCODING z", "OBJECT ENCODING l", "ZRANGE z 0 -1 WITHSCORES",
               "LRANGE l 0 -1", "DBSIZE", config=True)  # fmt: skip
    yield case("reload of expiries", "SET k v EX 1000", "HSET h a 1 b 2", "HEXPIRE h 900 FIELDS 1 a", "DEBUG RELOAD",
               "EXPIRETIME nope", shape("TTL k"), shape("HTTL h FIELDS 2 a b"), "OBJECT ENCODING h")  # fmt: skip
    yield case("reload of several databases", "SELECT 9", "SET k 9", "SELECT 3", "SET k 3", "DEBUG RELOAD", "GET k",
               "SELECT 9", "GET k")  # fmt: skip
    yield case("reload with merge", "SET a 1", "SET b 1", "SAVE", "SET b 2", "SET c 2",
               "DEBUG RELOAD NOSAVE NOFLUSH MERGE", "MGET a b c", multi=False)  # fmt: skip
    yield case("reload without saving", "SET a 1", "SAVE", "SET a 2", "SET b 2", "DEBUG RELOAD NOSAVE", "MGET a b",
               multi=False)  # fmt: skip
    yield case("a dump can be had", "SET k v", ignored("DUMP k"), "DUMP nope", "DUMP", "DUMP k k", events("GET k"))


CASES = [*_snapshots(), *_reloading()]
