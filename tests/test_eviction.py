"""Eviction in this process: how much is used is told by hand, time moves by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mypy_extensions import i64

from respd.commands import all_groups
from respd.eviction import FAILED, OK, POOL_SIZE, RUNNING, Pool, kind_of, time_limit_s
from respd.memory import Heap
from respd.sizes import key_bytes
from respd.used_memory import UsedMemory
from tests.local import Local
from tests.wire import Error, Status

BASE = 1_000_000
OK_REPLY = Status(b"OK")
OUT_OF_MEMORY = Error("OOM command not allowed when used memory > 'maxmemory'.")
POLICIES = [
    "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
    "allkeys-lrm", "volatile-lrm",
]  # fmt: skip


class ToldMemory(UsedMemory):
    """A process that consists of its keys, the log to be written, and `kept` bytes that its allocators keep."""

    def __init__(self, local: Local) -> None:
        super().__init__()
        self.local = local
        self.kept = 0
        self.asked = 0

    def _keys(self) -> int:
        total = BASE + self.local.engine.append_log.buffered()
        for db in self.local.engine.databases:
            for key, entry in db.entries.items():
                total += key_bytes(key, entry)
        return total

    def resident_bytes(self) -> i64:
        """What the keys take, and what is kept."""
        return self._keys() + self.kept

    def used_bytes(self, whatever_it_takes: bool = False) -> i64:
        """What the keys take."""
        self.asked += 1
        self.kept_bytes = self.kept
        return self._keys()


class Limited(Local):
    """An engine whose memory is a `ToldMemory`."""

    def __init__(self) -> None:
        super().__init__(*all_groups())
        self.memory = ToldMemory(self)
        self.engine.memory = self.memory
        self.engine.eviction.memory = self.memory

    def limit(self, policy: str, room: int) -> None:
        """Set a policy, and a limit that leaves so much room."""
        self.logged()
        assert self.run(f"CONFIG SET maxmemory-policy {policy}") == OK_REPLY
        assert self.run(f"CONFIG SET maxmemory {int(self.memory.resident_bytes()) + room}") == OK_REPLY

    def fill(self, count: int, options: str = "") -> None:
        """Set keys, a ms after each other."""
        for number in range(count):
            assert self.run(f"SET k{number} {'v' * 100} {options}".strip()) in (OK_REPLY, OUT_OF_MEMORY)
            self.logged()
            self.pass_time(1)


@pytest.fixture
def limited() -> Iterator[Limited]:
    """An engine whose memory is told by its keys."""
    yield Limited()


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_used_stays_within_the_limit(limited: Limited, policy: str) -> None:
    limited.limit(policy, 20_000)
    limited.fill(300, "EX 1000")
    over = int(limited.memory.resident_bytes()) - limited.engine.config.maxmemory
    assert over <= 10 * 300  # what comes between two measurements
    assert int(limited.engine.stats.evicted_keys) == 300 - len(limited.engine.databases[0].dense)
    limited.engine.databases[0].check()


def test_the_log_and_the_listeners_hear_of_it_before_the_command(limited: Limited) -> None:
    limited.run("SET old v")
    limited.logged(), limited.events()
    limited.limit("allkeys-lru", -100)
    limited.pass_time(1)
    limited.run("CONFIG SET maxmemory 0")
    limited.run("SET new v")
    assert limited.logged() == [[b"DEL", b"old"], [b"SET", b"new", b"v"]]
    assert limited.events()[:1] == [(b"evicted", b"old")]


def test_lazyfree_lazy_eviction_is_logged_as_unlink(limited: Limited) -> None:
    limited.run("SET old v")
    limited.logged()
    limited.run("CONFIG SET lazyfree-lazy-eviction yes")
    limited.limit("allkeys-lru", -100)
    limited.run("PING")
    assert limited.logged() == [[b"UNLINK", b"old"]]


def test_lazyfree_lazy_expire_is_logged_as_unlink(limited: Limited) -> None:
    limited.run("CONFIG SET lazyfree-lazy-expire yes")
    limited.run("SET k v PX 5")
    limited.run("SET m v")
    limited.logged()
    limited.pass_time(10)
    limited.run("EXPIRE m -1")
    assert limited.logged() == [[b"UNLINK", b"k"], [b"UNLINK", b"m"]]


def test_memory_that_is_kept_is_not_evicted_for(limited: Limited) -> None:
    """Half of the data was deleted; the process is as large as before."""
    limited.fill(100)
    limited.limit("allkeys-lru", 1000)
    for number in range(50):
        limited.run(f"DEL k{number}")
    limited.memory.kept = 50 * 300
    limited.pass_time(50)
    for number in range(40):
        limited.run(f"SET n{number} {'v' * 100}")
        limited.pass_time(20)
    assert limited.engine.stats.evicted_keys == 0


class PlayedHeap(Heap):
    """The C library's heap of a `ToldMemory`: gives back a part of what is kept."""

    def __init__(self, memory: ToldMemory, share: float) -> None:
        super().__init__()
        self.memory = memory
        self.share = share
        self.times = 0

    def trim(self) -> float:
        """Give back; it takes 5 ms."""
        self.times += 1
        self.memory.kept -= int(self.memory.kept * self.share)
        return 0.005


