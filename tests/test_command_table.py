"""What respd declares about its commands against what redis-server says in COMMAND INFO and COMMAND DOCS.

Texts (summaries, complexities, histories, notes) are in our own words and not compared; the histories' versions are.
A command that is newer than redis-server is not compared, and one with newer options only by what options do not touch.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest

from respd.command import CommandTable
from respd.commands import all_groups
from respd.syntax import parse
from tests.servers import Server, redis_version
from tests.wire import Frame

_FIELDS = ("name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "key specifications")
_COMMANDS = {command.name.decode(): command.declaration for command in CommandTable(all_groups()).all}
_NAMES = sorted(_COMMANDS)


def _value(frame: Frame) -> Any:
    """A frame as plain values; sets are sorted lists, for sets of maps cannot be sets."""
    if frame.kind == "%":
        items = frame.items
        return {_value(items[at]): _value(items[at + 1]) for at in range(0, len(items), 2)}
    if frame.kind == "~":
        return sorted((_value(item) for item in frame.items), key=repr)
    if frame.kind == "*":
        return [_value(item) for item in frame.items]
    return frame.value.decode() if isinstance(frame.value, bytes) else frame.value


def _infos(server: Server) -> dict[str, list[Any]]:
    """COMMAND INFO's fields by command, sub-commands included."""
    found: dict[str, list[Any]] = {}
    with server.connect(resp=3) as connection:
        for fields in _value(connection.call("COMMAND")):
            found[fields[0]] = fields
            for sub in fields[9]:
                found[sub[0]] = sub
    return found


def _docs(server: Server) -> dict[str, dict[str, Any]]:
    """COMMAND DOCS' maps by command, sub-commands included."""
    with server.connect(resp=3) as connection:
        found: dict[str, dict[str, Any]] = _value(connection.call("COMMAND DOCS"))
    for about in list(found.values()):
        found.update(about.get("subcommands", {}))
    return found


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    """What both servers said, asked once."""
    return {}


@pytest.fixture
def infos(tables: dict[str, Any], server: Server, oracle: Server) -> tuple[dict[str, Any], dict[str, Any]]:
    """COMMAND INFO of respd and of redis-server."""
    if "infos" not in tables:
        tables["infos"] = (_infos(server), _infos(oracle))
    return tables["infos"]  # type: ignore[no-any-return]


@pytest.fixture
def docs(tables: dict[str, Any], server: Server, oracle: Server) -> tuple[dict[str, Any], dict[str, Any]]:
    """COMMAND DOCS of respd and of redis-server."""
    if "docs" not in tables:
        tables["docs"] = (_docs(server), _docs(oracle))
    return tables["docs"]  # type: ignore[no-any-return]


def _without_notes(specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Key specifications, whose notes are in our own words, in the order they were given."""
    return sorted(({name: spec[name] for name in spec if name != "notes"} for spec in specs), key=repr)


@functools.cache
def _is_later(version: str, program: str) -> bool:
    """Tell whether `version` came after that of redis-server, 8.0.9 counting as 8.0."""
    return tuple(map(int, version.split(".")))[:2] > (redis_version(program) or (0, 0))[:2]


def _skip_what_is_later(name: str, program: str) -> None:
    if _is_later(_COMMANDS[name].since, program):
        pytest.skip("this redis-server is older than the command")


@pytest.mark.parametrize("name", _NAMES)
def test_command_info(name: str, infos: tuple[dict[str, Any], dict[str, Any]], oracle_program: str) -> None:
    """Arity, flags, keys, categories and tips are what redis-server says."""
    _skip_what_is_later(name, oracle_program)
    ours, theirs = infos[0][name], infos[1].get(name)
    assert theirs is not None, "redis-server does not know this command"
    for place, field in enumerate(_FIELDS):
        left, right = ours[place], theirs[place]
        if field == "key specifications":
            left, right = _without_notes(left), _without_notes(right)
        assert left == right, field


def _arguments(arguments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An arguments tree without the versions of single arguments."""
    result = []
    for argument in arguments:
        kept = {name: value for name, value in argument.items() if name not in ("since", "deprecated_since")}
        if "arguments" in kept:
            kept["arguments"] = _arguments(kept["arguments"])
        result.append(kept)
    return result


@pytest.mark.parametrize("name", _NAMES)
def test_command_docs(name: str, docs: tuple[dict[str, Any], dict[str, Any]], oracle_program: str) -> None:
    """Version, group, deprecation, history's versions and the arguments tree are what redis-server says."""
    _skip_what_is_later(name, oracle_program)
    ours, theirs = docs[0][name], docs[1][name]
    assert ours["summary"]
    assert ours["since"] == theirs["since"]
    assert ours["group"] == theirs["group"]
    assert ours.get("deprecated_since") == theirs.get("deprecated_since")
    versions = [{version for version, _ in each.get("history", [])} for each in (ours, theirs)]
    later = {version for version in versions[0] if _is_later(version, oracle_program)}
    assert versions[0] - later == versions[1]
    if later:
        return
    assert _arguments(ours.get("arguments", [])) == _arguments(theirs.get("arguments", []))


@pytest.mark.parametrize("name", _NAMES)
def test_summary_is_not_theirs(name: str, docs: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Our summaries are our own words, one sentence."""
    summary = docs[0][name]["summary"]
    assert summary != docs[1].get(name, {}).get("summary")
    assert summary.endswith(".")


def test_every_syntax_reads() -> None:
    """Every declared syntax can be read, and names each of its arguments."""
    for group in all_groups():
        for declaration in group.declarations:
            waiting = parse(declaration.syntax, len(declaration.keys)) if declaration.syntax else []
            while waiting:
                argument = waiting.pop()
                assert argument.name, (declaration.name, declaration.syntax)
                waiting += argument.arguments


def test_no_command_is_declared_twice() -> None:
    """Each name belongs to one handler."""
    names = [declaration.name for group in all_groups() for declaration in group.declarations]
    assert len(names) == len(set(names))
