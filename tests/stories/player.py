"""Stories of several connections: everything that each of them is sent, step by step, by respd and by redis-server.

Where the cases of tests/harness.py compare replies, a story compares what arrives, on all connections and in its order:
replies, pushes, messages, and that the server has hung up. Nothing is awaited: connections are Unix sockets, so that
what a server has written has arrived; PINGs of an inspecting connection after each step tell that it has written
all.

A step is a line:
    2> GET k && SET k v       the second connection sends both commands in one piece
    2> GET k -> 2             and then it waits until it has been sent two frames
    2 close                   the second connection hangs up
    wait 5                    wait 5 ms
Connections are opened, in the protocol of the story, all at its beginning, in their order. `{id:2}` is the CLIENT ID of
the second one; in what is compared it reads `<id:2>`.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.servers import Server
from tests.wire import Frame, ReplyReader, encode, render, split

PATIENCE_S = 10.0
_OWN_COMMAND = re.compile(rb'\d+\.\d+ \[.*\] "(PING|CLIENT" "LIST)"$')
_FIRST_ID = 200  # smaller numbers in replies are no ids
_IDS = re.compile(rb"\b(id|redir)=(\d+)")
_STEP = re.compile(r"(\d+)(?: close|> (.*?)(?: -> (\d+))?)$", re.DOTALL)
_NUMBERS = re.compile(r"(?m)^(\d+)[> ]|\{id:(\d+)\}")
_PLACEHOLDER = re.compile(rb"\{id:(\d+)\}")

Heard = dict[int, list[str]]


@dataclass(frozen=True)
class Story:
    """A name, steps, and the protocol of the connections.

    `mask` matches what may differ; nobody looks at what the connection `unheard` is sent.
    """

    name: str
    steps: tuple[str, ...]
    resp: int = 3
    mask: str = ""
    unheard: int = 0

    def __str__(self) -> str:
        return self.name


def story(name: str, *steps: str, resp: Sequence[int] = (3,), mask: str = "") -> Iterator[Story]:
    """A story for each of the protocols."""
    for version in resp:
        yield Story(f"{name} (RESP{version})", steps, version, mask)


class Wire:
    """A connection whose bytes are taken when they are there."""

    def __init__(self, path: str) -> None:
        self.reader = ReplyReader()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(path)
        self.is_over = False
        self._waiting: list[Frame] = []  # arrived, and not taken

    def send(self, commands: list[list[bytes]]) -> None:
        """Send commands in one piece."""
        try:
            self.socket.settimeout(PATIENCE_S)
            self.socket.sendall(b"".join(map(encode, commands)))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has hung up: the story tells

    def take(self) -> list[Frame]:
        """What has arrived since the last time."""
        if not self.is_over:
            self.socket.setblocking(False)
        while self._receive():
            pass
        frames = self._waiting
        self._waiting = []
        return frames

    def wait(self, count: int) -> None:
        """Wait until so many frames have arrived that `take` will return."""
        self.socket.settimeout(PATIENCE_S)
        while len(self._waiting) < count and self._receive():
            pass

    def ask(self, *words: bytes) -> Frame:
        """Send one command and wait for its reply."""
        self.send([list(words)])
        self.wait(1)
        return self._waiting.pop(0)

    def _receive(self) -> bool:
        if self.is_over:
            return False
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        self.reader.feed(data)
        while (frame := self.reader.next()) is not None:
            self._waiting.append(frame)
        if not data:
            self.is_over = True
            self._waiting.append(Frame("closed", None))
        return True


class Player:
    """Plays stories on one server."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.admin = Wire(path)
        while self._id_of(self.admin) < _FIRST_ID:
            self.admin.socket.close()
            self.admin = Wire(path)
        self.wires: dict[int, Wire] = {}
        self.names: dict[int, int] = {}
        self.ids: dict[int, int] = {}
        self.mask: re.Pattern[bytes] | None = None
        self._flushes = False

    def close(self) -> None:
        """Hang up."""
        self.admin.socket.close()

    def settle(self) -> None:
        """Wait until the server has answered whatever was sent to it.

        The first PING may overtake what was sent, the second makes a table that is too large smaller, and redis-server
        writes the answer to that before it tells the others.
        """
        for _ in range(3):
            self.admin.ask(b"PING")

    def play(self, told: Story) -> list[Heard]:
        """Play a story on an empty server; return what the connections heard at each step."""
        self.mask = re.compile(told.mask.encode(), re.MULTILINE) if told.mask else None
        for words in (b"CLIENT UNPAUSE", b"DEBUG SET-ACTIVE-EXPIRE 1", b"FLUSHALL SYNC"):
            self.admin.ask(*words.split())
        for number in sorted(int(one or other) for one, other in set(_NUMBERS.findall("\n".join(told.steps)))):
            if number not in self.wires:
                self._open(number, told.resp)
        heard: list[Heard] = []
        self._flushes = False
        try:
            for step in told.steps:
                self._do(step)
                heard.append(self._listen(told.unheard))
        finally:
            for wire in self.wires.values():
                wire.socket.close()
            self.wires, self.names, self.ids = {}, {}, {}
            self.settle()
        return heard

    def _open(self, number: int, resp: int) -> None:
        wire = Wire(self.path)
        if resp == 3:
            wire.ask(b"HELLO", b"3")
        id = self._id_of(wire)
        self.wires[number] = wire
        self.names[id] = number
        self.ids[number] = id

    def _id_of(self, wire: Wire) -> int:
        id = wire.ask(b"CLIENT", b"ID").value
        assert isinstance(id, int)
        return id

    def _do(self, step: str) -> None:
        if step.startswith("wait "):
            time.sleep(int(step[5:]) / 1000)
            return
        found = _STEP.match(step)
        assert found, step
        number = int(found[1])
        wire = self.wires[number]
        if found[2] is None:
            wire.socket.close()
            wire.is_over = True
        else:
            wire.send([[self._fill(word) for word in split(line)] for line in found[2].split(" && ")])
            wire.wait(int(found[3] or 0))
        self.settle()
        self._flushes = self._flushes or "FLUSH" in step  # a client that is blocked now will flush later
        if self._flushes:
            self._await_flushes()

    def _await_flushes(self) -> None:
        """Wait until redis-server's thread has freed what was flushed, and the client has been told."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            clients = self.admin.ask(b"CLIENT", b"LIST").value
            assert isinstance(clients, bytes)
            if not re.search(rb"flags=[a-zA-Z]*b.* cmd=flush", clients):
                break
        self.settle()

    def _fill(self, word: bytes) -> bytes:
        return _PLACEHOLDER.sub(lambda found: b"%d" % self.ids[int(found[1])], word)

    def _listen(self, unheard: int) -> Heard:
        return {
            number: [
                line
                for frame in wire.take()
                if number != unheard and not _is_own(frame)
                for line in render(self._named(frame))
            ]
            for number, wire in sorted(self.wires.items())
        }

    def _named(self, frame: Frame) -> Frame:
        """A frame with the ids of the story's connections as names, and without what may differ."""
        if frame.items:
            if frame.items[0].value == b"server":
                return Frame("+", b"a greeting in RESP%d" % (3 if frame.kind == "%" else 2))
            return Frame(frame.kind, tuple(map(self._named, frame.items)))
        value = frame.value
        if isinstance(value, int) and value in self.names:
            return Frame(frame.kind, f"<id:{self.names[value]}>")
        if isinstance(value, bytes):
            value = _IDS.sub(self._name_of, value)
            if value.startswith((b"id=", b"txt:id=")):
                value = _lines_of_clients(value)
            if self.mask is not None:
                value = re.sub(b"~+", b"~", self.mask.sub(b"~", value))
            return Frame(frame.kind, value)
        return frame

    def _name_of(self, found: re.Match[bytes]) -> bytes:
        number = self.names.get(int(found[2]))
        return found[0] if number is None else b"%b=<id:%d>" % (found[1], number)


