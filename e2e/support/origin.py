"""A web server whose answers are written out byte by byte, and a proxy."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping

from .nginx import HELLO
from .pki import Identity
from .tcp import TcpServer

CHUNKS = [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Odd:  two  blanks \r\nx-lower: Yes\r\n\r\n",
    b"5;name=value\r\nHello\r\n1",
    b"0\r\n",
    b"0123456789abcdef\r\n0\r\nX-Trailer: behind\r\n\r\n",
]
TABLE = bytes(range(256)) * 40


def _answer(version: str, *more: str, body: bytes = HELLO) -> list[bytes]:
    return [f"HTTP/{version} 200 OK\r\n{''.join(line + chr(13) + chr(10) for line in more)}\r\n".encode(), body]


ANSWERS = {
    "/chunked": CHUNKS,
    "/until-close": _answer("1.0", body=TABLE),
    "/old": _answer("1.0", "Content-Length: 15"),
    "/split": [bytes([byte]) for byte in b"".join(_answer("1.1", "Content-Length: 15"))],
    "/continue": [b"HTTP/1.1 100 Continue\r\n\r\n", *_answer("1.1", "Content-Length: 15")],
    "/no-content": [b"HTTP/1.1 204 No Content\r\nServer: small\r\n\r\n"],
    "/cut": _answer("1.1", "Content-Length: 16"),
    "/cut-chunk": CHUNKS[:2],
    "/nothing": [],
    "/no-http": [b"220 mail.example.com ESMTP\r\n"],
    "/long-head": [b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n"],
}


class Origin(TcpServer):
    """Answers each path with exactly the portions that are written for it, then closes the connection.

    With an identity it speaks TLS; with `rude` it leaves out TLS's own end (close_notify).
    """

    def __init__(
        self, answers: Mapping[str, Iterable[bytes]], *, identity: Identity | None = None, rude: bool = False
    ) -> None:
        self._answers = answers
        self._rude = rude
        self._tls = _tls(identity) if identity else None
        self.asked: list[bytes] = []
        super().__init__(self._answer if identity is None else self._secure)

    def _secure(self, connection: socket.socket) -> None:
        assert self._tls
        with self._tls.wrap_socket(connection, server_side=True) as secured:
            self._reply(secured)
            if not self._rude:
                secured.unwrap()
            secured.shutdown(socket.SHUT_RDWR)

    def _answer(self, connection: socket.socket) -> None:
        self._reply(connection)
        # First that there is no more; what was not read would else reset the connection.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
        connection.close()

    def _reply(self, connection: socket.socket) -> None:
        # Each portion is to be a segment of its own.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            if not (data := connection.recv(65_536)):
                return
            request += data
        self.asked.append(request)
        for portion in self._answers[request.split(b" ", 2)[1].decode()]:
            connection.sendall(portion)

    def url(self, path: str) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}{path}"


class TunnelProxy(TcpServer):
    """A proxy that knows CONNECT and nothing else."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        super().__init__(self._tunnel)

    def _tunnel(self, client: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            if not (data := client.recv(1)):
                return
            request += data
        self.asked.append(request)
        host, port = request.split(b" ", 2)[1].decode().split(":")
        with socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()
            _copy(client, server)


def _copy(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


def _tls(identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES256-SHA:@SECLEVEL=0")
    context.load_cert_chain(identity.certificate, identity.key)
    return context
