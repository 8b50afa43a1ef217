"""Cases for users and permissions. Each leaves the users as it found them."""

from collections.abc import Iterator

from tests.harness import Case, StepLike, case, ignored, masked, shape, unordered

# What ACL LOG tells of times, connections and numbers of entries.
_TIMES = r"id=\d+ addr=.*|^0(\.\d+)?$|^,0(\.\d+)?$|^:\d+$"


def _with_users(name: str, *steps: StepLike, multi: bool = True, resp: tuple[int, ...] | int = (2, 3)) -> Case:
    """A case about the users a, b and c, whom it creates."""
    return case(name, *steps, "ACL DELUSER a b c", "ACL USERS", multi=multi, resp=resp)


def _rules() -> Iterator[Case]:
    for title, rules in {
        "nothing": "",
        "on and off": "on off ON",
        "passwords": "on >one >two >one <one #9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "hashes are removed": ">test !9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "nopass, then a password": "nopass >x",
        "a password, then nopass": ">x nopass",
        "resetpass": ">x resetpass",
        "sanitizing": "skip-sanitize-payload sanitize-payload skip-sanitize-payload",
        "keys": "~a* ~b %R~c %W~d %RW~e %WR~f %w~c",
        "all keys": "~a allkeys",
        "all keys with rights": "%RW~*",
        "read of all keys": "%R~*",
        "resetkeys": "~a resetkeys ~b",
        "channels": "&a &b* &a",
        "all channels": "&a &* resetchannels &c allchannels",
        "commands": "+get +set -get +@list -lpush +@all -@dangerous +keys",
        "sub-commands": "+config|get +client -client|kill +config|set -config +config|rewrite",
        "sub-commands hidden by their container": "+config|get +config",
        "first arguments": "+select|0 +select|1 +select +get|x -get",
        "categories": "+@read +@write -@read +@geo +@READ",
        "all, then less, then all": "+@all -@write +@all",
        "allcommands and nocommands": "allcommands nocommands allcommands -set",
        "names in any case": "+GET -Config|GET +@HASH ALLKEYS",
        "selectors": "+get ~a (+set ~b) (+@read %R~c &x)",
        "empty selectors": "() ( )",
        "selectors of several words": "(+get ~a) on (+set ~b +del)",
        "clearselectors": "(+get ~a) clearselectors (+set ~b)",
        "reset": "on >x ~* +@all &* (+get ~x) reset",
        "no rules": "'' ''",
        "firsts of what is allowed": "+@all -select +select|0",
    }.items():
        yield _with_users(f"rules: {title}", f"ACL SETUSER a {rules}", "ACL LIST", "ACL GETUSER a", "ACL USERS")


def _errors() -> Iterator[Case]:
    for title, rules in {
        "unknown command": "+nosuch",
        "unknown command taken away": "-nosuch",
        "unknown category": "+@nosuch",
        "unknown sub-command": "+config|nosuch",
        "first argument of a sub-command": "+config|get|x",
        "no first argument": "+select|",
        "no sub-command taken away": "-select|0",
        "keys after all keys": "allkeys ~x",
        "channels after all channels": "allchannels &x",
        "no such password": "<x",
        "no such hash": "!9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "bad hash": "#zz",
        "hash in capitals": "#9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
        "no rights": "%~x",
        "bad rights": "%X~x",
        "rights twice": "%RR~x",
        "rights without a pattern": "%R",
        "blank in a key pattern": "'~a b'",
        "blank in a channel": "'&a b'",
        "word": "foo",
        "user rule in a selector": "(on)",
        "selector in a selector": "(+get (~x))",
        "unknown command in a selector": "(+nosuch)",
        "open selector": "(+get ~x",
        "open selector among rules": "on (+get on",
        "single characters": "+",
        "minus": "-",
        "tilde": "~",
        "at": "+@",
        "and": "&",
        "more": ">",
        "hash sign": "#",
        "percent": "%",
    }.items():
        yield _with_users(f"error: {title}", f"ACL SETUSER a on ~keep {rules} +get", "ACL GETUSER a",
                          f"ACL SETUSER b {rules}", "ACL GETUSER b")  # fmt: skip
    yield _with_users("names", "ACL SETUSER 'a b' on", [b"ACL", b"SETUSER", b"a\0b"], "ACL SETUSER ''",
                      "ACL DELUSER ''", "ACL GETUSER ''")  # fmt: skip
    yield case("arity", "ACL", "ACL NOSUCH", "ACL SETUSER", "ACL GETUSER", "ACL GETUSER a b", "ACL DELUSER",
               "ACL LIST x",
               "ACL USERS x", "ACL WHOAMI x", "ACL CAT a b", "ACL GENPASS 1 2", "ACL LOG 1 2", "ACL DRYRUN",
               "ACL DRYRUN a",
               "ACL LOAD x", "ACL SAVE x")  # fmt: skip
    yield case("no file", "ACL LOAD", "ACL SAVE")
    yield case("default stays", "ACL DELUSER default", "ACL DELUSER nosuch default", "ACL DELUSER nosuch other")
    yield case("GENPASS", shape("ACL GENPASS"), shape("ACL GENPASS 5"), "ACL GENPASS 0", "ACL GENPASS 4097",
               "ACL GENPASS -1", "ACL GENPASS x", shape("ACL GENPASS 4096"))  # fmt: skip
    yield case("CAT", "ACL CAT", "ACL CAT nosuch", unordered("ACL CAT geo"), unordered("ACL CAT HyperLogLog"))
    yield case("WHOAMI", "ACL WHOAMI")


