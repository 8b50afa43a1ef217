"""The CLUSTER commands and their kin, as a server answers them that is no node of a cluster: every one is refused.

Clients and tools ask them at their start (READONLY before a scan, CLUSTER INFO to see what they talk to) and go on when
they are told that there is no cluster; "unknown command" would end some of them. All are declared in full, for the
number of words and the user's permissions are looked at first.

Source: redis.io/commands/cluster-info and its siblings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from respd.command import ADMIN, FAST, LOADING, NO_ASYNC_LOADING, NOSCRIPT, STALE, Declaration, Group
from respd.errors import CommandError

if TYPE_CHECKING:
    from respd.context import Context

group = Group("cluster")

_CHANGE: Final = ADMIN | STALE | NO_ASYNC_LOADING
_VARIES: Final = ("nondeterministic_output",)
_EACH_SLOT: Final = "O(N) where N is the number of slots"
_EACH_NODE: Final = "O(N) where N is the number of nodes"
_RANGES: Final = "start-slot end-slot [start-slot end-slot ...]"


def refuse(ctx: Context, args: list[bytes]) -> NoReturn:
    """Refuse a command that only nodes of a cluster carry out.

    Errors: that this is none, always.
    """
    raise CommandError(b"ERR This instance has cluster support disabled")


def _sub(
    name: str,
    arity: int,
    flags: int,
    syntax: str,
    complexity: str,
    summary: str,
    since: str = "3.0.0",
    tips: tuple[str, ...] = (),
    history: tuple[tuple[str, str], ...] = (),
    deprecated: tuple[str, str] | None = None,
) -> Declaration:
    """Declare a sub-command of CLUSTER."""
    return Declaration(
        "cluster|" + name, "cluster", refuse, arity, flags, (), since, syntax, complexity, summary, (), tips, history,
        deprecated,
    )  # fmt: skip


group.container("CLUSTER", since="3.0.0", summary="A container for commands about the cluster.")
group.declarations += [
    _sub("addslots", -3, _CHANGE, "slot [slot ...]", _EACH_SLOT, "Make slots this node's."),
    _sub("addslotsrange", -4, _CHANGE, _RANGES, _EACH_SLOT, "Make ranges of slots this node's.", since="7.0.0"),
    _sub("bumpepoch", 2, _CHANGE, "", "O(1)", "Begin a new epoch of the configuration.", tips=_VARIES),
    _sub(
        "count-failure-reports", 3, ADMIN | STALE, "node-id", "O(N) where N is the number of reports",
        "Tell how many nodes say that a node has failed.", tips=_VARIES,
    ),
    _sub("countkeysinslot", 3, STALE, "slot", "O(1)", "Count the keys of a slot."),
    _sub("delslots", -3, _CHANGE, "slot [slot ...]", _EACH_SLOT, "Make slots nobody's."),
    _sub("delslotsrange", -4, _CHANGE, _RANGES, _EACH_SLOT, "Make ranges of slots nobody's.", since="7.0.0"),
    _sub("failover", -2, _CHANGE, "[options=<FORCE | TAKEOVER>]", "O(1)", "Put a replica into its master's place."),
    _sub("flushslots", 2, _CHANGE, "", "O(1)", "Make all slots of this node nobody's."),
    _sub("forget", 3, _CHANGE, "node-id", "O(1)", "Strike a node off the list."),
    _sub(
        "getkeysinslot", 4, STALE, "slot count", "O(N) where N is the number of keys asked for",
        "Return some keys of a slot.", tips=_VARIES,
    ),
    _sub("help", 2, LOADING | STALE, "", "O(1)", "Return the list of CLUSTER's sub-commands.", since="5.0.0"),
    _sub("info", 2, STALE, "", "O(1)", "Tell how the cluster is.", tips=_VARIES),
    _sub("keyslot", 3, STALE, "key", "O(N) where N is the length of the key", "Tell which slot a key belongs to."),
    _sub("links", 2, STALE, "", _EACH_NODE, "List the connections to other nodes.", since="7.0.0", tips=_VARIES),
    _sub(
        "meet", -4, _CHANGE, "ip port [cluster-bus-port]", "O(1)", "Make another node known to this one.",
        history=(("4.0.0", "The port of the bus can be given."),),
    ),
    _sub("myid", 2, STALE, "", "O(1)", "Tell this node's id."),
    _sub("myshardid", 2, STALE, "", "O(1)", "Tell the id of this node's shard.", since="7.2.0", tips=_VARIES),
    _sub("nodes", 2, STALE, "", _EACH_NODE, "Tell what this node knows of every node.", tips=_VARIES),
    _sub(
        "replicas", 3, ADMIN | STALE, "node-id", _EACH_NODE, "List the replicas of a master.", since="5.0.0",
        tips=_VARIES,
    ),
    _sub("replicate", 3, _CHANGE, "node-id", "O(1)", "Make this node a master's replica."),
    _sub(
        "reset", -2, ADMIN | STALE | NOSCRIPT, "[reset-type=<HARD | SOFT>]", _EACH_NODE,
        "Make this node forget the others.",
    ),
    _sub("saveconfig", 2, _CHANGE, "", "O(1)", "Write the configuration of the cluster to disk."),
    _sub("set-config-epoch", 3, _CHANGE, "config-epoch", "O(1)", "Set the epoch of a new node."),
    _sub(
        "setslot", -4, _CHANGE,
        "slot subcommand=<IMPORTING importing=node-id | MIGRATING migrating=node-id | NODE node=node-id | STABLE>",
        "O(1)", "Say whose a slot is, or that it moves.",
    ),
    _sub("shards", 2, LOADING | STALE, "", _EACH_NODE, "List the shards with their nodes.", "7.0.0", tips=_VARIES),
    _sub(
        "slaves", 3, ADMIN | STALE, "node-id", _EACH_NODE, "List the replicas of a master, under the old name.",
        tips=_VARIES, deprecated=("5.0.0", "`CLUSTER REPLICAS`"),
    ),
    _sub(
        "slots", 2, LOADING | STALE, "", _EACH_NODE, "List the slots with their nodes.", tips=_VARIES,
        history=(("4.0.0", "Nodes have ids."), ("7.0.0", "Nodes have further fields.")),
        deprecated=("7.0.0", "`CLUSTER SHARDS`"),
    ),
]  # fmt: skip


@group.command("ASKING", arity=1, flags=FAST, since="3.0.0", complexity="O(1)", categories=("connection",))
def asking(ctx: Context, args: list[bytes]) -> object:
    """Announce that the next command follows an -ASK.

    Errors: that this is no cluster, always.
    """
    return refuse(ctx, args)


@group.command(
    "READONLY", arity=1, flags=FAST | LOADING | STALE, since="3.0.0", complexity="O(1)", categories=("connection",)
)
def readonly(ctx: Context, args: list[bytes]) -> object:
    """Let this connection read from a replica of the cluster.

    Errors: that this is no cluster, always.
    """
    return refuse(ctx, args)


@group.command(
    "READWRITE", arity=1, flags=FAST | LOADING | STALE, since="3.0.0", complexity="O(1)", categories=("connection",)
)
def readwrite(ctx: Context, args: list[bytes]) -> object:
    """End what READONLY began.

    Errors: that this is no cluster, always.
    """
    return refuse(ctx, args)
