"""A chat on redis-py's asyncio client: rooms, patterns, and listeners that come back after their connection was cut."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio

from tests.patience import PATIENCE, PATIENT

ROOMS = 5
LISTENERS = 40
MESSAGES = 20
GOODBYE = "goodbye"


async def _wait_for_listeners(client: Any, room: str, number: int) -> None:
    """Until so many hear what is said in a room, those with a pattern included."""
    while dict(await client.pubsub_numsub(room))[room.encode()] + await client.pubsub_numpat() != number:
        await asyncio.sleep(0.005)


async def _listen(url: str, protocol: int, room: str, heard: list[str]) -> None:
    """Write down what one listener hears in a room, or in all of them by a pattern, until everybody says goodbye."""
    goodbyes = ROOMS if room.endswith("*") else 1
    async with (
        redis.asyncio.Redis.from_url(url, protocol=protocol, decode_responses=True, **PATIENT) as client,
        client.pubsub(ignore_subscribe_messages=True) as channel,
    ):
        await (channel.psubscribe(room) if room.endswith("*") else channel.subscribe(room))
        while heard.count(GOODBYE) < goodbyes:
            try:
                message = await channel.get_message(timeout=PATIENCE)
            except redis.ConnectionError:
                continue  # the next call connects and subscribes again
            if message is not None:
                heard.append(message["data"])


@pytest.mark.parametrize("protocol", [2, 3])
def test_everyone_hears_everything_in_order(url: str, protocol: int) -> None:
    """Forty listeners in five rooms, one in all of them; each room has one voice."""

    async def chat() -> None:
        names = [f"room:{number % ROOMS}" for number in range(LISTENERS)] + ["room:*"]
        heard: list[list[str]] = [[] for _ in names]
        listeners = [asyncio.create_task(_listen(url, protocol, *each)) for each in zip(names, heard)]
        async with redis.asyncio.Redis.from_url(url, protocol=protocol, **PATIENT) as client:
            for room in names[:ROOMS]:
                await _wait_for_listeners(client, room, LISTENERS // ROOMS + 1)

            async def speak(room: str) -> None:
                for number in range(MESSAGES):
                    assert await client.publish(room, f"{room} {number}") == LISTENERS // ROOMS + 1
                await client.publish(room, GOODBYE)

            await asyncio.gather(*(speak(f"room:{number}") for number in range(ROOMS)))
            await asyncio.gather(*listeners)
        for name, words in zip(names[:-1], heard):
            assert words == [f"{name} {number}" for number in range(MESSAGES)] + [GOODBYE]
        for room in names[:ROOMS]:
            assert [word for word in heard[-1] if word.startswith(room)] == [f"{room} {n}" for n in range(MESSAGES)]

    asyncio.run(asyncio.wait_for(chat(), PATIENCE))


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_listener_comes_back(url: str, protocol: int) -> None:
    """When the server cuts the connection the client subscribes again, and hears what is said from then on."""

    async def chat() -> None:
        heard: list[str] = []
        listener = asyncio.create_task(_listen(url, protocol, "room", heard))
        async with redis.asyncio.Redis.from_url(url, protocol=protocol, **PATIENT) as client:
            await _wait_for_listeners(client, "room", 1)
            assert await client.publish("room", "before") == 1
            while not heard:
                await asyncio.sleep(0.005)
            assert await client.client_kill_filter(_type="pubsub", skipme=True) >= 1
            await _wait_for_listeners(client, "room", 1)
            assert await client.publish("room", GOODBYE) == 1
        await listener
        assert heard == ["before", GOODBYE]

    asyncio.run(asyncio.wait_for(chat(), PATIENCE))
