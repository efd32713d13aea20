"""The FTP servers that people run: vsftpd, pure-ftpd and pyftpdlib.

Each is told of one user, has a home directory of its own under a short name, and serves loopback only. vsftpd runs as
whoever starts it, so it shows the whole file system; the others show the home directory as `/`.
"""

import logging
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from . import wait
from .pki import Identity
from .tap import Tap
from .tcp import free_port, listens

USER, PASSWORD = "ftp", "secret"
# The first is what the module offers by default; none has an ephemeral key, so OpenSSL has to be told to take them.
CIPHERS = "AES256-SHA:AES128-SHA:AES256-SHA256:@SECLEVEL=0"
# `cargo xtask test` unpacks the servers' packages beside the virtual environment.
_UNPACKED = Path(sys.prefix).parent / "unpacked"


def _program(name: str) -> str:
    places = [
        str(_UNPACKED / package / "usr" / kind) for package in ("vsftpd", "pure-ftpd") for kind in ("sbin", "bin")
    ]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", ""), "/usr/sbin"]))
    assert found, f"there is no {name}; `cargo xtask test` gets it"
    return found


class FtpServer:
    """One server with its user's home directory. `path` is that directory as the server's clients write it."""

    path = "/"

    def __init__(self) -> None:
        # The module takes 99 characters of a path; pytest's directories can be longer.
        self.home = Path(tempfile.mkdtemp(prefix="ftp"))
        self.port = 0

    def __enter__(self) -> "FtpServer":
        return self

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        print(f"--- log of {type(self).__name__}\n{self.log()}")

    def stop(self) -> None:
        raise NotImplementedError

    def log(self) -> str:
        raise NotImplementedError

    def wait_for_log(self, text: str) -> None:
        wait.until(lambda: text in self.log(), f"{text!r} in the server's log:\n{self.log()}")

    def put(self, name: str, content: bytes) -> None:
        """A file that is on the server."""
        path = self.home / name
        path.write_bytes(content)
        self.own(path)

    def directory(self, name: str) -> None:
        """A directory that is on the server."""
        path = self.home / name
        path.mkdir()
        self.own(path)

    def own(self, path: Path) -> None:
        """Gives it to whom the server acts for, if that is somebody else."""

    def names(self) -> list[str]:
        """What is in the home directory."""
        return sorted(path.name for path in self.home.iterdir())

    def expect(self, name: str, content: bytes) -> None:
        """The file on the server becomes exactly this. The server may be at its last bytes when the client is done."""
        path = self.home / name

        def same() -> bool:
            return path.is_file() and path.read_bytes() == content

        wait.until(
            same,
            f"{name} with {len(content)} bytes; there are {[(p.name, p.stat().st_size) for p in self.home.iterdir()]}",
        )


class _Process(FtpServer):
    """A server that is a program."""

    _process: "subprocess.Popen[bytes]"

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory / f"{type(self).__name__.lower()}-{self.home.name}"
        self._directory.mkdir(parents=True)
        self._output = self._directory / "output"
        self._log = self._directory / "log"
        # Somebody else may get a free port first; then the program ends, and the next port is tried.
        for _ in range(5):
            self.port = free_port()
            with self._output.open("ab") as output:
                self._process = subprocess.Popen(
                    self._command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            wait.until(
                lambda: self._has_ended() or listens(self.port), f"{type(self).__name__} listens on port {self.port}"
            )
            if not self._has_ended():
                return
        raise AssertionError(f"{type(self).__name__} does not start: {self.log()}")

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _has_ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in (self._output, self._log) if path.exists())


