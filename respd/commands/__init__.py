"""The commands: one module a group; each declares its commands beside their handlers."""

import importlib
import pkgutil

from respd.command import Group


def all_groups() -> list[Group]:
    """Return the declarations of every command that respd has."""
    found: list[Group] = []
    for module in sorted(entry.name for entry in pkgutil.iter_modules(__path__)):
        group = getattr(importlib.import_module(f"{__name__}.{module}"), "group", None)
        if isinstance(group, Group):
            found.append(group)
    return found
