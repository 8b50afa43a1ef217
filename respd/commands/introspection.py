"""COMMAND and its sub-commands: what the server tells about its own commands, read from their declarations.

Source: redis.io/commands/command, command-docs, command-getkeys, command-list, and "Command key specifications".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import (
    BEGIN_INDEX,
    BEGIN_KEYWORD,
    BEGIN_UNKNOWN,
    FIND_KEYNUM,
    FIND_RANGE,
    FIND_UNKNOWN,
    FLAG_NAMES,
    INCOMPLETE,
    KEY_FLAG_NAMES,
    LOADING,
    MOVABLE_KEYS,
    NO_MANDATORY_KEYS,
    NOT_KEY,
    STALE,
    Command,
    Group,
    KeySpec,
)
from respd.command_keys import keys_of
from respd.errors import SYNTAX, CommandError
from respd.glob import matches
from respd.protocol.replies import MapReply, SetReply, Status
from respd.syntax import Argument, parse

if TYPE_CHECKING:
    from respd.context import Context

group = Group("server")

_CONNECTION: Final = ("connection",)
_PLAIN: Final = LOADING | STALE
_ANY_ORDER: Final = ("nondeterministic_output_order",)
_INVALID_COMMAND: Final = b"ERR Invalid command specified"
_NO_KEYS: Final = b"ERR The command has no key arguments"
_INVALID_NUMBER: Final = b"ERR Invalid number of arguments specified for command"
_INVALID_ARGUMENTS: Final = b"ERR Invalid arguments specified for command"

# The order in which a command's categories are listed.
_CATEGORY_ORDER: Final = (
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
    "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
)  # fmt: skip

_NO_LAST_KEY: Final = 1 << 40


class KeyRange:
    """The keys of a command as older clients see them: first, last and step, and whether that misses some."""

    def __init__(self, first: int, last: int, step: int, is_partial: bool) -> None:
        self.first: int = first
        self.last: int = last
        self.step: int = step
        self.is_partial: bool = is_partial


def key_range_of(command: Command) -> KeyRange:
    """Sum up a command's key specifications in one range of positions, as far as that can be done."""
    specs = command.declaration.keys
    if not specs:
        return KeyRange(0, 0, 0, False)
    if len(specs) == 1 and _is_plain_range(specs[0]):
        return KeyRange(specs[0].index, _last_of(specs[0]), specs[0].step, bool(specs[0].flags & INCOMPLETE))
    first = _NO_LAST_KEY
    last = 0
    is_partial = False
    for spec in specs:
        if not _is_plain_range(spec) or spec.step != 1 or (last and last != spec.index - 1):
            is_partial = True
            continue
        if spec.flags & INCOMPLETE:
            is_partial = True
        first = min(first, spec.index)
        end = _last_of(spec)
        last = end if end < 0 or last < 0 else max(last, end)
    if first == _NO_LAST_KEY:
        return KeyRange(0, 0, 0, is_partial)
    return KeyRange(first, last, 1, is_partial)


def _is_plain_range(spec: KeySpec) -> bool:
    return spec.begin == BEGIN_INDEX and spec.find == FIND_RANGE


def _last_of(spec: KeySpec) -> int:
    """Return the absolute position of the last key, negative when counted from the end."""
    return spec.last if spec.last < 0 else spec.index + spec.last


def _statuses(names: list[bytes]) -> SetReply:
    items: list[object] = []
    for name in names:
        items.append(Status(name))
    return SetReply(items)


def _names(flags: int, table: tuple[tuple[int, bytes], ...]) -> list[bytes]:
    return [name for bit, name in table if flags & bit]


def _texts(words: tuple[str, ...]) -> list[object]:
    return [word.encode() for word in words]


def describe(command: Command) -> list[object]:
    """Return the ten fields of COMMAND INFO."""
    declaration = command.declaration
    keys = key_range_of(command)
    flags = declaration.flags | (MOVABLE_KEYS if keys.is_partial else 0)
    categories = sorted(declaration.categories(), key=_CATEGORY_ORDER.index)
    subcommands: list[object] = []
    if command.subcommands is not None:
        for sub in command.subcommands.values():
            subcommands.append(describe(sub))
    specs: list[object] = []
    for spec in declaration.keys:
        specs.append(_describe_keys(spec))
    return [
        command.name,
        declaration.arity,
        _statuses(_names(flags, FLAG_NAMES)),
        keys.first,
        keys.last,
        keys.step,
        _statuses([b"@" + name.encode() for name in categories]),
        SetReply(_texts(declaration.tips)),
        SetReply(specs),
        SetReply(subcommands),
    ]


