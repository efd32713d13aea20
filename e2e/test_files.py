"""The file system: nothing gets out, nothing gets lost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.at import CHUNK, ERROR, OK, PROMPT, lines
from support.twin import Twin

CAPACITY = 1_304_000
OUTSIDE = b"this is outside the module"


def everything_in(directory: Path) -> set[Path]:
    return {Path(folder, name) for folder, folders, files in os.walk(directory) for name in folders + files}


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "../x",
        "/../x",
        "C:/../x",
        "a/../../x",
        "..",
        "C:/..",
        "/a/../../../tmp/x",
        r"..\x",
        "D:/x",
        "/sdcard0/x",
    ],
)
def test_names_do_not_leave_the_directory(twin: Twin, tmp_path: Path, name: str) -> None:
    at = twin.serial(network=False)
    at.ok('AT+FSMKDIR="a"')
    before = everything_in(tmp_path)
    for command in ("FSCREATE", "FSMKDIR", "FSDEL", "FSRMDIR", "FSFLSIZE", "FSLS"):
        at.ask(f'AT+{command}="{name}"', ERROR)
    at.ask(f'AT+FSWRITE="{name}",0,1,10', ERROR)
    at.ask(f'AT+FSREAD="{name}",0,1,0', ERROR)
    at.works()
    assert everything_in(tmp_path) == before


def test_planted_symlinks_are_not_followed(start_twin: Callable[..., Twin], tmp_path: Path) -> None:
    """Links to a file and to a directory outside, planted in the module's directory while it runs."""
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside / "secret"
    target.write_bytes(OUTSIDE)
    twin = start_twin()
    at = twin.serial(network=False)
    (twin.files / "file").symlink_to(target)
    (twin.files / "folder").symlink_to(outside)
    (twin.files / "dangling").symlink_to(outside / "new")
    for name in ("file", "folder/secret"):
        at.ask(f'AT+FSREAD="{name}",0,10,0', ERROR)
        at.ask(f'AT+FSFLSIZE="{name}"', ERROR)
    at.ask('AT+FSLS="folder"', ERROR)
    at.ask('AT+FSCREATE="folder/new"', ERROR)
    at.ask('AT+FSMKDIR="folder/new"', ERROR)
    for name in ("file", "folder/secret", "dangling"):
        at.ask(f'AT+FSWRITE="{name}",0,4,10', ERROR)
    assert target.read_bytes() == OUTSIDE
    assert everything_in(outside) == {target}
    at.works()


def test_name_length(twin: Twin) -> None:
    at = twin.serial(network=False)
    longest = "n" * 64
    at.upload(longest, b"fits")
    assert at.download(longest, 4) == b"fits"
    for command in (f'AT+FSCREATE="{longest}n"', f'AT+FSMKDIR="{longest}n"', f'AT+FSFLSIZE="{longest}n"'):
        at.ask(command, ERROR)
    at.ask(f'AT+FSFLSIZE="{longest}"', lines("+FSFLSIZE: 4", "OK"))


def test_size_of_a_write(twin: Twin) -> None:
    at = twin.serial(network=False)
    at.ok('AT+FSCREATE="f"')
    at.ask(f'AT+FSWRITE="f",0,{CHUNK + 1},10', ERROR)
    at.works()
    largest = bytes(range(256)) * (CHUNK // 256)
    at.upload("f", largest)
    at.ask('AT+FSFLSIZE="f"', lines(f"+FSFLSIZE: {CHUNK}", "OK"))
    assert at.download("f", CHUNK) == largest


def test_full(twin: Twin) -> None:
    """Fills the file system over the line: refused is what does not fit, and what was there stays."""
    at = twin.serial(network=False)
    at.upload("first", b"the first file")
    full = CAPACITY - len(b"the first file")
    content = os.urandom(full)
    at.upload("big", content)
    at.ask("AT+FSMEM", lines("+FSMEM: 0 bytes", "OK"))
    for mode in (0, 1):
        at.ok('AT+FSCREATE="more"')
        at.ask(f'AT+FSWRITE="more",{mode},1,10', ERROR)
    at.ask('AT+FSWRITE="big",1,1,10', ERROR)
    at.ask('AT+FSFLSIZE="more"', lines("+FSFLSIZE: 0", "OK"))
    assert at.download("first", 14) == b"the first file"
    assert at.download("big", full) == content
    at.ok('AT+FSDEL="big"')
    at.upload("more", b"room again")
    assert at.download("more", 10) == b"room again"


def test_time_runs_out(twin: Twin) -> None:
    """TimeOut in mixed case; the old content stays; the rest of the data would be a command."""
    at = twin.serial(network=False)
    at.upload("f", b"old")
    at.ask('AT+FSWRITE="f",0,10,1', PROMPT)
    at.send(b"half")
    at.expect(lines("TimeOut"))
    at.works()
    assert at.download("f", 3) == b"old"


def test_kept_over_a_restart(twin: Twin) -> None:
    at = twin.serial(network=False)
    at.ok('AT+FSMKDIR="/d"')
    at.upload("/d/f", b"\x00\x1a\x1b\xff\r\nOK\r\n")
    assert twin.stop() == 0
    twin.restart()
    at = twin.serial(network=False)
    assert at.download("d/f", 10) == b"\x00\x1a\x1b\xff\r\nOK\r\n"
    at.ask('AT+FSLS="/d"', b"\r\nf\r\n" + OK)
