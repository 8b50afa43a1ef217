"""What the server counts about itself: INFO reads it, the engine and the loop write it, CONFIG RESETSTAT zeroes it.

The counters are plain 64-bit attributes, so that counting costs one addition. Rates (operations a second and the like)
come from `Rate`: the cron hands it a running total every 100 ms and it keeps the last 16 slopes, as redis-server does.
Process figures (memory, CPU) are read from the operating system only when somebody asks.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

if sys.platform != "win32":
    import resource

RECENT_S: Final = 8
RATE_SAMPLES: Final = 16
ERROR_CODES_LIMIT: Final = 128
_LONGEST_CODE: Final = 30
ERROR_STATS_DISABLED: Final = b"ERRORSTATS_DISABLED"


def _ignore(codes: list[bytes]) -> None:
    """Tell nobody that there are too many codes of errors."""


class Rate:
    """The slope of a running total over the last 16 samples.

    With `per_event` the slope is taken over another running total instead of over time (microseconds per loop turn).
    """

    def __init__(self) -> None:
        self.last_value: i64 = 0
        self.last_base: i64 = 0
        self.next_slot: i64 = 0
        self.started = False
        self.samples: list[int] = [0] * RATE_SAMPLES

    def sample(self, value: i64, base: i64, factor: i64) -> None:
        """Note that the total stands at `value` when the base (milliseconds, or a count) stands at `base`."""
        if self.started:
            elapsed: i64 = base - self.last_base
            grown: i64 = value - self.last_value
            slope: i64 = grown * factor // elapsed if elapsed > 0 and grown > 0 else 0
            self.samples[self.next_slot] = slope
            self.next_slot = (self.next_slot + 1) % RATE_SAMPLES
        self.started = True
        self.last_value = value
        self.last_base = base

    def average(self) -> int:
        """Return the mean of the last 16 slopes, rounded down."""
        return sum(self.samples) // RATE_SAMPLES

    def reset(self) -> None:
        """Forget everything sampled so far."""
        self.last_value = 0
        self.last_base = 0
        self.next_slot = 0
        self.started = False
        self.samples = [0] * RATE_SAMPLES


class Recent:
    """The greatest of what was noted in this second and the 7 before."""

    def __init__(self) -> None:
        self._second: i64 = 0
        self._most: list[int] = [0] * RECENT_S

    def note(self, value: int, second: i64) -> None:
        """Note a value that was seen at a second of the clock."""
        self._pass(second)
        slot = second % RECENT_S
        if value > self._most[slot]:
            self._most[slot] = value

    def greatest(self, second: i64) -> int:
        """Return the greatest value, as of a second of the clock."""
        self._pass(second)
        return max(self._most)

    def _pass(self, second: i64) -> None:
        start = max(self._second, second - RECENT_S)
        for passed in range(start + 1, second + 1):
            self._most[passed % RECENT_S] = 0
        self._second = second


class Stats:
    """All counters of one server, with the moment it started.

    Counters are written directly (`stats.keyspace_hits += 1`). `reset` zeroes what CONFIG RESETSTAT zeroes: everything
    except the start, the peak of memory, what users were denied, and what describes the present.
    """

    def __init__(self, started_ms: int = 0) -> None:
        self.started_ms: i64 = started_ms if started_ms else int(time.time() * 1000)
        self.replication_id: bytes = os.urandom(20).hex().encode()
        self.peak_memory_bytes: i64 = 0
        self.startup_memory_bytes: i64 = resident_bytes()

        # Connections and commands.
        self.total_connections_received: i64 = 0
        self.total_commands_processed: i64 = 0
        self.rejected_connections: i64 = 0
        self.total_net_input_bytes: i64 = 0
        self.total_net_output_bytes: i64 = 0
        self.total_net_repl_input_bytes: i64 = 0
        self.total_net_repl_output_bytes: i64 = 0
        self.total_reads_processed: i64 = 0
        self.total_writes_processed: i64 = 0
        self.client_query_buffer_limit_disconnections: i64 = 0
        self.client_output_buffer_limit_disconnections: i64 = 0

        # Errors.
        self.total_error_replies: i64 = 0
        self.unexpected_error_replies: i64 = 0
        self.internal_errors: i64 = 0
        self.errors: dict[bytes, int] = {}
        self.errors_disabled = False
        self.on_too_many_codes: Callable[[list[bytes]], None] = _ignore
        self.acl_access_denied_auth: i64 = 0
        self.acl_access_denied_cmd: i64 = 0
        self.acl_access_denied_key: i64 = 0
        self.acl_access_denied_channel: i64 = 0

        # Keys.
        self.keyspace_hits: i64 = 0
        self.keyspace_misses: i64 = 0
        self.expired_keys: i64 = 0
        self.expired_subkeys: i64 = 0
        self.evicted_keys: i64 = 0
        self.evicted_clients: i64 = 0
        self.evicted_scripts: i64 = 0

        # The loop: turns, and the time spent in them.
        self.eventloop_cycles: i64 = 0
        self.eventloop_duration_us: i64 = 0
        self.longest_turn_us: i64 = 0
        self.cron_s: float = 0.0
        self.append_log_s: float = 0.0
        self.most_commands_a_turn: i64 = 0
        self.recent_inputs: Recent = Recent()  # bytes that a client had sent ahead,
        self.recent_outputs: Recent = Recent()  # and that waited for one
        self.expire_s: float = 0.0
        self.expire_slices_cut: i64 = 0  # ended by the clock, with more to expire

        self.ops_rate: Rate = Rate()
        self.input_rate: Rate = Rate()
        self.output_rate: Rate = Rate()
        self.cycle_rate: Rate = Rate()
        self.cycle_duration: Rate = Rate()

    def record_error(self, text: bytes) -> None:
        """Count an error reply under its code, the first word of `text` (without the leading dash); ERR if it is long.

        Redis stops telling codes apart once 128 different ones were seen, lest a client fill the memory with them.
        """
        self.total_error_replies += 1
        if self.errors_disabled:
            return
        code = b"ERR"
        if text[:4] != b"ERR ":  # most are, and finding a space costs more
            end = text.find(b" ", 0, _LONGEST_CODE + 1)
            if end >= 0:
                code = text[:end]
        count = self.errors.get(code)
        if count is not None:
            self.errors[code] = count + 1
        elif len(self.errors) < ERROR_CODES_LIMIT:
            self.errors[code] = 1
        else:
            self.errors_disabled = True
            self.on_too_many_codes(sorted(self.errors))
            self.errors = {ERROR_STATS_DISABLED: 1}

    def note_turn(self, duration_us: i64, commands: i64) -> None:
        """Count a turn of the loop that took so long and ran so many commands."""
        self.eventloop_duration_us += duration_us
        if duration_us > self.longest_turn_us:
            self.longest_turn_us = duration_us
        if commands > self.most_commands_a_turn:
            self.most_commands_a_turn = commands

    def sample(self, now_ms: i64) -> None:
        """Take the 100 ms samples behind the instantaneous figures and note the peak of memory. The cron calls it."""
        self.ops_rate.sample(self.total_commands_processed, now_ms, 1000)
        self.input_rate.sample(self.total_net_input_bytes, now_ms, 1000)
        self.output_rate.sample(self.total_net_output_bytes, now_ms, 1000)
        self.cycle_rate.sample(self.eventloop_cycles, now_ms, 1000)
        self.cycle_duration.sample(self.eventloop_duration_us, self.eventloop_cycles, 1)
        self.note_memory(resident_bytes())

    def note_memory(self, used_bytes: i64) -> None:
        """Raise the peak of memory to `used_bytes` if that is higher."""
        if used_bytes > self.peak_memory_bytes:
            self.peak_memory_bytes = used_bytes

    def reset(self) -> None:
        """Zero the counters, as CONFIG RESETSTAT does."""
        self.total_connections_received = 0
        self.total_commands_processed = 0
        self.rejected_connections = 0
        self.total_net_input_bytes = 0
        self.total_net_output_bytes = 0
        self.total_net_repl_input_bytes = 0
        self.total_net_repl_output_bytes = 0
        self.total_reads_processed = 0
        self.total_writes_processed = 0
        self.client_query_buffer_limit_disconnections = 0
        self.client_output_buffer_limit_disconnections = 0
        self.total_error_replies = 0
        self.unexpected_error_replies = 0
        self.internal_errors = 0
        self.errors = {}
        self.errors_disabled = False
        self.keyspace_hits = 0
        self.keyspace_misses = 0
        self.expired_keys = 0
        self.expired_subkeys = 0
        self.evicted_keys = 0
        self.evicted_clients = 0
        self.evicted_scripts = 0
        self.eventloop_cycles = 0
        self.eventloop_duration_us = 0
        self.longest_turn_us = 0
        self.cron_s = 0.0
        self.append_log_s = 0.0
        self.most_commands_a_turn = 0
        self.expire_s = 0.0
        self.expire_slices_cut = 0
        self.ops_rate.reset()
        self.input_rate.reset()
        self.output_rate.reset()
        self.cycle_rate.reset()
        self.cycle_duration.reset()


def resident_bytes() -> int:
    """Return the memory of this process that is in RAM, in bytes; without /proc, the most it ever was."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError, AttributeError):
        return max_resident_bytes()


def max_resident_bytes() -> int:
    """Return the most memory this process ever had in RAM, in bytes; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def total_system_bytes() -> int:
    """Return the RAM of the machine in bytes; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return 0


def cpu_seconds() -> tuple[float, float]:
    """Return (system, user) CPU seconds of this process."""
    if sys.platform == "win32":
        return 0.0, time.process_time()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_stime, usage.ru_utime


def children_cpu_seconds() -> tuple[float, float]:
    """Return (system, user) CPU seconds of the ended children of this process."""
    if sys.platform == "win32":
        return 0.0, 0.0
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_stime, usage.ru_utime


def thread_cpu_seconds() -> tuple[float, float]:
    """Return (system, user) CPU seconds of the calling thread, where the system tells them apart."""
    if sys.platform != "linux":
        return cpu_seconds()
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_stime, usage.ru_utime
