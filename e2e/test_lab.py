"""`modemtwin lab`: stock clients reach its servers, as the guide's FAQ tells people to check, and so does a module."""

import ftplib
import gzip
import http.client
import io
import random
import re
import shlex
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support import wait
from support.at import OK, PROMPT, At, lines
from support.lab import Lab
from support.mqtt import ENVIRONMENT
from support.twin import Twin


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    print(f"--- log of the lab\n{lab.output()}")
    lab.stop()


def s_client(port: int, *options: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Ten bytes there and back with `openssl s_client`."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", "-no_ign_eof", "-verify_return_error"]
    with subprocess.Popen(
        [*command, *map(str, options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        with wait.at_most(20, process):
            # A client that was refused may have ended already.
            with suppress(BrokenPipeError):
                process.stdin.write(b"1234567890")
            came = b""
            while len(came) < 10 and (byte := process.stdout.read(1)):
                came += byte
            process.stdin.close()
            return subprocess.CompletedProcess(command, process.wait(), came, process.stderr.read())


def test_nc_reaches_tcp(lab: Lab) -> None:
    done = subprocess.run(
        ["nc", "-N", "-w", "10", "127.0.0.1", str(lab.port("TCP echo"))],
        input=b"1234567890",
        capture_output=True,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (0, b"1234567890")


def test_s_client_reaches_tls(lab: Lab) -> None:
    options = ("-CAfile", lab.file("ca.crt"), "-verify_hostname", "tcplab.openluat.com")
    done = s_client(lab.port("TLS echo"), *options)
    assert done.stdout == b"1234567890", done.stderr
    # The same with a suite and a version that the module has.
    done = s_client(lab.port("TLS echo"), *options, "-tls1_2", "-cipher", "AES256-SHA")
    assert done.stdout == b"1234567890", done.stderr


def test_s_client_reaches_mutual_tls_with_a_certificate_only(lab: Lab) -> None:
    ca = ("-CAfile", lab.file("ca.crt"))
    identity = ("-cert", lab.file("client.crt"), "-key", lab.file("client.key"))
    done = s_client(lab.port("mutual TLS echo"), *ca, *identity)
    assert done.stdout == b"1234567890", done.stderr
    done = s_client(lab.port("mutual TLS echo"), *ca, "-no_tls1_3")
    assert done.stdout == b""
    assert b"alert" in done.stderr


def test_keys_are_private_and_kept(lab: Lab, tmp_path: Path) -> None:
    """Only the owner can read the keys; the next lab has the same authority."""
    keys = [path for path in lab.directory.rglob("*") if b"PRIVATE KEY" in path.read_bytes()[:40]]
    assert keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)
    authority = lab.file("ca.crt").read_bytes()
    assert lab.stop() == 0
    again = Lab(tmp_path)
    try:
        assert again.file("ca.crt").read_bytes() == authority
    finally:
        assert again.stop() == 0


def test_the_printed_lines_work(lab: Lab, start_twin: Callable[..., Twin]) -> None:
    """Pastes what the lab prints into a module, file contents at each prompt: plain, one-way, two-way."""
    at = start_twin().serial()
    assert len(blocks(lab)) == 3
    for block in blocks(lab):
        paste(at, lab, block)
    at.works()


# @covers mqtt.start.ok mqtt.tls.context
def test_the_printed_mqtt_lines_work(lab: Lab, start_twin: Callable[..., Twin]) -> None:
    """The broker's two sessions, as printed."""
    at = start_twin().serial()
    sessions = blocks(lab, "MIPSTART")
    assert len(sessions) == 3
    said = {
        "MIPSTART": ["CONNECT OK"],
        "SSLMIPSTART": ["CONNECT OK"],
        "MCONNECT": ["CONNACK OK"],
        "MSUB": ["SUBACK"],
    }
    for session in sessions:
        for line in session:
            at.send(line.encode() + b"\r")
            upload(at, lab, line)
            at.expect(OK)
            command = re.match(r"AT\+(\w+)", line)
            assert command
            if command[1] == "MPUB":
                both = [lines("PUBACK"), lines('+MSUB: "hello",5 byte,world')]
                assert at.take(sum(map(len, both))) in (both[0] + both[1], both[1] + both[0])
            else:
                at.expect(lines(*said.get(command[1], [])), within=30)
    at.works()


# @covers http.tls.context http.data.ok
def test_the_printed_http_lines_work(lab: Lab, start_twin: Callable[..., Twin]) -> None:
    """The HTTP server's three sessions, as printed; over TLS the server tells whose certificate it has seen."""
    at = start_twin().serial()
    sessions = blocks(lab, "HTTPACTION")
    assert len(sessions) == 3
    bodies = [type_http(at, lab, session) for session in sessions]
    assert bodies[0][0] == b"Hello from the lab of modemtwin.\n"
    assert bodies[0][1].startswith(b"POST /echo HTTP/1.1\n")
    assert bodies[0][1].endswith(b"\n\n1234567890")
    assert b"\nclient certificate: none\n" in bodies[1][0]
    assert b"CN=Modemtwin lab client" in bodies[2][0]
    at.works()


def type_http(at: At, lab: Lab, session: list[str]) -> list[bytes]:
    """Types the lines of a session; the bodies that it reads."""
    bodies = []
    for line in session:
        at.send(line.encode() + (b"\r" if line.startswith("AT") else b""))
        if line.startswith("AT+HTTPREAD"):
            at.expect(b"\r\n+HTTPREAD: ")
            bodies.append(at.take(int(at.until(b"\r\n"))))
            at.expect(OK)
        elif line.startswith("AT+HTTPHEAD"):
            at.expect(b"\r\n+HTTPHEAD: ")
            at.until(OK)
        elif line.startswith("AT+HTTPDATA"):
            at.expect(lines("DOWNLOAD"))
        else:
            upload(at, lab, line)
            at.expect(OK)
            if action := re.match(r"AT\+HTTPACTION=(\d)", line):
                at.expect(b"\r\n+HTTPACTION: %s,200," % action[1].encode(), within=30)
                at.until(b"\r\n")
    return bodies


# @covers ftp.put.block ftp.get.fetch
def test_the_printed_ftp_lines_work(lab: Lab, start_twin: Callable[..., Twin]) -> None:
    """The FTP server's three sessions, as printed; what they leave on it is seen by another client."""
    at = start_twin().serial()
    sessions = blocks(lab, "FTPSERV")
    assert len(sessions) == 3
    said = {
        "AT+FTPGET=1": "+FTPGET: 1,1",
        "AT+FTPLIST=1": "+FTPLIST: 1,1",
        "AT+FTPPUT=1": "+FTPPUT: 1,1,1360",
        "1234567890": "+FTPPUT: 1,1,1360",
        "AT+FTPPUT=2,0": "+FTPPUT: 1,0",
    }
    fetched = []
    for session in sessions:
        for line in session:
            at.send(line.encode() + (b"\r" if line.startswith("AT") else b""))
            if fetch := re.match(r"AT\+(FTPGET|FTPLIST)=2", line):
                at.expect(b"\r\n+%s: 2," % fetch[1].encode())
                fetched.append(at.take(int(at.until(b"\r\n"))))
                at.expect(OK)
                at.expect(lines(f"+{fetch[1]}: 1,0"), within=30)
            elif line == "AT+FTPPUT=2,10":
                at.expect(lines("+FTPPUT: 2,10"))
            else:
                upload(at, lab, line)
                at.expect(OK)
                if line in said:
                    at.expect(lines(said[line]), within=30)
    assert fetched[0] == b"Hello from the lab of modemtwin.\n"
    assert all(listed.endswith(b" upload\r\n") for listed in fetched[1:])
    client = ftplib.FTP()
    client.connect("127.0.0.1", lab.port("FTP server"), timeout=20)
    client.login("me", "any")
    assert retrieve(client, "/upload/mine.txt") == b"1234567890"
    client.quit()
    at.works()


def upload(at: At, lab: Lab, line: str) -> None:
    """If a line asks for a file, hands it over."""
    if write := re.match(r'AT\+FSWRITE="([^"]+)"', line):
        at.expect(PROMPT)
        at.send(lab.file(write[1]).read_bytes())


def test_the_broker_serves_stock_clients(lab: Lab) -> None:
    """Retained messages, all qualities, wildcards, a session that waits, a will."""
    port = ["-h", "127.0.0.1", "-p", str(lab.port("MQTT broker"))]

    def client(*arguments: str, data: bytes = b"") -> bytes:
        done = subprocess.run(
            [arguments[0], *port, *arguments[1:]], input=data, capture_output=True, timeout=30, check=True, env=ENVIRONMENT
        )
        return done.stdout

    client("mosquitto_pub", "-t", "a/b", "-q", "2", "-r", "-m", "kept")
    assert client("mosquitto_sub", "-t", "a/+", "-q", "2", "-C", "1", "-W", "10", "-v") == b"a/b kept\n"
    # The session is there, and waits.
    client("mosquitto_sub", "-t", "later/#", "-q", "2", "-i", "waits", "-c", "-E")
    for qos in ("1", "2"):
        client("mosquitto_pub", "-t", f"later/{qos}", "-q", qos, "-m", qos)
    client("mosquitto_pub", "-t", "later/lines", "-q", "1", "-l", data=b"".join(b"%d\n" % n for n in range(100)))
    came = client("mosquitto_sub", "-t", "later/#", "-q", "2", "-i", "waits", "-c", "-C", "102", "-W", "20")
    assert sorted(came.split()) == sorted([b"1", b"2", *(b"%d" % n for n in range(100))])
    # Killed, so that the broker has to speak for it.
    will = ["--will-topic", "gone", "--will-payload", "away", "--will-retain", "-t", "a/b", "-i", "mortal"]
    with subprocess.Popen(["mosquitto_sub", *port, *will], stdout=subprocess.PIPE, env=ENVIRONMENT) as mortal:
        assert mortal.stdout
        assert mortal.stdout.readline() == b"kept\n"
        mortal.kill()
    assert client("mosquitto_sub", "-t", "gone", "-C", "1", "-W", "10") == b"away\n"


def trust(lab: Lab, *, identity: bool) -> ssl.SSLContext:
    """Trusts the lab's authority, and has its client certificate."""
    context = ssl.create_default_context(cafile=str(lab.file("ca.crt")))
    if identity:
        context.load_cert_chain(lab.file("client.crt"), lab.file("client.key"))
    return context


def test_http_serves_a_stock_client(lab: Lab) -> None:
    """One connection for everything; the sizes, codes and bytes that the resources promise."""
    client = http.client.HTTPConnection("127.0.0.1", lab.port("HTTP server"), timeout=20)

    def ask(path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        client.request(method, path, body, headers)
        response = client.getresponse()
        return response.status, response.read()

    assert ask("/bytes/300001") == (200, bytes(range(256)) * 1171 + bytes(range(225)))
    assert ask("/bytes/1000", Range="bytes=3-5") == (206, b"\x03\x04\x05")
    assert ask("/chunked/100") == ask("/text/100")
    assert ask("/close/100") == ask("/text/100")
    assert gzip.decompress(ask("/gzip")[1]) == ask("/hello.txt")[1]
    assert ask("/status/404")[0] == 404
    body = random.Random(1).randbytes(300_000)
    status, echo = ask("/echo", "POST", body, Mine="1")
    assert status == 200
    assert b"\nmine: 1\n" in echo
    assert echo.endswith(b"client certificate: none\n\n" + body)
    mutual = http.client.HTTPSConnection(
        "127.0.0.1", lab.port("mutual HTTPS server"), context=trust(lab, identity=True), timeout=20
    )
    mutual.request("GET", "/echo")
    assert b"CN=Modemtwin lab client" in mutual.getresponse().read()


def test_ftp_serves_a_stock_client(lab: Lab) -> None:
    """Plain, explicit and implicit TLS, on the same files, over EPSV and PASV."""
    body = random.Random(2).randbytes(1 << 20)
    client = ftplib.FTP()
    client.connect("127.0.0.1", lab.port("FTP server"), timeout=20)
    client.login("me", "any")
    client.mkd("/upload/stock")
    client.cwd("/upload/stock")
    client.storbinary("STOR a.bin", io.BytesIO(body))
    # With an IPv4 address this client says PASV by itself; this makes it say EPSV.
    client.af = socket.AF_INET6
    assert retrieve(client, "a.bin") == body
    assert retrieve(client, "a.bin", rest=1 << 19) == body[1 << 19 :]
    client.af = socket.AF_INET
    assert client.size("a.bin") == len(body)
    assert client.nlst() == ["a.bin"]
    listed: list[str] = []
    client.retrlines("LIST", listed.append)
    assert re.fullmatch(r"-rw-r--r-- +1 lab +lab +1048576 \w{3} \d\d \d\d:\d\d a\.bin", listed[0]), listed
    with pytest.raises(ftplib.error_perm, match="^552 "):
        # The server does not wait for the rest, so the data connection may break before that is said.
        with suppress(ConnectionResetError, BrokenPipeError):
            client.storbinary("STOR big", io.BytesIO(bytes(40 << 20)))
        client.getresp()
    assert client.nlst() == ["a.bin"]
    client.quit()

    explicit = ftplib.FTP_TLS(context=trust(lab, identity=False))
    explicit.connect("127.0.0.1", lab.port("FTP server"), timeout=20)
    explicit.login("me", "any")
    explicit.prot_p()
    assert retrieve(explicit, "/upload/stock/a.bin") == body
    explicit.storbinary("APPE /upload/stock/a.bin", io.BytesIO(b"more"))
    assert explicit.size("/upload/stock/a.bin") == len(body) + 4
    explicit.delete("/upload/stock/a.bin")
    explicit.rmd("/upload/stock")
    explicit.quit()


def retrieve(client: ftplib.FTP, path: str, rest: int | None = None) -> bytes:
    """A file, or what is behind a place in it."""
    got = io.BytesIO()
    client.retrbinary(f"RETR {path}", got.write, rest=rest)
    return got.getvalue()


def test_the_printed_commands_work(lab: Lab) -> None:
    """Those for curl, as printed, continued lines put together."""
    commands = re.findall(r"^curl .*$", lab.output().replace("\\\n", ""), re.MULTILINE)
    assert len(commands) == 6
    said = []
    for command in commands:
        done = subprocess.run(shlex.split(command), capture_output=True, timeout=30)
        assert done.returncode == 0, f"{command}: {done.stderr!r}"
        said.append(done.stdout)
    assert [b"/hello.txt " in text for text in said[:2]] == [True, True]
    assert b"CN=Modemtwin lab client" in said[2]
    assert [b" hello.txt" in text for text in said[3:]] == [True, True, True]


def blocks(lab: Lab, start: str = "CIPSTART") -> list[list[str]]:
    """What the lab prints to be typed: for each server, from the first line to the last."""
    titles = re.split(r"^(?=\S.*: type in)", lab.output(), flags=re.MULTILINE)
    found = [re.findall(r"^\s*(AT\S.*?|\d{10})\s*$", title, re.MULTILINE) for title in titles]
    return [block for block in found if any(f"{start}=" in line for line in block)]


def paste(at: At, lab: Lab, block: list[str]) -> None:
    """Types the lines of a block; what a line is answered depends on its command."""
    answers = {"CIPSHUT": "SHUT OK", "CIPSTART": "CONNECT OK"}
    for line in block:
        at.send(line.encode() + (b"\r" if line.startswith("AT") else b""))
        command = re.match(r"AT\+(\w+)", line)
        if write := re.match(r'AT\+FSWRITE="([^"]+)",0,(\d+)', line):
            at.expect(PROMPT)
            content = lab.file(write[1]).read_bytes()
            assert len(content) == int(write[2])
            at.send(content)
            at.expect(OK)
        elif line.startswith("AT+CIPSEND"):
            at.expect(PROMPT)
        elif command is None:
            # The ten bytes, and what the server echoes.
            at.expect(lines("DATA ACCEPT:10") + line.encode() + b"\r\n")
        elif command[1] == "CIFSR":
            at.expect(b"\r\n")
            at.until(b"\r\n")
        elif command[1] == "CIPSTART":
            at.expect(lines("OK", "CONNECT OK"))
        else:
            at.expect(lines(answers.get(command[1], "OK")))
