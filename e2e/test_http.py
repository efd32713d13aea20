"""HTTP against nginx, whose log and files are checked, not only what the module says; and against answers that nginx
does not give.

nginx links the system's OpenSSL. As it comes from Debian it takes what the module offers by default (0XFFFF); the suites
0X002F, 0X0035 and 0X003D one by one are tried with `ssl_ciphers`.

`HTTP_BYTES` says how long the body of the long download is (64 KiB unless said).
"""

import gzip
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import http
from support.at import OK, At, lines
from support.capture import followed, said_by
from support.http import Origin
from support.nginx import Nginx
from support.pki import Identity, Pki
from support.play import play
from support.tcp import TcpServer, free_port, silence
from support.twin import Twin

HELLO = b"Hello LuatOS!!!"
BYTES = int(os.environ.get("HTTP_BYTES", "65536"))
BUFFER = 319_488
PART = 307_200


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    """A plain one."""
    with Nginx(tmp_path) as server:
        server.put("hello.txt", HELLO)
        yield server


def url(server: Nginx, path: str, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.port}{path}"


def test_plain(twin: Twin, server: Nginx, tmp_path: Path) -> None:
    """GET, HEAD and POST as a transcript, and what nginx saw of them."""
    posted = tmp_path / "posted"
    posted.write_bytes(b'\x00\x1a\r\n{"temperature": 21}\xff')
    play(twin, "http/plain", files={"body": posted}, port=server.port)
    get, head, post, missing = server.wait_for_requests(4)
    assert [request["request"] for request in (get, head, post, missing)] == [
        "GET /hello.txt HTTP/1.1",
        "HEAD /hello.txt HTTP/1.1",
        "POST /post HTTP/1.1",
        "HEAD /nothing HTTP/1.1",
    ]
    assert get["agent"] == "AM_MODULE"
    assert get["host"] == f"127.0.0.1:{server.port}"
    assert get["type"] == get["range"] == "-"
    assert get["x"] == r"\x22quoted\x22", "as nginx's log escapes a quotation mark"
    assert head["connection"] == get["connection"], "nginx keeps the connection, and so does the module"
    assert head["number"] == "2"
    assert post["agent"] == "sensor/1"
    assert post["type"] == "application/json"
    assert Path(post["body"]).read_bytes() == posted.read_bytes()


def test_ranges(twin: Twin, server: Nginx, tmp_path: Path) -> None:
    firmware = os.urandom(10_000)
    server.put("firmware.bin", firmware)
    parts = {f"part{number}": tmp_path / f"part{number}" for number in range(4)}
    for number, path in enumerate(parts.values()):
        path.write_bytes(firmware[3072 * number : 3072 * (number + 1)])
    play(twin, "http/ranges", files=parts, port=server.port)
    ranges = ["bytes=0-3071", "bytes=3072-6143", "bytes=6144-9215", "bytes=9216-", "-"]
    assert [request["range"] for request in server.wait_for_requests(5)] == ranges


def test_a_long_file_in_parts(twin: Twin, server: Nginx) -> None:
    """What is longer than the buffer comes in parts, over one connection."""
    content = os.urandom(BYTES)
    server.put("long.bin", content)
    at = twin.serial()
    http.start(at, url(server, "/long.bin"))
    size = min(PART, BYTES // 3)
    came = b""
    count = 0
    while len(came) < BYTES:
        at.ok(f'AT+HTTPPARA="BREAK",{len(came)}', f'AT+HTTPPARA="BREAKEND",{len(came) + size - 1}')
        status, length = http.act(at)
        assert status == 206
        part = http.body(at)
        assert len(part) == length
        came += part
        count += 1
    assert came == content
    requests = server.wait_for_requests(count)
    assert {request["connection"] for request in requests} == {requests[0]["connection"]}
    assert requests[-1]["number"] == str(count)
    at.works()


def test_redirects(twin: Twin, server: Nginx) -> None:
    play(twin, "http/redirects", port=server.port)
    twin.wait_for_log("redirects in a row")
    seen = [request["request"].split()[1] for request in server.wait_for_requests(10)]
    assert seen[:4] == ["/moved-here/", "/moved-here/", "/moved/hello.txt", "/hello.txt"]
    assert seen[4:] == ["/round/"] * 6


def test_redirects_of_a_post(twin: Twin, server: Nginx) -> None:
    """As browsers do it: a GET, without the body."""
    at = twin.serial()
    http.start(at, url(server, "/moved/hello.txt"))
    at.ok('AT+HTTPPARA="REDIR",1')
    http.provide(at, b"body")
    assert http.act(at, 1) == (200, len(HELLO))
    assert [request["request"].split()[0] for request in server.wait_for_requests(2)] == ["POST", "GET"]


def test_head_byte_for_byte(twin: Twin, server: Nginx) -> None:
    """The server's own spelling and order; the only thing that changes meanwhile is the time."""
    at = twin.serial()
    http.start(at, url(server, "/hello.txt"))
    at.ok('AT+HTTPPARA="USER_DEFINED","Connection: close"')
    assert http.act(at, 2) == (200, 0)

    def timeless(lines: bytes) -> bytes:
        return re.sub(rb"(?m)^Date: .{29}\r$", b"Date:\r", lines)

    assert timeless(http.head(at)) == timeless(server.head("/hello.txt"))
    # A GET has the same.
    assert http.act(at) == (200, len(HELLO))
    assert timeless(http.head(at)) == timeless(server.head("/hello.txt"))
    assert http.body(at) == HELLO


def test_packed_stays_packed(twin: Twin, server: Nginx) -> None:
    packed = gzip.compress(HELLO * 1000)
    server.put("table.txt.gz", packed)
    at = twin.serial()
    http.start(at)
    assert http.get(at, url(server, "/packed/table.txt")) == packed
    assert b"\r\nContent-Encoding: gzip" in http.head(at)


def test_a_slow_body(twin: Twin, server: Nginx) -> None:
    """It dribbles for two seconds; TIMEOUT is about silence, and commands go on meanwhile."""
    content = os.urandom(65_536)
    server.put("slow.bin", content)
    at = twin.serial()
    http.start(at, url(server, "/slow/slow.bin"))
    http.begin(at)
    at.works()
    at.ask("AT+HTTPREAD", lines("+CME ERROR: 3"))
    assert http.outcome(at) == (200, len(content))
    assert http.body(at) == content


@pytest.mark.parametrize("size", [0, 1, 1460, 65_536, 300_000, BUFFER])
def test_bodies_arrive_as_they_are(twin: Twin, server: Nginx, size: int) -> None:
    content = os.urandom(size)
    server.put("body.bin", content)
    at = twin.serial()
    http.start(at)
    assert http.get(at, url(server, "/body.bin")) == content
    if size > 1:
        middle = size // 2
        assert http.body(at, f"={middle},{size}") == content[middle:]
    at.works()


def test_one_byte_over_the_buffer(twin: Twin, server: Nginx) -> None:
    content = os.urandom(BUFFER + 1)
    server.put("body.bin", content)
    at = twin.serial()
    http.start(at, url(server, "/body.bin"))
    assert http.act(at) == (602, BUFFER)
    twin.wait_for_log(rf"longer than {BUFFER} bytes, and what is over that is lost")
    assert http.body(at) == content[:BUFFER]
    # The way out that the log and the articles name: ranges.
    at.ok(f'AT+HTTPPARA="BREAK",{BUFFER}')
    assert http.act(at) == (206, 1)
    assert http.body(at) == content[BUFFER:]


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000, BUFFER])
def test_posts_arrive_as_they_are(twin: Twin, server: Nginx, size: int) -> None:
    content = os.urandom(size)
    at = twin.serial()
    http.start(at, url(server, "/post"))
    if size:
        http.provide(at, content)
    assert http.act(at, 1) == (200, 5)
    [request] = server.wait_for_requests(1)
    kept = Path(request["body"]).read_bytes() if size else b""
    assert kept == content
    assert len(kept) == size
    at.works()


