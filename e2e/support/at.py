"""The host at the other end of the line: a strict reader, byte for byte."""

import re
import time
from pathlib import Path

import serial

from .cable import Cable

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
PROMPT = b"\r\n> "
NOT_ALLOWED = b"\r\n+CME ERROR: 3\r\n"
FAILED = b"\r\nSTATE: IP STATUS\r\n\r\nCONNECT FAIL\r\n"
CHUNK = 10_240


def lines(*texts: str) -> bytes:
    """Each text as the module frames it."""
    return b"".join(b"\r\n" + text.encode() + b"\r\n" for text in texts)


class At:
    """A serial port with a module behind it. Every wait has a limit; every answer is compared whole."""

    def __init__(self, port: Path | Cable) -> None:
        self._serial = port if isinstance(port, Cable) else serial.Serial(str(port), baudrate=115_200)
        self._pending = bytearray()

    def close(self) -> None:
        self._serial.close()

    def send(self, data: bytes) -> None:
        """Writes as it is."""
        self._serial.write(data)

    def _read_more(self, deadline: float, wanted: str) -> None:
        left = deadline - time.monotonic()
        if left > 0:
            self._serial.timeout = left
            self._pending += self._serial.read(max(1, self._serial.in_waiting))
        if time.monotonic() > deadline:
            raise AssertionError(f"waited for {wanted}, got {bytes(self._pending)!r}")

    def expect(self, expected: bytes, within: float = 10.0) -> None:
        """Exactly these bytes come next. Fails at the first other byte."""
        deadline = time.monotonic() + within
        while len(self._pending) < len(expected) and expected.startswith(self._pending):
            self._read_more(deadline, repr(expected))
        got = bytes(self._pending[: len(expected)])
        assert got == expected, f"expected {expected!r}, got {bytes(self._pending)!r}"
        del self._pending[: len(expected)]

    def until(self, marker: bytes, within: float = 10.0) -> bytes:
        """Everything up to and including the marker."""
        deadline = time.monotonic() + within
        while (at := self._pending.find(marker)) < 0:
            self._read_more(deadline, f"… {marker!r}")
        return self.take(at + len(marker))

    def take(self, count: int, within: float = 10.0) -> bytes:
        """The next bytes, so many."""
        deadline = time.monotonic() + within
        while len(self._pending) < count:
            self._read_more(deadline, f"{count} bytes")
        taken = bytes(self._pending[:count])
        del self._pending[:count]
        return taken

    def ask(self, command: str, answer: bytes, within: float = 10.0) -> None:
        """Sends a command line; exactly this answer comes next."""
        self.send(command.encode() + b"\r")
        self.expect(answer, within)

    def hand_over(self, command: str, data: bytes, answer: bytes) -> None:
        """A command that asks for data, the data, and the answer.

        The command ends with CRLF: after a bare CR, an LF that the data begin with would count as the command's.
        """
        self.send(command.encode() + b"\r\n")
        self.expect(PROMPT)
        self.send(data)
        self.expect(answer)

    def ok(self, *commands: str) -> None:
        """Each of these command lines is answered OK."""
        for command in commands:
            self.ask(command, OK)

    def works(self) -> None:
        """Nothing unexpected was printed, and the module answers."""
        self.ok("AT")

    def boot(self) -> None:
        """Polls until the module answers, then switches the echo off. Boot messages may come in between."""
        for _ in range(100):
            self.send(b"AT\r")
            try:
                self.until(OK, within=0.2)
                break
            except AssertionError:
                continue
        else:
            raise AssertionError("the module does not answer AT")
        # An answer that only this question has, so that no answer to a former AT is left over.
        self.send(b"ATE0;+CMEE?\r")
        self.until(lines("+CMEE: 1", "OK"))

    def attach(self) -> None:
        """Polls until the network has set the clock: the last thing that happens at power-on, after registration."""
        for _ in range(600):
            self.send(b"AT+CCLK?\r")
            answer = self.until(OK)
            clock = re.search(rb'\+CCLK: "(\d\d)/', answer)
            # Before that the clock says 1970, 1980 or 2000, depending on the firmware.
            if clock and 25 < int(clock[1]) < 70:
                return
            time.sleep(0.02)
        raise AssertionError(f"no network time; the clock says {answer!r}")

    def fly(self) -> None:
        """Flight mode."""
        self.send(b"AT+CFUN=4\r")
        self.until(OK)

    def upload(self, name: str, content: bytes) -> None:
        """Writes a file in as many parts as it takes."""
        self.ok(f'AT+FSCREATE="{name}"')
        for start in range(0, len(content), CHUNK):
            part = content[start : start + CHUNK]
            self.hand_over(f'AT+FSWRITE="{name}",{1 if start else 0},{len(part)},15', part, OK)

    def download(self, name: str, size: int) -> bytes:
        """Reads a file of a known size back."""
        content = b""
        while len(content) < size:
            count = min(CHUNK, size - len(content))
            self.ask(f'AT+FSREAD="{name}",1,{count},{len(content)}', b"\r\n")
            content += self.take(count)
            self.expect(OK)
        return content

    def bearer(self, *, multi: bool = False, quick: bool = True) -> str:
        """From IP INITIAL to an address."""
        self.ok(f"AT+CIPMUX={int(multi)}", f"AT+CIPQSEND={int(quick)}", "AT+CSTT", "AT+CIICR")
        self.send(b"AT+CIFSR\r")
        self.expect(b"\r\n")
        address = self.until(b"\r\n")[:-2].decode()
        assert re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", address), address
        return address

    def secure(self, context: int, *, cacert: str = "", clientcert: str = "", clientkey: str = "", level: int) -> None:
        """Sets a TLS context; what is empty is left unset."""
        for keyword, name in (("cacert", cacert), ("clientcert", clientcert), ("clientkey", clientkey)):
            if name:
                self.ok(f'AT+SSLCFG="{keyword}",{context},"{name}"')
        self.ok(f'AT+SSLCFG="seclevel",{context},{level}')

    def connect(self, port: int, *, link: int | None = None, host: str = "127.0.0.1") -> None:
        """Opens a connection."""
        self.start(port, link=link, host=host)
        self.expect(lines("CONNECT OK" if link is None else f"{link}, CONNECT OK"), within=30)

    def start(self, port: int, *, link: int | None = None, host: str = "127.0.0.1") -> None:
        """Asks for a connection, in the form with quotes (many links) or without (one link)."""
        self.ok(f"AT+CIPSTART=TCP,{host},{port}" if link is None else f'AT+CIPSTART={link},"TCP","{host}",{port}')

    def transmit(self, data: bytes, *, link: int | None = None) -> None:
        """Sends one portion with quick send on and the echo off."""
        number = "" if link is None else f"{link},"
        self.hand_over(f"AT+CIPSEND={number}{len(data)}", data, lines(f"DATA ACCEPT:{number}{len(data)}"))

    def receive(self, link: int, count: int, within: float = 10.0) -> bytes:
        """So many bytes of one link, out of as many +RECEIVE as they come in (many links)."""
        data = b""
        while len(data) < count:
            self.expect(b"\r\n+RECEIVE,%d," % link, within)
            length = int(self.until(b":\r\n")[:-3])
            assert 0 < length <= 1460, length
            data += self.take(length)
        return data

    def receive_all(self, link: int) -> bytes:
        """What one link receives up to the end of the connection (many links)."""
        data = b""
        while (header := self.until(b"\r\n") + self.until(b"\r\n")) != lines(f"{link}, CLOSED"):
            received = re.fullmatch(rb"\r\n\+RECEIVE,%d,(\d+):\r\n" % link, header)
            assert received, header
            data += self.take(int(received[1]))
        return data
