"""Fair dispatch: whoever is ready takes the next job, so a slow worker gets fewer and nobody waits behind it.

Jobs are in a list. A worker moves one at a time to a list of its own (BLMOVE), so that it is never lost on the way, and
removes it there when it is done (LREM). Workers that find nothing sleep in the server; first come, first served.
"""

from __future__ import annotations

import time
from multiprocessing import Process

import redis
from serving import server

JOBS = "example:fair"
DONE = "example:fair:done"  # the number of jobs that each worker did
NUMBER = 30
PACE_S = {"quick": 0.005, "steady": 0.01, "slow": 0.1}
STOP = "stop"


def work(url: str, name: str) -> None:
    """Do one job after the other, at the pace of this worker."""
    mine = f"{JOBS}:{name}"
    with redis.Redis.from_url(url, decode_responses=True) as client:
        while (job := client.blmove(JOBS, mine, timeout=5, src="LEFT", dest="RIGHT")) not in (None, STOP):
            time.sleep(PACE_S[name])  # the work
            with client.pipeline() as pipe:  # done, and counted: both or neither
                pipe.lrem(mine, 1, str(job))
                pipe.hincrby(DONE, name, 1)
                pipe.execute()
        client.delete(mine)


def main(url: str) -> None:
    """Thirty jobs for three workers."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.delete(JOBS, DONE)
        workers = [Process(target=work, args=(url, name)) for name in PACE_S]
        for worker in workers:
            worker.start()
        while client.info("clients")["blocked_clients"] < len(workers):
            time.sleep(0.01)  # not everybody is there yet
        client.rpush(JOBS, *(f"job-{number}" for number in range(NUMBER)))
        client.rpush(JOBS, *[STOP] * len(workers))  # one for each of them
        for worker in workers:
            worker.join()
        done = {name: int(client.hget(DONE, name) or 0) for name in PACE_S}
        for name, number in done.items():
            print(f"{name}: {number} jobs of {PACE_S[name] * 1000:g} ms")
        print(f"done: {sum(done.values())} of {NUMBER}, left: {client.llen(JOBS)}")
        client.delete(JOBS, DONE)


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
