"""Packages of npm for the programs under test: installed once, in the cache of the user."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def installed(package: str) -> str:
    """Where `package` (as in "bullmq@5") is installed, for NODE_PATH; the test is skipped where it cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node, or no npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "respd-tests", package)
    if not (cache / "node_modules" / package.rpartition("@")[0]).exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh = tempfile.mkdtemp(dir=cache.parent)
        words = ["npm", "install", "--prefix", fresh, "--ignore-scripts", "--no-audit", "--no-fund", package]
        try:
            subprocess.run([*words, "--fetch-retries", "1"], check=True, capture_output=True, timeout=60)
            os.rename(fresh, cache)  # all of it or nothing, also when others do the same
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(fresh, ignore_errors=True)
            if not cache.exists():
                pytest.skip(f"{package} cannot be installed: {error}")
    return str(cache / "node_modules")
