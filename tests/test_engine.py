"""The engine without sockets: gates, transactions, recording of effects, blocking, pausing, failures of handlers."""

from collections.abc import Callable

import pytest

from respd import gates
from respd.blocking import BLOCK_LIST, Block
from respd.clock import ManualClock
from respd.command import FAST, READONLY, WRITE, Group
from respd.commands import all_groups
from respd.config import Config
from respd.context import Context
from respd.engine import Engine
from respd.log import Log
from tests.local import logged_by
from tests.wire import split

Commands = list[list[bytes]]

extra = Group("generic")


@extra.command("FAIL", arity=1, since="1.0.0", flags=FAST | READONLY)
def fail(ctx: Context, args: list[bytes]) -> object:
    """Fail as a defect would."""
    raise ZeroDivisionError("a defect")


@extra.command("AWAIT", arity=2, since="1.0.0", flags=WRITE)
def await_(ctx: Context, args: list[bytes]) -> object:
    """Wait one second for a list."""
    if ctx.db.peek(args[1]) is None:
        return Block([args[1]], ctx.clock.ms + 1000, b"too late", BLOCK_LIST)
    return b"there is a list"


class Talker:
    """A client of an engine: sends words, reads what was written to it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ctx = engine.connect()

    def __call__(self, line: str) -> bytes:
        self.engine.execute(self.ctx, split(line))
        return self.heard()

    def heard(self) -> bytes:
        """What was written since the last look."""
        text = self.ctx.client.out.getvalue()
        self.ctx.client.out.truncate(0)
        return text


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    path = tmp_path_factory.mktemp("log") / "respd.log"
    config = Config()
    config.put(b"save", [])
    return Engine(config, [*all_groups(), extra], clock, Log(str(path)), seed=1)


@pytest.fixture
def talk(engine: Engine) -> Talker:
    return Talker(engine)


@pytest.fixture
def recorded(engine: Engine) -> Callable[[], Commands]:
    engine.record_effects(True)
    return lambda: logged_by(engine)


def test_a_defect_in_a_handler_is_an_error_reply_and_the_server_goes_on(talk: Talker) -> None:
    assert talk("FAIL").startswith(b"-ERR internal error in 'fail'")
    assert talk("PING") == b"+PONG\r\n"


@pytest.mark.parametrize(
    "line, error",
    [
        ("NOPE a b", b"-ERR unknown command 'NOPE', with args beginning with: 'a' 'b' \r\n"),
        ("GET", b"-ERR wrong number of arguments for 'get' command\r\n"),
        ("get a b", b"-ERR wrong number of arguments for 'get' command\r\n"),
        ("CLIENT", b"-ERR wrong number of arguments for 'client' command\r\n"),
        ("CLIENT NOPE", b"-ERR unknown subcommand 'NOPE'. Try CLIENT HELP.\r\n"),
        ("CLIENT ID x", b"-ERR wrong number of arguments for 'client|id' command\r\n"),
    ],
)
def test_what_cannot_be_run_is_refused(talk: Talker, line: str, error: bytes) -> None:
    assert talk(line) == error


def test_a_refused_command_spoils_the_transaction(talk: Talker) -> None:
    talk("MULTI")
    talk("NOPE")
    assert talk("SET k v") == b"+QUEUED\r\n"
    assert talk("EXEC").startswith(b"-EXECABORT")
    assert talk("EXISTS k") == b":0\r\n"


def test_a_failing_command_does_not_spoil_the_transaction(talk: Talker) -> None:
    talk("MULTI")
    talk("SET k v")
    talk("LPUSH k x")
    talk("SET l w")
    assert talk("EXEC").startswith(b"*3\r\n+OK\r\n-WRONGTYPE")
    assert talk("GET l") == b"$1\r\nw\r\n"


def test_time_stands_still_in_a_transaction(talk: Talker, engine: Engine, clock: ManualClock) -> None:
    talk("MULTI")
    talk("PING")
    assert not clock.frozen
    talk("EXEC")
    assert not clock.frozen


def test_watch_fails_exec_after_a_change_by_another(talk: Talker, engine: Engine) -> None:
    other = Talker(engine)
    talk("WATCH k")
    other("SET k v")
    talk("MULTI")
    talk("SET k w")
    assert talk("EXEC") == b"*-1\r\n"
    assert talk("GET k") == b"$1\r\nv\r\n"
    assert not engine.shared.watched_keys


def test_watch_does_not_mind_a_key_that_had_expired_before(talk: Talker, clock: ManualClock) -> None:
    talk("SET k v PX 10")
    clock.advance(20)
    talk("WATCH k")
    talk("MULTI")
    talk("PING")
    assert talk("EXEC") == b"*1\r\n+PONG\r\n"


def test_watch_minds_a_key_that_expires_after(talk: Talker, clock: ManualClock) -> None:
    talk("SET k v PX 10")
    talk("WATCH k")
    clock.advance(20)
    talk("MULTI")
    talk("PING")
    assert talk("EXEC") == b"*-1\r\n"


def test_a_unit_of_several_commands_is_recorded_as_a_transaction(
    talk: Talker, recorded: Callable[[], Commands]
) -> None:
    talk("SET a 1")
    talk("GET a")
    talk("MULTI")
    talk("SET b 1")
    talk("GET b")
    talk("DEL a b")
    talk("EXEC")
    assert recorded() == [
        [b"SELECT", b"0"],
        [b"SET", b"a", b"1"],
        [b"MULTI"],
        [b"SET", b"b", b"1"],
        [b"DEL", b"a", b"b"],
        [b"EXEC"],
    ]


def test_each_effect_of_a_unit_is_recorded_for_its_database(talk: Talker, recorded: Callable[[], Commands]) -> None:
    talk("SET a 1")
    talk("MULTI")
    talk("SELECT 3")
    talk("SET b 1")
    talk("SELECT 4")
    talk("SET c 1")
    talk("EXEC")
    talk("EVAL \"redis.call('SET','d',1) redis.call('SELECT',7) redis.call('SET','e',1)\" 0")
    talk("SET f 1")
    assert recorded() == [
        [b"SELECT", b"0"],
        [b"SET", b"a", b"1"],
        [b"MULTI"],
        [b"SELECT", b"3"],
        [b"SET", b"b", b"1"],
        [b"SELECT", b"4"],
        [b"SET", b"c", b"1"],
        [b"EXEC"],
        [b"MULTI"],
        [b"SET", b"d", b"1"],
        [b"SELECT", b"7"],
        [b"SET", b"e", b"1"],
        [b"EXEC"],
        [b"SELECT", b"4"],
        [b"SET", b"f", b"1"],
    ]


def test_a_script_may_have_its_commands_not_recorded(talk: Talker, recorded: Callable[[], Commands]) -> None:
    talk("SADD s a")
    talk(
        "EVAL \"redis.call('SET','d',1) redis.set_repl(redis.REPL_NONE) redis.call('SET','e',1) redis.call('SPOP','s') "
        "redis.set_repl(redis.REPL_ALL) redis.call('SET','f',1)\" 0"
    )
    assert [words[1] for words in recorded() if words[0] == b"SET"] == [b"d", b"f"]


def test_expiry_is_recorded_as_a_delete_before_the_command_that_met_it(
    talk: Talker, clock: ManualClock, recorded: Callable[[], Commands]
) -> None:
    talk("SET a 1")
    talk("PEXPIREAT a " + str(int(clock.ms) + 10))
    clock.advance(20)
    talk("APPEND a x")
    assert recorded()[3:] == [[b"MULTI"], [b"DEL", b"a"], [b"APPEND", b"a", b"x"], [b"EXEC"]]


def test_a_blocked_client_is_served_in_order_of_arrival(talk: Talker, engine: Engine) -> None:
    first, second = Talker(engine), Talker(engine)
    assert first("BLPOP l 0") == b""
    assert second("BLPOP l 0") == b""
    talk("RPUSH l a")
    assert first.heard() == b"*2\r\n$1\r\nl\r\n$1\r\na\r\n"
    assert second.heard() == b""
    assert engine.resumed == [first.ctx.client]


def test_a_blocked_client_gives_up_at_its_deadline(talk: Talker, engine: Engine, clock: ManualClock) -> None:
    assert talk("AWAIT l") == b""
    clock.advance(999)
    engine.before_sleep()
    assert talk.heard() == b""
    assert engine.next_event_ms() <= clock.ms + 1
    clock.advance(1)
    engine.before_sleep()
    assert talk.heard() == b"$8\r\ntoo late\r\n"
    assert not talk.ctx.client.gates & gates.BLOCKED


def test_nothing_blocks_in_a_transaction(talk: Talker) -> None:
    talk("MULTI")
    talk("AWAIT l")
    assert talk("EXEC") == b"*1\r\n$8\r\ntoo late\r\n"


def test_a_client_that_leaves_waits_no_more(talk: Talker, engine: Engine) -> None:
    other = Talker(engine)
    other("BLPOP l 0")
    other("WATCH k")
    engine.disconnect(other.ctx)
    talk("RPUSH l a")
    assert talk("LLEN l") == b":1\r\n"
    assert not engine.shared.hooks


def test_a_pause_holds_commands_back_until_it_ends(talk: Talker, engine: Engine, clock: ManualClock) -> None:
    other = Talker(engine)
    talk("CLIENT PAUSE 100 WRITE")
    assert other("GET k") == b"$-1\r\n"
    assert other("SET k v") == b""
    clock.advance(100)
    engine.before_sleep()
    assert other.heard() == b"+OK\r\n"


def test_reply_off_and_skip(talk: Talker) -> None:
    assert talk("CLIENT REPLY SKIP") == b""
    assert talk("SET k v") == b""
    assert talk("GET k") == b"$1\r\nv\r\n"
    assert talk("CLIENT REPLY OFF") == b""
    assert talk("GET k") == b""
    assert talk("NOPE") == b""
    assert talk("CLIENT REPLY ON") == b"+OK\r\n"


def test_no_touch_leaves_the_access_time_alone(talk: Talker, engine: Engine) -> None:
    talk("SET k v")
    engine.shared.access_clock += 100
    talk("CLIENT NO-TOUCH on")
    talk("GET k")
    assert engine.databases[0].entries[b"k"].access == engine.shared.access_clock - 100
    talk("CLIENT NO-TOUCH off")
    talk("GET k")
    assert engine.databases[0].entries[b"k"].access == engine.shared.access_clock


def test_calls_are_counted_and_timed(talk: Talker, engine: Engine) -> None:
    talk("SET k v")
    talk("LPUSH k v")
    talk("LPUSH k")
    command = engine.commands.find(b"lpush")
    assert command is not None
    assert (int(command.calls), int(command.failed), int(command.rejected)) == (1, 1, 1)


def test_a_crowd_of_due_keys_goes_in_one_turn(talk: Talker, engine: Engine, clock: ManualClock) -> None:
    for number in range(3000):
        talk(f"SET k{number} v PX 10")
    clock.advance(20)
    engine.before_sleep()
    assert engine.stats.expired_keys == 3000
