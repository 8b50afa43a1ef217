"""The stories of this directory, told to respd and to redis-server: every connection hears the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import start_redis, start_respd
from tests.stories import tracking
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


@pytest.mark.parametrize("told", tracking.STORIES, ids=str)
def test_story(players: tuple[Player, Player], told: Story) -> None:
    """One story, step by step."""
    ours, theirs = [each.play(told) for each in players]
    found = differences(told, ours, theirs)
    assert not found, found
