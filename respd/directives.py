"""The one table of directives: name, kind of value, default, whether it may change, aliases, and whether respd uses it.

The command line, the configuration file, CONFIG GET, SET and REWRITE, `--help` and docs/directives.md read this table.
A *kind* turns the words of a directive into a value and the value back into words; `respd.config` keeps the values.
A directive is *in force* when respd acts on it, else it is accepted, kept and shown, and has no effect.
Source: redis.conf and `CONFIG GET *` of redis-server 8.0; bounds and messages as redis-server gives them.
"""

from typing import Final

from respd.datatypes.strings import parse_int
from respd.keyspace_events import format_classes, parse_classes

IN_FORCE: Final = 1
IMMUTABLE: Final = 2
PROTECTED: Final = 4
HIDDEN: Final = 8
SENSITIVE: Final = 16

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
    """One of a few words, in any case; the value is the word in lower case."""

    def __init__(self, words: tuple[bytes, ...]) -> None:
        super().__init__()
        self.words = words

    def parse(self, words: list[bytes], before: object) -> object:
        word = words[0].lower()
        if word not in self.words:
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


class Directive:
    """One row of the table. `attribute` is its name in `Config`; `summary` says in a few words what it does."""

    def __init__(self, name: str, kind: Kind, default: object, flags: int, alias: str, summary: str) -> None:
        self.name = name.encode()
        self.attribute = name.replace("-", "_")
        self.kind = kind
        self.default = default
        self.flags = flags
        self.alias = alias.encode()
        self.summary = summary

    def is_in_force(self) -> bool:
        """Return whether respd acts on it."""
        return bool(self.flags & IN_FORCE)


def _yes_no(name: str, default: bool, flags: int = 0, *, alias: str = "", summary: str = "") -> Directive:
    return Directive(name, Bool(), default, flags, alias, summary)


def _int(
    name: str, default: int, low: int = 0, high: int = INT_MAX, flags: int = 0, *, alias: str = "", summary: str = ""
) -> Directive:
    return Directive(name, Integer(low, high), default, flags, alias, summary)


def _memory(
    name: str, default: int, low: int = 0, high: int = LONG_MAX, flags: int = 0, *, alias: str = "", summary: str = ""
) -> Directive:
    return Directive(name, Memory(low, high), default, flags, alias, summary)


def _text(name: str, default: str = "", flags: int = 0, *, alias: str = "", summary: str = "") -> Directive:
    return Directive(name, Text(), default.encode(), flags, alias, summary)


def _choice(name: str, words: str, default: str, flags: int = 0, *, summary: str = "") -> Directive:
    return Directive(name, Choice(tuple(words.encode().split())), default.encode(), flags, "", summary)


def _special(
    name: str, kind: Kind, default: object, flags: int = 0, *, alias: str = "", summary: str = ""
) -> Directive:
    return Directive(name, kind, default, flags, alias, summary)