def _describe_keys(spec: KeySpec) -> MapReply:
    flat: list[object] = []
    if spec.notes:
        flat += [b"notes", spec.notes.encode()]
    flat += [b"flags", _statuses(_names(spec.flags, KEY_FLAG_NAMES))]
    if spec.begin == BEGIN_KEYWORD:
        begin: list[object] = [b"keyword", spec.keyword, b"startfrom", spec.start_from]
        flat += [b"begin_search", MapReply([b"type", b"keyword", b"spec", MapReply(begin)])]
    elif spec.begin == BEGIN_UNKNOWN:
        flat += [b"begin_search", MapReply([b"type", b"unknown", b"spec", MapReply([])])]
    else:
        flat += [b"begin_search", MapReply([b"type", b"index", b"spec", MapReply([b"index", spec.index])])]
    if spec.find == FIND_KEYNUM:
        found: list[object] = [
            b"keynumidx", spec.key_count_index, b"firstkey", spec.first, b"keystep", spec.step,
        ]  # fmt: skip
        flat += [b"find_keys", MapReply([b"type", b"keynum", b"spec", MapReply(found)])]
    elif spec.find == FIND_UNKNOWN:
        flat += [b"find_keys", MapReply([b"type", b"unknown", b"spec", MapReply([])])]
    else:
        found = [b"lastkey", spec.last, b"keystep", spec.step, b"limit", spec.limit]
        flat += [b"find_keys", MapReply([b"type", b"range", b"spec", MapReply(found)])]
    return MapReply(flat)


def document(command: Command) -> MapReply:
    """Return COMMAND DOCS' map about a command and its sub-commands."""
    declaration = command.declaration
    flat: list[object] = [
        b"summary", declaration.summary().encode(),
        b"since", declaration.since.encode(),
        b"group", declaration.group.encode(),
    ]  # fmt: skip
    if declaration.complexity:
        flat += [b"complexity", declaration.complexity.encode()]
    if declaration.deprecated is not None:
        since, replacement = declaration.deprecated
        flat += [b"doc_flags", _statuses([b"deprecated"]), b"deprecated_since", since.encode()]
        if replacement:
            flat += [b"replaced_by", replacement.encode()]
    if declaration.history:
        changes: list[object] = []
        for version, change in declaration.history:
            changes.append([version.encode(), change.encode()])
        flat += [b"history", SetReply(changes)]
    if declaration.syntax:
        flat += [b"arguments", _document_arguments(parse(declaration.syntax, len(declaration.keys)))]
    if command.subcommands:
        subcommands: list[object] = []
        for sub in command.subcommands.values():
            subcommands += [sub.name, document(sub)]
        flat += [b"subcommands", MapReply(subcommands)]
    return MapReply(flat)


def _document_arguments(arguments: list[Argument]) -> list[object]:
    result: list[object] = []
    for argument in arguments:
        flat: list[object] = [b"name", argument.name.encode(), b"type", argument.kind.encode()]
        if not argument.is_group():
            flat += [b"display_text", argument.display.encode()]
        if argument.key_spec_index >= 0:
            flat += [b"key_spec_index", argument.key_spec_index]
        if argument.token is not None:
            flat += [b"token", argument.token.encode()]
        flags: list[bytes] = []
        if argument.optional:
            flags.append(b"optional")
        if argument.multiple:
            flags.append(b"multiple")
        if argument.multiple_token:
            flags.append(b"multiple_token")
        if flags:
            flat += [b"flags", _statuses(flags)]
        if argument.is_group():
            flat += [b"arguments", _document_arguments(argument.arguments)]
        result.append(MapReply(flat))
    return result


# -- the keys of a call


def _keys_of_call(ctx: Context, words: list[bytes]) -> list[tuple[int, int]]:
    """Return the keys of the command in `words`; raise COMMAND GETKEYS' errors."""
    command = ctx.engine.commands.lookup(words)
    if command is None:
        raise CommandError(_INVALID_COMMAND)
    if all(spec.flags & NOT_KEY for spec in command.declaration.keys):
        raise CommandError(_NO_KEYS)
    if not command.min_words <= len(words) <= command.max_words:
        raise CommandError(_INVALID_NUMBER)
    found = keys_of(command, words)
    if not found:
        if command.flags & NO_MANDATORY_KEYS:
            return []
        raise CommandError(_INVALID_ARGUMENTS)
    return found


# -- the commands


def _top_level(ctx: Context) -> list[Command]:
    return list(ctx.engine.commands.by_name.values())


def command(ctx: Context, args: list[bytes]) -> object:
    """Describe all commands, each with the ten fields of COMMAND INFO."""
    return [describe(each) for each in _top_level(ctx)]


