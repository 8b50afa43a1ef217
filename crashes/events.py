"""What happens to the names in a server's directory, as it happens: so that a server can be killed at each step.

On Linux the kernel tells (inotify); elsewhere nothing is told, and moments are left to chance.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import sys
from pathlib import Path

_EVENTS = {0x8: "written", 0x40: "renamed from", 0x80: "renamed to", 0x100: "created", 0x200: "removed"}
_HEADER = struct.Struct("iIII")
_NONBLOCK = os.O_NONBLOCK


class Events:
    """Names that are created, written, renamed and removed in a directory and those in it.

    `fd` becomes readable with each; it is -1 where the system does not tell.
    """

    def __init__(self, directory: Path) -> None:
        self.fd = -1
        self._places: dict[int, str] = {}
        if not sys.platform.startswith("linux"):
            return
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self._libc.inotify_init1(_NONBLOCK)
        self._add(directory)
        for each in directory.iterdir():
            if each.is_dir():
                self._add(each)

    def _add(self, directory: Path) -> None:
        place = self._libc.inotify_add_watch(self.fd, os.fsencode(directory), sum(_EVENTS))
        self._places[place] = directory.name

    def read(self) -> list[str]:
        """What has happened since the last call, numbers in names replaced by N."""
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return []
        found = []
        at = 0
        while at < len(data):
            _, mask, _, size = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            name = data[at : at + size].rstrip(b"\0").decode(errors="replace")
            at += size
            verb = next((verb for bit, verb in _EVENTS.items() if mask & bit), "")
            if verb and name:
                found.append(f"{re.sub(r'[0-9]+', 'N', name)} {verb}")
        return found

    def close(self) -> None:
        """Stop watching."""
        if self.fd >= 0:
            os.close(self.fd)