DIRECTIVES: Final = (
    # Network
    _int("port", 6379, 0, 65535, IN_FORCE, summary="TCP port to listen on; 0 for none"),
    _special(
        "bind",
        Addresses(),
        [b"*", b"-::*"],
        IN_FORCE,
        summary="addresses to listen on; a leading - allows one to be missing",
    ),
    _text("unixsocket", flags=IN_FORCE | IMMUTABLE, summary="path of a Unix socket to listen on"),
    _special(
        "unixsocketperm", Octal(0, 0o777), 0, IN_FORCE | IMMUTABLE, summary="permissions of the Unix socket, in octal"
    ),
    _int("tcp-backlog", 511, 0, INT_MAX, IN_FORCE | IMMUTABLE, summary="connections that may wait to be accepted"),
    _int("timeout", 0, 0, INT_MAX, IN_FORCE, summary="seconds after which an idle client is closed; 0 for never"),
    _int(
        "tcp-keepalive", 300, 0, INT_MAX, IN_FORCE, summary="seconds between probes of a silent connection; 0 for none"
    ),
    _int("maxclients", 10000, 1, 2**32 - 1, IN_FORCE, summary="connections served at a time"),
    _yes_no("protected-mode", True, IN_FORCE, summary="without a password, serve only clients of this machine"),
    _int("max-new-connections-per-cycle", 10, 1, 1000),
    _text("bind-source-addr"),
    _int("socket-mark-id", 0, 0, 2**32 - 1, IMMUTABLE),
    # Process
    _yes_no("daemonize", False, IN_FORCE | IMMUTABLE, summary="run in the background"),
    _text("pidfile", flags=IN_FORCE | IMMUTABLE, summary="file to write the process id to"),
    _special("dir", Text(), b"", IN_FORCE | PROTECTED, summary="folder to work in"),
    _text("logfile", flags=IN_FORCE | IMMUTABLE, summary="file to log to; standard output when empty"),
    _choice(
        "loglevel",
        "debug verbose notice warning nothing",
        "notice",
        IN_FORCE,
        summary="least important messages to log",
    ),
    _yes_no(
        "always-show-logo", False, IN_FORCE | IMMUTABLE, summary="show the banner even when the log is not a terminal"
    ),
    _yes_no("set-proc-title", True, IN_FORCE | IMMUTABLE, summary="set the title of the process"),
    _special(
        "proc-title-template",
        TitleTemplate(),
        b"{title} {listen-addr} {server-mode}",
        IN_FORCE,
        summary="what that title says",
    ),
    _special("hz", Clamped(0, INT_MAX, 1, 500), 10, IN_FORCE, summary="background turns a second"),
    _yes_no("dynamic-hz", True),
    _choice(
        "supervised",
        "upstart systemd auto no",
        "no",
        IN_FORCE | IMMUTABLE,
        summary="tell systemd when ready; upstart is not told",
    ),
    _yes_no("syslog-enabled", False, IMMUTABLE),
    _text("syslog-ident", "redis", IMMUTABLE),
    _choice("syslog-facility", "user local0 local1 local2 local3 local4 local5 local6 local7", "local0", IMMUTABLE),
    _special("shutdown-on-sigint", ShutdownOptions((b"default", b"save", b"nosave", b"now", b"force")), b"default"),
    _special("shutdown-on-sigterm", ShutdownOptions((b"default", b"save", b"nosave", b"now", b"force")), b"default"),
    _int("shutdown-timeout", 10),
    _yes_no("crash-log-enabled", True),
    _yes_no("crash-memcheck-enabled", True),
    _yes_no("use-exit-on-panic", False, HIDDEN),
    _int("watchdog-period", 0, 0, INT_MAX, HIDDEN),
    _choice("oom-score-adj", "no yes relative absolute", "no"),
    _special("oom-score-adj-values", OomScores(), [0, 200, 800]),
    _yes_no("disable-thp", True, IMMUTABLE),
    _text("ignore-warnings"),
    _int("io-threads", 1, 1, 128, IMMUTABLE),
    _text("server-cpulist", flags=IMMUTABLE, alias="server_cpulist"),
    _text("bio-cpulist", flags=IMMUTABLE, alias="bio_cpulist"),
    _text("aof-rewrite-cpulist", flags=IMMUTABLE, alias="aof_rewrite_cpulist"),
    _text("bgsave-cpulist", flags=IMMUTABLE, alias="bgsave_cpulist"),
    _yes_no("jemalloc-bg-thread", True),
    _special("locale-collate", Locale(), b""),
    # Security
    _text("requirepass", flags=IN_FORCE | SENSITIVE, summary="password that clients must give"),
    _choice("enable-debug-command", "no yes local", "no", IN_FORCE | IMMUTABLE, summary="who may use DEBUG"),
    _choice(
        "enable-protected-configs",
        "no yes local",
        "no",
        IN_FORCE | IMMUTABLE,
        summary="who may change protected directives",
    ),
    _choice("enable-module-command", "no yes local", "no", IMMUTABLE),
    _text("aclfile", flags=IMMUTABLE),
    _choice("acl-pubsub-default", "allchannels resetchannels", "resetchannels"),
    _int("acllog-max-len", 128, 0, LONG_MAX),
    _yes_no("hide-user-data-from-log", False),
    # Clients
    _memory(
        "client-query-buffer-limit", GIGABYTE, MEGABYTE, LONG_MAX, IN_FORCE, summary="bytes a client may send ahead"
    ),
    _special(
        "client-output-buffer-limit",
        OutputLimits(),
        [(0, 0, 0), (256 * MEGABYTE, 64 * MEGABYTE, 60), (32 * MEGABYTE, 8 * MEGABYTE, 60)],
        IN_FORCE,
        summary="bytes a client may leave unread: class, hard limit, soft limit, seconds",
    ),
    _memory(
        "proto-max-bulk-len",
        512 * MEGABYTE,
        MEGABYTE,
        LONG_MAX,
        IN_FORCE,
        summary="bytes of the longest word or string",
    ),
    _special("maxmemory-clients", MemoryOrPercent(0, LONG_MAX), 0),
    _int("tracking-table-max-keys", 1000000, 0, LONG_MAX),
    # Data
    _int("databases", 16, 1, INT_MAX, IN_FORCE | IMMUTABLE, summary="number of databases"),
    _special("notify-keyspace-events", EventClasses(), 0, IN_FORCE, summary="classes of keyspace events to publish"),
    _int(
        "hash-max-listpack-entries",
        512,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="hash-max-ziplist-entries",
        summary="fields of a compact hash",
    ),
    _memory(
        "hash-max-listpack-value",
        64,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="hash-max-ziplist-value",
        summary="bytes of a field of a compact hash",
    ),
    _int(
        "list-max-listpack-size",
        -2,
        -INT_MAX - 1,
        INT_MAX,
        IN_FORCE,
        alias="list-max-ziplist-size",
        summary="size of a compact list",
    ),
    _int("list-compress-depth", 0),
    _int("set-max-intset-entries", 512, 0, LONG_MAX, IN_FORCE, summary="members of a set kept as integers"),
    _int("set-max-listpack-entries", 128, 0, LONG_MAX, IN_FORCE, summary="members of a compact set"),
    _int("set-max-listpack-value", 64, 0, LONG_MAX, IN_FORCE, summary="bytes of a member of a compact set"),
    _int(
        "zset-max-listpack-entries",
        128,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="zset-max-ziplist-entries",
        summary="members of a compact sorted set",
    ),
    _memory(
        "zset-max-listpack-value",
        64,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="zset-max-ziplist-value",
        summary="bytes of a member of a compact sorted set",
    ),
    _memory("hll-sparse-max-bytes", 3000),
    _memory("stream-node-max-bytes", 4096),
    _int("stream-node-max-entries", 100, 0, LONG_MAX),
    _yes_no("activerehashing", True),
    _int("active-expire-effort", 1, 1, 10),
    _yes_no("lazyfree-lazy-eviction", False),
    _yes_no("lazyfree-lazy-expire", False),
    _yes_no("lazyfree-lazy-server-del", False),
    _yes_no("lazyfree-lazy-user-del", False),
    _yes_no("lazyfree-lazy-user-flush", False),
    # Memory
    _memory("maxmemory", 0, 0, ULONG_MAX),
    _choice(
        "maxmemory-policy",
        "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random noeviction",
        "noeviction",
        IN_FORCE,
        summary="with an LFU policy OBJECT FREQ answers; nothing is evicted yet",
    ),
    _int("maxmemory-samples", 5, 1, 64),
    _int("maxmemory-eviction-tenacity", 10, 0, 100),
    _int("lfu-log-factor", 10),
    _int("lfu-decay-time", 1),
    _yes_no("activedefrag", False),
    _memory("active-defrag-ignore-bytes", 100 * MEGABYTE, 1),
    _int("active-defrag-threshold-lower", 10, 0, 1000),
    _int("active-defrag-threshold-upper", 100, 0, 1000),
    _int("active-defrag-cycle-min", 1, 1, 99),
    _int("active-defrag-cycle-max", 25, 1, 99),
    _int("active-defrag-max-scan-fields", 1000, 1, LONG_MAX),
    # Observation
    _int(
        "slowlog-log-slower-than",
        10000,
        -1,
        LONG_MAX,
        IN_FORCE,
        summary="microseconds from which a command is slow; -1 for never",
    ),
    _int("slowlog-max-len", 128, 0, LONG_MAX, IN_FORCE, summary="slow commands remembered"),
    _int("latency-monitor-threshold", 0, 0, LONG_MAX),
    _yes_no("latency-tracking", True),
    _special("latency-tracking-info-percentiles", Percentiles(), [50.0, 99.0, 99.9]),
    # Scripts
    _int("busy-reply-threshold", 5000, 0, LONG_MAX, alias="lua-time-limit"),
    _yes_no("lua-enable-deprecated-api", False, IMMUTABLE | HIDDEN),
    # Files
    _special("save", SavePoints(), [(3600, 1), (300, 100), (60, 10000)]),
    _special("dbfilename", FileName(b"dbfilename", True), b"dump.rdb", PROTECTED),
    _yes_no("rdbcompression", True),
    _yes_no("rdbchecksum", True, IMMUTABLE),
    _yes_no("rdb-del-sync-files", False),
    _yes_no("rdb-save-incremental-fsync", True),
    _yes_no("stop-writes-on-bgsave-error", True),
    _choice("sanitize-dump-payload", "no yes clients", "no"),
    _int("rdb-key-save-delay", 0, -INT_MAX - 1, INT_MAX, HIDDEN),
    _int("key-load-delay", 0, -INT_MAX - 1, INT_MAX, HIDDEN),
    _yes_no("appendonly", False),
    _special("appendfilename", FileName(b"appendfilename", False), b"appendonly.aof", IMMUTABLE),
    _special("appenddirname", FileName(b"appenddirname", False), b"appendonlydir", IMMUTABLE),
    _choice("appendfsync", "everysec always no", "everysec"),
    _yes_no("no-appendfsync-on-rewrite", False),
    _int("auto-aof-rewrite-percentage", 100),
    _memory("auto-aof-rewrite-min-size", 64 * MEGABYTE),
    _yes_no("aof-load-truncated", True),
    _yes_no("aof-use-rdb-preamble", True),
    _yes_no("aof-timestamp-enabled", False),
    _yes_no("aof-rewrite-incremental-fsync", True),
    # Replication
    _special("replicaof", Master(), b"", IMMUTABLE, alias="slaveof"),
    _text("masteruser", flags=SENSITIVE),
    _text("masterauth", flags=SENSITIVE),
    _yes_no("replica-serve-stale-data", True, alias="slave-serve-stale-data"),
    _yes_no("replica-read-only", True, alias="slave-read-only"),
    _yes_no("replica-ignore-maxmemory", True, alias="slave-ignore-maxmemory"),
    _yes_no("replica-lazy-flush", False, alias="slave-lazy-flush"),
    _yes_no("replica-announced", True),
    _yes_no("replica-ignore-disk-write-errors", False),
    _text("replica-announce-ip", alias="slave-announce-ip"),
    _int("replica-announce-port", 0, 0, 65535, alias="slave-announce-port"),
    _int("replica-priority", 100, alias="slave-priority"),
    _memory("replica-full-sync-buffer-limit", 0),
    _int("min-replicas-to-write", 0, alias="min-slaves-to-write"),
    _int("min-replicas-max-lag", 10, alias="min-slaves-max-lag"),
    _yes_no("repl-diskless-sync", True),
    _int("repl-diskless-sync-delay", 5),
    _int("repl-diskless-sync-max-replicas", 0),
    _choice("repl-diskless-load", "disabled on-empty-db swapdb", "disabled"),
    _yes_no("repl-disable-tcp-nodelay", False),
    _memory("repl-backlog-size", MEGABYTE, 1),
    _int("repl-backlog-ttl", 3600, 0, LONG_MAX),
    _int("repl-ping-replica-period", 10, 1, INT_MAX, alias="repl-ping-slave-period"),
    _int("repl-timeout", 60, 1),
    _choice("propagation-error-behavior", "ignore panic panic-on-replicas", "ignore"),
    # Cluster
    _yes_no("cluster-enabled", False, IMMUTABLE),
    _text("cluster-config-file", "nodes.conf", IMMUTABLE),
    _int("cluster-port", 0, 0, 65535, IMMUTABLE),
    _int("cluster-node-timeout", 15000, 0, LONG_MAX),
    _int("cluster-replica-validity-factor", 10, alias="cluster-slave-validity-factor"),
    _yes_no("cluster-replica-no-failover", False, alias="cluster-slave-no-failover"),
    _int("cluster-migration-barrier", 1),
    _yes_no("cluster-require-full-coverage", True),
    _yes_no("cluster-allow-reads-when-down", False),
    _yes_no("cluster-allow-pubsubshard-when-down", True),
    _yes_no("cluster-allow-replica-migration", True),
    _memory("cluster-link-sendbuf-limit", 0, 0, ULONG_MAX),
    _int("cluster-compatibility-sample-ratio", 0, 0, 100),
    _text("cluster-announce-ip"),
    _int("cluster-announce-port", 0, 0, 65535),
    _int("cluster-announce-tls-port", 0, 0, 65535),
    _int("cluster-announce-bus-port", 0, 0, 65535),
    _special("cluster-announce-hostname", HostName(), b""),
    _text("cluster-announce-human-nodename"),
    _choice("cluster-preferred-endpoint-type", "ip hostname unknown-endpoint", "ip"),
    # TLS
    _int("tls-port", 0, 0, 65535),
    _text("tls-cert-file"),
    _text("tls-key-file"),
    _text("tls-key-file-pass", flags=SENSITIVE),
    _text("tls-client-cert-file"),
    _text("tls-client-key-file"),
    _text("tls-client-key-file-pass", flags=SENSITIVE),
    _text("tls-dh-params-file"),
    _text("tls-ca-cert-file"),
    _text("tls-ca-cert-dir"),
    _choice("tls-auth-clients", "no yes optional", "yes"),
    _yes_no("tls-replication", False),
    _yes_no("tls-cluster", False),
    _text("tls-protocols"),
    _text("tls-ciphers"),
    _text("tls-ciphersuites"),
    _yes_no("tls-prefer-server-ciphers", False),
    _yes_no("tls-session-caching", True),
    _int("tls-session-cache-size", 20480),
    _int("tls-session-cache-timeout", 300),
    _int("max-new-tls-connections-per-cycle", 1, 1, 1000),
)

DEPRECATED: Final = (
    b"list-max-ziplist-entries",
    b"list-max-ziplist-value",
    b"lua-replicate-commands",
    b"io-threads-do-reads",
)
"""Directives of old that a file may still hold, with one word each; they are read and forgotten."""
