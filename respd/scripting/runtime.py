"""Keeps scripts by their SHA1, as EVAL, EVALSHA and SCRIPT LOAD want them. They run in one `LuaState`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from respd.errors import CommandError
from respd.scripting.calls import sha1_hex
from respd.scripting.errors import ScriptError
from respd.scripting.flags import NO_SHEBANG, read_flags
from respd.scripting.state import StateOwner

_MAX_EVALUATED: Final = 500  # scripts that came by EVAL alone; Redis 7.4 forgets older ones too
_NO_SCRIPT: Final = b"NOSCRIPT No matching script. Please use EVAL."
_COMPILING: Final = b"ERR Error compiling script (new function): "


class Script:
    """A compiled script: its function's number in the Lua state, its flags, and whether it came by SCRIPT LOAD."""

    def __init__(self, function: int, size: int, flags: int) -> None:
        self.function = function
        self.size = size
        self.flags = flags
        self.is_loaded = False


class Scripts(StateOwner):
    """The scripts of one server. `evicted` counts the evaluated ones that were forgotten."""

    def __init__(self, log: Callable[[int, bytes], None]) -> None:
        super().__init__(log)
        self._scripts: dict[bytes, Script] = {}
        self._evaluated: dict[bytes, bool] = {}  # oldest use first
        self.evicted = 0

    def add(self, source: bytes, load: bool = False) -> bytes:
        """Compile a script unless it is known, and return its SHA1; raise CommandError when it is no Lua. O(size).

        One that is not `load`ed may be forgotten after others were added.
        """
        digest = sha1_hex(source)
        script = self._scripts.get(digest)
        if script is None:
            script = self._compiled(source)
            self._scripts[digest] = script
            if not load:
                self._evaluated[digest] = True
                if len(self._evaluated) > _MAX_EVALUATED:
                    self._forget_oldest()
        if load and not script.is_loaded:
            script.is_loaded = True
            self._evaluated.pop(digest, None)
        return digest

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._evaluated))
        del self._evaluated[oldest]
        self.state().forget(self._scripts.pop(oldest).function)
        self.evicted += 1

    def _compiled(self, source: bytes) -> Script:
        flags, text = read_flags(source)
        try:
            function = self.state().compile(text, b"@user_script")
        except ScriptError as problem:
            raise CommandError(_COMPILING + problem.text) from None
        return Script(function, len(source), flags)

    def get(self, digest: bytes) -> Script:
        """Return the script with this SHA1, in lower case; raise CommandError NOSCRIPT. O(1)."""
        script = self._scripts.get(digest)
        if script is None:
            raise CommandError(_NO_SCRIPT)
        if not script.is_loaded and len(self._evaluated) > 1:
            del self._evaluated[digest]
            self._evaluated[digest] = True
        return script

    def flags_of(self, word: bytes, by_digest: bool) -> int:
        """Return the flags of a script, NO_SHEBANG when `word`, its source or SHA1, is none that can be run."""
        script = self._scripts.get(word.lower() if by_digest else sha1_hex(word))
        if script is not None:
            return script.flags
        if by_digest:
            return NO_SHEBANG
        try:
            return read_flags(word)[0]
        except CommandError:
            return NO_SHEBANG

    def has(self, digest: bytes) -> bool:
        """Tell whether a script with this SHA1, in lower case, is kept. O(1)."""
        return digest in self._scripts

    def __len__(self) -> int:
        return len(self._scripts)

    def size_bytes(self) -> int:
        """The size of all sources. O(scripts)."""
        return sum(script.size for script in self._scripts.values())

    def flush(self) -> None:
        """Forget all scripts, and the Lua state they ran in."""
        self._scripts = {}
        self._evaluated = {}
        self.close_state()
