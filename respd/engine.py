"""Runs commands: look-up, gates, transactions, blocking, timing. It knows no sockets.

`execute` is the path of every command. When no gate is set it looks the command up, checks the number of words, runs
the handler and encodes what it returns. Whatever stands in the way of that (authentication, MULTI, subscribed mode,
CLIENT REPLY, CLIENT PAUSE, a log to be written) is a gate bit and leads to `_gated`, which checks in Redis' own order.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd import errors, gates
from respd.access import Access, not_allowed
from respd.acl import Acl
from respd.acl_log import AclLog
from respd.blocked_clients import BlockedClients
from respd.blocking import Block
from respd.client import NO_COMMAND, NO_LIMIT, REPLY_OFF, REPLY_ON, REPLY_SKIP, REPLY_SKIP_NEXT, Client, Outbox
from respd.client_eviction import ClientEviction
from respd.client_info import COMMAND_BYTES, WORD_BYTES, describe
from respd.clock import Clock
from respd.command import (
    ALLOW_BUSY,
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
from respd.command_log import CommandLog
from respd.config import Config
from respd.context import Context
from respd.database import NO_TOUCH_CLOCK, Database, Keyspace
from respd.datatypes.deadlines import FAR_FUTURE
from respd.defects import Defects
from respd.departures import Departures
from respd.errors import NOAUTH, CommandError, wrong_arity
from respd.eviction import RUNNING, Eviction
from respd.key_sizes import KeySizes
from respd.latency import LatencyMonitor
from respd.log import Log
from respd.memory_limits import MemoryLimits
from respd.monitors import FROM_SCRIPT, Monitors, is_shown
from respd.oom_score import OomScore
from respd.pausing import Pause
from respd.persistence.disk import Disk
from respd.protocol.replies import NO_REPLY, QUEUED, encode, least_size
from respd.pubsub import PubSub
from respd.scripting.busy import refusal
from respd.scripting.flags import NO_SHEBANG
from respd.scripting.functions import Libraries
from respd.scripting.runtime import Scripts
from respd.slowlog import SlowLog
from respd.stats import Stats
from respd.transactions import Transactions
from respd.used_memory import UsedMemory

if TYPE_CHECKING:
    from respd.persistence.loading import Loader, Loading
    from respd.scripting.running import Run

_SUBSCRIBED_COMMANDS: Final = frozenset(
    [b"ping", b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe", b"ssubscribe", b"sunsubscribe", b"quit",
     b"reset"]
)  # fmt: skip
_NEVER_QUEUED: Final = frozenset([b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"])
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
        self.stats.on_too_many_codes = self._log_too_many_codes
        self.pubsub = PubSub()
        self.slowlog = SlowLog(config)
        self.large_reply: i64 = 0  # bytes from which COMMANDLOG notes a reply
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
        self.key_sizes = KeySizes(self.databases, clock)
        self.clients: dict[int, Client] = {}
        self.contexts: dict[int, Context] = {}
        self.memory = UsedMemory()
        self.eviction = Eviction(
            config, clock, log, self.shared, self.databases, self.random, self.latency, self.memory
        )
        self.client_eviction = ClientEviction(config, clock, log, self.stats, self.clients)
        self.tracking = self.shared.tracking
        self.tracking.clients = self.clients
        self.tracking.running = self.running
        self.outbox = Outbox()
        self.monitors = Monitors()
        self.resumed: list[Client] = []  # clients whose buffered commands may run again
        self.gates: i64 = 0
        self.next_client_id: int = 1
        self.moment: float = clock.seconds
        self.current: Client | None = None
        self.in_exec: bool = False
        self.exec_size: int = 0  # commands of the transaction that runs
        self.in_script: bool = False
        self.tracked_s: float = FIRST_STEP  # calls of at least so long are counted by their length
        self.effects = self.shared.effects
        self.is_recorded: bool = False  # the running command has said what to log
        from respd.persistence.append_log import AppendLog  # above us; the engine only keeps them
        from respd.persistence.children import Children
        from respd.persistence.rewriting import Rewriter
        from respd.persistence.snapshot import Snapshots

        self.oom_score: OomScore = OomScore(config, log)
        self.children: Children = Children(self)
        self.snapshots: Snapshots = Snapshots(self)
        self.append_log: AppendLog = AppendLog(self)
        self.rewriter: Rewriter = Rewriter(self)
        self.loading: Loading | None = None
        self.busy: Run | None = None  # the run of a script that takes long
        self.serve_others: Callable[[], None] = _serve_nobody  # what the network does about it
        self.access = Access(self)
        self.memory_limits = MemoryLimits(self)
        self.transactions = Transactions(self)
        self.departures = Departures(self.pubsub, self.tracking, self.transactions)
        self.blocked = BlockedClients(self)
        self.pause = Pause(self)
        self.defects = Defects(self)
        self.command_log = CommandLog(self)
        self.command_log.configure()
        # Life
        self.shutdown_requested: bool = False
        self.run_id: str = f"{Random().getrandbits(160):040x}"
        self.started_ms: int = int(clock.ms)
        config.on_change(["notify-keyspace-events"], self._configure_events)
        config.on_change(["tracking-table-max-keys"], self._configure_tracking)
        config.on_change(["save", "stop-writes-on-bgsave-error"], self.update_disk_gate)
        config.on_change(["min-replicas-to-write", "min-replicas-max-lag"], self._update_replicas_gate)
        self._update_replicas_gate()
        limits = ["slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold"]
        config.on_change(limits, self._configure_slowness)
        config.on_change(["latency-tracking"], self._configure_latency)
        self._configure_latency()
        config.on_change(["client-output-buffer-limit"], self._configure_output)
        self.outbox.on_overflow = self.overflow
        self._configure_output()
        self._configure_events()
        self._configure_tracking()
        self.memory_limits.start()

    def _configure_events(self) -> None:
        self.shared.set_notify(self.config.notify_keyspace_events)

    def _configure_output(self) -> None:
        self.outbox.limit(self.config.client_output_buffer_limits)

    def overflow(self, client: Client) -> None:
        """Have the connection of a client closed for whom more waits to be sent than may; it gets none of that."""
        if client.close_now:
            return
        line = describe(client, int(self.clock.ms), None).decode(errors="replace")
        self.log.warning(f"Client {line} scheduled to be closed ASAP for overcoming of output buffer limits.")
        self.stats.client_output_buffer_limit_disconnections += 1
        client.out = BytesWriter()
        client.kill()

    def _configure_slowness(self) -> None:
        self.slowlog.configure(self.config.slowlog_log_slower_than, self.config.slowlog_max_len)
        self.latency.configure(self.config.latency_monitor_threshold)
        self.slow_s = min(self.slowlog.threshold_s, self.latency.threshold_s)

    def _configure_latency(self) -> None:
        on = self.config.latency_tracking
        self.tracked_s = FIRST_STEP if on else float("inf")
        for command in self.commands.all:
            command.track_latency(on)

    def _log_too_many_codes(self, codes: list[bytes]) -> None:
        self.log.warning(
            "Errorstats stopped adding new errors because the number of errors reached the limit, may be misuse of lua "
            "error_reply, please check INFO ERRORSTATS, this can be re-enabled via CONFIG RESETSTAT."
        )
        self.log.warning("Current errors code list: " + b", ".join(codes).decode(errors="backslashreplace"))

    def reset_stats(self) -> None:
        """CONFIG RESETSTAT: start all counters anew."""
        self.stats.reset()
        self.shared.graveyard.freed = 0
        self.snapshots.saves = 0
        self.rewriter.rewrites = 0
        self.rewriter.failures = 0
        self.append_log.delayed_fsyncs = 0
        self.eviction.forget_exceeding()
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
        self.access.log_out(client)
        return ctx

    def disconnect(self, ctx: Context) -> None:
        """End a session: it waits for nothing, watches nothing and is subscribed to nothing any more."""
        client = ctx.client
        if self.clients.pop(client.id, None) is None:
            return
        del self.contexts[client.id]
        client.gates |= gates.CLOSING
        if client.parked is not None:
            self.blocked.unpark(client.parked)
        self.pause.forget(client)
        self.departures.take(client)
        self.end_tracking(client)
        self.departures.discard(client.queued)
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

    def running(self) -> Client | None:
        """Return the client whose command runs, or was the last to run."""
        return self.current

    def end_tracked(self, client: Client, command: Command, words: list[bytes], is_over: bool) -> None:
        """End a command of a tracking client: note what it has read, tell it what it has itself changed."""
        tracking = self.tracking
        tracking.end_command(client, command, words, is_over)
        if tracking.is_too_large():
            self.gates |= gates.TABLE_FULL

    def _shrink_table(self, client: Client) -> bool:
        """Forget what CLIENT TRACKING remembers beyond its limit, as is due before a command; refuse nothing."""
        if self.tracking.shrink(client):
            self.gates &= ~gates.TABLE_FULL
        return False

    def _configure_tracking(self) -> None:
        self.tracking.limit = self.config.tracking_table_max_keys
        if self.tracking.is_too_large():
            self.gates |= gates.TABLE_FULL

    def kill(self, client: Client) -> None:
        """Close a client's connection: at once, or after the running command when it is the client's own."""
        if client is self.current:
            client.close_after_reply = True
            client.gates |= gates.CLOSING
            client.wants_write()
        else:
            client.kill()
            self.disconnect(self.contexts[client.id])

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
            self.blocked.park(ctx, command, args, value)
        elif value is not NO_REPLY:
            if self.outbox.normal_limit != NO_LIMIT:
                self._reply_within(client, command, args, value, self.outbox.normal_limit)
            else:
                self._write(client, command, args, value)
        if self.shared.hooks != 0:
            self.blocked.serve_ready()

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
            value = self.defects.in_command(ctx, command, args, defect)
        now = self.clock.refresh()
        self.moment = now
        elapsed = now - started
        command.calls += 1
        command.seconds += elapsed
        self.stats.total_commands_processed += 1
        ctx.client.commands_total += 1
        if isinstance(value, CommandError):
            self.note_failure(command, value)
        if elapsed >= self.tracked_s:
            command.note_latency(elapsed)
        if elapsed >= self.slow_s:
            self.note_slow(ctx, command, args, elapsed)
        return value

    def note_failure(self, command: Command, error: CommandError) -> None:
        """Count an error that a command has come to."""
        command.failed += 1
        if not error.is_counted:
            self.stats.record_error(error.text)

    def note_slow(self, ctx: Context, command: Command, args: list[bytes], elapsed: float) -> None:
        """Remember a call that took at least `slow_s` where it belongs: the slow log, or the latency monitor."""
        now_s = int(self.clock.ms // 1000)
        if elapsed >= self.slowlog.threshold_s and not command.flags & SKIP_SLOWLOG:
            client = ctx.client
            if self.in_script:  # its commands have no address and no name of their own
                self.slowlog.add(args, int(elapsed * 1e6), now_s, b"", b"")
            else:
                self.slowlog.add(args, int(elapsed * 1e6), now_s, client.address, client.name)
        if elapsed >= self.latency.threshold_s:
            self.latency.add(b"fast-command" if command.flags & FAST else b"command", elapsed, now_s)

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
            self._reject_unresolved(ctx, None, errors.unknown_command(args))
            return None
        if command.subcommands is not None and len(args) > 1:
            sub = command.subcommands.get(args[1].lower())
            if sub is None:
                self._reject_unresolved(ctx, None, errors.unknown_subcommand(args))
                return None
            command = sub
        count = len(args)
        if count < command.min_words or count > command.max_words:
            self._reject_unresolved(ctx, command, wrong_arity(command.name))
            return None
        return command

    def _reject_unresolved(self, ctx: Context, command: Command | None, error: CommandError) -> None:
        """Reply an error to words that are no command; what CLIENT REPLY SKIP says holds for it too."""
        client = ctx.client
        client.last_command = NO_COMMAND if command is None else command.name
        self._begin_skip(client)
        self.reject(ctx, command, error)
        self._end_skip(client)

    def _begin_skip(self, client: Client) -> None:
        """Have a command that follows CLIENT REPLY SKIP not answer, one that follows a command that had to wait do."""
        if client.reply_mode == REPLY_SKIP_NEXT:
            client.reply_mode = REPLY_SKIP
        elif client.reply_mode == REPLY_SKIP:
            client.reply_mode = REPLY_ON
            client.gates &= ~gates.REPLY

    def _end_skip(self, client: Client) -> None:
        """Have what follows answer again, unless the command has only begun to wait."""
        if client.reply_mode == REPLY_SKIP and not client.gates & gates.BLOCKED:
            client.reply_mode = REPLY_ON
            client.gates &= ~gates.REPLY

    def reject(self, ctx: Context, command: Command | None, error: CommandError) -> None:
        """Reply an error to a command that was not run; a transaction under way will fail for it."""
        client = ctx.client
        if command is not None:
            command.rejected += 1
            if command.name == b"exec":
                self.transactions.discard(client)
                reason = error.text.removeprefix(b"ERR ")
                error = CommandError(b"EXECABORT Transaction discarded because of: " + reason)
        self.stats.record_error(error.text)
        if client.gates & gates.MULTI:
            client.multi_failed = True
        elif client.gates & gates.TRACKING:
            self.tracking.forget_wish(client, command)
        self.reply(client, error)

    def reply(
        self, client: Client, value: object, command: Command | None = None, words: list[bytes] | None = None
    ) -> None:
        """Write a reply, to a command if that is known, unless the client asked for none."""
        if value is NO_REPLY:
            return
        if client.gates & gates.REPLY:
            if client.reply_mode in (REPLY_OFF, REPLY_SKIP):
                return
        limit = client.output_limit()
        if limit == NO_LIMIT:
            self._write(client, command, words, value)
        else:
            self._reply_within(client, command, words, value, limit)

    def _reply_within(
        self, client: Client, command: Command | None, words: list[bytes] | None, value: object, limit: i64
    ) -> None:
        """Write a reply unless more than `limit` bytes wait then; what is too long is not even made."""
        if client.close_now:
            return
        if client.output_pending() + least_size(value) <= limit:
            self._write(client, command, words, value)
            if client.output_pending() <= limit:
                return
        self.overflow(client)

    def _write(self, client: Client, command: Command | None, words: list[bytes] | None, value: object) -> None:
        """Write a reply, to a command if that is known; should that fail, an error instead of it."""
        out = client.out
        written: i64 = len(out)
        try:
            encode(out, value, client.resp)
        except Exception as defect:
            self.defects.in_reply(client, command, int(written), defect)
        client.wants_write()
        size: i64 = len(out) - written
        if size >= self.large_reply and command is not None and words is not None:
            self.command_log.note_reply(client, command, words, value, int(size))

    def _gated(self, ctx: Context, command: Command, args: list[bytes]) -> None:
        """Run a command for which some gate is set: check in Redis' order what stands in its way."""
        client = ctx.client
        set_gates = client.gates | self.gates
        if set_gates & gates.CLOSING:
            return
        self._begin_skip(client)
        if command.flags & PROTECTED and (refused := self._refusal(command, client)) is not None:
            self.reject(ctx, command, refused)
        elif set_gates & gates.AUTH and not command.flags & NO_AUTH:
            self.reject(ctx, command, CommandError(NOAUTH))
        elif set_gates & gates.MULTI and command.flags & NO_MULTI:
            self.reject(ctx, command, CommandError(b"ERR Command not allowed inside a transaction"))
        elif set_gates & gates.ACL and (denial := self.access.denial(client, command, args)) is not None:
            self.reject(ctx, command, CommandError(b"NOPERM " + self.access.note_denial(ctx, denial)))
        elif set_gates & gates.MEMORY and self.memory_limits.are_exceeded(ctx, command, args):
            self.reject(ctx, command, CommandError(errors.OUT_OF_MEMORY))
        elif set_gates & gates.TABLE_FULL and self._shrink_table(client):
            return
        elif set_gates & gates.DISK_FAILS and (command.name == b"ping" or self.writes(ctx, command)):
            self.reject(ctx, command, CommandError(self.write_error()))
        elif set_gates & gates.NO_REPLICAS and self.writes(ctx, command):
            self.reject(ctx, command, CommandError(errors.TOO_FEW_REPLICAS))
        elif set_gates & gates.SUBSCRIBED and client.resp == 2 and command.name not in _SUBSCRIBED_COMMANDS:
            self.reject(ctx, command, errors.not_in_subscribed_mode(command.name))
        elif set_gates & gates.MONITOR and command.flags & (WRITE | READONLY | MAY_REPLICATE):
            self.reject(ctx, command, CommandError(b"ERR Replica can't interact with the keyspace"))
        elif set_gates & gates.LOADING and not self._may_run_loading(ctx, command):
            self.reject(ctx, command, CommandError(errors.LOADING))
        elif set_gates & gates.BUSY and not command.flags & ALLOW_BUSY:
            self.reject(ctx, command, refusal(self))
        elif set_gates & gates.PAUSED and self.pause.holds(ctx, command, args):
            self.pause.hold(client, args)
            if client.reply_mode == REPLY_SKIP:
                client.reply_mode = REPLY_SKIP_NEXT
            return
        elif set_gates & gates.MULTI and command.name not in _NEVER_QUEUED:
            client.queued.append(args)
            for word in args:
                client.queued_size += len(word)
            client.queued_overhead += COMMAND_BYTES + WORD_BYTES * len(args)
            self.reply(client, QUEUED)
        elif not client.gates & gates.CLOSING:  # it may have been disconnected for the memory it takes
            self._run_gated(ctx, command, args)
        self._end_skip(client)

    def obstacle(self, ctx: Context, command: Command, args: list[bytes]) -> CommandError | None:
        """Return what stands in the way of a command that has waited and could run now: what is allowed may be less."""
        set_gates = ctx.client.gates | self.gates
        if set_gates & gates.ACL and (denial := self.access.denial(ctx.client, command, args)) is not None:
            return CommandError(b"NOPERM " + self.access.note_denial(ctx, denial))
        if set_gates & gates.MEMORY and self.memory_limits.are_exceeded(ctx, command, args):
            return CommandError(errors.OUT_OF_MEMORY)
        if set_gates & gates.WRITES_FAIL and self.writes(ctx, command):
            return CommandError(self.write_error())
        return None

    def _refusal(self, command: Command, client: Client) -> CommandError | None:
        return not_allowed(self.config, client, command.name.partition(b"|")[0])

    def _run_gated(self, ctx: Context, command: Command, args: list[bytes]) -> None:
        client = ctx.client
        self.current = client
        shared = self.shared
        access_clock = shared.access_clock
        if client.gates & gates.NO_TOUCH and command.name != b"touch":
            shared.access_clock = NO_TOUCH_CLOCK
        client.hold_pushes()
        tracking = self.tracking
        tracking.current = client
        if self.gates & gates.MONITORED and command.flags & SKIP_MONITOR:
            self.show(ctx, args)
        if self.gates & gates.LOGGED:
            value = self.call_logged(ctx, command, args)
        else:
            value = self.call(ctx, command, args)
        if shared.access_clock == NO_TOUCH_CLOCK:
            shared.access_clock = access_clock
        if client.gates & gates.TRACKING or tracking.pending:
            self.end_tracked(client, command, args, not isinstance(value, Block))
        tracking.current = None
        if isinstance(value, Block):
            self.blocked.park(ctx, command, args, value)
        else:
            self.reply(client, value, command, args)
            if command.name == b"exec":
                self.transactions.ran = []
        if (client.gates | self.gates) & gates.SIZED:
            self.command_log.note_request(client, command, args)
        if self.gates & gates.MONITORED and is_shown(command):
            self.show(ctx, args)
        client.release_pushes()
        if shared.hooks != 0:
            self.blocked.serve_ready()

    def script_flags(self, command: Command, args: list[bytes]) -> int:
        """Return the flags of the script or function that a command runs, NO_SHEBANG if there are none."""
        name = command.name
        if name in (b"fcall", b"fcall_ro"):
            function = self.libraries.find(args[1])
            return NO_SHEBANG if function is None else function.flags
        if name in (b"eval", b"eval_ro", b"evalsha", b"evalsha_ro"):
            return self.scripts.flags_of(args[1], name.startswith(b"evalsha"))
        return NO_SHEBANG

    def writes(self, ctx: Context, command: Command) -> bool:
        """Tell whether a command may change data: EXEC does if one of those queued does."""
        if command.name != b"exec":
            return command.flags & WRITE != 0
        for words in ctx.client.queued:
            queued = self.commands.lookup(words)
            if queued is not None and queued.flags & WRITE:
                return True
        return False

    def write_error(self) -> bytes:
        """Return the error that commands that write get while the disk fails or replicas are missing."""
        if self.gates & gates.SNAPSHOT_FAILS:
            return errors.SNAPSHOT_FAILED
        if self.gates & gates.LOG_FAILS:
            return self.append_log.error_text()
        return errors.TOO_FEW_REPLICAS

    def update_disk_gate(self) -> None:
        """Refuse writes, or no more, after a snapshot or a change of the configuration."""
        if self.snapshots.refuses_writes():
            self.gates |= gates.SNAPSHOT_FAILS
        else:
            self.gates &= ~gates.SNAPSHOT_FAILS

    def _update_replicas_gate(self) -> None:
        """Refuse writes, or no more, after a change of how many replicas they need: there are none."""
        config = self.config
        if config.min_replicas_to_write > 0 and config.min_replicas_max_lag > 0 and not self.gates & gates.LOADING:
            self.gates |= gates.NO_REPLICAS
        else:
            self.gates &= ~gates.NO_REPLICAS

    def begin_loading(self, loader: Loader) -> None:
        """Refuse most commands from now on, until `end_loading`: the data is not there yet."""
        from respd.persistence.loading import Loading

        self.loading = Loading(loader, int(self.clock.ms // 1000))
        self.gates |= gates.LOADING
        self._update_replicas_gate()

    def end_loading(self) -> None:
        """Serve again, whatever came of it."""
        self.loading = None
        self.gates &= ~gates.LOADING
        self._update_replicas_gate()

    def _may_run_loading(self, ctx: Context, command: Command) -> bool:
        """Tell whether a command may run while the data is loaded: EXEC may if all of those queued may."""
        if command.name != b"exec":
            return command.flags & LOADING != 0
        for words in ctx.client.queued:
            queued = self.commands.lookup(words)
            if queued is not None and not queued.flags & LOADING:
                return False
        return True

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
        self.current = ctx.client
        self.answer(ctx, command, args, self.call_logged(ctx, command, args))
        if self.shared.hooks != 0:
            self.blocked.serve_ready()

    def answer(self, ctx: Context, command: Command, args: list[bytes], value: object) -> None:
        """Do with what a handler has returned, no gate being in the way of replies, what `execute` does."""
        if isinstance(value, Block):
            self.blocked.park(ctx, command, args, value)
        elif value is not NO_REPLY:
            if self.outbox.normal_limit != NO_LIMIT:
                self._reply_within(ctx.client, command, args, value, self.outbox.normal_limit)
            else:
                self._write(ctx.client, command, args, value)

    def call_logged(self, ctx: Context, command: Command, args: list[bytes]) -> object:
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
                ctx.client.write_offset = effects.offset
            return value
        if is_own:
            effects.add(ctx.db.index, args)
        effects.commit(not command.flags & TOUCHES_ARBITRARY_KEYS)
        ctx.client.write_offset = effects.offset
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

    # -- once per turn of the loop

    def before_sleep(self) -> None:
        """Do what is due: end a pause, wake blocked clients, expire keys."""
        self.moment = self.clock.refresh()
        if self.gates & gates.PAUSED and self.clock.ms >= self.pause.until_ms:
            self.pause.end()
        if self.pause.released:
            self.pause.run_released()
        if self.blocked.parked:
            self.blocked.time_out()
        if self.shared.active_expire and not self.gates & gates.PAUSED and not self.shared.expire_off:
            self._expire_due()
        if self.gates & gates.MEMORY:
            self.memory_limits.look()

    def _expire_due(self) -> None:
        """Delete what is due: all of it, but for a crowd that takes longer than a slice of time."""
        if self.shared.may_expire:
            until = self.clock.seconds + _EXPIRE_SLICE_S
            looked = False
            for db in self.databases:
                if db.has_deadlines():
                    count = db.expire_due(_EXPIRE_BATCH)
                    while count >= _EXPIRE_BATCH and self.clock.refresh() < until:
                        count = db.expire_due(_EXPIRE_BATCH)
                    looked = looked or count > 0
                    self.effects.commit(False)
            if looked:
                self._note_expiry(until)
        if self.shared.hooks != 0:
            self.blocked.serve_ready()

    def _note_expiry(self, until: float) -> None:
        """Count the time that expiring has just taken; it was to end by `until`."""
        elapsed = self.clock.refresh() - until + _EXPIRE_SLICE_S
        self.stats.expire_s += elapsed
        if elapsed >= _EXPIRE_SLICE_S:
            self.stats.expire_slices_cut += 1
        if elapsed >= self.latency.threshold_s:
            self.latency.add(b"expire-cycle", elapsed, int(self.clock.ms // 1000))

    def next_event_ms(self) -> i64:
        """Return the moment at which `before_sleep` has something to do again."""
        first: i64 = FAR_FUTURE
        if self.eviction.state == RUNNING:
            return self.clock.ms
        if self.gates & gates.PAUSED:
            first = self.pause.until_ms
        elif self.shared.may_expire and self.shared.active_expire and not self.shared.expire_off:
            self.shared.may_expire = False
            for db in self.databases:
                if db.has_deadlines():
                    self.shared.may_expire = True
                    at = db.next_expire_ms()
                    if at < first:
                        first = at
        if self.blocked.parked:
            at = self.blocked.next_ms(self.clock.ms)
            if at < first:
                first = at
        return first

    def shut_down(self, options: list[bytes]) -> bool:
        """Save what SHUTDOWN's options (save, nosave, force, now) and the save points ask for, and have the loop end.

        Returns False, the log having been told why, when saving has failed: the server then goes on.
        """
        if self._save_at_end(options):
            self.shutdown_requested = True
            return True
        self.log.warning("Errors trying to shut down the server. Check the logs for more information.")
        return False

    def _save_at_end(self, options: list[bytes]) -> bool:
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
        return True


def _serve_nobody() -> None:
    """Serve nobody: there is no network."""
