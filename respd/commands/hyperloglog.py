"""The HyperLogLog commands. Source: redis.io/commands/?group=hyperloglog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import (
    ACCESS,
    ADMIN,
    DENYOOM,
    FAST,
    INSERT,
    MAY_REPLICATE,
    READONLY,
    RO,
    RW,
    WRITE,
    Group,
    key_range,
    noted,
    one_key,
)
from respd.commands.string_parts import make_raw
from respd.database import Entry, string_of
from respd.datatypes.hyperloglog import (
    DENSE_SIZE,
    CorruptRegisters,
    Union,
    add,
    cached_count,
    count,
    empty,
    forget_count,
    is_sparse,
    is_valid,
    make_dense,
    merge,
    registers,
    remember_count,
)
from respd.datatypes.hyperloglog_sparse import text_of_runs
from respd.datatypes.strings import StringValue
from respd.errors import CommandError, shown
from respd.keyspace_events import STRING
from respd.protocol.replies import OK, Status

if TYPE_CHECKING:
    from respd.context import Context

_NOT_VALID: Final = b"WRONGTYPE Key is not a valid HyperLogLog string value."
_CORRUPT: Final = b"INVALIDOBJ Corrupted HLL object detected"
_NO_KEY: Final = b"ERR The specified key does not exist"
_NOT_SPARSE: Final = b"ERR HLL encoding is not sparse"
_NOT_ON_OR_OFF: Final = b"ERR Argument must be ON or OFF"
_INT64_MIN: Final = -(1 << 63)
_TESTED: Final = 1000
_TOLERANCE: Final = 5 * 1.04 / 128  # five standard errors

group = Group("hyperloglog")


def _valid(entry: Entry) -> bytes | bytearray:
    """Return the entry's HyperLogLog to look at; raise WRONGTYPE, which has two wordings."""
    value: StringValue = string_of(entry)
    if isinstance(value, int) or not is_valid(value):
        raise CommandError(_NOT_VALID)
    return value


def _editable(entry: Entry) -> bytearray:
    """Return the entry's HyperLogLog to be edited in place; raise WRONGTYPE."""
    _valid(entry)
    return make_raw(entry)


@group.command(
    "PFADD",
    arity=-2,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="2.8.9",
    syntax="key [element [element ...]]",
    complexity="O(1) for each element",
)
def pfadd(ctx: Context, args: list[bytes]) -> object:
    """Add elements to a HyperLogLog, which is created when absent.

    Reply: 1 when its estimate may have changed or it is new, else 0. Errors: WRONGTYPE; INVALIDOBJ.
    Source: redis.io/commands/pfadd.
    """
    db = ctx.db
    key = args[1]
    entry = db.write(key)
    changes = 0
    if entry is None:
        data = empty()
        db.add(key, data)
        changes = 1
    else:
        data = _editable(entry)
    sparse_max = ctx.config.hll_sparse_max_bytes
    try:
        for position in range(2, len(args)):
            if add(data, args[position], sparse_max):
                changes += 1
    except CorruptRegisters:
        raise CommandError(_CORRUPT) from None
    if not changes:
        return 0
    forget_count(data)
    db.changed_by(key, STRING, b"pfadd", changes)
    return 1


@group.command(
    "PFCOUNT",
    arity=-2,
    flags=READONLY | MAY_REPLICATE,
    keys=noted(
        key_range(1, -1, 1, RW | ACCESS),
        "RW because a count may be remembered in the value, and replicas are told of it",
    ),
    since="2.8.9",
    syntax="key [key ...]",
    complexity="O(1) for one key whose count is remembered, else O(N) with a large constant, N keys",
)
def pfcount(ctx: Context, args: list[bytes]) -> object:
    """Estimate how many different elements were added to a HyperLogLog, or to several together.

    Reply: the estimate. For one key it is remembered in the value, which counts as a change when it was not yet.
    Errors: WRONGTYPE; INVALIDOBJ. Source: redis.io/commands/pfcount.
    """
    try:
        if len(args) > 2:
            union = Union()
            _merge_keys(ctx, args, union)
            return _signed(union.count())
        entry = ctx.db.read(args[1])
        if entry is None:
            return 0
        data = _editable(entry)
        cardinality = cached_count(data)
        if cardinality < 0:
            cardinality = count(data)
            remember_count(data, cardinality)
            ctx.db.changed(args[1], 0, b"")
        return _signed(cardinality)
    except CorruptRegisters:
        raise CommandError(_CORRUPT) from None


def _merge_keys(ctx: Context, args: list[bytes], union: Union) -> None:
    """Take the HyperLogLogs at all keys into a union. Raises CorruptRegisters."""
    for position in range(1, len(args)):
        entry = ctx.db.read(args[position])
        if entry is not None:
            union.merge(_valid(entry))


