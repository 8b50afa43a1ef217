"""Sessions: HELLO, AUTH, RESET and the CLIENT commands, for what shows only inside or on the wire."""

from __future__ import annotations

import re

from respd import gates
from respd.context import Context
from respd.version import REDIS_VERSION
from tests.local import Local
from tests.servers import Server
from tests.wire import Error, Status, encode


def _fields(line: object) -> dict[str, str]:
    """A line of CLIENT LIST as a mapping."""
    assert isinstance(line, bytes)
    return dict(pair.partition("=")[::2] for pair in line.decode().split())


def _line(local: Local, ctx: Context | None = None) -> dict[str, str]:
    return _fields(local.run("CLIENT INFO", ctx))


def test_hello_describes_the_connection(local: Local) -> None:
    assert local.run("HELLO 3 SETNAME me") == {
        b"server": b"redis",
        b"version": REDIS_VERSION.encode(),
        b"proto": 3,
        b"id": local.ctx.client.id,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
    }
    assert local.ctx.client.name == b"me"


def test_a_failed_hello_changes_nothing(local: Local) -> None:
    local.run("CLIENT SETNAME before")
    assert local.run("HELLO 2 SETNAME after FOO") == Error("ERR Syntax error in HELLO option 'FOO'")
    assert local.run("HELLO 2 SETNAME after AUTH nobody x") == Error(
        "WRONGPASS invalid username-password pair or user is disabled."
    )
    assert (local.ctx.client.name, local.ctx.client.resp) == (b"before", 3)


def test_a_password_is_asked_of_new_connections(local: Local) -> None:
    local.engine.config.set([(b"requirepass", b"secret")])
    stranger = local.connect()
    assert local.run("PING") == Status(b"PONG")
    assert local.run("PING", stranger) == Error("NOAUTH Authentication required.")
    assert local.run("AUTH wrong", stranger) == Error("WRONGPASS invalid username-password pair or user is disabled.")
    assert local.engine.stats.acl_access_denied_auth == 1
    assert local.run("AUTH secret", stranger) == Status(b"OK")
    assert local.run("PING", stranger) == Status(b"PONG")
    assert local.run("RESET", stranger) == Status(b"RESET")
    assert local.run("PING", stranger) == Error("NOAUTH Authentication required.")
    local.engine.config.set([(b"requirepass", b"")])
    assert local.run("PING", stranger) == Status(b"PONG")


def test_reset_forgets_the_session(local: Local) -> None:
    for command in ("SELECT 3", "CLIENT SETNAME me", "CLIENT NO-TOUCH on", "CLIENT NO-EVICT on", "WATCH k", "MULTI"):
        local.run(command)
    assert local.run("RESET") == Status(b"RESET")
    client = local.ctx.client
    assert (client.gates, client.name, client.db_index, client.resp) == (0, b"", 0, 2)
    assert not client.no_evict and not client.watched and local.ctx.db.index == 0


def test_ages_and_idle_times_are_in_seconds(local: Local) -> None:
    local.pass_time(2500)
    assert _line(local)["age"] == "2"


def test_a_line_counts_what_the_session_holds(local: Local) -> None:
    other = local.connect()
    for command in ("WATCH a b", "MULTI", "SET k 12345"):
        local.run(command, other)
    line = _fields(local.run([b"CLIENT", b"LIST", b"ID", b"%d" % other.client.id]))
    assert (line["multi"], line["watch"], line["flags"], line["multi-mem"]) == ("1", "2", "x", "9")
    assert line["cmd"] == "set"


def test_the_letters_of_flags(local: Local) -> None:
    other = local.connect()
    local.run("CLIENT NO-EVICT on", other)
    local.run("CLIENT NO-TOUCH on", other)
    other.client.is_unix = True
    other.client.watch_spoiled = True
    other.client.close_after_reply = True
    line = _fields(local.run([b"CLIENT", b"LIST", b"ID", b"%d" % other.client.id]))
    assert line["flags"] == "dcUeT"


def test_kill_counts_each_client_once(local: Local) -> None:
    others = [local.connect() for _ in range(3)]
    before = len(local.engine.clients)
    assert local.run("CLIENT KILL USER default") == before - 1
    assert all(other.client.close_now for other in others)
    assert local.run("CLIENT KILL USER default") == 0, "they are on their way out already"


def test_kill_by_age(local: Local) -> None:
    old = local.connect()
    local.pass_time(10_000)
    young = local.connect()
    local.run("CLIENT KILL MAXAGE 10")
    assert old.client.close_now and not young.client.close_now


def test_killing_oneself_still_gets_the_reply(local: Local) -> None:
    me = b"%d" % local.ctx.client.id
    assert local.run([b"CLIENT", b"KILL", b"ID", me, b"SKIPME", b"no"]) == 1
    assert local.ctx.client.close_after_reply
    assert local.ctx.client.gates & gates.CLOSING


def test_caller_is_asked_for_permission_by_nobody(local: Local) -> None:
    assert local.run("CLIENT KILL TYPE normal SKIPME maybe") == Error("ERR syntax error")
    assert not local.ctx.client.close_after_reply


def test_reply_modes(server: Server) -> None:
    with server.connect() as connection:
        commands = (
            "CLIENT REPLY SKIP | PING skipped | PING 1 | CLIENT REPLY OFF | PING unheard | NOSUCH | CLIENT REPLY SKIP "
            "| SET k v | CLIENT REPLY ON | GET k | CLIENT REPLY SKIP | CLIENT REPLY SKIP | PING skipped | PING 2"
        )
        words = [command.strip().encode().split() for command in commands.split("|")]
        connection.send_bytes(b"".join(map(encode, words)))
        heard: list[object] = []
        while not heard or heard[-1] != b"2":
            heard.append(connection.read().value)
    assert heard == [b"1", b"OK", b"v", b"2"]


def test_reply_off_in_a_transaction(server: Server) -> None:
    with server.connect() as connection:
        for command in ("MULTI", "CLIENT REPLY OFF", "EXEC", "PING", "CLIENT REPLY ON", "PING heard"):
            connection.send(command)
        heard = [connection.read().value]
        while heard[-1] != b"heard":
            heard.append(connection.read().value)
        assert heard == [b"OK", b"QUEUED", b"OK", b"heard"]


def test_a_pause_expires_by_itself(local: Local) -> None:
    other = local.connect()
    local.run("CLIENT PAUSE 100 WRITE")
    local.engine.execute(other, [b"SET", b"k", b"v"])
    assert local.run("GET k") is None
    local.pass_time(99)
    assert local.run("GET k") is None
    local.pass_time(1)
    assert local.run("GET k") == b"v"
    assert not local.engine.gates & gates.PAUSED


_FIELDS = """
    id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll
    omem tot-mem events cmd user redir resp lib-name lib-ver io-thread
"""


def test_the_command_that_asks_is_in_the_query_buffer(local: Local) -> None:
    line = local.run("CLIENT LIST")
    assert isinstance(line, bytes)
    assert b" qbuf=%d " % len(b"*2\r\n$6\r\nCLIENT\r\n$4\r\nLIST\r\n") in line


def test_every_field_is_there(local: Local) -> None:
    line = local.run("CLIENT INFO")
    assert isinstance(line, bytes)
    assert re.findall(r"(\S+)=", line.decode()) == _FIELDS.split()
