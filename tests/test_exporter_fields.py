"""redis_exporter on respd: everything that it asks for is there, and reads as it reads redis-server's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server, start_redis, start_respd
from tests.wire import Error, Status

# What it publishes by default of a redis-server 8 without replicas, modules and cluster. Source: its documentation.
_NAMES = """
active_defrag_running allocator_active_bytes allocator_allocated_bytes allocator_frag_bytes allocator_frag_ratio
allocator_muzzy_bytes allocator_resident_bytes allocator_rss_bytes allocator_rss_ratio aof_base_size_bytes
aof_buffer_length aof_current_rewrite_duration_sec aof_current_size_bytes aof_delayed_fsync aof_enabled
aof_last_bgrewrite_status aof_last_cow_size_bytes aof_last_rewrite_duration_sec aof_last_write_status
aof_pending_bio_fsync aof_pending_rewrite aof_rewrite_in_progress aof_rewrite_scheduled
acl_access_denied_auth_total acl_access_denied_channel_total acl_access_denied_cmd_total acl_access_denied_key_total
async_loading blocked_clients client_output_buffer_limit_disconnections_total
client_query_buffer_limit_disconnections_total client_recent_max_input_buffer_bytes
client_recent_max_output_buffer_bytes clients_in_timeout_table cluster_connections cluster_enabled
commands_duration_seconds_total commands_failed_calls_total commands_latencies_usec_bucket commands_latencies_usec_count
commands_latencies_usec_sum commands_processed_total commands_rejected_calls_total commands_total
config_client_output_buffer_limit_bytes config_client_output_buffer_limit_overcome_seconds config_io_threads
config_maxclients config_maxmemory configured_hz connected_clients connected_slaves connections_received_total
cpu_sys_children_seconds_total cpu_sys_main_thread_seconds_total cpu_sys_seconds_total
cpu_user_children_seconds_total cpu_user_main_thread_seconds_total cpu_user_seconds_total
current_eviction_exceeded_time_ms db_avg_ttl_seconds db_keys db_keys_expiring db_keys_with_expiring_items defrag_hits
defrag_key_hits defrag_key_misses defrag_misses dump_payload_sanitizations errors_total evicted_clients_total
evicted_keys_total evicted_scripts_total eviction_exceeded_time_ms_total eventloop_cycles_total
eventloop_duration_cmd_sum_usec_total eventloop_duration_sum_usec_total expire_cycle_cpu_time_ms_total
expired_keys_total expired_stale_percentage expired_subkeys_total expired_time_cap_reached_total
exporter_last_scrape_duration_seconds exporter_last_scrape_error exporter_scrapes_total hz instance_info
instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec io_threaded_reads_processed
io_threaded_writes_processed io_threads_active keyspace_hits_total keyspace_misses_total
last_slow_execution_duration_seconds latency_percentiles_usec latency_percentiles_usec_count
latency_percentiles_usec_sum latency_spike_duration_seconds latency_spike_last latest_fork_seconds
lazyfree_pending_objects lazyfreed_objects loading_dump_file master_repl_offset max_clients mem_aof_buffer_bytes
mem_clients_normal mem_clients_slaves mem_cluster_links_bytes mem_fragmentation_bytes mem_fragmentation_ratio
mem_not_counted_for_eviction_bytes mem_overhead_db_hashtable_rehashing_bytes mem_replication_backlog_bytes
mem_total_replication_buffers_bytes memory_max_bytes memory_used_bytes memory_used_dataset_bytes
memory_used_functions_bytes memory_used_lua_bytes memory_used_overhead_bytes memory_used_peak_bytes
memory_used_rss_bytes memory_used_scripts_bytes memory_used_scripts_eval_bytes memory_used_startup_bytes
memory_used_vm_eval_bytes memory_used_vm_functions_bytes memory_used_vm_total migrate_cached_sockets_total
module_fork_in_progress module_fork_last_cow_size net_input_bytes_total net_output_bytes_total
net_repl_input_bytes_total net_repl_output_bytes_total number_of_cached_scripts number_of_functions
number_of_libraries process_id pubsub_channels pubsub_clients pubsub_patterns pubsubshard_channels
rdb_bgsave_in_progress rdb_changes_since_last_save rdb_current_bgsave_duration_sec rdb_last_bgsave_duration_sec
rdb_last_bgsave_status rdb_last_cow_size_bytes rdb_last_load_expired_keys rdb_last_load_loaded_keys
rdb_last_save_timestamp_seconds rdb_saves_total rejected_connections_total repl_backlog_first_byte_offset
repl_backlog_history_bytes repl_backlog_is_active replica_partial_resync_accepted replica_partial_resync_denied
replica_resyncs_full replication_backlog_bytes reply_buffer_expands_total reply_buffer_shrinks_total
second_repl_offset slave_expires_tracked_keys slowlog_last_id slowlog_length start_time_seconds
total_blocking_keys total_blocking_keys_on_nokey total_error_replies total_reads_processed total_system_memory_bytes
total_watched_keys total_writes_processed tracking_clients tracking_total_items tracking_total_keys
tracking_total_prefixes unexpected_error_replies up uptime_in_seconds watching_clients
"""
NAMES = {f"redis_{name}" for name in _NAMES.split()}

# Of INFO ALL, the lines that are read as one number, or as `ok` and `err`.
_NUMBERS = """
uptime_in_seconds process_id hz configured_hz io_threads_active connected_clients cluster_connections maxclients
client_recent_max_input_buffer client_recent_max_output_buffer blocked_clients tracking_clients pubsub_clients
watching_clients clients_in_timeout_table total_watched_keys total_blocking_keys total_blocking_keys_on_nokey
used_memory used_memory_rss used_memory_peak used_memory_overhead used_memory_startup used_memory_dataset
allocator_allocated allocator_active allocator_resident allocator_muzzy total_system_memory used_memory_lua
used_memory_vm_eval used_memory_scripts_eval number_of_cached_scripts number_of_functions number_of_libraries
used_memory_vm_functions used_memory_vm_total used_memory_functions used_memory_scripts maxmemory allocator_frag_ratio
allocator_frag_bytes allocator_rss_ratio allocator_rss_bytes mem_fragmentation_ratio mem_fragmentation_bytes
mem_not_counted_for_evict mem_replication_backlog mem_total_replication_buffers mem_clients_slaves mem_clients_normal
mem_cluster_links mem_aof_buffer mem_overhead_db_hashtable_rehashing active_defrag_running lazyfree_pending_objects
lazyfreed_objects loading async_loading rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time
rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves rdb_last_cow_size
rdb_last_load_keys_expired rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled
aof_last_rewrite_time_sec aof_current_rewrite_time_sec aof_last_bgrewrite_status aof_last_write_status
aof_last_cow_size aof_current_size aof_base_size aof_pending_rewrite aof_buffer_length aof_pending_bio_fsync
aof_delayed_fsync module_fork_in_progress module_fork_last_cow_size total_connections_received
total_commands_processed instantaneous_ops_per_sec total_net_input_bytes total_net_output_bytes
total_net_repl_input_bytes total_net_repl_output_bytes rejected_connections sync_full sync_partial_ok
sync_partial_err expired_subkeys expired_keys expired_stale_perc expired_time_cap_reached_count
expire_cycle_cpu_milliseconds evicted_keys evicted_clients evicted_scripts total_eviction_exceeded_time
current_eviction_exceeded_time keyspace_hits keyspace_misses pubsub_channels pubsub_patterns pubsubshard_channels
latest_fork_usec total_forks migrate_cached_sockets slave_expires_tracked_keys active_defrag_hits
active_defrag_misses active_defrag_key_hits active_defrag_key_misses tracking_total_keys tracking_total_items
tracking_total_prefixes unexpected_error_replies total_error_replies dump_payload_sanitizations
total_reads_processed total_writes_processed io_threaded_reads_processed io_threaded_writes_processed
client_query_buffer_limit_disconnections client_output_buffer_limit_disconnections reply_buffer_shrinks
reply_buffer_expands eventloop_cycles eventloop_duration_sum eventloop_duration_cmd_sum
instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec acl_access_denied_auth
acl_access_denied_cmd acl_access_denied_key acl_access_denied_channel connected_slaves master_repl_offset
second_repl_offset repl_backlog_active repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen
used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children used_cpu_sys_main_thread
used_cpu_user_main_thread cluster_enabled
"""
NUMBERS = _NUMBERS.split()
_TEXTS = "role redis_version redis_build_id redis_mode os maxmemory_policy tcp_port run_id process_id master_replid"
TEXTS = _TEXTS.split()

# Of the lines that hold several figures, how they are read.
SHAPES = {
    "cmdstat_get": r"calls=\d+,usec=\d+,usec_per_call=\d+\.\d+,rejected_calls=\d+,failed_calls=\d+",
    "cmdstat_config|set": r"calls=\d+,usec=\d+,usec_per_call=\d+\.\d+,rejected_calls=\d+,failed_calls=\d+",
    "errorstat_ERR": r"count=\d+",
    "latency_percentiles_usec_get": r"p50=\d+\.\d+,p99=\d+\.\d+,p99\.9=\d+\.\d+",
    "db0": r"keys=\d+,expires=\d+,avg_ttl=\d+,subexpiry=\d+",
}
_CLIENT = """
id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem
tot-mem events cmd user redir resp lib-name lib-ver
"""
CLIENT_FIELDS = _CLIENT.split()

RULES = "-@all +ping +client|setname +config|get +info +latency|latest +latency|histogram +slowlog|len +slowlog|get"
DOCUMENTED_RULES = (
    "~* -@all +@connection +memory -readonly +strlen +config|get +xinfo +pfcount -quit +zcard +type +xlen -readwrite "
    "-command +client -wait +scard +llen +hlen +get +eval +slowlog +cluster|info +cluster|slots +cluster|nodes -hello "
    "-echo +info +latency +scan -reset -auth -asking"
)


class Asking:
    """A connection whose answers are looked into without saying what they are."""

    def __init__(self, server: Server) -> None:
        self.connection = server.connect()

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *exc: object) -> None:
        self.connection.close()

    def __call__(self, *command: str | bytes) -> Any:
        answer = self.connection.ask(*command)
        return answer.decode() if isinstance(answer, Status) else answer

    def pairs(self, command: str) -> dict[bytes, Any]:
        """A reply of names and values."""
        return paired(self(command))

    def info(self) -> dict[str, str]:
        """The lines of INFO ALL."""
        return dict(line.split(":", 1) for line in self("INFO ALL").decode().split("\r\n") if ":" in line)


def paired(flat: list[Any]) -> dict[bytes, Any]:
    """Names and values that stand one after the other."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