def _checks() -> Iterator[Case]:
    yield _with_users(
        "commands", "ACL SETUSER a on nopass ~* +@all -get -@list +config|get -config|set", "AUTH a x", "ACL WHOAMI",
        "GET k", "SET k v", "LPUSH l a", "CONFIG GET maxmemory-policy", "CONFIG SET maxmemory 0", "MGET k",
        "NOSUCH", "GET",
        "RESET",
    )  # fmt: skip
    yield _with_users(
        "keys", "ACL SETUSER a on nopass +@all ~a* %R~r* %W~w*", "AUTH a x", "SET a1 1", "GET a1", "GET r", "SET r 1",
        "SET w 1", "GET w", "SET w 2 GET", "GETSET w 1", "SET x 1", "MGET a1 a2", "MGET a1 x", "COPY r a3",
        "COPY a1 r",
        "COPY w a3", "RENAME a1 a2", "RENAME a2 x", "SINTERSTORE w a r", "SINTERSTORE r a r", "SORT r STORE w",
        "SORT r STORE a", "ZUNIONSTORE w 2 a r", "ZUNIONSTORE w 2 a x", "BITFIELD r GET u8 0",
        "BITFIELD r SET u8 0 1",
        "BITFIELD w GET u8 0", "DEL w", "EXISTS w", "EXISTS r", "LMOVE r a LEFT LEFT", "RPOPLPUSH a w",
        "OBJECT ENCODING w", "OBJECT ENCODING r", "TYPE w", "SCAN 0", "KEYS *", "RANDOMKEY", "DBSIZE",
        "LMPOP 2 a x LEFT",
        "LMPOP x a LEFT", "WATCH x", "PUBLISH x y", "RESET",
    )  # fmt: skip
    yield _with_users(
        "SORT with BY and GET", "RPUSH l 1 2", "SET x1 a", "ACL SETUSER a on nopass +@all ~l", "AUTH a x",
        "SORT l BY x*", "SORT l GET x*", "SORT l BY nosort", "SORT l GET #", "SORT_RO l GET x*", "SORT_RO l BY x*",
        "ACL SETUSER a %R~*", "SORT l GET x*", "SORT l BY x*", "RESET",
    )  # fmt: skip
    yield _with_users(
        "channels", "ACL SETUSER a on nopass +@all ~* resetchannels &a* &lit?", "2> AUTH a x", "2> PUBLISH a1 x",
        "2> PUBLISH b x", "2> SPUBLISH a x", "2> SPUBLISH b x", "2> SUBSCRIBE a1", "2> SUBSCRIBE a2 b",
        "2> PSUBSCRIBE a*",
        "2> PSUBSCRIBE a1*", "2> PSUBSCRIBE lit?", "2> SSUBSCRIBE b", "2> UNSUBSCRIBE b", "2> PUNSUBSCRIBE x",
        "2> RESET",
    )  # fmt: skip
    yield _with_users(
        "selectors", "ACL SETUSER a on nopass +get ~a (+set ~b) (+mget %R~c*)", "AUTH a x", "GET a", "GET b",
        "SET b 1",
        "SET a 1", "MGET c1 c2", "MGET c1 a", "DEL a", "SELECT 1", "PING", "AUTH default x",
    )  # fmt: skip
    yield _with_users(
        "which of several denials is told", "ACL SETUSER a on nopass +mget +publish ~a &a (+mget +subscribe ~b &b)",
        "2> AUTH a x", "2> MGET a b c", "2> MGET b a c", "2> MGET x y", "2> GET x", "2> PUBLISH b x",
        "2> SUBSCRIBE a b", "2> SUBSCRIBE b a b", "2> RESET",
    )  # fmt: skip
    yield _with_users(
        "first arguments", "ACL SETUSER a on nopass +select|0 ~* +get|K", "AUTH a x", "SELECT 0", "SELECT 1", "GET k",
        "GET K", "GET j", "AUTH default x",
    )  # fmt: skip
    yield _with_users(
        "what needs no permission", "ACL SETUSER a on nopass", "AUTH a x", "PING", shape("HELLO 3"), "AUTH a y",
        "RESET",
        "ACL WHOAMI",
    )  # fmt: skip
    yield _with_users(
        "transactions", "ACL SETUSER a on nopass +@all -get ~k*", "2> AUTH a x", "2> MULTI", "2> SET k1 1",
        "2> GET k1",
        "2> SET k2 1", "2> EXEC", "2> MULTI", "2> SET k1 1", "2> SET x 1", "2> EXEC", "2> MULTI", "2> SET k1 1",
        "2> INCR k1", "2> MGET k1", "2> PUBLISH c x", "ACL SETUSER a -incr", "2> EXEC", "2> MULTI", "2> SET k1 5",
        "2> PUBLISH c x", "2> MGET k1", "ACL SETUSER a resetkeys resetchannels", "2> EXEC", "2> MULTI",
        "ACL SETUSER a -exec", "2> EXEC", "ACL SETUSER a -multi", "2> MULTI", "2> DISCARD", "2> RESET",
    )  # fmt: skip
    yield _with_users(
        "scripts", "ACL SETUSER a on nopass +@all -incr ~k*", "AUTH a x", "EVAL 'return redis.call(\"get\", \"k1\")' 0",
        "EVAL 'return redis.call(\"get\", \"x\")' 0", "EVAL 'return redis.pcall(\"incr\", \"k\")' 0",
        "EVAL 'return redis.call(\"incr\", \"k\")' 0",
        "EVAL 'return 1' 1 x", "EVAL 'return {redis.acl_check_cmd(\"get\", \"k\"), "
        "redis.acl_check_cmd(\"get\", \"x\"), redis.acl_check_cmd(\"incr\", \"k\")}' 0",
        "ACL SETUSER a -@scripting", "EVAL 'return 1' 0", "RESET",
    )  # fmt: skip


