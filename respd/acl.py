"""The users, and the log of what was denied. Source: redis.io, "ACL".

A user has passwords and selectors; the first selector is the user's own, the others are alternatives: a call is
allowed when one selector allows all of it. Rules are applied to a copy, so that a wrong rule changes nothing.
"""

from __future__ import annotations

import hashlib
from hmac import compare_digest
from typing import Final

from respd.command import Command, CommandTable
from respd.permissions import DENIED_COMMAND, DENIED_KEY, CommandsByName, Denial, RuleError, Selector

DEFAULT: Final = b"default"

_NO_SUCH_PASSWORD: Final = b"The password you are trying to remove from the user does not exist"
_BAD_HASH: Final = b"The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"


def hash_of(password: bytes) -> bytes:
    """Return the SHA-256 of a password in hexadecimal digits: all that is kept of it."""
    return hashlib.sha256(password).hexdigest().encode()


class User:
    """A user: `selectors[0]` is the user's own. New users may do nothing."""

    def __init__(self, name: bytes, all_channels: bool) -> None:
        self.name: bytes = name
        self.enabled: bool = False
        self.no_password: bool = False
        self.sanitizes: bool = True
        self.passwords: list[bytes] = []  # their hashes
        self.selectors: list[Selector] = [Selector(all_channels)]

    def take(self, other: User) -> None:
        """Become what `other` is, the name apart."""
        self.enabled = other.enabled
        self.no_password = other.no_password
        self.sanitizes = other.sanitizes
        self.passwords = list(other.passwords)
        self.selectors = [selector.copy() for selector in other.selectors]

    def is_unlimited(self) -> bool:
        """Tell whether nothing that the user does needs a check."""
        return any(selector.is_unlimited() for selector in self.selectors)

    def check(self, command: Command, words: list[bytes]) -> Denial | None:
        """Return why the user may not run a call, or None when one of the selectors allows it."""
        worst: Denial | None = None
        for selector in self.selectors:
            denial = selector.check(command, words)
            if denial is None:
                return None
            if worst is None or denial.outranks(worst):
                worst = denial
        return worst

    def may_read_everything(self, command: Command, words: list[bytes]) -> bool:
        """Tell whether a selector that allows a call may read whatever key there is (SORT's BY and GET)."""
        return any(selector.reads_all_keys() and selector.check(command, words) is None for selector in self.selectors)

    def has_password(self, password: bytes) -> bool:
        """Tell whether `password` is one of the user's, in a time that does not tell how near it is."""
        given = hash_of(password)
        found = False
        for known in self.passwords:
            found |= compare_digest(given, known)
        return found

    def flags(self) -> list[bytes]:
        """Return the flags as ACL GETUSER shows them."""
        flags = [b"on" if self.enabled else b"off"]
        if self.no_password:
            flags.append(b"nopass")
        flags.append(b"sanitize-payload" if self.sanitizes else b"skip-sanitize-payload")
        return flags

    def describe(self) -> bytes:
        """Return the user as rules, as ACL LIST and the ACL file have it after the name."""
        parts = self.flags()
        parts += [b"#" + password for password in self.passwords]
        parts.append(self.selectors[0].describe())
        parts += [b"(%b)" % selector.describe() for selector in self.selectors[1:]]
        return b" ".join(parts)

    def apply(self, rule: bytes, acl: Acl) -> None:
        """Apply one rule; raise RuleError. A selector is one rule in parentheses."""
        lower = rule.lower()
        if not rule:
            return
        if lower == b"on":
            self.enabled = True
        elif lower == b"off":
            self.enabled = False
        elif lower == b"nopass":
            self.no_password = True
            self.passwords = []
        elif lower == b"resetpass":
            self.no_password = False
            self.passwords = []
        elif lower == b"sanitize-payload":
            self.sanitizes = True
        elif lower == b"skip-sanitize-payload":
            self.sanitizes = False
        elif rule[:1] in (b">", b"#", b"<", b"!"):
            self._apply_password(rule)
        elif rule[:1] == b"(" and rule[-1:] == b")":
            selector = Selector(acl.default_channels)
            for part in rule[1:-1].split():
                selector.apply(part, acl.table)
            self.selectors.append(selector)
        elif lower == b"clearselectors":
            del self.selectors[1:]
        elif lower == b"reset":
            self.enabled = self.no_password = False
            self.sanitizes = True
            self.passwords = []
            self.selectors = [Selector(acl.default_channels)]
        else:
            self.selectors[0].apply(rule, acl.table)

    def _apply_password(self, rule: bytes) -> None:
        is_hash = rule[:1] in (b"#", b"!")
        password = rule[1:] if is_hash else hash_of(rule[1:])
        if is_hash and (len(password) != 64 or password.strip(b"0123456789abcdef")):
            raise RuleError(_BAD_HASH)
        if rule[:1] in (b">", b"#"):
            if password not in self.passwords:
                self.passwords.append(password)
            self.no_password = False
        elif password in self.passwords:
            self.passwords.remove(password)
        else:
            raise RuleError(_NO_SUCH_PASSWORD)