CHUNKS = [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Odd:  two  blanks \r\nx-lower: Yes\r\n\r\n",
    b"5;name=value\r\nHello\r\n1",
    b"0\r\n",
    b"0123456789abcdef\r\n0\r\nX-Trailer: behind\r\n\r\n",
]
TABLE = bytes(range(256)) * 40


def answer(version: str, *more: str, body: bytes = HELLO) -> list[bytes]:
    return [f"HTTP/{version} 200 OK\r\n{''.join(line + chr(13) + chr(10) for line in more)}\r\n".encode(), body]


ANSWERS = {
    "/chunked": CHUNKS,
    "/until-close": answer("1.0", body=TABLE),
    "/old": answer("1.0", "Content-Length: 15"),
    "/split": [bytes([byte]) for byte in b"".join(answer("1.1", "Content-Length: 15"))],
    "/continue": [b"HTTP/1.1 100 Continue\r\n\r\n", *answer("1.1", "Content-Length: 15")],
    "/no-content": [b"HTTP/1.1 204 No Content\r\nServer: small\r\n\r\n"],
    "/cut": answer("1.1", "Content-Length: 16"),
    "/cut-chunk": CHUNKS[:2],
    "/nothing": [],
    "/no-http": [b"220 mail.example.com ESMTP\r\n"],
    "/long-head": [b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n"],
}


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(ANSWERS) as origin:
        yield origin


def test_answers_of_every_form(twin: Twin, origin: Origin) -> None:
    at = twin.serial()
    http.start(at)
    assert http.get(at, origin.url("/chunked")) == b"Hello0123456789abcdef"
    # As the server writes it, and without what the trailer says.
    assert http.head(at) == CHUNKS[0][len(b"HTTP/1.1 200 OK\r\n") : -len(b"\r\n\r\n")]
    assert http.get(at, origin.url("/until-close")) == TABLE
    assert http.head(at) == b""
    for path in ("/old", "/split", "/continue"):
        assert http.get(at, origin.url(path)) == HELLO, path
    http.target(at, origin.url("/no-content"))
    assert http.act(at) == (204, 0)
    assert http.head(at) == b"Server: small"
    at.works()


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/cut", 601, "ended|closed"),
        ("/cut-chunk", 601, "ended|closed"),
        ("/nothing", 601, "closed"),
        ("/no-http", 600, "the reply is no HTTP"),
        ("/long-head", 602, "head .*longer than the module takes"),
    ],
)
def test_answers_that_are_none(twin: Twin, origin: Origin, path: str, status: int, says: str) -> None:
    at = twin.serial()
    http.start(at, origin.url(path))
    assert http.act(at) == (status, 0)
    twin.wait_for_log(rf"HTTP: .*({says})")
    assert http.body(at) == b""
    assert http.get(at, origin.url("/old")) == HELLO


def test_through_nginx_to_an_old_server(twin: Twin, origin: Origin, tmp_path: Path) -> None:
    """nginx makes chunks of what ends with the connection."""
    with Nginx(tmp_path, origin=origin.port) as server:
        at = twin.serial()
        http.start(at)
        assert http.get(at, url(server, "/origin/until-close")) == TABLE
        assert b"\r\nTransfer-Encoding: chunked\r\n" in b"\r\n" + http.head(at) + b"\r\n"


def test_refused_before_the_body_has_gone(twin: Twin, server: Nginx) -> None:
    """nginx answers as soon as it has seen Content-Length; the rest of the body is for nobody."""
    at = twin.serial()
    http.start(at, url(server, "/small"))
    http.provide(at, bytes(BUFFER))
    status, _ = http.act(at, 1)
    assert status == 413
    assert b"413 Request Entity Too Large" in http.body(at)
    assert http.get(at, url(server, "/hello.txt")) == HELLO