@pytest.fixture(scope="module", params=["respd", "redis-server"])
def asked(request: pytest.FixtureRequest) -> Iterator[Server]:
    """respd and, where there is one, redis-server, with a little of everything."""
    options = ("--appendonly", "yes", "--slowlog-log-slower-than", "0", "--latency-monitor-threshold", "1")
    if request.param == "respd":
        server = start_respd(*options)
    else:
        server = start_redis(request.getfixturevalue("oracle_program"), *options)
    with server.connect() as connection:
        for line in (
            "SET text value EX 1000", "GET text", "SET number 17", "RPUSH list a b", "SADD set a", "ZADD zset 1 a",
            "HSET hash f v", "PFADD hll a", "XADD stream 5-1 f v", "XGROUP CREATE stream group 0", "NONE",
            "XREADGROUP GROUP group consumer STREAMS stream >", "CONFIG SET maxmemory 1gb", "DEBUG SLEEP 0.003",
        ):  # fmt: skip
            connection.call(line)
    yield server
    server.stop()


def test_the_page_for_operators_has_the_same_rules() -> None:
    page = Path(__file__).parent.parent / "docs" / "operating.md"
    assert RULES in page.read_text().replace('"', "")


def test_the_lines_of_info(asked: Server) -> None:
    with Asking(asked) as ask:
        lines = ask.info()
    assert [name for name in NUMBERS + TEXTS if name not in lines] == []
    assert [name for name in NUMBERS if not re.fullmatch(r"-?\d+(\.\d+)?|ok|err", lines[name])] == []
    assert all(lines[name] for name in TEXTS)
    for name, shape in SHAPES.items():
        assert re.fullmatch(shape, lines[name]), (name, lines[name])


