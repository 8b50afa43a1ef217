"""Kill a Redis-compatible server at random moments and check what it still knows: `python -m crashes --server COMMAND`.

Exit status 1 when a promise is broken; then the directory is kept, with the server's log. See crashes/README.md.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from crashes.harness import DURABILITIES, Harness, Report, make_target


def _print(report: Report, seconds: float) -> None:
    kills = ", ".join(f"{count} {moment}" for moment, count in sorted(report.kills.items()))
    click.echo(f"{report.durability}: {sum(report.kills.values())} kills in {seconds:.0f} s ({kills})")
    click.echo(f"  {report.acknowledged:,} writes acknowledged, {report.lost:,} of them lost", nl=False)
    click.echo(f", the oldest {report.lost_s:.2f} s before its kill" if report.lost else "")
    click.echo(f"  longest restart {report.restart_s * 1000:.0f} ms")
    for step, count in report.steps.most_common():
        click.echo(f"  {count:5} after {step}")
    for broken in report.broken:
        click.echo(f"  BROKEN: {broken}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.option("--server", required=True, metavar="COMMAND", help="How to start it; --port, --dir and others follow.")
@click.option("--kills", default=200, show_default=True, help="How often, for each durability.")
@click.option(
    "--durability", "durabilities", multiple=True, type=click.Choice(DURABILITIES), help="Which; default: each in turn."
)
@click.option("--option", "further", multiple=True, metavar="WORDS", help='More of its command line, "--hz 100".')
@click.option("--writers", default=4, show_default=True, help="Clients that write.")
@click.option("--keys", default=10_000, show_default=True, help="Further keys, which nobody touches.")
@click.option("--longest", default=80, show_default=True, help="Longest time that clients write in a round, in ms.")
@click.option("--seed", type=int, help="For the random choices; default: another each time.")
@click.option("--port", default=0, help="The server's port; default: a free one.")
def main(
    server: str,
    kills: int,
    durabilities: tuple[str, ...],
    further: tuple[str, ...],
    writers: int,
    keys: int,
    longest: int,
    seed: int | None,
    port: int,
) -> None:
    """Run each durability and say what was seen."""
    if shutil.which(shlex.split(server)[0]) is None:
        raise click.ClickException(f"{server} is not here")
    seed = time.time_ns() % 1_000_000 if seed is None else seed
    click.echo(f"{server}, seed {seed}")
    words = [word for option in further for word in shlex.split(option)]
    failed = False
    for durability in durabilities or DURABILITIES:
        directory = Path(tempfile.mkdtemp(prefix=f"crashes-{durability}-"))
        target = make_target(shlex.split(server), directory, durability, words, port)
        harness = Harness(target, durability, writers=writers, keys=keys, seed=seed, longest_s=longest / 1000)
        begun = time.monotonic()
        report = harness.run(kills)
        _print(report, time.monotonic() - begun)
        if report.broken:
            failed = True
            click.echo(f"  kept: {directory}")
        else:
            shutil.rmtree(directory)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
