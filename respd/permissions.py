"""What may be done: sets of permissions for commands, keys and channels, made by rules. Source: redis.io, "ACL"."""

from __future__ import annotations

from typing import Final

from respd.command import ACCESS, DELETE, INSERT, NO_AUTH, UPDATE, Command, CommandTable
from respd.command_keys import channels_of, keys_of
from respd.glob import matches

READ: Final = 1
WRITE: Final = 2

DENIED_COMMAND: Final = 1
DENIED_KEY: Final = 2
DENIED_AUTH: Final = 3
DENIED_CHANNEL: Final = 4

CATEGORIES: Final = (
    b"keyspace", b"read", b"write", b"set", b"sortedset", b"list", b"hash", b"string", b"bitmap", b"hyperloglog",
    b"geo", b"stream", b"pubsub", b"admin", b"fast", b"slow", b"blocking", b"dangerous", b"connection",
    b"transaction", b"scripting",
)  # fmt: skip

_UNKNOWN: Final = b"Unknown command or category name in ACL"
_SYNTAX: Final = b"Syntax error"
_PATTERN_AFTER_ALL: Final = (
    b"Adding a pattern after the * pattern (or the '%b' flag) is not valid and does not have any effect. Try '%b' to "
    b"start with an empty list of %b"
)
_FIRST_ARG_OF_SUBCOMMAND: Final = b"Allowing first-arg of a subcommand is not supported"


class RuleError(Exception):
    """A rule that cannot be applied; `reason` as Redis words it. `is_unknown`: it names no command or category."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_unknown = reason is _UNKNOWN


class Denial:
    """Why a call is not allowed: `code` is one of DENIED_*, `object` the command, key or channel, at `position`."""

    def __init__(self, code: int, object: bytes, position: int = 0) -> None:
        self.code: int = code
        self.object: bytes = object
        self.position: int = position

    def outranks(self, other: Denial) -> bool:
        """Tell whether it is the one to tell of two selectors' denials: a key rather than a command, and the last."""
        return self.code > other.code or (self.code == other.code and self.position > other.position)


