"""Cases of FUNCTION and FCALL."""

import anycrc

from tests.cases.scripting import ERRORS, MORE, RETURNS
from tests.harness import Case, StepLike, case, ignored, shape, unordered

_CRC = anycrc.Model("CRC64-REDIS")
_VERSION = 10  # of the payloads: every server that has functions reads it

F = "redis.register_function('f', function(keys, args) return 1 end)"

COUNTER = "local n = 0 redis.register_function('f', function() n = n + 1 return n end)"


def load(source: str, *options: str) -> list[bytes]:
    """FUNCTION LOAD of a library `lib`."""
    return [b"FUNCTION", b"LOAD", *[word.encode() for word in options], b"#!lua name=lib\n" + source.encode()]


def functions(name: str, *steps: StepLike) -> Case:
    """A case that begins without libraries and leaves none."""
    return case(name, "FUNCTION FLUSH", *steps, "FUNCTION FLUSH")


def loading(source: str) -> Case:
    """A case that loads a library."""
    return functions(f"load: {source!r}", load(source), "FUNCTION LIST WITHCODE", "FCALL f 0")


def body(source: str, *rest: str, setup: tuple[StepLike, ...] = (), flags: str = "", before: str = "") -> Case:
    """A case that calls a function with this body, twice."""
    register = f"redis.register_function{{function_name = 'f', flags = {{{flags}}}, callback = function(keys, args)"
    words = [word.encode() for word in (rest or ("0",))]
    library = load(f"{before}\n{register} {source} end}}")
    again = [b"FCALL_RO" if "no-writes" in flags else b"FCALL", b"F", *words]
    name = f"{before} {source} {flags} {rest or ''}".strip()
    return functions(f"call: {name!r}", *setup, library, [b"FCALL", b"f", *words], again)


def named(arguments: str) -> str:
    """A source that registers a function by named arguments."""
    return f"redis.register_function{{{arguments}}}"


def string(data: bytes) -> bytes:
    """A string of an RDB file."""
    return (bytes([len(data)]) if len(data) < 64 else bytes([0x40 | len(data) >> 8, len(data) & 255])) + data


def payload(*codes: bytes, tail: bytes = b"", version: int = _VERSION) -> bytes:
    """What FUNCTION DUMP gives for these libraries, with something behind."""
    content = b"".join(b"\xf5" + string(code) for code in codes) + tail + version.to_bytes(2, "little")
    return content + bytes(_CRC.calc(content).to_bytes(8, "little"))


def restore(data: bytes, *policy: str) -> list[bytes]:
    """FUNCTION RESTORE."""
    return [b"FUNCTION", b"RESTORE", data, *[word.encode() for word in policy]]


def simple(library: str, function: str, result: int = 1) -> bytes:
    """A library of one function that returns a number."""
    return f"#!lua name={library}\nredis.register_function('{function}', function() return {result} end)".encode()


# redis-server 8.0.6 crashes in a function that calls these, or at the next FUNCTION FLUSH.
FATAL = frozenset([
    "return redis.call({})", "return redis.call('get', nil)", "return redis.call('get', true)",
    "return redis.call('echo',true)", "return redis.call('echo',nil)", "return redis.call(nil)",
    "return redis.pcall({})", "return redis.pcall('set',{})", "return redis.breakpoint()",
])  # fmt: skip

FIRST_LINES = [
    "", "#!", "#!lua", "#!lua\n", "#!\n", "#!lua name=\n", "#!lua name=a-b\n", "#!lua name=x foo\n",
    "#!lua name=x foo=bar\n", "#!lua name=x name=y\n", "#! lua name=x\n", "#! name=x\n", "#!foo name=x\n",
    "#!LUA name=x\n", "#!lua NAME=x\n", '#!lua name=x foo="\n', "#!lua 'name=qq'\n", '#!lua name="ww"\n',
    '#!lua "name=\\x41"\n', "#!lua\tname=tt\n", "#!lua name=\xe9\n", "# !lua name=x\n", " #!lua name=x\n",
    "#!lua name=x\r\n", "#!lua name=a\0b\n", "#!lua name=x flags=no-writes\n", "#!lua name=_9z\n", "\n#!lua name=x\n",
    "#!lua name=x y\0z\n", "#!lua name=x 'y\\0z'\n", "#!lua   name=x   \n", "#!python name=-\n",
]  # fmt: skip

