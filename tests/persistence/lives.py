"""A server without sockets that lives in the current directory: on what is there, with a disk and a clock of a test."""

from __future__ import annotations

import os
from pathlib import Path

from crashes.writes import Words
from respd.clock import ManualClock
from respd.commands import all_groups
from respd.config import Config
from respd.engine import Engine
from respd.log import Log
from respd.persistence.disk import Disk
from respd.persistence.loading import first_loader
from tests.wire import ReplyReader, plain


class QuickDisk(Disk):
    """A disk on which nothing waits."""

    def fsync(self, fd: int) -> None:
        pass

    def fdatasync(self, fd: int) -> None:
        pass

    def fsync_directory(self, path: str) -> None:
        pass


class Life:
    """One life of a server without sockets in the current directory, from loading on."""

    def __init__(self, options: str, disk: Disk, clock: ManualClock, log_path: Path) -> None:
        config = Config()
        config.load(options.encode())
        self.clock = clock
        self.engine = Engine(config, all_groups(), clock, Log(str(log_path), b"notice"), 1, disk)
        self.ctx = self.engine.connect()
        loader = first_loader(self.engine)
        while loader is not None and not loader.step(1.0):
            pass
        self.engine.append_log.begin()
        config.on_change(["appendonly"], self.engine.append_log.follow_switch)

    def ask(self, several: list[Words]) -> list[object]:
        """Run commands and return their replies."""
        for words in several:
            self.engine.execute(self.ctx, words)
        out = self.ctx.client.out
        reader = ReplyReader()
        reader.feed(out.getvalue())
        out.truncate(0)
        replies = []
        while (frame := reader.next()) is not None:
            replies.append(plain(frame))
        return replies

    def end_turn(self) -> None:
        """Do what the loop does before it sends replies."""
        self.engine.before_sleep()
        self.engine.append_log.flush()

    def end(self) -> None:
        """Let go of files and threads."""
        self.engine.append_log.background.drain()
        if self.engine.append_log.fd >= 0:
            os.close(self.engine.append_log.fd)
