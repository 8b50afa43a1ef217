"""Cases for the commands of transactions."""

from collections.abc import Iterator

from tests.harness import Case, case, masked, wait


def _basics() -> Iterator[Case]:
    yield case("arity", "MULTI x", "EXEC x", "DISCARD x", "WATCH", "UNWATCH x", "EXEC", "DISCARD")
    yield case("a transaction", "MULTI", "SET a 1", "INCR a", "GET a", "EXEC", "GET a")
    yield case("an empty transaction", "MULTI", "EXEC", "EXEC")
    yield case("without MULTI", "EXEC", "DISCARD", "UNWATCH", "GET a")
    yield case("nested", "MULTI", "MULTI", "SET a 1", "EXEC", "GET a")
    yield case("names in any case", "multi", "set a 1", "Get a", "exec", "Multi", "discard")
    yield case("nothing runs before EXEC", "MULTI", "SET a 1", "2> GET a", "2> SET a 2", "GET a", "EXEC", "GET a")
    yield case("others see all or nothing", "MULTI", "SET a 1", "SET b 1", "EXEC", "2> MGET a b")
    yield case("DISCARD", "SET a 0", "MULTI", "SET a 1", "DISCARD", "GET a", "EXEC", "MULTI", "EXEC")
    yield case("queued commands are independent of the connection's later ones", "MULTI", "SELECT 3", "SET a 1",
               "EXEC", "GET a", "SELECT 0", "GET a")  # fmt: skip
    yield case("every kind of reply", "MULTI", "PING", "GET nope", "RPUSH l a b", "LRANGE l 0 -1", "HSET h f v",
               "HGETALL h", "SADD s m", "SMEMBERS s", "ZADD z 1.5 m", "ZSCORE z m", "LPOP nope 3", "INCR l",
               "CONFIG GET nope", "EXEC")  # fmt: skip
    yield case("QUIT in a transaction", "MULTI", "SET a 1", "QUIT", "2> GET a", data=False)
    yield case("RESET in a transaction", "MULTI", "SET a 1", "RESET", "EXEC", "GET a")
    yield case("HELLO in a transaction", "MULTI", "HELLO 5", "EXEC", "MULTI", "HELLO x", "EXEC", data=False)


def _errors() -> Iterator[Case]:
    yield case("errors while running stop nothing", "SET s x", "MULTI", "INCR s", "LPUSH s a", "SET a 1", "EXEC",
               "GET a")  # fmt: skip
    yield case("an unknown command aborts", "MULTI", "SET a 1", "nope x", "SET b 1", "EXEC", "MGET a b", "EXEC")
    yield case("a wrong number of arguments aborts", "MULTI", "GET", "GET a b", "EXEC", "EXEC")
    yield case("an unknown subcommand aborts", "MULTI", "CLIENT NOPE", "EXEC", "MULTI", "CONFIG", "EXEC")
    yield case("a wrong number of arguments of a subcommand aborts", "MULTI", "CLIENT ID x", "EXEC")
    yield case("DISCARD after an error", "MULTI", "nope", "DISCARD", "MULTI", "SET a 1", "EXEC")
    yield case("MULTI and WATCH inside abort nothing", "MULTI", "MULTI", "WATCH a", "SET a 1", "EXEC")
    yield case("a wrong MULTI or WATCH inside aborts", "MULTI", "MULTI x", "EXEC", "MULTI", "WATCH", "EXEC", "MULTI",
               "DISCARD x", "EXEC")  # fmt: skip
    yield case("a wrong EXEC ends the transaction", "MULTI", "SET a 1", "EXEC x", "EXEC", "GET a", "EXEC x")
    yield case("EXEC after an error unwatches", "WATCH a", "MULTI", "nope", "EXEC", "2> SET a 1", "MULTI", "EXEC")


