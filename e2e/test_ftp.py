"""FTP against vsftpd, pure-ftpd and pyftpdlib: what is on the server is checked, not only what the module says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import wait
from support.at import ERROR, OK, At, lines
from support.ftp import KINDS, FtpServer, PyFtpd, Vsftpd
from support.ftp_session import BYTES, begin_upload, block, content, fetch, read, set_up, source, target, upload, visit
from support.play import play
from support.tap import Tap
from support.twin import Twin

# How long the module and a server on this machine may take over a long file.
LONG = 60 + BYTES / 10_000
# What its memory takes for AT+FTPFILEPUT.
MEMORY = min(BYTES, 300_000)
TEXT = b"What stands in a file:\r\n\x00\xff\r\nand its end\n"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FtpServer]:
    """Each of the three."""
    with request.param(tmp_path) as server:
        yield server


@pytest.fixture
def at(twin: Twin, server: FtpServer) -> At:
    """A module that has been told of the server."""
    at = twin.serial()
    set_up(at, server)
    return at


def test_there_and_back(at: At, server: FtpServer, twin: Twin) -> None:
    whole = content(BYTES)
    target(at, server.path, "up.bin")
    upload(at, whole)
    server.expect("up.bin", whole)
    source(at, server.path, "up.bin")
    assert fetch(at) == (whole, 0)
    visit(at, "FTPSIZE", f"1,0,{BYTES}")
    at.ask("AT+FTPSTATE", lines("+FTPSTATE: 0", "OK"))
    at.ask("AT+FTPQUIT", ERROR)
    at.works()
    assert "secret" not in twin.log()


def test_the_conversation(twin: Twin, server: FtpServer, tmp_path: Path) -> None:
    """As a transcript: one file each way."""
    data = tmp_path / "data"
    data.write_bytes(TEXT)
    server.put("down.txt", TEXT)
    play(twin, "ftp/plain", files={"data": data}, port=server.port, path=server.path)
    server.expect("up.txt", TEXT)
    if isinstance(server, PyFtpd):
        transfer = ["USER ftp", "PASS", "TYPE I", "EPSV"]
        visits = [
            ["USER ftp", "PASS", "TYPE I", "SIZE /down.txt"],
            [*transfer, "RETR /down.txt"],
            [*transfer, "STOR /up.txt"],
        ]
        assert server.commands == [command for visit in visits for command in [*visit, "QUIT"]]
    else:
        server.wait_for_log(f"{server.home}/up.txt")


def test_an_empty_file(at: At, server: FtpServer) -> None:
    target(at, server.path, "empty")
    begin_upload(at)
    visit(at, "FTPPUT=2,0", "1,0")
    server.expect("empty", b"")
    source(at, server.path, "empty")
    assert fetch(at) == (b"", 0)


def test_what_uploads_do_to_files_that_are_there(at: At, server: FtpServer) -> None:
    server.put("a", b"longer than what comes now")
    target(at, server.path, "a")
    upload(at, b"one")
    server.expect("a", b"one")
    target(at, server.path, "a", "APPE")
    upload(at, b"two")
    server.expect("a", b"onetwo")
    target(at, server.path, "a", "STOU")
    upload(at, b"three")
    server.expect("a", b"onetwo")
    (other,) = set(server.names()) - {"a"}
    server.expect(other, b"three")


def test_directories(at: At, server: FtpServer) -> None:
    server.put("here", TEXT)
    source(at, server.path + "new")
    visit(at, "FTPMKD", "1,0")
    assert (server.home / "new").is_dir()
    source(at, server.path)
    listed, code = fetch(at, "FTPLIST")
    assert code == 0
    rows = listed.decode().split("\r\n")
    assert rows.pop() == ""
    assert sorted(row.rpartition(" ")[2] for row in rows if not row.endswith(".")) == ["here", "new"]
    assert {row[0] for row in rows} == {"-", "d"}
    source(at, server.path, "here")
    visit(at, "FTPSIZE", f"1,0,{len(TEXT)}")
    visit(at, "FTPDELE", "1,0")
    source(at, server.path + "new")
    visit(at, "FTPRMD", "1,0")
    assert server.names() == []


def test_a_long_listing(at: At, server: FtpServer) -> None:
    names = [f"one of many files, number {number:03}" for number in range(100)]
    for name in names:
        server.put(name, b"")
    source(at, server.path)
    listed, code = fetch(at, "FTPLIST")
    assert code == 0
    assert re.findall("one of many files, number \\d{3}(?=\r\n)", listed.decode()) == names


def test_names_as_they_are(at: At, server: FtpServer) -> None:
    for name in ("with blank.txt", "grüße 你好.txt", "comma,semi;colon", "-dash", " leading"):
        target(at, server.path, name)
        upload(at, name.encode())
        assert server.names() == [name]
        source(at, server.path, name)
        assert fetch(at) == (name.encode(), 0)
        visit(at, "FTPDELE", "1,0")


def test_lines_of_text(at: At, server: FtpServer) -> None:
    """With AT+FTPTYPE="A" the server converts line ends, the module nothing."""
    at.ok('AT+FTPTYPE="A"')
    server.put("text", b"one\ntwo\n")
    source(at, server.path, "text")
    assert fetch(at) == (b"one\r\ntwo\r\n", 0)
    visit(at, "FTPSIZE", "1,0,8")
    target(at, server.path, "up")
    upload(at, b"three\r\n")
    server.expect("up", b"three\n")


def test_nothing_to_list(at: At, server: FtpServer) -> None:
    server.directory("empty")
    source(at, server.path + "empty")
    assert fetch(at, "FTPLIST") == (b"", 0)
    # Without a path it is where the login leads to.
    source(at, "")
    listed, code = fetch(at, "FTPLIST")
    assert code == 0
    assert listed.endswith(b" empty\r\n")


def test_the_bearer_goes(at: At, server: FtpServer) -> None:
    whole = content(BYTES)
    server.put("long", whole)
    source(at, server.path, "long")
    visit(at, "FTPGET=1", "1,1")
    at.ask("AT+SAPBR=0,1", lines("OK", "+FTPGET: 1,61"))
    at.ask("AT+FTPGET=1", lines("+CME ERROR: 3"))
    at.ok("AT+SAPBR=1,1")
    assert fetch(at) == (whole, 0)


def test_going_on_where_it_ended(at: At, server: FtpServer) -> None:
    server.put("1.txt", TEXT)
    source(at, server.path, "1.txt")
    visit(at, "FTPGET=1", "1,1")
    assert read(at, most=5) == TEXT[:5]
    at.expect(lines("+FTPGET: 1,1"))
    at.ok("AT+FTPQUIT")
    at.expect(lines("+FTPGET: 1,86"))
    at.ok("AT+FTPREST=5")
    assert fetch(at) == (TEXT[5:], 0)


@pytest.mark.parametrize(
    ("user", "password", "codes"),
    # Some servers ask everybody for a password, so that nobody learns which users there are.
    [("nobody-here", "secret", {71, 72}), ("ftp", "wrong", {72})],
)
def test_wrong_logins(at: At, server: FtpServer, user: str, password: str, codes: set[int]) -> None:
    server.put("1.txt", TEXT)
    source(at, server.path, "1.txt")
    at.ok(f'AT+FTPUN="{user}"', f'AT+FTPPW="{password}"')
    data, code = fetch(at)
    assert data == b""
    assert code == (71 if isinstance(server, Vsftpd) and 71 in codes else 72)
    visit(at, "FTPSIZE", f"1,{code},0")
    visit(at, "FTPDELE", f"1,{code}")
    assert server.names() == ["1.txt"]


def test_what_is_not_there(at: At, server: FtpServer, twin: Twin) -> None:
    source(at, server.path, "none")
    assert fetch(at) == (b"", 79)
    visit(at, "FTPSIZE", "1,77,0")
    visit(at, "FTPDELE", "1,77")
    source(at, server.path + "none")
    visit(at, "FTPRMD", "1,77")
    target(at, server.path + "none/", "x")
    visit(at, "FTPPUT=1", "1,78")
    server.directory("d")
    source(at, server.path + "d")
    visit(at, "FTPMKD", "1,77")
    twin.wait_for_log("the server says 550")
    assert server.names() == ["d"]
    at.works()


def test_quitting(at: At, server: FtpServer) -> None:
    server.put("long", content(200_000))
    source(at, server.path, "long")
    visit(at, "FTPGET=1", "1,1")
    at.ask("AT+FTPSTATE", lines("+FTPSTATE: 1", "OK"))
    at.ask("AT+FTPMKD", lines("+CME ERROR: 3"))
    at.ok("AT+FTPQUIT")
    at.expect(lines("+FTPGET: 1,86"))
    at.ask("AT+FTPGET=2,10", ERROR)
    at.ask("AT+FTPQUIT", ERROR)
    # What was brought before is on the server.
    target(at, server.path, "part")
    begin_upload(at)
    block(at, b"1234567890")
    block(at, b"asdfghjklz")
    at.ok("AT+FTPQUIT")
    at.expect(lines("+FTPPUT: 1,86"))
    server.expect("part", b"1234567890asdfghjklz")
    source(at, server.path)
    visit(at, "FTPLIST=1", "1,1")
    at.ok("AT+FTPQUIT")
    at.expect(lines("+FTPLIST: 1,86"))
    at.ask("AT+FTPSTATE", lines("+FTPSTATE: 0", "OK"))


def test_nobody_there(twin: Twin, tmp_path: Path) -> None:
    with PyFtpd() as server:
        at = twin.serial()
        set_up(at, server)
        source(at, "/", "1.txt")
    visit(at, "FTPSIZE", "1,63,0")
    at.ok('AT+FTPSERV="no-such-host.invalid"')
    visit(at, "FTPSIZE", "1,62,0", within=60)
    at.ok("AT+SAPBR=0,1")
    at.ask("AT+FTPSIZE", lines("+CME ERROR: 3"))


@pytest.mark.parametrize("kind", [Vsftpd, PyFtpd])
def test_an_address_that_leads_nowhere(twin: Twin, tmp_path: Path, kind: type[FtpServer]) -> None:
    """A server behind a router says where it is. From outside that is wrong: the control connection knows better."""
    with (
        Vsftpd(tmp_path, cmds_denied="EPSV", pasv_address="203.0.113.1")
        if kind is Vsftpd
        else PyFtpd(refuse={"EPSV": "502 Not implemented."}, pasv_address="203.0.113.1")
    ) as server:
        at = twin.serial()
        set_up(at, server)
        server.put("1.txt", TEXT)
        source(at, server.path, "1.txt")
        assert fetch(at) == (TEXT, 0)
        target(at, server.path, "2.txt")
        upload(at, TEXT)
        server.expect("2.txt", TEXT)
        server.wait_for_log("203,0,113,1" if kind is Vsftpd else "PASV")
        twin.wait_for_log("203\\.0\\.113\\.1")


@pytest.mark.parametrize(
    ("refuse", "code"),
    [
        ({"USER": "421 Too many users."}, 65),
        ({"USER": "530 Not you."}, 71),
        ({"TYPE": "504 Not that."}, 73),
        ({"REST": "502 Not implemented."}, 74),
        ({"EPSV": "500 What?", "PASV": "425 No."}, 75),
        ({"RETR": "550 Not that."}, 79),
        ({"RETR": "what the protocol does not know"}, 70),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else None,
)
def test_refusals(twin: Twin, refuse: dict[str, str], code: int) -> None:
    with PyFtpd(refuse=refuse) as server:
        at = twin.serial()
        set_up(at, server)
        server.put("1.txt", TEXT)
        source(at, "/", "1.txt")
        at.ok("AT+FTPREST=2")
        assert fetch(at) == (b"", code)
        at.works()


def test_a_download_that_is_cut(twin: Twin) -> None:
    """The data connection is reset in the middle; the rest is fetched from there on."""
    whole, half, tap = content(BYTES), BYTES // 2, Tap()
    with PyFtpd(tap=tap) as server:
        at = twin.serial()
        set_up(at, server)
        server.put("long", whole)
        source(at, "/", "long")
        tap.hold_after = half
        at.ok("AT+FTPGET=1")
        first = b""
        while len(first) < half:
            at.expect(lines("+FTPGET: 1,1"))
            first += read(at)
        tap.cut()
        at.expect(lines("+FTPGET: 1,79"))
        twin.wait_for_log("the data connection broke")
        at.ok(f"AT+FTPREST={half}")
        assert fetch(at) == (whole[half:], 0)
        assert first == whole[:half]
        assert f"REST {half}" in server.commands


def test_files_of_the_module(at: At, server: FtpServer, twin: Twin) -> None:
    whole = content(BYTES)
    server.put("down.bin", whole)
    source(at, server.path, "down.bin")
    at.ok('AT+FTPGETTOFS=0,"kept.bin"')
    at.expect(lines(f"+FTPGETTOFS: 0,{BYTES}"), LONG)
    (kept,) = twin.files.rglob("kept.bin")
    assert kept.read_bytes() == whole
    target(at, server.path, "back.bin")
    at.ok('AT+FTPPUTFRMFS="C:/USER/FTP/kept.bin"')
    at.expect(lines(f"+FTPPUTFRMFS: 0,{BYTES}"), LONG)
    server.expect("back.bin", whole)
    source(at, server.path, "none")
    at.ok('AT+FTPGETTOFS=0,"none.bin"')
    at.expect(lines("+FTPGETTOFS: 79"), LONG)
    assert not list(twin.files.rglob("none.bin"))


def test_a_file_by_way_of_the_modules_memory(at: At, server: FtpServer) -> None:
    whole = content(MEMORY)
    server.put("down.bin", whole)
    source(at, server.path, "down.bin")
    at.ok('AT+FTPGETTOFS=0,"kept.bin"')
    at.expect(lines(f"+FTPGETTOFS: 0,{MEMORY}"), LONG)
    target(at, server.path, "again.bin")
    at.ok('AT+FTPFILEPUT=1,"C:/USER/FTP/kept.bin"')
    visit(at, "FTPPUT=1", "1,0", LONG)
    at.ok("AT+FTPFILEPUT=0")
    server.expect("again.bin", whole)


def test_by_way_of_the_modules_memory(at: At, server: FtpServer, twin: Twin) -> None:
    server.put("1.txt", TEXT)
    source(at, server.path, "1.txt")
    visit(at, "FTPEXTGET=1", "1,0")
    at.ask("AT+FTPEXTGET=2,hello", lines(f"+FTPEXTGET: 2,{len(TEXT)}", "OK"))
    at.send(b"AT+FTPEXTGET=3,5,10\r")
    at.expect(b"\r\n+FTPEXTGET: 3,10\r\n" + TEXT[5:15] + OK)
    at.ok("AT+FTPEXTGET=0")
    (kept,) = twin.files.rglob("hello")
    assert kept.read_bytes() == TEXT
    target(at, server.path, "image")
    at.ok("AT+FTPEXTPUT=1")
    for start, part in ((0, b"12345"), (5, b"67890AB")):
        at.send(f"AT+FTPEXTPUT=2,{start},{len(part)},10000\r\n".encode())
        at.until(f"+FTPEXTPUT: {start},{len(part)}".encode())
        at.send(part)
        at.until(OK)
    visit(at, "FTPPUT=1", "1,0")
    at.ok("AT+FTPEXTPUT=0")
    server.expect("image", b"1234567890AB")


def test_a_download_into_a_file_that_is_cut(twin: Twin) -> None:
    """The module goes on by itself."""
    whole, half, tap = content(BYTES), BYTES // 2, Tap()
    with PyFtpd(tap=tap) as server:
        at = twin.serial()
        set_up(at, server)
        server.put("long", whole)
        source(at, "/", "long")
        tap.hold_after = half
        at.ok('AT+FTPGETTOFS=0,"long",3,0')
        wait.until(lambda: received(at) == half, "the first half")
        tap.cut()
        at.expect(lines(f"+FTPGETTOFS: 0,{BYTES}"), LONG)
        (kept,) = twin.files.rglob("long")
        assert kept.read_bytes() == whole
        assert f"REST {half}" in server.commands


def received(at: At) -> int:
    """Bytes that AT+FTPGETTOFS has, by its own word."""
    at.send(b"AT+FTPGETTOFS?\r")
    said = re.fullmatch(rb"\r\n\+FTPGETTOFS: 1,(\d+)(,\d+)?\r\n", at.until(b"\r\n") + at.until(b"\r\n"))
    at.expect(OK)
    assert said
    return int(said[1])


def test_a_file_that_does_not_fit(at: At, server: FtpServer, twin: Twin) -> None:
    """5 MiB: more than the module's file system has. Nothing half written is left."""
    does_not_fit(at, server, twin)
    twin.wait_for_log("the file system is full: 5242880 bytes do not fit")


