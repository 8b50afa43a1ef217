"""Error texts that more than one command replies with, and of commands that cannot be run, as Redis words them."""

from typing import Final

WRONG_TYPE: Final = b"WRONGTYPE Operation against a key holding the wrong kind of value"
SYNTAX: Final = b"ERR syntax error"
NOT_INTEGER: Final = b"ERR value is not an integer or out of range"
NOT_FLOAT: Final = b"ERR value is not a valid float"
OUT_OF_RANGE: Final = b"ERR value is out of range"
MUST_BE_POSITIVE: Final = b"ERR value is out of range, must be positive"
NO_SUCH_KEY: Final = b"ERR no such key"
INDEX_OUT_OF_RANGE: Final = b"ERR index out of range"
INVALID_CURSOR: Final = b"ERR invalid cursor"
BAD_TIMEOUT: Final = b"ERR timeout is not a float or out of range"
NEGATIVE_TIMEOUT: Final = b"ERR timeout is negative"
TIMEOUT_OUT_OF_RANGE: Final = b"ERR timeout is out of range"
OVERFLOW: Final = b"ERR increment or decrement would overflow"
NAN_OR_INFINITY: Final = b"ERR increment would produce NaN or Infinity"
STRING_TOO_LONG: Final = b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
MIN_MAX_NOT_FLOAT: Final = b"ERR min or max is not a float"
MIN_MAX_NOT_STRING: Final = b"ERR min or max not valid string range item"
NUMKEYS_NOT_POSITIVE: Final = b"ERR numkeys should be greater than 0"
DB_OUT_OF_RANGE: Final = b"ERR DB index is out of range"
LOADING: Final = b"LOADING Redis is loading the dataset in memory"
SNAPSHOT_FAILED: Final = (
    b"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    b"may modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    b"snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    b"error."
)
TOO_FEW_REPLICAS: Final = b"NOREPLICAS Not enough good replicas to write."
OUT_OF_MEMORY: Final = b"OOM command not allowed when used memory > 'maxmemory'."
NOAUTH: Final = b"NOAUTH Authentication required."
NOT_ALLOWED: Final = (
    b'ERR %b command not allowed. If the enable-%b-command option is set to "local", you can run it from a local '
    b"connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
_ARGS_SHOWN: Final = 128


class CommandError(Exception):
    """An error reply: `text` is the whole of it, code included, without the leading dash.

    `is_counted`: it came from a command that a script has called, and the statistics of errors know it.
    """

    def __init__(self, text: bytes, is_counted: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.is_counted = is_counted


def shown(word: bytes) -> bytes:
    """Return a client's word as an error text shows it: up to the first NUL, as a C string."""
    return word.partition(b"\0")[0]


def wrong_arity(name: bytes) -> CommandError:
    """Return the error for a wrong number of arguments; `name` is the command's full name (`client|id`)."""
    return CommandError(b"ERR wrong number of arguments for '%b' command" % name.lower())


def invalid_expire(name: bytes) -> CommandError:
    """Return the error for an expire time out of range."""
    return CommandError(b"ERR invalid expire time in '%b' command" % name.lower())


def unknown_command(args: list[bytes]) -> CommandError:
    """Return the error for a command that does not exist, with the beginning of its arguments."""
    shown = b""
    for word in args[1:]:
        if len(shown) >= _ARGS_SHOWN:
            break
        shown += b"'%b' " % _shown(word, _ARGS_SHOWN - len(shown))
    name = _shown(args[0], _ARGS_SHOWN)
    return CommandError(b"ERR unknown command '%b', with args beginning with: %b" % (name, shown))


def _shown(word: bytes, size: int) -> bytes:
    """The beginning of a word as Redis puts it into an error: up to the first NUL."""
    shown = word[:size]
    return shown.partition(b"\0")[0] if 0 in shown else shown


def unknown_subcommand(args: list[bytes]) -> CommandError:
    """Return the error for a sub-command that does not exist; it spells the container as the client did."""
    shown = _shown(args[1], _ARGS_SHOWN)
    return CommandError(b"ERR unknown subcommand '%b'. Try %b HELP." % (shown, args[0].upper()))


def not_in_subscribed_mode(name: bytes) -> CommandError:
    """Return the error for a command that a RESP2 client with subscriptions may not send."""
    return CommandError(
        b"ERR Can't execute '%b': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        b"context" % name
    )
