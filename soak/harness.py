"""A soak: a server with everything switched on, processes that load it, and the verdict on what was seen."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contestants import own_respd
from crashes.ports import free_port
from soak.load import GRACE_S
from soak.watch import Pinger, Sample, Watcher, slope
from tests.servers import Server, respd_environment

HOME = Path(__file__).parent.parent
MB = 1024 * 1024
_SETTLING_S = 20.0
_SAMPLES = 600
_WARM_UP = 0.4  # of the time, before memory is looked at
_LESS_ROOM = 3  # times the growth that is allowed: the keys are of random sizes


@dataclass(frozen=True)
class Limits:
    """What is still well: the longest wait for a reply, and the growth of the resident size after the warm-up."""

    stall_ms: float = 100.0
    growth_percent: float = 5.0


@dataclass
class SoakReport:
    """What was seen, and what was not as it should be."""

    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def limit(self, holds: bool, text: str) -> None:
        """Say what was seen, and whether it is within its limit."""
        self.lines.append(text)
        if not holds:
            self.failures.append(text)


class Soak:
    """One run."""

    def __init__(
        self,
        command: str,
        seconds: float,
        rate: float,
        processes: int,
        room_mb: int,
        seed: int,
        options: list[str],
        limits: Limits,
    ) -> None:
        self.command = command
        self.seconds = seconds
        self.rate = rate
        self.processes = processes
        self.room_mb = room_mb
        self.seed = seed
        self.options = options
        self.limits = limits
        self.report = SoakReport()

    def run(self, say: Callable[[str], None]) -> SoakReport:
        """Start the server and the load, watch, and judge; `say` gets a line now and then."""
        directory = Path(tempfile.mkdtemp(prefix="soak-"))
        server: Server | None = None
        try:
            tls_port, tls = _tls(directory)
            words = shlex.split(self.command)
            environment = respd_environment() if self.command == own_respd() else None
            options = ("--save", "", "--appendonly", "yes", "--latency-monitor-threshold", "20", *tls, *self.options)
            server = Server(words, options, environment=environment)
            self._soak(server, tls_port, directory / "ca.crt", say)
            if self.report.failures:
                kept = Path(tempfile.mkstemp(prefix="soak-", suffix=".log")[1])
                shutil.copy(server.log_path, kept)
                self.report.lines.append(f"the server's log: {kept}")
        finally:
            if server is not None:
                server.stop()
            shutil.rmtree(directory, ignore_errors=True)
        return self.report

    def _soak(self, server: Server, tls_port: int, ca: Path, say: Callable[[str], None]) -> None:
        watcher, pinger = Watcher(server), Pinger(server)
        watcher.connection.ask("EVAL", "return cjson.encode({1})", 0)  # what is loaded at its first use is there now
        before = watcher.sample()
        room = before.used + self.room_mb * MB
        watcher.connection.ask("CONFIG", "SET", "maxmemory", room, "maxmemory-policy", "allkeys-lru")
        cpu_before_s = server.cpu_s()
        processes = [self._start_load(server.port, tls_port, ca, number) for number in range(self.processes)]
        watcher.begin()
        pinger.start()
        try:
            self._watch(watcher, processes, say)
            found = [process.communicate(timeout=60)[0] for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()
        cpu_s = server.cpu_s() - cpu_before_s
        pinger.stop()
        self._judge_findings(found)
        self._judge_samples(server, pinger, cpu_s)
        self._judge_rest(watcher, before)
        watcher.connection.close()

    def _start_load(self, port: int, tls_port: int, ca: Path, number: int) -> subprocess.Popen[bytes]:
        settings = {
            "port": port, "tls_port": tls_port, "ca": str(ca), "rate": self.rate / self.processes,
            "seconds": self.seconds, "number": number, "seed": self.seed,
        }  # fmt: skip
        words = [sys.executable, "-m", "soak.load", json.dumps(settings)]
        return subprocess.Popen(words, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _watch(self, watcher: Watcher, processes: list[subprocess.Popen[bytes]], say: Callable[[str], None]) -> None:
        """Take samples until the load ends; save and rewrite now and then."""
        every_s = max(0.1, self.seconds / _SAMPLES)
        rewrite_every_s = max(1.0, min(60.0, self.seconds / 6))
        say_every_s = max(10.0, self.seconds / 30)
        next_rewrite_s, next_said_s, rewrites = rewrite_every_s, 0.0, 0
        while any(process.poll() is None for process in processes):
            time.sleep(every_s)
            sample = watcher.sample()
            self.report.samples.append(sample)
            if sample.at_s >= next_rewrite_s:
                next_rewrite_s += rewrite_every_s
                rewrites += 1
                watcher.connection.ask(
                    "BGREWRITEAOF" if rewrites % 2 else "BGSAVE"
                )  # may be told that one is under way
            if sample.at_s >= next_said_s:
                next_said_s += say_every_s
                say(
                    f"{sample.at_s:6.0f} s: resident {sample.resident / MB:.1f} MB, used {sample.used / MB:.1f} MB,"
                    f" {sample.descriptors} descriptors, {sample.clients} clients ({sample.blocked} blocked),"
                    f" {sample.keys:,} keys, {sample.evicted:,} evicted, {sample.expired:,} expired"
                )

    def _judge_findings(self, found: list[bytes]) -> None:
        """What the load saw itself."""
        report, vanished, wrong = self.report, 0, 0
        for number, text in enumerate(found):
            if not text:
                report.failures.append(f"process {number} of the load broke off")
                continue
            findings = json.loads(text)
            report.done.update(findings["done"])
            vanished += findings["vanished"]
            wrong += findings["done"].get("wrong", 0)
            report.failures += findings["wrong"]
        report.lines.append(", ".join(f"{count:,} {name}" for name, count in sorted(report.done.items())))
        evicted = report.samples[-1].evicted if report.samples else 0
        report.limit(wrong == 0, f"{wrong} answers were wrong, lost, late, or out of their order")
        report.limit(vanished <= evicted, f"{vanished} checked keys vanished; {evicted:,} keys were evicted")
        report.limit(report.done["checked steps"] > 0, f"{report.done['checked steps']:,} values were what was written")
        report.limit(
            report.done["expired"] > 0, f"{report.done['expired']:,} keys were gone {GRACE_S:g} s after their TTL"
        )

    def _judge_samples(self, server: Server, pinger: Pinger, cpu_s: float) -> None:
        """Memory after the warm-up, and the longest wait."""
        report = self.report
        full_s = next((sample.at_s for sample in report.samples if sample.evicted), self.seconds)
        late = [sample for sample in report.samples if sample.at_s >= max(full_s, self.seconds * _WARM_UP)]
        for name, points in (
            ("resident size", [(sample.at_s, sample.resident / MB) for sample in late]),
            ("used memory", [(sample.at_s, sample.used / MB) for sample in late]),
        ):
            mean, growth = _trend(points)
            report.limit(
                growth <= self.limits.growth_percent,
                f"{name}: {mean:.1f} MB, {growth:+.1f} % over the last {_span_s(points):.0f} s"
                f" ({slope(points) * 3600:+.2f} MB an hour)",
            )
        if full_s >= self.seconds:
            report.lines.append("the memory was never full: how it grew was not judged")
        # What leaks takes room from the data while the limit holds.
        mean, growth = _trend([(sample.at_s, float(sample.keys)) for sample in late])
        report.limit(growth >= -_LESS_ROOM * self.limits.growth_percent, f"room for {mean:,.0f} keys, {growth:+.1f} %")
        most = max((sample.descriptors for sample in report.samples), default=0)
        report.lines.append(
            f"at most {most} descriptors; {100 * cpu_s / self.seconds:.0f} % of a processor for the server"
        )
        report.limit(not pinger.failed, f"{pinger.count:,} pings answered {pinger.failed}".rstrip())
        report.limit(
            pinger.longest_s * 1000 <= self.limits.stall_ms,
            f"longest wait for a PONG {pinger.longest_s * 1000:.0f} ms, at {pinger.longest_at_s:.0f} s"
            f" (with waits for a processor {pinger.longest_as_seen_s * 1000:.0f} ms)",
        )
        with server.connect() as connection:
            latest = connection.ask("LATENCY LATEST")
        if isinstance(latest, list):
            events = ", ".join(f"{event[0].decode()} {event[3]} ms" for event in latest)
            report.lines.append(f"the server's own longest: {events or 'nothing over 20 ms'}")

    def _judge_rest(self, watcher: Watcher, before: Sample) -> None:
        """After the load: nobody is left, nothing is open, what had a TTL is gone, and memory is free again."""
        report = self.report
        end = time.monotonic() + _SETTLING_S
        while True:
            after = watcher.sample()
            is_done = (
                after.clients == 1 and after.blocked == 0 and after.descriptors < before.descriptors
            ) and not any(self._size(watcher, 1 + number) for number in range(self.processes))
            if is_done or time.monotonic() > end:
                break
            time.sleep(0.1)
        report.limit(after.clients == 1, f"{after.clients - 1} clients left")  # the watcher's own does not count
        report.limit(after.blocked == 0, f"{after.blocked} of them blocked")
        left = after.descriptors - (before.descriptors - 1)  # the pinger's has gone
        report.limit(left <= 0, f"{max(left, 0)} descriptors left")
        sizes = [self._size(watcher, 1 + number) for number in range(self.processes)]
        report.limit(not any(sizes), f"{sum(sizes)} keys left whose TTL has passed")
        watcher.connection.ask("SELECT", 0)
        watcher.connection.ask("FLUSHALL")
        watcher.connection.ask("SCRIPT FLUSH")
        watcher.connection.ask("MEMORY PURGE")
        empty = watcher.sample()
        report.lines.append(
            f"empty again: resident {empty.resident / MB:.1f} MB, used {empty.used / MB:.1f} MB;"
            f" at the start {before.resident / MB:.1f} and {before.used / MB:.1f} MB"
        )

    @staticmethod
    def _size(watcher: Watcher, database: int) -> int:
        watcher.connection.ask("SELECT", database)
        size = watcher.connection.ask("DBSIZE")
        assert isinstance(size, int)
        return size


def _span_s(points: list[tuple[float, float]]) -> float:
    return points[-1][0] - points[0][0] if points else 0.0


def _trend(points: list[tuple[float, float]]) -> tuple[float, float]:
    """The mean, and by how many percent of it the line that fits best rises from the first point to the last."""
    mean = sum(y for _, y in points) / max(1, len(points))
    return mean, 100 * slope(points) * _span_s(points) / mean if mean else 0.0


def _tls(directory: Path) -> tuple[int, list[str]]:
    """A port for TLS and the server's options for it, with a certificate of openssl; none where it is missing."""
    if shutil.which("openssl") is None:
        return 0, []
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for words in (
        ["req", "-x509", *key, "-days", "3", "-subj", "/CN=soak", "-keyout", "ca.key", "-out", "ca.crt"],
        ["req", *key, "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr"],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3",
         "-out", "server.crt", "-extfile", "names"],
    ):  # fmt: skip
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=60)
    port = free_port()
    files = {name: str(directory / f"{name}") for name in ("server.crt", "server.key", "ca.crt")}
    return port, [
        "--tls-port", str(port), "--tls-auth-clients", "no", "--tls-cert-file", files["server.crt"],
        "--tls-key-file", files["server.key"], "--tls-ca-cert-file", files["ca.crt"],
    ]  # fmt: skip