@pytest.mark.parametrize("share, times", [(0.9, 1), (0.1, 4)])
def test_what_the_heap_keeps_is_given_back(limited: Limited, share: float, times: int) -> None:
    """At once when that is of use, after 200, 400 and 800 ms when it is not; no key goes for it."""
    heap = PlayedHeap(limited.memory, share)
    limited.engine.eviction.heap = heap
    limited.fill(100)
    limited.limit("allkeys-lru", 10)
    limited.memory.kept = 500_000
    for _ in range(150):
        limited.pass_time(10)
        limited.run("PING")
    assert heap.times == times
    assert limited.engine.stats.evicted_keys == 0


def test_noeviction_refuses_until_there_is_room(limited: Limited) -> None:
    limited.fill(20)
    limited.limit("noeviction", -10)
    assert limited.run("SET more v") == OUT_OF_MEMORY
    assert limited.engine.eviction.state == FAILED
    assert limited.run("DEL k1") == 1
    limited.pass_time(2)
    assert limited.run("SET k2 v") == OK_REPLY
    assert limited.engine.eviction.state == OK
    assert limited.engine.stats.evicted_keys == 0


def test_how_long_it_was_exceeded_is_told(limited: Limited) -> None:
    limited.limit("noeviction", -10)
    limited.run("PING")
    limited.pass_time(1500)
    info = limited.run("INFO stats")
    assert isinstance(info, bytes)
    assert b"total_eviction_exceeded_time:1500" in info and b"current_eviction_exceeded_time:1500" in info
    limited.run("CONFIG SET maxmemory 0")
    info = limited.run("INFO stats")
    assert isinstance(info, bytes)
    assert b"total_eviction_exceeded_time:1500" in info and b"current_eviction_exceeded_time:0" in info


def test_with_room_nothing_is_measured_for_a_second(limited: Limited) -> None:
    limited.limit("allkeys-lru", 10_000_000)
    limited.run("PING")
    before = limited.memory.asked
    for _ in range(900):
        limited.pass_time(1)
        limited.run("PING")
    assert limited.memory.asked == before


def test_a_pause_stops_it(limited: Limited) -> None:
    limited.fill(10)
    limited.run("CLIENT PAUSE 1000 WRITE")
    limited.limit("allkeys-lru", -500)
    limited.run("GET k9")
    assert limited.engine.stats.evicted_keys == 0
    limited.run("CLIENT UNPAUSE")
    limited.pass_time(2)
    limited.run("GET k9")
    assert limited.engine.stats.evicted_keys > 0


def test_the_least_recently_used_go_first(limited: Limited) -> None:
    limited.run("CONFIG SET maxmemory-samples 64")
    for number in range(40):
        limited.run(f"SET k{number} v")
    limited.pass_time(10_000)
    limited.engine.shared.tick(limited.clock.ms)
    for number in range(0, 40, 2):
        limited.run(f"GET k{number}")
    limited.limit("allkeys-lru", -1500)
    limited.run("PING")
    left = set(limited.engine.databases[0].dense)
    assert len(left) < 40
    assert {b"k%d" % number for number in range(0, 40, 2)} <= left


