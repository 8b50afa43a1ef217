"""Scripts that try to get out, to change what others see, or to take the server down."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.local import Local
from tests.patience import PATIENCE
from tests.servers import Server
from tests.wire import Error


def run(local: Local, source: str, *words: bytes) -> object:
    """Run a script without keys."""
    return local.run([b"EVAL", source.encode(), b"0", *words])


@pytest.mark.parametrize(
    "name",
    ["python", "debug", "io", "package", "require", "module", "dofile", "loadfile", "print", "getfenv", "setfenv"],
)
def test_not_there(local: Local, name: str) -> None:
    """What would lead out of the sandbox is an unknown global, in loaded code too."""
    for source in (f"return {name}", f"return loadstring('return {name}')()"):
        answer = run(local, source)
        assert isinstance(answer, Error) and f"nonexistent global variable '{name}'" in str(answer)
    assert run(local, f"return tostring(rawget(_G, '{name}'))") == b"nil"


@pytest.mark.parametrize("library", ["_G", "redis", "string", "table", "math", "os", "coroutine", "bit"])
def test_nothing_can_be_changed(local: Local, library: str) -> None:
    """Writes are refused, and what the raw functions leave is gone in the next script."""
    for source in ("{0}.x = 1", "rawset({0}, 'x', 1)", "setmetatable({0}, {{}})", "{0}.call = nil"):
        answer = run(local, source.format(library))
        assert isinstance(answer, Error) and "Attempt to modify a readonly table" in str(answer)
    run(local, f"table.insert({library}, 'left')")
    assert run(local, f"return {library}[1]" if library != "_G" else "return rawget(_G, 1)") is None
    assert run(local, f"return next({library}) ~= nil") == 1


@pytest.mark.parametrize("source", ["getmetatable('').x = 1", "getmetatable('').__index.upper = nil", "x = 1"])
def test_strings_and_globals_are_locked(local: Local, source: str) -> None:
    """The metatable of strings, and new globals."""
    assert "Attempt to modify a readonly table" in str(run(local, source))
    assert run(local, "return ('x'):upper()") == b"X"


@pytest.mark.parametrize(
    "source",
    [
        "return type(redis.call)",
        "return type(select(2, pcall(redis.call, 'nosuch')))",
        "local e xpcall(function() redis.call('nosuch') end, function(p) e = p end) return type(e)",
        "return type(select(2, coroutine.resume(coroutine.create(function() redis.call('nosuch') end))))",
        "return type(select(2, pcall(coroutine.wrap(function() redis.call('nosuch') end))))",
        "return type(select(2, pcall(redis.sha1hex)))",
        "return type(select(2, pcall(bit.band, {})))",
        "return type(getmetatable(redis.call))",
    ],
)
def test_no_python_object_is_seen(local: Local, source: str) -> None:
    """Neither functions nor errors of Python's show as objects."""
    assert run(local, source) in (b"function", b"string", b"table", b"nil")


@pytest.mark.parametrize(
    "source, text",
    [
        ("local s = 'x' while true do s = s .. s end", "not enough memory"),
        ("return string.rep('x', 2 ^ 30)", "not enough memory"),
        ("local t = {{}} for i = 1, 1e8 do t[i] = {{}} end".replace("{{}}", "{}"), "not enough memory"),
        ("local function f() return f() + 1 end return f()", "stack overflow"),
        ("return ('x'):rep(300000):find(('x?'):rep(300000))", "pattern too complex"),
        ("return loadstring(('('):rep(10000))()", "attempt to call"),
        ("error(_G)", "unknown error"),
    ],
)
def test_it_survives(local: Local, source: str, text: str) -> None:
    """Memory, stack and matcher have bounds; the next script runs as ever."""
    answer = run(local, source)
    assert isinstance(answer, Error) and text in str(answer)
    assert run(local, "return redis.call('ECHO', 'alive')") == b"alive"


def test_a_script_without_memory_left_is_ended(local: Local) -> None:
    """Catching the error does not help: the next call of the server ends the script."""
    fill = "local t, s = {}, 'x' pcall(function() while true do t[#t + 1] = s s = s .. #t .. s end end)"
    answer = run(local, f"{fill} for i = 1, 1e6 do pcall(redis.call, 'PING') end return 'still here'")
    assert isinstance(answer, Error) or answer == b"still here"
    assert run(local, "return collectgarbage('count') < 100000") == 1


