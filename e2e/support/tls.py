"""TLS servers that we did not write: `openssl s_server` and `gnutls-serv`."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from . import wait
from .at import At
from .pki import Identity
from .tcp import free_port, listens


class _Server:
    """A server program with a port of its own."""

    def __init__(
        self, directory: Path, program: list[str], at_port: Callable[[int], list[str]], *, pipes: bool
    ) -> None:
        name = program[-1]
        # Somebody else may get a free port first; then the program ends, and the next port is tried.
        for _ in range(5):
            self.port = free_port()
            self._log = directory / f"{name}-{self.port}.log"
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [*program, *at_port(self.port)],
                    stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if pipes else log,
                    stderr=log,
                )
            wait.until(lambda: self._has_ended() or listens(self.port), f"{name} listens on port {self.port}")
            if not self._has_ended():
                return
        raise AssertionError(f"{name} does not start: {self.log()}")

    def _has_ended(self) -> bool:
        return self._process.poll() is not None

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()


class OpenSslServer(_Server):
    """`openssl s_server`: what the client sends comes out of it, what is put in goes to the client.

    One client at a time.
    """

    def __init__(
        self, directory: Path, identity: Identity, *, client_authority: Identity | None = None, only: str | None = None
    ) -> None:
        """With an authority it demands a client certificate; `only` is the option for one version, such as `-tls1_3`."""
        options = ["-quiet", "-cipher", "ALL:@SECLEVEL=0", *([only] if only else [])]
        options += ["-cert", str(identity.certificate), "-key", str(identity.key)]
        if client_authority:
            options += ["-Verify", "1", "-verify_return_error", "-CAfile", str(client_authority.certificate)]
        super().__init__(
            directory, ["openssl", "s_server"], lambda port: ["-accept", f"127.0.0.1:{port}", *options], pipes=True
        )
        self._received = bytearray()
        threading.Thread(target=self._collect, daemon=True).start()

    def __enter__(self) -> "OpenSslServer":
        return self

    def _collect(self) -> None:
        assert self._process.stdout
        while data := os.read(self._process.stdout.fileno(), 65_536):
            self._received += data

    def send(self, data: bytes) -> None:
        """Sends to the client."""
        assert self._process.stdin
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def expect(self, data: bytes, within: float = 10.0) -> None:
        """Exactly this has come from the client since the last time."""
        wait.until(lambda: len(self._received) >= len(data), f"{len(data)} bytes at s_server", within)
        got = bytes(self._received)
        assert got == data, f"s_server got {got[:200]!r}… ({len(got)} bytes), not {data[:200]!r}… ({len(data)} bytes)"
        self._received.clear()


class GnuTlsServer(_Server):
    """`gnutls-serv`: echoes lines, or answers any request with a file. Many clients at a time.

    As an echo it answers when a line feed has come, and cannot take NUL.
    """

    def __init__(
        self,
        directory: Path,
        identity: Identity,
        *,
        client_authority: Identity | None = None,
        demands: bool = True,
        page: Path | None = None,
        priority: str = "NORMAL:+VERS-TLS-ALL:+RSA:+AES-256-CBC:+SHA1",
    ) -> None:
        """With an authority it asks for a client certificate, and may demand one."""
        options = ["--priority", priority]
        options += ["--x509certfile", str(identity.certificate), "--x509keyfile", str(identity.key)]
        options += ["--http", "--httpdata", str(page)] if page else ["--echo", "--crlf"]
        if client_authority:
            options += ["--require-client-cert", "--verify-client-cert"] if demands else []
            options += ["--x509cafile", str(client_authority.certificate)]
        else:
            options += ["--disable-client-cert"]
        # Line by line, or what it says of a failure would stand before the connection that failed.
        program = ["stdbuf", "-oL", "gnutls-serv"]
        super().__init__(directory, program, lambda port: ["--port", str(port), *options], pipes=False)

    def __enter__(self) -> "GnuTlsServer":
        return self


TlsServer = OpenSslServer | GnuTlsServer


def there_and_back(at: At, server: TlsServer, text: str, *, link: int | None = None) -> None:
    """A line of text to the server and the same back; checked at both ends where the server shows it."""
    data = text.encode() + b"\n"
    at.transmit(data, link=link)
    if isinstance(server, OpenSslServer):
        server.expect(data)
        server.send(data)
    if link is None:
        at.expect(data)
    else:
        assert at.receive(link, len(data)) == data
