"""Write docs/directives.md: every directive, whether respd acts on it, and its default.

usage: python scripts/directives.py [--check]     (in an environment that has respd)

With --check nothing is written and the exit status tells whether the page is current.
"""

import sys
from pathlib import Path

from respd.directives import DEPRECATED, DIRECTIVES, HIDDEN, IMMUTABLE, OWN, PROTECTED, Directive

PAGE = Path(__file__).resolve().parent.parent / "docs" / "directives.md"

INTRODUCTION = """# Directives

Every directive of redis.conf (Redis 7.4 and 8.0) can stand in respd's configuration file, on its command line
(`--timeout 60`) and in CONFIG GET and SET. This page is made from `respd/directives.py` by `scripts/directives.py`.
Those marked with a star are respd's own: redis-server refuses a file that has them.

Beside these a file may hold `include FILE` (wildcards allowed), `rename-command NAME NEW-NAME` and `user NAME RULES`;
`loadmodule` and unknown directives stop the start.
"""

IN_FORCE = """
## In force

| directive | default | what it does | CONFIG SET |
|---|---|---|---|
"""

ACCEPTED = """
## Accepted without effect

Kept, shown and written back. At the start a log line names those that were given another value than their default.

| directive | default | CONFIG SET |
|---|---|---|
"""


def page() -> str:
    """Return the page's text."""
    text = INTRODUCTION + IN_FORCE
    for directive in DIRECTIVES:
        if directive.is_in_force():
            text += f"| {_names(directive)} | {_default(directive)} | {directive.summary} | {_mutable(directive)} |\n"
    text += ACCEPTED
    for directive in DIRECTIVES:
        if not directive.is_in_force():
            text += f"| {_names(directive)} | {_default(directive)} | {_mutable(directive)} |\n"
    old = ", ".join(f"`{name.decode()}`" for name in DEPRECATED)
    return f"{text}\nRead and forgotten, as redis-server does: {old}.\n"


def _names(directive: Directive) -> str:
    name = f"`{directive.name.decode()}`{'*' if directive.flags & OWN else ''}"
    return f"{name} (`{directive.alias.decode()}`)" if directive.alias else name


def _default(directive: Directive) -> str:
    if directive.name == b"dir":
        return "where it was started"
    shown = directive.kind.show(directive.default).decode()
    return f"`{shown}`" if shown else ""


def _mutable(directive: Directive) -> str:
    if directive.flags & IMMUTABLE:
        return "no"
    if directive.flags & PROTECTED:
        return "with enable-protected-configs"
    return "yes, not listed by patterns" if directive.flags & HIDDEN else "yes"


def main(words: list[str]) -> int:
    if "--check" in words:
        is_current = PAGE.exists() and PAGE.read_text() == page()
        if not is_current:
            print("docs/directives.md is not current: run python scripts/directives.py")
        return int(not is_current)
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
