"""What the libraries written in Lua share: errors and checks of arguments as those of C functions.

The libraries run in the script's own thread, with nothing of Python's between: what goes wrong in them (memory, the
server's order to stop) passes as from any Lua code, and what they allocate counts for the script. An error names the
line of the script that called, like luaL_error's; `bad_argument` names the function as the script called it. Source:
lua.org/manual/5.1, "The Auxiliary Library".
"""

from typing import Final

SUPPORT: Final = rb"""
local getinfo, error, type, tonumber, tostring = debug.getinfo, error, type, tonumber, tostring
local floor, frexp, ldexp = math.floor, math.frexp, math.ldexp
local char, format, match = string.char, string.format, string.match
local here = getinfo(1, 'S').source

-- The level, as its caller counts, of the function of ours that the script has called. `deep` frames at least are ours.
-- Tail calls may stand between ours, and leave no trace of the script's line where the script has made them.
local function entry(deep)
    local level, last = 3 + (deep or 0), 3 + (deep or 0)
    while true do
        local frame = getinfo(level, 'S')
        if not frame then break end
        if frame.source == here then last = level elseif frame.what ~= 'tail' then break end
        level = level + 1
    end
    return last - 1
end
-- Raise `text` with the line of the script's call in front.
local function fail(text, deep)
    local frame = getinfo(entry(deep) + 1, 'Sl')
    if frame and frame.currentline > 0 then text = frame.short_src .. ':' .. frame.currentline .. ': ' .. text end
    error(text, 0)
end
local function bad_argument(place, text)
    local called = getinfo(entry(), 'n')
    if called.namewhat == 'method' then
        place = place - 1
        if place == 0 then fail("calling '" .. called.name .. "' on bad self (" .. text .. ')') end
    end
    fail('bad argument #' .. place .. " to '" .. (called.name or '?') .. "' (" .. text .. ')')
end
-- What one of C's functions has raised that was called by ours: its `text` without the place in our source, told as
-- if the script had called it, which it did by the name in `called` and on the line of `frame`.
local function retold(text, called, frame)
    local place, rest = match(text, "^bad argument #(%d+) to '[^']*' (%(.*)$")
    if place then
        place = called.namewhat == 'method' and place - 1 or place
        if place == 0 then text = "calling '" .. called.name .. "' on bad self " .. rest
        else text = 'bad argument #' .. place .. " to '" .. (called.name or '?') .. "' " .. rest end
    end
    if frame and frame.currentline > 0 then text = frame.short_src .. ':' .. frame.currentline .. ': ' .. text end
    return text
end

-- Arguments: `place` of `count` given, its value.
local function expected(wanted, place, count, value)
    bad_argument(place, wanted .. ' expected, got ' .. (place > count and 'no value' or type(value)))
end
local function text_argument(place, count, value)
    if type(value) == 'string' then return value end
    if type(value) == 'number' then return tostring(value) end
    expected('string', place, count, value)
end
local function number_argument(place, count, value)
    local number = type(value) == 'number' and value or type(value) == 'string' and tonumber(value)
    if number then return number end
    expected('number', place, count, value)
end
-- A number as C makes a long of it.
local function long(number)
    if number >= 9223372036854775808 or number < -9223372036854775808 or number ~= number then
        return -9223372036854775808
    end
    return number < 0 and -floor(-number) or floor(number)
end
local function long_argument(place, count, value)
    return long(number_argument(place, count, value))
end
-- The lower 32 bits of a long, as an int.
local function int(number)
    number = number % 4294967296
    return number < 2147483648 and number or number - 4294967296
end
-- A number as C makes an int of it.
local function as_int(number) return int(long(number)) end
local function int_argument(place, count, value)
    return as_int(number_argument(place, count, value))
end

-- The upper and lower 32 bits of an IEEE 754 double.
local function double_halves(number)
    if number ~= number then return format('%f', number) == 'nan' and 0x7FF80000 or 0xFFF80000, 0 end
    local sign = (number < 0 or number == 0 and 1 / number < 0) and 0x80000000 or 0
    if number < 0 then number = -number end
    if number == 0 then return sign, 0 end
    if number == 1 / 0 then return sign + 0x7FF00000, 0 end
    local fraction, exponent = frexp(number)
    if exponent < -1021 then
        fraction, exponent = ldexp(number, 1074), 0
    else
        fraction, exponent = (fraction * 2 - 1) * 4503599627370496, exponent + 1022
    end
    return sign + exponent * 0x100000 + floor(fraction / 4294967296), fraction % 4294967296
end
local function halves_double(high, low)
    local negative = high >= 0x80000000
    if negative then high = high - 0x80000000 end
    local exponent = floor(high / 0x100000)
    local fraction = high % 0x100000 * 4294967296 + low
    local number
    if exponent == 0x7FF then
        if fraction ~= 0 then
            number = 0 / 0
            return (format('%f', number) == '-nan') == negative and number or -number
        end
        number = 1 / 0
    elseif exponent == 0 then
        number = ldexp(fraction, -1074)
    else
        number = ldexp(fraction + 4503599627370496, exponent - 1075)
    end
    return negative and -number or number
end

-- The 32 bits of an IEEE 754 float, rounded to the nearest.
local function float_bits(number)
    if number ~= number then return format('%f', number) == 'nan' and 0x7FC00000 or 0xFFC00000 end
    local sign = (number < 0 or number == 0 and 1 / number < 0) and 0x80000000 or 0
    if number < 0 then number = -number end
    if number == 0 then return sign end
    if number == 1 / 0 then return sign + 0x7F800000 end
    local _, exponent = frexp(number)
    if exponent < -125 then exponent = -125 end
    local fraction = ldexp(number, 24 - exponent)
    local whole = floor(fraction)
    local rest = fraction - whole
    if rest > 0.5 or rest == 0.5 and whole % 2 == 1 then whole = whole + 1 end
    -- A fraction that rounding has carried over counts the exponent up by itself; without its upper bit it is tiny.
    local bits = (exponent + 125) * 0x800000 + whole
    return sign + (bits < 0x7F800000 and bits or 0x7F800000)
end
local function bits_float(bits)
    local negative = bits >= 0x80000000
    if negative then bits = bits - 0x80000000 end
    local exponent, fraction = floor(bits / 0x800000), bits % 0x800000
    local number
    if exponent == 0xFF then
        if fraction ~= 0 then return halves_double(negative and 0xFFF80000 or 0x7FF80000, 0) end
        number = 1 / 0
    elseif exponent == 0 then
        number = ldexp(fraction, -149)
    else
        number = ldexp(fraction + 0x800000, exponent - 150)
    end
    return negative and -number or number
end

-- 32 bits as four bytes, the highest first.
local function four_bytes(bits)
    return char(floor(bits / 0x1000000) % 256, floor(bits / 0x10000) % 256, floor(bits / 0x100) % 256, bits % 256)
end

return {
    fail = fail, bad_argument = bad_argument, retold = retold, text_argument = text_argument,
    number_argument = number_argument, long_argument = long_argument, int_argument = int_argument, int = int,
    as_int = as_int, double_halves = double_halves, halves_double = halves_double, float_bits = float_bits,
    bits_float = bits_float, four_bytes = four_bytes,
}
"""