def test_through_a_proxy(twin: Twin, server: Nginx) -> None:
    """The proxy asks the server of the URL."""
    at = twin.serial()
    http.start(at)
    at.ok('AT+HTTPPARA="PROIP","127.0.0.1"', f'AT+HTTPPARA="PROPORT",{server.proxy_port}')
    assert http.get(at, url(server, "/hello.txt")) == HELLO
    # Both log it: the one that was asked at once, and the one that was asked in its turn.
    requests = sorted(request["request"] for request in server.wait_for_requests(2))
    assert requests == ["GET /hello.txt HTTP/1.0", f"GET {url(server, '/hello.txt')} HTTP/1.1"]


def test_two_lines(start_twin: Callable[..., Twin], server: Nginx, tmp_path: Path) -> None:
    """One session for all lines; the URC is for the line that asked."""
    second = tmp_path / "second"
    twin = start_twin("--pty", str(second))
    at = twin.serial()
    other = At(second)
    other.boot()
    http.start(at)
    begin_slowly(server, at)
    other.ask("AT+HTTPINIT", lines("+CME ERROR: 3"))
    other.ask("AT+HTTPACTION=0", lines("+CME ERROR: 3", "+HTTPACTION: 0,604,0"))
    other.ok("AT+HTTPTERM", "AT+HTTPINIT")
    http.target(other, url(server, "/hello.txt"))
    assert http.act(other) == (200, len(HELLO))
    assert http.body(at) == HELLO
    at.works()
    other.works()
    other.close()


def test_no_connection_left(twin: Twin, server: Nginx) -> None:
    """The module has eight."""
    with TcpServer(silence) as mute:
        at = twin.serial()
        http.start(at, url(server, "/hello.txt"))
        at.bearer(multi=True)
        for link in range(8):
            at.connect(mute.port, link=link)
        at.ask("AT+HTTPACTION=0", lines("+CME ERROR: 3", "+HTTPACTION: 0,601,0"))
        twin.wait_for_log("HTTPACTION.*eight|HTTPACTION.* 8 ")
        at.ask("AT+CIPCLOSE=3", lines("3, CLOSE OK"))
        assert http.act(at) == (200, len(HELLO))


def test_a_connection_that_the_server_has_closed(twin: Twin, server: Nginx, tmp_path: Path) -> None:
    """Kept by the module, gone at the server: the next request gets a new one, and the host sees nothing of it."""
    at = twin.serial()
    http.start(at)
    assert http.get(at, url(server, "/hello.txt")) == HELLO
    server.restart()
    assert http.get(at, url(server, "/hello.txt")) == HELLO
    first, second = server.wait_for_requests(2)
    assert first["number"] == second["number"] == "1"


# TLS


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


@pytest.fixture
def demanding(tmp_path: Path, pki: Pki) -> Iterator[Nginx]:
    """`ssl_verify_client on`."""
    with Nginx(tmp_path, identity=pki.server, client_authority=pki.authority) as server:
        server.put("hello.txt", HELLO)
        yield server


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
        assert http.get(at, url(server, "/body.bin", "https")) == content
        [request] = server.wait_for_requests(1)
        assert request["protocol"] == "TLSv1.2"
        assert request["cipher"] == name or (not name and re.fullmatch("AES(128|256)-SHA(256)?", request["cipher"]))


