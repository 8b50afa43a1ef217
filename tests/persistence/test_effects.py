"""Every case of tests/cases once more: what respd logs of it in its append-only file, redis-server logs too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from respd.persistence.aof_reader import AofReader
from respd.persistence.manifest import parse
from tests.harness import Case, Pair, Side
from tests.harness_cli import CASES_HOME, load_cases
from tests.servers import Server, start_redis, start_respd

Logged = list[tuple[int, list[bytes]]]  # each command with its database

_OPTIONS = ("--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0")
_TOLERANCE_MS = 3000
_EPOCH_MS = 1_600_000_000_000


class LogTail:
    """Reads what a server has logged since the last look."""

    def __init__(self, server: Server) -> None:
        folder = Path(server.directory, "appendonlydir")
        manifest = parse((folder / "appendonly.aof.manifest").read_bytes())
        self.path = folder / manifest.increments[-1].name
        self.offset = 0
        self.database = 0

    def take(self) -> Logged:
        """Return the commands, without SELECTs."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read()
        self.offset += len(data)
        reader = AofReader()
        reader.feed(data)
        found: Logged = []
        while (words := reader.next()) is not None:
            name = words[0].upper()
            if name == b"SELECT":
                self.database = int(words[1])
            else:
                found.append((self.database, [name, *words[1:]]))
        assert reader.unread() == 0
        return found


@pytest.fixture(scope="module")
def logging_pair(oracle_program: str) -> Iterator[tuple[Pair, tuple[LogTail, LogTail]]]:
    respd, redis = start_respd(*_OPTIONS), start_redis(oracle_program, *_OPTIONS)
    pair = Pair(Side("respd", respd.port), Side("redis", redis.port))
    yield pair, (LogTail(respd), LogTail(redis))
    pair.close()
    respd.stop()
    redis.stop()


def _comparable(logged: Logged, waits: bool) -> Logged:
    """Put aside what may differ: redis-server logs an HDEL for each field of some hashes that expires.

    HINCRBYFLOAT it logs as HSETEX with KEEPTTL, which older servers do not know; we, where no field expires, as HSET.
    Where a case `waits`, what expires is deleted in any order, soon, and maybe in a transaction with what meets it.
    """
    found: Logged = []
    for number, words in logged:
        if waits and words[0] in (b"MULTI", b"EXEC", b"DEL", b"HDEL"):
            continue
        if words[0] == b"HDEL":
            found += [(number, [*words[:2], field]) for field in words[2:]]
        elif words[0] == b"HSETEX" and words[2:5] == [b"KEEPTTL", b"FIELDS", b"1"]:
            found.append((number, [b"HSET", words[1], *words[5:]]))
        else:
            found.append((number, words))
    return found


def _same_word(left: bytes, right: bytes) -> bool:
    if left == right:
        return True
    if left.isdigit() and right.isdigit() and min(int(left), int(right)) > _EPOCH_MS:
        return abs(int(left) - int(right)) <= _TOLERANCE_MS
    return False


def _is_same(left: tuple[int, list[bytes]], right: tuple[int, list[bytes]], loosely: bool) -> bool:
    if left[0] != right[0] or len(left[1]) != len(right[1]):
        return False
    if loosely:
        return left[1][:2] == right[1][:2]
    return all(_same_word(ours, theirs) for ours, theirs in zip(left[1], right[1]))


def _differences(one: Case, pair: Pair, tails: tuple[LogTail, LogTail]) -> list[str]:
    found: list[str] = []
    for resp, multi in one.variants():
        if resp != one.resp[0]:
            continue
        for side in pair.sides:
            side.begin(one)
        for tail in tails:
            tail.take()
        pair.run_steps(one, resp, multi, pipelined=multi, data=False)
        for side in pair.sides:
            side.admin.call("PING")
        waits = any(each.action == "wait" for each in one.steps)
        ours, theirs = (_comparable(tail.take(), waits) for tail in tails)
        loosely = one.data is not True
        if one.events == "unordered":
            ours, theirs = sorted(ours), sorted(theirs)
        if len(ours) != len(theirs) or not all(_is_same(*both, loosely) for both in zip(ours, theirs)):
            shown = "\n".join(f"    {each}" for each in one.steps)
            found.append(f"{one.name}{', inside MULTI' if multi else ''}\n{shown}\n  respd: {ours}\n  redis: {theirs}")
    return found


def _switches_the_log(one: Case) -> bool:
    return any(b"appendonly" in each.words for each in one.steps)


def _files() -> list[Path]:
    return sorted(CASES_HOME.glob("[!_]*.py"))


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.stem)
def test_the_log_is_that_of_redis(path: Path, logging_pair: tuple[Pair, tuple[LogTail, LogTail]]) -> None:
    pair, tails = logging_pair
    found: list[str] = []
    for one in load_cases(path):
        if not _switches_the_log(one):
            found += _differences(one, pair, tails)
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)
