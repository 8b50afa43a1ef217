"""The configuration: the value of every directive, reading it from files and from the command line, and changing it.

`Config` holds one value per row of `respd.directives.DIRECTIVES`. Directives in force are attributes too, under Redis'
names with underscores, for the rest of respd to read; `Config` keeps the two, and the encoding `limits`, in step.
"""

import os
from collections.abc import Callable
from typing import Final

from respd.datatypes.limits import Limits
from respd.directive_kinds import ConfigError
from respd.directives import (
    DEPRECATED,
    DIRECTIVES,
    HIDDEN,
    IMMUTABLE,
    PROTECTED,
    REREAD,
    Directive,
)
from respd.errors import shown
from respd.glob import matches
from respd.protocol.requests import split_line

ChangeListener = Callable[[], None]

_SPACES: Final = b" \t\r\n"
_PATHS: Final = (
    b"unixsocket", b"pidfile", b"logfile", b"dbfilename", b"aclfile", b"tls-cert-file", b"tls-key-file",
    b"tls-client-cert-file", b"tls-client-key-file",
    b"tls-dh-params-file", b"tls-ca-cert-file", b"tls-ca-cert-dir",
)  # fmt: skip
_GLOB: Final = (b"*", b"?", b"[")
_REFUSED: Final = {
    b"loadmodule": b"loadmodule: respd does not load modules",
    b"sentinel": b"sentinel directive while not in sentinel mode",
}


class ConfigFileError(Exception):
    """A line of the configuration that stops the start; `number` is 0 when no single line is to blame."""

    def __init__(self, number: int, line: bytes, reason: bytes) -> None:
        super().__init__(number, line, reason)
        self.number = number
        self.line = line
        self.reason = reason


