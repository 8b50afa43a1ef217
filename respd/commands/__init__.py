"""The commands: one module a group; each declares its commands beside their handlers."""

from respd.command import Group


def all_groups() -> list[Group]:
    """Return the declarations of every command that respd has."""
    from respd.commands import (
        bitmaps,
        clients,
        configuration,
        connection,
        debug,
        hashes,
        info,
        introspection,
        keys,
        lists,
        pubsub,
        server,
        sets,
        sort,
        strings,
        transactions,
        zsets,
    )

    return [
        connection.group,
        clients.group,
        keys.group,
        sort.group,
        strings.group,
        bitmaps.group,
        hashes.group,
        lists.group,
        sets.group,
        zsets.group,
        transactions.group,
        pubsub.group,
        server.group,
        info.group,
        introspection.group,
        configuration.group,
        debug.group,
    ]
