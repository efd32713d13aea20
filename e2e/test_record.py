"""`--keylog` and `--pcap`: tshark reads the plaintext back; nobody else may."""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import wait
from support.at import At, lines
from support.capture import followed, said_by, tshark
from support.lab import Lab
from support.pki import Pki
from support.tls import GnuTlsServer, OpenSslServer, TlsServer, there_and_back
from support.twin import Twin, binary

SSL30, ANY = 0, 4
SECRET = "what only the two of us should know"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.stop()


def ready(twin: Twin) -> At:
    at = twin.serial()
    at.bearer()
    at.ok("AT+CIPRXF=1")
    return at


@pytest.mark.parametrize("server_type", [OpenSslServer, GnuTlsServer])
def test_the_capture_alone_gives_the_plaintext(
    start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path, server_type: type[TlsServer]
) -> None:
    capture = tmp_path / "traffic.pcapng"
    twin = start_twin("--pcap", str(capture))
    with server_type(tmp_path, pki.server, client_authority=pki.authority) as server:
        at = ready(twin)
        for name, path in (
            ("ca.crt", pki.authority.certificate),
            ("me.crt", pki.client.certificate),
            ("me.key", pki.client.key),
        ):
            at.upload(name, path.read_bytes())
        at.secure(0, cacert="ca.crt", clientcert="me.crt", clientkey="me.key", level=2)
        at.ok("AT+CIPSSL=1")
        at.connect(server.port)
        there_and_back(at, server, SECRET)
        at.ask("AT+CIPCLOSE", b"\r\nCLOSE OK\r\n")
    assert twin.stop() == 0
    assert SECRET.encode() not in capture.read_bytes()
    said = followed(capture, "tls")
    assert said_by("twin", said) == SECRET.encode() + b"\n"
    assert said_by("peer", said) == SECRET.encode() + b"\n"
    comments = tshark(capture, "-T", "fields", "-e", "frame.comment", "-Y", "tcp.flags.syn==1 && tcp.flags.ack==0")
    assert comments.strip() == f"modem0 link 0 to 127.0.0.1:{server.port}"
    # Sequence numbers and check sums are those of a whole conversation.
    troubled = "tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.malformed"
    checked = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    assert tshark(capture, *checked, "-Y", troubled) == ""


@pytest.mark.parametrize("version", range(SSL30, ANY + 1))
def test_secrets_of_every_version(start_twin: Callable[..., Twin], lab: Lab, tmp_path: Path, version: int) -> None:
    keys, capture = tmp_path / "keys", tmp_path / "traffic.pcapng"
    twin = start_twin("--keylog", str(keys), "--pcap", str(capture))
    at = ready(twin)
    at.ok(f'AT+SSLCFG="sslversion",0,{version}', "AT+CIPSSL=1")
    at.connect(lab.port("TLS echo"))
    at.transmit(SECRET.encode())
    at.expect(SECRET.encode())
    at.ask("AT+CIPCLOSE", b"\r\nCLOSE OK\r\n")
    assert twin.stop() == 0
    secrets = keys.read_text().splitlines()
    assert any(re.fullmatch(r"RSA [0-9a-f]{16} [0-9a-f]{96}", line) for line in secrets), secrets
    assert any(re.fullmatch(r"CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}", line) for line in secrets), secrets
    assert len(secrets) == 2, secrets
    said = followed(capture, "tls")
    assert (said_by("twin", said), said_by("peer", said)) == (SECRET.encode(), SECRET.encode())


