"""The page of metrics: its format, its names, and that it tells what INFO tells."""

from __future__ import annotations

from respd.metrics import Metrics
from respd.metrics_fields import FIELDS
from respd.persistence.append_log import ON
from tests.exposition import Exposition
from tests.local import Local
from tests.test_exporter_fields import NAMES


def page_of(local: Local, metrics: Metrics) -> Exposition:
    """The page, made anew."""
    local.clock.advance(200)
    return Exposition(metrics.page().decode())


def info(local: Local, *sections: str) -> dict[str, str]:
    text = local.run([b"INFO", *map(str.encode, sections)])
    assert isinstance(text, bytes)
    return dict(line.split(":", 1) for line in text.decode().split("\r\n") if ":" in line)


def test_it_has_the_names_of_redis_exporter(local: Local) -> None:
    local.run("GET missing")
    local.run("SET k v PX 5000")
    local.run("NO-SUCH-COMMAND")
    local.run("CONFIG SET latency-monitor-threshold 1")
    local.engine.latency.add(b"command", 0.005, 1_700_000_000)
    page = page_of(local, Metrics(local.engine))
    log = {f"redis_aof_{name}" for name in (
        "base_size_bytes", "buffer_length", "current_size_bytes", "delayed_fsync", "pending_bio_fsync",
        "pending_rewrite",
    )}  # fmt: skip
    assert NAMES - page.names() - log == set()
    local.engine.append_log.state = ON  # there are further lines while there is a log
    assert NAMES - page_of(local, Metrics(local.engine)).names() == set()


def test_it_tells_what_info_tells(local: Local) -> None:
    for line in ("SET a 1", "GET a", "GET b", "HSET h f v", "INCR h", "SUBSCRIBE c"):
        local.send(line)
    local.heard()
    page = page_of(local, Metrics(local.engine))
    figures = info(local, "everything")
    moving = {"server_time_usec", "uptime_in_seconds", "total_commands_processed", "client_recent_max_output_buffer"}
    compared = 0
    for field, name, _, _ in FIELDS:
        shown = figures.get(field.decode())
        changes = field.startswith((b"used_cpu", b"used_memory", b"allocator", b"mem_", b"eventloop", b"client_recent"))
        if shown is None or field.decode() in moving or changes:
            continue
        value = {"ok": 1.0, "err": 0.0}.get(shown)
        expected = float(shown) if value is None else value
        if field == b"latest_fork_usec":
            expected /= 1e6
        assert page.value(f"redis_{name.decode()}") == expected, field
        compared += 1
    assert compared > 80
    assert page.value("redis_keyspace_hits_total") == 1 and page.value("redis_keyspace_misses_total") == 1
    assert page.types["redis_keyspace_hits_total"] == "counter"


def test_commands(local: Local) -> None:
    local.run("SET a 1")
    local.run("GET a")
    local.run("GET a")
    local.run("GET")
    local.run("LPUSH a x")
    local.run("CONFIG GET port")
    command = local.engine.commands.by_full_name(b"get")
    assert command is not None
    command.reset_stats()
    command.calls = command.rejected = 2
    command.seconds = 0.000_009
    command.note_latency(0.000_003)  # and the other took less than a microsecond
    page = page_of(local, Metrics(local.engine))
    assert page.value("redis_commands_total", cmd="get") == 2
    assert page.value("redis_commands_total", cmd="config|get") == 1
    assert page.value("redis_commands_rejected_calls_total", cmd="get") == 2
    assert page.value("redis_commands_failed_calls_total", cmd="lpush") == 1
    assert page.value("redis_commands_duration_seconds_total", cmd="get") == 0.000_009
    bucket = "redis_commands_latencies_usec_bucket"
    bounds = {dict(labels)["le"]: count for labels, count in page.all(bucket).items() if dict(labels)["cmd"] == "get"}
    assert bounds == {"1": 1, "4": 2, "+Inf": 2}
    assert page.value("redis_commands_latencies_usec_sum", cmd="get") == 9
    assert page.value("redis_commands_latencies_usec_count", cmd="get") == 2
    assert page.value("redis_latency_percentiles_usec", cmd="get", quantile="50") == 1.023
    assert 3 <= page.value("redis_latency_percentiles_usec", cmd="get", quantile="99.9") < 3.1
    local.run("CONFIG SET latency-tracking no")
    assert not page_of(local, Metrics(local.engine)).all(bucket)


