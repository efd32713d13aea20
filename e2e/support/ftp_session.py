"""The host's side of FTP: what a driver says to the module.

`FTP_BYTES` says how long the tests' long files are (64 KiB unless said).
"""

import os
import random
import re

from .at import ERROR, OK, At, lines
from .ftp import PASSWORD, USER, FtpServer

# One visit to a server on this machine takes far less; a server that refuses a password takes its time.
VISIT = 30.0
BLOCK = 1360
BYTES = int(os.environ.get("FTP_BYTES", "65536"))


def content(size: int) -> bytes:
    """A file in which every byte occurs, in no order."""
    return random.Random(size).randbytes(size)


def set_up(at: At, server: FtpServer, *, user: str = USER, password: str = PASSWORD, host: str = "127.0.0.1") -> None:
    """The bearer, the server and the login."""
    at.ok('AT+SAPBR=3,1,"CONTYPE","GPRS"', "AT+SAPBR=1,1", "AT+FTPCID=1")
    at.ok(
        f'AT+FTPSERV="{host}"',
        f"AT+FTPPORT={server.port}",
        f'AT+FTPUN="{user}"',
        f'AT+FTPPW="{password}"',
        'AT+FTPTYPE="I"',
    )


def source(at: At, path: str, name: str = "") -> None:
    """What FTPGET, FTPLIST, FTPMKD and the like are about."""
    at.ok(f'AT+FTPGETPATH="{path}"', f'AT+FTPGETNAME="{name}"')


def target(at: At, path: str, name: str, how: str = "STOR") -> None:
    """Where uploads go."""
    at.ok(f'AT+FTPPUTPATH="{path}"', f'AT+FTPPUTNAME="{name}"', f'AT+FTPPUTOPT="{how}"')


def visit(at: At, command: str, outcome: str, within: float = VISIT) -> None:
    """A verb that is accepted, and what comes of it."""
    at.ok(f"AT+{command}")
    at.expect(lines(f"+{command.partition('=')[0]}: {outcome}"), within)


def fetch(at: At, verb: str = "FTPGET", within: float = VISIT) -> tuple[bytes, int]:
    """Everything that FTPGET or FTPLIST brings, and the number in its last line."""
    at.ok(f"AT+{verb}=1")
    return rest(at, verb, within)


def rest(at: At, verb: str = "FTPGET", within: float = VISIT) -> tuple[bytes, int]:
    """What is left of a download, from the next line of the module's on."""
    data = b""
    asked = False
    while True:
        at.expect(b"\r\n", within)
        line = at.until(b"\r\n")[:-2].decode()
        if line == f"+{verb}: 1,1":
            at.send(f"AT+{verb}=2,1460\r".encode())
            asked = True
        elif came := re.fullmatch(rf"\+{verb}: 2,(\d+)", line):
            data += at.take(int(came[1]))
            at.expect(OK)
            asked = False
        else:
            end = re.fullmatch(rf"\+{verb}: 1,(\d+)", line)
            assert end, line
            if asked:
                # It ended while the host was asking.
                at.expect(ERROR)
            return data, int(end[1])


def read(at: At, verb: str = "FTPGET", most: int = 1460) -> bytes:
    """One block of a download that waits."""
    at.send(f"AT+{verb}=2,{most}\r".encode())
    at.expect(f"\r\n+{verb}: 2,".encode())
    count = int(at.until(b"\r\n")[:-2])
    assert count <= most, count
    data = at.take(count)
    at.expect(OK)
    return data


def begin_upload(at: At) -> None:
    visit(at, "FTPPUT=1", f"1,1,{BLOCK}")


def block(at: At, data: bytes) -> None:
    """One block of an upload, until the module has got rid of it."""
    # CRLF, so that an LF which the data begin with does not count as the command's.
    at.send(b"AT+FTPPUT=2,%d\r\n" % len(data))
    at.expect(lines(f"+FTPPUT: 2,{len(data)}"))
    at.send(data)
    at.expect(OK + lines(f"+FTPPUT: 1,1,{BLOCK}"), VISIT)


def upload(at: At, data: bytes) -> None:
    """A whole file."""
    begin_upload(at)
    for start in range(0, len(data), BLOCK):
        block(at, data[start : start + BLOCK])
    visit(at, "FTPPUT=2,0", "1,0")
