"""respd as a process: how it starts, what it logs, how it listens, how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crashes.ports import free_port
from tests.patience import PATIENCE, until
from tests.servers import respd_command, respd_environment
from tests.wire import Connection, Error

Start = Callable[..., "Process"]

PREFIX = r"(?m)^\d+:[CM] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [.\-*#] "


class Process:
    """respd started with words of its own, its output in a file."""

    def __init__(self, folder: Path, words: tuple[str, ...], stdin: str = "", limit_files: int = 0) -> None:
        self.folder = folder
        self.output_path = folder / "output"
        command = [*respd_command(), *words]
        if limit_files:
            command = ["sh", "-c", f'ulimit -n {limit_files}; exec "$0" "$@"', *command]
        with self.output_path.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=folder, env=respd_environment()
            )
        assert self.process.stdin is not None
        self.process.stdin.write(stdin.encode())
        self.process.stdin.close()

    @property
    def output(self) -> str:
        return self.output_path.read_text()

    def await_line(self, pattern: str) -> str:
        """Wait until a line of the output matches, and return it."""
        line = f"(?m)^.*{pattern}.*$"
        until(lambda: self.process.poll() is not None or re.search(line, self.output), f"{pattern!r} in the output")
        found = re.search(line, self.output)
        assert found, f"no {pattern!r} in:\n{self.output}"
        return found[0]

    def await_ready(self) -> Process:
        self.await_line("Ready to accept connections")
        return self

    def await_end(self) -> int:
        return self.process.wait(PATIENCE)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.await_end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def run(*words: str, stdin: str = "", limit_files: int = 0) -> Process:
        started.append(Process(tmp_path, words, stdin, limit_files))
        return started[-1]

    yield run
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()


@pytest.fixture
def port() -> int:
    return free_port()


def answers(port: int) -> bool:
    try:
        return ask(port, "PING") == b"PONG"
    except OSError:
        return False


def ask(port: int, *words: str) -> object:
    with Connection(port) as connection:
        return connection.ask(*words)


# -- the start


def test_the_lines_of_a_start(start: Start, port: int) -> None:
    respd = start("--port", str(port)).await_ready()
    for line in respd.output.splitlines():
        assert re.match(PREFIX, line), line
    said = [re.sub(PREFIX, "", line) for line in respd.output.splitlines()]
    assert said[0] == "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"
    pid = respd.process.pid
    assert said[1] == f"Redis version=7.4.0, bits=64, commit=00000000, modified=0, pid={pid}, just started"
    assert said[2].startswith("respd version=")
    assert said[3] == "Configuration loaded"
    assert said[-3:] == [
        f"Running mode=standalone, port={port}.",
        "Server initialized",
        "Ready to accept connections tcp",
    ]
    assert re.search(rf"^{pid}:C .* Configuration loaded$", respd.output, re.MULTILINE)
    assert re.search(rf"^{pid}:M .* Server initialized$", respd.output, re.MULTILINE)


def test_the_banner(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--always-show-logo", "yes").await_ready()
    assert f" Port: {port}\n" in respd.output
    assert f" PID: {respd.process.pid}\n" in respd.output
    assert "Running mode" not in respd.output


def test_a_start_without_configuration_says_so(start: Start) -> None:
    respd = start(stdin="")
    respd.await_line("no config file specified")


def test_directives_without_effect_are_named(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--rdb-del-sync-files", "yes", "--rdbcompression", "yes").await_ready()
    assert respd.await_line("does not act on them").endswith(": rdb-del-sync-files")


def test_a_configuration_file_standard_input_and_options(start: Start, port: int, tmp_path: Path) -> None:
    (tmp_path / "inc.conf").write_text("timeout 3\nhz 3\n")
    (tmp_path / "a.conf").write_text(
        f"include inc.conf\nport 1\ntcp-keepalive 4\nhz 4\nrequirepass x\ndir {tmp_path}\n"
    )
    start("a.conf", "--port", str(port), "-", stdin="hz 50\nrequirepass ''\n").await_ready()
    with Connection(port) as connection:
        for name, value in (("timeout", b"3"), ("tcp-keepalive", b"4"), ("hz", b"50"), ("requirepass", b"")):
            assert connection.ask("CONFIG", "GET", name) == [name.encode(), value]
        assert connection.ask("CONFIG", "SET", "hz", "60") == b"OK"
        assert connection.ask("CONFIG", "REWRITE") == b"OK"
    assert (tmp_path / "a.conf").read_text() == (
        f'include inc.conf\nport {port}\ntcp-keepalive 4\nhz 60\nrequirepass ""\ndir "{tmp_path}"\n'
        "\n# Generated by CONFIG REWRITE\ntimeout 3\nsave 3600 1\nsave 300 100\nsave 60 10000\n"
        "user default on nopass sanitize-payload ~* &* +@all\n"
    )


def test_a_taken_port(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        respd = start("--port", str(port), "--bind", "127.0.0.1", "--pidfile", "pid")
        assert respd.await_end() == 1
    assert f"# Warning: Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address " in respd.output
    assert respd.output.endswith(f"# Failed listening on port {port} (tcp), aborting.\n")
    assert not (respd.folder / "pid").exists()


def test_addresses_that_may_be_missing(start: Start, port: int) -> None:
    start("--port", str(port), "--bind", "127.0.0.1", "-192.0.2.1").await_ready()
    assert ask(port, "PING") == b"PONG"


def test_an_address_that_must_not_be_missing(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--bind", "127.0.0.1", "192.0.2.1")
    assert respd.await_end() == 1
    assert "Failed listening on port" in respd.output


@pytest.mark.parametrize("words", [["--port", "0"], ["--bind", ""], ["--bind"], ["--bind", "-192.0.2.1"]])
def test_nowhere_to_listen(start: Start, port: int, words: list[str]) -> None:
    respd = start("--port", str(port), *words)
    assert respd.await_end() == 1
    assert respd.output.endswith("# Configured to not listen anywhere, exiting.\n")


@pytest.mark.parametrize("name", ["nosuch.invalid", "no..name"])
def test_a_name_that_is_no_address(start: Start, port: int, name: str) -> None:
    respd = start("--port", str(port), "--bind", name)
    assert respd.await_end() == 1
    assert f"server TCP listening socket {name}:{port}: " in respd.output
    assert respd.output.endswith(f"# Failed listening on port {port} (tcp), aborting.\n")


def test_no_address_left_while_running(start: Start, port: int) -> None:
    start("--port", str(port), "--bind", "127.0.0.1").await_ready()
    with Connection(port) as connection:
        assert connection.ask("CONFIG", "SET", "bind", "") == b"OK"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
        assert connection.ask("CONFIG", "SET", "bind", "127.0.0.1") == b"OK"
    assert ask(port, "PING") == b"PONG"


def test_renamed_commands(start: Start, port: int) -> None:
    start("--port", str(port), "--rename-command", "GET", "", "--rename-command", "SET", "put").await_ready()
    with Connection(port) as connection:
        assert connection.ask("PUT", "k", "v") == b"OK"
        assert connection.ask("put", "k", "v") == b"OK"
        for name in ("GET", "SET"):
            error = connection.ask(name, "k")
            assert isinstance(error, Error) and error.text.startswith(b"ERR unknown command")


def test_a_renamed_container_bears_its_new_name(start: Start, port: int) -> None:
    start("--port", str(port), "--rename-command", "CONFIG", "settings").await_ready()
    with Connection(port) as connection:
        assert connection.ask("settings", "GET", "port") == [b"port", str(port).encode()]
        error = connection.ask("settings", "nope")
        assert isinstance(error, Error) and error.text == b"ERR unknown subcommand 'nope'. Try SETTINGS HELP."


def test_the_log_follows_clients_when_verbose(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--loglevel", "verbose").await_ready()
    with Connection(port) as connection:
        address = f"127.0.0.1:{connection.socket.getsockname()[1]}"
        connection.ask("CLIENT", "SETNAME", "me")
    respd.await_line(f"- Accepted {address}$")
    respd.await_line(rf"- Client closed connection id=\d+ addr={address} .* name=me .* cmd=client\|setname ")
    with Connection(port) as connection:
        connection.socket.sendall(b"*1\r\nPING\r\n")
        respd.await_line(r"- Protocol error \(expected '\$', got 'P'\) from client: id=\d+ addr=")
    with Connection(port) as connection:
        assert connection.ask("INFO", "errorstats") == b"# Errorstats\r\nerrorstat_ERR:count=1\r\n"


def test_the_log_goes_to_a_file(start: Start, port: int, tmp_path: Path) -> None:
    respd = start("--port", str(port), "--logfile", "log", "--dir", str(tmp_path))
    path = tmp_path / "log"
    until(lambda: path.exists() and "Ready to accept" in path.read_text())
    path.rename(tmp_path / "old")
    assert respd.end() == 0
    assert "bye bye" in path.read_text()
    assert respd.output == ""


def test_levels_of_the_log(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--loglevel", "warning")
    until(lambda: answers(port))
    assert ask(port, "CONFIG", "SET", "loglevel", "notice") == b"OK"
    assert "Ready" not in respd.output
    respd.end()
    assert "User requested shutdown" in respd.output


def test_the_title_of_the_process(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--proc-title-template", "respd at {port}").await_ready()
    cmdline = Path(f"/proc/{respd.process.pid}/cmdline")
    if not cmdline.exists():
        pytest.skip("no /proc here")
    assert cmdline.read_bytes().rstrip(b"\0") == b"respd at %d" % port
    ask(port, "CONFIG", "SET", "proc-title-template", "x {port}")
    assert cmdline.read_bytes().rstrip(b"\0") == b"x %d" % port


def test_the_title_may_be_left_alone(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--set-proc-title", "no").await_ready()
    assert b"--set-proc-title" in Path(f"/proc/{respd.process.pid}/cmdline").read_bytes()


def test_systemd_is_told(start: Start, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        respd = start("--port", str(port), "--supervised", "systemd", "--daemonize", "yes")
        assert b"READY=1\n" in manager.recv(200)
        assert ask(port, "PING") == b"PONG"
        assert respd.end() == 0
        assert b"STOPPING=1\n" in manager.recv(200)


# -- limits of open files


def test_few_files_mean_few_clients(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--maxclients", "100000000", limit_files=200).await_ready()
    respd.await_line("# You requested maxclients of 100000000 requiring at least 100000032 max file descriptors.")
    line = respd.await_line("# Current maximum open files is")
    found = re.search(r"files is (\d+)\. maxclients has been reduced to (\d+) to compensate", line)
    assert found and int(found[1]) - 32 == int(found[2])
    assert ask(port, "CONFIG", "GET", "maxclients") == [b"maxclients", found[2].encode()]
    error = ask(port, "CONFIG", "SET", "maxclients", "100000000", "hz", "77")
    assert isinstance(error, Error)
    assert error.text == (
        b"ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to "
        b"handle the specified number of clients, try with " + found[2].encode()
    )
    assert ask(port, "CONFIG", "GET", "hz") == [b"hz", b"10"]
    assert ask(port, "CONFIG", "GET", "maxclients") == [b"maxclients", found[2].encode()]


# -- listening


def test_a_unix_socket_and_its_permissions(start: Start, tmp_path: Path) -> None:
    respd = start("--port", "0", "--unixsocket", "s", "--unixsocketperm", "750", "--dir", str(tmp_path)).await_ready()
    respd.await_line("Ready to accept connections unix")
    assert "connections tcp" not in respd.output
    path = tmp_path / "s"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
    assert respd.end() == 0
    assert "* Removing the unix socket file." in respd.output
    assert not path.exists()


def test_a_unix_socket_that_cannot_be(start: Start) -> None:
    respd = start("--port", "0", "--unixsocket", "/nonexistent/s")
    assert respd.await_end() == 1
    assert respd.output.endswith("# Failed opening Unix socket: bind: No such file or directory\n")


def test_a_unix_socket_with_too_long_a_path(start: Start) -> None:
    respd = start("--port", "0", "--unixsocket", "s" * 200)
    assert respd.await_end() == 1
    assert "# Failed opening Unix socket: unix socket path too long (200), must be under 10" in respd.output


def test_another_port_while_running(start: Start, port: int) -> None:
    start("--port", str(port), "--bind", "127.0.0.1").await_ready()
    other = free_port()
    with Connection(port) as connection:
        assert connection.ask("CONFIG", "SET", "port", str(other)) == b"OK"
        assert connection.ask("PING") == b"PONG"
        assert ask(other, "CONFIG", "GET", "port") == [b"port", str(other).encode()]
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            error = connection.ask("CONFIG", "SET", "port", str(taken.getsockname()[1]))
        assert error == Error(
            "ERR CONFIG SET failed (possibly related to argument 'port') - "
            "Unable to listen on this port. Check server logs."
        )
        error = connection.ask("CONFIG", "SET", "bind", "192.0.2.1")
        assert error == Error(
            "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses."
        )
    assert ask(other, "CONFIG", "GET", "bind") == [b"bind", b"127.0.0.1"]


def test_protected_mode_lets_this_machine_in(start: Start, port: int) -> None:
    start("--port", str(port)).await_ready()
    assert ask(port, "PING") == b"PONG"
    own = _own_address()
    if own is None:
        pytest.skip("this machine has no address but loopback's")
    with socket.create_connection((own, port)) as client:
        assert client.recv(1000).startswith(b"-DENIED ")
        assert client.recv(1000) == b""
    assert ask(port, "CONFIG", "SET", "protected-mode", "no") == b"OK"
    with socket.create_connection((own, port)) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(1000) == b"+PONG\r\n"


def _own_address() -> str | None:
    """An address of this machine that is not loopback's, found without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address


