"""The notation in which commands declare their arguments, read into the tree that COMMAND DOCS describes.

    key [NX | XX] [EX seconds | KEEPTTL] <LEFT | RIGHT> key [key ...] [LIMIT offset count] [GET a [GET a ...]]

- `word` is a value, `WORD` a token (any mark without lower-case letters is one: `*`, `=`, `""`). A token belongs to the
  value or group that follows it, else it stands for itself.
- `[a]` is optional, `<a | b>` and `[a | b]` a choice, `(a b)` a block. Between brackets or bars several elements make a
  block too, and a token that opens one with two values or more is the token of the whole block (`LIMIT offset count`).
- `x [x ...]` repeats, with its token each time if that stands inside the brackets too; `x ...` is short for it.

Types of values come from a table of conventional names (`count` is an integer, `key` a key), as do the names of
choices and blocks, which the notation does not show otherwise. Where convention fails, the syntax says so:
`value:integer` gives a type; `name=x` names a choice, block or token, or a value that is shown as something else.
`plain` drops both.

Source: redis.io, "COMMAND DOCS" and "Redis command arguments".
"""

from typing import Final

KEY: Final = "key"
STRING: Final = "string"
INTEGER: Final = "integer"
DOUBLE: Final = "double"
PATTERN: Final = "pattern"
UNIX_TIME: Final = "unix-time"
PURE_TOKEN: Final = "pure-token"
ONEOF: Final = "oneof"
BLOCK: Final = "block"

_VALUE_TYPES: Final = (KEY, STRING, INTEGER, DOUBLE, PATTERN, UNIX_TIME)
_ELLIPSIS: Final = "..."

_TYPE_OF_NAME: Final = {
    KEY: "key key1 key2 keys source destination destkey sourcekey dst src newkey storekey storedistkey",
    INTEGER: (
        "bit bits client-id count cursor db decrement destination-db end frequency increment index index1 index2 len "
        "limit maxage milliseconds min-match-len ms num-matches numfields numkeys numlocal numreplicas offset port "
        "protover rank seconds start stop ttl version weight slot start-slot end-slot config-epoch entries-added "
        "cluster-bus-port"
    ),
    DOUBLE: "height latitude longitude max min radius score timeout width",
    PATTERN: "pattern by-pattern get-pattern",
    UNIX_TIME: "unix-time-milliseconds unix-time-seconds",
}

# Names of choices and blocks by what they are made of.
_NAME_OF_PARTS: Final = {
    "ADDR|ID|LADDR|MAXAGE|SKIPME|TYPE|USER": "new-format",
    "AFTER|BEFORE": "where",
    "ALL|WRITE": "mode",
    "AND|NOT|OR|XOR": "operation",
    "ANY|COUNT": "count-block",
    "APPEND|FLUSH|REPLACE": "policy",
    "ASC|DESC": "order",
    "ASYNC|SYNC": "flush-type",
    "BIT|BYTE": "unit",
    "BYBOX|height|unit": "box",
    "BYLEX|BYSCORE": "sortby",
    "BYRADIUS|unit": "circle",
    "ERROR|TIMEOUT": "unblock-type",
    "EX|EXAT|KEEPTTL|PX|PXAT": "expiration",
    "EX|EXAT|PERSIST|PX|PXAT": "expiration",
    "FNX|FXX": "condition",
    "FROMLONLAT|FROMMEMBER": "from",
    "FT|KM|M|MI": "unit",
    "GET encoding|offset": "get-block",
    "GROUP consumer|group": "group-block",
    "GT|LT": "comparison",
    "GT|LT|NX|XX": "condition",
    "INCRBY encoding|increment|offset": "incrby-block",
    "INCRBY|SET": "write-operation",
    "LEFT|RIGHT": "where",
    "LIB-NAME|LIB-VER": "attr",
    "MASTER|NORMAL|PUBSUB|REPLICA": "client-type",
    "MASTER|NORMAL|PUBSUB|REPLICA|SLAVE": "client-type",
    "FAIL|SAT|WRAP": "overflow-block",
    "MAXLEN|MINID": "strategy",
    "MAX|MIN": "where",
    "NOSAVE|SAVE": "save-selector",
    "NX|XX": "condition",
    "OFF|ON": "enabled",
    "OFF|ON|SKIP": "action",
    "SET encoding|offset|value": "set-block",
    "=|~": "operator",
    "box|circle": "by",
    "end|start|unit": "range",
    "end-unit-block|start": "range",
    "end|unit": "end-unit-block",
    "host|port": "host-port",
    "end-slot|start-slot": "range",
}