REGISTRATIONS = [
    "", "foo bar", "return 1", "return redis.register_function", "redis.register_function()",
    "redis.register_function('a')", "redis.register_function(1)", "redis.register_function(nil)",
    "redis.register_function('f', 1)", "redis.register_function('f', nil)",
    "redis.register_function(1, function() end)",
    "redis.register_function(1.5, function() end)", "redis.register_function({}, function() end)",
    "redis.register_function(true, function() end)", "redis.register_function('a', 'b', 'c')",
    "redis.register_function('a-b', function() end)", "redis.register_function('', function() end)",
    "redis.register_function('f\\0', function() end)", f"{F} {F}", "redis.register_function(redis.log)",
    "redis.register_function('f', redis.log)", "redis.register_function('f', redis.register_function)",
    named(""), named("function_name = 'f'"), named("callback = function() end"),
    named("callback = 1, function_name = 'f'"), named("callback = redis.log, function_name = 'f'"),
    named("callback = function() end, function_name = {}"), named("callback = function() end, function_name = 12"),
    named("callback = function() return 2 end, function_name = 'f', foo = 1"),
    named("callback = function() return 2 end, function_name = 'f', description = {}"),
    named("callback = function() return 2 end, function_name = 'f', description = 'what it does'"),
    named("callback = function() return 2 end, function_name = 'f', description = 12"),
    named("callback = function() return 2 end, function_name = 'f', description = 'a\\0b\\r\\n'"),
    named("callback = function() return 2 end, function_name = 'f', flags = 'no-writes'"),
    named("callback = function() return 2 end, function_name = 'f', flags = {}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {'what'}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {1}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {{}}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {true}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {a = 'no-writes'}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {'no-writes', nil, 'what'}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {'no-writes', 'no-writes'}"),
    named("callback = function() return 2 end, function_name = 'f', flags = {'NO-WRITES', 'Allow-OOM'}"),
    named("callback = function() return 2 end, function_name = 'f', "
          "flags = {'no-cluster', 'allow-stale', 'allow-oom', 'no-writes', 'allow-cross-slot-keys'}"),
    named("function() end"), named("[true] = 1"), named("[{}] = 1"), named("[1.5] = 1"),
    named("CALLBACK = function() return 3 end, Function_Name = 'f'"),
    "redis.call('get', 'x')", "redis.pcall('get', 'x')", "redis.sha1hex('a')", "redis.setresp(3)",
    "redis.error_reply('x')", "redis.set_repl(1)", "redis.acl_check_cmd('get')", "redis.breakpoint()",
    "redis.log()", "redis.log(7, 'x')", f"redis.log(redis.LOG_DEBUG, 'x') {F}", "redis.nosuch = 1",
    "redis.register_function = 1", "foo = 1", "local x = foo", "x()", "local x = KEYS", "local x = cjson",
    "local x = string", "error('x')", "pcall(1)", "local x = _G", "local t = {} t.x.y = 1", "local t = {} t.x.y.z = 1",
    "local x = 1 + nil", "local x = 'a' .. {}", "return (", "goto x", "local function g() return 1 + g() end g()",
    "while true do end", f"{F} while true do end", f"{F} foo()", f"{F} return redis.register_function('f-', 1)",
    "local x = ('x'):upper() redis.register_function('f', function() return x end)",
    "local x = ('x'):rep(3, 4, 5).y",
    "local r = redis redis.register_function('f', function() return r.call('ping') end)",
    "local l = redis.log redis.register_function('f', function() return l(1, 'x') end)",
    "local r = redis.register_function r('f', function() return r('g', function() end) end)",
    "local r = redis.register_function r('f', function() local x = r('g', function() end) return x end)",
    "local r = redis.register_function r('f', function() local a, b = pcall(r, 'g') return {type(b), b} end)",
    "local v = {redis.REDIS_VERSION_NUM > 0, type(redis.REDIS_VERSION)} redis.register_function('f', "
    "function() return v[2] end)",
    COUNTER, "local t = {} redis.register_function('f', function(k) t[#t + 1] = #t return t end)",
    "redis.register_function('f', function() return redis.register_function end)",
    "redis.register_function('f', function() return redis.register_function('g', 1) end)",
    "redis.register_function('f', coroutine)",
    "redis.register_function('f', function(...) return select('#', ...) end)",
    "\27Lua", "return", ";", "-- nothing",
]  # fmt: skip

