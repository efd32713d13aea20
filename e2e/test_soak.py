"""A long run over real sockets: servers that reset, stall and half-close, bearers that drop, TLS and plaintext, one link
and many, transparent mode; every command has its result, every byte is the right one, and memory stays flat.

`SOAK_SECONDS` says how long (60 unless said), `SOAK_SEED` which run. `cargo xtask soak` runs it for ten minutes.
"""

import os
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from support import wait
from support.at import At, lines
from support.lab import Lab
from support.tcp import TcpServer, echo
from support.twin import Twin

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
SEED = int(os.environ.get("SOAK_SEED", "724"))
# What the twin may grow by after the first episodes: caches and the allocator's leftovers, no more.
GROWTH_KIB = 8 * 1024
FINAL = re.compile(
    rb"OK|ERROR|SHUT OK|(\d, )?(CLOSE OK|SEND OK|SEND FAIL|ALREADY CONNECT)|DATA ACCEPT:[\d,]+|\+CM[ES] ERROR: \d+|NO CARRIER"
)
FINISH = bytes(range(256))


class Moods:
    """Echoes, until its mood changes: resets, stalls for a while, stops sending, or closes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.over = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        mood = self._random.choice(["echo", "echo", "echo", "reset", "stall", "half-close", "close"])
        patience = self._random.randrange(1, 20_000)
        seen = 0
        while data := connection.recv(4096):
            seen += len(data)
            connection.sendall(data)
            if mood == "echo" or seen < patience:
                continue
            if mood == "stall":
                self.over.wait(self._random.random() * 2)
                mood = "echo"
            elif mood == "half-close":
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
                break
            elif mood == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            else:
                break
        connection.close()


class Host:
    """A driver in multi-link mode: takes what comes apart, keeps the books for every link."""

    def __init__(self, at: At) -> None:
        self.at = at
        self.sent: dict[int, bytearray] = {}
        self.received: dict[int, bytearray] = {}
        self.up: set[int] = set()
        self.pending: set[int] = set()
        self.commands = 0
        self.total = 0

    def token(self) -> bytes | None:
        """The next framed line; `> ` for a prompt; `None` for what was dealt with here."""
        self.at.expect(b"\r\n", within=120)
        if (line := self.at.take(2)) == b"> ":
            return line
        line = (line + self.at.until(b"\r\n"))[:-2]
        if match := re.fullmatch(rb"\+RECEIVE,(\d),(\d+):", line):
            link, data = int(match[1]), self.at.take(int(match[2]))
            self.received[link] += data
            self.total += len(data)
            # An echo: what has come is what was sent, in its order.
            assert self.sent[link].startswith(self.received[link]), f"link {link}: other bytes than those sent"
            return None
        if match := re.fullmatch(rb"(\d), (CONNECT OK|CONNECT FAIL|CLOSED|(?:TCP|UDP) ERROR:\d+)", line):
            link = int(match[1])
            if match[2] == b"CONNECT OK":
                self.up.add(link)
            if not match[2].startswith((b"TCP", b"UDP")):
                self.pending.discard(link)
            if match[2] == b"CLOSED":
                self.up.discard(link)
            return None
        if line == b"+PDP: DEACT":
            self.up.clear()
            self.pending.clear()
            return None
        if re.match(rb"\+(CGEV|NITZ|CREG|CPIN)|\^MODE|\+E_UTRAN|\+NO Service", line):
            return None
        return line

    def command(self, text: str, data: bytes = b"") -> bytes:
        """Sends a command (and what it asks for); gives its final code."""
        self.commands += 1
        self.at.send(text.encode() + b"\r\n")
        while True:
            line = self.token()
            if line == b"> ":
                self.at.send(data)
            elif line is not None and FINAL.fullmatch(line):
                return line

    def set_up(self) -> None:
        for command in ("AT+CIPSHUT", "AT+CGATT=1", "AT+CIPMODE=0", "AT+CIPMUX=1", "AT+CIPQSEND=1", "AT+CSTT", "AT+CIICR"):
            self.command(command)
        self.up.clear()
        self.pending.clear()
        assert self.command("AT+CIFSR;E0") == b"OK"

    def open(self, link: int, port: int, *, secure: bool) -> None:
        self.command(f"AT+CIPSSL={int(secure)}")
        self.sent[link], self.received[link] = bytearray(), bytearray()
        self.pending.add(link)
        if self.command(f'AT+CIPSTART={link},"TCP","127.0.0.1",{port}') != b"OK":
            self.pending.discard(link)

    def settle(self) -> None:
        """Until every connect has its result."""
        while self.pending:
            self.command("AT")

    def send(self, link: int, data: bytes) -> None:
        """Whether or not the link is still up. What is sent counts before the result: its echo may come first."""
        self.sent[link] += data
        self.command(f"AT+CIPSEND={link},{len(data)}", data)


def resident(pid: int) -> int:
    """KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def many_links(host: Host, dice: random.Random, plain: int, secure: int) -> None:
    host.set_up()
    links = range(dice.randrange(1, 9))
    for link in links:
        tls = link <= 5 and dice.random() < 0.3
        host.open(link, secure if tls else plain, secure=tls)
    host.settle()
    for _ in range(dice.randrange(50, 400)):
        link = dice.choice(links)
        chance = dice.random()
        if chance < 0.75:
            host.send(link, dice.randbytes(dice.randrange(1, 1461)))
        elif chance < 0.80:
            host.command(f"AT+CIPCLOSE={link},{dice.randrange(2)}")
            host.up.discard(link)
        elif chance < 0.86:
            if link not in host.up:
                host.open(link, plain, secure=False)
                host.settle()
        elif chance < 0.864:
            host.command("AT+CGATT=0")
            host.command("AT+CGATT=1")
            return
        else:
            host.command(dice.choice(["AT", "AT+CSQ", "AT+CIPSTATUS=0", "AT+CCLK?", f"AT+CIPACK={link}", "AT+NONSENSE"]))
    host.command("AT+CIPSHUT")


