"""Runs commands: look-up, gates, transactions, blocking, timing. It knows no sockets.

`execute` is the path of every command. When no gate is set it looks the command up, checks the number of words, runs
the handler and encodes what it returns. Whatever stands in the way of that (authentication, MULTI, subscribed mode,
CLIENT REPLY, CLIENT PAUSE, a log to be written) is a gate bit and leads to `_gated`, which checks in Redis' own order.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd import errors, gates
from respd.acl import Acl, User, reason_denied
from respd.acl_log import AclLog
from respd.blocking import BLOCK_LIST, BLOCK_STREAM, BLOCK_ZSET, Block, Parked
from respd.client import REPLY_OFF, REPLY_ON, REPLY_SKIP, REPLY_SKIP_NEXT, Client, Outbox
from respd.client_eviction import ClientEviction
from respd.client_info import describe
from respd.clock import Clock
from respd.command import (
    ALLOW_BUSY,
    DENYOOM,
    FAST,
    FIRST_STEP,
    LOADING,
    MAY_REPLICATE,
    NO_AUTH,
    NO_MULTI,
    PROTECTED,
    READONLY,
    SKIP_MONITOR,
    SKIP_SLOWLOG,
    TOUCHES_ARBITRARY_KEYS,
    WRITE,
    Command,
    CommandTable,
    Group,
)
from respd.config import Config
from respd.context import Context
from respd.database import NO_TOUCH_CLOCK, Database, Keyspace, type_name
from respd.datatypes.deadlines import FAR_FUTURE, Deadlines
from respd.errors import DEBUG_NOT_ALLOWED, NOAUTH, CommandError, wrong_arity
from respd.eviction import FAILED, RUNNING, Eviction
from respd.latency import LatencyMonitor
from respd.log import Log
from respd.monitors import FROM_SCRIPT, Monitors, is_shown
from respd.permissions import DENIED_COMMAND, DENIED_KEY, Denial
from respd.persistence.disk import Disk
from respd.protocol.replies import NO_REPLY, NULL_ARRAY, OK, QUEUED, encode
from respd.pubsub import PubSub
from respd.scripting.busy import refusal
from respd.scripting.flags import ALLOW_OOM, NO_SHEBANG, NO_WRITES
from respd.scripting.functions import Libraries
from respd.scripting.runtime import Scripts
from respd.slowlog import SlowLog
from respd.stats import Stats
from respd.used_memory import UsedMemory

if TYPE_CHECKING:
    from respd.persistence.loading import Loader, Loading
    from respd.scripting.running import Run

_SUBSCRIBED_COMMANDS: Final = frozenset(
    [b"ping", b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe", b"ssubscribe", b"sunsubscribe", b"quit",
     b"reset"]
)  # fmt: skip
_NEVER_QUEUED: Final = frozenset([b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"])
_KIND_NAMES: Final = {BLOCK_LIST: b"list", BLOCK_ZSET: b"zset", BLOCK_STREAM: b"stream"}
_NO_LONGER_ALLOWED: Final = (
    b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is "
    b"no longer allowed for the following reason: "
)
_NO_LONGER: Final = {
    DENIED_COMMAND: b"no permission to execute the command or subcommand",
    DENIED_KEY: b"no permission to touch the specified keys",
}
_NO_LONGER_CHANNEL: Final = b"no permission to access one of the channels used as argument to the command"
_ARGS_SHOWN: Final = 128
_EXPIRE_BATCH: Final = 100
_EXPIRE_SLICE_S: Final = 0.005
_WEB_WORDS: Final = (b"post", b"host:")  # a browser that was led here; nothing it sends may be run


class Engine:
    """One server's state and the running of its commands."""

    def __init__(
        self,
        config: Config,
        groups: list[Group],
        clock: Clock,
        log: Log,
        seed: int | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.config = config
        self.clock = clock
        self.log = log
        self.disk: Disk = disk or Disk()
        self.random = Random(seed)
        self.stats = Stats()
        self.pubsub = PubSub()
        self.slowlog = SlowLog(config)
        self.latency = LatencyMonitor(config)
        self.slow_s: float = min(self.slowlog.threshold_s, self.latency.threshold_s)
        self.scripts = Scripts(self._log_of_script)
        self.libraries = Libraries(self._log_of_script)
        self.commands = CommandTable(groups)
        for renaming in config.renamings:
            self.commands.rename(renaming.name, renaming.new_name)
        self.spellings: dict[bytes, Command] = self.commands.by_spelling
        self.acl = Acl(self.commands)
        self.acl_log = AclLog()
        self.shared = Keyspace(clock, self.stats, self.pubsub)
        self.databases: list[Database] = []
        for index in range(config.databases):
            self.databases.append(Database(index, self.shared))
        self.clients: dict[int, Client] = {}
        self.contexts: dict[int, Context] = {}
        self.memory = UsedMemory()
        self.eviction = Eviction(
            config, clock, log, self.shared, self.databases, self.random, self.latency, self.memory
        )
        self.client_eviction = ClientEviction(config, clock, log, self.stats, self.clients)
        self.tracking = self.shared.tracking
        self.tracking.clients = self.clients
        self.outbox = Outbox()
        self.monitors = Monitors()
        self.resumed: list[Client] = []  # clients whose buffered commands may run again
        self.gates: i64 = 0
        self.next_client_id: int = 1
        self.moment: float = clock.seconds
        self.current: Client | None = None
        self.in_exec: bool = False
        self.exec_size: int = 0  # commands of the transaction that runs
        self.effects = self.shared.effects
        self.is_recorded: bool = False  # the running command has said what to log
        from respd.persistence.append_log import AppendLog  # above us; the engine only keeps them
        from respd.persistence.children import Children
        from respd.persistence.rewriting import Rewriter
        from respd.persistence.snapshot import Snapshots

        self.children: Children = Children(self)
        self.snapshots: Snapshots = Snapshots(self)
        self.append_log: AppendLog = AppendLog(self)
        self.rewriter: Rewriter = Rewriter(self)
        self.loading: Loading | None = None
        self.busy: Run | None = None  # the run of a script that takes long
        self.serve_others: Callable[[], None] = _serve_nobody  # what the network does about it
        # Blocking and pausing
        self.parked: dict[int, Parked] = {}
        self.parked_deadlines = Deadlines()
        self.pause_until_ms: i64 = 0
        self.pause_write_only: bool = False
        self.postponed: list[Client] = []
        self.released: list[Client] = []  # a pause held them back; their commands run before the loop sleeps
        # Life
        self.shutdown_requested: bool = False
        self.run_id: str = f"{Random().getrandbits(160):040x}"
        self.started_ms: int = int(clock.ms)
        config.on_change(["notify-keyspace-events"], self._configure_events)
        config.on_change(["save", "stop-writes-on-bgsave-error"], self.update_disk_gate)
        config.on_change(["requirepass"], self._configure_password)
        config.on_change(["acl-pubsub-default", "acllog-max-len"], self._configure_users)
        limits = ["slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold"]
        config.on_change(limits, self._configure_slowness)
        config.on_change(["maxmemory"], self._configure_memory)
        config.on_change(["maxmemory-clients"], self._configure_memory_gate)
        config.on_change(
            [
                "maxmemory-policy",
                "lfu-log-factor",
                "lfu-decay-time",
                "lazyfree-lazy-expire",
                "lazyfree-lazy-eviction",
            ],
            self.eviction.configure,
        )
        self._configure_events()
        self._configure_users()
        self.eviction.start()
        self._configure_memory_gate()
        self.acl.set_default_password(config.requirepass)

    def _configure_events(self) -> None:
        self.shared.set_notify(self.config.notify_keyspace_events)

    def _configure_password(self) -> None:
        self.acl.set_default_password(self.config.requirepass)
        self.update_permissions()

    def _configure_users(self) -> None:
        self.acl.default_channels = self.config.acl_pubsub_default == b"allchannels"
        self.acl_log.limit(self.config.acllog_max_len)

    def update_permissions(self) -> None:
        """Have the sessions' gates say what the users may do now; a password is asked of new connections only."""
        asks = self.acl.requires_auth()
        for client in self.clients.values():
            if not asks:
                client.gates &= ~gates.AUTH
            if client.permissions is not None:
                self.assign_user(client, client.permissions)

    def assign_user(self, client: Client, user: User) -> None:
        """Have a session act as `user`."""
        client.permissions = user
        client.user = user.name
        if user.is_unlimited():
            client.gates &= ~gates.ACL
        else:
            client.gates |= gates.ACL

    def _configure_slowness(self) -> None:
        self.slowlog.configure(self.config.slowlog_log_slower_than, self.config.slowlog_max_len)
        self.latency.configure(self.config.latency_monitor_threshold)
        self.slow_s = min(self.slowlog.threshold_s, self.latency.threshold_s)

    def _configure_memory(self) -> None:
        self.eviction.uncounted_bytes = self.append_log.buffered()
        self.eviction.limit()
        self._configure_memory_gate()

    def _configure_memory_gate(self) -> None:
        self.client_eviction.configure()
        if self.eviction.limit_bytes or self.client_eviction.limit_bytes:
            self.gates |= gates.MEMORY
        else:
            self.gates &= ~gates.MEMORY

    def reset_stats(self) -> None:
        """CONFIG RESETSTAT: start all counters anew."""
        self.stats.reset()
        self.shared.graveyard.freed = 0
        self.snapshots.saves = 0
        self.children.forget_forks()
        for command in self.commands.all:
            command.reset_stats()

    # -- clients

    def connect(self) -> Context:
        """Open a session and return its context; the caller fills in addresses."""
        client = Client(self.next_client_id, self.outbox, self.clock.ms)
        self.next_client_id += 1
        ctx = Context(client, self.databases[0], self)
        self.clients[client.id] = client
        self.contexts[client.id] = ctx
        self.log_out(client)
        return ctx

    def log_out(self, client: Client) -> None:
        """Have a session be what it is when it is new: the default user's, authenticated if that needs no password."""
        self.assign_user(client, self.acl.default)
        if self.acl.requires_auth():
            client.gates |= gates.AUTH
        else:
            client.gates &= ~gates.AUTH

    def disconnect(self, ctx: Context) -> None:
        """End a session: it waits for nothing, watches nothing and is subscribed to nothing any more."""
        client = ctx.client
        if self.clients.pop(client.id, None) is None:
            return
        del self.contexts[client.id]
        client.gates |= gates.CLOSING
        if client.parked is not None:
            self._unpark(client.parked)
        if client.postponed is not None:
            client.postponed = None
            (self.postponed if client in self.postponed else self.released).remove(client)
        self.unwatch(client)
        self.pubsub.disconnect(client)
        self.end_tracking(client)
        client.queued = []
        self.stop_monitoring(client)

    def start_monitoring(self, client: Client) -> None:
        """MONITOR: tell a client of every command from now on."""
        self.monitors.add(client)
        self.gates |= gates.MONITORED

    def stop_monitoring(self, client: Client) -> None:
        """Tell a client of commands no more."""
        self.monitors.remove(client)
        if not self.monitors.clients:
            self.gates &= ~gates.MONITORED

    def show(self, ctx: Context, words: list[bytes], from_script: bool = False) -> None:
        """Tell the clients in MONITOR mode of a command, its passwords hidden."""
        client = ctx.client
        source = client.address
        if from_script:
            source = FROM_SCRIPT
        elif client.is_unix:
            source = b"unix:" + client.address.rpartition(b":")[0]
        self.monitors.show(self.clock.seconds, ctx.db.index, source, self.slowlog.without_secrets(words))

    def end_tracking(self, client: Client) -> None:
        """Have a client track nothing any more."""
        if client.tracked is not None:
            self.tracking.disable(client)
            self.shared.update_hooks()

    def kill(self, client: Client) -> None:
        """Close a client's connection: at once, or after the running command when it is the client's own."""
        if client is self.current:
            client.close_after_reply = True
            client.gates |= gates.CLOSING
            client.wants_write()
        else:
            client.kill()

    # -- the path of a command

    def execute(self, ctx: Context, args: list[bytes]) -> None:
        """Run one command and write its reply to the client's output."""
        command = self.spellings.get(args[0])
        count: i64 = len(args)
        if command is None or command.subcommands is not None or count < command.min_words or count > command.max_words:
            command = self._resolve(ctx, args)
            if command is None:
                return
        client = ctx.client
        client.last_command = command.name
        set_gates = client.gates | self.gates
        if set_gates != 0:
            if set_gates & gates.MEMORY and self.clock.ms < self.eviction.look_at_ms:
                set_gates &= ~gates.MEMORY
            if set_gates == gates.LOGGED:
                self._execute_logged(ctx, command, args)
                return
            if set_gates != 0:
                self._gated(ctx, command, args)
                return
        self.current = client
        value = self.call(ctx, command, args)
        if isinstance(value, Block):
            self._park(ctx, command, args, value)
        elif value is not NO_REPLY:
            encode(client.out, value, client.resp)
            client.wants_write()
        if self.shared.hooks != 0:
            self.serve_ready()

    def call(self, ctx: Context, command: Command, args: list[bytes]) -> object:
        """Run a handler and return its reply, errors included; count and time the call."""
        handler = command.handler
        started = self.moment
        value: object
        try:
            value = handler(ctx, args)  # type: ignore[misc]
        except CommandError as error:
            error.__traceback__ = None  # it leads to this frame, which holds the error: a cycle
            value = error
        except Exception as defect:  # another name: mypyc gives one name one type
            value = self._internal_error(command, defect)
        now = self.clock.refresh()
        self.moment = now
        elapsed = now - started
        command.calls += 1
        command.seconds += elapsed
        self.stats.total_commands_processed += 1
        ctx.client.commands_total += 1
        if isinstance(value, CommandError):
            command.failed += 1
            if not value.is_counted:
                self.stats.record_error(value.text)
        if elapsed > FIRST_STEP:
            command.note_latency(elapsed)
        if elapsed >= self.slow_s:
            self._slow(ctx, command, args, elapsed)
        return value

    def _slow(self, ctx: Context, command: Command, args: list[bytes], elapsed: float) -> None:
        now_s = int(self.clock.ms // 1000)
        if elapsed >= self.slowlog.threshold_s and not command.flags & SKIP_SLOWLOG:
            client = ctx.client
            self.slowlog.add(args, int(elapsed * 1e6), now_s, client.address, client.name)
        if elapsed >= self.latency.threshold_s:
            self.latency.add(b"fast-command" if command.flags & FAST else b"command", elapsed, now_s)

    def _internal_error(self, command: Command, error: Exception) -> CommandError:
        """Log a defect of ours, or a lack of memory, and make an error reply of it: the server goes on."""
        if isinstance(error, MemoryError):
            return CommandError(b"OOM command not allowed: not enough memory")
        import traceback

        self.log.warning(f"internal error in '{command.name.decode()}': {''.join(traceback.format_exception(error))}")
        return CommandError(b"ERR internal error in '%b': %b" % (command.name, type(error).__name__.encode()))

    def _log_of_script(self, level: int, text: bytes) -> None:
        """Write what a script has logged, with one of Redis' four levels."""
        write = (self.log.debug, self.log.verbose, self.log.notice, self.log.warning)[max(0, min(level, 3))]
        write(text.decode(errors="backslashreplace"))

    def _resolve(self, ctx: Context, args: list[bytes]) -> Command | None:
        """Find the command of `args` where the quick look-up will not do; without one, reply why, return None."""
        command = self.commands.find(args[0])
        if command is None:
            if args[0].lower() in _WEB_WORDS:
                address = ctx.client.address.decode()
                self.log.warning(f"{address} speaks HTTP: perhaps a web page attacks this server. Connection closed.")
                ctx.client.kill()
                return None
            self.reject(ctx, None, unknown_command(args))
            return None
        if command.subcommands is not None and len(args) > 1:
            sub = command.subcommands.get(args[1].lower())
            if sub is None:
                self.reject(ctx, None, unknown_subcommand(args))
                return None
            command = sub
        count = len(args)
        if count < command.min_words or count > command.max_words:
            self.reject(ctx, command, wrong_arity(command.name))
            return None
        return command

    def reject(self, ctx: Context, command: Command | None, error: CommandError) -> None:
        """Reply an error to a command that was not run; a transaction under way will fail for it."""
        client = ctx.client
        if command is not None:
            command.rejected += 1
            if command.name == b"exec":
                self.discard_multi(client)
                reason = error.text.removeprefix(b"ERR ")
                error = CommandError(b"EXECABORT Transaction discarded because of: " + reason)
        self.stats.record_error(error.text)
        if client.gates & gates.MULTI:
            client.multi_failed = True
        self.reply(client, error)

    def reply(self, client: Client, value: object) -> None:
        """Write a reply, unless the client asked for none."""
        if value is NO_REPLY:
            return
        if client.gates & gates.REPLY:
            if client.reply_mode in (REPLY_OFF, REPLY_SKIP):
                return
        encode(client.out, value, client.resp)
        client.wants_write()

    def _gated(self, ctx: Context, command: Command, args: list[bytes]) -> None:
        """Run a command for which some gate is set: check in Redis' order what stands in its way."""
        client = ctx.client
        set_gates = client.gates | self.gates
        if set_gates & gates.CLOSING:
            return
        if set_gates & gates.REPLY and client.reply_mode == REPLY_SKIP_NEXT:
            client.reply_mode = REPLY_SKIP
        if command.flags & PROTECTED and not self.config.allows(self.config.enable_debug_command, client.is_local()):
            self.reject(ctx, command, CommandError(DEBUG_NOT_ALLOWED))
        elif set_gates & gates.AUTH and not command.flags & NO_AUTH:
            self.reject(ctx, command, CommandError(NOAUTH))
        elif set_gates & gates.MULTI and command.flags & NO_MULTI:
            self.reject(ctx, command, CommandError(b"ERR Command not allowed inside a transaction"))
        elif set_gates & gates.ACL and (denial := self.denial(client, command, args)) is not None:
            self.reject(ctx, command, CommandError(b"NOPERM " + self.note_denial(ctx, denial)))
        elif set_gates & gates.MEMORY and self._lacks_memory(ctx, command, args):
            self.reject(ctx, command, CommandError(errors.OUT_OF_MEMORY))
        elif set_gates & gates.DISK_FAILS and (command.name == b"ping" or self.writes(ctx, command)):
            self.reject(ctx, command, CommandError(self.disk_error()))
        elif set_gates & gates.SUBSCRIBED and client.resp == 2 and command.name not in _SUBSCRIBED_COMMANDS:
            self.reject(ctx, command, not_in_subscribed_mode(command))
        elif set_gates & gates.MONITOR and command.flags & (WRITE | READONLY | MAY_REPLICATE):
            self.reject(ctx, command, CommandError(b"ERR Replica can't interact with the keyspace"))
        elif set_gates & gates.LOADING and not self._may_run_loading(ctx, command):
            self.reject(ctx, command, CommandError(errors.LOADING))
        elif set_gates & gates.BUSY and not command.flags & ALLOW_BUSY:
            self.reject(ctx, command, refusal(self))
        elif set_gates & gates.PAUSED and self._must_wait(ctx, command):
            client.postponed = args
            client.gates |= gates.BLOCKED
            self.postponed.append(client)
            return
        elif set_gates & gates.MULTI and command.name not in _NEVER_QUEUED:
            client.queued.append(args)
            for word in args:
                client.queued_size += len(word)
            self.reply(client, QUEUED)
        elif not client.gates & gates.CLOSING:  # it may have been disconnected for the memory it takes
            self._run_gated(ctx, command, args)
        if client.gates & gates.REPLY and client.reply_mode == REPLY_SKIP:
            client.reply_mode = REPLY_ON
            client.gates &= ~gates.REPLY

    def _run_gated(self, ctx: Context, command: Command, args: list[bytes]) -> None:
        client = ctx.client
        self.current = client
        shared = self.shared
        access_clock = shared.access_clock
        if client.gates & gates.NO_TOUCH and command.name != b"touch":
            shared.access_clock = NO_TOUCH_CLOCK
        client.hold_pushes()
        if client.gates & gates.TRACKING:
            self.tracking.current = client
        if self.gates & gates.MONITORED and command.flags & SKIP_MONITOR:
            self.show(ctx, args)
        if self.gates & gates.LOGGED:
            value = self._call_logged(ctx, command, args)
        else:
            value = self.call(ctx, command, args)
        if shared.access_clock == NO_TOUCH_CLOCK:
            shared.access_clock = access_clock
        if client.gates & gates.TRACKING:
            self.tracking.end_command(client, command, args)
        if isinstance(value, Block):
            self._park(ctx, command, args, value)
        else:
            self.reply(client, value)
        if self.gates & gates.MONITORED and is_shown(command):
            self.show(ctx, args)
        client.release_pushes()
        if shared.hooks != 0:
            self.serve_ready()

    def denial(self, client: Client, command: Command, words: list[bytes]) -> Denial | None:
        """Return why the user of a session may not run a call, or None."""
        user = client.permissions
        return user.check(command, words) if user is not None else None

    def note_denial(self, ctx: Context, denial: Denial, context: bytes = b"") -> bytes:
        """Count a denial and put it into ACL LOG; return the text for the client, its code left out."""
        client = ctx.client
        stats = self.stats
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
        self.stats.acl_access_denied_auth += 1
        self._log_denial(client, b"auth", b"", command, username)

    def _log_denial(self, client: Client, reason: bytes, context: bytes, object: bytes, username: bytes) -> None:
        if not context:
            context = b"multi" if client.gates & gates.MULTI or self.in_exec else b"toplevel"
        now_ms = int(self.clock.ms)
        line = describe(client, now_ms, None)
        self.acl_log.add(reason, context, object, username, line, now_ms)

    def writes(self, ctx: Context, command: Command) -> bool:
        """Tell whether a command may change data: EXEC does if one of those queued does."""
        if command.name != b"exec":
            return command.flags & WRITE != 0
        for words in ctx.client.queued:
            queued = self.commands.lookup(words)
            if queued is not None and queued.flags & WRITE:
                return True
        return False

    def _lacks_memory(self, ctx: Context, command: Command, args: list[bytes]) -> bool:
        """Evict what must go before a command; tell whether the command is to be refused for want of memory."""
        self.look_at_memory()
        if self.eviction.state != FAILED or ctx.client.gates & gates.CLOSING:
            return False
        if command.name != b"exec":
            return command.flags & DENYOOM != 0 or self._script_needs_memory(command, args)
        for words in ctx.client.queued:
            queued = self.commands.lookup(words)
            if queued is not None and (queued.flags & DENYOOM or self._script_needs_memory(queued, words)):
                return True
        return False

    def _script_needs_memory(self, command: Command, args: list[bytes]) -> bool:
        """Tell whether a command runs a script or function whose flags say that it may need memory."""
        name = command.name
        flags = NO_SHEBANG
        if name in (b"fcall", b"fcall_ro"):
            function = self.libraries.find(args[1])
            if function is not None:
                flags = function.flags
        elif name in (b"eval", b"eval_ro", b"evalsha", b"evalsha_ro"):
            flags = self.scripts.flags_of(args[1], name.startswith(b"evalsha"))
        return not flags & (NO_SHEBANG | ALLOW_OOM | NO_WRITES)

    def look_at_memory(self) -> None:
        """See to it that clients and data keep to their limits, if it is time to."""
        eviction = self.eviction
        if self.clock.ms < eviction.look_at_ms or self.busy is not None:
            return
        self.client_eviction.look()
        if eviction.limit_bytes == 0:
            eviction.look_at_ms = self.clock.ms + 1
        elif self.gates & (gates.LOADING | gates.PAUSED):
            eviction.stop()
        else:
            eviction.uncounted_bytes = self.append_log.buffered()
            eviction.look()

    def disk_error(self) -> bytes:
        """Return the error that commands that write get while the disk fails."""
        if self.gates & gates.SNAPSHOT_FAILS:
            return errors.SNAPSHOT_FAILED
        return self.append_log.error_text()

    def update_disk_gate(self) -> None:
        """Refuse writes, or no more, after a snapshot or a change of the configuration."""
        if self.snapshots.refuses_writes():
            self.gates |= gates.SNAPSHOT_FAILS
        else:
            self.gates &= ~gates.SNAPSHOT_FAILS

    def begin_loading(self, loader: Loader) -> None:
        """Refuse most commands from now on, until `end_loading`: the data is not there yet."""
        from respd.persistence.loading import Loading

        self.loading = Loading(loader, int(self.clock.ms // 1000))
        self.gates |= gates.LOADING

    def end_loading(self) -> None:
        """Serve again, whatever came of it."""
        self.loading = None
        self.gates &= ~gates.LOADING

    def _may_run_loading(self, ctx: Context, command: Command) -> bool:
        """Tell whether a command may run while the data is loaded: EXEC may if all of those queued may."""
        if command.name != b"exec":
            return command.flags & LOADING != 0
        for words in ctx.client.queued:
            queued = self.commands.lookup(words)
            if queued is not None and not queued.flags & LOADING:
                return False
        return True

    def _must_wait(self, ctx: Context, command: Command) -> bool:
        if not self.pause_write_only:
            return True
        if command.flags & (WRITE | MAY_REPLICATE):
            return True
        if command.name != b"exec":
            return False
        for words in ctx.client.queued:
            queued = self.commands.lookup(words)
            if queued is not None and queued.flags & (WRITE | MAY_REPLICATE):
                return True
        return False

    # -- recording of effects

    def record_effects(self, on: bool) -> None:
        """Gather in `effects` what commands change, from now on or no more."""
        if on:
            self.effects.start()
            self.gates |= gates.LOGGED
        else:
            self.effects.stop()
            self.gates &= ~gates.LOGGED

    def _execute_logged(self, ctx: Context, command: Command, args: list[bytes]) -> None:
        """What `execute` does, for a command that only a log looks at."""
        client = ctx.client
        self.current = client
        value = self._call_logged(ctx, command, args)
        if isinstance(value, Block):
            self._park(ctx, command, args, value)
        elif value is not NO_REPLY:
            encode(client.out, value, client.resp)
            client.wants_write()
        if self.shared.hooks != 0:
            self.serve_ready()

    def _call_logged(self, ctx: Context, command: Command, args: list[bytes]) -> object:
        """Run a command and log what it has changed: the words as sent, or the unit that has gathered."""
        effects = self.effects
        shared = self.shared
        before = shared.dirty
        self.is_recorded = False
        value = self.call(ctx, command, args)
        is_own = shared.dirty != before and not self.is_recorded and command.flags & (WRITE | MAY_REPLICATE) != 0
        if not effects.unit:
            if is_own:
                effects.write(ctx.db.index, args)
            return value
        if is_own:
            effects.add(ctx.db.index, args)
        effects.commit(not command.flags & TOUCHES_ARBITRARY_KEYS)
        return value

    def _call_recorded(self, ctx: Context, command: Command, args: list[bytes], is_muted: bool) -> object:
        """Run a command that another one calls, and add what it has changed to that one's unit."""
        effects = self.effects
        before = self.shared.dirty
        outer_recorded = self.is_recorded
        outer_muted = effects.is_muted
        self.is_recorded = False
        effects.is_muted = is_muted
        value = self.call(ctx, command, args)
        effects.is_muted = outer_muted
        if self.shared.dirty != before and not self.is_recorded and not is_muted:
            if command.flags & (WRITE | MAY_REPLICATE):
                effects.add(ctx.db.index, args)
        self.is_recorded = outer_recorded
        return value

    # -- transactions

    def begin_multi(self, ctx: Context) -> object:
        """MULTI: queue what follows."""
        client = ctx.client
        if client.gates & gates.MULTI:
            raise CommandError(b"ERR MULTI calls can not be nested")
        client.gates |= gates.MULTI
        return OK

    def discard_multi(self, client: Client) -> None:
        """Forget the queue and the watched keys, and leave the transaction."""
        client.queued = []
        client.queued_size = 0
        client.multi_failed = False
        client.gates &= ~gates.MULTI
        self.unwatch(client)

    def exec_multi(self, ctx: Context) -> object:
        """EXEC: run the queue, unless a command was refused or a watched key has changed."""
        client = ctx.client
        if not client.gates & gates.MULTI:
            raise CommandError(b"ERR EXEC without MULTI")
        if client.multi_failed:
            self.discard_multi(client)
            raise CommandError(b"EXECABORT Transaction discarded because of previous errors.")
        if client.watch_spoiled or self._watched_expired(client):
            self.discard_multi(client)
            return NULL_ARRAY
        queue = client.queued
        self.discard_multi(client)
        replies: list[object] = []
        denied = ctx.deny_blocking
        was_frozen = self.clock.frozen
        ctx.deny_blocking = True
        self.clock.frozen = True
        self.in_exec = True
        self.exec_size = len(queue)
        for words in queue:
            replies.append(self.call_queued(ctx, words))
        self.in_exec = False
        self.clock.frozen = was_frozen
        ctx.deny_blocking = denied
        return replies

    def call_queued(self, ctx: Context, words: list[bytes]) -> object:
        """Run a command of a transaction; errors are values."""
        command = self.commands.lookup(words)
        if command is None:
            return unknown_command(words)
        if ctx.client.gates & gates.ACL:
            denial = self.denial(ctx.client, command, words)
            if denial is not None:
                self.note_denial(ctx, denial)
                return self._no_longer_allowed(command, denial)
        if self.gates & gates.MONITORED and command.flags & SKIP_MONITOR:
            self.show(ctx, words)
        value = self.call_inner(ctx, command, words, False)
        if self.gates & gates.MONITORED and is_shown(command):
            self.show(ctx, words)
        return value

    def call_inner(self, ctx: Context, command: Command, words: list[bytes], is_muted: bool) -> object:
        """Run a command that EXEC or a script calls; errors are values. Nothing of it is logged if `is_muted`."""
        shared = self.shared
        access_clock = shared.access_clock
        if access_clock == NO_TOUCH_CLOCK and command.name == b"touch":
            shared.tick(self.clock.ms)
        if self.effects.is_on:
            value = self._call_recorded(ctx, command, words, is_muted)
        else:
            value = self.call(ctx, command, words)
        if access_clock == NO_TOUCH_CLOCK:
            shared.access_clock = access_clock
        if ctx.client.gates & gates.TRACKING:
            self.tracking.remember(ctx.client, command, words)
        if isinstance(value, Block):
            return value.timeout_reply
        return value

    def _no_longer_allowed(self, command: Command, denial: Denial) -> CommandError:
        reason = _NO_LONGER.get(denial.code, _NO_LONGER_CHANNEL)
        error = CommandError(_NO_LONGER_ALLOWED + reason)
        command.rejected += 1
        self.stats.record_error(error.text)
        return error

    def watch(self, ctx: Context, keys: list[bytes]) -> None:
        """WATCH: have the next EXEC fail when one of `keys` changes."""
        client = ctx.client
        db = ctx.db
        for key in keys:
            db.peek(key)  # what is due goes first, and spoils nothing
            watchers = db.watchers.get(key)
            if watchers is None:
                watchers = {}
                db.watchers[key] = watchers
            if client not in watchers:
                watchers[client] = True
                client.watched.append((db, key))
                self.shared.watched_keys += 1
        self.shared.update_hooks()

    def unwatch(self, client: Client) -> None:
        """Forget what a client watches, and that it was spoiled."""
        client.watch_spoiled = False
        if not client.watched:
            return
        for db, key in client.watched:
            watchers = db.watchers.get(key)
            if watchers is not None and watchers.pop(client, False):
                self.shared.watched_keys -= 1
                if not watchers:
                    del db.watchers[key]
        client.watched = []
        self.shared.update_hooks()

    def _watched_expired(self, client: Client) -> bool:
        now_ms = self.clock.ms
        for db, key in client.watched:
            entry = db.entries.get(key)
            if entry is not None and entry.expire_at_ms != 0 and entry.expire_at_ms <= now_ms:
                return True
        return False

    # -- blocking

    def _park(self, ctx: Context, command: Command, args: list[bytes], block: Block) -> None:
        """Have a client wait; in a transaction or script it gets the reply of a timeout at once."""
        client = ctx.client
        if ctx.deny_blocking:
            self.reply(client, block.timeout_reply)
            return
        parked = Parked(ctx, command, args if block.args is None else block.args, block, ctx.db)
        client.parked = parked
        client.gates |= gates.BLOCKED
        ctx.db.waiting.add(parked)
        self.parked[client.id] = parked
        self.shared.waiting_clients = len(self.parked)
        self.shared.update_hooks()
        if block.deadline_ms > 0:
            self.parked_deadlines.add(b"%d" % client.id, block.deadline_ms)
        if block.again_ms > 0:
            self.parked_deadlines.add(b"-%d" % client.id, block.again_ms)

    def _unpark(self, parked: Parked) -> None:
        client = parked.ctx.client
        parked.db.waiting.remove(parked)
        client.parked = None
        client.gates &= ~gates.BLOCKED
        self.parked.pop(client.id, None)
        if parked.block.deadline_ms > 0:
            self.parked_deadlines.remove(b"%d" % client.id, parked.block.deadline_ms)
        if parked.block.again_ms > 0:
            self.parked_deadlines.remove(b"-%d" % client.id, parked.block.again_ms)
        self.shared.waiting_clients = len(self.parked)
        self.shared.update_hooks()
        self.resumed.append(client)

    def unblock(self, client: Client, error: bool) -> bool:
        """CLIENT UNBLOCK: end a wait with the reply of a timeout, or with an error; False if there was none."""
        parked = client.parked
        if parked is None:
            return False
        self._unpark(parked)
        if error:
            self.reply(client, CommandError(b"UNBLOCKED client unblocked via CLIENT UNBLOCK"))
        else:
            self.reply(client, parked.block.timeout_reply)
        return True

    def serve_ready(self) -> None:
        """Run the commands of clients whose keys have become ready, until no key is; first come, first served."""
        if self.shared.waiting_clients == 0 or self.gates & gates.BUSY:
            return
        again = True
        while again:
            again = False
            for db in self.databases:
                if db.waiting.ready:
                    again = True
                    for key in db.waiting.take_ready():
                        self._serve_key(db, key)

    def _serve_key(self, db: Database, key: bytes) -> None:
        for parked in db.waiting.parked_for(key):
            entry = db.peek(key)
            is_there = entry is not None and type_name(entry.value) == _KIND_NAMES[int(parked.block.kind)]
            if parked.active and (is_there or parked.block.awaits_loss):
                self._retry(parked)

    def _retry(self, parked: Parked) -> None:
        ctx = parked.ctx
        current = self.current
        self.current = ctx.client
        ctx.client.hold_pushes()
        tracks = ctx.client.gates & gates.TRACKING != 0
        if tracks:
            self.tracking.current = ctx.client
        if self.gates & gates.LOGGED:
            value = self._call_logged(ctx, parked.command, parked.args)
        else:
            value = self.call(ctx, parked.command, parked.args)
        if tracks:
            self.tracking.end_command(ctx.client, parked.command, parked.args)
        self.current = current
        if not isinstance(value, Block):
            self._unpark(parked)
            self.reply(ctx.client, value)
        elif value.again_ms > 0:
            name = b"-%d" % ctx.client.id
            self.parked_deadlines.remove(name, parked.block.again_ms)
            self.parked_deadlines.add(name, value.again_ms)
            parked.block.again_ms = value.again_ms
        ctx.client.release_pushes()

    def time_out_blocked(self) -> None:
        """Reply to the blocked clients whose time is over."""
        now_ms = self.clock.ms
        self.parked_deadlines.advance(now_ms)
        for name in self.parked_deadlines.take_due(now_ms, len(self.parked)):
            parked = self.parked.get(abs(int(name)))
            if parked is None:
                continue
            if 0 < parked.block.again_ms <= now_ms:
                self._retry(parked)
            if parked.active and 0 < parked.block.deadline_ms <= now_ms:
                self._unpark(parked)
                self.reply(parked.ctx.client, parked.block.timeout_reply)

    # -- pausing

    def pause(self, until_ms: int, write_only: bool) -> None:
        """CLIENT PAUSE: hold commands back until a moment; a pause under way is only ever made longer or stricter."""
        if self.gates & gates.PAUSED:
            write_only = write_only and self.pause_write_only
            until_ms = max(until_ms, int(self.pause_until_ms))
        self.pause_until_ms = until_ms
        self.pause_write_only = write_only
        self.gates |= gates.PAUSED

    def unpause(self) -> None:
        """End a pause: what was held back runs before the loop sleeps, in order."""
        if not self.gates & gates.PAUSED:
            return
        self.gates &= ~gates.PAUSED
        self.released += self.postponed
        self.postponed = []

    def _run_released(self) -> None:
        """Run the commands that a pause held back; a new pause may hold them back again."""
        while self.released:
            client = self.released.pop(0)
            args = client.postponed
            client.postponed = None
            client.gates &= ~gates.BLOCKED
            ctx = self.contexts.get(client.id)
            if args is not None and ctx is not None:
                self.execute(ctx, args)
                self.resumed.append(client)

    # -- once per turn of the loop

    def before_sleep(self) -> None:
        """Do what is due: end a pause, wake blocked clients, expire keys."""
        self.moment = self.clock.refresh()
        if self.gates & gates.PAUSED and self.clock.ms >= self.pause_until_ms:
            self.unpause()
        if self.released:
            self._run_released()
        if self.parked:
            self.time_out_blocked()
        if self.shared.active_expire and not self.gates & gates.PAUSED and not self.shared.expire_off:
            self._expire_due()
        if self.gates & gates.MEMORY:
            self.look_at_memory()
        if self.tracking.count:
            self.tracking.shrink(self.config.tracking_table_max_keys)
            self.tracking.broadcast()

    def _expire_due(self) -> None:
        """Delete what is due: all of it, but for a crowd that takes longer than a slice of time."""
        if self.shared.may_expire:
            until = self.clock.seconds + _EXPIRE_SLICE_S
            for db in self.databases:
                if db.has_deadlines():
                    while db.expire_due(_EXPIRE_BATCH) >= _EXPIRE_BATCH and self.clock.refresh() < until:
                        pass
                    self.effects.commit(False)
        if self.shared.hooks != 0:
            self.serve_ready()

    def next_event_ms(self) -> i64:
        """Return the moment at which `before_sleep` has something to do again."""
        first: i64 = FAR_FUTURE
        if self.eviction.state == RUNNING:
            return self.clock.ms
        if self.gates & gates.PAUSED:
            first = self.pause_until_ms
        elif self.shared.may_expire and self.shared.active_expire and not self.shared.expire_off:
            self.shared.may_expire = False
            for db in self.databases:
                if db.has_deadlines():
                    self.shared.may_expire = True
                    at = db.next_expire_ms()
                    if at < first:
                        first = at
        if self.parked:
            at = self.parked_deadlines.next_ms(self.clock.ms)
            if at < first:
                first = at
        return first

    def shut_down(self, options: list[bytes]) -> bool:
        """Save what SHUTDOWN's options (save, nosave, force, now) and the save points ask for, and have the loop end.

        Returns False, the log having been told why, when saving has failed: the server then goes on.
        """
        log = self.log
        log.notice("User requested shutdown...")
        if self.snapshots.runs():
            log.warning("There is a child saving an .rdb. Killing it!")
            self.snapshots.kill()
        if self.append_log.is_waiting() and self.rewriter.runs():
            if b"force" not in options:
                log.warning("Writing initial AOF, can't exit.")
                return False
            log.warning("Writing initial AOF. Exit anyway.")
        if self.loading is None and (b"save" in options or (self.config.save and b"nosave" not in options)):
            if self.rewriter.runs():
                log.warning("There is a child rewriting the AOF. Killing it!")
                self.rewriter.kill()
            log.notice("Saving the final RDB snapshot before exiting.")
            if not self.snapshots.save():
                if b"force" not in options:
                    log.warning("Error trying to save the DB, can't exit.")
                    return False
                log.warning("Error trying to save the DB. Exit anyway.")
        self.shutdown_requested = True
        return True


def _serve_nobody() -> None:
    """Serve nobody: there is no network."""


def unknown_command(args: list[bytes]) -> CommandError:
    """Return the error for a command that does not exist, with the beginning of its arguments."""
    shown = b""
    for word in args[1:]:
        if len(shown) >= _ARGS_SHOWN:
            break
        shown += b"'%b' " % _shown(word, _ARGS_SHOWN - len(shown))
    name = _shown(args[0], _ARGS_SHOWN)
    return CommandError(b"ERR unknown command '%b', with args beginning with: %b" % (name, shown))


def _shown(word: bytes, size: int) -> bytes:
    """The beginning of a word as Redis puts it into an error: up to the first NUL."""
    shown = word[:size]
    return shown.partition(b"\0")[0] if 0 in shown else shown


def unknown_subcommand(args: list[bytes]) -> CommandError:
    """Return the error for a sub-command that does not exist; it spells the container as the client did."""
    shown = _shown(args[1], _ARGS_SHOWN)
    return CommandError(b"ERR unknown subcommand '%b'. Try %b HELP." % (shown, args[0].upper()))


def not_in_subscribed_mode(command: Command) -> CommandError:
    """Return the error for a command that a RESP2 client with subscriptions may not send."""
    return CommandError(
        b"ERR Can't execute '%b': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        b"context" % command.name
    )
