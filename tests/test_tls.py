"""TLS: who gets in, what goes through, what changes while the server runs. Certificates are made by openssl."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from crashes.ports import free_port
from tests.conftest import StartServer
from tests.patience import PATIENCE, until
from tests.servers import Server, respd_command, respd_environment

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, certificates that it signed for `server` and `client`, and a stranger's."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        _openssl(folder, "req", "-x509", *key, "-days", "3650", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                 "-out", f"{name}.crt")  # fmt: skip
    for name, by in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        _openssl(folder, "req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key",
                 "-CAcreateserial", "-days", "3650", "-out", f"{name}.crt", "-extfile", "names")  # fmt: skip
    return folder


class Secured:
    """A server with a TLS port, and clients of it."""

    def __init__(self, server: Server, port: int, certificates: Path) -> None:
        self.server = server
        self.port = port
        self.certificates = certificates

    def client(self, name: str = "client", **options: object) -> redis.Redis:
        """A redis-py client that shows the certificate called `name`, none if that is empty."""
        given: dict[str, object] = {"ssl": True, "ssl_ca_certs": str(self.certificates / "ca.crt"), **options}
        if name:
            given["ssl_certfile"] = str(self.certificates / f"{name}.crt")
            given["ssl_keyfile"] = str(self.certificates / f"{name}.key")
        return redis.Redis("127.0.0.1", self.port, socket_timeout=PATIENCE, **given)  # type: ignore[arg-type]

    def connect(self) -> ssl.SSLSocket:
        """A connection that shows the client's certificate."""
        folder = self.certificates
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        context.load_cert_chain(folder / "client.crt", folder / "client.key")
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return context.wrap_socket(sock, server_hostname="localhost")


@pytest.fixture
def secured(start_server: StartServer, certificates: Path) -> Iterator[Secured]:
    port = free_port()
    server = start_server("--tls-port", str(port), *options_of(certificates), "--loglevel", "verbose")
    yield Secured(server, port, certificates)


def options_of(certificates: Path) -> list[str]:
    """The directives that name the server's files."""
    return [
        "--tls-cert-file", str(certificates / "server.crt"), "--tls-key-file", str(certificates / "server.key"),
        "--tls-ca-cert-file", str(certificates / "ca.crt"),
    ]  # fmt: skip


def test_commands_and_large_values_go_through(secured: Secured) -> None:
    with secured.client() as client:
        big = bytes(range(256)) * 40_000
        assert client.set("big", big)
        assert client.get("big") == big
        with client.pipeline(transaction=False) as pipe:
            for number in range(3000):
                pipe.set(f"key:{number}", b"x" * number)
            for number in range(3000):
                pipe.strlen(f"key:{number}")
            answers = pipe.execute()
        assert answers == [True] * 3000 + list(range(3000))
        with client.pubsub() as listener:
            listener.subscribe("c")
            assert listener.get_message(timeout=PATIENCE) is not None
            client.publish("c", b"y" * 300_000)
            message = listener.get_message(timeout=PATIENCE)
            assert message is not None and message["data"] == b"y" * 300_000


def test_who_gets_in(secured: Secured) -> None:
    for name in ("", "stranger"):
        with secured.client(name) as client, pytest.raises((redis.ConnectionError, OSError)):
            client.ping()
    other = str(secured.certificates / "other.crt")
    with secured.client(ssl_ca_certs=other) as client, pytest.raises((redis.ConnectionError, OSError)):
        client.ping()
    with redis.Redis("127.0.0.1", secured.port, socket_timeout=PATIENCE) as plain, pytest.raises(redis.ConnectionError):
        plain.ping()
    with secured.client() as client:
        assert client.ping()
    assert secured.server.log.count("Error accepting a client connection: error:") >= 3
    with redis.Redis("127.0.0.1", secured.server.port, socket_timeout=PATIENCE) as plain:
        assert plain.config_set("tls-auth-clients", "optional")
        with secured.client("") as client:
            assert client.ping()
        with secured.client("stranger") as client, pytest.raises((redis.ConnectionError, OSError)):
            client.ping()
        assert plain.config_set("tls-auth-clients", "no")
        with secured.client("stranger") as client:
            assert client.ping()


def test_settings_change_while_it_serves(secured: Secured) -> None:
    certificates = secured.certificates
    with secured.client() as old, redis.Redis("127.0.0.1", secured.server.port, socket_timeout=PATIENCE) as plain:
        assert old.ping()
        with pytest.raises(redis.ResponseError, match="Unable to update TLS configuration"):
            plain.config_set("tls-cert-file", "/nosuch")
        with pytest.raises(redis.ResponseError, match="Unable to update TLS configuration"):
            plain.config_set("tls-key-file", str(certificates / "client.key"))
        assert plain.config_get("tls-key-file")["tls-key-file"] == str(certificates / "server.key")
        with secured.client() as client:
            assert client.ping()
        plain.config_set("tls-protocols", "TLSv1.2")
        with secured.connect() as channel:
            assert channel.version() == "TLSv1.2"
        port = free_port()
        plain.config_set("tls-port", port)
        with pytest.raises((redis.ConnectionError, OSError)), secured.client() as client:
            client.ping()
        secured.port = port
        with secured.client() as client:
            assert client.ping()
        assert plain.info("server")["listener2"]["port"] == port
        assert old.ping()  # whoever is in stays


