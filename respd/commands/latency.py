"""The LATENCY commands: what the latency monitor has seen, and how long commands take.

Source: redis.io/commands/latency-latest and its siblings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import ADMIN, LOADING, NOSCRIPT, STALE, Command, Group
from respd.errors import CommandError, shown
from respd.protocol.replies import MapReply, Verbatim

if TYPE_CHECKING:
    from respd.context import Context
    from respd.latency import Event

group = Group("server")

_FLAGS: Final = ADMIN | NOSCRIPT | LOADING | STALE
_REPORT: Final = ("nondeterministic_output", "request_policy:all_nodes", "response_policy:special")
_GRAPH_WIDTH: Final = 80
_GRAPH_HEIGHT: Final = 4
_TOPS: Final = "_o#"

_ADVICE: Final = (
    (b"command", "SLOWLOG GET tells which commands were slow; those that look at many elements at once are suspects."),
    (b"fast-command", "Commands that are fast by themselves were slow: look at the machine's load and its swapping."),
    (b"fork", "Making a child process takes long: transparent huge pages, virtual machines and large data are causes."),
    (b"aof-", "The disk makes the log wait: appendfsync, no-appendfsync-on-rewrite and who else writes there matter."),
    (b"rdb-unlink-temp-file", "Removing a large file takes long: that depends on the file system."),
    (b"expire-cycle", "Many keys expire at the same moment: spread their times by some seconds."),
    (
        b"eviction-cycle",
        "Eviction takes long: more maxmemory, smaller values, or a smaller maxmemory-eviction-tenacity.",
    ),
    (b"eviction-del", "Large values are evicted: lazyfree-lazy-eviction yes frees them later, in slices."),
)

group.container("LATENCY", since="2.8.13", summary="A container for commands about latency.", help_since="2.8.13")


@group.command("LATENCY|LATEST", arity=2, flags=_FLAGS, since="2.8.13", complexity="O(1)", tips=_REPORT)
def latest(ctx: Context, args: list[bytes]) -> object:
    """Return each kind of slow event with the time and length (ms) of its latest sample, and the longest ever."""
    result: list[object] = []
    for name, event in ctx.engine.latency.events.items():
        at_s, duration_ms = event.samples[-1]
        result.append([name, at_s, duration_ms, event.worst_ms])
    return result


@group.command(
    "LATENCY|HISTORY", arity=3, flags=_FLAGS, since="2.8.13", syntax="event", complexity="O(1)", tips=_REPORT
)  # fmt: skip
def history(ctx: Context, args: list[bytes]) -> object:
    """Return the times and lengths (ms) of an event's samples, oldest first; none for an unknown event."""
    event = ctx.engine.latency.events.get(args[2])
    if event is None:
        return []
    return [[at_s, duration_ms] for at_s, duration_ms in event.samples]


@group.command(
    "LATENCY|RESET", arity=-2, flags=_FLAGS, since="2.8.13", syntax="[event [event ...]]", complexity="O(1)",
    tips=("request_policy:all_nodes", "response_policy:agg_sum"),
)  # fmt: skip
def reset(ctx: Context, args: list[bytes]) -> object:
    """Forget the samples of the named events, or of all; return how many events that were."""
    return ctx.engine.latency.reset(args[2:])


@group.command(
    "LATENCY|GRAPH", arity=3, flags=_FLAGS, since="2.8.13", syntax="event", complexity="O(1)", tips=_REPORT
)  # fmt: skip
def graph(ctx: Context, args: list[bytes]) -> object:
    """Draw an event's samples with characters, each labelled with its age.

    Reply: text, verbatim in RESP3. Errors: that there are no samples.
    """
    event = ctx.engine.latency.events.get(args[2])
    if event is None:
        raise CommandError(b"ERR No samples available for event '%b'" % shown(args[2]))
    samples = list(event.samples)
    high = max(duration_ms for _, duration_ms in samples)
    low = min(duration_ms for _, duration_ms in samples)
    title = b"%b - high %d ms, low %d ms (all time high %d ms)\n" % (args[2], high, low, event.worst_ms)
    return Verbatim(b"txt", title + b"-" * _GRAPH_WIDTH + b"\n" + _draw(ctx, samples, low, high))


