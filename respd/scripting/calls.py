"""What scripts call in Python: the commands, and the rest of `redis`.

Everything that Lua calls is an object with `__call__` behind the guard `Guarded`, or has a guard of its own: where
memory is spent nothing may be handed to Lua. Errors are raised as ScriptError; lupa hands them to Lua as objects, which
the sandbox exchanges for what Redis has there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

from respd.command import Command
from respd.errors import CommandError
from respd.protocol.replies import OK
from respd.scripting.errors import ScriptError
from respd.scripting.memory import LARGE, SPENT, LuaMemory
from respd.scripting.numbers import as_integer, as_text, number_word
from respd.scripting.running import NO_RUN, Run
from respd.scripting.values import Converter, size_in_lua

if TYPE_CHECKING:
    from respd.command import CommandTable

OK_MARK: Final = float("nan")
"""What the short cut gets for OK: a table is quicker made in Lua. It is no reply, as numbers come as integers."""

_UNKNOWN: Final = b"ERR Unknown Redis command called from script"
_LOADING: Final = b"Script attempted to access nonexistent global variable 'call'"
_ARITY: Final = b"ERR Wrong number of args calling Redis command from script"
_NO_WORDS: Final = b"ERR Please specify at least one argument for this redis lib call"
_BAD_WORDS: Final = b"ERR Lua redis lib command arguments must be strings or integers"
_NO_MEMORY: Final = b"ERR not enough memory"
_INTERNAL: Final = b"ERR internal error: "
_REPL_AOF: Final = 1
_REPL_FLAGS: Final = b"ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE."
_NO_ROOM: Final = 4096  # as many spellings of commands have a short cut


def sha1_hex(data: bytes) -> bytes:
    """Return the SHA1 of `data` in hexadecimal digits."""
    return hashlib.sha1(data).hexdigest().encode()


def words_of(given: tuple[object, ...]) -> list[bytes]:
    """The words of a command from what a script has given. Raises ScriptError."""
    if not given:
        raise ScriptError(_NO_WORDS)
    words: list[bytes] = []
    for word in given:
        if isinstance(word, bytes):
            words.append(word)
        else:
            words.append(_word_of(word))
    return words


def _word_of(word: object) -> bytes:
    if isinstance(word, bool) or not isinstance(word, (int, float)):
        raise ScriptError(_BAD_WORDS)
    return number_word(word)


@final
class Guarded:
    """A function that scripts may call: it is not called when memory is spent."""

    def __init__(self, calls: Calls, function: Callable[..., Any]) -> None:
        self._calls = calls
        self._function = function

    def __call__(self, *given: object) -> object:
        """Call it. A text that is to begin with the script's line gets it."""
        calls = self._calls
        try:
            if calls.memory.used() > SPENT:
                raise calls.spent()
            return self._function(*given)
        except ScriptError as error:
            if error.has_place:
                error.text = calls.place() + error.text
            given = ()
            raise calls.bare(error) from None
        except Exception as defect:
            given = ()
            raise calls.bare(defect) from None


@final
class Entry:
    """A command under one spelling of its name, for the short cut: called, or asked for one word as for an item."""

    def __init__(self, calls: Calls, command: Command, name: bytes) -> None:
        self._calls = calls
        self._command = command
        self._name = name

    def __getitem__(self, word: object) -> object:
        """Run the command with one word, which it is known to take."""
        calls = self._calls
        if isinstance(word, bytes) and calls.memory.used() <= SPENT:
            words = [self._name, word]
        else:
            try:
                words = [self._name, calls.word_of(word)]
            except ScriptError as error:
                word = None
                raise calls.bare(error) from None
        reply = calls.run.call(self._command, words)
        if isinstance(reply, bytes) and len(reply) < LARGE:
            return reply
        return calls.short_reply(reply)

    def __call__(self, *given: object) -> object:
        """Run the command with any words."""
        calls = self._calls
        words = [self._name]
        try:
            if calls.memory.used() > SPENT:
                raise calls.spent()
            for word in given:
                if isinstance(word, bytes):
                    words.append(word)
                else:
                    words.append(_word_of(word))
        except ScriptError as error:
            given = ()
            word = None
            raise calls.bare(error) from None
        command = self._command
        if len(words) < command.min_words or len(words) > command.max_words:
            raise calls.refused(_ARITY, command)
        reply = calls.run.call(command, words)
        if isinstance(reply, bytes) and len(reply) < LARGE:
            return reply
        return calls.short_reply(reply)


