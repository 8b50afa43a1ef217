"""The parts of the benchmarks that others rely on: counting replies, holding figures against bars and baselines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks import bars_results, bars_syscalls, instruction_script, instructions, load
from benchmarks.bars_results import Line
from tests.wire import encode


@pytest.mark.parametrize(
    "data, replies",
    [
        (b"+OK\r\n", 1),
        (b":1\r\n:2\r\n", 2),
        (b"$-1\r\n$3\r\na\r\n\r\n", 2),
        (b"*2\r\n$1\r\na\r\n*1\r\n:5\r\n+OK\r\n", 2),
        (b"*0\r\n-ERR no\r\n", 2),
    ],
)
def test_replies_are_counted(data: bytes, replies: int) -> None:
    assert load.count_replies(data) == replies


def test_commands_are_encoded_as_clients_do() -> None:
    assert load.encode("SET", b"k", 1) == encode([b"SET", b"k", b"1"])
    assert instruction_script.encode(["SET", "k", "1"]) == encode([b"SET", b"k", b"1"])


def test_pieces_hold_all_commands() -> None:
    assert list(load.pieces([b"a", b"b", b"c"], 2)) == [(b"ab", 2), (b"c", 1)]


def test_a_pattern_makes_the_same_commands_each_time() -> None:
    first, second = (instruction_script.commands("SET k:# v:@", 1) for _ in range(2))
    made = [next(first) for _ in range(3)]
    assert made == [next(second) for _ in range(3)]
    assert b"$3\r\nv:2\r\n" in made[2]


def test_every_scenario_has_its_own_name() -> None:
    names = [scenario.name for scenario in instruction_script.SCENARIOS]
    assert len(set(names)) == len(names)


def test_a_rate_is_held_against_the_median_of_the_ratios() -> None:
    line = bars_results.at_least("GET", "req/s", [90.0, 10.0, 80.0], [100.0, 100.0, 100.0], 0.8)
    assert (line.ratio, line.reached, line.verdict) == (0.8, True, "reached")
    assert not bars_results.at_least("GET", "req/s", [70.0], [100.0], 0.8).reached


def test_costs_and_limits_must_not_be_exceeded() -> None:
    assert bars_results.at_most("a string", "bytes", 200.0, 100.0, 2.0).reached
    assert not bars_results.limit("pause", "ms", 21.0, 1.0, 20.0).reached


def test_the_table_tells_what_is_missed() -> None:
    lines = [Line("GET", "req/s", 50.0, 100.0, 0.5, ">= 0.8", False), Line("p50", "ms", 1.0, 1.0)]
    text = bars_results.as_text("default", lines)
    assert "MISSED" in text.splitlines()[1]
    assert json.loads(bars_results.as_json({}, {"default": lines}))["rows"]["default"][0]["ratio"] == 0.5


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the next run of the guard will count."""
    counts: dict[str, float] = {}
    monkeypatch.setattr(instructions, "count", lambda names: counts)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    return counts


def _checked(path: Path, made_with: dict[str, str] | None = None, **counts: float) -> Result:
    path.write_text(json.dumps({"made_with": made_with or instructions.made_with(), "instructions": counts}))
    return CliRunner().invoke(instructions.main, ["--check", str(path)])


@pytest.mark.parametrize("now, status", [(109.0, 0), (111.0, 1), (50.0, 0)])
def test_the_guard_fails_when_a_command_is_much_worse(
    tmp_path: Path, counted: dict[str, float], now: float, status: int
) -> None:
    counted["GET"] = now
    done = _checked(tmp_path / "b.json", GET=100.0)
    assert done.exit_code == status
    assert ("GET" in done.output.splitlines()[-1]) == bool(status)


def test_the_guard_accepts_new_commands(tmp_path: Path, counted: dict[str, float]) -> None:
    counted.update(GET=1.0, NEW=5.0)
    assert _checked(tmp_path / "b.json", GET=1.0).exit_code == 0


def test_the_guard_fails_when_a_command_is_no_longer_counted(tmp_path: Path, counted: dict[str, float]) -> None:
    counted["GET"] = 1.0
    done = _checked(tmp_path / "b.json", GET=1.0, OLD=1.0)
    assert done.exit_code == 1
    assert "no longer counted: OLD" in done.output


@pytest.mark.parametrize("what", instructions.COMPARABLE)
def test_the_guard_does_not_compare_counts_of_another_python_or_libc(
    tmp_path: Path, counted: dict[str, float], what: str
) -> None:
    counted["GET"] = 100.0
    done = _checked(tmp_path / "b.json", {**instructions.made_with(), what: "other"}, GET=100.0)
    assert done.exit_code == 1
    assert f"made with {what} other" in done.output
    assert "--write other.json" in done.output


@pytest.mark.parametrize("now, status", [(109.0, 0), (111.0, 1)])
def test_another_compiler_of_respd_is_named_and_compared(
    tmp_path: Path, counted: dict[str, float], now: float, status: int
) -> None:
    counted["GET"] = now
    done = _checked(tmp_path / "b.json", {**instructions.made_with(), "compiler": "GCC: 1.0"}, GET=100.0)
    assert done.exit_code == status
    assert "made with compiler GCC: 1.0" in done.output


def test_what_is_counted_sees_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("ANYTHING", "x" * 1000)
    environment = instructions.environment()
    assert environment["PYTHONHASHSEED"] == "0"
    assert environment["LC_ALL"] == "C.UTF-8"
    assert "ANYTHING" not in environment


def test_the_committed_baseline_has_what_is_counted_today() -> None:
    document = json.loads(Path(instructions.__file__).with_name("instructions.json").read_text())
    assert document["made_with"].keys() == instructions.made_with().keys()
    assert set(document["instructions"]) == {scenario.name for scenario in instruction_script.SCENARIOS}


def test_without_valgrind_the_guard_says_that_it_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None)
    done = CliRunner().invoke(instructions.main, [])
    assert done.exit_code == 0
    assert "SKIPPED" in done.output


def test_counts_are_read_from_what_callgrind_wrote(tmp_path: Path) -> None:
    (tmp_path / "counted.1").write_text("events: Ir\nsummary: 9600\ntotals: 12345\n")
    assert instructions.parse_run("compiled\n960 GET\n", tmp_path) == {"GET": 10.0}
    with pytest.raises(instructions.Uncounted, match="interpreted"):
        instructions.parse_run("interpreted\n960 GET\n", tmp_path)


STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 70.10    0.150000          15     10001           sendto
 29.80    0.100000          10     10016        12 recvfrom
  0.10    0.000001           1        20           epoll_wait
  0.00    0.000000           0         7           accept4
------ ----------- ----------- --------- --------- ----------------
100.00    0.250001          12     20044        12 total
"""


def test_system_calls_are_read_from_straces_table() -> None:
    calls = bars_syscalls.parse(STRACE)
    assert calls == {"sendto": 10001, "recvfrom": 10016, "epoll_wait": 20, "accept4": 7}
    assert bars_syscalls.groups(calls) == {"reads": 10016, "writes": 10001, "waits": 20, "others": 7}