def test_the_least_frequently_used_go_first(limited: Limited) -> None:
    limited.run("CONFIG SET maxmemory-policy allkeys-lfu maxmemory-samples 64 lfu-log-factor 0")
    for number in range(40):
        limited.run(f"SET k{number} v")
    for number in range(0, 40, 2):
        limited.run(f"GET k{number}")
    limited.limit("allkeys-lfu", -1500)
    limited.run("PING")
    left = set(limited.engine.databases[0].dense)
    assert {b"k%d" % number for number in range(0, 40, 2)} <= left < {b"k%d" % number for number in range(40)}


def test_the_next_to_expire_go_first(limited: Limited) -> None:
    for number in range(100):
        limited.run(f"SET k{number} v PX {100_000 + 700 * number}")
        limited.run(f"SET s{number} v")
    limited.limit("volatile-ttl", -5000)
    limited.run("PING")
    left = [number for number in range(100) if limited.run(f"EXISTS k{number}")]
    assert 0 < len(left) < 90
    assert left == list(range(100 - len(left), 100))
    assert limited.run("DBSIZE") == 100 + len(left)


@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-random"])
@pytest.mark.parametrize("moment", ["EX 1000", "PX 300"])
def test_few_keys_that_expire_among_many_are_found(limited: Limited, policy: str, moment: str) -> None:
    for number in range(2000):
        limited.run(f"SET s{number} v")
    for number in range(5):
        limited.run(f"SET k{number} v {moment}")
    limited.limit(policy, -5000)
    limited.run("PING")
    assert limited.run("DBSIZE") == 2000
    assert limited.run("SET more v") == OUT_OF_MEMORY


def test_a_key_that_is_used_meanwhile_stays(limited: Limited) -> None:
    """It is the pool's best candidate, and then it is read."""
    limited.run("CONFIG SET maxmemory-samples 64")
    limited.run("SET old v")
    limited.pass_time(5000)
    limited.engine.shared.tick(limited.clock.ms)
    for number in range(30):
        limited.run(f"SET k{number} v")
    limited.limit("allkeys-lru", 0)
    eviction = limited.engine.eviction
    for _ in range(5):
        assert eviction._fill_pool()
    assert eviction.pool.items[-1][1] == b"old"
    limited.pass_time(5000)
    limited.engine.shared.tick(limited.clock.ms)
    limited.run("GET old")
    eviction._evict_one()
    assert limited.run("EXISTS old") == 1


def test_huge_values_are_freed_before_more_is_evicted(limited: Limited) -> None:
    limited.run([b"RPUSH", b"l", *[b"x" * 500] * 5000])
    limited.run("SET k v")
    limited.limit("allkeys-lru", -1)
    while limited.engine.eviction.look() == RUNNING:
        pass
    assert limited.engine.eviction.state == OK
    assert not limited.engine.shared.graveyard.values or limited.run("DBSIZE") == 1


# -- clients


def test_the_biggest_clients_are_disconnected(limited: Limited) -> None:
    limited.run("CONFIG SET maxmemory-clients 200000")
    big, spared, small = limited.connect(), limited.connect(), limited.connect()
    limited.run("CLIENT NO-EVICT on", spared)
    for ctx in (big, spared):
        ctx.client.unsent_size = 150_000
    limited.pass_time(2)
    limited.run("PING", small)
    assert big.client.close_now and not spared.client.close_now and not small.client.close_now
    assert limited.engine.stats.evicted_clients == 1


def test_a_part_of_maxmemory_and_never_less_than_anybody_needs(limited: Limited) -> None:
    limits = limited.engine.client_eviction
    limited.run("CONFIG SET maxmemory-clients 5%")
    assert limits.limit_bytes == 0
    limited.run("CONFIG SET maxmemory 100mb")
    assert limits.limit_bytes == 5 * 1024 * 1024
    limited.run("CONFIG SET maxmemory-clients 10")
    assert limits.limit_bytes == 128 * 1024
    limited.run("CONFIG SET maxmemory-clients 0 maxmemory 0")
    assert limits.limit_bytes == 0 and limited.engine.gates & (1 << 19) == 0


