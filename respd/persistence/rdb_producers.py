"""What a stream remembers of its producers, in snapshots: redis-server 8.0 and older have no place for it.

So it stands in an auxiliary field in front of the key: those who do not know the name pass over it. The value is a
listpack: duration, size, numbers of messages and of duplicates, then for each producer its pid, the number of its
messages, and for each of these the iid and the two halves of the entry's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.datatypes.listpacks import encode
from respd.datatypes.stream_producers import Producers
from respd.datatypes.strings import parse_int
from respd.persistence import listpacks
from respd.persistence.rdb_format import CorruptPayload

if TYPE_CHECKING:
    from librt.strings import BytesWriter

PRODUCERS: Final = b"stream-producers"
_LOW: Final = (1 << 64) - 1
_FIGURES: Final = 4
_EACH: Final = 3  # elements of a message


def encode_producers(producers: Producers, scratch: BytesWriter) -> bytes:
    """Return the value of the field; `scratch` is a writer to work with."""
    found = [b"%d" % producers.duration_s, b"%d" % producers.max_size]
    found += [b"%d" % producers.added, b"%d" % producers.duplicates]
    for pid, own in producers.messages.items():
        found.append(pid)
        found.append(b"%d" % len(own))
        for iid, id in own.items():
            found += [iid, b"%d" % (id >> 64), b"%d" % (id & _LOW)]
    return encode(found, scratch)


def decode_producers(data: bytes) -> Producers:
    """Return what the value of the field says; raise CorruptPayload."""
    words = listpacks.decode(data)
    if len(words) < _FIGURES:
        raise CorruptPayload("a stream's producers without their figures")
    made = Producers()
    made.duration_s, made.max_size, made.added, made.duplicates = [_number(word) for word in words[:_FIGURES]]
    at = _FIGURES
    while at < len(words):
        if at + 1 == len(words):
            raise CorruptPayload("a producer without messages")
        end = at + 2 + _number(words[at + 1]) * _EACH
        if end > len(words):
            raise CorruptPayload("messages of a producer are missing")
        own: dict[bytes, int] = {}
        for place in range(at + 2, end, _EACH):
            own[words[place]] = _number(words[place + 1]) << 64 | _number(words[place + 2])
        made.messages[words[at]] = own
        at = end
    return made


def _number(word: bytes) -> int:
    number = parse_int(word) if len(word) < 19 else int(word) if word.isdigit() else None  # up to 64 bits
    if number is None or not 0 <= number <= _LOW:
        raise CorruptPayload("a number that is none among a stream's producers")
    return number
