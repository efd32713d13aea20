"""TLS servers that we did not write: `openssl s_server` and `gnutls-serv`."""

import os
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from . import wait
from .pki import Identity
from .tcp import free_port, listens


class _Server:
    """A server program with a port of its own."""

    def __init__(self, directory: Path, name: str) -> None:
        self.port = free_port()
        self._name = name
        self._log = directory / f"{name}-{self.port}.log"
        self._process: subprocess.Popen[bytes]

    def _start(self, command: list[str], **pipes: int) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **pipes})
        wait.until(self._is_up, f"{self._name} listens on port {self.port}")

    def _is_up(self) -> bool:
        assert self._process.poll() is None, f"{self._name} ended: {self.log()}"
        return listens(self.port)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()


class OpenSslServer(_Server):
    """`openssl s_server`: what the client sends comes out of it, what is put in goes to the client. One client at a time."""

    def __init__(self, directory: Path, identity: Identity, *, client_authority: Identity | None = None) -> None:
        super().__init__(directory, "s_server")
        command = ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{self.port}", "-cipher", "ALL:@SECLEVEL=0"]
        command += ["-cert", str(identity.certificate), "-key", str(identity.key)]
        if client_authority:
            command += ["-Verify", "1", "-verify_return_error", "-CAfile", str(client_authority.certificate)]
        self._start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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
        self, directory: Path, identity: Identity, *, client_authority: Identity | None = None, page: Path | None = None
    ) -> None:
        super().__init__(directory, "gnutls-serv")
        command = ["gnutls-serv", "--port", str(self.port), "--priority", "NORMAL:+VERS-TLS-ALL:+RSA:+AES-256-CBC:+SHA1"]
        command += ["--x509certfile", str(identity.certificate), "--x509keyfile", str(identity.key)]
        command += ["--http", "--httpdata", str(page)] if page else ["--echo", "--crlf"]
        if client_authority:
            command += ["--require-client-cert", "--verify-client-cert", "--x509cafile", str(client_authority.certificate)]
        else:
            command += ["--disable-client-cert"]
        self._start(command)

    def __enter__(self) -> "GnuTlsServer":
        return self
