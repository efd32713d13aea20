"""HTTP over the module's AT commands, and a server whose answers are written out byte by byte."""

import re
import socket
import ssl
from collections.abc import Iterable, Mapping

from .at import OK, At, lines
from .pki import Identity
from .tcp import TcpServer

# Long bodies come through a PTY in portions.
LONG = 60.0


def start(at: At, url: str = "") -> None:
    """A bearer and a session."""
    at.ok('AT+SAPBR=3,1,"CONTYPE","GPRS"', 'AT+SAPBR=3,1,"APN",""', "AT+SAPBR=1,1", "AT+HTTPINIT")
    if url:
        target(at, url)


def target(at: At, url: str) -> None:
    at.ok(f'AT+HTTPPARA="URL","{url}"')


def begin(at: At, method: int = 0) -> None:
    """Asks; what comes of it is told later."""
    at.ok(f"AT+HTTPACTION={method}")


def outcome(at: At, method: int = 0, within: float = LONG) -> tuple[int, int]:
    """What came of it: status and length."""
    at.expect(f"\r\n+HTTPACTION: {method},".encode(), within)
    told = re.fullmatch(rb"(\d{3}),(\d+)\r\n", at.until(b"\r\n"))
    assert told, "status and length"
    return int(told[1]), int(told[2])


def act(at: At, method: int = 0) -> tuple[int, int]:
    begin(at, method)
    return outcome(at, method)


def body(at: At, part: str = "") -> bytes:
    """What AT+HTTPREAD shows."""
    return _shown(at, f"AT+HTTPREAD{part}", b"\r\n+HTTPREAD: ", b"")


def head(at: At) -> bytes:
    """What AT+HTTPHEAD shows and counts."""
    return _shown(at, "AT+HTTPHEAD", b"\r\n+HTTPHEAD: ", b"\r\n")


def _shown(at: At, command: str, prefix: bytes, behind: bytes) -> bytes:
    at.send(command.encode() + b"\r")
    at.expect(prefix)
    shown = at.take(int(at.until(b"\r\n")), LONG)
    at.expect(behind + OK)
    return shown


def get(at: At, url: str) -> bytes:
    """A body that has to be there."""
    target(at, url)
    status, length = act(at)
    assert status == 200
    came = body(at)
    assert len(came) == length
    return came


def provide(at: At, data: bytes) -> None:
    """What the next POST sends. CRLF, or an LF that the data begin with would count as the command's."""
    at.send(f"AT+HTTPDATA={len(data)},60000\r\n".encode())
    at.expect(lines("DOWNLOAD"))
    at.send(data)
    at.expect(OK, LONG)


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


def _tls(identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES256-SHA:@SECLEVEL=0")
    context.load_cert_chain(identity.certificate, identity.key)
    return context