def test_the_commands_it_asks_by_default(asked: Server) -> None:
    with Asking(asked) as ask:
        assert ask("CLIENT SETNAME redis_exporter") == "OK"
        config = ask.pairs("CONFIG GET *")
        assert [config[name] for name in (b"databases", b"maxclients", b"maxmemory", b"io-threads")] == [
            b"16", b"10000", b"1073741824", b"1",
        ]  # fmt: skip
        words = config[b"client-output-buffer-limit"].split(b" ")
        assert len(words) == 12 and words[::4] == [b"normal", b"slave", b"pubsub"]
        (_, at_s, duration_ms, worst_ms) = next(each for each in ask("LATENCY LATEST") if each[0] == b"command")
        assert at_s > 1_700_000_000 and 1 <= duration_ms <= worst_ms
        calls, count, usec, bounds = ask.pairs("LATENCY HISTOGRAM")[b"get"]
        assert (calls, usec) == (b"calls", b"histogram_usec") and count == bounds[-1] >= 1
        length = ask("SLOWLOG LEN")
        assert isinstance(length, int) and length > 10
        ((number, at_s, took_us, command, *_),) = ask("SLOWLOG GET 1")
        assert number >= length and at_s > 1_700_000_000 and took_us >= 0 and command == [b"SLOWLOG", b"LEN"]
        assert ask("PING") == "PONG"


