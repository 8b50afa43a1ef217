"""The operator's page: its commands are run as they stand there, and answer what is written behind them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crashes.ports import free_port
from tests.servers import respd_command, respd_environment

PAGE = Path(__file__).parent.parent / "docs" / "operating.md"
PORTS = ("6379", "6380", "9121")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"\s{2,}# (.+)$")
_HEREDOC = re.compile(r"<<'(\w+)'$")

# As a person would, who looks whether the server is there before going on.
_WAIT = r"""
started() {
    SERVERS="$SERVERS $!"
    tries=0
    until grep -qs 'Ready to accept connections' respd.out respd.log; do
        tries=$((tries + 1))
        if [ $tries -gt 1200 ] || ! kill -0 $!; then cat respd.out respd.log; exit 9; fi
        sleep 0.05
    done
}
trap 'kill $SERVERS 2>/dev/null; wait' EXIT
"""

pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("sh", "openssl", "redis-cli", "curl")),
    reason="the page needs openssl, redis-cli and curl",
)


def sections() -> dict[str, list[tuple[str, str]]]:
    """The blocks of code of each section, with their languages, where there are commands among them."""
    found = {}
    for part in PAGE.read_text().split("\n## ")[1:]:
        blocks = _BLOCK.findall(part)
        if any(language in ("sh", "python") for language, _ in blocks):
            found[part.partition("\n")[0]] = blocks
    return found


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a block of shell, each with what it is to answer, or nothing."""
    found: list[tuple[str, str]] = []
    lines = iter(block.splitlines())
    for line in lines:
        if not line:
            continue
        expected = _EXPECTED.search(line)
        command = line[: expected.start()] if expected else line
        heredoc = _HEREDOC.search(command)
        while heredoc is not None and not command.endswith(f"\n{heredoc[1]}"):
            command += "\n" + next(lines)
        found.append((command, expected[1] if expected else ""))
    return found


def script(blocks: list[tuple[str, str]], folder: Path) -> tuple[str, list[tuple[str, list[str]]]]:
    """A script that runs the blocks, saying `@@@` after each step; and the steps, with what they are to answer."""
    text = _WAIT
    steps: list[tuple[str, list[str]]] = []
    for language, block in blocks:
        if language == "python":
            file = folder / f"block{len(steps)}.py"
            file.write_text(block)
            text += f"{shlex.quote(sys.executable)} {file.name}\necho @@@\n"
            steps.append((block, re.findall(r"\s{2,}# (.+)$", block, re.MULTILINE)))
        elif language == "sh":
            for command, expected in commands(block):
                text += "export RAW=1\n" if "|" in command else "unset RAW\n"
                text += command.removesuffix("&") + ">respd.out 2>&1 &\nstarted\n" if command.endswith("&") else command
                text += "\necho @@@\n"
                steps.append((command, [expected] if expected else []))
    return text, steps


def tools(folder: Path, port: int) -> Path:
    """A folder of programs: respd as it is tested, and a redis-cli that writes as if to a terminal, with our port."""
    folder.mkdir()
    respd = folder / "respd"
    respd.write_text(f'#!/bin/sh\nexec {shlex.join(respd_command())} "$@"\n')
    cli = folder / "redis-cli"
    real = shutil.which("redis-cli")
    cli.write_text(f'#!/bin/sh\n[ -n "$RAW" ] || set -- --no-raw "$@"\nexec {real} -p {port} "$@"\n')
    respd.chmod(0o755)
    cli.chmod(0o755)
    return folder


def run(blocks: list[tuple[str, str]], home: Path) -> tuple[str, list[tuple[str, list[str]]]]:
    """Run the blocks in a folder of its own, with ports that are free; what was printed, and the steps."""
    home.mkdir()
    ports = {number: str(free_port()) for number in PORTS}
    for number, port in ports.items():
        blocks = [(language, block.replace(number, port)) for language, block in blocks]
    programs = tools(home / "programs", int(ports[PORTS[0]]))
    folder = home / "work"
    folder.mkdir()
    text, steps = script(blocks, folder)
    environment = {**respd_environment(), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    running = subprocess.Popen(
        ["sh"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        return running.communicate(text, timeout=100)[0], steps
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


@pytest.mark.parametrize("title", sections())
def test_section(title: str, tmp_path: Path) -> None:
    for attempt in range(3):
        output, steps = run(sections()[title], tmp_path / str(attempt))
        if "Failed listening" not in output:  # else someone else took the port meanwhile
            break
    answers = output.split("@@@\n")
    for (command, expected), answer in zip(steps, answers):
        assert [each for each in expected if each not in answer] == [], f"{command}\nanswers\n{answer}"
    assert len(answers) == len(steps) + 1, output


def test_the_page_has_what_it_promises() -> None:
    assert set(sections()) == {"TLS", "Users", "Memory", "Metrics and logs", "Files, and a service"}
    assert "docs/operating.md" in (PAGE.parent.parent / "README.md").read_text()
    steps = [step for blocks in sections().values() for _, block in blocks for step in commands(block)]
    assert sum(bool(expected) for _, expected in steps) > 40
