"""`respd check-aof`: what it says of sound and of damaged logs, and what it cuts off."""

from __future__ import annotations

from pathlib import Path

import pytest

from respd.check_aof import AofCheck
from respd.persistence.disk import Disk
from tests.wire import encode

SET = encode([b"SET", b"k", b"v"])
CUT = encode([b"MULTI"]) + SET
BASE = "a.1.base.aof"
INCREMENT = "a.1.incr.aof"


class Checker:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def write(self, base: bytes, increment: bytes) -> None:
        (self.folder / BASE).write_bytes(base)
        (self.folder / INCREMENT).write_bytes(increment)
        (self.folder / "a.manifest").write_text(f"file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n")

    def check(self, name: str = "a.manifest", answer: bool = True, fixes: bool = False, until_s: int = -1) -> int:
        self.said = []
        say = self.said.append
        check = AofCheck(Disk(), say, lambda _: answer, lambda _: None, fixes, until_s)
        return check.run(str(self.folder / name))

    def increment(self) -> bytes:
        return (self.folder / INCREMENT).read_bytes()


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    return Checker(tmp_path)


def test_a_sound_log(checker: Checker) -> None:
    checker.write(SET, SET + SET)
    assert checker.check() == 0
    assert checker.said == [
        "Start checking Multi Part AOF",
        "Start to check BASE AOF (RESP format).",
        f"AOF analyzed: filename={BASE}, size={len(SET)}, ok_up_to={len(SET)}, diff=0",
        f"BASE AOF {BASE} is valid",
        "Start to check INCR files.",
        f"AOF analyzed: filename={INCREMENT}, size={2 * len(SET)}, ok_up_to={2 * len(SET)}, diff=0",
        f"INCR AOF {INCREMENT} is valid",
        "All AOF files and manifest are valid",
    ]


@pytest.mark.parametrize("damage", [CUT, SET[:-1], b"garbage\r\n", b"\x00" * 10])
def test_damage_at_the_end_is_told_and_cut_when_asked(checker: Checker, damage: bytes) -> None:
    checker.write(SET, SET + damage)
    assert checker.check() == 1
    assert checker.said[-1] == f"AOF {INCREMENT} is not valid. Use the --fix option to try fixing it."
    assert checker.check(fixes=True, answer=False) == 1
    assert checker.increment() == SET + damage
    assert checker.check(fixes=True) == 0
    assert checker.increment() == SET
    assert checker.check() == 0
    assert checker.said[-1] == "All AOF files and manifest are valid"


def test_only_the_last_file_is_cut(checker: Checker) -> None:
    checker.write(SET + b"*1", SET)
    assert checker.check(fixes=True) == 1
    assert checker.said[-1] == f"Failed to truncate AOF {BASE} because it is not the last file"


def test_a_single_file(checker: Checker) -> None:
    checker.write(b"", SET + b"*")
    assert checker.check(INCREMENT) == 1
    assert checker.said[0] == "Start checking Old-Style AOF"
    assert checker.check(BASE) == 0
    assert checker.said[-1] == f"AOF {BASE} is empty"


def test_what_was_logged_too_late_is_cut(checker: Checker) -> None:
    early = b"#TS:100\r\n" + SET
    checker.write(SET, early + b"#TS:200\r\n" + SET)
    assert checker.check(until_s=200) == 0
    assert f"Truncate nothing in AOF {INCREMENT} to timestamp 200" in checker.said
    assert checker.check(until_s=150) == 0
    assert f"Successfully truncated AOF {INCREMENT} to timestamp 150" in checker.said
    assert checker.increment() == early
    assert checker.check(until_s=50) == 1
    assert checker.said[-1] == f"AOF {INCREMENT} has nothing before timestamp 50, aborting..."


def test_a_manifest_that_is_none(checker: Checker) -> None:
    checker.write(SET, SET)
    (checker.folder / "a.manifest").write_bytes(b"")
    assert checker.check() == 1
    assert checker.said[-1] == "Found an empty AOF manifest"


def test_a_missing_file(checker: Checker) -> None:
    checker.write(SET, SET)
    (checker.folder / INCREMENT).unlink()
    assert checker.check() == 1
    assert "No such file or directory" in checker.said[-1]
