"""Guard the cost of commands: `python -m benchmarks.instructions --check benchmarks/instructions.json`.

Seconds depend on what else a machine does, instructions do not. This counts, under valgrind's callgrind, the
instructions that the compiled respd runs outside the kernel for each of a fixed set of commands (see
benchmarks/instruction_script.py), and fails when one takes more than 10 % more than the committed baseline.
Counts repeat to the last digit on one machine. They depend on the C compiler, on Python's own build, on the C library
and a little on the processor (the library picks its string functions by it; the fastest of them are switched off here).
The baseline says what it was made with; renew it with --write, and say so in the changelog.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

import click

SCRIPT = Path(__file__).with_name("instruction_script.py")
MARKS = ("--zero-before=getppid", "--dump-before=getpgrp")
PLAIN_FUNCTIONS = "glibc.cpu.hwcaps=-AVX2,-AVX512VL,-AVX512F,-ERMS,-FSRM,-RTM"
SECONDS = 900


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
    with tempfile.TemporaryDirectory() as folder:
        words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/counted", *MARKS]
        words += [sys.executable, "-P", str(SCRIPT), *names]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "GLIBC_TUNABLES": PLAIN_FUNCTIONS}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode != 0:
            raise Uncounted(f"valgrind failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
        return parse_run(done.stdout, Path(folder))


def made_with() -> dict[str, str]:
    """What the counts depend on."""
    compiler = shutil.which("cc") or "cc"
    try:
        cc = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, timeout=20).stdout.strip()
    except OSError:
        cc = "none"
    return {
        "python": platform.python_version(),
        "libc": " ".join(platform.libc_ver()),
        "cc": cc,
        "machine": platform.machine(),
    }


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
    counts = count(only)
    baseline: dict[str, float] = {}
    here = made_with()
    if check is not None:
        document = json.loads(check.read_text())
        baseline = document["instructions"]
        if document["made_with"] != here:
            click.echo(f"note: the baseline was made with {document['made_with']}, this is {here}")
    found = changes(baseline, counts)
    click.echo(as_text(found, tolerance))
    click.echo(f"counted in {time.monotonic() - started:.0f} s")
    if write is not None:
        write.write_text(json.dumps({"made_with": here, "instructions": counts}, indent=1) + "\n")
    gone = [] if only else sorted(baseline.keys() - counts.keys())
    if gone:
        click.echo(f"in the baseline, but no longer counted: {', '.join(gone)}")
    worse = [one.name for one in found if one.ratio > 1 + tolerance]
    if worse:
        raise click.ClickException(
            f"more than {tolerance * 100:.0f} % worse than the baseline: {', '.join(worse)}. If that is meant, renew "
            f"the baseline with --write and say why in the changelog."
        )


if __name__ == "__main__":
    main()
