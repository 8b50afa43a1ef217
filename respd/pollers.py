"""Waiting for sockets: epoll where there is one, the selectors module elsewhere."""

import os
import select
import selectors
from typing import Final, Protocol

READABLE: Final = 1
WRITABLE: Final = 4
_MAX_EVENTS: Final = 1024


class Poller(Protocol):
    """Tells which file descriptors are ready; level-triggered."""

    def add(self, fd: int) -> None:
        """Watch `fd` for reading."""

    def set_writing(self, fd: int, wanted: bool) -> None:
        """Watch a known `fd` for writing too, or no more."""

    def remove(self, fd: int) -> None:
        """Watch `fd` no longer."""

    def wait(self, timeout_s: float) -> list[tuple[int, int]]:
        """Return (fd, mask) of what is ready, after at most `timeout_s` seconds; a mask beyond WRITABLE means: read."""

    def close(self) -> None:
        """Let go of the operating system's object."""


class EpollPoller:
    """Linux' epoll: O(ready)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def add(self, fd: int) -> None:
        self._epoll.register(fd, READABLE)

    def set_writing(self, fd: int, wanted: bool) -> None:
        self._epoll.modify(fd, READABLE | WRITABLE if wanted else READABLE)

    def remove(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def wait(self, timeout_s: float) -> list[tuple[int, int]]:
        return self._epoll.poll(timeout_s, _MAX_EVENTS)

    def close(self) -> None:
        self._epoll.close()


class SelectorPoller:
    """The best that the selectors module has here: kqueue on macOS, select on Windows."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, fd: int) -> None:
        self._selector.register(fd, selectors.EVENT_READ)

    def set_writing(self, fd: int, wanted: bool) -> None:
        events = selectors.EVENT_READ | selectors.EVENT_WRITE if wanted else selectors.EVENT_READ
        self._selector.modify(fd, events)

    def remove(self, fd: int) -> None:
        self._selector.unregister(fd)

    def wait(self, timeout_s: float) -> list[tuple[int, int]]:
        ready: list[tuple[int, int]] = []
        for key, events in self._selector.select(timeout_s):
            mask = 0
            if events & selectors.EVENT_READ:
                mask |= READABLE
            if events & selectors.EVENT_WRITE:
                mask |= WRITABLE
            ready.append((key.fd, mask))
        return ready

    def close(self) -> None:
        self._selector.close()


def new_poller() -> Poller:
    """Return the poller for this machine; RESPD_EVENT_LOOP=selectors in the environment forces the portable one."""
    if hasattr(select, "epoll") and os.environ.get("RESPD_EVENT_LOOP") != "selectors":
        return EpollPoller()
    return SelectorPoller()
