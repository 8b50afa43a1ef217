"""Libraries of functions, as FUNCTION keeps them: their registry, and what loading one does. They share one `LuaState`.

A library's source begins with a line `#!lua name=mylib`. It is run once, when it is loaded, and calls
redis.register_function for each of its functions; whatever else it has made lives on with them. Names of functions are
unique in the server, whatever their case; names of libraries are unique as they are spelled. A library that fails to
load changes nothing. Source: redis.io, "Redis functions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from respd.errors import CommandError
from respd.protocol.requests import split_line
from respd.scripting.errors import ScriptError
from respd.scripting.flags import FLAG_NAMES
from respd.scripting.state import LuaFunction, LuaPairs, LuaState, StateOwner

ENGINE: Final = b"LUA"
LOAD_LIMIT_S: Final = 0.5  # what a library may take to register its functions
RESTORE_LIMIT_S: Final = 5.0  # the same for one of a payload: Redis sets no limit, and hangs for a loop

_NAME: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_BAD_NAME: Final = (
    b"Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)
_ONE_ARGUMENT: Final = (
    b"calling redis.register_function with a single argument is only applicable to Lua table "
    b"(representing named arguments)."
)
_EMPTY_BYTES: Final = 200  # about what the registry, a library and a function take beside their texts
_LIBRARY_BYTES: Final = 160
_FUNCTION_BYTES: Final = 120


class Function:
    """One function: `number` is what the Lua state knows it by, `flags` are those of `flags.FLAG_NAMES`."""

    def __init__(self, name: bytes, number: int, flags: int, description: bytes | None) -> None:
        self.name = name
        self.number = number
        self.flags = flags
        self.description = description


class Library:
    """A library: its source, and its functions by name."""

    def __init__(self, name: bytes, code: bytes) -> None:
        self.name = name
        self.code = code
        self.functions: dict[bytes, Function] = {}

    def register(self, arguments: list[object]) -> None:
        """redis.register_function(name, callback), or one table of named arguments. Raises ScriptError."""
        if not 1 <= len(arguments) <= 2:
            raise _refusal(b"wrong number of arguments to redis.register_function")
        function = _positional(arguments) if len(arguments) == 2 else _named(arguments[0])
        if not _is_name(function.name):
            raise _refusal(_BAD_NAME)
        if function.name in self.functions:
            raise _refusal(b"Function already exists in the library")
        self.functions[function.name] = function


class Libraries(StateOwner):
    """The libraries of one server. Errors are CommandErrors whose code is ERR."""

    def __init__(self, log: Callable[[int, bytes], None], state: LuaState | None = None) -> None:
        super().__init__(log, state)
        self._libraries: dict[bytes, Library] = {}
        self._functions: dict[bytes, Function] = {}  # by name in lower case

    # -- what there is

    def find(self, name: bytes) -> Function | None:
        """Return the function called `name`, in any case. O(1)."""
        return self._functions.get(name) or self._functions.get(name.lower())

    def all(self) -> list[Library]:
        """Return all libraries, in the order in which they were loaded."""
        return list(self._libraries.values())

    def __len__(self) -> int:
        return len(self._libraries)

    def count_functions(self) -> int:
        """How many functions there are."""
        return len(self._functions)

    def size_bytes(self) -> int:
        """About what the libraries take besides the Lua state. O(functions)."""
        size = _EMPTY_BYTES
        for library in self._libraries.values():
            size += _LIBRARY_BYTES + len(library.code) + len(library.name)
            for function in library.functions.values():
                size += _FUNCTION_BYTES + 2 * len(function.name) + len(function.description or b"")
        return size

    # -- changes

    def load(self, code: bytes, replace: bool, limit_s: float) -> bytes:
        """Run a library, which may take so many seconds (0: any time), and add it; return its name.

        With `replace` it takes the place of one with its name. Raises CommandError, and nothing has changed.
        """
        name = _read_first_line(code)
        old = self._libraries.get(name)
        if old is not None and not replace:
            raise CommandError(b"ERR Library '%b' already exists" % name)
        library = Library(name, code)
        self._run(library, limit_s)
        if not library.functions:
            raise CommandError(b"ERR No functions registered")
        try:
            self._refuse_clashes(library, {} if old is None else {name: old})
        except CommandError:
            self._let_go(library)
            raise
        if old is not None:
            self._remove(old)
        self._add(library)
        return name

    def delete(self, name: bytes) -> bool:
        """Forget a library and its functions; tell whether it was there."""
        library = self._libraries.get(name)
        if library is None:
            return False
        self._remove(library)
        return True

    def flush(self) -> None:
        """Forget all libraries, and the Lua state that they ran in."""
        self._libraries = {}
        self._functions = {}
        self.close_state()

    def restore(self, codes: Iterable[bytes], replace: bool, flush: bool) -> None:
        """Add several libraries or none: to those that are there, replacing some, or instead of all of them.

        Raises CommandError, or what `codes` raises, and nothing has changed.
        """
        restored = Libraries(self._log, None if flush else self._state)
        is_done = False
        try:
            for code in codes:
                restored.load(code, False, RESTORE_LIMIT_S)
            if not flush:
                self._state = restored._state
                self._join(restored, replace)
            is_done = True
        finally:
            if not is_done:
                restored._let_all_go()
                if restored._state is not self._state:
                    restored.close_state()
        if flush:
            self.close_state()
            self._libraries = restored._libraries
            self._functions = restored._functions
            self._state = restored._state

    def _join(self, others: Libraries, replace: bool) -> None:
        """Take the libraries of `others` over."""
        old: dict[bytes, Library] = {}
        for name in others._libraries:
            library = self._libraries.get(name)
            if library is not None:
                if not replace:
                    raise CommandError(b"ERR Library %b already exists" % name)
                old[name] = library
        for library in others._libraries.values():
            self._refuse_clashes(library, old)
        for library in old.values():
            self._remove(library)
        for library in others._libraries.values():
            self._add(library)

    def _refuse_clashes(self, library: Library, leaving: dict[bytes, Library]) -> None:
        """Raise CommandError when a function of `library` is called like one that stays, or like another of its own."""
        free: set[bytes] = set()
        for one in leaving.values():
            free.update(name.lower() for name in one.functions)
        for name in library.functions:
            lower = name.lower()
            if lower in self._functions and lower not in free:
                raise CommandError(b"ERR Function %b already exists" % name)
        if len({name.lower() for name in library.functions}) < len(library.functions):
            raise CommandError(b"ERR Function %b already exists" % list(library.functions)[-1])

    def _add(self, library: Library) -> None:
        self._libraries[library.name] = library
        for name, function in library.functions.items():
            self._functions[name.lower()] = function

    def _remove(self, library: Library) -> None:
        del self._libraries[library.name]
        for name in library.functions:
            del self._functions[name.lower()]
        self._let_go(library)

    def _let_all_go(self) -> None:
        for library in self._libraries.values():
            self._let_go(library)

    def _let_go(self, library: Library) -> None:
        """Have the Lua state forget a library's functions."""
        state = self.state()
        for function in library.functions.values():
            state.forget(function.number)

    def _run(self, library: Library, limit_s: float) -> None:
        """Run a library's source, so that it registers its functions."""
        state = self.state()
        try:
            chunk = state.compile(_without_first_line(library.code), b"@user_function")
        except ScriptError as problem:
            raise CommandError(b"ERR Error compiling function: " + problem.text) from None
        try:
            state.load(chunk, library.register, limit_s)
        except ScriptError as failure:
            raise CommandError(b"ERR Error registering functions: " + failure.text) from None
        finally:
            state.forget(chunk)


