"""The publish/subscribe commands. Source: redis.io/commands/?group=pubsub."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from respd.command import FAST, LOADING, MAY_REPLICATE, NOSCRIPT, NOT_KEY, PUBSUB, STALE, Group, key_range, one_key
from respd.errors import CommandError
from respd.protocol.replies import NO_REPLY, Push, Several

if TYPE_CHECKING:
    from respd.client import Client
    from respd.context import Context
    from respd.pubsub import PubSub, Topics

# What happens to one channel or pattern: (all subscriptions, client, name) -> whether it made a difference.
_Change = Callable[["PubSub", "Client", bytes], bool]

_SUBSCRIBING: Final = PUBSUB | NOSCRIPT | LOADING | STALE
_ASKING: Final = PUBSUB | LOADING | STALE
_PER_CHANNEL: Final = "O(N) with N the number of channels."
_PER_PATTERN: Final = "O(N) with N the number of patterns."
_PER_ACTIVE_CHANNEL: Final = "O(N) with N the number of channels that have subscribers."

group = Group("pubsub")


@group.command("SUBSCRIBE", arity=-2, flags=_SUBSCRIBING, since="2.0.0", syntax="channel [channel ...]",
               complexity=_PER_CHANNEL)  # fmt: skip
def subscribe(ctx: Context, args: list[bytes]) -> object:
    """Subscribe to channels.

    Reply: for each channel a push of "subscribe", the channel and the number of subscriptions, patterns included.
    Source: redis.io/commands/subscribe.
    """
    return _for_each(ctx, _subscribe_channel, args[1:], b"subscribe")


@group.command("UNSUBSCRIBE", arity=-1, flags=_SUBSCRIBING, since="2.0.0", syntax="[channel [channel ...]]",
               complexity=_PER_CHANNEL)  # fmt: skip
def unsubscribe(ctx: Context, args: list[bytes]) -> object:
    """End subscriptions to channels, to all of them without arguments.

    Reply: for each channel a push of "unsubscribe", the channel and the number of subscriptions left; one with null for
    the channel when there was none to end. Source: redis.io/commands/unsubscribe.
    """
    return _for_each(ctx, _unsubscribe_channel, args[1:] or list(ctx.client.channels), b"unsubscribe")


@group.command("PSUBSCRIBE", arity=-2, flags=_SUBSCRIBING, since="2.0.0", syntax="pattern [pattern ...]",
               complexity=_PER_PATTERN)  # fmt: skip
def psubscribe(ctx: Context, args: list[bytes]) -> object:
    """Subscribe to all channels that match glob patterns.

    Reply: for each pattern a push of "psubscribe", the pattern and the number of subscriptions, channels included.
    Source: redis.io/commands/psubscribe.
    """
    return _for_each(ctx, _subscribe_pattern, args[1:], b"psubscribe")


@group.command("PUNSUBSCRIBE", arity=-1, flags=_SUBSCRIBING, since="2.0.0", syntax="[pattern [pattern ...]]",
               complexity=_PER_PATTERN)  # fmt: skip
def punsubscribe(ctx: Context, args: list[bytes]) -> object:
    """End subscriptions to patterns, to all of them without arguments.

    Reply: like UNSUBSCRIBE's, with "punsubscribe". Source: redis.io/commands/punsubscribe.
    """
    return _for_each(ctx, _unsubscribe_pattern, args[1:] or list(ctx.client.patterns), b"punsubscribe")


@group.command("SSUBSCRIBE", arity=-2, flags=_SUBSCRIBING, keys=key_range(1, -1, 1, NOT_KEY), since="7.0.0",
               syntax="shardchannel [shardchannel ...]", complexity=_PER_CHANNEL)  # fmt: skip
def ssubscribe(ctx: Context, args: list[bytes]) -> object:
    """Subscribe to shard channels, which are a space of names of their own.

    Reply: for each channel a push of "ssubscribe", the channel and the number of subscriptions to shard channels.
    Errors: in a transaction. Source: redis.io/commands/ssubscribe.
    """
    if ctx.deny_blocking:
        raise CommandError(b"ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
    return _for_each(ctx, _subscribe_shard, args[1:], b"ssubscribe")


@group.command("SUNSUBSCRIBE", arity=-1, flags=_SUBSCRIBING, keys=key_range(1, -1, 1, NOT_KEY), since="7.0.0",
               syntax="[shardchannel [shardchannel ...]]", complexity=_PER_CHANNEL)  # fmt: skip
def sunsubscribe(ctx: Context, args: list[bytes]) -> object:
    """End subscriptions to shard channels, to all of them without arguments.

    Reply: like UNSUBSCRIBE's, with "sunsubscribe". Source: redis.io/commands/sunsubscribe.
    """
    return _for_each(ctx, _unsubscribe_shard, args[1:] or list(ctx.client.shard_channels), b"sunsubscribe")


def _for_each(ctx: Context, change: _Change, names: list[bytes], kind: bytes) -> object:
    """Apply a change to each name and tell the client, even one that wants no replies, what came of it."""
    client = ctx.client
    told: list[object] = []
    for name in names:
        change(ctx.engine.pubsub, client, name)
        told.append(Push([kind, name, _count(client, kind)]))
    if not names:
        told.append(Push([kind, None, _count(client, kind)]))
    if ctx.deny_blocking:
        return Several(told)
    for push in told:
        assert isinstance(push, Push)
        ctx.push(push.items)
    return NO_REPLY


def _count(client: Client, kind: bytes) -> int:
    if kind in (b"ssubscribe", b"sunsubscribe"):
        return len(client.shard_channels)
    return client.subscriptions()


def _subscribe_channel(pubsub: PubSub, client: Client, name: bytes) -> bool:
    return pubsub.subscribe(client, name)


def _unsubscribe_channel(pubsub: PubSub, client: Client, name: bytes) -> bool:
    return pubsub.unsubscribe(client, name)


def _subscribe_pattern(pubsub: PubSub, client: Client, name: bytes) -> bool:
    return pubsub.psubscribe(client, name)


def _unsubscribe_pattern(pubsub: PubSub, client: Client, name: bytes) -> bool:
    return pubsub.punsubscribe(client, name)


def _subscribe_shard(pubsub: PubSub, client: Client, name: bytes) -> bool:
    return pubsub.ssubscribe(client, name)


def _unsubscribe_shard(pubsub: PubSub, client: Client, name: bytes) -> bool:
    return pubsub.sunsubscribe(client, name)


@group.command("PUBLISH", arity=3, flags=PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE, since="2.0.0",
               syntax="channel message",
               complexity="O(N+M) with N the channel's subscribers and M all patterns.")  # fmt: skip
def publish(ctx: Context, args: list[bytes]) -> object:
    """Send a message to a channel.

    Reply: how often it was delivered; a client whose patterns match too gets it several times. Log: nothing.
    Source: redis.io/commands/publish.
    """
    return ctx.engine.pubsub.publish(args[1], args[2])


@group.command("SPUBLISH", arity=3, flags=PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE, keys=one_key(NOT_KEY),
               since="7.0.0", syntax="shardchannel message",
               complexity="O(N) with N the channel's subscribers.")  # fmt: skip
def spublish(ctx: Context, args: list[bytes]) -> object:
    """Send a message to a shard channel.

    Reply: the number of subscribers. Log: nothing. Source: redis.io/commands/spublish.
    """
    return ctx.engine.pubsub.publish_to_shard(args[1], args[2])


def _names(topics: Topics, args: list[bytes]) -> object:
    """Return the names with subscribers, those that match the pattern among `args` if there is one."""
    if len(args) > 3:
        raise CommandError(
            b"ERR unknown subcommand or wrong number of arguments for '%b'. Try PUBSUB HELP." % args[1][:128]
        )
    return topics.matching(args[2] if len(args) > 2 else None)


def _counts(topics: Topics, names: list[bytes]) -> object:
    found: list[object] = []
    for name in names:
        found += [name, topics.count(name)]
    return found


group.container("PUBSUB", since="2.8.0", summary="Tell about channels and their subscribers.", help_since="6.2.0")


@group.command("PUBSUB|CHANNELS", arity=-2, flags=_ASKING, since="2.8.0", syntax="[pattern]",
               complexity=_PER_ACTIVE_CHANNEL)  # fmt: skip
def pubsub_channels(ctx: Context, args: list[bytes]) -> object:
    """Return the channels that have subscribers, or those of them that match a glob pattern.

    Source: redis.io/commands/pubsub-channels.
    """
    return _names(ctx.engine.pubsub.channels, args)


@group.command("PUBSUB|NUMSUB", arity=-2, flags=_ASKING, since="2.8.0", syntax="[channel [channel ...]]",
               complexity=_PER_CHANNEL)  # fmt: skip
def pubsub_numsub(ctx: Context, args: list[bytes]) -> object:
    """Return how many subscribers channels have, patterns not counted.

    Reply: an array of channel, number, channel, number. Source: redis.io/commands/pubsub-numsub.
    """
    return _counts(ctx.engine.pubsub.channels, args[2:])


@group.command("PUBSUB|NUMPAT", arity=2, flags=_ASKING, since="2.8.0", complexity="O(1)")
def pubsub_numpat(ctx: Context, args: list[bytes]) -> object:
    """Return the number of different patterns that clients are subscribed to.

    Source: redis.io/commands/pubsub-numpat.
    """
    return ctx.engine.pubsub.patterns.size()


@group.command("PUBSUB|SHARDCHANNELS", arity=-2, flags=_ASKING, since="7.0.0", syntax="[pattern]",
               complexity=_PER_ACTIVE_CHANNEL)  # fmt: skip
def pubsub_shardchannels(ctx: Context, args: list[bytes]) -> object:
    """Return the shard channels that have subscribers, or those of them that match a glob pattern.

    Source: redis.io/commands/pubsub-shardchannels.
    """
    return _names(ctx.engine.pubsub.shard_channels, args)


@group.command("PUBSUB|SHARDNUMSUB", arity=-2, flags=_ASKING, since="7.0.0",
               syntax="[shardchannel [shardchannel ...]]", complexity=_PER_CHANNEL)  # fmt: skip
def pubsub_shardnumsub(ctx: Context, args: list[bytes]) -> object:
    """Return how many subscribers shard channels have.

    Reply: an array of channel, number, channel, number. Source: redis.io/commands/pubsub-shardnumsub.
    """
    return _counts(ctx.engine.pubsub.shard_channels, args[2:])
