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
    """Draw bars for the latest samples, and below each how long ago it was, from top to bottom."""
    samples = samples[-_GRAPH_WIDTH:]
    heights: list[int] = []
    for _, duration_ms in samples:
        heights.append(1 + (duration_ms - low) * (_GRAPH_HEIGHT - 1) // max(high - low, 1))
    lines: list[str] = []
    for level in range(_GRAPH_HEIGHT, 0, -1):
        lines.append("".join("#" if height >= level else " " for height in heights).rstrip())
    ages = [_age(max(0, int(ctx.clock.ms) // 1000 - at_s)) for at_s, _ in samples]
    for row in range(max(map(len, ages))):
        lines.append("".join(age[row] if row < len(age) else " " for age in ages).rstrip())
    return "\n".join(lines).encode() + b"\n"


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
    """Report what the latency monitor has seen, and what to look at, as text."""
    events = ctx.engine.latency.events
    lines: list[str] = []
    if not ctx.config.latency_monitor_threshold:
        lines.append("The latency monitor is off: CONFIG SET latency-monitor-threshold <milliseconds> switches it on.")
    for name, event in events.items():
        lines.append(_diagnosis(name, event))
    if b"command" in events:
        lines.append("Slow commands: SLOWLOG GET tells which ones.")
    if b"fast-command" in events:
        lines.append("Commands that are fast by themselves were slow: look at the machine's load and its swapping.")
    if not lines:
        lines.append("No event took longer than latency-monitor-threshold.")
    return Verbatim(b"txt", "\n".join(lines).encode() + b"\n")


def _diagnosis(name: bytes, event: Event) -> str:
    durations = [duration_ms for _, duration_ms in event.samples]
    return (
        f"{name.decode()}: {len(durations)} samples, {sum(durations) // len(durations)} ms on average, the worst "
        f"{event.worst_ms} ms."
    )


@group.command(
    "LATENCY|HISTOGRAM", arity=-2, flags=_FLAGS, since="7.0.0", syntax="[command [command ...]]", tips=_REPORT,
    complexity="O(N) where N is the number of commands looked at",
)  # fmt: skip
def histogram(ctx: Context, args: list[bytes]) -> object:
    """Return how long commands took: for each that ran, its calls and how many took at most 1, 2, 4, 8... µs.

    Reply: a map, of all commands or of those named, with their sub-commands.
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
    for command in dict.fromkeys(chosen):
        if command.calls:
            bounds: list[object] = []
            for bound_us, count in command.latency_steps():
                bounds += [bound_us, count]
            flat += [
                command.name,
                MapReply([b"calls", int(command.calls), b"histogram_usec", MapReply(bounds)]),
            ]
    return MapReply(flat)
