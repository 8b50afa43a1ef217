"""Declarations of commands, and the table the engine looks them up in.

A command is declared once, beside its handler, on its module's `Group`. Everything else that needs to know it
(dispatch, COMMAND INFO and DOCS, GETKEYS, ACL categories, the README's table, the tests) reads the `Declaration`. Each
engine binds the declarations into `Command` objects of its own, which also carry that engine's statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from math import frexp
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd.builds import INTERPRETED
from respd.syntax import plain

if TYPE_CHECKING:
    from respd.context import Context

Handler = Callable[["Context", list[bytes]], object]

# Flags of a command.
WRITE: Final = 1 << 0
READONLY: Final = 1 << 1
DENYOOM: Final = 1 << 2
MODULE: Final = 1 << 3
ADMIN: Final = 1 << 4
PUBSUB: Final = 1 << 5
NOSCRIPT: Final = 1 << 6
BLOCKING: Final = 1 << 7
LOADING: Final = 1 << 8
STALE: Final = 1 << 9
SKIP_MONITOR: Final = 1 << 10
SKIP_SLOWLOG: Final = 1 << 11
ASKING: Final = 1 << 12
FAST: Final = 1 << 13
NO_AUTH: Final = 1 << 14
MAY_REPLICATE: Final = 1 << 15
NO_ASYNC_LOADING: Final = 1 << 16
NO_MULTI: Final = 1 << 17
MOVABLE_KEYS: Final = 1 << 18
ALLOW_BUSY: Final = 1 << 19
NO_MANDATORY_KEYS: Final = 1 << 20
PROTECTED: Final = 1 << 21
TOUCHES_ARBITRARY_KEYS: Final = 1 << 22

# How COMMAND INFO spells them, in its order; PROTECTED and MAY_REPLICATE are not shown.
FLAG_NAMES: Final = (
    (WRITE, b"write"),
    (READONLY, b"readonly"),
    (DENYOOM, b"denyoom"),
    (MODULE, b"module"),
    (ADMIN, b"admin"),
    (PUBSUB, b"pubsub"),
    (NOSCRIPT, b"noscript"),
    (BLOCKING, b"blocking"),
    (LOADING, b"loading"),
    (STALE, b"stale"),
    (SKIP_MONITOR, b"skip_monitor"),
    (SKIP_SLOWLOG, b"skip_slowlog"),
    (ASKING, b"asking"),
    (FAST, b"fast"),
    (NO_AUTH, b"no_auth"),
    (NO_MANDATORY_KEYS, b"no_mandatory_keys"),
    (NO_ASYNC_LOADING, b"no_async_loading"),
    (NO_MULTI, b"no_multi"),
    (MOVABLE_KEYS, b"movablekeys"),
    (ALLOW_BUSY, b"allow_busy"),
)

# Flags of a key specification.
RO: Final = 1 << 0
RW: Final = 1 << 1
OW: Final = 1 << 2
RM: Final = 1 << 3
ACCESS: Final = 1 << 4
UPDATE: Final = 1 << 5
INSERT: Final = 1 << 6
DELETE: Final = 1 << 7
NOT_KEY: Final = 1 << 8
INCOMPLETE: Final = 1 << 9
VARIABLE_FLAGS: Final = 1 << 10

KEY_FLAG_NAMES: Final = (
    (RO, b"RO"),
    (RW, b"RW"),
    (OW, b"OW"),
    (RM, b"RM"),
    (ACCESS, b"access"),
    (UPDATE, b"update"),
    (INSERT, b"insert"),
    (DELETE, b"delete"),
    (NOT_KEY, b"not_key"),
    (INCOMPLETE, b"incomplete"),
    (VARIABLE_FLAGS, b"variable_flags"),
)

# What a key specification begins its search with, and how it finds the keys from there.
BEGIN_INDEX: Final = 0
BEGIN_KEYWORD: Final = 1
BEGIN_UNKNOWN: Final = 2
FIND_RANGE: Final = 0
FIND_KEYNUM: Final = 1
FIND_UNKNOWN: Final = 2

_GROUP_CATEGORIES: Final = {
    "generic": ("keyspace",),
    "string": ("string",),
    "bitmap": ("bitmap",),
    "hash": ("hash",),
    "list": ("list",),
    "set": ("set",),
    "sorted-set": ("sortedset",),
    "stream": ("stream",),
    "hyperloglog": ("hyperloglog",),
    "geo": ("geo",),
    "pubsub": (),
    "transactions": ("transaction",),
    "scripting": ("scripting",),
    "connection": ("connection",),
    "server": (),
    "cluster": (),
}


class KeySpec:
    """Where a command's keys stand among its words. Source: redis.io, "Command key specifications".

    Positions count words with the command's name at 0. `begin` is one of BEGIN_*: `index` for BEGIN_INDEX, `keyword`
    and `start_from` for BEGIN_KEYWORD. `find` is one of FIND_*: for FIND_RANGE `last` (relative to the first key, -1
    the last word), `step` and `limit`; for FIND_KEYNUM `key_count_index`, `first` and `step`, relative to the begin.
    """

    def __init__(self, flags: int) -> None:
        self.flags: int = flags
        self.begin: int = BEGIN_INDEX
        self.index: int = 0
        self.keyword: bytes = b""
        self.start_from: int = 0
        self.find: int = FIND_RANGE
        self.last: int = 0
        self.step: int = 1
        self.limit: int = 0
        self.key_count_index: int = 0
        self.first: int = 0
        self.notes: str = ""

    def positions(self, args: list[bytes]) -> list[int] | None:
        """Return the indices of the keys in `args`, or None when the words do not fit the specification."""
        start = self._begin(args)
        if start < 0:
            return []
        count = len(args)
        if self.find == FIND_RANGE:
            if self.last >= 0:
                end = start + self.last
            elif self.limit <= 1:
                end = count + self.last
            else:
                end = start + ((count - start) // self.limit + self.last)
            found = list(range(start, end + 1, self.step))
        elif self.find == FIND_KEYNUM:
            at = start + self.key_count_index
            if at >= count:
                return None
            try:
                total = int(args[at])
            except ValueError:
                return None
            if total < 0 or total > count:
                return None
            first = start + self.first
            found = list(range(first, first + total * self.step, self.step))
        else:
            return None
        if found and (found[-1] >= count or found[0] >= count):
            return None
        return found

    def _begin(self, args: list[bytes]) -> int:
        if self.begin == BEGIN_INDEX:
            return self.index
        if self.begin == BEGIN_UNKNOWN:
            return -1
        keyword = self.keyword
        if self.start_from > 0:
            positions = range(self.start_from, len(args) - 1)
        else:
            positions = range(len(args) + self.start_from, 0, -1)
        for position in positions:
            if position < len(args) - 1 and args[position].upper() == keyword:
                return position + 1
        return -1


Keys = tuple[KeySpec, ...]


def one_key(flags: int, at: int = 1) -> Keys:
    """Return the specification of a single key, the word at position `at`."""
    return key_range(at, at, 1, flags)


def key_range(first: int, last: int, step: int, flags: int, limit: int = 0) -> Keys:
    """Return the specification of the keys from `first` to `last` (negative: counted from the end), every `step`."""
    spec = KeySpec(flags)
    spec.index = first
    spec.last = last if last < 0 else last - first
    spec.step = step
    spec.limit = limit
    return (spec,)


def num_keys(at: int, flags: int, first: int = 1, step: int = 1) -> Keys:
    """Return the specification of keys that follow their number at position `at`; `first` is relative to it."""
    spec = KeySpec(flags)
    spec.index = at
    spec.find = FIND_KEYNUM
    spec.first = first
    spec.step = step
    return (spec,)


def keyword_key(keyword: str, start_from: int, flags: int, last: int = 0, step: int = 1, limit: int = 0) -> Keys:
    """Return the specification of the key or keys after `keyword`, searched from `start_from` (negative: backwards)."""
    spec = KeySpec(flags)
    spec.begin = BEGIN_KEYWORD
    spec.keyword = keyword.encode()
    spec.start_from = start_from
    spec.last = last
    spec.step = step
    spec.limit = limit
    return (spec,)


def unknown_keys(flags: int) -> Keys:
    """Return the specification of keys that no rule finds (SORT's BY and GET patterns)."""
    spec = KeySpec(flags)
    spec.begin = BEGIN_UNKNOWN
    spec.find = FIND_UNKNOWN
    return (spec,)


def noted(keys: Keys, notes: str) -> Keys:
    """Return `keys`, its first specification with the remark that COMMAND INFO shows."""
    keys[0].notes = notes
    return keys


class Declaration:
    """One command as declared: shared by every engine, never changed after its module was imported."""

    def __init__(
        self,
        name: str,
        group: str,
        handler: Handler | None,
        arity: int,
        flags: int,
        keys: Keys,
        since: str,
        syntax: str,
        complexity: str,
        summary: str,
        categories: tuple[str, ...],
        tips: tuple[str, ...],
        history: tuple[tuple[str, str], ...],
        deprecated: tuple[str, str] | None,
    ) -> None:
        self.name: str = name
        self.group: str = group
        self.handler: Handler | None = handler
        self.arity: int = arity
        self.flags: int = flags
        self.keys: Keys = keys
        self.since: str = since
        self.syntax: str = syntax
        self.complexity: str = complexity
        self.given_summary: str = summary
        self.extra_categories: tuple[str, ...] = categories
        self.tips: tuple[str, ...] = tips
        self.history: tuple[tuple[str, str], ...] = history
        self.deprecated: tuple[str, str] | None = deprecated
        self.has_subcommands: bool = False

    def summary(self) -> str:
        """Return in one sentence what the command is for: as given, or from its handler's docstring."""
        from respd.summaries import summaries

        return self.given_summary or summaries().get(self.name, "")

    def is_container(self) -> bool:
        """Tell whether the command holds sub-commands."""
        return self.has_subcommands

    def categories(self) -> list[str]:
        """Return the ACL categories without the @: those implied by flags and group, and the declared ones.

        A declared category with a leading minus takes an implied one away.
        """
        flags = self.flags
        found: list[str] = []
        if flags & WRITE:
            found.append("write")
        if flags & READONLY and self.group != "scripting" and "scripting" not in self.extra_categories:
            found.append("read")
        if self.handler is not None:
            found.extend(_GROUP_CATEGORIES[self.group])
        found.extend(self.extra_categories)
        if flags & ADMIN:
            found += ["admin", "dangerous"]
        if flags & PUBSUB:
            found.append("pubsub")
        if flags & FAST:
            found.append("fast")
        if flags & BLOCKING:
            found.append("blocking")
        if not flags & FAST:
            found.append("slow")
        taken = {name[1:] for name in found if name.startswith("-")}
        return [name for name in dict.fromkeys(found) if not name.startswith("-") and name not in taken]


class Group:
    """The declarations of one group of commands, in the order of their handlers."""

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.declarations: list[Declaration] = []

    def command(
        self,
        name: str,
        *,
        arity: int,
        since: str,
        flags: int = 0,
        keys: Keys = (),
        syntax: str = "",
        complexity: str = "",
        categories: tuple[str, ...] = (),
        tips: tuple[str, ...] = (),
        history: tuple[tuple[str, str], ...] = (),
        deprecated: tuple[str, str] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated handler as the command `name` (`CONTAINER|SUB` for a sub-command).

        `arity` counts the words, name included; negative: at least so many. `deprecated` is (since, replaced by). The
        handler's docstring opens with the summary. Source: redis.io, "COMMAND" and "COMMAND DOCS".
        """

        def declare(handler: Handler) -> Handler:
            declaration = Declaration(
                name.lower(),
                self.name,
                handler,
                arity,
                flags,
                keys,
                since,
                syntax,
                complexity,
                "",
                categories,
                tips,
                history,
                deprecated,
            )
            self.declarations.append(declaration)
            return handler

        return declare

    def container(
        self,
        name: str,
        *,
        since: str,
        summary: str,
        flags: int = 0,
        arity: int = -2,
        categories: tuple[str, ...] = (),
        tips: tuple[str, ...] = (),
        complexity: str = "Depends on subcommand.",
        handler: Handler | None = None,
        help_since: str = "",
        help_flags: int = -1,
    ) -> None:
        """Declare the command that holds the sub-commands `name|...`, and its HELP unless `help_since` is empty.

        With a `handler` (and an `arity` of -1) the bare name is a command too.
        """
        lower = name.lower()
        declaration = Declaration(
            lower, self.name, handler, arity, flags, (), since, "", complexity, summary, categories, tips, (), None
        )
        declaration.has_subcommands = True
        self.declarations.append(declaration)
        if help_since:
            self.declarations.append(
                Declaration(
                    lower + "|help", self.name, help_, 2, LOADING | STALE if help_flags < 0 else help_flags, (),
                    help_since, "", "O(1)", f"Return the list of {name}'s sub-commands.", categories, (), (), None,
                )
            )  # fmt: skip


def help_(ctx: Context, args: list[bytes]) -> object:
    """Return the sub-commands of a container with what each is for, as lines of text."""
    return ctx.engine.commands.help_lines(args[0])


# How long calls took is counted in 32 slots for each power of two of a nanosecond, from 1024 ns up to a second.
FIRST_STEP: Final = 1024e-9  # shorter calls are those that no slot has counted
_SLOT_BITS: Final = 5
_SLOTS_PER_STEP: Final = 1 << _SLOT_BITS
_STEPS: Final = 20
_FIRST_POWER: Final = 11  # of two, which the shortest of them stays below
_FIRST_NS: Final = 1024
_LONGEST_NS: Final = 1_000_000_000


class Command:
    """A command as one engine knows it: the declaration, laid out for dispatch, and this engine's statistics."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration: Declaration = declaration
        self.name: bytes = declaration.name.encode()
        self.handler: Handler | None = declaration.handler
        self.flags: i64 = declaration.flags
        arity = declaration.arity
        self.min_words: i64 = abs(arity)
        self.max_words: i64 = arity if arity > 0 else 1 << 40
        self.subcommands: dict[bytes, Command] | None = {} if declaration.is_container() else None
        self.calls: i64 = 0
        self.seconds: float = 0.0
        self.rejected: i64 = 0
        self.failed: i64 = 0
        self.slower: list[int] = []  # calls of over a microsecond by how long they took, once there was one
        self._untracked: i64 = 0  # calls made while latency-tracking was off
        self._paused_at: i64 = -1  # how many calls there were when it was switched off, -1 while it is on

    def note_latency(self, seconds: float) -> None:
        """Count a call that took at least FIRST_STEP."""
        if INTERPRETED and self.slower and FIRST_STEP < seconds < 1.0:  # the same, without a loop
            part, power = frexp(seconds * 1e9)
            self.slower[(power - _FIRST_POWER - 1) * _SLOTS_PER_STEP + int(part * 2 * _SLOTS_PER_STEP)] += 1
            return
        ns: i64 = i64(seconds * 1e9)
        if ns > _LONGEST_NS:
            ns = _LONGEST_NS
        shift: i64 = _SLOT_BITS
        while ns >> shift >= 2 * _SLOTS_PER_STEP:
            shift += 1
        if not self.slower:
            self.slower = [0] * (_STEPS * _SLOTS_PER_STEP)
        slot = (shift - _SLOT_BITS) * _SLOTS_PER_STEP + (ns >> shift) - _SLOTS_PER_STEP
        self.slower[slot if slot > 0 else 0] += 1

    def track_latency(self, on: bool) -> None:
        """Count how long calls take from now on, or no more."""
        if not on and self._paused_at < 0:
            self._paused_at = self.calls
        elif on and self._paused_at >= 0:
            self._untracked += self.calls - self._paused_at
            self._paused_at = -1

    def tracked_calls(self) -> int:
        """Return for how many calls it was counted how long they took."""
        calls = self.calls if self._paused_at < 0 else self._paused_at
        return int(calls - self._untracked)

    def latency_steps(self) -> list[tuple[int, int]]:
        """Return (µs, calls that took at most so long), doubling the µs, as Redis does, and leaving out what adds none.

        The bounds are those of Redis' histogram: 1, 2, 4, 8, 16, 33, 66, 132... µs.
        """
        seen = self.tracked_calls() - sum(self.slower)
        steps: list[tuple[int, int]] = [(1, seen)] if seen > 0 else []
        for step in range(_STEPS if self.slower else 0):
            count = sum(self.slower[step * _SLOTS_PER_STEP : (step + 1) * _SLOTS_PER_STEP])
            if count:
                seen += count
                bound = _FIRST_NS << step + 1
                steps.append(((bound + (bound >> 7) - 1) // 1000, seen))
        return steps

    def percentile_us(self, percent: float) -> float:
        """Return in µs what so many percent of the calls took at most, 3 % too much at worst; for 0 the shortest."""
        calls = self.tracked_calls()
        wanted = max(1, int(percent / 100 * calls + 0.5))
        seen = calls - sum(self.slower)
        if seen >= wanted:
            return (_FIRST_NS - 1) / 1000 if percent else 0.0
        for slot, count in enumerate(self.slower):
            seen += count
            if seen >= wanted:
                width = 1 << (slot >> _SLOT_BITS) + _SLOT_BITS
                low = (slot % _SLOTS_PER_STEP + _SLOTS_PER_STEP) * width
                return (low + width - 1 if percent else low) / 1000
        return 0.0

    def reset_stats(self) -> None:
        """Forget calls, time, rejections and failures."""
        self.calls = 0
        self.seconds = 0.0
        self.rejected = 0
        self.failed = 0
        self.slower = []
        self._untracked = 0
        if self._paused_at >= 0:
            self._paused_at = 0


class CommandTable:
    """The commands of one engine by name. `by_spelling` remembers each spelling of the case that a client has used."""

    def __init__(self, groups: list[Group]) -> None:
        self.by_name: dict[bytes, Command] = {}
        self.by_spelling: dict[bytes, Command] = {}
        self.all: list[Command] = []
        for group in groups:
            for declaration in group.declarations:
                self._bind(declaration)

    def _bind(self, declaration: Declaration) -> None:
        command = Command(declaration)
        self.all.append(command)
        container, bar, name = command.name.partition(b"|")
        if not bar:
            self.by_name[container] = command
            return
        subcommands = self.by_name[container].subcommands
        assert subcommands is not None, f"{declaration.name}: its container must be declared first"
        subcommands[name] = command

    def find(self, name: bytes) -> Command | None:
        """Return the command or container called `name`, in any case."""
        command = self.by_spelling.get(name)
        if command is None:
            command = self.by_name.get(name.lower())
            if command is not None and len(self.by_spelling) < 4096:
                self.by_spelling[name] = command
        return command

    def lookup(self, words: list[bytes]) -> Command | None:
        """Return the command that `words` calls: a sub-command where the first word names a container."""
        command = self.find(words[0])
        if command is None or command.subcommands is None or len(words) < 2:
            return command
        return command.subcommands.get(words[1].lower())

    def by_full_name(self, name: bytes) -> Command | None:
        """Return the command called `name`, `container|sub` for a sub-command, in any case."""
        return self.lookup(name.split(b"|", 1))

    def rename(self, name: bytes, new_name: bytes) -> bool:
        """Call a command `new_name` from now on, or have it no more when that is empty; False when unknown."""
        command = self.by_name.pop(name.lower(), None)
        if command is None:
            return False
        self.by_spelling.clear()
        if new_name:
            self.by_name[new_name.lower()] = command
        else:
            parts = () if command.subcommands is None else command.subcommands.values()
            self.all = [each for each in self.all if each is not command and each not in parts]
        return True

    def help_lines(self, container: bytes) -> list[object]:
        """Return what `CONTAINER HELP` answers: each sub-command's syntax and, indented, its summary."""
        from respd.protocol.replies import Status

        command = self.find(container)
        assert command is not None and command.subcommands is not None
        name = container.upper()
        lines: list[object] = [Status(b"%b <subcommand> [<arg> [value] [opt] ...]. Subcommands are:" % name)]
        for sub_name, sub in sorted(command.subcommands.items()):
            syntax = plain(sub.declaration.syntax).encode()
            lines.append(Status(b"%b%b" % (sub_name.upper(), b" " + syntax if syntax else b"")))
            lines.append(Status(b"    " + sub.declaration.summary().encode()))
        return lines
