"""The commands: one module a group; each declares its commands beside their handlers."""

import importlib
import pkgutil

from respd.command import Group


def all_groups() -> list[Group]:
    """Return the declarations of every command that respd has: each `Group` of each module here."""
    found: list[Group] = []
    for module in sorted(entry.name for entry in pkgutil.iter_modules(__path__)):
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Group) and value not in found:
                found.append(value)
    return found
