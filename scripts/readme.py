"""Renew the generated parts of README.md: the table of commands.

usage: python scripts/readme.py [--check]     (in an environment that has respd)

A generated part stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. With --check nothing is written and the
exit status tells whether the README is current.
"""

import re
import sys
from pathlib import Path

from respd.command import CommandTable
from respd.commands import all_groups

README = Path(__file__).resolve().parent.parent / "README.md"


def commands_table() -> str:
    """Return a row per group: its commands, sub-commands behind their container."""
    groups: dict[str, list[str]] = {}
    for command in CommandTable(all_groups()).all:
        declaration = command.declaration
        names = groups.setdefault(declaration.group, [])
        if not declaration.is_container() and not declaration.name.endswith("|help"):
            names.append(declaration.name.upper().replace("|", " "))
    rows = ["| group | commands |", "|---|---|"]
    for group, names in sorted(groups.items()):
        rows.append(f"| {group} ({len(names)}) | {', '.join(f'`{name}`' for name in sorted(names))} |")
    return "\n".join(rows)


def renew(text: str) -> str:
    """Return the README's text with its generated parts made anew."""
    return re.sub(
        r"(<!-- commands: begin -->\n).*?(<!-- commands: end -->)",
        lambda found: f"{found[1]}{commands_table()}\n{found[2]}",
        text,
        flags=re.DOTALL,
    )


def main(words: list[str]) -> int:
    before = README.read_text()
    after = renew(before)
    if "--check" in words:
        if before != after:
            print("README.md is not current: run python scripts/readme.py")
        return int(before != after)
    README.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
