"""The three servers: how they are started, and what each saw of a connection."""

import hashlib
import json
import re
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from support import wait
from support.pki import Identity, Pki
from support.tls import GnuTlsServer

HERE = Path(__file__).parent
# Nothing is secret here; JSSE reads no key without one.
PASSWORD = "matrix"


@dataclass(frozen=True)
class Seen:
    """What the server says about a connection."""

    version: str | None = None
    suite: str | None = None
    # SHA-256 of the client's certificate, if it presented one.
    client: str | None = None
    error: str | None = None


class Peer:
    """A server with ports that all echo lines: `plain`; `asks`, which asks for a client certificate; and `up to 2`
    (1, 0), which knows no newer version than that.

    It has one connection at a time, and is asked about each: the same port may come again later.
    """

    name: str
    # The oldest version that it can do, as in `sslversion`: offered alone, and offered with newer ones; and why.
    oldest = 0
    oldest_of_all = 0
    reason = ""
    ports: dict[str, int]

    def seen(self, port: int) -> Seen:
        """What became of the connection that came from this port."""
        return wait.until(lambda: self._seen(port), f"a record of port {port} at {self.name}", within=30)

    def _seen(self, port: int) -> Seen | None:
        raise NotImplementedError

    def log(self) -> str:
        """What it said about its troubles."""
        raise NotImplementedError

    def __enter__(self) -> "Peer":
        return self


class _Program(Peer):
    """A program of ours around an implementation of theirs: says JSON lines."""

    def __init__(self, directory: Path, command: list[str | Path]) -> None:
        self._said, self._errors = directory / f"{self.name}.jsonl", directory / f"{self.name}.log"
        with self._said.open("wb") as said, self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=said, stderr=errors
            )
        # The first record that nobody has asked about; line 0 has the ports.
        self._next = 1
        # A JVM compiles the server first.
        self.ports = wait.until(self._first_line, f"the ports of {self.name}", within=60)

    def _first_line(self) -> dict[str, int] | None:
        assert self._process.poll() is None, f"{self.name} has ended: {self.log()}"
        line, end, _ = self._said.read_text().partition("\n")
        return json.loads(line) if end else None

    def _seen(self, port: int) -> Seen | None:
        for number, record in enumerate(self._records(), start=1):
            if number >= self._next and record["peer"] == port:
                self._next = number + 1
                return _seen_in(record)
        return None

    def all_seen(self) -> list[Seen]:
        """What became of every connection so far, whichever port it came from."""
        return [_seen_in(record) for record in self._records()]

    def _records(self) -> list[dict[str, Any]]:
        assert self._process.poll() is None, f"{self.name} has ended: {self.log()}"
        return [json.loads(line) for line in self._said.read_text().split("\n")[1:-1]]

    def log(self) -> str:
        return self._errors.read_text(errors="replace")

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()


def _seen_in(record: dict[str, Any]) -> Seen:
    return Seen(*(record.get(key) for key in ("version", "suite", "client", "error")))


class TlsLite(_Program):
    """tlslite-ng: Python down to the arithmetic."""

    name = "tlslite-ng"

    def __init__(self, directory: Path, pki: Pki) -> None:
        super().__init__(
            directory, [sys.executable, HERE / "tlslite_server.py", pki.server.certificate, pki.server.key]
        )


class Jsse(_Program):
    """The JSSE of Java's own library, with the lists of disabled algorithms emptied."""

    name = "Java JSSE"
    # Whenever the ClientHello says TLS, it looks for the length that TLS puts before the encrypted pre-master secret,
    # also in a session of SSL 3.0, which has none there (RFC 6101 5.6.7.1).
    oldest_of_all = 1
    reason = "after a newer ClientHello it misreads SSL 3.0"

    def __init__(self, directory: Path, pki: Pki) -> None:
        store = directory / "server.p12"
        export = ["openssl", "pkcs12", "-export", "-passout", f"pass:{PASSWORD}", "-out", store]
        subprocess.run(
            [*export, "-in", pki.server.certificate, "-inkey", pki.server.key], check=True, capture_output=True
        )
        super().__init__(directory, ["java", HERE / "JsseServer.java", store, PASSWORD, pki.authority.certificate])


class GnuTls(Peer):
    """`gnutls-serv`, one for each port. Which connection it talks about is known by the order only."""

    name = "GnuTLS"
    oldest = oldest_of_all = 1
    reason = "built without SSL 3.0"

    _VERSIONS = ("+VERS-TLS1.0", "+VERS-TLS1.1", "+VERS-TLS1.2")
    _SUITES = "+RSA:+AES-256-CBC:+AES-128-CBC:+3DES-CBC:+ARCFOUR-128:+SHA256:+SHA1:+MD5"
    _OTHERS = "+SIGN-ALL:+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE"
    _NUMBERS = {
        ("AES-256-CBC", "SHA1"): "0035",
        ("AES-128-CBC", "SHA1"): "002F",
        ("ARCFOUR-128", "SHA1"): "0005",
        ("ARCFOUR-128", "MD5"): "0004",
        ("3DES-CBC", "SHA1"): "000A",
        ("AES-256-CBC", "SHA256"): "003D",
    }

    def __init__(self, directory: Path, pki: Pki) -> None:
        self._servers = []
        self.ports = {}
        for name, newest in {"plain": 3, "asks": 3, "up to 2": 2, "up to 1": 1}.items():
            priority = ":".join(["NONE", *self._VERSIONS[:newest], self._SUITES, self._OTHERS])
            authority = pki.authority if name == "asks" else None
            server = GnuTlsServer(directory, pki.server, priority=priority, client_authority=authority, demands=False)
            self._servers.append(server)
            self.ports[name] = server.port
        # The first connection of each that nobody has asked about.
        self._next = [1] * len(self._servers)

    def _seen(self, port: int) -> Seen | None:
        for which, server in enumerate(self._servers):
            for number, said in enumerate(server.log().split("\n* Accepted connection ")):
                if number >= self._next[which] and re.match(rf"from IPv4 127\.0\.0\.1 port {port} on ", said):
                    if seen := self._parse(said):
                        self._next[which] = number + 1
                    return seen
        return None

    def _parse(self, said: str) -> Seen | None:
        if error := re.search(r"^Error in handshake: .*$", said, re.MULTILINE):
            return Seen(error=error[0])
        session = re.search(r"^- Description: \((TLS)(1\.\d)\S*?\)-\(RSA\)-\((\S+?)\)-\((\S+?)\)$", said, re.MULTILINE)
        if not session or "\nreceived cmd: " not in said:
            return None
        client = re.search(r"^\tFingerprint:\n\t\tsha1:.*\n\t\tsha256:(\S+)$", said, re.MULTILINE)
        return Seen(f"{session[1]} {session[2]}", self._NUMBERS[session[3], session[4]], client[1] if client else None)

    def log(self) -> str:
        return "".join(server.log() for server in self._servers)

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        for server in self._servers:
            server.__exit__(None, None, None)


PEERS: tuple[type[Peer], ...] = (TlsLite, Jsse, GnuTls)


def fingerprint(identity: Identity) -> str:
    """SHA-256 of a certificate, in hexadecimal digits."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(identity.certificate.read_text())).hexdigest()
