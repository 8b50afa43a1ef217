"""The processes of test_stream_groups: one that sends messages to a stream, and those that work them off in a group.

    python -m tests.programs.stream_worker send URL LEDGER NUMBER
    python -m tests.programs.stream_worker work URL LEDGER NAME

They may be killed at any moment, and so may the server: each writes to a ledger of its own what it knows for sure, in
lines of words. Moments are of the monotonic clock, which all processes of a machine share.

    sent NUMBER MOMENT              the server has answered the XADD of this message
    got ID NUMBER MOMENT            processed; MOMENT is when the request was sent that brought it
    acknowledged ID MOMENT          the server has answered its XACK
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

STREAM = "messages"
GROUP = "workers"
BATCH = 50
LOST_AFTER_MS = 1000
CLAIM_EVERY_S = 0.5


def connect(url: str) -> Any:
    """A client that does not try again by itself: it is told here what has failed."""
    return redis.Redis.from_url(url, decode_responses=True, socket_timeout=30, retry=Retry(NoBackoff(), 0))


class Ledger:
    """A file that outlives its writer: each call is one write."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, lines: list[str]) -> None:
        """Add lines."""
        os.write(self._file, "".join(f"{line}\n" for line in lines).encode())


def send(url: str, ledger: Ledger, number: int) -> None:
    """Send so many messages; a batch that was not answered is sent again."""
    client = connect(url)
    first = 0
    while first < number:
        batch = range(first, min(first + BATCH, number))
        try:
            with client.pipeline(transaction=False) as pipe:
                for each in batch:
                    pipe.xadd(STREAM, {"number": each})
                pipe.execute()
        except (redis.ConnectionError, redis.TimeoutError):
            time.sleep(0.05)  # the server starts again
            continue
        now = time.monotonic_ns()
        ledger.write([f"sent {each} {now}" for each in batch])
        first += BATCH


class Worker:
    """A consumer of the group that takes over what others have left behind."""

    def __init__(self, url: str, ledger: Ledger, name: str) -> None:
        self._client = connect(url)
        self._ledger = ledger
        self._name = name
        self._cursor = "0-0"
        self._claim_at = time.monotonic() + random.random() * CLAIM_EVERY_S

    def run(self) -> None:
        """Work until killed."""
        while True:
            try:
                requested = time.monotonic_ns()
                entries = self._entries()
                half = random.randint(0, len(entries))
                self._work_off(entries[:half], requested)
                self._work_off(entries[half:], requested)
            except (redis.ConnectionError, redis.TimeoutError):
                time.sleep(0.05)  # the server starts again

    def _entries(self) -> list[tuple[str, dict[str, str]]]:
        """What somebody has had for too long, or something new."""
        if time.monotonic() >= self._claim_at:
            answer = self._client.xautoclaim(STREAM, GROUP, self._name, LOST_AFTER_MS, self._cursor, BATCH)
            self._cursor = answer[0]
            if self._cursor == "0-0":
                self._claim_at = time.monotonic() + CLAIM_EVERY_S
            found: list[tuple[str, dict[str, str]]] = answer[1]
            return found
        answer = self._client.xreadgroup(GROUP, self._name, {STREAM: ">"}, BATCH, block=100)
        return answer[0][1] if answer else []

    def _work_off(self, entries: list[tuple[str, dict[str, str]]], requested: int) -> None:
        """Process, and then acknowledge."""
        if not entries:
            return
        self._ledger.write([f"got {entry_id} {fields['number']} {requested}" for entry_id, fields in entries])
        self._client.xack(STREAM, GROUP, *(entry_id for entry_id, _ in entries))
        now = time.monotonic_ns()
        self._ledger.write([f"acknowledged {entry_id} {now}" for entry_id, _ in entries])


def main(role: str, url: str, path: str, what: str) -> None:
    """Run one process."""
    ledger = Ledger(path)
    if role == "send":
        send(url, ledger, int(what))
    else:
        Worker(url, ledger, what).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
