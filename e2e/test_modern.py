"""`--tls modern`: servers that accept nothing of what the module has are reached, and only where it is asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.peers import Jsse, TlsLite, fingerprint
from support import wait
from support.at import At, lines
from support.pki import Pki
from support.tls import GnuTlsServer, OpenSslServer, TlsServer, there_and_back
from support.twin import Twin

TLS13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3"
FORWARD_SECRET = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM"


def gnutls(priority: str) -> Callable[[Path, Pki], TlsServer]:
    return lambda directory, pki: GnuTlsServer(
        directory, pki.server, client_authority=pki.authority, priority=priority
    )


def openssl(directory: Path, pki: Pki) -> TlsServer:
    return OpenSslServer(directory, pki.server, client_authority=pki.authority, only="-tls1_3")


servers = pytest.mark.parametrize(
    ("server", "version"),
    [(openssl, r"TLS 1\.3"), (gnutls(TLS13), r"TLS 1\.3"), (gnutls(FORWARD_SECRET), r"TLS 1\.2")],
    ids=["openssl-tls1.3", "gnutls-tls1.3", "gnutls-ecdhe"],
)


def mutual(twin: Twin, pki: Pki) -> At:
    at = twin.serial()
    files = {"ca": pki.authority.certificate, "me": pki.client.certificate, "key": pki.client.key}
    for name, path in files.items():
        at.upload(name, path.read_bytes())
    at.bearer()
    at.ok("AT+CIPRXF=1", "AT+CIPSSL=1")
    at.secure(0, cacert="ca", clientcert="me", clientkey="key", level=2)
    return at


@servers
def test_modern(
    start_twin: Callable[..., Twin],
    pki: Pki,
    tmp_path: Path,
    server: Callable[[Path, Pki], TlsServer],
    version: str,
) -> None:
    twin = start_twin("--tls", "modern")
    with server(tmp_path, pki) as running:
        at = mutual(twin, pki)
        at.connect(running.port)
        there_and_back(at, running, "with what the module does not have")
        twin.wait_for_log(rf"{version}, .* server .*CN=server.*client certificate .*CN=client.* sent")


@pytest.mark.parametrize("peer", [TlsLite, Jsse])
def test_modern_with_the_servers_of_the_matrix(
    start_twin: Callable[..., Twin], pki: Pki, tmp_path: Path, peer: type[TlsLite] | type[Jsse]
) -> None:
    twin = start_twin("--tls", "modern")
    with peer(tmp_path, pki) as running:
        at = mutual(twin, pki)
        at.connect(running.ports["modern"])
        line = b"TLS 1.3 with somebody else's library\n"
        at.transmit(line)
        at.expect(line)
        twin.wait_for_log(r"TLS 1\.3, .* server .*CN=server.*client certificate .*CN=client.* sent")
        at.ask("AT+CIPCLOSE", lines("CLOSE OK"))
        seen = wait.until(running.all_seen, f"a record of {running.name}")[0]
        assert (seen.version, seen.client) == ("TLS 1.3", fingerprint(pki.client))


@servers
@pytest.mark.parametrize("modern", [False, True], ids=["as-the-module", "asked-for-by-name"])
def test_only_where_it_is_left_open(
    start_twin: Callable[..., Twin],
    pki: Pki,
    tmp_path: Path,
    server: Callable[[Path, Pki], TlsServer],
    version: str,
    modern: bool,
) -> None:
    """Without the option the module is faithful; so it is with it, when a suite was asked for."""
    twin = start_twin("--tls", "modern") if modern else start_twin()
    with server(tmp_path, pki) as running:
        at = mutual(twin, pki)
        if modern:
            at.ok('AT+SSLCFG="ciphersuite",0,0X0035')
        at.start(running.port)
        at.expect(lines("STATE: IP STATUS") + lines("CONNECT FAIL"), within=30)
        twin.wait_for_log(r"offered SSL 3\.0 to TLS 1\.2 .*--tls modern")
