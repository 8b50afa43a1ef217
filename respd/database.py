"""Databases: the only way from a handler to a key.

A database is one table from key to `Entry` and a dense list of the keys. The entry knows its slot in the list, so
that RANDOMKEY picks in O(1) and SCAN needs no state: it walks the list downwards, and since a removal moves the last
key into the hole, keys only ever move to lower slots. Whatever stays from the scan's first call to its last is returned
at least once.

Invariant: `keys[entry.slot] == key` for every key; `volatile` counts the entries that expire, and each of those is
known to `deadlines`; `expiring_hashes` counts the hashes with fields that expire.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i32, i64, mypyc_attr

from respd.blocking import Waiting
from respd.clock import Clock
from respd.datatypes.deadlines import Deadlines
from respd.datatypes.frequencies import NEW_KEY, decayed, minute_of, packed, raised
from respd.datatypes.hashes import EVERY_FIELD, HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.streams import Stream
from respd.datatypes.strings import StringValue
from respd.datatypes.tables import Table
from respd.effects import Effects
from respd.errors import WRONG_TYPE, CommandError
from respd.keyspace_events import EVICTED, EXPIRED, GENERIC, HASH, KEY_MISS, KEYEVENT, KEYSPACE, NEW
from respd.stats import Stats
from respd.tracking import Tracking

if TYPE_CHECKING:
    from respd.client import Client
    from respd.pubsub import PubSub

# Who listens to changes: bits of Keyspace.hooks.
HOOK_NOTIFY: Final = 1
HOOK_WATCH: Final = 2
HOOK_BLOCK: Final = 4
HOOK_TRACK: Final = 8
HOOK_AGE: Final = 16  # an LRM policy is in force: what is changed is not old

ACCESS_EPOCH_S: Final = 1_577_836_800  # 2020
_LAST_ACCESS: Final = (1 << 31) - 1
_BIG: Final = 64  # members from which a value is freed in slices
# Of Keyspace.access_clock: leave access times alone; count accesses; note changes alone.
NO_TOUCH_CLOCK: Final = -1
COUNTING_CLOCK: Final = -2
CHANGES_CLOCK: Final = -3


@final
@mypyc_attr(acyclic=True)
class Entry:
    """One key's value. `expire_at_ms` 0: never; `access` as `access_second` counts, or `frequencies` does.

    There are as many as keys: with two numbers of 32 bits they take 48 bytes, not 64.
    """

    def __init__(self, value: object, slot: i32, access: i32) -> None:
        self.value: object = value
        self.expire_at_ms: i64 = 0
        self.slot: i32 = slot
        self.access: i32 = access


def access_second(at_ms: i64) -> i32:
    """Return the moment `at_ms` as access times count it: in seconds since 2020."""
    second: i64 = at_ms // 1000 - ACCESS_EPOCH_S
    return i32(max(0, min(second, _LAST_ACCESS)))


class Graveyard:
    """Values on their way out: huge ones are freed a slice at a time, so that no delete stalls the server."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.freed: i64 = 0  # values freed lazily, for INFO

    def bury(self, value: object) -> bool:
        """Take over a value; tell whether it waits: what is small is freed at once by letting go of it."""
        if isinstance(value, _Flushed) or value_size(value) > _BIG:
            self.values.append(value)
            return True
        return False

    def pending(self) -> int:
        """Return the number of values that wait, those of flushed databases included."""
        return sum([len(value.entries) if isinstance(value, _Flushed) else 1 for value in self.values])

    def free_some(self, count: int) -> bool:
        """Free about `count` members; tell whether more is left."""
        values = self.values
        while values and count > 0:
            value = values[-1]
            size = count if isinstance(value, _Flushed) else value_size(value)
            done = True
            if isinstance(value, (SetValue, SortedSet, HashValue, ListValue, Stream)):
                done = value.free_some(count)
            elif isinstance(value, _Flushed):
                done = value.free_some(count, self)
            if not done:
                break
            if values[-1] is value:
                values.pop()
            else:  # it has buried others
                values.remove(value)
            if not isinstance(value, _Flushed):
                self.freed += 1
            count -= size + 1
        return bool(values)


