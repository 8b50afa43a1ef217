"""A rate limiter: no more than so many requests in any span of time, however many processes let them in.

A bucket holds tokens and is refilled steadily; a request takes one. The script runs in the server, all of it before
anything else, so that two processes never take the same token; the server's clock is the only one that counts.
"""

from __future__ import annotations

import time
from multiprocessing import Process

import redis
from serving import server

BUCKET = "example:bucket"
LET_IN = "example:bucket:let-in"
SIZE, PER_SECOND = 10, 20

TAKE = """
local size, per_second = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(bucket[1]) or size, tonumber(bucket[2]) or now
tokens = math.min(size, tokens + math.max(0, now - at) * per_second)
local allowed = tokens >= 1
if allowed then tokens = tokens - 1 end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(size / per_second * 1000))  -- a full bucket need not be kept
if allowed then return 0 end
return math.ceil((1 - tokens) / per_second * 1000)  -- ms until the next token
"""


def burst(url: str, number: int) -> None:
    """So many requests at once."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        take = client.register_script(TAKE)
        for _ in range(number):
            if take(keys=[BUCKET], args=[SIZE, PER_SECOND]) == 0:
                client.incr(LET_IN)


def main(url: str) -> None:
    """Three processes at once, and then one that waits as it is told."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.delete(BUCKET, LET_IN)
        started = time.monotonic()
        processes = [Process(target=burst, args=(url, 20)) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        let_in = int(client.get(LET_IN) or 0)
        most = SIZE + (time.monotonic() - started) * PER_SECOND
        print(f"of 60 requests {let_in} were let in; {SIZE} at once and {PER_SECOND} a second make {most:.0f} at most")
        print(f"the limit held: {SIZE <= let_in <= most + 1}")

        take = client.register_script(TAKE)
        waited = 0
        while (wait_ms := int(take(keys=[BUCKET], args=[SIZE, PER_SECOND]))) > 0:
            waited += 1
            time.sleep(wait_ms / 1000)
        print(f"who waits as told gets through: {waited <= 3}")
        client.delete(BUCKET, LET_IN)


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
