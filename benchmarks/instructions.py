"""Guard the cost of commands: `python -m benchmarks.instructions --check benchmarks/instructions.json`.

Seconds depend on what else a machine does, instructions do not. This counts, under valgrind's callgrind, the
instructions that the compiled respd runs outside the kernel for each of a fixed set of commands (see
benchmarks/instruction_script.py), and fails when one takes more than 10 % more than the committed baseline.
Counts repeat to within one percent on one machine: neither load, nor hash seeds, nor the environment (a fixed
one is handed down) matter. They depend on Python's own build and on the C library, and hardly on the processor (the
library picks its string functions by it; the fastest of them are switched off here). So a baseline serves for one
Python and one C library; under others this program fails and says how to get a baseline for them, rather than guess.
Measured: from Python 3.11 to 3.12 the counts of respd's commands grow by 10 to 33 %. What respd itself is built with is
part of what respd costs and compared as it is: gcc 11 in place of gcc 12 makes less than 2 %.

Renew the baseline with --write when a change is meant, and say so in the changelog.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import geometric_mean

import click

SCRIPT = Path(__file__).with_name("instruction_script.py")
MARKS = ("--zero-before=getppid", "--dump-before=getpgrp")
PLAIN_FUNCTIONS = "glibc.cpu.hwcaps=-AVX2,-AVX512VL,-AVX512F,-ERMS,-FSRM,-RTM"
SECONDS = 3600  # for a machine as busy as may be
COMPARABLE = ("python", "libc", "machine")  # what must be the same for counts to be compared
FIND_COMPILER = """
import re, sys
from pathlib import Path
import respd
for library in Path(respd.__file__).parent.parent.glob("respd__mypyc.*"):
    found = re.search(rb"GCC: \\([^)]*\\) [\\d.]+|clang version [\\d.]+", library.read_bytes())
    print(found[0].decode() if found else "unknown")
"""

RENEW = "If that is meant, renew the baseline with --write and say why in the changelog."
OTHER_TOOLS = """the counts of this Python cannot be compared with that baseline.
With these tools, install respd as it was when {0} was last written
(git log -1 --format=%h -- {0}), make a baseline from it:
  python -m benchmarks.instructions --write other.json
then install today's and check it: python -m benchmarks.instructions --check other.json.
If these tools are here to stay, commit that baseline in the old one's place."""


class Uncounted(click.ClickException):
    """The commands could not be counted."""


@dataclass(frozen=True)
class Change:
    """A command with its instructions before and now; `before` is 0 when the baseline does not have it."""

    name: str
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """How many times as many instructions it takes now."""
        return self.now / self.before if self.before else 1.0


def parse_run(output: str, folder: Path) -> dict[str, float]:
    """Instructions per operation by command, from what the script printed and callgrind's files beside it."""
    build, *lines = output.splitlines()
    if build != "compiled":
        raise Uncounted(f"the respd that {sys.executable} imports is {build}: install the compiled one to count it")
    counts = {}
    for number, line in enumerate(lines, 1):
        times, _, name = line.partition(" ")
        found = re.search(r"^summary: (\d+)", Path(folder, f"counted.{number}").read_text(), re.MULTILINE)
        if found is None:
            raise Uncounted(f"callgrind counted nothing for {name}")
        counts[name] = round(int(found[1]) / int(times), 1)
    return counts


