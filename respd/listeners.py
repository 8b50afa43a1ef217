"""The sockets that are listened on: TCP, TLS and unix ones for clients, one for metrics, as the configuration says."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
from typing import Final

from respd.config import Config
from respd.directive_kinds import ConfigError
from respd.log import Log
from respd.pollers import Poller

TCP: Final = 0
TLS: Final = 1
UNIX: Final = 2
METRICS: Final = 3
NAMES: Final = ("tcp", "tls", "unix", "metrics")
_WITH_PORTS: Final = (TCP, TLS, METRICS)
_UNIX_PATH_SIZE: Final = 104 if sys.platform == "darwin" else 108  # sockaddr_un.sun_path, its NUL included
_ABSENT_ADDRESS: Final = (
    errno.ENOENT,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EPROTONOSUPPORT,
    errno.ENOPROTOOPT,
    errno.EPFNOSUPPORT,
)  # an optional address that this machine does not have


class ListenError(Exception):
    """A socket could not be listened on; the message is Redis' line for the log."""


class Listener:
    """One socket that is listened on; `kind` is TCP, TLS, UNIX or METRICS. While it rests, who comes has to wait."""

    def __init__(self, sock: socket.socket, kind: int) -> None:
        self.sock = sock
        self.kind = kind
        self.rests = False


class Listeners:
    """All of them, by descriptor, known to the loop's poller."""

    def __init__(self, config: Config, log: Log, poller: Poller) -> None:
        self.config = config
        self.log = log
        self.poller = poller
        self.by_fd: dict[int, Listener] = {}
        self.unix_path: str = ""
        self._places: dict[int, tuple[list[str], int]] = {}  # addresses and port, by kind

    def open(self) -> None:
        """Open the listeners that the configuration asks for; raise ListenError if one fails or none is for clients."""
        config = self.config
        for kind in _WITH_PORTS:
            addresses, port = self._wanted(kind)
            self._add(self._open_tcp(addresses, port, kind), kind)
            self._places[kind] = (addresses, port)
        if config.unixsocket:
            self._listen_unix(config.unixsocket, config.unixsocketperm)
        if not self.kinds():
            raise ListenError("Configured to not listen anywhere, exiting.")

    def kinds(self) -> list[str]:
        """Return the names of the kinds that there are for clients, in order."""
        present = {listener.kind for listener in self.by_fd.values()}
        return [NAMES[kind] for kind in sorted(present) if kind != METRICS]

    def rest(self, kind: int, wanted: bool) -> None:
        """Have who comes to listeners of one kind wait, or wait no longer."""
        for listener in self.by_fd.values():
            if listener.kind == kind and listener.rests != wanted:
                listener.rests = wanted
                if wanted:
                    self.poller.remove(listener.sock.fileno())
                else:
                    self.poller.add(listener.sock.fileno())

    def close(self) -> None:
        """Close all, and remove the unix socket's file."""
        self._drop(list(self.by_fd.values()))
        if self.unix_path:
            self.log.notice("Removing the unix socket file.")
            with contextlib.suppress(OSError):
                os.unlink(self.unix_path)

    def follow(self) -> None:
        """Listen where the configuration now says; raise ConfigError and listen as before if that fails."""
        moved: list[tuple[int, list[str], int]] = []
        try:
            for kind in _WITH_PORTS:
                addresses, port = self._wanted(kind)
                old_addresses, old_port = self._places[kind]
                if addresses != old_addresses or port != old_port:
                    self._rebind(kind, addresses, port)
                    moved.append((kind, old_addresses, old_port))
        except ConfigError:
            for kind, addresses, port in moved:
                self._rebind(kind, addresses, port)
            raise

    def _wanted(self, kind: int) -> tuple[list[str], int]:
        """Return the addresses and the port that the configuration has for listeners of one kind."""
        config = self.config
        if kind == METRICS:
            return config.metrics_bind, config.metrics_port
        return config.bind, config.port if kind == TCP else config.tls_port

    def _rebind(self, kind: int, addresses: list[str], port: int) -> None:
        """Have the listeners of one kind on these addresses and this port."""
        old_addresses, old_port = self._places[kind]
        old = [listener for listener in self.by_fd.values() if listener.kind == kind]
        if port == old_port:
            self._drop(old)  # the same addresses cannot be taken twice
            old = []
        try:
            opened = self._open_tcp(addresses, port, kind)
        except ListenError as error:
            if port == old_port:
                self._add(self._open_tcp(old_addresses, old_port, kind), kind)
                raise ConfigError(b"Failed to bind to specified addresses.") from error
            raise ConfigError(b"Unable to listen on this port. Check server logs.") from error
        self._drop(old)
        self._add(opened, kind)
        self._places[kind] = (addresses, port)

    def _open_tcp(self, addresses: list[str], port: int, kind: int) -> list[socket.socket]:
        """Return sockets listening on `addresses` (a leading `-`: may be missing), none for port 0; or ListenError."""
        opened: list[socket.socket] = []
        for address in addresses if port else ():
            optional = address.startswith("-")
            host = address[1:] if optional else address
            try:
                opened.append(self._tcp_listener(host, port))
            except OSError as error:
                step = "" if isinstance(error, socket.gaierror) else "bind: "
                self.log.warning(
                    f"Warning: Could not create server TCP listening socket {host}:{port}: "
                    f"{step}{error.strerror or error}"
                )
                if optional and error.errno in _ABSENT_ADDRESS:
                    continue
                for listener in opened:
                    listener.close()
                raise ListenError(f"Failed listening on port {port} ({NAMES[kind]}), aborting.") from error
        return opened

    def _tcp_listener(self, host: str, port: int) -> socket.socket:
        if host in ("*", "::*"):
            family = socket.AF_INET if host == "*" else socket.AF_INET6
            target = "0.0.0.0" if host == "*" else "::"
        else:
            name = os.fsencode(host)  # as bytes: any name is looked up, and none refused by Python for its form
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, target = found[0][0], str(found[0][4][0])
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((target, port))
            listener.listen(self.config.tcp_backlog)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        return listener

    def _listen_unix(self, path: str, perm: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.stat(path).st_mode):
                os.unlink(path)
        if len(os.fsencode(path)) >= _UNIX_PATH_SIZE:
            raise ListenError(
                f"Failed opening Unix socket: unix socket path too long ({len(os.fsencode(path))}), "
                f"must be under {_UNIX_PATH_SIZE}"
            )
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(path)
            if perm:
                os.chmod(path, perm)
            listener.listen(self.config.tcp_backlog)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            raise ListenError(f"Failed opening Unix socket: bind: {error.strerror or error}") from error
        self.unix_path = path
        self._add([listener], UNIX)

    def _add(self, opened: list[socket.socket], kind: int) -> None:
        for sock in opened:
            self.by_fd[sock.fileno()] = Listener(sock, kind)
            self.poller.add(sock.fileno())

    def _drop(self, listeners: list[Listener]) -> None:
        for listener in listeners:
            if not listener.rests:
                self.poller.remove(listener.sock.fileno())
            del self.by_fd[listener.sock.fileno()]
            listener.sock.close()
