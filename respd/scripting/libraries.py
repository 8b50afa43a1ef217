"""The libraries that scripts find beside Lua's own: of each its functions and constants, by name.

A function takes what the script gives it (bytes, int, float, bool, None, or a handle of lupa's) and returns the like, a
tuple for several values. It raises ScriptError; one with `has_place` becomes a text that begins with the script's line.
"""

from __future__ import annotations

from typing import Any, Final

from respd.scripting import bits

LIBRARIES: Final[dict[bytes, dict[bytes, Any]]] = {
    b"bit": bits.FUNCTIONS,
}
