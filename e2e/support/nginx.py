"""The web server that people run: nginx, as its user, on a port of loopback, with a log of who asked for what."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType

from . import wait
from .pki import Identity
from .tcp import free_port, listens

# Debian installs it where ordinary users have no path to.
ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])}

# What every server has as hello.txt.
HELLO = b"Hello LuatOS!!!"

# One line for each request, `key=value` with tabs between, so that values may have blanks.
LOG_FORMAT = "\\t".join(
    f"{key}=${variable}"
    for key, variable in {
        "connection": "connection",
        "number": "connection_requests",
        "request": "request",
        "status": "status",
        "sent": "body_bytes_sent",
        "host": "http_host",
        "agent": "http_user_agent",
        "range": "http_range",
        "type": "http_content_type",
        "x": "http_x_twin",
        "body": "request_body_file",
        "protocol": "ssl_protocol",
        "cipher": "ssl_cipher",
        "subject": "ssl_client_s_dn",
        "verify": "ssl_client_verify",
        "name": "ssl_server_name",
    }.items()
)

CONFIG = """\
{user}
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log stderr info;
events {{ worker_connections 64; }}
http {{
    log_format twin '{log_format}';
    access_log {directory}/access twin;
    client_body_temp_path {directory}/bodies;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    default_type application/octet-stream;
    absolute_redirect off;
    server {{
        listen 127.0.0.1:{port}{tls};
        {identity}
        root {root};
        # Dribbles: 64 KiB take two seconds; or most of a minute, which is to be broken off.
        location /slow/ {{ alias {root}/; limit_rate 32k; }}
        location /slower/ {{ alias {root}/; limit_rate 1k; }}
        # Sends what is packed as it is, whoever asks.
        location /packed/ {{ alias {root}/; gzip_static always; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
        location /moved-here/ {{ return 301 $scheme://$http_host/moved/hello.txt; }}
        location /round/ {{ return 302 /round/; }}
        # Keeps what is posted in a file, which is named in the log.
        location /post {{
            client_max_body_size 1m;
            client_body_in_file_only on;
            proxy_set_header Content-Length "";
            proxy_pass_request_body off;
            proxy_pass http://127.0.0.1:{inner_port}/;
        }}
        location /small {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{inner_port}/; }}
        {proxy}
    }}
    # A proxy as offices have it: it is told the whole URL.
    server {{
        listen 127.0.0.1:{proxy_port};
        location / {{ proxy_pass http://$http_host$request_uri; }}
    }}
    server {{
        listen 127.0.0.1:{inner_port};
        access_log off;
        location / {{ return 200 "kept\\n"; }}
        location /status {{ stub_status; }}
    }}
}}
"""


class Nginx:
    """One server. With an identity it speaks TLS; with an authority it demands certificates; `origin` is the port of
    the server that has /origin/."""

    def __init__(
        self,
        directory: Path,
        *,
        identity: Identity | None = None,
        client_authority: Identity | None = None,
        ciphers: str = "",
        origin: int | None = None,
    ) -> None:
        self._directory = directory / "nginx"
        self._directory.mkdir(parents=True, exist_ok=True)
        self.root = self._directory / "root"
        self.root.mkdir()
        self._scheme = "https" if identity else "http"
        self.put("hello.txt", HELLO)
        self._errors = self._directory / "errors"
        lines = []
        if identity:
            lines += [f"ssl_certificate {identity.certificate};", f"ssl_certificate_key {identity.key};"]
            lines += ["ssl_protocols TLSv1.2;", *([f"ssl_ciphers {ciphers};"] if ciphers else [])]
            if client_authority:
                lines += [f"ssl_client_certificate {client_authority.certificate};", "ssl_verify_client on;"]
        proxy = f"location /origin/ {{ proxy_pass http://127.0.0.1:{origin}/; }}" if origin else ""
        # Somebody else may get a free port first; then the program ends, and the next port is tried.
        for _ in range(5):
            self.port, self.proxy_port, self._inner_port = free_port(), free_port(), free_port()
            config = CONFIG.format(
                # Its workers would else be somebody who may not read the tests' files.
                user="user root;" if os.geteuid() == 0 else "",
                directory=self._directory,
                root=self.root,
                log_format=LOG_FORMAT,
                port=self.port,
                tls=" ssl" if identity else "",
                identity="\n        ".join(lines),
                inner_port=self._inner_port,
                proxy_port=self.proxy_port,
                proxy=proxy,
            )
            (self._directory / "conf").write_text(config)
            if self._start():
                return
        raise AssertionError(f"nginx does not start: {self.errors()}")

    def _start(self) -> bool:
        with self._errors.open("ab") as log:
            command = ["nginx", "-p", str(self._directory), "-c", str(self._directory / "conf")]
            # A group of its own: whoever kills the master has to kill the workers, too.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True
            )
        wait.until(
            lambda: self._process.poll() is not None or listens(self.port), f"nginx listens on port {self.port}"
        )
        return self._process.poll() is None

    def __enter__(self) -> "Nginx":
        return self

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.kill()
        print(f"--- log of nginx\n{self._access()}\n--- errors of nginx\n{self.errors()}")

    def kill(self) -> None:
        """As a power failure does it: whatever it is sending ends there."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=20)
            # The worker is nobody's child now, and has the port until it is gone.
            wait.until(lambda: not listens(self.port), "nginx is gone")

    def restart(self) -> None:
        """Is there again, on the same port."""
        self.kill()
        assert self._start(), self.errors()

    def url(self, path: str, scheme: str = "") -> str:
        """Where it has this."""
        return f"{scheme or self._scheme}://127.0.0.1:{self.port}{path}"

    def put(self, name: str, content: bytes) -> None:
        """A file that it serves."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _access(self) -> str:
        path = self._directory / "access"
        return path.read_text(errors="replace") if path.exists() else ""

    def requests(self) -> list[dict[str, str]]:
        """What it has logged, a request each."""
        lines = self._access().split("\n")[:-1]
        return [dict(field.split("=", 1) for field in line.split("\t")) for line in lines]

    def wait_for_requests(self, count: int) -> list[dict[str, str]]:
        """So many requests and no more. It logs when all is sent, so the client may be earlier."""
        wait.until(lambda: len(self.requests()) >= count, f"{count} requests in nginx's log:\n{self._access()}")
        requests = self.requests()
        assert len(requests) == count, requests
        return requests

    def errors(self) -> str:
        return self._errors.read_text(errors="replace") if self._errors.exists() else ""

    def wait_for_error(self, pattern: str) -> None:
        wait.until(lambda: re.search(pattern, self.errors()), f"{pattern!r} in nginx's errors:\n{self.errors()}")

    def head(self, path: str) -> bytes:
        """The header lines that a plain socket gets, without the status line and the last line's end: what AT+HTTPHEAD
        shows."""
        return _plainly(self.port, "HEAD", path).split(b"\r\n\r\n", 1)[0].split(b"\r\n", 1)[1]

    def wait_for_writing(self) -> None:
        """It is in the middle of an answer; another is the one about its state."""
        state = rb"Writing: 2 "
        wait.until(lambda: re.search(state, _plainly(self._inner_port, "GET", "/status")), "nginx writes an answer")


def _plainly(port: int, method: str, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while data := raw.recv(65_536):
            answer += data
    return answer