BODIES = [
    body("return {#keys, #args, keys, args}", "2", "a", "b", "c"),
    body("keys.x = 1 keys[1] = 2 return keys", "1", "a"),
    body("return KEYS[1]", "1", "a"),
    body("return KEYS", "1", "a", setup=("EVAL 'return #KEYS' 1 a",)),
    body("return {tostring(redis.breakpoint), tostring(redis.debug), tostring(_G.redis.replicate_commands)}"),
    body("return redis.replicate_commands()"),
    body("return n()", before="local i = 0 local function n() i = i + 1 return i end"),
    body("return g()", before="local function g() return foo end"),
    body("return g()", before="local function g()\n error('inner') end"),
    body("local a = g() return a", before="local function g()\n error('inner') end"),
    body("local a = g() return a", before="local function g()\n return redis.call('nosuch') end"),
    body("return redis.call('set', keys[1], args[1])", "1", "k", "v"),
    body("return redis.call('set', keys[1], args[1])", "1", "k", "v", flags="'no-writes'"),
    body("return redis.pcall('set', keys[1], args[1])", "1", "k", "v", flags="'no-writes'"),
    body("return redis.call('get', keys[1])", "1", "k", flags="'no-writes'", setup=("SET k v",)),
    body("return redis.call('get', keys[1])", "1", "k", setup=("SET k v",)),
    body("return redis.call('publish', 'a', 'b')", flags="'no-writes'"),
    body("return redis.call('fcall', 'f', '0')"),
    body("return redis.call('fcall_ro', 'f', '0')"),
    body("return redis.call('eval', 'return 1', '0')"),
    body("return redis.call('function', 'list')"),
    body("return redis.call('function', 'stats')"),
    body("return redis.call('function', 'flush')"),
    body("redis.setresp(3) return redis.call('hgetall', 'h')", setup=("HSET h a 1",)),
    body("return redis.call('hgetall', 'h')", setup=("HSET h a 1",)),
    body("redis.setresp(3) return true"),
    body("redis.call('select', 3) redis.call('set', 'a', 1) return redis.call('get', 'a')"),
    body("redis.call('set', 'a', 1) redis.call('lpush', 'a', 1) redis.call('set', 'b', 1)"),
    body("return redis.call('blpop', 'none', 0)"),
    body("return 1", flags="'allow-oom', 'allow-stale', 'no-cluster', 'allow-cross-slot-keys'"),
]

