"""TLS: what each of its directives changes, beside redis-server; CLIENT LIST of such clients.

Both servers are told the same by CONFIG SET, and tried with the same handshakes.
"""

from __future__ import annotations

import shutil
import socket
import ssl
from pathlib import Path

import pytest

from crashes.ports import free_port
from tests.conftest import StartServer
from tests.patience import PATIENCE
from tests.servers import Server
from tests.test_tls import _openssl, certificates, options_of, pytestmark

__all__ = ["certificates", "pytestmark"]

WEAK, STRONG = "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"
DHE = "DHE-RSA-AES128-GCM-SHA256"


@pytest.fixture(scope="module")
def folder(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same certificates, and a key with a password, one of RSA, parameters, authorities in directories."""
    folder = tmp_path_factory.mktemp("directives")
    shutil.copytree(certificates, folder, dirs_exist_ok=True)
    _openssl(
        folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa", "-keyout", "rsa.key", "-out", "rsa.csr"
    )
    _openssl(folder, "x509", "-req", "-in", "rsa.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", "3650", "-out", "rsa.crt", "-extfile", "names")  # fmt: skip
    _openssl(folder, "pkey", "-in", "server.key", "-aes256", "-passout", "pass:sesame", "-out", "locked.key")
    _openssl(folder, "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "dh_param:ffdhe2048", "-out", "dh.pem")
    for name in ("hashed", "bare"):
        (folder / name).mkdir()
        shutil.copy(folder / "ca.crt", folder / name)
    _openssl(folder, "rehash", "hashed")
    return folder


class Tried:
    """A server and its TLS port."""

    def __init__(self, start: StartServer, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.server: Server = start("--tls-port", str(self.port), *options_of(folder))

    def set(self, words: str) -> str:
        """What CONFIG SET answers, and logs if it fails; a word with a dot or a slash is a file of the folder."""
        named = [str(self.folder / word) if "." in word or "/" in word else word for word in words.split()]
        before = len(self.server.log)
        with self.server.connect() as connection:
            answer = connection.call([b"CONFIG", b"SET", *[b"" if word == "''" else word.encode() for word in named]])
        first = next((line for line in self.server.log[before:].splitlines() if " # " in line), "")
        return f"{answer.value!r} {first.partition(' # ')[2].partition(': error:')[0]}"

    def context(self, ciphers: str = "") -> ssl.SSLContext:
        """A client's settings; `ciphers`, if any, are those of TLS 1.2 that it wants, best first."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        context.load_cert_chain(self.folder / "client.crt", self.folder / "client.key")
        if ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        return context

    def shake_hands(
        self, context: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> tuple[tuple[str, bool] | None, ssl.SSLSession | None]:
        """Connect and say PING: the cipher, or None if that fails, and the session."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="localhost", session=session) as channel:
                    channel.sendall(b"PING\r\n")
                    if channel.recv(100) != b"+PONG\r\n":
                        return None, None
                    return ((channel.cipher() or ("",))[0], bool(channel.session_reused)), channel.session
            except OSError:
                return None, None


@pytest.fixture
def both(start_server: StartServer, start_oracle: StartServer, folder: Path) -> tuple[Tried, Tried]:
    return Tried(start_server, folder), Tried(start_oracle, folder)


STEPS = [
    # the password of the key
    ("tls-key-file-pass sesame tls-key-file locked.key", ""),
    ("tls-key-file-pass sesame tls-key-file server.key", ""),
    ("tls-key-file-pass '' tls-key-file server.key", ""),
    # a directory of authorities: only what is named by its hash is found
    ("tls-ca-cert-file '' tls-ca-cert-dir hashed/", ""),
    ("tls-ca-cert-dir bare/", ""),
    ("tls-ca-cert-dir nosuch/", ""),
    ("tls-ca-cert-dir ''", ""),
    ("tls-ca-cert-file ca.crt tls-ca-cert-dir ''", ""),
    # files for connections to other servers are checked when both are there
    ("tls-client-cert-file no.crt", ""),
    ("tls-client-key-file client.key", ""),
    ("tls-client-cert-file client.crt", ""),
    ("tls-client-key-file no.key", ""),
    ("tls-client-key-file server.key", ""),
    ("tls-client-key-file client.key", ""),
    ("tls-client-cert-file server.crt tls-client-key-file locked.key", ""),
    ("tls-client-cert-file server.crt tls-client-key-file locked.key tls-client-key-file-pass sesame", ""),
    # whose order of ciphers counts
    ("tls-cert-file rsa.crt tls-key-file rsa.key", f"{WEAK}:{STRONG}"),
    (f"tls-ciphers {STRONG}:{WEAK}", f"{WEAK}:{STRONG}"),
    ("tls-prefer-server-ciphers yes", f"{WEAK}:{STRONG}"),
    ("tls-prefer-server-ciphers no", f"{STRONG}:{WEAK}"),
    # Diffie-Hellman
    ("tls-ciphers ''", STRONG),
    ("tls-dh-params-file ca.crt", STRONG),
    ("tls-dh-params-file no.pem", STRONG),
    ("tls-dh-params-file dh.pem", DHE),
]


def test_what_each_changes(both: tuple[Tried, Tried]) -> None:
    for words, ciphers in STEPS:
        ours, theirs = ((tried.set(words), tried.shake_hands(tried.context(ciphers))[0]) for tried in both)
        assert _shortened(ours, both[0]) == _shortened(theirs, both[1]), words


def _shortened(seen: tuple[str, object], tried: Tried) -> tuple[str, object]:
    """Without the reason behind a file's name, which is OpenSSL's and not always the same."""
    text, cipher = seen
    return (text.partition(f"{tried.folder}")[0] if "Failed to load" in text else text), cipher


def test_a_wrong_password_of_a_key(both: tuple[Tried, Tried]) -> None:
    for words in ("tls-key-file locked.key", "tls-key-file-pass wrong tls-key-file locked.key"):
        for tried in both:
            said = tried.set(words)
            assert "Unable to update TLS configuration" in said and "Failed to load private key: " in said
            assert tried.shake_hands(tried.context())[0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_taken_up_again(both: tuple[Tried, Tried], version: ssl.TLSVersion) -> None:
    """Without caching, redis-server refuses who tries to (so its clients must not); ours begins anew in TLS 1.3."""
    for tried in both:
        context = tried.context()
        context.minimum_version = context.maximum_version = version
        first, session = tried.shake_hands(context)
        assert first and not first[1]
        assert tried.shake_hands(context, session)[0] == (first[0], True)
        tried.set("tls-session-caching no")
        answer, session = tried.shake_hands(context)
        assert answer == first
        if version == ssl.TLSVersion.TLSv1_3 and tried is both[0]:
            assert tried.shake_hands(context, session)[0] == first


def test_client_list(both: tuple[Tried, Tried]) -> None:
    """The same line, but for the memory and what the connection is called."""
    seen = []
    for tried in both:
        context = tried.context()
        plain = socket.create_connection(("127.0.0.1", tried.port), timeout=PATIENCE)
        with context.wrap_socket(plain, server_hostname="localhost") as channel:
            channel.sendall(b"CLIENT SETNAME n\r\nSELECT 3\r\nCLIENT LIST\r\n")
            got = b""
            while not got.endswith(b"\n\r\n"):
                got += channel.recv(65536)
            line = got[: -len(b"\n\r\n")].split(b"\n")[-1].decode()
            names = [f"{host}:{port}" for host, port in (channel.getsockname(), channel.getpeername())]
            fields = dict(word.split("=", 1) for word in line.split(" "))
            assert [fields["addr"], fields["laddr"]] == names
            for name in [
                "id",
                "fd",
                "addr",
                "laddr",
                "age",
                "idle",
                "qbuf",
                "qbuf-free",
                "rbs",
                "rbp",
                "argv-mem",
                "tot-mem",
            ]:
                fields[name] = "x"
            seen.append(fields)
    assert list(seen[0]) == list(seen[1])
    assert seen[0] == seen[1]
