"""INFO: what the server tells about itself, in sections of `name:value` lines.

Field names, order and format are Redis', so that the tools which read them work. A figure that respd has no counterpart
of (background saving, replicas, active defragmentation...) is what Redis shows when there is none.
Source: redis.io/commands/info.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Final

from respd import build
from respd.blocking import BLOCK_LIST, Block
from respd.client_info import session_bytes
from respd.command import LOADING, STALE, Command, Group
from respd.database import Database
from respd.datatypes.strings import format_double
from respd.gates import NO_REPLICAS
from respd.persistence.append_log import OFF
from respd.persistence.children import AOF, RDB
from respd.protocol.replies import Verbatim
from respd.stats import (
    children_cpu_seconds,
    cpu_seconds,
    thread_cpu_seconds,
    total_system_bytes,
)
from respd.version import REDIS_VERSION, VERSION

if TYPE_CHECKING:
    from respd.context import Context

group = Group("server")

# In the order in which they are shown.
_SECTIONS: Final = (
    b"server", b"clients", b"memory", b"persistence", b"threads", b"stats", b"replication", b"cpu", b"modules",
    b"commandstats", b"errorstats", b"latencystats", b"cluster", b"keyspace", b"keysizes", b"debug",
)  # fmt: skip
_NOT_BY_DEFAULT: Final = (b"commandstats", b"latencystats", b"debug")
_NOT_IN_ALL: Final = (b"debug",)

# What a key takes besides its value and its name: its entry, its places in the dictionary and the dense list.
_ENTRY_BYTES: Final = 170
_WALK_MS: Final = 10  # after which a walk over the keys may have ended
_UNITS: Final = (b"K", b"M", b"G", b"T", b"P", b"E")


@group.command(
    "INFO", arity=-1, flags=LOADING | STALE, since="1.0.0", syntax="[section [section ...]]", complexity="O(1)",
    categories=("dangerous",),
    tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
    history=(("7.0.0", "Takes several sections."),),
)  # fmt: skip
def info(ctx: Context, args: list[bytes]) -> object:
    """Return figures about the server.

    Reply: text, verbatim in RESP3: the sections asked for (`all`, `everything` and `default` name many), empty when
    there is none of that name. Who names `keysizes` waits for a walk over the keys when there are many.
    Cost: O(connections) for some sections.
    """
    if b"keysizes" not in [word.lower() for word in args[1:]] or ctx.engine.key_sizes.ask():
        return _shown(ctx, args)
    has_waited = ctx.client.parked is not None
    block = Block([], 0, None if has_waited else _shown(ctx, args), BLOCK_LIST)
    block.again_ms = ctx.clock.ms + _WALK_MS
    return block


def _shown(ctx: Context, args: list[bytes]) -> Verbatim:
    wanted = _chosen(args[1:])
    parts: list[bytes] = []
    for name in _SECTIONS:
        if name in wanted:
            lines = section(ctx, name)
            parts.append(b"\r\n".join([b"# " + _title(name), *lines, b""]))
    return Verbatim(b"txt", b"\r\n".join(parts))


def _title(name: bytes) -> bytes:
    return b"CPU" if name == b"cpu" else name.capitalize()


def _chosen(words: list[bytes]) -> set[bytes]:
    wanted: set[bytes] = set()
    for word in words or [b"default"]:
        name = word.lower()
        if name == b"default":
            wanted.update(section for section in _SECTIONS if section not in _NOT_BY_DEFAULT)
        elif name in (b"all", b"everything"):
            wanted.update(section for section in _SECTIONS if section not in _NOT_IN_ALL)
        else:
            wanted.add(name)
    return wanted


def section(ctx: Context, name: bytes) -> list[bytes]:
    """Return the lines of a section, `name:value`, none when there is no such section."""
    if name == b"server":
        return _server(ctx)
    if name == b"clients":
        return _clients(ctx)
    if name == b"memory":
        return _memory(ctx)
    if name == b"persistence":
        return _persistence(ctx)
    if name == b"threads":
        return _threads(ctx)
    if name == b"stats":
        return _stats(ctx)
    if name == b"replication":
        return _replication(ctx)
    if name == b"cpu":
        return _cpu()
    if name == b"commandstats":
        return _command_stats(ctx)
    if name == b"errorstats":
        return _error_stats(ctx)
    if name == b"latencystats":
        return _latency_stats(ctx)
    if name == b"cluster":
        return [b"cluster_enabled:0"]
    if name == b"keyspace":
        return _keyspace(ctx)
    if name == b"keysizes":
        return ctx.engine.key_sizes.lines()
    if name == b"debug":
        return _debug(ctx)
    return []


def _system() -> bytes:
    return f"{platform.system()} {platform.release()} {platform.machine()}".encode()


def _compiler_version() -> bytes:
    """Return the version of the C compiler that built this Python, as `12.2.0`."""
    for word in platform.python_compiler().split():
        if word[0].isdigit():
            return word.encode()
    return b"0.0.0"


def _multiplexing() -> bytes:
    """Return what the event loop waits with: `epoll`, `kqueue`, `select`..."""
    from respd.pollers import EpollPoller, new_poller

    poller = new_poller()
    is_epoll = isinstance(poller, EpollPoller)
    poller.close()
    if is_epoll:
        return b"epoll"
    import selectors

    return selectors.DefaultSelector.__name__.removesuffix("Selector").lower().encode()


def _server(ctx: Context) -> list[bytes]:
    engine = ctx.engine
    config = ctx.config
    now_ms = int(ctx.clock.ms)
    uptime_s = max(0, now_ms - engine.started_ms) // 1000
    lines = [
        b"redis_version:" + REDIS_VERSION.encode(),
        b"respd_version:" + VERSION.encode(),
        b"respd_build:" + build().encode(),
        b"redis_git_sha1:00000000",
        b"redis_git_dirty:0",
        b"redis_build_id:0000000000000000",
        b"redis_mode:standalone",
        b"os:" + _system(),
        b"arch_bits:%d" % (64 if sys.maxsize > 1 << 32 else 32),
        b"monotonic_clock:POSIX clock_gettime",
        b"multiplexing_api:" + _multiplexing(),
        b"atomicvar_api:none",
        b"gcc_version:" + _compiler_version(),
        b"process_id:%d" % os.getpid(),
        b"process_supervised:no",
        b"run_id:" + engine.run_id.encode(),
        b"tcp_port:%d" % config.port,
        b"server_time_usec:%d" % int(ctx.clock.seconds * 1_000_000),
        b"uptime_in_seconds:%d" % uptime_s,
        b"uptime_in_days:%d" % (uptime_s // 86400),
        b"hz:%d" % config.hz,
        b"configured_hz:%d" % config.hz,
        b"lru_clock:%d" % ((now_ms // 1000) & 0xFFFFFF),
        b"executable:" + os.fsencode(os.path.abspath(sys.argv[0] or sys.executable)),
        b"config_file:" + os.fsencode(config.config_file),
        b"io_threads_active:0",
    ]
    return lines + _listeners(ctx)


def _listeners(ctx: Context) -> list[bytes]:
    config = ctx.config
    addresses = b",".join([b"bind=" + address.encode() for address in config.bind])
    lines: list[bytes] = []
    if config.port:
        lines.append(b"listener0:name=tcp,%b,port=%d" % (addresses, config.port))
    if config.unixsocket:
        lines.append(b"listener1:name=unix,bind=%b" % os.fsencode(config.unixsocket))
    if config.tls_port:
        lines.append(b"listener2:name=tls,%b,port=%d" % (addresses, config.tls_port))
    if config.metrics_port:
        addresses = b",".join([b"bind=" + address.encode() for address in config.metrics_bind])
        lines.append(b"listener3:name=metrics,%b,port=%d" % (addresses, config.metrics_port))
    return lines


def _clients(ctx: Context) -> list[bytes]:
    engine = ctx.engine
    second = int(ctx.clock.ms) // 1000
    biggest_input = engine.stats.recent_inputs.greatest(second)
    biggest_output = engine.stats.recent_outputs.greatest(second)
    pubsub = watching = spoiled = waiting_for_time = 0
    for client in engine.clients.values():
        biggest_input = max(biggest_input, int(client.query_buffer_peak))
        biggest_output = max(biggest_output, client.output_pending())
        if client.channels or client.patterns or client.shard_channels:
            pubsub += 1
        if client.watched:
            if client.watch_spoiled:
                spoiled += 1
            else:
                watching += 1
        if client.parked is not None and client.parked.block.deadline_ms > 0:
            waiting_for_time += 1
    watched = blocking = losses = 0
    for db in engine.databases:
        watched += _watched(db) if spoiled else len(db.watchers)
        blocking += len(db.waiting.by_key)
        losses += db.waiting.keys_not_to_lose()
    return [
        b"connected_clients:%d" % len(engine.clients),
        b"cluster_connections:0",
        b"maxclients:%d" % ctx.config.maxclients,
        b"client_recent_max_input_buffer:%d" % biggest_input,
        b"client_recent_max_output_buffer:%d" % biggest_output,
        b"blocked_clients:%d" % (len(engine.blocked.parked) + len(engine.pause.postponed)),
        b"tracking_clients:%d" % engine.shared.tracking.count,
        b"pubsub_clients:%d" % pubsub,
        b"watching_clients:%d" % watching,
        b"clients_in_timeout_table:%d" % waiting_for_time,
        b"total_watched_keys:%d" % watched,
        b"total_blocking_keys:%d" % blocking,
        b"total_blocking_keys_on_nokey:%d" % losses,
    ]


def _watched(db: Database) -> int:
    """Return how many keys are watched by somebody for whom it matters yet what becomes of them."""
    count = 0
    for watchers in db.watchers.values():
        for client in watchers:
            if not client.watch_spoiled:
                count += 1
                break
    return count


def human(size: int) -> bytes:
    """Return a size in bytes as people read it: `512B`, `1.50K`, `23.54G`."""
    if size < 1024:
        return b"%dB" % size
    amount = size / 1024
    unit = 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount /= 1024
        unit += 1
    return b"%.2f%b" % (amount, _UNITS[unit])


def _percent(part: float, whole: float) -> bytes:
    return b"%.2f%%" % (part * 100 / whole if whole else 0)


class MemoryFigures:
    """How the memory of the process is spent, in bytes. What is taken by keys and sessions is estimated."""

    def __init__(self, ctx: Context) -> None:
        engine = ctx.engine
        stats = engine.stats
        self.resident: int = int(engine.memory.resident_bytes())
        self.used: int = int(engine.memory.used_bytes())
        stats.note_memory(max(self.resident, self.used))
        self.peak: int = int(stats.peak_memory_bytes)
        self.startup: int = min(int(stats.startup_memory_bytes), self.used)
        self.keys: int = 0
        for db in engine.databases:
            self.keys += len(db.entries)
        self.tables: int = self.keys * _ENTRY_BYTES
        self.clients: int = 0
        for client in engine.clients.values():
            self.clients += session_bytes(client)
        self.overhead: int = min(self.startup + self.tables + self.clients, self.used)
        self.dataset: int = self.used - self.overhead
        self.maxmemory: int = ctx.config.maxmemory
        self.kept: int = max(0, self.resident - self.used)  # by the allocators, free
        self.fragmentation: float = self.resident / self.used if self.used else 1.0


def _number(ctx: Context, name: bytes) -> int:
    value = ctx.config.values.get(name)
    return value if isinstance(value, int) else 0


def _memory(ctx: Context) -> list[bytes]:
    engine = ctx.engine
    memory = MemoryFigures(ctx)
    total = total_system_bytes()
    libraries = engine.libraries
    lua = engine.scripts.memory_bytes()
    functions_lua = libraries.memory_bytes()
    scripts = engine.scripts.size_bytes()
    functions = libraries.size_bytes()
    return [
        b"used_memory:%d" % memory.used,
        b"used_memory_human:" + human(memory.used),
        b"used_memory_rss:%d" % memory.resident,
        b"used_memory_rss_human:" + human(memory.resident),
        b"used_memory_peak:%d" % memory.peak,
        b"used_memory_peak_human:" + human(memory.peak),
        b"used_memory_peak_perc:" + _percent(memory.used, memory.peak),
        b"used_memory_overhead:%d" % memory.overhead,
        b"used_memory_startup:%d" % memory.startup,
        b"used_memory_dataset:%d" % memory.dataset,
        b"used_memory_dataset_perc:" + _percent(memory.dataset, memory.used - memory.startup),
        b"allocator_allocated:%d" % memory.used,
        b"allocator_active:%d" % memory.resident,
        b"allocator_resident:%d" % memory.resident,
        b"allocator_muzzy:0",
        b"total_system_memory:%d" % total,
        b"total_system_memory_human:" + human(total),
        b"used_memory_lua:%d" % lua,
        b"used_memory_vm_eval:%d" % lua,
        b"used_memory_lua_human:" + human(lua),
        b"used_memory_scripts_eval:%d" % scripts,
        b"number_of_cached_scripts:%d" % len(engine.scripts),
        b"number_of_functions:%d" % libraries.count_functions(),
        b"number_of_libraries:%d" % len(libraries),
        b"used_memory_vm_functions:%d" % functions_lua,
        b"used_memory_vm_total:%d" % (lua + functions_lua),
        b"used_memory_vm_total_human:" + human(lua + functions_lua),
        b"used_memory_functions:%d" % functions,
        b"used_memory_scripts:%d" % (scripts + functions),
        b"used_memory_scripts_human:" + human(scripts + functions),
        b"maxmemory:%d" % memory.maxmemory,
        b"maxmemory_human:" + human(memory.maxmemory),
        b"maxmemory_policy:" + ctx.config.maxmemory_policy,
        b"allocator_frag_ratio:%.2f" % memory.fragmentation,
        b"allocator_frag_bytes:%d" % memory.kept,
        b"allocator_rss_ratio:1.00",
        b"allocator_rss_bytes:0",
        b"rss_overhead_ratio:1.00",
        b"rss_overhead_bytes:0",
        b"mem_fragmentation_ratio:%.2f" % memory.fragmentation,
        b"mem_fragmentation_bytes:%d" % memory.kept,
        b"mem_not_counted_for_evict:%d" % engine.append_log.buffered(),
        b"mem_replication_backlog:0",
        b"mem_total_replication_buffers:0",
        b"mem_replica_full_sync_buffer:0",
        b"mem_clients_slaves:0",
        b"mem_clients_normal:%d" % memory.clients,
        b"mem_cluster_links:0",
        b"mem_aof_buffer:%d" % ctx.engine.append_log.buffered(),
        b"mem_allocator:pymalloc",
        b"mem_overhead_db_hashtable_rehashing:0",
        b"active_defrag_running:0",
        b"lazyfree_pending_objects:%d" % engine.shared.graveyard.pending(),
        b"lazyfreed_objects:%d" % engine.shared.graveyard.freed,
    ]


def _persistence(ctx: Context) -> list[bytes]:
    engine = ctx.engine
    snapshots = engine.snapshots
    children = engine.children
    loading = engine.loading
    started_s = snapshots.started_s
    return [
        b"loading:%d" % (loading is not None),
        b"async_loading:0",
        b"current_cow_peak:%d" % children.copied_peak_bytes,
        b"current_cow_size:%d" % children.copied_bytes,
        b"current_cow_size_age:%d" % children.copied_age_s(),
        b"current_fork_perc:%.2f" % (100 * children.keys_done / children.keys_total if children.keys_total else 0),
        b"current_save_keys_processed:%d" % children.keys_done,
        b"current_save_keys_total:%d" % children.keys_total,
        b"rdb_changes_since_last_save:%d" % engine.shared.dirty,
        b"rdb_bgsave_in_progress:%d" % snapshots.runs(),
        b"rdb_last_save_time:%d" % snapshots.last_save_s,
        b"rdb_last_bgsave_status:" + (b"ok" if snapshots.last_succeeded else b"err"),
        b"rdb_last_bgsave_time_sec:%d" % snapshots.last_duration_s,
        b"rdb_current_bgsave_time_sec:%d" % (-1 if started_s < 0 else int(ctx.clock.ms // 1000) - started_s),
        b"rdb_saves:%d" % snapshots.saves,
        b"rdb_last_cow_size:%d" % children.last_copied_bytes[RDB],
        b"rdb_last_load_keys_expired:%d" % snapshots.last_keys_expired,
        b"rdb_last_load_keys_loaded:%d" % snapshots.last_keys_loaded,
        *_append_log(ctx),
        *([] if loading is None else loading.lines()),
    ]


def _append_log(ctx: Context) -> list[bytes]:
    engine = ctx.engine
    append_log = engine.append_log
    rewriter = engine.rewriter
    started_ms = rewriter.started_ms
    lines = [
        b"aof_enabled:%d" % (append_log.state != OFF),
        b"aof_rewrite_in_progress:%d" % rewriter.runs(),
        b"aof_rewrite_scheduled:%d" % rewriter.is_scheduled,
        b"aof_last_rewrite_time_sec:%d" % rewriter.last_duration_s,
        b"aof_current_rewrite_time_sec:%d" % (-1 if started_ms < 0 else (int(ctx.clock.ms) - started_ms) // 1000),
        b"aof_last_bgrewrite_status:" + (b"ok" if rewriter.last_succeeded else b"err"),
        b"aof_rewrites:%d" % rewriter.rewrites,
        b"aof_rewrites_consecutive_failures:%d" % rewriter.failures,
        b"aof_last_write_status:" + (b"err" if append_log.is_failing() else b"ok"),
        b"aof_last_cow_size:%d" % engine.children.last_copied_bytes[AOF],
        b"module_fork_in_progress:0",
        b"module_fork_last_cow_size:0",
    ]
    if append_log.state != OFF:
        lines += [
            b"aof_current_size:%d" % append_log.current_size,
            b"aof_base_size:%d" % append_log.base_size,
            b"aof_pending_rewrite:0",
            b"aof_buffer_length:%d" % append_log.buffered(),
            b"aof_pending_bio_fsync:%d" % append_log.background.pending_syncs(),
            b"aof_delayed_fsync:%d" % append_log.delayed_fsyncs,
        ]
    return lines


def _threads(ctx: Context) -> list[bytes]:
    stats = ctx.engine.stats
    return [
        b"io_thread_0:clients=%d,reads=%d,writes=%d"
        % (len(ctx.engine.clients), stats.total_reads_processed, stats.total_writes_processed)
    ]


def _stats(ctx: Context) -> list[bytes]:
    engine = ctx.engine
    stats = engine.stats
    pubsub = engine.pubsub
    tracking = engine.shared.tracking
    input_rate = stats.input_rate.average() / 1024
    output_rate = stats.output_rate.average() / 1024
    exceeded_ms, exceeding_ms = engine.eviction.exceeded_ms()
    return [
        b"total_connections_received:%d" % stats.total_connections_received,
        b"total_commands_processed:%d" % stats.total_commands_processed,
        b"instantaneous_ops_per_sec:%d" % stats.ops_rate.average(),
        b"total_net_input_bytes:%d" % stats.total_net_input_bytes,
        b"total_net_output_bytes:%d" % stats.total_net_output_bytes,
        b"total_net_repl_input_bytes:%d" % stats.total_net_repl_input_bytes,
        b"total_net_repl_output_bytes:%d" % stats.total_net_repl_output_bytes,
        b"instantaneous_input_kbps:%.2f" % input_rate,
        b"instantaneous_output_kbps:%.2f" % output_rate,
        b"instantaneous_input_repl_kbps:0.00",
        b"instantaneous_output_repl_kbps:0.00",
        b"rejected_connections:%d" % stats.rejected_connections,
        b"sync_full:0",
        b"sync_partial_ok:0",
        b"sync_partial_err:0",
        b"expired_subkeys:%d" % stats.expired_subkeys,
        b"expired_keys:%d" % stats.expired_keys,
        b"expired_stale_perc:0.00",
        b"expired_time_cap_reached_count:%d" % stats.expire_slices_cut,
        b"expire_cycle_cpu_milliseconds:%d" % int(stats.expire_s * 1000),
        b"evicted_keys:%d" % stats.evicted_keys,
        b"evicted_clients:%d" % stats.evicted_clients,
        b"evicted_scripts:%d" % stats.evicted_scripts,
        b"total_eviction_exceeded_time:%d" % exceeded_ms,
        b"current_eviction_exceeded_time:%d" % exceeding_ms,
        b"keyspace_hits:%d" % stats.keyspace_hits,
        b"keyspace_misses:%d" % stats.keyspace_misses,
        b"pubsub_channels:%d" % pubsub.channels.size(),
        b"pubsub_patterns:%d" % pubsub.patterns.size(),
        b"pubsubshard_channels:%d" % pubsub.shard_channels.size(),
        b"latest_fork_usec:%d" % engine.children.fork_us,
        b"total_forks:%d" % engine.children.forks,
        b"migrate_cached_sockets:0",
        b"slave_expires_tracked_keys:0",
        b"active_defrag_hits:0",
        b"active_defrag_misses:0",
        b"active_defrag_key_hits:0",
        b"active_defrag_key_misses:0",
        b"total_active_defrag_time:0",
        b"current_active_defrag_time:0",
        b"tracking_total_keys:%d" % len(tracking.table),
        b"tracking_total_items:%d" % tracking.total_items,
        b"tracking_total_prefixes:%d" % len(tracking.by_prefix),
        b"unexpected_error_replies:%d" % stats.unexpected_error_replies,
        b"total_error_replies:%d" % stats.total_error_replies,
        b"respd_internal_errors:%d" % stats.internal_errors,
        b"dump_payload_sanitizations:0",
        b"total_reads_processed:%d" % stats.total_reads_processed,
        b"total_writes_processed:%d" % stats.total_writes_processed,
        b"io_threaded_reads_processed:0",
        b"io_threaded_writes_processed:0",
        b"client_query_buffer_limit_disconnections:%d" % stats.client_query_buffer_limit_disconnections,
        b"client_output_buffer_limit_disconnections:%d" % stats.client_output_buffer_limit_disconnections,
        b"reply_buffer_shrinks:0",
        b"reply_buffer_expands:0",
        b"eventloop_cycles:%d" % stats.eventloop_cycles,
        b"eventloop_duration_sum:%d" % stats.eventloop_duration_us,
        b"eventloop_duration_cmd_sum:%d" % _command_us(ctx),
        b"instantaneous_eventloop_cycles_per_sec:%d" % stats.cycle_rate.average(),
        b"instantaneous_eventloop_duration_usec:%d" % stats.cycle_duration.average(),
        b"acl_access_denied_auth:%d" % stats.acl_access_denied_auth,
        b"acl_access_denied_cmd:%d" % stats.acl_access_denied_cmd,
        b"acl_access_denied_key:%d" % stats.acl_access_denied_key,
        b"acl_access_denied_channel:%d" % stats.acl_access_denied_channel,
    ]


def _command_us(ctx: Context) -> int:
    seconds = 0.0
    for command in ctx.engine.commands.all:
        seconds += command.seconds
    return int(seconds * 1e6)


def _replication(ctx: Context) -> list[bytes]:
    return [
        b"role:master",
        b"connected_slaves:0",
        *([b"min_slaves_good_slaves:0"] if ctx.engine.gates & NO_REPLICAS else []),
        b"master_failover_state:no-failover",
        b"master_replid:" + ctx.engine.stats.replication_id,
        b"master_replid2:" + b"0" * 40,
        b"master_repl_offset:%d" % ctx.engine.effects.offset,
        b"second_repl_offset:-1",
        b"repl_backlog_active:0",
        b"repl_backlog_size:%d" % _number(ctx, b"repl-backlog-size"),
        b"repl_backlog_first_byte_offset:0",
        b"repl_backlog_histlen:0",
    ]


def _cpu() -> list[bytes]:
    system, user = cpu_seconds()
    children_system, children_user = children_cpu_seconds()
    thread_system, thread_user = thread_cpu_seconds()
    return [
        b"used_cpu_sys:%.6f" % system,
        b"used_cpu_user:%.6f" % user,
        b"used_cpu_sys_children:%.6f" % children_system,
        b"used_cpu_user_children:%.6f" % children_user,
        b"used_cpu_sys_main_thread:%.6f" % thread_system,
        b"used_cpu_user_main_thread:%.6f" % thread_user,
    ]


def _command_stats(ctx: Context) -> list[bytes]:
    lines: list[bytes] = []
    for command in ctx.engine.commands.all:
        if command.calls or command.rejected or command.failed:
            lines.append(_command_line(command))
    return lines


def _command_line(command: Command) -> bytes:
    usec = int(command.seconds * 1e6)
    per_call = usec / int(command.calls) if command.calls else 0.0
    return b"cmdstat_%b:calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d" % (
        command.name,
        command.calls,
        usec,
        per_call,
        command.rejected,
        command.failed,
    )


def _error_stats(ctx: Context) -> list[bytes]:
    errors = ctx.engine.stats.errors
    return [b"errorstat_%b:count=%d" % (_safe(code), errors[code]) for code in sorted(errors)]


def _latency_stats(ctx: Context) -> list[bytes]:
    if not ctx.config.latency_tracking:
        return []
    percentiles = ctx.config.latency_tracking_info_percentiles
    lines: list[bytes] = []
    for command in ctx.engine.commands.all:
        if command.tracked_calls():
            shown = [b"p%b=%.3f" % (format_double(each), command.percentile_us(each)) for each in percentiles]
            lines.append(b"latency_percentiles_usec_%b:%b" % (command.name, b",".join(shown)))
    return lines


def _safe(name: bytes) -> bytes:
    """Return `name` without the characters that would break INFO's lines."""
    return name.translate(bytes.maketrans(b"#:\n\r", b"____"))


def _keyspace(ctx: Context) -> list[bytes]:
    lines: list[bytes] = []
    for db in ctx.engine.databases:
        if db.entries:
            lines.append(
                b"db%d:keys=%d,expires=%d,avg_ttl=%d,subexpiry=%d"
                % (db.index, len(db.entries), db.volatile, db.average_ttl_ms(), db.expiring_hashes)
            )
    return lines


def _debug(ctx: Context) -> list[bytes]:
    stats = ctx.engine.stats
    lua = ctx.engine.scripts.memory_bytes() + ctx.engine.libraries.memory_bytes()
    return [
        b"eventloop_duration_aof_sum:%d" % int(stats.append_log_s * 1e6),
        b"eventloop_duration_cron_sum:%d" % int(stats.cron_s * 1e6),
        b"eventloop_duration_max:%d" % stats.longest_turn_us,
        b"eventloop_cmd_per_cycle_max:%d" % stats.most_commands_a_turn,
        b"allocator_allocated_lua:%d" % lua,
        b"allocator_active_lua:%d" % lua,
        b"allocator_resident_lua:%d" % lua,
        b"allocator_frag_bytes_lua:0",
    ]
