"""Libraries of functions: what is logged, what is left after a failure, and libraries that would harm others."""

from __future__ import annotations

import gc
import time

import pytest

from respd.persistence.dump_payloads import write_functions
from respd.scripting.state import LuaState
from tests.local import Local
from tests.patience import PATIENCE
from tests.wire import Error


def library(source: str, name: str = "lib") -> bytes:
    """A library's source."""
    return f"#!lua name={name}\n{source}".encode()


def load(local: Local, source: str, name: str = "lib", replace: bool = False) -> object:
    """FUNCTION LOAD."""
    options = [b"REPLACE"] if replace else []
    return local.run([b"FUNCTION", b"LOAD", *options, library(source, name)])


def function(body: str, name: str = "f") -> str:
    """The source that registers one function."""
    return f"redis.register_function('{name}', function(keys, args) {body} end)"


def kept(local: Local) -> int:
    """How many functions the Lua state keeps."""
    return len(list(local.engine.libraries.state()._functions.keys()))


# -- the log


def test_changes_of_libraries_are_logged_as_sent(local: Local) -> None:
    """And what fails is not."""
    load(local, function("return 1"))
    load(local, function("return 1"))
    load(local, function("return 2"), replace=True)
    payload = local.run("FUNCTION DUMP")
    assert isinstance(payload, bytes)
    local.run("FUNCTION DELETE lib")
    local.run("FUNCTION DELETE lib")
    local.run([b"FUNCTION", b"RESTORE", payload])
    local.run([b"FUNCTION", b"RESTORE", payload])
    local.run("FUNCTION FLUSH ASYNC")
    assert local.logged() == [
        [b"FUNCTION", b"LOAD", library(function("return 1"))],
        [b"FUNCTION", b"LOAD", b"REPLACE", library(function("return 2"))],
        [b"FUNCTION", b"DELETE", b"lib"],
        [b"FUNCTION", b"RESTORE", payload],
        [b"FUNCTION", b"FLUSH", b"ASYNC"],
    ]


@pytest.mark.parametrize(
    "body, logged",
    [
        ("return 1", []),
        ("return redis.call('GET', 'k')", []),
        ("redis.call('SET', keys[1], args[1])", [[b"SET", b"k", b"v"]]),
        ("redis.call('SET', 'a', 1) error('x')", [[b"SET", b"a", b"1"]]),
        (
            "redis.call('SET', 'a', 1) redis.call('INCRBYFLOAT', 'a', 1.5)",
            [[b"MULTI"], [b"SET", b"a", b"1"], [b"SET", b"a", b"2.5", b"KEEPTTL"], [b"EXEC"]],
        ),
        ("redis.set_repl(redis.REPL_NONE) redis.call('SET', 'a', 1)", []),
    ],
)
def test_effects_are_logged(local: Local, body: str, logged: list[list[bytes]]) -> None:
    """The call itself is not; several effects are a transaction."""
    load(local, function(body))
    local.logged()
    local.run("FCALL f 1 k v")
    assert local.logged() == logged
    local.run("MULTI")
    local.send("FCALL f 1 k v")
    local.heard()
    local.run("EXEC")
    assert [words for words in local.logged() if words not in ([b"MULTI"], [b"EXEC"])] == [
        words for words in logged if words not in ([b"MULTI"], [b"EXEC"])
    ]


def test_functions_are_watched_and_wake(local: Local) -> None:
    """What a function writes counts for WATCH."""
    load(local, function("redis.call('SET', 'k', 1)"))
    other = local.connect()
    local.run("WATCH k")
    local.run("FCALL f 0", other)
    local.run("MULTI")
    local.run("GET k")
    assert local.run("EXEC") is None


# -- what there is


def test_figures(local: Local) -> None:
    """INFO and MEMORY STATS tell of libraries."""

    def figure(name: str) -> int:
        info = local.run("INFO memory")
        assert isinstance(info, (bytes, str))
        text = info.decode() if isinstance(info, bytes) else info
        return int(next(line for line in text.splitlines() if line.startswith(name + ":")).partition(":")[2])

    assert (figure("number_of_libraries"), figure("number_of_functions")) == (0, 0)
    assert figure("used_memory_vm_functions") == 0
    empty = figure("used_memory_functions")
    load(local, function("return 1") + function("return 2", "g") + "--" + "x" * 10_000)
    assert (figure("number_of_libraries"), figure("number_of_functions")) == (1, 2)
    assert figure("used_memory_functions") > empty + 10_000
    assert figure("used_memory_vm_functions") > 10_000
    stats = local.run("MEMORY STATS")
    assert isinstance(stats, dict) and stats[b"functions.caches"] == figure("used_memory_functions")
    local.run("FUNCTION FLUSH")
    assert figure("used_memory_functions") == empty
    assert figure("used_memory_vm_functions") == 0


FAILURES = [
    "return (",
    "foo()",
    "",
    function("return 2") + " foo()",
    function("return 2") + function("return 2"),
    function("return 2") + "redis.register_function('bad-name', function() end)",
    function("return 2") + function("return 2", "taken"),
    function("return 2") + function("return 2", "TAKEN"),
    function("return 2") + function("return 2", "F"),
    function("return 2") + "redis.register_function{function_name = 'g', callback = function() end, foo = 1}",
    function("return 2") + "local s = 'xxxx' while true do s = s .. s end",
]