def test_the_commands_it_asks_about_clients_keys_and_streams(asked: Server) -> None:
    with Asking(asked) as ask:
        (line, end) = ask("CLIENT LIST").decode().split("\n")
        fields = dict(part.split("=", 1) for part in line.split(" "))
        assert not end and [name for name in CLIENT_FIELDS if name not in fields] == []
        assert re.match(r"id=\d+ addr=\S+:\d+ ", line)
        assert fields["age"].isdigit() and fields["idle"].isdigit() and fields["user"] == "default"
        cursor, keys = ask("SCAN 0 MATCH * COUNT 1000")
        assert cursor == b"0" and len(keys) == 8
        sizes = {"string": "STRLEN", "list": "LLEN", "set": "SCARD", "zset": "ZCARD", "hash": "HLEN", "stream": "XLEN"}
        for key in keys:
            assert isinstance(ask(sizes[ask("TYPE", key)], key), int)
            assert isinstance(ask("MEMORY", "USAGE", key), int)
        assert ask("PFCOUNT hll") == 1 and ask("GET number") == b"17"
        stream = ask("XINFO STREAM stream")
        about = paired(stream)
        assert [about[name] for name in (b"length", b"radix-tree-keys", b"groups")] == [1, 1, 1]
        assert about[b"last-generated-id"] == b"5-1" and about[b"max-deleted-entry-id"] == b"0-0"
        assert stream[17][0] == stream[19][0] == b"5-1"  # the first and the last entry, by their place
        (group,) = ask("XINFO GROUPS stream")
        assert [paired(group)[name] for name in (b"name", b"consumers", b"pending", b"entries-read", b"lag")] == [
            b"group", 1, 1, 1, 0,
        ]  # fmt: skip
        assert paired(group)[b"last-delivered-id"] == b"5-1"
        (consumer,) = ask("XINFO CONSUMERS stream group")
        assert paired(consumer)[b"pending"] == 1 and isinstance(paired(consumer)[b"idle"], int)
        assert isinstance(ask("MODULE LIST"), list)


@pytest.mark.parametrize("rules, may_read", [(RULES, False), (DOCUMENTED_RULES, True)])
def test_a_user_of_its_own(asked: Server, rules: str, may_read: bool) -> None:
    """As the operator's page makes it, and as the exporter's documentation does."""
    with Asking(asked) as ask:
        assert ask(f"ACL SETUSER exporter reset on >secret {rules}") == "OK"
        assert ask("AUTH exporter secret") == "OK"
        assert ask("CLIENT SETNAME redis_exporter") == "OK"
        for line in ("CONFIG GET *", "INFO ALL", "LATENCY LATEST", "LATENCY HISTOGRAM", "SLOWLOG LEN", "SLOWLOG GET 1"):
            assert not isinstance(ask(line), Error), line
        denied = ["CONFIG SET maxmemory 0", "FLUSHALL", "ACL LIST", "SET text a"]
        for line in denied if may_read else [*denied, "GET text", "CLIENT KILL ID 1"]:
            assert ask(line).text.startswith(b"NOPERM"), line
        assert not may_read or ask("GET text") == b"value"
