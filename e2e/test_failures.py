"""What goes wrong: CONNECT FAIL for the host, the reason in the log, and a module that works on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.at import FAILED, At, lines
from support.pki import Identity, Pki
from support.tcp import TcpServer, free_port, http, silence
from support.tls import GnuTlsServer, OpenSslServer, TlsServer, there_and_back
from support.twin import Twin

MISSING = "not-uploaded.crt"


@pytest.fixture
def at(twin: Twin, pki: Pki) -> At:
    """A module with all the files, right and wrong ones, and a bearer, on one link with TLS."""
    at = twin.serial()
    for name, path in {
        "ca.crt": pki.authority.certificate,
        "wrong-ca.crt": pki.second_authority.certificate,
        "client.crt": pki.client.certificate,
        "client.key": pki.client.key,
        "other.key": pki.other_client.key,
    }.items():
        at.upload(name, path.read_bytes())
    at.bearer()
    at.ok("AT+CIPSSL=1", "AT+CIPRXF=1")
    return at


@pytest.fixture(params=[OpenSslServer, GnuTlsServer], ids=["openssl", "gnutls"])
def server(request: pytest.FixtureRequest, pki: Pki, tmp_path: Path) -> Iterator[TlsServer]:
    """A server that demands a client certificate."""
    with request.param(tmp_path, pki.server, client_authority=pki.authority) as server:
        yield server


def fails(at: At, port: int, within: float = 10.0) -> None:
    """The connection fails in the module's form, and nothing more is printed."""
    at.start(port)
    at.expect(FAILED, within)
    at.works()


def works_after_all(at: At, server: TlsServer) -> None:
    """With the right configuration, without restarting anything."""
    at.secure(0, cacert="ca.crt", clientcert="client.crt", clientkey="client.key", level=2)
    at.connect(server.port)
    there_and_back(at, server, "at last")
    at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.works()


# @covers ssl.connect.level.2.none
def test_without_the_client_certificate(twin: Twin, at: At, server: TlsServer) -> None:
    at.secure(0, cacert="ca.crt", level=1)
    fails(at, server.port)
    twin.wait_for_log(r"demands a client certificate and none was presented.*clientcert")
    works_after_all(at, server)


# @covers ssl.connect.level.1
def test_wrong_authority(twin: Twin, at: At, server: TlsServer) -> None:
    at.secure(0, cacert="wrong-ca.crt", clientcert="client.crt", clientkey="client.key", level=2)
    fails(at, server.port)
    twin.wait_for_log(r"(not in cacert|no certificate in cacert signed .*CN=server)")
    works_after_all(at, server)


# @covers ssl.connect.files
def test_key_that_does_not_match(twin: Twin, at: At, server: TlsServer) -> None:
    at.secure(0, cacert="ca.crt", clientcert="client.crt", clientkey="other.key", level=2)
    fails(at, server.port)
    twin.wait_for_log(r"clientkey .* clientcert")
    works_after_all(at, server)


# @covers ssl.connect.files
@pytest.mark.parametrize("keyword", ["cacert", "clientcert", "clientkey"])
def test_file_that_is_not_there(twin: Twin, at: At, pki: Pki, tmp_path: Path, keyword: str) -> None:
    """SSLCFG takes the name; the connection fails."""
    names = {"cacert": "ca.crt", "clientcert": "client.crt", "clientkey": "client.key", keyword: MISSING}
    with GnuTlsServer(tmp_path, pki.server, client_authority=pki.authority) as server:
        at.secure(0, **names, level=2)
        fails(at, server.port)
        twin.wait_for_log(rf"{keyword} is {re.escape(MISSING)}, but the module has no such file")
        works_after_all(at, server)


# @covers ssl.connect.plain-peer
@pytest.mark.parametrize("speaks", [http, None], ids=["answers in HTTP", "closes"])
def test_plain_tcp_port(twin: Twin, at: At, pki: Pki, tmp_path: Path, speaks: object) -> None:
    """CIPSSL=1 towards a port that does not speak TLS."""
    with TcpServer(http if speaks else lambda connection: connection.close()) as plain:
        fails(at, plain.port)
    twin.wait_for_log(
        r"not TLS: it begins with `HTTP/1.1 400" if speaks else r"closed .* without an answer.*not a TLS port"
    )
    with OpenSslServer(tmp_path, pki.server, client_authority=pki.authority) as server:
        works_after_all(at, server)


# @covers ssl.connect.plain-twin
def test_without_tls_to_a_tls_port(at: At, pki: Pki, tmp_path: Path) -> None:
    """CIPSSL=0 towards a port that speaks TLS: it connects, and what is no hello ends it."""
    at.ok("AT+CIPSSL=0")
    with GnuTlsServer(tmp_path, pki.server) as server:
        at.connect(server.port)
        at.hand_over("AT+CIPSEND=18", b"GET / HTTP/1.0\r\n\r\n", lines("DATA ACCEPT:18"))
        at.until(b"\r\nCLOSED\r\n")
        at.works()


def test_server_that_accepts_and_says_nothing(twin: Twin, at: At, pki: Pki, tmp_path: Path) -> None:
    at.ok('AT+SSLCFG="negotiatetimeout",0,10')
    with TcpServer(silence) as mute:
        fails(at, mute.port, within=25)
    twin.wait_for_log(r"accepted the connection and said nothing for 10 s \(negotiatetimeout\)")
    with OpenSslServer(tmp_path, pki.server, client_authority=pki.authority) as server:
        works_after_all(at, server)


def test_nobody_listens(twin: Twin, at: At, pki: Pki, tmp_path: Path) -> None:
    fails(at, free_port())
    twin.wait_for_log(r"refused the connection: nothing listens there")
    with OpenSslServer(tmp_path, pki.server, client_authority=pki.authority) as server:
        works_after_all(at, server)


# @covers ssl.connect.level.1.none
def test_nothing_to_verify_with(twin: Twin, at: At, server: TlsServer) -> None:
    """seclevel 1 without cacert: fails closed, whatever the computer trusts."""
    at.ok('AT+SSLCFG="seclevel",0,1')
    fails(at, server.port)
    twin.wait_for_log(r"no cacert is set")
    works_after_all(at, server)


def test_many_links_report_the_number(twin: Twin, at: At, pki: Pki, tmp_path: Path) -> None:
    at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.bearer(multi=True)
    at.secure(2, cacert="wrong-ca.crt", level=1)
    with OpenSslServer(tmp_path, pki.server) as server:
        at.start(server.port, link=2)
        at.expect(lines("2, CONNECT FAIL"))
        at.secure(2, cacert="ca.crt", level=1)
        at.connect(server.port, link=2)
        at.works()


def test_secrets_stay_out_of_the_log(twin: Twin, at: At, pki: Pki, server: TlsServer) -> None:
    works_after_all(at, server)
    identity: Identity = pki.client
    body = identity.key.read_text().splitlines()[1]
    assert body not in twin.log()
    assert "at last" not in twin.log()
