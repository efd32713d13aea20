"""FTP over TLS, as transcripts of `e2e/transcripts/ftp`, against vsftpd, pure-ftpd and pyftpdlib.

vsftpd demands that data connections resume the TLS session of their control connection, and says so in its log. It and
pure-ftpd link the system's OpenSSL, pyftpdlib its own.
"""

import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.at import At, lines
from support.capture import followed
from support.ftp import FtpServer, PureFtpd, PyFtpd, Vsftpd
from support.ftp_session import BYTES, content, fetch, read, rest, set_up, source, target, upload, visit
from support.pki import Identity, Pki
from support.play import play
from support.tap import Tap
from support.twin import Twin

IMPLICIT, EXPLICIT = 1, 2
TLS, AUTH_REFUSED, NOT_PROTECTED, DATA_TLS, NOT_TRUSTED = 80, 81, 82, 83, 84
SECRET = b"What only the two of us should know.\r\n"
KINDS = [
    pytest.param(Vsftpd, EXPLICIT, id="vsftpd-explicit"),
    pytest.param(Vsftpd, IMPLICIT, id="vsftpd-implicit"),
    pytest.param(PyFtpd, EXPLICIT, id="pyftpdlib-explicit"),
    pytest.param(PyFtpd, IMPLICIT, id="pyftpdlib-implicit"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(SECRET * 20)
    return path


def session(
    twin: Twin, server: FtpServer, ssl: int, name: str, data: Path, files: dict[str, Path], **more: object
) -> None:
    """One of the transcripts. They fetch `down.txt`, and bring `up.txt`."""
    server.put("down.txt", data.read_bytes())
    play(twin, f"ftp/{name}", files={"data": data, **files}, port=server.port, path=server.path, ssl=ssl, **more)


def pem(client: Identity) -> dict[str, Path]:
    return {"cert": client.certificate, "key": client.key}


def is_protected(server: Vsftpd, suite: str) -> None:
    """What vsftpd's log says of three visits, two of them with a data connection."""
    server.wait_for_log("OK UPLOAD")
    said = re.findall(r"SSL version: \S+, SSL cipher: (\S+), (reused|not reused)", server.log())
    assert said == [(suite, "not reused"), *[(suite, "not reused"), (suite, "reused")] * 2]
    assert server.log().count('"PROT P"') == 3
    assert f'OK DOWNLOAD: Client "127.0.0.1", "{server.home}/down.txt"' in server.log()


@pytest.mark.parametrize(("kind", "ssl"), [*KINDS, pytest.param(PureFtpd, EXPLICIT, id="pure-ftpd-explicit")])
def test_one_way(twin: Twin, pki: Pki, tmp_path: Path, data: Path, kind: type[FtpServer], ssl: int) -> None:
    options = {} if kind is PureFtpd else {"implicit": ssl == IMPLICIT}
    with kind(tmp_path, identity=pki.server, **options) as server:  # type: ignore[call-arg]
        session(twin, server, ssl, "one-way", data, {"ca": pki.authority.certificate})
        server.expect("up.txt", data.read_bytes())
        if isinstance(server, Vsftpd):
            is_protected(server, "AES256-SHA")
        if isinstance(server, PyFtpd):
            assert server.commands.count("AUTH TLS") == (3 if ssl == EXPLICIT else 0)
            assert server.commands.count("PBSZ 0") == server.commands.count("PROT P") == 3


@pytest.mark.parametrize("suite", ["AES256-SHA", "AES128-SHA", "AES256-SHA256"])
def test_suites(twin: Twin, pki: Pki, tmp_path: Path, data: Path, suite: str) -> None:
    with Vsftpd(tmp_path, identity=pki.server, ssl_ciphers=f"{suite}:@SECLEVEL=0") as server:
        session(twin, server, EXPLICIT, "one-way", data, {"ca": pki.authority.certificate})
        server.expect("up.txt", data.read_bytes())
        is_protected(server, suite)


@pytest.mark.parametrize(("kind", "ssl"), KINDS)
def test_mutual(twin: Twin, pki: Pki, tmp_path: Path, data: Path, kind: type[Vsftpd | PyFtpd], ssl: int) -> None:
    with kind(tmp_path, identity=pki.server, client_authority=pki.authority, implicit=ssl == IMPLICIT) as server:
        session(twin, server, ssl, "mutual", data, {"ca": pki.authority.certificate, **pem(pki.client)})
        server.expect("up.txt", data.read_bytes())
        if isinstance(server, Vsftpd):
            server.wait_for_log("OK UPLOAD")
            # On both connections, and the same.
            der = subprocess.run(
                ["openssl", "x509", "-in", pki.client.certificate, "-outform", "DER"],
                check=True,
                capture_output=True,
                timeout=20,
            ).stdout
            digest = " ".join(str(byte) for byte in hashlib.sha256(der).digest())
            assert set(re.findall(r"Cert digest: ([\d ]+)", server.log())) == {digest}
            assert server.log().count("reused, CERT PRESENTED") == 5
            assert server.log().count("Matching cert on data channel.") == 2


@pytest.mark.parametrize(("kind", "ssl"), KINDS)
@pytest.mark.parametrize(
    ("authority", "server_name", "why"),
    [
        ("second_authority", "server", "cacert"),
        ("authority", "expired_server", "expired"),
    ],
    ids=["wrong-authority", "expired"],
)
def test_a_server_that_is_not_trusted(
    twin: Twin,
    pki: Pki,
    tmp_path: Path,
    data: Path,
    kind: type[Vsftpd | PyFtpd],
    ssl: int,
    authority: str,
    server_name: str,
    why: str,
) -> None:
    with kind(tmp_path, identity=getattr(pki, server_name), implicit=ssl == IMPLICIT) as server:
        files = {"ca": getattr(pki, authority).certificate}
        session(twin, server, ssl, "one-way-refused", data, files, code=NOT_TRUSTED)
        twin.wait_for_log(why)
        # Nobody has said who they are.
        assert "USER" not in server.log()
        assert server.names() == ["down.txt"]


@pytest.mark.parametrize(("kind", "ssl"), KINDS)
@pytest.mark.parametrize("who", ["stranger", "expired"])
def test_a_module_that_is_not_trusted(
    twin: Twin, pki: Pki, tmp_path: Path, data: Path, kind: type[Vsftpd | PyFtpd], ssl: int, who: str
) -> None:
    with kind(tmp_path, identity=pki.server, client_authority=pki.authority, implicit=ssl == IMPLICIT) as server:
        client = (
            pki.expired_client
            if who == "expired"
            else pki.second_authority.issue("stranger", "extendedKeyUsage=clientAuth")
        )
        session(twin, server, ssl, "mutual-refused", data, {"ca": pki.authority.certificate, **pem(client)}, code=TLS)
        server.wait_for_log("certificate verify failed" if kind is Vsftpd else "SSL handshake failed")
        assert "USER" not in server.log()
        assert server.names() == ["down.txt"]


@pytest.mark.parametrize(("kind", "ssl"), KINDS)
def test_a_module_without_a_certificate(
    twin: Twin, pki: Pki, tmp_path: Path, data: Path, kind: type[Vsftpd | PyFtpd], ssl: int
) -> None:
    with kind(tmp_path, identity=pki.server, client_authority=pki.authority, implicit=ssl == IMPLICIT) as server:
        session(twin, server, ssl, "one-way-refused", data, {"ca": pki.authority.certificate}, code=TLS)
        server.wait_for_log("peer did not return a certificate" if kind is Vsftpd else "SSL handshake failed")
        assert "USER" not in server.log()


@pytest.mark.parametrize(
    ("refuse", "code"),
    [
        ({"AUTH": "502 Not implemented."}, AUTH_REFUSED),
        ({"PBSZ": "503 Not now."}, NOT_PROTECTED),
        ({"PROT": "534 Not for this server."}, NOT_PROTECTED),
    ],
    ids=["AUTH", "PBSZ", "PROT"],
)
def test_no_protection_no_data(twin: Twin, pki: Pki, data: Path, refuse: dict[str, str], code: int) -> None:
    with PyFtpd(identity=pki.server, refuse=refuse) as server:
        session(twin, server, EXPLICIT, "one-way-refused", data, {"ca": pki.authority.certificate}, code=code)
        assert not [
            word for command in server.commands if (word := command.split()[0]) in ("RETR", "STOR", "EPSV", "PASV")
        ]
        if code == AUTH_REFUSED:
            assert "PASS" not in server.commands


def module(twin: Twin, server: FtpServer, ssl: int = EXPLICIT) -> At:
    at = twin.serial()
    set_up(at, server)
    at.ok(f"AT+FTPSSL={ssl}")
    return at


@pytest.mark.parametrize("secure", [False, True])
def test_what_is_on_the_wire(twin: Twin, pki: Pki, secure: bool) -> None:
    """Without TLS the same session shows that it would be seen."""
    tap = Tap()
    with PyFtpd(identity=pki.server if secure else None, tap=tap) as server:
        at = module(twin, server, EXPLICIT if secure else 0)
        server.put("down", SECRET)
        source(at, "/", "down")
        assert fetch(at) == (SECRET, 0)
        target(at, "/", "up")
        upload(at, SECRET)
        server.expect("up", SECRET)
        assert tap.seen.count(SECRET) == (0 if secure else 2)
        # 22: a handshake record.
        assert (tap.seen[0] == 22) == secure


def test_a_long_file(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    whole = content(BYTES)
    with Vsftpd(tmp_path, identity=pki.server) as server:
        at = module(twin, server)
        target(at, server.path, "up")
        upload(at, whole)
        server.expect("up", whole)
        source(at, server.path, "up")
        assert fetch(at) == (whole, 0)


@pytest.mark.parametrize("kind", [Vsftpd, PureFtpd, PyFtpd])
def test_a_modern_module(
    start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path, kind: type[Vsftpd | PureFtpd | PyFtpd]
) -> None:
    """With `--tls modern` it speaks TLS 1.3, in which the session to resume comes after the handshake."""
    twin = start_twin("--tls", "modern")
    with kind(tmp_path, identity=pki.server) as server:
        at = module(twin, server)
        target(at, server.path, "up")
        upload(at, SECRET)
        server.expect("up", SECRET)
        source(at, server.path, "up")
        assert fetch(at) == (SECRET, 0)
        twin.wait_for_log("protected from here on: TLS 1.3")
        # pure-ftpd gives no sessions in TLS 1.3.
        assert twin.log().count("an earlier session resumed") == (0 if kind is PureFtpd else 2)


def test_a_data_connection_without_tls(twin: Twin, pki: Pki) -> None:
    """It ends in the handshake."""
    tap = Tap()
    with PyFtpd(identity=pki.server, tap=tap) as server:
        at = module(twin, server)
        server.put("down", SECRET)
        source(at, "/", "down")
        tap.hold_after = 5
        tap.cut()
        assert fetch(at) == (b"", DATA_TLS)
        # The next is as good as ever.
        assert fetch(at) == (SECRET, 0)


def test_a_connection_that_is_cut(twin: Twin, pki: Pki) -> None:
    """In the middle of a record."""
    whole, tap = SECRET * 2000, Tap()
    half = len(whole) // 2
    with PyFtpd(identity=pki.server, tap=tap) as server:
        at = module(twin, server)
        server.put("down", whole)
        source(at, "/", "down")
        tap.hold_after = half
        at.ok("AT+FTPGET=1")
        first = b""
        # What a record holds is only seen when it is whole.
        while len(first) < half - 2 * 16_384:
            at.expect(lines("+FTPGET: 1,1"))
            first += read(at)
        tap.cut()
        second, code = rest(at)
        first += second
        assert code == 79
        at.ok(f"AT+FTPREST={len(first)}")
        second, code = fetch(at)
        assert (first + second, code) == (whole, 0)


def test_in_the_open_at_a_server_that_wants_tls(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Vsftpd(tmp_path, identity=pki.server) as server:
        at = module(twin, server, 0)
        source(at, server.path, "down")
        visit(at, "FTPSIZE", "1,71,0")
        twin.wait_for_log("the server says 530")
        assert "PASS" not in server.log()


def test_the_capture_shows_both_connections(
    start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path, data: Path
) -> None:
    """tshark decrypts the data connection by the session that it resumes."""
    capture = tmp_path / "traffic.pcapng"
    twin = start_twin("--pcap", str(capture))
    with Vsftpd(tmp_path, identity=pki.server) as server:
        session(twin, server, EXPLICIT, "one-way", data, {"ca": pki.authority.certificate})
        server.expect("up.txt", data.read_bytes())
    assert twin.stop() == 0
    assert SECRET not in capture.read_bytes()
    # Three visits; the second and the third have a data connection.
    for stream in (2, 4):
        assert b"".join(said for _, said in followed(capture, "tls", stream)) == data.read_bytes()


@pytest.mark.parametrize(("name", "code"), [("localhost", 0), ("elsewhere.example", NOT_TRUSTED)])
def test_the_name_in_the_certificate(twin: Twin, pki: Pki, tmp_path: Path, name: str, code: int) -> None:
    """It is the control connection's that is checked on the data connection too, which goes to an address."""
    with Vsftpd(tmp_path, identity=pki.server) as server:
        at = twin.serial()
        at.upload("ca.pem", pki.authority.certificate.read_bytes())
        at.secure(34, cacert="ca.pem", level=1)
        set_up(at, server, host="localhost")
        at.ok(f'AT+SSLCFG="hostname",34,"{name}"', "AT+FTPSSL=2")
        server.put("down", SECRET)
        source(at, server.path, "down")
        assert fetch(at) == (b"" if code else SECRET, code)
        assert ("USER" in server.log()) == (code == 0)
