"""The latency monitor and the histograms of commands, with times made up by the test."""

from __future__ import annotations

import pytest

from respd.command import FIRST_STEP, Command, Declaration
from respd.config import Config
from respd.latency import HISTORY, LatencyMonitor
from tests.local import Local


def _command(*durations_us: float) -> Command:
    """A command that was called with these durations."""
    command = Command(Declaration("name", "generic", None, 1, 0, (), "1.0.0", "", "", "", (), (), (), None))
    for duration_us in durations_us:
        command.calls += 1
        if duration_us / 1e6 >= FIRST_STEP:
            command.note_latency(duration_us / 1e6)
    return command


def _text(local: Local, command: str) -> bytes:
    told = local.run(command)
    assert isinstance(told, bytes)
    return told


@pytest.mark.parametrize(
    ("durations_us", "steps"),
    [
        ((), []),
        ((0.5, 1), [(1, 2)]),
        ((1.5,), [(2, 1)]),
        ((2, 2.1, 4, 4.1), [(2, 1), (4, 3), (8, 4)]),
        ((0.5, 3, 1000), [(1, 1), (4, 2), (1056, 3)]),
        ((20, 60, 100, 200, 2000), [(33, 1), (66, 2), (132, 3), (264, 4), (2113, 5)]),
        ((1e12,), [(1082130, 1)]),
    ],
)
def test_steps_are_those_of_redis(durations_us: tuple[float, ...], steps: list[tuple[int, int]]) -> None:
    assert _command(*durations_us).latency_steps() == steps


def test_percentiles() -> None:
    command = _command(*[0.5] * 50, *[3.0] * 49, 100.0)
    told = [command.percentile_us(percent) for percent in (0, 50, 51, 99, 99.9, 100)]
    assert told == [0.0, 1.023, 3.007, 3.007, 100.351, 100.351]
    command.reset_stats()
    assert command.percentile_us(50) == 0


def test_percentiles_are_three_percent_too_high_at_most() -> None:
    for duration_us in (1.1, 1.9, 7.7, 33, 1234.5, 98765.4):
        command = _command(duration_us)
        assert duration_us <= command.percentile_us(50) <= duration_us * 1.032
        assert duration_us / 1.032 <= command.percentile_us(0) <= duration_us


def test_what_is_not_tracked_is_in_no_histogram(local: Local) -> None:
    local.run("CONFIG SET latency-tracking yes")
    local.run("GET k")
    local.run("CONFIG SET latency-tracking no")
    local.run("GET k")
    get = local.engine.commands.by_name[b"get"]
    assert (get.tracked_calls(), get.latency_steps()[-1][1], int(get.calls)) == (1, 1, 2)
    local.run("CONFIG SET latency-tracking yes")
    local.run("GET k")
    assert (get.tracked_calls(), get.latency_steps()[-1][1], int(get.calls)) == (2, 2, 3)


def test_the_worst_of_each_second_is_kept() -> None:
    monitor = LatencyMonitor(Config())
    for at_s, seconds in ((100, 0.010), (100, 0.030), (100, 0.020), (101, 0.005)):
        monitor.add(b"command", seconds, at_s)
    event = monitor.events[b"command"]
    assert list(event.samples) == [(100, 30), (101, 5)]
    assert event.worst_ms == 30


def test_the_history_is_short() -> None:
    monitor = LatencyMonitor(Config())
    for at_s in range(HISTORY + 10):
        monitor.add(b"command", 0.1, at_s)
    samples = monitor.events[b"command"].samples
    assert len(samples) == HISTORY and samples[0][0] == 10


def test_commands_report_what_the_monitor_saw(local: Local) -> None:
    second = int(local.clock.ms) // 1000
    local.engine.latency.add(b"command", 0.050, second - 120)
    local.engine.latency.add(b"command", 0.020, second)
    assert local.run("LATENCY LATEST") == [[b"command", second, 20, 50]]
    assert local.run("LATENCY HISTORY command") == [[second - 120, 50], [second, 20]]
    assert local.run("LATENCY GRAPH command") == (
        b"command - high 50 ms, low 20 ms (all time high 50 ms)\n" + b"-" * 80 + b"\n# \n| \n| \n|_\n  \n20\nms\n"
    )
    assert local.run("LATENCY RESET") == 1


def test_a_graph_has_the_form_of_redis(local: Local) -> None:
    """The picture is redis-server's, of commands that slept as long."""
    second = int(local.clock.ms) // 1000
    for at, duration_ms in enumerate((5, 25, 90, 100, 40, 2, 73, 55, 10)):
        local.engine.latency.add(b"command", duration_ms / 1000, second - 9 + at)
    graph = local.run("LATENCY GRAPH command")
    assert isinstance(graph, bytes)
    title, line, *rows = graph.decode().split("\n")
    assert title == "command - high 100 ms, low 2 ms (all time high 100 ms)" and line == "-" * 80
    assert rows == ["  o#     ", "  ||  #_ ", "  ||o || ", "_#|||_||_", " " * 9, "987654321", "s" * 9, ""]


def test_a_long_graph_has_a_second_part(local: Local) -> None:
    second = int(local.clock.ms) // 1000
    for at in range(83):
        local.engine.latency.add(b"command", 0.010, second - 83 + at)
    graph = local.run("LATENCY GRAPH command")
    assert isinstance(graph, bytes)
    rows = graph.decode().split("\n")[2:]
    assert [len(row) for row in rows] == [80] * 8 + [0] + [3] * 7 + [0]


def test_doctor_tells_what_was_seen_and_what_may_help(local: Local) -> None:
    local.run("CONFIG SET latency-monitor-threshold 5")
    assert b"No event" in _text(local, "LATENCY DOCTOR")
    second = int(local.clock.ms) // 1000
    for at, duration_ms in ((second - 10, 10), (second - 5, 20)):
        local.engine.latency.add(b"command", duration_ms / 1000, at)
    local.engine.latency.add(b"aof-write", 0.1, second)
    told = _text(local, "LATENCY DOCTOR")
    assert b"1. command: 2 latency spikes (average 15ms, mean deviation 5ms, period 5.00 sec)." in told
    assert b"2. aof-write: 1 latency spikes (average 100ms, mean deviation 0ms, period 0.00 sec)." in told
    assert b"slowlog-log-slower-than 5000" in told and b"appendfsync" in told and b"fork" not in told


def test_the_threshold_is_in_force_at_once(local: Local) -> None:
    local.run("CONFIG SET latency-monitor-threshold 7")
    assert local.engine.slow_s == 0.007
    local.run("CONFIG SET latency-monitor-threshold 0")
    assert local.engine.slow_s == 0.01
    local.run("CONFIG SET slowlog-log-slower-than -1")
    assert local.engine.slow_s == float("inf")


def test_histogram_of_a_container_is_that_of_its_subcommands(local: Local) -> None:
    for command in ("SET k v", "OBJECT ENCODING k", "OBJECT ENCODING k"):
        local.run(command)
    told = local.run("LATENCY HISTOGRAM object get")
    assert isinstance(told, dict) and list(told) == [b"object|encoding"]
    assert told[b"object|encoding"][b"calls"] == 2
    assert max(told[b"object|encoding"][b"histogram_usec"].values()) == 2