CASES = [
    *(functions(f"first line {line!r}", [b"FUNCTION", b"LOAD", line.encode("latin-1") + F.encode()],
                "FUNCTION LIST WITHCODE") for line in FIRST_LINES),
    *(loading(source) for source in REGISTRATIONS),
    *BODIES,
    *(body(source, setup=("SET s text",)) for source in (*RETURNS, *ERRORS, *MORE)
      if source not in FATAL),
    functions("options of load", "FUNCTION LOAD", "FUNCTION LOAD REPLACE", load(F, "REPLACE", "replace"),
              load(F, "foo"), load(F, "REPLACE", "foo"), load(F, "foo", "bar"), load("foo(", "bar")),
    functions("names that are taken", load(F), load(F), [b"FUNCTION", b"LOAD", simple("other", "f")],
              [b"FUNCTION", b"LOAD", simple("other", "F")], [b"FUNCTION", b"LOAD", simple("LIB", "g")],
              [b"FUNCTION", b"LOAD", b"REPLACE", simple("LIB", "f")], unordered("FUNCTION LIST"), "FCALL g 0"),
    functions("a replacement", load(F), load("redis.register_function('g', function() return 2 end)", "REPLACE"),
              "FCALL f 0", "FCALL g 0", "FUNCTION LIST WITHCODE", "FUNCTION STATS"),
    *(functions(f"a replacement that fails: {source}", load(F), load(source, "REPLACE"), "FCALL f 0",
                "FUNCTION LIST WITHCODE", "FUNCTION STATS")
      for source in ("", "foo", "foo()", f"{F} foo()", "redis.register_function('g', 1)", "while true do end")),
    functions("a replacement that clashes", load(F), [b"FUNCTION", b"LOAD", simple("other", "g")],
              load("redis.register_function('G', function() end)", "REPLACE"), "FCALL f 0", "FCALL g 0"),
    functions("state begins anew with a replacement",
              load(COUNTER), "FCALL f 0", "FCALL f 0", load(COUNTER, "REPLACE"), "FCALL f 0"),
    functions("functions share what the library has made",
              load("local n = 0 local function g() n = n + 1 return n end "
                   "redis.register_function('f', g) redis.register_function('h', g)"),
              "FCALL f 0", "FCALL h 0", "FCALL H 0", unordered("FUNCTION STATS")),
    functions("libraries do not see each other",
              load("local secret = {1} redis.register_function('f', function() return secret end)"),
              [b"FUNCTION", b"LOAD", b"#!lua name=other\nredis.register_function('g', function() return secret end)"],
              "FCALL f 0", "FCALL g 0", "EVAL 'return secret' 0", "EVAL 'return redis.register_function' 0"),
    functions("what there is not", "FCALL nosuch 0", "FCALL_RO nosuch x", "FCALL nosuch 99", "FUNCTION DELETE nosuch",
              "FUNCTION LIST", "FUNCTION KILL", "FUNCTION STATS", "FUNCTION NOSUCH"),
    *(functions(f"number of keys {count}", load(F), f"FCALL f {count}", f"FCALL f {count} a b",
                f"FCALL_RO f {count} a b")
      for count in ("x", "-1", "1", "3", "2", "0", "1.5", "' 0'", "9223372036854775808", "''")),
    functions("lists", load(F), [b"FUNCTION", b"LOAD", simple("other", "g")], unordered("FUNCTION LIST"),
              unordered("FUNCTION LIST WITHCODE"), "FUNCTION LIST LIBRARYNAME lib", "FUNCTION LIST LIBRARYNAME L?B",
              unordered("FUNCTION LIST withcode libraryname *"), "FUNCTION LIST LIBRARYNAME nosuch WITHCODE",
              "FUNCTION LIST LIBRARYNAME", "FUNCTION LIST WITHCODE WITHCODE", "FUNCTION LIST foo",
              "FUNCTION LIST LIBRARYNAME a LIBRARYNAME b", "FUNCTION LIST LIBRARYNAME WITHCODE"),
    functions("deletes", load(F), "FUNCTION DELETE LIB", "FUNCTION DELETE lib", "FCALL f 0", "FUNCTION LIST",
              "FUNCTION DELETE lib"),
    functions("flushes", load(F), "FUNCTION FLUSH a", "FUNCTION FLUSH a b", "FUNCTION FLUSH ASYNC SYNC", "FCALL f 0",
              "FUNCTION FLUSH Async", "FCALL f 0", load(F), "FUNCTION FLUSH sync", "FUNCTION STATS"),
    functions("FLUSHALL keeps functions", load(F), "SET k v", "FLUSHALL", "FCALL f 0", "FLUSHDB", "FCALL f 0"),
    functions("SCRIPT FLUSH keeps functions", load(F), "SCRIPT FLUSH", "FCALL f 0", "FUNCTION FLUSH",
              "EVAL 'return 1' 0"),
    functions("reloads keep functions", load(F), "DEBUG RELOAD", "FCALL f 0", "DEBUG RELOAD NOSAVE",
              "FUNCTION LIST WITHCODE", "DEBUG RELOAD NOSAVE NOFLUSH", "DEBUG RELOAD NOSAVE NOFLUSH MERGE",
              "FCALL f 0"),
    functions("dumps", shape("FUNCTION DUMP"), load(F), shape("FUNCTION DUMP"), "FUNCTION DUMP x"),
    functions("restores", restore(payload()), restore(payload(simple("a", "x"), simple("b", "y"))), "FCALL x 0",
              "FCALL y 0", restore(payload(simple("a", "x"))), restore(payload(simple("c", "z")), "append"),
              "FCALL z 0",
              restore(payload(simple("a", "x", 2)), "Replace"), "FCALL x 0", "FCALL y 0",
              restore(payload(simple("a", "X", 3)), "FLUSH"), "FCALL x 0", "FCALL y 0", "FUNCTION LIST WITHCODE",
              restore(payload(), "FLUSH"), "FUNCTION LIST"),
    functions("restores that fail", restore(payload(simple("a", "x"), simple("b", "y"))),
              restore(payload(simple("c", "z"), simple("a", "x"))), restore(payload(simple("c", "x"))),
              restore(payload(simple("b", "x")), "REPLACE"), restore(payload(simple("c", "z"), simple("c", "z"))),
              restore(payload(simple("c", "z"), simple("d", "z"))), restore(payload(simple("c", "z"), b"x")),
              restore(payload(simple("c", "z"), b"#!lua name=d\nfoo"), "FLUSH"),
              restore(payload(b"#!lua name=b\nfoo()"), "REPLACE"), unordered("FUNCTION LIST WITHCODE"), "FCALL x 0",
              "FCALL y 0", "FCALL z 0"),
    functions("a restore that moves a function", restore(payload(simple("a", "x"), simple("b", "y"))),
              restore(payload(simple("a", "y"), simple("b", "x")), "REPLACE"), unordered("FUNCTION LIST WITHCODE")),
    functions("bad payloads", restore(b""), restore(b"foo"), restore(payload(simple("a", "x"))[:-1] + b"!"),
              restore(payload(simple("a", "x"), version=99)), restore(payload(simple("a", "x"), tail=b"x")),
              restore(payload(simple("a", "x"), tail=b"\xf5")), restore(payload(tail=b"\xf5\x3fabc")),
              restore(payload(tail=b"\xf6" + string(simple("a", "x")))), restore(payload(tail=b"\0\1k\1v")),
              restore(payload(b"x", tail=b"x")), restore(payload(tail=b"\xf5\xc3\1\1a")), "FUNCTION LIST"),
    functions("policies", restore(payload(), "x"), restore(b"", "x"), restore(b"", "x", "y"), "FUNCTION RESTORE",
              restore(payload(simple("a", "x"), version=1), "APPEND")),
    functions("a payload of our own", load(F), ignored("FUNCTION DUMP"), "FUNCTION DELETE lib"),
    *(case(f"arity of {name}", name) for name in
      ("FCALL", "FCALL f", "FCALL_RO f", "FUNCTION", "FUNCTION LOAD", "FUNCTION DELETE", "FUNCTION DELETE a b",
       "FUNCTION STATS x", "FUNCTION KILL x", "FUNCTION HELP x")),
    functions("help is in our words", shape("FUNCTION HELP")),
    *(case(f"command info {name}", f"COMMAND INFO {name}") for name in ("FUNCTION|LOAD", "FUNCTION|STATS")),
    *(case(f"keys of {name}", f"COMMAND GETKEYS {name} x 2 a b c", f"COMMAND GETKEYSANDFLAGS {name} x 1 a b c",
           f"COMMAND GETKEYS {name} x 0", f"COMMAND GETKEYS {name} x 9 a") for name in ("FCALL", "FCALL_RO")),
    functions("watched keys and functions",
              load("redis.register_function('f', function() redis.call('set', 'k', 2) end)"), "SET k 1", "WATCH k",
              "2> FCALL f 0", "MULTI", "GET k", "EXEC"),
    functions("functions wake the waiting",
              load("redis.register_function('f', function(k, a) redis.call('rpush', k[1], unpack(a)) end)"),
              "1& BLPOP l 0", "2> FCALL f 1 l a b", "1<"),
    functions("errors are counted", load("redis.register_function('f', function() return redis.call('incr', 'k') end)"),
              "SET k v", "CONFIG RESETSTAT", "FCALL f 0", "INFO errorstats"),
]  # fmt: skip
