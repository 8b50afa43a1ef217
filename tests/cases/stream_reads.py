"""Cases of XREAD: what it reads, and how it waits for more."""

from __future__ import annotations

from collections.abc import Iterator

from tests.harness import Case, case, events, wait

THREE = ("XADD s 1-1 a 1", "XADD s 2-5 a 2 b two", "XADD s 3-0 c 3")
TOP = "18446744073709551615"


def _reading() -> Iterator[Case]:
    two = (*THREE, "XADD t 1 a 1", "XADD t 2 a 2")
    yield case(
        "xread",
        *two,
        "XREAD STREAMS s 0",
        "XREAD STREAMS s t 0 0",
        "XREAD STREAMS s t 2-5 2",
        "XREAD STREAMS t s 1 9",
        "XREAD STREAMS s 3-0",
        "XREAD STREAMS none 0",
        "XREAD STREAMS none s 0 3",
        "XREAD STREAMS s s 0 2",
        "XREAD streams s 2-4",
        f"XREAD STREAMS s {TOP}-{TOP}",
    )
    yield case(
        "xread with options",
        *two,
        *[f"XREAD COUNT {count} STREAMS s t 0 0" for count in (0, 1, 2, 9, -1)],
        "XREAD COUNT 1 COUNT 2 STREAMS s 0",
        "XREAD BLOCK 1 STREAMS s 0",
        "XREAD block 0 count 1 streams s 0",
        "XREAD BLOCK 5 COUNT 1 BLOCK 10 STREAMS s t 0 0",
    )
    yield case(
        "xread of the last",
        *two,
        "XREAD STREAMS s +",
        "XREAD STREAMS s t + +",
        "XREAD COUNT 9 STREAMS s +",
        "XREAD STREAMS none +",
        "XDEL s 3-0",
        "XREAD STREAMS s +",
        "XDEL s 1-1 2-5",
        "XREAD STREAMS s +",
        "XREAD STREAMS s $",
        "XREAD STREAMS s t $ +",
        "XREAD BLOCK 1 STREAMS s +",
        "XADD z 0-1 a 1",
        "XREAD STREAMS z +",
    )
    wrong = (
        "",
        "STREAMS",
        "STREAMS s",
        "STREAMS s t 0",
        "COUNT 1",
        "COUNT 1 BLOCK 2",
        "COUNT x STREAMS s 0",
        "COUNT STREAMS s 0",
        "BLOCK x STREAMS s 0",
        "BLOCK -1 STREAMS s 0",
        "BLOCK 1.5 STREAMS s 0",
        "BLOCK 9223372036854775807 STREAMS s 0",
        "FOO 1 STREAMS s 0",
        "NOACK STREAMS s 0",
        "GROUP g c STREAMS s 0",
        "GROUP g STREAMS s",
        "STREAMS s x",
        "STREAMS s >",
        "STREAMS s -",
        "STREAMS s 1-*",
        "STREAMS s (1",
        "STREAMS str 0",
        "STREAMS s str 0 x",
        "STREAMS str s 0 x",
        "STREAMS s str x 0",
        "STREAMS none x",
        "a b c d",
        "COUNT 1 s 0 1",
        "NOACK s 0",
        "STREAMS s $ 0",
        "BLOCK 1",
        "CLAIM 5 STREAMS s 0",
    )
    yield case("xread errors", *two, "SET str v", *[f"XREAD {rest}" for rest in wrong])
    yield case(
        "a key called STREAMS",
        "XADD streams 1-1 a 1",
        "XREAD STREAMS streams 0",
        "XREAD COUNT 1 STREAMS STREAMS streams 0 0",
        "COMMAND GETKEYS XREAD COUNT 5 STREAMS a b 0 0",
    )
    yield case(
        "xread in vain",
        "XREAD BLOCK 20 STREAMS s 0",
        "XREAD BLOCK 20 STREAMS s t $ $",
        "XADD s 1 a 1",
        "XREAD BLOCK 20 STREAMS s 1",
        "XREAD BLOCK 20 STREAMS s $",
    )


