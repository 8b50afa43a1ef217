"""Cases of errors in scripts: what is said, with which line, by how the script came to it."""

from __future__ import annotations

from tests.harness import Case, case

# Each is tried as a local's value, as what is returned, in a function, and inside pcall, xpcall and a coroutine.
WRONG = r"""
redis.call()
redis.pcall()
redis.call(nil)
redis.call({})
redis.call(true)
redis.call('')
redis.call(1)
redis.call('GET')
redis.call('GET', nil)
redis.call('GET', {})
redis.call('GET', true)
redis.call('GET', 'a', 'b')
redis.call('GET', function() end)
redis.call('nosuch')
redis.call('NOSUCH', 'a')
redis.call('config')
redis.call('config', 'nosuch')
redis.call('config', 'get')
redis.call('object', 'encoding')
redis.call('SUBSCRIBE', 'a')
redis.call('MULTI')
redis.call('EVAL', 'return 1', 0)
redis.call('SCRIPT', 'FLUSH')
redis.call('MONITOR')
redis.call('AUTH', 'x')
redis.call('HELLO', 3)
redis.call('SET', 'a')
redis.call('SET', 'a', 'b', 'c')
redis.call('INCR', 'l')
redis.call('LPUSH', 's', 1)
redis.call('SELECT', 'x')
redis.call('SELECT', 99)
redis.call('EXPIRE', 's', 'x')
redis.call('ZADD', 'z', 'x', 1)
redis.pcall('nosuch').x.y()
redis.call
redis.call('get', 's'):nosuch()
redis.error_reply()
redis.error_reply(1)
redis.error_reply('a', 'b')
redis.error_reply({})
redis.status_reply()
redis.status_reply(1)
redis.sha1hex()
redis.sha1hex(1, 2)
redis.sha1hex({})
redis.log()
redis.log(1)
redis.log('x', 'y')
redis.log(9, 'y')
redis.log(-1, 'y')
redis.log(0/0, 'y')
redis.setresp()
redis.setresp(1)
redis.setresp(4)
redis.setresp('3')
redis.setresp(3, 3)
redis.setresp({})
redis.set_repl()
redis.set_repl(9)
redis.set_repl('x')
redis.set_repl({})
redis.set_repl(1, 2)
redis.acl_check_cmd()
redis.acl_check_cmd('nosuch')
redis.acl_check_cmd('GET', 'a')
redis.acl_check_cmd({})
redis.acl_check_cmd('config')
redis.acl_check_cmd('GET')
redis.breakpoint()
redis.debug('x')
redis.replicate_commands()
redis.nosuch()
redis.register_function('a', function() end)
redis.nosuch = 1
redis[nil]
nosuch
nosuch()
nosuch.x
nosuch = 1
error()
error(nil)
error({})
error({err='x'})
error({err='My x'})
error({err=1})
error({err='\n'})
error({err='\n a\r\n'})
{err='\na\n'}
error('x', 0)
error(12)
error(true)
error(redis.error_reply('x'))
error({err='ERR x', ignore_error_stats_update=true})
assert(false)
assert(nil, 'x')
assert(false, {})
assert(false, {err='ERR y'})
assert(redis.pcall('nosuch').err == nil, 'bad')
string.rep()
string.rep('x', 'y')
('x'):rep({})
('x').y.z
#nil
nil .. 'x'
{} + 1
{} < {}
1 < 'x'
nil()
(1)()
tonumber()
tonumber('1', 99)
tostring()
setmetatable(1, {})
setmetatable(redis, {})
rawset(redis, 'a', 1)
getmetatable(redis).x
table.concat({{}})
table.concat({1, nil, 3})
table.insert()
table.insert({}, 1, 2, 3)
table.sort({1, 'x'})
ipairs()
pairs(nil)
next({}, 'x')
select()
select(0)
unpack()
unpack({}, 1, 1e8)
loadstring('x =')
loadstring('return (')()
loadstring(string.dump(function() end))
load('x')
dofile('x')
require('x')
os.time()
os.clock(1) > 0
math.floor('x')
math.random(0)
coroutine.resume(1)
coroutine.yield()
cjson.decode()
cjson.decode('{')
cjson.decode('[1,')
cjson.encode()
cjson.encode(function() end)
cjson.encode({[1.5]=1})
cjson.encode(0/0)
cmsgpack.pack()
cmsgpack.unpack()
cmsgpack.unpack('\\193')
cmsgpack.unpack({})
struct.pack()
struct.pack('q', 1)
struct.pack('i4')
struct.unpack('i4', 'x')
struct.size('s')
bit.band()
bit.band('x')
bit.tohex({})
KEYS[1].x
ARGV[1] .. nil
KEYS()
"""
FORMS = [
    "local a = 1\nlocal x = %\nreturn x",
    "return %",
    "local function f()\n  return %\nend\nlocal x = f()\nreturn 1",
    "%",
    "local done, e = pcall(function()\n  local x = %\nend)\nreturn shown(e)",
    "local done, e = pcall(function(a, b)\n  local x = %\nend, 1, 2)\nreturn shown(e)",
    "local done, e = xpcall(function()\n  local x = %\nend, function(e)\n  return e\nend)\nreturn shown(e)",
    "local done, e = coroutine.resume(coroutine.create(function()\n  local x = %\nend))\nreturn shown(e)",
]
# Errors as texts, without the addresses of tables.
_SHOWN = (
    "local function shown(e) if type(e) == 'table' then e = e.err or 'none' end "
    "return (tostring(e):gsub('0x%x+', '')) end "
)


def _cases(given: str) -> Case:
    steps = [[b"EVAL", (_SHOWN + form.replace("%", given)).encode(), b"0"] for form in FORMS]
    if "{}" in given or "function() end" in given:
        steps = steps[4:]  # where an error may be a table, its address differs
    return case(given, "SET s x", "RPUSH l 1", *steps, resp=2, multi=False)


CASES = [_cases(given) for given in WRONG.strip().split("\n")]
