"""How often a key is used, in 24 bits: Redis' approximate counting, for the LFU policies.

The upper 16 bits are the minute of the last access, the lower 8 a counter that grows ever more slowly: an access raises
it with a probability of 1 / (what it is above that of a new key x `lfu-log-factor` + 1), so that 255 stands for
millions; and it loses one for every `lfu-decay-time` minutes without an access. Source: redis.io, "Key eviction".
"""

from typing import Final

from mypy_extensions import i32, i64

NEW_KEY: Final = 5  # the counter of a key that nobody has used yet: it must not be the first to go
MOST: Final = 255
_MINUTES: Final = 0xFFFF


def minute_of(now_ms: i64) -> i32:
    """Return a moment as accesses keep it: in minutes, modulo 45 days."""
    minutes: i64 = now_ms // 60_000
    return i32(minutes & _MINUTES)


def packed(minute: i32, counter: i32) -> i32:
    """Return what is kept of a key whose counter was right in that minute."""
    return (minute << 8) | counter


def decayed(access: i32, minute: i32, decay_minutes: i64) -> i32:
    """Return the counter of a key as it is in `minute`; `decay_minutes` of 0: it never decays."""
    counter: i32 = access & MOST
    if decay_minutes == 0:
        return counter
    since: i32 = (access >> 8) & _MINUTES
    passed: i64 = i64(minute - since) & _MINUTES
    periods: i64 = passed // decay_minutes
    return i32(0) if periods > i64(counter) else counter - i32(periods)


def raised(counter: i32, random: float, log_factor: i64) -> i32:
    """Return a counter after one more access; `random` is from 0 to below 1."""
    if counter >= MOST:
        return i32(MOST)
    above: i64 = 0
    if counter > NEW_KEY:
        above = i64(counter) - NEW_KEY
    return counter + 1 if random * float(above * log_factor + 1) < 1.0 else counter
