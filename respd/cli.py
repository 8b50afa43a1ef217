"""The command line: redis-server's own. Reads the configuration, prepares the process, and serves.

`respd [CONFIG-FILE | -] [--directive value ...]`, or `respd TOOL ...` (see `cli_tools`). Start-up counts (test fixtures
start many servers), so whatever a plain start has no need for, click among it, is imported when it is called for.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

from respd.config import Config, ConfigFileError, UnreadableFile, read_config_file
from respd.directive_kinds import quoted
from respd.log import Log, open_system_log
from respd.protocol.requests import split_line
from respd.version import REDIS_VERSION, VERSION

if TYPE_CHECKING:
    from respd.process import Life

    Serve = Callable[[Config, Log, Life], int]

_VALUES_MAY_BE_MISSING: Final = ("--save", "--sentinel")


class Words:
    """What the command line says: a configuration file or none, whether to read standard input, and directives.

    `options` are configuration lines. A value that stands in the same word as its directive (`"--port 6380"`) is taken
    as it is, others are quoted. After a directive's name the next word is its value even if it begins with `--`.
    """

    def __init__(self, words: list[str]) -> None:
        self.config_file = ""
        self.reads_stdin = False
        self.options = b""
        start = 0
        if words and not words[0].startswith("-"):
            self.config_file = os.path.abspath(words[0])
            start = 1
        wants_value = False
        for index in range(start, len(words)):
            word = words[index]
            is_last = index == len(words) - 1
            if word == "-" and (index == 0 or is_last):
                self.reads_stdin = True
            elif word.startswith("--") and not wants_value:
                raw = os.fsencode(word)
                self.options += (b"\n" if self.options else b"") + raw[2:] + b" "
                wants_value = len(split_line(raw) or []) == 1
                if wants_value and word.lower() in _VALUES_MAY_BE_MISSING:
                    if is_last or words[index + 1].startswith("--"):
                        self.options += b'""'
                        wants_value = False
            else:
                self.options += quoted(os.fsencode(word)) + b" "
                wants_value = False


def main() -> NoReturn:
    """Run the command that the process was started with, and end the process.

    It ends without taking down the data key by key, which would take seconds with millions of them.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    status = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(words: list[str]) -> int:
    """Run `respd` with the arguments `words`; return the exit status."""
    first = words[0] if words else ""
    if first in ("-v", "--version"):
        print(version_line())
        return 0
    if first in ("-h", "--help"):
        from respd.cli_help import help_text

        print(help_text())
        return 0
    if first.startswith("check-"):
        from respd.cli_tools import TOOLS, run_tool

        if first in TOOLS:
            return run_tool(words)
    if first == "--test-memory":
        print("respd does not test memory: use memtest86 or a similar program", file=sys.stderr)
        return 1
    if "--sentinel" in words:
        print("respd cannot run as a Sentinel: start redis-sentinel for that", file=sys.stderr)
        return 1
    log = Log()
    config = Config()
    try:
        load(config, Words(words), log)
    except UnreadableFile as error:
        log.warning(f"Fatal error, can't open config file '{error.path}': {error.reason}")
        return 1
    except ConfigFileError as error:
        sys.stdout.flush()
        os.write(2, fatal_text(error))
        return 1
    return start(config, log, bool(words))


def version_line() -> str:
    """Return what `--version` prints: redis-server's line, with respd's own version at its end."""
    import zlib

    from respd import build

    kind = build()
    number = zlib.crc32(f"respd {VERSION} {kind}".encode())
    return (
        f"Redis server v={REDIS_VERSION} sha=00000000:0 malloc=libc bits={64 if sys.maxsize > 2**32 else 32} "
        f"build={number:016x} respd={VERSION} ({kind})"
    )


def fatal_text(error: ConfigFileError) -> bytes:
    """Return the lines that redis-server prints about a configuration that it refuses."""
    text = b"\n*** FATAL CONFIG FILE ERROR (Redis %b) ***\n" % REDIS_VERSION.encode()
    if error.number:
        text += b"Reading the configuration file, at line %d\n>>> '%b'\n" % (error.number, error.line)
    return text + error.reason + b"\n"


# -- configuration


