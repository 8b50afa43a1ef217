"""The `cjson` library of scripts, in Lua: JSON to tables and back, as lua-cjson 2.1.0 does it.

`cjson.new` makes further instances, each with its own settings. Settings stay from one script to the next, in Redis
too. A table is an array when all its keys are integers from 1 on; if too many of those are missing it is an error, or
by `encode_sparse_array` an object.

How decoding is fast: the usual case of each step is one match of a pattern, for a key with its colon and the byte
behind, or for a string or number with the comma or bracket behind; whatever is unusual there (spaces, escapes, other
notations) takes the longer way through `value`. A text without any backslash and NUL, `plain`, has simpler patterns.
Errors are told after the fact: `unexpected` reads the token again that did not fit.

Source: kyne.com.au/~mark/software/lua-cjson-manual.html; redis.io, "Redis Lua API reference".
"""

from typing import Final

CJSON: Final = rb"""
local support, null = ...
local fail, bad_argument = support.fail, support.bad_argument
local text_argument, int_argument = support.text_argument, support.int_argument
local type, next, rawget, select, tonumber, tostring = type, next, rawget, select, tonumber, tostring
local byte, char, find, sub, match, gsub = string.byte, string.char, string.find, string.sub, string.match, string.gsub
local format, lower, concat, floor, huge = string.format, string.lower, table.concat, math.floor, math.huge
local MAX_INT, STACK = 2147483647, 8000 -- STACK: slots that a C function of Lua's has

-- -- tokens

local ESCAPES = {
    [34] = '"', [92] = '\\', [47] = '/', [98] = '\b', [102] = '\f', [110] = '\n', [114] = '\r', [116] = '\t',
}
local function utf8(code)
    if code < 0x80 then return char(code) end
    if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
    local last_two = char(0x80 + floor(code / 64) % 64, 0x80 + code % 64)
    if code < 0x10000 then return char(0xE0 + floor(code / 4096)) .. last_two end
    return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64) .. last_two
end
-- The character that \u stands for at `at`, and the place after it; nil for none.
local function unicode(text, at)
    local code = tonumber(match(text, '^u(%x%x%x%x)', at) or '', 16)
    if not code then return nil end
    at = at + 5
    if code >= 0xD800 and code < 0xE000 then
        local second = code < 0xDC00 and match(text, '^\\u([dD][c-fC-F]%x%x)', at)
        if not second then return nil end
        code = 0x10000 + (code - 0xD800) * 1024 + tonumber(second, 16) - 0xDC00
        at = at + 6
    end
    return utf8(code), at
end
-- The string whose opening quote is at `at`, and the place after it; or nil, what is wrong, and where.
local function string_at(text, at)
    local parts, count = {}, 0
    at = at + 1
    while true do
        local stop = find(text, '["\\%z]', at) or #text + 1
        count = count + 1
        parts[count] = sub(text, at, stop - 1)
        local mark = byte(text, stop)
        if mark == 34 then return concat(parts), stop + 1 end
        if mark ~= 92 then return nil, 'unexpected end of string', stop end
        local made = ESCAPES[byte(text, stop + 1)]
        at = stop + 2
        if not made then
            if byte(text, stop + 1) ~= 117 then return nil, 'invalid escape code', stop end
            made, at = unicode(text, stop + 1)
            if not made then return nil, 'invalid unicode escape code', stop end
        end
        count = count + 1
        parts[count] = made
    end
end

-- A number as C's strtod reads it, and the place after it; nil for none.
local function number_at(text, at)
    local _, stop = find(text, '^[-+]?0[xX]%x*%.?%x*', at)
    if stop and find(text, '^[-+]?0[xX]%.?%x', at) then
        local _, further = find(text, '^[pP][-+]?%d+', stop + 1)
        stop = further or stop
    else
        _, stop = find(text, '^[-+]?%d+%.?%d*', at)
        if not stop then _, stop = find(text, '^[-+]?%.%d+', at) end
        if stop then
            local _, further = find(text, '^[eE][-+]?%d+', stop + 1)
            stop = further or stop
        else
            local _, sign = find(text, '^[-+]?', at)
            local word = lower(sub(text, sign + 1, sign + 8))
            if word == 'infinity' then stop = sign + 8
            elseif sub(word, 1, 3) == 'inf' then stop = sign + 3
            elseif sub(word, 1, 3) == 'nan' then
                stop = sign + 3
                local _, further = find(text, '^%([%w_]*%)', stop + 1)
                stop = further or stop
            else return nil end
        end
    end
    return tonumber(sub(text, at, stop)), stop + 1
end
-- Numbers that JSON does not have.
local function is_invalid_number(text, at)
    local first = byte(text, at)
    if first == 43 then return true end
    if first == 45 then at = at + 1 end
    if byte(text, at) == 48 then return find(text, '^[xX%d]', at + 1) ~= nil end
    local word = lower(sub(text, at, at + 2))
    return word == 'inf' or word == 'nan'
end

local KINDS = {
    [123] = 'T_OBJ_BEGIN', [125] = 'T_OBJ_END', [91] = 'T_ARR_BEGIN', [93] = 'T_ARR_END', [44] = 'T_COMMA',
    [58] = 'T_COLON', [0] = 'T_END',
}
-- What the token at `at` is called, or what is wrong with it; and the place to name.
local function token_at(text, at, allows_invalid)
    local first = byte(text, at)
    if not first then return 'T_END', at end
    if KINDS[first] then return KINDS[first], at end
    if first == 34 then
        local found, problem, place = string_at(text, at)
        if found then return 'T_STRING', at end
        return problem, place
    end
    if find(text, '^true', at) or find(text, '^false', at) then return 'T_BOOLEAN', at end
    if find(text, '^null', at) then return 'T_NULL', at end
    local is_invalid = is_invalid_number(text, at)
    if find(text, '^[-%d]', at) then
        if (allows_invalid or not is_invalid) and number_at(text, at) then return 'T_NUMBER', at end
        return 'invalid number', at
    end
    if allows_invalid and is_invalid then
        if number_at(text, at) then return 'T_NUMBER', at end
        return 'invalid number', at
    end
    return 'invalid token', at
end

-- -- what encoding shares

local CODES = {
    ['"'] = '\\"', ['\\'] = '\\\\', ['/'] = '\\/', ['\b'] = '\\b', ['\t'] = '\\t', ['\n'] = '\\n', ['\f'] = '\\f',
    ['\r'] = '\\r', ['\127'] = '\\u007f',
}
for code = 0, 31 do
    if not CODES[char(code)] then CODES[char(code)] = format('\\u%04x', code) end
end
local SAFE = '^[%w _.:,+@=-]*' -- the usual characters that need no escape
local function quoted(text)
    if find(text, '[%c"\\/\127]') then text = gsub(text, '[%c"\\/\127]', CODES) end
    return '"' .. text .. '"'
end
-- Keys with their quotes and colon and what goes before, of the first in an object and of others.
local MOST_KNOWN, LONGEST_KNOWN = 500, 40
local first_keys, next_keys, known_count = {}, {}, 0
local SMALL = {}
for number = 1, 100 do SMALL[number] = tostring(number) end

local function new_instance()
    local decode_depth, allows_invalid = 1000, true
    local number_in_object, number_in_array

    -- -- decoding

    local function set_number_patterns()
        local number = allows_invalid and '^(-?%d+%.?%d*)' or '^([1-9]%d*%.?%d*)'
        number_in_object, number_in_array = number .. '([,}])', number .. '([],])'
    end
    set_number_patterns()
    -- `depth` frames at least are ours.
    local function unexpected(wanted, text, at, depth)
        local _, stop = find(text, '^[ \t\r\n]*', at)
        local found, place = token_at(text, stop + 1, allows_invalid)
        fail('Expected ' .. wanted .. ' but found ' .. found .. ' at character ' .. format('%d', place), depth)
    end
    local function too_deep(depth, at)
        fail('Found too many nested data structures (' .. depth .. ') at character ' .. format('%d', at - 1), depth)
    end

    -- These take the text, the place to read at, `plain`, how deep they are, and the slots of C's stack that Redis
    -- would have `used`, which bound the depth too. They return a value and the place after it.
    local array, object
    local function value(text, at, plain, depth, used)
        local first = byte(text, at)
        if first == 123 then return object(text, at + 1, plain, depth + 1, used) end
        if first == 91 then return array(text, at + 1, plain, depth + 1, used) end
        if first == 34 then
            local made, stop = string_at(text, at)
            if not made then unexpected('value', text, at, depth) end
            return made, stop
        end
        if first == 116 and sub(text, at, at + 3) == 'true' then return true, at + 4 end
        if first == 102 and sub(text, at, at + 4) == 'false' then return false, at + 5 end
        if first == 110 and sub(text, at, at + 3) == 'null' then return null, at + 4 end
        if first == 32 or first == 10 or first == 13 or first == 9 then
            return value(text, find(text, '[^ \t\r\n]', at) or #text + 1, plain, depth, used)
        end
        if find(text, allows_invalid and '^[-+%diInN]' or '^[-%d]', at)
            and (allows_invalid or not is_invalid_number(text, at)) then
            local number, stop = number_at(text, at)
            if number then return number, stop end
        end
        unexpected('value', text, at, depth)
    end

    function object(text, at, plain, depth, used)
        if depth > decode_depth or used > STACK - 3 then too_deep(depth, at) end
        local made = {}
        local _, stop = find(text, '^[ \t\r\n]*}', at)
        if stop then return made, stop + 1 end
        local key_pattern = plain and '^ ?"([^"]*)": ?(.)' or '^ ?"([^"\\%z]*)": ?(.)'
        local text_pattern = plain and '^([^"]*)"([,}])' or '^([^"\\%z]*)"([,}])'
        while true do
            local key, first, item, mark
            _, stop, key, first = find(text, key_pattern, at)
            if not first then
                at = find(text, '[^ \t\r\n]', at) or #text + 1
                if byte(text, at) == 34 then key, stop = string_at(text, at) end
                if not key then unexpected('object key string', text, at, depth) end
                at = stop
                _, stop = find(text, '^[ \t\r\n]*:', at)
                if not stop then unexpected('colon', text, at, depth) end
                stop = find(text, '[^ \t\r\n]', stop + 1) or #text + 1
                first = sub(text, stop, stop)
            end
            if first == '{' then item, at = object(text, stop + 1, plain, depth + 1, used + 2)
            elseif first == '[' then item, at = array(text, stop + 1, plain, depth + 1, used + 2)
            else
                at = stop
                if first == '"' then
                    _, stop, item, mark = find(text, text_pattern, at + 1)
                else
                    _, stop, item, mark = find(text, number_in_object, at)
                    if mark then item = item - 0 end -- and -0 stays so
                end
                if mark then at = stop + 1
                else item, at = value(text, at, plain, depth, used + 2) end
            end
            made[key] = item
            if not mark then
                _, stop, mark = find(text, '^[ \t\r\n]*([,}])', at)
                if not mark then unexpected('comma or object end', text, at, depth) end
                at = stop + 1
            end
            if mark == '}' then return made, at end
        end
    end

    function array(text, at, plain, depth, used)
        if depth > decode_depth or used > STACK - 2 then too_deep(depth, at) end
        local made, count = {}, 0
        local _, stop = find(text, '^[ \t\r\n]*]', at)
        if stop then return made, stop + 1 end
        local text_pattern = plain and '^([^"]*)"([],])' or '^([^"\\%z]*)"([],])'
        while true do
            local item, mark
            _, stop = find(text, '^[ \t\r\n]*', at)
            at = stop + 1
            local first = byte(text, at)
            if first == 34 then
                _, stop, item, mark = find(text, text_pattern, at + 1)
            elseif first ~= 123 and first ~= 91 then
                _, stop, item, mark = find(text, number_in_array, at)
                if mark then item = item - 0 end -- and -0 stays so
            end
            if mark then at = stop + 1
            else item, at = value(text, at, plain, depth, used + 1) end
            count = count + 1
            made[count] = item
            if not mark then
                _, stop, mark = find(text, '^[ \t\r\n]*([],])', at)
                if not mark then unexpected('comma or array end', text, at, depth) end
                at = stop + 1
            end
            if mark == ']' then return made, at end
        end
    end

    local function decode(...)
        local text = ...
        local count = select('#', ...)
        if count ~= 1 then bad_argument(1, 'expected 1 argument') end
        if type(text) ~= 'string' then text = text_argument(1, count, text) end
        local first, second = byte(text, 1, 2)
        if second and (first == 0 or second == 0) then fail('JSON parser does not support UTF-16 or UTF-32') end
        local plain = not find(text, '\\', 1, true) and not find(text, '\0', 1, true)
        local made, at = value(text, 1, plain, 0, 1)
        if at <= #text then
            local _, stop = find(text, '^[ \t\r\n]*', at)
            if stop < #text and byte(text, stop + 1) ~= 0 then unexpected('the end', text, at) end
        end
        return made
    end

    -- -- encoding

    local encode_depth, precision, number_format = 1000, 14, nil
    local keeps_buffer, invalid = true, 'off'
    local sparse, ratio, safe = 'off', 2, 10

    local function refuse(one, reason, depth)
        fail('Cannot serialise ' .. type(one) .. ': ' .. reason, depth)
    end
    local function number_text(number, depth)
        if number - number ~= 0 then
            if invalid == 'null' then return 'null' end
            if invalid == 'off' then refuse(number, 'must not be NaN or Inf', depth) end
            return number ~= number and 'nan' or number > 0 and 'inf' or '-inf'
        end
        return number_format and format(number_format, number) or tostring(number)
    end

    -- How many items a table has as an array; 0 or less for an object. Numbers are cut to 32 bits as C's.
    local function length(one, depth)
        local count, most = 0, 0
        for key in next, one do
            if type(key) ~= 'number' or key < 1 or floor(key) ~= key then return -1 end
            if key > most then most = key <= MAX_INT and key or -MAX_INT - 1 end
            count = count + 1
        end
        if ratio > 0 and most > safe and most > (count * ratio + MAX_INT + 1) % 4294967296 - MAX_INT - 1 then
            if sparse == 'off' then refuse(one, 'excessively sparse array', depth) end
            return -1
        end
        return most
    end

    local append
    -- Append a value to `out`, which holds `n` pieces, and return their new number.
    local function append_value(out, n, one, depth, used)
        local kind = type(one)
        if kind == 'table' then return append(out, n, one, depth + 1, used) end
        if kind == 'string' then
            local _, stop = find(one, SAFE)
            out[n + 1] = stop == #one and '"' .. one .. '"' or quoted(one)
        elseif kind == 'number' then
            if one - one == 0 and not number_format then out[n + 1] = SMALL[one] or one
            else out[n + 1] = number_text(one, depth) end
        elseif kind == 'boolean' then out[n + 1] = one and 'true' or 'false'
        elseif one == nil or one == null then out[n + 1] = 'null'
        else refuse(one, 'type not supported', depth) end
        return n + 1
    end
    function append(out, n, one, depth, used)
        if depth > encode_depth or used > STACK - 3 then
            fail('Cannot serialise, excessive nesting (' .. depth .. ')', depth)
        end
        local first = next(one)
        if first == nil then
            out[n + 1] = '{}'
            return n + 1
        end
        local items = type(first) == 'number' and length(one, depth) or -1
        if items > 0 then
            local mark = '['
            for place = 1, items do
                out[n + 1] = mark
                mark = ','
                n = append_value(out, n + 1, rawget(one, place), depth, used + 1)
            end
            out[n + 1] = ']'
            return n + 1
        end
        local known, mark = first_keys, '{'
        for key, item in next, one do
            local name = known[key]
            if not name then
                if type(key) == 'string' then
                    name = mark .. quoted(key) .. ':'
                    if #key < LONGEST_KNOWN and known_count < MOST_KNOWN then
                        known[key] = name
                        known_count = known_count + 1
                    end
                elseif type(key) == 'number' then name = mark .. '"' .. number_text(key, depth) .. '":'
                else refuse(key, 'table key must be a number or string', depth) end
            end
            known, mark = next_keys, ','
            out[n + 1] = name
            n = append_value(out, n + 1, item, depth, used + 2)
        end
        out[n + 1] = '}'
        return n + 1
    end
    local function encode(...)
        if select('#', ...) ~= 1 then bad_argument(1, 'expected 1 argument') end
        local out = {}
        return concat(out, '', 1, append_value(out, 0, (...), 0, 1))
    end

    -- -- settings

    local function check_count(count, most)
        if count > most then bad_argument(most + 1, 'found too many arguments') end
    end
    -- Each returns what holds afterwards; without a value all stays.
    local function integer(place, count, given, current, least, most)
        if given == nil then return current end
        given = int_argument(place, count, given)
        if given < least or given > most then
            bad_argument(1, 'expected integer between ' .. least .. ' and ' .. format('%d', most))
        end
        return given
    end
    local function option(count, given, current, has_null)
        if given == nil then return current end
        if type(given) == 'boolean' then return given and 'on' or 'off' end
        given = match(text_argument(1, count, given), '^%Z*')
        if given ~= 'on' and given ~= 'off' and not (has_null and given == 'null') then
            bad_argument(1, "invalid option '" .. given .. "'")
        end
        return given
    end
    local function shown(setting)
        if setting == 'null' then return setting end
        return setting == 'on'
    end

    local made = {
        encode = encode, decode = decode, new = new_instance, null = null, _NAME = 'cjson', _VERSION = '2.1.0',
    }
    function made.encode_sparse_array(...)
        local count = select('#', ...)
        local given, new_ratio, new_safe = ...
        check_count(count, 3)
        sparse = option(count, given, sparse)
        ratio = integer(2, count, new_ratio, ratio, 0, MAX_INT)
        safe = integer(3, count, new_safe, safe, 0, MAX_INT)
        return shown(sparse), ratio, safe
    end
    function made.encode_max_depth(...)
        check_count(select('#', ...), 1)
        encode_depth = integer(1, 1, (...), encode_depth, 1, MAX_INT)
        return encode_depth
    end
    function made.decode_max_depth(...)
        check_count(select('#', ...), 1)
        decode_depth = integer(1, 1, (...), decode_depth, 1, MAX_INT)
        return decode_depth
    end
    function made.encode_number_precision(...)
        check_count(select('#', ...), 1)
        precision = integer(1, 1, (...), precision, 1, 14)
        number_format = precision < 14 and '%.' .. precision .. 'g' or nil
        return precision
    end
    function made.encode_keep_buffer(...)
        check_count(select('#', ...), 1)
        keeps_buffer = option(1, (...), keeps_buffer and 'on' or 'off') == 'on'
        return keeps_buffer
    end
    function made.encode_invalid_numbers(...)
        check_count(select('#', ...), 1)
        invalid = option(1, (...), invalid, true)
        return shown(invalid)
    end
    function made.decode_invalid_numbers(...)
        check_count(select('#', ...), 1)
        allows_invalid = option(1, (...), allows_invalid and 'on' or 'off') == 'on'
        set_number_patterns()
        return allows_invalid
    end
    return made
end
return new_instance()
"""
