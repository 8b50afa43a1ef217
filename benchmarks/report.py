"""What was measured, as a table for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from statistics import median

from benchmarks.measure import Sample


@dataclass
class Contestant:
    """One server of the comparison and everything measured on it; `runs` has the samples by (pipeline, test)."""

    name: str
    version: str
    runs: dict[tuple[int, str], list[Sample]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    start_up_ms: float = 0.0

    def can(self, pipeline: int, test: str) -> bool:
        """Whether it could be measured: fakeredis does not know inline commands."""
        return bool(self.runs[pipeline, test])

    def typical(self, pipeline: int, test: str) -> Sample:
        """The median of each figure over the rounds."""
        samples = self.runs[pipeline, test]
        return Sample(
            rps=median(one.rps for one in samples),
            p50_ms=median(one.p50_ms for one in samples),
            p99_ms=median(one.p99_ms for one in samples),
            p999_ms=median(one.p999_ms for one in samples),
            cpu_us=median(one.cpu_us for one in samples),
        )


def geometric_mean(values: Iterable[float]) -> float:
    """The mean that fits ratios."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


@dataclass
class Comparison:
    """All contestants, the first being what the others are measured against, and how it was done."""

    contestants: list[Contestant]
    tests: list[str]
    pipelines: list[int]
    machine: str
    when: str
    commit: str = ""
    rounds: int = 3

    def ratio(self, contestant: Contestant, pipeline: int, test: str) -> float:
        """Requests a second against the first contestant: the median of the rounds, each with its own neighbour."""
        pairs = zip(contestant.runs[pipeline, test], self.contestants[0].runs[pipeline, test], strict=False)
        return median(ours.rps / theirs.rps for ours, theirs in pairs)

    def cpu_ratio(self, contestant: Contestant, pipeline: int, test: str) -> float:
        """CPU an operation against the first contestant: above 1 it takes less than the first."""
        ours, theirs = contestant.typical(pipeline, test), self.contestants[0].typical(pipeline, test)
        return theirs.cpu_us / ours.cpu_us if ours.cpu_us and theirs.cpu_us else 1.0

    def mean_ratio(self, contestant: Contestant, pipeline: int) -> float:
        """The geometric mean of `ratio` over the tests."""
        tests = [test for test in self.tests if contestant.can(pipeline, test)]
        return geometric_mean(self.ratio(contestant, pipeline, test) for test in tests)

    def mean_cpu_ratio(self, contestant: Contestant, pipeline: int) -> float:
        """The geometric mean of `cpu_ratio` over the tests."""
        tests = [test for test in self.tests if contestant.can(pipeline, test)]
        return geometric_mean(self.cpu_ratio(contestant, pipeline, test) for test in tests)


def as_text(result: Comparison) -> str:
    """A table for a terminal."""
    lines = [f"{result.machine}, {result.when}"]
    for pipeline in result.pipelines:
        lines += ["", f"-P {pipeline}", f"{'test':<11} {'server':<18} {'req/s':>9} {'p50 ms':>7} {'p99 ms':>7}"]
        lines[-1] += f" {'p99.9':>7} {'CPU µs':>7} {'ratio':>6} {'by CPU':>6}"
        for test in result.tests:
            for one in result.contestants:
                if not one.can(pipeline, test):
                    continue
                seen = one.typical(pipeline, test)
                line = f"{test:<11} {one.name:<18} {seen.rps:>9.0f} {seen.p50_ms:>7.3f} {seen.p99_ms:>7.3f}"
                line += f" {seen.p999_ms:>7.3f} {seen.cpu_us:>7.2f}"
                if one is not result.contestants[0]:
                    line += f" {result.ratio(one, pipeline, test):>6.2f} {result.cpu_ratio(one, pipeline, test):>6.2f}"
                lines.append(line)
        for one in result.contestants[1:]:
            means = result.mean_ratio(one, pipeline), result.mean_cpu_ratio(one, pipeline)
            lines.append(f"geometric mean of {one.name}: {means[0]:.2f} of the throughput, {means[1]:.2f} by CPU time")
    lines += [
        "",
        f"{'server':<18} {'bytes a string key':>19} {'bytes a hash of 5':>18} {'first PONG after':>17}  version",
    ]
    for one in result.contestants:
        memory = f"{one.memory.get('string', 0):>19.0f} {one.memory.get('hash', 0):>18.0f}"
        lines.append(f"{one.name:<18} {memory} {one.start_up_ms:>14.0f} ms  {one.version}")
    return "\n".join(lines)


