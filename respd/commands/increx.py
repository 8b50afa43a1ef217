"""INCREX: a counter with bounds and an expiry, which is what a rate limiter needs. Source: redis.io/commands/increx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import expire_arg
from respd.command import ACCESS, DENYOOM, FAST, RW, UPDATE, WRITE, Group, one_key
from respd.datatypes.long_doubles import (
    LongDouble,
    format_long_double,
    is_less,
    largest_long_double,
    long_double_from_int,
    negated,
    parse_long_double,
    sum_of,
)
from respd.datatypes.strings import INT64_MAX, INT64_MIN, StringValue, as_bytes, fits_int64, parse_int
from respd.errors import NOT_FLOAT, NOT_INTEGER, SYNTAX, CommandError
from respd.keyspace_events import GENERIC, STRING
from respd.protocol.replies import PrintedDouble

if TYPE_CHECKING:
    from respd.context import Context

_ENX_ALONE: Final = b"ERR ENX flag requires an expiration"
_BOUNDS_CROSSED: Final = b"ERR LBOUND can't be greater than UBOUND"
_INFINITE_INCREMENT: Final = b"ERR BYFLOAT increment cannot be Infinity"
_INFINITE_VALUE: Final = b"ERR value cannot be Infinity"
_APPLIED_OVERFLOWS: Final = b"ERR applied increment would overflow"
_APPLIED_INFINITE: Final = b"ERR applied increment would be Infinity"

_BY: Final = (b"BYINT", b"BYFLOAT")
_EXPIRIES: Final = (b"EX", b"PX", b"EXAT", b"PXAT")

group = Group("string")


@final
class _Request:
    """INCREX's words, read and checked for syntax; the numbers are still words, empty where not given."""

    def __init__(self, args: list[bytes]) -> None:
        self.is_float: bool = False
        self.increment: bytes = b"1"
        self.lower: bytes | None = None
        self.upper: bytes | None = None
        self.saturates: bool = False
        self.persists: bool = False
        self.only_without_ttl: bool = False
        self.expiry: bytes = b""
        self.expiry_number: bytes = b""
        seen: list[bytes] = []
        index = 2
        while index < len(args):
            option = args[index].upper()
            kind = _kind_of(option)
            has_operand = self._take(option, args[index + 1 : index + 2])
            if kind in seen:
                raise CommandError(SYNTAX)
            seen.append(kind)
            index += 2 if has_operand else 1
        if self.only_without_ttl:
            if self.persists:
                raise CommandError(SYNTAX)
            if not self.expiry:
                raise CommandError(_ENX_ALONE)

    def _take(self, option: bytes, operand: list[bytes]) -> bool:
        """Note an option; tell whether it has taken the word that follows."""
        if option == b"SATURATE":
            self.saturates = True
            return False
        if option == b"PERSIST":
            self.persists = True
            return False
        if option == b"ENX":
            self.only_without_ttl = True
            return False
        if not operand:
            raise CommandError(SYNTAX)
        if option in _BY:
            self.is_float = option == b"BYFLOAT"
            self.increment = operand[0]
        elif option == b"LBOUND":
            self.lower = operand[0]
        elif option == b"UBOUND":
            self.upper = operand[0]
        elif option in _EXPIRIES:
            self.expiry = option
            self.expiry_number = operand[0]
        else:
            raise CommandError(SYNTAX)
        return True


def _kind_of(option: bytes) -> bytes:
    """Return what an option has in common with those that exclude it."""
    if option in _BY:
        return b"BY"
    return b"EXPIRY" if option in _EXPIRIES or option == b"PERSIST" else option


@final
class _Outcome:
    """What becomes of the value: what is to be stored, if it is, and the two replies."""

    def __init__(self, stored: StringValue, value: object, applied: object, is_applied: bool) -> None:
        self.stored: StringValue = stored
        self.value: object = value
        self.applied: object = applied
        self.is_applied: bool = is_applied


@final
class _IntegerStep:
    """An increment and bounds in 64 bits."""

    def __init__(self, request: _Request) -> None:
        self.increment: int = _integer(request.increment, b"Increment")
        self.lower: int = INT64_MIN if request.lower is None else _integer(request.lower, b"LBOUND")
        self.upper: int = INT64_MAX if request.upper is None else _integer(request.upper, b"UBOUND")
        if self.lower > self.upper:
            raise CommandError(_BOUNDS_CROSSED)

    def apply(self, value: StringValue | None, saturates: bool) -> _Outcome:
        """Add to the value that is there (None: 0)."""
        old = 0
        if isinstance(value, int):
            old = value
        elif value is not None:
            number = parse_int(as_bytes(value))
            if number is None:
                raise CommandError(NOT_INTEGER)
            old = number
        total = old + self.increment
        if not self.lower <= total <= self.upper:
            if not saturates:
                return _Outcome(old, old, 0, False)
            total = self.lower if total < self.lower else self.upper
        if not fits_int64(total - old):
            raise CommandError(_APPLIED_OVERFLOWS)
        return _Outcome(total, total, total - old, True)


