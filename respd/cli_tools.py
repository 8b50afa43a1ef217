"""The tools that come with the server: `respd check-rdb`."""

from __future__ import annotations

import os
import sys
from typing import Final

import click

TOOLS: Final = ("check-rdb",)


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


def run_tool(words: list[str]) -> int:
    """Run `respd TOOL ...`; return the exit status."""
    try:
        return int(tools.main(words, prog_name="respd", standalone_mode=False) or 0)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return 1