def count(names: tuple[str, ...] = ()) -> dict[str, float]:
    """Run the script under callgrind; return instructions per operation by command."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        words = [shutil.which("valgrind") or "valgrind", "--tool=callgrind"]
        words += [f"--callgrind-out-file={folder}/counted", *MARKS, sys.executable, "-P", str(SCRIPT), *names]
        done = subprocess.run(
            words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode != 0:
            raise Uncounted(f"valgrind failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
        return parse_run(done.stdout, Path(folder))


def environment() -> dict[str, str]:
    """The environment of what is counted: always the same, for Python reads it and its size moves the stack."""
    fixed = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "GLIBC_TUNABLES": PLAIN_FUNCTIONS}
    given = {name: os.environ[name] for name in ("PYTHONPATH", "LD_LIBRARY_PATH") if os.environ.get(name)}
    return {**fixed, **given}


def made_with() -> dict[str, str]:
    """What the counts depend on: Python and the C library, and what built the respd that is counted."""
    optimized = "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS"))
    words = [sys.executable, "-P", "-c", FIND_COMPILER]
    try:
        mypy = metadata.version("mypy")
    except metadata.PackageNotFoundError:
        mypy = "unknown"
    return {
        "python": f"{platform.python_version()}{' optimized' if optimized else ''}, {platform.python_compiler()}",
        "libc": " ".join(platform.libc_ver()),
        "machine": platform.machine(),
        "compiler": subprocess.run(words, cwd="/", capture_output=True, text=True, timeout=60).stdout.strip(),
        "mypy": mypy,
    }


def same_tools(then: dict[str, str], now: dict[str, str]) -> bool:
    """Whether counts made with one set of tools may be compared with those of the other; say what differs."""
    for name in sorted(now.keys() | then.keys()):
        if then.get(name) != now.get(name):
            click.echo(f"note: the baseline was made with {name} {then.get(name)}, this is {now.get(name)}")
    return all(then.get(name) == now.get(name) for name in COMPARABLE)


def changes(baseline: dict[str, float], counts: dict[str, float]) -> list[Change]:
    """Each command that was counted beside its baseline."""
    return [Change(name, baseline.get(name, 0.0), now) for name, now in counts.items()]


def as_text(found: list[Change], tolerance: float) -> str:
    """The table, worst marked."""
    lines = [f"{'instructions an operation':<28} {'baseline':>9} {'now':>9} {'change':>8}"]
    for one in found:
        if not one.before:
            lines.append(f"{one.name:<28} {'-':>9} {one.now:>9.0f}      new")
            continue
        mark = "  WORSE" if one.ratio > 1 + tolerance else "  better" if one.ratio < 1 - tolerance else ""
        lines.append(f"{one.name:<28} {one.before:>9.0f} {one.now:>9.0f} {(one.ratio - 1) * 100:>+7.1f}%{mark}")
    known = [one.ratio for one in found if one.before]
    if known:
        lines.append(f"{'mean':<48} {(geometric_mean(known) - 1) * 100:>+7.1f}%")
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.option("--check", "check", type=click.Path(path_type=Path, exists=True), help="Compare with this baseline.")
@click.option("--write", "write", type=click.Path(path_type=Path), help="Write the baseline here.")
@click.option("--only", multiple=True, metavar="NAME", help="Count only these commands.")
@click.option("--tolerance", type=float, default=0.10, show_default=True, help="How much worse is still well.")
def main(check: Path | None, write: Path | None, only: tuple[str, ...], tolerance: float) -> None:
    """Count, compare, write; the exit status is 1 when something has become worse."""
    if shutil.which("valgrind") is None:
        click.echo("SKIPPED: instructions are not counted, for valgrind is not here (on Debian: apt install valgrind)")
        return
    started = time.monotonic()
    baseline: dict[str, float] = {}
    here = made_with()
    if check is not None:
        document = json.loads(check.read_text())
        if not same_tools(document["made_with"], here):
            raise click.ClickException(OTHER_TOOLS.format(check))
        baseline = document["instructions"]
    counts = count(only)
    found = changes(baseline, counts)
    click.echo(as_text(found, tolerance))
    click.echo(f"counted in {time.monotonic() - started:.0f} s")
    if write is not None:
        write.write_text(json.dumps({"made_with": here, "instructions": counts}, indent=1) + "\n")
    worse = [one.name for one in found if one.ratio > 1 + tolerance]
    gone = [] if only else sorted(baseline.keys() - counts.keys())
    reasons = []
    if worse:
        reasons.append(f"more than {tolerance * 100:.0f} % worse than the baseline: {', '.join(worse)}")
    if gone:
        reasons.append(f"in the baseline, but no longer counted: {', '.join(gone)}")
    if reasons:
        raise click.ClickException(f"{'; '.join(reasons)}. {RENEW}")


if __name__ == "__main__":
    main()
