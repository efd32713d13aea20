"""Certificates, made by the openssl program."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


def _openssl(*arguments: str | Path) -> None:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority(Identity):
    """Can sign others."""

    def __init__(self, directory: Path, name: str) -> None:
        super().__init__(directory / f"{name}.crt", directory / f"{name}.key")
        _request(self, name, "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name: str, *extensions: str) -> Identity:
        """A certificate that is signed by this authority."""
        directory = self.certificate.parent
        leaf = Identity(directory / f"{name}.crt", directory / f"{name}.key")
        _request(leaf, name, "basicConstraints=CA:FALSE", *extensions, signer=self)
        return leaf

    def issue_expired(self, name: str, *extensions: str) -> Identity:
        """A certificate that was good in 2020."""
        directory = self.certificate.parent / f"{name}.ca"
        directory.mkdir()
        (directory / "index").touch()
        (directory / "config").write_text(f"""
            [ca]
            default_ca = here
            [here]
            database = {directory}/index
            new_certs_dir = {directory}
            default_md = sha256
            rand_serial = yes
            copy_extensions = copy
            policy = any
            [any]
            organizationName = supplied
            commonName = supplied
            """)
        leaf, request = Identity(directory / "crt", directory / "key"), directory / "csr"
        added = [argument for extension in extensions for argument in ("-addext", extension)]
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", leaf.key, "-out", request,
                 "-subj", f"/O=Modemtwin tests/CN={name}", "-addext", "basicConstraints=CA:FALSE", *added)  # fmt: skip
        _openssl("ca", "-batch", "-notext", "-config", directory / "config", "-cert", self.certificate, "-keyfile", self.key,
                 "-in", request, "-out", leaf.certificate, "-startdate", "20200101000000Z", "-enddate", "20210101000000Z")  # fmt: skip
        return leaf


def _request(identity: Identity, name: str, *extensions: str, signer: Identity | None = None) -> None:
    signing = ("-CA", signer.certificate, "-CAkey", signer.key) if signer else ()
    added = [argument for extension in extensions for argument in ("-addext", extension)]
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", identity.key)
    _openssl("req", "-x509", *signing, *key, "-out", identity.certificate, "-sha256", "-days", "30",
             "-subj", f"/O=Modemtwin tests/CN={name}", *added)  # fmt: skip


class Pki:
    """Two authorities that know nothing of each other, with a server each, and clients; some of the first have expired."""

    def __init__(self, directory: Path) -> None:
        names = "subjectAltName=DNS:localhost,DNS:tcplab.openluat.com,IP:127.0.0.1"
        self.authority = Authority(directory, "authority")
        self.server = self.authority.issue("server", names, "extendedKeyUsage=serverAuth")
        self.client = self.authority.issue("client", "extendedKeyUsage=clientAuth")
        self.expired_server = self.authority.issue_expired("expired-server", names, "extendedKeyUsage=serverAuth")
        self.expired_client = self.authority.issue_expired("expired-client", "extendedKeyUsage=clientAuth")
        self.other_client = self.authority.issue("other-client", "extendedKeyUsage=clientAuth")
        self.second_authority = Authority(directory, "second-authority")
        self.second_server = self.second_authority.issue("second-server", names, "extendedKeyUsage=serverAuth")
        self.stranger = self.second_authority.issue("stranger", "extendedKeyUsage=clientAuth")
