"""The notation of arguments, and what COMMAND says; test_command_table.py compares it with Redis."""

import pytest

from respd.command import ACCESS, FAST, READONLY, RO, RW, UPDATE, Group, key_range, keyword_key, num_keys, one_key
from respd.commands.introspection import key_range_of
from respd.context import Context
from respd.syntax import Argument, parse, plain
from tests.local import Local
from tests.wire import Error


def _short(argument: Argument) -> str:
    """One argument as `name:type`, with its token in front, its parts in parentheses, and its flags behind."""
    text = f"{argument.name}:{argument.kind}"
    if argument.token is not None:
        text = f"{argument.token!r} {text}"
    if argument.arguments:
        text += "(" + ", ".join(map(_short, argument.arguments)) + ")"
    for mark, is_set in (("?", argument.optional), ("*", argument.multiple), ("!", argument.multiple_token)):
        text += mark if is_set else ""
    return text


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        ("key", ["key:key"]),
        ("key value", ["key:key", "value:string"]),
        ("value:integer", ["value:integer"]),
        ("shown=name", ["shown:string"]),
        ("key [key ...]", ["key:key*"]),
        ("[key ...]", ["key:key?*"]),
        ("[key [key ...]]", ["key:key?*"]),
        ("field value [field value ...]", ["data:block(field:string, value:string)*"]),
        ("[NX | XX]", ["condition:oneof('NX' nx:pure-token, 'XX' xx:pure-token)?"]),
        ("<ON | OFF>", ["enabled:oneof('ON' on:pure-token, 'OFF' off:pure-token)"]),
        ("mode=<YES | NO>", ["mode:oneof('YES' yes:pure-token, 'NO' no:pure-token)"]),
        ("[change=CH]", ["'CH' change:pure-token?"]),
        ("[COUNT count]", ["'COUNT' count:integer?"]),
        ("TYPE <A | B>", ["'TYPE' type:oneof('A' a:pure-token, 'B' b:pure-token)"]),
        ("[LIMIT offset count]", ["'LIMIT' limit:block(offset:integer, count:integer)?"]),
        ("[GET pattern [GET pattern ...]]", ["'GET' pattern:pattern?*!"]),
        ("[WEIGHTS weight [weight ...]]", ["'WEIGHTS' weight:integer?*"]),
        ("key FIELDS numfields field [field ...]",
         ["key:key", "'FIELDS' fields:block(numfields:integer, field:string*)"]),
        ("[start end [ASC | DESC]]",
         ["data:block(start:integer, end:integer, order:oneof('ASC' asc:pure-token, 'DESC' desc:pure-token)?)?"]),
        ('<key | empty="">', [":oneof(key:key, '' empty:pure-token)"]),
        ("[equal== | ~]", ["operator:oneof('=' equal:pure-token, '~' ~:pure-token)?"]),
        ("both=<(a b) | C>", ["both:oneof(data:block(a:string, b:string), 'C' c:pure-token)"]),
    ],
)  # fmt: skip
def test_notation(syntax: str, expected: list[str]) -> None:
    assert [_short(argument) for argument in parse(syntax, 1)] == expected


def test_a_value_may_be_shown_as_something_else() -> None:
    (argument,) = parse("old-format=ip:port")
    assert (argument.name, argument.display, argument.kind) == ("old-format", "ip:port", "string")


def test_keys_are_numbered_by_specification() -> None:
    assert [argument.key_spec_index for argument in parse("source destination count", 2)] == [0, 1, -1]
    assert [argument.key_spec_index for argument in parse("source destination", 1)] == [0, 0]
    assert [argument.kind for argument in parse("key", 0)] == ["string"]


@pytest.mark.parametrize("syntax", ["[a", "<a | b", "a)", "a | [b", "]"])
def test_unbalanced_notation(syntax: str) -> None:
    with pytest.raises(ValueError, match="no"):
        parse(syntax)


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        ("key value:integer", "key value"),
        ("wherefrom=<LEFT | RIGHT> [change=CH]", "<LEFT | RIGHT> [CH]"),
        ("old-format=ip:port", "ip:port"),
        ("[BY by-pattern=pattern] [LIMIT offset count]", "[BY pattern] [LIMIT offset count]"),
        ("write=([OVERFLOW <WRAP | SAT>] value:integer)", "[OVERFLOW <WRAP | SAT>] value"),
        ("", ""),
    ],
)
def test_plain_syntax(syntax: str, expected: str) -> None:
    assert plain(syntax) == expected


# -- the old way to tell keys

ranges = Group("generic")


def _declare(name: str, keys: tuple[object, ...]) -> None:
    @ranges.command(name, arity=-2, flags=READONLY | FAST, since="1.0.0", keys=keys)  # type: ignore[arg-type]
    def handler(ctx: Context, args: list[bytes]) -> object:
        """Do nothing."""
        return None


_declare("NONE", ())
_declare("ONE", one_key(RO))
_declare("PAIRS", key_range(1, -1, 2, RW))
_declare("TWO", one_key(RO) + one_key(RW, at=2))
_declare("APART", one_key(RO) + one_key(RW, at=3))
_declare("COUNTED", one_key(RW) + num_keys(2, RO | ACCESS))
_declare("ONLYCOUNTED", num_keys(1, RO | ACCESS))
_declare("KEYWORD", one_key(RO) + keyword_key("STORE", 2, RW | UPDATE))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NONE", (0, 0, 0, False)),
        ("ONE", (1, 1, 1, False)),
        ("PAIRS", (1, -1, 2, False)),
        ("TWO", (1, 2, 1, False)),
        ("APART", (1, 1, 1, True)),
        ("COUNTED", (1, 1, 1, True)),
        ("ONLYCOUNTED", (0, 0, 0, True)),
        ("KEYWORD", (1, 1, 1, True)),
    ],
)
def test_range_of_keys(name: str, expected: tuple[int, int, int, bool]) -> None:
    command = Local(ranges).engine.commands.find(name.encode())
    assert command is not None
    found = key_range_of(command)
    assert (found.first, found.last, found.step, found.is_partial) == expected


# -- replies


def test_docs_of_a_command(local: Local) -> None:
    about = local.run("COMMAND DOCS lmpop")
    assert isinstance(about, dict)
    assert about[b"lmpop"][b"group"] == b"list"
    assert [argument[b"name"] for argument in about[b"lmpop"][b"arguments"]] == [b"numkeys", b"key", b"where", b"count"]


def test_a_container_is_documented_with_its_subcommands(local: Local) -> None:
    about = local.run("COMMAND DOCS object")
    assert isinstance(about, dict)
    assert b"object|encoding" in about[b"object"][b"subcommands"]


def test_renamed_commands(local: Local) -> None:
    local.engine.commands.rename(b"get", b"fetch")
    assert local.run("COMMAND GETKEYS get k") == Error("ERR Invalid command specified")
    assert local.run("COMMAND GETKEYS fetch k") == [b"k"]


def test_help_shows_plain_syntax(local: Local) -> None:
    lines = local.run("CLIENT HELP")
    assert isinstance(lines, list)
    assert b"PAUSE timeout [WRITE | ALL]" in lines
    assert lines[0].startswith(b"CLIENT <subcommand>")