def _sessions() -> Iterator[Case]:
    yield _with_users(
        "login", "ACL SETUSER a on >one >two", "AUTH a one", "ACL WHOAMI", "AUTH a two", "AUTH a three", "ACL WHOAMI",
        "AUTH nosuch one", "AUTH a", "HELLO 2 AUTH a three", shape("HELLO 2 AUTH a one"), "AUTH default x",
        "ACL SETUSER a off",
        "AUTH a one", "ACL SETUSER a on nopass", "AUTH a any", "AUTH default x",
    )  # fmt: skip
    yield _with_users(
        "a changed user", "ACL SETUSER a on nopass +get ~*", "2> AUTH a x", "2> GET k", "2> SET k v",
        "ACL SETUSER a +set",
        "2> SET k v", "ACL SETUSER a +@all allchannels", "2> DEL k", "ACL SETUSER a -@all", "2> GET k",
        "ACL SETUSER a off", "2> PING", "2> RESET",
    )  # fmt: skip
    yield _with_users(
        "a removed user", "ACL SETUSER a on nopass +@all ~*", "2> AUTH a x", "2> GET k", "3> PING", "ACL DELUSER a",
        "2> GET k", "3> GET k",
    )  # fmt: skip
    yield _with_users(
        "a user removes itself", "ACL SETUSER a on nopass +@all ~*", "2> AUTH a x", "2> ACL DELUSER a", "2> GET k",
        "ACL USERS",
    )  # fmt: skip
    yield _with_users(
        "subscribers lose their channels", "ACL SETUSER a on nopass +@all &x &y*", "2> AUTH a x", "2> SUBSCRIBE x",
        "3> AUTH a x", "3> PSUBSCRIBE y*", "ACL SETUSER a &z", "PUBLISH x 1", "2<", "ACL SETUSER a resetchannels &y*",
        "2<", "PUBLISH yy 1", "3<", "ACL SETUSER a resetchannels &y", "3<",
    )  # fmt: skip
    yield case(
        "the default user", "ACL SETUSER default -get", "GET k", "2> GET k", "ACL SETUSER default +get", "ACL LIST",
        "ACL SETUSER default resetpass", "2> PING", "3> PING", "ACL SETUSER default reset on nopass ~* &* +@all",
        "3> PING", "ACL LIST", multi=False,
    )  # fmt: skip
    yield case(
        "requirepass", "CONFIG SET requirepass one", "ACL LIST", "2> GET k", "2> AUTH one", "2> AUTH default one",
        "ACL SETUSER default >two", "CONFIG GET requirepass", "2> AUTH two", "ACL SETUSER default nopass",
        "2> AUTH two", "CONFIG SET requirepass three", "ACL LIST", "CONFIG SET requirepass ''", "ACL LIST",
        config=True, multi=False,
    )  # fmt: skip
    yield case(
        "acl-pubsub-default", "CONFIG SET acl-pubsub-default allchannels", "ACL SETUSER a", "ACL LIST",
        "ACL SETUSER a resetchannels (+get)", "ACL LIST", "ACL SETUSER a reset", "ACL LIST", "ACL DELUSER a",
        config=True,
    )  # fmt: skip


