"""The commands: one module a group; each declares its commands beside their handlers."""

import importlib
import os

from respd.command import Group


def all_groups() -> list[Group]:
    """Return the declarations of every command that respd has: each `Group` of each module here."""
    found: list[Group] = []
    files = [name for name in os.listdir(__path__[0]) if name.endswith((".py", ".so", ".pyd"))]  # pkgutil is slow
    for module in sorted({name.partition(".")[0] for name in files} - {"__init__"}):
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Group) and value not in found:
                found.append(value)
    return found
