"""BullMQ on respd: scripts that use cjson, cmsgpack and struct, streams of events, and workers that are killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.programs.processes import Worker, Workers

PACKAGE = "bullmq@5"
PROGRAM = str(Path(__file__).parent / "bullmq.cjs")
SCENARIOS = ["results", "failures", "delays", "priorities", "flows", "schedules", "limits", "cleaning"]


@pytest.fixture(scope="module")
def node() -> str:
    """Where BullMQ is installed: once, in the cache of the user."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node, or no npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "respd-tests", PACKAGE)
    if not (cache / "node_modules" / "bullmq").exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh = tempfile.mkdtemp(dir=cache.parent)
        words = ["npm", "install", "--prefix", fresh, "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
        try:
            subprocess.run([*words, "--fetch-retries", "1"], check=True, capture_output=True, timeout=60)
            os.rename(fresh, cache)  # all of it or nothing, also when others do the same
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(fresh, ignore_errors=True)
            if not cache.exists():
                pytest.skip(f"BullMQ cannot be installed: {error}")
    return str(cache / "node_modules")


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
