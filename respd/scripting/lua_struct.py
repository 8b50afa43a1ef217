"""The `struct` library of scripts, in Lua: numbers and strings to bytes in the layout of C's structures, and back.

A format is read letter by letter; upper-case letters of integers are unsigned:

    < > =   little, big or native byte order       ! n     alignment to n bytes at most, by default to 8
    b h l   integers of 1, 2 and 8 bytes           i n     an integer of n bytes, by default 4
    T       a size, 8 bytes                        f d     a float, a double
    s       a string up to its NUL                 c n     n bytes, by default 1; 0: as many as the number before says
    x       a byte of padding

Redis' copy knows no `=`. Source: inf.puc-rio.br/~roberto/struct.
"""

from typing import Final

STRUCT: Final = rb"""
local support = ...
local fail, bad_argument = support.fail, support.bad_argument
local text_argument, number_argument, long_argument =
    support.text_argument, support.number_argument, support.long_argument
local double_halves, halves_double = support.double_halves, support.halves_double
local float_bits, bits_float, four_bytes = support.float_bits, support.bits_float, support.four_bytes
local type, select, tonumber, unpack = type, select, tonumber, unpack
local byte, sub, find, rep, reverse = string.byte, string.sub, string.find, string.rep, string.reverse
local concat, floor = table.concat, math.floor
local MAX_INT, MAX_INTEGER_SIZE, MAX_ALIGNMENT, STACK = 2147483647, 32, 8, 8000
local SIZES = {b = 1, B = 1, h = 2, H = 2, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1}

-- The number in a format at `at`, or `default`; and the place after it.
local function number_at(layout, at, default)
    local _, stop, digits = find(layout, '^(%d+)', at)
    if not stop then return default, at end
    local number = tonumber(digits)
    if number > MAX_INT then fail('integral size overflow') end
    return number, stop + 1
end
-- How many bytes the option at `at` of a format takes; and the place after it.
local function size_of(layout, option, at)
    local size = SIZES[option]
    if size then return size, at end
    if option == 'c' then return number_at(layout, at, 1) end
    if option ~= 'i' and option ~= 'I' then return 0, at end
    size, at = number_at(layout, at, 4)
    if size > MAX_INTEGER_SIZE then
        fail('integral size ' .. size .. ' is larger than limit of ' .. MAX_INTEGER_SIZE)
    end
    return size, at
end
-- The bytes of padding before `size` bytes at `place`, counted from 0.
local function padding(place, size, option, alignment)
    if alignment == 1 or size == 0 or option == 'c' then return 0 end
    if size > alignment then size = alignment end
    -- (size - (place & (size - 1))) & (size - 1), where size need be no power of two
    local mask, low, bit = size - 1, 0, 1
    while bit <= mask do
        if floor(mask / bit) % 2 == 1 and floor(place / bit) % 2 == 1 then low = low + bit end
        bit = bit * 2
    end
    local gap, pad = size - low, 0
    bit = 1
    while bit <= mask do
        if floor(mask / bit) % 2 == 1 and floor(gap / bit) % 2 == 1 then pad = pad + bit end
        bit = bit * 2
    end
    return pad
end
-- What an option that stands for no bytes makes of byte order and alignment; and the place after it.
local function control(layout, option, at, is_big, alignment)
    if option == ' ' then return at, is_big, alignment end
    if option == '>' then return at, true, alignment end
    if option == '<' then return at, false, alignment end
    if option ~= '!' then bad_argument(1, "invalid format option '" .. option .. "'") end
    alignment, at = number_at(layout, at, MAX_ALIGNMENT)
    local power = alignment
    while power > 1 and power % 2 == 0 do power = power / 2 end
    if power ~= 1 then fail('alignment ' .. alignment .. ' is not a power of 2') end
    return at, is_big, alignment
end
-- A format up to its first NUL, as C reads it.
local function layout_argument(count, layout)
    layout = text_argument(1, count, layout)
    local stop = find(layout, '\0', 1, true)
    return stop and sub(layout, 1, stop - 1) or layout
end

-- A number as an integer of `size` bytes, its lower 64 bits; further bytes are 0.
local function integer_bytes(number, size, is_big)
    if number >= 18446744073709551616 then number = 0
    elseif number ~= number or number < -9223372036854775808 then number = 9223372036854775808
    else number = number < 0 and -floor(-number) or floor(number) end
    local bytes = four_bytes(number % 4294967296)
    if size > 4 then bytes = four_bytes(floor(number / 4294967296) % 4294967296) .. bytes end
    if size > 8 then bytes = rep('\0', size - 8) .. bytes else bytes = sub(bytes, #bytes - size + 1) end
    return is_big and bytes or reverse(bytes)
end
local function integer_of(bytes, is_signed, is_big)
    local size = #bytes
    if not is_big then bytes = reverse(bytes) end
    local h, g, f, e, d, c, b, a = byte(rep('\0', 8 - size) .. bytes, size > 8 and size - 7 or 1, -1)
    local high = h * 0x1000000 + g * 0x10000 + f * 256 + e
    local low = d * 0x1000000 + c * 0x10000 + b * 256 + a
    if is_signed then
        -- Redis shifts by the bits of the type, and processors by that modulo 64.
        local bits = (size * 8 - 1) % 64
        if bits >= 32 then
            local sign = 2 ^ (bits - 32)
            if high >= sign then high = high % sign - sign end
        else
            local sign = 2 ^ bits
            if high > 0 or low >= sign then high, low = 0, low % sign - sign end
        end
    end
    return high * 4294967296 + low
end

local function pack(...)
    local count = select('#', ...)
    local layout = layout_argument(count, (...))
    local given = {...}
    local out, n, place, argument, at, is_big, alignment = {}, 0, 0, 2, 1, false, 1
    local function missing(wanted)
        if argument > count then bad_argument(argument, wanted .. ' expected, got nil') end
    end
    while at <= #layout do
        local option, size = sub(layout, at, at), nil
        size, at = size_of(layout, option, at + 1)
        local pad = padding(place, size, option, alignment)
        n = n + 1
        out[n] = pad > 0 and rep('\0', pad) or ''
        place = place + pad
        local bytes
        if option == 'x' then bytes = '\0'
        elseif option == 's' or option == 'c' then
            missing('string')
            local text = text_argument(argument, count, given[argument])
            argument = argument + 1
            if size == 0 then size = #text end
            if #text < size then bad_argument(argument, 'string too short') end
            bytes = sub(text, 1, size)
            if option == 's' then
                bytes = bytes .. '\0'
                size = size + 1
            end
        elseif SIZES[option] or option == 'i' or option == 'I' then
            missing('number')
            local number = number_argument(argument, count, given[argument])
            argument = argument + 1
            if option == 'f' then
                bytes = four_bytes(float_bits(number))
                if not is_big then bytes = reverse(bytes) end
            elseif option == 'd' then
                local high, low = double_halves(number)
                bytes = four_bytes(high) .. four_bytes(low)
                if not is_big then bytes = reverse(bytes) end
            else bytes = integer_bytes(number, size, is_big) end
        else
            at, is_big, alignment = control(layout, option, at, is_big, alignment)
            bytes = ''
        end
        n = n + 1
        out[n] = bytes
        place = place + size
    end
    return concat(out, '', 1, n)
end

-- The values that `text` holds from `place` on, counted from 0, and the place after them counted from 1.
local function read(layout, text, place, used)
    local found, n, at, is_big, alignment = {}, 0, 1, false, 1
    while at <= #layout do
        local option, size = sub(layout, at, at), nil
        size, at = size_of(layout, option, at + 1)
        place = place + padding(place, size, option, alignment)
        if place < 0 or place + size > #text then bad_argument(2, 'data string too short') end
        if used + n > STACK - 2 then fail('stack overflow (too many results)') end
        if option == 's' then
            local stop = find(text, '\0', place + 1, true)
            if not stop then fail('unfinished string in data') end
            n = n + 1
            found[n] = sub(text, place + 1, stop - 1)
            size = stop - place
        elseif option == 'c' then
            if size == 0 then
                size = n > 0 and tonumber(found[n])
                if not size then fail("format 'c0' needs a previous size") end
                n = n - 1
                if size >= 18446744073709551616 then size = 0 end
                size = size < 0 and size > -1 and 0 or floor(size)
                if size < 0 or size ~= size or place + size > #text then bad_argument(2, 'data string too short') end
            end
            n = n + 1
            found[n] = sub(text, place + 1, place + size)
        elseif option == 'f' or option == 'd' then
            local bytes = sub(text, place + 1, place + size)
            if is_big then bytes = reverse(bytes) end
            local a, b, c, d, e, f, g, h = byte(bytes, 1, size)
            local bits = d * 0x1000000 + c * 0x10000 + b * 256 + a
            n = n + 1
            if option == 'f' then found[n] = bits_float(bits)
            else found[n] = halves_double(h * 0x1000000 + g * 0x10000 + f * 256 + e, bits) end
        elseif option == 'i' or option == 'I' or SIZES[option] and option ~= 'x' then
            n = n + 1
            found[n] = integer_of(sub(text, place + 1, place + size), find(option, '%l') ~= nil, is_big)
        elseif option ~= 'x' then
            at, is_big, alignment = control(layout, option, at, is_big, alignment)
        end
        place = place + size
    end
    n = n + 1
    found[n] = place + 1
    return found, n
end
local function unpack_all(...)
    local count = select('#', ...)
    local layout, text, first = ...
    layout = layout_argument(count, layout)
    text = text_argument(2, count, text)
    first = first == nil and 1 or long_argument(3, count, first)
    if first == 0 then bad_argument(3, 'offset must be 1 or greater') end
    local found, n = read(layout, text, first - 1, count)
    if n > STACK - 10 then return found[1], found[2], found[3], found[4], found[5], unpack(found, 6, n) end
    return unpack(found, 1, n)
end

local function size(...)
    local layout = layout_argument(select('#', ...), (...))
    local place, at, is_big, alignment = 0, 1, false, 1
    while at <= #layout do
        local option, taken = sub(layout, at, at), nil
        taken, at = size_of(layout, option, at + 1)
        place = place + padding(place, taken, option, alignment)
        if option == 's' then bad_argument(1, "option 's' has no fixed size") end
        if option == 'c' and taken == 0 then bad_argument(1, "option 'c0' has no fixed size") end
        if not find(option, '%w') then
            at, is_big, alignment = control(layout, option, at, is_big, alignment)
        end
        place = place + taken
    end
    return place
end

return {pack = pack, unpack = unpack_all, size = size}
"""
