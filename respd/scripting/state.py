"""One Lua 5.1 state (lupa) in its sandbox: compiles functions, and runs them for a caller.

    state = LuaState(log)
    function = state.compile(source, b"@user_script")                     # ScriptError: what Lua says of the source
    reply = state.run(function, sha1, keys, arguments, caller)            # CommandError: what the script failed with
    reply = state.run(function, name, keys, arguments, caller, True)      # as f(keys, arguments), no KEYS and ARGV
    state.load(function, register, limit_s)                               # runs a library: see `load`
    state.forget(function)

Functions are known by number: no Lua object is in Python's hands for long. What `register` gets are Python values: a
table is a `LuaPairs`, a function a `LuaFunction` whose `number` `run` takes. `caller.call(words)` runs a command and
returns its reply, errors as values; `caller.permits(words)` tells whether it may (`running.Run` is a caller).

Memory: the state may take `_MEMORY_LIMIT` bytes. Lua allocates for us too where no Lua error may be raised (the tables
of KEYS and ARGV, replies, results), so a part of that is kept for us: when a script has taken the rest, its next call
of the server ends it, and the limit is lifted while we clean up. Errors of memory inside the script are its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, Final, Protocol

from respd.errors import CommandError
from respd.protocol.replies import Status
from respd.scripting import bits
from respd.scripting.errors import ScriptError
from respd.scripting.libraries import LIBRARIES
from respd.scripting.lua_libraries import lua_libraries
from respd.scripting.sandbox import HOOK_INTERVAL, LOADING_HOOK_INTERVAL, SANDBOX
from respd.scripting.tail_calls import without_tail_calls
from respd.scripting.values import Converter, number_word
from respd.version import REDIS_VERSION

Register = Callable[[list[object]], None]

_MEMORY_LIMIT: Final = 512 << 20
_OURS: Final = 64 << 20
_LARGE: Final = 8 << 20  # replies from this size are counted before they go into Lua
_TIDY_AT: Final = 64 << 20  # collect all garbage after a script that leaves more than this
_REFERENCES: Final = 9000  # as many values as a call can have
_LONGEST_PATTERN: Final = 8000
_NO_WORDS: Final = b"ERR Please specify at least one argument for this redis lib call"
_BAD_WORDS: Final = b"ERR Lua redis lib command arguments must be strings or integers"
_NO_MEMORY: Final = b"ERR not enough memory"
_REPL_FLAGS: Final = b"ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE."


def sha1_hex(data: bytes) -> bytes:
    """Return the SHA1 of `data` in hexadecimal digits."""
    return hashlib.sha1(data).hexdigest().encode()


class Caller(Protocol):
    """Runs the commands that a script calls."""

    def call(self, words: list[bytes]) -> object:
        """Run a command and return its reply, errors as values."""
        ...

    def permits(self, words: list[bytes]) -> bool | None:
        """Tell whether the user may run a command; None when `words` name none."""
        ...


class LuaFunction:
    """A function that a library has registered, by the number that `LuaState.run` takes."""

    def __init__(self, number: int) -> None:
        self.number = number


class LuaPairs:
    """A table that a library gives to register_function: its keys and values, in the order in which Lua has them."""

    def __init__(self, pairs: list[tuple[object, object]]) -> None:
        self.pairs = pairs


class LuaState:
    """One state. Set `must_stop` to end the script that runs; `replicates` is what it said by redis.set_repl."""

    def __init__(self, log: Callable[[int, bytes], None]) -> None:
        self._log = log
        self._caller: Caller | None = None
        self._register: Register | None = None
        self._late_from_s: float = 0.0
        self._kept_bytes = 0  # after the last collection of garbage
        self._is_limited = True
        self._next = 1
        self.replicates = True
        self.must_stop = False
        self._begin()

    # -- functions

    def compile(self, source: bytes, name: bytes) -> int:
        """Compile a chunk and return the number of its function; raise ScriptError with what Lua says. O(size)."""
        self._make_room(len(source) * 8)
        made = self._compile(source, name)
        self._limit()
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

    def memory_bytes(self) -> int:
        """What the state takes."""
        return int(self._lua.get_memory_used(total=True))

    def run(
        self,
        function: int,
        name: bytes,
        keys: list[bytes],
        arguments: list[bytes],
        caller: Caller,
        as_parameters: bool = False,
    ) -> object:
        """Run a function and return its reply. `name` is what errors call it.

        The keys and arguments are the globals KEYS and ARGV, or its two parameters. Raises CommandError: what the
        function failed with, told as Redis does.
        """
        if self._is_large(keys, arguments):
            self._make_room(4 * (sum(map(len, keys)) + sum(map(len, arguments))))
        keys_table = self._lua.table_from(keys)
        arguments_table = self._lua.table_from(arguments)
        self._caller = caller
        self._values.resp = 2
        self.replicates = True
        if not self._is_limited:
            self._limit()
        try:
            value = self._run(function, keys_table, arguments_table, as_parameters)
            if not isinstance(value, tuple):
                return self._values.to_reply(value)
        except CommandError:
            raise
        except Exception as problem:  # lupa's own: memory, or an error while handling an error
            raise CommandError(b"ERR " + _text_of(problem)) from None
        finally:
            self._caller = None
            if not self._is_limited:
                keys_table = arguments_table = None
                self._collect()
        raise _failure(name, value)

    def load(self, function: int, register: Register, limit_s: float) -> None:
        """Run a library's chunk for so many seconds at most, 0 for any.

        It sees nothing but some of `redis`, of which register_function calls `register`. Raises ScriptError with the
        text of what the chunk, or `register`, failed with.
        """
        first = self._next
        self._register = register
        self._late_from_s = monotonic() + limit_s if limit_s else inf
        if not self._is_limited:
            self._limit()
        try:
            value = self._load(function)
        except Exception as problem:
            value = (None, b"ERR " + _text_of(problem))
        finally:
            self._register = None
            if not self._is_limited:
                self._collect()
        if isinstance(value, tuple):
            for number in range(first, self._next):
                self.forget(number)
            raise ScriptError(value[1].partition(b"\0")[0])

    def _is_large(self, keys: list[bytes], arguments: list[bytes]) -> bool:
        """Tell whether the words may need room that is kept for us."""
        if len(keys) + len(arguments) > 1000:
            return True
        longest = 0
        for words in (keys, arguments):
            for word in words:
                longest = max(longest, len(word))
        return longest > 10_000

    # -- the Lua state

    def _begin(self) -> None:
        try:
            from lupa import lua51
        except ImportError:
            raise CommandError(b"ERR scripts need the Python package lupa, which is not installed") from None
        lua = lua51.LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_no_attributes,
            max_memory=_MEMORY_LIMIT,
        )
        spare_references = [lua.table() for _ in range(_REFERENCES)]  # so that none must be made in a script's reach
        del spare_references
        major, minor, patch = (int(part) for part in REDIS_VERSION.split("."))
        libraries = {name: lua.table_from(self._placed_all(functions)) for name, functions in LIBRARIES.items()}
        lua_made, null = lua_libraries(lua)
        offered = {
            b"call": self._call,
            b"pcall": self._pcall,
            b"error_text": self._error_text,
            b"must_end": self._must_end,
            b"is_late": self._is_late,
            b"spare": self._after_much,
            b"sha1hex": self._sha1hex,
            b"log": self._write_log,
            b"setresp": self._set_resp,
            b"set_repl": self._set_repl,
            b"acl_check_cmd": self._acl_check_cmd,
            b"register_function": self._register_function,
            b"version": REDIS_VERSION.encode(),
            b"version_number": major << 16 | minor << 8 | patch,
            b"longest_pattern": _LONGEST_PATTERN,
            b"byte_code": b"unexpected symbol near 'char(27)'",
            b"libraries": lua.table_from(libraries),
            b"lua_libraries": lua.table_from(lua_made),
            b"null": null,
            b"without_tail_calls": without_tail_calls,
        }
        sandbox = lua.compile(SANDBOX, name=b"=sandbox")
        self._functions = lua.table()
        made = sandbox(lua.table_from(offered), self._functions, _TIDY_AT // 1024, HOOK_INTERVAL, LOADING_HOOK_INTERVAL)
        self._compile, self._run, self._load, self._where, self._flat_of = made
        self._values = Converter(lua)
        self._lua = lua

    # -- memory

    def _limit(self) -> None:
        self._lua.set_max_memory(_MEMORY_LIMIT)
        self._is_limited = True

    def _lift_limit(self) -> None:
        self._lua.set_max_memory(0)
        self._is_limited = False

    def _make_room(self, size: int) -> None:
        """Allow for `size` bytes of ours; the limit is to be set anew afterwards."""
        if size > _OURS // 2:
            self._lift_limit()

    def _after_much(self) -> None:
        """A script has left much behind. Have it collected, unless it is about what libraries keep anyway."""
        used = self._lua.get_memory_used()
        if used > min(2 * self._kept_bytes, _MEMORY_LIMIT - _OURS):
            self._lift_limit()

    def _collect(self) -> None:
        """Free what a script has left behind, and limit the memory again."""
        self._lua.gccollect()
        self._kept_bytes = int(self._lua.get_memory_used())
        self._limit()

    # -- what scripts call

    def _call(self, *words: Any) -> Any:
        """redis.call: run a command and return its reply; raise ScriptError for an error."""
        reply = self._reply_to(words)
        if isinstance(reply, ScriptError):
            words = ()
            raise reply
        return reply

    def _pcall(self, *words: Any) -> Any:
        """redis.pcall: run a command and return its reply; for an error null, its text and whether it was counted."""
        reply = self._reply_to(words)
        if isinstance(reply, ScriptError):
            if reply.ends_script:
                raise reply
            return None, reply.text, reply.is_counted
        return reply

    def _reply_to(self, words: tuple[Any, ...]) -> Any:
        lua = self._lua
        if lua.get_memory_used() > _MEMORY_LIMIT - _OURS:
            self._lift_limit()
            return ScriptError(_NO_MEMORY, ends_script=True)
        command = _as_words(words)
        caller = self._caller
        if isinstance(command, ScriptError):
            return command
        if caller is None:
            return ScriptError(b"ERR no script is running")
        reply = caller.call(command)
        if isinstance(reply, bytes):
            if len(reply) > _LARGE and lua.get_memory_used() + len(reply) > _MEMORY_LIMIT - _OURS:
                return ScriptError(_NO_MEMORY)
            return reply
        if isinstance(reply, int):
            return self._values.to_lua(reply)
        if isinstance(reply, CommandError):
            return ScriptError(reply.text, is_counted=True)
        if not isinstance(reply, Status):
            size = _size_in_lua(reply)
            if size > _LARGE and lua.get_memory_used() + size > _MEMORY_LIMIT - _OURS:
                return ScriptError(_NO_MEMORY)
        return self._values.to_lua(reply)

    def _error_text(self, problem: Any) -> Any:
        """What Lua is to know of an error raised in Python: text, whether it ends the script, whether it was counted.

        The last is null for a plain text; all is null for an object that is no error.
        """
        if isinstance(problem, ScriptError):
            if problem.has_place:
                return problem.text, False, None
            return problem.text, problem.ends_script, problem.is_counted
        if isinstance(problem, BaseException):
            return b"ERR internal error: " + type(problem).__name__.encode(), False, False
        return None

    def _placed_all(self, functions: dict[bytes, Any]) -> dict[bytes, Any]:
        return {name: self._placed(value) if callable(value) else value for name, value in functions.items()}

    def _placed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Have the errors of `function` begin with the script's line."""

        def call(*words: Any) -> Any:
            try:
                return function(*words)
            except ScriptError as error:
                if error.has_place:
                    error.text = self._place() + error.text
                raise

        return call

    def _place(self) -> bytes:
        """The line of the script that calls us. Run as a chunk, as that alone is run in the coroutine that calls."""
        place = self._lua.execute(b"local where = ... local place = where() return place", self._where)
        return bytes(place)

    def _must_end(self) -> bool:
        return self.must_stop

    def _is_late(self) -> bool:
        return monotonic() >= self._late_from_s

    def _sha1hex(self, *words: Any) -> bytes:
        if len(words) != 1:
            raise ScriptError(b"ERR wrong number of arguments")
        return sha1_hex(_as_text(words[0]))

    def _write_log(self, *words: Any) -> None:
        if len(words) < 2:
            raise ScriptError(b"ERR redis.log() requires two arguments or more.")
        level = words[0]
        if isinstance(level, bool) or not isinstance(level, (int, float)):
            raise ScriptError(b"ERR First argument must be a number (log level).")
        if not 0 <= int(level) <= 3:
            raise ScriptError(b"ERR Invalid log level.")
        self._log(int(level), b" ".join(_as_text(word) for word in words[1:]))

    def _set_resp(self, *words: Any) -> None:
        if len(words) != 1:
            raise ScriptError(b"ERR redis.setresp() requires one argument.")
        version = _as_integer(words[0])
        if version not in (2, 3):
            raise ScriptError(b"ERR RESP version must be 2 or 3.")
        self._values.resp = version

    def _set_repl(self, *words: Any) -> None:
        if len(words) != 1:
            raise ScriptError(b"ERR redis.set_repl() requires one argument.")
        flags = _as_integer(words[0])
        if flags & ~3:
            raise ScriptError(_REPL_FLAGS)
        self.replicates = flags != 0

    def _acl_check_cmd(self, *words: Any) -> bool:
        command = _as_words(words)
        if isinstance(command, ScriptError):
            raise command
        permitted = None if self._caller is None else self._caller.permits(command)
        if permitted is None:
            raise ScriptError(b"ERR Invalid command passed to redis.acl_check_cmd()")
        return permitted

    def _register_function(self, *words: Any) -> None:
        register = self._register
        if register is None:
            raise ScriptError(b"ERR redis.register_function can only be called on FUNCTION LOAD command")
        register([self._as_python(word, 0) for word in words])

    def _as_python(self, value: Any, depth: int) -> object:
        """A Lua value as `register` gets it: functions one level deep, tables two."""
        kind = type(value).__name__
        if kind == "_LuaTable" and depth < 2:
            items = [self._as_python(item, depth + 1) for item in self._flat_of(value)[2:]]
            return LuaPairs(list(zip(items[::2], items[1::2], strict=True)))
        if value is None or isinstance(value, (bytes, int, float)):
            return value
        if kind == "_LuaFunction" or (callable(value) and not kind.startswith("_Lua")):
            return LuaFunction(self._keep(value)) if depth < 2 else object()
        return object()


