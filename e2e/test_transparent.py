"""Transparent mode on real lines: a session on a PTY, and many bytes on a TCP line."""

import os
import select
import socket
import time
from collections.abc import Callable

import pytest

from support.at import OK, lines
from support.bulk import Mover, Peer, checksum, resident, wait_until_stuck
from support.pki import Pki
from support.tcp import TcpServer, free_port
from support.tls import OpenSslServer
from support.twin import Twin

CONNECT = lines("CONNECT")
# What goes each way in the long test; the soak sets it to 1024.
MEBIBYTES = int(os.environ.get("MODEMTWIN_TRANSPARENT_MIB", "64"))
# What the twin's memory may grow by: its windows both ways, twice over, and what the allocator does not give back.
GROWTH = 6 << 20


def escape(send: Callable[[bytes], object]) -> None:
    """`+++` behind the silence that it needs; there is nothing else to wait for."""
    time.sleep(1.1)
    send(b"+++")


# @covers tcp.transparent.escape tcp.transparent.ato ssl.connect.transparent
def test_a_session_on_a_pty(twin: Twin, pki: Pki) -> None:
    """CONNECT, every byte both ways, +++, a command, ATO, the end; over TLS."""
    data = bytes(range(256)) * 40 + b"+++" + b"\r\nAT\r\n\x1a\x1b"
    with OpenSslServer(pki.server.certificate.parent, pki.server, only="-tls1_2") as server:
        at = twin.serial()
        at.ok("AT+CIPMODE=1", "AT+CIPSSL=1")
        at.start(server.port)
        at.expect(CONNECT)
        at.send(data)
        server.expect(data)
        server.send(data)
        assert at.take(len(data)) == data
        escape(at.send)
        at.expect(OK)
        at.ask("AT+CIPSEND=5", lines("+CME ERROR: 3"))
        server.send(b"meanwhile")
        at.ask("ATO", CONNECT)
        at.expect(b"meanwhile")
        at.send(b"and back")
        server.expect(b"and back")
    # It was killed.
    at.until(b"\r\n", within=20)
    at.until(b"\r\n")
    at.ask("ATO", lines("NO CARRIER"))
    at.works()


def test_what_looks_like_plus_signs_is_data(twin: Twin, tcp_echo: TcpServer) -> None:
    at = twin.serial()
    at.ok("AT+CIPMODE=1")
    at.start(tcp_echo.port)
    at.expect(CONNECT)
    time.sleep(1.1)
    for data in (b"++", b"+++x", b"++++"):
        at.send(data)
        at.expect(data)
    escape(at.send)
    at.expect(OK)
    at.ok("ATH")
    at.works()


@pytest.mark.parametrize("secure", [True, False], ids=["tls", "tcp"])
def test_many_bytes_both_ways_through_readers_that_pause(
    start_twin: Callable[..., Twin], pki: Pki, secure: bool, record_property: Callable[[str, object], None]
) -> None:
    """Nothing is lost, and the twin's memory does not grow with it."""
    size = MEBIBYTES << 20
    address = ("127.0.0.1", free_port())
    twin = start_twin("--tcp", f"{address[0]}:{address[1]}")
    usb = twin.serial()
    usb.ok("AT+CIPMODE=1", f"AT+CIPSSL={int(secure)}")
    line = socket.create_connection(address)
    line.settimeout(20)
    peer = Peer(pki.server if secure else None)
    # Boot messages and the echo are in front of it.
    line.sendall(f"ATE0\r\nAT+CIPSTART=TCP,127.0.0.1,{peer.port}\r\n".encode())
    said = b""
    while not said.endswith(CONNECT):
        said += line.recv(4096)
    server = peer.connection()
    before = resident(twin.pid)
    host = Mover("the host", line, 1, size, pauses=3)
    remote = Mover("the peer", server, 2, size, pauses=3)
    host.start()
    remote.start()
    most = before
    limit = time.monotonic() + 60 + MEBIBYTES * 2
    while host.is_alive() or remote.is_alive():
        for mover, other in ((host, remote), (remote, host)):
            if mover.pauses:
                wait_until_stuck(other)
                most = max(most, resident(twin.pid))
                mover.resume()
        most = max(most, resident(twin.pid))
        assert time.monotonic() < limit, f"{host.received} and {remote.received} of {size}"
        select.select([], [], [], 0.02)
    host.finish(1)
    remote.finish(1)
    assert (host.received, remote.received) == (size, size)
    assert host.checksum == checksum(2, size)
    assert remote.checksum == checksum(1, size)
    assert most - before < GROWTH, f"{(most - before) >> 10} KiB more"
    grown = (most - before) >> 10
    record_property("table", f"{MEBIBYTES} MiB each way, checksums right; at most {grown} KiB more memory\n")
    line.setblocking(True)
    escape(line.sendall)
    assert line.recv(100) == OK
    line.sendall(b"ATH\r\n")
    assert line.recv(100) == OK
    server.setblocking(True)
    assert server.recv(1) == b""
    usb.works()
