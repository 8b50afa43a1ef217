"""The README says what is: its generated table of commands is that of the declarations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.servers import respd_environment

ROOT = Path(__file__).parent.parent


def test_the_table_of_commands_is_current() -> None:
    words = [sys.executable, str(ROOT / "scripts" / "readme.py"), "--check"]
    checked = subprocess.run(words, cwd=ROOT, env=respd_environment(), capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr
