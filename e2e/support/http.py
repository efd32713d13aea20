"""HTTP over the module's AT commands."""

import re

from .at import OK, At, lines
from .nginx import Nginx

# What the module keeps of a reply, and takes of a body.
BUFFER = 319_488
# Long bodies come through a PTY in portions.
LONG = 60.0


def start(at: At, url: str = "") -> None:
    """A bearer and a session."""
    at.ok('AT+SAPBR=3,1,"CONTYPE","GPRS"', 'AT+SAPBR=3,1,"APN",""', "AT+SAPBR=1,1", "AT+HTTPINIT")
    if url:
        target(at, url)


def target(at: At, url: str) -> None:
    at.ok(f'AT+HTTPPARA="URL","{url}"')


def begin(at: At, method: int = 0) -> None:
    """Asks; what comes of it is told later."""
    at.ok(f"AT+HTTPACTION={method}")


def outcome(at: At, method: int = 0, within: float = LONG) -> tuple[int, int]:
    """What came of it: status and length."""
    at.expect(f"\r\n+HTTPACTION: {method},".encode(), within)
    told = re.fullmatch(rb"(\d{3}),(\d+)\r\n", at.until(b"\r\n"))
    assert told, "status and length"
    return int(told[1]), int(told[2])


def act(at: At, method: int = 0) -> tuple[int, int]:
    begin(at, method)
    return outcome(at, method)


def body(at: At, part: str = "") -> bytes:
    """What AT+HTTPREAD shows."""
    return _shown(at, f"AT+HTTPREAD{part}", b"\r\n+HTTPREAD: ", b"")


def head(at: At) -> bytes:
    """What AT+HTTPHEAD shows and counts."""
    return _shown(at, "AT+HTTPHEAD", b"\r\n+HTTPHEAD: ", b"\r\n")


def _shown(at: At, command: str, prefix: bytes, behind: bytes) -> bytes:
    at.send(command.encode() + b"\r")
    at.expect(prefix)
    shown = at.take(int(at.until(b"\r\n")), LONG)
    at.expect(behind + OK)
    return shown


def get(at: At, url: str) -> bytes:
    """A body that has to be there."""
    target(at, url)
    status, length = act(at)
    assert status == 200
    came = body(at)
    assert len(came) == length
    return came


def provide(at: At, data: bytes) -> None:
    """What the next POST sends. CRLF, or an LF that the data begin with would count as the command's."""
    at.send(f"AT+HTTPDATA={len(data)},60000\r\n".encode())
    at.expect(lines("DOWNLOAD"))
    at.send(data)
    at.expect(OK, LONG)


def begin_slowly(at: At, nginx: Nginx) -> None:
    """A request whose reply takes a minute, and is on its way."""
    nginx.put("slow.bin", bytes(60_000))
    target(at, nginx.url("/slower/slow.bin"))
    begin(at)
    nginx.wait_for_writing()
