"""redis-py as people use it, sync and asyncio, RESP2 and RESP3, against respd."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from tests.patience import PATIENCE, until
from tests.servers import Server
from tests.wire import Connection


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A redis-py client of either protocol."""
    with redis.Redis(port=server.port, protocol=request.param, socket_timeout=PATIENCE) as made:
        yield made
        made.connection_pool.disconnect()


def test_every_type(client: Any) -> None:
    """The answers of redis-py's typed methods."""
    assert client.ping()
    assert client.set("s", "1", ex=100) and client.incrby("s", 4) == 5 and client.get("s") == b"5"
    assert 0 < client.ttl("s") <= 100
    assert client.mget("s", "missing") == [b"5", None]
    assert client.rpush("l", 1, 2, 3) == 3 and client.lrange("l", 0, -1) == [b"1", b"2", b"3"]
    assert client.lpop("l", 2) == [b"1", b"2"]
    assert client.hset("h", mapping={"a": 1, "b": 2}) == 2 and client.hgetall("h") == {b"a": b"1", b"b": b"2"}
    assert client.hincrbyfloat("h", "a", 0.5) == 1.5
    assert client.sadd("t", "x", "y") == 2 and client.smembers("t") == {b"x", b"y"}
    assert client.smismember("t", ["x", "z"]) in ([True, False], [1, 0])
    assert client.zadd("z", {"one": 1, "two": 2.5}) == 2
    assert [tuple(pair) for pair in client.zrange("z", 0, -1, withscores=True)] == [(b"one", 1.0), (b"two", 2.5)]
    assert client.zscore("z", "two") == 2.5 and client.zincrby("z", 1, "one") == 2.0
    assert client.type("z") == b"zset" and client.object("encoding", "z") == b"listpack"
    assert client.bitcount("s") == 4 and client.setbit("bits", 7, 1) == 0
    assert sorted(client.keys("*")) == [b"bits", b"h", b"l", b"s", b"t", b"z"]
    assert client.dbsize() == 6 and client.delete("s", "nosuch") == 1
    assert client.info("server")["redis_version"]
    assert client.config_get("maxmemory*")["maxmemory"] == "0"
    assert client.client_setname("me") and client.client_getname() in ("me", b"me")
    assert any(one["name"] == "me" for one in client.client_list())
    assert len(client.time()) == 2
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.incr("h")


def test_text_and_bytes(server: Server) -> None:
    """Decoded answers, and binary ones."""
    with redis.Redis(port=server.port, socket_timeout=PATIENCE, decode_responses=True) as client:
        client.set("naïve", "→ text")
        assert client.get("naïve") == "→ text"
        client.hset("h", "ключ", "знач")
        assert client.hgetall("h") == {"ключ": "знач"}
    with redis.Redis(port=server.port, socket_timeout=PATIENCE) as client:
        everything = bytes(range(256)) * 10
        client.set(everything, everything)
        assert client.get(everything) == everything


@pytest.mark.parametrize("transaction", [True, False])
def test_pipelines(client: Any, transaction: bool) -> None:
    """Many commands in one go; an error is at its place and does not stop the others."""
    with client.pipeline(transaction=transaction) as pipe:
        for number in range(2000):
            pipe.rpush("l", number)
        pipe.lrange("l", 0, 2).incr("l").set("k", "v").get("k")
        answers = pipe.execute(raise_on_error=False)
    assert answers[:2000] == list(range(1, 2001))
    assert answers[2000] == [b"0", b"1", b"2"]
    assert isinstance(answers[2001], redis.ResponseError)
    assert answers[2002:] == [True, b"v"]


def test_a_transaction_with_a_bad_command_does_nothing(client: Any) -> None:
    """EXECABORT reaches the caller, and nothing was done."""
    with client.pipeline() as pipe:
        pipe.set("k", "v").execute_command("GET")
        with pytest.raises(redis.ResponseError):
            pipe.execute()
    assert client.get("k") is None


def test_a_pool_shared_by_threads(server: Server) -> None:
    """Eight threads share four connections and no increment is lost."""
    pool: Any = redis.BlockingConnectionPool(  # type: ignore[no-untyped-call]
        port=server.port, max_connections=4, timeout=PATIENCE
    )

    def work() -> None:
        client = redis.Redis(connection_pool=pool)
        for _ in range(100):
            client.incr("counter")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redis.Redis(connection_pool=pool).get("counter") == b"800"
    pool.disconnect()


