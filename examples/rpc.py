"""A call with a reply queue: the client sends a request and waits for the answer that belongs to it.

A request names the list where the answer goes and carries an id of its own, so that many may be under way at once and
answers may come in any order. Nobody polls: servers and clients sleep in BLPOP.
"""

from __future__ import annotations

import json
import uuid
from multiprocessing import Process

import redis
from serving import server

REQUESTS = "example:rpc"
TIMEOUT_S = 5
STOP = "stop"


def fibonacci(n: int) -> int:
    """The work: something that takes a while for large n."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def serve(url: str) -> None:
    """Answer requests until told to stop."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        while (popped := client.blpop([REQUESTS], timeout=TIMEOUT_S)) and popped[1] != STOP:
            request = json.loads(popped[1])
            answer = {"id": request["id"], "result": fibonacci(request["n"])}
            with client.pipeline() as pipe:
                pipe.rpush(request["reply_to"], json.dumps(answer))
                pipe.expire(request["reply_to"], 60)  # should the client have gone, nothing stays behind
                pipe.execute()


class Caller:
    """Sends requests, and matches the answers to them."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._reply_to = f"{REQUESTS}:reply:{uuid.uuid4()}"

    def call_all(self, numbers: list[int]) -> dict[int, int]:
        """Send one request for each number, and wait for all answers."""
        waiting = {}
        for n in numbers:
            request_id = str(uuid.uuid4())
            waiting[request_id] = n
            self._client.rpush(REQUESTS, json.dumps({"id": request_id, "n": n, "reply_to": self._reply_to}))
        results = {}
        while waiting:
            popped = self._client.blpop([self._reply_to], timeout=TIMEOUT_S)
            if popped is None:
                raise TimeoutError(f"no answer for {sorted(waiting.values())}")
            answer = json.loads(popped[1])
            results[waiting.pop(answer["id"])] = answer["result"]
            print(f"an answer: {answer['result']}, {len(waiting)} to come")
        return results


def main(url: str) -> None:
    """Two servers and six calls, the longest first."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.delete(REQUESTS)
        servers = [Process(target=serve, args=(url,)) for _ in range(2)]
        for each in servers:
            each.start()
        for n, result in sorted(Caller(client).call_all([20, 10, 5, 15, 1, 2]).items()):
            print(f"fibonacci({n}) = {result}")
        client.rpush(REQUESTS, *[STOP] * len(servers))
        for each in servers:
            each.join()


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
