"""The `bit` library of scripts, in Lua: operations on 32-bit integers, as in BitOp. Source: bitop.luajit.org, "API".

Lua 5.1 has no such operators: they are arithmetic here, and `and` goes by tables of four bits; or and exclusive or
follow from it. Arguments are rounded and cut to 32 bits, results signed.
"""

from typing import Final

BIT: Final = rb"""
local support = ...
local number_argument, double_halves = support.number_argument, support.double_halves
local type, select, floor, format, sub, upper = type, select, math.floor, string.format, string.sub, string.upper
local WORD, HALF = 4294967296, 2147483648
local ROUND = 6755399441055744 -- 2^52 + 2^51: added and taken off, it rounds a number to an integer

local POWERS, AND = {}, {}
for bits = 0, 32 do POWERS[bits] = 2 ^ bits end
for one = 0, 15 do
    for other = 0, 15 do
        local both, bit = 0, 1
        while bit < 16 do
            if floor(one / bit) % 2 == 1 and floor(other / bit) % 2 == 1 then both = both + bit end
            bit = bit * 2
        end
        AND[one * 16 + other] = both
    end
end

-- An argument as an unsigned integer.
local function unsigned(place, count, value)
    if type(value) ~= 'number' then value = number_argument(place, count, value) end
    if value > -2251799813685248 and value < 2251799813685248 then return (value + ROUND - ROUND) % WORD end
    local _, low = double_halves(value + ROUND)
    return low
end
local function band(one, other)
    local both, unit = 0, 1
    while one > 0 and other > 0 do
        local low, other_low = one % 16, other % 16
        both = both + AND[low * 16 + other_low] * unit
        one, other, unit = (one - low) / 16, (other - other_low) / 16, unit * 16
    end
    return both
end

local function bor(one, other) return one + other - band(one, other) end
local function bxor(one, other) return one + other - 2 * band(one, other) end

-- Errors name the line of the script, so none of these ends in a tail call.
local function unary(operation)
    return function(...)
        local bits = operation(unsigned(1, select('#', ...), (...)))
        return bits < HALF and bits or bits - WORD
    end
end
local function shift(operation)
    return function(...)
        local count = select('#', ...)
        local bits, by = ...
        bits = operation(unsigned(1, count, bits), unsigned(2, count, by) % 32)
        return bits < HALF and bits or bits - WORD
    end
end
-- Arguments are looked at as in C: the first, then from the last to the second.
local function of_many(operation)
    return function(...)
        local count = select('#', ...)
        local bits, other = ...
        bits = unsigned(1, count, bits)
        if count == 2 then
            bits = operation(bits, unsigned(2, 2, other))
        elseif count > 2 then
            local given = {...}
            for place = count, 2, -1 do bits = operation(bits, unsigned(place, count, given[place])) end
        end
        return bits < HALF and bits or bits - WORD
    end
end
local function rol(bits, by) return bits * POWERS[by] % WORD + floor(bits / POWERS[32 - by]) end

return {
    tobit = unary(function(bits) return bits end),
    bnot = unary(function(bits) return WORD - 1 - bits end),
    bswap = unary(function(bits)
        local low, high = bits % 65536, floor(bits / 65536)
        return low % 256 * 0x1000000 + floor(low / 256) * 0x10000 + high % 256 * 256 + floor(high / 256)
    end),
    band = of_many(band), bor = of_many(bor), bxor = of_many(bxor),
    lshift = shift(function(bits, by) return bits * POWERS[by] % WORD end),
    rshift = shift(function(bits, by) return floor(bits / POWERS[by]) end),
    arshift = shift(function(bits, by) return floor((bits < HALF and bits or bits - WORD) / POWERS[by]) end),
    rol = shift(rol),
    ror = shift(function(bits, by) return rol(bits, by == 0 and 0 or 32 - by) end),
    tohex = function(...)
        local count = select('#', ...)
        local bits, digits = ...
        bits = unsigned(1, count, bits)
        digits = count > 1 and unsigned(2, count, digits) or 8
        local text = format('%08x', bits)
        if digits >= HALF then
            text, digits = upper(text), WORD - digits
        end
        return sub(text, digits < 8 and 9 - digits or 1)
    end,
}
"""