def _watching() -> Iterator[Case]:
    for change in (
        "SET k 2", "DEL k", "APPEND k x", "EXPIRE k 100", "INCR k", "RENAME k j", "RENAME other k",
        "COPY other k REPLACE",
        "FLUSHDB", "FLUSHALL", "SWAPDB 0 1", "MOVE k 1", "PERSIST other", "UNLINK k", "SETRANGE k 1 x",
        "GETEX k EX 100",
        "GETDEL k",
    ):  # fmt: skip
        yield case(f"WATCH is spoiled by {change}", "SET k 1", "SET other 1 EX 100", "WATCH k", f"2> {change}", "MULTI",
                   "SET a 1", "EXEC", "MULTI", "SET a 2", "EXEC", multi=False)  # fmt: skip
    for harmless in (
        "GET k", "TTL k", "TOUCH k", "SET other 2", "DEL nope", "SETNX k 5", "SET k 1 XX GET NX", "OBJECT ENCODING k",
        "SELECT 1", "RENAMENX other k", "EXPIRE k 100 XX", "PERSIST k", "SWAPDB 1 2", "COPY other k",
        "SETRANGE nope 0 ''", "GETEX k", "FLUSHDB ASYNC NOPE",
    ):  # fmt: skip
        yield case(f"WATCH is not spoiled by {harmless}", "SET k 1", "SET other 1", "WATCH k", f"2> {harmless}",
                   "MULTI", "SET a 1", "EXEC", multi=False)  # fmt: skip
    yield case("a collection's watch", "RPUSH l a", "SADD s a", "ZADD z 1 a", "HSET h f v", "WATCH l",
               "2> RPUSH l b", "MULTI", "EXEC", "WATCH s", "2> SREM s a", "MULTI", "EXEC", "WATCH z",
               "2> ZADD z 1 a", "MULTI", "EXEC", "WATCH z", "2> ZINCRBY z 1 a", "MULTI", "EXEC", "WATCH h",
               "2> HDEL h nope", "MULTI", "EXEC", multi=False)  # fmt: skip
    yield case("creating a watched key", "WATCH nope", "2> SET nope 1", "MULTI", "GET nope", "EXEC")
    yield case("creating and deleting a watched key", "WATCH nope", "2> SET nope 1", "2> DEL nope", "MULTI", "EXEC")
    yield case("changing it oneself", "WATCH k", "SET k 1", "MULTI", "GET k", "EXEC", "WATCH k", "MULTI", "SET k 2",
               "EXEC", "MULTI", "GET k", "EXEC")  # fmt: skip
    yield case("UNWATCH", "WATCH k", "2> SET k 1", "UNWATCH", "MULTI", "GET k", "EXEC")
    yield case("UNWATCH in a transaction is too late", "WATCH k", "2> SET k 1", "MULTI", "UNWATCH", "GET k", "EXEC")
    yield case("DISCARD unwatches", "WATCH k", "2> SET k 1", "MULTI", "DISCARD", "MULTI", "GET k", "EXEC")
    yield case("EXEC unwatches", "WATCH k", "MULTI", "EXEC", "2> SET k 1", "MULTI", "GET k", "EXEC")
    yield case("RESET unwatches", "WATCH k", "2> SET k 1", "RESET", "MULTI", "EXEC", resp=2)
    yield case("several keys", "WATCH a b", "WATCH b c", "2> SET c 1", "MULTI", "EXEC", "WATCH a a", "2> SET c 1",
               "MULTI", "EXEC")  # fmt: skip
    yield case("several watchers", "WATCH k", "2> WATCH k", "3> SET k 1", "MULTI", "EXEC", "2> MULTI", "2> EXEC")
    yield case("two race", "SET k 1", "WATCH k", "2> WATCH k", "MULTI", "INCR k", "2> MULTI", "2> INCR k", "EXEC",
               "2> EXEC", "GET k")  # fmt: skip
    yield case("a key of another database", "WATCH k", "2> SELECT 1", "2> SET k 1", "MULTI", "EXEC", "WATCH k",
               "SELECT 1", "2> SET k 2", "MULTI", "EXEC", "SELECT 1", "WATCH k", "SELECT 0", "2> SET k 3", "MULTI",
               "EXEC")  # fmt: skip
    yield case("a watched key expires", "SET k 1 PX 30", "WATCH k", wait(60), "MULTI", "GET k", "EXEC", events=False)
    yield case("a watched key that has expired before", "SET k 1 PX 30", wait(60), "WATCH k", "MULTI", "GET k",
               "EXEC", events=False)  # fmt: skip
    yield case("a watched key gets an expiry and goes", "SET k 1", "WATCH k", "2> PEXPIRE k 1", wait(30), "MULTI",
               "EXEC", events=False)  # fmt: skip
    yield case("a watched key's hash field expires", "HSET h a 1 b 2", "HPEXPIRE h 100 FIELDS 1 a", "WATCH h",
               wait(300), "MULTI", "HLEN h", "EXEC", events=False)  # fmt: skip
    yield case("EXECABORT is checked before WATCH", "WATCH k", "2> SET k 1", "MULTI", "nope", "EXEC")
    yield case("FLUSHALL and a key that is not there", "WATCH nope", "2> SET k 1", "2> FLUSHALL", "MULTI", "EXEC")
    yield case("SWAPDB brings a watched key", "2> SELECT 1", "2> SET k 1", "WATCH k", "2> SWAPDB 0 1", "MULTI", "EXEC")
    yield case("SWAPDB brings a watched key that has expired", "DEBUG SET-ACTIVE-EXPIRE 0", "2> SELECT 1",
               "2> SET k 1 PX 1", wait(10), "WATCH k", "2> SWAPDB 0 1", "MULTI", "EXEC", "DEBUG SET-ACTIVE-EXPIRE 1",
               events=False, data=False)  # fmt: skip


