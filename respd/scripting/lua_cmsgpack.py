"""The `cmsgpack` library of scripts, in Lua: values to MessagePack and back.

A table is an array when its keys are 1 to n without a hole, else a map; what stands deeper than 16 tables is packed as
nil. Numbers without a fraction are the shortest integer, others a float where it has the same value, else a double.
Neither the bin nor the ext types of newer MessagePack are known. Source: msgpack.org; redis.io, "Redis Lua API
reference".
"""

from typing import Final

CMSGPACK: Final = rb"""
local support = ...
local fail, bad_argument = support.fail, support.bad_argument
local text_argument, long_argument, int = support.text_argument, support.long_argument, support.int
local double_halves, halves_double = support.double_halves, support.halves_double
local float_bits, bits_float, four_bytes = support.float_bits, support.bits_float, support.four_bytes
local type, next, select, error, unpack = type, next, select, error, unpack
local byte, char, sub, concat, floor = string.byte, string.char, string.sub, table.concat, math.floor
local MAX_NESTING, STACK = 16, 8000 -- STACK: slots that a C function of Lua's has

-- -- packing

local function two_bytes(number) return char(floor(number / 256), number % 256) end
local function packed_number(number)
    if number % 1 ~= 0 or number >= 9223372036854775808 or number < -9223372036854775808 then
        local bits = float_bits(number)
        if bits_float(bits) == number then return '\202' .. four_bytes(bits) end
        local high, low = double_halves(number)
        return '\203' .. four_bytes(high) .. four_bytes(low)
    end
    if number >= 0 then
        if number < 128 then return char(number) end
        if number < 256 then return char(204, number) end
        if number < 65536 then return '\205' .. two_bytes(number) end
        if number < 4294967296 then return '\206' .. four_bytes(number) end
        return '\207' .. four_bytes(floor(number / 4294967296)) .. four_bytes(number % 4294967296)
    end
    if number >= -32 then return char(256 + number) end
    if number >= -128 then return char(208, 256 + number) end
    if number >= -32768 then return '\209' .. two_bytes(65536 + number) end
    if number >= -2147483648 then return '\210' .. four_bytes(4294967296 + number) end
    return '\211' .. four_bytes(floor(number / 4294967296) % 4294967296) .. four_bytes(number % 4294967296)
end
local function text_head(size)
    if size < 32 then return char(160 + size) end
    if size < 256 then return char(217, size) end
    if size < 65536 then return '\218' .. two_bytes(size) end
    return '\219' .. four_bytes(size)
end
local function table_head(size, small, large)
    if size < 16 then return char(small + size) end
    if size < 65536 then return char(large) .. two_bytes(size) end
    return char(large + 1) .. four_bytes(size)
end
-- How many pairs a table has, and whether its keys are 1 to that number.
local function shape(one)
    local count, max, is_array = 0, 0, true
    for key in next, one do
        count = count + 1
        if is_array then
            if type(key) ~= 'number' or key < 1 or key % 1 ~= 0 then is_array = false
            elseif key > max then max = key end
        end
    end
    return count, is_array and max == count
end

-- Append `one` to `out`, which holds `n` pieces, and return their new number.
local function append(out, n, one, level)
    local kind = type(one)
    n = n + 1
    if kind == 'string' then
        out[n] = text_head(#one)
        n = n + 1
        out[n] = one
    elseif kind == 'number' then out[n] = packed_number(one)
    elseif kind == 'boolean' then out[n] = one and '\195' or '\194'
    elseif kind == 'table' and level < MAX_NESTING then
        local count, is_array = shape(one)
        if is_array then
            out[n] = table_head(count, 144, 220)
            for place = 1, count do n = append(out, n, one[place], level + 1) end
        else
            out[n] = table_head(count, 128, 222)
            for key, value in next, one do
                n = append(out, append(out, n, key, level + 1), value, level + 1)
            end
        end
    else out[n] = '\192' end
    return n
end
local function pack(...)
    local count = select('#', ...)
    if count == 0 then bad_argument(0, 'MessagePack pack needs input.') end
    if count > STACK / 2 then bad_argument(0, 'Too many arguments for MessagePack pack.') end
    local out = {}
    if count == 1 then return concat(out, '', 1, append(out, 0, (...), 0)) end
    local values, n = {...}, 0
    for place = 1, count do n = append(out, n, values[place], 0) end
    return concat(out, '', 1, n)
end

-- -- unpacking

-- The number in `size` bytes at `at`; `first` is the byte before.
local function number_in(text, at, size)
    local a, b, c, d, e, f, g, h = byte(text, at, at + size - 1)
    if size == 1 then
        if not a then fail('Missing bytes in input.') end
        return a
    elseif size == 2 then
        if not b then fail('Missing bytes in input.') end
        return a * 256 + b
    elseif size == 4 then
        if not d then fail('Missing bytes in input.') end
        return a * 0x1000000 + b * 0x10000 + c * 256 + d
    end
    if not h then fail('Missing bytes in input.') end
    return a * 0x1000000 + b * 0x10000 + c * 256 + d, e * 0x1000000 + f * 0x10000 + g * 256 + h
end
local read
local TABLE_IS_NIL, TABLE_IS_NAN = 'table index is nil', 'table index is NaN'
-- `size` items from `at` as an array or a map, and the place after them. `used` slots of C's stack are taken.
local function array(text, at, size, used)
    if used > STACK - 2 then fail('stack overflow (in function mp_decode_to_lua_array)') end
    local made = {}
    for place = 1, size do made[place], at = read(text, at, used + 2) end
    return made, at
end
local function map(text, at, size, used)
    local made = {}
    for _ = 1, size do
        local key, value
        key, at = read(text, at, used + 1)
        value, at = read(text, at, used + 2)
        if key == nil then error(TABLE_IS_NIL, 0) end
        if key ~= key then error(TABLE_IS_NAN, 0) end
        made[key] = value
    end
    return made, at
end
local function text_of(text, at, size)
    local stop = at + size
    if stop > #text + 1 then fail('Missing bytes in input.') end
    return sub(text, at, stop - 1), stop
end
local function long_at(text, at)
    local high, low = number_in(text, at, 8)
    if high >= 2147483648 then high = high - 4294967296 end
    return high * 4294967296 + low, at + 8
end
local RARE = {
    [207] = long_at, [211] = long_at, -- an unsigned one too is cut to a long
    [192] = function(text, at) return nil, at end,
    [194] = function(text, at) return false, at end,
    [195] = function(text, at) return true, at end,
    [202] = function(text, at) return bits_float((number_in(text, at, 4))), at + 4 end,
    [203] = function(text, at) return halves_double(number_in(text, at, 8)), at + 8 end,
    [204] = function(text, at) return number_in(text, at, 1), at + 1 end,
    [205] = function(text, at) return number_in(text, at, 2), at + 2 end,
    [206] = function(text, at) return number_in(text, at, 4), at + 4 end,
    [208] = function(text, at)
        local number = number_in(text, at, 1)
        return number < 128 and number or number - 256, at + 1
    end,
    [209] = function(text, at)
        local number = number_in(text, at, 2)
        return number < 32768 and number or number - 65536, at + 2
    end,
    [210] = function(text, at)
        local number = number_in(text, at, 4)
        return number < 2147483648 and number or number - 4294967296, at + 4
    end,
    [217] = function(text, at) return text_of(text, at + 1, number_in(text, at, 1)) end,
    [218] = function(text, at) return text_of(text, at + 2, number_in(text, at, 2)) end,
    [219] = function(text, at) return text_of(text, at + 4, (number_in(text, at, 4))) end,
    [220] = function(text, at, used) return array(text, at + 2, number_in(text, at, 2), used) end,
    [221] = function(text, at, used) return array(text, at + 4, number_in(text, at, 4), used) end,
    [222] = function(text, at, used) return map(text, at + 2, number_in(text, at, 2), used) end,
    [223] = function(text, at, used) return map(text, at + 4, number_in(text, at, 4), used) end,
}

-- The value at `at`, and the place after it.
function read(text, at, used)
    local first = byte(text, at)
    if not first then fail('Missing bytes in input.') end
    if used >= STACK then
        fail('stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)')
    end
    if first < 128 then return first, at + 1 end
    if first >= 224 then return first - 256, at + 1 end
    if first >= 160 and first < 192 then
        local stop = at + first - 160
        if stop > #text then fail('Missing bytes in input.') end
        return sub(text, at + 1, stop), stop + 1
    end
    if first >= 144 and first < 160 then return array(text, at + 1, first - 144, used) end
    if first < 144 then return map(text, at + 1, first - 128, used) end
    local reader = RARE[first]
    if not reader then fail('Bad data format in input.') end
    return reader(text, at + 1, used)
end

-- As many values as C can return, of which Lua's `unpack` gives fewer.
local function values(list, count)
    if count == 1 then return list[1] end
    if count <= STACK - 10 then return unpack(list, 1, count) end
    return list[1], list[2], list[3], list[4], list[5], unpack(list, 6, count)
end
-- The place after the values that were read, counted from 0 and -1 at the end, and so many values.
local function unpack_part(text, offset, limit)
    if offset < 0 or limit < 0 then
        fail('Invalid request to unpack with offset of ' .. int(offset) .. ' and limit of ' .. #text .. '.')
    end
    if offset > #text then fail('Start offset ' .. int(offset) .. ' greater than input length ' .. #text .. '.') end
    local list, count, at = {}, 1, offset + 1
    while at <= #text and count <= limit do
        count = count + 1
        list[count], at = read(text, at, count - 1)
    end
    if count > STACK - 1 then fail('stack overflow (in function mp_unpack_full)') end
    list[1] = at > #text and -1 or at - 1
    return list, count
end
-- All values of a text, when `used` slots are taken.
local function unpack_whole(text, used)
    local list, count, at = {}, 0, 1
    while at <= #text do
        count = count + 1
        list[count], at = read(text, at, used + count - 1)
    end
    return list, count
end

local function unpack_all(...)
    local count = select('#', ...)
    local list, found = unpack_whole(text_argument(1, count, (...)), count)
    return values(list, found)
end
local function unpack_one(...)
    local count = select('#', ...)
    local text, offset = ...
    offset = offset == nil and 0 or long_argument(2, count, offset)
    local list, found = unpack_part(text_argument(1, count, text), offset, 1)
    return values(list, found)
end
local function unpack_limit(...)
    local count = select('#', ...)
    local text, limit, offset = ...
    limit = long_argument(2, count, limit)
    offset = offset == nil and 0 or long_argument(3, count, offset)
    text = text_argument(1, count, text)
    local list, found
    if limit == 0 and offset == 0 then list, found = unpack_whole(text, 1)
    else list, found = unpack_part(text, offset, limit) end
    return values(list, found)
end

return {
    pack = pack, unpack = unpack_all, unpack_one = unpack_one, unpack_limit = unpack_limit,
    _NAME = 'cmsgpack', _VERSION = 'lua-cmsgpack 0.4.0', _COPYRIGHT = 'Copyright (C) 2012, Salvatore Sanfilippo',
    _DESCRIPTION = 'MessagePack C implementation for Lua',
}
"""
