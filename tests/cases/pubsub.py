"""Cases for the publish/subscribe commands."""

from collections.abc import Iterator

from tests.harness import Case, case, events, ignored, unordered

_SUBSCRIBING = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"]
_UNSUBSCRIBING = ["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"]


def _arity() -> Iterator[Case]:
    for name in [*_SUBSCRIBING, "PUBLISH", "SPUBLISH"]:
        yield case(f"{name} arity", name, data=False)
    yield case("more arities", "PUBLISH a", "PUBLISH a b c", "SPUBLISH a", "SPUBLISH a b c", "PUBSUB", "PUBSUB NOPE",
               "PUBSUB NUMPAT a", "PUBSUB CHANNELS a b", "pubsub Channels a b c", "PUBSUB SHARDCHANNELS a b",
               "PUBSUB NUMSUB", "PUBSUB SHARDNUMSUB", "PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS")  # fmt: skip


def _subscriptions() -> Iterator[Case]:
    for subscribe, unsubscribe in zip(_SUBSCRIBING, _UNSUBSCRIBING, strict=True):
        yield case(
            f"{subscribe} and {unsubscribe}",
            f"{subscribe} a",
            f"{subscribe} a b a c",
            f"{unsubscribe} b",
            f"{unsubscribe} b nope",
            f"{subscribe} b",
            f"{unsubscribe} a b c",
            f"{unsubscribe}",
            f"{unsubscribe} a",
            f"{subscribe} only",
            f"{unsubscribe}",
            "GET k",
        )
        yield case(f"{unsubscribe} of nothing", unsubscribe, f"{unsubscribe} a", f"{unsubscribe} a b", "GET k")
    yield case("counts go over channels and patterns, not shard channels", "SUBSCRIBE a b", "PSUBSCRIBE p* q*",
               "SSUBSCRIBE s t u", "SUBSCRIBE c", "PUNSUBSCRIBE p*", "SUNSUBSCRIBE t", "UNSUBSCRIBE a b c",
               "PUNSUBSCRIBE q*", "SUNSUBSCRIBE s u")  # fmt: skip
    yield case("RESET ends all subscriptions", "SUBSCRIBE a", "PSUBSCRIBE b", "SSUBSCRIBE c", "RESET", "GET k",
               "2> PUBSUB CHANNELS", "2> PUBSUB NUMPAT", "2> PUBSUB SHARDCHANNELS", "2> PUBLISH a x",
               "2> SPUBLISH c x")  # fmt: skip
    yield case("the empty channel", 'SUBSCRIBE ""', '2> PUBLISH "" ""', "1<", 'UNSUBSCRIBE ""')
    yield case("binary channels and messages", [b"SUBSCRIBE", b"\x00\xff\r\n"], "2> PUBSUB CHANNELS",
               [b"PUBLISH", b"x", b"\r\n"])  # fmt: skip


def _messages() -> Iterator[Case]:
    yield case("PUBLISH reaches its subscribers", "SUBSCRIBE a", "2> SUBSCRIBE a b", "3> PUBLISH a hello", "1<",
               "2<", "3> PUBLISH b x", "2<", "3> PUBLISH c x", "3> SPUBLISH a x")  # fmt: skip
    yield case("PUBLISH reaches matching patterns", "PSUBSCRIBE n?ws.* other", "2> PUBLISH news.it hello", "1<",
               "2> PUBLISH nws.it hello", "2> PUBLISH other x", "1<", "2> PUBLISH others x")  # fmt: skip
    yield case("a client gets a message once for each of its subscriptions", "SUBSCRIBE news", "PSUBSCRIBE news*",
               "2> PUBLISH news a", "1<", "1<")  # fmt: skip
    yield case("SPUBLISH reaches shard channels only", "SSUBSCRIBE a", "SUBSCRIBE a", "PSUBSCRIBE *",
               "2> SPUBLISH a x", "1<", "2> PUBLISH a y", "1<", "1<")  # fmt: skip
    yield case("no messages after UNSUBSCRIBE", "SUBSCRIBE a b", "UNSUBSCRIBE a", "2> PUBLISH a x", "2> PUBLISH b y",
               "1<")  # fmt: skip
    yield case("in order", "SUBSCRIBE a b", "2> PUBLISH a 1", "2> PUBLISH b 2", "2> PUBLISH a 3", "1<", "1<", "1<")
    yield case("a long message", "SUBSCRIBE a", "2> PUBLISH a " + "x" * 100_000, "1<")
    yield case("keyspace events", "CONFIG SET notify-keyspace-events KEA",
               "SUBSCRIBE __keyspace@0__:k __keyevent@0__:set", "2> SET k v", "1<", "1<", "2> SET j v", "1<",
               "2> DEL k", "1<", config=True)  # fmt: skip
    yield case("a subscriber publishes to itself", "SUBSCRIBE a", "PUBLISH a x", "PING", resp=3)
    yield case("a subscriber causes an event", "PSUBSCRIBE __keyevent@0__:*", "RPUSH l a b", "LPOP l 5", resp=3,
               events=False)  # fmt: skip
    yield case("a blocked subscriber is served", "PSUBSCRIBE __keyevent@0__:lpop", "1& BLPOP l 0", "2> RPUSH l a",
               "1<", resp=3, events=False)  # fmt: skip