def test_messages_in_a_thread(client: Any) -> None:
    """redis-py's own listening thread gets what is published to channels and patterns."""
    heard: list[tuple[str, bytes, bytes]] = []
    done = threading.Event()

    def note(message: dict[str, Any]) -> None:
        heard.append((message["type"], message["channel"], message["data"]))
        if len(heard) == 6:
            done.set()

    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(news=note)
    listener.psubscribe(**{"n*": note})
    thread = listener.run_in_thread(sleep_time=0.01, daemon=True)
    until(lambda: client.pubsub_numpat() == 1 and client.pubsub_numsub("news")[0][1] == 1, "both subscriptions")
    for number in range(3):
        assert client.publish("news", f"item {number}") == 2
    assert done.wait(PATIENCE)
    thread.stop()
    thread.join(PATIENCE)
    listener.close()
    assert [one for one in heard if one[0] == "message"] == [("message", b"news", b"item %d" % n) for n in range(3)]
    assert len([one for one in heard if one[0] == "pmessage"]) == 3


def test_scans_under_change(client: Any) -> None:
    """Whatever stays during an iteration is returned, while other keys and members come and go."""
    staying = {b"stay:%d" % number for number in range(600)}
    client.mset(dict.fromkeys(staying, "x"))
    client.sadd("set", *staying)
    client.hset("hash", mapping=dict.fromkeys(staying, "x"))
    client.zadd("zset", dict.fromkeys(staying, 1.0))
    scans: list[tuple[Iterator[Any], str]] = [
        (client.scan_iter(match="stay:*", count=20), "key"),
        (client.sscan_iter("set", count=20), "set"),
        (client.hscan_iter("hash", count=20), "hash"),
        (client.zscan_iter("zset", count=20), "zset"),
    ]
    for iterator, kind in scans:
        seen = set()
        for place, found in enumerate(iterator):
            seen.add(found[0] if isinstance(found, tuple) else found)
            name = f"come:{place % 40}"
            with client.pipeline(transaction=False) as pipe:
                if kind == "key":
                    pipe.set(name, "x").delete(f"come:{(place + 20) % 40}")
                elif kind == "set":
                    pipe.sadd("set", name).srem("set", f"come:{(place + 20) % 40}")
                elif kind == "hash":
                    pipe.hset("hash", name, "x").hdel("hash", f"come:{(place + 20) % 40}")
                else:
                    pipe.zadd("zset", {name: place}).zrem("zset", f"come:{(place + 20) % 40}")
                pipe.execute()
        assert staying <= seen, kind


def _increment(port: int, times: int) -> None:
    """Increment a counter by reading, adding and writing it in a watched transaction."""
    with redis.Redis(port=port, socket_timeout=PATIENCE) as client:
        for _ in range(times):
            with client.pipeline() as pipe:
                while True:
                    try:
                        pipe.watch("counter")
                        value = int(pipe.get("counter") or 0)
                        pipe.multi()
                        pipe.set("counter", value + 1)
                        pipe.execute()
                        break
                    except redis.WatchError:
                        continue


