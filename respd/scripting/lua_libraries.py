"""The libraries of scripts that are written in Lua, built in one Lua state."""

from __future__ import annotations

from typing import Any, Final

from respd.scripting.lua_bit import BIT
from respd.scripting.lua_cjson import CJSON
from respd.scripting.lua_cmsgpack import CMSGPACK
from respd.scripting.lua_struct import STRUCT
from respd.scripting.lua_support import SUPPORT

_CHUNK: Final = b"=sandbox"  # the sandbox's own, so that errors name the lines of scripts only
# Redis' cjson.null is a null pointer, which Lua itself cannot make; scripts see no metatable of either.
_NULL: Final = b"""
local null = newproxy(true)
getmetatable(null).__tostring = function() return 'userdata: (nil)' end
return null
"""


def lua_libraries(lua: Any) -> tuple[dict[bytes, Any], Any, Any]:
    """Return the tables of functions and constants by name, the value that stands for JSON's null, and `SUPPORT`'s."""
    support = lua.compile(SUPPORT, name=_CHUNK)()
    null = lua.execute(_NULL)
    libraries = {
        b"bit": lua.compile(BIT, name=_CHUNK)(support),
        b"cjson": lua.compile(CJSON, name=_CHUNK)(support, null),
        b"cmsgpack": lua.compile(CMSGPACK, name=_CHUNK)(support),
        b"struct": lua.compile(STRUCT, name=_CHUNK)(support),
    }
    return libraries, null, support
