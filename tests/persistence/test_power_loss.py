"""Power is lost: whatever of the un-synced is lost or torn, the server starts on the rest, and has what it promised.

A server without sockets lives through a scenario on a disk that records everything. After each record of the journal
the disk's possible states are made (all that can be lost is lost; nothing is; random parts are) and loaded.
The long form is `pytest tests/persistence/test_power_loss.py --long`: every record, more random states.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from crashes.writes import Model, commands, reading, state_of
from respd.clock import ManualClock
from respd.persistence.append_log import ON
from respd.persistence.loading import LoadError
from respd.persistence.log_directory import LogFileError
from tests.persistence.lives import Life, QuickDisk
from tests.persistence.recording_disk import Journal, Medium, Record, RecordingDisk, lay_out

WRITERS = 2
EVERYSEC_MS = 2000


class Recorder:
    """A life whose disk is recorded, and what it promises: so many changes, of all in their order, are on the disk."""

    def __init__(self, options: str, journal: Journal, log_path: Path) -> None:
        self.journal = journal
        self.random = Random(5)
        self.sequence: list[int] = []  # the writer of each change
        self.acked: list[int] = []  # when each was acknowledged
        self.promised = 0
        self.life = Life(options, RecordingDisk(journal), ManualClock(), log_path)

    def promise(self, count: int) -> None:
        """From now on so many changes are on the disk."""
        if count > self.promised:
            self.promised = count
            self.journal.note("promised", count)

    def promise_what_is_due(self) -> None:
        """Promise what the append-only file has to hold at this moment."""
        append_log = self.life.engine.append_log
        if append_log.state != ON:
            return
        if append_log.config.appendfsync == b"always":
            self.promise(len(self.acked))
        else:
            now_ms = int(self.life.clock.ms)
            self.promise(sum(1 for acked_ms in self.acked if acked_ms <= now_ms - EVERYSEC_MS))

    def turns(self, count: int) -> None:
        """Turns of the loop in which some changes are made, some time after the one before."""
        for _ in range(count):
            self.life.clock.advance(self.random.randrange(250))
            self.promise_what_is_due()
            for _ in range(self.random.randint(1, 4)):
                writer = self.random.randrange(WRITERS)
                self.sequence.append(writer)
                self.life.ask(commands(writer, self.sequence.count(writer)))
            self.journal.note("sent", len(self.sequence))
            self.life.end_turn()
            now_ms = int(self.life.clock.ms)
            self.acked += [now_ms] * (len(self.sequence) - len(self.acked))
            self.promise_what_is_due()
            if self.random.random() < 0.5:
                self.life.engine.append_log.background.drain()

    def wait_for_child(self) -> None:
        """Let the child end, and the server see it."""
        self.life.engine.children.wait()
        assert self.life.engine.rewriter.last_succeeded
        assert self.life.engine.snapshots.last_succeeded
        self.life.end_turn()
        self.promise_what_is_due()


def always(recorder: Recorder) -> None:
    """Two rewrites, the second with a child that ends late."""
    recorder.turns(10)
    recorder.life.ask([[b"BGREWRITEAOF"]])
    recorder.turns(5)
    recorder.wait_for_child()
    recorder.turns(5)
    recorder.life.ask([[b"BGREWRITEAOF"]])
    recorder.turns(15)
    recorder.wait_for_child()
    recorder.turns(5)


def switched_on(recorder: Recorder) -> None:
    """CONFIG SET appendonly yes on a server with data; off and on again."""
    recorder.turns(5)
    recorder.life.ask([[b"CONFIG", b"SET", b"appendonly", b"yes"]])
    recorder.turns(5)
    recorder.wait_for_child()
    recorder.turns(10)
    recorder.life.ask([[b"BGREWRITEAOF"]])
    recorder.turns(3)
    recorder.wait_for_child()
    recorder.turns(3)


def snapshots(recorder: Recorder) -> None:
    """SAVE and BGSAVE, again and again."""
    for number in range(5):
        recorder.turns(6)
        count = len(recorder.sequence)
        if number % 2:
            recorder.life.ask([[b"SAVE"]])
        else:
            recorder.life.ask([[b"BGSAVE"]])
            recorder.turns(3)
            recorder.wait_for_child()
        recorder.promise(count)


SCENARIOS = {
    "always": (always, "appendonly yes\nappendfsync always"),
    "always, commands": (always, "appendonly yes\nappendfsync always\naof-use-rdb-preamble no"),
    "everysec": (always, "appendonly yes\nappendfsync everysec"),
    "switched on": (switched_on, "appendonly no\nappendfsync always"),
    "snapshots": (snapshots, "appendonly no"),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for directories; the current one is put back afterwards."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def record(scenario: str, place: Path) -> tuple[list[Record], list[int]]:
    """Live through a scenario; return the journal, and the writers of all changes in their order."""
    live, options = SCENARIOS[scenario]
    (place / "recorded").mkdir()
    os.chdir(place / "recorded")
    journal = Journal(place / "journal")
    recorder = Recorder(options, journal, place / "log")
    live(recorder)
    recorder.life.end()
    journal.close()
    os.chdir(place)
    return journal.read(), recorder.sequence


class Judge:
    """Loads what is left, and says what is wrong with it."""

    def __init__(self, options: str, sequence: list[int], place: Path) -> None:
        self._options = options.replace("appendonly no\nappendfsync", "appendonly yes\nappendfsync")
        self._sequence = sequence
        self._directory = place / "left"
        self._log_path = place / "log of the replay"
        # How many changes of each writer there are after each number of changes.
        self._counts = [(0,) * WRITERS]
        for writer in sequence:
            self._counts.append(tuple(n + (at == writer) for at, n in enumerate(self._counts[-1])))

    def fault(self, left: dict[str, bytes | None], promised: int, sent: int) -> str:
        """What is wrong when a server starts on this; empty when nothing is."""
        shutil.rmtree(self._directory, ignore_errors=True)
        lay_out(left, self._directory)
        self._log_path.unlink(missing_ok=True)
        os.chdir(self._directory)
        try:
            life = Life(self._options, QuickDisk(), ManualClock(), self._log_path)
        except (LogFileError, LoadError):
            return f"the server does not start:\n{self._log_path.read_text()}"
        try:
            found = tuple(self._changes_of(life, writer, sent) for writer in range(WRITERS))
        finally:
            life.end()
        if -1 in found:
            return f"writer {found.index(-1)}'s keys never were like that"
        if found not in self._counts:
            return f"changes {found} of the writers, which is no moment's state"
        number = self._counts.index(found)
        return "" if promised <= number <= sent else f"{number} changes, {promised} were promised, {sent} made"

    def _changes_of(self, life: Life, writer: int, most: int) -> int:
        """The number of the writer's last change, -1 when its keys are not what they were after any."""
        state, model = state_of(writer, life.ask(reading(writer))), Model(writer)
        while model.state() != state:
            if model.number == most:
                return -1
            model.step()
        return model.number


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_power_loss(scenario: str, place: Path, long_form: bool) -> None:
    """At every record of what the disk was asked to do, in the short form at every one that is no write or sync."""
    records, sequence = record(scenario, place)
    judge = Judge(SCENARIOS[scenario][1], sequence, place)
    medium, random = Medium(), Random(11)
    promised = sent = states = 0
    plain_ones = 0
    for number, (what, about) in enumerate(records):
        if what in ("promised", "sent"):
            count = about[0]
            assert isinstance(count, int)
            promised, sent = (count, sent) if what == "promised" else (promised, count)
        else:
            medium.play((what, about))
        if what in ("write", "sync begins", "sync ends", "sent", "promised"):
            plain_ones += 1
            if not long_form and plain_ones % 8:
                continue
        fates: list[tuple[Random | None, bool]] = [(None, False), (None, True)]
        for chance, most in fates + [(random, False)] * (30 if long_form else 2):
            left = medium.left(chance, most)
            fault = judge.fault(left, promised, sent)
            sizes = {path: None if data is None else len(data) for path, data in left.items()}
            assert fault == "", f"after record {number}, {what} {str(about)[:100]}: {fault}\n{sizes}\n{place}"
            states += 1
    assert states > 50


def test_the_recording_is_whole(place: Path) -> None:
    """What is left when nothing is lost is what is there."""
    records, _ = record("always", place)
    medium = Medium()
    for each in records:
        if each[0] not in ("promised", "sent"):
            medium.play(each)
    there = {
        str(path.relative_to(place / "recorded")): path.read_bytes() if path.is_file() else None
        for path in (place / "recorded").rglob("*")
    }
    assert medium.left(None, True) == there


def test_a_log_that_is_not_synced_is_found_out(place: Path) -> None:
    """With appendfsync no, what was acknowledged may be gone: the replay has to say so."""
    records, sequence = record("everysec", place)
    judge = Judge(SCENARIOS["always"][1], sequence, place)
    medium = Medium()
    for each in records:
        if each[0] not in ("promised", "sent"):
            medium.play(each)
    assert "were promised" in judge.fault(medium.left(None, False), len(sequence), len(sequence))