def _mode() -> Iterator[Case]:
    for subscribe, unsubscribe in zip(_SUBSCRIBING, _UNSUBSCRIBING, strict=True):
        yield case(f"what a client with {subscribe} may send", f"{subscribe} a", "GET k", "PING", "PING hello",
                   "PING a b", "PUBLISH a x", "nope", "get", "CLIENT ID x", "MULTI", "EXEC", "PUBSUB CHANNELS",
                   ignored("HELLO"), "ECHO x",
                   f"{unsubscribe} a", "GET k", "PING", data=False)  # fmt: skip
    yield case("changing the protocol with subscriptions", "SUBSCRIBE a", ignored("HELLO 2 SETNAME x"),
               "2> PUBLISH a y", "GET k", "PING", resp=3, data=False)  # fmt: skip
    yield case("CLIENT REPLY does not silence subscriptions", "1& CLIENT REPLY OFF", "1& SUBSCRIBE a",
               "2> PUBLISH a x", "2> PUBSUB NUMSUB a", multi=False)  # fmt: skip


def _introspection() -> Iterator[Case]:
    yield case(
        "PUBSUB",
        "SUBSCRIBE a b ab",
        "PSUBSCRIBE a* b*",
        "SSUBSCRIBE s1 s2",
        "2> SUBSCRIBE a",
        "2> PSUBSCRIBE a* c*",
        "2> SSUBSCRIBE s1",
        unordered("3> PUBSUB CHANNELS"),
        unordered("3> PUBSUB CHANNELS a*"),
        "3> PUBSUB CHANNELS [x]",
        "3> PUBSUB NUMSUB a b nope a",
        "3> PUBSUB NUMPAT",
        unordered("3> PUBSUB SHARDCHANNELS"),
        "3> PUBSUB SHARDCHANNELS *2",
        "3> PUBSUB SHARDNUMSUB s1 s2 a",
        "3> pubsub numpat",
        "3> PUBLISH ab x",
        "3> SPUBLISH s1 x",
        events=False,
    )
    yield case("channels of nobody", "PUBSUB CHANNELS", "PUBSUB NUMSUB a", "PUBSUB NUMPAT", "PUBLISH a b",
               "SPUBLISH a b")  # fmt: skip


def _transactions() -> Iterator[Case]:
    yield case("subscribing in a transaction", "MULTI", "SUBSCRIBE a b", "SET k v", "PUBLISH a x", "PSUBSCRIBE a*",
               "UNSUBSCRIBE a b", "SSUBSCRIBE s", "SUNSUBSCRIBE", "SUNSUBSCRIBE a b", "PUNSUBSCRIBE a* b", "EXEC",
               "PING")  # fmt: skip
    yield case("publishing in a transaction", "2> SUBSCRIBE a", "MULTI", "PUBLISH a x", "INCR n", "PUBLISH a y",
               "EXEC", "2<", "2<")  # fmt: skip
    yield case("PUBLISH", "PUBLISH a x", "SPUBLISH a x", events("PUBLISH __keyevent@0__:set k"))


CASES = [
    *_arity(),
    *_subscriptions(),
    *_messages(),
    *_mode(),
    *_introspection(),
    *_transactions(),
]
