"""The bars respd is held against, row by row: `python -m benchmarks.bars ROW... [--respd CMD] [--redis CMD] [--quick]`.

Each row starts both servers on free ports, with nothing saved, sends them the same load in turns, and prints respd's
figure, redis-server's, their ratio and the bar. Rows: default, pipelined, wide, cpu, connections, interpreted, latency,
pauses, memory, given-back, start, pubsub, zset, list, stream, scripts, syscalls, snapshots, log; `all`: each of them.
See benchmarks/README.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks import (
    bars_data,
    bars_latency,
    bars_memory,
    bars_persistence,
    bars_scripts,
    bars_syscalls,
    bars_throughput,
    contestants,
)
from benchmarks.bars_results import Line, Setting, as_json, as_markdown, as_text
from benchmarks.contestants import Starter
from benchmarks.load import LoadFailed
from benchmarks.measure import BenchmarkFailed

ROWS: dict[str, Callable[[Setting], list[Line]]] = {
    "default": bars_throughput.default,
    "pipelined": bars_throughput.pipelined,
    "wide": bars_throughput.wide,
    "cpu": bars_throughput.cpu,
    "connections": bars_throughput.connections,
    "interpreted": bars_throughput.interpreted,
    "latency": bars_latency.latency,
    "pauses": bars_latency.pauses,
    "memory": bars_memory.memory,
    "given-back": bars_memory.given_back,
    "start": bars_memory.start,
    "pubsub": bars_data.pubsub,
    "zset": bars_data.zset,
    "list": bars_data.list_,
    "stream": bars_data.stream,
    "scripts": bars_scripts.scripts,
    "syscalls": bars_syscalls.syscalls,
    "snapshots": bars_persistence.snapshots,
    "log": bars_persistence.log,
}
FOR_INTERPRETED = ("interpreted", "start")


FAILURES = (BenchmarkFailed, LoadFailed, OSError, RuntimeError, ValueError, subprocess.TimeoutExpired)


def rows_for(build: str) -> list[str]:
    """The rows that have a bar for this build."""
    return [row for row in ROWS if (row != "interpreted" if build == "compiled" else row in FOR_INTERPRETED)]


def about_run(respd: contestants.About, redis: contestants.About) -> dict[str, str]:
    """What was measured, where and when."""
    return {
        "respd": str(respd),
        "redis": str(redis),
        "commit": contestants.commit(),
        "machine": contestants.machine(),
        "date": contestants.now(),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _say(text: str) -> None:
    print(f"  ... {text}", file=sys.stderr, flush=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.argument("rows", nargs=-1, required=True, type=click.Choice([*ROWS, "all"]), metavar="ROW...")
@click.option("--respd", metavar="COMMAND", help="How to start respd; default: the source beside this program.")
@click.option(
    "--redis", default="redis-server", show_default=True, metavar="COMMAND", help="The server to compare with."
)
@click.option("--redis-benchmark", default="redis-benchmark", show_default=True, help="The program that sends load.")
@click.option("--quick", is_flag=True, help="Little of everything: a minute a row rather than ten.")
@click.option("--rounds", type=int, help="Turns for each figure: medians of rates, least of CPU times (3; quick: 2).")
@click.option("--seconds", type=int, default=0, help="How long the load of `pauses` lasts (600; quick: 15).")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure here.")
def main(
    rows: tuple[str, ...],
    respd: str | None,
    redis: str,
    redis_benchmark: str,
    quick: bool,
    rounds: int | None,
    seconds: int,
    markdown: bool,
    json_file: Path | None,
) -> None:
    """Measure rows; the exit status is 1 when one misses its bar."""
    contestants.end_on_sigterm()
    for program in (redis, redis_benchmark):
        if not contestants.is_here(program):
            raise click.ClickException(f"{program} is not here (on Debian: apt install redis)")
    start_respd, start_redis = Starter(respd or contestants.own_respd()), Starter(redis)
    ours = contestants.about(start_respd)
    about = about_run(ours, contestants.about(start_redis))
    rounds = rounds or (2 if quick else 3)
    setting = Setting(start_respd, start_redis, ours.build, redis_benchmark, quick, rounds, seconds, _say)
    chosen = [row for row in ROWS if row in rows or "all" in rows]
    if "all" in rows:
        chosen = rows_for(ours.build)
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    print(
        f"A shared or small machine is noisy: {setting.rounds} rounds{', quick' if quick else ''}; "
        "repeat before you believe."
    )
    found: dict[str, list[Line]] = {}
    failed = []
    try:
        for row in chosen:
            if ours.build == "interpreted" and row not in FOR_INTERPRETED:
                click.echo(f"note: the bar of {row} is for the compiled build", err=True)
            try:
                found[row] = ROWS[row](setting)
            except FAILURES as error:  # the other rows are worth having
                failed.append(f"{row}: {error}")
                click.echo(f"\n{failed[-1]}", err=True)
                continue
            finally:
                start_respd.stop_all()
                start_redis.stop_all()
            print(f"\n{as_markdown(row, found[row]) if markdown else as_text(row, found[row])}", flush=True)
            if json_file is not None:
                json_file.write_text(as_json(about, found))
    finally:
        start_respd.stop_all()
        start_redis.stop_all()
    missed = [f"{row}: {line.what}" for row, lines in found.items() for line in lines if line.reached is False]
    if missed:
        print("\nmissed: " + "; ".join(missed))
    if failed:
        print("\nnot measured: " + "; ".join(failed))
    if missed or failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
