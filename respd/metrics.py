"""The figures of INFO and of its like as metrics, in the text format of Prometheus.

Names and labels are redis_exporter's: see `respd.metrics_fields`. What is in INFO is taken from there, so that both
tell the same. Source: prometheus.io, "Exposition formats".
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

from respd import build
from respd.client import Client, Outbox
from respd.command import Command
from respd.commands.info import section
from respd.context import Context
from respd.datatypes.strings import format_double
from respd.metrics_fields import COUNTER, FIELDS, GAUGE, SECTIONS
from respd.version import VERSION

if TYPE_CHECKING:
    from respd.engine import Engine

MEDIA_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_SUMMARY: Final = b"summary"
_HISTOGRAM: Final = b"histogram"
_FRESH_S: Final = 0.1  # for so long a page is given to whoever asks: no number of them has it made more often
_DATABASES_SHOWN: Final = 16  # even when they are empty
_CLASSES: Final = (b"normal", b"slave", b"pubsub")
_INSTANCE: Final = (
    b"role", b"redis_version", b"redis_build_id", b"redis_mode", b"os", b"maxmemory_policy", b"tcp_port", b"run_id",
    b"process_id", b"master_replid",
)  # fmt: skip


def escape(value: bytes) -> bytes:
    """Return a label's value as it stands between quotes; what is not UTF-8 is replaced."""
    text = value.decode("utf-8", "replace")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode("utf-8", "replace")


def _head(name: bytes, kind: bytes, meaning: bytes) -> bytes:
    """Return the two lines before the samples of a metric."""
    return b"# HELP %b %b\n# TYPE %b %b\n" % (name, meaning, name, kind)


def _total(name: bytes, label: bytes, command: Command, calls: int) -> bytes:
    """Return the two lines that end a distribution."""
    us = int(command.seconds * 1e6)
    return b"%b_sum{%b} %d\n%b_count{%b} %d\n" % (name, label, us, name, label, calls)


class _Latencies:
    """What the page says of how long one command took, and of which calls."""

    def __init__(self, calls: int, seconds: float, summary: bytes, histogram: bytes) -> None:
        self.calls = calls
        self.seconds = seconds
        self.summary = summary
        self.histogram = histogram