@final
class _Flushed:
    """The entries of a flushed database."""

    def __init__(self, entries: Table[Entry], keys: list[bytes]) -> None:
        self.entries = entries
        self.keys = keys

    def free_some(self, count: int, graveyard: Graveyard) -> bool:
        """Drop about `count` keys or entries; tell whether all are gone."""
        if self.keys:
            del self.keys[-count:]
            return False
        gone = self.entries.pop_some(count)
        for entry in gone:
            if not graveyard.bury(entry.value):
                graveyard.freed += 1
        return not gone


class Keyspace:
    """What the databases of one server share: clock, statistics, and who listens to changes."""

    def __init__(self, clock: Clock, stats: Stats, pubsub: PubSub) -> None:
        self.clock = clock
        self.stats = stats
        self.pubsub = pubsub
        self.graveyard = Graveyard()
        self.dirty: i64 = 0  # changes since the last save
        self.hooks: i64 = 0
        self.notify_classes: i64 = 0
        self.access_clock: i32 = access_second(clock.ms)  # or one of the three above
        self.counts_accesses: bool = False  # an LFU policy is in force
        self.notes_changes: bool = False  # an LRM policy is
        self.minute: i32 = minute_of(clock.ms)
        self.lfu_log_factor: i64 = 10
        self.lfu_decay_minutes: i64 = 1
        self.random: Random = Random()
        self.expire_word: bytes = b"DEL"  # what the log calls the removal of a key that has expired,
        self.evict_word: bytes = b"DEL"  # and of one that was evicted
        self.may_expire: bool = False  # some key or field has been given an expiry, and may have it still
        self.active_expire: bool = True
        self.scripts_debug: bool = False  # DEBUG may be called by scripts
        self.skips_checksums: bool = False  # of payloads and files, for tests
        self.expire_off: bool = False  # while something must see expired keys as they are
        self.watched_keys: i64 = 0
        self.waiting_clients: i64 = 0
        self.tracking: Tracking = Tracking()
        self.effects: Effects = Effects()

    def tick(self, now_ms: i64) -> None:
        """Move the time of accesses on."""
        self.minute = minute_of(now_ms)
        if self.counts_accesses:
            self.access_clock = i32(COUNTING_CLOCK)
        elif self.notes_changes:
            self.access_clock = i32(CHANGES_CLOCK)
        else:
            self.access_clock = access_second(now_ms)

    def count_access(self, entry: Entry) -> None:
        """Note an access where it is not the time that counts."""
        if self.access_clock == COUNTING_CLOCK:
            counter = decayed(entry.access, self.minute, self.lfu_decay_minutes)
            entry.access = packed(self.minute, raised(counter, self.random.random(), self.lfu_log_factor))

    def first_access(self) -> i32:
        """Return what the entry of a new key says of its access, where that is not the time as of the last tick."""
        return packed(self.minute, NEW_KEY) if self.counts_accesses else access_second(self.clock.ms)

    def frequency(self, entry: Entry) -> int:
        """Return how often a key is used, as OBJECT FREQ tells it."""
        return int(decayed(entry.access, self.minute, self.lfu_decay_minutes))

    def set_notify(self, classes: int) -> None:
        """Set which classes of keyspace events are published."""
        self.notify_classes = classes
        self.update_hooks()

    def update_hooks(self) -> None:
        """Work out anew who listens to changes."""
        hooks = 0
        if self.notify_classes & (KEYSPACE | KEYEVENT):
            hooks |= HOOK_NOTIFY
        if self.watched_keys:
            hooks |= HOOK_WATCH
        if self.waiting_clients:
            hooks |= HOOK_BLOCK
        if self.tracking.count or self.tracking.table:
            hooks |= HOOK_TRACK
        if self.notes_changes:
            hooks |= HOOK_AGE
        self.hooks = hooks