class Argument:
    """One node of the tree: a value, a token, a choice or a block."""

    def __init__(self, name: str, kind: str) -> None:
        self.name: str = name
        self.kind: str = kind
        self.display: str = ""
        self.token: str | None = None
        self.optional: bool = False
        self.multiple: bool = False
        self.multiple_token: bool = False
        self.key_spec_index: int = -1
        self.arguments: list[Argument] = []

    def is_group(self) -> bool:
        """Tell whether the node holds others."""
        return self.kind in (ONEOF, BLOCK)

    def label(self) -> str:
        """Return what the node is called among the parts of its parent: its token if it has one, else its name."""
        return self.name if self.token is None else self.token


class _Raw:
    """One element as written: a word, or brackets of a kind (`<`, `[`, `(`) around alternatives."""

    def __init__(self, kind: str, text: str, name: str, alternatives: "list[list[_Raw]]") -> None:
        self.kind: str = kind
        self.text: str = text
        self.name: str = name
        self.alternatives: list[list[_Raw]] = alternatives

    def source(self) -> str:
        """Return the element in one canonical spelling, to compare with another."""
        if self.kind == "word":
            return self.text
        inner = " | ".join(" ".join(item.source() for item in one) for one in self.alternatives)
        return self.kind + inner + _CLOSER[self.kind]

    def is_token(self) -> bool:
        """Tell whether the element is a token."""
        return self.kind == "word" and self.text != _ELLIPSIS and not any(char.islower() for char in self.text)


# A block that neither convention nor its token names; tokens whose block reaches to the end of the line.
_UNNAMED_BLOCK: Final = "data"
_BLOCK_TOKENS: Final = ("FIELDS", "STREAMS")

_CLOSER: Final = {"<": ">", "[": "]", "(": ")"}
_CLOSERS: Final = (">", "]", ")")


def parse(syntax: str, key_specs: int = 0) -> list[Argument]:
    """Return the arguments that `syntax` describes, of a command with so many key specifications. Raises ValueError."""
    words = _words(syntax)
    alternatives, _ = _alternatives(words, 0, "")
    if len(alternatives) == 1:
        arguments = _sequence(alternatives[0])
    else:
        arguments = [_choice(alternatives, "")]
    _number_keys(arguments, 0, key_specs)
    return arguments


def plain(syntax: str) -> str:
    """Return the syntax as people read it: without types, without names of choices and blocks."""
    alternatives, _ = _alternatives(_words(syntax), 0, "")
    return _shown(alternatives)


def _shown(alternatives: list[list[_Raw]]) -> str:
    return " | ".join(" ".join(_shown_one(raw) for raw in one) for one in alternatives)


def _shown_one(raw: _Raw) -> str:
    if raw.kind == "word":
        value, colon, kind = raw.text.rpartition(":")
        return value if colon and kind in _VALUE_TYPES else raw.text
    inner = _shown(raw.alternatives)
    return inner if raw.kind == "(" else raw.kind + inner + _CLOSER[raw.kind]


def _words(syntax: str) -> list[str]:
    """Split into words, brackets, bars, and `name=` prefixes."""
    words: list[str] = []
    for chunk in syntax.split():
        at = 0
        start = 0
        while at < len(chunk):
            char = chunk[at]
            if char in "<[(|)]>":
                if at > start:
                    words.append(chunk[start:at])
                words.append(char)
                start = at + 1
            at += 1
        if start < len(chunk):
            words.append(chunk[start:])
    return words


def _alternatives(words: list[str], at: int, closer: str) -> tuple[list[list[_Raw]], int]:
    """Read up to `closer`; return the alternatives and the position of the closer."""
    alternatives: list[list[_Raw]] = [[]]
    name = ""
    while at < len(words):
        word = words[at]
        if word == closer:
            return alternatives, at
        if word in _CLOSERS:
            raise ValueError(f"nothing for {word} to close in {' '.join(words)}")
        if word == "|":
            alternatives.append([])
        elif word in _CLOSER:
            inner, at = _alternatives(words, at + 1, _CLOSER[word])
            if at >= len(words):
                raise ValueError(f"no {_CLOSER[word]} in {' '.join(words)}")
            alternatives[-1].append(_Raw(word, "", name, inner))
            name = ""
        elif len(word) > 1 and word.endswith("=") and not word.endswith("=="):
            name = word[:-1]
        else:
            given, equals, rest = word.partition("=")
            if given and equals and rest:
                alternatives[-1].append(_Raw("word", rest, given, []))
            else:
                alternatives[-1].append(_Raw("word", word, "", []))
        at += 1
    return alternatives, at


def _sequence(raws: list[_Raw]) -> list[Argument]:
    """Turn elements written one after the other into arguments: join tokens with values, and repetitions."""
    arguments: list[Argument] = []
    at = 0
    while at < len(raws):
        token = _token_text(raws[at])
        size = _repeated(raws, at)
        if size:
            argument = _reduce(raws[at : at + size], "")
            argument.multiple = True
            argument.multiple_token = raws[at].is_token()
            at += size + 1
        elif raws[at].text in _BLOCK_TOKENS and at > 0:
            argument = _reduce(raws[at:], "")
            at = len(raws)
        elif raws[at].is_token() and at + 1 < len(raws) and _takes_token(raws[at + 1]):
            size = _repeated(raws, at + 1)
            if size:
                argument = _reduce(raws[at + 1 : at + 1 + size], "")
                argument.multiple = True
                at += size + 2
            else:
                argument = _one(raws[at + 1])
                at += 2
            argument.token = token
            if argument.is_group() and argument.name in ("", _UNNAMED_BLOCK):
                argument.name = token.lower()
        else:
            argument = _one(raws[at])
            at += 1
        arguments.append(argument)
    return arguments