@pytest.mark.parametrize("source", FAILURES)
def test_a_failure_leaves_nothing(local: Local, source: str) -> None:
    """A library that cannot be loaded changes nothing, and the Lua state keeps none of its functions."""
    load(local, function("return 0", "taken"), "other")
    load(local, "local n = 0 " + function("n = n + 1 return n"))
    assert local.run("FCALL f 0") == 1
    before, lists = kept(local), local.run("FUNCTION LIST WITHCODE")
    local.logged()
    for attempt in range(3):
        assert isinstance(load(local, source, replace=True), Error)
        assert local.run("FCALL f 0") == 2 + attempt
    assert isinstance(load(local, source, "third"), Error)
    assert kept(local) == before
    assert local.run("FUNCTION LIST WITHCODE") == lists
    assert local.logged() == []


def test_functions_that_go_are_forgotten(local: Local) -> None:
    """Replaced or deleted, with what they have made."""
    load(local, function("return 1"))
    count = kept(local)
    for _ in range(20):
        load(local, "local t = ('x'):rep(1000000) " + function("return #t"), replace=True)
    assert kept(local) == count
    local.run("FUNCTION DELETE lib")
    assert kept(local) == count - 1
    assert local.engine.libraries.memory_bytes() < 20_000_000


def test_a_payload_that_fails_leaves_nothing(local: Local) -> None:
    """Not even the libraries before the bad one."""
    for name in ("one", "two", "three"):
        load(local, function("return 1", name), name)
    payload = local.run("FUNCTION DUMP")
    assert isinstance(payload, bytes)
    local.run("FUNCTION DELETE one")
    before = kept(local)
    for policy in ("", b"APPEND"):
        words = [b"FUNCTION", b"RESTORE", payload, *([policy] if isinstance(policy, bytes) else [])]
        assert str(local.run(words)) == "ERR Library two already exists"
    assert kept(local) == before
    assert local.run("FCALL two 0") == 1 and isinstance(local.run("FCALL one 0"), Error)


# -- hostile libraries


@pytest.mark.parametrize("source", ["while true do end", function("return 1") + " while true do local x = {} end"])
def test_a_load_without_end_is_ended(local: Local, source: str) -> None:
    """After half a second."""
    started = time.monotonic()
    assert str(load(local, source)) == "ERR Error registering functions: ERR FUNCTION LOAD timeout"
    assert 0.4 < time.monotonic() - started < PATIENCE
    assert load(local, function("return 1")) == b"lib"


@pytest.mark.parametrize(
    "source, text",
    [
        ("local s = ('x'):rep(2 ^ 30)", "not enough memory"),
        ("local s = 'xxxx' while true do s = s .. s end", "not enough memory"),
        ("local s = ('('):rep(100000) local function g() return 1 + g() end g()", "stack overflow"),
        ("local s = ('x'):rep(300000):find(('x?'):rep(300000))", "pattern too complex"),
    ],
)
def test_a_load_has_bounds(local: Local, source: str, text: str) -> None:
    """Memory, stack and matcher; the other libraries go on."""
    load(local, function("return 7"), "other")
    answer = load(local, source)
    assert isinstance(answer, Error) and text in str(answer)
    assert local.run("FCALL f 0") == 7
    assert local.engine.libraries.memory_bytes() < 100_000_000


@pytest.mark.parametrize(
    "name",
    ["python", "debug", "io", "os", "string", "table", "math", "coroutine", "cjson", "bit", "pcall", "error", "pairs",
     "type", "tostring", "select", "rawset", "rawget", "setmetatable", "getmetatable", "loadstring", "load", "unpack",
     "collectgarbage", "_G", "KEYS", "newproxy", "setfenv"],
)  # fmt: skip
def test_a_library_sees_nothing_while_it_is_loaded(local: Local, name: str) -> None:
    """But for some of `redis`."""
    answer = load(local, f"local x = {name} " + function("return 1"))
    assert f"Script attempted to access nonexistent global variable '{name}'" in str(answer)


@pytest.mark.parametrize(
    "harm",
    [
        "redis.call = nil",
        "redis.x = 1",
        "_G.x = 1",
        "x = 1",
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'call', 1)",
        "setmetatable(_G, {})",
        "getmetatable('').__index = nil",
        "getmetatable(_G).__index = nil",
        "string.upper = nil",
        "table.insert(redis, 'left')",
        "table.insert(table, 'left')",
        "local r = ... ; r.call = nil",
    ],
)
def test_functions_cannot_harm_others(local: Local, harm: str) -> None:
    """Whatever one does, another library, and scripts, find everything in place."""
    load(
        local, "local r = redis " + function(f"local tried = {{pcall(function(...) {harm} end, redis)}}", "bad"), "bad"
    )
    load(
        local, function("return {redis.call('ECHO', ('x'):upper()), redis[1], table[1], rawget(_G, 'x'), type(string)}")
    )
    local.run("FCALL bad 0")
    assert local.run("FCALL f 0") == [b"X"]
    assert local.run("EVAL \"return {redis.call('ECHO', ('x'):upper()), redis[1], rawget(_G, 'x')}\" 0") == [b"X"]
    assert load(local, function("return 1", "g"), "third") == b"third"


