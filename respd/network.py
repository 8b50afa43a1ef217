"""The event loop and its sockets: the only room that touches one.

One turn: wait for ready sockets; read once from each, so that no client starves the others, and run what came, but for
what a client has sent that takes longer than its share of time: that waits for the next turn, and nothing more is read
from it until then. Do what is due (blocked clients, expiry); then send the replies, each client's in one write. What a
socket would not take waits in the client's `unsent` until the socket drains.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd import gates
from respd.builds import INTERPRETED
from respd.client import FREE_OUTPUT, Client
from respd.client_info import describe
from respd.config import Config
from respd.context import Context
from respd.cron import Cron
from respd.directive_kinds import ConfigError
from respd.engine import Engine
from respd.listeners import METRICS, TLS, UNIX, Listener, ListenError, Listeners
from respd.log import VERBOSE, Log
from respd.metrics_port import MetricsPort
from respd.persistence.append_log import FatalDiskError
from respd.pipelines import run_ahead
from respd.pollers import READABLE, WRITABLE, Poller, new_poller
from respd.protocol.replies import encode_error
from respd.protocol.requests import ProtocolError, RequestParser
from respd.tls import HANDSHAKE_S, TLS_DIRECTIVES, TlsChannel, TlsSettings, reason_of

if TYPE_CHECKING:
    from respd.persistence.disk import Disk
    from respd.process import Life
    from respd.stats import Stats

_DENSE: Final = 1 << 16
_READ_SIZE: Final = 16 * 1024
_SMALL_READ: Final = 479  # what fits into a bytes object of Python's own allocator, which is quicker to make
_SHORT_READS: Final = 64  # so many in a row, and reads are small again: the rest of a long one counts for little
_BIG_READ: Final = 256 * 1024
_SEND_SIZE: Final = 256 * 1024
_KEEP_BUFFER: Final = 64 * 1024
_ACCEPTS_PER_TURN: Final = 1000
_AFTER_DEFECT_S: Final = 0.1
_SETTLE_MS: Final = 4  # what is due waits no longer than this for clients that keep the loop busy
_RUN_MS: Final = 5  # of commands of one client, before the others have their turn
_STOPS: Final = gates.BLOCKED | gates.CLOSING  # nothing more is run
_HALTS: Final = _STOPS | gates.AUTH
_LOADING_NOTE_S: Final = 5.0  # between two lines of the log that tell how far it is
_LOADING_S: Final = 0.02  # between two looks at the sockets while the data is being loaded
_HANDSHAKE_MS: Final = int(HANDSHAKE_S * 1000)
_LAZY_SLICE: Final = 8
_LAZY_S: Final = 0.001  # of each turn, while something is to be freed
_DENIED: Final = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    b"default user. In this mode connections are only accepted from the loopback interface. To connect from elsewhere, "
    b"set a password with 'requirepass', or switch protected mode off with 'CONFIG SET protected-mode no' from the "
    b"loopback interface or '--protected-mode no' on the command line, and make sure that the port cannot be reached "
    b"from the internet.\r\n"
)
_TOO_MANY: Final = b"-ERR max number of clients reached\r\n"


class Connection:
    """A client's socket, the TLS that it speaks, if so, its parser, and its context in the engine."""

    def __init__(self, sock: socket.socket, ctx: Context, parser: RequestParser, channel: TlsChannel | None) -> None:
        self.sock = sock
        self.channel = channel
        self.fd: int = sock.fileno()
        self.ctx = ctx
        self.client: Client = ctx.client
        self.parser = parser
        self.read_size: i64 = _SMALL_READ
        self.short_reads: i64 = 0
        self.unsent_offset: int = 0
        self.is_writing: bool = False
        self.is_closed: bool = False
        self.is_unfinished: bool = False  # its time was over before all that had come was run


class Handshake:
    """A connection that does not speak TLS yet; `until_ms` is when it has to."""

    def __init__(self, channel: TlsChannel, until_ms: i64) -> None:
        self.channel = channel
        self.until_ms = until_ms


