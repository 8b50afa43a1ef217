"""INFO's figures, and the counters behind them."""

from __future__ import annotations

import os

import pytest

import respd
from respd.commands.info import human
from respd.stats import ERROR_CODES_LIMIT, Rate, Recent, Stats, resident_bytes
from tests.local import Local
from tests.patience import until
from tests.servers import Server
from tests.wire import Connection


def _info(local: Local, *sections: str) -> dict[str, str]:
    text = local.run(" ".join(("INFO", *sections)))
    assert isinstance(text, bytes)
    return dict(line.split(":", 1) for line in text.decode().split("\r\n") if ":" in line)


def test_versions(local: Local) -> None:
    server = _info(local, "server")
    assert server["redis_version"] == respd.REDIS_VERSION
    assert server["respd_version"] == respd.VERSION
    assert server["respd_build"] == respd.build()
    assert server["process_id"] == str(os.getpid())


def test_uptime_follows_the_clock(local: Local) -> None:
    local.pass_time(90_061_000)
    server = _info(local, "server")
    assert (server["uptime_in_seconds"], server["uptime_in_days"]) == ("90061", "1")


def test_hits_and_misses(local: Local) -> None:
    for command in ("SET k v", "GET k", "GET k", "GET nope", "EXISTS k", "SET k w"):
        local.run(command)
    stats = _info(local, "stats")
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == ("3", "1")


def test_expired_keys(local: Local) -> None:
    local.run("SET k v PX 10")
    local.run("HSET h f v")
    local.run("HPEXPIRE h 10 FIELDS 1 f")
    local.pass_time(20)
    stats = _info(local, "stats")
    assert (stats["expired_keys"], stats["expired_subkeys"]) == ("1", "1")


def test_keyspace(local: Local) -> None:
    local.run("SET a 1")
    local.run("SET b 1 PX 100000")
    local.run("SELECT 5")
    local.run("SET c 1")
    lines = _info(local, "keyspace")
    assert lines["db0"].startswith("keys=2,expires=1,avg_ttl=")
    assert lines["db5"] == "keys=1,expires=0,avg_ttl=0,subexpiry=0"
    assert 90_000 <= int(lines["db0"].split("avg_ttl=")[1].split(",")[0]) <= 100_000


def test_command_statistics(local: Local) -> None:
    for command in ("SET k v", "GET k", "GET", "LPUSH k x", "CLIENT ID", "COMMAND COUNT"):
        local.run(command)
    lines = _info(local, "commandstats")
    assert lines["cmdstat_get"].startswith("calls=1,") and lines["cmdstat_get"].endswith(
        "rejected_calls=1,failed_calls=0"
    )
    assert lines["cmdstat_lpush"].endswith("rejected_calls=0,failed_calls=1")
    assert "cmdstat_client|id" in lines and "cmdstat_client" not in lines
    assert "cmdstat_del" not in lines


def test_error_statistics(local: Local) -> None:
    for command in ("SET k v", "LPUSH k x", "LPUSH k x", "NOSUCH", "GET"):
        local.run(command)
    assert _info(local, "errorstats") == {"errorstat_ERR": "count=2", "errorstat_WRONGTYPE": "count=2"}
    assert _info(local, "stats")["total_error_replies"] == "4"


def test_resetstat_zeroes_the_counters(local: Local) -> None:
    for command in ("SET k v", "GET k", "NOSUCH"):
        local.run(command)
    local.run("CONFIG RESETSTAT")
    stats = _info(local, "stats", "errorstats", "commandstats")
    assert stats["keyspace_hits"] == stats["total_error_replies"] == "0"
    assert "errorstat_ERR" not in stats and "cmdstat_get" not in stats


def test_the_longest_buffers_are_those_of_the_last_seconds() -> None:
    recent = Recent()
    recent.note(5, 1_000_000)
    recent.note(3, 1_000_000)
    recent.note(4, 1_000_003)
    assert [recent.greatest(1_000_000 + after) for after in (3, 7, 8, 10, 11, 40)] == [5, 5, 4, 4, 0, 0]


def test_an_end_with_an_error_is_a_failed_call(local: Local) -> None:
    blocked = local.connect()
    local.engine.execute(blocked, [b"BLPOP", b"l", b"0"])
    local.run(f"CLIENT UNBLOCK {blocked.client.id} ERROR")
    stats = _info(local, "commandstats")
    assert stats["cmdstat_blpop"].endswith("failed_calls=1")
    assert stats["cmdstat_client|unblock"].endswith("failed_calls=1")  # as redis-server counts