def _waiting() -> Iterator[Case]:
    """What a blocked client may do is asked again when its key is ready."""
    log = masked("ACL LOG", _TIMES)
    start = "ACL SETUSER a on nopass +@all ~*"
    for name, waits, loss, then, left in (
        ("no longer its key", "BLPOP m l 0", "resetkeys ~m", ["RPUSH l v"], "LRANGE l 0 -1"),
        ("no longer another key", "BLPOP m l 0", "resetkeys ~l", ["RPUSH l v"], "LRANGE l 0 -1"),
        ("no longer where it moves to", "BLMOVE m l LEFT LEFT 0", "resetkeys ~m", ["RPUSH m v"], "LRANGE m 0 -1"),
        ("no longer reads", "BZPOPMIN z 0", "resetkeys %W~z", ["ZADD z 1 v"], "ZCARD z"),
        ("no longer the command", "BLPOP l 0", "-blpop", ["RPUSH l v"], "LRANGE l 0 -1"),
        ("in a transaction", "BLMPOP 0 1 l LEFT", "resetkeys ~m", ["MULTI", "RPUSH l v", "EXEC"], "LRANGE l 0 -1"),
        ("off", "BLPOP l 0", "off", ["RPUSH l v"], "LRANGE l 0 -1"),
        ("a stream", "XREAD BLOCK 0 STREAMS s $", "resetkeys ~m", ["XADD s 1-1 a b"], "XLEN s"),
        ("a time that is over", "BLPOP l 0.05", "resetkeys ~m", [], "LLEN l"),
        ("unblocked", "BLPOP l 0", "resetkeys ~m", ["CLIENT UNBLOCK {id:2}"], "LLEN l"),
    ):
        yield _with_users(
            f"waiting: {name}", "ACL LOG RESET", start, "2> AUTH a x", f"2& {waits}", f"3& {waits}",
            f"ACL SETUSER a {loss}", *then, "2<", left, "RPUSH l w", "ZADD z 1 w", "XADD s 2-1 a b", "3<", log,
            "2> RESET", "ACL LOG RESET", multi=False, resp=2,
        )  # fmt: skip
    yield _with_users(
        "waiting: a group", "XGROUP CREATE s g $ MKSTREAM", start, "2> AUTH a x",
        "2& XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "ACL SETUSER a resetkeys ~x", "XADD s 1-1 a b", "2<",
        "XPENDING s g", "2> RESET", multi=False, resp=2,
    )  # fmt: skip
    yield _with_users(
        "waiting: the user goes", start, "2> AUTH a x", "2& BLPOP l 0", "ACL DELUSER a", "RPUSH l v", "2<",
        "LRANGE l 0 -1", multi=False, resp=2,
    )  # fmt: skip
    yield _with_users(
        "watching what is no longer allowed", "SET k v", start, "2> AUTH a x", "2> WATCH k",
        "ACL SETUSER a resetkeys ~x", "2> MULTI", "2> SET x 1", "SET k w", "2> EXEC", "2> WATCH k", "2> RESET",
        multi=False, resp=2,
    )  # fmt: skip
    yield _with_users(
        "caching what is no longer allowed", "SET k v", start, "2> AUTH a x", ignored("2> HELLO 3"),
        "2> CLIENT TRACKING ON", "2> GET k", "ACL SETUSER a resetkeys ~x", "SET k w", "2<", "2> GET k", "SET k u",
        "2> PING", "2> CLIENT TRACKING OFF", "2> CLIENT TRACKING ON BCAST PREFIX k", "SET k t", "2<", "2> RESET",
        multi=False, resp=2,
    )  # fmt: skip