def test_a_password(start: Start, port: int) -> None:
    start("--port", str(port), "--requirepass", "a b").await_ready()
    with Connection(port) as connection:
        assert connection.ask("PING") == Error("NOAUTH Authentication required.")
        assert connection.ask("AUTH", "a b") == b"OK"
        assert connection.ask("PING") == b"PONG"


# -- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_order(start: Start, port: int, number: signal.Signals) -> None:
    respd = start("--port", str(port), "--pidfile", "pid").await_ready()
    assert (respd.folder / "pid").read_text() == f"{respd.process.pid}\n"
    assert respd.end(number) == 0
    assert not (respd.folder / "pid").exists()
    said = [re.sub(PREFIX, "", line) for line in respd.output.splitlines()][-6:]
    assert said == [
        f"Received {number.name} scheduling shutdown...",
        "User requested shutdown...",
        "Saving the final RDB snapshot before exiting.",
        "DB saved on disk",
        "Removing the pid file.",
        "Redis is now ready to exit, bye bye...",
    ]


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    found = re.search(r"(?m)^SigCgt:\s*(\S+)$", Path(f"/proc/{pid}/status").read_text())
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def test_a_second_interrupt_ends_it_at_once(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--enable-debug-command", "yes").await_ready()
    with Connection(port) as connection:
        connection.send("DEBUG LOG asleep", "DEBUG SLEEP 100")
        respd.await_line("asleep")
        respd.process.send_signal(signal.SIGINT)
        until(lambda: not catches(respd.process.pid, signal.SIGINT), "the first one's handling")
        assert respd.process.poll() is None
        assert respd.end(signal.SIGINT) != 0


def test_a_second_interrupt_ends_an_endless_script(start: Start, port: int) -> None:
    respd = start("--port", str(port)).await_ready()
    with Connection(port) as connection:
        connection.send([b"EVAL", b"redis.log(redis.LOG_WARNING, 'busy') while true do end", b"0"])
        respd.await_line("busy")
        respd.process.send_signal(signal.SIGINT)
        until(lambda: not catches(respd.process.pid, signal.SIGINT), "the first one's handling")
        assert respd.process.poll() is None
        assert respd.end(signal.SIGINT) != 0


def test_hang_ups_and_the_like_are_ignored(start: Start, port: int) -> None:
    respd = start("--port", str(port)).await_ready()
    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2):
        respd.process.send_signal(number)
    respd.process.send_signal(signal.SIGALRM)
    respd.await_line("Received SIGALRM")
    assert ask(port, "PING") == b"PONG"