class Vsftpd(_Process):
    """vsftpd. Its user is `anonymous` by its own terms, with a password that it knows.

    With an identity it speaks TLS, and no longer anything else; data connections have to be protected, and to resume
    the session of their control connection. With an authority it demands certificates.
    """

    def __init__(
        self,
        directory: Path,
        *,
        identity: Identity | None = None,
        client_authority: Identity | None = None,
        implicit: bool = False,
        **options: str,
    ) -> None:
        """`options` are further lines of its configuration."""
        self._options = {**self._tls(identity, client_authority, implicit=implicit), **options}
        super().__init__(directory)
        self.path = f"{self.home}/"

    @staticmethod
    def _tls(identity: Identity | None, authority: Identity | None, *, implicit: bool) -> dict[str, str]:
        if identity is None:
            return {}
        options = {
            "ssl_enable": "YES",
            "allow_anon_ssl": "YES",
            "force_anon_logins_ssl": "YES",
            "force_anon_data_ssl": "YES",
            "require_ssl_reuse": "YES",
            "strict_ssl_write_shutdown": "NO",
            "debug_ssl": "YES",
            "ssl_ciphers": CIPHERS,
            "rsa_cert_file": str(identity.certificate),
            "rsa_private_key_file": str(identity.key),
        }
        if implicit:
            options["implicit_ssl"] = "YES"
        if authority:
            options |= {"require_cert": "YES", "validate_cert": "YES", "ca_certs_file": str(authority.certificate)}
        return options

    def _command(self) -> list[str]:
        me = pwd.getpwuid(os.geteuid()).pw_name
        (self._directory / "passwords").write_text(f"{PASSWORD}\n")
        (self._directory / "nothing").mkdir(exist_ok=True)
        options = {
            "listen": "YES",
            "background": "NO",
            "listen_address": "127.0.0.1",
            "listen_port": str(self.port),
            "run_as_launching_user": "YES",
            "seccomp_sandbox": "NO",
            "connect_from_port_20": "NO",
            "nopriv_user": me,
            "ftp_username": me,
            "secure_chroot_dir": str(self._directory / "nothing"),
            # Users of its own would need PAM, and that the machine's configuration.
            "local_enable": "NO",
            "anonymous_enable": "YES",
            "secure_email_list_enable": "YES",
            "email_password_file": str(self._directory / "passwords"),
            "anon_root": str(self.home),
            "anon_umask": "022",
            "anon_world_readable_only": "NO",
            "write_enable": "YES",
            "anon_upload_enable": "YES",
            "anon_mkdir_write_enable": "YES",
            "anon_other_write_enable": "YES",
            "ascii_download_enable": "YES",
            "ascii_upload_enable": "YES",
            "xferlog_enable": "YES",
            "xferlog_std_format": "NO",
            "log_ftp_protocol": "YES",
            "vsftpd_log_file": str(self._log),
            **self._options,
        }
        config = self._directory / "conf"
        config.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
        return [_program("vsftpd"), str(config)]


class PureFtpd(_Process):
    """pure-ftpd with a virtual user in its own database. Only root can start it; where the tests are not root, sudo.

    With an identity it speaks TLS, and no longer anything else, on data connections too.
    """

    def __init__(self, directory: Path, *, identity: Identity | None = None) -> None:
        self._identity = identity
        self._root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        if self._root:
            able = (
                shutil.which("sudo")
                and subprocess.run([*self._root, "true"], capture_output=True, timeout=20).returncode == 0
            )
            assert able, "pure-ftpd can only be started by root: run the tests as root, or where `sudo -n` works"
        super().__init__(directory)

    def own(self, path: Path) -> None:
        # It has no users that are root.
        if os.geteuid() == 0:
            os.chown(path, 65_534, 65_534)

    def _command(self) -> list[str]:
        self.own(self.home)
        here = self._directory
        number = os.geteuid() or 65_534
        # Any of crypt's forms will do; its own choice takes a second of computing for each login.
        secret = subprocess.run(
            ["openssl", "passwd", "-5", PASSWORD], check=True, capture_output=True, text=True, timeout=20
        )
        (here / "users").write_text(f"{USER}:{secret.stdout.strip()}:{number}:{number}::{self.home}/./::::::::::::\n")
        subprocess.run([_program("pure-pw"), "mkdb", here / "users.pdb", "-f", here / "users"], check=True, timeout=20)
        command = [
            *self._root,
            _program("pure-ftpd"),
            "--bind",
            f"127.0.0.1,{self.port}",
            "--login",
            f"puredb:{here}/users.pdb",
        ]
        command += ["--noanonymous", "--dontresolve", "--chrooteveryone", "--minuid", "1", "--pidfile", f"{here}/pid"]
        command += ["--altlog", f"stats:{self._log}"]
        # It adds to a log that is there; one that it makes itself only root can read.
        self._log.touch()
        if self._identity:
            both = here / "identity.pem"
            both.write_bytes(self._identity.key.read_bytes() + self._identity.certificate.read_bytes())
            command += ["--tls", "3", "--certfile", str(both), "--tlsciphersuite", CIPHERS]
        return command

    def stop(self) -> None:
        if not self._has_ended():
            subprocess.run([*self._root, "kill", (self._directory / "pid").read_text().strip()], check=True, timeout=20)
        self._process.wait(timeout=20)


