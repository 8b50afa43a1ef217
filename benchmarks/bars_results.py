"""What a row of the bars found: lines with a figure of each server, their ratio and the bar they are held against."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median

from benchmarks.contestants import Starter
from tests.servers import Server


@dataclass
class Line:
    """One figure: of respd, of redis-server, `ratio` between them, the bar in words and whether it is reached.

    `reached` is None for a line that only informs.
    """

    what: str
    unit: str
    respd: float
    redis: float
    ratio: float | None = None
    bar: str = ""
    reached: bool | None = None

    @property
    def verdict(self) -> str:
        """A word for the table."""
        return "" if self.reached is None else "reached" if self.reached else "MISSED"


@dataclass
class Pair:
    """Two servers side by side."""

    respd: Server
    redis: Server

    def both(self) -> tuple[Server, Server]:
        """redis-server first, as in all turns."""
        return self.redis, self.respd

    def stop(self) -> None:
        """End both."""
        self.respd.stop()
        self.redis.stop()


@dataclass
class Figures:
    """Requests a second of every round, and the least CPU time an operation took, in microseconds."""

    rps: list[float]
    cpu_us: float


@dataclass
class Setting:
    """How the rows are to be run: how servers start, how much to do; `measured` is what several rows need, by shape."""

    start_respd: Starter
    start_redis: Starter
    build: str
    redis_benchmark: str
    quick: bool
    rounds: int
    seconds: int
    say: Callable[[str], None]
    measured: dict[str, dict[str, tuple[Figures, Figures]]] = field(default_factory=dict)

    def pair(self, *options: str) -> Pair:
        """Start both servers, with further options."""
        respd = self.start_respd(*options)
        try:
            return Pair(respd, self.start_redis(*options))
        except BaseException:
            respd.stop()
            raise

    def amount(self, full: int, quick: int) -> int:
        """How many, in full or with --quick."""
        return quick if self.quick else full


def at_least(what: str, unit: str, respd: list[float], redis: list[float], bar: float | None = None) -> Line:
    """A line of rates, each round's pair giving a ratio, of which the median must be `bar` or more."""
    ratio = median(ours / theirs for ours, theirs in zip(respd, redis, strict=True))
    if bar is None:
        return Line(what, unit, median(respd), median(redis), ratio)
    return Line(what, unit, median(respd), median(redis), ratio, f">= {bar:g}", ratio >= bar)


def at_most(what: str, unit: str, respd: float, redis: float, bar: float | None = None) -> Line:
    """A line of costs, whose ratio must be `bar` or less."""
    ratio = respd / redis if redis else 0.0
    if bar is None:
        return Line(what, unit, respd, redis, ratio)
    return Line(what, unit, respd, redis, ratio, f"<= {bar:g}", ratio <= bar)


def limit(what: str, unit: str, respd: float, redis: float, most: float) -> Line:
    """A line whose figure must be `most` or less, whatever redis-server's is."""
    return Line(what, unit, respd, redis, respd / redis if redis else None, f"<= {most:g} {unit}", respd <= most)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def as_text(row: str, lines: list[Line]) -> str:
    """One row's table for a terminal."""
    out = [f"{row:<44} {'respd':>11} {'redis':>11} {'ratio':>6}  {'bar':<14}"]
    for one in lines:
        ratio = f"{one.ratio:.2f}" if one.ratio is not None else ""
        name = f"  {one.what}, {one.unit}" if one.unit else f"  {one.what}"
        figures = f"{_figure(one.respd):>11} {_figure(one.redis):>11} {ratio:>6}"
        out.append(f"{name:<44} {figures}  {one.bar:<14} {one.verdict}".rstrip())
    return "\n".join(out)


def as_markdown(row: str, lines: list[Line]) -> str:
    """One row's table as Markdown."""
    out = [f"| {row} | respd | redis-server | ratio | bar | |", "|---|---:|---:|---:|---|---|"]
    return "\n".join([*out, *(_markdown(one.what, one) for one in lines)])


def _markdown(what: str, one: Line) -> str:
    ratio = f"{one.ratio:.2f}" if one.ratio is not None else ""
    name = f"{what}, {one.unit}" if one.unit else what
    return f"| {name} | {_figure(one.respd)} | {_figure(one.redis)} | {ratio} | {one.bar} | {one.verdict} |"


def _is_one_test(line: Line) -> bool:
    return line.unit == "req/s" and not line.what.endswith("geometric mean")


def as_summary(row: str, lines: list[Line]) -> list[str]:
    """Lines of a Markdown table with what has a bar; of many tests of one load the least, and those that miss it."""
    held = [line for line in lines if line.reached is not None]
    tests = sorted((line for line in held if _is_one_test(line)), key=lambda line: line.ratio or 0.0)
    shown = [line for line in held if line not in tests] + [
        line for number, line in enumerate(tests) if number == 0 or not line.reached or len(tests) < 5
    ]
    out = []
    for line in shown:
        what = f"least: {line.what}" if len(tests) >= 5 and line is tests[0] else line.what
        out.append(_markdown(f"{row}: {what}", line))
    return out


def as_json(about: dict[str, str], rows: dict[str, list[Line]]) -> str:
    """All rows with every figure."""
    found = {row: [asdict(one) for one in lines] for row, lines in rows.items()}
    return json.dumps({"about": about, "rows": found}, indent=1) + "\n"
