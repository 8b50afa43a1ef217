"""The latency monitor and the histograms of commands, with times made up by the test."""

from __future__ import annotations

import pytest

from respd.command import Command, Declaration
from respd.config import Config
from respd.latency import HISTORY, LatencyMonitor
from tests.local import Local


def _command(*durations_us: float) -> Command:
    """A command that was called with these durations."""
    command = Command(Declaration("name", "generic", None, 1, 0, (), "1.0.0", "", "", "", (), (), (), None))
    for duration_us in durations_us:
        command.calls += 1
        if duration_us > 1:
            command.note_latency(duration_us / 1e6)
    return command


@pytest.mark.parametrize(
    ("durations_us", "steps"),
    [
        ((), []),
        ((0.5, 1), [(1, 2)]),
        ((1.5,), [(2, 1)]),
        ((2, 2.1, 4, 4.1), [(2, 1), (4, 3), (8, 4)]),
        ((0.5, 3, 1000), [(1, 1), (4, 2), (1024, 3)]),
        ((1e12,), [(1 << 30, 1)]),
    ],
)
def test_steps_are_powers_of_two(durations_us: tuple[float, ...], steps: list[tuple[int, int]]) -> None:
    assert _command(*durations_us).latency_steps() == steps


def test_percentiles() -> None:
    command = _command(*[0.5] * 50, *[3.0] * 49, 100.0)
    assert [command.percentile_us(percent) for percent in (0, 50, 50.1, 99, 99.9, 100)] == [1, 1, 4, 4, 128, 128]
    command.reset_stats()
    assert command.percentile_us(50) == 0


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
        b"command - high 50 ms, low 20 ms (all time high 50 ms)\n" + b"-" * 80 + b"\n#\n#\n#\n##\n20\nms\n"
    )
    assert local.run("LATENCY RESET") == 1


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