def test_the_redis_of_loading_cannot_be_changed(local: Local) -> None:
    """A function that kept it cannot change it for the next library."""
    load(local, "local r = redis " + function("rawset(r, 'register_function', nil) r.log = nil", "bad"), "bad")
    load(local, "local r = redis " + function("table.insert(r, 'left') r.x = 1", "worse"), "worse")
    assert "readonly" in str(local.run("FCALL bad 0")) and "readonly" in str(local.run("FCALL worse 0"))
    assert load(local, "local left = redis.log " + function("return 1")) == b"lib"
    assert "nonexistent global variable '1'" in str(load(local, "local left = redis[1]", "other"))


def test_a_huge_table_of_arguments(local: Local) -> None:
    """Only so much of it is read."""
    names = ", ".join(f"[{number}] = 1" for number in range(1000))
    assert "unknown argument" in str(load(local, f"redis.register_function{{{names}}}"))
    assert load(local, function("return 1")) == b"lib"


def test_a_result_does_not_change_the_library(local: Local) -> None:
    """A table with functions may be returned: they are nulls in the reply, and functions still in the library."""
    source = "local m = {1, 2} m.g = function() return 5 end m.self = m m[3] = redis.log " + function("return m")
    load(local, source + function("return {m.g(), type(m[3])}", "g"))
    for _ in range(2):
        assert local.run("FCALL f 0") == [1, 2, None]
        assert local.run("FCALL g 0") == [5, b"function"]


def test_the_state_of_functions_is_not_that_of_scripts(local: Local) -> None:
    """SCRIPT FLUSH leaves the one, FUNCTION FLUSH the other."""
    load(local, "local n = 0 " + function("n = n + 1 return n"))
    local.run("FCALL f 0")
    local.run("EVAL 'return 1' 0")
    local.run("SCRIPT FLUSH")
    assert local.run("FCALL f 0") == 2
    digest = local.run("SCRIPT LOAD 'return 1'")
    assert isinstance(digest, bytes)
    local.run("FUNCTION FLUSH")
    assert local.run([b"EVALSHA", digest, b"0"]) == 1


def test_much_that_a_library_keeps_is_not_collected_at_every_call(local: Local) -> None:
    """A library of 100 MB costs its calls nothing."""
    grow = function("for i = 1, 1200000 do t[i] = {i} end", "grow")
    load(local, "local t, n = {}, 0 " + grow + function("n = n + 1 return #t + n"))
    local.run("FCALL grow 0")
    assert local.engine.libraries.memory_bytes() > 64 << 20
    started = time.process_time()
    for _ in range(200):
        local.run("FCALL f 0")
    assert time.process_time() - started < 2
    assert local.run("FCALL f 0") == 1_200_201


def test_a_function_without_memory_left_is_ended(local: Local) -> None:
    """What it has kept stays with it, and FUNCTION FLUSH lets it go."""
    fill = "local t, s = {}, 'x' "
    load(local, fill + function("while true do t[#t + 1] = s s = s .. #t .. s end"))
    assert "not enough memory" in str(local.run("FCALL f 0"))
    local.run("FUNCTION FLUSH")
    assert local.engine.libraries.memory_bytes() == 0
    load(local, function("return redis.call('ECHO', 'alive')"))
    assert local.run("FCALL f 0") == b"alive"


def test_lua_states_do_not_pile_up(local: Local) -> None:
    """Each is closed when it is not used any more, however that came."""
    load(local, function("return 1"))
    good = local.run("FUNCTION DUMP")
    load(local, function("return 1", "g"), "other")
    clashing = local.run("FUNCTION DUMP")
    local.run("FUNCTION DELETE lib")
    assert isinstance(good, bytes) and isinstance(clashing, bytes)
    load(local, function("return 1", "F"), "third")
    bad = write_functions([library("foo()", "bad")], compress=False)
    gc.collect()
    before = sum(isinstance(one, LuaState) for one in gc.get_objects())
    for _ in range(5):
        load(local, "redis.register_function(1)")
        local.run("FUNCTION FLUSH")
        local.run("EVAL \"return redis.call('NOSUCH')\" 0")
        local.run("SCRIPT FLUSH")
        local.run([b"FUNCTION", b"RESTORE", clashing, b"REPLACE"])
        local.run([b"FUNCTION", b"RESTORE", good, b"FLUSH"])
        local.run([b"FUNCTION", b"RESTORE", good[:-1] + b"x", b"FLUSH"])
        local.run("FUNCTION FLUSH")
        local.run([b"FUNCTION", b"RESTORE", bad])
        local.run([b"FUNCTION", b"RESTORE", bad, b"FLUSH"])
        load(local, "foo()")
    assert sum(isinstance(one, LuaState) for one in gc.get_objects()) <= before
