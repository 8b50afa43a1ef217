"""The `bit` library of scripts: operations on 32-bit integers, as in BitOp. Source: bitop.luajit.org, "API"."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from respd.scripting.errors import ScriptError
from respd.scripting.numbers import to_number

_MAGIC: Final = 6755399441055744.0  # 2**52 + 2**51: adding it leaves a number's low 32 bits in the mantissa's


def _argument(name: str, words: tuple[Any, ...], place: int) -> int:
    """The argument at `place` as an unsigned 32-bit integer."""
    word = words[place] if place < len(words) else None
    number: float | None = None
    if isinstance(word, (int, float)) and not isinstance(word, bool):
        number = word
    elif isinstance(word, bytes):
        number = to_number(word)
    if number is None:
        kind = "no value" if place >= len(words) else _kind_of(word)
        text = f"bad argument #{place + 1} to '{name}' (number expected, got {kind})"
        raise ScriptError(text.encode(), has_place=True)
    if isinstance(number, int) and -(1 << 51) < number < 1 << 51:
        return number & 0xFFFFFFFF
    return int(struct.unpack("<Q", struct.pack("<d", float(number) + _MAGIC))[0]) & 0xFFFFFFFF


def _kind_of(word: Any) -> str:
    if word is None:
        return "nil"
    if isinstance(word, bool):
        return "boolean"
    if isinstance(word, bytes):
        return "string"
    return {"_LuaTable": "table", "_LuaFunction": "function"}.get(type(word).__name__, "userdata")


def _signed(bits: int) -> int:
    bits &= 0xFFFFFFFF
    return bits - (1 << 32) if bits & 0x80000000 else bits


def _unary(name: str, operation: Callable[[int], int]) -> Callable[..., int]:
    def run(*words: Any) -> int:
        return _signed(operation(_argument(name, words, 0)))

    return run


def _variadic(name: str, operation: Callable[[int, int], int]) -> Callable[..., int]:
    def run(*words: Any) -> int:
        result = _argument(name, words, 0)
        for place in range(1, len(words)):
            result = operation(result, _argument(name, words, place))
        return _signed(result)

    return run


def _shift(name: str, operation: Callable[[int, int], int]) -> Callable[..., int]:
    def run(*words: Any) -> int:
        return _signed(operation(_argument(name, words, 0), _argument(name, words, 1) & 31))

    return run


def _tohex(*words: Any) -> bytes:
    bits = _argument("tohex", words, 0)
    digits = 8 if len(words) < 2 else _signed(_argument("tohex", words, 1))
    text = b"%08X" % bits if digits < 0 else b"%08x" % bits
    count = min(abs(digits), 8)
    return text[8 - count :]


FUNCTIONS: Final[dict[bytes, Callable[..., Any]]] = {
    b"tobit": _unary("tobit", lambda bits: bits),
    b"bnot": _unary("bnot", lambda bits: ~bits),
    b"bswap": _unary("bswap", lambda bits: int.from_bytes(bits.to_bytes(4, "little"), "big")),
    b"band": _variadic("band", lambda one, other: one & other),
    b"bor": _variadic("bor", lambda one, other: one | other),
    b"bxor": _variadic("bxor", lambda one, other: one ^ other),
    b"lshift": _shift("lshift", lambda bits, count: bits << count),
    b"rshift": _shift("rshift", lambda bits, count: bits >> count),
    b"arshift": _shift("arshift", lambda bits, count: _signed(bits) >> count),
    b"rol": _shift("rol", lambda bits, count: bits << count | bits >> (32 - count)),
    b"ror": _shift("ror", lambda bits, count: bits >> count | bits << (32 - count)),
    b"tohex": _tohex,
}