@pytest.mark.parametrize("source", ["return {err = redis.call}", "return {redis.call, 1, {map = {[redis.call] = 1}}}"])
def test_functions_in_results(local: Local, source: str) -> None:
    """A function in what a script returns is a null."""
    assert isinstance(run(local, source), list)


def test_byte_code_is_refused(local: Local) -> None:
    """Whoever loads byte code can do anything."""
    assert run(local, "return loadstring(string.dump(function() return 1 end))") is None
    reader = "local b = string.dump(function() end) return load(function() local c = b b = nil return c end) == nil"
    assert run(local, reader) == 1
    assert isinstance(local.run([b"SCRIPT", b"LOAD", b"\x1bLua"]), Error)


ENDED = "stack overflow|loop in gettable|invalid order function|too many results|: x script"


@pytest.mark.parametrize(
    "source",
    [
        "local function f() local x = f() return x end return f()",
        "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x",
        "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
        "local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) return tostring(t)",
        "local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t",
        "local t = {} for i = 1, 100 do t[i] = i % 7 end table.sort(t, function(a, b) return true end)",
        "local t = {3, 2, 1} table.sort(t, function(a, b) table.sort(t, function(a, b) error('x') end) end)",
        "local function f(n) return (('x'):gsub('x', function() return f(n + 1) end)) end return f(1)",
        "local function f(t) table.sort({2, 1, 3}, function(a, b) f(t) return a < b end) end f({})",
        "local function c() return coroutine.wrap(function() return c() end)() end return c()",
        "return {unpack({}, 1, 1e7)}",
    ],
)
def test_depth_is_bounded(local: Local, source: str) -> None:
    """Of calls in Lua and in C, by way of metamethods, comparators, callbacks and coroutines."""
    answer = run(local, source)
    assert isinstance(answer, Error) and re.search(ENDED, str(answer))
    assert run(local, "return redis.call('ECHO', 'alive')") == b"alive"


@pytest.mark.parametrize(
    "source",
    [
        "local function f(n) return pcall(f, n + 1) end return tostring(f(1))",
        "local function f(n) local a, b = pcall(f, n + 1) return a, b end return tostring(f(1))",
        "local function h(e) error(e) end local function f() return xpcall(f, h) end return tostring(f())",
        "local function c(n) return coroutine.resume(coroutine.create(c), n + 1) end return tostring(c(1))",
        "return tostring(not xpcall(function() error('x') end, function(e) error(e) end))",
        "local c c = coroutine.create(function() return coroutine.resume(c) end) return tostring(coroutine.resume(c))",
    ],
)
def test_chains_of_protected_calls_end(local: Local, source: str) -> None:
    """The innermost fails, and all others get told so; errors in handlers are no worse."""
    assert run(local, source) == b"true"


@pytest.mark.parametrize(
    "source, answer",
    [
        ("local t = {} for i = 1, 7900 do t[i] = {} end return redis.pcall(unpack(t)).err ~= nil", 1),
        ("local t = {} for i = 1, 7900 do t[i] = redis.call end return redis.pcall(unpack(t)).err ~= nil", 1),
        ("local t = {} for i = 1, 7000 do t[i] = 'x' end return redis.call('RPUSH', 'l', unpack(t))", 7000),
        ("for i = 1, 20000 do pcall(redis.call, 'NOSUCH' .. i) end return 1", 1),
        ("local c = {} for i = 1, 10000 do c[i] = coroutine.create(redis.pcall) end return #c", 10000),
        ("local t = {} for i = 1, 9000 do t[i] = 'x' end return #t", 9000),
    ],
)
def test_very_many_values(local: Local, source: str, answer: object) -> None:
    """As arguments, as errors, as coroutines."""
    assert run(local, source) == answer


