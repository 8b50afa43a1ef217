"""The benchmark program: reading redis-benchmark's report, ratios and means, tables and picture."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest

from benchmarks import bars_results, bars_throughput, compare, picture, publish, report
from benchmarks.bars_results import Line
from benchmarks.contestants import NOTHING_SAVED, Starter, own_respd
from benchmarks.measure import BenchmarkFailed, Sample, parse
from tests.patience import PATIENCE, until
from tests.servers import respd_environment

ROOT = Path(__file__).parent.parent
needs_redis = pytest.mark.skipif(shutil.which("redis-benchmark") is None, reason="redis-benchmark is not here")

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


def test_a_contestant_of_fewer_rounds() -> None:
    """fakeredis is measured once: its ratio is that of the first round."""
    result = comparison()
    slow = report.Contestant("fakeredis", "2")
    for pipeline in (1, 16):
        for test in ("SET", "GET"):
            slow.runs[pipeline, test] = [Sample(9.0, 1.0, 2.0, 3.0, 40.0)]
    result.contestants.append(slow)
    assert result.ratio(slow, 1, "SET") == 0.01
    text = report.as_markdown(result)
    assert "| SET | 1.0 | 0.5 (0.50) | 0.0 (0.01) |" in text
    assert "| fakeredis 2 | 40.00 | 2.00 |" in text


def test_a_test_that_a_contestant_cannot_do() -> None:
    """fakeredis knows no inline commands: a dash, and the means are those of the others."""
    result = comparison()
    result.contestants[1].runs[1, "SET"] = []
    assert result.mean_ratio(result.contestants[1], 1) == pytest.approx(2.0)
    assert "| SET | 1.0 | – |" in report.as_markdown(result)
    assert "| SET | 2.00 / 4.00 | – |" in report.as_details(result)
    assert report.as_text(result) and picture.draw(result) and report.as_json(result)


def test_the_list_is_all_of_redis_benchmark() -> None:
    """The default list, in its order, but for the LPUSH that only fills the list that LRANGE reads."""
    names = [test.name for test in bars_throughput.TESTS]
    assert names[:5] == ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR"]
    assert names[5:14] == ["LPUSH", "RPUSH", "LPOP", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN"]
    assert names[14:] == ["LRANGE_100", "LRANGE_300", "LRANGE_500", "LRANGE_600", "MSET"]


def test_nothing_is_saved() -> None:
    """Both ways of saving are switched off in words."""
    assert NOTHING_SAVED == ("--save", "", "--appendonly", "no")


def test_absent_servers_are_left_out_and_named() -> None:
    """valkey-server and fakeredis need not be there."""
    said: list[str] = []
    found = compare.candidates(own_respd(), "/nowhere/valkey-server", (own_respd(),), "/nowhere/python", said.append)
    assert [one.about.name for one in found] == [found[0].about.name] * 2
    assert [line.partition(",")[0] for line in said] == ["SKIPPED: valkey-server", "SKIPPED: fakeredis"]


def test_a_starter_ends_what_it_started() -> None:
    """Even what a row forgot, or could not stop because it failed."""
    start = Starter(own_respd())
    server = start()
    with server.connect() as connection:
        assert connection.ask("CONFIG GET appendonly") == [b"appendonly", b"no"]
    start.stop_all()
    assert not server.running


@needs_redis
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_program_leaves_no_server_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the servers too."""
    words = [sys.executable, "-m", "benchmarks.bars", "zset", "--redis", own_respd(), "--respd", own_respd()]
    environment = {**respd_environment(), "TMPDIR": str(tmp_path)}  # where servers have their directories
    program = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    try:
        assert program.stderr is not None
        while b"ZADD of" not in (line := program.stderr.readline()):  # then the row has begun: both servers are there
            assert line
        assert len(list(tmp_path.iterdir())) == 2
        program.send_signal(number)
        program.communicate(timeout=PATIENCE)
    finally:
        program.kill()
    until(lambda: not list(tmp_path.iterdir()), "the end of the servers' directories")
    until(lambda: not _is_there(program.pid), "the end of all processes")


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_block_is_replaced_between_its_marks(tmp_path: Path) -> None:
    """And nothing else; a file without the marks is an error."""
    path = tmp_path / "page.md"
    path.write_text("above\n<!-- speed: begin -->\nold\n<!-- speed: end -->\nbelow\n")
    publish.replace_block(path, "speed", "new\n\n")
    assert path.read_text() == "above\n<!-- speed: begin -->\nnew\n<!-- speed: end -->\nbelow\n"
    with pytest.raises(ValueError, match="results"):
        publish.replace_block(path, "results", "new")


def test_the_pages_have_the_marks_that_are_published_between() -> None:
    """README.md and benchmarks/README.md."""
    assert "<!-- speed: begin -->" in (ROOT / "README.md").read_text()
    assert "<!-- results: begin -->" in (ROOT / "benchmarks" / "README.md").read_text()


ABOUT = {
    "respd": "respd 1",
    "redis": "redis 7",
    "commit": "abc",
    "machine": "m",
    "date": "today",
    "load": "0.1 0.2 0.3",
}


def test_publishing_keeps_the_rows_that_were_not_measured(tmp_path: Path) -> None:
    """A row measured today stands beside one of yesterday, each with its date."""
    for name, block in (("README.md", "speed"), ("benchmarks/README.md", "results")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"<!-- {block}: begin -->\n<!-- {block}: end -->\n")
    (tmp_path / "docs").mkdir()
    line = Line("first PONG", "ms", 60.0, 10.0, 6.0, "<= 120 ms", True)
    publish.Publication(tmp_path).row("start", {**ABOUT, "date": "yesterday"}, [line])
    publication = publish.Publication(tmp_path)
    publication.row("memory", ABOUT, [Line("string", "bytes", 200.0, 100.0, 2.0, "<= 2", True)])
    publication.table(comparison())
    text = (tmp_path / "benchmarks" / "README.md").read_text()
    assert text.index("memory: string, bytes | 200.0 | 100.0 | 2.00 | <= 2 | reached") < text.index("start: first PONG")
    assert "- yesterday, commit abc, respd 1 against redis 7, m: start (load 0.1)" in text
    assert "p99 ms / CPU µs" in text
    assert "ratios to redis-server 7.0.15: **1.00 without pipelining" in (tmp_path / "README.md").read_text()
    assert (tmp_path / "docs" / "speed.svg").read_text().startswith("<svg")


def test_a_summary_shows_the_least_test_and_those_that_miss() -> None:
    """Of a list of tests; and all other lines with a bar."""
    lines = [
        Line(f"-P 1 T{n}", "req/s", 1.0, 1.0, ratio, ">= 0.85", ratio >= 0.85)
        for n, ratio in enumerate((1.2, 0.8, 1.0, 0.84, 0.9))
    ]
    lines += [Line("-P 1 geometric mean", "req/s", 1.0, 1.0, 1.0, ">= 1", True), Line("p50", "ms", 1.0, 1.0)]
    shown = [row.split("|")[1].strip() for row in bars_results.as_summary("default", lines)]
    assert shown == ["default: -P 1 geometric mean, req/s", "default: least: -P 1 T1, req/s", "default: -P 1 T3, req/s"]