def test_databases(local: Local) -> None:
    metrics = Metrics(local.engine)
    local.run("SELECT 3")
    local.run("SET a 1 PX 5000")
    local.run("SET b 1")
    local.run("HSET h f v")
    local.run("HPEXPIRE h 5000 FIELDS 1 f")
    page = page_of(local, metrics)
    assert page.value("redis_db_keys", db="db3") == 3
    assert page.value("redis_db_keys_expiring", db="db3") == 1
    assert page.value("redis_db_keys_with_expiring_items", db="db3") == 1
    assert 0 < page.value("redis_db_avg_ttl_seconds", db="db3") <= 5
    assert page.value("redis_db_keys", db="db0") == 0
    assert len(page.all("redis_db_keys")) == 16


def test_what_clients_choose_cannot_break_the_page(local: Local) -> None:
    for code in (b'a"b', b"back\\slash", b"\xff", b"\xfe", b'{a="b"}', b"caf\xc3\xa9", b"new\nline"):
        local.engine.stats.record_error(code + b" text")
    page = page_of(local, Metrics(local.engine))
    errors = {dict(labels)["err"]: count for labels, count in page.all("redis_errors_total").items()}
    assert errors == {
        'a"b': 1, "back\\slash": 1, "\ufffd": 2, '{a="b"}': 1, "café": 1, "new\nline": 1,
    }  # fmt: skip


def test_slow_commands_and_events(local: Local) -> None:
    metrics = Metrics(local.engine)
    page = page_of(local, metrics)
    assert page.value("redis_slowlog_length") == page.value("redis_slowlog_last_id") == 0
    local.engine.slowlog.add([b"GET", b"a"], 1500, 1, b"", b"")
    local.engine.slowlog.add([b"GET", b"a"], 2500, 1, b"", b"")
    local.engine.latency.add(b"fork", 0.012, 1_700_000_000)
    page = page_of(local, metrics)
    assert page.value("redis_slowlog_length") == 2 and page.value("redis_slowlog_last_id") == 1
    assert page.value("redis_last_slow_execution_duration_seconds") == 0.0025
    assert page.value("redis_latency_spike_last", event_name="fork") == 1_700_000_000
    assert page.value("redis_latency_spike_duration_seconds", event_name="fork") == 0.012


def test_the_instance_and_its_configuration(local: Local) -> None:
    local.run("CONFIG SET maxmemory 1gb maxclients 123 client-output-buffer-limit 'pubsub 3 2 1'")
    page = page_of(local, Metrics(local.engine))
    ((labels, value),) = page.all("redis_instance_info").items()
    figures = info(local, "everything")
    assert value == 1 and dict(labels)["role"] == "master"
    assert all(figures[name] == shown for name, shown in labels)
    assert page.value("redis_config_maxmemory") == page.value("redis_memory_max_bytes") == 1 << 30
    assert page.value("redis_config_maxclients") == 123
    assert page.value("redis_config_client_output_buffer_limit_bytes", **{"class": "pubsub", "limit": "hard"}) == 3
    assert page.value("redis_start_time_seconds") == 1_700_000_000


def test_it_is_made_once_in_a_tenth_of_a_second(local: Local) -> None:
    metrics = Metrics(local.engine)
    first = metrics.page()
    local.run("SET k v")
    local.clock.advance(99)
    assert metrics.page() is first
    local.clock.advance(2)
    page = Exposition(metrics.page().decode())
    assert page.value("redis_db_keys", db="db0") == 1
    assert page.value("redis_exporter_scrapes_total") == 3
    local.clock.advance(-3_600_000)  # the machine's clock was set back
    assert Exposition(metrics.page().decode()).value("redis_exporter_scrapes_total") == 4