def _without_replicas() -> Iterator[Case]:
    writes = "return redis.call('SET', 'k', 5)"
    told = masked("2> INFO replication", r"(?m)^(?!min_slaves).*$")
    yield case("what is queued, and then wants replicas", "SET k 1", "MULTI", "INCR k",
               "2> CONFIG SET min-replicas-to-write 1", "EXEC", "SET k 2", "GET k", "PING", "MULTI", "GET k", "EXEC",
               "MULTI", "SET k 3", "EXEC", f'EVAL "{writes}" 0', f'EVAL "#!lua\n{writes}" 0',
               'EVAL "#!lua flags=no-writes\nreturn 1" 0', "PUBLISH a b", "BLPOP l 0", told,
               "2> CONFIG SET min-replicas-max-lag 0", "INCR k", told, config=True)  # fmt: skip
    yield case("who waits when replicas are wanted", "1& BLPOP l 0", "2> RPUSH m a", "2> MULTI", "2> RPUSH l a",
               "2> CONFIG SET min-replicas-to-write 1", "2> EXEC", "1<", "2> LRANGE l 0 -1", config=True)  # fmt: skip


def _blocking() -> Iterator[Case]:
    yield case("nothing blocks in a transaction", "MULTI", "BLPOP l 0", "BRPOP l m 0", "BLMOVE l m LEFT LEFT 0",
               "BRPOPLPUSH l m 0", "BLMPOP 0 1 l LEFT", "BZPOPMIN z 0", "BZPOPMAX z 0", "BZMPOP 0 1 z MIN",
               "EXEC")  # fmt: skip
    yield case("blocking commands find what the transaction made", "MULTI", "RPUSH l a b", "BLPOP l 0",
               "BLMOVE l m LEFT LEFT 0", "BRPOP m 0", "EXEC")  # fmt: skip
    yield case("others are served after the transaction", "1& BLPOP l 0", "2& BLPOP l 0", "3> MULTI", "3> RPUSH l a",
               "3> LPOP l", "3> RPUSH l b c", "3> EXEC", "1<", "2<")  # fmt: skip
    yield case("commands wait in a blocked client", "1& BLPOP l 0", "2> RPUSH l a", "1<", "MULTI", "LLEN l", "EXEC")


CASES = [
    *_basics(),
    *_errors(),
    *_watching(),
    *_without_replicas(),
    *_blocking(),
]
