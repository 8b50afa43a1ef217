"""The one table of directives: name, kind of value, default, whether it may change, aliases, and whether respd uses it.

The command line, the configuration file, CONFIG GET, SET and REWRITE, `--help` and docs/directives.md read this table.
Its kind (`respd.directive_kinds`) turns words into a value and the value into words; `respd.config` keeps the values.
A directive is *in force* when respd acts on it, else it is accepted, kept and shown, and has no effect. What Redis
does not have is marked `OWN`.
Source: redis.conf and `CONFIG GET *` of redis-server 8.0; bounds and messages as redis-server gives them.
"""

from typing import Final

from respd.directive_kinds import (
    GIGABYTE,
    INT_MAX,
    LONG_MAX,
    MEGABYTE,
    ULONG_MAX,
    Addresses,
    Bool,
    Choice,
    Clamped,
    EventClasses,
    FileName,
    HostName,
    Integer,
    Kind,
    Locale,
    Master,
    Memory,
    MemoryOrPercent,
    Octal,
    OomScores,
    OutputLimits,
    Percentiles,
    SavePoints,
    ShutdownOptions,
    Text,
    TitleTemplate,
)

IN_FORCE: Final = 1
IMMUTABLE: Final = 2
PROTECTED: Final = 4
HIDDEN: Final = 8
SENSITIVE: Final = 16
OWN: Final = 32  # Redis has no such directive
REREAD: Final = 64  # what it names may have changed: to set it to the same value is a change


class Directive:
    """One row of the table. `attribute` is its name in `Config`; `summary` says in a few words what it does."""

    def __init__(self, name: str, kind: Kind, default: object, flags: int, alias: str, summary: str) -> None:
        self.name = name.encode()
        self.attribute = name.replace("-", "_")
        self.kind = kind
        self.default = default
        self.flags = flags
        self.alias = alias.encode()
        self.summary = summary

    def is_in_force(self) -> bool:
        """Return whether respd acts on it."""
        return bool(self.flags & IN_FORCE)


def _yes_no(name: str, default: bool, flags: int = 0, *, alias: str = "", summary: str = "") -> Directive:
    return Directive(name, Bool(), default, flags, alias, summary)


def _int(
    name: str, default: int, low: int = 0, high: int = INT_MAX, flags: int = 0, *, alias: str = "", summary: str = ""
) -> Directive:
    return Directive(name, Integer(low, high), default, flags, alias, summary)


def _memory(
    name: str, default: int, low: int = 0, high: int = LONG_MAX, flags: int = 0, *, alias: str = "", summary: str = ""
) -> Directive:
    return Directive(name, Memory(low, high), default, flags, alias, summary)


def _text(name: str, default: str = "", flags: int = 0, *, alias: str = "", summary: str = "") -> Directive:
    return Directive(name, Text(), default.encode(), flags, alias, summary)


def _choice(name: str, words: str, default: str, flags: int = 0, *, later: str = "", summary: str = "") -> Directive:
    kind = Choice(tuple(words.encode().split()), tuple(later.encode().split()))
    return Directive(name, kind, default.encode(), flags, "", summary)


def _special(
    name: str, kind: Kind, default: object, flags: int = 0, *, alias: str = "", summary: str = ""
) -> Directive:
    return Directive(name, kind, default, flags, alias, summary)