def test_watched_transactions_of_several_processes(server: Server) -> None:
    """No increment is lost, however many contend."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_increment, args=(server.port, 50)) for _ in range(3)]
    for worker in workers:
        worker.start()
    _increment(server.port, 50)
    for worker in workers:
        worker.join(PATIENCE)
        assert worker.exitcode == 0
    with redis.Redis(port=server.port, socket_timeout=PATIENCE) as client:
        assert client.get("counter") == b"200"


@pytest.mark.parametrize("command, push", [("BLPOP {} 0", "RPUSH {} {}"), ("BZPOPMIN {} 0", "ZADD {} 1 {}")])
def test_blocked_clients_are_served_in_order_of_arrival(server: Server, command: str, push: str) -> None:
    """A hundred clients wait for one key; each gets its element, first come, first served."""
    with server.connect() as other:
        waiting = []
        for _ in range(100):
            client = server.connect()
            client.send(command.format("queue"))
            other.call("PING")  # by its answer the server has read what was sent before
            waiting.append(client)
        for number in range(60):
            other.call(push.format("queue", f"item{number:03d}"))
        if push.startswith("RPUSH"):
            other.call("RPUSH queue " + " ".join(f"item{number:03d}" for number in range(60, 100)))
        else:
            other.call("ZADD queue " + " ".join(f"1 item{number:03d}" for number in range(60, 100)))
        for number, client in enumerate(waiting):
            assert client.read().items[1].value == b"item%03d" % number
            client.close()
        assert other.ask("EXISTS queue") == 0


def test_blocking_pops_and_moves(client: Any) -> None:
    """Timeouts give None; a push from elsewhere ends the wait."""
    assert client.blpop("nothing", timeout=0.05) is None
    timer = threading.Timer(0.05, lambda: client.rpush("b", "x", "y"))
    timer.start()
    assert client.blpop(["a", "b"], timeout=PATIENCE) in ((b"b", b"x"), [b"b", b"x"])
    timer.join()
    assert client.blmove("b", "c", 1, "LEFT", "RIGHT") == b"y"
    assert client.bzpopmin("nothing", timeout=0.05) is None


@pytest.mark.parametrize("protocol", [2, 3])
def test_asyncio(server: Server, protocol: int) -> None:
    """The asyncio client: commands, pipelines, messages, and fifty tasks that block and are woken."""

    async def play() -> None:
        client: Any
        async with redis.asyncio.Redis(
            port=server.port, protocol=protocol, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            assert await client.set("k", "v") and await client.get("k") == b"v"
            async with client.pipeline(transaction=True) as pipe:
                answers = await pipe.incr("n").incr("n").hset("h", mapping={"a": "1"}).hgetall("h").execute()
            assert answers == [1, 2, 1, {b"a": b"1"}]
            poppers = [asyncio.create_task(client.blpop("queue", timeout=PATIENCE)) for _ in range(50)]
            await asyncio.sleep(0.05)
            await client.rpush("queue", *range(50))
            popped = sorted(int(one[1]) for one in await asyncio.gather(*poppers))
            assert popped == list(range(50))
            async with client.pubsub(ignore_subscribe_messages=True) as listener:
                await listener.subscribe("news")
                while await client.publish("news", "hello") == 0:
                    await asyncio.sleep(0.01)
                message = None
                while message is None:
                    message = await listener.get_message(timeout=PATIENCE)
                assert message["data"] == b"hello"
            assert sorted([key async for key in client.scan_iter()]) == [b"h", b"k", b"n"]
            await client.connection_pool.disconnect()

    asyncio.run(asyncio.wait_for(play(), PATIENCE))


def test_locks(client: Any) -> None:
    """A lock keeps others out; it is released and extended by scripts, and only by its owner."""
    lock, other = client.lock("door", timeout=30), client.lock("door", timeout=30)
    assert lock.acquire(blocking=False) and not other.acquire(blocking=False)
    assert lock.owned() and not other.owned() and lock.locked()
    assert lock.extend(100) and 30 < client.ttl("door") <= 130
    lock.release()
    assert client.get("door") is None
    assert other.acquire(blocking=False)
    client.set("door", "somebody else's")
    with pytest.raises(redis.exceptions.LockNotOwnedError):
        other.release()
    assert client.get("door") == b"somebody else's"


def test_scripts(client: Any) -> None:
    """register_script runs by SHA1 and loads the script when the server does not know it."""
    client.script_flush()
    add = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert add(keys=["n"], args=[5]) == 5 and add(keys=["n"], args=[5]) == 10
    with client.pipeline() as pipe:
        add(keys=["n"], args=[1], client=pipe)
        assert pipe.execute() == [11]


def test_reconnection_after_being_killed(client: Any, server: Server) -> None:
    """A client whose connection the server closes comes back by itself."""
    client.set("k", "v")
    with Connection(server.port) as other:
        other.call("CLIENT KILL TYPE normal SKIPME yes")
    assert client.get("k") == b"v"


def test_sharded_channels(server: Server) -> None:
    """SPUBLISH reaches SSUBSCRIBE."""
    with redis.Redis(port=server.port, protocol=3, socket_timeout=PATIENCE) as client:
        listener = client.pubsub()
        listener.ssubscribe("shard")
        assert listener.get_message(timeout=PATIENCE) is not None
        assert client.execute_command("SPUBLISH", "shard", "hello") == 1
        message = listener.get_sharded_message(timeout=PATIENCE) if hasattr(listener, "get_sharded_message") else None
        message = message or listener.get_message(timeout=PATIENCE)
        assert message is not None and message["data"] == b"hello"
        listener.close()