@pytest.mark.parametrize("reports", ["yes", "no"])
def test_a_process_that_dies_of_a_fault_says_where(start: Start, port: int, reports: str) -> None:
    respd = start("--port", str(port)).await_ready()
    assert ask(port, "CONFIG", "SET", "crash-log-enabled", reports) == b"OK"
    assert respd.end(signal.SIGSEGV) == -signal.SIGSEGV
    assert ("Segmentation fault" in respd.output and "Current thread" in respd.output) == (reports == "yes")


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="Linux has this")
def test_the_score_that_says_whom_to_end_without_memory(start: Start, port: int) -> None:
    respd = start("--port", str(port), "--oom-score-adj", "yes", "--oom-score-adj-values", "4 5 6").await_ready()
    path = Path(f"/proc/{respd.process.pid}/oom_score_adj")
    before = int(Path("/proc/self/oom_score_adj").read_text())
    until(lambda: int(path.read_text()) == before + 4)
    with Connection(port) as connection:
        for score, words in (
            (before + 7, ["oom-score-adj-values", "7 8 9"]),
            (before, ["oom-score-adj", "no"]),
            (before, ["oom-score-adj-values", "1 2 3"]),
            (before + 20, ["oom-score-adj", "absolute", "oom-score-adj-values", f"{before + 20} 0 {before + 30}"]),
        ):
            assert connection.ask("CONFIG", "SET", *words) == b"OK"
            assert int(path.read_text()) == score
        connection.ask("CONFIG", "SET", "rdb-key-save-delay", "100000000")
        connection.ask("SET", "k", "v")
        connection.ask("BGSAVE")
        children = Path(f"/proc/{respd.process.pid}/task/{respd.process.pid}/children")
        until(lambda: [_score(child) for child in children.read_text().split()] == [before + 30])
        assert int(path.read_text()) == before + 20


