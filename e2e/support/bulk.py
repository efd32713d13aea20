"""Many bytes both ways at once, checked by a sum, with readers that pause."""

import hashlib
import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from . import wait
from .pki import Identity

CHUNK = 64 << 10
_NOISE = os.urandom(CHUNK)


def chunks(seed: int, size: int) -> Iterator[bytes]:
    """No two chunks are equal, so nothing can get lost, come twice or change places without a trace."""
    for number, start in enumerate(range(0, size, CHUNK)):
        chunk = seed.to_bytes(4, "big") + number.to_bytes(8, "big") + _NOISE
        yield chunk[: min(CHUNK, size - start)]


def checksum(seed: int, size: int) -> str:
    """What a reader of it all has to come to."""
    total = hashlib.sha256()
    for chunk in chunks(seed, size):
        total.update(chunk)
    return total.hexdigest()


class Mover(threading.Thread):
    """Sends and receives on one socket at the same time, in a thread of its own, until both are done."""

    def __init__(self, name: str, connection: socket.socket, seed: int, size: int, pauses: int) -> None:
        """As much is received as is sent. At each of so many places, evenly spread, it stops reading until it is told to
        go on."""
        super().__init__(name=name, daemon=True)
        self._connection = connection
        self._out = chunks(seed, size)
        self._size = size
        self._sum = hashlib.sha256()
        self._stops = [size * (place + 1) // (pauses + 1) for place in range(pauses)]
        self._failure: BaseException | None = None
        self._go_on = threading.Event()
        self.sent = 0
        self.received = 0
        self.pauses = False

    @property
    def checksum(self) -> str:
        """Of what has come."""
        return self._sum.hexdigest()

    def resume(self) -> None:
        """Ends a pause."""
        self.pauses = False

    def finish(self, within: float) -> None:
        """Waits for the end; raises what went wrong."""
        self.join(within)
        if self._failure:
            raise self._failure
        assert not self.is_alive(), f"{self.name}: {self.sent} sent, {self.received} received of {self._size}"

    def run(self) -> None:
        try:
            self._move()
        except BaseException as failure:  # noqa: BLE001 - told by `finish`
            self._failure = failure

    def _move(self) -> None:
        self._connection.setblocking(False)
        waiting = memoryview(next(self._out))
        while self.sent < self._size or self.received < self._size:
            reading = self.received < self._size and not self.pauses
            writing = self.sent < self._size
            # A pause ends from outside: looked for often enough.
            select.select([self._connection] if reading else [], [self._connection] if writing else [], [], 0.02)
            if reading:
                self._read()
            if writing:
                waiting = self._write(waiting)

    def _read(self) -> None:
        while self.received < self._size and not self.pauses:
            try:
                data = self._connection.recv(CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return
            assert data, f"{self.name}: the connection has ended after {self.received} bytes"
            self._sum.update(data)
            self.received += len(data)
            if self._stops and self.received >= self._stops[0]:
                self._stops.pop(0)
                self.pauses = True

    def _write(self, waiting: memoryview) -> memoryview:
        try:
            count = self._connection.send(waiting)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return waiting
        self.sent += count
        rest = waiting[count:]
        return rest if rest or self.sent == self._size else memoryview(next(self._out))


def wait_until_stuck(mover: Mover) -> None:
    """Until everything between it and a reader that pauses is full (or all is sent)."""

    def stuck() -> bool:
        before = mover.sent
        mover.join(0.2)
        return mover.sent == before

    wait.until(stuck, f"{mover.name} is stuck", 60)


class Peer:
    """A server for one connection, with an identity over TLS: Python's ssl, TLS 1.2 and one suite of the module."""

    def __init__(self, identity: Identity | None) -> None:
        self._context: ssl.SSLContext | None = None
        if identity:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(identity.certificate, identity.key)
            self._context.maximum_version = ssl.TLSVersion.TLSv1_2
            self._context.set_ciphers("AES256-SHA:@SECLEVEL=0")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._accepted: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        self._accepted.append(connection)

    def connection(self) -> socket.socket:
        """The connection, once the handshake is over."""
        wait.until(lambda: self._accepted, "a connection")
        return self._accepted[0]

    def close(self) -> None:
        self._listener.close()
        for connection in self._accepted:
            connection.close()


def resident(process: int) -> int:
    """The memory of a process, in bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")
