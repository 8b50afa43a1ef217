"""Cases for the commands of a cluster, on servers that are none."""

from tests.harness import case

CASES = [
    case("a scan of a replica", "SET k v", "READONLY", "SCAN 0", "READWRITE", "ASKING", "GET k"),
    case(
        "wrong numbers of words", "READONLY x", "READWRITE x", "ASKING x", "CLUSTER", "CLUSTER INFO x", "CLUSTER MEET"
    ),
    case("what clients ask", "CLUSTER INFO", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER NODES", "CLUSTER MYID"),
    case("what tools ask", "CLUSTER KEYSLOT k", "CLUSTER COUNTKEYSINSLOT 1", "CLUSTER HELP", "cluster info"),
    case("changes", "CLUSTER MEET 127.0.0.1 1", "CLUSTER RESET HARD", "CLUSTER ADDSLOTS 1 2", "CLUSTER FAILOVER X"),
    case("unknown", "CLUSTER NOSUCH", "CLUSTER NOSUCH x y", "CLUSTER HELP x"),
    case("in scripts", 'EVAL \'return redis.call("CLUSTER", "INFO")\' 0', "EVAL 'redis.pcall(\"ASKING\")' 0"),
]
