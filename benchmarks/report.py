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

    def ratio(self, contestant: Contestant, pipeline: int, test: str) -> float:
        """Requests a second against the first contestant: the median of the rounds, each with its own neighbour."""
        pairs = zip(contestant.runs[pipeline, test], self.contestants[0].runs[pipeline, test], strict=True)
        return median(ours.rps / theirs.rps for ours, theirs in pairs)

    def cpu_ratio(self, contestant: Contestant, pipeline: int, test: str) -> float:
        """CPU an operation against the first contestant: above 1 it takes less than the first."""
        ours, theirs = contestant.typical(pipeline, test), self.contestants[0].typical(pipeline, test)
        return theirs.cpu_us / ours.cpu_us if ours.cpu_us and theirs.cpu_us else 1.0

    def mean_ratio(self, contestant: Contestant, pipeline: int) -> float:
        """The geometric mean of `ratio` over the tests."""
        return geometric_mean(self.ratio(contestant, pipeline, test) for test in self.tests)

    def mean_cpu_ratio(self, contestant: Contestant, pipeline: int) -> float:
        """The geometric mean of `cpu_ratio` over the tests."""
        return geometric_mean(self.cpu_ratio(contestant, pipeline, test) for test in self.tests)


def as_text(result: Comparison) -> str:
    """A table for a terminal."""
    lines = [f"{result.machine}, {result.when}"]
    for pipeline in result.pipelines:
        lines += ["", f"-P {pipeline}", f"{'test':<11} {'server':<18} {'req/s':>9} {'p50 ms':>7} {'p99 ms':>7}"]
        lines[-1] += f" {'p99.9':>7} {'CPU µs':>7} {'ratio':>6} {'by CPU':>6}"
        for test in result.tests:
            for one in result.contestants:
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


def as_markdown(result: Comparison) -> str:
    """Tables for the README: thousands of requests a second and the ratio, then the rest."""
    first, others = result.contestants[0], result.contestants[1:]
    lines = []
    for pipeline in result.pipelines:
        title = "without pipelining" if pipeline == 1 else f"pipelines of {pipeline}"
        heads = [f"{title}: k req/s", first.name]
        for one in others:
            heads += [one.name, "ratio", "p99 ms (" + first.name + ")", "CPU µs (" + first.name + ")"]
        lines += ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
        for test in result.tests:
            base = first.typical(pipeline, test)
            cells = [test, f"{base.rps / 1000:.0f}"]
            for one in others:
                seen = one.typical(pipeline, test)
                cells += [f"{seen.rps / 1000:.0f}", f"{result.ratio(one, pipeline, test):.2f}"]
                cells += [f"{seen.p99_ms:.2f} ({base.p99_ms:.2f})", f"{seen.cpu_us:.2f} ({base.cpu_us:.2f})"]
            lines.append("| " + " | ".join(cells) + " |")
        cells = ["**geometric mean**", ""]
        for one in others:
            cells += ["", f"**{result.mean_ratio(one, pipeline):.2f}**", ""]
            cells.append(f"by CPU {result.mean_cpu_ratio(one, pipeline):.2f}")
        lines += ["| " + " | ".join(cells) + " |", ""]
    lines += ["| | bytes a string key | bytes a hash of 5 fields | start to first PONG |", "|---|---:|---:|---:|"]
    for one in result.contestants:
        memory = f"{one.memory.get('string', 0):.0f} | {one.memory.get('hash', 0):.0f}"
        lines.append(f"| {one.name} ({one.version}) | {memory} | {one.start_up_ms:.0f} ms |")
    lines += ["", f"{result.machine}, {result.when}; medians; the command: `python -m benchmarks.compare`."]
    return "\n".join(lines)


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
