"""Routing by topic: messages have a name of several words, and everyone subscribes to the patterns of interest.

PSUBSCRIBE takes Redis' patterns: * is any text, ? any character, [ab] one of these. A message comes once for each
pattern that matches it, and tells which one that was.
"""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

import redis
from serving import server

PREFIX = "example:log"
WANTED = {
    "pager": ["*.error"],  # what wakes somebody up
    "kernel": ["kernel.*"],  # everything of one part
    "archive": ["*"],  # everything
    "disks": ["disk[0-9].*", "raid.*"],
}
MESSAGES = ("kernel.info", "kernel.error", "disk1.error", "disk2.info", "mail.info", "raid.error")
END = "end"


def listen(client: Any, patterns: list[str], got: list[str]) -> None:
    """Note the topics of what matches, until the end."""
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(f"{PREFIX}:{END}")
        subscription.psubscribe(*(f"{PREFIX}.{pattern}" for pattern in patterns))
        for message in subscription.listen():
            if message["type"] == "message":  # not by a pattern: the end
                return
            got.append(message["channel"].removeprefix(f"{PREFIX}."))


def main(url: str) -> None:
    """Six messages and four listeners."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        got: dict[str, list[str]] = {name: [] for name in WANTED}
        listeners = [Thread(target=listen, args=(client, WANTED[name], got[name])) for name in WANTED]
        for listener in listeners:
            listener.start()
        while client.pubsub_numpat() < sum(map(len, WANTED.values())):
            time.sleep(0.01)  # not everybody listens yet
        for topic in MESSAGES:
            print(f"{topic} goes to {client.publish(f'{PREFIX}.{topic}', 'text')}")
        client.publish(f"{PREFIX}:{END}", "")
        for listener in listeners:
            listener.join()
        for name, topics in got.items():
            print(f"{name} ({' '.join(WANTED[name])}) got: {' '.join(topics)}")


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
