"""Measure what is published, and publish it: `python -m benchmarks.publish --respd COMMAND --interpreted COMMAND`.

Writes the README's table and picture, and the results in benchmarks/README.md, from one run: `table` (redis-benchmark's
default list on all servers, at both depths, which the rows default, pipelined, cpu and interpreted share) and then the
other rows of the bars; all but `pauses`, which takes half an hour by itself and is published by naming it. What was not
measured this time stays as it was, with its own date. Files are written after each row, so that nothing is lost when
a later one fails; the exit status is 1 when a bar is missed or a row could not be measured.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmarks import bars, compare, contestants, picture, report
from benchmarks.bars_results import Figures, Line, Setting, as_summary
from benchmarks.bars_throughput import PIPELINED, PLAIN
from benchmarks.contestants import Starter

ROOT = Path(__file__).parent.parent
TABLE = "table"
LONG = ("pauses",)
INTERPRETED = " (interpreted)"


def replace_block(path: Path, name: str, text: str) -> None:
    """Put `text` between the marks `<!-- name: begin -->` and `<!-- name: end -->` of a file."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    whole = path.read_text()
    head, found, rest = whole.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{path} has no {begin} ... {end}")
    path.write_text(f"{head}{begin}\n{text.strip()}\n{end}{tail}")


def speed_block(result: report.Comparison) -> str:
    """What the README says of speed: the means of the first respd, the picture, the tables."""
    lines = []
    ours = next((one for one in result.contestants if one.name.startswith("respd")), None)
    if ours is not None:
        words = {depth: report.title(depth).replace("pipelines", "with pipelines") for depth in result.pipelines}
        means = [f"{result.mean_ratio(ours, depth):.2f} {words[depth]}" for depth in result.pipelines]
        first = result.contestants[0]
        lines = [f"Geometric mean of {ours.name}'s ratios to {first.name} {first.version}: **{', '.join(means)}**.", ""]
    names = ", ".join(one.name for one in result.contestants)
    lines += [f"![Requests a second: {names}](docs/speed.svg)", "", report.as_markdown(result)]
    return "\n".join(lines)


def prefill(setting: Setting, chosen: list[compare.Candidate], result: report.Comparison, build: str) -> None:
    """Give the rows of one build what the table has measured already."""
    place = next((number for number, one in enumerate(chosen) if one.about.build == build), None)
    if place is None:
        return
    redis, ours = result.contestants[0], result.contestants[place]
    for shape in (PLAIN, PIPELINED):
        setting.measured[shape.name] = {
            test: (_figures(ours, shape.pipeline, test), _figures(redis, shape.pipeline, test)) for test in result.tests
        }


def _figures(one: report.Contestant, pipeline: int, test: str) -> Figures:
    samples = one.runs[pipeline, test]
    return Figures([sample.rps for sample in samples], min(sample.cpu_us for sample in samples))


def results_block(results: dict[str, Any], details: str) -> str:
    """The results for benchmarks/README.md: a table of all rows, where and when each was measured, then details."""
    lines = ["| row | respd | redis-server | ratio | bar | |", "|---|---:|---:|---:|---|---|"]
    notes: dict[str, list[str]] = {}
    for row, result in results.items():
        about = result["about"]
        lines += as_summary(row, [Line(**line) for line in result["lines"]])
        where = (
            f"{about['date']}, commit {about['commit']}, {about['respd']} against {about['redis']}, {about['machine']}"
        )
        notes.setdefault(where, []).append(f"{row} (load {about['load'].split()[0]})")
    lines.append("")
    lines += [f"- {where}: {', '.join(rows)}" for where, rows in notes.items()]
    return "\n".join([*lines, "", details]).rstrip()


