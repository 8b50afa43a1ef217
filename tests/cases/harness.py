"""Cases about the harness' own means: several connections, placeholders, loosened comparisons."""

from tests.harness import about, case, events, ignored, masked, shape, sized, unordered, wait

VARYING = r"(id|l?addr|fd|age|\S*-mem|rbs|rbp|obl|qbuf\S*|io-thread)=\S*"

CASES = [
    case("lpush then range", "LPUSH l a b", events("LRANGE l 0 -1"), "OBJECT ENCODING l"),
    case("binary words", [b"SET", b"k", b"\x00\xff\r\n"], "GET k", 'SET "a b" "\\x00\\n\\""', unordered("KEYS *")),
    case("members in any order", "SADD s a b c", unordered("SMEMBERS s"), unordered("SSCAN s 0")),
    case("random members", "SADD s a b", shape("SRANDMEMBER s"), sized("SRANDMEMBER s 5"), sized("SRANDMEMBER s -5")),
    case("random effects", "SADD s a b", shape("SPOP s"), data="sizes"),
    case("time left", "SET k v EX 100", about("TTL k", 1), "EXPIREAT k {now+1000}", about("PTTL k", 2000)),
    case("errors", "SET k v", "LPUSH k a", "GET", "NOSUCHCOMMAND a b", "SET k v XX NX"),
    case("blocking pop", "1& BLPOP l 0", "2> RPUSH l a b", "1<", "LRANGE l 0 -1", multi=False),
    case("blocking pop inside MULTI", "1& BLPOP l 0.01", "1<", "2> RPUSH l a b"),
    case("blocking pop that times out", "1& BLPOP l 0.05", "1<", multi=False),
    case("unblock by id", "1& BLPOP l 0", "2> CLIENT UNBLOCK {id:1} ERROR", "1<", multi=False),
    case("messages", "2> SUBSCRIBE a b", "1> PUBLISH a hi", "2<", "1> PUBLISH b x", sized("2> UNSUBSCRIBE"), "2> PING"),
    case("messages nobody reads", "2> SUBSCRIBE a", "1> PUBLISH a hello", "1> PUBLISH a hello"),
    case("subscribing inside MULTI", "MULTI", "SUBSCRIBE a b", "EXEC", resp=2),
    case("transaction", "WATCH k", "2> SET k 1", "MULTI", "GET k", "EXEC", "MULTI", "GET k", "EXEC"),
    case("configuration", "CONFIG SET hash-max-listpack-entries 1", "HSET h a 1 b 2", "OBJECT ENCODING h", config=True),
    case("configuration is back", "CONFIG GET hash-max-listpack-entries"),
    case("own identity", masked("CLIENT INFO", VARYING)),
    case("killed by address", "2> PING", "1> CLIENT KILL ADDR {addr:2}", "2> PING", multi=False),
    case("expiry passes", "SET k v PX 20", wait(40), "GET k", events=False),
    case(
        "several databases", "SELECT 3", "SET k v", "SELECT 9", "HSET h f v", "HEXPIRE h 9 FIELDS 1 f", ignored("TIME")
    ),
    case("end of a session", "2> QUIT", "2> PING", multi=False),
]
