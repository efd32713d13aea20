"""Between the twin and a server: passes bytes on, and keeps what the handshake says in the clear."""

import contextlib
import queue
import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType

HANDSHAKE = 22
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
NAMES = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2"}
# RFC 5746: says that renegotiation is safe; a suite in form only.
SIGNALLING = 0x00FF


@dataclass
class Recording:
    """One connection as it was on the wire."""

    # The relay's own port towards the server: how the server names the connection.
    port: int = 0
    from_twin: bytearray = field(default_factory=bytearray)
    from_server: bytearray = field(default_factory=bytearray)
    over: threading.Event = field(default_factory=threading.Event)

    def _message(self, data: bytearray, kind: int) -> bytes | None:
        """A handshake message, out of the records before encryption begins."""
        messages, at = b"", 0
        while at + 5 <= len(data) and data[at] == HANDSHAKE:
            length = int.from_bytes(data[at + 3 : at + 5])
            messages += data[at + 5 : at + 5 + length]
            at += 5 + length
        while len(messages) >= 4:
            length = int.from_bytes(messages[1:4])
            if messages[0] == kind:
                return messages[4 : 4 + length]
            messages = messages[4 + length :]
        return None

    def offer(self) -> tuple[str, list[str]]:
        """The version and the suites of the ClientHello."""
        hello = self._message(self.from_twin, CLIENT_HELLO)
        assert hello, f"no ClientHello in {bytes(self.from_twin[:40])!r}"
        start = 35 + hello[34]
        length = int.from_bytes(hello[start : start + 2])
        listed = hello[start + 2 : start + 2 + length]
        numbers = [int.from_bytes(listed[at : at + 2]) for at in range(0, length, 2)]
        return NAMES[int.from_bytes(hello[:2])], [f"{number:04X}" for number in numbers if number != SIGNALLING]

    def choice(self) -> tuple[str, str]:
        """The version and the suite of the ServerHello."""
        hello = self._message(self.from_server, SERVER_HELLO)
        assert hello, f"no ServerHello in {bytes(self.from_server[:40])!r}"
        start = 35 + hello[34]
        return NAMES[int.from_bytes(hello[:2])], f"{int.from_bytes(hello[start : start + 2]):04X}"

    def client_certificate(self) -> bool:
        """Whether the twin sent a certificate. (The message may be there and empty: asked, and nothing to show.)"""
        message = self._message(self.from_twin, CERTIFICATE)
        return message is not None and int.from_bytes(message[:3]) > 0


class Relay:
    """Passes each connection on to the port that is `target` at that time."""

    def __init__(self) -> None:
        self.target = 0
        self._recordings: queue.Queue[Recording] = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                twin, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target), timeout=60)
            recording = Recording(port=server.getsockname()[1])
            self._recordings.put(recording)
            threading.Thread(target=self._pass_on, args=(twin, server, recording), daemon=True).start()

    def _pass_on(self, twin: socket.socket, server: socket.socket, recording: Recording) -> None:
        back = threading.Thread(target=_copy, args=(server, twin, recording.from_server), daemon=True)
        back.start()
        _copy(twin, server, recording.from_twin)
        back.join()
        twin.close()
        server.close()
        recording.over.set()

    def recording(self) -> Recording:
        """The next connection, when it is over."""
        recording = self._recordings.get(timeout=60)
        assert recording.over.wait(timeout=60), "the connection does not end"
        return recording

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        # Closing alone does not wake up who waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _copy(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            kept += data
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
