"""DEBUG: what tests and the curious ask of a server. Source: what redis-server answers.

Redis' own test-suite leans on DEBUG, so it answers as redis-server does wherever the question makes sense here. What
concerns machinery that respd has not (a memory allocator, dictionaries that resize, cron jobs to pause) is accepted
without effect when it only tunes, and refused when its answer would be made up.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Final

from respd.access import not_allowed
from respd.arguments import int_arg, positive_int_arg
from respd.command import ADMIN, LOADING, NOSCRIPT, PROTECTED, STALE, Group, Handler
from respd.commands.keys import encoding_of, is_shared
from respd.database import Database
from respd.datatypes import digests
from respd.datatypes.hashes import HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.streams import Stream
from respd.datatypes.strings import as_bytes
from respd.errors import NO_SUCH_KEY, CommandError, shown
from respd.glob import matches
from respd.persistence.append_log import ON
from respd.protocol.replies import OK, Attributes, BigNumber, MapReply, Push, SetReply, Several, Status, Verbatim

if TYPE_CHECKING:
    from respd.context import Context

_UNKNOWN: Final = b"ERR unknown subcommand or wrong number of arguments for '%b'. Try DEBUG HELP."
_REFUSED: Final = b"ERR DEBUG %b is not available in respd"
_PROTOCOL_TYPES: Final = (
    b"ERR Wrong protocol type name. Please use one of the following: "
    b"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
)
_NO_RESP2: Final = b"ERR RESP2 is not supported by this command"
_BAD_THRESHOLD: Final = b"ERR argument must be a memory value bigger than 1 and smaller than 4gb"
_CLUSTER_ONLY: Final = b"ERR Debug option only available for cluster mode enabled setup!"

_MAX_THRESHOLD: Final = 1 << 32
_MEMORY: Final = re.compile(rb"([0-9]+)(|b|k|kb|m|mb|g|gb)", re.IGNORECASE)
_UNITS: Final = {b"k": 1000, b"kb": 1 << 10, b"m": 1000**2, b"mb": 1 << 20, b"g": 1000**3, b"gb": 1 << 30}
_DOUBLE: Final = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_ACCESS_BITS: Final = (1 << 24) - 1
_SHARED: Final = (1 << 31) - 1
_LOG_NOT_LOADED: Final = b"ERR Error trying to load the AOF files, check server logs."
_MANY: Final = 1 << 30
_SMALLEST_TABLE: Final = 4

group = Group("server")


class _Sub:
    """One sub-command: how many words it takes, its name included, what HELP says of it, and what runs it, if any."""

    def __init__(self, name: str, arguments: str, low: int, high: int, about: str, run: Handler | None) -> None:
        self.name: bytes = name.encode()
        self.arguments: bytes = arguments.encode()
        self.low: int = low
        self.high: int = high
        self.about: bytes = about.encode()
        self.run: Handler | None = run


@group.command(
    "DEBUG",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED,
    since="1.0.0",
    complexity="Depends on the sub-command.",
)
def debug(ctx: Context, args: list[bytes]) -> object:
    """Look into the server and meddle with it, for tests.

    Reply: depends on the sub-command. Errors: not allowed by enable-debug-command; unknown sub-command or wrong number
    of arguments. Log: nothing. Source: redis.io/commands/debug.
    """
    refused = not_allowed(ctx.config, ctx.client, b"debug")
    if refused is not None:
        raise refused
    name = args[1].upper()
    for sub in _SUBCOMMANDS:
        if sub.name == name and sub.low <= len(args) - 1 <= sub.high:
            if sub.run is None:
                raise CommandError(_REFUSED % name)
            return sub.run(ctx, args)
    raise CommandError(_UNKNOWN % shown(args[1]))


def _help(ctx: Context, args: list[bytes]) -> object:
    lines: list[object] = [Status(b"DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")]
    for sub in _SUBCOMMANDS:
        if sub.run is not None:
            lines.append(Status(b"%b %b" % (sub.name, sub.arguments) if sub.arguments else sub.name))
            lines.append(Status(b"    " + sub.about))
    return lines


def _accept(ctx: Context, args: list[bytes]) -> object:
    return OK


# -- time and processes


def _sleep(ctx: Context, args: list[bytes]) -> object:
    number = _DOUBLE.match(args[2])
    seconds = float(number[0]) if number is not None else 0.0
    if seconds > 0:
        time.sleep(seconds)
    return OK


def _let_scripts_debug(ctx: Context, args: list[bytes]) -> object:
    number = re.match(rb"\s*[+-]?[0-9]+", args[2])
    ctx.engine.shared.scripts_debug = number is not None and int(number[0]) != 0
    return OK


def _rewrite_all(ctx: Context, args: list[bytes]) -> object:
    from respd.acl_file import user_lines
    from respd.config_rewrite import rewrite_file

    try:
        if not ctx.config.config_file:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        rewrite_file(ctx.config, [] if ctx.config.aclfile else user_lines(ctx.engine.acl), True)
    except OSError as error:
        raise CommandError(b"ERR CONFIG-REWRITE-FORCE-ALL failed: " + str(error.strerror).encode()) from None
    return OK


def _set_active_expire(ctx: Context, args: list[bytes]) -> object:
    number = re.match(rb"\s*[+-]?[0-9]+", args[2])
    ctx.engine.shared.active_expire = number is not None and int(number[0]) != 0
    return OK


def _skip_checksums(ctx: Context, args: list[bytes]) -> object:
    number = re.match(rb"\s*[+-]?[0-9]+", args[2])
    ctx.engine.shared.skips_checksums = number is not None and int(number[0]) != 0
    return OK


def _change_repl_id(ctx: Context, args: list[bytes]) -> object:
    ctx.engine.log.notice("Changing replication IDs after receiving change-repl-id")
    ctx.engine.stats.replication_id = b"%040x" % ctx.random.getrandbits(160)
    return OK


def _log(ctx: Context, args: list[bytes]) -> object:
    ctx.engine.log.warning("DEBUG LOG: " + args[2].decode(errors="replace"))
    return OK


def _stringmatch_test(ctx: Context, args: list[bytes]) -> object:
    random = ctx.random
    for _ in range(1000):
        pattern = bytes(random.choices(b"*?[]\\-^abc\x00", k=random.randrange(12)))
        matches(pattern, bytes(random.choices(b"abc*\x00", k=random.randrange(24))))
    return Status(b"Apparently Redis did not crash: test passed")


def _quicklist_packed_threshold(ctx: Context, args: list[bytes]) -> object:
    found = _MEMORY.fullmatch(args[2])
    if found is None or int(found[1]) * _UNITS.get(found[2].lower(), 1) >= _MAX_THRESHOLD:
        raise CommandError(_BAD_THRESHOLD)
    return OK


def _mark_internal_client(ctx: Context, args: list[bytes]) -> object:
    if len(args) == 3 and args[2].upper() != b"UNMARK":
        raise CommandError(_UNKNOWN % shown(args[1]))
    return OK


def _replybuffer(ctx: Context, args: list[bytes]) -> object:
    name = args[2].upper()
    if name == b"PEAK-RESET-TIME":
        if args[3].upper() not in (b"NEVER", b"RESET"):
            int_arg(args[3])
    elif name != b"RESIZING":
        raise CommandError(_UNKNOWN % shown(args[1]))
    return OK


def _repl_pause(ctx: Context, args: list[bytes]) -> object:
    if args[2].lower() not in (b"clear", b"after-fork", b"before-rdb-channel", b"on-streaming-repl-buf"):
        raise CommandError(_UNKNOWN % shown(args[1]))
    return OK


def _script(ctx: Context, args: list[bytes]) -> object:
    if args[2].upper() != b"LIST":
        raise CommandError(_UNKNOWN % shown(args[1]))
    return OK


def _client_eviction(ctx: Context, args: list[bytes]) -> object:
    raise CommandError(b"ERR maxmemory-clients is disabled.")


def _internal_secret(ctx: Context, args: list[bytes]) -> object:
    raise CommandError(b"ERR Internal secret is missing")


def _clusterlink(ctx: Context, args: list[bytes]) -> object:
    raise CommandError(_CLUSTER_ONLY)


# -- replies


def _error(ctx: Context, args: list[bytes]) -> object:
    raise CommandError(args[2].replace(b"\r", b" ").replace(b"\n", b" "))


def _protocol(ctx: Context, args: list[bytes]) -> object:
    match args[2].lower():
        case b"string":
            return b"Hello World"
        case b"integer":
            return 12345
        case b"double":
            return 3.141
        case b"null":
            return None
        case b"array":
            return [0, 1, 2]
        case b"set":
            return SetReply([0, 1, 2])
        case b"map":
            return MapReply([0, False, 1, True, 2, False])
        case b"attrib":
            return Attributes([b"key-popularity", [b"key:123", 90]], b"Some real reply following the attribute")
        case b"push":
            return _pushed(ctx)
        case b"true":
            return True
        case b"false":
            return False
        case b"verbatim":
            return Verbatim(b"txt", b"This is a verbatim\nstring")
        case b"bignum":
            return BigNumber(b"1234567999999999999999999999999999999")
    raise CommandError(_PROTOCOL_TYPES)


def _pushed(ctx: Context) -> object:
    """A push comes after the reply of the command, or of the transaction, that makes it."""
    client = ctx.client
    if client.resp == 2:
        raise CommandError(_NO_RESP2)
    reply = b"Some real reply following the push reply"
    items: list[object] = [b"server-cpu-usage", 42]
    if client.held is None:
        return Several([reply, Push(items)])
    ctx.push(items)
    return reply


# -- data


def _value(ctx: Context, key: bytes) -> object:
    """Return the value at a key without a trace; raise NO_SUCH_KEY."""
    entry = ctx.db.peek(key)
    if entry is None:
        raise CommandError(NO_SUCH_KEY)
    return entry.value


def _digest(ctx: Context, args: list[bytes]) -> object:
    whole = digests.NOTHING
    for db in ctx.engine.databases:
        if db.size() == 0:
            continue
        whole = digests.mix(whole, digests.number(db.index))
        keys = db.keys()
        for key in keys:
            whole = digests.add(whole, _key_digest(db, key, digests.mix(digests.NOTHING, key)))
    return Status(whole.hex().encode())


def _digest_value(ctx: Context, args: list[bytes]) -> object:
    found: list[object] = []
    for index in range(2, len(args)):
        found.append(Status(_key_digest(ctx.db, args[index], digests.NOTHING).hex().encode()))
    return found


def _key_digest(db: Database, key: bytes, start: bytes) -> bytes:
    entry = db.peek(key)
    if entry is None:
        return start
    return digests.value_digest(entry.value, entry.expire_at_ms != 0, start)


def _object(ctx: Context, args: list[bytes]) -> object:
    value = _value(ctx, args[2])
    idle_s = ctx.db.idle_s(ctx.db.entries[args[2]])
    text = b"Value at:0x%x refcount:%d encoding:%b serializedlength:%d lru:%d lru_seconds_idle:%d" % (
        id(value),
        _SHARED if is_shared(ctx, value) else 1,
        encoding_of(value),
        _serialized_size(value),
        (int(ctx.clock.ms) // 1000 - idle_s) & _ACCESS_BITS,
        idle_s,
    )
    if isinstance(value, ListValue) and value.encoding() == b"quicklist":
        nodes = int(value.node_count())
        text += b" ql_nodes:%d ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:0 ql_uncompressed_size:%d" % (
            nodes,
            len(value) / nodes,
            ctx.limits.list_max_size,
            value.packed_size(),
        )
    return Status(text)


def _serialized_size(value: object) -> int:
    """Return about how many bytes the value takes in a snapshot without compression; exact for strings."""
    if isinstance(value, ListValue):
        return _text_sizes(value.to_list())
    if isinstance(value, SetValue):
        return _text_sizes(value.members())
    if isinstance(value, SortedSet):
        return _text_sizes([element.member for element in value.unordered()]) + 8 * len(value)
    if isinstance(value, HashValue):
        return _text_sizes(value.items())
    if isinstance(value, Stream):
        return value.node_bytes()
    if isinstance(value, int):
        for size in (1, 2, 4):
            if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
                return size + 1
    assert isinstance(value, (bytes, int, bytearray))
    return _text_size(as_bytes(value))


def _text_sizes(texts: list[bytes]) -> int:
    return _length_size(len(texts)) + sum(_text_size(text) for text in texts)


def _text_size(text: bytes) -> int:
    return _length_size(len(text)) + len(text)


def _length_size(length: int) -> int:
    return 1 if length < 1 << 6 else 2 if length < 1 << 14 else 5


def _sdslen(ctx: Context, args: list[bytes]) -> object:
    value = _value(ctx, args[2])
    if not isinstance(value, (bytes, bytearray)):
        raise CommandError(b"ERR Not an sds encoded string.")
    key = args[2]
    return Status(
        b"key_sds_len:%d, key_sds_avail:0, key_zmalloc: %d, val_sds_len:%d, val_sds_avail:0, val_zmalloc: %d"
        % (len(key), sys.getsizeof(key), len(value), sys.getsizeof(value))
    )


def _listpack(ctx: Context, args: list[bytes]) -> object:
    value = _value(ctx, args[2])
    encoding = encoding_of(value)
    if not encoding.startswith(b"listpack"):
        raise CommandError(b"ERR Not a listpack encoded object.")
    ctx.engine.log.raw(f"{encoding.decode()} of {_members(value)} members, about {_serialized_size(value)} bytes\n")
    return Status(b"Listpack structure printed on stdout")


def _quicklist(ctx: Context, args: list[bytes]) -> object:
    value = _value(ctx, args[2])
    if not isinstance(value, ListValue) or value.encoding() != b"quicklist":
        raise CommandError(b"ERR Not a quicklist encoded object.")
    ctx.engine.log.raw(f"quicklist of {len(value)} elements in {int(value.node_count())} nodes\n")
    return Status(b"Quicklist structure printed on stdout")


def _members(value: object) -> int:
    if isinstance(value, (ListValue, SetValue, SortedSet, HashValue)):
        return len(value)
    return 0


def _htstats(ctx: Context, args: list[bytes]) -> object:
    number = int_arg(args[2])
    databases = ctx.engine.databases
    if not 0 <= number < len(databases):
        raise CommandError(b"ERR Out of range database")
    db = databases[number]
    return Verbatim(
        b"txt", b"[Dictionary HT]\n%b[Expires HT]\n%b" % (_table_stats(db.size()), _table_stats(int(db.volatile)))
    )


def _htstats_key(ctx: Context, args: list[bytes]) -> object:
    value = _value(ctx, args[2])
    if encoding_of(value) not in (b"hashtable", b"skiplist"):
        raise CommandError(b"ERR The value stored at the specified key is not represented using an hash table")
    return Verbatim(b"txt", _table_stats(_members(value)))


def _table_stats(count: int) -> bytes:
    """Describe the table that redis-server would have for `count` members. Ours has no chains to tell of."""
    if count == 0:
        return b""
    size = _SMALLEST_TABLE
    while size < count:
        size *= 2
    return b"Hash table 0 stats (main hash table):\n table size: %d\n number of elements: %d\n" % (size, count)


def _reload(ctx: Context, args: list[bytes]) -> object:
    """RELOAD: replies "ERR" when saving fails."""
    from respd.persistence.loading import LoadError, reload_snapshot

    options = [word.lower() for word in args[2:]]
    for option in options:
        if option not in (b"merge", b"noflush", b"nosave"):
            raise CommandError(b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    engine = ctx.engine
    if b"nosave" not in options and not engine.snapshots.save():
        raise CommandError(b"ERR")
    if b"noflush" not in options:
        engine.libraries.flush()
        for db in engine.databases:
            db.flush()
    try:
        reload_snapshot(engine, b"merge" in options)
    except LoadError:
        raise CommandError(b"ERR Error trying to load the RDB dump, check server logs.") from None
    engine.log.notice("DB reloaded by DEBUG RELOAD")
    return OK


def _loadaof(ctx: Context, args: list[bytes]) -> object:
    """LOADAOF: the data is then what the append-only file says; without one, an error, and the data is gone."""
    from respd.persistence.log_directory import LogFileError
    from respd.persistence.log_loader import LogLoader

    engine = ctx.engine
    append_log = engine.append_log
    effects = engine.effects
    was_on = effects.is_on
    if append_log.state == ON:
        append_log.flush(True)
    effects.stop()  # what is loaded is in the log
    engine.libraries.flush()
    for db in engine.databases:
        db.flush()
    try:
        append_log.directory.load()
        if append_log.directory.manifest.is_empty():
            raise CommandError(_LOG_NOT_LOADED)
        loader = LogLoader(engine)
        engine.begin_loading(loader)
        while not loader.step(1.0):
            pass
    except LogFileError:
        raise CommandError(_LOG_NOT_LOADED) from None
    finally:
        engine.end_loading()
        if was_on:
            effects.start()
    engine.shared.dirty = 0
    ctx.record_nothing()
    engine.log.notice("Append Only File loaded by DEBUG LOADAOF")
    return OK


def _populate(ctx: Context, args: list[bytes]) -> object:
    count = positive_int_arg(args[2])
    prefix = args[3] if len(args) > 3 else b"key"
    size = positive_int_arg(args[4]) if len(args) > 4 else 0
    db = ctx.db
    for index in range(count):
        key = b"%b:%d" % (prefix, index)
        if db.peek(key) is not None:
            continue
        value = b"value:%d" % index
        db.add(key, value[:size].ljust(size, b"\0") if size else value)
        db.touch(key)
    return OK


_SUBCOMMANDS: Final = [
    _Sub("AOF-FLUSH-SLEEP", "<microseconds>", 2, 2, "Accepted without effect.", _accept),
    _Sub("CHANGE-REPL-ID", "", 1, 1, "Take a new replication ID.", _change_repl_id),
    _Sub("CLIENT-EVICTION", "", 1, 1, "Tell of the pools for evicting clients: there are none.", _client_eviction),
    _Sub("CLUSTERLINK", "KILL <to|from|all> <node-id>", 4, 4, "Needs cluster mode.", _clusterlink),
    _Sub("DICT-RESIZING", "<0|1>", 2, 2, "Accepted without effect.", _accept),
    _Sub("DIGEST", "", 1, 1, "Return a digest of all data, equal on servers that hold the same.", _digest),
    _Sub("DIGEST-VALUE", "<key> [<key> ...]", 1, _MANY, "Return the digest of each key's value.", _digest_value),
    _Sub("DROP-CLUSTER-PACKET-FILTER", "<packet-type>", 2, 2, "Accepted without effect.", _accept),
    _Sub("ERROR", "<text>", 2, 2, "Reply with this text as an error.", _error),
    _Sub("HTSTATS", "<dbid> [full]", 2, _MANY, "Tell the sizes of a database's tables.", _htstats),
    _Sub("HTSTATS-KEY", "<key> [full]", 2, _MANY, "Tell the size of the table inside a value.", _htstats_key),
    _Sub("INTERNAL_SECRET", "", 1, 1, "Return the secret of the cluster: there is none.", _internal_secret),
    _Sub("LISTPACK", "<key>", 2, 2, "Describe a small collection in the server's log.", _listpack),
    _Sub("LOG", "<message>", 2, 2, "Write a message into the server's log.", _log),
    _Sub("MARK-INTERNAL-CLIENT", "[UNMARK]", 1, 2, "Accepted without effect.", _mark_internal_client),
    _Sub("OBJECT", "<key>", 2, 2, "Describe a value: encoding, size in a snapshot, last access.", _object),
    _Sub("PAUSE-CRON", "<0|1>", 2, 2, "Accepted without effect.", _accept),
    _Sub(
        "POPULATE",
        "<count> [<prefix>] [<size>]",
        2,
        4,
        "Create string keys <prefix>:<number>, not logged; with a size, values are cut or filled up to it.",
        _populate,
    ),
    _Sub(
        "PROTOCOL",
        "<type>",
        2,
        2,
        "Reply with a value of a type: string, integer, double, bignum, null, array, set, map, attrib, push, verbatim, "
        "true or false.",
        _protocol,
    ),
    _Sub("QUICKLIST", "<key> [<0|1>]", 2, 3, "Describe a long list in the server's log.", _quicklist),
    _Sub("QUICKLIST-PACKED-THRESHOLD", "<size>", 2, 2, "Accepted without effect.", _quicklist_packed_threshold),
    _Sub(
        "LOADAOF", "", 1, 1, "Write what is due to the append-only file, forget all data and load that file.", _loadaof
    ),
    _Sub(
        "RELOAD",
        "[MERGE] [NOFLUSH] [NOSAVE]",
        1,
        _MANY,
        "Take a snapshot, forget all data and load the snapshot. NOSAVE takes none, NOFLUSH forgets nothing, and with "
        "MERGE keys of the snapshot replace others.",
        _reload,
    ),
    _Sub("REPL-PAUSE", "<point>", 2, 2, "Accepted without effect.", _repl_pause),
    _Sub("REPLICATE", "<word> [<word> ...]", 2, _MANY, "Accepted without effect: there are no replicas.", _accept),
    _Sub("REPLYBUFFER", "PEAK-RESET-TIME <time> | RESIZING <0|1>", 3, 3, "Accepted without effect.", _replybuffer),
    _Sub("SCRIPT", "LIST", 2, 2, "Write the scripts into the server's log: there are none.", _script),
    _Sub("SDSLEN", "<key>", 2, 2, "Return the sizes of a key and of its string.", _sdslen),
    _Sub(
        "SET-ACTIVE-EXPIRE",
        "<0|1>",
        2,
        2,
        "Expire keys and fields by themselves, or only when met.",
        _set_active_expire,
    ),
    _Sub("CONFIG-REWRITE-FORCE-ALL", "", 1, 1, "Write every directive to the configuration file.", _rewrite_all),
    _Sub("SET-DISABLE-DENY-SCRIPTS", "<0|1>", 2, 2, "Let scripts call DEBUG, or not.", _let_scripts_debug),
    _Sub(
        "SET-SKIP-CHECKSUM-VALIDATION",
        "<0|1>",
        2,
        2,
        "Load snapshots and payloads of RESTORE whatever their checksums say, or not.",
        _skip_checksums,
    ),
    _Sub("SLEEP", "<seconds>", 2, 2, "Do nothing at all for a while; fractions are allowed.", _sleep),
    _Sub("STRINGMATCH-TEST", "", 1, 1, "Try patterns at random.", _stringmatch_test),
    _Sub("HELP", "", 1, 1, "Return these lines.", _help),
    _Sub("ASSERT", "", 1, _MANY, "", None),
    _Sub("CRASH-AND-RECOVER", "", 1, _MANY, "", None),
    _Sub("LEAK", "", 2, 2, "", None),
    _Sub("MALLCTL", "", 2, 3, "", None),
    _Sub("MALLCTL-STR", "", 2, 3, "", None),
    _Sub("OOM", "", 1, _MANY, "", None),
    _Sub("PANIC", "", 1, _MANY, "", None),
    _Sub("RESTART", "", 1, _MANY, "", None),
    _Sub("SEGFAULT", "", 1, _MANY, "", None),
    _Sub("STRUCTSIZE", "", 1, 1, "", None),
]
