"""The manifest of the append-only file: round trips, and Redis' errors for what is no manifest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.persistence.manifest import BASE, HISTORY, INCREMENT, LogFile, Manifest, ManifestError, parse

GOOD = b"file a.aof.2.base.rdb seq 2 type b\nfile a.aof.1.incr.aof seq 1 type h\nfile a.aof.4.incr.aof seq 4 type i\n"


def test_round_trip() -> None:
    manifest = parse(GOOD)
    assert manifest.format() == GOOD
    assert [part.name for part in manifest.parts()] == ["a.aof.2.base.rdb", "a.aof.4.incr.aof"]
    assert (manifest.base_seq, manifest.increment_seq) == (2, 4)


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\\"), min_size=1, max_size=60))
def test_any_name_survives(name: str) -> None:
    manifest = Manifest()
    manifest.base = LogFile(name, 1, BASE)
    assert [part.name for part in parse(manifest.format()).parts()] == [name]


def test_comments_and_unknown_keys_are_passed_over() -> None:
    manifest = parse(b"# made by hand\nFILE a seq 1 type i startoffset 7 endoffset 9\n")
    assert [(part.name, part.seq, part.kind) for part in manifest.parts()] == [("a", 1, INCREMENT)]


@pytest.mark.parametrize(
    "data, reason, line",
    [
        (b"", "Found an empty AOF manifest", 0),
        (b"\n", "Invalid AOF manifest file format", 1),
        (b"file a seq 1 type b", "The AOF manifest file contains too long line", 0),
        (b"file " + b"a" * 2000 + b" seq 1 type b\n", "The AOF manifest file contains too long line", 0),
        (b"file a seq 1\n", "Invalid AOF manifest file format", 1),
        (b"file a seq 1 type b extra\n", "Invalid AOF manifest file format", 1),
        (b'file "a seq 1 type b\n', "Invalid AOF manifest file format", 1),
        (b"file a seq 0 type b\n", "Invalid AOF manifest file format", 1),
        (b"file a seq x type b\n", "Invalid AOF manifest file format", 1),
        (b"file d/a seq 1 type b\n", "File can't be a path, just a filename", 1),
        (b"file a seq 1 type x\n", "Unknown AOF file type", 1),
        (b"file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information", 2),
        (b"file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number", 2),
    ],
)
def test_errors(data: bytes, reason: str, line: int) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(data)
    assert (caught.value.reason, caught.value.line) == (reason, line)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    try:
        parse(data)
    except ManifestError:
        pass


def test_a_rewrite_replaces_the_base_and_retires_the_increments() -> None:
    manifest = Manifest()
    assert manifest.new_base("a", True) == "a.1.base.rdb"
    assert manifest.new_increment("a") == "a.1.incr.aof"
    before = manifest.copy()
    assert manifest.new_increment("a") == "a.2.incr.aof"
    assert manifest.new_base("a", False) == "a.2.base.aof"
    manifest.retire_increments(1)
    assert [part.name for part in manifest.parts()] == ["a.2.base.aof", "a.2.incr.aof"]
    assert sorted((part.name, part.kind) for part in manifest.history) == [
        ("a.1.base.rdb", HISTORY),
        ("a.1.incr.aof", HISTORY),
    ]
    assert [part.name for part in before.parts()] == ["a.1.base.rdb", "a.1.incr.aof"]