def _is_own(frame: Frame) -> bool:
    """Tell whether a frame is MONITOR's of a command of the inspecting connection."""
    return isinstance(frame.value, bytes) and _OWN_COMMAND.match(frame.value) is not None


def _lines_of_clients(text: bytes) -> bytes:
    """CLIENT LIST without the connections of others, in order: redis-server's cron turns its list round."""
    lines = text.removeprefix(b"txt:").splitlines(keepends=True)
    return b"".join(sorted(line for line in lines if line.startswith(b"id=<")))


def differences(told: Story, ours: list[Heard], theirs: list[Heard]) -> str:
    """Tell where two servers part, or nothing: the steps up to there, and what was heard."""
    for place, (left, right) in enumerate(zip(ours, theirs, strict=True)):
        if left != right:
            lines = [told.name, *(f"    {step}" for step in told.steps[: place + 1])]
            for number in left:
                if left[number] != right[number]:
                    lines += [f"connection {number} of respd:", *(f"    {line}" for line in left[number])]
                    lines += [f"connection {number} of redis-server:", *(f"    {line}" for line in right[number])]
            return "\n".join(lines)
    return ""


def socket_of(server: Server) -> str:
    """Where a server of `SOCKET` listens."""
    return f"{server.directory}/story.sock"


SOCKET = ("--unixsocket", "story.sock")
