"""kombu on respd: direct, topic and fanout exchanges, priorities, acknowledgement, and messages given back."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.patience import until

kombu = pytest.importorskip("kombu", reason="kombu is not installed (pip install 'kombu[redis]')")

Connect = Callable[[], Any]


@pytest.fixture
def connect(url: str) -> Iterator[Connect]:
    """Makes connections; they end with the test."""
    made: list[Any] = []

    def connect_one() -> Any:
        made.append(kombu.Connection(url, transport_options={"priority_steps": [0, 3, 6, 9]}))
        return made[-1]

    yield connect_one
    for connection in made:
        connection.release()


class Reader:
    """A consumer on a connection of its own, and what it got."""

    def __init__(self, connection: Any, *queues: Any, ack: bool = True, prefetch: int = 0) -> None:
        self.got: list[Any] = []
        self.messages: list[Any] = []
        self._ack = ack
        self._connection = connection
        self.consumer = connection.Consumer(list(queues), callbacks=[self._take], accept=["json"])
        if prefetch:
            self.consumer.qos(prefetch_count=prefetch)
        self.consumer.consume()

    def _take(self, body: Any, message: Any) -> None:
        self.got.append(body)
        self.messages.append(message)
        if self._ack:
            message.ack()

    def read(self, number: int) -> list[Any]:
        """What came, when there are `number` of them."""
        until(lambda: len(self.got) >= number or self._drain(), f"{number} messages")
        return self.got

    def _drain(self) -> bool:
        try:
            self._connection.drain_events(timeout=0.05)
        except (TimeoutError, socket.timeout):  # noqa: UP041 - kombu raises either
            pass
        return False


def test_direct(connect: Connect, client: redis.Redis) -> None:
    """A message goes to the queue of its routing key, and there to one of the consumers; all are acknowledged."""
    exchange = kombu.Exchange("tasks", "direct")
    video = kombu.Queue("video", exchange, routing_key="video")
    image = kombu.Queue("image", exchange, routing_key="image")
    first, second, other = Reader(connect(), video), Reader(connect(), video), Reader(connect(), image)
    producer = connect().Producer(exchange=exchange, serializer="json")
    for number in range(30):
        producer.publish(number, routing_key="video")
    producer.publish("picture", routing_key="image")
    until(lambda: first._drain() or second._drain() or len(first.got + second.got) == 30, "all thirty")
    assert sorted(first.got + second.got) == list(range(30)) and first.got and second.got
    assert other.read(1) == ["picture"]
    assert client.exists("video", "image", "unacked", "unacked_index") == 0


def test_topics(connect: Connect) -> None:
    """A star is one word, a hash any number; each queue that matches gets the message."""
    exchange = kombu.Exchange("news", "topic")
    keys = {"every": "#", "usa": "usa.*", "weather": "*.weather", "alps": "#.alps"}
    readers = {name: Reader(connect(), kombu.Queue(name, exchange, routing_key=key)) for name, key in keys.items()}
    producer = connect().Producer(exchange=exchange, serializer="json")
    for key in ("usa.news", "usa.weather", "europe.weather", "europe.weather.alps", "europe"):
        producer.publish(key, routing_key=key)
    assert readers["every"].read(5) == ["usa.news", "usa.weather", "europe.weather", "europe.weather.alps", "europe"]
    assert readers["usa"].read(2) == ["usa.news", "usa.weather"]
    assert readers["weather"].read(2) == ["usa.weather", "europe.weather"]
    assert readers["alps"].read(1) == ["europe.weather.alps"]


def test_fanout(connect: Connect, client: Any) -> None:
    """Everyone who listens gets every message, by publish/subscribe."""
    exchange = kombu.Exchange("broadcast", "fanout")
    readers = [Reader(connect(), kombu.Queue(f"listener-{number}", exchange)) for number in range(3)]

    def subscriptions() -> int:
        for reader in readers:
            reader._drain()
        return sum(int(each["psub"]) for each in client.client_list("pubsub"))

    until(lambda: subscriptions() == 3, "three subscriptions")
    producer = connect().Producer(exchange=exchange, serializer="json")
    for number in range(10):
        producer.publish(number)
    assert [reader.read(10) for reader in readers] == [list(range(10))] * 3


def test_priorities(connect: Connect) -> None:
    """Each step of priority is a list of its own, and BRPOP reads them in order (0 is the highest here)."""
    queue = kombu.Queue("steps", kombu.Exchange("steps", "direct"), routing_key="steps")
    with connect() as connection:
        producer = connection.Producer(serializer="json")
        for body, priority in (("c", 6), ("d", 9), ("a", 0), ("b", 3), ("e", 9)):
            producer.publish(body, exchange=queue.exchange, routing_key="steps", declare=[queue], priority=priority)
        assert Reader(connection, queue).read(5) == ["a", "b", "c", "d", "e"]


def test_given_back_and_rejected(connect: Connect, client: redis.Redis) -> None:
    """What is requeued, or not acknowledged when the connection ends, comes again; what is rejected does not."""
    queue = kombu.Queue("work", kombu.Exchange("work", "direct"), routing_key="work")
    with connect() as connection:
        for body in ("given back", "rejected", "kept"):
            connection.Producer(serializer="json").publish(
                body, exchange=queue.exchange, routing_key="work", declare=[queue]
            )
        reader = Reader(connection, queue, ack=False)
        reader.read(3)
        assert client.hlen("unacked") == client.zcard("unacked_index") == 3
        reader.messages[0].requeue()
        reader.messages[1].reject()
        until(lambda: reader._drain() or len(reader.got) == 4, "the message that was given back")
        assert reader.got[3] == "given back" and reader.messages[3].delivery_info["redelivered"]
    assert client.hlen("unacked") == 0 and client.llen("work") == 2
    assert sorted(Reader(connect(), queue).read(2)) == ["given back", "kept"]


def test_prefetch(connect: Connect, client: redis.Redis) -> None:
    """Fair dispatch: a consumer holds no more than it may without acknowledging."""
    queue = kombu.Queue("fair", kombu.Exchange("fair", "direct"), routing_key="fair")
    producer = connect().Producer(serializer="json")
    for number in range(5):
        producer.publish(number, exchange=queue.exchange, routing_key="fair", declare=[queue])
    reader = Reader(connect(), queue, ack=False, prefetch=2)
    reader.read(2)
    reader._drain()
    assert len(reader.got) == 2 and client.llen("fair") == 3
    reader.messages[0].ack()
    assert len(reader.read(3)) == 3 and client.llen("fair") == 2
