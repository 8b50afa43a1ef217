"""Who a session acts as, what that user may not do, and the account of it in ACL LOG and INFO."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respd import gates
from respd.acl import User, reason_denied
from respd.client import Client
from respd.client_info import describe
from respd.command import Command
from respd.config import Config
from respd.context import Context
from respd.errors import NOT_ALLOWED, CommandError
from respd.permissions import DENIED_COMMAND, DENIED_KEY, Denial

if TYPE_CHECKING:
    from respd.engine import Engine


def not_allowed(config: Config, client: Client, name: bytes) -> CommandError | None:
    """Return the refusal of a protected command (`debug`, `module`) that the configuration keeps from a client."""
    who = config.enable_module_command if name == b"module" else config.enable_debug_command
    if config.allows(who, client.is_local()):
        return None
    return CommandError(NOT_ALLOWED % (name.upper(), name))


class Access:
    """The users' permissions as the sessions' gates have them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        config = engine.config
        config.on_change(["requirepass"], self._configure_password)
        config.on_change(["acl-pubsub-default", "acllog-max-len"], self._configure_users)
        self._configure_users()
        engine.acl.set_default_password(config.requirepass)

    def update(self) -> None:
        """Have the sessions' gates say what the users may do now; a password is asked of new connections only."""
        engine = self._engine
        asks = engine.acl.requires_auth()
        for client in engine.clients.values():
            if not asks:
                client.gates &= ~gates.AUTH
            if client.permissions is not None:
                self.assign(client, client.permissions)

    def assign(self, client: Client, user: User) -> None:
        """Have a session act as `user`."""
        client.permissions = user
        client.user = user.name
        if user.is_unlimited():
            client.gates &= ~gates.ACL
        else:
            client.gates |= gates.ACL

    def log_out(self, client: Client) -> None:
        """Have a session be what it is when it is new: the default user's, authenticated if that needs no password."""
        engine = self._engine
        self.assign(client, engine.acl.default)
        if engine.acl.requires_auth():
            client.gates |= gates.AUTH
        else:
            client.gates &= ~gates.AUTH

    def _configure_password(self) -> None:
        engine = self._engine
        engine.acl.set_default_password(engine.config.requirepass)
        self.update()

    def _configure_users(self) -> None:
        engine = self._engine
        engine.acl.default_channels = engine.config.acl_pubsub_default == b"allchannels"
        engine.acl_log.limit(engine.config.acllog_max_len)

    def denial(self, client: Client, command: Command, words: list[bytes]) -> Denial | None:
        """Return why the user of a session may not run a call, or None."""
        user = client.permissions
        return user.check(command, words) if user is not None else None

    def note_denial(self, ctx: Context, denial: Denial, context: bytes = b"") -> bytes:
        """Count a denial and put it into ACL LOG; return the text for the client, its code left out."""
        client = ctx.client
        stats = self._engine.stats
        if denial.code == DENIED_COMMAND:
            stats.acl_access_denied_cmd += 1
            reason = b"command"
        elif denial.code == DENIED_KEY:
            stats.acl_access_denied_key += 1
            reason = b"key"
        else:
            stats.acl_access_denied_channel += 1
            reason = b"channel"
        self._log_denial(client, reason, context, denial.object, client.user)
        assert client.permissions is not None
        return reason_denied(client.permissions, denial)

    def note_failed_login(self, client: Client, command: bytes, username: bytes) -> None:
        """Count a login that failed, and put it into ACL LOG."""
        self._engine.stats.acl_access_denied_auth += 1
        self._log_denial(client, b"auth", b"", command, username)

    def _log_denial(self, client: Client, reason: bytes, context: bytes, object: bytes, username: bytes) -> None:
        engine = self._engine
        if not context:
            context = b"multi" if client.gates & gates.MULTI or engine.in_exec else b"toplevel"
        now_ms = int(engine.clock.ms)
        line = describe(client, now_ms, None)
        engine.acl_log.add(reason, context, object, username, line, now_ms)