def _draw(ctx: Context, samples: list[tuple[int, int]], low: int, high: int) -> bytes:
    """Draw a column for each sample, 80 side by side, and below each how long ago it was, from top to bottom."""
    levels = _GRAPH_HEIGHT * len(_TOPS)
    heights: list[int] = []
    labels: list[str] = []
    for at_s, duration_ms in samples:
        heights.append(min((duration_ms - low) * levels // max(high - low, 1), levels - 1))
        labels.append(_age(max(0, int(ctx.clock.ms) // 1000 - at_s)))
    parts: list[str] = []
    for start in range(0, len(samples), _GRAPH_WIDTH):
        columns = slice(start, start + _GRAPH_WIDTH)
        parts.append("".join(line + "\n" for line in _columns(heights[columns], labels[columns])))
    return "\n".join(parts).encode()


def _columns(heights: list[int], labels: list[str]) -> list[str]:
    """Return the lines of one graph; a row shows three heights, by the sign on top of the column."""
    lines: list[str] = []
    for row in range(_GRAPH_HEIGHT - 1, -1, -1):
        line = ""
        for height in heights:
            above = height - row * len(_TOPS)
            line += " " if above < 0 else _TOPS[above] if above < len(_TOPS) else "|"
        lines.append(line)
    lines.append(" " * len(heights))
    for at in range(max(map(len, labels))):
        lines.append("".join(label[at] if at < len(label) else " " for label in labels))
    return lines


def _age(seconds: int) -> str:
    """Return a span of time in its largest unit: `5s`, `3m`, `2h`, `1d`."""
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 86400:
        return f"{seconds // 3600}h"
    return f"{seconds // 86400}d"


@group.command("LATENCY|DOCTOR", arity=2, flags=_FLAGS, since="2.8.13", complexity="O(1)", tips=_REPORT)
def doctor(ctx: Context, args: list[bytes]) -> object:
    """Report what the latency monitor has seen, a numbered line for each kind of event, and what may help, as text."""
    events = ctx.engine.latency.events
    threshold_ms = ctx.config.latency_monitor_threshold
    lines: list[str] = []
    if not threshold_ms:
        lines.append("The latency monitor is off: CONFIG SET latency-monitor-threshold <milliseconds> switches it on.")
    elif not events:
        lines.append(f"No event took {threshold_ms} ms or longer since the latency monitor is on.")
    else:
        lines += ["The latency monitor has seen slow events:", ""]
        for number, name in enumerate(events, 1):
            lines.append(f"{number}. {_diagnosis(name, events[name], int(ctx.clock.ms) // 1000)}")
        lines += ["", "What may help:", ""]
        lines += ["- " + advice for advice in _advice(ctx, list(events))]
    return Verbatim(b"txt", "\n".join(lines).encode() + b"\n")


def _diagnosis(name: bytes, event: Event, now_s: int) -> str:
    """Describe an event in one line: how many samples, their mean and its deviation, how far apart, the worst."""
    durations = [duration_ms for _, duration_ms in event.samples]
    count = len(durations)
    average = sum(durations) // count
    deviation = sum(abs(duration_ms - average) for duration_ms in durations) // count
    period_s = (now_s - event.samples[0][0]) / count
    return (
        f"{name.decode()}: {count} latency spikes (average {average}ms, mean deviation {deviation}ms, "
        f"period {period_s:.2f} sec). Worst all time event {event.worst_ms}ms."
    )


def _advice(ctx: Context, names: list[bytes]) -> list[str]:
    """Say what to look at for the events that were seen, the same thing once."""
    config = ctx.config
    advice: list[str] = []
    if b"command" in names:
        limit_us = config.latency_monitor_threshold * 1000
        if config.slowlog_log_slower_than < 0 or config.slowlog_max_len == 0:
            advice.append(f"SLOWLOG is off: CONFIG SET slowlog-log-slower-than {limit_us} has it note slow commands.")
        elif config.slowlog_log_slower_than > limit_us:
            advice.append(
                f"SLOWLOG notes less than the latency monitor sees: CONFIG SET slowlog-log-slower-than {limit_us}."
            )
    for name, text in _ADVICE:
        if name in names or (name == b"aof-" and any(each.startswith(name) for each in names)):
            advice.append(text)
    return advice or ["Look at the load of the machine and at its swapping."]


@group.command(
    "LATENCY|HISTOGRAM", arity=-2, flags=_FLAGS, since="7.0.0", syntax="[command [command ...]]", tips=_REPORT,
    complexity="O(N) where N is the number of commands looked at",
)  # fmt: skip
def histogram(ctx: Context, args: list[bytes]) -> object:
    """Return how long commands took: for each that ran, its calls and how many took at most 1, 2, 4, 8, 16, 33... µs.

    Reply: a map, of all commands or of those named, with their sub-commands; who is named twice is there twice.
    """
    table = ctx.engine.commands
    chosen: list[Command] = []
    if len(args) == 2:
        chosen = table.all
    for name in args[2:]:
        command = table.by_full_name(name)
        if command is not None:
            chosen.append(command)
            if command.subcommands is not None:
                chosen += command.subcommands.values()
    flat: list[object] = []
    for command in chosen:
        calls = command.tracked_calls()
        if calls:
            bounds: list[object] = []
            for bound_us, count in command.latency_steps():
                bounds += [bound_us, count]
            flat += [
                command.name,
                MapReply([b"calls", calls, b"histogram_usec", MapReply(bounds)]),
            ]
    return MapReply(flat)
