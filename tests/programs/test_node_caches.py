"""Caches of node's clients on respd: ioredis with REDIRECT (RESP2) and what node-redis has built in (RESP3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.programs.npm import installed
from tests.programs.processes import Workers

COMMON = ["hits", "changes", "own", "expiry", "flush", "reconnect"]
LIBRARIES = {
    "ioredis@5": ("ioredis_cache.cjs", [*COMMON, "broadcast", "quiet", "chosen"]),
    "redis@5": ("node_redis_cache.cjs", [*COMMON, "reads", "pool"]),
}
CASES = [(package, scenario) for package, (_, scenarios) in LIBRARIES.items() for scenario in scenarios]


@pytest.mark.parametrize("package, scenario", CASES)
def test_a_cache_of_node(workers: Workers, package: str, scenario: str) -> None:
    """One scenario of caches.cjs, or of the library's own program."""
    program = str(Path(__file__).parent / LIBRARIES[package][0])
    words = ["node", program, workers.broker, scenario, f"{PATIENCE:g}"]
    player = workers.run(*words, ready="", environment={"NODE_PATH": installed(package)})
    assert player.process.wait(2 * PATIENCE) == 0, player.log