def _score(pid: str) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_in_the_background(start: Start, port: int, tmp_path: Path) -> None:
    words = ("--port", str(port), "--daemonize", "yes", "--pidfile", "pid", "--logfile", "log", "--dir", str(tmp_path))
    respd = start(*words)
    assert respd.await_end() == 0
    pid_file = tmp_path / "pid"
    until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
    pid = int(pid_file.read_text())
    try:
        assert pid != respd.process.pid
        assert os.getsid(pid) == pid
        until(lambda: "Ready to accept" in (tmp_path / "log").read_text())
        assert ask(port, "CONFIG", "GET", "daemonize") == [b"daemonize", b"yes"]
    finally:
        os.kill(pid, signal.SIGTERM)
    until(lambda: not pid_file.exists())
    until(lambda: "bye bye" in (tmp_path / "log").read_text())
    assert respd.output == ""


@pytest.mark.parametrize("who, answer", [("no", b"command not allowed"), ("yes", b"Error loading the extension")])
def test_modules_are_asked_for_in_vain(start: Start, port: int, who: str, answer: bytes) -> None:
    start("--port", str(port), "--enable-module-command", who).await_ready()
    with Connection(port) as connection:
        assert connection.ask("MODULE", "LIST") == []
        for words in (["MODULE", "LOAD", "x.so"], ["MODULE", "LOADEX", "x.so"]):
            error = connection.ask(*words)
            assert isinstance(error, Error) and answer in error.text
        connection.ask("MULTI")
        assert (connection.ask("MODULE", "LOAD", "x.so") == b"QUEUED") == (who == "yes")


def test_a_command_without_a_name_is_not_listed(start: Start, port: int) -> None:
    names = ["GET", "get", "FLUSHALL", "", "SCRIPT", ""]
    options = [word for pair in zip(names[::2], names[1::2], strict=True) for word in ("--rename-command", *pair)]
    start("--port", str(port), *options).await_ready()
    with Connection(port) as connection:
        assert connection.ask("COMMAND", "LIST", "FILTERBY", "PATTERN", "flusha*") == []
        assert connection.ask("COMMAND", "LIST", "FILTERBY", "PATTERN", "script*") == []
        assert connection.ask("GET", "k") is None
