"""A module that goes through cells against one server, and everything that is checked on the way."""

import random
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support import wait
from support.at import At, lines
from support.pki import Pki
from support.twin import Twin

from .cells import TLS12, Cell
from .peers import Peer, Seen, fingerprint
from .relay import Recording, Relay

LINK = 0
SIZE = 20_001
SEGMENT = 1460
NAME = "tcplab.openluat.com"
FAILED = lines(f"{LINK}, CONNECT FAIL")
# A record with a fatal alert: unknown_ca (RFC 5246 7.2); in SSL 3.0, which has no such, bad_certificate (RFC 6101 5.4).
REFUSAL = re.compile(rb"\x15\x03(\x00\x00\x02\x02\x2a|[\x01-\x03]\x00\x02\x02\x30)")


@dataclass
class Result:
    """What became of a cell: it works; it is impossible; the server cannot do it; the two have nothing in common; or
    something is wrong."""

    mark: str = ""
    connections: int = 0
    # In each direction.
    echoed: int = 0
    wrong: str = ""


class Module:
    """A twin, with all the files, behind a relay. Every method fails with an AssertionError."""

    def __init__(self, directory: Path, peer: Peer, pki: Pki) -> None:
        self._peer, self._pki = peer, pki
        self._relay = Relay()
        self._twin = Twin(directory)
        self._at = self._prepare()
        self._mark = 0
        self._result = Result()

    def _prepare(self) -> At:
        at = self._twin.serial()
        for name, path in {
            "ca.crt": self._pki.authority.certificate,
            "wrong-ca.crt": self._pki.second_authority.certificate,
            "client.crt": self._pki.client.certificate,
            "client.key": self._pki.client.key,
        }.items():
            at.upload(name, path.read_bytes())
        at.bearer(multi=True)
        at.ok("AT+CIPSSL=1")
        for keyword, value in (("clientcert", "client.crt"), ("clientkey", "client.key"), ("hostname", NAME)):
            at.ok(f'AT+SSLCFG="{keyword}",{LINK},"{value}"')
        return at

    def end(self) -> None:
        self._twin.kill()
        self._relay.__exit__(None, None, None)

    def log(self) -> str:
        return self._twin.log()

    def cell(self, cell: Cell) -> Result:
        """Everything about one cell. The module has a client certificate and its key in all of them."""
        self._result = Result()
        context = (("sslversion", cell.version), ("ciphersuite", f"0X{cell.suite}"), ("seclevel", cell.level))
        for keyword, value in context:
            self._at.ok(f'AT+SSLCFG="{keyword}",{LINK},{value}')
        if cell.server < TLS12:
            return self._with_an_older_server(cell)
        if cell.level == 0:
            # An authority that does not know the server: if it were asked, it would say no.
            self._trust("wrong-ca.crt")
        else:
            self._fails_closed_without_anchor()
            self._trust("ca.crt")
        if cell.impossible:
            self._fails_before_tls(r"this suite needs TLS 1\.2")
            return self._over("impossible")
        if cell.newest < self._peer.oldest:
            self._refused_by_the_server(cell)
            return self._over("server cannot")
        if cell.level > 0:
            self._refuses_an_impostor(cell)
            self._trust("ca.crt")
        self._session(cell, "asks", size=SIZE)
        if cell.level == 2:
            self._session(cell, "plain", size=SEGMENT)
        return self._over("works")

    def _with_an_older_server(self, cell: Cell) -> Result:
        self._trust("ca.crt")
        port = f"up to {cell.server}"
        if cell.agreed < self._peer.oldest_of_all:
            if port in self._peer.ports:
                recording = self._fails(port, reason="")
                assert recording.offer() == cell.offer, recording.offer()
                self._had_no_session(recording)
            return self._over("server cannot")
        if cell.nothing_in_common:
            recording = self._fails(port, reason="handshake_failure|no (?:cipher )?suite|common")
            assert recording.offer() == cell.offer, recording.offer()
            self._had_no_session(recording)
            return self._over("nothing in common")
        self._session(cell, port, size=SEGMENT)
        return self._over("works")

    def _over(self, mark: str) -> Result:
        self._at.works()
        self._result.mark = mark
        return self._result

    def _trust(self, name: str | None) -> None:
        self._at.ok(f'AT+SSLCFG="cacert",{LINK},' + (f'"{name}"' if name else ""))

    def _start(self, port: str) -> None:
        self._relay.target = self._peer.ports[port]
        self._mark = len(self._twin.log())
        self._result.connections += 1
        self._at.start(self._relay.port, link=LINK)

    def _logged(self, pattern: str) -> str:
        """The line about this connection that matches."""
        subject = rf"link {LINK} to 127\.0\.0\.1:{self._relay.port}\b.*"
        what = re.compile(f"{subject}(?:{pattern}).*")
        try:
            return wait.until(lambda: what.search(self._twin.log(), self._mark), pattern)[0]
        except AssertionError:
            raise AssertionError(f"nothing matches {pattern!r} in:\n{self._twin.log()[self._mark :]}") from None

    def _fails(self, port: str, *, reason: str) -> Recording:
        self._start(port)
        self._at.expect(FAILED, within=30)
        self._logged(rf"failed: .*(?:{reason})")
        return self._relay.recording()

    def _fails_before_tls(self, reason: str) -> None:
        """TCP comes up; not one byte is sent."""
        recording = self._fails("asks", reason=reason)
        assert not recording.from_twin, f"{len(recording.from_twin)} bytes came all the same"
        self._had_no_session(recording)

    def _had_no_session(self, recording: Recording) -> None:
        seen = self._peer.seen(recording.port)
        assert seen.version is None, f"the server saw {seen}"
        assert seen.error, "the server saw no failure"

    def _fails_closed_without_anchor(self) -> None:
        self._trust(None)
        self._fails_before_tls(r"this suite needs TLS 1\.2|no cacert is set")

    def _refuses_an_impostor(self, cell: Cell) -> None:
        """A server of another authority. It does not get as far as a client certificate."""
        self._trust("wrong-ca.crt")
        recording = self._fails("asks", reason=r"not in cacert|no certificate in cacert signed")
        assert recording.offer() == cell.offer, recording.offer()
        assert REFUSAL.search(recording.from_twin), f"no alert at the end: {bytes(recording.from_twin[-20:])!r}"
        assert not recording.client_certificate(), "a client certificate was sent to an impostor"
        self._had_no_session(recording)

    def _refused_by_the_server(self, cell: Cell) -> None:
        recording = self._fails("asks", reason="version")
        assert recording.offer() == cell.offer, recording.offer()
        self._had_no_session(recording)

    def _session(self, cell: Cell, port: str, *, size: int) -> None:
        """A session to the end, as the wire, the server and the twin saw it."""
        self._start(port)
        self._at.expect(lines(f"{LINK}, CONNECT OK"), within=30)
        self._echo(size, seed=f"{cell} {port}")
        self._at.ask(f"AT+CIPCLOSE={LINK}", lines(f"{LINK}, CLOSE OK"))
        version, suite = cell.outcome()
        asks = port == "asks"
        presents = asks and cell.level == 2

        recording = self._relay.recording()
        assert recording.offer() == cell.offer, f"offered {recording.offer()}, not {cell.offer}"
        assert recording.choice() == (version, suite), f"agreed on {recording.choice()}, not {(version, suite)}"
        assert recording.client_certificate() == presents, "a client certificate was sent" + " not" * presents

        seen = self._peer.seen(recording.port)
        expected = Seen(version, suite, fingerprint(self._pki.client) if presents else None)
        assert seen == expected, f"the server saw {seen}, not {expected}"

        said = self._logged(rf"{version}, 0X{suite} ")
        client = "client certificate .*CN=client.* sent" if presents else "asked for, none sent"
        assert re.search(client if asks else "no client certificate asked for", said), said
        assert "CN=server" in said, said
        assert ("NOT authenticated" in said) == (cell.level == 0), said
        assert "name was NOT checked" not in said, said

    def _echo(self, size: int, seed: str) -> None:
        """So many bytes there, and the same back. A line, for the servers' sake, and without NUL for GnuTLS's."""
        alphabet = bytes(byte for byte in range(1, 256) if byte != ord("\n"))
        data = bytes(random.Random(seed).choices(alphabet, k=size - 1)) + b"\n"
        for start in range(0, size, SEGMENT):
            self._at.transmit(data[start : start + SEGMENT], link=LINK)
        # 3DES in Python takes its time.
        echoed = self._at.receive(LINK, size, within=60)
        different = next((at for at in range(size) if echoed[at : at + 1] != data[at : at + 1]), None)
        assert different is None, f"byte {different} of {size} came back as another"
        self._result.echoed += size


class Worker(threading.Thread):
    """Goes through what is left of a server's cells with a module of its own; after a failure, with a new one."""

    def __init__(
        self, directory: Path, peer: Peer, pki: Pki, left: Iterator[Cell], results: dict[Cell, Result]
    ) -> None:
        super().__init__(daemon=True)
        self._directory, self._peer, self._pki = directory, peer, pki
        self._left, self._results = left, results

    def run(self) -> None:
        module: Module | None = None
        modules = 0
        for cell in self._left:
            try:
                if module is None:
                    modules += 1
                    module = Module(self._directory / f"module{modules}", self._peer, self._pki)
                self._results[cell] = module.cell(cell)
            except Exception as error:  # noqa: BLE001, whatever it is, the cell does not work
                told = module.log() if module else ""
                self._results[cell] = Result(mark="wrong", wrong=f"{type(error).__name__}: {error}\n{told[-2000:]}")
                if module:
                    module.end()
                    module = None
        if module:
            module.end()
