"""The bitmap commands: strings seen as arrays of bits. Source: redis.io/commands/?group=bitmap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg
from respd.command import (
    ACCESS,
    DENYOOM,
    FAST,
    OW,
    READONLY,
    RO,
    RW,
    UPDATE,
    VARIABLE_FLAGS,
    WRITE,
    Group,
    key_range,
    noted,
    one_key,
)
from respd.commands.string_parts import make_raw
from respd.datatypes.bits import (
    AND,
    ANDOR,
    DIFF,
    DIFF1,
    FAIL,
    ONE,
    OR,
    SAT,
    WRAP,
    XOR,
    Bits,
    combine,
    count_bits,
    find_bit,
    fit_signed,
    fit_unsigned,
    get_bit,
    get_field,
    grow,
    invert,
    set_bit,
    set_field,
)
from respd.datatypes.strings import INT64_MIN, parse_int, view_of
from respd.errors import SYNTAX, CommandError
from respd.keyspace_events import STRING

if TYPE_CHECKING:
    from respd.context import Context

_BAD_OFFSET: Final = b"ERR bit offset is not an integer or out of range"
_BAD_BIT: Final = b"ERR bit is not an integer or out of range"
_NOT_A_BIT: Final = b"ERR The bit argument must be 1 or 0."
_NOT_ONE_SOURCE: Final = b"ERR BITOP NOT must be called with a single source key."
_BAD_TYPE: Final = b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
_BAD_OVERFLOW: Final = b"ERR Invalid OVERFLOW type specified"
_READ_ONLY: Final = b"ERR BITFIELD_RO only supports the GET subcommand"

_MAX_SIGNED: Final = 64
_MAX_UNSIGNED: Final = 63
_OPERATIONS: Final[dict[bytes, int]] = {
    b"AND": AND,
    b"OR": OR,
    b"XOR": XOR,
    b"DIFF": DIFF,
    b"DIFF1": DIFF1,
    b"ANDOR": ANDOR,
    b"ONE": ONE,
}
_OVERFLOWS: Final[dict[bytes, int]] = {b"WRAP": WRAP, b"SAT": SAT, b"FAIL": FAIL}

_GET: Final = 0
_SET: Final = 1
_INCRBY: Final = 2

group = Group("bitmap")


def _offset_arg(ctx: Context, word: bytes, width: int = 0) -> int:
    """Read a bit's position; with the `width` of a field, `#N` counts fields instead (in 64 bits, as Redis reckons)."""
    counts_fields = width > 0 and word[:1] == b"#"
    number = parse_int(word[1:] if counts_fields else word)
    if number is None:
        raise CommandError(_BAD_OFFSET)
    if counts_fields:
        number = (number * width - INT64_MIN) % (1 << 64) + INT64_MIN
    if number < 0 or number >> 3 >= ctx.config.proto_max_bulk_len:
        raise CommandError(_BAD_OFFSET)
    return number


def _read_bits(ctx: Context, key: bytes) -> Bits:
    """The string at `key` for reading, empty when absent."""
    value = ctx.db.read_string(key)
    return b"" if value is None else view_of(value)


@group.command(
    "GETBIT",
    arity=3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.2.0",
    syntax="key offset",
    complexity="O(1)",
)
def getbit(ctx: Context, args: list[bytes]) -> object:
    """Return one bit of a string.

    Reply: 0 or 1, 0 beyond the end. Errors: bad offset; WRONGTYPE. Source: redis.io/commands/getbit.
    """
    position = _offset_arg(ctx, args[2])
    return get_bit(_read_bits(ctx, args[1]), position)


@group.command(
    "SETBIT",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | ACCESS | UPDATE),
    since="2.2.0",
    syntax="key offset value:integer",
    complexity="O(1)",
)
def setbit(ctx: Context, args: list[bytes]) -> object:
    """Store one bit of a string, which grows with zero bytes as needed.

    Reply: the bit that was there. A bit that stays what it was, in a string that does not grow, is no change.
    Errors: bad offset; bad bit; WRONGTYPE. Source: redis.io/commands/setbit.
    """
    position = _offset_arg(ctx, args[2])
    bit = parse_int(args[3])
    if bit is None or bit & ~1:
        raise CommandError(_BAD_BIT)
    key = args[1]
    data, grew = _open_bits(ctx, key, (position >> 3) + 1)
    old = set_bit(data, position, bit)
    if grew or old != bit:
        ctx.db.changed(key, STRING, b"setbit")
    return old


def _open_bits(ctx: Context, key: bytes, size: int) -> tuple[bytearray, bool]:
    """Return the string at `key` to be edited in place, made `size` bytes long at least, and whether it grew."""
    db = ctx.db
    entry = db.write(key)
    if entry is None:
        data = bytearray(size)
        db.add(key, data)
        return data, True
    data = make_raw(entry)
    return data, grow(data, size)


