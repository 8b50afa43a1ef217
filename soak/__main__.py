"""Mixed load for a long time on a Redis-compatible server, and what must stay as it was: `python -m soak`.

Exit status 1 when a limit is passed; then the server's directory is kept, with its log. See soak/README.md.
"""

from __future__ import annotations

import shlex
import sys

import click

from benchmarks.contestants import commit, end_on_sigterm, machine, now, own_respd
from soak.harness import Limits, Soak, SoakReport


def _print(report: SoakReport) -> None:
    for line in report.lines:
        click.echo(line)
    for failure in report.failures:
        click.echo(f"FAILED: {failure}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.option(
    "--server", default=own_respd(), metavar="COMMAND", help="How to start it; default: the source beside us."
)
@click.option("--minutes", default=30.0, show_default=True, help="How long the load lasts.")
@click.option("--rate", default=200.0, show_default=True, help="Steps of the load a second, a few commands each.")
@click.option("--processes", default=2, show_default=True, help="Processes that load, nine threads each.")
@click.option("--room", default=24, show_default=True, help="MB that the data may take before keys are evicted.")
@click.option("--stall", default=Limits().stall_ms, show_default=True, help="Longest wait for a reply, ms.")
@click.option("--growth", default=Limits().growth_percent, show_default=True, help="Growth of memory, %.")
@click.option("--seed", default=1, show_default=True, help="For the random choices.")
@click.option("--option", "further", multiple=True, metavar="WORDS", help='More of its command line, "--hz 100".')
def main(
    server: str,
    minutes: float,
    rate: float,
    processes: int,
    room: int,
    stall: float,
    growth: float,
    seed: int,
    further: tuple[str, ...],
) -> None:
    """Run, and say what was seen."""
    end_on_sigterm()
    click.echo(f"{server}: {minutes:g} minutes, {machine()}, {now()}, commit {commit()}")
    options = [word for option in further for word in shlex.split(option)]
    soak = Soak(server, minutes * 60, rate, processes, room, seed, options, Limits(stall, growth))
    report = soak.run(click.echo)
    _print(report)
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