def test_tls_one_way(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Nginx(tmp_path, identity=pki.server) as server:
        server.put("hello.txt", HELLO)
        play(twin, "http/one-way", files={"ca.crt": pki.authority.certificate}, port=server.port)
        [request] = server.wait_for_requests(1)
        assert request["subject"] == "-"
        twin.wait_for_log(r"other\.example.*hostname")
        server.wait_for_error("SSL_do_handshake.. failed.*alert")


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


def test_tls_no_client_certificate(twin: Twin, pki: Pki, demanding: Nginx) -> None:
    at = twin.serial()
    context(at, pki.authority, None, 1)
    http.start(at, url(demanding, "/hello.txt", "https"))
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
        server.put("hello.txt", HELLO)
        given = files(pki.authority, pki.client)
        play(twin, "http/something-wrong", files=given, port=server.port, status=605, length=0)
        server.wait_for_error("alert certificate expired")
        twin.wait_for_log(r"CN=expired-server expired on .*ignorelocaltime")
        at = twin.serial()
        at.ok('AT+SSLCFG="ignorelocaltime",153,1', "AT+HTTPINIT")
        assert http.get(at, url(server, "/hello.txt", "https")) == HELLO


def test_tls_names(start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path) -> None:
    """The server is told the name of `hostname`, or else that of the URL; Host is the URL's."""
    twin = start_twin("--resolve", "tcplab.openluat.com:127.0.0.1")
    with Nginx(tmp_path, identity=pki.server) as server:
        server.put("hello.txt", HELLO)
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


def test_http_to_a_tls_port_and_https_to_a_plain_one(twin: Twin, pki: Pki, server: Nginx, tmp_path: Path) -> None:
    at = twin.serial()
    http.start(at, url(server, "/hello.txt", "https"))
    assert http.act(at) == (605, 0)
    twin.wait_for_log("not TLS: it begins with `HTTP/1.1 400")
    with Nginx(tmp_path / "secure", identity=pki.server) as secure:
        http.target(at, url(secure, "/hello.txt"))
        status, _ = http.act(at)
        assert status == 400
        assert b"The plain HTTP request was sent to HTTPS port" in http.body(at)


def test_a_url_without_scheme(twin: Twin, pki: Pki, server: Nginx, tmp_path: Path) -> None:
    """HTTPSSL decides."""
    at = twin.serial()
    http.start(at)
    assert http.get(at, f"127.0.0.1:{server.port}/hello.txt") == HELLO
    at.ok("AT+HTTPSSL=1")
    # A scheme that says otherwise wins.
    assert http.get(at, url(server, "/hello.txt")) == HELLO
    with Nginx(tmp_path / "secure", identity=pki.server) as secure:
        secure.put("hello.txt", HELLO)
        assert http.get(at, f"127.0.0.1:{secure.port}/hello.txt") == HELLO
        [request] = secure.wait_for_requests(1)
        assert request["protocol"] == "TLSv1.2"


def test_what_goes_over_the_wire(start_twin: Callable[..., Twin], pki: Pki, demanding: Nginx, tmp_path: Path) -> None:
    """tshark decrypts the capture, and finds the request as the module writes it, and the answer whole."""
    capture = tmp_path / "traffic.pcapng"
    twin = start_twin("--pcap", str(capture))
    at = twin.serial()
    context(at, pki.authority, pki.client, 2)
    http.start(at)
    assert http.get(at, url(demanding, "/hello.txt", "https")) == HELLO
    assert twin.stop() == 0
    said = followed(capture, "tls")
    headers = f"Host: 127.0.0.1:{demanding.port}\r\nUser-Agent: AM_MODULE\r\nAccept: */*\r\n"
    assert said_by("twin", said) == f"GET /hello.txt HTTP/1.1\r\n{headers}\r\n".encode()
    assert said_by("peer", said).endswith(b"\r\n\r\n" + HELLO)
    assert HELLO not in capture.read_bytes()


# What ends a request


def begin_slowly(server: Nginx, at: At, scheme: str = "http") -> None:
    """A request whose reply takes a minute, and is on its way."""
    server.put("slow.bin", bytes(60_000))
    http.target(at, url(server, "/slower/slow.bin", scheme))
    http.begin(at)
    server.wait_for_writing()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nginx_dies_in_the_middle(twin: Twin, pki: Pki, tmp_path: Path, scheme: str) -> None:
    with Nginx(tmp_path, identity=pki.server if scheme == "https" else None) as server:
        server.put("hello.txt", HELLO)
        at = twin.serial()
        http.start(at)
        begin_slowly(server, at, scheme)
        server.kill()
        assert http.outcome(at) == (601, 0)
        twin.wait_for_log("HTTP: ")
        assert http.body(at) == b""
        at.works()
        server.restart()
        assert http.get(at, url(server, "/hello.txt", scheme)) == HELLO


def test_the_bearer_is_lost_in_the_middle(start_twin: Callable[..., Twin], server: Nginx, tmp_path: Path) -> None:
    """The articles' way back: HTTPTERM, SAPBR=0 (which fails), SAPBR=1."""
    world = tmp_path / "world.txt"
    world.write_text("after 12s bearer lost\n")
    twin = start_twin("--world", str(world))
    at = twin.serial()
    http.start(at)
    begin_slowly(server, at)
    at.expect(lines("+CGEV: NW PDN DEACT 5", "+SAPBR 1: DEACT"), within=20)
    assert http.outcome(at) == (601, 0)
    twin.wait_for_log("HTTP: the bearer")
    at.ok("AT+HTTPTERM")
    at.ask("AT+SAPBR=0,1", lines("+CME ERROR: 3"))
    # With it, the default bearer comes back.
    at.ask("AT+SAPBR=1,1", lines("OK", "+CGEV: ME PDN ACT 5"))
    at.ok("AT+HTTPINIT")
    assert http.get(at, url(server, "/hello.txt")) == HELLO


def test_the_host_gives_up_in_the_middle(twin: Twin, server: Nginx) -> None:
    """HTTPTERM closes the connection, and nothing more is told."""
    at = twin.serial()
    http.start(at)
    begin_slowly(server, at)
    at.ok("AT+HTTPTERM", "AT+HTTPINIT")
    assert http.get(at, url(server, "/hello.txt")) == HELLO
    at.works()
    server.wait_for_requests(2)


def test_the_bearer_is_closed_in_the_middle(twin: Twin, server: Nginx) -> None:
    at = twin.serial()
    http.start(at)
    begin_slowly(server, at)
    at.send(b"AT+SAPBR=0,1\r")
    answers = lines("OK"), lines("+HTTPACTION: 0,601,0")
    assert at.take(len(b"".join(answers))) in (b"".join(answers), b"".join(reversed(answers)))
    at.works()


def test_silence(twin: Twin) -> None:
    """A server that takes the request and says nothing, for as long as TIMEOUT says."""
    with TcpServer(silence) as mute:
        at = twin.serial()
        http.start(at, f"http://127.0.0.1:{mute.port}/")
        at.ok('AT+HTTPPARA="TIMEOUT",2')
        assert http.act(at) == (408, 0)
        twin.wait_for_log("TIMEOUT")


def test_nobody_there(twin: Twin) -> None:
    """No server, no name, no bearer."""
    at = twin.serial()
    http.start(at, f"http://127.0.0.1:{free_port()}/")
    assert http.act(at) == (601, 0)
    twin.wait_for_log("nothing listens there")
    http.target(at, "http://no-such-host.invalid/")
    assert http.act(at) == (603, 0)
    twin.wait_for_log(r"no-such-host\.invalid")
    at.ok("AT+SAPBR=0,1")
    at.ask("AT+HTTPACTION=0", lines("+CME ERROR: 3", "+HTTPACTION: 0,601,0"))
    twin.wait_for_log("bearer 1 is not open")


def test_secrets_stay_out_of_the_log(start_twin: Callable[..., Twin], server: Nginx) -> None:
    twin = start_twin("-v")
    at = twin.serial()
    http.start(at, url(server, "/post?token=hunter2"))
    at.ok('AT+HTTPPARA="USERDATA","Authorization: Basic c2VjcmV0"')
    http.provide(at, b"very private")
    assert http.act(at, 1) == (200, 5)
    for secret in ("hunter2", "c2VjcmV0", "very private"):
        assert secret not in twin.log()
