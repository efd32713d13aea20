"""HTTPS against nginx: who checks whom, and what either says about it.

nginx links the system's OpenSSL. As it comes from Debian it takes what the module offers by default (0XFFFF); the
suites 0X002F, 0X0035 and 0X003D one by one are tried with `ssl_ciphers`.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import http
from support.at import At
from support.capture import followed, said_by
from support.nginx import HELLO, Nginx
from support.origin import ANSWERS, TABLE, Origin, TunnelProxy
from support.pki import Identity, Pki
from support.play import play
from support.tcp import TcpServer, silence
from support.twin import Twin


@pytest.fixture
def demanding(tmp_path: Path, pki: Pki) -> Iterator[Nginx]:
    """`ssl_verify_client on`."""
    with Nginx(tmp_path, identity=pki.server, client_authority=pki.authority) as server:
        yield server


def context(at: At, authority: Identity | None, client: Identity | None, level: int) -> None:
    if authority:
        at.upload("ca.pem", authority.certificate.read_bytes())
        at.ok('AT+SSLCFG="cacert",153,"ca.pem"')
    if client:
        at.upload("cert.pem", client.certificate.read_bytes())
        at.upload("key.pem", client.key.read_bytes())
        at.ok('AT+SSLCFG="clientcert",153,"cert.pem"', 'AT+SSLCFG="clientkey",153,"key.pem"')
    at.ok(f'AT+SSLCFG="seclevel",153,{level}')


def files(authority: Identity, client: Identity) -> dict[str, Path]:
    return {"ca.crt": authority.certificate, "client.crt": client.certificate, "client.key": client.key}


@pytest.mark.parametrize(
    ("suite", "name"), [("0X0035", "AES256-SHA"), ("0X002F", "AES128-SHA"), ("0X003D", "AES256-SHA256"), ("0XFFFF", "")]
)
def test_tls_suites(twin: Twin, pki: Pki, tmp_path: Path, suite: str, name: str) -> None:
    """Without HTTPSSL: https alone means TLS."""
    content = os.urandom(65_536)
    with Nginx(tmp_path, identity=pki.server, ciphers=name) as server:
        server.put("body.bin", content)
        at = twin.serial()
        at.ok(f'AT+SSLCFG="ciphersuite",153,{suite}')
        http.start(at)
        assert http.get(at, server.url("/body.bin")) == content
        [request] = server.wait_for_requests(1)
        assert request["protocol"] == "TLSv1.2"
        assert request["cipher"] == name or (not name and re.fullmatch("AES(128|256)-SHA(256)?", request["cipher"]))


def test_tls_one_way(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Nginx(tmp_path, identity=pki.server) as server:
        play(twin, "http/one-way", files={"ca.crt": pki.authority.certificate}, port=server.port)
        [request] = server.wait_for_requests(1)
        assert request["subject"] == "-"
        twin.wait_for_log(r"other\.example.*hostname")
        server.wait_for_error("SSL_do_handshake.. failed.*alert")


# @covers http.tls.context
def test_tls_mutual(twin: Twin, pki: Pki, demanding: Nginx) -> None:
    play(twin, "http/mutual", files=files(pki.authority, pki.client), port=demanding.port)
    [request] = demanding.wait_for_requests(1)
    assert request["subject"] == "CN=client,O=Modemtwin tests"
    assert request["verify"] == "SUCCESS"
    assert request["cipher"] == "AES256-SHA"


def test_tls_wrong_authority(twin: Twin, pki: Pki, demanding: Nginx) -> None:
    given = files(pki.second_authority, pki.client)
    play(twin, "http/something-wrong", files=given, port=demanding.port, status=605, length=0)
    demanding.wait_for_error("SSL_do_handshake.. failed .*alert unknown ca.*SSL alert number 48")
    twin.wait_for_log("(not in cacert|no certificate in cacert signed .*CN=server)")
    assert demanding.requests() == []


@pytest.mark.parametrize("which", ["stranger", "expired_client"])
def test_tls_wrong_client_certificate(twin: Twin, pki: Pki, demanding: Nginx, which: str) -> None:
    """nginx ends the handshake well, and then answers 400: the reason is in its page and its log."""
    client: Identity = getattr(pki, which)
    given = files(pki.authority, client)
    play(twin, "http/something-wrong", files=given, port=demanding.port, status=400, length=215)
    [request] = demanding.wait_for_requests(1)
    expired = which == "expired_client"
    assert request["subject"] == f"CN={'expired-client' if expired else 'stranger'},O=Modemtwin tests"
    why = "certificate has expired" if expired else "unable to verify the first certificate"
    assert request["verify"] == f"FAILED:{why}"
    demanding.wait_for_error("client SSL certificate verify error")


# @covers http.tls.cert
def test_tls_no_client_certificate(twin: Twin, pki: Pki, demanding: Nginx) -> None:
    at = twin.serial()
    context(at, pki.authority, None, 1)
    http.start(at, demanding.url("/hello.txt"))
    status, _ = http.act(at)
    assert status == 400
    assert b"No required SSL certificate was sent" in http.body(at)
    [request] = demanding.wait_for_requests(1)
    assert request["verify"] == "NONE"
    # The files are read when it connects: with a certificate it works.
    context(at, None, pki.client, 2)
    assert http.act(at) == (200, len(HELLO))


def test_tls_expired_server_certificate(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Nginx(tmp_path, identity=pki.expired_server) as server:
        given = files(pki.authority, pki.client)
        play(twin, "http/something-wrong", files=given, port=server.port, status=605, length=0)
        server.wait_for_error("alert certificate expired")
        twin.wait_for_log(r"CN=expired-server expired on .*ignorelocaltime")
        at = twin.serial()
        at.ok('AT+SSLCFG="ignorelocaltime",153,1', "AT+HTTPINIT")
        assert http.get(at, server.url("/hello.txt")) == HELLO


def test_tls_names(start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path) -> None:
    """The server is told the name of `hostname`, or else that of the URL; Host is the URL's."""
    twin = start_twin("--resolve", "tcplab.openluat.com:127.0.0.1")
    with Nginx(tmp_path, identity=pki.server) as server:
        at = twin.serial()
        context(at, pki.authority, None, 1)
        http.start(at)
        path = f"{server.port}/hello.txt"
        for host in ("127.0.0.1", "tcplab.openluat.com"):
            assert http.get(at, f"https://{host}:{path}") == HELLO
        at.ok('AT+SSLCFG="hostname",153,"localhost"')
        assert http.get(at, f"https://tcplab.openluat.com:{path}") == HELLO
        requests = server.wait_for_requests(3)
        assert [request["name"] for request in requests] == ["-", "tcplab.openluat.com", "localhost"]
        assert requests[2]["host"] == f"tcplab.openluat.com:{server.port}"