DIRECTIVES: Final = (
    # Network
    _int("port", 6379, 0, 65535, IN_FORCE, summary="TCP port to listen on; 0 for none"),
    _special(
        "bind",
        Addresses(),
        [b"*", b"-::*"],
        IN_FORCE,
        summary="addresses to listen on; a leading - allows one to be missing",
    ),
    _text("unixsocket", flags=IN_FORCE | IMMUTABLE, summary="path of a Unix socket to listen on"),
    _special(
        "unixsocketperm", Octal(0, 0o777), 0, IN_FORCE | IMMUTABLE, summary="permissions of the Unix socket, in octal"
    ),
    _int("tcp-backlog", 511, 0, INT_MAX, IN_FORCE | IMMUTABLE, summary="connections that may wait to be accepted"),
    _int("timeout", 0, 0, INT_MAX, IN_FORCE, summary="seconds after which an idle client is closed; 0 for never"),
    _int(
        "tcp-keepalive", 300, 0, INT_MAX, IN_FORCE, summary="seconds between probes of a silent connection; 0 for none"
    ),
    _int("maxclients", 10000, 1, 2**32 - 1, IN_FORCE, summary="connections served at a time"),
    _yes_no("protected-mode", True, IN_FORCE, summary="without a password, serve only clients of this machine"),
    _int("max-new-connections-per-cycle", 10, 1, 1000),
    _text("bind-source-addr"),
    _int("socket-mark-id", 0, 0, 2**32 - 1, IMMUTABLE),
    _int(
        "metrics-port",
        0,
        0,
        65535,
        IN_FORCE | OWN,
        summary="port for metrics in the text format of Prometheus, by HTTP, to whoever asks; 0 for none",
    ),
    _special(
        "metrics-bind",
        Addresses(),
        [b"127.0.0.1", b"-::1"],
        IN_FORCE | OWN,
        summary="addresses of that port; those of this machine unless you say so",
    ),
    # Process
    _yes_no("daemonize", False, IN_FORCE | IMMUTABLE, summary="run in the background"),
    _text("pidfile", flags=IN_FORCE | IMMUTABLE, summary="file to write the process id to"),
    _special("dir", Text(), b"", IN_FORCE | PROTECTED | REREAD, summary="folder to work in"),
    _text("logfile", flags=IN_FORCE | IMMUTABLE, summary="file to log to; standard output when empty"),
    _choice(
        "loglevel",
        "debug verbose notice warning nothing",
        "notice",
        IN_FORCE,
        summary="least important messages to log",
    ),
    _yes_no(
        "always-show-logo", False, IN_FORCE | IMMUTABLE, summary="show the banner even when the log is not a terminal"
    ),
    _yes_no("set-proc-title", True, IN_FORCE | IMMUTABLE, summary="set the title of the process"),
    _special(
        "proc-title-template",
        TitleTemplate(),
        b"{title} {listen-addr} {server-mode}",
        IN_FORCE,
        summary="what that title says",
    ),
    _special("hz", Clamped(0, INT_MAX, 1, 500), 10, IN_FORCE, summary="background turns a second"),
    _yes_no("dynamic-hz", True),
    _choice(
        "supervised",
        "upstart systemd auto no",
        "no",
        IN_FORCE | IMMUTABLE,
        summary="tell systemd when ready; upstart is not told",
    ),
    _yes_no("syslog-enabled", False, IN_FORCE | IMMUTABLE, summary="log to the system's log besides"),
    _text("syslog-ident", "redis", IN_FORCE | IMMUTABLE, summary="name of the server in the system's log"),
    _choice(
        "syslog-facility",
        "user local0 local1 local2 local3 local4 local5 local6 local7",
        "local0",
        IN_FORCE | IMMUTABLE,
        summary="facility of its lines in the system's log",
    ),
    _special(
        "shutdown-on-sigint",
        ShutdownOptions((b"default", b"save", b"nosave", b"now", b"force")),
        b"default",
        IN_FORCE,
        summary="options of the SHUTDOWN that SIGINT stands for",
    ),
    _special(
        "shutdown-on-sigterm",
        ShutdownOptions((b"default", b"save", b"nosave", b"now", b"force")),
        b"default",
        IN_FORCE,
        summary="options of the SHUTDOWN that SIGTERM stands for",
    ),
    _int("shutdown-timeout", 10),
    _yes_no(
        "crash-log-enabled",
        True,
        IN_FORCE,
        summary="report internal errors in full, and where the process dies of a signal",
    ),
    _yes_no("crash-memcheck-enabled", True),
    _yes_no("use-exit-on-panic", False, HIDDEN),
    _int("watchdog-period", 0, 0, INT_MAX, HIDDEN),
    _choice(
        "oom-score-adj",
        "no yes relative absolute",
        "no",
        IN_FORCE,
        summary="whether to tell the system which process to end first when memory runs out",
    ),
    _special(
        "oom-score-adj-values",
        OomScores(),
        [0, 200, 800],
        IN_FORCE,
        summary="what to add to the score, of the server, a replica and child processes",
    ),
    _yes_no("disable-thp", True, IMMUTABLE),
    _text("ignore-warnings"),
    _int("io-threads", 1, 1, 128, IMMUTABLE),
    _text("server-cpulist", flags=IMMUTABLE, alias="server_cpulist"),
    _text("bio-cpulist", flags=IMMUTABLE, alias="bio_cpulist"),
    _text("aof-rewrite-cpulist", flags=IMMUTABLE, alias="aof_rewrite_cpulist"),
    _text("bgsave-cpulist", flags=IMMUTABLE, alias="bgsave_cpulist"),
    _yes_no("jemalloc-bg-thread", True),
    _special("locale-collate", Locale(), b""),
    # Security
    _text("requirepass", flags=IN_FORCE | SENSITIVE, summary="password that clients must give"),
    _choice("enable-debug-command", "no yes local", "no", IN_FORCE | IMMUTABLE, summary="who may use DEBUG"),
    _choice(
        "enable-protected-configs",
        "no yes local",
        "no",
        IN_FORCE | IMMUTABLE,
        summary="who may change protected directives",
    ),
    _choice(
        "enable-module-command", "no yes local", "no", IN_FORCE | IMMUTABLE, summary="who may ask for modules, in vain"
    ),
    _text("aclfile", flags=IN_FORCE | IMMUTABLE, summary="file that holds the users"),
    _choice(
        "acl-pubsub-default",
        "allchannels resetchannels",
        "resetchannels",
        IN_FORCE,
        summary="the channels that new users may use",
    ),
    _int("acllog-max-len", 128, 0, LONG_MAX, IN_FORCE, summary="entries that ACL LOG keeps"),
    _yes_no("hide-user-data-from-log", False, IN_FORCE, summary="leave out of the log what clients have sent"),
    # Clients
    _memory(
        "client-query-buffer-limit", GIGABYTE, MEGABYTE, LONG_MAX, IN_FORCE, summary="bytes a client may send ahead"
    ),
    _special(
        "client-output-buffer-limit",
        OutputLimits(),
        [(0, 0, 0), (256 * MEGABYTE, 64 * MEGABYTE, 60), (32 * MEGABYTE, 8 * MEGABYTE, 60)],
        IN_FORCE,
        summary="bytes a client may leave unread: class, hard limit, soft limit, seconds",
    ),
    _memory(
        "proto-max-bulk-len",
        512 * MEGABYTE,
        MEGABYTE,
        LONG_MAX,
        IN_FORCE,
        summary="bytes of the longest word or string",
    ),
    _special(
        "maxmemory-clients",
        MemoryOrPercent(0, LONG_MAX),
        0,
        IN_FORCE,
        summary="memory of all clients, or part of maxmemory, beyond which the biggest are disconnected; 0 for any",
    ),
    _int(
        "tracking-table-max-keys",
        1000000,
        0,
        LONG_MAX,
        IN_FORCE,
        summary="keys that CLIENT TRACKING remembers; 0 for no limit",
    ),
    # Data
    _int("databases", 16, 1, INT_MAX, IN_FORCE | IMMUTABLE, summary="number of databases"),
    _special("notify-keyspace-events", EventClasses(), 0, IN_FORCE, summary="classes of keyspace events to publish"),
    _int(
        "hash-max-listpack-entries",
        512,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="hash-max-ziplist-entries",
        summary="fields of a compact hash",
    ),
    _memory(
        "hash-max-listpack-value",
        64,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="hash-max-ziplist-value",
        summary="bytes of a field of a compact hash",
    ),
    _int(
        "list-max-listpack-size",
        -2,
        -INT_MAX - 1,
        INT_MAX,
        IN_FORCE,
        alias="list-max-ziplist-size",
        summary="size of a compact list",
    ),
    _int("list-compress-depth", 0),
    _int("set-max-intset-entries", 512, 0, LONG_MAX, IN_FORCE, summary="members of a set kept as integers"),
    _int("set-max-listpack-entries", 128, 0, LONG_MAX, IN_FORCE, summary="members of a compact set"),
    _int("set-max-listpack-value", 64, 0, LONG_MAX, IN_FORCE, summary="bytes of a member of a compact set"),
    _int(
        "zset-max-listpack-entries",
        128,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="zset-max-ziplist-entries",
        summary="members of a compact sorted set",
    ),
    _memory(
        "zset-max-listpack-value",
        64,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="zset-max-ziplist-value",
        summary="bytes of a member of a compact sorted set",
    ),
    _memory("hll-sparse-max-bytes", 3000, flags=IN_FORCE, summary="bytes of a HyperLogLog in its sparse form"),
    _memory(
        "stream-node-max-bytes", 4096, flags=IN_FORCE, summary="bytes of a stream's nodes, which are trimmed as a whole"
    ),
    _int("stream-node-max-entries", 100, 0, LONG_MAX, IN_FORCE, summary="entries of a stream's nodes; 0 for any"),
    _yes_no("activerehashing", True),
    _int("active-expire-effort", 1, 1, 10),
    _yes_no("lazyfree-lazy-eviction", False, IN_FORCE, summary="log UNLINK, not DEL, for a key that is evicted"),
    _yes_no("lazyfree-lazy-expire", False, IN_FORCE, summary="log UNLINK, not DEL, for a key that expires"),
    _yes_no("lazyfree-lazy-server-del", False, IN_FORCE, summary="log UNLINK, not DEL, for a set that SPOP empties"),
    _yes_no("lazyfree-lazy-user-del", False),
    _yes_no("lazyfree-lazy-user-flush", False),
    # Memory
    _memory("maxmemory", 0, 0, ULONG_MAX, IN_FORCE, summary="memory from which keys are evicted; 0 for any"),
    _choice(
        "maxmemory-policy",
        "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random noeviction",
        "noeviction",
        IN_FORCE,
        later="volatile-lrm allkeys-lrm",
        summary="which keys are evicted: those that expire or all, by their last use, their last change "
        "(`lrm`), how often they are used, luck or their time to live; or none: commands that need memory are refused",
    ),
    _int("maxmemory-samples", 5, 1, 64, IN_FORCE, summary="keys looked at for one that is evicted"),
    _int(
        "maxmemory-eviction-tenacity",
        10,
        0,
        100,
        IN_FORCE,
        summary="how long one call evicts: 10 for 0.5 ms, 100 until the end",
    ),
    _int("lfu-log-factor", 10, 0, INT_MAX, IN_FORCE, summary="how slowly the count of accesses grows"),
    _int("lfu-decay-time", 1, 0, INT_MAX, IN_FORCE, summary="minutes in which the count of accesses falls by one"),
    _yes_no("activedefrag", False),
    _memory("active-defrag-ignore-bytes", 100 * MEGABYTE, 1),
    _int("active-defrag-threshold-lower", 10, 0, 1000),
    _int("active-defrag-threshold-upper", 100, 0, 1000),
    _int("active-defrag-cycle-min", 1, 1, 99),
    _int("active-defrag-cycle-max", 25, 1, 99),
    _int("active-defrag-max-scan-fields", 1000, 1, LONG_MAX),
    # Observation
    _int(
        "slowlog-log-slower-than",
        10000,
        -1,
        LONG_MAX,
        IN_FORCE,
        alias="commandlog-execution-slower-than",
        summary="microseconds from which a command is slow; -1 for never",
    ),
    _int(
        "slowlog-max-len",
        128,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="commandlog-slow-execution-max-len",
        summary="slow commands remembered",
    ),
    _int(
        "commandlog-request-larger-than",
        1 << 20,
        -1,
        LONG_MAX,
        IN_FORCE | OWN,
        summary="bytes from which a request is large, as in Valkey; -1: never; below a megabyte all are measured",
    ),
    _int("commandlog-large-request-max-len", 128, 0, LONG_MAX, IN_FORCE | OWN, summary="large requests remembered"),
    _int(
        "commandlog-reply-larger-than",
        1 << 20,
        -1,
        LONG_MAX,
        IN_FORCE | OWN,
        summary="bytes from which a reply is large, as in Valkey; -1 for never",
    ),
    _int("commandlog-large-reply-max-len", 128, 0, LONG_MAX, IN_FORCE | OWN, summary="large replies remembered"),
    _int("latency-monitor-threshold", 0, 0, LONG_MAX, IN_FORCE, summary="milliseconds that make an event; 0 for none"),
    _yes_no("latency-tracking", True, IN_FORCE, summary="tell how long commands take"),
    _special(
        "latency-tracking-info-percentiles",
        Percentiles(),
        [50.0, 99.0, 99.9],
        IN_FORCE,
        summary="percentiles that INFO latencystats shows",
    ),
    # Scripts
    _int(
        "busy-reply-threshold",
        5000,
        0,
        LONG_MAX,
        IN_FORCE,
        alias="lua-time-limit",
        summary="milliseconds after which a script is slow, and others hear BUSY",
    ),
    _yes_no("lua-enable-deprecated-api", False, IMMUTABLE | HIDDEN),
    # Files
    _special(
        "save",
        SavePoints(),
        [(3600, 1), (300, 100), (60, 10000)],
        IN_FORCE,
        summary="seconds and changes after which a snapshot is taken",
    ),
    _special(
        "dbfilename", FileName(b"dbfilename", True), b"dump.rdb", IN_FORCE | PROTECTED, summary="name of the snapshot"
    ),
    _yes_no("rdbcompression", True, IN_FORCE, summary="compress strings of more than 20 bytes in it"),
    _yes_no("rdbchecksum", True, IN_FORCE | IMMUTABLE, summary="end it with a checksum, and look at that when loading"),
    _yes_no("rdb-del-sync-files", False),
    _yes_no("rdb-save-incremental-fsync", True, IN_FORCE, summary="sync it while it grows"),
    _yes_no("stop-writes-on-bgsave-error", True, IN_FORCE, summary="refuse writes after a snapshot has failed"),
    _choice("sanitize-dump-payload", "no yes clients", "no"),
    _int(
        "rdb-key-save-delay", 0, -INT_MAX - 1, INT_MAX, IN_FORCE | HIDDEN, summary="microseconds to wait after each key"
    ),
    _int(
        "key-load-delay", 0, -INT_MAX - 1, INT_MAX, IN_FORCE | HIDDEN, summary="the same, when the snapshot is loaded"
    ),
    _int("loading-process-events-interval-bytes", 512 * 1024, 1024, INT_MAX, HIDDEN),
    _yes_no("appendonly", False, IN_FORCE, summary="keep an append-only file"),
    _special(
        "appendfilename",
        FileName(b"appendfilename", False),
        b"appendonly.aof",
        IN_FORCE | IMMUTABLE,
        summary="what the names of its files begin with",
    ),
    _special(
        "appenddirname",
        FileName(b"appenddirname", False),
        b"appendonlydir",
        IN_FORCE | IMMUTABLE,
        summary="directory of its files",
    ),
    _choice("appendfsync", "everysec always no", "everysec", IN_FORCE, summary="when it is synced"),
    _yes_no("no-appendfsync-on-rewrite", False, IN_FORCE, summary="do not sync it while a child writes"),
    _int("auto-aof-rewrite-percentage", 100, 0, INT_MAX, IN_FORCE, summary="growth that has it rewritten; 0 for never"),
    _memory("auto-aof-rewrite-min-size", 64 * MEGABYTE, 0, LONG_MAX, IN_FORCE, summary="size from which that counts"),
    _yes_no("aof-load-truncated", True, IN_FORCE, summary="load a log that ends early, and cut it"),
    _yes_no("aof-use-rdb-preamble", True, IN_FORCE, summary="make its base an RDB file"),
    _yes_no("aof-timestamp-enabled", False, IN_FORCE, summary="note the time in it"),
    _yes_no("aof-rewrite-incremental-fsync", True, IN_FORCE, summary="sync a base while it grows"),
    _yes_no("aof-disable-auto-gc", False, IN_FORCE | HIDDEN, summary="keep the files that a rewrite has replaced"),
    # Replication
    _special("replicaof", Master(), b"", IMMUTABLE, alias="slaveof"),
    _text("masteruser", flags=SENSITIVE),
    _text("masterauth", flags=SENSITIVE),
    _yes_no("replica-serve-stale-data", True, alias="slave-serve-stale-data"),
    _yes_no("replica-read-only", True, alias="slave-read-only"),
    _yes_no("replica-ignore-maxmemory", True, alias="slave-ignore-maxmemory"),
    _yes_no("replica-lazy-flush", False, alias="slave-lazy-flush"),
    _yes_no("replica-announced", True),
    _yes_no("replica-ignore-disk-write-errors", False),
    _text("replica-announce-ip", alias="slave-announce-ip"),
    _int("replica-announce-port", 0, 0, 65535, alias="slave-announce-port"),
    _int("replica-priority", 100, alias="slave-priority"),
    _memory("replica-full-sync-buffer-limit", 0),
    _int(
        "min-replicas-to-write",
        0,
        flags=IN_FORCE,
        alias="min-slaves-to-write",
        summary="refuse writes with fewer replicas; there are none, so 1 or more refuses all",
    ),
    _int(
        "min-replicas-max-lag",
        10,
        flags=IN_FORCE,
        alias="min-slaves-max-lag",
        summary="seconds after which a silent replica counts no more; 0 takes `min-replicas-to-write` out of force",
    ),
    _yes_no("repl-diskless-sync", True),
    _int("repl-diskless-sync-delay", 5),
    _int("repl-diskless-sync-max-replicas", 0),
    _choice("repl-diskless-load", "disabled on-empty-db swapdb", "disabled"),
    _yes_no("repl-rdb-channel", True, HIDDEN),
    _yes_no("repl-disable-tcp-nodelay", False),
    _memory("repl-backlog-size", MEGABYTE, 1),
    _int("repl-backlog-ttl", 3600, 0, LONG_MAX),
    _int("repl-ping-replica-period", 10, 1, INT_MAX, alias="repl-ping-slave-period"),
    _int("repl-timeout", 60, 1),
    _choice("propagation-error-behavior", "ignore panic panic-on-replicas", "ignore"),
    # Cluster
    _yes_no("cluster-enabled", False, IMMUTABLE),
    _text("cluster-config-file", "nodes.conf", IMMUTABLE),
    _int("cluster-port", 0, 0, 65535, IMMUTABLE),
    _int("cluster-node-timeout", 15000, 0, LONG_MAX),
    _int("cluster-ping-interval", 0, 0, LONG_MAX, HIDDEN),
    _int("cluster-replica-validity-factor", 10, alias="cluster-slave-validity-factor"),
    _yes_no("cluster-replica-no-failover", False, alias="cluster-slave-no-failover"),
    _int("cluster-migration-barrier", 1),
    _yes_no("cluster-require-full-coverage", True),
    _yes_no("cluster-allow-reads-when-down", False),
    _yes_no("cluster-allow-pubsubshard-when-down", True),
    _yes_no("cluster-allow-replica-migration", True),
    _memory("cluster-link-sendbuf-limit", 0, 0, ULONG_MAX),
    _int("cluster-compatibility-sample-ratio", 0, 0, 100),
    _text("cluster-announce-ip"),
    _int("cluster-announce-port", 0, 0, 65535),
    _int("cluster-announce-tls-port", 0, 0, 65535),
    _int("cluster-announce-bus-port", 0, 0, 65535),
    _special("cluster-announce-hostname", HostName(), b""),
    _text("cluster-announce-human-nodename"),
    _choice("cluster-preferred-endpoint-type", "ip hostname unknown-endpoint", "ip"),
    # TLS
    _int("tls-port", 0, 0, 65535, IN_FORCE, summary="port for TLS, 0 for none"),
    _text("tls-cert-file", flags=IN_FORCE | REREAD, summary="file of the server's certificate"),
    _text("tls-key-file", flags=IN_FORCE | REREAD, summary="file of its private key"),
    _text("tls-key-file-pass", flags=IN_FORCE | SENSITIVE, summary="password of that file"),
    _text("tls-client-cert-file", flags=IN_FORCE | REREAD, summary="certificate shown to other servers: only checked"),
    _text("tls-client-key-file", flags=IN_FORCE | REREAD, summary="file of its private key"),
    _text("tls-client-key-file-pass", flags=IN_FORCE | SENSITIVE, summary="password of that file"),
    _text("tls-dh-params-file", flags=IN_FORCE | REREAD, summary="file of Diffie-Hellman parameters"),
    _text(
        "tls-ca-cert-file", flags=IN_FORCE | REREAD, summary="file of the authorities that sign clients' certificates"
    ),
    _text("tls-ca-cert-dir", flags=IN_FORCE | REREAD, summary="directory of such files"),
    _choice("tls-auth-clients", "no yes optional", "yes", IN_FORCE, summary="whether clients show a certificate"),
    _yes_no("tls-replication", False),
    _yes_no("tls-cluster", False),
    _text("tls-protocols", flags=IN_FORCE, summary="versions of TLS that clients may use"),
    _text("tls-ciphers", flags=IN_FORCE, summary="ciphers of TLS up to 1.2"),
    _text("tls-ciphersuites", flags=IN_FORCE, summary="cipher suites of TLS 1.3"),
    _yes_no("tls-prefer-server-ciphers", False, IN_FORCE, summary="the server chooses the cipher"),
    _yes_no("tls-session-caching", True, IN_FORCE, summary="clients may take up a session again"),
    _int("tls-session-cache-size", 20480),
    _int("tls-session-cache-timeout", 300),
    _int(
        "max-new-tls-connections-per-cycle",
        1,
        1,
        1000,
        IN_FORCE,
        summary="TLS connections accepted at a time",
    ),
)

DEPRECATED: Final = (
    b"list-max-ziplist-entries",
    b"list-max-ziplist-value",
    b"lua-replicate-commands",
    b"io-threads-do-reads",
)
"""Directives of old that a file may still hold, with one word each; they are read and forgotten."""