def test_a_file_that_turns_out_not_to_fit(twin: Twin) -> None:
    """The server does not say how long it is."""
    with PyFtpd(refuse={"SIZE": "502 Not implemented."}) as server:
        at = twin.serial()
        set_up(at, server)
        does_not_fit(at, server, twin)
        assert any(command.startswith("RETR") for command in server.commands)


def does_not_fit(at: At, server: FtpServer, twin: Twin) -> None:
    """Neither the old file nor the room for a new one suffers."""
    server.put("large", bytes(5 << 20))
    server.put("small", TEXT)
    source(at, server.path, "small")
    at.ok('AT+FTPGETTOFS=0,"kept"')
    at.expect(lines(f"+FTPGETTOFS: 0,{len(TEXT)}"), LONG)
    before = files(twin)
    source(at, server.path, "large")
    at.ok('AT+FTPGETTOFS=0,"kept"')
    at.expect(lines("+FTPGETTOFS: 85"), 60)
    (kept,) = twin.files.rglob("kept")
    assert kept.read_bytes() == TEXT
    wait.until(lambda: files(twin) == before, "only the files that were there before")
    source(at, server.path, "small")
    at.ok('AT+FTPGETTOFS=0,"new"')
    at.expect(lines(f"+FTPGETTOFS: 0,{len(TEXT)}"), LONG)


def files(twin: Twin) -> list[Path]:
    """All that the twin has on the disk."""
    return [path for path in sorted(twin.state.rglob("*")) if path.is_file()]
