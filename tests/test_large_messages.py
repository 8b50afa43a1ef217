"""Messages too large for what the kernel takes at once: whole, in order, and kept once for all who are slow."""

from __future__ import annotations

import pytest

from respd.commands import all_groups
from tests.local import Local
from tests.patience import until
from tests.servers import Server
from tests.wire import Connection

LARGE = b"l" * 3_000_000


@pytest.mark.parametrize("protocol", [2, 3])
def test_they_come_in_order(server: Server, protocol: int) -> None:
    """Sent in one turn, before the subscriber reads."""
    sent = [b"a", LARGE, b"b", b"c" * 70_000, LARGE[:65_536], b"d", b"e" * 100_000]
    with server.connect(resp=protocol) as slow, server.connect() as other:
        slow.call("SUBSCRIBE c")
        other.send(*[[b"PUBLISH", b"c", message] for message in sent])
        assert [other.read().value for _ in sent] == [1] * len(sent)
        heard = [slow.read() for _ in sent]
        assert [message.items[2].value for message in heard] == sent
        assert {message.kind for message in heard} == {">" if protocol == 3 else "*"}
        if protocol == 3:
            slow.send([b"PUBLISH", b"c", LARGE], "PING")
            assert {slow.read().kind for _ in range(2)} == {">", ":"}
            assert slow.read().value == b"PONG"


@pytest.mark.parametrize("name", ["server", "oracle"])
def test_what_is_not_read_is_told(name: str, request: pytest.FixtureRequest) -> None:
    """CLIENT LIST of a client that reads nothing: all but what the kernel has taken waits."""
    server: Server = request.getfixturevalue(name)
    with server.connect() as slow, server.connect() as other:
        number = slow.ask("CLIENT ID")
        other.ask(b"SET", b"large", LARGE)
        slow.send(*["GET large"] * 20)
        until(lambda: int(_fields(other, number)["omem"]) > 10 * len(LARGE), "replies to wait")
        fields = _fields(other, number)
        assert int(fields["omem"]) < 21 * len(LARGE)
        assert int(fields["tot-mem"]) > int(fields["omem"])
        assert int(fields["oll"]) > 0
        assert fields["obl"] == "0"
        assert fields["events"] == "rw"
        for _ in range(20):
            assert slow.read().value == LARGE
        until(lambda: _fields(other, number)["omem"] == "0", "everything to be sent")
        fields = _fields(other, number)
        assert [fields["oll"], fields["events"]] == ["0", "r"]


def _fields(connection: Connection, number: object) -> dict[str, str]:
    """The line of one client."""
    line = connection.ask(f"CLIENT LIST ID {number}")
    assert isinstance(line, bytes)
    return dict(word.split("=", 1) for word in line.decode().split())


def test_they_are_kept_once(memory: Local) -> None:
    subscribers = [memory.connect() for _ in range(3)]
    for subscriber in subscribers:
        memory.run("SUBSCRIBE c", subscriber)
    memory.run([b"PUBLISH", b"c", LARGE])
    (first,), (second,), (third,) = (subscriber.client.unsent for subscriber in subscribers)
    assert first is second and second is third
    assert subscribers[0].client.output_pending() == len(first)


@pytest.fixture
def memory() -> Local:
    made = Local(*all_groups())
    made.engine.shared.set_notify(0)
    return made
