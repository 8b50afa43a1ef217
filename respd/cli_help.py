"""The text of `respd --help`: how to call it, and the directives that people use, taken from the table."""

from typing import Final

import click

from respd.directive_kinds import Bool, Choice, Memory
from respd.directives import DIRECTIVES, Directive

_INTRODUCTION: Final = """A Redis server in Python. Give it a redis.conf, or - to read one from standard input.

Every directive of redis.conf is an option; later ones win, and options win over the file. A value may be several words
or one in quotes: --save "900 1", "--port 6380", --bind 127.0.0.1 -::1."""

_END: Final = """Further directives of redis.conf are accepted; docs/directives.md tells which have no effect.

Examples:

\b
  respd
  respd /etc/redis/redis.conf --port 6380
  echo 'timeout 60' | respd -
  respd check-rdb dump.rdb"""


def help_text() -> str:
    """Return the help, laid out by click for the width of the terminal."""
    options: list[click.Parameter] = [
        click.Option(["-h", "--help"], is_flag=True, help="show this text"),
        click.Option(["-v", "--version"], is_flag=True, help="show the version"),
    ]
    for directive in DIRECTIVES:
        if directive.is_in_force():
            name = "--" + directive.name.decode()
            options.append(click.Option([name], metavar=_metavar(directive), help=_summary(directive)))
    command = click.Command("respd", params=options, help=_INTRODUCTION, epilog=_END, add_help_option=False)
    command.options_metavar = "[CONFIG-FILE | -] [--directive value ...]"
    return command.get_help(click.Context(command, info_name="respd", max_content_width=110))


def _metavar(directive: Directive) -> str:
    kind = directive.kind
    if isinstance(kind, Bool):
        return "yes|no"
    if isinstance(kind, Choice) and len(kind.words) < 4:
        return b"|".join(kind.words).decode()
    if isinstance(kind, Memory):
        return "BYTES"
    return "VALUE"


def _summary(directive: Directive) -> str:
    default = directive.kind.show(directive.default).decode()
    return f"{directive.summary} [{default}]" if default and len(default) < 40 else directive.summary