class UnreadableFile(Exception):
    """A configuration file that cannot be opened."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


class SetError(Exception):
    """What CONFIG SET answers when it changed nothing; `unapplied` names the directive whose new value did not work."""

    def __init__(self, text: bytes, unapplied: bytes = b"") -> None:
        super().__init__(text)
        self.text = text
        self.unapplied = unapplied


class Renaming:
    """A `rename-command` line: a command, the name it gets (empty: none), and where that was said."""

    def __init__(self, name: bytes, new_name: bytes, number: int, line: bytes) -> None:
        self.name = name
        self.new_name = new_name
        self.number = number
        self.line = line


class UserLine:
    """A `user` line: the name, the rules, and where that was said."""

    def __init__(self, name: bytes, rules: list[bytes], number: int, line: bytes) -> None:
        self.name = name
        self.rules = rules
        self.number = number
        self.line = line


class Config:
    """The values in force now.

    `values` maps the name of each directive to its value (see the kinds in `respd.directives`). Paths and addresses are
    str as attributes, bytes in `values`. `config_file` is the file that was read, as an absolute path, or empty.
    """

    def __init__(self) -> None:
        self.values: dict[bytes, object] = {}
        self.by_name: dict[bytes, Directive] = {}
        self.listeners: dict[bytes, list[ChangeListener]] = {}
        self.limits = Limits()
        self.config_file = ""
        self.renamings: list[Renaming] = []
        self.given: set[bytes] = set()
        self._has_save_lines = False
        self.user_lines: list[UserLine] = []

        self.port = 6379
        self.bind: list[str] = []
        self.metrics_port = 0
        self.metrics_bind: list[str] = []
        self.unixsocket = ""
        self.unixsocketperm = 0
        self.tcp_backlog = 511
        self.timeout = 0
        self.tcp_keepalive = 300
        self.maxclients = 10000
        self.protected_mode = True
        self.daemonize = False
        self.supervised = b""
        self.pidfile = ""
        self.logfile = ""
        self.loglevel = b""
        self.always_show_logo = False
        self.set_proc_title = True
        self.proc_title_template = b""
        self.hz = 10
        self.requirepass = b""
        self.aclfile = ""
        self.acl_pubsub_default = b""
        self.acllog_max_len = 128
        self.tls_port = 0
        self.tls_cert_file = ""
        self.tls_key_file = ""
        self.tls_key_file_pass = b""
        self.tls_client_cert_file = ""
        self.tls_client_key_file = ""
        self.tls_client_key_file_pass = b""
        self.tls_dh_params_file = ""
        self.tls_ca_cert_file = ""
        self.tls_ca_cert_dir = ""
        self.tls_auth_clients = b""
        self.tls_protocols = b""
        self.tls_ciphers = b""
        self.tls_ciphersuites = b""
        self.tls_prefer_server_ciphers = False
        self.tls_session_caching = True
        self.max_new_tls_connections_per_cycle = 1
        self.enable_debug_command = b""
        self.enable_module_command = b""
        self.enable_protected_configs = b""
        self.client_query_buffer_limit = 0
        self.client_output_buffer_limits: list[tuple[int, int, int]] = []
        self.proto_max_bulk_len = 0
        self.hll_sparse_max_bytes = 3000
        self.databases = 16
        self.notify_keyspace_events = 0
        self.maxmemory = 0
        self.maxmemory_policy = b""
        self.maxmemory_samples = 5
        self.maxmemory_eviction_tenacity = 10
        self.maxmemory_clients = 0  # of maxmemory when below 0, in percent
        self.lfu_log_factor = 10
        self.lfu_decay_time = 1
        self.lazyfree_lazy_eviction = False
        self.lazyfree_lazy_expire = False
        self.lazyfree_lazy_server_del = False
        self.slowlog_log_slower_than = 10000
        self.busy_reply_threshold = 5000
        self.slowlog_max_len = 128
        self.commandlog_request_larger_than = 1 << 20
        self.commandlog_reply_larger_than = 1 << 20
        self.commandlog_large_request_max_len = 128
        self.commandlog_large_reply_max_len = 128
        self.latency_monitor_threshold = 0
        self.latency_tracking = True
        self.crash_log_enabled = True
        self.hide_user_data_from_log = False
        self.syslog_enabled = False
        self.syslog_ident = b""
        self.syslog_facility = b""
        self.tracking_table_max_keys = 0
        self.latency_tracking_info_percentiles: list[float] = []
        self.appendonly = False
        self.appendfilename = b""
        self.appenddirname = b""
        self.appendfsync = b""
        self.no_appendfsync_on_rewrite = False
        self.auto_aof_rewrite_percentage = 0
        self.auto_aof_rewrite_min_size = 0
        self.aof_load_truncated = True
        self.aof_use_rdb_preamble = True
        self.aof_timestamp_enabled = False
        self.aof_rewrite_incremental_fsync = True
        self.aof_disable_auto_gc = False

        self.oom_score_adj = b""
        self.oom_score_adj_values: list[int] = []
        self.save: list[tuple[int, int]] = []
        self.dbfilename = ""
        self.rdbcompression = True
        self.rdbchecksum = True
        self.rdb_save_incremental_fsync = True
        self.rdb_key_save_delay = 0
        self.key_load_delay = 0
        self.stop_writes_on_bgsave_error = True
        self.min_replicas_to_write = 0
        self.min_replicas_max_lag = 10
        self.shutdown_on_sigint = b""
        self.shutdown_on_sigterm = b""

        for directive in DIRECTIVES:
            self.by_name[directive.name] = directive
            if directive.alias:
                self.by_name[directive.alias] = directive
            self._store(directive, directive.default)

    @property
    def dir(self) -> str:
        """The folder the server works in."""
        return os.getcwd()

    # -- values

    def _store(self, directive: Directive, value: object) -> None:
        """Keep `value`, and show it to those who read the attribute."""
        self.values[directive.name] = value
        if not directive.is_in_force():
            return
        name = directive.name
        if name == b"dir":
            if value:
                assert isinstance(value, bytes)
                try:
                    os.chdir(value)
                except OSError as error:
                    raise ConfigError(os.strerror(error.errno or 0).encode()) from None
        elif name in (b"bind", b"metrics-bind"):
            assert isinstance(value, list)
            setattr(self, directive.attribute, [address.decode("latin-1") for address in value])
        elif name == b"client-output-buffer-limit":
            assert isinstance(value, list)
            self.client_output_buffer_limits = value
        elif b"-max-" in name and name.startswith((b"hash", b"list", b"set", b"zset", b"stream")):
            assert isinstance(value, int)
            self._set_limit(name, value)
        elif name in _PATHS:
            assert isinstance(value, bytes)
            setattr(self, directive.attribute, os.fsdecode(value))
        else:
            setattr(self, directive.attribute, value)

    def _set_limit(self, name: bytes, value: int) -> None:
        """Set the encoding threshold that the directive `name` stands for."""
        limits = self.limits
        if name == b"hash-max-listpack-entries":
            limits.hash_max_entries = value
        elif name == b"hash-max-listpack-value":
            limits.hash_max_value = value
        elif name == b"list-max-listpack-size":
            limits.list_max_size = value
        elif name == b"set-max-intset-entries":
            limits.set_max_intset = value
        elif name == b"set-max-listpack-entries":
            limits.set_max_entries = value
        elif name == b"set-max-listpack-value":
            limits.set_max_value = value
        elif name == b"zset-max-listpack-entries":
            limits.zset_max_entries = value
        elif name == b"stream-node-max-bytes":
            limits.stream_node_bytes = value
        elif name == b"stream-node-max-entries":
            limits.stream_node_entries = value
        else:
            limits.zset_max_value = value

    def put(self, name: bytes, value: object) -> None:
        """Set a directive to a value of its kind, whatever its flags, without telling anyone."""
        self._store(self.by_name[name], value)

    def show(self, directive: Directive) -> bytes:
        """Return the value of `directive` as CONFIG GET answers it."""
        if directive.name == b"dir":
            return os.fsencode(os.getcwd())
        return directive.kind.show(self.values[directive.name])

    def lines(self, directive: Directive) -> list[bytes]:
        """Return the configuration lines that give `directive` its present value."""
        value = os.fsencode(os.getcwd()) if directive.name == b"dir" else self.values[directive.name]
        return directive.kind.lines(directive.name, value)

    # -- reading

    def load_file(self, path: str) -> None:
        """Read the file at `path`, or, when it holds wildcards, every file that it matches, in order."""
        paths = [path]
        if any(sign in path for sign in "*?["):
            import glob

            paths = sorted(glob.glob(path))
        for each in paths:
            self.load(read_config_file(each))

    def load(self, text: bytes) -> None:
        """Read configuration lines; raises ConfigFileError at the first that is wrong."""
        for index, raw in enumerate(text.split(b"\n")):
            line = raw.strip(_SPACES)
            if line and not line.startswith(b"#"):
                try:
                    self._load_line(index + 1, line)
                except ConfigError as error:
                    raise ConfigFileError(index + 1, line, error.reason) from None

    def _load_line(self, number: int, line: bytes) -> None:
        words = split_line(line)
        if words is None:
            raise ConfigError(b"Unbalanced quotes in configuration line")
        if not words:
            return
        name = words[0].lower()
        directive = self.by_name.get(name)
        if directive is not None:
            self._load_value(directive, words[1:])
        elif name == b"include" and len(words) == 2:
            self.load_file(os.fsdecode(words[1]))
        elif name == b"rename-command" and len(words) == 3:
            self.renamings.append(Renaming(words[1], words[2], number, line))
        elif name == b"user" and len(words) >= 2:
            self.user_lines.append(UserLine(words[1], words[2:], number, line))
        elif name in _REFUSED and len(words) >= 2:
            raise ConfigError(_REFUSED[name])
        elif name not in DEPRECATED or len(words) != 2:
            raise ConfigError(b"Bad directive or wrong number of arguments")

    def _load_value(self, directive: Directive, words: list[bytes]) -> None:
        """Take a value from a line: one word, or for some directives several, or none, maybe in one pair of quotes."""
        before = self.values[directive.name]
        if directive.kind.takes_many:
            if len(words) == 1 and words[0]:
                split = split_line(words[0])
                if split is None:
                    raise ConfigError(b"Unbalanced quotes in configuration line")
                words = split
            if directive.name == b"save" and not self._has_save_lines:
                self._has_save_lines = True
                before = []
        elif len(words) != 1:
            raise ConfigError(b"wrong number of arguments")
        self._store(directive, directive.kind.parse(words, before))
        self.given.add(directive.name)

    def unused(self) -> list[str]:
        """Return the directives that were given a value, neither none nor the default, and are not in force."""
        names = []
        for directive in DIRECTIVES:
            if directive.name in self.given and not directive.is_in_force():
                value = self.values[directive.name]
                if value and value != directive.default:
                    names.append(directive.name.decode())
        return names

    # -- CONFIG GET and SET

    def get(self, patterns: list[bytes]) -> list[bytes]:
        """Return names and values, in turn, of the directives whose name or alias matches one of the glob patterns.

        A hidden directive answers to its full name only, which is then spelled as asked for.
        """
        found: dict[bytes, bytes] = {}
        reply: list[bytes] = []
        for pattern in patterns:
            lowered = pattern.lower()
            if not any(sign in pattern for sign in _GLOB):
                directive = self.by_name.get(lowered)
                if directive is not None and lowered not in found:
                    found[lowered] = pattern
                    reply += [pattern, self.show(directive)]
                continue
            for name, directive in self.by_name.items():
                if not directive.flags & HIDDEN and name not in found and matches(lowered, name):
                    found[name] = name
                    reply += [name, self.show(directive)]
        return reply

    def on_change(self, names: list[str], listener: ChangeListener) -> None:
        """Call `listener` after a change of one of the directives `names`.

        It may raise ConfigError when the new value cannot be put to use: then all values go back to what they were, and
        the listeners that had run already are called again.
        """
        for name in names:
            self.listeners.setdefault(name.encode(), []).append(listener)

    def set(self, pairs: list[tuple[bytes, bytes]], is_local: bool = True) -> None:
        """Change all the directives or none: raises SetError. `is_local`: asked by a client on this machine."""
        chosen = self._choose(pairs, is_local)
        before = dict(self.values)
        folder = os.getcwd()
        changed: list[tuple[bytes, Directive]] = []
        for (_, word), (name, directive) in zip(pairs, chosen):
            words = [word]
            if directive.kind.takes_many:
                words = word.split(b" ") if word else []
            old = [] if directive.name == b"save" else self.values[directive.name]
            try:
                value = directive.kind.parse(words, old)
                if value != self.values[directive.name] or directive.flags & REREAD:
                    self._store(directive, value)
                    changed.append((name, directive))
            except ConfigError as error:
                self._restore(before, folder)
                raise SetError(_refusal(name, error.reason)) from None
        self._apply(changed, before, folder)

    def _choose(self, pairs: list[tuple[bytes, bytes]], is_local: bool) -> list[tuple[bytes, Directive]]:
        """Return each name, as errors mention it, with its directive; raises SetError for what may not be set."""
        chosen: list[tuple[bytes, Directive]] = []
        seen: set[bytes] = set()
        for typed, _ in pairs:
            name = typed.lower()
            directive = self.by_name.get(name)
            if directive is None:
                raise SetError(b"ERR Unknown option or number of arguments for CONFIG SET - '%b'" % shown(typed))
            if directive.flags & IMMUTABLE:
                raise SetError(_refusal(typed, b"can't set immutable config"))
            if directive.flags & PROTECTED and not self.allows(self.enable_protected_configs, is_local):
                raise SetError(_refusal(typed, b"can't set protected config"))
            if name in seen:
                raise SetError(_refusal(typed, b"duplicate parameter"))
            seen.add(name)
            chosen.append((name, directive))
        return chosen

    def allows(self, who: bytes, is_local: bool) -> bool:
        """Return whether `who` (no, yes, local) lets a client in that is of this machine or not."""
        return who == b"yes" or (who == b"local" and is_local)

    def _restore(self, before: dict[bytes, object], folder: str) -> None:
        if folder != os.getcwd():
            os.chdir(folder)
        for directive in DIRECTIVES:
            if self.values[directive.name] is not before[directive.name] and directive.name != b"dir":
                self._store(directive, before[directive.name])
        self.values[b"dir"] = before[b"dir"]

    def _apply(self, changed: list[tuple[bytes, Directive]], before: dict[bytes, object], folder: str) -> None:
        """Call the listeners of what changed, each once; take everything back when one of them refuses."""
        applied: list[ChangeListener] = []
        for name, directive in changed:
            for listener in self.listeners.get(directive.name, []):
                if listener in applied:
                    continue
                applied.append(listener)
                try:
                    listener()
                except ConfigError as error:
                    self._restore(before, folder)
                    for again in applied[:-1]:
                        again()
                    raise SetError(_refusal(name, error.reason), name) from None


def _refusal(name: bytes, reason: bytes) -> bytes:
    return b"ERR CONFIG SET failed (possibly related to argument '%b') - %b" % (name, reason)


def read_config_file(path: str) -> bytes:
    """Return the bytes of a configuration file; raises UnreadableFile."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UnreadableFile(path, error.strerror or str(error)) from None