def _repeated(raws: list[_Raw], at: int) -> int:
    """Return how many elements from `at` on are repeated by what follows them."""
    for end in range(at + 1, len(raws)):
        raw = raws[end]
        if raw.kind == "word" and raw.text == _ELLIPSIS and end == at + 1:
            return 1
        if raw.kind == "[" and len(raw.alternatives) == 1:
            inner = raw.alternatives[0]
            if len(inner) > 1 and inner[-1].source() == _ELLIPSIS and len(inner) - 1 == end - at:
                if [one.source() for one in inner[:-1]] == [one.source() for one in raws[at:end]]:
                    return end - at
    return 0


def _takes_token(raw: _Raw) -> bool:
    return raw.kind in "<(" or (raw.kind == "word" and not raw.is_token() and raw.text != _ELLIPSIS)


def _token_text(raw: _Raw) -> str:
    return "" if raw.text == '""' else raw.text


def _one(raw: _Raw) -> Argument:
    """Turn one element into an argument."""
    if raw.kind == "word":
        return _word(raw)
    if len(raw.alternatives) > 1:
        argument = _choice(raw.alternatives, raw.name)
    else:
        argument = _reduce(raw.alternatives[0], raw.name)
    if raw.kind == "[":
        argument.optional = True
    return argument


def _word(raw: _Raw) -> Argument:
    if raw.is_token():
        token = _token_text(raw)
        argument = Argument(raw.name or token.lower(), PURE_TOKEN)
        argument.token = token
        argument.display = argument.name
        return argument
    shown = raw.text
    value, colon, kind = shown.rpartition(":")
    if colon and kind in _VALUE_TYPES:
        shown = value
    else:
        kind = _type_of(raw.name or shown, shown)
    argument = Argument(raw.name or shown, kind)
    argument.display = shown
    return argument


def _type_of(name: str, shown: str) -> str:
    for kind, names in _TYPE_OF_NAME.items():
        conventional = names.split()
        if name in conventional or shown in conventional:
            return kind
    return STRING


def _choice(alternatives: list[list[_Raw]], name: str) -> Argument:
    choice = Argument(name, ONEOF)
    choice.arguments = [_reduce(one, "") for one in alternatives]
    if not name:
        choice.name = _conventional_name(choice)
    return choice


def _reduce(raws: list[_Raw], name: str) -> Argument:
    """Turn the elements between two bars or brackets into a single argument, a block if need be."""
    values = [raw for raw in raws[1:] if raw.kind == "word" and not raw.is_token() and raw.text != _ELLIPSIS]
    if raws[0].is_token() and len(values) >= 2 and _takes_token(raws[1]) and not _repeated(raws, 0):
        token = raws[0].text
        block = Argument(name, BLOCK)
        block.token = token
        block.arguments = _sequence(raws[1:])
        if not name:
            block.name = _NAME_OF_PARTS.get(f"{token} {_parts(block)}", token.lower())
        return block
    arguments = _sequence(raws)
    if len(arguments) == 1:
        argument = arguments[0]
        if name and argument.is_group():
            argument.name = name
        return argument
    block = Argument(name, BLOCK)
    block.arguments = arguments
    if not name:
        block.name = _conventional_name(block)
    return block


def _parts(group: Argument) -> str:
    """Return the labels of a group's members in alphabetical order, the key of `_NAME_OF_PARTS`."""
    return "|".join(sorted(part.label() for part in group.arguments))


def _conventional_name(group: Argument) -> str:
    """Return the name for a choice or block that was given none; empty when its token is to name it."""
    name = _NAME_OF_PARTS.get(_parts(group))
    if name is not None:
        return name
    return _UNNAMED_BLOCK if group.kind == BLOCK else ""


def _number_keys(arguments: list[Argument], found: int, key_specs: int) -> int:
    """Give each key its specification: the first key the first, and so on, the last to all that are left."""
    for argument in arguments:
        if argument.is_group():
            found = _number_keys(argument.arguments, found, key_specs)
        elif argument.name == "by-pattern" and key_specs > 1:
            argument.key_spec_index = found
        elif argument.name == "get-pattern" and key_specs > 1:
            argument.key_spec_index = found
            found += 1
        elif argument.kind == KEY:
            if key_specs == 0:
                argument.kind = STRING
            else:
                argument.key_spec_index = min(found, key_specs - 1)
                found += 1
    return found
