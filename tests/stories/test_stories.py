"""The stories of this directory, told to respd and to redis-server: every connection hears the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.servers import start_redis, start_respd
from tests.stories import chance, clients, tracking
from tests.stories.player import SOCKET, Player, Story, differences, socket_of


@pytest.fixture(scope="module")
def players(oracle_program: str) -> Iterator[tuple[Player, Player]]:
    """One for respd, one for redis-server."""
    ours, theirs = start_respd(*SOCKET), start_redis(oracle_program, *SOCKET)
    both = Player(socket_of(ours)), Player(socket_of(theirs))
    yield both
    for player, server in zip(both, (ours, theirs), strict=True):
        player.close()
        server.stop()


def tell(players: tuple[Player, Player], told: Story) -> None:
    """Tell a story to both, and fail where they part."""
    ours, theirs = [each.play(told) for each in players]
    found = differences(told, ours, theirs)
    if found:
        pytest.fail(found, pytrace=False)


@pytest.mark.parametrize("told", [*tracking.STORIES, *clients.STORIES], ids=str)
def test_story(players: tuple[Player, Player], told: Story) -> None:
    """One story, step by step."""
    tell(players, told)


@pytest.mark.parametrize("make", [chance.random_story, chance.signals_story])
def test_stories_of_chance(players: tuple[Player, Player], long_form: bool, make: Callable[[int], Story]) -> None:
    """Random stories, always the same ones; many more of them in the long form."""
    for seed in range(1000 if long_form else 12):
        tell(players, make(seed))