def test_files_are_read_again_when_they_are_named_again(secured: Secured, tmp_path: Path) -> None:
    """So certificates are renewed: CONFIG SET to the same name is a change."""
    for name in ("crt", "key"):
        shutil.copy(secured.certificates / f"server.{name}", tmp_path / f"own.{name}")
    with redis.Redis("127.0.0.1", secured.server.port, socket_timeout=PATIENCE) as plain:
        own = {"tls-cert-file": str(tmp_path / "own.crt"), "tls-key-file": str(tmp_path / "own.key")}
        plain.execute_command("CONFIG SET", *(word for pair in own.items() for word in pair))
        shutil.copy(secured.certificates / "client.crt", tmp_path / "own.crt")
        with pytest.raises(redis.ResponseError, match="Unable to update TLS configuration"):
            plain.config_set("tls-cert-file", own["tls-cert-file"])  # the key is another's
        shutil.copy(secured.certificates / "client.key", tmp_path / "own.key")
        with secured.connect() as channel:
            assert b"server" in (channel.getpeercert(binary_form=True) or b"")
        plain.config_set("tls-cert-file", own["tls-cert-file"])
        with secured.connect() as channel:
            assert b"client" in (channel.getpeercert(binary_form=True) or b"")


def _serves(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_handshakes_count_as_clients(secured: Secured) -> None:
    with redis.Redis("127.0.0.1", secured.server.port, socket_timeout=PATIENCE) as plain:
        plain.config_set("maxclients", 10)
        silent = [socket.create_connection(("127.0.0.1", secured.port), timeout=PATIENCE) for _ in range(8)]
        silent[0].sendall(b"\x16\x03\x01")  # the beginning of a greeting
        with secured.client() as client:
            assert client.ping()  # the tenth
            with socket.create_connection(("127.0.0.1", secured.port), timeout=PATIENCE) as last:
                assert last.recv(100) == b"-ERR max number of clients reached\r\n"
        for sock in silent:
            sock.close()
        with secured.client() as client:
            until(lambda: _serves(client), "room for another client")


def test_handshakes_take_ten_seconds_at_most(secured: Secured, long_form: bool) -> None:
    if not long_form:
        pytest.skip("takes ten seconds: in the long form only")
    with socket.create_connection(("127.0.0.1", secured.port), timeout=PATIENCE) as silent:
        assert silent.recv(1) == b""


def test_what_is_sent_together_is_read_together(secured: Secured) -> None:
    """More than one read takes stands in one record of TLS: nothing of it waits for another event."""
    with secured.connect() as channel:
        for size in (1, 100, 1000, 20_000):
            channel.sendall(b"PING\r\n" * size)
            wanted = b"+PONG\r\n" * size
            got = b""
            while len(got) < len(wanted):
                got += channel.recv(65536)
            assert got == wanted


FILES = {"--tls-cert-file": "server.crt", "--tls-key-file": "server.key", "--tls-ca-cert-file": "ca.crt"}
STARTS = {
    "no certificate": ({"--tls-cert-file": ""}, "No tls-cert-file configured!"),
    "no key": ({"--tls-key-file": ""}, "No tls-key-file configured!"),
    "no authority": ({"--tls-ca-cert-file": ""}, "Either tls-ca-cert-file or tls-ca-cert-dir must be specified"),
    "no such certificate": ({"--tls-cert-file": "no.crt"}, "Failed to load certificate: no.crt: "),
    "no such key": ({"--tls-key-file": "no.key"}, "Failed to load private key: no.key: "),
    "another's key": ({"--tls-key-file": "client.key"}, "Failed to load private key: client.key: "),
    "no such authority": ({"--tls-ca-cert-file": "no.crt"}, "Failed to configure CA certificate(s) file/directory: "),
    "protocols": ({"--tls-protocols": "TLSv9"}, "Invalid tls-protocols specified."),
    "ciphers": ({"--tls-ciphers": "nosuch"}, "Failed to configure ciphers: nosuch"),
}


@pytest.mark.parametrize("name", STARTS)
def test_starts_that_fail(name: str, certificates: Path, oracle_program: str) -> None:
    changed, said = STARTS[name]
    options = [word for pair in {**FILES, **changed}.items() for word in pair]
    for command in (respd_command(), [oracle_program]):
        words = [*command, "--port", "0", "--tls-port", str(free_port()), "--save", "", *options]
        done = subprocess.run(
            words, cwd=certificates, env=respd_environment(), capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 1
        assert said in done.stdout
        assert "Failed to configure TLS. Check logs for more info." in done.stdout


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="no redis-cli")
def test_redis_cli(secured: Secured) -> None:
    folder = secured.certificates
    words = ["redis-cli", "-p", str(secured.port), "--tls", "--cacert", str(folder / "ca.crt")]
    known = [*words, "--cert", str(folder / "client.crt"), "--key", str(folder / "client.key")]
    assert subprocess.run([*known, "ping"], capture_output=True, text=True, timeout=PATIENCE).stdout == "PONG\n"
    assert "PONG" not in subprocess.run([*words, "ping"], capture_output=True, text=True, timeout=PATIENCE).stdout