class Metrics:
    """The page of one server, made anew when the last one is not fresh any more."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.scrapes: int = 0
        self._ctx = Context(Client(0, Outbox(), engine.clock.ms), engine.databases[0], engine)
        self._starts: list[tuple[bytes, bytes]] = []  # INFO's name, and what stands before the value
        for field, name, kind, meaning in FIELDS:
            self._starts.append((field, _head(b"redis_" + name, kind, meaning) + b"redis_" + name + b" "))
        self._latencies: dict[bytes, _Latencies] = {}  # by command
        self._quantiles: list[tuple[float, bytes]] = []  # that they were made with
        self._out: list[bytes] = []
        self._page: bytes = b""
        self._made_s: float = 0.0

    def page(self) -> bytes:
        """Return all metrics as text. O(commands + databases + connections), like INFO."""
        started_s = self.engine.clock.refresh()
        self.scrapes += 1
        if self._page and 0.0 <= started_s - self._made_s < _FRESH_S:
            return self._page
        self._out = []
        self._add_instance()
        self._add_databases()
        self._add_errors()
        self._add_commands()
        self._add_slow()
        self._add_configuration()
        self._add(
            b"redis_exporter_scrapes_total", COUNTER, b"Times that this page was asked for", b"", b"%d" % self.scrapes
        )
        self._add(b"redis_exporter_last_scrape_error", GAUGE, b"Always 0 here", b'err=""', b"0")
        taken = b"%.6f" % max(0.0, self.engine.clock.refresh() - started_s)
        self._add(b"redis_exporter_last_scrape_duration_seconds", GAUGE, b"Time that this page took", b"", taken)
        self._page = b"".join(self._out)
        self._made_s = started_s
        self._out = []
        return self._page

    # -- lines

    def _add(self, name: bytes, kind: bytes, meaning: bytes, labels: bytes, value: bytes) -> None:
        """Write a metric that has one sample."""
        self._begin(name, kind, meaning)
        self._sample(name, labels, value)

    def _begin(self, name: bytes, kind: bytes, meaning: bytes) -> None:
        self._out.append(_head(name, kind, meaning))

    def _sample(self, name: bytes, labels: bytes, value: bytes) -> None:
        self._out.append(b"%b{%b} %b\n" % (name, labels, value) if labels else b"%b %b\n" % (name, value))

    def _count(self, name: bytes, labels: bytes, value: int) -> None:
        self._sample(name, labels, b"%d" % value)

    # -- what there is

    def _add_instance(self) -> None:
        """What INFO tells in single lines, and who the server is."""
        values: dict[bytes, bytes] = {}
        for name in SECTIONS:
            for line in section(self._ctx, name):
                field, _, value = line.partition(b":")
                values[field] = value
        labels = b",".join([b'%b="%b"' % (name, escape(values.get(name, b""))) for name in _INSTANCE])
        self._add(b"redis_up", GAUGE, b"Whether the server answers", b"", b"1")
        self._add(b"redis_instance_info", GAUGE, b"Who the server is", labels, b"1")
        labels = b'version="%b",build="%b",python="%b"' % (
            VERSION.encode(), build().encode(), platform.python_version().encode(),
        )  # fmt: skip
        self._add(b"respd_build_info", GAUGE, b"Which respd it is", labels, b"1")
        started = b"%.3f" % (self.engine.started_ms / 1000)
        self._add(b"redis_start_time_seconds", GAUGE, b"When the server started, since 1970", b"", started)
        for field, start in self._starts:
            shown = values.get(field)
            if shown is None:
                continue
            if shown == b"ok":
                shown = b"1"
            elif shown == b"err":
                shown = b"0"
            elif field == b"latest_fork_usec":
                shown = b"%.6f" % (int(shown) / 1e6)
            self._out.append(start + shown + b"\n")

    def _add_databases(self) -> None:
        shown = [db for db in self.engine.databases if db.entries or db.index < _DATABASES_SHOWN]
        self._begin(b"redis_db_keys", GAUGE, b"Keys of a database")
        for db in shown:
            self._count(b"redis_db_keys", b'db="db%d"' % db.index, len(db.entries))
        self._begin(b"redis_db_keys_expiring", GAUGE, b"Keys of a database that expire")
        for db in shown:
            self._count(b"redis_db_keys_expiring", b'db="db%d"' % db.index, int(db.volatile))
        filled = [db for db in shown if db.entries]
        if filled:
            self._begin(b"redis_db_avg_ttl_seconds", GAUGE, b"Mean time to live of the keys that expire")
            for db in filled:
                ttl = b"%.3f" % (db.average_ttl_ms() / 1000)
                self._sample(b"redis_db_avg_ttl_seconds", b'db="db%d"' % db.index, ttl)
            self._begin(b"redis_db_keys_with_expiring_items", GAUGE, b"Hashes with fields that expire")
            for db in filled:
                self._count(b"redis_db_keys_with_expiring_items", b'db="db%d"' % db.index, db.expiring_hashes)

    def _add_errors(self) -> None:
        counts: dict[bytes, int] = {}  # scripts choose the codes: two may look alike here
        errors = self.engine.stats.errors
        for code in sorted(errors):
            shown = escape(code)
            counts[shown] = counts.get(shown, 0) + errors[code]
        if counts:
            self._begin(b"redis_errors_total", COUNTER, b"Error replies by their code")
        for shown, count in counts.items():
            self._count(b"redis_errors_total", b'err="%b"' % shown, count)

    def _add_commands(self) -> None:
        """Calls and times of the commands that were called."""
        called: list[Command] = []
        for command in self.engine.commands.all:
            if command.calls or command.rejected or command.failed:
                called.append(command)
        if not called:
            return
        labels = [b'cmd="%b"' % command.name for command in called]
        self._begin(b"redis_commands_total", COUNTER, b"Calls of a command")
        for label, command in zip(labels, called):
            self._count(b"redis_commands_total", label, int(command.calls))
        self._begin(b"redis_commands_duration_seconds_total", COUNTER, b"Time spent in a command")
        for label, command in zip(labels, called):
            self._sample(b"redis_commands_duration_seconds_total", label, b"%.6f" % command.seconds)
        self._begin(b"redis_commands_rejected_calls_total", COUNTER, b"Calls that were refused before they ran")
        for label, command in zip(labels, called):
            self._count(b"redis_commands_rejected_calls_total", label, int(command.rejected))
        self._begin(b"redis_commands_failed_calls_total", COUNTER, b"Calls that ended in an error")
        for label, command in zip(labels, called):
            self._count(b"redis_commands_failed_calls_total", label, int(command.failed))
        if self.engine.config.latency_tracking:
            self._add_latencies(labels, called)

    def _add_latencies(self, labels: list[bytes], called: list[Command]) -> None:
        """How long the calls of commands took: percentiles, and how many took at most so long.

        Made anew for commands that were called since the last page only: they are most of the page, and of its cost.
        """
        quantiles = [(each, format_double(each)) for each in self.engine.config.latency_tracking_info_percentiles]
        if quantiles != self._quantiles:
            self._quantiles = quantiles
            self._latencies = {}
        shown: list[_Latencies] = []
        for label, command in zip(labels, called):
            known = self._latencies.get(label)
            if known is None or known.calls != command.calls or known.seconds != command.seconds:
                known = _Latencies(
                    int(command.calls), command.seconds, self._summary(label, command), self._histogram(label, command)
                )
                self._latencies[label] = known
            shown.append(known)
        self._begin(b"redis_latency_percentiles_usec", _SUMMARY, b"Microseconds of a command's calls, by percent")
        for each in shown:
            self._out.append(each.summary)
        self._begin(b"redis_commands_latencies_usec", _HISTOGRAM, b"Calls of a command that took at most so long")
        for each in shown:
            self._out.append(each.histogram)

    def _summary(self, label: bytes, command: Command) -> bytes:
        name = b"redis_latency_percentiles_usec"
        lines: list[bytes] = []
        for percent, shown in self._quantiles:
            lines.append(b'%b{%b,quantile="%b"} %.3f\n' % (name, label, shown, command.percentile_us(percent)))
        return b"".join(lines) + _total(name, label, command, int(command.calls))

    def _histogram(self, label: bytes, command: Command) -> bytes:
        name = b"redis_commands_latencies_usec"
        calls = command.tracked_calls()
        lines: list[bytes] = []
        for bound_us, count in command.latency_steps():
            lines.append(b'%b_bucket{%b,le="%d"} %d\n' % (name, label, bound_us, count))
        lines.append(b'%b_bucket{%b,le="+Inf"} %d\n' % (name, label, calls))
        return b"".join(lines) + _total(name, label, command, calls)

    def _add_slow(self) -> None:
        """The slow log, and the latest event of each kind that the latency monitor has seen."""
        entries = self.engine.slowlog.entries
        last_id, last_us = (entries[0].id, entries[0].amount) if entries else (0, 0)
        last_s = b"%.6f" % (last_us / 1e6)
        self._add(b"redis_slowlog_length", GAUGE, b"Slow commands remembered", b"", b"%d" % len(entries))
        self._add(b"redis_slowlog_last_id", GAUGE, b"Number of the latest", b"", b"%d" % last_id)
        self._add(b"redis_last_slow_execution_duration_seconds", GAUGE, b"Time that it took", b"", last_s)
        events = self.engine.latency.events
        if events:
            self._begin(b"redis_latency_spike_last", GAUGE, b"When an event was last slow, since 1970")
            for name, event in events.items():
                self._count(b"redis_latency_spike_last", b'event_name="%b"' % escape(name), event.samples[-1][0])
            self._begin(b"redis_latency_spike_duration_seconds", GAUGE, b"How long it took then")
            for name, event in events.items():
                spike_s = b"%.3f" % (event.samples[-1][1] / 1000)
                self._sample(b"redis_latency_spike_duration_seconds", b'event_name="%b"' % escape(name), spike_s)

    def _add_configuration(self) -> None:
        config = self.engine.config
        self._add(b"redis_config_maxclients", GAUGE, b"Directive maxclients", b"", b"%d" % config.maxclients)
        self._add(b"redis_config_maxmemory", GAUGE, b"Directive maxmemory", b"", b"%d" % config.maxmemory)
        threads = config.values[b"io-threads"]
        assert isinstance(threads, int)
        self._add(b"redis_config_io_threads", GAUGE, b"Directive io-threads", b"", b"%d" % threads)
        limits = config.client_output_buffer_limits
        name = b"redis_config_client_output_buffer_limit_bytes"
        self._begin(name, GAUGE, b"Directive client-output-buffer-limit")
        for kind, (hard, soft, _) in zip(_CLASSES, limits):
            self._count(name, b'class="%b",limit="hard"' % kind, hard)
            self._count(name, b'class="%b",limit="soft"' % kind, soft)
        name = b"redis_config_client_output_buffer_limit_overcome_seconds"
        self._begin(name, GAUGE, b"Seconds for which the soft limit may be exceeded")
        for kind, (_, _, seconds) in zip(_CLASSES, limits):
            self._count(name, b'class="%b",limit="soft"' % kind, seconds)
