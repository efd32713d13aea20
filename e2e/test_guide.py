"""The session of the SSL guide, section 3, against two servers that we did not write."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.at import OK, PROMPT, At, lines
from support.pki import Pki
from support.tls import GnuTlsServer, OpenSslServer, TlsServer, there_and_back
from support.twin import Twin

RANDOM = "101B12C3141516171F19202122232425262728293031323334353637"


def configure(at: At, pki: Pki) -> None:
    """Sections 3.1 and 3.2 in their order, with the real lengths of the files."""
    at.ask("AT+CPIN?", lines("+CPIN: READY", "OK"))
    at.ask("AT+CGATT?", lines("+CGATT: 1", "OK"))
    at.bearer()
    at.ok("AT+CIPSSL=1")
    names = {
        "server.crt": pki.authority.certificate,
        "client.crt": pki.client.certificate,
        "client.key": pki.client.key,
    }
    for name in names:
        at.ok(f'AT+FSCREATE="{name}"')
    for name, path in names.items():
        content = path.read_bytes()
        at.ask(f'AT+FSWRITE="{name}", 0,{len(content)},15', PROMPT)
        at.send(content)
        at.expect(OK)
    at.ok(
        'AT+SSLCFG="cacert",0, "server.crt"',
        'AT+SSLCFG="clientcert",0, "client.crt"',
        'AT+SSLCFG="clientkey", 0,"client.key"',
        'AT+SSLCFG="seclevel",0,2',
        'AT+SSLCFG="ciphersuite",0,0X0035',
        f'AT+SSLCFG="clientrandom",0,{RANDOM}',
    )


def leave(at: At) -> None:
    """The end of section 3.3."""
    at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.ok("AT+CIPSSL=0")
    at.works()


# @covers ssl.connect.level.2 ssl.flow.guide
def test_two_way_against_openssl(start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path) -> None:
    with OpenSslServer(tmp_path, pki.server, client_authority=pki.authority) as server:
        twin = start_twin("--resolve", f"tcplab.openluat.com:127.0.0.1:{server.port}")
        at = twin.serial()
        configure(at, pki)
        at.connect(57513, host="tcplab.openluat.com")
        at.transmit(b"1234567890")
        server.expect(b"1234567890")
        server.send(b"0987654321")
        # One link without header: the data, then CRLF after each packet (CIPRXF is 0).
        at.expect(b"0987654321\r\n")
        leave(at)
        twin.wait_for_log(
            r"link 0 to tcplab\.openluat\.com.*TLS 1\.2, 0X0035 TLS_RSA_WITH_AES_256_CBC_SHA, server .*CN=server"
        )


def test_two_way_against_gnutls(start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path) -> None:
    with GnuTlsServer(tmp_path, pki.server, client_authority=pki.authority) as server:
        at = start_twin("--resolve", f"tcplab.openluat.com:127.0.0.1:{server.port}").serial()
        configure(at, pki)
        at.connect(57513, host="tcplab.openluat.com")
        at.transmit(b"123456789\n")
        at.expect(b"123456789\n\r\n")
        leave(at)
        assert "CN=client" in server.log()


# @covers ssl.connect.level.1
@pytest.mark.parametrize("server_type", [OpenSslServer, GnuTlsServer])
def test_one_way(twin: Twin, pki: Pki, tmp_path: Path, server_type: type[TlsServer]) -> None:
    """The server is verified; the client has no certificate and nobody asks for one."""
    with server_type(tmp_path, pki.server) as server:
        at = twin.serial()
        at.upload("ca.crt", pki.authority.certificate.read_bytes())
        at.secure(0, cacert="ca.crt", level=1)
        at.bearer()
        at.ok("AT+CIPSSL=1", "AT+CIPRXF=1")
        at.connect(server.port)
        there_and_back(at, server, "one-way")
        leave(at)


# @covers ssl.connect.level.0 ssl.cipssl.alone
def test_untouched_defaults(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    """CIPSSL=1 and CIPSTART, from cold, and nothing else."""
    with GnuTlsServer(tmp_path, pki.server) as server:
        at = twin.serial()
        at.ok("AT+CIPQSEND=1", "AT+CIPRXF=1", "AT+CIPSSL=1")
        at.connect(server.port)
        at.transmit(b"defaults\n")
        at.expect(b"defaults\n")
        leave(at)