# @covers http.status.605
def test_tls_that_does_not_begin(twin: Twin) -> None:
    with TcpServer(silence) as mute:
        at = twin.serial()
        at.ok('AT+SSLCFG="negotiatetimeout",153,10')
        http.start(at, f"https://127.0.0.1:{mute.port}/")
        assert http.act(at) == (605, 0)
        twin.wait_for_log(r"said nothing for 10 s \(negotiatetimeout\)")


@pytest.mark.parametrize("rude", [False, True])
def test_tls_body_until_the_end(twin: Twin, pki: Pki, rude: bool) -> None:
    """Only TLS's own end is one: without it, anybody on the way could have cut the body."""
    with Origin(ANSWERS, identity=pki.server, rude=rude) as origin:
        at = twin.serial()
        http.start(at, origin.url("/until-close"))
        assert http.act(at) == ((601, 0) if rude else (200, len(TABLE)))
        # Where the length is known, nobody needs it.
        assert http.get(at, origin.url("/chunked")) == b"Hello0123456789abcdef"


def test_http_to_a_tls_port_and_https_to_a_plain_one(twin: Twin, pki: Pki, nginx: Nginx, tmp_path: Path) -> None:
    at = twin.serial()
    http.start(at, nginx.url("/hello.txt", "https"))
    assert http.act(at) == (605, 0)
    twin.wait_for_log("not TLS: it begins with `HTTP/1.1 400.*Connect without TLS .*http://")
    with Nginx(tmp_path / "secure", identity=pki.server) as secure:
        http.target(at, secure.url("/hello.txt", "http"))
        status, _ = http.act(at)
        assert status == 400
        assert b"The plain HTTP request was sent to HTTPS port" in http.body(at)


# @covers http.proxy.tunnel
def test_through_a_proxy(twin: Twin, pki: Pki, demanding: Nginx) -> None:
    """The proxy is asked for a way through, and sees nothing of what is said there."""
    with TunnelProxy() as proxy:
        at = twin.serial()
        context(at, pki.authority, pki.client, 2)
        http.start(at)
        at.ok('AT+HTTPPARA="PROIP","127.0.0.1"', f'AT+HTTPPARA="PROPORT",{proxy.port}')
        assert http.get(at, demanding.url("/hello.txt")) == HELLO
        [request] = demanding.wait_for_requests(1)
        assert request["subject"] == "CN=client,O=Modemtwin tests"
        assert request["request"] == "GET /hello.txt HTTP/1.1"
        [asked] = proxy.asked
        assert asked.startswith(f"CONNECT 127.0.0.1:{demanding.port} HTTP/1.1\r\n".encode())


# @covers http.ssl.scheme
def test_a_url_without_scheme(twin: Twin, pki: Pki, nginx: Nginx, tmp_path: Path) -> None:
    """HTTPSSL decides."""
    at = twin.serial()
    http.start(at)
    assert http.get(at, f"127.0.0.1:{nginx.port}/hello.txt") == HELLO
    at.ok("AT+HTTPSSL=1")
    # A scheme that says otherwise wins.
    assert http.get(at, nginx.url("/hello.txt")) == HELLO
    with Nginx(tmp_path / "secure", identity=pki.server) as secure:
        assert http.get(at, f"127.0.0.1:{secure.port}/hello.txt") == HELLO
        [request] = secure.wait_for_requests(1)
        assert request["protocol"] == "TLSv1.2"


# @covers http.request.get
def test_what_goes_over_the_wire(start_twin: Callable[..., Twin], pki: Pki, demanding: Nginx, tmp_path: Path) -> None:
    """tshark decrypts the capture, and finds the request as the module writes it, and the answer whole."""
    capture = tmp_path / "traffic.pcapng"
    twin = start_twin("--pcap", str(capture))
    at = twin.serial()
    context(at, pki.authority, pki.client, 2)
    http.start(at)
    assert http.get(at, demanding.url("/hello.txt")) == HELLO
    assert twin.stop() == 0
    said = followed(capture, "tls")
    headers = f"Host: 127.0.0.1:{demanding.port}\r\nUser-Agent: AM_MODULE\r\nAccept: */*\r\n"
    assert said_by("twin", said) == f"GET /hello.txt HTTP/1.1\r\n{headers}\r\n".encode()
    assert said_by("peer", said).endswith(b"\r\n\r\n" + HELLO)
    assert HELLO not in capture.read_bytes()
