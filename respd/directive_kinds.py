"""Kinds of values that directives take: how words become a value, and the value its words again.

Messages are redis-server's, which CONFIG SET and the lines about a bad configuration file show.
"""

from typing import Final

from respd.datatypes.strings import parse_int
from respd.keyspace_events import format_classes, parse_classes

INT_MAX: Final = 2**31 - 1
LONG_MAX: Final = 2**63 - 1
ULONG_MAX: Final = 2**64 - 1
MEGABYTE: Final = 1 << 20
GIGABYTE: Final = 1 << 30
MAX_BIND_ADDRESSES: Final = 16

_UNITS: Final = {
    b"": 1,
    b"b": 1,
    b"k": 1000,
    b"kb": 1 << 10,
    b"m": 1000_000,
    b"mb": 1 << 20,
    b"g": 1000_000_000,
    b"gb": 1 << 30,
}
_TITLE_FIELDS: Final = (
    b"title",
    b"listen-addr",
    b"server-mode",
    b"port",
    b"tls-port",
    b"unixsocket",
    b"config-file",
)


class ConfigError(Exception):
    """A value that a directive refuses; `reason` is Redis' text for it, without any frame."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_memory(word: bytes) -> int:
    """Return the bytes that `word` means (`10`, `10k`, `10mb`...), or -1 when it is no amount of memory."""
    digits = 0
    while digits < len(word) and 48 <= word[digits] <= 57:
        digits += 1
    unit = _UNITS.get(word[digits:].lower(), 0)
    if unit == 0 or digits > 127:
        return -1
    return min(int(word[:digits] or b"0"), ULONG_MAX) * unit % (ULONG_MAX + 1)


def format_memory(size_bytes: int) -> bytes:
    """Return `size_bytes` with the largest unit that divides it, as CONFIG REWRITE writes it."""
    for unit, name in ((GIGABYTE, b"gb"), (MEGABYTE, b"mb"), (1024, b"kb")):
        if size_bytes and size_bytes % unit == 0:
            return b"%d%b" % (size_bytes // unit, name)
    return b"%d" % size_bytes


def quoted(data: bytes) -> bytes:
    """Return `data` in double quotes, escaped so that a configuration line gives it back."""
    out = bytearray(b'"')
    for byte in data:
        if byte in b'\\"':
            out += b"\\" + bytes([byte])
        elif 32 <= byte < 127:
            out.append(byte)
        elif byte in b"\n\r\t\a\b":
            out += b"\\" + b"nrtab"[b"\n\r\t\a\b".index(byte) :][:1]
        else:
            out += b"\\x%02x" % byte
    return bytes(out + b'"')


class Kind:
    """How the words of a directive become a value, and the value its words again."""

    def __init__(self) -> None:
        self.takes_many = False

    def parse(self, words: list[bytes], before: object) -> object:
        """Return the value that `words` mean; raises ConfigError. `before` is the value that they replace or extend."""
        raise NotImplementedError

    def show(self, value: object) -> bytes:
        """Return `value` as CONFIG GET answers it."""
        raise NotImplementedError

    def lines(self, name: bytes, value: object) -> list[bytes]:
        """Return the configuration lines that give `value` to the directive `name`."""
        return [name + b" " + self.show(value)]


class Bool(Kind):
    """`yes` or `no`; the value is a bool."""

    def parse(self, words: list[bytes], before: object) -> object:
        word = words[0].lower()
        if word not in (b"yes", b"no"):
            raise ConfigError(b"argument must be 'yes' or 'no'")
        return word == b"yes"

    def show(self, value: object) -> bytes:
        return b"yes" if value else b"no"


class Integer(Kind):
    """A decimal number between two bounds; the value is an int."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low = low
        self.high = high

    def parse(self, words: list[bytes], before: object) -> object:
        number = parse_int(words[0])
        if number is None:
            raise ConfigError(b"argument couldn't be parsed into an integer")
        return self.bounded(number)

    def bounded(self, number: int) -> int:
        """Return `number` when it is within the bounds."""
        if not self.low <= number <= self.high:
            raise ConfigError(b"argument must be between %d and %d inclusive" % (self.low, self.high))
        return number

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return b"%d" % value


