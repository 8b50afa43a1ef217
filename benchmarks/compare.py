"""Compare respd with redis-server: `python -m benchmarks.compare --respd COMMAND`.

Both run side by side on free ports; redis-benchmark visits them in turns, test by test, so that whatever else the
machine does meets both. Figures are medians over the rounds. See benchmarks/README.md.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
import time
from pathlib import Path
from statistics import median

import click

from benchmarks import measure, picture, report
from tests.servers import Server, respd_environment


def _start(command: str) -> Server:
    """Start a server with nothing saved; `python -m respd` of this very interpreter finds the source beside us."""
    words = shlex.split(command)
    own = words[0] == sys.executable
    return Server(words, ("--save", ""), environment=respd_environment() if own else None)


def _describe(server: Server) -> tuple[str, str]:
    """A name and a version for the tables, from what INFO says."""
    with server.connect() as connection:
        info = connection.ask("INFO server")
    assert isinstance(info, bytes)
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    if "respd_version" in fields:
        return f"respd {fields.get('respd_build', '')}".strip(), fields["respd_version"]
    return Path(server.command[0]).name, fields.get("redis_version", "")


def _machine() -> str:
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else ""
    return f"{os.cpu_count()} × {model or platform.machine()}, Python {platform.python_version()}"


def _start_up_ms(command: str, times: int) -> float:
    seconds = []
    for _ in range(times):
        server = _start(command)
        seconds.append(server.start_up_s)
        server.stop()
    return median(seconds) * 1000


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--respd", "respd", multiple=True, metavar="COMMAND", help="How to start respd; may be given several times."
)
@click.option("--redis-server", default="redis-server", show_default=True, help="The server to compare with.")
@click.option(
    "--redis-benchmark", default="redis-benchmark", show_default=True, help="The program that sends the load."
)
@click.option("--quick", is_flag=True, help="About a minute: two rounds of few requests.")
@click.option("--rounds", type=int, default=3, show_default=True, help="Turns for every test.")
@click.option(
    "--requests", type=int, default=100_000, show_default=True, help="Requests of a run; pipelined five times."
)
@click.option("-P", "pipelines", type=int, multiple=True, help="Depth of pipelining (default: 1 and 16).")
@click.option("--only", multiple=True, metavar="TEST", help="Only these tests.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure here.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--picture", "picture_file", type=click.Path(path_type=Path), help="Draw an SVG here.")
def main(
    respd: tuple[str, ...],
    redis_server: str,
    redis_benchmark: str,
    quick: bool,
    rounds: int,
    requests: int,
    pipelines: tuple[int, ...],
    only: tuple[str, ...],
    json_file: Path | None,
    markdown: bool,
    picture_file: Path | None,
) -> None:
    """Run redis-benchmark against redis-server and respd in turns, and print what each did."""
    for program in (redis_server, redis_benchmark):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is not here (on Debian: apt install redis)")
    if quick:
        rounds, requests = 2, 25_000
    commands = [redis_server, *(respd or (f"{shlex.quote(sys.executable)} -m respd",))]
    wanted = {name.upper() for name in only}
    tests = [test for test in measure.TESTS if not wanted or test.name in wanted]
    depths = list(pipelines) or [1, 16]

    servers = [_start(command) for command in commands]
    try:
        contestants = [report.Contestant(*_describe(server)) for server in servers]
        for pipeline in depths:
            count = requests if pipeline == 1 else requests * 5
            for test in tests:
                for number in range(rounds):
                    _progress(f"-P {pipeline} {test.name}, round {number + 1} of {rounds}")
                    for server, one in zip(servers, contestants, strict=True):
                        sample = measure.run(server, test, redis_benchmark, pipeline, count)
                        one.runs.setdefault((pipeline, test.name), []).append(sample)
    finally:
        for server in servers:
            server.stop()
    for command, one in zip(commands, contestants, strict=True):
        _progress(f"memory and start-up of {one.name}")
        for kind, keys in (("string", 1_000_000), ("hash", 200_000)):
            fresh = _start(command)
            one.memory[kind] = measure.memory_per_key(fresh, kind, keys // 5 if quick else keys)
            fresh.stop()
        one.start_up_ms = _start_up_ms(command, 3 if quick else 7)

    names = [test.name for test in tests]
    result = report.Comparison(contestants, names, depths, _machine(), time.strftime("%Y-%m-%d"))
    print(report.as_markdown(result) if markdown else report.as_text(result))
    if json_file is not None:
        json_file.write_text(report.as_json(result))
    if picture_file is not None:
        picture_file.write_text(picture.draw(result))


if __name__ == "__main__":
    main()
