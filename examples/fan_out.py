"""Fan-out: everyone who listens gets every message, by publish/subscribe.

PUBLISH says how many heard it. Messages are not kept: who comes later has missed them (a stream, as in work_queue.py,
keeps them, and each group of consumers gets them all).
"""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

import redis
from serving import server

CHANNEL = "example:news"
NAMES = ("anna", "bert", "carl")
NEWS = ("rain in the north", "sun in the south", "snow on the hills")
END = "end of the news"


def listen(client: Any, heard: list[str]) -> None:
    """Note what comes until the news end; a subscriber has a connection of its own."""
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(CHANNEL)
        for message in subscription.listen():
            if message["data"] == END:
                return
            heard.append(message["data"])


def main(url: str) -> None:
    """One voice and three listeners."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        print(f"nobody listens yet: {client.publish(CHANNEL, 'hello?')}")
        heard: dict[str, list[str]] = {name: [] for name in NAMES}
        listeners = [Thread(target=listen, args=(client, heard[name])) for name in NAMES]
        for listener in listeners:
            listener.start()
        while dict(client.pubsub_numsub(CHANNEL))[CHANNEL] < len(NAMES):
            time.sleep(0.01)  # not everybody is there yet
        for text in NEWS:
            print(f"said to {client.publish(CHANNEL, text)}: {text}")
        client.publish(CHANNEL, END)
        for listener in listeners:
            listener.join()
        for name, texts in heard.items():
            print(f"{name} heard: {', '.join(texts)}")


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