class Clamped(Integer):
    """A number that is moved into `least` to `most` when it lies outside, as hz is."""

    def __init__(self, low: int, high: int, least: int, most: int) -> None:
        super().__init__(low, high)
        self.least = least
        self.most = most

    def bounded(self, number: int) -> int:
        return min(max(super().bounded(number), self.least), self.most)


class Memory(Integer):
    """A number of bytes, with a unit if one likes."""

    def parse(self, words: list[bytes], before: object) -> object:
        size_bytes = parse_memory(words[0])
        if size_bytes < 0:
            raise ConfigError(b"argument must be a memory value")
        return self.bounded(size_bytes)

    def lines(self, name: bytes, value: object) -> list[bytes]:
        assert isinstance(value, int)
        return [name + b" " + format_memory(value)]


class MemoryOrPercent(Memory):
    """A number of bytes, or a part of maxmemory: 5% is kept as -5."""

    def parse(self, words: list[bytes], before: object) -> object:
        word = words[0]
        if word.endswith(b"%"):
            percent = parse_int(word[:-1])
            if percent is not None and percent > 100:
                raise ConfigError(b"percentage argument must be less or equal to 100")
            if percent is not None and percent >= 0:
                return -percent
        size_bytes = parse_memory(word)
        if not 0 <= size_bytes <= self.high:
            raise ConfigError(b"argument must be a memory or percent value")
        return size_bytes

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return b"%d%%" % -value if value < 0 else b"%d" % value

    def lines(self, name: bytes, value: object) -> list[bytes]:
        assert isinstance(value, int)
        return [name + b" " + self.show(value)] if value < 0 else super().lines(name, value)


class Octal(Integer):
    """File permissions in octal."""

    def parse(self, words: list[bytes], before: object) -> object:
        word = words[0]
        if not word.removeprefix(b"-").isdigit() or b"8" in word or b"9" in word:
            raise ConfigError(b"argument couldn't be parsed as an octal number")
        number = int(word, 8)
        if not self.low <= number <= self.high:
            raise ConfigError(b"argument must be between %o and %o inclusive" % (self.low, self.high))
        return number

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return b"%o" % value


class Choice(Kind):
    """One of a few words, in any case; the value is the word in lower case. Errors do not tell of the `later` words."""

    def __init__(self, words: tuple[bytes, ...], later: tuple[bytes, ...] = ()) -> None:
        super().__init__()
        self.words = words
        self.later = later

    def parse(self, words: list[bytes], before: object) -> object:
        word = words[0].lower()
        if word not in self.words and word not in self.later:
            raise ConfigError(b"argument(s) must be one of the following: " + b", ".join(self.words))
        return word

    def show(self, value: object) -> bytes:
        assert isinstance(value, bytes)
        return value


class ShutdownOptions(Choice):
    """Any of several words, shown in the table's order; the first of them means none of the others."""

    def __init__(self, words: tuple[bytes, ...]) -> None:
        super().__init__(words)
        self.takes_many = True

    def parse(self, words: list[bytes], before: object) -> object:
        chosen = set()
        for word in words:
            chosen.add(super().parse([word], before))
        if not chosen:
            super().parse([b""], before)
        if b"save" in chosen and b"nosave" in chosen:
            raise ConfigError(b"shutdown options SAVE and NOSAVE can't be used simultaneously")
        return b" ".join([word for word in self.words[1:] if word in chosen]) or self.words[0]


class Text(Kind):
    """Any word; the value is bytes."""

    def parse(self, words: list[bytes], before: object) -> object:
        return words[0]

    def show(self, value: object) -> bytes:
        assert isinstance(value, bytes)
        return value

    def lines(self, name: bytes, value: object) -> list[bytes]:
        assert isinstance(value, bytes)
        return [name + b" " + quoted(value)]