class Selector:
    """A set of permissions: commands (full names), key patterns with READ and WRITE, and channel patterns.

    `commands` counts when `all_commands` is not set. `first_args` holds, for a command without sub-commands that is not
    allowed, the first arguments with which it is. `rules` are the rules about commands that still matter, as shown;
    they go on from everything or nothing as `allows_future` says, which is also about commands yet to come.
    """

    def __init__(self, all_channels: bool = False) -> None:
        self.all_commands: bool = False
        self.allows_future: bool = False
        self.all_keys: bool = False
        self.all_channels: bool = all_channels
        self.commands: set[bytes] = set()
        self.first_args: dict[bytes, list[bytes]] = {}
        self.keys: dict[bytes, int] = {}
        self.channels: dict[bytes, bool] = {}
        self.rules: list[bytes] = []

    def copy(self) -> Selector:
        """Return an equal selector of its own."""
        other = Selector(self.all_channels)
        other.all_commands = self.all_commands
        other.allows_future = self.allows_future
        other.all_keys = self.all_keys
        other.commands = set(self.commands)
        other.first_args = {name: list(words) for name, words in self.first_args.items()}
        other.keys = dict(self.keys)
        other.channels = dict(self.channels)
        other.rules = list(self.rules)
        return other

    def is_unlimited(self) -> bool:
        """Tell whether it allows everything."""
        return self.all_commands and self.all_keys and self.all_channels

    # -- checks

    def check(self, command: Command, words: list[bytes]) -> Denial | None:
        """Return why it does not allow a call, or None. O(rules of keys)."""
        if not self.all_commands and not command.flags & NO_AUTH and not self._allows_command(command, words):
            return Denial(DENIED_COMMAND, command.name)
        if not self.all_keys and command.declaration.keys:
            for position, flags in keys_of(command, words) or ():
                if not self.allows_key(words[position], flags):
                    return Denial(DENIED_KEY, words[position], position)
        if not self.all_channels:
            channels, is_pattern = channels_of(command, words)
            for place, channel in enumerate(channels, 1):
                if not self.allows_channel(channel, is_pattern):
                    return Denial(DENIED_CHANNEL, channel, place)
        return None

    def _allows_command(self, command: Command, words: list[bytes]) -> bool:
        if command.name in self.commands:
            return True
        allowed = self.first_args.get(command.name)
        at = 2 if b"|" in command.name else 1
        return allowed is not None and len(words) > at and words[at].lower() in allowed

    def allows_key(self, key: bytes, flags: int) -> bool:
        """Tell whether what a key specification's `flags` say may be done to `key`."""
        wanted = 0
        if flags & ACCESS:
            wanted |= READ
        if flags & (INSERT | DELETE | UPDATE):
            wanted |= WRITE
        if self.all_keys:
            return True
        return any(granted & wanted == wanted and matches(pattern, key) for pattern, granted in self.keys.items())

    def reads_all_keys(self) -> bool:
        """Tell whether it may read whatever key there is."""
        return self.all_keys or self.keys.get(b"*", 0) & READ != 0

    def allows_channel(self, channel: bytes, is_pattern: bool) -> bool:
        """Tell whether it may use a channel; a pattern must stand among its own literally."""
        if self.all_channels:
            return True
        if is_pattern:
            return channel in self.channels
        return any(matches(pattern, channel) for pattern in self.channels)

    # -- rules

    def apply(self, rule: bytes, table: CommandsByName) -> None:
        """Apply one rule; raise RuleError."""
        lower = rule.lower()
        if self.all_commands and not self.commands:
            self.commands = table.names()  # the default user's, written out when a rule comes
        if lower == b"allkeys" or rule == b"~*":
            self.all_keys = True
            self.keys = {}
        elif lower == b"resetkeys":
            self.all_keys = False
            self.keys = {}
        elif lower == b"allchannels" or rule == b"&*":
            self.all_channels = True
            self.channels = {}
        elif lower == b"resetchannels":
            self.all_channels = False
            self.channels = {}
        elif lower in (b"allcommands", b"+@all"):
            self._all_commands(True, table)
        elif lower in (b"nocommands", b"-@all"):
            self._all_commands(False, table)
        elif rule[:1] in (b"~", b"%"):
            self._add_key_pattern(rule)
        elif rule[:1] == b"&":
            if self.all_channels:
                raise RuleError(_PATTERN_AFTER_ALL % (b"allchannels", b"resetchannels", b"channels"))
            if has_spaces(rule):
                raise RuleError(_SYNTAX)
            self.channels[rule[1:]] = True
        elif lower[:2] in (b"+@", b"-@"):
            chosen = table.category(lower[2:])
            if chosen is None:
                raise RuleError(_UNKNOWN)
            for command in chosen:
                self._permit(command, lower[:1] == b"+")
            self._note(lower)
        elif rule[:1] == b"+":
            self._allow(lower[1:], table)
        elif rule[:1] == b"-":
            unwanted = table.find(lower[1:])
            if unwanted is None:
                raise RuleError(_UNKNOWN)
            self._permit(unwanted, False)
            self._note(lower)
        else:
            raise RuleError(_SYNTAX)

    def _all_commands(self, allowed: bool, table: CommandsByName) -> None:
        self.all_commands = self.allows_future = allowed
        self.commands = table.names() if allowed else set()
        self.first_args = {}
        self.rules = []

    def _add_key_pattern(self, rule: bytes) -> None:
        if self.all_keys:
            raise RuleError(_PATTERN_AFTER_ALL % (b"allkeys", b"resetkeys", b"patterns"))
        granted = READ | WRITE
        pattern = rule[1:]
        if rule[:1] == b"%":
            kinds, _, pattern = rule[1:].partition(b"~")
            granted = 0
            for kind in kinds.upper().decode("latin-1"):
                if kind == "R" and not granted & READ:
                    granted |= READ
                elif kind == "W" and not granted & WRITE:
                    granted |= WRITE
                else:
                    raise RuleError(_SYNTAX)
            if not granted:
                raise RuleError(_SYNTAX)
            if pattern == b"*" and granted == READ | WRITE:
                self.all_keys = True
                self.keys = {}
                return
        if has_spaces(pattern):
            raise RuleError(_SYNTAX)
        self.keys[pattern] = self.keys.get(pattern, 0) | granted

    def _allow(self, name: bytes, table: CommandsByName) -> None:
        """Apply `+name`, where name may be `container|sub`, or `command|first-argument`."""
        if b"|" not in name:
            command = table.find(name)
            if command is None:
                raise RuleError(_UNKNOWN)
            self._permit(command, True)
            self._note(b"+" + name)
            return
        container, _, word = name.rpartition(b"|")
        command = table.find(container)
        if command is None:
            raise RuleError(_UNKNOWN)
        if b"|" in container:
            raise RuleError(_FIRST_ARG_OF_SUBCOMMAND)
        if not word:
            raise RuleError(_SYNTAX)
        if command.subcommands is not None:
            sub = table.find(name)
            if sub is None:
                raise RuleError(_UNKNOWN)
            self._permit(sub, True)
        else:
            words = self.first_args.setdefault(container, [])
            if word not in words:
                words.append(word)
        self._note(b"+" + name)

    def _permit(self, command: Command, allowed: bool) -> None:
        """Allow or deny a command with all its sub-commands."""
        if allowed:
            self.commands.add(command.name)
        else:
            self.commands.discard(command.name)
            self.all_commands = False
        self.first_args.pop(command.name, None)
        if command.subcommands is not None:
            for sub in command.subcommands.values():
                self._permit(sub, allowed)

    def _note(self, rule: bytes) -> None:
        """Keep a rule for showing, in place of those that it makes void."""
        name = rule[1:]
        self.rules = [old for old in self.rules if old[1:] != name and not old[1:].startswith(name + b"|")]
        self.rules.append(rule)

    # -- description

    def command_rules(self) -> bytes:
        """Return what it allows of commands, as rules."""
        return b" ".join([b"+@all" if self.allows_future else b"-@all", *self.rules])

    def key_rules(self) -> bytes:
        """Return what it allows of keys, as rules."""
        if self.all_keys:
            return b"~*"
        shown: list[bytes] = []
        for pattern, granted in self.keys.items():
            sign = b"~" if granted == READ | WRITE else b"%R~" if granted == READ else b"%W~"
            shown.append(sign + pattern)
        return b" ".join(shown)

    def channel_rules(self) -> bytes:
        """Return what it allows of channels, as rules."""
        if self.all_channels:
            return b"&*"
        return b" ".join([b"&" + pattern for pattern in self.channels])

    def describe(self) -> bytes:
        """Return all of it as rules, as ACL LIST and the ACL file have it."""
        parts = []
        if keys := self.key_rules():
            parts.append(keys)
        if not self.all_channels:
            parts.append(b"resetchannels")
        if channels := self.channel_rules():
            parts.append(channels)
        parts.append(self.command_rules())
        return b" ".join(parts)


class CommandsByName:
    """The commands by their own full names, whatever they were renamed to, and by category."""

    def __init__(self, table: CommandTable) -> None:
        self._table = table
        self._by_name: dict[bytes, Command] = {}
        self._by_category: dict[bytes, list[Command]] = {}

    def _read(self) -> None:
        for command in self._table.all:
            self._by_name[command.name] = command
            for category in command.declaration.categories():
                self._by_category.setdefault(category.encode(), []).append(command)

    def find(self, name: bytes) -> Command | None:
        """Return the command called `name`, in lower case."""
        if not self._by_name:
            self._read()
        return self._by_name.get(name)

    def category(self, name: bytes) -> list[Command] | None:
        """Return the commands of a category, containers and sub-commands included; None without such a category."""
        if not self._by_name:
            self._read()
        if name in self._by_category:
            return self._by_category[name]
        return [] if name in CATEGORIES else None

    def names(self) -> set[bytes]:
        """Return the full names of all commands."""
        if not self._by_name:
            self._read()
        return set(self._by_name)


def has_spaces(text: bytes) -> bool:
    """Tell whether there is white space or a zero byte in `text`, which names and patterns may not have."""
    return any(byte in b" \t\n\v\f\r\0" for byte in text)
