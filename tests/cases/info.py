"""Cases for INFO: its sections and the names of its fields. Figures are tested in tests/commands/test_info.py."""

from tests.harness import case, masked, shape, without

_FIGURES = r"(?m)(?<=:).*$"
_ERRORS = r"count=\d+"
_OURS = r"(?m)^respd_.*\r\n"

CASES = [
    case("sections by name", masked("INFO clients", _FIGURES), shape("INFO SERVER")),
    case("persistence", masked("INFO persistence", _FIGURES)),
    case("stats", without("INFO stats", _OURS, _FIGURES)),
    case("debug", masked("INFO debug", _FIGURES)),
    case("replication", masked("INFO replication", _FIGURES)),
    case("cpu", masked("INFO cpu", _FIGURES)),
    case("cluster", "INFO cluster"),
    case("memory", masked("INFO memory", _FIGURES)),
    case("several", masked("INFO cluster replication cluster", _FIGURES), masked("INFO Replication CPU", _FIGURES)),
    case("none", "INFO nosuch", "INFO ''", "INFO nosuch cluster"),
    case("keyspace of nothing", "INFO keyspace"),
    case(
        "keyspace",
        "SET a 1",
        "SET b 1 EX 1000",
        "SELECT 3",
        "HSET h f v g w",
        "HEXPIRE h 1000 FIELDS 1 f",
        masked("INFO keyspace", r"avg_ttl=\d+"),
        "DEL h",
        masked("INFO keyspace", r"avg_ttl=\d+"),
        script=False,
    ),
    case(
        "errors",
        "CONFIG RESETSTAT",
        "GET",
        "SET k v",
        "LPUSH k v",
        "NOSUCH",
        masked("INFO errorstats", _ERRORS),
        multi=False,
    ),
    case(
        "commands",
        "CONFIG RESETSTAT",
        "SET k v",
        "GET",
        "GET k",
        "LPUSH k v",
        shape("CLIENT ID"),
        "CLIENT NOSUCH",
        "OBJECT ENCODING k",
        shape("INFO commandstats"),
        multi=False,
    ),
    case("everything", shape("INFO all"), shape("INFO everything"), shape("INFO default"), shape("INFO")),
]
