"""Cases of consumer groups: making them, reading in their name, what is pending, claiming, XINFO, and waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.harness import Case, Step, StepLike, case, events, masked, step
from tests.wire import Frame

FOUR = ("XADD s 1-1 a 1", "XADD s 2-1 b 2", "XADD s 3-1 c 3", "XADD s 4-1 d 4")
GROUP = (*FOUR, "XGROUP CREATE s g 0")
READ = (*GROUP, "XREADGROUP GROUP g a COUNT 2 STREAMS s >", "XREADGROUP GROUP g b COUNT 1 STREAMS s >")
IDS = ("0", "0-0", "2", "2-1", "$", "18446744073709551615-18446744073709551615", "-", "+", "(1", "x", "1-x", "", ">")


_TIMES = (b"idle", b"inactive", b"seen-time", b"active-time")
_LONG_AGO = 100_000_000_000  # a greater number is a moment


def said(*words: str) -> list[bytes]:
    """The words of a step, which may be empty or have spaces."""
    return [word.encode() for word in words]


def timeless(given: StepLike) -> Step:
    """A step whose answer tells moments, or for how long something is idle."""
    return replace(step(given), compare=_without_times)


def _without_times(frame: Frame) -> object:
    if not frame.items:
        return "moment" if isinstance(frame.value, int) and frame.value > _LONG_AGO else frame
    found: list[object] = [_without_times(item) for item in frame.items]
    for place, item in enumerate(frame.items[:-1]):
        follower = frame.items[place + 1]
        if item.value in _TIMES and follower.value != -1:
            found[place + 1] = "time"
    kinds = [item.kind for item in frame.items]
    if kinds == ["$", "$", ":", ":"]:  # of XPENDING
        found[2] = "idle"
    return frame.kind, tuple(found)


def _groups() -> Iterator[Case]:
    yield case("group of no stream", "XGROUP CREATE s g $", "XGROUP CREATE s g 0 MKSTREAM",
               events("XGROUP CREATE s g $"))  # fmt: skip
    yield case("group of an empty stream", events("XGROUP CREATE s g $ MKSTREAM"), "XLEN s", "TYPE s",
               "XINFO GROUPS s")  # fmt: skip
    yield case("group twice", *FOUR, "XGROUP CREATE s g 0", "XGROUP CREATE s g 0", "XGROUP CREATE s g x")
    for id in IDS:
        yield case(f"group from {id}", *FOUR, said("XGROUP", "CREATE", "s", "g", id), "XINFO GROUPS s")
        yield case(f"group set to {id}", *GROUP, said("XGROUP", "SETID", "s", "g", id), "XINFO GROUPS s")
    for options in ("MKSTREAM MKSTREAM", "ENTRIESREAD", "ENTRIESREAD 2", "ENTRIESREAD -1", "ENTRIESREAD -2", "FOO",
                    "ENTRIESREAD x", "ENTRIESREAD 2 MKSTREAM", "MKSTREAM ENTRIESREAD 2", "mkstream entriesread 100",
                    "ENTRIESREAD 1 ENTRIESREAD 2", "MKSTREAM FOO"):  # fmt: skip
        yield case(f"group with {options}", *FOUR, f"XGROUP CREATE s g 2 {options}", "XINFO GROUPS s")
        yield case(f"group of no stream with {options}", f"XGROUP CREATE s g $ {options}", "EXISTS s")
        yield case(f"group set with {options}", *GROUP, f"XGROUP SETID s g 2 {options}", "XINFO GROUPS s")
    yield case("set groups that are not there", "XGROUP SETID s g 0", *FOUR, "XGROUP SETID s g 0",
               "XGROUP SETID s g x")  # fmt: skip
    yield case("destroy", "XGROUP DESTROY s g", *READ, events("XGROUP DESTROY s g"), events("XGROUP DESTROY s g"),
               "XINFO GROUPS s")  # fmt: skip
    yield case("consumers", "XGROUP CREATECONSUMER s g a", *GROUP, events("XGROUP CREATECONSUMER s g a"),
               events("XGROUP CREATECONSUMER s g a"), "XGROUP CREATECONSUMER s h a", timeless("XINFO CONSUMERS s g"),
               events("XGROUP DELCONSUMER s g a"), events("XGROUP DELCONSUMER s g a"), "XGROUP DELCONSUMER s h a",
               "XINFO CONSUMERS s g")  # fmt: skip
    yield case("delete a consumer with entries", *READ, "XGROUP DELCONSUMER s g a", timeless("XPENDING s g - + 10"))
    yield case("groups of a wrong type", "SET s x", "XGROUP CREATE s g 0", "XGROUP CREATE s g 0 MKSTREAM",
               "XGROUP SETID s g 0", "XGROUP DESTROY s g", "XGROUP CREATECONSUMER s g a", "XGROUP DELCONSUMER s g a",
               "XREADGROUP GROUP g a STREAMS s >", "XACK s g 1", "XPENDING s g", "XPENDING s g - + 1",
               "XCLAIM s g a 0 1", "XAUTOCLAIM s g a 0 0", "XINFO STREAM s", "XINFO GROUPS s",
               "XINFO CONSUMERS s g")  # fmt: skip
    yield case("words of XGROUP", "XGROUP", "XGROUP FOO", "XGROUP CREATE s g", "XGROUP CREATE", "XGROUP DESTROY s",
               "XGROUP DESTROY s g x", "XGROUP CREATECONSUMER s g", "XGROUP DELCONSUMER s g a b", "XGROUP SETID s g",
               "XGROUP HELP x")  # fmt: skip
    yield case("names of any bytes", [b"XGROUP", b"CREATE", b"s", b"\x00\xff", b"0", b"MKSTREAM"],
               [b"XGROUP", b"CREATE", b"s", b"\x00\xff", b"0"], [b"XGROUP", b"SETID", b"s", b"\x00", b"0"],
               [b"XREADGROUP", b"GROUP", b"a\x00b", b"\xff", b"STREAMS", b"s", b">"], "XINFO GROUPS s")  # fmt: skip


def _reading() -> Iterator[Case]:
    yield case("read in a group", *GROUP, events("XREADGROUP GROUP g a COUNT 1 STREAMS s >"),
               events("XREADGROUP GROUP g b STREAMS s >"), "XREADGROUP GROUP g c STREAMS s >",
               "XREADGROUP GROUP g a STREAMS s 0", "XREADGROUP GROUP g b COUNT 2 STREAMS s 2-1",
               "XREADGROUP GROUP g c STREAMS s 0", timeless("XPENDING s g - + 10"), "XINFO GROUPS s")  # fmt: skip
    yield case("read without acknowledgement", *GROUP, "XREADGROUP GROUP g a NOACK COUNT 2 STREAMS s >",
               "XREADGROUP GROUP g a NOACK STREAMS s 0", "XPENDING s g", "XREADGROUP GROUP g b STREAMS s >",
               "XPENDING s g", "XINFO GROUPS s")  # fmt: skip
    yield case("read several streams", *GROUP, "XADD t 1-1 a 1", "XGROUP CREATE t g $",
               "XGROUP CREATE e g 0 MKSTREAM", "XREADGROUP GROUP g a COUNT 1 STREAMS s t e > > >",
               "XREADGROUP GROUP g a STREAMS t s > 0", "XREADGROUP GROUP g a STREAMS t s 0 >",
               "XREADGROUP GROUP g a STREAMS s t e > > >", "XREADGROUP GROUP g a STREAMS s s s 0 0 1-1",
               "XREADGROUP GROUP g a STREAMS s none > >")  # fmt: skip
    for id in IDS:
        yield case(f"read from {id}", *READ, said("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", id),
                   timeless("XPENDING s g"))  # fmt: skip
    for words in ("GROUP g a STREAMS s", "GROUP g a STREAMS s s >", "STREAMS s >", "GROUP g STREAMS s >",
                  "GROUP g a s >", "COUNT x GROUP g a STREAMS s >", "COUNT -1 GROUP g a STREAMS s >",
                  "COUNT 0 GROUP g a STREAMS s >", "GROUP g a BLOCK x STREAMS s >", "GROUP g a BLOCK -1 STREAMS s >",
                  "GROUP g a NOACK NOACK STREAMS s >", "GROUP g a FOO STREAMS s >", "GROUP h a STREAMS s >",
                  "GROUP g a STREAMS none >", "GROUP g a COUNT", "GROUP g a STREAMS",
                  "noack count 1 group g a streams s >", "GROUP g a COUNT 1 COUNT 3 STREAMS s >",
                  "GROUP h b GROUP g a STREAMS s >", "GROUP g a BLOCK 1.5 STREAMS s >", "a b c d e f g",
                  "GROUP g a NOACK BLOCK 0 COUNT 2 STREAMS s >"):  # fmt: skip
        yield case(f"read with {words}", *GROUP, f"XREADGROUP {words}")
    yield case("a reader's history without the entries", *READ, "XDEL s 1-1", "XREADGROUP GROUP g a STREAMS s 0",
               "XTRIM s MAXLEN 0", "XREADGROUP GROUP g a STREAMS s 0", "XREADGROUP GROUP g a COUNT 1 STREAMS s 1",
               timeless("XPENDING s g - + 9"))  # fmt: skip
    yield case("read again what the group's position was put before", *READ, "XGROUP SETID s g 0",
               "XREADGROUP GROUP g b COUNT 3 STREAMS s >", timeless("XPENDING s g - + 9"),
               "XINFO GROUPS s")  # fmt: skip
    yield case("reading creates consumers", *GROUP, events("XREADGROUP GROUP g new STREAMS s 0"),
               "XREADGROUP GROUP g none NOACK STREAMS s 0", events("XREADGROUP GROUP g x STREAMS s none > >"),
               timeless("XINFO CONSUMERS s g"))  # fmt: skip
    yield case("acknowledge", *READ, events("XACK s g 1-1 2"), "XACK s g 2-1 2-1 9", "XACK s h 1", "XACK none g x",
               "XACK s g x", "XACK s g 3-1 x", "XACK s g", "XACK s g -", timeless("XPENDING s g"))  # fmt: skip
    yield case("groups and WATCH", *GROUP, "WATCH s", "XGROUP CREATE s h 0", "XREADGROUP GROUP g a STREAMS s >",
               "XACK s g 1-1", "XCLAIM s g b 0 2-1", "XGROUP SETID s g 0", "XGROUP DELCONSUMER s g a",
               "XGROUP DESTROY s h", "MULTI", "PING", "EXEC", "WATCH t", "XGROUP CREATE t g 0 MKSTREAM", "MULTI",
               "PING", "EXEC", multi=False)  # fmt: skip
    yield case("groups and their copies", *READ, "COPY s t", "XACK s g 1-1", timeless("XPENDING t g - + 9"),
               "RENAME t u", "XGROUP DESTROY s g", timeless("XPENDING u g - + 9"), "XINFO GROUPS u")  # fmt: skip


def _lag() -> Iterator[Case]:
    """entries-read and lag, after all that makes them unknown, and known again."""
    told = "XINFO GROUPS s"
    read = "XREADGROUP GROUP g a COUNT 1 STREAMS s >"
    yield case("lag", *GROUP, told, read, told, read, read, read, told, "XADD s 5-1 a 1", told, read, told)
    yield case("lag, the first deleted", *GROUP, "XDEL s 1-1", told, read, told, "XDEL s 2-1", told, read, told)
    yield case("lag, one in the middle deleted", *GROUP, read, "XDEL s 3-1", told, read, told, read, told, read, told)
    yield case("lag, one behind deleted", *GROUP, read, read, read, "XDEL s 1-1", told, read, told)
    yield case("lag, the last deleted", *GROUP, read, "XDEL s 4-1", told, read, told, read, told, "XADD s 5-1 a 1",
               told)  # fmt: skip
    yield case("lag, all deleted", *GROUP, read, "XDEL s 1-1 2-1 3-1 4-1", told, read, told, "XADD s 6-1 a 1", told,
               read, told)  # fmt: skip
    yield case("lag, trimmed", *GROUP, read, "XTRIM s MAXLEN 2", told, read, told, "XTRIM s MAXLEN 0", told)
    for id in ("0", "1-1", "2-1", "2-5", "4-1", "9", "$"):
        yield case(f"lag, from {id}", *FOUR, f"XGROUP CREATE s g {id}", told, read, told, read, told)
        yield case(f"lag, from {id} said to have read 2", *FOUR, f"XGROUP CREATE s g {id} ENTRIESREAD 2", told, read,
                   told)  # fmt: skip
        yield case(f"lag, set to {id}", *GROUP, read, f"XGROUP SETID s g {id}", told, read, told)
        yield case(f"lag, set to {id}, one deleted", *GROUP, read, "XDEL s 2-1", f"XGROUP SETID s g {id}", told, read,
                   told)  # fmt: skip
    yield case("lag, the stream's own figures set", *GROUP, read, "XSETID s 9 ENTRIESADDED 100 MAXDELETEDID 0", told,
               read, told, "XSETID s 9 ENTRIESADDED 100 MAXDELETEDID 8", told, read, told)  # fmt: skip
    most = "9223372036854775807"
    yield case("counts past the greatest number", *GROUP, f"XSETID s 9 ENTRIESADDED {most}", "XADD s 10-1 a 1",
               "XINFO STREAM s", f"XGROUP SETID s g 3-1 ENTRIESREAD {most}", told,
               "XGROUP SETID s g 10-1 ENTRIESREAD 0", told)  # fmt: skip


def _pending_entries() -> Iterator[Case]:
    yield case("pending", "XPENDING s g", *GROUP, "XPENDING s g", "XPENDING s h", "XREADGROUP GROUP g b STREAMS s >",
               "XPENDING s g", "XREADGROUP GROUP g a STREAMS s 0", "XPENDING s g")  # fmt: skip
    for words in ("- + 10", "- + 1", "- + 0", "- + -1", "+ - 10", "2 3 10", "(1-1 (3-1 10", "(1 3 10", "- + 10 a",
                  "- + 10 b", "- + 10 none", "IDLE 0 - + 10", "IDLE 1000000 - + 10", "IDLE 0 - + 10 b",
                  "IDLE -1 - + 10", "IDLE x - + 10", "- +", "-", "IDLE 0 - +", "- + x", "x + 10", "- x 10",
                  "(18446744073709551615-18446744073709551615 + 10", "- (0-0 10", "- + 10 a extra",
                  "- + 10 a extra extra", "IDLE 0 - + 10 a extra", "idle 0 - + 10", "- + 9223372036854775807",
                  "1 1 10", "1-1 1-1 10"):  # fmt: skip
        yield case(f"pending {words}", *READ, timeless(f"XPENDING s g {words}"))
    yield case("pending in no group", *FOUR, "XPENDING s g - + 1", "XPENDING t g - + 1", "XPENDING t g - + x")


def _claiming() -> Iterator[Case]:
    after = (timeless("XPENDING s g - + 10"), "XINFO GROUPS s")
    for words in ("a 0 1-1", "b 0 1-1 2-1", "c 0 1-1 3-1 4-1", "c 0 1-1 JUSTID", "c 1000000 1-1", "c -5 1-1",
                  "c x 1-1", "c 0 4-1 FORCE", "c 0 4-1 FORCE JUSTID", "c 0 9-1 FORCE", "c 0 1-1 RETRYCOUNT 7",
                  "c 0 1-1 RETRYCOUNT -1", "c 0 1-1 RETRYCOUNT x", "c 0 1-1 IDLE 5", "c 0 1-1 IDLE x",
                  "c 0 1-1 IDLE -5", "c 0 1-1 TIME 1000", "c 0 1-1 TIME x", "c 0 1-1 TIME 99999999999999",
                  "c 0 1-1 LASTID 9", "c 0 4-1 LASTID 9", "c 0 1-1 LASTID x", "c 0 1-1 LASTID 1", "c 0 1-1 FOO",
                  "c 0 x", "c 0 1-1 x", "c 0 FORCE", "c 0 1-1 IDLE", "c 0 1-1 FORCE 2-1", "c 0 1-1 1-1",
                  "c 0 4-1 FORCE RETRYCOUNT 3 IDLE 5 JUSTID LASTID 4-1", "c 0 -", "c 0 1-1 justid force",
                  "c 0 1-1 TIME -1", "c 0 1-1 RETRYCOUNT 0", "c 0 1", "c 0 1-1 IDLE 1 TIME 5"):  # fmt: skip
        yield case(f"claim {words}", *READ, events(f"XCLAIM s g {words}"), *after)
    yield case("claim what is deleted", *READ, "XDEL s 1-1 3-1", "XCLAIM s g c 0 1-1 2-1 3-1", *after,
               "XCLAIM s g c 0 1-1 FORCE", *after)  # fmt: skip
    yield case("claim in no group", "XCLAIM s g c 0 1-1", *FOUR, "XCLAIM s g c 0 1-1", "XCLAIM s g c x 1-1",
               "XCLAIM s g c 0")  # fmt: skip
    for words in ("c 0 0", "c 0 -", "c 0 2-1", "c 0 (1-1", "c 0 +", "c 0 9", "c 0 x", "c x 0", "c -1 0",
                  "c 1000000 0", "c 0 0 COUNT 1", "c 0 0 COUNT 2", "c 0 0 COUNT 0", "c 0 0 COUNT -1", "c 0 0 COUNT x",
                  "c 0 0 COUNT", "c 0 0 JUSTID", "c 0 0 JUSTID COUNT 2", "c 0 0 FOO", "a 0 0",
                  "c 0 0 COUNT 9223372036854775807", "c 0 0 count 1 justid",
                  "c 0 (18446744073709551615-18446744073709551615", "c 0 1"):  # fmt: skip
        yield case(f"claim automatically {words}", *READ, events(f"XAUTOCLAIM s g {words}"), *after)
    yield case("claim automatically what is deleted", *READ, "XDEL s 1-1 3-1", "XAUTOCLAIM s g c 0 0 COUNT 1", *after,
               "XAUTOCLAIM s g c 0 0", *after)  # fmt: skip
    yield case("claim automatically in no group", "XAUTOCLAIM s g c 0 0", *FOUR, "XAUTOCLAIM s g c 0 0",
               "XAUTOCLAIM s g c x 0", "XAUTOCLAIM s g c 0")  # fmt: skip
    adds = [f"XADD m {number + 1}-0 f {number}" for number in range(40)]
    yield case("claim automatically looks at ten for each", *adds, "XGROUP CREATE m g 0",
               "XREADGROUP GROUP g a STREAMS m >", "XAUTOCLAIM m g b 100000 0 COUNT 1",
               "XAUTOCLAIM m g b 100000 11 COUNT 3", "XAUTOCLAIM m g b 0 0 COUNT 30 JUSTID",
               "XAUTOCLAIM m g b 100000 40 COUNT 3", "XAUTOCLAIM m g b 0 39 COUNT 2 JUSTID")  # fmt: skip


def _information() -> Iterator[Case]:
    yield case("information", "XINFO STREAM s", "XINFO GROUPS s", "XINFO CONSUMERS s g", *READ, "XINFO STREAM s",
               "XINFO GROUPS s", timeless("XINFO CONSUMERS s g"), "XINFO CONSUMERS s h")  # fmt: skip
    for words in ("FULL", "FULL COUNT 1", "FULL COUNT 0", "FULL COUNT -1", "FULL COUNT x", "FULL COUNT", "FOO",
                  "FULL FOO 1", "full count 2", "FULL COUNT 1 2"):  # fmt: skip
        yield case(f"information {words}", *READ, "XGROUP CREATECONSUMER s g z", timeless(f"XINFO STREAM s {words}"))
    powers = [f"{1 << bits}-{bits}" for bits in range(0, 64, 3)]
    numbers = [f"{number}-0" for number in range(1, 60)]
    steps = [f"0-{number * 77}" for number in range(1, 30)]
    for ids in (["1-1"], ["1-1", "1-2"], ["1-1", "257-1"], powers, numbers, steps):
        adds = [f"XADD s {id} f v" for id in ids]
        yield case(f"information, {len(ids)} nodes", "CONFIG SET stream-node-max-entries 1", *adds, "XINFO STREAM s",
                   f"XDEL s {ids[0]}", "XINFO STREAM s", f"XDEL s {ids[len(ids) // 2]}", "XINFO STREAM s",
                   config=True)  # fmt: skip
    yield case("words of XINFO", "XINFO", "XINFO FOO", "XINFO STREAM", "XINFO GROUPS", "XINFO GROUPS s g",
               "XINFO CONSUMERS s", "XINFO CONSUMERS s g a", "XINFO HELP x")  # fmt: skip
    yield case("information of an empty stream", "XGROUP CREATE s g $ MKSTREAM", "XINFO STREAM s",
               "XINFO STREAM s FULL", "XADD s 1-1 a b", "XDEL s 1-1", "XINFO STREAM s",
               "XINFO STREAM s FULL")  # fmt: skip


def _waiting() -> Iterator[Case]:
    wait_for_new = "2& XREADGROUP GROUP g a BLOCK 0 STREAMS s >"
    yield case("wait for an entry", *GROUP, "XREADGROUP GROUP g a STREAMS s >", wait_for_new, "XADD s 5-1 e 5", "2<",
               timeless("XPENDING s g"), multi=False)  # fmt: skip
    yield case("wait in vain", *GROUP, "XREADGROUP GROUP g a STREAMS s >",
               "XREADGROUP GROUP g a BLOCK 10 STREAMS s >", "XREADGROUP GROUP g a BLOCK 0 STREAMS s 0")  # fmt: skip
    yield case("do not wait with a history", *GROUP, "XREADGROUP GROUP g a BLOCK 0 STREAMS s 0")
    yield case("first come, first served", "XGROUP CREATE s g $ MKSTREAM", wait_for_new,
               "3& XREADGROUP GROUP g b BLOCK 0 STREAMS s >", "4& XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
               "XADD s 1-1 a 1", "2<", "XADD s 2-1 a 2", "3<", "MULTI", "XADD s 3-1 a 3", "XADD s 4-1 a 4", "EXEC",
               "4<", timeless("XPENDING s g - + 9"), multi=False)  # fmt: skip
    yield case("two groups wait", "XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s h $", wait_for_new,
               "3& XREADGROUP GROUP h b BLOCK 0 STREAMS s >", "4& XREAD BLOCK 0 STREAMS s $", "XADD s 1-1 a 1", "2<",
               "3<", "4<", multi=False)  # fmt: skip
    for name, words in (("DEL", "DEL s"), ("UNLINK", "UNLINK s"), ("XGROUP DESTROY", "XGROUP DESTROY s g"),
                        ("FLUSHALL", "FLUSHALL"), ("FLUSHDB", "FLUSHDB"), ("SET", "SET s x"),
                        ("RENAME", "RENAME s t"), ("SWAPDB", "SWAPDB 0 1"), ("EXPIREAT", "EXPIREAT s 1"),
                        ("MOVE", "MOVE s 1"), ("RENAME of another over it", "RENAME other s")):  # fmt: skip
        yield case(f"waiting readers learn of {name}", "XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s h $",
                   "RPUSH other x", wait_for_new, "3& XREADGROUP GROUP h b BLOCK 0 STREAMS s >",
                   "4& XREAD BLOCK 100 STREAMS s $", words, "2<", *(["XADD s 1-1 a 1"] if "DESTROY" in name else []),
                   "3<", "4<", multi=False)  # fmt: skip
    yield case("a transaction that puts the stream back", "XGROUP CREATE s g $ MKSTREAM", wait_for_new, "MULTI",
               "DEL s", "XGROUP CREATE s g $ MKSTREAM", "XADD s 1-1 a 1", "EXEC", "2<", multi=False)  # fmt: skip
    yield case("a transaction that takes the stream away and brings another", "XGROUP CREATE s g $ MKSTREAM",
               wait_for_new, "MULTI", "DEL s", "XADD s 1-1 a 1", "EXEC", "2<", multi=False)  # fmt: skip
    yield case("an entry comes and goes in a transaction", "XGROUP CREATE s g $ MKSTREAM", wait_for_new, "MULTI",
               "XADD s 1-1 a 1", "XDEL s 1-1", "EXEC", "XADD s 2-1 a 1", "2<", multi=False)  # fmt: skip
    yield case("a wait is ended", "XGROUP CREATE s g $ MKSTREAM", "2> PING", wait_for_new, "CLIENT UNBLOCK {id:2}",
               "2<", wait_for_new, "CLIENT UNBLOCK {id:2} ERROR", "2<", multi=False)  # fmt: skip
    yield case("a wait in a script", "XGROUP CREATE s g $ MKSTREAM",
               "EVAL \"return redis.call('XREADGROUP', 'GROUP', 'g', 'a', 'BLOCK', 0, 'STREAMS', KEYS[1], '>')\" 1 s",
               "XADD s 1-1 a 1",
               "EVAL \"return redis.call('XREADGROUP', 'GROUP', 'g', 'a', 'BLOCK', 0, 'STREAMS', KEYS[1], '>')\" 1 s",
               "EVAL \"return redis.call('XCLAIM', KEYS[1], 'g', 'b', 0, '1-1')\" 1 s",
               "EVAL \"return redis.call('XAUTOCLAIM', KEYS[1], 'g', 'a', 0, 0)\" 1 s")  # fmt: skip
    told = masked("9> INFO clients", r"(?m)^(?!total_blocking_keys).*$")
    yield case("keys that readers must not lose", "1& BLPOP s 0", told, "3> XADD s 1 a b", "3> XGROUP CREATE s g $",
               wait_for_new, told, "4& XREADGROUP GROUP g b BLOCK 0 STREAMS s >", told, "3> DEL s", "2<", "4<", told,
               "3> LPUSH s a", "1<", told, multi=False)  # fmt: skip
    yield case("the position is put back while a reader waits", *GROUP, "XREADGROUP GROUP g a STREAMS s >",
               wait_for_new, "XGROUP SETID s g 0", "XADD s 5-1 e 5", "2<", multi=False)  # fmt: skip
    yield case("wait for two streams", "XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE t g $ MKSTREAM",
               "2& XREADGROUP GROUP g a BLOCK 0 STREAMS s t > >", "XADD t 1-1 a 1", "2<",
               "2& XREADGROUP GROUP g a BLOCK 0 STREAMS s t > >", "DEL t", "2<", multi=False)  # fmt: skip


CASES = [
    *_groups(),
    *_reading(),
    *_lag(),
    *_pending_entries(),
    *_claiming(),
    *_information(),
    *_waiting(),
]
