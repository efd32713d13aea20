"""HTTP against nginx, whose log and files are checked, not only what the module says; and against answers that nginx
does not give.

`HTTP_BYTES` says how long the file of the long download is (64 KiB unless said).
"""

import gzip
import os
import re
from pathlib import Path

import pytest

from support import http
from support.at import ERROR, OK, At, lines
from support.http import BUFFER
from support.nginx import HELLO, Nginx
from support.origin import CHUNKS, TABLE, Origin
from support.play import play
from support.twin import Twin

BYTES = int(os.environ.get("HTTP_BYTES", "65536"))
# What the articles ask for at once.
PART = 307_200
CAPACITY = 1_304_000


def test_plain(twin: Twin, nginx: Nginx, tmp_path: Path) -> None:
    """GET, HEAD and POST as a transcript, and what nginx saw of them."""
    posted = tmp_path / "posted"
    posted.write_bytes(b'\x00\x1a\r\n{"temperature": 21}\xff')
    play(twin, "http/plain", files={"body": posted}, port=nginx.port)
    get, head, post, missing = nginx.wait_for_requests(4)
    assert [request["request"] for request in (get, head, post, missing)] == [
        "GET /hello.txt HTTP/1.1",
        "HEAD /hello.txt HTTP/1.1",
        "POST /post HTTP/1.1",
        "HEAD /nothing HTTP/1.1",
    ]
    assert get["agent"] == "AM_MODULE"
    assert get["host"] == f"127.0.0.1:{nginx.port}"
    assert get["type"] == get["range"] == "-"
    assert get["x"] == r"\x22quoted\x22", "as nginx's log escapes a quotation mark"
    assert head["connection"] == get["connection"], "nginx keeps the connection, and so does the module"
    assert head["number"] == "2"
    assert post["agent"] == "sensor/1"
    assert post["type"] == "application/json"
    assert Path(post["body"]).read_bytes() == posted.read_bytes()


def test_ranges(twin: Twin, nginx: Nginx, tmp_path: Path) -> None:
    firmware = os.urandom(10_000)
    nginx.put("firmware.bin", firmware)
    parts = {f"part{number}": tmp_path / f"part{number}" for number in range(4)}
    for number, path in enumerate(parts.values()):
        path.write_bytes(firmware[3072 * number : 3072 * (number + 1)])
    play(twin, "http/ranges", files=parts, port=nginx.port)
    ranges = ["bytes=0-3071", "bytes=3072-6143", "bytes=6144-9215", "bytes=9216-", "-"]
    assert [request["range"] for request in nginx.wait_for_requests(5)] == ranges


# @covers http.para.break http.keep.again
def test_a_long_file_in_parts(twin: Twin, nginx: Nginx) -> None:
    """What is longer than the buffer comes in parts, over one connection."""
    content = os.urandom(BYTES)
    nginx.put("long.bin", content)
    at = twin.serial()
    http.start(at, nginx.url("/long.bin"))
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
    requests = nginx.wait_for_requests(count)
    assert {request["connection"] for request in requests} == {requests[0]["connection"]}
    assert requests[-1]["number"] == str(count)
    at.works()


def test_redirects(twin: Twin, nginx: Nginx) -> None:
    play(twin, "http/redirects", port=nginx.port)
    twin.wait_for_log("redirects in a row")
    seen = [request["request"].split()[1] for request in nginx.wait_for_requests(10)]
    assert seen[:4] == ["/moved-here/", "/moved-here/", "/moved/hello.txt", "/hello.txt"]
    assert seen[4:] == ["/round/"] * 6


# @covers http.redirect.method
def test_redirects_of_a_post(twin: Twin, nginx: Nginx) -> None:
    """As browsers do it: a GET, without the body."""
    at = twin.serial()
    http.start(at, nginx.url("/moved/hello.txt"))
    at.ok('AT+HTTPPARA="REDIR",1')
    http.provide(at, b"body")
    assert http.act(at, 1) == (200, len(HELLO))
    assert [request["request"].split()[0] for request in nginx.wait_for_requests(2)] == ["POST", "GET"]


# @covers http.head.raw http.head.count http.para.override
def test_head_byte_for_byte(twin: Twin, nginx: Nginx) -> None:
    """The server's own spelling and order; the only thing that changes meanwhile is the time."""
    at = twin.serial()
    http.start(at, nginx.url("/hello.txt"))
    at.ok('AT+HTTPPARA="USER_DEFINED","Connection: close"')
    assert http.act(at, 2) == (200, 0)

    def timeless(lines: bytes) -> bytes:
        return re.sub(rb"(?m)^Date: .{29}\r$", b"Date:\r", lines)

    assert timeless(http.head(at)) == timeless(nginx.head("/hello.txt"))
    # A GET has the same.
    assert http.act(at) == (200, len(HELLO))
    assert timeless(http.head(at)) == timeless(nginx.head("/hello.txt"))
    assert http.body(at) == HELLO


