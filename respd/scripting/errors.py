"""What Python raises towards a script."""

from __future__ import annotations


class ScriptError(Exception):
    """An error for a script: `text`, code included.

    `is_counted`: a command has failed with it and the statistics know. `ends_script`: not to be caught by the script.
    `has_place`: a plain text in Lua, which begins with the line it happened in, rather than a table.
    """

    def __init__(
        self, text: bytes, is_counted: bool = False, ends_script: bool = False, has_place: bool = False
    ) -> None:
        super().__init__(text)
        self.text = text
        self.is_counted = is_counted
        self.ends_script = ends_script
        self.has_place = has_place