class Acl:
    """The users of one server, by name. `default_channels`: new users may use all channels (acl-pubsub-default)."""

    def __init__(self, commands: CommandTable) -> None:
        self.commands = commands
        self.table = CommandsByName(commands)
        self.default_channels: bool = False
        self.users: dict[bytes, User] = {}
        self.default: User = self._new_default()
        self.users[DEFAULT] = self.default

    def _new_default(self) -> User:
        """Return the default user as it is without any rule: it may do everything, without a password."""
        user = User(DEFAULT, True)
        user.enabled = user.no_password = True
        selector = user.selectors[0]
        selector.all_commands = selector.allows_future = selector.all_keys = True
        return user

    def requires_auth(self) -> bool:
        """Tell whether new connections must authenticate before they may do anything."""
        return not self.default.no_password or not self.default.enabled

    def set_default_password(self, password: bytes) -> None:
        """Do what requirepass does: the default user has this password alone, or, if it is empty, needs none."""
        self.default.no_password = not password
        self.default.passwords = [hash_of(password)] if password else []

    def authenticate(self, name: bytes, password: bytes) -> User | None:
        """Return the user if it is enabled and the password right."""
        user = self.users.get(name)
        if user is None:
            hash_of(password)  # an unknown name takes as long
            return None
        if not user.enabled:
            return None
        if user.no_password or user.has_password(password):
            return user
        return None

    def changed(self, name: bytes, rules: list[bytes]) -> User:
        """Return what the user would be after `rules` (made new if unknown); raise RuleError, told with the rule."""
        user = User(name, self.default_channels)
        known = self.users.get(name)
        if known is not None:
            user.take(known)
        elif rules and name == DEFAULT:
            user.take(self._new_default())
        for rule in rules:
            try:
                user.apply(rule, self)
            except RuleError as error:
                raise RuleError(b"Error in ACL SETUSER modifier '%b': %b" % (rule, error.reason)) from None
        return user

    def put(self, user: User) -> User:
        """Keep `user` under its name, in the object of the user that had it; return that. O(size)."""
        known = self.users.get(user.name)
        if known is None:
            self.users[user.name] = user
            return user
        known.take(user)
        return known

    def replace(self, users: dict[bytes, User]) -> list[User]:
        """Have these users, `default` among them, and no others; return those that are gone."""
        gone = [user for name, user in self.users.items() if name not in users]
        for user in gone:
            del self.users[user.name]
        for user in users.values():
            self.put(user)
        return gone

    def sorted_users(self) -> list[User]:
        """Return the users in the order of their names."""
        return [self.users[name] for name in sorted(self.users)]


def join_selectors(rules: list[bytes]) -> list[bytes]:
    """Make one rule of the words of each selector in parentheses; raise RuleError for one that is not closed."""
    joined: list[bytes] = []
    pending: list[bytes] = []
    for rule in rules:
        if pending:
            pending.append(rule)
        elif rule[:1] == b"(":
            pending = [rule]
        else:
            joined.append(rule)
            continue
        if rule[-1:] == b")":
            joined.append(b" ".join(pending))
            pending = []
    if pending:
        raise RuleError(b"Unmatched parenthesis in acl selector starting at '%b'." % pending[0])
    return joined


def reason_denied(user: User, denial: Denial, verbose: bool = False) -> bytes:
    """Return the text that tells of a denial; `verbose` names the key or channel, too."""
    if denial.code == DENIED_COMMAND:
        return b"User %b has no permissions to run the '%b' command" % (user.name, denial.object)
    kind = b"key" if denial.code == DENIED_KEY else b"channel"
    if verbose:
        return b"User %b has no permissions to access the '%b' %b" % (user.name, denial.object, kind)
    return b"No permissions to access a " + kind