# @covers http.body.gzip
def test_packed_stays_packed(twin: Twin, nginx: Nginx) -> None:
    packed = gzip.compress(HELLO * 1000)
    nginx.put("table.txt.gz", packed)
    at = twin.serial()
    http.start(at)
    assert http.get(at, nginx.url("/packed/table.txt")) == packed
    assert b"\r\nContent-Encoding: gzip" in http.head(at)


# @covers http.timeout.silence http.busy
def test_a_slow_body(twin: Twin, nginx: Nginx) -> None:
    """It dribbles for two seconds; TIMEOUT is about silence, and commands go on meanwhile."""
    content = os.urandom(65_536)
    nginx.put("slow.bin", content)
    at = twin.serial()
    http.start(at, nginx.url("/slow/slow.bin"))
    http.begin(at)
    at.works()
    at.ask("AT+HTTPREAD", lines("+CME ERROR: 3"))
    assert http.outcome(at) == (200, len(content))
    assert http.body(at) == content


@pytest.mark.parametrize("size", [0, 1, 1460, 65_536, 300_000, BUFFER])
def test_bodies_arrive_as_they_are(twin: Twin, nginx: Nginx, size: int) -> None:
    content = os.urandom(size)
    nginx.put("body.bin", content)
    at = twin.serial()
    http.start(at)
    assert http.get(at, nginx.url("/body.bin")) == content
    if size > 1:
        middle = size // 2
        assert http.body(at, f"={middle},{size}") == content[middle:]
    at.works()


# @covers http.status.602
def test_one_byte_over_the_buffer(twin: Twin, nginx: Nginx) -> None:
    content = os.urandom(BUFFER + 1)
    nginx.put("body.bin", content)
    at = twin.serial()
    http.start(at, nginx.url("/body.bin"))
    assert http.act(at) == (602, BUFFER)
    twin.wait_for_log(rf"longer than {BUFFER} bytes, and what is over that is lost; BREAK and BREAKEND ask for a part")
    assert http.body(at) == content[:BUFFER]
    # The way out that the log and the articles name: ranges.
    at.ok(f'AT+HTTPPARA="BREAK",{BUFFER}')
    assert http.act(at) == (206, 1)
    assert http.body(at) == content[BUFFER:]


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000, BUFFER])
def test_posts_arrive_as_they_are(twin: Twin, nginx: Nginx, size: int) -> None:
    content = os.urandom(size)
    at = twin.serial()
    http.start(at, nginx.url("/post"))
    if size:
        http.provide(at, content)
    assert http.act(at, 1) == (200, 5)
    [request] = nginx.wait_for_requests(1)
    kept = Path(request["body"]).read_bytes() if size else b""
    assert kept == content
    assert len(kept) == size
    at.works()


def test_into_a_file(twin: Twin, nginx: Nginx, tmp_path: Path) -> None:
    table = tmp_path / "table"
    table.write_bytes(os.urandom(10_240))
    nginx.put("table.bin", table.read_bytes())
    play(twin, "http/to-file", files={"table": table}, port=nginx.port)
    assert (twin.files / "table.bin").read_bytes() == table.read_bytes()


# @covers http.save.ok http.limit.buffer
def test_into_a_file_that_is_the_whole_buffer(twin: Twin, nginx: Nginx) -> None:
    content = os.urandom(BUFFER)
    nginx.put("big.bin", content)
    at = twin.serial()
    http.start(at, nginx.url("/big.bin"))
    assert http.act(at) == (200, BUFFER)
    at.ask('AT+HTTPGET="big.bin"', b"\r\n+HTTPGET:%d\r\n" % BUFFER + OK)
    assert at.download("big.bin", BUFFER) == content


def download(at: At, name: str, within: float = 60) -> tuple[int, int]:
    """AT+HTTPGETTOFS: status and length."""
    at.ok(f'AT+HTTPGETTOFS=0,"{name}"')
    at.expect(b"\r\n+HTTPGETTOFS: ", within)
    status, length = at.until(b"\r\n").split(b",")
    return int(status), int(length)


def everything(twin: Twin) -> set[str]:
    """The names of all that a module keeps, hidden or not."""
    return {str(path.relative_to(twin.state)) for path in twin.state.rglob("*") if path.is_file()}


