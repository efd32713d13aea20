"""`modemtwin play`: a transcript on a line, with names from the command line."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.play import played
from support.twin import Twin, binary

SESSION = """\
> ATE0
< OK
@echo off
@file here = beside.txt
> AT+FSCREATE="{name}"
< OK
> AT+FSWRITE="{name}",0,{len:data},5
<prompt
>file data
< OK
> AT+FSREAD="{name}",0,{len:here},0
<< \\r\\n
<data here
<< \\r\\nOK\\r\\n
"""


@pytest.fixture
def session(tmp_path: Path) -> Path:
    (tmp_path / "beside.txt").write_bytes(b"ten bytes!")
    path = tmp_path / "session.at"
    path.write_text(SESSION)
    return path


def ready(twin: Twin) -> None:
    at = twin.serial()
    at.ok("ATE1")
    at.close()


def test_names_from_outside_and_files_beside_it(twin: Twin, session: Path, tmp_path: Path) -> None:
    ready(twin)
    (tmp_path / "data").write_bytes(b"ten bytes!")
    said = played(twin.link, session, {"data": tmp_path / "data"}, {"name": "f=1"})
    assert "host   > AT+FSCREATE=" in said
    assert "All 13 steps went as written" in said
    assert (twin.files / "f=1").read_bytes() == b"ten bytes!"


def test_unread_messages_of_the_start_are_dropped(start_twin: Callable[..., Twin], tmp_path: Path) -> None:
    """Nobody has opened the line before; the transcript begins with a command."""
    (tmp_path / "at.at").write_text("> AT\n< OK\n> AT+CGATT?\n< +CGATT: 1\n< OK\n")
    played(start_twin().link, tmp_path / "at.at", {}, {})


def test_what_goes_otherwise(twin: Twin, session: Path, tmp_path: Path) -> None:
    """The step, and both texts; exit code 1."""
    ready(twin)
    (tmp_path / "data").write_bytes(b"other text")
    options = ["--line", twin.link, "--set=name=f", f"--bind=data={tmp_path / 'data'}"]
    done = subprocess.run([binary(), "play", session, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "<data here" in done.stderr
    assert "ten bytes!" in done.stderr
    assert "other text" in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["nowhere.at"], 1, "cannot read nowhere.at"),
        (["session.at", "--set=name=f", "--bind=data=beside.txt", "--line", "./nowhere"], 1, "cannot open ./nowhere"),
        (["session.at", "--bind", "data=nowhere"], 1, "cannot read nowhere"),
        (["session.at", "--set=name=f"], 2, "--bind data=PATH"),
        (["session.at", "--set", "name"], 2, "such as port=8080"),
    ],
)
def test_usage(session: Path, options: list[str], code: int, says: str) -> None:
    command = [binary().absolute(), "play", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=session.parent)
    assert done.returncode == code
    assert says in done.stderr
