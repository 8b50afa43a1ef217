"""TLS: the settings, and connections that speak it. Python's ssl module, which is OpenSSL, is imported when needed.

A channel stands between the loop and a socket that never waits: `BlockingIOError` says that there is nothing to do
until the socket is ready. Renegotiation is refused, so that, once the handshake is over, reading never waits for
writing nor the reverse. Source: redis.io, "TLS".
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl

    from respd.config import Config
    from respd.log import Log

HANDSHAKE_S: Final = 10.0  # that a handshake may take
TLS_DIRECTIVES: Final = [
    "tls-port", "tls-cert-file", "tls-key-file", "tls-key-file-pass", "tls-client-cert-file", "tls-client-key-file",
    "tls-client-key-file-pass", "tls-dh-params-file", "tls-ca-cert-file",
    "tls-ca-cert-dir", "tls-auth-clients", "tls-protocols", "tls-ciphers", "tls-ciphersuites",
    "tls-prefer-server-ciphers", "tls-session-caching",
]  # fmt: skip
_RECORD: Final = 16384  # bytes that TLS encrypts at a time
_PROTOCOLS: Final = (b"tlsv1", b"tlsv1.1", b"tlsv1.2", b"tlsv1.3")


class TlsError(Exception):
    """Settings that make no TLS; `text` is Redis' line for the log."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def new_context(config: Config) -> ssl.SSLContext:
    """Return what new connections are made by; raise TlsError. Reads the files that the configuration names."""
    import ssl

    cert, key = config.tls_cert_file, config.tls_key_file
    asks = config.tls_auth_clients
    if not cert:
        raise TlsError("No tls-cert-file configured!")
    if not key:
        raise TlsError("No tls-key-file configured!")
    if asks != b"no" and not config.tls_ca_cert_file and not config.tls_ca_cert_dir:
        raise TlsError(
            "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
            "tls-auth-clients are enabled!"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if not config.tls_prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if not config.tls_session_caching:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    _limit_protocols(context, config.tls_protocols)
    _load_certificate(context, cert, key, config.tls_key_file_pass)
    if config.tls_ca_cert_file or config.tls_ca_cert_dir:
        try:
            context.load_verify_locations(config.tls_ca_cert_file or None, config.tls_ca_cert_dir or None)
        except OSError as error:
            raise TlsError(f"Failed to configure CA certificate(s) file/directory: {reason_of(error)}") from None
    if asks == b"yes":
        context.verify_mode = ssl.CERT_REQUIRED
    elif asks == b"optional":
        context.verify_mode = ssl.CERT_OPTIONAL
    if config.tls_ciphers:
        try:
            context.set_ciphers(config.tls_ciphers.decode("latin-1"))
        except ssl.SSLError:
            raise TlsError(f"Failed to configure ciphers: {config.tls_ciphers.decode('latin-1')}") from None
    _choose_suites(context, config.tls_ciphersuites)
    if config.tls_dh_params_file:
        _load_dh_params(context, config.tls_dh_params_file)
    if config.tls_client_cert_file and config.tls_client_key_file:  # for connections to others: checked, not used
        other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load_certificate(
            other, config.tls_client_cert_file, config.tls_client_key_file, config.tls_client_key_file_pass
        )
    return context


def _limit_protocols(context: ssl.SSLContext, wanted: bytes) -> None:
    """Allow only the versions that tls-protocols names; without any, TLS 1.2 and 1.3."""
    import ssl

    versions = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    off = (ssl.OP_NO_TLSv1, ssl.OP_NO_TLSv1_1, ssl.OP_NO_TLSv1_2, ssl.OP_NO_TLSv1_3)
    names = wanted.lower().split() or [b"tlsv1.2", b"tlsv1.3"]
    if any(name not in _PROTOCOLS for name in names):
        raise TlsError(
            "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."
        )
    chosen = [_PROTOCOLS.index(name) for name in names]
    context.minimum_version = versions[min(chosen)]
    context.maximum_version = versions[max(chosen)]
    for place in range(min(chosen), max(chosen)):
        if place not in chosen:
            context.options |= off[place]


def _load_certificate(context: ssl.SSLContext, cert: str, key: str, password: bytes) -> None:
    """Load both files, telling which of them is at fault."""
    try:
        with open(cert, "rb"):
            pass
    except OSError as error:
        raise TlsError(f"Failed to load certificate: {cert}: {reason_of(error)}") from None
    try:
        context.load_cert_chain(cert, key, password or "")
    except OSError as error:
        with open(cert, "rb") as file:
            is_certificate = b"-----BEGIN CERTIFICATE" in file.read()
        at_fault = f"private key: {key}" if is_certificate else f"certificate: {cert}"
        raise TlsError(f"Failed to load {at_fault}: {reason_of(error)}") from None


def _load_dh_params(context: ssl.SSLContext, path: str) -> None:
    """Load Diffie-Hellman parameters, telling a file that cannot be read from one that has none."""
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise TlsError(f"Failed to load {path}: {reason_of(error)}") from None
    try:
        context.load_dh_params(path)
    except OSError:
        raise TlsError(f"{path}: failed to read DH params.") from None


def _choose_suites(context: ssl.SSLContext, wanted: bytes) -> None:
    """Choose TLS 1.3's cipher suites, which Python's ssl can do from 3.15 on."""
    if not wanted:
        return
    setter = getattr(context, "set_ciphersuites", None)
    if setter is None:
        raise TlsError("Failed to configure ciphersuites: this version of Python cannot choose those of TLS 1.3")
    try:
        setter(wanted.decode("latin-1"))
    except OSError:
        raise TlsError(f"Failed to configure ciphersuites: {wanted.decode('latin-1')}") from None


def reason_of(error: OSError) -> str:
    """Return what went wrong, in OpenSSL's words where they are its."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):
        library = getattr(error, "library", None) or "SSL"
        return f"{library} routines::{reason.replace('_', ' ').lower() if reason.isupper() else reason}"
    return error.strerror or str(error)


class TlsChannel:
    """One connection that speaks TLS, over a socket that does not block."""

    def __init__(self, context: ssl.SSLContext, sock: socket.socket, address: object) -> None:
        self.sock: ssl.SSLSocket = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.fd: int = self.sock.fileno()
        self.address = address
        self.wants_write: bool = False  # the handshake waits until the socket takes more

    def shake_hands(self) -> bool:
        """Go on with the handshake; tell whether it is over. Raises OSError when it fails."""
        import ssl

        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            self.wants_write = False
            return False
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return False
        self.wants_write = False
        return True

    def recv(self, size: int) -> bytes:
        """Return what has come, empty at the end. Raises BlockingIOError when that is nothing, OSError."""
        import ssl

        try:
            return self.sock.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def send(self, data: bytes | memoryview) -> int:
        """Send what the socket takes and return how much that was. Raises BlockingIOError, OSError.

        In records: OpenSSL wants what it could not send to be offered again in the same length or a greater one.
        """
        import ssl

        view = memoryview(data)
        sent = 0
        try:
            while sent < len(view):
                sent += self.sock.send(view[sent : sent + _RECORD])
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not sent:
                raise BlockingIOError from None
        return sent

    def has_more(self) -> bool:
        """Tell whether something has been decrypted that `recv` has not returned: the socket will not say so."""
        return self.sock.pending() > 0

    def close(self) -> None:
        """Close the socket, saying so to the other side if that can be done at once."""
        try:
            self.sock.unwrap()
        except (OSError, ValueError):
            pass
        self.sock.close()


class TlsSettings:
    """The context in force; None while tls-port is 0."""

    def __init__(self, config: Config, log: Log) -> None:
        self.config = config
        self.log = log
        self.context: ssl.SSLContext | None = None

    def load(self) -> bool:
        """Take the present settings over; False, the log having been told why, if they are wrong."""
        if not self.config.tls_port:
            return True
        try:
            self.context = new_context(self.config)
        except TlsError as error:
            self.log.warning(error.text)
            return False
        return True