# @covers http.tofs.ok http.tofs.replaces http.tofs.full http.tofs.status
def test_download_into_a_file(twin: Twin, nginx: Nginx) -> None:
    """Longer than the buffer, past it; the old file is there until the new one is."""
    content = os.urandom(1 << 20)
    nginx.put("firmware.bin", content)
    at = twin.serial()
    http.start(at, nginx.url("/firmware.bin"))
    assert download(at, "firmware.bin") == (200, len(content))
    assert (twin.files / "USER/HTTP/firmware.bin").read_bytes() == content
    at.ask('AT+FSFLSIZE="/USER/HTTP/firmware.bin"', lines(f"+FSFLSIZE: {len(content)}", "OK"))
    # Again, and there is no room for both: what is in place of it counts.
    before = everything(twin)
    nginx.put("firmware.bin", content[::-1])
    assert download(at, "firmware.bin") == (200, len(content))
    assert (twin.files / "USER/HTTP/firmware.bin").read_bytes() == content[::-1]
    # What does not fit leaves nothing behind.
    nginx.put("firmware.bin", os.urandom(CAPACITY + 1))
    assert download(at, "firmware.bin") == (602, 0)
    assert (twin.files / "USER/HTTP/firmware.bin").read_bytes() == content[::-1]
    assert everything(twin) == before
    # Neither does what is not there.
    http.target(at, nginx.url("/nothing"))
    assert download(at, "other.bin") == (404, 0)
    at.ask('AT+FSFLSIZE="/USER/HTTP/other.bin"', ERROR)
    assert everything(twin) == before
    at.works()


@pytest.mark.parametrize("who", ["nginx", "the module"])
def test_a_download_that_is_cut_off(twin: Twin, nginx: Nginx, who: str) -> None:
    """Nothing half written, not even out of sight."""
    at = twin.serial()
    nginx.put("slow.bin", os.urandom(60_000))
    http.start(at, nginx.url("/slower/slow.bin"))
    before = everything(twin)
    at.ok('AT+HTTPGETTOFS=0,"slow.bin"')
    nginx.wait_for_writing()
    if who == "nginx":
        nginx.kill()
        at.expect(lines("+HTTPGETTOFS: 601,0"))
    else:
        twin.kill()
        twin.restart()
        at = twin.serial()
    at.ask('AT+FSFLSIZE="/USER/HTTP/slow.bin"', ERROR)
    assert everything(twin) == before


# @covers http.kept.restart http.kept.init
def test_parameters_over_a_restart(twin: Twin, nginx: Nginx) -> None:
    """AT+HTTPSCONT, and a request with what was kept."""
    at = twin.serial()
    http.start(at, nginx.url("/hello.txt"))
    at.ok('AT+HTTPPARA="UA","sensor/2"', 'AT+HTTPPARA="USERDATA","X-Twin: a\\r\\nX-Other: b"', "AT+HTTPSCONT")
    assert twin.stop() == 0
    twin.restart()
    at = twin.serial()
    http.start(at)
    assert http.act(at) == (200, len(HELLO))
    [request] = nginx.wait_for_requests(1)
    assert (request["agent"], request["x"]) == ("sensor/2", "a")


# @covers http.body.chunked http.body.close http.body.old http.body.interim http.body.none
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


def test_through_nginx_to_an_old_server(twin: Twin, origin: Origin, tmp_path: Path) -> None:
    """nginx makes chunks of what ends with the connection."""
    with Nginx(tmp_path, origin=origin.port) as server:
        at = twin.serial()
        http.start(at)
        assert http.get(at, server.url("/origin/until-close")) == TABLE
        assert b"\r\nTransfer-Encoding: chunked\r\n" in b"\r\n" + http.head(at) + b"\r\n"


# @covers http.body.early
def test_refused_before_the_body_has_gone(twin: Twin, nginx: Nginx) -> None:
    """nginx answers as soon as it has seen Content-Length; the rest of the body is for nobody."""
    at = twin.serial()
    http.start(at, nginx.url("/small"))
    http.provide(at, bytes(BUFFER))
    status, _ = http.act(at, 1)
    assert status == 413
    assert b"413 Request Entity Too Large" in http.body(at)
    assert http.get(at, nginx.url("/hello.txt")) == HELLO


# @covers http.proxy.plain
def test_through_a_proxy(twin: Twin, nginx: Nginx) -> None:
    """The proxy asks the server of the URL."""
    at = twin.serial()
    http.start(at)
    at.ok('AT+HTTPPARA="PROIP","127.0.0.1"', f'AT+HTTPPARA="PROPORT",{nginx.proxy_port}')
    assert http.get(at, nginx.url("/hello.txt")) == HELLO
    # Both log it: the one that was asked at once, and the one that was asked in its turn.
    requests = sorted(request["request"] for request in nginx.wait_for_requests(2))
    assert requests == ["GET /hello.txt HTTP/1.0", f"GET {nginx.url('/hello.txt')} HTTP/1.1"]
