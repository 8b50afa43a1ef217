"""`python -m tests.harness`: run the cases of some files quickly against two servers, and print what differs."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path

from tests.harness import Case, Pair, Side
from tests.servers import Server, find_oracle, start_redis, start_respd
from tests.wire import BadReply

CASES_HOME = Path(__file__).parent / "cases"


def load_cases(path: Path) -> list[Case]:
    """The list `CASES` of a file."""
    spec = importlib.util.spec_from_file_location(f"tests.cases.{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    cases: list[Case] = module.CASES
    return cases


def _side(name: str, address: str | None, started: Server | None) -> Side:
    if started is not None:
        return Side(name, started.port)
    assert address is not None
    host, _, port = address.rpartition(":")
    return Side(name, int(port), host or "127.0.0.1")


def main() -> None:
    """Run cases from the command line; the exit status is 1 when something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="files with CASES (default: all in tests/cases)")
    parser.add_argument("--respd", metavar="HOST:PORT", help="a running respd (default: start one)")
    parser.add_argument("--redis", metavar="HOST:PORT", help="a running redis-server 8 (default: start one)")
    parser.add_argument("--redis-server", metavar="PATH", help="the redis-server to start")
    parser.add_argument("-k", metavar="TEXT", default="", help="only cases with this in their name")
    parser.add_argument("-x", action="store_true", help="stop at the first case that differs")
    options = parser.parse_args()

    servers: list[Server] = []
    respd = redis = None
    if not options.redis:
        program = find_oracle(options.redis_server)
        if program is None:
            sys.exit("no redis-server 8 found: name one with --redis-server or RESPD_TEST_REDIS")
        redis = start_redis(program)
        servers.append(redis)
    try:
        if not options.respd:
            respd = start_respd()
            servers.append(respd)
        pair = Pair(_side("respd", options.respd, respd), _side("redis", options.redis, redis))
        failed = run_files(pair, options.files or sorted(CASES_HOME.glob("[!_]*.py")), options.k, options.x)
        pair.close()
    finally:
        for server in servers:
            server.stop()
    sys.exit(1 if failed else 0)


def run_files(pair: Pair, files: list[Path], only: str, stop: bool) -> int:
    """Run the cases of files whose names contain `only`, print the differences, and return how many cases differ."""
    done = failed = 0
    begun = time.monotonic()
    for path in files:
        for one in load_cases(path):
            if only not in one.name:
                continue
            done += 1
            try:
                differences = pair.run(one)
            except (OSError, BadReply, AssertionError) as problem:
                differences = [f"{type(problem).__name__}: {problem}"]
            if differences:
                failed += 1
                print(f"--- {path.name}: {one.name}")
                for text in differences:
                    print("  " + text.replace("\n", "\n  "))
                if stop:
                    return failed
    print(f"{done} cases, {failed} differ, {time.monotonic() - begun:.1f} s")
    return failed
