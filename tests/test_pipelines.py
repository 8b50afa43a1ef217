"""Pipelines where Python is interpreted: run at once, commands do and count what they do one by one."""

from respd import gates
from respd.clock import Clock
from respd.commands import all_groups
from respd.config import Config
from respd.context import Context
from respd.engine import Engine
from respd.log import Log
from respd.pipelines import run_ahead
from tests.wire import split

NEVER = float("inf")
PIPELINE = [
    "SET k v", "SET n 5", "GET k", "GET none", "INCRBY n 100000", "INCR k", "LPUSH n x", "RPUSH l a b c",
    "LRANGE l 0 -1", "HELLO 3", "GET none", "HGETALL none", "ZADD z 1.5 a", "ZSCORE z a", "PING",
    "SETRANGE k 2000 x", "GET k", "EXISTS k k",
]  # fmt: skip


def engine_and_context() -> tuple[Engine, Context]:
    engine = Engine(Config(), all_groups(), Clock(), Log(), seed=1)
    return engine, engine.connect()


def reversed_words(lines: list[str]) -> list[list[bytes]]:
    return [split(line) for line in reversed(lines)]


def counts(engine: Engine) -> list[tuple[bytes, int, int, int]]:
    return [(one.name, int(one.calls), int(one.failed), int(one.rejected)) for one in engine.commands.all if one.calls]


def test_the_replies_and_the_counts_are_those_of_one_by_one() -> None:
    engine, ctx = engine_and_context()
    for line in PIPELINE:
        engine.execute(ctx, split(line))
    other, other_ctx = engine_and_context()
    for line in PIPELINE:
        other.commands.find(split(line)[0])  # a name that nobody has called yet is looked up elsewhere
    ahead = reversed_words(PIPELINE)
    assert run_ahead(other, other_ctx, ahead, NEVER)
    assert ahead == []
    assert other_ctx.client.out.getvalue() == ctx.client.out.getvalue()
    assert counts(other) == counts(engine)
    assert other.stats.errors == engine.stats.errors
    assert other.stats.total_commands_processed == len(PIPELINE)
    assert other_ctx.client.commands_total == len(PIPELINE)
    assert other.outbox.clients == [other_ctx.client]


def test_it_stops_before_what_is_not_plain() -> None:
    for line in ("GET", "NOSUCH", "CONFIG GET port"):
        engine, ctx = engine_and_context()
        engine.execute(ctx, split("PING"))
        ahead = reversed_words(["PING", line, "PING"])
        assert run_ahead(engine, ctx, ahead, NEVER)
        assert ahead == reversed_words([line, "PING"])
        assert not run_ahead(engine, ctx, ahead, NEVER)


def test_it_stops_when_a_command_closes_a_gate_or_the_time_is_over() -> None:
    engine, ctx = engine_and_context()
    for line in ("MULTI", "DISCARD", "PING"):
        engine.execute(ctx, split(line))
    ahead = reversed_words(["PING", "MULTI", "PING"])
    assert run_ahead(engine, ctx, ahead, NEVER)
    assert ahead == [[b"PING"]]
    assert ctx.client.gates == gates.MULTI
    engine, ctx = engine_and_context()
    engine.execute(ctx, split("PING"))
    ahead = reversed_words(["PING", "PING"])
    assert run_ahead(engine, ctx, ahead, 0.0)
    assert len(ahead) == 1
