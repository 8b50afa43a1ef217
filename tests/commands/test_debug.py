"""DEBUG: who may use it, what it logs, and what its digests tell apart."""

from pathlib import Path

import pytest

from respd.commands import acl, debug, hash_expiry, hashes, keys, scripting, sets, strings, transactions
from tests.local import Local
from tests.wire import Error


@pytest.fixture
def local() -> Local:
    local = Local(
        acl.group, debug.group, hashes.group, hash_expiry.group, keys.group, scripting.group, sets.group,
        strings.group, transactions.group,
    )  # fmt: skip
    local.engine.config.enable_debug_command = b"yes"
    return local


@pytest.mark.parametrize(
    ("who", "address", "allowed"),
    [
        (b"no", b"127.0.0.1:1", False),
        (b"local", b"127.0.0.1:1", True),
        (b"local", b"[::1]:1", True),
        (b"local", b"10.0.0.1:1", False),
        (b"yes", b"10.0.0.1:1", True),
    ],
)
def test_the_configuration_says_who_may(local: Local, who: bytes, address: bytes, allowed: bool) -> None:
    local.engine.config.enable_debug_command = who
    local.ctx.client.address = address
    reply = local.run("DEBUG PROTOCOL integer")
    if allowed:
        assert reply == 12345
    else:
        assert isinstance(reply, Error) and "DEBUG command not allowed" in str(reply)


def test_a_transaction_with_it_is_refused_when_it_is_queued(local: Local) -> None:
    local.engine.config.enable_debug_command = b"no"
    local.run("MULTI")
    assert "DEBUG command not allowed" in str(local.run("DEBUG DIGEST"))
    assert "EXECABORT" in str(local.run("EXEC"))


@pytest.mark.parametrize("name", ["SEGFAULT", "PANIC", "ASSERT", "OOM", "RESTART", "CRASH-AND-RECOVER 1"])
def test_what_would_end_the_server_is_refused(local: Local, name: str) -> None:
    reply = local.run(f"DEBUG {name}")
    assert isinstance(reply, Error) and "is not available in respd" in str(reply)


def test_scripts_may_call_it_when_it_says_so(local: Local) -> None:
    script = [b"EVAL", b"return redis.call('DEBUG', 'PROTOCOL', 'integer')", b"0"]
    assert "not allowed from script" in str(local.run(script))
    local.run("DEBUG SET-DISABLE-DENY-SCRIPTS 1")
    assert local.run(script) == 12345
    assert "not allowed from script" in str(local.run([b"EVAL", b"return redis.call('ACL', 'WHOAMI')", b"0"]))
    local.run("DEBUG SET-DISABLE-DENY-SCRIPTS 0")
    assert "not allowed from script" in str(local.run(script))


def test_a_rewrite_with_everything_needs_a_file(local: Local, tmp_path: Path) -> None:
    config = local.engine.config
    assert str(local.run("DEBUG CONFIG-REWRITE-FORCE-ALL")) == "ERR CONFIG-REWRITE-FORCE-ALL failed: Bad address"
    config.config_file = str(tmp_path / "respd.conf")
    assert local.run("DEBUG CONFIG-REWRITE-FORCE-ALL") == b"OK"
    assert b"\ntimeout 0\n" in (tmp_path / "respd.conf").read_bytes()


def test_help_names_every_sub_command_that_runs(local: Local) -> None:
    lines = local.run("DEBUG HELP")
    assert isinstance(lines, list)
    names = {line.split()[0] for line in lines if not line.startswith((b" ", b"DEBUG"))}
    assert {b"DIGEST", b"SLEEP", b"POPULATE", b"PROTOCOL", b"HELP"} <= names
    assert b"SEGFAULT" not in names


def test_populate_is_not_logged(local: Local) -> None:
    local.run("DEBUG POPULATE 3")
    assert local.logged() == []
    assert local.run("GET key:2") == b"value:2"


def test_the_digest_knows_no_order_of_keys_members_and_fields(local: Local) -> None:
    other = Local(debug.group, hashes.group, sets.group, strings.group)
    other.engine.config.enable_debug_command = b"yes"
    for command in ("SET a 1", "SADD s x y", "HSET h f 1 g 2"):
        local.run(command)
    for command in ("HSET h g 2 f 1", "SADD s y x", "SET a 1"):
        other.run(command)
    assert local.run("DEBUG DIGEST") == other.run("DEBUG DIGEST")
    other.run("HSET h g 3")
    assert local.run("DEBUG DIGEST") != other.run("DEBUG DIGEST")


def test_keys_and_fields_are_expired_only_when_met_while_active_expire_is_off(local: Local) -> None:
    local.run("DEBUG SET-ACTIVE-EXPIRE 0")
    local.run("SET k v PX 10")
    local.run("HSET h a 1 b 2")
    local.run("HPEXPIRE h 10 FIELDS 1 a")
    local.events()
    local.pass_time(1000)
    assert local.events() == []
    assert local.run("GET k") is None
    assert local.run("HLEN h") == 1
    local.run("HPEXPIRE h 10 FIELDS 1 b")
    local.run("DEBUG SET-ACTIVE-EXPIRE 1")
    local.events()
    local.pass_time(10)
    assert local.events() == [(b"hexpired", b"h"), (b"del", b"h")]


def test_a_push_follows_the_reply_of_the_transaction_that_makes_it(local: Local) -> None:
    local.run("MULTI")
    local.run("DEBUG PROTOCOL push")
    local.engine.execute(local.ctx, [b"EXEC"])
    sent = local.ctx.client.out.getvalue()
    assert sent.startswith(b"*1\r\n$40\r\nSome real reply") and sent.endswith(
        b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"
    )


def test_the_pattern_test_passes(local: Local) -> None:
    assert local.run("DEBUG STRINGMATCH-TEST") == b"Apparently Redis did not crash: test passed"


def test_a_new_replication_id_is_taken(local: Local) -> None:
    before = local.engine.stats.replication_id
    local.run("DEBUG CHANGE-REPL-ID")
    after = local.engine.stats.replication_id
    assert len(after) == 40 and after != before