def _thousands(rps: float) -> str:
    return f"{rps / 1000:.0f}" if rps >= 10_000 else f"{rps / 1000:.1f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return [*lines, *("| " + " | ".join(cells) + " |" for cells in rows), ""]


def title(pipeline: int) -> str:
    """A depth of pipelining in words."""
    return "without pipelining" if pipeline == 1 else f"pipelines of {pipeline}"


def as_markdown(result: Comparison) -> str:
    """Tables for the README: thousands of requests a second with the ratio, then each server in a line."""
    first, others = result.contestants[0], result.contestants[1:]
    lines = []
    for pipeline in result.pipelines:
        rows = []
        for test in result.tests:
            cells = [test, _thousands(first.typical(pipeline, test).rps)]
            for one in others:
                if one.can(pipeline, test):
                    ratio = result.ratio(one, pipeline, test)
                    cells.append(f"{_thousands(one.typical(pipeline, test).rps)} ({_ratio(ratio)})")
                else:
                    cells.append("–")
            rows.append(cells)
        means = [f"**{_ratio(result.mean_ratio(one, pipeline))}**" for one in others]
        rows.append(["**geometric mean of the ratios**", "1", *means])
        heads = [f"{title(pipeline)}: k req/s (ratio)", first.name, *(one.name for one in others)]
        lines += _table(heads, rows)
    heads = ["server"]
    for pipeline in result.pipelines:
        heads += [f"CPU µs an operation, {title(pipeline)}", f"p99 ms, {title(pipeline)}"]
    heads += ["bytes a string key", "bytes a hash of 5 fields", "start to first PONG"]
    rows = []
    for one in result.contestants:
        cells = [f"{one.name} {one.version}"]
        for pipeline in result.pipelines:
            seen = [one.typical(pipeline, test) for test in result.tests if one.can(pipeline, test)]
            cells.append(f"{sum(sample.cpu_us for sample in seen) / len(seen):.2f}")
            cells.append(f"{median(sample.p99_ms for sample in seen):.2f}")
        cells += [f"{one.memory.get('string', 0):.0f}", f"{one.memory.get('hash', 0):.0f}", f"{one.start_up_ms:.0f} ms"]
        rows.append(cells)
    lines += _table(heads, rows)
    commit = f", commit {result.commit}" if result.commit else ""
    lines.append(
        f"{result.machine}, {result.when}{commit}; 50 connections, medians of {result.rounds} rounds (fakeredis: one "
        "round of few requests); CPU: mean of the tests; p99: their median."
    )
    return "\n".join(lines)


def as_details(result: Comparison) -> str:
    """Tables of the p99 latency and the CPU time of every test and server."""
    lines = []
    for pipeline in result.pipelines:
        rows = []
        for test in result.tests:
            cells = [test]
            for one in result.contestants:
                seen = one.typical(pipeline, test) if one.can(pipeline, test) else None
                cells.append(f"{seen.p99_ms:.2f} / {seen.cpu_us:.2f}" if seen else "–")
            rows.append(cells)
        heads = [f"{title(pipeline)}: p99 ms / CPU µs", *(one.name for one in result.contestants)]
        lines += _table(heads, rows)
    return "\n".join(lines).rstrip()


def as_json(result: Comparison) -> str:
    """Everything, each single run too."""
    contestants = []
    for one in result.contestants:
        runs = [
            {"pipeline": pipeline, "test": test, "samples": [asdict(sample) for sample in samples]}
            for (pipeline, test), samples in one.runs.items()
        ]
        means = {
            str(pipeline): {
                "ratio": result.mean_ratio(one, pipeline),
                "cpu_ratio": result.mean_cpu_ratio(one, pipeline),
            }
            for pipeline in result.pipelines
        }
        about = {"name": one.name, "version": one.version, "memory": one.memory, "start_up_ms": one.start_up_ms}
        contestants.append({**about, "geometric_means": means, "runs": runs})
    return json.dumps({"machine": result.machine, "when": result.when, "contestants": contestants}, indent=1)
