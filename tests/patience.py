"""Waiting in tests: for as long as it takes on a machine that is busy with other things, and no longer than needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0
# Options of clients of redis-py, which give up after five seconds else.
PATIENT: dict[str, Any] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}


def until(condition: Callable[[], object], what: str = "", seconds: float = PATIENCE) -> None:
    """Wait until `condition` holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what or condition}"
        time.sleep(0.005)
