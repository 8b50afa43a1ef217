"""The bars respd is held against, row by row: `python -m benchmarks.bars ROW... [--respd CMD] [--redis CMD] [--quick]`.

Each row starts both servers on free ports, with nothing saved, sends them the same load in turns, and prints respd's
figure, redis-server's, their ratio and the bar. Rows: default, pipelined, wide, cpu, connections, interpreted, latency,
pauses, memory, given-back, start, pubsub, zset, list; `all` is every row for the build at hand.
See benchmarks/README.md.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks import bars_data, bars_latency, bars_memory, bars_throughput
from benchmarks.bars_results import Line, Setting, as_json, as_markdown, as_text
from tests.servers import Server, respd_environment

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
}
FOR_INTERPRETED = ("interpreted", "start")


def _starter(command: str, environment: dict[str, str] | None = None) -> Callable[..., Server]:
    words = shlex.split(command)

    def start(*options: str) -> Server:
        return Server(words, ("--save", "", *options), environment=environment)

    return start


def _version(start: Callable[..., Server]) -> tuple[str, str]:
    """The version of a server in words, and respd's build."""
    server = start()
    try:
        with server.connect() as connection:
            info = connection.ask("INFO server")
    finally:
        server.stop()
    assert isinstance(info, bytes)
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    if "respd_version" in fields:
        build = fields["respd_build"]
        return f"respd {fields['respd_version']} {build}", build
    return f"{Path(server.command[0]).name} {fields['redis_version']}", ""


def _about(respd: str, redis: str) -> dict[str, str]:
    words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        commit = subprocess.run(words, capture_output=True, text=True).stdout.strip()
    except OSError:
        commit = ""
    model = ""
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else ""
    return {
        "respd": respd,
        "redis": redis,
        "commit": commit,
        "machine": f"{os.cpu_count()} × {model or platform.machine()}, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d %H:%M"),
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
    for program in (shlex.split(redis)[0], redis_benchmark):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is not here (on Debian: apt install redis)")
    start_respd = _starter(respd) if respd else _starter(f"{shlex.quote(sys.executable)} -m respd", respd_environment())
    start_redis = _starter(redis)
    version, build = _version(start_respd)
    about = _about(version, _version(start_redis)[0])
    rounds = rounds or (2 if quick else 3)
    setting = Setting(start_respd, start_redis, build, redis_benchmark, quick, rounds, seconds, _say)
    chosen = [row for row in ROWS if row in rows or "all" in rows]
    if "all" in rows:
        chosen = [row for row in chosen if (row != "interpreted" if build == "compiled" else row in FOR_INTERPRETED)]
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    print(
        f"A shared or small machine is noisy: {setting.rounds} rounds{', quick' if quick else ''}; "
        "repeat before you believe."
    )
    found: dict[str, list[Line]] = {}
    for row in chosen:
        if build == "interpreted" and row not in FOR_INTERPRETED:
            click.echo(f"note: the bar of {row} is for the compiled build", err=True)
        try:
            found[row] = ROWS[row](setting)
        except ValueError as error:
            raise click.ClickException(f"{row}: {error}") from error
        print(f"\n{as_markdown(row, found[row]) if markdown else as_text(row, found[row])}", flush=True)
        if json_file is not None:
            json_file.write_text(as_json(about, found))
    missed = [f"{row}: {line.what}" for row, lines in found.items() for line in lines if line.reached is False]
    if missed:
        print("\nmissed: " + "; ".join(missed))
        sys.exit(1)


if __name__ == "__main__":
    main()
