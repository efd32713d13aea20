"""Payload passes byte for byte, whatever it looks like."""

import random
from pathlib import Path

import pytest

from support.at import PROMPT, At, lines
from support.pki import Pki
from support.tls import GnuTlsServer, OpenSslServer
from support.twin import Twin

ALL_BYTES = bytes(range(256))
LOOKALIKES = b"\r\nOK\r\n\r\n> \r\nERROR\r\n\r\n1, CLOSED\r\n\r\n+RECEIVE,0,5:\r\nAT+CIPSHUT\r\n\x1a\x1b\x00\xff+++"
SEGMENT = 1460


def secure_link(twin: Twin) -> At:
    at = twin.serial()
    at.bearer(multi=True)
    at.ok("AT+CIPSSL=1")
    return at


@pytest.mark.parametrize(
    "payload", [ALL_BYTES, LOOKALIKES, b"OK", b"> "], ids=["0x00-0xFF", "lookalikes", "OK", "prompt"]
)
def test_both_ways(twin: Twin, pki: Pki, tmp_path: Path, payload: bytes) -> None:
    at = secure_link(twin)
    with OpenSslServer(tmp_path, pki.server) as server:
        at.connect(server.port, link=0)
        at.transmit(payload, link=0)
        server.expect(payload)
        server.send(payload)
        assert at.receive(0, len(payload)) == payload
        at.works()


def test_one_link_without_header(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """One link prints what it receives as it is."""
    at = twin.serial()
    at.bearer()
    at.ok("AT+CIPSSL=1", "AT+CIPRXF=1")
    with OpenSslServer(tmp_path, pki.server) as server:
        at.connect(server.port)
        at.transmit(ALL_BYTES + LOOKALIKES)
        server.expect(ALL_BYTES + LOOKALIKES)
        server.send(ALL_BYTES + LOOKALIKES)
        at.expect(ALL_BYTES + LOOKALIKES)
        at.works()


def test_all_bytes_from_gnutls(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """A page with every byte, as often as fills several records."""
    page = tmp_path / "page"
    page.write_bytes(ALL_BYTES * 64)
    at = secure_link(twin)
    with GnuTlsServer(tmp_path, pki.server, page=page) as server:
        at.connect(server.port, link=3)
        at.transmit(b"GET / HTTP/1.0\r\n\r\n", link=3)
        # The server closes: the end comes after all of the data.
        head, _, body = at.receive_all(3).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 200")
        assert body == ALL_BYTES * 64
        at.works()


def test_all_bytes_but_nul_echoed_by_gnutls(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    at = secure_link(twin)
    with GnuTlsServer(tmp_path, pki.server) as server:
        at.connect(server.port, link=0)
        for payload in (ALL_BYTES[1:] + b"\n", b"OK\r\n", b"\r\n> \n"):
            at.transmit(payload, link=0)
            assert at.receive(0, len(payload)) == payload


def test_full_segments_back_to_back(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """Sixty-four sends of 1460 bytes, each as soon as the one before it is accepted; then as much the other way."""
    at = secure_link(twin)
    data = random.Random(724).randbytes(SEGMENT * 64)
    with OpenSslServer(tmp_path, pki.server) as server:
        at.connect(server.port, link=0)
        for start in range(0, len(data), SEGMENT):
            at.transmit(data[start : start + SEGMENT], link=0)
        server.expect(data, within=30)
        server.send(data)
        assert at.receive(0, len(data), within=30) == data
        at.works()


def test_payload_need_not_wait_for_the_prompt(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """Command and data in one write; what follows the data is the next command."""
    at = secure_link(twin)
    with OpenSslServer(tmp_path, pki.server) as server:
        at.connect(server.port, link=0)
        at.send(b"AT+CIPSEND=0,10\r\n" + b"0123456789" + b"AT\r")
        at.expect(PROMPT + lines("DATA ACCEPT:0,10", "OK"))
        server.expect(b"0123456789")


def test_a_line_feed_after_a_bare_carriage_return_belongs_to_the_command(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """As on the module: it is never payload, not even behind the prompt. A command that ends with CRLF keeps it."""
    at = secure_link(twin)
    with OpenSslServer(tmp_path, pki.server) as server:
        at.connect(server.port, link=0)
        at.ask("AT+CIPSEND=0,3", PROMPT)
        at.send(b"\nabc")
        at.expect(lines("DATA ACCEPT:0,3"))
        server.expect(b"abc")
        at.transmit(b"\nabc", link=0)
        server.expect(b"\nabc")


def test_more_than_a_segment_is_refused(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    at = secure_link(twin)
    with OpenSslServer(tmp_path, pki.server) as server:
        at.connect(server.port, link=0)
        at.ask(f"AT+CIPSEND=0,{SEGMENT + 1}", lines("+CME ERROR: 3"))
        at.transmit(b"x" * SEGMENT, link=0)
        server.expect(b"x" * SEGMENT)
