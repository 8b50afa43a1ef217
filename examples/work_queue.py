"""A work queue with acknowledgement: what a worker took and did not finish, because it died, another one does.

Jobs are the entries of a stream, workers the consumers of a group. An entry that was read stays pending until it is
acknowledged (XACK); XAUTOCLAIM hands over what has been pending for too long.
"""

from __future__ import annotations

import os
import signal
from multiprocessing import Process

import redis
from serving import server

JOBS = "example:jobs"  # the stream
DONE = "example:jobs:done"  # how often each job was finished
GROUP = "workers"
NUMBER = 12
LOST_AFTER_MS = 300  # a job that takes longer is thought to be lost: in earnest, minutes


def work(url: str, name: str, dies_at: str = "") -> None:
    """Do jobs until all are done; die in the middle of one of them, if told to."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        while client.hlen(DONE) < NUMBER:
            # First what others have left behind, then what is new.
            entries = client.xautoclaim(JOBS, GROUP, name, LOST_AFTER_MS, count=1)[1]
            taken = "takes over" if entries else "takes"
            if not entries:
                # ">" asks for entries that no worker has got; those who wait sleep in the server.
                answer = client.xreadgroup(GROUP, name, {JOBS: ">"}, count=1, block=LOST_AFTER_MS)
                entries = answer[0][1] if answer else []
            for entry_id, fields in entries:
                print(f"{name} {taken} {fields['job']}", flush=True)
                if fields["job"] == dies_at:
                    os.kill(os.getpid(), signal.SIGKILL)  # no time to say goodbye
                client.hincrby(DONE, fields["job"], 1)
                client.xack(JOBS, GROUP, entry_id)


def main(url: str) -> None:
    """Fill the queue, let three workers do it, and look at what is left."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.delete(JOBS, DONE)
        client.xgroup_create(JOBS, GROUP, id="0", mkstream=True)
        for number in range(NUMBER):
            client.xadd(JOBS, {"job": f"job-{number}"})
        workers = [Process(target=work, args=(url, "anna", "job-3"))]
        workers[0].start()
        workers[0].join()
        print(f"anna died with {client.xpending(JOBS, GROUP)['pending']} job unfinished")
        workers = [Process(target=work, args=(url, name)) for name in ("bert", "carl")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        done = client.hgetall(DONE)
        print(f"done: {len(done)} of {NUMBER}, still pending: {client.xpending(JOBS, GROUP)['pending']}")
        client.delete(JOBS, DONE)


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
