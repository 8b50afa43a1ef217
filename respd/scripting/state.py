"""One Lua 5.1 state (lupa) in its sandbox: compiles functions, and runs them.

    state = LuaState(log)
    function = state.compile(source, b"@user_script")         # ScriptError: what Lua says of the source
    reply = state.run(function, sha1, keys, arguments)        # CommandError: what the script failed with
    reply = state.run(function, name, keys, arguments, True)  # as f(keys, arguments), without KEYS and ARGV
    state.load(function, register, limit_s)                   # runs a library: see `load`
    state.forget(function)
    state.close()                                             # Python's collector would not find it: it is off

Functions are known by number: no Lua object is in Python's hands for long. `run` runs for whom `current` says
(`running.run_script` does all that). What `register` gets are Python values: a table is a `LuaPairs`, a function a
`LuaFunction` whose `number` `run` takes.

What comes and goes is counted in calls between Lua and Python, each of which takes a tenth of a microsecond: keys,
arguments and results are handed over as the values of one call, and made into tables, and out of them, by Lua.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, Final

from respd.errors import CommandError
from respd.scripting.busy import look_up
from respd.scripting.calls import Calls, Guarded
from respd.scripting.errors import ScriptError
from respd.scripting.lua_libraries import lua_libraries
from respd.scripting.memory import LuaMemory
from respd.scripting.results import reply_of
from respd.scripting.running import Run
from respd.scripting.sandbox import HOOK_INTERVAL, LOADING_HOOK_INTERVAL, SANDBOX
from respd.scripting.signals import handle_signals
from respd.scripting.sources import may_change_libraries, shorten
from respd.scripting.tail_calls import without_tail_calls
from respd.version import REDIS_VERSION

Register = Callable[[list[object]], None]

_STOPPED: Final = b"ERR Error running script: the server ended it"
_LONGEST_PATTERN: Final = 8000
_MANY: Final = 1000  # more words than these are not handed over as values of a call
_LONG: Final = 64 * 1024


class LuaFunction:
    """A function that a library has registered, by the number that `LuaState.run` takes."""

    def __init__(self, number: int) -> None:
        self.number = number


class LuaPairs:
    """A table that a library gives to register_function: its keys and values, in the order in which Lua has them."""

    def __init__(self, pairs: list[tuple[object, object]]) -> None:
        self.pairs = pairs


class LuaState:
    """One state. `current` is the run of the script that runs. Set `must_stop` to end it."""

    def __init__(self, log: Callable[[int, bytes], None]) -> None:
        try:
            from lupa import lua51
        except ImportError:
            raise CommandError(b"ERR scripts need the Python package lupa, which is not installed") from None
        self._lua: Any = lua51.LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_no_attributes,
            max_memory=0,
        )
        self.current: Run = Run()
        self._memory = LuaMemory(self._lua)
        self._calls: Calls = Calls(self._lua, self._memory, self.current, log)
        self._register: Register | None = None
        self._late_from_s: float = 0.0
        self._next = 1
        self.must_stop: bool = False
        self._functions: Any = self._lua.table()
        made = self._lua.compile(SANDBOX, name=b"=sandbox")(
            self._lua.table_from(self._offered()), self._functions, HOOK_INTERVAL, LOADING_HOOK_INTERVAL
        )
        self._compile: Any = made[0]
        self._run: Any = made[1]
        self._run_tables: Any = made[2]
        self._load: Any = made[3]
        self._more: Any = made[5]
        self._flat_of: Any = made[6]
        self._memory.release = made[7]
        self._calls.where = made[4]

    def _offered(self) -> dict[bytes, Any]:
        """What Python gives to the sandbox."""
        lua = self._lua
        calls = self._calls
        major, minor, patch = [int(part) for part in REDIS_VERSION.split(".")]
        libraries, null, support = lua_libraries(lua)
        return {
            b"call": calls.call,
            b"pcall": calls.pcall,
            b"entry": calls.entry,
            b"error_text": calls.error_text,
            b"look_up": self._look_up,
            b"is_late": self._is_late,
            b"functions": lua.table_from(calls.functions()),
            b"register_function": Guarded(calls, self._register_function),
            b"version": REDIS_VERSION.encode(),
            b"version_number": major << 16 | minor << 8 | patch,
            b"longest_pattern": _LONGEST_PATTERN,
            b"byte_code": b"unexpected symbol near 'char(27)'",
            b"libraries": lua.table_from(libraries),
            b"null": null,
            b"retold": support[b"retold"],
            b"as_int": support[b"as_int"],
            b"without_tail_calls": Guarded(calls, without_tail_calls),
        }

    def close(self) -> None:
        """Free the state. It is not to be used any more."""
        self._forget_error()
        self._calls.close()
        self._memory.close()
        self._lua = self._functions = None
        self._compile = self._run = self._run_tables = self._load = self._more = self._flat_of = None

    def _forget_error(self) -> None:
        """Have lupa let go of the last error that Python raised within Lua: the frames in it lead back to the state."""
        self._memory.lift()
        try:
            self._lua.execute(b"local fail = ... fail()", _fail)
        except ScriptError:
            return

    def memory_bytes(self) -> int:
        """What the state takes."""
        return self._memory.total_bytes()

    # -- functions

    def compile(self, source: bytes, name: bytes) -> int:
        """Compile a chunk and return the number of its function; raise ScriptError with what Lua says. O(size)."""
        self._memory.make_room(len(source) * 16)
        made = self._compile(source, name, shorten(source), may_change_libraries(source))
        self._memory.tidy()
        if isinstance(made, tuple):
            raise ScriptError(bytes(made[1]).partition(b"\0")[0])
        return self._keep(made)

    def _keep(self, function: Any) -> int:
        number = self._next
        self._next += 1
        self._functions[number] = function
        return number

    def forget(self, function: int) -> None:
        """Let a function go."""
        del self._functions[function]

    def run(
        self, function: int, name: bytes, keys: list[bytes], arguments: list[bytes], as_parameters: bool = False
    ) -> object:
        """Run a function and return its reply. `name` is what errors call it.

        The keys and arguments are the globals KEYS and ARGV, or its two parameters. Raises CommandError: what the
        function failed with, told as Redis does.
        """
        calls = self._calls
        calls.values.resp = 2
        try:
            if self._is_much(keys, arguments):
                value = self._run_large(function, keys, arguments, as_parameters)
            elif arguments:
                value = self._run(function, as_parameters, len(keys), *keys, *arguments)
            else:
                value = self._run(function, as_parameters, len(keys), *keys)
            if isinstance(value, tuple):
                if value[0] is None:
                    raise _failure(name, value)
                return reply_of(value, calls.values.resp, self._more)
            return reply_of(value, calls.values.resp, None)
        except CommandError:
            raise
        except Exception as problem:  # lupa's own: memory, or an error while handling an error
            raise CommandError(b"ERR " + _text_of(problem)) from None
        finally:
            self._memory.tidy()

    def _is_much(self, keys: list[bytes], arguments: list[bytes]) -> bool:
        much = len(keys) + len(arguments) > _MANY
        for word in keys:
            much = much or len(word) > _LONG
        for word in arguments:
            much = much or len(word) > _LONG
        return much

    def _run_large(self, function: int, keys: list[bytes], arguments: list[bytes], as_parameters: bool) -> Any:
        """Run a function with many or long keys and arguments, for which there must be room."""
        size = 0
        for word in keys + arguments:
            size += len(word) + 64
        self._memory.make_room(4 * size)
        keys_table = self._lua.table_from(keys)
        arguments_table = self._lua.table_from(arguments)
        self._memory.limit()
        return self._run_tables(function, as_parameters, keys_table, arguments_table)

    def load(self, function: int, register: Register, limit_s: float) -> None:
        """Run a library's chunk for so many seconds at most, 0 for any.

        It sees nothing but some of `redis`, of which register_function calls `register`. Raises ScriptError with the
        text of what the chunk, or `register`, failed with.
        """
        first = self._next
        self._register = register
        self._late_from_s = monotonic() + limit_s if limit_s else inf
        value: Any = None
        try:
            value = self._load(function)
        except Exception as problem:
            value = (None, b"ERR " + _text_of(problem))
        finally:
            self._register = None
            self._memory.tidy()
        if isinstance(value, tuple):
            for number in range(first, self._next):
                self.forget(number)
            raise ScriptError(value[1].partition(b"\0")[0])

    # -- what Lua calls

    def _look_up(self) -> bytes | None:
        """Do what must be done every now and then; return the error to end the script with, or None."""
        handle_signals()
        return _STOPPED if self.must_stop else look_up(self.current)

    def _is_late(self) -> bool:
        return monotonic() >= self._late_from_s

    def _register_function(self, *words: Any) -> None:
        register = self._register
        if register is None:
            raise ScriptError(b"ERR redis.register_function can only be called on FUNCTION LOAD command")
        register([self._as_python(word, 0) for word in words])

    def _as_python(self, value: Any, depth: int) -> object:
        """A Lua value as `register` gets it: functions one level deep, tables two."""
        kind = type(value).__name__
        if kind == "_LuaTable" and depth < 2:
            flat = self._lua.execute(b"local f, one = ... return f(one)", self._flat_of, value)
            items = [self._as_python(item, depth + 1) for item in flat[2:]]
            return LuaPairs(list(zip(items[::2], items[1::2], strict=True)))
        if value is None or isinstance(value, (bytes, int, float)):
            return value
        if kind == "_LuaFunction" or (callable(value) and not kind.startswith("_Lua")):
            return LuaFunction(self._keep(value)) if depth < 2 else object()
        return object()


def _fail() -> None:
    raise ScriptError(b"")


class StateOwner:
    """What keeps a Lua state for the code that runs in it: made when it is first asked for, given up by a flush."""

    def __init__(self, log: Callable[[int, bytes], None], state: LuaState | None = None) -> None:
        self._log = log
        self._state = state

    def state(self) -> LuaState:
        """The Lua state, made when it is first asked for."""
        if self._state is None:
            self._state = LuaState(self._log)
        return self._state

    def close_state(self) -> None:
        """Give the state up, with all that runs in it; there will be another."""
        if self._state is not None:
            self._state.close()
            self._state = None

    def end_running(self, ends: bool = True) -> None:
        """Have what runs end, or not, at its next chance."""
        if self._state is not None:
            self._state.must_stop = ends

    def memory_bytes(self) -> int:
        """What the Lua state takes."""
        return self._state.memory_bytes() if self._state is not None else 0


def _text_of(problem: Exception) -> bytes:
    """What an exception of lupa's says."""
    if isinstance(problem, MemoryError):
        return b"not enough memory"
    text = problem.args[0] if problem.args else b"unknown error"
    return text if isinstance(text, bytes) else str(text).encode()


def _failure(name: bytes, outcome: tuple[Any, ...]) -> CommandError:
    """The error reply for (null, text, source, line, was it counted) that a script has ended with."""
    text = outcome[1].partition(b"\0")[0]
    source, line = outcome[2], outcome[3]
    if isinstance(source, bytes) and isinstance(line, (int, float)):
        text += b" script: %b, on %b:%d." % (name, source, int(line))
    return CommandError(text, bool(outcome[4]))


def _no_attributes(owner: Any, name: Any, is_setting: bool) -> Any:
    """Keep Lua from the insides of Python objects."""
    raise AttributeError("a script sees no attributes")
