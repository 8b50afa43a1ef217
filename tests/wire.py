"""A reader of RESP2 and RESP3 replies that keeps their wire types, and a connection on top of it.

Client libraries turn `+OK` and `$2 OK` into the same thing, and a RESP3 set into a list. Here nothing is lost: a reply
is a `Frame` with the type byte it had on the wire, so that two servers can be compared exactly.
"""

from __future__ import annotations

import socket
import time
from typing import NamedTuple

from tests.patience import PATIENCE

AGGREGATES = "*%~>|"
TIMEOUT = "timeout"
CLOSED = "closed"


class Frame(NamedTuple):
    """One reply: its type byte and its value.

    `value` is an int for `:`, a tuple of frames for aggregates (a map is flat: key, value, key, value), None for the
    nulls `$-1`, `*-1` and `_`, and bytes otherwise. Two kinds are made up here: `timeout` (nothing came) and `closed`.
    """

    kind: str
    value: object

    def __str__(self) -> str:
        return "\n".join(render(self))

    @property
    def items(self) -> tuple[Frame, ...]:
        """The frames inside an aggregate; empty for anything else."""
        return self.value if isinstance(self.value, tuple) else ()


class Error(Exception):
    """An error reply as a value: equal to another with the same text."""

    def __init__(self, text: str | bytes) -> None:
        self.text = text.encode() if isinstance(text, str) else text
        super().__init__(self.text.decode(errors="backslashreplace"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Error) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


class Status(bytes):
    """A simple string as a value: equal to the bytes it holds."""

    def __repr__(self) -> str:
        return f"Status({bytes(self)!r})"


def render(frame: Frame, indent: str = "") -> list[str]:
    """Lines that show a frame to a person, one element a line."""
    if frame.kind in AGGREGATES and frame.value is not None:
        lines = [f"{indent}{frame.kind}{len(frame.items)}"]
        for item in frame.items:
            lines += render(item, indent + "  ")
        return lines
    if frame.value is None:
        return [f"{indent}{frame.kind} null" if frame.kind in "$*_" else f"{indent}({frame.kind})"]
    shown = repr(frame.value)[1:] if isinstance(frame.value, bytes) else str(frame.value)
    return [f"{indent}{frame.kind}{shown if len(shown) < 2000 else shown[:2000] + '... ' + str(len(shown))}"]


def plain(frame: Frame) -> object:
    """What a person would write for a reply: bytes, int, float, bool, None, list, dict, set, Status or Error."""
    kind, value = frame
    if value is None:
        return None
    if kind == "%":
        values = [plain(item) for item in frame.items]
        return dict(zip(values[::2], values[1::2], strict=True))
    if kind == "~":
        return {plain(item) for item in frame.items}
    if isinstance(value, tuple):
        return [plain(item) for item in frame.items]
    if isinstance(value, bytes):
        if kind in "-!":
            return Error(value)
        if kind == "+":
            return Status(value)
        if kind == ",":
            return float(value)
        if kind == "#":
            return value == b"t"
        if kind == "=":
            return value[4:]
        if kind == "(":
            return int(value)
    return value


class BadReply(Exception):
    """The server sent what is no RESP at all."""


class _Incomplete(Exception):
    """More bytes are needed."""


class ReplyReader:
    """Turn bytes into frames: `feed` takes chunks of any size, `next` returns a frame or None when it needs more."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Take more bytes from the wire."""
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0

    def next(self) -> Frame | None:
        """One whole frame, or None when it has not arrived yet."""
        if self._at >= len(self._buffer):
            return None
        try:
            frame, self._at = self._parse(self._at)
        except _Incomplete:
            return None
        return frame

    @property
    def pending(self) -> bytes:
        """What was fed and not yet returned."""
        return self._buffer[self._at :]

    def _parse(self, at: int) -> tuple[Frame, int]:
        end = self._buffer.find(b"\r\n", at)
        if end < 0:
            raise _Incomplete
        kind = chr(self._buffer[at])
        line = self._buffer[at + 1 : end]
        at = end + 2
        if kind in "+-,#(":
            return Frame(kind, line), at
        if kind == "_":
            return Frame(kind, None), at
        if kind not in "$=!:" + AGGREGATES:
            raise BadReply(self._buffer[max(0, at - 100) : at + 100])
        try:
            number = int(line)
        except ValueError:
            raise BadReply(self._buffer[max(0, at - 100) : at + 100]) from None
        if kind == ":":
            return Frame(kind, number), at
        if number < 0:
            return Frame(kind, None), at
        if kind in "$=!":
            if len(self._buffer) < at + number + 2:
                raise _Incomplete
            if self._buffer[at + number : at + number + 2] != b"\r\n":
                raise BadReply(self._buffer[at : at + number + 2][-100:])
            return Frame(kind, self._buffer[at : at + number]), at + number + 2
        items = []
        for _ in range(number * 2 if kind in "%|" else number):
            item, at = self._parse(at)
            items.append(item)
        return Frame(kind, tuple(items)), at


def encode(words: list[bytes]) -> bytes:
    """A command as clients send it: an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "b": b"\b", "a": b"\a"}


def split(line: str) -> list[bytes]:
    r"""The words of a line as redis-cli splits it: "double quotes" know \n \r \t \b \a \\ \" \xHH, 'single' only \'."""
    words: list[bytes] = []
    at = 0
    while True:
        while at < len(line) and line[at].isspace():
            at += 1
        if at == len(line):
            return words
        word = bytearray()
        quote = ""
        while at < len(line) and (quote or not line[at].isspace()):
            char = line[at]
            at += 1
            if not quote and char in "\"'":
                quote = char
            elif quote and char == quote:
                quote = ""
                if at < len(line) and not line[at].isspace():
                    raise ValueError(f"a closing quote must end its word: {line}")
            elif quote == '"' and char == "\\" and at < len(line):
                char = line[at]
                at += 1
                if char == "x":
                    word += bytes.fromhex(line[at : at + 2])
                    at += 2
                else:
                    word += _ESCAPES.get(char, char.encode())
            elif quote == "'" and char == "\\" and line[at : at + 1] == "'":
                word += b"'"
                at += 1
            else:
                word += char.encode()
        if quote:
            raise ValueError(f"unbalanced quotes: {line}")
        words.append(bytes(word))


def as_words(command: str | bytes | list[bytes] | list[str] | tuple[str | bytes | int | float, ...]) -> list[bytes]:
    """A command given as a line or as words, as words of bytes."""
    if isinstance(command, bytes):
        command = command.decode("latin-1")
    if isinstance(command, str):
        return split(command)
    return [word if isinstance(word, bytes) else str(word).encode() for word in command]


class Connection:
    """One client connection that speaks in words and frames. Use as a context manager, or `close` it."""

    def __init__(self, port: int, resp: int = 2, host: str = "127.0.0.1", timeout: float = PATIENCE) -> None:
        self.timeout = timeout
        self.reader = ReplyReader()
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if resp == 3:
            self.call("HELLO 3")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are; a connection the server has closed swallows them."""
        try:
            self.socket.settimeout(self.timeout)
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what the server said before it closed can still be read

    def send(self, *commands: str | list[bytes]) -> None:
        """Send commands in one piece and do not wait."""
        self.send_bytes(b"".join(encode(as_words(command)) for command in commands))

    def read(self, timeout: float | None = None) -> Frame:
        """The next frame; kind `timeout` when none comes in time, `closed` when the server has hung up."""
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            frame = self.reader.next()
            if frame is not None:
                return frame
            left = until - time.monotonic()
            if left <= 0:
                return Frame(TIMEOUT, None)
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                return Frame(TIMEOUT, None)
            except ConnectionResetError:
                data = b""
            if not data:
                return Frame(CLOSED, None)
            self.reader.feed(data)

    def call(self, command: str | list[bytes]) -> Frame:
        """Send one command and return its reply."""
        self.send(command)
        return self.read()

    def ask(self, *command: str | bytes | int | float) -> object:
        """Send one command, given as a line or as its words, and return its reply as a plain Python value."""
        words = split(command[0]) if len(command) == 1 and isinstance(command[0], str) else as_words(command)
        return plain(self.call(words))

    def pipeline(self, commands: list[list[bytes]]) -> list[Frame]:
        """Send commands in one piece and return all their replies."""
        self.send_bytes(b"".join(map(encode, commands)))
        return [self.read() for _ in commands]