class PyFtpd(FtpServer):
    """pyftpdlib, on a thread. It can be told to misbehave, and notes what it is told (`commands`).

    With an identity it speaks TLS: from the first byte when `implicit`, else when asked to.
    """

    def __init__(
        self,
        _: Path | None = None,
        *,
        identity: Identity | None = None,
        client_authority: Identity | None = None,
        implicit: bool = False,
        refuse: dict[str, str] | None = None,
        pasv_address: str | None = None,
        tap: Tap | None = None,
    ) -> None:
        """`refuse`: the replies to commands that are not carried out; `pasv_address`: the address that PASV gives;
        `tap`: what the data connections lead through."""
        super().__init__()
        self.commands: list[str] = []
        self._said: list[str] = []
        self._over = threading.Event()
        authorizer = DummyAuthorizer()
        authorizer.add_user(USER, PASSWORD, str(self.home), perm="elradfmwMT")
        base = FTPHandler if identity is None else TLS_FTPHandler
        server = self

        class Handler(base):  # type: ignore[misc, valid-type]
            def handle(self) -> None:
                if implicit:
                    self.secure_connection(self.ssl_context)
                super().handle()

            def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
                server.commands.append("PASS" if cmd == "PASS" else line)
                if refuse and cmd in refuse:
                    self.respond(refuse[cmd])
                    return
                super().pre_process_command(line, cmd, arg)

            def respond(self, resp: str, logfun: Any = None) -> None:
                extended = re.fullmatch(r"(229 .*\(\|\|\|)(\d+)(\|\).*)", resp)
                if tap and extended:
                    resp = f"{extended[1]}{tap.lead_to(int(extended[2]))}{extended[3]}"
                super().respond(resp, *([logfun] if logfun else []))

            def log(self, msg: str, logfun: Any = None) -> None:
                server._said.append(str(msg))

            logline = log

        Handler.authorizer = authorizer
        Handler.masquerade_address = pasv_address
        Handler.permit_foreign_addresses = True
        if identity:
            Handler.tls_control_required = Handler.tls_data_required = True
            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            context.set_cipher_list(CIPHERS.encode())
            context.use_certificate_chain_file(str(identity.certificate))
            context.use_privatekey_file(str(identity.key))
            if client_authority:
                # Without it, OpenSSL does not resume the session of a client that has shown a certificate.
                context.set_session_id(b"pyftpdlib")
                context.load_verify_locations(str(client_authority.certificate))
                context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *seen: bool(seen[-1]))
            Handler.ssl_context = context
        logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())
        self._server = FTPServer(("127.0.0.1", 0), Handler, ioloop=IOLoop())
        self.port = int(self._server.address[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            self._server.serve_forever(timeout=0.02, blocking=False)
        self._server.close_all()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(timeout=20)

    def log(self) -> str:
        return "\n".join(self._said)


KINDS = [Vsftpd, PureFtpd, PyFtpd]