def test_a_client_that_is_disconnected_for_its_memory_runs_nothing_more(limited: Limited) -> None:
    limited.run("CONFIG SET maxmemory-clients 130kb")
    ctx = limited.connect()
    ctx.client.unsent_size = 200_000
    limited.pass_time(2)
    limited.send("SET k v", ctx)
    assert limited.run("EXISTS k") == 0
    assert limited.heard(ctx) == []


# -- by the last change


def test_what_is_read_is_as_old_as_its_last_change(limited: Limited) -> None:
    """Only changes count, of whatever kind; commands that fail or change nothing do not."""
    limited.run("CONFIG SET maxmemory-policy allkeys-lrm")
    for command in ("SET read v", "SET written v", "SADD kept a", "SET expiring v", "SET renamed v", "INCR number"):
        limited.run(command)
    limited.pass_time(100_000)
    for command in (
        "GET read", "TOUCH read", "MGET read", "APPEND read", "APPEND written v", "SADD kept a", "LPUSH kept a",
        "EXPIRE expiring 1000", "RENAME renamed new", "INCR number",
    ):  # fmt: skip
        limited.run(command)
    ages = {
        key: limited.run(f"OBJECT IDLETIME {key}") for key in ("read", "kept", "written", "expiring", "new", "number")
    }
    assert ages == {"read": 100, "kept": 100, "written": 0, "expiring": 0, "new": 0, "number": 0}
    limited.run("CONFIG SET maxmemory-policy allkeys-lru")
    limited.run("GET read")
    assert limited.run("OBJECT IDLETIME read") == 0


def test_the_least_recently_changed_go_first(limited: Limited) -> None:
    limited.run("CONFIG SET maxmemory-policy allkeys-lrm maxmemory-samples 64")
    for number in range(40):
        limited.run(f"SET k{number} v")
    limited.pass_time(10_000)
    limited.engine.shared.tick(limited.clock.ms)
    for number in range(0, 40, 2):
        limited.run(f"APPEND k{number} v")
    limited.pass_time(10_000)
    for number in range(1, 40, 2):
        limited.run(f"GET k{number}")
    limited.limit("allkeys-lrm", -1500)
    limited.run("PING")
    left = set(limited.engine.databases[0].dense)
    assert len(left) < 40
    assert {b"k%d" % number for number in range(0, 40, 2)} <= left


def test_the_later_policies_are_known_by_name(limited: Limited) -> None:
    assert limited.run("CONFIG SET maxmemory-policy Volatile-LRM") == OK_REPLY
    assert limited.run("CONFIG GET maxmemory-policy") == {b"maxmemory-policy": b"volatile-lrm"}
    assert b"maxmemory_policy:volatile-lrm" in str(limited.run("INFO memory")).encode()


# -- the pool and the limits of time


@given(st.lists(st.tuples(st.integers(-50, 50), st.binary(max_size=3))))
def test_the_pool_keeps_the_best(offers: list[tuple[int, bytes]]) -> None:
    pool = Pool()
    for score, key in offers:
        pool.offer(score, key, 0)
    best = sorted((score for score, _ in set(offers)), reverse=True)[:POOL_SIZE]
    assert [item[0] for item in reversed(pool.items)] == best
    taken = []
    while (item := pool.pop()) is not None:
        taken.append(item[0])
    assert taken == best


def test_policies_by_name() -> None:
    kinds = [kind_of(policy.encode()) for policy in POLICIES]
    assert kinds == [2, 3, 1, 2, 3, 1, 4, 2, 2]
    assert kind_of(b"noeviction") == 0


def test_tenacity() -> None:
    assert time_limit_s(0) == 0
    assert time_limit_s(10) == pytest.approx(0.0005)
    assert time_limit_s(11) == pytest.approx(0.000575)
    assert time_limit_s(100) == float("inf")
