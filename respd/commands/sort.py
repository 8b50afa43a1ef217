"""SORT and SORT_RO. Source: redis.io/commands/sort.

A call is read into a `_Request`; the members are loaded, ordered by a key of comparison each and cut to the limits;
then each is turned into what the GET patterns ask for.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from respd import gates
from respd.arguments import int_arg
from respd.command import (
    ACCESS,
    DENYOOM,
    MOVABLE_KEYS,
    OW,
    READONLY,
    RO,
    UPDATE,
    WRITE,
    Group,
    one_key,
    unknown_keys,
)
from respd.database import Database, string_of
from respd.datatypes.hashes import HashValue
from respd.datatypes.limits import Limits
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.strings import as_bytes, plain_double
from respd.errors import SYNTAX, WRONG_TYPE, CommandError
from respd.keyspace_events import LIST

if TYPE_CHECKING:
    from respd.context import Context

_DENIED: Final = b"ERR %b option of SORT denied due to insufficient ACL permissions."
_NOT_NUMBERS: Final = b"ERR One or more scores can't be converted into double"
_ITSELF: Final = b"#"
_NUMBER: Final = re.compile(rb"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)", re.IGNORECASE)
_COMPLEXITY: Final = "O(N+M*log(M)), N members in the collection, M of them returned; O(N) when they are not sorted"
_CATEGORIES: Final = ("-keyspace", "set", "sortedset", "list", "dangerous")
_SYNTAX: Final = (
    "key [BY by-pattern=pattern] [LIMIT offset count] [GET get-pattern=pattern [GET get-pattern=pattern ...]] "
    "[ASC | DESC] [sorting=ALPHA]"
)

group = Group("generic")


@group.command(
    "SORT",
    arity=-2,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=one_key(RO | ACCESS) + unknown_keys(RO | ACCESS) + unknown_keys(OW | UPDATE),
    since="1.0.0",
    syntax=_SYNTAX + " [STORE destination]",
    complexity=_COMPLEXITY,
    categories=_CATEGORIES,
)
def sort(ctx: Context, args: list[bytes]) -> object:
    """Sort a list, a set or a sorted set, and return the result or store it as a list.

    Reply: an array, with null where a GET pattern finds nothing; with STORE the number of elements stored, where an
    empty result deletes the destination.
    Errors: of the options from left to right; WRONGTYPE; then a member, or what BY finds for it, that is no number.
    Source: redis.io/commands/sort.
    """
    request = _Request(args, True, _reads_all_keys(ctx, args))
    result = _sorted(ctx, request)
    if request.store is None:
        return result
    return _store(ctx, request.store, result)


@group.command(
    "SORT_RO",
    arity=-2,
    flags=READONLY | MOVABLE_KEYS,
    keys=one_key(RO | ACCESS) + unknown_keys(RO | ACCESS),
    since="7.0.0",
    syntax=_SYNTAX,
    complexity=_COMPLEXITY,
    categories=_CATEGORIES,
)
def sort_ro(ctx: Context, args: list[bytes]) -> object:
    """Sort a list, a set or a sorted set and return the result.

    Reply, errors: as SORT, which has STORE besides. Source: redis.io/commands/sort_ro.
    """
    return _sorted(ctx, _Request(args, False, _reads_all_keys(ctx, args)))


def _reads_all_keys(ctx: Context, args: list[bytes]) -> bool:
    """Tell whether the client may read whatever key BY and GET lead to."""
    user = ctx.client.permissions
    if user is None or not ctx.client.gates & gates.ACL:
        return True
    command = ctx.engine.commands.lookup(args)
    return command is not None and user.may_read_everything(command, args)


class _Request:
    """The words of a SORT. `by` is None to compare the members themselves; `unsorted` when BY names no pattern."""

    def __init__(self, args: list[bytes], may_store: bool, reads_all_keys: bool) -> None:
        self.reads_all_keys: bool = reads_all_keys
        self.key: bytes = args[1]
        self.by: bytes | None = None
        self.unsorted: bool = False
        self.offset: int = 0
        self.count: int = -1
        self.get: list[bytes] = []
        self.descending: bool = False
        self.alpha: bool = False
        self.store: bytes | None = None
        position = 2
        while position < len(args):
            position = self._read_option(args, position, may_store)

    def _read_option(self, args: list[bytes], position: int, may_store: bool) -> int:
        """Read the option at `position`; return where the next one is."""
        word = args[position].upper()
        values = len(args) - position - 1
        if word == b"ASC":
            self.descending = False
        elif word == b"DESC":
            self.descending = True
        elif word == b"ALPHA":
            self.alpha = True
        elif word == b"LIMIT" and values >= 2:
            self.offset = int_arg(args[position + 1])
            self.count = int_arg(args[position + 2])
            return position + 3
        elif word == b"STORE" and values >= 1 and may_store:
            self.store = args[position + 1]
            return position + 2
        elif word == b"BY" and values >= 1:
            self.by = args[position + 1]
            self.unsorted = b"*" not in self.by
            if not self.unsorted and not self.reads_all_keys:
                raise CommandError(_DENIED % b"BY")
            return position + 2
        elif word == b"GET" and values >= 1:
            if not self.reads_all_keys:
                raise CommandError(_DENIED % b"GET")
            self.get.append(args[position + 1])
            return position + 2
        else:
            raise CommandError(SYNTAX)
        return position + 1

    def span(self, size: int) -> tuple[int, int]:
        """Return the part of `size` members that LIMIT asks for, as [start, stop)."""
        start = min(max(self.offset, 0), size)
        stop = size if self.count < 0 else min(start + self.count, size)
        return start, stop


def _sorted(ctx: Context, request: _Request) -> list[object]:
    db = ctx.db
    entry = db.read(request.key)
    value = None if entry is None else entry.value
    if request.unsorted and isinstance(value, SetValue) and request.store is not None:
        # The order of a set is anybody's guess: stored, it would differ between replicas.
        request.unsorted = False
        request.alpha = True
        request.by = None
    members = _members(value, ctx.limits)
    if request.unsorted:
        if request.descending and not isinstance(value, SetValue):
            members.reverse()
    elif request.alpha:
        members = _sort_by_text(db, members, request)
    else:
        members = _sort_by_number(db, members, request)
    start, stop = request.span(len(members))
    result: list[object] = []
    for member in members[start:stop]:
        if not request.get:
            result.append(member)
        for pattern in request.get:
            result.append(_find(db, pattern, member))
    return result


def _members(value: object, limits: Limits) -> list[bytes]:
    """Return a collection's members as a list of our own, in its order; raise WRONGTYPE."""
    if value is None:
        return []
    if isinstance(value, ListValue):
        return value.to_list()
    if isinstance(value, SetValue):
        return value.members()
    if isinstance(value, SortedSet):
        # Redis converts what it sorts, and OBJECT ENCODING shows it.
        value.grow_for(int(limits.zset_max_entries) + 1, limits)
        return [element.member for element in value.between(0, len(value))]
    raise CommandError(WRONG_TYPE)


