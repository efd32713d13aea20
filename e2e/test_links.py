"""Several links at once, TLS and plaintext."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from support.at import ERROR, NOT_ALLOWED, lines
from support.pki import Pki
from support.tcp import TcpServer
from support.tls import GnuTlsServer, OpenSslServer, TlsServer, there_and_back
from support.twin import Twin


@pytest.mark.parametrize("server_type", [OpenSslServer, GnuTlsServer])
def test_two_links_with_two_authorities(twin: Twin, pki: Pki, tmp_path: Path, server_type: type[TlsServer]) -> None:
    """Contexts 1 and 2, set before anything else; link 1 one-way, link 2 two-way."""
    at = twin.serial()
    at.upload("server1.crt", pki.authority.certificate.read_bytes())
    at.upload("server2.crt", pki.second_authority.certificate.read_bytes())
    at.upload("client.crt", pki.client.certificate.read_bytes())
    at.upload("client.key", pki.client.key.read_bytes())
    at.ok("AT+CIPSSL=1")
    at.secure(1, cacert="server1.crt", level=1)
    at.secure(2, cacert="server2.crt", clientcert="client.crt", clientkey="client.key", level=2)
    at.ok('AT+SSLCFG="ciphersuite",1,0X0035', 'AT+SSLCFG="ciphersuite",2,0X002F')
    at.bearer(multi=True)
    with (
        server_type(tmp_path, pki.server) as first,
        server_type(tmp_path, pki.second_server, client_authority=pki.authority) as second,
    ):
        at.connect(first.port, link=1)
        at.connect(second.port, link=2)
        for _ in range(3):
            there_and_back(at, first, "one", link=1)
            there_and_back(at, second, "two", link=2)
        at.ask("AT+CIPCLOSE=1", lines("1, CLOSE OK"))
        there_and_back(at, second, "still up", link=2)
        at.ask("AT+CIPSHUT", lines("SHUT OK"))
        at.works()


def test_the_authorities_are_not_confused(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """The same two servers with the contexts swapped: neither is trusted."""
    at = twin.serial()
    at.upload("server1.crt", pki.authority.certificate.read_bytes())
    at.upload("server2.crt", pki.second_authority.certificate.read_bytes())
    at.secure(1, cacert="server2.crt", level=1)
    at.secure(2, cacert="server1.crt", level=1)
    at.bearer(multi=True)
    at.ok("AT+CIPSSL=1")
    with OpenSslServer(tmp_path, pki.server) as first, OpenSslServer(tmp_path, pki.second_server) as second:
        for link, server in ((1, first), (2, second)):
            at.start(server.port, link=link)
            at.expect(lines(f"{link}, CONNECT FAIL"))
    at.works()


def test_plaintext_after_tls(twin: Twin, pki: Pki, tmp_path: Path, tcp_echo: TcpServer) -> None:
    at = twin.serial()
    at.bearer()
    at.ok("AT+CIPSSL=1", "AT+CIPRXF=1")
    with OpenSslServer(tmp_path, pki.server) as server:
        at.connect(server.port)
        at.transmit(b"secret")
        server.expect(b"secret")
        at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.ok("AT+CIPSSL=0")
    at.connect(tcp_echo.port)
    at.transmit(b"in the clear")
    at.expect(b"in the clear")
    at.ask("AT+CIPCLOSE", lines("CLOSE OK"))
    at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.works()


def test_eight_links_and_no_ninth(twin: Twin, pki: Pki, tmp_path: Path, tcp_echo: TcpServer) -> None:
    """Six TLS links on 0 to 5, two plaintext ones on 6 and 7: CIPSSL counts when a link is opened."""
    at = twin.serial()
    at.upload("ca.crt", pki.authority.certificate.read_bytes())
    for context in range(6):
        at.secure(context, cacert="ca.crt", level=1)
    at.bearer(multi=True)
    with ExitStack() as stack:
        # Two servers, so that links to the same and to different servers are up together.
        servers = [stack.enter_context(GnuTlsServer(tmp_path, pki.server)) for _ in range(2)]
        at.ok("AT+CIPSSL=1")
        for link in range(6):
            at.connect(servers[link % 2].port, link=link)
        at.ok("AT+CIPSSL=0")
        for link in (6, 7):
            at.connect(tcp_echo.port, link=link)
        at.send(b'AT+CIPSTART=8,"TCP","127.0.0.1",%d\r' % tcp_echo.port)
        answer = at.until(b"\r\n", within=10) + at.until(b"\r\n", within=10)
        assert answer in (ERROR, NOT_ALLOWED), answer
        for _ in range(2):
            for link in range(8):
                text = f"this is link {link}\n".encode()
                at.transmit(text, link=link)
                assert at.receive(link, len(text)) == text
        tcp_echo.wait_for_connections(2)
        assert len(tcp_echo.connections) == 2
        at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.works()


def test_links_6_and_7_have_no_context(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """With CIPSSL=1 they fail closed; nothing is sent in the clear."""
    at = twin.serial()
    at.bearer(multi=True)
    at.ok("AT+CIPSSL=1")
    with GnuTlsServer(tmp_path, pki.server) as server:
        at.start(server.port, link=6)
        at.expect(lines("6, CONNECT FAIL"))
        twin.wait_for_log(r"link 6: .*this link number has no SSL context")
        at.ok("AT+CIPSSL=0")
    at.works()