group.container(
    "COMMAND", arity=-1, flags=_PLAIN, since="2.8.13", summary="Describe all commands.", handler=command,
    complexity="O(N) where N is the number of commands", categories=_CONNECTION, tips=_ANY_ORDER, help_since="5.0.0",
)  # fmt: skip


@group.command(
    "COMMAND|COUNT", arity=2, flags=_PLAIN, since="2.8.13", categories=_CONNECTION, complexity="O(1)"
)  # fmt: skip
def count(ctx: Context, args: list[bytes]) -> object:
    """Return the number of commands, sub-commands not counted."""
    return len(ctx.engine.commands.by_name)


@group.command(
    "COMMAND|DOCS", arity=-2, flags=_PLAIN, since="7.0.0", categories=_CONNECTION,
    syntax="[command-name [command-name ...]]",
    complexity="O(N) where N is the number of commands to look up", tips=_ANY_ORDER,
)  # fmt: skip
def docs(ctx: Context, args: list[bytes]) -> object:
    """Document commands: summary, history, arguments and more, as a map from name to map.

    Reply: of all commands, or of those named that exist.
    """
    chosen: list[Command] = []
    if len(args) == 2:
        chosen = _top_level(ctx)
    for name in args[2:]:
        found = ctx.engine.commands.by_full_name(name)
        if found is not None:
            chosen.append(found)
    flat: list[object] = []
    for each in chosen:
        flat += [each.name, document(each)]
    return MapReply(flat)


@group.command(
    "COMMAND|GETKEYS", arity=-3, flags=_PLAIN, since="2.8.13", categories=_CONNECTION,
    syntax="command [arg [arg ...]]",
    complexity="O(N) where N is the number of the command's words",
)  # fmt: skip
def getkeys(ctx: Context, args: list[bytes]) -> object:
    """Return the keys among the words of a command.

    Errors: that the command is invalid, has no keys, or does not fit its words.
    """
    words = args[2:]
    return [words[position] for position, _ in _keys_of_call(ctx, words)]


@group.command(
    "COMMAND|GETKEYSANDFLAGS", arity=-3, flags=_PLAIN, since="7.0.0", categories=_CONNECTION,
    syntax="command [arg [arg ...]]",
    complexity="O(N) where N is the number of the command's words",
)  # fmt: skip
def getkeysandflags(ctx: Context, args: list[bytes]) -> object:
    """Return the keys among the words of a command, each with what is done to it.

    Errors: as COMMAND GETKEYS.
    """
    words = args[2:]
    result: list[object] = []
    for position, flags in _keys_of_call(ctx, words):
        result.append([words[position], _statuses(_names(flags, KEY_FLAG_NAMES))])
    return result


@group.command(
    "COMMAND|INFO", arity=-2, flags=_PLAIN, since="2.8.13", categories=_CONNECTION,
    syntax="[command-name [command-name ...]]",
    complexity="O(N) where N is the number of commands to look up", tips=_ANY_ORDER,
    history=(("7.0.0", "Without names, describes all commands."),),
)  # fmt: skip
def info(ctx: Context, args: list[bytes]) -> object:
    """Describe commands by arity, flags, keys, categories, tips and sub-commands.

    Reply: ten fields for each name, null for an unknown one; without names, of all commands.
    """
    if len(args) == 2:
        return command(ctx, args)
    result: list[object] = []
    for name in args[2:]:
        found = ctx.engine.commands.by_full_name(name)
        result.append(None if found is None else describe(found))
    return result


@group.command(
    "COMMAND|LIST", arity=-2, flags=_PLAIN, since="7.0.0", categories=_CONNECTION, tips=_ANY_ORDER,
    syntax="[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    complexity="O(N) where N is the number of commands",
)  # fmt: skip
def list_(ctx: Context, args: list[bytes]) -> object:
    """List the names of commands and sub-commands, all or those of a module, a category or a pattern.

    Errors: syntax error.
    """
    if len(args) == 2:
        return [each.name for each in ctx.engine.commands.all]
    if len(args) != 5 or args[2].upper() != b"FILTERBY":
        raise CommandError(SYNTAX)
    kind = args[3].upper()
    if kind not in (b"MODULE", b"ACLCAT", b"PATTERN"):
        raise CommandError(SYNTAX)
    wanted = args[4].lower()
    names: list[object] = []
    for each in ctx.engine.commands.all:
        if kind == b"PATTERN":
            if matches(wanted, each.name):
                names.append(each.name)
        elif kind == b"ACLCAT" and wanted.decode("latin-1") in each.declaration.categories():
            names.append(each.name)
    return names
