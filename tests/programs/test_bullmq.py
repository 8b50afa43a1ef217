"""BullMQ on respd: scripts that use cjson, cmsgpack and struct, streams of events, and workers that are killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.programs.npm import installed
from tests.programs.processes import Worker, Workers

PACKAGE = "bullmq@5"
PROGRAM = str(Path(__file__).parent / "bullmq.cjs")
SCENARIOS = ["results", "failures", "delays", "priorities", "flows", "schedules", "limits", "cleaning"]


@pytest.fixture(scope="module")
def node() -> str:
    """Where BullMQ is installed."""
    return installed(PACKAGE)


def _start(workers: Workers, node: str, *words: str, ready: str = "") -> Worker:
    return workers.run("node", PROGRAM, *words, ready=ready, environment={"NODE_PATH": node})


def _finish(player: Worker) -> None:
    assert player.process.wait(PATIENCE) == 0, player.log


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_bullmq(workers: Workers, node: str, scenario: str) -> None:
    """One scenario of bullmq.cjs with one worker process, which ends in peace."""
    worker = _start(workers, node, "work", workers.broker, ready="ready")
    _finish(_start(workers, node, "play", workers.broker, scenario))
    assert worker.terminate() == 0, worker.log
    assert "error" not in worker.log, worker.log


def test_jobs_of_a_killed_worker_are_done_by_another(workers: Workers, node: str) -> None:
    """Their locks are no longer renewed: they are found to have stalled, and run again."""
    victim = _start(workers, node, "work", workers.broker, ready="ready")
    player = _start(workers, node, "play", workers.broker, "stalled")
    victim.says("hangs", times=3)
    victim.kill()
    _start(workers, node, "work", workers.broker, ready="ready")
    _finish(player)
