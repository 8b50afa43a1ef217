"""What each command is for: the first line of its handler's docstring, read from the source.

mypyc keeps no docstrings, so they are read from the modules' source, which is installed beside the compiled code. That
happens when somebody first asks (COMMAND DOCS, HELP), not at start-up.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

_HANDLER: Final = re.compile(
    r'^@\w+\.command\(\s*"(?P<name>[A-Za-z|_-]+)"'  # the declaration's first word
    r"(?:(?!^def ).)*?^def \w+\(.*?\).*?:\n"  # the rest of it, and the handler's head
    r'\s+r?"""(?P<summary>.*?)(?:"""|\n)',
    re.DOTALL | re.MULTILINE,
)


@cache
def summaries() -> dict[str, str]:
    """Return the summary of each command by its name in lower case, `container|sub` for a sub-command."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).with_name("commands").glob("*.py")):
        for match in _HANDLER.finditer(path.read_text()):
            found[match["name"].lower()] = match["summary"].strip()
    return found