def _is_name(name: bytes) -> bool:
    return name != b"" and not name.translate(None, _NAME)


def _read_first_line(code: bytes) -> bytes:
    """Return the name in a library's first line, `#!lua name=mylib`. Raises CommandError."""
    if not code.startswith(b"#!"):
        raise CommandError(b"ERR Missing library metadata")
    line, newline, _ = code.partition(b"\n")
    words = split_line(line)
    if not newline or not words or b"\0" in line:
        raise CommandError(b"ERR Invalid library metadata")
    name: bytes | None = None
    for word in words[1:]:
        if word[:5].lower() != b"name=":
            raise CommandError(b"ERR Invalid metadata value given: " + word.partition(b"\0")[0])
        if name is not None:
            raise CommandError(b"ERR Invalid metadata value, name argument was given multiple times")
        name = word[5:]
    if name is None:
        raise CommandError(b"ERR Library name was not given")
    if not _is_name(name):
        raise CommandError(b"ERR " + _BAD_NAME)
    if words[0][2:].upper() != ENGINE:
        raise CommandError(b"ERR Engine '%b' not found" % words[0][2:])
    return name


def _without_first_line(code: bytes) -> bytes:
    """Return a library's source for Lua: the first line is empty, so that the others keep their numbers."""
    return code[code.index(b"\n") :]


def _refusal(text: bytes) -> ScriptError:
    return ScriptError(b"ERR " + text)


def _text(value: object) -> bytes | None:
    """A string as Lua has it: a number is one too."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return b"%.14g" % value


def _positional(arguments: list[object]) -> Function:
    name = _text(arguments[0])
    if name is None:
        raise _refusal(b"first argument to redis.register_function must be a string")
    callback = arguments[1]
    if not isinstance(callback, LuaFunction):
        raise _refusal(b"second argument to redis.register_function must be a function")
    return Function(name, callback.number, 0, None)


def _named(table: object) -> Function:
    if not isinstance(table, LuaPairs):
        raise _refusal(_ONE_ARGUMENT)
    name: bytes | None = None
    number = 0
    flags = 0
    description: bytes | None = None
    for key, value in table.pairs:
        option = _text(key)
        if option is None:
            raise _refusal(b"named argument key given to redis.register_function is not a string")
        option = option.partition(b"\0")[0].lower()
        if option == b"function_name":
            name = _named_text(option, value)
        elif option == b"description":
            description = _named_text(option, value)
        elif option == b"callback":
            if not isinstance(value, LuaFunction):
                raise _refusal(b"callback argument given to redis.register_function must be a function")
            number = value.number
        elif option == b"flags":
            flags = _flags(value)
        else:
            raise _refusal(b"unknown argument given to redis.register_function")
    if name is None:
        raise _refusal(b"redis.register_function must get a function name argument")
    if not number:
        raise _refusal(b"redis.register_function must get a callback argument")
    return Function(name, number, flags, description)


def _named_text(option: bytes, value: object) -> bytes:
    text = _text(value)
    if text is None:
        raise _refusal(option + b" argument given to redis.register_function must be a string")
    return text


def _flags(table: object) -> int:
    """Read a list of flags; other keys of the table are not looked at."""
    if not isinstance(table, LuaPairs):
        raise _refusal(b"flags argument to redis.register_function must be a table representing function flags")
    listed = {key: value for key, value in table.pairs if isinstance(key, (int, float)) and not isinstance(key, bool)}
    flags = 0
    place = 1
    while place in listed:
        name = _text(listed[place])
        bit = FLAG_NAMES.get(name.lower(), 0) if name is not None else 0
        if not bit:
            raise _refusal(b"unknown flag given")
        flags |= bit
        place += 1
    return flags