def _text_of(problem: Exception) -> bytes:
    """What an exception says."""
    text = problem.args[0] if problem.args else b"unknown error"
    return text if isinstance(text, bytes) else str(text).encode()


def _failure(name: bytes, outcome: tuple[Any, ...]) -> CommandError:
    """The error reply for (null, text, source, line, was it counted) that a script has ended with."""
    _, text, source, line, is_counted = outcome
    text = text.partition(b"\0")[0]
    if isinstance(source, bytes) and isinstance(line, (int, float)):
        text += b" script: %b, on %b:%d." % (name, source, int(line))
    return CommandError(text, bool(is_counted))


def _as_words(words: tuple[Any, ...]) -> list[bytes] | ScriptError:
    """The words of a command from what a script has given."""
    if not words:
        return ScriptError(_NO_WORDS)
    command: list[bytes] = []
    for word in words:
        if isinstance(word, bytes):
            command.append(word)
        elif isinstance(word, bool) or not isinstance(word, (int, float)):
            return ScriptError(_BAD_WORDS)
        else:
            command.append(number_word(word))
    return command


def _as_text(word: Any) -> bytes:
    """A string or number as Lua's tostring has it; nothing for other values."""
    if isinstance(word, bytes):
        return word
    if isinstance(word, bool) or not isinstance(word, (int, float)):
        return b""
    return b"%.14g" % word


def _as_integer(word: Any) -> int:
    """A number, or a string that reads as one, cut to an integer; else 0."""
    if isinstance(word, bytes):
        word = bits.to_number(word)
    if isinstance(word, bool) or not isinstance(word, (int, float)):
        return 0
    return int(word) if abs(word) < 1e300 else 0


def _size_in_lua(reply: Any) -> int:
    """About how many bytes a reply takes as a Lua value."""
    if isinstance(reply, (bytes, bytearray)):
        return len(reply) + 24
    items = reply if isinstance(reply, list) else getattr(reply, "items", None) or getattr(reply, "flat", None)
    if isinstance(items, list):
        size = 64
        for item in items:
            size += 40 + (len(item) if isinstance(item, bytes) else _size_in_lua(item))
        return size
    return 64


def _no_attributes(owner: Any, name: Any, is_setting: bool) -> Any:
    """Keep Lua from the insides of Python objects."""
    raise AttributeError("a script sees no attributes")