@group.command(
    "BITCOUNT",
    arity=-2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.6.0",
    syntax="key [start end [BYTE | BIT]]",
    complexity="O(N)",
    history=(("7.0.0", "Ranges may be given in bits: `BYTE|BIT`."),),
)
def bitcount(ctx: Context, args: list[bytes]) -> object:
    """Count the set bits of a string, or of a range in bytes or bits.

    Reply: a count. Errors: syntax; not an integer; WRONGTYPE. Source: redis.io/commands/bitcount.
    """
    count = len(args)
    if count == 2:
        data = _read_bits(ctx, args[1])
        return count_bits(data, 0, 8 * len(data) - 1)
    if count not in (4, 5):
        raise CommandError(SYNTAX)
    start = int_arg(args[2])
    end = int_arg(args[3])
    in_bits = count == 5 and _is_bit_unit(args[4])
    data = _read_bits(ctx, args[1])
    if start < 0 and end < 0 and start > end:
        return 0
    first, last = _bit_range(len(data), start, end, in_bits)
    return count_bits(data, first, last)


def _is_bit_unit(word: bytes) -> bool:
    unit = word.upper()
    if unit == b"BIT":
        return True
    if unit == b"BYTE":
        return False
    raise CommandError(SYNTAX)


def _bit_range(size: int, start: int, end: int, in_bits: bool) -> tuple[int, int]:
    """Return the first and last bit that `start` and `end` (negative: from the end) name; first > last for none."""
    total = 8 * size if in_bits else size
    if start < 0:
        start = max(start + total, 0)
    if end < 0:
        end = max(end + total, 0)
    end = min(end, total - 1)
    if in_bits:
        return start, end
    return 8 * start, 8 * end + 7


@group.command(
    "BITPOS",
    arity=-3,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.8.7",
    syntax="key bit [start [end [BYTE | BIT]]]",
    complexity="O(N)",
    history=(("7.0.0", "Ranges may be given in bits: `BYTE|BIT`."),),
)
def bitpos(ctx: Context, args: list[bytes]) -> object:
    """Find the first bit that is set, or clear, in a string or a range of it.

    Reply: its position in the string, -1 for none. Without an end the string counts as followed by clear bits.
    Errors: bit not 0 or 1; syntax; not an integer; WRONGTYPE. Source: redis.io/commands/bitpos.
    """
    bit = int_arg(args[2])
    if bit & ~1:
        raise CommandError(_NOT_A_BIT)
    count = len(args)
    if count > 6:
        raise CommandError(SYNTAX)
    start = int_arg(args[3]) if count > 3 else 0
    in_bits = count == 6 and _is_bit_unit(args[5])
    end = int_arg(args[4]) if count > 4 else -1
    value = ctx.db.read_string(args[1])
    if value is None:
        return -1 if bit else 0
    data = view_of(value)
    first, last = _bit_range(len(data), start, end, in_bits)
    if first > last:
        return -1
    found = find_bit(data, bit, first, last)
    if found < 0 and bit == 0 and count < 5:
        return 8 * len(data)
    return found


@group.command(
    "BITOP",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE, at=2) + key_range(3, -1, 1, RO | ACCESS),
    since="2.6.0",
    syntax="operation=<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
    complexity="O(N)",
    history=(("8.2.0", "Takes `DIFF`, `DIFF1`, `ANDOR` and `ONE`."),),
)
def bitop(ctx: Context, args: list[bytes]) -> object:
    """Combine strings bit by bit and store the result; absent keys and missing bytes count as zeros.

    Reply: the length of the result; when it is empty the destination is deleted. Errors: syntax; NOT with several
    sources; DIFF, DIFF1 and ANDOR with a single one; WRONGTYPE. Log: as sent; what came with Redis 8.2 as SET or DEL.
    Source: redis.io/commands/bitop.
    """
    name = args[1].upper()
    operation = _OPERATIONS.get(name, -1)
    if operation < 0:
        if name != b"NOT":
            raise CommandError(SYNTAX)
        if len(args) != 4:
            raise CommandError(_NOT_ONE_SOURCE)
    elif DIFF <= operation <= ANDOR and len(args) == 4:
        raise CommandError(b"ERR BITOP %b must be called with at least two source keys." % name)
    sources: list[Bits] = []
    for key in args[3:]:
        sources.append(_read_bits(ctx, key))
    result = invert(sources[0]) if operation < 0 else combine(operation, sources)
    db = ctx.db
    target = args[2]
    if result:
        db.set(target, result)
        db.changed(target, STRING, b"set")
        if operation > XOR and ctx.effects.is_on:
            ctx.record([b"SET", target, bytes(result)])
    elif db.delete(target) and operation > XOR:
        ctx.record([b"DEL", target])
    return len(result)