class FileName(Text):
    """The name of a file without a folder."""

    def __init__(self, name: bytes, may_be_empty: bool) -> None:
        super().__init__()
        self.name = name
        self.may_be_empty = may_be_empty

    def parse(self, words: list[bytes], before: object) -> object:
        if not words[0] and not self.may_be_empty:
            raise ConfigError(self.name + b" can't be empty")
        if b"/" in words[0]:
            noun = b"dirname" if self.name == b"appenddirname" else b"filename"
            raise ConfigError(self.name + b" can't be a path, just a " + noun)
        return words[0]


class HostName(Text):
    """The name of a machine."""

    def parse(self, words: list[bytes], before: object) -> object:
        name = words[0]
        if len(name) >= 256:
            raise ConfigError(b"Hostnames must be less than 256 characters")
        if not name.replace(b"-", b"a").replace(b".", b"a").isalnum() and name:
            raise ConfigError(b"Hostnames may only contain alphanumeric characters, hyphens or dots")
        return name


class TitleTemplate(Text):
    """The template of the process title, with fields in braces."""

    def parse(self, words: list[bytes], before: object) -> object:
        title = expand_title(words[0], {b"listen-addr": b"*:0", b"port": b"0", b"tls-port": b"0"})
        if title is None or not title.strip():
            raise ConfigError(b"template format is invalid or contains unknown variables")
        return words[0]


def expand_title(template: bytes, fields: dict[bytes, bytes]) -> bytes | None:
    """Return `template` with its fields filled in, or None when it names an unknown one or a brace is left open."""
    parts = template.split(b"{")
    title = parts[0]
    for part in parts[1:]:
        name, closed, rest = part.partition(b"}")
        if not closed or name not in _TITLE_FIELDS:
            return None
        title += fields.get(name, b"") + rest
    return title


class Locale(Text):
    """The name of a locale that this system knows."""

    def parse(self, words: list[bytes], before: object) -> object:
        import locale

        try:
            locale.setlocale(locale.LC_COLLATE, words[0].decode("latin-1"))
        except (locale.Error, ValueError):
            raise ConfigError(b"Invalid locale name") from None
        return words[0]


class Addresses(Kind):
    """The addresses to listen on; the value is a list of bytes, empty for none."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_many = True

    def parse(self, words: list[bytes], before: object) -> object:
        if len(words) > MAX_BIND_ADDRESSES:
            raise ConfigError(b"Too many bind addresses specified.")
        return [] if words == [b""] else list(words)

    def show(self, value: object) -> bytes:
        assert isinstance(value, list)
        return b" ".join(value)

    def lines(self, name: bytes, value: object) -> list[bytes]:
        assert isinstance(value, list)
        return [name + b" " + (b" ".join(value) or b'""')]


class SavePoints(Kind):
    """Pairs of seconds and changes; the value is a list of pairs, to which further lines of a file add."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_many = True

    def parse(self, words: list[bytes], before: object) -> object:
        assert isinstance(before, list)
        if words in ([], [b""]):
            return []
        if len(words) % 2:
            raise ConfigError(b"Invalid save parameters")
        points = list(before)
        for index in range(0, len(words), 2):
            seconds = parse_int(words[index])
            changes = parse_int(words[index + 1])
            if seconds is None or changes is None or seconds < 1 or changes < 0:
                raise ConfigError(b"Invalid save parameters")
            points.append((seconds, changes))
        return points

    def show(self, value: object) -> bytes:
        assert isinstance(value, list)
        return b" ".join([b"%d %d" % point for point in value])

    def lines(self, name: bytes, value: object) -> list[bytes]:
        assert isinstance(value, list)
        return [name + b" %d %d" % point for point in value] or [name + b' ""']


