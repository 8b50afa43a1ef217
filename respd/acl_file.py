"""Where users are written down: the ACL file, and the `user` lines of the configuration. Source: redis.io, "ACL"."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from respd.acl import DEFAULT, Acl, User, join_selectors
from respd.config import ConfigFileError
from respd.permissions import RuleError, has_spaces
from respd.persistence.disk import replace_file

if TYPE_CHECKING:
    from respd.config import Config
    from respd.log import Log

_BOTH = (
    "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This "
    "setup is very likely to lead to configuration errors and security holes, please define either an ACL file or "
    "declare users directly in your redis.conf, but not both."
)
_NOTHING_CHANGED = b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
_DISABLED = (
    "The user '%s' is disabled (there is no 'on' modifier in the user description). Make sure this is not a "
    "configuration error."
)


class AclFileError(Exception):
    """An ACL file that cannot be used: `text` lists what is wrong with it."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


def read_users(acl: Acl, path: str) -> dict[bytes, User]:
    """Return the users that an ACL file holds, the default user always among them; raise AclFileError."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        reason = os.fsencode(path) + b"': " + str(error.strerror).encode()
        raise AclFileError(b"Error loading ACLs, opening file '" + reason) from None
    default = User(DEFAULT, True)
    default.take(Acl(acl.commands).default)
    users = {DEFAULT: default}
    seen: set[bytes] = set()
    errors: list[bytes] = []
    for number, raw in enumerate(text.split(b"\n"), 1):
        line = raw.strip(b" \t\r\n")
        if not line:
            continue
        place = b"%b:%d" % (os.fsencode(path), number)
        words = line.split(b" ")
        if words[0] != b"user" or len(words) < 2:
            errors.append(place + b" should start with user keyword followed by the username. ")
            continue
        name = words[1]
        if has_spaces(name):
            errors.append(place + b": username '%b' contains invalid characters. " % name)
            continue
        if name in seen:
            errors.append(b"WARNING: Duplicate user '%b' found on line %d. " % (name, number))
            continue
        seen.add(name)
        user = User(name, acl.default_channels)
        try:
            rules = join_selectors(words[2:])
        except RuleError:
            errors.append(place + b": Unmatched parenthesis in selector definition.")
            continue
        rule = b""
        try:
            for word in rules:
                rule = word.strip(b" \t\r\n")
                user.apply(rule, acl)
        except RuleError as refused:  # another name: mypyc gives one name one type
            operation = b"Error in applying operation '%b': " % rule if refused.is_unknown else b""
            errors.append(place + b": " + operation + refused.reason + b". ")
            continue
        users[name] = user
    if errors:
        raise AclFileError(b"".join(errors) + _NOTHING_CHANGED)
    return users


def save_users(acl: Acl, path: str) -> None:
    """Write all users to the ACL file, which is replaced as a whole or not at all. Raises OSError."""
    replace_file(path, b"".join(line + b"\n" for line in user_lines(acl)))


def user_lines(acl: Acl) -> list[bytes]:
    """Return the `user` lines of all users, as the ACL file and the configuration hold them."""
    return [b"user %b %b" % (user.name, user.describe()) for user in acl.sorted_users()]


def check_user_lines(config: Config, acl: Acl) -> None:
    """Raise ConfigFileError for a `user` line that is no such thing; unknown commands are told of at the start."""
    seen: set[bytes] = set()
    for line in config.user_lines:
        problem = b""
        if line.name in seen:
            problem = b"Duplicate user found. A user can only be defined once in config files"
        seen.add(line.name)
        user = User(line.name, acl.default_channels)
        try:
            line.rules = join_selectors(line.rules)
        except RuleError:
            problem = problem or b"Wrong format"
        if problem:
            raise ConfigFileError(line.number, line.line, b"Error in user declaration '%b': %b" % (line.name, problem))
        for rule in line.rules:
            try:
                user.apply(rule, acl)
            except RuleError as error:
                if not error.is_unknown:
                    reason = b"Error in user declaration '%b': %b" % (line.name, error.reason)
                    raise ConfigFileError(line.number, line.line, reason) from None


def load_at_start(config: Config, acl: Acl, log: Log) -> bool:
    """Take over the users of the configuration or the ACL file; False, the log having been told why, if that fails."""
    if config.user_lines and config.aclfile:
        log.warning(_BOTH)
        return False
    for line in config.user_lines:
        name = line.name
        if has_spaces(name):
            log.warning("Spaces not allowed in ACL usernames")
            log.warning("Critical error while loading ACLs. Exiting.")
            return False
        user = User(name, acl.default_channels)
        for rule in line.rules:
            try:
                user.apply(rule, acl)
            except RuleError as error:
                shown = rule.decode(errors="backslashreplace"), name.decode(errors="backslashreplace")
                log.warning(
                    f"Error loading ACL rule '{shown[0]}' for the user named '{shown[1]}': {error.reason.decode()}"
                )
                log.warning("Critical error while loading ACLs. Exiting.")
                return False
        if not user.enabled:
            log.notice(_DISABLED % name.decode(errors="backslashreplace"))
        acl.put(user)
    if config.aclfile:
        try:
            acl.replace(read_users(acl, config.aclfile))
        except AclFileError as problem:
            text = problem.text.decode(errors="backslashreplace")
            log.warning(f"Aborting Redis startup because of ACL errors: {text}")
            return False
    return True
