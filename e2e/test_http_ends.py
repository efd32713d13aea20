"""HTTP requests that come to nothing: what the host is told, what the log says, and that the next one works."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support import http
from support.at import OK, At, lines
from support.http import BUFFER
from support.nginx import HELLO, Nginx
from support.origin import Origin
from support.pki import Pki
from support.tcp import TcpServer, free_port, silence
from support.twin import Twin


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


# @covers http.line http.action.busy
def test_two_lines(start_twin: Callable[..., Twin], nginx: Nginx, tmp_path: Path) -> None:
    """One session for all lines; the URC is for the line that asked."""
    second = tmp_path / "second"
    twin = start_twin("--pty", str(second))
    at = twin.serial()
    other = At(second)
    other.boot()
    http.start(at)
    http.begin_slowly(at, nginx)
    other.ask("AT+HTTPINIT", lines("+CME ERROR: 3"))
    other.ask("AT+HTTPACTION=0", lines("+CME ERROR: 3", "+HTTPACTION: 0,604,0"))
    other.ok("AT+HTTPTERM", "AT+HTTPINIT")
    http.target(other, nginx.url("/hello.txt"))
    assert http.act(other) == (200, len(HELLO))
    assert http.body(at) == HELLO
    at.works()
    other.works()
    other.close()


# @covers http.read.shared http.read.flow
def test_a_line_that_stops_reading(start_twin: Callable[..., Twin], nginx: Nginx, tmp_path: Path) -> None:
    """What it has begun to read stays what it was, whatever another line does meanwhile."""
    second = tmp_path / "second"
    twin = start_twin("--pty", str(second))
    at = twin.serial()
    other = At(second)
    other.boot()
    content = os.urandom(BUFFER)
    nginx.put("body.bin", content)
    http.start(at, nginx.url("/body.bin"))
    assert http.act(at) == (200, BUFFER)
    at.send(b"AT+HTTPREAD\r")
    at.expect(f"\r\n+HTTPREAD: {BUFFER}\r\n".encode())
    assert at.take(1000) == content[:1000]
    assert http.get(other, nginx.url("/hello.txt")) == HELLO
    other.ok("AT+HTTPTERM")
    assert at.take(BUFFER - 1000, http.LONG) == content[1000:]
    at.expect(OK)
    at.works()
    other.close()


# @covers http.limit.connections
def test_no_connection_left(twin: Twin, nginx: Nginx) -> None:
    """The module has eight."""
    with TcpServer(silence) as mute:
        at = twin.serial()
        http.start(at, nginx.url("/hello.txt"))
        at.bearer(multi=True)
        for link in range(8):
            at.connect(mute.port, link=link)
        at.ask("AT+HTTPACTION=0", lines("+CME ERROR: 3", "+HTTPACTION: 0,601,0"))
        twin.wait_for_log("HTTPACTION.*eight|HTTPACTION.* 8 ")
        at.ask("AT+CIPCLOSE=3", lines("3, CLOSE OK"))
        assert http.act(at) == (200, len(HELLO))


# @covers http.keep.once-more
def test_a_connection_that_the_server_has_closed(twin: Twin, nginx: Nginx, tmp_path: Path) -> None:
    """Kept by the module, gone at the server: the next request gets a new one, and the host sees nothing of it."""
    at = twin.serial()
    http.start(at)
    assert http.get(at, nginx.url("/hello.txt")) == HELLO
    nginx.restart()
    assert http.get(at, nginx.url("/hello.txt")) == HELLO
    first, second = nginx.wait_for_requests(2)
    assert first["number"] == second["number"] == "1"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nginx_dies_in_the_middle(twin: Twin, pki: Pki, tmp_path: Path, scheme: str) -> None:
    with Nginx(tmp_path, identity=pki.server if scheme == "https" else None) as server:
        at = twin.serial()
        http.start(at)
        http.begin_slowly(at, server)
        server.kill()
        assert http.outcome(at) == (601, 0)
        twin.wait_for_log("HTTP: ")
        assert http.body(at) == b""
        at.works()
        server.restart()
        assert http.get(at, server.url("/hello.txt")) == HELLO


# @covers http.bearer.lost
def test_the_bearer_is_lost_in_the_middle(start_twin: Callable[..., Twin], nginx: Nginx, tmp_path: Path) -> None:
    """The articles' way back: HTTPTERM, SAPBR=0 (which fails), SAPBR=1."""
    world = tmp_path / "world.txt"
    world.write_text("after 20s bearer lost\n")
    twin = start_twin("--world", str(world))
    at = twin.serial()
    http.start(at)
    http.begin_slowly(at, nginx)
    at.expect(lines("+CGEV: NW PDN DEACT 5", "+SAPBR 1: DEACT"), within=40)
    assert http.outcome(at) == (601, 0)
    twin.wait_for_log("HTTP: the bearer")
    at.ok("AT+HTTPTERM")
    at.ask("AT+SAPBR=0,1", lines("+CME ERROR: 3"))
    # With it, the default bearer comes back.
    at.ask("AT+SAPBR=1,1", lines("OK", "+CGEV: ME PDN ACT 5"))
    at.ok("AT+HTTPINIT")
    assert http.get(at, nginx.url("/hello.txt")) == HELLO


# @covers http.term.busy
def test_the_host_gives_up_in_the_middle(twin: Twin, nginx: Nginx) -> None:
    """HTTPTERM closes the connection, and nothing more is told."""
    at = twin.serial()
    http.start(at)
    http.begin_slowly(at, nginx)
    at.ok("AT+HTTPTERM", "AT+HTTPINIT")
    assert http.get(at, nginx.url("/hello.txt")) == HELLO
    at.works()
    nginx.wait_for_requests(2)


# @covers http.bearer.closed
def test_the_bearer_is_closed_in_the_middle(twin: Twin, nginx: Nginx) -> None:
    at = twin.serial()
    http.start(at)
    http.begin_slowly(at, nginx)
    at.send(b"AT+SAPBR=0,1\r")
    answers = lines("OK"), lines("+HTTPACTION: 0,601,0")
    assert at.take(len(b"".join(answers))) in (b"".join(answers), b"".join(reversed(answers)))
    at.works()


# @covers http.status.408
def test_silence(twin: Twin) -> None:
    """A server that takes the request and says nothing, for as long as TIMEOUT says."""
    with TcpServer(silence) as mute:
        at = twin.serial()
        http.start(at, f"http://127.0.0.1:{mute.port}/")
        at.ok('AT+HTTPPARA="TIMEOUT",2')
        assert http.act(at) == (408, 0)
        twin.wait_for_log("TIMEOUT")


# @covers http.status.601 http.status.603 http.bearer.none
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


# @covers http.no-secrets
def test_secrets_stay_out_of_the_log(start_twin: Callable[..., Twin], nginx: Nginx) -> None:
    twin = start_twin("-v")
    at = twin.serial()
    http.start(at, nginx.url("/post?token=hunter2"))
    at.ok('AT+HTTPPARA="USERDATA","Authorization: Basic c2VjcmV0"')
    http.provide(at, b"very private")
    assert http.act(at, 1) == (200, 5)
    for secret in ("hunter2", "c2VjcmV0", "very private"):
        assert secret not in twin.log()
