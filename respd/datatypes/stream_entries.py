"""Views of a stream's entries, as ranges return them: spans of nodes, which are decoded when they are looked at."""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from respd.datatypes.stream_nodes import Cursor, Node, field_names, id_text

EVERYTHING: Final = -1


@final
@mypyc_attr(acyclic=True)
class Span:
    """`count` live entries of a node, from the offset `at` on; or, in a reversed range, those that end there."""

    def __init__(self, node: Node, at: i64, count: i64) -> None:
        self.ms: i64 = node.ms
        self.seq: i64 = node.seq
        self.body: bytes = node.body
        self.at: i64 = at
        self.count: i64 = count


@final
@mypyc_attr(acyclic=True)
class Entries:
    """Live entries of a stream, as they were when this was made: `count` of them, in spans, backwards if `reverse`."""

    def __init__(self, reverse: bool) -> None:
        self.reverse: bool = reverse
        self.spans: list[Span] = []
        self.count: i64 = 0

    def add(self, node: Node, at: i64, count: i64) -> None:
        """Add a span."""
        self.spans.append(Span(node, at, count))
        self.count += count

    def items(self) -> list[tuple[int, list[bytes]]]:
        """Return ids and fields."""
        found: list[tuple[int, list[bytes]]] = []
        for span in self.spans:
            cursor = Cursor(span.body, span.ms, span.seq)
            names = field_names(span.body)
            at = span.at
            left = span.count
            while left > 0:
                if self.reverse:
                    at = cursor.previous(at)
                cursor.open(at)
                if cursor.is_live():
                    found.append((cursor.id(), cursor.fields(names)))
                    left -= 1
                if not self.reverse:
                    at = cursor.next()
        return found

    def listed(self) -> list[object]:
        """Return [id, fields] for each, the id as clients see it."""
        found: list[object] = []
        for id, fields in self.items():
            found.append([id_text(id), fields])
        return found

    def ids(self, most: i64 = EVERYTHING) -> list[int]:
        """Return the ids, up to `most` of them."""
        found: list[int] = []
        for span in self.spans:
            if len(found) == most:
                break
            cursor = Cursor(span.body, span.ms, span.seq)
            at = span.at
            left = span.count
            while left > 0:
                if self.reverse:
                    at = cursor.previous(at)
                cursor.open(at)
                if cursor.is_live():
                    found.append(cursor.id())
                    left -= 1
                    if len(found) == most:
                        break
                if not self.reverse:
                    at = cursor.next()
        return found


def count_live(cursor: Cursor, at: i64, end: i64, most: i64) -> i64:
    """Return how many live entries stand between two offsets, `most` if there are more."""
    count: i64 = 0
    while count < most and at < end:
        cursor.open(at)
        if cursor.is_live():
            count += 1
        at = cursor.next()
    return count


def count_until(cursor: Cursor, at: i64, most: i64, ms: i64, seq: i64) -> i64:
    """Return how many of `most` live entries from `at` on have ids up to this one."""
    count: i64 = 0
    while count < most:
        cursor.open(at)
        if cursor.is_after(ms, seq):
            break
        if cursor.is_live():
            count += 1
        at = cursor.next()
    return count


def count_back_until(cursor: Cursor, at: i64, most: i64, ms: i64, seq: i64) -> i64:
    """Return how many of `most` live entries that end at `at` have ids from this one on."""
    count: i64 = 0
    while count < most:
        at = cursor.previous(at)
        cursor.open(at)
        if cursor.is_before(ms, seq):
            break
        if cursor.is_live():
            count += 1
    return count
