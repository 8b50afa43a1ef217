"""Compare respd with redis-server and others: `python -m benchmarks.compare --respd COMMAND`.

All run side by side on free ports; redis-benchmark visits them in turns, test by test, so that whatever else the
machine does meets all of them. Figures are medians over the rounds. See benchmarks/README.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from benchmarks import bars_throughput, contestants, measure, picture, report
from benchmarks.bars_results import Setting
from benchmarks.bars_throughput import PIPELINED, PLAIN, TESTS, Contender
from benchmarks.contestants import Starter

INTERPRETED_SHARE = 0.3  # of the pipelined requests


@dataclass
class Candidate:
    """A server of the comparison: how it starts, what it is, and whether few requests must do."""

    start: Starter
    about: contestants.About
    brief: bool = False

    def contender(self, pipeline: int) -> Contender:
        """Start it, to be measured at this depth."""
        slower = self.about.build == "interpreted" and pipeline > 1
        return Contender(self.start(), self.brief, INTERPRETED_SHARE if slower else 1.0)


def candidates(
    redis: str, valkey: str | None, respd: tuple[str, ...], fakeredis: str | None, say: Callable[[str], None]
) -> list[Candidate]:
    """The servers of the comparison in the order of the tables, redis-server first; say which are left out."""
    found = [Candidate(start, contestants.about(start)) for start in [Starter(redis)]]
    if valkey is None or not contestants.is_here(valkey):
        say(f"SKIPPED: valkey-server, for {valkey or 'none'} is not here (--valkey-server names it)")
    else:
        start = Starter(valkey)
        found.append(Candidate(start, contestants.about(start)))
    for command in respd or (contestants.own_respd(),):
        start = Starter(command)
        found.append(Candidate(start, contestants.about(start)))
    if fakeredis is None or not contestants.has_fakeredis(fakeredis):
        say(f"SKIPPED: fakeredis, which {fakeredis or 'no Python'} has (--fakeredis names a Python that has it)")
    else:
        start = Starter(contestants.fakeredis(fakeredis))
        found.append(Candidate(start, contestants.about(start), brief=True))
    return found


def _start_up_ms(start: Starter, times: int) -> float:
    seconds = []
    for _ in range(times):
        server = start()
        seconds.append(server.start_up_s)
        server.stop()
    return median(seconds) * 1000


def compare(
    setting: Setting, chosen: list[Candidate], shapes: tuple[bars_throughput.Shape, ...], only: set[str]
) -> report.Comparison:
    """Measure all candidates: the tests in each shape, then memory and start-up."""
    tests = tuple(test for test in TESTS if not only or test.name in only)
    entries = [report.Contestant(one.about.name, one.about.version) for one in chosen]
    try:
        for shape in shapes:
            contenders = [one.contender(shape.pipeline) for one in chosen]
            found = bars_throughput.throughput(setting, contenders, shape, tests)
            for test, samples in found.items():
                for entry, its in zip(entries, samples, strict=True):
                    entry.runs[shape.pipeline, test] = its
            for contender in contenders:
                contender.server.stop()
        for one, entry in zip(chosen, entries, strict=True):
            setting.say(f"memory and start-up of {one.about}")
            for kind, keys in (("string", 1_000_000), ("hash", 200_000)):
                fresh = one.start()
                keys = keys // 20 if one.brief else setting.amount(keys, keys // 5)
                together = 1 if one.brief and kind == "hash" else 500
                entry.memory[kind] = measure.memory_per_key(fresh, kind, keys, together)
                fresh.stop()
            entry.start_up_ms = _start_up_ms(one.start, 3 if one.brief or setting.quick else 7)
    finally:
        for one in chosen:
            one.start.stop_all()
    names = [test.name for test in tests]
    depths = [shape.pipeline for shape in shapes]
    return report.Comparison(
        entries, names, depths, contestants.machine(), contestants.now(), contestants.commit(), setting.rounds
    )


def say(text: str) -> None:
    """Tell on the standard error what is going on."""
    print(f"  ... {text}", file=sys.stderr, flush=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.option(
    "--respd", "respd", multiple=True, metavar="COMMAND", help="How to start respd; may be given several times."
)
@click.option("--redis-server", default="redis-server", show_default=True, help="The server to compare with.")
@click.option("--valkey-server", metavar="COMMAND", help="A valkey-server, to stand beside.")
@click.option("--fakeredis", metavar="PYTHON", help="A Python that has fakeredis[lua], whose TCP server stands beside.")
@click.option(
    "--redis-benchmark", default="redis-benchmark", show_default=True, help="The program that sends the load."
)
@click.option("--quick", is_flag=True, help="Some minutes: two rounds of few requests.")
@click.option("--rounds", type=int, help="Turns for every test (3; quick: 2).")
@click.option(
    "-P", "pipelines", type=click.Choice(["1", "16"]), multiple=True, help="Depth of pipelining: 1, 16, both."
)
@click.option("--only", multiple=True, metavar="TEST", help="Only these tests.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure here.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--picture", "picture_file", type=click.Path(path_type=Path), help="Draw an SVG here.")
def main(
    respd: tuple[str, ...],
    redis_server: str,
    valkey_server: str | None,
    fakeredis: str | None,
    redis_benchmark: str,
    quick: bool,
    rounds: int | None,
    pipelines: tuple[str, ...],
    only: tuple[str, ...],
    json_file: Path | None,
    markdown: bool,
    picture_file: Path | None,
) -> None:
    """Run redis-benchmark against the servers in turns, and print what each did."""
    contestants.end_on_sigterm()
    for program in (redis_server, redis_benchmark):
        if not contestants.is_here(program):
            raise click.ClickException(f"{program} is not here (on Debian: apt install redis)")
    chosen = candidates(redis_server, valkey_server, respd, fakeredis, say)
    rounds = rounds or (2 if quick else 3)
    setting = Setting(chosen[-1].start, chosen[0].start, "", redis_benchmark, quick, rounds, 0, say)
    shapes = tuple(shape for shape in (PLAIN, PIPELINED) if not pipelines or str(shape.pipeline) in pipelines)
    result = compare(setting, chosen, shapes, {name.upper() for name in only})
    print(report.as_markdown(result) if markdown else report.as_text(result))
    if json_file is not None:
        json_file.write_text(report.as_json(result))
    if picture_file is not None:
        picture_file.write_text(picture.draw(result))


if __name__ == "__main__":
    main()
