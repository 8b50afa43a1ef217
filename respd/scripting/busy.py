"""A script that runs for longer than `busy-reply-threshold`: others are served meanwhile, mostly with BUSY.

Every so many instructions Lua asks whether to go on (`look_up`). When a script is late the engine's gate BUSY is set,
and from then on the network serves sockets at each of these moments: whoever may (ALLOW_BUSY) runs commands, such as
SCRIPT KILL, others hear BUSY. The client whose script it is waits: neither its socket nor its next commands are
looked at. What the script has changed so far is put aside meanwhile, so that nothing of it is logged or served early.

A script that has called a command that writes cannot be killed, but SHUTDOWN NOSAVE ends the server, and nothing of
the script is in the log then. Source: redis.io, SCRIPT KILL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd import gates
from respd.errors import CommandError
from respd.protocol.replies import MapReply

if TYPE_CHECKING:
    from respd.engine import Engine
    from respd.scripting.running import Run

_SCRIPT: Final = b"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
_FUNCTION: Final = b"BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
_NOT_BUSY: Final = b"NOTBUSY No scripts in execution right now."
_UNKILLABLE: Final = (
    b"UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
    b"termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)
_KILLED: Final = b"ERR Script killed by user with SCRIPT KILL..."  # of functions, too
_ENDED: Final = b"ERR Error running script: the server ended it"


def look_up(run: Run) -> bytes | None:
    """Serve others if the script is late; return the error to end it with, or None for it to go on."""
    ctx = run.ctx
    if ctx is None:
        return None
    engine = ctx.engine
    if not run.is_late:
        elapsed_ms = int((engine.clock.refresh() - run.started_s) * 1000)
        threshold_ms = engine.config.busy_reply_threshold
        if threshold_ms == 0 or elapsed_ms < threshold_ms:
            return None
        run.is_late = True
        engine.busy = run
        engine.gates |= gates.BUSY
        engine.log.warning(
            f"Slow script detected: still in execution after {elapsed_ms} milliseconds. You can try killing the "
            f"script using the {'SCRIPT' if run.is_eval else 'FUNCTION'} KILL command. "
            f"Script name is: {run.name.decode(errors='backslashreplace')}."
        )
    _serve_others(engine)
    if engine.shutdown_requested:
        run.is_dropped = True
        return _ENDED
    if run.is_killed:
        engine.log.notice("Lua script killed by user with SCRIPT KILL.")
        return _KILLED
    return None


def _serve_others(engine: Engine) -> None:
    """Serve the sockets once, with the script's doings so far put aside."""
    effects = engine.effects
    unit, databases, is_muted = effects.unit, effects.databases, effects.is_muted
    tracking = engine.tracking
    current, tracking_current, pending = engine.current, tracking.current, tracking.pending
    tracking.current = None
    tracking.pending = []
    tracking.is_nobodys = False
    effects.unit, effects.databases, effects.is_muted = [], [], False
    try:
        engine.serve_others()
    finally:
        effects.unit, effects.databases, effects.is_muted = unit, databases, is_muted
        engine.current = current
        tracking.current, tracking.pending, tracking.is_nobodys = tracking_current, pending, True


def end(run: Run) -> None:
    """Serve everybody again, after a run that was late."""
    ctx = run.ctx
    if ctx is None:
        return
    engine = ctx.engine
    run.is_late = False
    engine.busy = None
    engine.gates &= ~gates.BUSY
    if run.is_dropped:
        engine.effects.unit, engine.effects.databases = [], []
        ctx.client.kill()  # it is not told: the server has ended


def refusal(engine: Engine) -> CommandError:
    """Return the error for a command that may not run now."""
    run = engine.busy
    return CommandError(_SCRIPT if run is None or run.is_eval else _FUNCTION)


def running(engine: Engine) -> MapReply | None:
    """FUNCTION STATS: the function that runs, the command that called it, and for how long. Raises CommandError."""
    run = engine.busy
    if run is None:
        return None
    if run.is_eval:
        raise refusal(engine)
    elapsed_ms = int((engine.clock.refresh() - run.started_s) * 1000)
    return MapReply([b"name", run.name, b"command", list(run.words), b"duration_ms", elapsed_ms])


def kill(engine: Engine, is_eval: bool) -> None:
    """SCRIPT KILL, or FUNCTION KILL: have the script end at its next moment. Raises CommandError."""
    run = engine.busy
    if run is None:
        raise CommandError(_NOT_BUSY)
    if run.wrote:
        raise CommandError(_UNKILLABLE)
    if run.is_eval != is_eval:
        raise refusal(engine)
    run.is_killed = True