def _waiting() -> Iterator[Case]:
    yield case("xread waits", "1& XREAD BLOCK 0 STREAMS s 0", events("2> XADD s 1 a 1"), "1<", multi=False)
    yield case(
        "xread waits for what is new",
        *THREE,
        "1& XREAD BLOCK 0 STREAMS s $",
        wait(20),
        "2> XADD s 4 a 4",
        "1<",
        multi=False,
    )
    yield case(
        "xread waits for a stream that is not there",
        "1& XREAD BLOCK 0 STREAMS s t $ $",
        wait(20),
        "2> XADD t 5-5 a 4",
        "1<",
        "1& XREAD BLOCK 30 STREAMS s t $ $",
        wait(5),
        "2> XLEN t",
        "1<",
        multi=False,
    )
    yield case(
        "xread waits behind an id",
        *THREE,
        "1& XREAD BLOCK 0 STREAMS s 7-0",
        wait(20),
        "2> XADD s 4 a 4",
        "2> XADD s 7-0 a 4",
        "2> XADD s 7-1 a 4",
        "1<",
        multi=False,
    )
    yield case(
        "xread waits with a count",
        "1& XREAD COUNT 1 BLOCK 0 STREAMS s 0",
        wait(20),
        "2> MULTI",
        "2> XADD s 1 a 1",
        "2> XADD s 2 a 1",
        "2> EXEC",
        "1<",
        multi=False,
    )
    yield case(
        "several readers",
        "1& XREAD BLOCK 0 STREAMS s $",
        "2& XREAD BLOCK 0 STREAMS t s $ $",
        "3& XREAD BLOCK 0 STREAMS s 5",
        wait(20),
        "4> XADD s 1 a 1",
        "1<",
        "2<",
        "4> XADD s 6 a 1",
        "3<",
        multi=False,
    )
    yield case(
        "the last entry is waited for",
        *THREE,
        "XDEL s 1-1 2-5 3-0",
        "1& XREAD BLOCK 0 STREAMS s +",
        wait(20),
        "2> XADD s 9 a 1",
        "1<",
        multi=False,
    )
    yield case(
        "added in a transaction",
        "1& XREAD BLOCK 0 STREAMS s t 0 0",
        wait(20),
        "2> MULTI",
        "2> XADD t 1 a 1",
        "2> XADD s 1 a 1",
        "2> XADD s 2 a 1",
        "2> EXEC",
        "1<",
        multi=False,
    )
    yield case(
        "added and trimmed at once",
        "1& XREAD BLOCK 40 STREAMS s $",
        wait(10),
        "2> MULTI",
        "2> XADD s 1 a 1",
        "2> XTRIM s MAXLEN 0",
        "2> EXEC",
        "1<",
        multi=False,
    )
    yield case(
        "added and deleted in a transaction",
        "1& XREAD BLOCK 60 STREAMS s $",
        wait(10),
        "2> MULTI",
        "2> XADD s 1 a 1",
        "2> DEL s",
        "2> EXEC",
        "1<",
        multi=False,
    )
    yield case(
        "added by a script",
        "1& XREAD BLOCK 0 STREAMS s $",
        wait(20),
        "2> EVAL \"redis.call('XADD','s','1-1','a','1') return redis.call('XADD','s','2-1','a','1')\" 0",
        "1<",
        multi=False,
    )
    yield case(
        "read by a script",
        *THREE,
        "EVAL \"return redis.call('XREAD','BLOCK','0','STREAMS','s','$')\" 0",
        "EVAL \"return redis.call('XREAD','STREAMS','s','0')\" 0",
        "EVAL \"return redis.call('XRANGE','s','-','+','COUNT','2')\" 0",
        "EVAL \"redis.setresp(3) return redis.call('XREAD','STREAMS','s','0').map.s\" 0",
    )
    yield case(
        "deleted while waited for",
        *THREE,
        "1& XREAD BLOCK 0 STREAMS s $",
        wait(20),
        "2> DEL s",
        "2> XADD s 2-1 a 1",
        "2> XADD s 5-1 a 1",
        "1<",
        multi=False,
    )
    yield case(
        "of another type while waited for",
        *THREE,
        "1& XREAD BLOCK 0 STREAMS s $",
        wait(20),
        "2> SET s v",
        "2> DEL s",
        "2> LPUSH s a",
        "2> DEL s",
        "2> XADD s 5-1 a 1",
        "1<",
        multi=False,
    )
    yield case(
        "another key has a wrong type",
        "1& XREAD BLOCK 0 STREAMS s t $ $",
        wait(20),
        "2> SET s v",
        "2> XADD t 5-1 a 1",
        "1<",
        multi=False,
    )
    yield case(
        "renamed and copied",
        *THREE,
        "1& XREAD BLOCK 0 STREAMS t 0",
        wait(20),
        "2> RENAME s t",
        "1<",
        "1& XREAD BLOCK 0 STREAMS u 2",
        wait(20),
        "2> COPY t u",
        "1<",
        multi=False,
    )
    yield case(
        "xread is unblocked",
        "1& XREAD BLOCK 0 STREAMS s $",
        wait(20),
        "2> CLIENT UNBLOCK {id:1}",
        "1<",
        "1& XREAD BLOCK 0 STREAMS s $",
        wait(20),
        "2> CLIENT UNBLOCK {id:1} ERROR",
        "1<",
        "1& XREAD BLOCK 0 STREAMS s $",
        wait(20),
        "2> CLIENT UNBLOCK {id:1} TIMEOUT",
        "1<",
        "PING",
        multi=False,
    )
    yield case(
        "xsetid wakes nobody", *THREE, "1& XREAD BLOCK 60 STREAMS s $", wait(10), "2> XSETID s 9-9", "1<", multi=False
    )
    yield case(
        "flushed and swapped",
        "1& XREAD BLOCK 0 STREAMS s 0",
        wait(10),
        "2> SELECT 1",
        "2> XADD s 1 a 1",
        "2> SWAPDB 0 1",
        "1<",
        "1& XREAD BLOCK 30 STREAMS s $",
        wait(10),
        "2> FLUSHALL",
        "1<",
        multi=False,
    )


CASES = [*_reading(), *_waiting()]
