"""docs/tls.md, "Why did it fail?": every failure there is made again, and its log line compared.

    MODEMTWIN=target/debug/modemtwin WRITE_DOCS=1 target/e2e-venv/bin/pytest e2e/test_why.py

writes the page's part anew.
"""

import os
import re
import socket
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from support import wait
from support.at import FAILED, At
from support.pki import Pki
from support.tcp import TcpServer, free_port, http
from support.tls import OpenSslServer
from support.twin import Twin

PAGE = Path(__file__).parent.parent / "docs" / "tls.md"
BEGIN = "<!-- why:begin, compared (WRITE_DOCS=1: written) by e2e/test_why.py -->\n"
END = "<!-- why:end -->\n"
SETTINGS = {
    "sslversion": "3",
    "ciphersuite": "0X0035",
    "seclevel": "2",
    "cacert": '"ca.crt"',
    "clientcert": '"client.crt"',
    "clientkey": '"client.key"',
    "hostname": '"localhost"',
}


class HasPort(Protocol):
    port: int


@dataclass
class Nobody:
    port: int


Peer = Callable[[Pki, Path], AbstractContextManager[HasPort]]


def demanding(pki: Pki, directory: Path) -> AbstractContextManager[HasPort]:
    return OpenSslServer(directory, pki.server, client_authority=pki.authority)


def newest_only(pki: Pki, directory: Path) -> AbstractContextManager[HasPort]:
    return OpenSslServer(directory, pki.server, only="-tls1_3")


def web(_: Pki, __: Path) -> AbstractContextManager[HasPort]:
    return TcpServer(http)


def greet(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example.com ESMTP\r\n")
    while connection.recv(1000):
        pass
    connection.close()


def mail(_: Pki, __: Path) -> AbstractContextManager[HasPort]:
    return TcpServer(greet)


@contextmanager
def nobody(_: Pki, __: Path) -> Iterator[HasPort]:
    yield Nobody(free_port())


@dataclass
class Case:
    """What the user did, with whom, and what is set differently from what works; "" is unset."""

    title: str
    peer: Peer = demanding
    settings: dict[str, str] = field(default_factory=dict)
    command: str = ""


CASES = [
    Case("The server is not running, or the port is another", nobody),
    Case("The port speaks plain HTTP", web),
    Case("The port expects STARTTLS, as mail servers do", mail),
    Case("A file was never written", settings={"cacert": '"root.crt"'}),
    Case("The server is to be checked, but against what is not said", settings={"cacert": ""}),
    Case("The key belongs to another certificate", settings={"clientkey": '"other.key"'}),
    Case("The suite does not exist in this version", settings={"ciphersuite": "0X003D", "sslversion": "1"}),
    Case("The server has TLS 1.3 only", newest_only),
    Case("The server was certified by another authority", settings={"cacert": '"wrong-ca.crt"'}),
    Case("The server has another name", settings={"hostname": '"iot.example.com"'}),
    Case("The module's clock is wrong", command='AT+CCLK="20/01/01,00:00:00+00"'),
    Case("The server demands a client certificate", settings={"clientcert": "", "clientkey": ""}),
    Case(
        "The server does not trust the client certificate",
        settings={"clientcert": '"stranger.crt"', "clientkey": '"stranger.key"'},
    ),
]


def set_up(at: At, pki: Pki) -> None:
    for name, path in {
        "ca.crt": pki.authority.certificate,
        "wrong-ca.crt": pki.second_authority.certificate,
        "client.crt": pki.client.certificate,
        "client.key": pki.client.key,
        "other.key": pki.other_client.key,
        "stranger.crt": pki.stranger.certificate,
        "stranger.key": pki.stranger.key,
    }.items():
        at.upload(name, path.read_bytes())
    at.bearer()
    at.ok("AT+CIPSSL=1", "AT+CIPRXF=1")


def failure_lines(twin: Twin) -> list[str]:
    return [line for line in twin.log().splitlines() if " failed: " in line]


def as_in_the_docs(line: str) -> str:
    """Without what differs from run to run: time of the log, ports, dates."""
    line = re.sub(r"^ *\d+\.\d{3} ", "", line)
    line = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:443", line)
    line = re.sub(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT", "Jan  1 00:00:00 2026 GMT", line)
    return textwrap.fill(
        line, 110, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )


def reproduce(twin: Twin, at: At, pki: Pki, directory: Path, case: Case) -> str:
    for keyword, value in (SETTINGS | case.settings).items():
        at.ok(f'AT+SSLCFG="{keyword}",0,{value}')
    if case.command:
        at.ok(case.command)
    before = len(failure_lines(twin))
    with case.peer(pki, directory) as peer:
        at.start(peer.port)
        at.expect(FAILED, within=30)
        wait.until(lambda: len(failure_lines(twin)) > before, f"an explanation of: {case.title}")
    return failure_lines(twin)[before]


def test_every_failure_on_the_page(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    at = twin.serial()
    at.ok("AT+CTZU=0")
    set_up(at, pki)
    part = ""
    clock = at_now(at)
    for case in CASES:
        line = reproduce(twin, at, pki, tmp_path, case)
        if case.command:
            at.ok(f"AT+CCLK={clock}")
        part += f"\n**{case.title}:**\n\n```text\n{as_in_the_docs(line)}\n```\n"
    page = PAGE.read_text()
    if os.environ.get("WRITE_DOCS"):
        start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
        PAGE.write_text(page[:start] + part + "\n" + page[end:])
        return
    assert part in page, f"docs/tls.md says something else; WRITE_DOCS=1 writes this:\n{part}"


def at_now(at: At) -> str:
    """The module's clock, as AT+CCLK= takes it."""
    at.send(b"AT+CCLK?\r")
    answer = at.until(b"OK\r\n").decode()
    found = re.search(r'\+CCLK: ("[^"]+")', answer)
    assert found, answer
    return found[1]