class OutputLimits(Kind):
    """Limits of client output buffers by class; the value is a list of three: normal, replica, pubsub.

    Each is a tuple: close the client at so many bytes, or at so many when it stays over them for so many seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.takes_many = True

    def parse(self, words: list[bytes], before: object) -> object:
        assert isinstance(before, list)
        if len(words) % 4:
            raise ConfigError(b"Wrong number of arguments in buffer limit configuration.")
        limits = list(before)
        for index in range(0, len(words), 4):
            client_class = _output_class(words[index].lower())
            hard_bytes = parse_memory(words[index + 1])
            soft_bytes = parse_memory(words[index + 2])
            seconds = parse_int(words[index + 3])
            if hard_bytes < 0 or soft_bytes < 0 or seconds is None or seconds < 0:
                raise ConfigError(b"Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            limits[client_class] = (hard_bytes, soft_bytes, seconds)
        return limits

    def show(self, value: object) -> bytes:
        assert isinstance(value, list)
        return b" ".join(
            [
                b"%b %d %d %d" % (name, limit[0], limit[1], limit[2])
                for name, limit in zip((b"normal", b"slave", b"pubsub"), value)
            ]
        )

    def lines(self, name: bytes, value: object) -> list[bytes]:
        assert isinstance(value, list)
        lines = []
        for class_name, limit in zip((b"normal", b"replica", b"pubsub"), value):
            hard, soft = format_memory(limit[0]), format_memory(limit[1])
            lines.append(b"%b %b %b %b %d" % (name, class_name, hard, soft, limit[2]))
        return lines


def _output_class(name: bytes) -> int:
    """Return the index of the class of clients called `name`."""
    if name == b"normal":
        return 0
    if name in (b"slave", b"replica"):
        return 1
    if name == b"pubsub":
        return 2
    raise ConfigError(b"Invalid client class specified in buffer limit configuration.")


class EventClasses(Kind):
    """Letters of classes of keyspace events; the value is their bits (`respd.keyspace_events`)."""

    def parse(self, words: list[bytes], before: object) -> object:
        bits = parse_classes(words[0].partition(b"\0")[0])
        if bits < 0:
            raise ConfigError(b"Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        return bits

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return format_classes(value)

    def lines(self, name: bytes, value: object) -> list[bytes]:
        return [name + b" " + quoted(self.show(value))]


class OomScores(Kind):
    """Three numbers between -2000 and 2000; the value is a list of int."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_many = True

    def parse(self, words: list[bytes], before: object) -> object:
        if len(words) != 3:
            raise ConfigError(b"wrong number of arguments")
        scores = []
        for word in words:
            score = parse_int(word)
            if score is None or not -2000 <= score <= 2000:
                raise ConfigError(b"Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
            scores.append(score)
        return scores

    def show(self, value: object) -> bytes:
        assert isinstance(value, list)
        return b" ".join([b"%d" % score for score in value])


class Percentiles(Kind):
    """Numbers between 0 and 100; the value is a list of float."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_many = True

    def parse(self, words: list[bytes], before: object) -> object:
        values = []
        for word in [] if words == [b""] else words:
            try:
                value = float(word)
            except ValueError:
                value = float("nan")
            if value != value or b"_" in word or word != word.strip():
                raise ConfigError(b"Invalid latency-tracking-info-percentiles parameters")
            if not 0.0 <= value <= 100.0:
                raise ConfigError(b"latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
            values.append(value)
        return values

    def show(self, value: object) -> bytes:
        assert isinstance(value, list)
        return b" ".join([b"%.17g" % number if number % 1 == 0 else repr(number).encode() for number in value])

    def lines(self, name: bytes, value: object) -> list[bytes]:
        return [name + b" " + (self.show(value) or b'""')]


class Master(Kind):
    """The host and port of a master, or `no one`; the value is bytes, empty for none."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_many = True

    def parse(self, words: list[bytes], before: object) -> object:
        if len(words) != 2:
            raise ConfigError(b"wrong number of arguments")
        if [word.lower() for word in words] == [b"no", b"one"]:
            return b""
        port = parse_int(words[1])
        if port is None or not 0 <= port <= 65535:
            raise ConfigError(b"Invalid master port")
        return b" ".join(words)

    def show(self, value: object) -> bytes:
        assert isinstance(value, bytes)
        return value
