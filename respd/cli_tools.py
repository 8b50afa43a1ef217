"""The tools that come with the server: `respd check-rdb` and `respd check-aof`."""

from __future__ import annotations

import os
import sys
from typing import Final

import click

TOOLS: Final = ("check-rdb", "check-aof")


@click.group(name="respd", add_help_option=False)
def tools() -> None:
    """Tools for the server's files."""


@tools.command("check-rdb")
@click.argument("path", metavar="FILE", type=click.Path())
def check_rdb(path: str) -> int:
    """Tell whether an RDB file is sound. The exit status is 0 if it is, else 1."""
    from respd.check_rdb import RdbCheck

    print(f"[offset 0] Checking RDB file {path}", flush=True)
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            with click.progressbar(length=size, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
                return RdbCheck(print).run(file.read, bar.update)
    except OSError as error:
        print(f"Cannot open the file {path}: {error.strerror}", file=sys.stderr)
        return 1


@tools.command("check-aof")
@click.option("--fix", "fixes", is_flag=True, help="Cut off what is damaged at the end, after asking.")
@click.option(
    "--truncate-to-timestamp", "until_s", type=click.IntRange(0), help="Cut off what was logged after this second."
)
@click.argument("path", metavar="FILE", type=click.Path())
def check_aof(path: str, fixes: bool, until_s: int | None) -> int:
    """Tell whether an append-only file is sound: FILE is its manifest, or a single file.

    The exit status is 0 if it is, or has been made so, else 1.
    """
    from respd.check_aof import AofCheck
    from respd.persistence.disk import Disk

    if fixes and until_s is not None:
        raise click.UsageError("--fix and --truncate-to-timestamp exclude each other")
    size = _size_of_all(path)
    with click.progressbar(length=size, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        check = AofCheck(Disk(), print, click.confirm, bar.update, fixes, -1 if until_s is None else until_s)
        return check.run(path)


def _size_of_all(path: str) -> int:
    """Return the size of a file, or of the directory of a manifest, for the progress bar."""
    try:
        if not path.endswith(".manifest"):
            return os.path.getsize(path)
        with os.scandir(os.path.dirname(path) or ".") as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())
    except OSError:
        return 0


def run_tool(words: list[str]) -> int:
    """Run `respd TOOL ...`; return the exit status."""
    try:
        return int(tools.main(words, prog_name="respd", standalone_mode=False) or 0)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return 1
