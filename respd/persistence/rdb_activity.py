"""When consumers of a stream last got something, in snapshots of a version that tells only when they last asked.

It stands in an auxiliary field in front of the key, for those consumers that have asked since: so that redis-server 7.0
reads the file, and passes over the field. The value is a listpack: group, consumer and moment in ms (-1 for never),
and so on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.datatypes.listpacks import encode
from respd.datatypes.stream_groups import NEVER, ConsumerGroup
from respd.datatypes.strings import parse_int
from respd.persistence import listpacks
from respd.persistence.rdb_format import CorruptPayload

if TYPE_CHECKING:
    from librt.strings import BytesWriter

ACTIVITY: Final = b"stream-activity"
_EACH: Final = 3  # elements of a consumer


def encode_activity(groups: dict[bytes, ConsumerGroup], scratch: BytesWriter) -> bytes:
    """Return the value of the field; `scratch` is a writer to work with."""
    found: list[bytes] = []
    for name, group in groups.items():
        for consumer in group.consumers.values():
            if consumer.active_ms != consumer.seen_ms:
                found += [name, consumer.name, b"%d" % consumer.active_ms]
    return encode(found, scratch)


def restore_activity(groups: dict[bytes, ConsumerGroup], data: bytes) -> None:
    """Have the groups that were read know what the value of the field says; raise CorruptPayload."""
    words = listpacks.decode(data)
    if len(words) % _EACH:
        raise CorruptPayload("a consumer without its activity")
    for at in range(0, len(words), _EACH):
        moment = parse_int(words[at + 2])
        if moment is None or moment < NEVER:
            raise CorruptPayload("a consumer was active at no time that there is")
        group = groups.get(words[at])
        consumer = None if group is None else group.consumers.get(words[at + 1])
        if consumer is not None:
            consumer.active_ms = moment
