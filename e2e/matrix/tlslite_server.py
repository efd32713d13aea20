"""An echo server on tlslite-ng: `tlslite_server.py CERTIFICATE KEY`.

Says `{"plain": PORT, "asks": PORT, "up to 2": PORT, …}` first, then a JSON line for every connection. Echoes lines.
"asks" asks for a client certificate and does not demand it; "up to 2" knows nothing newer than TLS 1.1, and so on;
"modern" asks too, and knows TLS 1.3 only. Each connection has a process of its own: this is arithmetic in Python.
"""

import hashlib
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey

LIMIT = 60.0
NAMES = ("plain", "asks", "up to 2", "up to 1", "up to 0", "modern")
VERSIONS = {(3, 0): "SSL 3.0", (3, 1): "TLS 1.0", (3, 2): "TLS 1.1", (3, 3): "TLS 1.2", (3, 4): "TLS 1.3"}


def settings(name: str) -> HandshakeSettings:
    chosen = HandshakeSettings()
    chosen.cipherImplementations = ["python"]
    if name == "modern":
        chosen.minVersion = chosen.maxVersion = (3, 4)
        return chosen
    chosen.minVersion, chosen.maxVersion = (3, 0), (3, int(name[-1]) if name.startswith("up to") else 3)
    if chosen.maxVersion == (3, 0):
        # It would answer these extensions in SSL 3.0 too, where they do not exist (RFC 7627 5.1, RFC 7366 4).
        chosen.useExtendedMasterSecret = chosen.useEncryptThenMAC = False
    chosen.cipherNames = ["aes256", "aes128", "3des", "rc4"]
    chosen.macNames = ["sha256", "sha", "md5"]
    chosen.keyExchangeNames = ["rsa"]
    return chosen


def say(record: dict[str, object]) -> None:
    # One write each, so that lines of several processes do not mix.
    os.write(1, json.dumps(record).encode() + b"\n")


def serve(connection: socket.socket, chain: X509CertChain, key: object, name: str) -> dict[str, object]:
    connection.settimeout(LIMIT)
    record: dict[str, object] = {"peer": connection.getpeername()[1]}
    tls = TLSConnection(connection)
    try:
        if not connection.recv(1, socket.MSG_PEEK):
            return {**record, "error": "nothing came"}
        tls.handshakeServer(certChain=chain, privateKey=key, reqCert=name in ("asks", "modern"), settings=settings(name))
        presented = tls.session.clientCertChain
        record |= {
            "version": VERSIONS.get(tls.version, str(tls.version)),
            "suite": f"{tls.session.cipherSuite:04X}",
            "client": hashlib.sha256(presented.x509List[0].writeBytes()).hexdigest() if presented else None,
        }
        echoed, line = 0, bytearray()
        while part := tls.read(max=16_384):
            line += part
            if line.endswith(b"\n"):
                tls.write(line)
                echoed += len(line)
                line.clear()
        tls.close()
        return {**record, "echoed": echoed}
    except Exception as error:  # noqa: BLE001, whatever it is, it is what became of this connection
        return {**record, "error": f"{type(error).__name__}: {error}"}


def main() -> None:
    chain = X509CertChain()
    chain.parsePemList(Path(sys.argv[1]).read_text())
    key = parsePEMKey(Path(sys.argv[2]).read_text(), private=True, implementations=["python"])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # 3DES in Python takes seconds of a core; other tests run meanwhile.
    os.nice(10)
    listeners = {socket.create_server(("127.0.0.1", 0)): name for name in NAMES}
    say({name: listener.getsockname()[1] for listener, name in listeners.items()})
    while True:
        for listener in select.select(list(listeners), [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                say(serve(connection, chain, key, listeners[listener]))
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    main()
