"""What the stream commands read alike: ids, the ends of ranges, options of trimming; and how ids are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg
from respd.datatypes.stream_entries import EVERYTHING
from respd.datatypes.stream_nodes import LAST_ID, id_text
from respd.datatypes.strings import parse_int
from respd.errors import SYNTAX, CommandError

if TYPE_CHECKING:
    from respd.context import Context
    from respd.datatypes.streams import Stream

if TYPE_CHECKING:
    pass

INVALID_ID: Final = b"ERR Invalid stream ID specified as stream command argument"
NO_SUCH_KEY: Final = b"ERR no such key"
SEQUENCE_MAX: Final = (1 << 64) - 1
_LONGEST: Final = 127
_SPACES: Final = b" \t\n\v\f\r"


def make_id(ms: int, seq: int) -> int:
    """Return the id of milliseconds and a sequence number."""
    return ms << 64 | seq


def id_arg(word: bytes, missing: int = 0) -> int:
    """Return the id that `word` spells; `missing` is the sequence number of one that has none. Raises INVALID_ID."""
    if len(word) > _LONGEST:
        raise CommandError(INVALID_ID)
    ms, dash, seq = word.partition(b"\0")[0].partition(b"-")
    if not dash:
        return _unsigned(ms) << 64 | missing
    return _unsigned(ms) << 64 | _unsigned(seq)


def open_id_arg(word: bytes, missing: int = 0) -> int:
    """Do as `id_arg`, but `-` and `+` are the lowest and the highest id."""
    if word[:1] in (b"-", b"+") and len(word) <= _LONGEST:
        text = word.partition(b"\0")[0]
        if text == b"-":
            return 0
        if text == b"+":
            return LAST_ID
    return id_arg(word, missing)


def new_id_arg(word: bytes) -> tuple[int, bool]:
    """Return the id for a new entry, and False when its sequence number is to be found: `ms-*`. Raises INVALID_ID."""
    text = word.partition(b"\0")[0]
    if text.endswith(b"-*") and text.find(b"-") == len(text) - 2 and len(word) <= _LONGEST:
        return _unsigned(text[:-2]) << 64, False
    return id_arg(word), True


def _unsigned(text: bytes) -> int:
    """Return the number of 64 bits without a sign that C would read, spaces, plus and zeros in front included."""
    number = parse_int(text)
    if number is not None:
        if number < 0:
            raise CommandError(INVALID_ID)
        return number
    digits = text.lstrip(_SPACES)
    negative = digits[:1] == b"-"
    if digits[:1] in (b"-", b"+"):
        digits = digits[1:]
    if not digits.isdigit():
        raise CommandError(INVALID_ID)
    number = int(digits)
    if number > SEQUENCE_MAX:
        raise CommandError(INVALID_ID)
    return -number & SEQUENCE_MAX if negative else number


def range_args(start: bytes, end: bytes) -> tuple[int, int]:
    """Return the ends of a range of ids, both included; `(id` leaves its end out, `-` and `+` are the utmost."""
    low = _end_arg(start, 0)
    if _is_exclusive(start):
        if low == LAST_ID:
            raise CommandError(b"ERR invalid start ID for the interval")
        low += 1
    high = _end_arg(end, SEQUENCE_MAX)
    if _is_exclusive(end):
        if high == 0:
            raise CommandError(b"ERR invalid end ID for the interval")
        high -= 1
    return low, high


def _is_exclusive(word: bytes) -> bool:
    return len(word) > 1 and word[:1] == b"("


def _end_arg(word: bytes, missing: int) -> int:
    return id_arg(word[1:], missing) if _is_exclusive(word) else open_id_arg(word, missing)


KEEP_REFERENCES: Final = 0
DELETE_REFERENCES: Final = 1
ACKNOWLEDGED: Final = 2
_POLICIES: Final = {b"KEEPREF": KEEP_REFERENCES, b"DELREF": DELETE_REFERENCES, b"ACKED": ACKNOWLEDGED}
_TWO_STRATEGIES: Final = b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
_NO_STRATEGY: Final = b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
_NEEDS_STRATEGY: Final = b"ERR syntax error, XTRIM must be called with a trimming strategy"
_NEEDS_TILDE: Final = b"ERR syntax error, LIMIT cannot be used without the special ~ option"
_NEGATIVE_MAXLEN: Final = b"ERR The MAXLEN argument must be >= 0."
_NEGATIVE_LIMIT: Final = b"ERR The LIMIT argument must be >= 0."
_NODES_AT_ONCE: Final = 100
_LIMIT_WITHOUT_NODES: Final = 10_000
_HIGHEST_LIMIT: Final = 1_000_000


@final
class Trimming:
    """The options of trimming among a command's words: to a length, or below an id; or none."""

    def __init__(self) -> None:
        self.by_length: bool = False
        self.by_id: bool = False
        self.approximately: bool = False
        self.threshold: int = 0  # the length, or the id
        self.limit: int = 0  # of entries to remove, 0 for any number
        self.at: int = 0  # the position of the threshold's word
        self.policy: int = -1
        self.policy_at: int = 0
        self.deleted: list[bytes] | None = None  # ids that trimming has removed here and there (ACKED)
        self.acknowledged: list[list[bytes]] | None = None  # a group, and ids that it has forgotten (DELREF)
        self._has_limit: bool = False

    def take(self, args: list[bytes], at: int) -> int:
        """Read the option at `at`, if it is one of trimming; return the position behind it, `at` if it is none."""
        name = args[at].upper()
        more = len(args) - 1 - at
        if more and name in (b"MAXLEN", b"MINID"):
            return self._take_strategy(args, at, name == b"MINID")
        if more and name == b"LIMIT":
            self.limit = int_arg(args[at + 1])
            if self.limit < 0:
                raise CommandError(_NEGATIVE_LIMIT)
            self._has_limit = True
            return at + 2
        policy = _POLICIES.get(name)
        if policy is not None:
            if self.policy >= 0:
                raise CommandError(SYNTAX)
            self.policy = policy
            self.policy_at = at
            return at + 1
        return at

    def _take_strategy(self, args: list[bytes], at: int, by_id: bool) -> int:
        if self.is_given():
            raise CommandError(_TWO_STRATEGIES)
        at += 1
        if at + 1 < len(args) and args[at] in (b"~", b"="):
            self.approximately = args[at] == b"~"
            at += 1
        if by_id:
            self.threshold = id_arg(args[at])
            self.by_id = True
        else:
            self.threshold = int_arg(args[at])
            if self.threshold < 0:
                raise CommandError(_NEGATIVE_MAXLEN)
            self.by_length = True
        self.at = at
        return at + 1

    def is_given(self) -> bool:
        """Tell whether there is anything to trim to."""
        return self.by_length or self.by_id

    def check(self, ctx: Context, is_needed: bool) -> None:
        """Check how the options fit together, and set the limit that approximate trimming has by default."""
        if self.limit and not self.is_given():
            raise CommandError(_NO_STRATEGY)
        if is_needed and not self.is_given():
            raise CommandError(_NEEDS_STRATEGY)
        if ctx.engine.loading is not None:  # what is logged has no limit
            self.limit = 0
        elif self._has_limit:
            if not self.approximately:
                raise CommandError(_NEEDS_TILDE)
        elif self.approximately:
            limit = int(ctx.limits.stream_node_entries) * _NODES_AT_ONCE
            self.limit = min(limit, _HIGHEST_LIMIT) if limit > 0 else _LIMIT_WITHOUT_NODES

    def trim(self, stream: Stream) -> int:
        """Trim a stream; return how many entries were removed."""
        length = -1 if self.by_id else self.threshold
        id = self.threshold if self.by_id else -1
        if self.policy == ACKNOWLEDGED and stream.groups:
            deleted = [id_text(each) for each in stream.trim_settled(length, id, self.approximately, self.limit)]
            self.deleted = deleted
            return len(deleted)
        forgets = self.policy == DELETE_REFERENCES and len(stream.groups) > 0
        before = stream.entries(0, LAST_ID, EVERYTHING, False) if forgets else None
        if self.by_id:
            removed = stream.trim_before(id, self.approximately, self.limit)
        else:
            removed = stream.trim_to_length(length, self.approximately, self.limit)
        if before is not None:
            self._forget(stream, before.ids(removed))
        return removed

    def _forget(self, stream: Stream, ids: list[int]) -> None:
        """Have all groups forget what has been trimmed."""
        forgotten: list[list[bytes]] = []
        for name, group in stream.groups.items():
            known: list[bytes] = []
            for id in ids:
                if group.acknowledge(id):
                    known.append(id_text(id))
            if known:
                forgotten.append([name, *known])
        self.acknowledged = forgotten

    def record(self, ctx: Context, words: list[bytes], stream: Stream) -> None:
        """Log a command that has trimmed, in words that every version knows.

        Approximate trimming is logged as the exact one with the same effect, what groups have forgotten as XACK.
        """
        if self.approximately:
            words[self.at - 1] = b"="
            words[self.at] = b"%d" % stream.length if self.by_length else id_text(stream.oldest_id())
        if self.policy >= 0:
            del words[self.policy_at]
        ctx.record(words)
        for group_and_ids in self.acknowledged or []:
            ctx.record([b"XACK", words[1], *group_and_ids])
