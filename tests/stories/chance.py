"""Stories of chance: random commands of five connections that track each other's keys, the same for the same seed."""

from __future__ import annotations

from random import Random

from respd.directive_kinds import quoted
from tests.stories.player import Story
from tests.test_random_commands import CHOICES, PARSED

_KEYS = ["a", "ab", "b", "ba", "c"]
_PREFIXES = ["", "a", "ab", "b", "c"]
_READS = ["GET k", "MGET k k", "EXISTS k k k", "TTL k", "STRLEN k", "LRANGE l 0 -1", "HGETALL h", "GETRANGE k 0 1"]
_WRITES = [
    "SET k 1", "MSET k 1 k 2", "DEL k k", "APPEND k x", "RENAME k k", "COPY k k REPLACE", "EXPIRE k 1000",
    "EXPIRE k -1", "PERSIST k", "RPUSH l 1 2", "LPOP l", "HSET h f 1", "HDEL h f", "SET k 1 GET", "GETDEL k",
    "GETEX k PX 100000", "SETNX k 1", "MOVE k 1", "RPOPLPUSH l l", "SORT l STORE c",
    "EVAL \"redis.call('get', KEYS[1]) return redis.call('set', KEYS[2], 1)\" 2 k k",
    "EVAL \"redis.call('set', KEYS[1], 1) return redis.call('get', KEYS[2])\" 2 k k",
    "EVAL_RO \"return redis.call('get', KEYS[1])\" 2 k k",
]  # fmt: skip
_MODES = [
    "",
    "",
    "NOLOOP",
    "OPTIN",
    "OPTOUT",
    "OPTIN NOLOOP",
    "BCAST",
    "BCAST NOLOOP",
    "BCAST PREFIX p",
    "OPTIN OPTOUT",
]
_MODES += ["BCAST PREFIX p PREFIX p NOLOOP", "BCAST OPTIN", "PREFIX p"]
_CLIENTS = ["CLIENT TRACKINGINFO", "CLIENT GETREDIR", "CLIENT CACHING yes", "CLIENT CACHING no", "CLIENT TRACKING off"]
_OTHERS = [
    "PING",
    "NOSUCH",
    "GET",
    "SELECT 1",
    "SELECT 0",
    "RESET && HELLO 3",
    "PUBLISH news 1",
    "SWAPDB 0 1",
    "UNWATCH",
]
_TEMPLATES = [
    [words[0].removeprefix(b"~"), *words[1:]]
    for words in PARSED
    if words[0] not in (b"SELECT", b"FLUSHDB", b"BLPOP", b"BRPOP", b"BLMOVE", b"BZPOPMIN", b"BZMPOP")
    and b"BLOCK" not in words  # all of them are over when the next step begins
]
_TARGETS = {1: 3, 2: 4}  # who redirects to whom: one to each, for redis-server tells two in the order of addresses


def random_story(seed: int) -> Story:
    """A story of fifty steps."""
    chance = Random(seed)
    gone: set[int] = set()
    steps = [f"{number}> {_tracking(chance, number, gone)}" for number in (1, 2, 5)]
    steps += [f"{number}> SUBSCRIBE __redis__:invalidate news" for number in (3, 4) if chance.random() < 0.6]
    while len(steps) < 50:
        number = chance.choice([each for each in (1, 1, 2, 2, 3, 4, 5) if each not in gone])
        roll = chance.random()
        if roll < 0.01 and number in (3, 4):
            gone.add(number)
            steps.append(f"{number} close")
        elif roll < 0.05 and number != 5:  # its turn would end, and what waits behind BLPOP run in the next
            steps.append(f"{number}> {chance.choice(['FLUSHALL', 'FLUSHDB', 'FLUSHALL ASYNC'])}")
        elif roll < 0.08 and number == 5:
            steps.append(f"{number}> BLPOP l 0")
        elif roll < 0.2:
            inside = [_command(chance, number, gone) for _ in range(chance.randint(1, 4))]
            end = chance.choice(["EXEC", "EXEC", "EXEC", "DISCARD"])
            steps.append(f"{number}> " + " && ".join(["MULTI", *inside, end]))
        else:
            steps.append(
                f"{number}> " + " && ".join(_command(chance, number, gone) for _ in range(chance.randint(1, 4)))
            )
    return Story(f"chance {seed}", tuple(steps), chance.choice([2, 3, 3]))


def _tracking(chance: Random, number: int, gone: set[int]) -> str:
    target = _TARGETS.get(number)
    modes = _MODES if number not in _TARGETS.values() else ["", "NOLOOP", "OPTIN"]
    words = "CLIENT TRACKING on " + chance.choice(modes)
    if target is not None and target not in gone and chance.random() < 0.5:
        words += f" REDIRECT {{id:{target}}}"
    return " ".join(chance.choice(_PREFIXES) or "''" if word == "p" else word for word in words.split())


def _command(chance: Random, number: int, gone: set[int]) -> str:
    roll = chance.random()
    if roll < 0.4:
        template = chance.choice(_READS)
    elif roll < 0.75:
        template = chance.choice(_WRITES)
    elif roll < 0.83:
        template = chance.choice(_CLIENTS)
    elif roll < 0.9:
        return _tracking(chance, number, gone)
    else:
        template = chance.choice(_OTHERS)
    return " ".join(chance.choice(_KEYS) if word == "k" else word for word in template.split(" "))


def signals_story(seed: int) -> Story:
    """Commands on all types, of which one connection hears by broadcast and another because it has read the keys."""
    chance = Random(seed)
    steps = ["1> CLIENT TRACKING on BCAST", "3> CLIENT TRACKING on"]
    while len(steps) < 80:
        words = [chance.choice(CHOICES.get(word, [word])) for word in chance.choice(_TEMPLATES)]
        steps.append("2> " + " ".join(quoted(word).decode() for word in words))
        if chance.random() < 0.5:
            steps.append("3> MGET k1 k2 k3 k4 g p e1 e2 y")
    return Story(f"signals {seed}", tuple(steps), unheard=2)
