"""CLIENT TRACKING and its siblings. Source: redis.io, "Client-side caching in Redis"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import LOADING, NOSCRIPT, STALE, Group
from respd.errors import SYNTAX, CommandError, shown
from respd.protocol.replies import OK, MapReply, SetReply
from respd.tracking import Tracked

if TYPE_CHECKING:
    from respd.context import Context

group = Group("connection")

_PLAIN: Final = NOSCRIPT | LOADING | STALE
_OFF_FIRST: Final = (
    b"ERR You can't switch %b before disabling tracking for this client, and then re-enabling it with a different mode."
)
_OVERLAP: Final = b"ERR Prefix '%b' overlaps with %b '%b'. Prefixes for a single client must not overlap."


@group.command(
    "CLIENT|CACHING", arity=3, flags=_PLAIN, since="6.0.0", syntax="mode=<YES | NO>", complexity="O(1)"
)  # fmt: skip
def caching(ctx: Context, args: list[bytes]) -> object:
    """Tell whether to track the keys of the next command.

    Reply: OK. Errors: no tracking with a mode to which the word belongs (YES: OPTIN, NO: OPTOUT); syntax error.
    """
    tracked = ctx.client.tracked
    if tracked is None:
        raise CommandError(
            b"ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
            b"enabled"
        )
    word = args[2].upper()
    if word == b"YES":
        if not tracked.opt_in:
            raise CommandError(b"ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    elif word == b"NO":
        if not tracked.opt_out:
            raise CommandError(b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    else:
        raise CommandError(SYNTAX)
    tracked.caching = True
    return OK


@group.command("CLIENT|GETREDIR", arity=2, flags=_PLAIN, since="6.0.0", complexity="O(1)")
def getredir(ctx: Context, args: list[bytes]) -> object:
    """Return the id of the client that gets this one's invalidation messages.

    Reply: 0 for none, -1 while tracking is off.
    """
    tracked = ctx.client.tracked
    return -1 if tracked is None else tracked.redirect


@group.command(
    "CLIENT|TRACKING", arity=-3, flags=_PLAIN, since="6.0.0",
    syntax="status=<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] "
    "[NOLOOP]",
    complexity="O(1), with prefixes O(N*M) for N given and M of the connection",
)  # fmt: skip
def tracking(ctx: Context, args: list[bytes]) -> object:
    """Have the connection told when keys that it has read, or that begin in certain ways, change.

    Reply: OK. Errors: syntax error; a client to redirect to that is not there; options that exclude each other, or the
    mode that is on; prefixes that overlap.
    """
    client = ctx.client
    engine = ctx.engine
    wish = _parse(ctx, args)
    word = args[2].upper()
    if word == b"ON":
        _check_modes(client.tracked, wish)
        engine.shared.tracking.enable(client, wish)
    elif word == b"OFF":
        engine.shared.tracking.disable(client)
    else:
        raise CommandError(SYNTAX)
    engine.shared.update_hooks()
    return OK


def _parse(ctx: Context, args: list[bytes]) -> Tracked:
    wish = Tracked()
    at = 3
    while at < len(args):
        word = args[at].upper()
        more = at + 1 < len(args)
        if word == b"REDIRECT" and more:
            at += 1
            if wish.redirect:
                raise CommandError(b"ERR A client can only redirect to a single other client")
            wish.redirect = int_arg(args[at])
            if wish.redirect not in ctx.engine.clients:
                raise CommandError(b"ERR The client ID you want redirect to does not exist")
        elif word == b"PREFIX" and more:
            at += 1
            wish.prefixes.append(args[at])
        elif word == b"BCAST":
            wish.broadcasts = True
        elif word == b"OPTIN":
            wish.opt_in = True
        elif word == b"OPTOUT":
            wish.opt_out = True
        elif word == b"NOLOOP":
            wish.no_loop = True
        else:
            raise CommandError(SYNTAX)
        at += 1
    return wish


def _check_modes(old: Tracked | None, wish: Tracked) -> None:
    if wish.prefixes and not wish.broadcasts:
        raise CommandError(b"ERR PREFIX option requires BCAST mode to be enabled")
    if old is not None and old.broadcasts != wish.broadcasts:
        raise CommandError(_OFF_FIRST % b"BCAST mode on/off")
    if wish.broadcasts and (wish.opt_in or wish.opt_out):
        raise CommandError(b"ERR OPTIN and OPTOUT are not compatible with BCAST")
    if wish.opt_in and wish.opt_out:
        raise CommandError(b"ERR You can't specify both OPTIN mode and OPTOUT mode")
    if old is not None and ((wish.opt_in and old.opt_out) or (wish.opt_out and old.opt_in)):
        raise CommandError(_OFF_FIRST % b"OPTIN/OPTOUT mode")
    if wish.broadcasts:
        _check_prefixes([] if old is None else old.prefixes, wish.prefixes)


def _check_prefixes(existing: list[bytes], given: list[bytes]) -> None:
    """Raise for the first of the given prefixes that overlaps with an existing one, or with one given after it.

    O(N log N) for all of them: in their order, those that begin with a prefix stand behind it.
    """
    overlapping: set[bytes] = set()
    ordered = sorted(existing + given)
    start = b""
    is_first = True
    for prefix in ordered:
        if not is_first and prefix.startswith(start):
            overlapping.add(start)
            overlapping.add(prefix)
        else:
            start = prefix
            is_first = False
    for position, prefix in enumerate(given if overlapping else []):
        if prefix not in overlapping:
            continue
        for other in sorted(existing):
            if _overlap(prefix, other):
                raise CommandError(_OVERLAP % (shown(prefix), b"an existing prefix", shown(other)))
        for other in given[position + 1 :]:
            if _overlap(prefix, other):
                raise CommandError(_OVERLAP % (shown(prefix), b"another provided prefix", shown(other)))


def _overlap(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


@group.command("CLIENT|TRACKINGINFO", arity=2, flags=_PLAIN, since="6.2.0", complexity="O(1)")
def trackinginfo(ctx: Context, args: list[bytes]) -> object:
    """Describe the connection's tracking: its modes, whom it redirects to (as CLIENT GETREDIR), its prefixes."""
    tracked = ctx.client.tracked
    if tracked is None:
        return MapReply([b"flags", SetReply([b"off"]), b"redirect", -1, b"prefixes", []])
    flags: list[object] = [b"on"]
    if tracked.broadcasts:
        flags.append(b"bcast")
    if tracked.opt_in:
        flags.append(b"optin")
        if tracked.caching:
            flags.append(b"caching-yes")
    if tracked.opt_out:
        flags.append(b"optout")
        if tracked.caching:
            flags.append(b"caching-no")
    if tracked.no_loop:
        flags.append(b"noloop")
    if tracked.is_redirect_broken:
        flags.append(b"broken_redirect")
    return MapReply([b"flags", SetReply(flags), b"redirect", tracked.redirect, b"prefixes", sorted(tracked.prefixes)])
