"""Gate bits: conditions under which a command does not simply run. The fast path tests them all with one AND."""

from typing import Final

# Of a client.
AUTH: Final = 1 << 0  # has not authenticated
MULTI: Final = 1 << 1  # queues commands
SUBSCRIBED: Final = 1 << 2  # has subscriptions: in RESP2 only a few commands are allowed
REPLY: Final = 1 << 3  # CLIENT REPLY OFF or SKIP
CLOSING: Final = 1 << 4  # to be closed: runs nothing more
NO_TOUCH: Final = 1 << 5  # CLIENT NO-TOUCH
TRACKING: Final = 1 << 7  # CLIENT TRACKING: what it reads is remembered
BLOCKED: Final = 1 << 6  # waits in a blocking command; later commands wait in the parser

ACL: Final = 1 << 8  # its user may not do everything
MONITOR: Final = 1 << 9  # is told of every command: may not touch keys
REDIRECTED: Final = 1 << 10  # gets the invalidation messages of another: those of its own making after the reply

# Of the engine.
PAUSED: Final = 1 << 16  # CLIENT PAUSE
BUSY: Final = 1 << 17  # a script takes long: others may do little
LOGGED: Final = 1 << 18  # effects are recorded for a log
LOADING: Final = 1 << 20  # the data is being loaded
SNAPSHOT_FAILS: Final = 1 << 22  # the last snapshot in the background has failed: commands that write are refused
LOG_FAILS: Final = 1 << 21  # the append-only file cannot be written: commands that write are refused
MEMORY: Final = 1 << 19  # maxmemory or maxmemory-clients is set
MONITORED: Final = 1 << 24  # some client is told of every command
SIZED: Final = 1 << 25  # the request of the next command, or of every one, may be large: a client's, or the engine's
TABLE_FULL: Final = 1 << 23  # CLIENT TRACKING remembers more keys than tracking-table-max-keys
NO_REPLICAS: Final = 1 << 26  # min-replicas-to-write asks for some, and there are none: commands that write are refused
DISK_FAILS: Final = LOG_FAILS | SNAPSHOT_FAILS
WRITES_FAIL: Final = DISK_FAILS | NO_REPLICAS
CHECKED_AGAIN: Final = ACL | MEMORY | WRITES_FAIL | PAUSED  # before a command that has waited runs

ALL: Final = (1 << 32) - 1