@final
class _FloatStep:
    """An increment and bounds as long doubles."""

    def __init__(self, request: _Request) -> None:
        self.increment: LongDouble = _float(request.increment, b"Increment")
        if self.increment.is_infinite:
            raise CommandError(_INFINITE_INCREMENT)
        lower, upper = request.lower, request.upper
        self.lower: LongDouble = largest_long_double(True) if lower is None else _float(lower, b"LBOUND")
        self.upper: LongDouble = largest_long_double(False) if upper is None else _float(upper, b"UBOUND")
        if is_less(self.upper, self.lower):
            raise CommandError(_BOUNDS_CROSSED)

    def apply(self, value: StringValue | None, saturates: bool) -> _Outcome:
        """Add to the value that is there (None: 0)."""
        old = long_double_from_int(0) if value is None else parse_long_double(as_bytes(value))
        if old is None:
            raise CommandError(NOT_FLOAT)
        if old.is_infinite:
            raise CommandError(_INFINITE_VALUE)
        total = sum_of(old, self.increment)
        applied = self.increment
        is_low = is_less(total, self.lower)
        if is_low or total.is_infinite or is_less(self.upper, total):
            if not saturates:
                return _Outcome(b"", PrintedDouble(format_long_double(old)), PrintedDouble(b"0"), False)
            total = self.lower if is_low else self.upper
            applied = total if total.is_infinite else sum_of(total, negated(old))
            if applied.is_infinite:
                raise CommandError(_APPLIED_INFINITE)
        text = format_long_double(total)
        return _Outcome(text, PrintedDouble(text), PrintedDouble(format_long_double(applied)), True)


def _integer(word: bytes, name: bytes) -> int:
    number = parse_int(word)
    if number is None:
        raise CommandError(b"ERR %b is not an integer or out of range" % name)
    return number


def _float(word: bytes, name: bytes) -> LongDouble:
    number = parse_long_double(word)
    if number is None:
        raise CommandError(b"ERR %b is not a valid float" % name)
    return number


@group.command(
    "INCREX",
    arity=-2,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="8.8.0",
    syntax="key increment=[BYFLOAT float:double | BYINT integer:integer] [SATURATE] [LBOUND lowerbound] "
    "[UBOUND upperbound] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | "
    "PERSIST] [ENX]",
    complexity="O(1)",
)
def increx(ctx: Context, args: list[bytes]) -> object:
    """Add to the number stored at a key, within bounds, and set its expiry; an absent key counts as 0.

    Reply: the value and what was added to it. Beyond a bound, or what the type holds, nothing is changed and 0 was
    added; with SATURATE the bound is stored. ENX: only a key without an expiry gets one.
    Errors: syntax; ENX alone; of the numbers; bounds crossed; invalid expire time; WRONGTYPE; not an integer or float;
    what was added is no 64-bit integer, or infinite. Log: SET key value, with KEEPTTL or PXAT moment; DEL when the
    moment has passed. Source: redis.io/commands/increx.
    """
    request = _Request(args)
    step: _IntegerStep | _FloatStep = _FloatStep(request) if request.is_float else _IntegerStep(request)
    now_ms = ctx.clock.ms
    expire_at_ms = 0
    if request.expiry:
        in_ms = request.expiry[:1] == b"P"
        expire_at_ms = expire_arg(request.expiry_number, in_ms, request.expiry[-2:] == b"AT", now_ms, b"increx")
    key = args[1]
    db = ctx.db
    outcome = step.apply(db.write_string(key), request.saturates)
    if not outcome.is_applied:
        return [outcome.value, outcome.applied]
    has_ttl = db.get_expire(key) != 0
    if request.only_without_ttl and has_ttl:
        expire_at_ms = 0
    if expire_at_ms and expire_at_ms <= now_ms and not db.shared.expire_off:
        ctx.record_nothing()
        if db.delete(key):
            ctx.record([b"DEL", key])
        return [outcome.value, outcome.applied]
    db.set(key, outcome.stored, keep_ttl=True)
    db.changed(key, STRING, b"incrbyfloat" if request.is_float else b"incrby")
    words = [b"SET", key, as_bytes(outcome.stored)]
    if expire_at_ms:
        db.set_expire(key, expire_at_ms)
        db.notify(key, GENERIC, b"expire")
        words += [b"PXAT", b"%d" % expire_at_ms]
    elif request.persists:
        if db.persist(key):
            db.notify(key, GENERIC, b"persist")
    else:
        words.append(b"KEEPTTL")
    ctx.record(words)
    return [outcome.value, outcome.applied]