class Database:
    """One numbered database. Handlers get values by intent: `read_...` to read, `write_...` and `open_...` to write."""

    def __init__(self, index: int, shared: Keyspace) -> None:
        self.index = index
        self.shared = shared
        self.clock = shared.clock
        self.stats = shared.stats
        self.entries: Table[Entry] = Table()
        self.dense: list[bytes] = []
        self.deadlines = Deadlines()
        self.volatile: i64 = 0
        self.expire_sum_s: i64 = 0  # of all expiry moments, in seconds: for the average TTL
        self.field_deadlines = Deadlines()
        self.expiring_hashes: i64 = 0
        self.watchers: dict[bytes, dict[Client, bool]] = {}
        self.waiting = Waiting()

    # -- look-ups

    def read(self, key: bytes) -> Entry | None:
        """Look a key up for a command that reads: counts a hit or a miss and notes the access."""
        entry = self.entries.get(key)
        if entry is None or (entry.expire_at_ms != 0 and self._expire_if_due(key, entry)):
            self._missed(key)
            return None
        shared = self.shared
        if shared.access_clock >= 0:
            entry.access = shared.access_clock
        else:
            shared.count_access(entry)
        self.stats.keyspace_hits += 1
        return entry

    def write(self, key: bytes) -> Entry | None:
        """Look a key up for a command that writes."""
        entry = self.entries.get(key)
        if entry is None or (entry.expire_at_ms != 0 and self._expire_if_due(key, entry)):
            return None
        shared = self.shared
        if shared.access_clock >= 0:
            entry.access = shared.access_clock
        else:
            shared.count_access(entry)
        return entry

    def peek(self, key: bytes) -> Entry | None:
        """Look a key up without a trace: no access time, no statistics."""
        entry = self.entries.get(key)
        if entry is None or (entry.expire_at_ms != 0 and self._expire_if_due(key, entry)):
            return None
        return entry

    def _missed(self, key: bytes) -> None:
        self.stats.keyspace_misses += 1
        if self.shared.notify_classes & KEY_MISS:
            self.notify(key, KEY_MISS, b"keymiss")

    def read_string(self, key: bytes) -> StringValue | None:
        """Return the string at `key` for reading, None when absent; raise WRONGTYPE."""
        entry = self.read(key)
        return None if entry is None else string_of(entry)

    def write_string(self, key: bytes) -> StringValue | None:
        """Return the string at `key` for writing, None when absent; raise WRONGTYPE."""
        entry = self.write(key)
        return None if entry is None else string_of(entry)

    def read_list(self, key: bytes) -> ListValue | None:
        """Return the list at `key` for reading, None when absent; raise WRONGTYPE."""
        entry = self.read(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, ListValue):
            return value
        raise CommandError(WRONG_TYPE)

    def write_list(self, key: bytes) -> ListValue | None:
        """Return the list at `key` for writing, None when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, ListValue):
            return value
        raise CommandError(WRONG_TYPE)

    def open_list(self, key: bytes) -> ListValue:
        """Return the list at `key`, created when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            created = ListValue()
            self.add(key, created)
            return created
        value = entry.value
        if isinstance(value, ListValue):
            return value
        raise CommandError(WRONG_TYPE)

    def read_set(self, key: bytes) -> SetValue | None:
        """Return the set at `key` for reading, None when absent; raise WRONGTYPE."""
        entry = self.read(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, SetValue):
            return value
        raise CommandError(WRONG_TYPE)

    def write_set(self, key: bytes) -> SetValue | None:
        """Return the set at `key` for writing, None when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, SetValue):
            return value
        raise CommandError(WRONG_TYPE)

    def open_set(self, key: bytes) -> SetValue:
        """Return the set at `key`, created when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            created = SetValue()
            self.add(key, created)
            return created
        value = entry.value
        if isinstance(value, SetValue):
            return value
        raise CommandError(WRONG_TYPE)

    def read_zset(self, key: bytes) -> SortedSet | None:
        """Return the sorted set at `key` for reading, None when absent; raise WRONGTYPE."""
        entry = self.read(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, SortedSet):
            return value
        raise CommandError(WRONG_TYPE)

    def write_zset(self, key: bytes) -> SortedSet | None:
        """Return the sorted set at `key` for writing, None when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, SortedSet):
            return value
        raise CommandError(WRONG_TYPE)

    def open_zset(self, key: bytes) -> SortedSet:
        """Return the sorted set at `key`, created when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            created = SortedSet()
            self.add(key, created)
            return created
        value = entry.value
        if isinstance(value, SortedSet):
            return value
        raise CommandError(WRONG_TYPE)

    def read_stream(self, key: bytes) -> Stream | None:
        """Return the stream at `key` for reading, None when absent; raise WRONGTYPE."""
        entry = self.read(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, Stream):
            return value
        raise CommandError(WRONG_TYPE)

    def write_stream(self, key: bytes) -> Stream | None:
        """Return the stream at `key` for writing, None when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, Stream):
            return value
        raise CommandError(WRONG_TYPE)

    def open_stream(self, key: bytes) -> Stream:
        """Return the stream at `key`, created when absent; raise WRONGTYPE."""
        entry = self.write(key)
        if entry is None:
            created = Stream()
            self.add(key, created)
            return created
        value = entry.value
        if isinstance(value, Stream):
            return value
        raise CommandError(WRONG_TYPE)

    def read_hash(self, key: bytes) -> HashValue | None:
        """Return the hash at `key` for reading, without its expired fields, None when absent; raise WRONGTYPE."""
        entry = self.read(key)
        return None if entry is None else self._live_hash(key, entry)

    def write_hash(self, key: bytes) -> HashValue | None:
        """Return the hash at `key` for writing, without its expired fields, None when absent; raise WRONGTYPE."""
        entry = self.write(key)
        return None if entry is None else self._live_hash(key, entry)

    def open_hash(self, key: bytes) -> HashValue:
        """Return the hash at `key`, created when absent; raise WRONGTYPE."""
        entry = self.write(key)
        value = None if entry is None else self._live_hash(key, entry)
        if value is None:
            value = HashValue()
            self.add(key, value)
        return value

    def _live_hash(self, key: bytes, entry: Entry) -> HashValue | None:
        value = entry.value
        if not isinstance(value, HashValue):
            raise CommandError(WRONG_TYPE)
        if value.next_expire_ms != 0 and value.next_expire_ms <= self.clock.ms and self.expire_fields(key, value):
            return None
        return value

    # -- changes

    def set(self, key: bytes, value: object, keep_ttl: bool = False) -> None:
        """Store `value`, replacing whatever is there; the expiry goes unless `keep_ttl`."""
        entry = self.entries.get(key)
        if entry is None or (entry.expire_at_ms != 0 and self._expire_if_due(key, entry)):
            self.add(key, value)
            return
        if entry.expire_at_ms != 0 and not keep_ttl:
            self._forget_expiry(key, entry)
        old = entry.value
        entry.value = value
        shared = self.shared
        if shared.access_clock >= 0:
            entry.access = shared.access_clock
        else:
            shared.count_access(entry)
        if not isinstance(old, bytes):
            self.forget_fields(key, old)
            shared.graveyard.bury(old)

    def add(self, key: bytes, value: object) -> None:
        """Store a value at a key that is known to be absent."""
        dense = self.dense
        shared = self.shared
        access = shared.access_clock
        if access < 0:
            access = shared.first_access()
        self.entries.put(key, Entry(value, len(dense), access))
        dense.append(key)
        if shared.notify_classes & NEW:
            self.notify(key, NEW, b"new")

    def load(self, key: bytes, value: object, expire_at_ms: i64) -> bool:
        """Store a value from a file, with its expiry (0: none), without an event; return False if the key is there."""
        dense = self.dense
        access = self.shared.access_clock
        if access < 0:
            access = self.shared.first_access()
        entry = Entry(value, len(dense), access)
        if not self.entries.add(key, entry):
            return False
        dense.append(key)
        if expire_at_ms != 0:
            self._note_expiry(key, entry, expire_at_ms)
        if isinstance(value, HashValue):
            self.note_fields(key, 0, value.next_expire_ms)
        return True

    def remove(self, key: bytes) -> bool:
        """Delete a key without an event; tell whether it was there. Huge values are freed later, in slices."""
        entry = self.entries.pop(key)
        if entry is None:
            return False
        if entry.expire_at_ms != 0:
            self._forget_expiry(key, entry)
        dense = self.dense
        last = dense.pop()
        slot: int = entry.slot
        if slot < len(dense):
            dense[slot] = last
            self.entries[last].slot = slot
        value = entry.value
        if not isinstance(value, bytes):
            self.forget_fields(key, value)
            self.shared.graveyard.bury(value)
        return True

    def delete(self, key: bytes) -> bool:
        """Delete a key and signal "del"; tell whether it was there."""
        if self.peek(key) is None:
            return False
        self.remove(key)
        self.changed(key, GENERIC, b"del")
        return True

    def drop_if_empty(self, key: bytes) -> bool:
        """Delete the key and send "del" when its collection has no members left; tell whether it was so."""
        entry = self.entries.get(key)
        if entry is None or value_size(entry.value) > 0:
            return False
        self.remove(key)
        if self.shared.hooks != 0:
            self._signal(key, GENERIC, b"del")
        return True

    def changed(self, key: bytes, event_class: i64, event: bytes) -> None:
        """Tell everybody that `key` has changed: the count of changes, WATCH, keyspace events, blocked clients."""
        shared = self.shared
        shared.dirty += 1
        if shared.hooks != 0:
            self._signal(key, event_class, event)

    def changed_by(self, key: bytes, event_class: i64, event: bytes, changes: i64) -> None:
        """Do as `changed` does for a change that counts as many: one a member, or none beside that of another key."""
        shared = self.shared
        shared.dirty += changes
        if shared.hooks != 0:
            self._signal(key, event_class, event)

    def rewritten(self, key: bytes, event_class: i64, event: bytes) -> None:
        """Tell everybody of a change that has left the value as it was: nothing is to be saved or logged."""
        if self.shared.hooks != 0:
            self._signal(key, event_class, event)

    def notify(self, key: bytes, event_class: i64, event: bytes) -> None:
        """Publish a keyspace event, if its class is configured, without counting a change."""
        shared = self.shared
        classes = shared.notify_classes
        if not classes & event_class:
            return
        if classes & KEYSPACE:
            shared.pubsub.publish(b"__keyspace@%d__:%b" % (self.index, key), event)
        if classes & KEYEVENT:
            shared.pubsub.publish(b"__keyevent@%d__:%b" % (self.index, event), key)

    def touch(self, key: bytes) -> None:
        """Spoil the WATCH of a key and ready those blocked on it, without event or count."""
        hooks = self.shared.hooks
        if hooks & HOOK_WATCH:
            watchers = self.watchers.get(key)
            if watchers is not None:
                for client in watchers:
                    client.watch_spoiled = True
        if hooks & HOOK_BLOCK:
            self.waiting.signal(key)

    def _signal(self, key: bytes, event_class: i64, event: bytes) -> None:
        self.touch(key)
        hooks = self.shared.hooks
        if hooks & HOOK_AGE:
            entry = self.entries.get(key)
            if entry is not None:
                entry.access = access_second(self.clock.ms)
        if hooks & HOOK_TRACK:
            self.shared.tracking.key_changed(key)
        if hooks & HOOK_NOTIFY:
            self.notify(key, event_class, event)

    def _signal_by_itself(self, key: bytes, event_class: i64, event: bytes) -> None:
        """Tell everybody of a change that no client has made, though one may have brought it about."""
        tracking = self.shared.tracking
        was_nobodys = tracking.is_nobodys
        tracking.is_nobodys = True
        self._signal(key, event_class, event)
        tracking.is_nobodys = was_nobodys

    # -- expiry

    def get_expire(self, key: bytes) -> int:
        """Return the moment at which `key` expires, 0 for never or for an absent key."""
        entry = self.entries.get(key)
        return 0 if entry is None else int(entry.expire_at_ms)

    def idle_s(self, entry: Entry) -> int:
        """Return for how many seconds a key has not been accessed."""
        return max(0, int(self.clock.ms // 1000 - ACCESS_EPOCH_S) - entry.access)

    def set_idle(self, key: bytes, idle_s: int) -> None:
        """Have `key`, which must exist, look unused for `idle_s` seconds, unless it is accesses that are counted."""
        if not self.shared.counts_accesses:
            self.entries[key].access = access_second(self.clock.ms - min(idle_s, _LAST_ACCESS) * 1000)

    def set_frequency(self, key: bytes, frequency: i32) -> None:
        """Have `key`, which must exist, look as if it were used that often, where accesses are counted."""
        if self.shared.counts_accesses:
            self.entries[key].access = packed(self.shared.minute, frequency)

    def set_expire(self, key: bytes, at_ms: i64) -> None:
        """Have `key`, which must exist, expire at `at_ms`."""
        entry = self.entries[key]
        if entry.expire_at_ms != 0:
            self._forget_expiry(key, entry)
        self._note_expiry(key, entry, at_ms)

    def _note_expiry(self, key: bytes, entry: Entry, at_ms: i64) -> None:
        if at_ms <= 0:
            at_ms = 1
        entry.expire_at_ms = at_ms
        self.volatile += 1
        self.expire_sum_s += at_ms // 1000
        self.deadlines.add(key, at_ms)
        self.shared.may_expire = True

    def persist(self, key: bytes) -> bool:
        """Take the expiry from `key`; tell whether it had one."""
        entry = self.entries.get(key)
        if entry is None or entry.expire_at_ms == 0:
            return False
        self._forget_expiry(key, entry)
        return True

    def _forget_expiry(self, key: bytes, entry: Entry) -> None:
        self.deadlines.remove(key, entry.expire_at_ms)
        self.expire_sum_s -= entry.expire_at_ms // 1000
        self.volatile -= 1
        entry.expire_at_ms = 0

    def _expire_if_due(self, key: bytes, entry: Entry) -> bool:
        """Delete the key if its time has come; tell whether it is gone."""
        shared = self.shared
        if entry.expire_at_ms > self.clock.ms or shared.expire_off:
            return False
        self._expire(key)
        return True

    def _expire(self, key: bytes) -> None:
        shared = self.shared
        self.remove(key)
        self.stats.expired_keys += 1
        if shared.effects.is_on:
            shared.effects.add(self.index, [shared.expire_word, key])
        if shared.hooks != 0:
            self._signal_by_itself(key, EXPIRED, b"expired")

    def evict(self, key: bytes) -> None:
        """Delete a key, which must exist, for want of memory."""
        shared = self.shared
        self.remove(key)
        self.stats.evicted_keys += 1
        if shared.effects.is_on:
            shared.effects.add(self.index, [shared.evict_word, key])
        if shared.hooks != 0:
            self._signal_by_itself(key, EVICTED, b"evicted")

    def expire_due(self, budget: int) -> int:
        """Delete up to `budget` keys and hash fields whose time has come; return how many were looked at."""
        now_ms = self.clock.ms
        done = 0
        if self.volatile > 0:
            deadlines = self.deadlines
            deadlines.advance(now_ms)
            entries = self.entries
            for key in deadlines.take_due(now_ms, budget):
                done += 1
                entry = entries.get(key)
                if entry is not None and entry.expire_at_ms != 0 and entry.expire_at_ms <= now_ms:
                    self._expire(key)
        fields = self.field_deadlines
        fields.advance(now_ms)
        while done < budget:
            found = fields.take_due(now_ms, 1)
            if not found:
                break
            key = found[0]
            done += 1
            entry = self.entries.get(key)
            if entry is None:
                continue
            value = entry.value
            if isinstance(value, HashValue) and value.next_expire_ms != 0 and value.next_expire_ms <= now_ms:
                before = len(value)
                self.expire_fields(key, value, budget - done)
                done += before - len(value)
        return done

    def has_deadlines(self) -> bool:
        """Tell whether any key or field may expire."""
        return self.volatile > 0 or not self.field_deadlines.is_empty()

    def next_expire_ms(self) -> i64:
        """Return when `expire_due` has something to do again."""
        now_ms = self.clock.ms
        first = self.field_deadlines.next_ms(now_ms)
        if self.volatile > 0:
            keys = self.deadlines.next_ms(now_ms)
            if keys < first:
                first = keys
        return first

    def note_fields(self, key: bytes, before_ms: i64, at_ms: i64) -> None:
        """Note that the first field of the hash at `key` expires at `at_ms`, no more at `before_ms` (0: none does)."""
        if at_ms == before_ms:
            return
        if before_ms != 0:
            self.field_deadlines.remove(key, before_ms)
            self.expiring_hashes -= 1
        if at_ms != 0:
            self.expiring_hashes += 1
            self._schedule(key, at_ms)

    def forget_fields(self, key: bytes, value: object) -> None:
        """Note that a value, maybe a hash whose fields expire, is at `key` no more."""
        if isinstance(value, HashValue):
            self.note_fields(key, value.next_expire_ms, 0)

    def _schedule(self, key: bytes, at_ms: i64) -> None:
        """Have the due fields of the hash at `key` removed at `at_ms`."""
        self.field_deadlines.add(key, at_ms)
        self.shared.may_expire = True

    def expire_fields(self, key: bytes, value: HashValue, limit: i64 = EVERY_FIELD) -> bool:
        """Remove up to `limit` fields of a hash whose time has come; tell whether the key went with the last."""
        if self.shared.expire_off:
            return False
        fields = value.take_expired(self.clock.ms, limit)
        self.stats.expired_subkeys += len(fields)
        if fields and self.shared.effects.is_on:
            self.shared.effects.add(self.index, [b"HDEL", key, *fields])
        if fields and self.shared.hooks != 0:
            self._signal_by_itself(key, HASH, b"hexpired")
        if value.next_expire_ms == 0:
            self.expiring_hashes -= 1
        if self.drop_if_empty(key):
            return True
        if value.next_expire_ms != 0:
            self._schedule(key, value.next_expire_ms)
        return False

    def average_ttl_ms(self) -> int:
        """Return the mean time to live of the keys that expire, in ms to the second."""
        if self.volatile == 0:
            return 0
        return max(0, int(self.expire_sum_s * 1000 // self.volatile - self.clock.ms))

    # -- the whole

    def size(self) -> int:
        """Return the number of keys, expired ones that nobody has met yet included."""
        return len(self.dense)

    def keys(self) -> list[bytes]:
        """Return all keys, without those whose time has come."""
        if self.volatile == 0:
            return list(self.dense)
        now_ms = self.clock.ms
        found: list[bytes] = []
        for key in self.dense:
            at_ms = self.entries[key].expire_at_ms
            if at_ms == 0 or at_ms > now_ms:
                found.append(key)
        return found

    def random_key(self, random: float) -> bytes | None:
        """Return the key that `random`, from 0 to below 1, picks; None when there are none."""
        while self.dense:
            key = self.dense[int(random * len(self.dense))]
            if self.peek(key) is not None:
                return key
        return None

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor (0 at the end) and up to `count` keys; start with 0. O(count)."""
        top = len(self.dense)
        if 0 < cursor < top:
            top = cursor
        bottom = max(0, top - count)
        found = self.dense[bottom:top]
        found.reverse()
        return bottom, found

    def flush(self) -> int:
        """Delete all keys, to be freed in slices; return how many there were."""
        count = len(self.dense)
        if count == 0:
            return 0
        hooks = self.shared.hooks
        if hooks & (HOOK_WATCH | HOOK_BLOCK):
            for key in list(self.watchers):
                if key in self.entries:
                    self.touch(key)
            for key in list(self.waiting.by_key):
                if key in self.entries:
                    self.waiting.signal(key)
        self.shared.graveyard.bury(_Flushed(self.entries, self.dense))
        self.entries = Table()
        self.dense = []
        self.deadlines = Deadlines()
        self.field_deadlines = Deadlines()
        self.expiring_hashes = 0
        self.volatile = 0
        self.expire_sum_s = 0
        return count

    def swap_with(self, other: Database) -> None:
        """Exchange all keys with another database; watchers and waiting clients stay with the number (SWAPDB)."""
        for database, partner in ((self, other), (other, self)):
            for key in database.watchers:
                if database.peek(key) is not None or partner.peek(key) is not None:
                    database.touch(key)
        self.entries, other.entries = other.entries, self.entries
        self.dense, other.dense = other.dense, self.dense
        self.deadlines, other.deadlines = other.deadlines, self.deadlines
        self.field_deadlines, other.field_deadlines = other.field_deadlines, self.field_deadlines
        self.expiring_hashes, other.expiring_hashes = other.expiring_hashes, self.expiring_hashes
        self.volatile, other.volatile = other.volatile, self.volatile
        self.expire_sum_s, other.expire_sum_s = other.expire_sum_s, self.expire_sum_s
        if self.shared.hooks & HOOK_BLOCK:
            for database in (self, other):
                for key in list(database.waiting.by_key):
                    if key in self.entries or key in other.entries:
                        database.waiting.signal(key)

    def check(self) -> None:
        """Assert the invariant. O(keys)."""
        assert len(self.dense) == len(self.entries)
        self.entries.check()
        volatile = hashes = 0
        for slot, key in enumerate(self.dense):
            entry = self.entries[key]
            assert entry.slot == slot
            volatile += entry.expire_at_ms != 0
            hashes += isinstance(entry.value, HashValue) and entry.value.next_expire_ms != 0
        assert volatile == self.volatile
        assert hashes == self.expiring_hashes
        self.deadlines.check()
        self.field_deadlines.check()


def string_of(entry: Entry) -> StringValue:
    """Return the entry's string value; raise WRONGTYPE."""
    value = entry.value
    if isinstance(value, (bytes, int, bytearray)):
        return value
    raise CommandError(WRONG_TYPE)


def stream_of(entry: Entry) -> Stream:
    """Return the entry's stream; raise WRONGTYPE."""
    value = entry.value
    if isinstance(value, Stream):
        return value
    raise CommandError(WRONG_TYPE)


def value_size(value: object) -> int:
    """Return the number of members of a collection, 1 for a string; of a stream, which may be empty, its weight."""
    if isinstance(value, SetValue):
        return len(value)
    if isinstance(value, SortedSet):
        return len(value)
    if isinstance(value, HashValue):
        return len(value)
    if isinstance(value, ListValue):
        return len(value)
    if isinstance(value, Stream):
        return value.weight()
    return 1


def type_name(value: object) -> bytes:
    """Return TYPE's answer for a value."""
    if isinstance(value, SetValue):
        return b"set"
    if isinstance(value, SortedSet):
        return b"zset"
    if isinstance(value, HashValue):
        return b"hash"
    if isinstance(value, ListValue):
        return b"list"
    if isinstance(value, Stream):
        return b"stream"
    return b"string"
