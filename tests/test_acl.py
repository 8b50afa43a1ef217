"""Users and permissions: properties, files, start-up."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.acl import Acl, User, join_selectors
from respd.acl_file import AclFileError, read_users
from respd.acl_log import AclLog
from respd.command import CommandTable
from respd.commands import all_groups
from respd.permissions import CATEGORIES, RuleError
from tests.conftest import StartServer
from tests.patience import PATIENCE
from tests.servers import Server, respd_command, respd_environment
from tests.wire import CLOSED, Frame

TABLE = CommandTable(all_groups())
NAMES = sorted(command.name for command in TABLE.all)
WORDS = {
    b"mset": [b"mset", b"a", b"1", b"b", b"2"],
    b"zunionstore": [b"zunionstore", b"a", b"2", b"b", b"c"],
}

_WORDS = (
    "on off nopass resetpass >a >b <a allkeys resetkeys ~a* %R~b %W~b %RW~c allchannels resetchannels &x &y* +@all "
    "-@all +get -get +@read -@read +@write -@string +config|get -config +config +select|0 -select clearselectors "
    "(~a_+get) (%R~b_+@all) reset"
)
_RULES = st.sampled_from(_WORDS.split())


def user_of(rules: list[bytes]) -> User:
    """The user that `rules` make, those that cannot be applied left out."""
    acl = Acl(TABLE)
    user = User(b"u", False)
    for rule in rules:
        try:
            user.apply(rule.replace(b"_", b" "), acl)
        except RuleError:
            continue
    return user


@given(st.lists(_RULES, max_size=12))
def test_a_description_makes_the_same_user(rules: list[str]) -> None:
    user = user_of([rule.encode() for rule in rules])
    again = User(b"u", True)
    acl = Acl(TABLE)
    for rule in join_selectors([b"reset", *user.describe().split(b" ")]):
        again.apply(rule, acl)
    assert again.describe() == user.describe()
    for name in NAMES:
        words = WORDS.get(name, [*name.split(b"|"), b"a", b"b"])
        command = TABLE.by_full_name(name)
        assert command is not None
        ours, theirs = user.check(command, words), again.check(command, words)
        assert (ours is None) == (theirs is None), name


@given(st.lists(_RULES, max_size=12))
def test_what_is_unlimited_is_never_denied(rules: list[str]) -> None:
    user = user_of([rule.encode() for rule in [*rules, "allkeys", "allchannels", "+@all"]])
    assert user.is_unlimited()
    for name in NAMES:
        command = TABLE.by_full_name(name)
        assert command is not None
        assert user.check(command, [*name.split(b"|"), b"k"]) is None


def test_a_rule_that_fails_changes_nothing() -> None:
    acl = Acl(TABLE)
    acl.put(acl.changed(b"bob", [b"on", b"~a"]))
    with pytest.raises(RuleError, match="modifier 'zork'"):
        acl.changed(b"bob", [b"off", b"~b", b"zork"])
    assert acl.users[b"bob"].describe() == b"on sanitize-payload ~a resetchannels -@all"


def test_logins() -> None:
    acl = Acl(TABLE)
    acl.put(acl.changed(b"bob", [b">one", b"#" + hashlib.sha256(b"two").hexdigest().encode()]))
    assert acl.authenticate(b"bob", b"one") is None  # it is off
    bob = acl.put(acl.changed(b"bob", [b"on"]))
    assert acl.authenticate(b"bob", b"one") is acl.authenticate(b"bob", b"two") is bob
    assert acl.authenticate(b"bob", b"three") is None
    assert acl.authenticate(b"alice", b"one") is None
    acl.put(acl.changed(b"bob", [b"nopass"]))
    assert acl.authenticate(b"bob", b"three") is bob


def test_the_log_gathers_what_is_alike() -> None:
    log = AclLog()
    log.limit(3)
    for at_ms, name in ((0, b"a"), (10, b"b"), (59_000, b"a"), (120_000, b"a"), (120_001, b"c"), (120_002, b"d")):
        log.add(b"key", b"toplevel", b"k", name, b"client", at_ms)
    seen = [(entry.username, entry.count, entry.created_ms, entry.updated_ms, entry.id) for entry in log.entries]
    assert seen == [
        (b"d", 1, 120_002, 120_002, 4),
        (b"c", 1, 120_001, 120_001, 3),
        (b"a", 1, 120_000, 120_000, 2),
    ]
    log.limit(9)
    log.add(b"key", b"toplevel", b"k", b"c", b"another", 130_000)
    newest = log.entries[0]
    assert (newest.username, newest.count, newest.client) == (b"c", 2, b"another")


# -- whole processes

BOB = b"user bob on sanitize-payload #" + hashlib.sha256(b"pw").hexdigest().encode() + b" ~a* resetchannels -@all +get"


def test_only_what_nobody_knows_is_quoted_from_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_text("user bob on +nosuch\nuser eve (+get +@nosuch)\nuser zoe >secret <other\n")
    with pytest.raises(AclFileError) as refused:
        read_users(Acl(TABLE), str(path))
    place, unknown = str(path).encode(), b"Unknown command or category name in ACL. "
    assert refused.value.text.startswith(
        place + b":1: Error in applying operation '+nosuch': " + unknown
        + place + b":2: Error in applying operation '(+get +@nosuch)': " + unknown
        + place + b":3: The password you are trying to remove"
    )  # fmt: skip


def test_the_file_is_read_and_written(start_server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_text("user bob on >pw ~a* +get\n\nuser default on nopass ~* &* +@all\n")
    path.chmod(0o600)
    server = start_server("--aclfile", str(path))
    with server.connect() as admin, server.connect() as bob, server.connect() as gone:
        lists = admin.ask("ACL LIST")
        assert isinstance(lists, list)
        assert lists[0] == BOB
        assert bob.ask("AUTH bob pw") == b"OK"
        admin.ask("ACL SETUSER eve on nopass +@all ~*")
        assert gone.ask("AUTH eve x") == b"OK"
        assert admin.ask("ACL LOAD") == b"OK"  # eve is in no file
        assert gone.call([b"PING"]).kind == CLOSED
        assert bob.ask("GET a") is None
        admin.ask("ACL SETUSER bob +set")
        admin.ask("ACL SETUSER new")
        assert admin.ask("ACL SAVE") == b"OK"
        path_text = path.read_text()
        assert path_text.splitlines() == [line.decode() for line in admin.ask("ACL LIST")]  # type: ignore[attr-defined]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.write_text(path_text + "user bad +nosuch\nuzer x\n")
        failed = admin.call([b"ACL", b"LOAD"])
        assert b"users.acl:4: Error in applying operation '+nosuch': Unknown command" in failed.value  # type: ignore[operator]
        assert b"users.acl:5 should start with user keyword" in failed.value  # type: ignore[operator]
        assert bob.ask("SET a 1") == b"OK"
    path.write_text(path_text)
    with start_server("--aclfile", str(path)).connect() as admin:
        assert admin.ask("ACL GETUSER new") is not None


def test_users_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "respd.conf"
    path.write_text("user bob on >pw (~a +get)\nrequirepass top\n")
    server = Server([*respd_command(), str(path)], environment=respd_environment())
    try:
        _rewrite(server, path)
    finally:
        server.stop()


def _rewrite(server: Server, path: Path) -> None:
    with server.connect() as admin:
        assert admin.ask("AUTH top") == b"OK"
        admin.ask("ACL SETUSER eve on nopass +@all ~*")
        assert admin.ask("CONFIG REWRITE") == b"OK"
        lines = path.read_text().splitlines()
        users = [line.encode() for line in lines if line.startswith("user ")]
        assert users == admin.ask("ACL LIST")
        assert lines[0].startswith("user bob on sanitize-payload #")


STARTS = {
    "unknown command": ("user bob on +nosuch\n", ()),
    "unknown category in a selector": ("user bob on (+@nosuch)\n", ()),
    "syntax": ("user bob on zork\n", ()),
    "open selector": ("user bob on (+get\n", ()),
    "twice": ("user bob on\nuser bob off\n", ()),
    "spaces": ('user "a b" on\n', ()),
    "both": ("user bob on\n", ("--aclfile", "users.acl")),
    "no such file": ("", ("--aclfile", "/nosuch/users.acl")),
}


@pytest.mark.parametrize("name", STARTS)
def test_starts_that_fail(name: str, tmp_path: Path, oracle_program: str) -> None:
    text, options = STARTS[name]
    path = tmp_path / "redis.conf"
    path.write_text("port 0\n" + text)
    said = []
    for command in (respd_command(), [oracle_program]):
        done = subprocess.run(
            [*command, str(path), *options], capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path,
            env=respd_environment(),
        )  # fmt: skip
        assert done.returncode == 1
        lines = (done.stdout + done.stderr).splitlines()
        wanted = [line.partition(" # ")[2] or line for line in lines if " # " in line or "Error in user" in line]
        said.append([line for line in wanted if "ACL" in line or "user" in line or "aclfile" in line])
    assert said[0] == said[1] != []


def test_dry_runs_beside_redis(server: Server, oracle: Server) -> None:
    """Every command that both have, for users of every category, of keys with rights, of channels."""
    rules = [["+@all", "~1", "&1"], ["+@all", "%R~1"], ["+@all", "%W~1"], ["+@all", "~x"], ["+@all", "~*", "-@all"]]
    rules += [[f"+@{category.decode()}", "~*", "&*"] for category in CATEGORIES]
    rules += [["+@all", f"-@{category.decode()}", "~*", "&*"] for category in CATEGORIES]
    answers = []
    with oracle.connect() as connection:
        listed = connection.ask("COMMAND LIST")
    assert isinstance(listed, list)
    both = [name for name in NAMES if name in listed]
    assert len(both) > 250
    for each in (server, oracle):
        with each.connect() as connection:
            replies: list[Frame] = []
            for words in rules:
                connection.call([b"ACL", b"SETUSER", b"dry", b"reset", *[word.encode() for word in words]])
                commands = []
                for name in both:
                    command = TABLE.by_full_name(name)
                    assert command is not None
                    size = int(command.min_words) + (3 if command.max_words > command.min_words else 0)
                    sent = WORDS.get(name) or [*name.split(b"|"), *[b"1"] * 9][: max(size, len(name.split(b"|")))]
                    commands.append([b"ACL", b"DRYRUN", b"dry", *sent])
                replies += connection.pipeline(commands)
            connection.call([b"ACL", b"DELUSER", b"dry"])
            answers.append(replies)
    for place, (ours, theirs) in enumerate(zip(*answers, strict=True)):
        assert ours == theirs, (rules[place // len(both)], both[place % len(both)])