def test_clients(local: Local) -> None:
    other, blocked = local.connect(), local.connect()
    local.run("WATCH a", other)
    local.engine.execute(blocked, [b"BLPOP", b"l", b"m", b"5"])
    clients = _info(local, "clients")
    assert clients["connected_clients"] == str(len(local.engine.clients))
    assert clients["blocked_clients"] == clients["clients_in_timeout_table"] == "1"
    assert clients["watching_clients"] == clients["total_watched_keys"] == "1"
    assert clients["total_blocking_keys"] == "2"


def test_memory_is_that_of_the_process(local: Local) -> None:
    memory = _info(local, "memory")
    assert abs(int(memory["used_memory_rss"]) - resident_bytes()) < 50 << 20
    assert int(memory["used_memory_peak"]) >= int(memory["used_memory"])
    assert memory["used_memory_human"] == human(int(memory["used_memory"])).decode()


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, b"0B"), (1023, b"1023B"), (1024, b"1.00K"), (1536, b"1.50K"), (5 << 20, b"5.00M"), (3 << 50, b"3.00P")],
)
def test_sizes_for_people(size: int, expected: bytes) -> None:
    assert human(size) == expected


def test_rates_average_sixteen_samples() -> None:
    rate = Rate()
    for at in range(17):
        rate.sample(at * 50, at * 100, 1000)
    assert rate.average() == 500
    rate.sample(850 + 1600, 1700, 1000)
    assert rate.average() == (15 * 500 + 16500) // 16
    rate.reset()
    assert rate.average() == 0


def test_too_many_kinds_of_errors_are_no_longer_told_apart() -> None:
    stats = Stats()
    for number in range(ERROR_CODES_LIMIT + 5):
        stats.record_error(b"E%d text" % number)
    assert stats.errors == {b"ERRORSTATS_DISABLED": 1}
    assert stats.total_error_replies == ERROR_CODES_LIMIT + 5
    stats.reset()
    for text in (b"ERR text", b"NOSPACE", b"E" * 31 + b" is too long", b"E" * 30 + b" is not", b" nothing", b""):
        stats.record_error(text)
    assert stats.errors == {b"ERR": 4, b"E" * 30: 1, b"": 1}


def test_the_loop_tells_of_its_turns(server: Server) -> None:
    with server.connect() as connection:
        connection.ask("CONFIG RESETSTAT")
        connection.pipeline([[b"PING"]] * 30)
        text = connection.ask("INFO debug")
        assert isinstance(text, bytes)
        debug = dict(line.split(b":") for line in text.split(b"\r\n") if b":" in line)
    assert 1 <= int(debug[b"eventloop_cmd_per_cycle_max"]) <= 31
    assert int(debug[b"eventloop_duration_max"]) > 0


def test_the_time_spent_expiring(local: Local) -> None:
    for number in range(150):
        local.run(f"SET k{number} v PX 10")
    local.run("CONFIG SET latency-monitor-threshold 1")
    local.pass_time(20)
    stats = _info(local, "stats")
    assert (stats["expired_keys"], stats["expire_cycle_cpu_milliseconds"]) == ("150", "0")  # the clock stands
    local.engine.stats.expire_s = 0.0123
    assert _info(local, "stats")["expire_cycle_cpu_milliseconds"] == "12"
    local.run("CONFIG RESETSTAT")
    assert local.engine.stats.expire_s == 0


def test_resetting_forgets_what_redis_forgets(local: Local) -> None:
    engine = local.engine
    engine.rewriter.rewrites = engine.rewriter.failures = engine.append_log.delayed_fsyncs = 2
    engine.eviction.exceeded_total_s = 2.0
    engine.stats.acl_access_denied_cmd = 2
    local.run("CONFIG RESETSTAT")
    persistence, stats = _info(local, "persistence"), _info(local, "stats")
    assert persistence["aof_rewrites"] == persistence["aof_rewrites_consecutive_failures"] == "0"
    assert engine.append_log.delayed_fsyncs == 0 and stats["total_eviction_exceeded_time"] == "0"
    assert stats["acl_access_denied_cmd"] == "2"


def test_operations_a_second(server: Server) -> None:
    with server.connect() as connection:
        until(lambda: _is_fast(connection))


def _is_fast(connection: Connection) -> bool:
    """Send some commands, and tell whether INFO tells of many in a second."""
    connection.pipeline([[b"PING"]] * 50)
    stats = connection.ask("INFO stats")
    assert isinstance(stats, bytes)
    rates = dict(line.split(b":") for line in stats.split(b"\r\n") if line.startswith(b"instantaneous"))
    return int(rates[b"instantaneous_ops_per_sec"]) > 100 and float(rates[b"instantaneous_input_kbps"]) > 1