def _signed(number: int) -> int:
    """Return an unsigned 64-bit number as Redis prints it: what is beyond all estimates is negative."""
    return number + 2 * _INT64_MIN if number >= -_INT64_MIN else number


@group.command(
    "PFMERGE",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | ACCESS | INSERT) + key_range(2, -1, 1, RO | ACCESS),
    since="2.8.9",
    syntax="destkey [sourcekey [sourcekey ...]]",
    complexity="O(N) with a large constant, where N is the number of keys",
)
def pfmerge(ctx: Context, args: list[bytes]) -> object:
    """Merge HyperLogLogs into one, which may be among them: its estimate is that of the union.

    Reply: OK. It becomes dense when any of them is. Errors: WRONGTYPE; INVALIDOBJ. Event: "pfadd".
    Source: redis.io/commands/pfmerge.
    """
    db = ctx.db
    key = args[1]
    union = Union()
    try:
        _merge_keys(ctx, args, union)
    except CorruptRegisters:
        raise CommandError(_CORRUPT) from None
    entry = db.write(key)
    if entry is None:
        data = empty()
        db.add(key, data)
    else:
        data = make_raw(entry)
    merge(data, union, ctx.config.hll_sparse_max_bytes)
    db.changed(key, STRING, b"pfadd")
    return OK


@group.command(
    "PFDEBUG",
    arity=3,
    flags=WRITE | DENYOOM | ADMIN,
    keys=one_key(RW | ACCESS, 2),
    since="2.8.9",
    syntax="subcommand key",
    complexity="O(N) where N is the size of the value",
)
def pfdebug(ctx: Context, args: list[bytes]) -> object:
    """Look into a HyperLogLog.

    GETREG returns all registers, after making it dense; DECODE the runs of a sparse one; ENCODING its form; TODENSE
    makes it dense and tells whether it was not. SIMD ON or OFF, which in Redis chooses how registers are merged, is
    taken and changes nothing; to another word redis-server 8.0 replies twice, respd once. Errors: no such key;
    WRONGTYPE; INVALIDOBJ; unknown subcommand. Source: redis-server.
    """
    word = args[1].upper()
    if word == b"SIMD":
        choice = args[2].upper()
        if choice not in (b"ON", b"OFF"):
            raise CommandError(_NOT_ON_OR_OFF)
        return Status(b"enabled" if choice == b"ON" else b"disabled")
    entry = ctx.db.write(args[2])
    if entry is None:
        raise CommandError(_NO_KEY)
    data = _editable(entry)
    try:
        if word == b"GETREG":
            if make_dense(data):
                ctx.db.shared.dirty += 1
            return registers(data)
        if word == b"DECODE":
            if not is_sparse(data):
                raise CommandError(_NOT_SPARSE)
            return text_of_runs(bytes(data))
        if word == b"ENCODING":
            return Status(b"sparse" if is_sparse(data) else b"dense")
        if word == b"TODENSE":
            if not make_dense(data):
                return 0
            ctx.db.shared.dirty += 1
            return 1
    except CorruptRegisters:
        raise CommandError(_CORRUPT) from None
    raise CommandError(b"ERR Unknown PFDEBUG subcommand '%b'" % shown(args[1]))


@group.command("PFSELFTEST", arity=1, flags=ADMIN, since="2.8.9", complexity="O(1), some tenths of a second")
def pfselftest(ctx: Context, args: list[bytes]) -> object:
    """Test the registers and the estimates of HyperLogLogs.

    Reply: OK, or an error that tells what is wrong. A sparse and a dense one get the same thousand elements: their
    registers must agree. The estimates of up to ten thousand must be within five standard errors. Source: redis-server.
    """
    sparse = empty()
    dense = empty()
    make_dense(dense)
    checkpoint = 1
    for number in range(1, 10 * _TESTED + 1):
        element = b"%d" % number
        add(dense, element, 0)
        if number <= _TESTED:
            add(sparse, element, DENSE_SIZE)
        if number == checkpoint:
            checkpoint *= 10
            estimate = count(dense)
            if number <= _TESTED and count(sparse) != estimate:
                raise CommandError(b"ERR TESTFAILED dense/sparse disagree at %d elements" % number)
            if abs(estimate - number) > max(1.0, number * _TOLERANCE):
                raise CommandError(b"ERR TESTFAILED Too big error. card:%d estimate:%d" % (number, estimate))
        if number == _TESTED:
            make_dense(sparse)
            if registers(sparse) != registers(dense):
                raise CommandError(b"ERR TESTFAILED registers disagree")
    return OK