class Server:
    """The loop: listeners, connections, turns."""

    def __init__(self, config: Config, log: Log, engine: Engine) -> None:
        self.config = config
        self.log = log
        self.engine = engine
        self.stats: Stats = engine.stats
        self.poller: Poller = new_poller()
        # On POSIX a socket is a file, and this is the shorter way to it: a tenth of what we spend on a request.
        self.read_fd: Callable[[int, int], bytes] = os.read if os.name == "posix" else self._recv
        self.write_fd: Callable[[int, bytes], int] = os.write if os.name == "posix" else self._send
        self.connections: dict[int, Connection] = {}
        self.by_fd: list[Connection | None] = []  # the same, for descriptors below _DENSE: quicker to look up
        self.listeners = Listeners(config, log, self.poller)
        self.tls = TlsSettings(config, log)
        self.handshakes: dict[int, Handshake] = {}
        self.metrics = MetricsPort(engine, self.listeners)
        self.unread: list[Connection] = []  # TLS has decrypted more than was read
        self.unfinished: list[Connection] = []
        self.cron = Cron(engine)
        self.signals: socket.socket | None = None
        self.status = 0  # of the process when it ends
        engine.serve_others = self.serve_others

    def follow_tls(self) -> None:
        """Have new connections use the present TLS settings; raise ConfigError if they are wrong."""
        if not self.tls.load():
            raise ConfigError(b"Unable to update TLS configuration. Check server logs.")

    def limit_bulks(self) -> None:
        """Have every connection keep to the present proto-max-bulk-len."""
        for connection in self.connections.values():
            connection.parser.max_bulk = self.config.proto_max_bulk_len

    # -- connections

    def _accept(self, listener: Listener) -> None:
        most = self.config.max_new_tls_connections_per_cycle if listener.kind == TLS else _ACCEPTS_PER_TURN
        for _ in range(most):
            try:
                sock, address = listener.sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self.log.warning(f"Accepting client connection: {error.strerror or error}")
                return
            self.stats.total_connections_received += 1
            try:
                self._open(sock, address, listener.kind)
            except OSError as error:
                self.log.verbose(f"Error registering fd event for the new client: {error}")
                sock.close()

    def _open(self, sock: socket.socket, address: object, kind: int) -> None:
        """Take a new connection over, or turn it away."""
        is_unix = kind == UNIX
        if len(self.engine.clients) + len(self.handshakes) >= self.config.maxclients:
            self.stats.rejected_connections += 1
            _send_last(sock, _TOO_MANY)
            return
        is_open = self.engine.acl.default.no_password and not is_unix
        if is_open and self.config.protected_mode and not _is_loopback(address):
            self.stats.rejected_connections += 1
            _send_last(sock, _DENIED)
            return
        sock.setblocking(False)
        if not is_unix:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.config.tcp_keepalive:
                _keep_alive(sock, self.config.tcp_keepalive)
        context = self.tls.context
        if kind == TLS and context is not None:
            channel = TlsChannel(context, sock, address)
            self.poller.add(channel.fd)
            self.handshakes[channel.fd] = Handshake(channel, self.engine.clock.ms + _HANDSHAKE_MS)
        else:
            self.poller.add(sock.fileno())
            self._welcome(sock, address, is_unix, None)

    def _shake_hands(self, handshake: Handshake) -> None:
        """Go on with the handshake of a connection; when it is over, it is a client's."""
        channel = handshake.channel
        wanted = channel.wants_write
        try:
            is_over = channel.shake_hands()
        except OSError as error:
            peer, own = _format_address(channel.address).decode(), _format_address(channel.sock.getsockname()).decode()
            self.log.warning(f"Error accepting a client connection: error:{reason_of(error)} (addr={peer} laddr={own})")
            self._give_up(handshake)
            return
        if wanted != (channel.wants_write and not is_over):
            self.poller.set_writing(channel.fd, not wanted)
        if is_over:
            del self.handshakes[channel.fd]
            self._welcome(channel.sock, channel.address, False, channel)

    def _give_up(self, handshake: Handshake) -> None:
        """Close a connection whose handshake came to nothing."""
        fd = handshake.channel.fd
        self.poller.remove(fd)
        del self.handshakes[fd]
        handshake.channel.sock.close()

    def _welcome(self, sock: socket.socket, address: object, is_unix: bool, channel: TlsChannel | None) -> None:
        """Open a session for a connection that the poller knows."""
        ctx = self.engine.connect()
        client = ctx.client
        client.fd = sock.fileno()
        client.is_unix = is_unix
        if is_unix:
            client.address = client.local_address = os.fsencode(self.listeners.unix_path) + b":0"
        else:
            client.address = _format_address(address)
            client.local_address = _format_address(sock.getsockname())
        parser = RequestParser(self.config.proto_max_bulk_len)
        connection = Connection(sock, ctx, parser, channel)
        self.connections[connection.fd] = connection
        self._place(connection.fd, connection)
        self.log.verbose(f"Accepted {client.address.decode(errors='replace')}")

    def connection_at(self, fd: int) -> Connection | None:
        """The connection of a descriptor, None when it is nobody's or a listener's."""
        if 0 <= fd < len(self.by_fd):
            return self.by_fd[fd]
        return self.connections.get(fd)

    def _place(self, fd: int, connection: Connection | None) -> None:
        """Note whose a descriptor is; POSIX gives the lowest that is free, Windows any."""
        if fd < _DENSE:
            while len(self.by_fd) <= fd:
                self.by_fd.append(None)
            self.by_fd[fd] = connection

    def line_of(self, client: Client) -> str:
        """Return what CLIENT LIST says of a client, for the log."""
        return describe(client, int(self.engine.clock.ms), None).decode(errors="replace")

    def close(self, connection: Connection) -> None:
        """Close a connection and end its session."""
        if connection.is_closed:
            return
        connection.is_closed = True
        self.poller.remove(connection.fd)
        del self.connections[connection.fd]
        self._place(connection.fd, None)
        self.engine.departures.discard(connection.client.unsent)
        connection.client.unsent = []
        connection.client.unsent_size = 0
        self.engine.disconnect(connection.ctx)
        if connection.channel is not None:
            connection.channel.close()
        else:
            connection.sock.close()

    def _read(self, connection: Connection) -> None:
        """Read once from a socket and run what came."""
        if connection.is_unfinished:
            if connection.channel is not None and connection.channel.has_more():
                self.unread.append(connection)
            return
        parser = connection.parser
        client = connection.client
        try:
            if connection.channel is None:
                data = self.read_fd(connection.fd, _BIG_READ if parser.is_gathering() else connection.read_size)
            else:
                data = connection.channel.recv(_BIG_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.log.verbose(f"Reading from client: {reason_of(error)}")
            self.close(connection)
            return
        size: i64 = len(data)
        self.stats.total_reads_processed += 1
        if size == 0:
            if self.log.level <= VERBOSE:
                self.log.verbose(f"Client closed connection {self.line_of(client)}")
            self.close(connection)
            return
        if size >= _SMALL_READ:
            connection.read_size = _READ_SIZE
            connection.short_reads = 0
        elif connection.read_size != _SMALL_READ:
            connection.short_reads += 1
            if connection.short_reads == _SHORT_READS:
                connection.read_size = _SMALL_READ
        client.last_interaction_ms = self.engine.clock.ms
        client.input_total += size
        stats = self.stats
        stats.total_net_input_bytes += size
        parser.feed(data)
        if parser.is_gathering():
            self._check_query_buffer(connection)
        if client.gates & _STOPS:
            self._check_query_buffer(connection)
        else:
            self.run_input(connection)
        if connection.channel is not None and not connection.is_closed and connection.channel.has_more():
            self.unread.append(connection)

    def run_input(self, connection: Connection) -> None:
        """Run the commands that have arrived, until one blocks, the connection is to be closed, or none is left."""
        parser = connection.parser
        engine = self.engine
        ctx = connection.ctx
        client = connection.client
        clock = engine.clock
        until_ms = clock.ms + _RUN_MS
        parser.authenticated = not client.gates & gates.AUTH
        none_ran = True
        try:
            while True:
                if not INTERPRETED or not run_ahead(engine, ctx, parser.look_ahead(), float(until_ms) / 1000.0):
                    args = parser.next()
                    if args is None:
                        if none_ran and parser.is_amid():
                            client.gates |= gates.SIZED
                        break
                    engine.execute(ctx, args)
                none_ran = False
                if client.gates & _HALTS:
                    if client.gates & _STOPS:
                        break
                    if parser.authenticated:
                        parser.authenticated = False
                        parser.step_back()
                elif not parser.authenticated:
                    parser.authenticated = True
                if clock.ms >= until_ms and parser.pending() > 0:
                    if not connection.is_unfinished:
                        connection.is_unfinished = True
                        self.unfinished.append(connection)
                    break
        except ProtocolError as error:
            if self.log.level <= VERBOSE:
                reason = error.text.decode(errors="replace").removeprefix("ERR Protocol error: ")
                self.log.verbose(f"Protocol error ({reason}) from client: {self.line_of(client)}")
            self.stats.record_error(error.text)
            encode_error(client.out, error.text)
            client.close_after_reply = True
            client.gates |= gates.CLOSING
            client.wants_write()
        except Exception as defect:  # ours, outside a handler: this client alone suffers
            self._drop(connection, defect)
            return
        if client.query_buffer or client.queued_size or client.partial_bytes or parser.is_under_way():
            self._check_query_buffer(connection)

    def _drop(self, connection: Connection, defect: Exception) -> None:
        """Close a connection that cannot be served because of a defect of ours."""
        self.engine.defects.outside("serving a connection", defect, connection.client)
        self.close(connection)

    def _check_query_buffer(self, connection: Connection) -> None:
        client = connection.client
        held = connection.parser.pending()
        client.query_buffer = held
        client.partial_bytes = connection.parser.words_bytes()
        if held > client.query_buffer_peak:
            client.query_buffer_peak = held
        # Commands that wait in MULTI's queue have not run yet: they count too.
        if held + client.queued_size > self.config.client_query_buffer_limit and not client.close_now:
            self.log.warning(f"Closing client that reached max query buffer length: {self.line_of(client)}")
            self.stats.client_query_buffer_limit_disconnections += 1
            client.kill()

    def _recv(self, fd: int, size: int) -> bytes:
        return self.connections[fd].sock.recv(size)

    # -- sending

    def _send(self, fd: int, data: bytes) -> int:
        return self.connections[fd].sock.send(data)

    def flush_all(self) -> None:
        """Send what the clients are owed; close those that are to go."""
        outbox = self.engine.outbox
        while outbox.clients:
            clients = outbox.clients
            outbox.clients = []
            for client in clients:
                client.wants_flush = False
                connection = self.connection_at(client.fd)
                if connection is not None and connection.client is client:
                    try:
                        self._flush(connection)
                    except Exception as defect:
                        self._drop(connection, defect)

    def _flush(self, connection: Connection) -> None:
        client = connection.client
        if client.close_now:
            self.close(connection)
            return
        size: i64 = len(client.out)
        if size > 0:
            data = client.out.getvalue()
            if size > _KEEP_BUFFER:
                client.out = BytesWriter()
            else:
                client.out.truncate(0)
            if not client.unsent:
                try:
                    if connection.channel is None:
                        sent: i64 = self.write_fd(connection.fd, data)
                    else:
                        sent = connection.channel.send(data)
                except (BlockingIOError, InterruptedError):
                    sent = 0
                except OSError as error:
                    self.log.verbose(f"Error writing to client: {reason_of(error)}")
                    self.close(connection)
                    return
                self.stats.total_writes_processed += 1
                self.stats.total_net_output_bytes += sent
                client.output_total += sent
                if sent < size:
                    client.unsent.append(data)
                    connection.unsent_offset = int(sent)
                    client.unsent_size = size - sent
            else:
                client.unsent.append(data)
                client.unsent_size += size
        if client.unsent:
            if not connection.is_writing:
                connection.is_writing = True
                self.poller.set_writing(connection.fd, True)
            self._check_output_limit(connection)
        elif client.close_after_reply:
            self.close(connection)

    def _write_unsent(self, connection: Connection) -> None:
        """Go on sending what waits."""
        client = connection.client
        unsent = client.unsent
        stats = self.stats
        budget = 4 * _SEND_SIZE
        while unsent and budget > 0:
            data = unsent[0]
            offset = connection.unsent_offset
            view = memoryview(data)[offset : offset + _SEND_SIZE]
            try:
                sent = connection.sock.send(view) if connection.channel is None else connection.channel.send(view)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.log.verbose(f"Error writing to client: {reason_of(error)}")
                self.close(connection)
                return
            budget -= sent
            stats.total_writes_processed += 1
            stats.total_net_output_bytes += sent
            client.output_total += sent
            client.unsent_size -= sent
            client.last_interaction_ms = self.engine.clock.ms
            if offset + sent == len(data):
                del unsent[0]
                connection.unsent_offset = 0
            else:
                connection.unsent_offset = offset + sent
                if sent < len(view):
                    return
        if not unsent:
            connection.is_writing = False
            self.poller.set_writing(connection.fd, False)
            if client.close_after_reply and len(client.out) == 0:
                self.close(connection)

    def _check_output_limit(self, connection: Connection, in_passing: bool = False) -> None:
        """Close a client that lets replies pile up beyond client-output-buffer-limit; the log tells what found it."""
        client = connection.client
        hard, soft, soft_seconds = self.config.client_output_buffer_limits[client.output_class()]
        held = max(0, client.output_pending() - FREE_OUTPUT)
        over = hard > 0 and held >= hard
        if soft > 0 and held >= soft:
            if client.soft_limit_since_ms == 0:
                client.soft_limit_since_ms = self.engine.clock.ms
            elif self.engine.clock.ms - client.soft_limit_since_ms > soft_seconds * 1000:
                over = True
        else:
            client.soft_limit_since_ms = 0
        if over:
            how = "closed" if in_passing else "scheduled to be closed ASAP"
            self.log.warning(f"Client {self.line_of(client)} {how} for overcoming of output buffer limits.")
            self.stats.client_output_buffer_limit_disconnections += 1
            self.close(connection)

    # -- the loop

    def load(self) -> bool:
        """Load the data that is on the disk, serving meanwhile; return False when it cannot be loaded."""
        from respd.persistence.log_directory import LogFileError

        engine = self.engine
        try:
            if engine.config.appendonly or engine.disk.exists(engine.config.dbfilename):
                if not self._load_files():
                    return False
            else:
                engine.append_log.find()
            if not engine.shutdown_requested:
                engine.append_log.begin()
        except LogFileError:
            return False
        return True

    def _load_files(self) -> bool:
        from respd.persistence.loading import LoadError, first_loader, note_loaded

        engine = self.engine
        try:
            loader = first_loader(engine)
            if loader is not None:
                engine.begin_loading(loader)
                try:
                    told_s = engine.clock.seconds
                    while not engine.shutdown_requested and not loader.step(_LOADING_S):
                        self.turn(0.0)
                        if engine.clock.seconds - told_s >= _LOADING_NOTE_S:
                            told_s = engine.clock.seconds
                            done = loader.loaded_bytes * 100 / max(1, loader.total_bytes)
                            self.log.notice(f"Loading: {done:.1f}% of {loader.total_bytes >> 20} MB")
                finally:
                    loader.close()
                    engine.end_loading()
                note_loaded(engine, loader)
        except LoadError:
            return False
        return True

    def run(self) -> None:
        """Serve until shutdown is requested. A defect of ours is logged and costs a turn, not everybody's data."""
        timeout_s = 0.0
        while not self.engine.shutdown_requested:
            try:
                timeout_s = self.turn(timeout_s)
            except FatalDiskError:
                self.status = 1
                return
            except Exception as defect:
                self.engine.defects.outside("the loop", defect)
                timeout_s = _AFTER_DEFECT_S

    def turn(self, timeout_s: float) -> float:
        """Wait at most `timeout_s` seconds and serve what is ready; return how long the next turn may wait."""
        engine = self.engine
        clock = engine.clock
        events = self.poller.wait(0.0 if self.unread or self.unfinished else timeout_s)
        woken = clock.refresh()
        engine.moment = woken
        if self.unfinished:
            self._run_on()
        commands = self.stats.total_commands_processed
        settle_ms = clock.ms + _SETTLE_MS
        for fd, mask in events:
            if engine.shutdown_requested:
                return 0.0  # what was saved is everything that was acknowledged
            connection = self.connection_at(fd)
            if connection is None:
                self._on_other(fd)
                continue
            try:
                if mask != READABLE and mask & WRITABLE:
                    self._write_unsent(connection)
                    if mask == WRITABLE or connection.is_closed:
                        continue
                self._read(connection)
            except Exception as defect:
                self._drop(connection, defect)
            if clock.ms >= settle_ms:
                self._settle_between()
                settle_ms = clock.ms + _SETTLE_MS
        if self.unread:
            self._read_on()
        if engine.shutdown_requested:
            return 0.0
        stats = self.stats
        stats.eventloop_cycles += 1
        if clock.ms >= self.cron.next_ms:
            started = clock.refresh()
            if self.cron.run():
                self.close_idle()
            stats.cron_s += clock.refresh() - started
        self._settle()
        stats.note_turn(int((clock.refresh() - woken) * 1e6), stats.total_commands_processed - commands)
        return self._next_timeout()

    def _read_on(self) -> None:
        """Read what TLS has decrypted already: no socket will tell of it."""
        unread = self.unread
        self.unread = []
        for connection in unread:
            if not connection.is_closed and not self.engine.shutdown_requested:
                self._read(connection)

    def _run_on(self) -> None:
        """Run more of what clients had sent whose time was over."""
        unfinished = self.unfinished
        self.unfinished = []
        for connection in unfinished:
            connection.is_unfinished = False
            if not connection.is_closed and not self.engine.shutdown_requested:
                if not connection.client.gates & _STOPS:
                    self.run_input(connection)
                    self._settle_between()

    def serve_others(self) -> None:
        """Serve the sockets once while a script runs, but for that of its client. Nothing else is done."""
        engine = self.engine
        runner = engine.current
        for fd, mask in self.poller.wait(0.0):
            connection = self.connection_at(fd)
            if connection is None:
                if fd in self.listeners.by_fd or fd in self.handshakes or fd in self.metrics.visitors:
                    self._on_other(fd)
            elif connection.client is not runner and not engine.shutdown_requested:
                if mask & WRITABLE:
                    self._write_unsent(connection)
                if mask != WRITABLE and not connection.is_closed:
                    self._read(connection)
        self.metrics.tidy()
        if engine.effects.is_on:
            try:
                engine.append_log.flush()
            except FatalDiskError:
                return  # the turn will see it too
        waiting: list[Client] = []
        for client in engine.outbox.clients:
            if client is runner:
                waiting.append(client)
        engine.outbox.clients = [client for client in engine.outbox.clients if client is not runner]
        self.flush_all()
        engine.outbox.clients += waiting

    def _settle(self) -> None:
        """Do what is due besides reading, and send the replies: once a turn, and in between when a turn takes long."""
        engine = self.engine
        try:
            engine.before_sleep()
        except Exception as defect:  # what has been answered is sent all the same
            engine.defects.outside("what was due", defect)
        while engine.resumed:
            self._run_resumed()
        if engine.tracking.count:
            engine.tracking.broadcast()
        if engine.effects.is_on:
            started = monotonic()
            engine.append_log.flush()
            self.stats.append_log_s += monotonic() - started
        if engine.blocked.awaiting_sync:
            engine.blocked.serve_synced()
        self.flush_all()

    def _settle_between(self) -> None:
        """Settle in the middle of a turn. Where replies wait for a sync, they wait for the turn's one."""
        if self.engine.append_log.syncs_each_turn():
            self.engine.before_sleep()
        else:
            self._settle()

    def _next_timeout(self) -> float:
        engine = self.engine
        graveyard = engine.shared.graveyard
        departures = engine.departures
        if not departures.are_over():
            clock = engine.clock
            until_s = clock.refresh() + _LAZY_S
            while departures.work(_LAZY_SLICE) and clock.refresh() < until_s:
                pass
            self.cron.memory.freed_some()
            return 0.0
        if graveyard.values:
            # How long a slice takes differs much: the last object of an arena gives a megabyte back to the system.
            clock = engine.clock
            until_s = clock.refresh() + _LAZY_S
            while graveyard.free_some(_LAZY_SLICE) and clock.refresh() < until_s:
                pass
            self.cron.memory.freed_some()
            return 0.0
        until = engine.next_event_ms()
        if self.cron.next_ms < until:
            until = self.cron.next_ms
        wait_ms = until - engine.clock.ms
        return float(wait_ms) / 1000.0 if wait_ms > 0 else 0.0

    def _run_resumed(self) -> None:
        engine = self.engine
        resumed = engine.resumed
        engine.resumed = []
        for client in resumed:
            connection = self.connection_at(client.fd)
            if connection is None or connection.client is not client:
                continue
            if not client.gates & (gates.BLOCKED | gates.CLOSING):
                self.run_input(connection)

    def _on_other(self, fd: int) -> None:
        listener = self.listeners.by_fd.get(fd)
        if listener is not None:
            if listener.kind == METRICS:
                self.metrics.accept(listener)
            else:
                self._accept(listener)
        elif fd in self.handshakes:
            self._shake_hands(self.handshakes[fd])
        elif fd in self.metrics.visitors:
            self.metrics.serve(fd)
        elif self.signals is not None and fd == self.signals.fileno():
            with contextlib.suppress(BlockingIOError):
                for number in self.signals.recv(64):
                    self._on_signal(number)

    def close_idle(self) -> None:
        """Close clients idle for longer than `timeout`, and handshakes that take too long.

        The soft limits of output are looked at again, and the longest buffers noted.
        """
        self.metrics.tidy()
        limit_ms = self.config.timeout * 1000
        now_ms = self.engine.clock.ms
        for handshake in list(self.handshakes.values()):
            if now_ms >= handshake.until_ms:
                self.log.verbose("Closing a connection that did not finish its TLS handshake")
                self._give_up(handshake)
        longest_input = most_output = 0
        for connection in list(self.connections.values()):
            client = connection.client
            longest_input = max(longest_input, int(client.query_buffer_peak))
            client.query_buffer_peak = client.query_buffer
            if client.unsent_size > 0:
                most_output = max(most_output, client.output_pending())
                self._check_output_limit(connection, True)
            if (
                limit_ms > 0
                and now_ms - client.last_interaction_ms > limit_ms
                and client.parked is None
                and not client.subscriptions()
                and not client.shard_channels
                and not client.is_monitor
            ):
                self.log.verbose("Closing idle client")
                self.close(connection)
        self.stats.recent_inputs.note(longest_input, now_ms // 1000)
        self.stats.recent_outputs.note(most_output, now_ms // 1000)

    # -- signals and the end

    def watch_signals(self) -> None:
        """Have SIGTERM and SIGINT end the server; a second SIGINT kills it at once."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        self._wakeup_end = theirs
        self.signals = ours
        self.poller.add(ours.fileno())
        signal.signal(signal.SIGINT, _second_time_kills)
        signal.signal(signal.SIGTERM, self._end_script)
        if sys.platform != "win32":
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # nobody's here; redis-server would die of it
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            signal.signal(signal.SIGALRM, self._tell_of_alarm)

    def _end_script(self, number: int, frame: object) -> None:
        """End the script that may be running: the loop cannot end the server before."""
        self.engine.scripts.end_running()
        self.engine.libraries.end_running()

    def _tell_of_alarm(self, number: int, frame: object) -> None:
        """Say so and go on, as redis-server does, which shows where it is beside it."""
        self.log.warning("Received SIGALRM")

    def _on_signal(self, number: int) -> None:
        if number not in (signal.SIGTERM, signal.SIGINT):
            return
        config = self.config
        options = config.shutdown_on_sigterm
        if self.engine.loading is not None:
            self.log.warning("Received shutdown signal during loading, scheduling shutdown.")
        elif number == signal.SIGINT:
            self.log.warning("Received SIGINT scheduling shutdown...")
            options = config.shutdown_on_sigint
        else:
            self.log.warning("Received SIGTERM scheduling shutdown...")
        if not self.engine.shutdown_requested and not self.engine.shut_down(options.split()):
            self.engine.scripts.end_running(False)
            self.engine.libraries.end_running(False)
            signal.signal(signal.SIGINT, _second_time_kills)

    def stop(self) -> None:
        """Send what can be sent, close every socket, remove the unix socket's file."""
        self.flush_all()
        for connection in list(self.connections.values()):
            self.close(connection)
        for handshake in list(self.handshakes.values()):
            self._give_up(handshake)
        self.metrics.close()
        self.listeners.close()
        if self.signals is not None:
            signal.set_wakeup_fd(-1)
            self.poller.remove(self.signals.fileno())
            self.signals.close()
            self._wakeup_end.close()
        self.poller.close()

    _wakeup_end: socket.socket


def _second_time_kills(number: int, frame: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _send_last(sock: socket.socket, text: bytes) -> None:
    """Tell a client why it is turned away, if it will hear it, and close."""
    with contextlib.suppress(OSError):
        sock.setblocking(False)
        sock.send(text)
    sock.close()


def _is_loopback(address: object) -> bool:
    assert isinstance(address, tuple)
    host = str(address[0])
    return host == "::1" or host.startswith(("127.", "::ffff:127."))


def _format_address(address: object) -> bytes:
    assert isinstance(address, tuple)
    host = str(address[0])
    return f"[{host}]:{address[1]}".encode() if ":" in host else f"{host}:{address[1]}".encode()


def _keep_alive(sock: socket.socket, interval_s: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, interval_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(interval_s // 3, 1))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def _load_users(engine: Engine) -> bool:
    """Take over the users that are written down; False, the log having been told why, if that fails."""
    from respd.acl_file import load_at_start

    return load_at_start(engine.config, engine.acl, engine.log)


def serve(config: Config, log: Log, life: Life | None = None, disk: Disk | None = None) -> int:
    """Run a server with `config` until it is told to stop; return the process's exit status."""
    from respd.clock import Clock
    from respd.commands import all_groups

    engine = Engine(config, all_groups(), Clock(), log, disk=disk)
    if (config.user_lines or config.aclfile) and not _load_users(engine):
        return 1
    server = Server(config, log, engine)
    if not server.tls.load():
        log.warning("Failed to configure TLS. Check logs for more info.")
        return 1
    try:
        server.listeners.open()
    except ListenError as error:
        log.warning(str(error))
        return 1
    server.watch_signals()
    config.on_change(["port", "bind", "tls-port", "metrics-port", "metrics-bind"], server.listeners.follow)
    config.on_change(TLS_DIRECTIVES, server.follow_tls)
    config.on_change(["proto-max-bulk-len"], server.limit_bulks)
    if life is not None:
        life.on_listening()
    log.notice("Server initialized")
    gc.collect()
    gc.freeze()
    gc.disable()
    if not server.load():
        return 1
    config.on_change(["appendonly"], engine.append_log.follow_switch)
    config.on_change(["oom-score-adj", "oom-score-adj-values"], engine.oom_score.follow)
    config.on_change(["aof-disable-auto-gc"], engine.append_log.remove_history)
    if not engine.shutdown_requested:
        if life is not None:
            life.on_ready()
        for kind in server.listeners.kinds():
            log.notice(f"Ready to accept connections {kind}")
        if config.metrics_port:
            log.notice(f"Ready to tell metrics on port {config.metrics_port}")
        engine.oom_score.start()
        server.run()
    if server.status == 0:
        try:
            engine.append_log.close()
        except FatalDiskError:
            return 1
        server.stop()
    return server.status
