"""Cases for WAIT and WAITAOF, on a server that has no replicas."""

from collections.abc import Iterator

from tests.harness import Case, case, masked, shape, wait

_APPENDING = "CONFIG SET appendonly yes"


def _waiting() -> Iterator[Case]:
    yield case("wait for no replicas", "WAIT 0 0", "WAIT 0 100", "WAIT -1 10", "SET k v", "WAIT 0 0")
    yield case(
        "wait for replicas that there are not", "WAIT 1 20", "SET k v", "WAIT 9223372036854775807 20", multi=False
    )
    yield case("wait is at once in a transaction", "MULTI", "SET k v", "WAIT 1 100000", "WAIT 1 0", "EXEC")
    yield case(
        "wait is at once in a script", "EVAL \"return {redis.call('WAIT', 1, 0), redis.call('WAIT', '2', '9')}\" 0"
    )
    yield case(
        "wait wants numbers",
        "WAIT a 1",
        "WAIT a b",
        "WAIT 1 b",
        "WAIT 1 1.5",
        "WAIT 1 -1",
        "WAIT 0 -1",
        "WAIT 9223372036854775808 0",
        "WAIT 1 9223372036854775807",
        "WAIT 1 9223372036854775808",
        "WAIT -9 x",
    )
    yield case("wait wants two words", "WAIT", "WAIT 1", "WAIT 1 2 3", "WAITAOF", "WAITAOF 1 1", "WAITAOF 1 2 3 4")
    yield case(
        "waitaof without a log",
        "WAITAOF 0 0 0",
        "WAITAOF 0 0 100",
        "WAITAOF 1 0 0",
        "WAITAOF 1 0 10",
        "WAITAOF 1 1 10",
        "SET k v",
        "WAITAOF 0 0 0",
    )
    yield case("waitaof for replicas that there are not", "WAITAOF 0 1 20", "SET k v", "WAITAOF 0 3 20", multi=False)
    yield case(
        "waitaof wants numbers",
        "WAITAOF a 0 0",
        "WAITAOF a b c",
        "WAITAOF 0 b c",
        "WAITAOF 0 0 c",
        "WAITAOF 2 b c",
        "WAITAOF -1 0 0",
        "WAITAOF 0 -1 0",
        "WAITAOF 0 -1 c",
        "WAITAOF 0 0 -1",
        "WAITAOF 1 0 -1",
        "WAITAOF 0 0 9223372036854775807",
        "WAITAOF 0 9223372036854775808 0",
        "WAITAOF 1 0 1.5",
        "WAITAOF 9223372036854775808 0 0",
    )
    yield case(
        "waitaof in transactions and scripts without a log",
        "MULTI",
        "WAITAOF 0 1 0",
        "WAITAOF 1 0 0",
        "EXEC",
        "EVAL \"return redis.call('WAITAOF', 0, 1, 0)\" 0",
        "EVAL \"return redis.call('WAITAOF', 1, 0, 0)\" 0",
    )
    yield case(
        "waiting clients are told of",
        "1& WAIT 1 0",
        wait(50),
        masked("2> INFO clients", r"(?!blocked_clients).*\r"),
        "2> CLIENT UNBLOCK {id:1}",
        "1<",
        "1& WAITAOF 0 1 0",
        wait(50),
        "2> CLIENT UNBLOCK {id:1} ERROR",
        "1<",
    )
    yield case("what is sent while one waits is run afterwards", "1& WAIT 1 50", "1& SET k v", "1& GET k", "1<")
    yield case(
        "a call that waits counts once",
        "CONFIG RESETSTAT",
        "WAIT 1 10",
        "BLPOP q 0.01",
        "1& BLPOP q 0",
        wait(50),
        "2> RPUSH q a",
        "1<",
        masked("INFO commandstats", r"(?m)^(?!cmdstat_(wait|blpop)).*$|,.*", sort_lines=True),
        multi=False,
    )


def _with_a_log() -> Iterator[Case]:
    yield case(
        "waitaof is at once when nothing was written",
        _APPENDING,
        "WAITAOF 1 0 0",
        "GET k",
        "WAITAOF 0 0 0",
        "WAITAOF 1 1 20",
        multi=False,
        config=True,
        resp=3,
    )
    yield case(
        "waitaof until the log is synced",
        _APPENDING,
        "SET k v",
        "WAITAOF 1 0 0",
        "WAITAOF 0 0 0",
        "SET k w",
        "WAITAOF 1 0 0",
        config=True,
        resp=3,
        multi=False,
    )
    yield case(
        "waitaof with every write synced",
        _APPENDING,
        "CONFIG SET appendfsync always",
        "SET k v",
        "WAITAOF 1 0 0",
        "WAITAOF 0 0 0",
        config=True,
        resp=3,
        multi=False,
    )
    yield case(
        "waitaof of a log that is never synced",
        "CONFIG SET appendfsync no",
        _APPENDING,
        "SET k v",
        "WAITAOF 1 0 20",
        "2> WAITAOF 1 0 20",
        "WAITAOF 0 0 20",
        "WAITAOF 1 1 20",
        config=True,
        resp=3,
        multi=False,
    )
    yield case(
        "waitaof when the log is switched off",
        "CONFIG SET appendfsync no",
        _APPENDING,
        "SET k v",
        "1& WAITAOF 1 0 0",
        wait(50),
        "2> CONFIG SET appendonly no",
        "1<",
        config=True,
        resp=3,
        multi=False,
    )
    yield case(
        "waitaof in a transaction tells of what was before",
        "CONFIG SET appendfsync no",
        _APPENDING,
        "MULTI",
        "SET k v",
        "WAITAOF 1 0 0",
        "EXEC",
        "MULTI",
        "WAITAOF 1 0 0",
        "EXEC",
        config=True,
        resp=3,
    )
    yield case("role tells the offset", shape("ROLE"), _APPENDING, "SET k v", shape("ROLE"), config=True, resp=3)


CASES = [*_waiting(), *_with_a_log()]