def load(config: Config, words: Words, log: Log) -> None:
    """Fill `config` from the file, standard input and the options, later ones winning."""
    text = b""
    if words.config_file:
        config.config_file = words.config_file
        text += read_config_file(words.config_file)
    if words.reads_stdin:
        log.notice("Reading config from stdin")
        text += sys.stdin.buffer.read()
    if words.options:
        text += b"\n" + words.options
    config.load(text)
    if config.user_lines:
        _check_users(config)
    if config.renamings:
        _check_renamings(config)
    if config.logfile:
        try:
            os.close(os.open(config.logfile, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644))
        except OSError as error:
            reason = f"Can't open the log file: {error.strerror}"
            raise ConfigFileError(0, b"", reason.encode()) from None


def _check_users(config: Config) -> None:
    """Raise ConfigFileError for a `user` line that is no such thing."""
    from respd.acl import Acl
    from respd.acl_file import check_user_lines
    from respd.command import CommandTable
    from respd.commands import all_groups

    check_user_lines(config, Acl(CommandTable(all_groups())))


def _check_renamings(config: Config) -> None:
    """Raise ConfigFileError for a `rename-command` of an unknown command, or to a name that is taken."""
    from respd.command import CommandTable
    from respd.commands import all_groups

    table = CommandTable(all_groups())
    for renaming in config.renamings:
        command = table.find(renaming.name)
        if command is None:
            raise ConfigFileError(renaming.number, renaming.line, b"No such command in rename-command")
        if renaming.new_name and table.find(renaming.new_name) not in (None, command):
            raise ConfigFileError(renaming.number, renaming.line, b"Target command name already exists")
        table.rename(renaming.name, renaming.new_name)


# -- the process


def start(config: Config, log: Log, is_configured: bool) -> int:
    """Make the process a server with `config`; return the exit status when it has ended."""
    from respd.process import Life, TooFewFiles, go_to_background

    log.path = os.path.abspath(config.logfile) if config.logfile else ""
    log.set_level(config.loglevel)
    if config.syslog_enabled:
        log.system_log = open_system_log(config.syslog_ident, config.syslog_facility)
        if log.system_log is None:
            log.warning("This system has no syslog")
    life = Life(config, log)
    if config.daemonize and not life.supervisor.is_there():
        if not hasattr(os, "fork"):
            log.warning("This system has no fork: running in the foreground")
        elif not go_to_background():
            return 0
    _log_start(config, log, is_configured)
    log.role = "M"
    try:
        life.prepare()
    except TooFewFiles:
        return 1
    _show_banner(config, log)
    from respd.network import serve

    status = guarded(serve, config, log, life)
    if status == 0:
        life.end()
        log.warning("Redis is now ready to exit, bye bye...")
    return status


def guarded(serve: "Serve", config: Config, log: Log, life: "Life") -> int:
    """Call `serve`; should a defect of ours end it, the log is told, for nobody may be looking at standard error."""
    try:
        return serve(config, log, life)
    except Exception:
        import traceback

        log.warning(f"respd {VERSION} ends because of an error of its own:\n{traceback.format_exc()}")
        return 1


def _log_start(config: Config, log: Log, is_configured: bool) -> None:
    from respd import build

    log.notice("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo")
    bits = 64 if sys.maxsize > 2**32 else 32
    log.notice(
        f"Redis version={REDIS_VERSION}, bits={bits}, commit=00000000, modified=0, pid={os.getpid()}, just started"
    )
    log.notice(f"respd version={VERSION}, build={build()}, python={sys.version.split()[0]}")
    if is_configured:
        log.notice("Configuration loaded")
    else:
        log.warning(
            "Warning: no config file specified, using the default config. "
            "In order to specify a config file use respd /path/to/redis.conf"
        )
    unused = config.unused()
    if unused:
        log.warning("This version of respd accepts these directives and does not act on them: " + ", ".join(unused))


def _show_banner(config: Config, log: Log) -> None:
    """Log where the server runs: one line, or a few on a terminal and with always-show-logo."""
    if not config.always_show_logo and (config.logfile or not os.isatty(1)):
        log.notice(f"Running mode=standalone, port={config.port}.")
        return
    log.raw(
        f"\n   >>>>  respd {VERSION}, as Redis {REDIS_VERSION} {64 if sys.maxsize > 2**32 else 32} bit\n"
        "   >>>>\n"
        "   >>>>  Running in standalone mode\n"
        f"   >>>>  Port: {config.port}\n"
        f"   >>>>  PID: {os.getpid()}\n\n"
    )