class Publication:
    """The files that are written."""

    def __init__(self, root: Path) -> None:
        self.readme = root / "README.md"
        self.method = root / "benchmarks" / "README.md"
        self.record = root / "benchmarks" / "results.json"
        self.picture = root / "docs" / "speed.svg"
        known: dict[str, Any] = json.loads(self.record.read_text()) if self.record.exists() else {}
        self.rows: dict[str, Any] = known.get("rows", {})
        self.details: str = known.get("details", "")

    def table(self, result: report.Comparison) -> None:
        """Publish the comparison."""
        replace_block(self.readme, "speed", speed_block(result))
        self.picture.write_text(picture.draw(result))
        self.details = report.as_details(result)
        self._write()

    def row(self, name: str, about: dict[str, str], lines: list[Line]) -> None:
        """Publish one row."""
        self.rows[name] = {"about": about, "lines": [asdict(line) for line in lines]}
        self._write()

    def _write(self) -> None:
        order = {name: number for number, name in enumerate(bars.ROWS)}
        self.rows = dict(sorted(self.rows.items(), key=lambda item: order[item[0].removesuffix(INTERPRETED)]))
        self.record.write_text(json.dumps({"rows": self.rows, "details": self.details}, indent=1) + "\n")
        replace_block(self.method, "results", results_block(self.rows, self.details))


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.argument("parts", nargs=-1, type=click.Choice([TABLE, *bars.ROWS]), metavar="[PART]...")
@click.option("--respd", required=True, metavar="COMMAND", help="How to start the compiled build.")
@click.option("--interpreted", metavar="COMMAND", help="How to start the interpreted build.")
@click.option("--redis", default="redis-server", show_default=True, metavar="COMMAND", help="What to compare with.")
@click.option("--valkey-server", metavar="COMMAND", help="A valkey-server, for the table.")
@click.option("--fakeredis", metavar="PYTHON", help="A Python that has fakeredis[lua], for the table.")
@click.option("--redis-benchmark", default="redis-benchmark", show_default=True, help="The program that sends load.")
@click.option("--quick", is_flag=True, help="Little of everything, to try this program.")
@click.option("--rounds", type=int, help="Turns for each figure (3; quick: 2).")
@click.option("--seconds", type=int, default=0, help="How long the load of `pauses` lasts (600; quick: 15).")
@click.option("--into", type=click.Path(path_type=Path), default=ROOT, help="The checkout to write into.")
def main(
    parts: tuple[str, ...],
    respd: str,
    interpreted: str | None,
    redis: str,
    valkey_server: str | None,
    fakeredis: str | None,
    redis_benchmark: str,
    quick: bool,
    rounds: int | None,
    seconds: int,
    into: Path,
) -> None:
    """Measure and publish."""
    contestants.end_on_sigterm()
    for program in (redis, redis_benchmark):
        if not contestants.is_here(program):
            raise click.ClickException(f"{program} is not here (on Debian: apt install redis)")
    builds = (respd, interpreted) if interpreted else (respd,)
    chosen = compare.candidates(redis, valkey_server, builds, fakeredis, compare.say)
    wanted = parts or tuple(name for name in (TABLE, *bars.ROWS) if name not in LONG)
    rounds = rounds or (2 if quick else 3)
    publication = Publication(into)
    start_redis = Starter(redis)
    settings = {}
    for one in chosen:
        if one.about.build:
            setting = Setting(
                one.start, start_redis, one.about.build, redis_benchmark, quick, rounds, seconds, compare.say
            )
            settings[one.about.build] = (setting, bars.about_run(one.about, chosen[0].about))
    bad: list[str] = []
    started = time.monotonic()
    try:
        if TABLE in wanted:
            setting = next(iter(settings.values()))[0]
            try:
                result = compare.compare(setting, chosen, (PLAIN, PIPELINED), set())
            except bars.FAILURES as error:  # the rows then measure what they need themselves
                bad.append(f"the table was not measured: {error}")
                click.echo(bad[-1], err=True)
            else:
                publication.table(result)
                for build, (setting, _) in settings.items():
                    prefill(setting, chosen, result, build)
        for build, (setting, about) in settings.items():
            for row in bars.rows_for(build):
                if row not in wanted:
                    continue
                compare.say(f"{row}, {build}, after {(time.monotonic() - started) / 60:.1f} minutes")
                try:
                    lines = bars.ROWS[row](setting)
                except bars.FAILURES as error:
                    bad.append(f"{row} was not measured: {error}")
                    click.echo(bad[-1], err=True)
                    continue
                finally:
                    setting.start_respd.stop_all()
                    start_redis.stop_all()
                label = row + (INTERPRETED if build == "interpreted" and row != "interpreted" else "")
                publication.row(label, about, lines)
                click.echo("\n".join(as_summary(label, lines)))
                bad += [f"{label}: {line.what}" for line in lines if line.reached is False]
    finally:
        start_redis.stop_all()
        for one in chosen:
            one.start.stop_all()
    click.echo(f"published after {(time.monotonic() - started) / 60:.1f} minutes")
    if bad:
        click.echo("missed: " + "; ".join(bad))
        sys.exit(1)


if __name__ == "__main__":
    main()
