"""Reading the numbers among a command's words, with Redis' errors."""

import math
import sys
from typing import Final

from respd.datatypes.long_doubles import parse_long_double
from respd.datatypes.strings import INT64_MAX, fits_int64, parse_double, parse_int
from respd.errors import (
    BAD_TIMEOUT,
    MUST_BE_POSITIVE,
    NEGATIVE_TIMEOUT,
    NOT_FLOAT,
    NOT_INTEGER,
    TIMEOUT_OUT_OF_RANGE,
    CommandError,
    invalid_expire,
)

_MS: Final = 1000


def int_arg(word: bytes) -> int:
    """Return the 64-bit integer that `word` spells; raise NOT_INTEGER."""
    value = parse_int(word)
    if value is None:
        raise CommandError(NOT_INTEGER)
    return value


def int_arg_between(word: bytes, low: int, high: int, error: bytes) -> int:
    """Return the integer of `word` when it lies within `low` to `high`; raise `error` otherwise."""
    value = parse_int(word)
    if value is None or value < low or value > high:
        raise CommandError(error)
    return value


def positive_int_arg(word: bytes, error: bytes = MUST_BE_POSITIVE) -> int:
    """Return the integer of `word` when it is not negative and fits 64 bits; raise `error` otherwise."""
    return int_arg_between(word, 0, INT64_MAX, error)


def float_arg(word: bytes, error: bytes = NOT_FLOAT) -> float:
    """Return the double that `word` spells; raise `error` for nan and anything else."""
    value = parse_double(word)
    if value is None:
        raise CommandError(error)
    return value


def timeout_arg(word: bytes, now_ms: int, unit_ms: bool = False) -> int:
    """Return a blocking command's deadline in ms since the epoch, 0 for none.

    `word` is in seconds and may have a fraction; with `unit_ms` it is a whole number of milliseconds.
    """
    if unit_ms:
        number = parse_int(word)
        if number is None:
            raise CommandError(b"ERR timeout is not an integer or out of range")
        wait_ms = number
    else:
        seconds = parse_double(word)
        if seconds is None:
            seconds = _beyond_double(word)
        seconds *= _MS
        if seconds > INT64_MAX or math.isinf(seconds):
            raise CommandError(TIMEOUT_OUT_OF_RANGE if seconds > 0 else NEGATIVE_TIMEOUT)
        wait_ms = math.ceil(seconds)
    if wait_ms < 0:
        raise CommandError(NEGATIVE_TIMEOUT)
    if wait_ms == 0:
        return 0
    if wait_ms > INT64_MAX - now_ms:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return wait_ms + now_ms


def _beyond_double(word: bytes) -> float:
    """Return a timeout that is too large or too small for a double; Redis reads timeouts as long doubles."""
    number = parse_long_double(word)
    if number is None:
        raise CommandError(BAD_TIMEOUT)
    size = math.inf if number.exponent > 0 else sys.float_info.min
    return size if number.mantissa > 0 else -size


def expire_arg(word: bytes, unit_ms: bool, absolute: bool, now_ms: int, name: bytes, allow_past: bool = False) -> int:
    """Return the moment of expiry in ms since the epoch that an option such as EX or PXAT asks for.

    Raises NOT_INTEGER, or "invalid expire time in 'name' command" out of range; zero and negative numbers are refused
    unless `allow_past`.
    """
    value = int_arg(word)
    if value <= 0 and not allow_past:
        raise invalid_expire(name)
    if not unit_ms:
        value *= _MS
        if not fits_int64(value):
            raise invalid_expire(name)
    if not absolute:
        value += now_ms
        if not fits_int64(value):
            raise invalid_expire(name)
    return value
