"""A leaderboard: scores that change all the time, and every rank at once, from a sorted set.

ZINCRBY adds to a score, ZREVRANGE gives the best, ZREVRANK one player's place: each in O(log n), so a million players
cost no more than twenty steps. With NX, GT or LT, ZADD keeps the first, the best or the smallest score.
"""

from __future__ import annotations

import random
from typing import Any

import redis
from serving import server

POINTS = "example:points"  # added up
RECORDS = "example:records"  # the best of all games
PLAYERS = 1000


def play(client: Any, games: int) -> None:
    """Random games, sent in one go."""
    dice = random.Random(7)
    with client.pipeline(transaction=False) as pipe:
        for _ in range(games):
            player, points = f"player-{dice.randrange(PLAYERS)}", dice.randrange(100)
            pipe.zincrby(POINTS, points, player)
            pipe.zadd(RECORDS, {player: points}, gt=True)
        pipe.execute()


def show(client: Any, player: str) -> None:
    """A player's rank, and who stands next to it."""
    rank = client.zrevrank(POINTS, player)
    if rank is None:
        print(f"{player} has not played")
        return
    best = client.zscore(RECORDS, player)
    print(f"{player} is number {rank + 1} of {client.zcard(POINTS)}, its best game was {best:g}")
    show_places(client, max(rank - 1, 0), rank + 1)


def show_places(client: Any, first: int, last: int) -> None:
    """The players in these places, counted from 0."""
    for place, (name, points) in enumerate(client.zrange(POINTS, first, last, desc=True, withscores=True), first + 1):
        print(f"  {place}. {name}: {points:g}")


def main(url: str) -> None:
    """Ten thousand games of a thousand players."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.delete(POINTS, RECORDS)
        play(client, 10_000)
        print("the best three:")
        show_places(client, 0, 2)
        show(client, "player-7")
        client.zincrby(POINTS, 10_000, "player-7")
        show(client, "player-7")
        print(f"with 500 points or more: {client.zcount(POINTS, 500, '+inf')}")
        show(client, "nobody")
        client.delete(POINTS, RECORDS)


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
