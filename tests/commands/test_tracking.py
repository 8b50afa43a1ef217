"""CLIENT TRACKING: the limit of its table, and what it leaves behind."""

from __future__ import annotations

from tests.local import Local


def test_the_table_keeps_to_its_limit(local: Local) -> None:
    local.run("CONFIG SET tracking-table-max-keys 2")
    local.run("CLIENT TRACKING on")
    for key in ("a", "b", "c", "d"):
        local.send(f"GET {key}")
    assert local.heard()[-2:] == [[b"invalidate", [b"a"]], None]
    assert sorted(local.engine.tracking.table) == [b"b", b"c", b"d"]
    local.run("PING", local.engine.connect())
    assert sorted(local.engine.tracking.table) == [b"c", b"d"]
    assert local.engine.tracking.total_items == 2


def test_a_client_that_goes_leaves_no_mode_behind(local: Local) -> None:
    other = local.engine.connect()
    local.run("CLIENT TRACKING on BCAST PREFIX a", other)
    assert local.engine.tracking.count == 1
    local.engine.disconnect(other)
    assert local.engine.tracking.count == 0
    assert not local.engine.tracking.by_prefix


def test_an_expired_key_is_invalid_even_without_loop(local: Local) -> None:
    ctx = local.engine.connect()
    ctx.client.speak(3)
    local.run("SET k v PX 10", ctx)
    local.run("CLIENT TRACKING on NOLOOP", ctx)
    local.run("GET k", ctx)
    ctx.client.out.getvalue()
    before = len(ctx.client.out)
    local.clock.advance(20)
    local.engine.before_sleep()
    assert b"invalidate" in ctx.client.out.getvalue()[before:]