def one_stream(at: At, dice: random.Random, port: int) -> None:
    """Transparent mode to a plain echo: what goes out comes back, plus signs and all; then the way out."""
    for command, answer in (
        ("AT+CIPSSL=0", "OK"), ("AT+CIPMUX=0", "OK"), ("AT+CIPMODE=1", "OK"), ("AT+CSTT", "OK"), ("AT+CIICR", "OK"),
    ):  # fmt: skip
        at.ask(command, lines(answer))
    at.send(b"AT+CIFSR;E0\r")
    at.until(lines("OK"))
    at.ask(f"AT+CIPSTART=TCP,127.0.0.1,{port}", lines("OK", "CONNECT"))
    for _ in range(dice.randrange(1, 20)):
        data = dice.choice([dice.randbytes(dice.randrange(1, 5000)), b"+++" + FINISH, b"++", b"AT+CIPSHUT\r\n"])
        at.send(data)
        at.expect(data, within=60)
    escape(at)
    at.ask("ATO", lines("CONNECT"))
    at.send(b"once more")
    at.expect(b"once more")
    escape(at)
    at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.ask("AT+CIPMODE=0", lines("OK"))


def escape(at: At) -> None:
    """The guard times are part of the escape sequence, so this does wait."""
    time.sleep(1.1)
    at.send(b"+++")
    at.expect(lines("OK"))


def test_a_long_run(twin: Twin, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    dice = random.Random(SEED)
    lab = Lab(tmp_path)
    moods = Moods(SEED)
    at = twin.serial()
    host = Host(at)
    end = time.monotonic() + SECONDS
    episodes, first = 0, 0
    with TcpServer(moods) as moody, TcpServer(echo) as plain_echo:
        while time.monotonic() < end or episodes < 4:
            if dice.random() < 0.3:
                assert host.command("AT+CIPSHUT") == b"SHUT OK"
                at.works()
                one_stream(at, dice, plain_echo.port)
            else:
                many_links(host, dice, moody.port, lab.port("TLS echo"))
            episodes += 1
            if episodes == 4:
                first = resident(twin.pid)
        moods.over.set()
        # Everything still works.
        host.set_up()
        host.open(0, lab.port("TLS echo"), secure=True)
        host.settle()
        assert 0 in host.up
        host.send(0, FINISH)
        wait.until(lambda: host.command("AT") == b"OK" and host.received[0] == FINISH, "the echo over TLS")
        assert host.command("AT+CIPSHUT") == b"SHUT OK"
        at.works()
    lab.stop()
    last = resident(twin.pid)
    record_property(
        "table",
        f"{SECONDS:g} s, seed {SEED}: {episodes} episodes, {host.commands} commands, {host.total} bytes echoed over many "
        f"links; resident {first} -> {last} KiB\n",
    )
    assert last <= first + GROWTH_KIB, f"the twin has grown from {first} KiB to {last} KiB"
