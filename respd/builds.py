"""Which build runs, for the few places where compiled and interpreted Python are fast in different ways."""

from types import FunctionType
from typing import Final


def _probe() -> None:
    """Be a function: mypyc makes another type of it."""


INTERPRETED: Final = isinstance(_probe, FunctionType)
