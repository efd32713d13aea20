"""Ports, and small TCP servers of our own."""

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from . import wait


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens. Looked up, because the server would count a connection."""
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "0A":
                return True
    return False


class TcpServer:
    """Accepts any number of connections and handles each on a thread."""

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self._handle = handle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._handle(connection)

    def wait_for_connections(self, count: int) -> None:
        wait.until(lambda: len(self.connections) >= count, f"{count} connections")

    def __enter__(self) -> "TcpServer":
        return self

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._listener.close()
        for connection in self.connections:
            connection.close()


def echo(connection: socket.socket) -> None:
    """Sends back what comes."""
    while data := connection.recv(65_536):
        connection.sendall(data)
    connection.close()


def silence(connection: socket.socket) -> None:
    """Reads and says nothing."""
    while connection.recv(65_536):
        pass


def http(connection: socket.socket) -> None:
    """What a plain web server says to something that is not HTTP."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    connection.close()
