"""What scripts see: the Lua source that builds their world, run once in a fresh Lua state before anything else.

Scripts get an empty table for their globals. Reads fall through to a table of the allowed functions, writes are
refused, and so it is with each library: a script finds only proxies and cannot change what the next one sees. What
the functions that go past metatables could still leave in a proxy (`table.insert(redis, 1)`) is swept out after a run.

What Python offers is wrapped by `python.as_function`, so that it looks and counts as a C function: were redis.call a
Lua function, `return redis.call(...)` would be a tail call, and the line to name in the error lost. Python tells of
errors by raising, which lupa hands to Lua as an object; wherever a script can get hold of an error (pcall, xpcall,
coroutine.resume) the object is exchanged for what Redis has there. An error that ends the script for good (`fatal`: the
server is to stop, or memory is used up) passes through all of them.

Not there: files, modules, debugging, print, setfenv, newproxy, byte code. Source: redis.io, "Redis Lua API reference".
"""

from typing import Final

HOOK_INTERVAL: Final = 100_000  # instructions between two looks at whether to go on
LOADING_HOOK_INTERVAL: Final = 100_000  # the same for libraries that are being loaded

SANDBOX: Final = rb"""
local offered, kept, interval, loading_interval = ...
local as_function = python.as_function
local error, select, setmetatable, type, tostring, next = error, select, setmetatable, type, tostring, next
local pcall, xpcall, rawset, rawget, setfenv = pcall, xpcall, rawset, rawget, setfenv
local load, loadstring, retold, match = load, loadstring, offered.retold, string.match
local getmetatable, pairs, tonumber = getmetatable, pairs, tonumber
local table_concat, string_byte = table.concat, string.byte
local resume, create, wrap = coroutine.resume, coroutine.create, coroutine.wrap
local getinfo, sethook, unpack = debug.getinfo, debug.sethook, unpack
local null, dump, without_tail_calls = offered.null, string.dump, as_function(offered.without_tail_calls)
local own_source = getinfo(1, 'S').source
debug, python, package, require, module, io = nil
local error_text, look_up = as_function(offered.error_text), as_function(offered.look_up)
local is_late = as_function(offered.is_late)
local READONLY = 'Attempt to modify a readonly table'
local fatal = {}
local function fatal_with(text)
    fatal.err, fatal.source, fatal.line = text, nil, nil
    return fatal
end

local hidden, proxies = {}, {}
local function refuse() error(READONLY, 2) end
local function behind_proxy(library)
    local proxy = setmetatable({}, {__index = library, __newindex = refuse})
    hidden[proxy] = library
    proxies[#proxies + 1] = proxy
    return proxy
end

-- Functions of C's that ours call for the script tell of our source.
local OWN_PLACE = '^sandbox:%d+: (.*)$'
-- What Python raised, as Redis would have it.
local function as_table(problem)
    if type(problem) ~= 'userdata' then return problem end
    local text, ends, counted = error_text(problem)
    if text == nil then return problem end
    if ends then
        return fatal_with(text)
    end
    if counted then return {err = text, ignore_error_stats_update = true} end
    if counted == nil then return text end
    return {err = text}
end
-- As a handler of errors is called: what the script was at, the call by which it got into ours or C, and the function
-- that it was in. With `thread`: as that coroutine has failed.
local function look(thread, level, what)
    if thread then return getinfo(thread, level, what) end
    return getinfo(level + 2, what)
end
local function place_of_script(level, thread)
    local place = look(thread, level, 'Sl')
    if place and place.what == 'C' then
        level = level + 1
        place = look(thread, level, 'Sl')
    end
    while place and (place.source == own_source or place.what == 'tail') do
        level = level + 1
        place = look(thread, level, 'Sl')
    end
    return place, look(thread, level - 1, 'n') or {}, place and look(thread, level, 'f').func
end
-- A handler of errors: what C tells of our source becomes what it would tell of the script.
local function told_of_script(problem, level)
    local text = type(problem) == 'string' and match(problem, OWN_PLACE)
    if not text then return problem end
    local place, called = place_of_script(level or 2)
    return retold(text, called, place)
end
local function outcome_of_pcall(done, problem, ...)
    if done then return true, problem, ... end
    problem = as_table(problem)
    if problem == fatal then error(fatal, 0) end
    if type(problem) == 'table' then
        local text = problem.err
        if type(text) == 'string' or type(text) == 'number' then problem = text end
    elseif type(problem) == 'string' then
        local text = match(problem, OWN_PLACE)
        if text then problem = retold(text, {}) end
    end
    return false, problem
end
local function outcome(done, problem, ...)
    if done then return true, problem, ... end
    problem = as_table(problem)
    if problem == fatal then error(fatal, 0) end
    return false, problem
end
local function hook()
    local problem = look_up()
    if problem then error(fatal_with(problem), 0) end
end
local function loading_hook()
    hook()
    if is_late() then error({err = 'ERR FUNCTION LOAD timeout'}, 0) end
end
local function hooked(body)
    if type(body) ~= 'function' then return body end
    return function(...) sethook(hook, '', interval) return body(...) end
end
sethook(hook, '', interval)

local redis = {
    LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
    REPL_NONE = 0, REPL_AOF = 1, REPL_SLAVE = 2, REPL_REPLICA = 2, REPL_ALL = 3,
    REDIS_VERSION = offered.version, REDIS_VERSION_NUM = offered.version_number,
    call = as_function(offered.call),
    breakpoint = function() return false end, debug = function() end,
    replicate_commands = function() return true end,
}
for name, value in pairs(offered.functions) do redis[name] = as_function(value) end
local try_call = as_function(offered.pcall)
function redis.pcall(...)
    local reply, text, counted = try_call(...)
    if text == nil then return reply end
    if counted then return {err = text, ignore_error_stats_update = true} end
    return {err = text}
end
-- The short cuts of `sources`: commands by the names they were called by, as functions, and as what a word is asked of.
local redis_call, entry = redis.call, as_function(offered.entry)
local functions, items = {}, {}
local function prepared(name)
    local made, takes_one = entry(name)
    if made == nil then return nil end
    local called = as_function(made)
    functions[name] = called
    if takes_one then items[name] = made end
    return called
end
local function call(name, ...)
    local called = functions[name] or prepared(name)
    if not called then return redis_call(name, ...) end
    local reply = called(...)
    if reply ~= reply then return {ok = 'OK'} end
    return reply
end
local function call_with_word(name, word)
    local item = items[name]
    if not item then return call(name, word) end
    local reply = item[word]
    if reply ~= reply then return {ok = 'OK'} end
    return reply
end
local function single_field(field, ...)
    local given = ...
    if select('#', ...) ~= 1 or type(given) ~= 'string' then return {err = 'ERR wrong number or type of arguments'} end
    return {[field] = given}
end
function redis.error_reply(...)
    local reply = single_field('err', ...)
    local text = reply.err:match('^%-?([^%z]*)'):gsub('^[\r\n]+', ''):gsub('[\r\n]+$', '')
    if not text:find(' ', 1, true) then text = 'ERR ' .. text end
    reply.err = text
    return reply
end
function redis.status_reply(...) return single_field('ok', ...) end
local globals = {
    assert = assert, error = error, gcinfo = gcinfo, ipairs = ipairs,
    rawequal = rawequal, select = select, tonumber = tonumber, tostring = tostring, type = type,
    _VERSION = _VERSION,
}
-- How the collector goes about it is the server's business: a script that changes it hears what it was and is.
local pace = {stop = 0, restart = 0, setpause = 200, setstepmul = 200}
function globals.collectgarbage(option, ...)
    return pace[option] or collectgarbage(option, ...)
end
local library = {}
for name, value in pairs(coroutine) do library[name] = value end
local function outcome_of_resume(thread, done, problem, ...)
    local text = not done and type(problem) == 'string' and match(problem, OWN_PLACE)
    if text and type(thread) == 'thread' then
        local place, called = place_of_script(0, thread)
        return false, retold(text, called, place)
    end
    return outcome(done, problem, ...)
end
function library.resume(...)
    local thread = ...
    return outcome_of_resume(thread, resume(...))
end
function library.create(body) return create(hooked(body)) end
function library.wrap(body) return wrap(hooked(body)) end
globals.coroutine = behind_proxy(library)
for _, name in pairs({'string', 'table', 'math'}) do globals[name] = behind_proxy(_G[name]) end
globals.os = behind_proxy({clock = os.clock})
globals.redis = behind_proxy(redis)
for name, functions in pairs(offered.libraries) do globals[name] = behind_proxy(functions) end
local function missing(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end
local missing_metatable = {__index = missing}
-- All that a library sees while it is loaded.
local loading_globals = setmetatable({redis = behind_proxy(setmetatable({
    LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
    REDIS_VERSION = offered.version, REDIS_VERSION_NUM = offered.version_number,
    log = redis.log, register_function = as_function(offered.register_function),
}, missing_metatable))}, missing_metatable)

local limit = offered.longest_pattern
for _, name in pairs({'find', 'match', 'gmatch', 'gfind', 'gsub'}) do
    local original = string[name]
    string[name] = function(...)
        local _, pattern = ...
        -- Lua's matcher goes down the C stack for each item of a pattern.
        if type(pattern) == 'string' and #pattern > limit then error('pattern too complex', 2) end
        return original(...)
    end
end
-- C counts what it is to give in an int, and goes astray when that overflows.
local as_int, too_many = offered.as_int, 2147483647
function globals.unpack(...)
    local list, first, last = ...
    if first == nil or type(list) ~= 'table' then return unpack(...) end
    first, last = tonumber(first), last == nil and #list or tonumber(last)
    if first and last and as_int(last) - as_int(first) >= too_many then return unpack(list, 1, too_many) end
    return unpack(...)
end
local string_metatable = behind_proxy({__index = globals.string})
getmetatable('').__index = string

local own_chunks = {['@user_script'] = true, ['@user_function'] = true}
local function with_arguments(body, ...)
    local given, count = {...}, select('#', ...)
    return function() return body(unpack(given, 1, count)) end
end
function globals.pcall(...)
    local body = ...
    local count = select('#', ...)
    if count == 0 then return false, 'attempt to call a boolean value' end -- what Redis makes of it
    if count == 1 then return outcome_of_pcall(xpcall(body, told_of_script)) end
    if type(body) == 'function' and own_chunks[getinfo(body, 'S').source] then
        return outcome_of_pcall(xpcall(with_arguments(...), told_of_script))
    end
    return outcome_of_pcall(pcall(...))
end
function globals.xpcall(...)
    local body, handler = ...
    if select('#', ...) < 2 then return xpcall(...) end
    return outcome(xpcall(body, function(problem)
        problem = as_table(problem)
        if problem == fatal then return fatal end
        return handler(told_of_script(problem, 3))
    end))
end
function globals.next(...)
    local one = ...
    if hidden[one] then return next(hidden[one], select(2, ...)) end
    return next(...)
end
function globals.pairs(...)
    local one = ...
    if hidden[one] then return globals.next, one, nil end
    return pairs(...)
end
function globals.rawget(...)
    local one = ...
    if hidden[one] then return rawget(hidden[one], select(2, ...)) end
    return rawget(...)
end
function globals.rawset(...)
    local one = ...
    if hidden[one] then error(READONLY, 0) end
    return rawset(...)
end
function globals.setmetatable(...)
    local one = ...
    if hidden[one] then error(READONLY, 0) end
    return setmetatable(...)
end
local world = {__index = globals, __newindex = refuse}
local globals_proxy = setmetatable({}, world)
hidden[globals_proxy] = globals
proxies[#proxies + 1] = globals_proxy
globals._G = globals_proxy
setmetatable(globals, missing_metatable)
local globals_metatable = behind_proxy({__index = missing})
function globals.getmetatable(...)
    local one = ...
    if type(one) == 'string' then return string_metatable end
    if one == globals_proxy then return globals_metatable end
    if hidden[one] or one == null then return nil end
    return getmetatable(...)
end

-- For chunks that set no globals; nothing else gets at it. Libraries see other globals while they are loaded.
local plain_globals = {}
local function fit(made, name, main_depth)
    local code, sets_globals = without_tail_calls(dump(made), main_depth)
    local is_proxy = sets_globals or name == '@user_function'
    return setfenv(code and loadstring(code) or made, is_proxy and globals_proxy or plain_globals)
end
local sweeps_all = false  -- once there is a library that may change others
local sweeping = setmetatable({}, {__mode = 'k'})
local function compile(text, name, shortened, sweeps)
    if string_byte(text, 1) == 27 then return nil, offered.byte_code end
    local made, problem = loadstring(text, name)
    if not made then return nil, problem end
    -- With the short cut there may be more upvalues than Lua allows.
    local outer = shortened and loadstring(shortened, name)
    if outer then
        made = fit(outer, name, 2)(call_with_word, call)
    else
        made = fit(made, name, 1)
    end
    if sweeps then sweeping[made] = true end
    return made
end
function globals.loadstring(...)
    local text, name = ...
    if type(text) ~= 'string' and type(text) ~= 'number' then return loadstring(...) end
    return compile(text, name)
end
function globals.load(...)
    local reader, name = ...
    if type(reader) ~= 'function' then return load(...) end
    local parts = {}
    while true do
        local done, part = globals.pcall(reader)
        if not done then return nil, part end
        if part == nil or part == '' then break end
        if type(part) ~= 'string' then return nil, 'reader function must return a string' end
        parts[#parts + 1] = part
    end
    return compile(table_concat(parts), name or '=(load)')
end

local function where()
    local level = 4
    local place = getinfo(level, 'Sl')
    while place and (place.source == own_source or place.what == 'tail') do
        level = level + 1
        place = getinfo(level, 'Sl')
    end
    if place and place.currentline > 0 then return place.short_src .. ':' .. place.currentline .. ': ' end
    return ''
end

local function explain(problem)
    problem = as_table(problem)
    local retelling = type(problem) == 'string' and match(problem, OWN_PLACE)
    if type(problem) ~= 'table' then problem = {err = 'ERR ' .. tostring(problem)} end
    local place, called_by, runner = place_of_script(2)
    if retelling then
        problem.err = 'ERR ' .. retold(retelling, called_by, place)
    end
    if place and runner ~= xpcall then
        rawset(problem, 'source', place.source)
        rawset(problem, 'line', place.currentline)
    end
    return problem
end

local function sweep()
    for place = 1, #proxies do
        local proxy = proxies[place]
        local key = next(proxy)
        while key ~= nil do
            rawset(proxy, key, nil)
            key = next(proxy)
        end
    end
end

-- A table that goes out: see `results`, which reads the kinds.
local SIMPLE, ARRAY, STATUS, ERROR, DOUBLE, BIG_NUMBER, VERBATIM, MAP, SET = 1, 2, 3, 4, 5, 6, 7, 8, 9
local COUNTED_ERROR, NOTHING = 10, 11
local leaves = {string = true, number = true, boolean = true}
local at_once = 4000
local pending
local function put(out, count, kind, value)
    out[count + 1], out[count + 2] = kind, value
    return count + 2
end
local flatten
local function flatten_members(one, out, count, depth, is_map)
    local place, size = count + 2, 0
    count = put(out, count, is_map and MAP or SET, 0)
    for key, value in next, one do
        size = size + 1
        count = flatten(key, out, count, depth)
        if is_map then count = flatten(value, out, count, depth) end
    end
    out[place] = size
    return count
end
function flatten(one, out, count, depth)
    local kind = type(one)
    if leaves[kind] then return put(out, count, SIMPLE, one) end
    if kind ~= 'table' then return put(out, count, NOTHING, false) end
    if depth > 200 then return put(out, count, ERROR, 'ERR reached lua stack limit') end
    local field = rawget(one, 'err')
    if type(field) == 'string' then
        return put(out, count, rawget(one, 'ignore_error_stats_update') and COUNTED_ERROR or ERROR, field)
    end
    field = rawget(one, 'ok')
    if type(field) == 'string' then return put(out, count, STATUS, field) end
    field = rawget(one, 'double')
    if type(field) == 'number' then
        return put(out, count, DOUBLE, field == 0 and 1 / field < 0 and '-0' or field) -- lupa would make it an integer
    end
    field = rawget(one, 'big_number')
    if type(field) == 'string' then return put(out, count, BIG_NUMBER, field) end
    field = rawget(one, 'verbatim_string')
    if type(field) == 'table' then
        local text, format = rawget(field, 'string'), rawget(field, 'format')
        if type(text) == 'string' and type(format) == 'string' then
            return put(out, put(out, count, VERBATIM, text), SIMPLE, format)
        end
    end
    field = rawget(one, 'map')
    if type(field) == 'table' then return flatten_members(field, out, count, depth + 1, true) end
    field = rawget(one, 'set')
    if type(field) == 'table' then return flatten_members(field, out, count, depth + 1, false) end
    local place, size = count + 2, 0
    count = put(out, count, ARRAY, 0)
    while true do
        local item = rawget(one, size + 1)
        if item == nil then break end
        size = size + 1
        count = flatten(item, out, count, depth + 1)
    end
    out[place] = size
    return count
end
local function is_array(one)
    return getmetatable(one) == nil and one.err == nil and one.ok == nil and one.double == nil and one.map == nil
        and one.set == nil and one.big_number == nil and one.verbatim_string == nil
end
local function outgoing(one)
    if is_array(one) then
        local count = 0
        while true do
            local item = one[count + 1]
            if item == nil then
                pending = one
                return true, count, unpack(one, 1, count < at_once and count or at_once)
            end
            if not leaves[type(item)] then break end
            count = count + 1
        end
    end
    pending = {}
    local count = flatten(one, pending, 0, 0)
    return false, count, unpack(pending, 1, count < at_once and count or at_once)
end
local function more(place)
    return false, unpack(pending, place, place + at_once - 1)
end
local function release() pending = nil end

local function failed(value)
    if type(value) ~= 'table' then return nil, 'ERR ' .. tostring(value), nil, nil, nil end
    local text = rawget(value, 'err')
    if type(text) ~= 'string' and type(text) ~= 'number' then text = 'ERR unknown error' end
    local is_counted = rawget(value, 'ignore_error_stats_update')
    return nil, tostring(text), rawget(value, 'source'), rawget(value, 'line'), is_counted
end

local function result(done, ...)
    if done then return ... end
    return failed(as_table(...))
end

-- Functions have no KEYS and ARGV, and nothing of `redis` that is there for scripts of old and their debugger.
local of_functions = {}
for name, value in next, globals do of_functions[name] = value end
setmetatable(of_functions, missing_metatable)
local redis_of_functions = {}
for name, value in pairs(redis) do redis_of_functions[name] = value end
for _, name in pairs({'breakpoint', 'debug', 'replicate_commands'}) do redis_of_functions[name] = nil end
of_functions.redis = behind_proxy(redis_of_functions)
local called, called_keys, called_arguments
local function call_with_parameters() return called(called_keys, called_arguments) end

-- Returns the function's first value, a table as `results` tells; or nil, the error, its source and line, and whether
-- it was counted.
local function run_tables(number, as_parameters, keys, arguments)
    local body = kept[number]
    local done, value
    pending = nil
    if as_parameters then
        called, called_keys, called_arguments = body, keys, arguments
        world.__index, hidden[globals_proxy] = of_functions, of_functions
        done, value = xpcall(call_with_parameters, explain)
        world.__index, hidden[globals_proxy] = globals, globals
        called, called_keys, called_arguments = nil, nil, nil
    else
        globals.KEYS, globals.ARGV = keys, arguments
        plain_globals.KEYS, plain_globals.ARGV = keys, arguments
        done, value = xpcall(body, explain)
        globals.KEYS, globals.ARGV, plain_globals.KEYS, plain_globals.ARGV = false, false, false, false
    end
    if sweeps_all or sweeping[body] then sweep() end
    if not done then return failed(value) end
    local kind = type(value)
    if kind == 'table' then return result(pcall(outgoing, value)) end
    if leaves[kind] then return value end
end
local function run(number, as_parameters, key_count, ...)
    local count = select('#', ...)
    if count == key_count then return run_tables(number, as_parameters, {...}, {}) end
    if key_count == 0 then return run_tables(number, as_parameters, {}, {...}) end
    local words = {...}
    local keys = {unpack(words, 1, key_count)}
    return run_tables(number, as_parameters, keys, {unpack(words, key_count + 1, count)})
end

-- Runs a library that registers its functions. Returns nothing; or nil, the error and more.
local function load(number)
    world.__index = loading_globals
    sethook(loading_hook, '', loading_interval)
    local done, value = xpcall(kept[number], explain)
    world.__index = globals
    sethook(hook, '', interval)
    sweep()
    if sweeping[kept[number]] then sweeps_all = true end
    if not done then return failed(value) end
end

-- Returns true twice (so that it is a tuple) and a table's keys and values by turns, but not too many of them.
local function flat_of(one)
    local flat, count = {}, 0
    for key, value in next, one do
        if count == 200 then break end
        flat[count + 1], flat[count + 2] = key, value
        count = count + 2
    end
    return true, true, unpack(flat, 1, count)
end
for name, value in next, globals do plain_globals[name] = value end
setmetatable(plain_globals, missing_metatable)
return compile, run, run_tables, load, where, more, flat_of, release
"""