def test_secrets_of_tls_1_3(start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path) -> None:
    """Its secrets are known only after the packets that they decrypt have come."""
    keys, capture = tmp_path / "keys", tmp_path / "traffic.pcapng"
    twin = start_twin("--tls", "modern", "--keylog", str(keys), "--pcap", str(capture))
    with OpenSslServer(tmp_path, pki.server, only="-tls1_3") as server:
        at = ready(twin)
        at.ok("AT+CIPSSL=1")
        at.connect(server.port)
        there_and_back(at, server, SECRET)
        at.ask("AT+CIPCLOSE", b"\r\nCLOSE OK\r\n")
    assert twin.stop() == 0
    said = followed(capture, "tls")
    assert said_by("twin", said) == said_by("peer", said) == SECRET.encode() + b"\n"
    # The server's certificate is encrypted as well.
    assert "Certificate" in tshark(capture, "-Y", "tls.handshake.type == 11")
    for label in ("CLIENT_HANDSHAKE", "SERVER_HANDSHAKE", "CLIENT", "SERVER"):
        suffix = "_TRAFFIC_SECRET" + ("" if "HANDSHAKE" in label else "_0")
        assert re.search(rf"^{label}{suffix} [0-9a-f]{{64}} [0-9a-f]+$", keys.read_text(), re.MULTILINE)


def test_plain_connections_are_captured(start_twin: Callable[..., Twin], lab: Lab, tmp_path: Path) -> None:
    capture = tmp_path / "traffic.pcapng"
    twin = start_twin("--pcap", str(capture))
    at = ready(twin)
    at.connect(lab.port("TCP echo"))
    at.transmit(b"in the open")
    at.expect(b"in the open")
    at.ask("AT+CIPCLOSE", b"\r\nCLOSE OK\r\n")
    assert twin.stop() == 0
    assert [("twin", b"in the open"), ("peer", b"in the open")] == followed(capture, "tcp")


def test_datagrams_are_captured(start_twin: Callable[..., Twin], tmp_path: Path) -> None:
    capture = tmp_path / "traffic.pcapng"
    twin = start_twin("--pcap", str(capture))
    at = ready(twin)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(10)
        peer.bind(("127.0.0.1", 0))
        at.ask(f"AT+CIPSTART=UDP,127.0.0.1,{peer.getsockname()[1]}", lines("OK") + lines("CONNECT OK"))
        at.transmit(b"there")
        data, sender = peer.recvfrom(100)
        assert data == b"there"
        peer.sendto(b"and back", sender)
        at.expect(b"and back")
    assert twin.stop() == 0
    assert followed(capture, "udp") == [("twin", b"there"), ("peer", b"and back")]


def test_files_are_private_and_announced(start_twin: Callable[..., Twin], tmp_path: Path) -> None:
    keys, capture = tmp_path / "keys", tmp_path / "traffic.pcapng"
    twin = start_twin("--quiet", "--keylog", str(keys), "--pcap", str(capture))
    for path in (keys, capture):
        assert path.stat().st_mode & 0o777 == 0o600
        twin.wait_for_log(rf"WARNING: .* {re.escape(str(path))}: who can read this file")


@pytest.mark.parametrize("option", ["--keylog", "--pcap"])
def test_files_that_others_may_read_are_refused(tmp_path: Path, option: str) -> None:
    path = tmp_path / "for-all-to-see"
    path.write_text("as it was")
    path.chmod(0o644)
    command = [str(binary()), "run", "--pty", str(tmp_path / "tty"), "--state", str(tmp_path), option, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "others may read" in done.stderr
    assert "--force" in done.stderr
    assert path.read_text() == "as it was"
    with subprocess.Popen([*command, "--force"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forced:
        with wait.at_most(20, forced):
            assert forced.stdout
            assert "modem0 at" in forced.stdout.readline()
            forced.terminate()
            assert forced.wait() == 0


def test_nothing_is_recorded_unasked(twin: Twin, lab: Lab, tmp_path: Path) -> None:
    at = ready(twin)
    at.ok("AT+CIPSSL=1")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    at.connect(lab.port("TLS echo"))
    at.transmit(SECRET.encode())
    at.expect(SECRET.encode())
    at.ask("AT+CIPCLOSE", b"\r\nCLOSE OK\r\n")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
    assert "WARNING" not in twin.log()