def test_results_of_any_size_and_depth(local: Local) -> None:
    """More values than Lua's stack holds; a table inside itself is cut off."""
    assert run(local, "local t = {} for i = 1, 20000 do t[i] = i end return t") == list(range(1, 20001))
    assert run(local, "local t = {} for i = 1, 9000 do t[i] = {i} end return t") == [[i] for i in range(1, 9001)]
    for source in ("local t = {} t[1] = t return t", "local t = {} t.map = {a = t} return t"):
        answer: object = run(local, source)
        assert answer and "reached lua stack limit" in str(answer)
    assert run(local, "local t = {} for i = 1, 12 do t = {t, t} end return #t") == 2


@pytest.mark.parametrize("option", ["'stop'", "'setpause', 0", "'setstepmul', 0", "'restart'"])
def test_the_collector_is_the_servers(local: Local, option: str) -> None:
    """What a script does to it does not stay."""
    run(local, f"collectgarbage({option})")
    assert run(local, "for i = 1, 2e5 do local t = {} end return collectgarbage('count') < 60000") == 1


@pytest.mark.parametrize(
    "source",
    [
        "return redis.sha1hex('x')",
        "return redis.log(3, 'x')",
        "return redis.setresp(9)",
        "return redis.call('ECHO', 'x')",
        "return redis.pcall('NOSUCH')",
        "return loadstring('return 1')",
    ],
)
def test_without_memory_nothing_of_pythons_is_reached(local: Local, source: str) -> None:
    """Lua may raise no error of memory through Python."""
    fill = (
        "local t, s = {}, ('x'):rep(2 ^ 20) local function fill(size) pcall(function() while true do "
        "t[#t + 1] = #t .. s:sub(1, size) .. #t end end) end fill(2 ^ 20) fill(2 ^ 12) fill(40) "
    )
    reply = run(local, f"{fill} local a = pcall(function() {source} end) return a and t")
    is_luas_own = reply is None and "loadstring" in source  # an error of memory before anything of Python's is reached
    assert is_luas_own or isinstance(reply, Error)
    assert run(local, "return redis.call('ECHO', 'alive')") == b"alive"
    assert local.engine.scripts.memory_bytes() < 100_000_000


@pytest.mark.parametrize(
    "call",
    [
        "redis.call({})",
        "redis.call('GET', {})",
        "redis.call('SET', 'k', {})",
        "redis.setresp({})",
        "redis.sha1hex({}, {})",
        "redis.error_reply({})",
        "loadstring({})",
        "cjson.encode(function() end)",
        "error({err = {}})",
    ],
)
def test_errors_do_not_hold_what_was_in_a_coroutine(start_server: Callable[..., Server], call: str) -> None:
    """lupa keeps the last error of Python's; an object that it led to was freed by way of the coroutine, long gone."""
    source = (
        f"local function fail() {call} end for i = 1, 3 do pcall(fail) local one = coroutine.create(fail) "
        "coroutine.resume(one) pcall(coroutine.wrap(fail)) pcall(coroutine.wrap(fail), 1) one = nil "
        "collectgarbage() collectgarbage() "
        "local reused = {} for i = 1, 2000 do reused[i] = ('x'):rep(i % 400) .. i end end "
        "redis.pcall({}) return #redis.pcall('ECHO', {}).err > 0"
    )
    with start_server().connect() as connection:
        replies = connection.pipeline([[b"EVAL", source.encode(), b"0"]] * 2)
        assert [reply.value for reply in replies] == [1, 1]


def test_a_large_reply_is_let_go(local: Local) -> None:
    """Also one that leaves scripts no memory."""
    source = "local s, t = ('x'):rep(2 ^ 20), {} for i = 1, 480 do t[i] = i .. s end return t"
    reply = run(local, source)
    assert isinstance(reply, list) and len(reply) == 480
    assert local.engine.scripts.memory_bytes() < 100_000_000
    assert run(local, "return redis.call('ECHO', 'alive')") == b"alive"


def test_a_script_is_ended_with_the_server(start_server: Callable[..., Server]) -> None:
    """SIGTERM ends a script that would not end, and then the server."""
    server = start_server()
    with server.connect() as connection:
        connection.send([b"EVAL", b"while true do pcall(function() while true do end end) end", b"0"])
        time.sleep(0.3)
        assert server.process.poll() is None
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