def _sort_by_number(db: Database, members: list[bytes], request: _Request) -> list[bytes]:
    """Return the members ordered by number, equal ones by their bytes; raise the error when one is no number."""
    by = request.by
    numbers: list[float] = []
    failed = False
    for member in members:
        weight = member if by is None else _find(db, by, member)
        number = _parse_number(weight or b"")
        failed = failed or number != number
        numbers.append(number)
    if failed:
        raise CommandError(_NOT_NUMBERS)
    # Mere numbers are sorted soonest; then those with the same number.
    descending = request.descending
    result: list[bytes] = []
    run = 0  # where they begin
    last = 0.0
    for index in sorted(range(len(members)), key=numbers.__getitem__, reverse=descending):
        number = numbers[index]
        if number != last:
            if len(result) - run > 1:
                result[run:] = sorted(result[run:], reverse=descending)
            run = len(result)
            last = number
        result.append(members[index])
    if len(result) - run > 1:
        result[run:] = sorted(result[run:], reverse=descending)
    return result


def _parse_number(data: bytes) -> float:
    """Return the number that `data` spells up to its first zero byte, as Redis' strtod does, else nan; nothing is 0."""
    value = plain_double(data)
    if value == value:
        return value
    text = data.partition(b"\x00")[0]
    if not text:
        return 0.0
    return math.nan if _NUMBER.fullmatch(text) is None else float(text)


def _sort_by_text(db: Database, members: list[bytes], request: _Request) -> list[bytes]:
    """Return the members ordered by their bytes, or by what BY finds for them; where that is nothing, they go first."""
    by = request.by
    if by is None:
        return sorted(members, reverse=request.descending)
    weights: list[tuple[bool, bytes]] = []
    for member in members:
        weight = _find(db, by, member)
        weights.append((weight is not None, weight or b""))
    order = sorted(range(len(members)), key=weights.__getitem__, reverse=request.descending)
    return [members[index] for index in order]


def _find(db: Database, pattern: bytes, member: bytes) -> bytes | None:
    """Return what `pattern` stands for with `member` in the place of its first `*`.

    `#` is the member itself; `key_*` the string at that key; `key_*->field` a field of the hash there. None for what
    is absent, of another type, or a pattern without `*`.
    """
    if pattern == _ITSELF:
        return member
    star = pattern.find(b"*")
    if star < 0:
        return None
    rest = pattern[star + 1 :]
    field = b""
    arrow = rest.find(b"->")
    if 0 <= arrow < len(rest) - 2:
        field = rest[arrow + 2 :]
        rest = rest[:arrow]
    key = b"%b%b%b" % (pattern[:star], member, rest)
    entry = db.read(key)
    if entry is None:
        return None
    value = entry.value
    if field:
        if not isinstance(value, HashValue):
            return None
        fields = db.read_hash(key)
        return None if fields is None else fields.get(field)
    if isinstance(value, (bytes, int, bytearray)):
        return as_bytes(string_of(entry))
    return None


def _store(ctx: Context, key: bytes, result: list[object]) -> int:
    """Store the result as a list, null as an empty string, or delete the key when there is nothing; return its size."""
    db = ctx.db
    if not result:
        db.delete(key)
        return 0
    elements: list[bytes] = []
    for item in result:
        elements.append(item if isinstance(item, bytes) else b"")
    value = ListValue()
    value.fill(elements, ctx.limits)
    db.set(key, value)
    db.changed_by(key, LIST, b"sortstore", len(elements))
    return len(elements)