@final
class _FieldStep:
    """One operation of BITFIELD: `number` is the value of SET or the increment of INCRBY."""

    def __init__(self, action: int, position: int, width: int, signed: bool, number: int, overflow: int) -> None:
        self.action: int = action
        self.position: int = position
        self.width: int = width
        self.signed: bool = signed
        self.number: int = number
        self.overflow: int = overflow


@group.command(
    "BITFIELD",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=noted(
        one_key(RW | ACCESS | UPDATE | VARIABLE_FLAGS), "This command allows both access and modification of the key"
    ),
    since="3.2.0",
    syntax="key [operation=<GET encoding offset | write=([OVERFLOW <WRAP | SAT | FAIL>] "
    "<SET encoding offset value:integer | INCRBY encoding offset increment>)> ...]",
    complexity="O(1) for each operation.",
)
def bitfield(ctx: Context, args: list[bytes]) -> object:
    """Read, store and increment integers of any width at any bit of a string.

    Reply: per operation the value read, the old value (SET), the sum (INCRBY), or null on OVERFLOW FAIL.
    Errors: syntax; bad type, offset or OVERFLOW; not an integer; WRONGTYPE. Source: redis.io/commands/bitfield.
    """
    steps = _read_steps(ctx, args, False)
    size = 0
    for step in steps:
        if step.action != _GET:
            size = max(size, (step.position + step.width + 7) >> 3)
    if size == 0:
        return _read_fields(ctx, args[1], steps)
    key = args[1]
    data, grew = _open_bits(ctx, key, size)
    replies: list[object] = []
    changes = 0
    for step in steps:
        old = get_field(data, step.position, step.width, step.signed)
        if step.action == _GET:
            replies.append(old)
            continue
        new = _fitted(step, old)
        if new is None:
            replies.append(None)
            continue
        set_field(data, step.position, step.width, new)
        replies.append(old if step.action == _SET else new)
        if grew or new != old:
            changes += 1
    if changes:
        ctx.db.changed_by(key, STRING, b"setbit", changes)
    return replies


@group.command(
    "BITFIELD_RO",
    arity=-2,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="6.0.0",
    syntax="key [GET encoding offset [GET encoding offset ...]]",
    complexity="O(1) for each operation.",
)
def bitfield_ro(ctx: Context, args: list[bytes]) -> object:
    """Read integers of any width at any bit of a string.

    Reply: the values. Errors: as BITFIELD; operations other than GET. Source: redis.io/commands/bitfield_ro.
    """
    return _read_fields(ctx, args[1], _read_steps(ctx, args, True))


def _read_fields(ctx: Context, key: bytes, steps: list[_FieldStep]) -> list[object]:
    data = _read_bits(ctx, key)
    replies: list[object] = []
    for step in steps:
        replies.append(get_field(data, step.position, step.width, step.signed))
    return replies


def _fitted(step: _FieldStep, old: int) -> int | None:
    """The value a step stores, None when OVERFLOW FAIL forbids it."""
    value, increment = (step.number, 0) if step.action == _SET else (old, step.number)
    if step.signed:
        return fit_signed(value, increment, step.width, step.overflow)
    return fit_unsigned(value, increment, step.width, step.overflow)


def _read_steps(ctx: Context, args: list[bytes], only_get: bool) -> list[_FieldStep]:
    steps: list[_FieldStep] = []
    overflow = WRAP
    has_write = False
    index = 2
    count = len(args)
    while index < count:
        word = args[index].upper()
        left = count - index - 1
        if word == b"GET" and left >= 2:
            action = _GET
        elif word == b"SET" and left >= 3:
            action = _SET
        elif word == b"INCRBY" and left >= 3:
            action = _INCRBY
        elif word == b"OVERFLOW" and left >= 1:
            overflow = _OVERFLOWS.get(args[index + 1].upper(), -1)
            if overflow < 0:
                raise CommandError(_BAD_OVERFLOW)
            index += 2
            continue
        else:
            raise CommandError(SYNTAX)
        signed, width = _field_type(args[index + 1])
        position = _offset_arg(ctx, args[index + 2], width)
        number = 0
        if action != _GET:
            has_write = True
            number = int_arg(args[index + 3])
        steps.append(_FieldStep(action, position, width, signed, number, overflow))
        index += 3 if action == _GET else 4
    if only_get and has_write:
        raise CommandError(_READ_ONLY)
    return steps


def _field_type(word: bytes) -> tuple[bool, int]:
    """Read `i<bits>` or `u<bits>`; return whether it is signed, and its width."""
    signed = word[:1] == b"i"
    if signed or word[:1] == b"u":
        width = parse_int(word[1:])
        if width is not None and 1 <= width <= (_MAX_SIGNED if signed else _MAX_UNSIGNED):
            return signed, width
    raise CommandError(_BAD_TYPE)
