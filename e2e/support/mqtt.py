"""The broker that people run: mosquitto, with its own clients at the other side."""

import itertools
import os
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from . import wait
from .at import At, lines
from .pki import Identity
from .tcp import free_port, listens

# Debian installs the broker where ordinary users have no path to.
PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
ENVIRONMENT = {**os.environ, "PATH": PATHS}


class Mosquitto:
    """One broker on a port of loopback; with an identity it speaks TLS, and with an authority it demands certificates.

    Its sessions and retained messages outlive `restart`, like those of a broker in service.
    """

    def __init__(
        self, directory: Path, *, identity: Identity | None = None, client_authority: Identity | None = None, ciphers: str = ""
    ) -> None:
        self._directory = directory / "mosquitto"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._log = self._directory / "log"
        # Somebody else may get a free port first; then the program ends, and the next port is tried.
        for _ in range(5):
            self.port = free_port()
            self.plain_port = self.port if identity is None else free_port()
            self._configure(identity, client_authority, ciphers)
            if self._start():
                return
        raise AssertionError(f"mosquitto does not start: {self.log()}")

    def _configure(self, identity: Identity | None, client_authority: Identity | None, ciphers: str) -> None:
        config = [
            "per_listener_settings false",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self._directory}/",
            "max_inflight_messages 0",
            "max_queued_messages 0",
            "log_dest stderr",
            "log_type all",
            f"user {os.environ.get('USER', 'root')}" if os.geteuid() == 0 else "",
            f"listener {self.plain_port} 127.0.0.1",
        ]
        if identity:
            config += [
                f"listener {self.port} 127.0.0.1",
                f"certfile {identity.certificate}",
                f"keyfile {identity.key}",
                "tls_version tlsv1.2",
            ]
            config += [f"ciphers {ciphers}"] if ciphers else []
            if client_authority:
                config += [f"cafile {client_authority.certificate}", "require_certificate true", "use_subject_as_username true"]
        (self._directory / "conf").write_text("\n".join(config) + "\n")

    def _start(self) -> bool:
        with self._log.open("ab") as log:
            command = ["mosquitto", "-c", str(self._directory / "conf")]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT)
        wait.until(
            lambda: self._process.poll() is not None or (listens(self.port) and listens(self.plain_port)),
            f"mosquitto listens on port {self.port}",
        )
        return self._process.poll() is None

    def __enter__(self) -> "Mosquitto":
        return self

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()
        print(f"--- log of mosquitto\n{self.log()}")

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for_log(self, text: str) -> None:
        wait.until(lambda: text in self.log(), f"{text!r} in the broker's log:\n{self.log()}")

    def sent(self, client: str, *, again: bool) -> int:
        """How many messages it has sent to a client for the first time, or again."""
        return self.log().count(f"Sending PUBLISH to {client} (d{int(again)},")

    def stop(self) -> None:
        """As a service manager does it: what it has to keep is written."""
        self._process.terminate()
        self._process.wait(timeout=20)

    def restart(self) -> None:
        self.stop()
        assert self._start(), self.log()

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """With mosquitto_pub, which waits for the acknowledgement."""
        command = ["mosquitto_pub", "-p", str(self.plain_port), "-t", topic, "-q", str(qos), "-s", *(["-r"] if retain else [])]
        subprocess.run(command, input=payload, check=True, timeout=20, env=ENVIRONMENT)

    def publish_lines(self, topic: str, payloads: list[str], *, qos: int) -> None:
        """Many messages by one client."""
        command = ["mosquitto_pub", "-p", str(self.plain_port), "-t", topic, "-q", str(qos), "-l"]
        subprocess.run(command, input="".join(f"{p}\n" for p in payloads).encode(), check=True, timeout=300, env=ENVIRONMENT)

    def retained(self, topic: str) -> bytes:
        """What is retained under a topic."""
        command = ["mosquitto_sub", "-p", str(self.plain_port), "-t", topic, "-C", "1", "-W", "10", "-N", "--retained-only"]
        return subprocess.run(command, check=True, capture_output=True, timeout=20, env=ENVIRONMENT).stdout


_numbers = itertools.count(1)


class Subscriber:
    """mosquitto_sub with a session that outlives the broker's restart: collects payloads, one a line."""

    def __init__(self, broker: Mosquitto, topic: str, *, qos: int = 0) -> None:
        self.name = name = f"watcher{next(_numbers)}"
        self._received: list[str] = []
        self._broker = broker
        command = ["mosquitto_sub", "-p", str(broker.plain_port), "-t", topic, "-q", str(qos), "-i", name, "-c"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
        )
        threading.Thread(target=self._collect, daemon=True).start()
        broker.wait_for_log(f"Sending SUBACK to {name}")

    def _collect(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._received.append(line.rstrip("\n"))

    def __enter__(self) -> "Subscriber":
        return self

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def received(self) -> list[str]:
        return list(self._received)

    def expect(self, *payloads: str, within: float = 10.0) -> None:
        """Exactly these have come, in this order."""
        wait.until(lambda: len(self._received) >= len(payloads), f"{payloads} at the subscriber", within)
        assert self._received == list(payloads)


def start(at: At, port: int, *, host: str = "127.0.0.1", tls: bool = False) -> None:
    """Connects to a broker."""
    at.ok(f'AT+{"SSL" if tls else ""}MIPSTART="{host}",{port}')
    at.expect(lines("CONNECT OK"), within=30)


def session(at: At, client: str, *, clean: bool = True, keep_alive: int = 60, more: str = "") -> None:
    """Begins a session on the connection."""
    at.ok(f'AT+MCONFIG="{client}"{more}', f"AT+MCONNECT={int(clean)},{keep_alive}")
    at.expect(lines("CONNACK OK"))


def subscribe(at: At, topic: str, qos: int) -> None:
    at.ok(f'AT+MSUB="{topic}",{qos}')
    at.expect(lines("SUBACK"))