def _dry_runs() -> Iterator[Case]:
    yield _with_users(
        "DRYRUN", "ACL SETUSER a +@all -@admin ~a* %R~r &c", "ACL DRYRUN a GET a1", "ACL DRYRUN a GET x",
        "ACL DRYRUN a GET",
        "ACL DRYRUN a NOSUCH x", "ACL DRYRUN b GET a", "ACL DRYRUN a CONFIG GET x", "ACL DRYRUN a CONFIG NOSUCH",
        "ACL DRYRUN a SET r 1", "ACL DRYRUN a GET r", "ACL DRYRUN a PUBLISH c x", "ACL DRYRUN a PUBLISH d x",
        "ACL DRYRUN a PSUBSCRIBE c", "ACL DRYRUN a PSUBSCRIBE c*", "ACL DRYRUN a MSET a 1 x 1",
        "ACL DRYRUN a MSET a 1 a2",
        "ACL DRYRUN a ZUNIONSTORE a 2 r a", "ACL DRYRUN a ZUNIONSTORE a 3 r a", "ACL DRYRUN a EVAL x 1 x",
        "ACL DRYRUN a AUTH x", "ACL DRYRUN a COMMAND", "ACL DRYRUN a CLIENT", "ACL DRYRUN default GET x",
    )  # fmt: skip


def _logs() -> Iterator[Case]:
    log = masked("ACL LOG", _TIMES)
    yield _with_users(
        "the log", "ACL LOG RESET", "ACL SETUSER a on >x +@all -get ~k* &c", "2> AUTH a bad", "2> auth a bad",
        "2> AUTH b x",
        "2> AUTH a x", "2> GET k", "2> SET x 1", "2> SET k 1", "2> PUBLISH d x", "2> MGET k x", "2> GET k",
        "2> MULTI", "2> GET k", "2> DISCARD", "2> CONFIG SET maxmemory 0", log, masked("ACL LOG 2", _TIMES),
        "ACL LOG 0", masked("ACL LOG -1", _TIMES), "ACL LOG x", "ACL LOG RESET", "ACL LOG", multi=False,
    )  # fmt: skip
    yield case(
        "acllog-max-len", "ACL LOG RESET", "CONFIG SET acllog-max-len 2", "2> AUTH a x", "2> AUTH b x", "2> AUTH c x",
        masked("ACL LOG", _TIMES), "CONFIG SET acllog-max-len 1", masked("ACL LOG", _TIMES), "2> AUTH d x",
        masked("ACL LOG", _TIMES), "CONFIG SET acllog-max-len 0", masked("ACL LOG", _TIMES), "2> AUTH d x", "ACL LOG",
        "CONFIG SET acllog-max-len 2", "2> AUTH e x", masked("ACL LOG", _TIMES), "ACL LOG RESET", config=True,
        multi=False,
    )  # fmt: skip


CASES = [*_rules(), *_errors(), *_checks(), *_sessions(), *_waiting(), *_dry_runs(), *_logs()]
