"""Keeps the data within `maxmemory`: removes keys by the policy, or has commands that need memory refused.

**When.** `look` is called before a command and once a turn of the loop, but looks at most once a millisecond while all
is well: `look_at_ms` says when again. As long as the process' resident size is within the limit, that is all. Beyond
it, what counts is what is *used* of it (`respd.used_memory`), measured every 10 ms at most and less often if that takes
long. In between, what the process has grown since counts as used, and what was evicted as free: so a burst of writes
is met at once, and memory that the allocators keep for later is not evicted for.

**How much.** As much as is over the limit, by estimate of each key's size. But while the C library's heap is too full
of holes to be measured quickly, nobody knows what is used; and holes that nothing fits into may make the process ever
larger. Then a *mark* stands where the resident size was: data that fills holes does not move the process beyond it, and
for each byte beyond, twice as much is evicted, up to 16 times the farther it is from the limit, but not for much at
once, which is no creeping but a large value or reply; and the mark moves on.

**What is kept.** Large values come and go in the C library's heap, and what was freed stays resident. When that is more
than a sixteenth of what is used, its free pages are given back, for a twentieth of the time at most; where that is of
little use, ever more rarely.

**Which.** As redis-server does it: `maxmemory-samples` keys of each database are looked at, and a pool keeps the 16
best candidates seen so far; the best of them goes, unless it was used since. Keys that expire, for the volatile
policies, come from the dense list of keys by luck if one in 16 or more expires, else from the deadlines; for
volatile-ttl they are those that the deadlines have next. For the LRM policies no use counts, but each change
of a key notes the time. Source: redis.io, "Key eviction".

**How long.** `maxmemory-eviction-tenacity` says how long one call may take, 0.5 ms by default, as in redis-server; what
is left is done by the next commands and turns. When writers are faster than that, 10 ms.
"""

from __future__ import annotations

from bisect import bisect_left
from random import Random
from typing import Final

from mypy_extensions import i64

from respd.clock import Clock
from respd.config import Config
from respd.database import Database, Entry, Keyspace
from respd.latency import LatencyMonitor
from respd.log import Log
from respd.memory import Heap
from respd.sizes import key_bytes
from respd.used_memory import UsedMemory

# What came of the last look.
OK: Final = 0
RUNNING: Final = 1  # too much is used; there is something left to evict
FAILED: Final = 2  # too much is used, and nothing can be evicted

# What makes a key a good candidate.
NONE: Final = 0
RANDOM: Final = 1
LRU: Final = 2
LFU: Final = 3
TTL: Final = 4

POOL_SIZE: Final = 16
_MOST_BYTES: Final = 1 << 60
_LOOK_MS: Final = 1
_MEASURE_MS: Final = 10
_WATCH_MS: Final = 1000  # while all is well, for the cost of measuring to be known,
_WATCH_BYTES: Final = 8 << 20  # or after so much growth
_REST: Final = 50  # times what measuring took
_SHORT_REST: Final = 10  # the same while commands are refused
_CLOCK_EVERY: Final = 16  # keys
_FREE_SLICE: Final = 64
_LONG_S: Final = 0.010
_GROWN_BYTES: Final = 1 << 20
_MORE_BYTES: Final = 1 << 20
_STEP_BYTES: Final = 1 << 16
_MUCH_KEPT: Final = 16  # part of what is used
_GIVE_BACK_MS: Final = 10
_GIVE_BACK_REST: Final = 20  # times what giving back took
_MOST_PATIENCE: Final = 64
_TOLERANCE: Final = 8  # what allocators keep is let be up to this part of the limit
_RARE: Final = 16  # one key in so many expires
_TRIES: Final = 16
_FREQUENCY_MOST: Final = 255


def kind_of(policy: bytes) -> int:
    """Return what a `maxmemory-policy` goes by."""
    for name, kind in ((b"lru", LRU), (b"lrm", LRU), (b"lfu", LFU), (b"random", RANDOM), (b"ttl", TTL)):
        if policy.endswith(b"-" + name):
            return kind
    return NONE


def time_limit_s(tenacity: int) -> float:
    """Return how long one call may evict, in seconds, by maxmemory-eviction-tenacity; 100 is without end."""
    if tenacity <= 10:
        return tenacity * 50e-6
    return 500e-6 * 1.15 ** (tenacity - 10) if tenacity < 100 else float("inf")