class Calls:
    """`redis.*` of one state."""

    def __init__(self, lua: Any, memory: LuaMemory, run: Run, log: Callable[[int, bytes], None]) -> None:
        self._lua = lua
        self._log = log
        self.memory: LuaMemory = memory
        self.run: Run = run
        self.values: Converter = Converter(lua)
        self.where: Any = None  # the Lua function that tells the line a script is at
        self._entries = 0

    def refused(self, text: bytes, command: Command | None) -> ScriptError:
        """Count a call that was not even tried, and return its error."""
        ctx = self.run.ctx
        if ctx is not None:
            ctx.engine.stats.record_error(text)
        if command is not None:
            command.rejected += 1
        return ScriptError(text, is_counted=True)

    def close(self) -> None:
        """Let go of all that belongs to Lua."""
        self._lua = self.where = None
        self.values.close()

    def spent(self) -> ScriptError:
        """The error that ends a script that has taken all memory."""
        self.memory.lift()
        return ScriptError(_NO_MEMORY, ends_script=True)

    def place(self) -> bytes:
        """The line of the script that calls us. Run as a chunk: that alone is run in the coroutine that calls."""
        place = self._lua.execute(b"local where = ... local place = where() return place", self.where)
        return bytes(place)

    def word_of(self, word: object) -> bytes:
        """The one word of a command. Raises ScriptError, also when memory is spent."""
        if self.memory.used() > SPENT:
            raise self.spent()
        return word if isinstance(word, bytes) else _word_of(word)

    def bare(self, error: Exception) -> Exception:
        """Return what to raise into Lua in place of an error: nothing leads from it to the frames it came through.

        lupa keeps the last error, and in the frames may be objects of a coroutine, which are not to outlive it: who
        raises lets go of them too. A defect of ours is told here, where it is known how it came about.
        """
        told = error
        if not isinstance(error, (ScriptError, MemoryError)):
            self._tell(error)
            told = ScriptError(_INTERNAL + type(error).__name__.encode())
        error.__traceback__ = error.__context__ = error.__cause__ = None
        return told

    def _tell(self, defect: BaseException) -> None:
        ctx = self.run.ctx
        if ctx is not None:
            ctx.engine.defects.outside("a script", defect, ctx.client)

    # -- commands

    def _table(self) -> CommandTable | None:
        ctx = self.run.ctx
        return None if ctx is None else ctx.engine.commands

    def entry(self, name: object) -> object:
        """Return the entry of a command for the short cut, and whether it can take one word; null without one."""
        table = self._table()
        if table is None or not isinstance(name, bytes) or self._entries == _NO_ROOM or self.memory.used() > SPENT:
            return None
        command = table.find(name)
        if command is None or command.subcommands is not None:
            return None
        self._entries += 1
        return Entry(self, command, name), command.min_words <= 2 <= command.max_words

    def call(self, *given: object) -> object:
        """redis.call: run a command and return its reply; raise ScriptError for an error."""
        try:
            if self.memory.used() > SPENT:
                raise self.spent()
            reply = self._outcome(words_of(given))
            if isinstance(reply, CommandError):
                raise ScriptError(reply.text, is_counted=True)
            return self._to_lua(reply)
        except Exception as error:
            given = ()
            raise self.bare(error) from None

    def pcall(self, *given: object) -> object:
        """redis.pcall: run a command and return its reply; for an error null, its text and whether it was counted."""
        try:
            if self.memory.used() > SPENT:
                raise self.spent()
            reply = self._outcome(words_of(given))
            if isinstance(reply, CommandError):
                return None, reply.text, True
            return self._to_lua(reply)
        except ScriptError as error:
            if error.ends_script:
                given = ()
                raise self.bare(error) from None
            return None, error.text, error.is_counted
        except Exception as defect:
            given = ()
            raise self.bare(defect) from None

    def _outcome(self, words: list[bytes]) -> object:
        """Run a command and return its reply, errors as values."""
        table = self._table()
        if table is None:
            raise self._not_while_loading()
        command = table.lookup(words)
        if command is None:
            raise self.refused(_UNKNOWN, None)
        if not command.min_words <= len(words) <= command.max_words:
            raise self.refused(_ARITY, command)
        return self.run.call(command, words)

    def short_reply(self, reply: object) -> object:
        """What the short cut gets for a reply."""
        if reply is OK:
            return OK_MARK
        if isinstance(reply, CommandError):
            raise ScriptError(reply.text, is_counted=True)
        if reply is NO_RUN:
            raise self._not_while_loading()
        return self._to_lua(reply)

    def _not_while_loading(self) -> ScriptError:
        return ScriptError(self.place() + _LOADING, has_place=True)

    def _to_lua(self, reply: object) -> object:
        """The Lua value of a reply, if there is room for it."""
        if isinstance(reply, bytes):
            if len(reply) < LARGE:
                return reply
        elif isinstance(reply, int):
            return self.values.to_lua(reply)
        size = size_in_lua(reply)
        if size >= LARGE and not self.memory.has_room(size):
            raise ScriptError(_NO_MEMORY)
        return self.values.to_lua(reply)

    # -- the rest of `redis`

    def functions(self) -> dict[bytes, Any]:
        """The functions of `redis` that need no more than a guard, by name."""
        functions: dict[bytes, Callable[..., Any]] = {
            b"sha1hex": self._sha1hex,
            b"log": self._write_log,
            b"setresp": self._set_resp,
            b"set_repl": self._set_repl,
            b"acl_check_cmd": self._acl_check_cmd,
        }
        return {name: Guarded(self, function) for name, function in functions.items()}

    def error_text(self, problem: object) -> object:
        """What Lua is to know of an error raised in Python: text, whether it ends the script, whether it was counted.

        The last is null for a plain text; all is null for an object that is no error.
        """
        if isinstance(problem, BaseException):
            if not isinstance(problem, (ScriptError, MemoryError)):
                self._tell(problem)
            problem.__traceback__ = problem.__context__ = None  # its frames lead back to the Lua state
        if isinstance(problem, ScriptError):
            if problem.has_place:
                return problem.text, False, None
            return problem.text, problem.ends_script, problem.is_counted
        if isinstance(problem, BaseException):
            return _INTERNAL + type(problem).__name__.encode(), False, False
        return None

    def _sha1hex(self, *words: Any) -> bytes:
        if len(words) != 1:
            raise ScriptError(b"ERR wrong number of arguments")
        return sha1_hex(as_text(words[0]))

    def _write_log(self, *words: Any) -> None:
        if len(words) < 2:
            raise ScriptError(b"ERR redis.log() requires two arguments or more.")
        level = words[0]
        if isinstance(level, bool) or not isinstance(level, (int, float)):
            raise ScriptError(b"ERR First argument must be a number (log level).")
        number = as_integer(level)
        if not 0 <= number <= 3:
            raise ScriptError(b"ERR Invalid log level.")
        self._log(number, b" ".join([as_text(word) for word in words[1:]]))

    def _set_resp(self, *words: Any) -> None:
        if len(words) != 1:
            raise ScriptError(b"ERR redis.setresp() requires one argument.")
        version = as_integer(words[0])
        if version != 2 and version != 3:
            raise ScriptError(b"ERR RESP version must be 2 or 3.")
        self.values.resp = version
        ctx = self.run.ctx
        if ctx is not None:
            ctx.client.resp = version

    def _set_repl(self, *words: Any) -> None:
        if len(words) != 1:
            raise ScriptError(b"ERR redis.set_repl() requires one argument.")
        flags = as_integer(words[0])
        if flags & ~3:
            raise ScriptError(_REPL_FLAGS)
        self.run.replicates = flags & _REPL_AOF != 0

    def _acl_check_cmd(self, *words: Any) -> bool:
        permitted = self.run.permits(words_of(words))
        if permitted is None:
            raise ScriptError(b"ERR Invalid command passed to redis.acl_check_cmd()")
        return permitted
