"""The benchmark program: reading redis-benchmark's report, ratios and means, tables and picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree

import pytest

from benchmarks import picture, report
from benchmarks.measure import BenchmarkFailed, Sample, parse

REPORT = """====== SET ======
  20000 requests completed in 0.03 seconds
  50 parallel clients

Latency by percentile distribution:
0.000% <= 0.231 milliseconds (cumulative count 16)
50.000% <= 0.679 milliseconds (cumulative count 10112)
99.805% <= 4.615 milliseconds (cumulative count 19968)
99.902% <= 4.623 milliseconds (cumulative count 19984)
100.000% <= 4.631 milliseconds (cumulative count 20000)

Cumulative distribution of latencies:
0.000% <= 0.103 milliseconds (cumulative count 0)
100.000% <= 5.103 milliseconds (cumulative count 20000)

Summary:
  throughput summary: 769230.75 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.836     0.224     0.679     1.911     4.535     4.631
"""


def test_parse_a_report() -> None:
    """Throughput and the three percentiles, of which p99.9 is in the table only."""
    assert parse(REPORT, 1.5) == Sample(rps=769230.75, p50_ms=0.679, p99_ms=4.535, p999_ms=4.623, cpu_us=1.5)


@pytest.mark.parametrize("output", ["", "Could not connect to Redis at 127.0.0.1:1\n", REPORT + "Error from server: x"])
def test_a_run_that_failed(output: str) -> None:
    """Figures are never made up."""
    with pytest.raises(BenchmarkFailed):
        parse(output, 1.0)


def comparison() -> report.Comparison:
    """Two servers, two tests, three rounds."""
    first, second = report.Contestant("redis-server", "7.0.15"), report.Contestant("respd compiled", "0.1.0")
    for pipeline in (1, 16):
        for test, share in (("SET", 0.5), ("GET", 2.0)):
            for rps in (900.0, 1000.0, 1600.0):
                first.runs.setdefault((pipeline, test), []).append(Sample(rps, 1.0, 2.0, 3.0, 4.0))
                second.runs.setdefault((pipeline, test), []).append(Sample(rps * share, 1.0, 2.0, 3.0, 8.0))
    return report.Comparison([first, second], ["SET", "GET"], [1, 16], "a machine", "2026-01-01")


def test_ratios() -> None:
    """Ratios are medians over rounds, their mean is geometric."""
    result = comparison()
    second = result.contestants[1]
    assert second.typical(1, "SET").rps == 500.0
    assert result.ratio(second, 1, "SET") == 0.5 and result.ratio(second, 16, "GET") == 2.0
    assert result.mean_ratio(second, 1) == pytest.approx(1.0)
    assert result.cpu_ratio(second, 1, "SET") == 0.5


def test_reports() -> None:
    """The text, the Markdown, the JSON and the picture show all contestants and tests."""
    result = comparison()
    for text in (report.as_text(result), report.as_markdown(result), picture.draw(result)):
        assert all(word in text for word in ("respd compiled", "redis-server", "SET", "GET", "a machine"))
    assert len(json.loads(report.as_json(result))["contestants"][1]["runs"]) == 4
    bars = xml.etree.ElementTree.fromstring(picture.draw(result)).iter("{http://www.w3.org/2000/svg}rect")
    assert len(list(bars)) == 1 + 2 * 2 * 2 + 2  # the ground, a bar for each figure, the legend
    assert [picture.round_step(largest) for largest in (5, 11, 60, 700)] == [1.0, 2.0, 10.0, 200.0]