class Pool:
    """The best candidates seen so far: (score, key, number of the database), the best last."""

    def __init__(self) -> None:
        self.items: list[tuple[int, bytes, int]] = []

    def offer(self, score: int, key: bytes, index: int) -> None:
        """Take in a key unless it is there, or the pool is full of better ones. O(size)."""
        items = self.items
        if len(items) >= POOL_SIZE and score <= items[0][0]:
            return
        item = (score, key, index)
        at = bisect_left(items, item)
        if at < len(items) and items[at] == item:
            return
        items.insert(at, item)
        if len(items) > POOL_SIZE:
            del items[0]

    def pop(self) -> tuple[int, bytes, int] | None:
        """Take out the best."""
        return self.items.pop() if self.items else None


class Eviction:
    """One server's. `state` is OK, RUNNING or FAILED; `limit_bytes` is maxmemory, 0 for none."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        log: Log,
        shared: Keyspace,
        databases: list[Database],
        random: Random,
        latency: LatencyMonitor,
        memory: UsedMemory,
    ) -> None:
        self.config = config
        self.clock = clock
        self.log = log
        self.shared = shared
        self.databases = databases
        self.random = random
        self.latency = latency
        self.memory = memory
        self.heap = Heap()
        self.limit_bytes: i64 = 0
        self.uncounted_bytes: i64 = 0  # of what is used, the part that evicting would not lessen: logs to be written
        self.state: int = OK
        self.look_at_ms: i64 = 0
        self.exceeded_since_s: float = 0.0
        self.exceeded_total_s: float = 0.0
        self.kind: int = NONE
        self.only_volatile: bool = False
        self.pool: Pool = Pool()
        self._next_index: int = 0  # of the database whose turn it is, for the random policies
        # The last measurement, and what has happened since
        self._measured: i64 = 0
        self._resident_then: i64 = 0
        self._freed: i64 = 0
        self._dirty_then: i64 = 0
        self._measure_at_ms: i64 = 0
        self._soon_at_ms: i64 = 0
        self._watch_at_ms: i64 = 0
        self._give_back_at_ms: i64 = 0
        self._patience: i64 = 1  # the times the usual rest after giving back
        self._mark: i64 = 0
        self._owed: i64 = 0  # to be evicted for what lies beyond earlier marks
        self._running_from: i64 = 0

    # -- configuration

    def configure(self) -> None:
        """Take over what the configuration says; a new limit is in force at the next look."""
        config = self.config
        shared = self.shared
        self.kind = kind_of(config.maxmemory_policy)
        self.only_volatile = config.maxmemory_policy.startswith(b"volatile-")
        shared.counts_accesses = self.kind == LFU
        shared.notes_changes = config.maxmemory_policy.endswith(b"-lrm")
        shared.update_hooks()
        shared.lfu_log_factor = config.lfu_log_factor
        shared.lfu_decay_minutes = config.lfu_decay_time
        shared.expire_word = b"UNLINK" if config.lazyfree_lazy_expire else b"DEL"
        shared.evict_word = b"UNLINK" if config.lazyfree_lazy_eviction else b"DEL"
        shared.tick(self.clock.ms)
        self.pool = Pool()  # scores of another policy say nothing
        self.look_at_ms = 0

    def start(self) -> None:
        """Take over the configuration as the server starts."""
        self.configure()
        self.limit_bytes = min(self.config.maxmemory, _MOST_BYTES)

    def limit(self) -> None:
        """Take over a new `maxmemory`."""
        self.limit_bytes = min(self.config.maxmemory, _MOST_BYTES)
        self._settle(OK)
        self.look_at_ms = 0
        if self.limit_bytes == 0:
            return
        self._measure(self.memory.resident_bytes(), True)
        self._mark = max(self.limit_bytes, self._resident_then)
        if self._counted(self._measured) > self.limit_bytes:
            self.log.warning(
                f"WARNING: the new maxmemory value set via CONFIG SET ({self.limit_bytes}) is smaller than the current "
                f"memory usage ({self._counted(self._measured)}). This will result in key eviction and/or the "
                "inability to accept new write commands depending on the maxmemory-policy."
            )

    def forget_exceeding(self) -> None:
        """Count anew how long memory was beyond the limit."""
        self.exceeded_total_s = 0.0
        self.exceeded_since_s = 0.0

    def exceeded_ms(self) -> tuple[int, int]:
        """Return for how long too much has been used: in all, and this time, in ms."""
        current = self.clock.seconds - self.exceeded_since_s if self.exceeded_since_s else 0.0
        return int((self.exceeded_total_s + current) * 1e3), int(current * 1e3)

    # -- how much is used

    def _counted(self, used: i64) -> i64:
        return max(i64(0), used - self.uncounted_bytes)

    def _measure(self, resident: i64, whatever_it_takes: bool) -> None:
        self._measured = self.memory.used_bytes(whatever_it_takes)
        self._resident_then = resident
        self._freed = 0
        self._dirty_then = self.shared.dirty
        took_ms = self.memory.took_s * 1e3
        now_ms = self.clock.ms
        self._measure_at_ms = now_ms + max(_MEASURE_MS, int(took_ms * _REST))
        self._soon_at_ms = now_ms + max(_LOOK_MS, int(took_ms * _SHORT_REST))
        self._watch_at_ms = now_ms + max(_WATCH_MS, int(took_ms * _REST))
        if self.memory.kept_bytes > self._measured // _MUCH_KEPT and now_ms >= self._give_back_at_ms:
            self._give_back()

    def _give_back(self) -> None:
        """Have the C library give its free pages back to the system."""
        kept = self.memory.kept_bytes
        took_ms = self.heap.trim() * 1e3
        resident = self.memory.resident_bytes()
        given = self._resident_then - resident
        self._patience = 1 if given > kept // 2 else min(_MOST_PATIENCE, self._patience * 2)
        self._resident_then = resident
        self.memory.kept_bytes = max(i64(0), kept - given)
        self._give_back_at_ms = self.clock.ms + max(_GIVE_BACK_MS, int(took_ms * _GIVE_BACK_REST)) * self._patience

    def _excess(self) -> i64:
        """Return by how much too much is used, 0 or less when it is not."""
        resident = self.memory.resident_bytes()
        now_ms = self.clock.ms
        if self._counted(resident) <= self.limit_bytes:
            self._mark = self.limit_bytes
            self._owed = 0
            if now_ms >= self._watch_at_ms or resident - self._resident_then > _WATCH_BYTES:
                self._measure(resident, False)
            return 0
        is_refusing = self.state == FAILED and self.shared.dirty != self._dirty_then
        if now_ms >= self._measure_at_ms or (is_refusing and now_ms >= self._soon_at_ms):
            # Who refuses commands must know it for certain.
            self._measure(resident, self.state == FAILED)
            resident = self._resident_then
        if self.memory.is_exact or self.state == FAILED:
            grown = max(i64(0), resident - self._resident_then)
            excess = self._counted(self._measured + grown - self._freed) - self.limit_bytes
            far = self.limit_bytes // _TOLERANCE + self.memory.kept_bytes  # which can be given back
            if resident - self.limit_bytes < far or self.state == FAILED:
                self._mark = max(self._mark, resident)
                self._owed = 0
                return excess
            return max(excess, self._excess_of_growth(resident))
        return self._excess_of_growth(resident)

    def _excess_of_growth(self, resident: i64) -> i64:
        """Return how much to evict where nobody knows what is used: for what the process has grown."""
        if resident < self._mark:
            self._mark = max(self.limit_bytes, resident)
        beyond = resident - self._mark
        if beyond >= _STEP_BYTES:
            self._mark = resident
            over: i64 = (resident - self.limit_bytes) * 100 // self.limit_bytes
            more = beyond if over < 5 else beyond * 3 if over < 10 else beyond * 15
            self._owed += beyond + min(more, _MORE_BYTES)
        return self._owed

    # -- evicting

    def look(self) -> int:
        """Evict what must go, for as long as one call may take; return the state."""
        excess = self._excess()
        if excess <= 0:
            self._settle(OK)
            return OK
        started = self.clock.refresh()
        if self.state == OK:
            self._running_from = self.limit_bytes + excess
        self._settle(self._evict(excess, started))
        took = self.clock.refresh() - started
        if took >= self.latency.threshold_s:
            self.latency.add(b"eviction-cycle", took, int(self.clock.ms // 1000))
        if self.shared.effects.is_on:
            self.shared.effects.commit(False)
        return self.state

    def stop(self) -> None:
        """Let everything run while nothing may be evicted: while the data is loaded, or the clients are paused."""
        self._settle(OK)

    def _settle(self, state: int) -> None:
        self.state = state
        if state == OK:
            self.look_at_ms = self.clock.ms + _LOOK_MS
            if self.exceeded_since_s:
                self.exceeded_total_s += self.clock.seconds - self.exceeded_since_s
                self.exceeded_since_s = 0.0
        else:
            self.look_at_ms = 0
            if not self.exceeded_since_s:
                self.exceeded_since_s = self.clock.seconds

    def _evict(self, excess: i64, started: float) -> int:
        graveyard = self.shared.graveyard
        limit_s = time_limit_s(self.config.maxmemory_eviction_tenacity)
        if limit_s < _LONG_S and self._is_outrun(excess):
            limit_s = _LONG_S
        count = 0
        while excess > 0:
            if graveyard.values:
                # What is on its way out is not free yet.
                if not graveyard.free_some(_FREE_SLICE):
                    self._measure(self.memory.resident_bytes(), False)
                    if not self.memory.is_exact:
                        return OK
                    excess = self._counted(self._measured) - self.limit_bytes
            else:
                freed = self._evict_one()
                if freed == 0:
                    return FAILED
                self._freed += freed
                self._owed = max(i64(0), self._owed - freed)
                excess -= freed
            count += 1
            if count % _CLOCK_EVERY == 0 and self.clock.refresh() - started >= limit_s:
                if excess <= 0:
                    break
                return FAILED if self.kind == NONE else RUNNING
        return OK

    def _is_outrun(self, excess: i64) -> bool:
        """Tell whether more is written than can be evicted in the usual time."""
        if self._owed > _GROWN_BYTES:
            return True
        return self.memory.is_exact and excess + self.limit_bytes > self._running_from + _GROWN_BYTES

    def _evict_one(self) -> i64:
        """Evict the best candidate; return about how much that frees, 0 when there is none."""
        if self.kind == NONE:
            return 0
        if self.kind == RANDOM:
            return self._evict_random()
        for _ in range(_TRIES):
            if not self._fill_pool():
                return 0
            while True:
                best = self.pool.pop()
                if best is None:
                    break
                score, key, index = best
                db = self.databases[index]
                entry = db.entries.get(key)
                if entry is None or (self.only_volatile and entry.expire_at_ms == 0):
                    continue
                if self._score(entry) < score:  # it was used since
                    continue
                return self._remove(db, key, entry)
        return 0

    def _evict_random(self) -> i64:
        databases = self.databases
        for _ in range(len(databases)):
            db = databases[self._next_index]
            self._next_index = (self._next_index + 1) % len(databases)
            if db.volatile > 0 if self.only_volatile else bool(db.dense):
                for key in self._sample(db, 1):
                    entry = db.entries.get(key)
                    if entry is not None:
                        return self._remove(db, key, entry)
        return 0

    def _remove(self, db: Database, key: bytes, entry: Entry) -> i64:
        freed: i64 = key_bytes(key, entry)
        threshold_s = self.latency.threshold_s
        if threshold_s < 1e9:
            started = self.clock.refresh()
            db.evict(key)
            took = self.clock.refresh() - started
            if took >= threshold_s:
                self.latency.add(b"eviction-del", took, int(self.clock.ms // 1000))
        else:
            db.evict(key)
        return freed

    def _fill_pool(self) -> bool:
        """Offer some keys of each database to the pool; return whether there are any that may go."""
        samples = self.config.maxmemory_samples
        found = False
        for db in self.databases:
            if db.volatile > 0 if self.only_volatile else bool(db.dense):
                found = True
                for key in self._sample(db, samples):
                    entry = db.entries.get(key)
                    if entry is not None and (entry.expire_at_ms != 0 or not self.only_volatile):
                        self.pool.offer(self._score(entry), key, db.index)
        return found

    def _score(self, entry: Entry) -> int:
        """Return how good it would be to evict an entry."""
        if self.kind == LRU:
            return -int(entry.access)
        if self.kind == LFU:
            return _FREQUENCY_MOST - self.shared.frequency(entry)
        return -int(entry.expire_at_ms)

    def _sample(self, db: Database, count: int) -> list[bytes]:
        """Return about `count` random keys of a database, for a volatile policy of those that expire."""
        random = self.random.random
        if self.only_volatile and self.kind == TTL:
            found = _volatile_ones(db, db.deadlines.soonest(POOL_SIZE))
            if found:
                return found
        dense = db.dense
        size = len(dense)
        if not self.only_volatile:
            return [dense[int(random() * size)] for _ in range(count)]
        keys: list[bytes] = []
        if db.volatile * _RARE >= size:
            for _ in range(count * _RARE):
                key = dense[int(random() * size)]
                if db.entries[key].expire_at_ms != 0:
                    keys.append(key)
                    if len(keys) == count:
                        break
            return keys
        for _ in range(_TRIES):
            keys = _volatile_ones(db, db.deadlines.sample(random(), random(), count))
            if keys:
                break
        return keys


def _volatile_ones(db: Database, keys: list[bytes]) -> list[bytes]:
    """Return those of `keys` that are there and expire."""
    found: list[bytes] = []
    for key in keys:
        entry = db.entries.get(key)
        if entry is not None and entry.expire_at_ms != 0:
            found.append(key)
    return found
