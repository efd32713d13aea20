"""`modemtwin run` as a program: its line, its start and its end."""

import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from support import wait
from support.at import OK, At, lines
from support.tcp import free_port
from support.twin import Twin, binary


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_clean_stop(twin: Twin, how: signal.Signals) -> None:
    """Exit code 0 and no link left."""
    twin.serial(network=False).works()
    assert twin.stop(how) == 0
    assert not twin.link.is_symlink()


def test_the_line_survives_its_client(twin: Twin) -> None:
    """Closed and opened again: the settings of the line are kept, and it is still raw."""
    for _ in range(5):
        at = twin.serial(network=False)
        at.ask("AT+FSMEM", lines("+FSMEM: 1304000 bytes", "OK"))
        at.close()
    # Now without switching the echo off first: that was done before.
    at = At(twin.link)
    at.ask("AT", OK)
    at.close()


def test_a_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    precious = tmp_path / "modem"
    precious.write_text("precious")
    command = [str(binary()), "run", "--pty", str(precious), "--state", str(tmp_path / "state")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1, done
    assert str(precious) in done.stderr
    assert precious.read_text() == "precious"


def test_two_twins_do_not_share_a_directory(twin: Twin, tmp_path: Path) -> None:
    command = [str(binary()), "run", "--pty", str(tmp_path / "second"), "--state", str(twin.state)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1, done
    assert not (tmp_path / "second").is_symlink()
    twin.serial(network=False).works()


def test_tcp_line(start_twin: Callable[..., Twin]) -> None:
    """The same module over a TCP port."""
    port = free_port()
    start_twin("--tcp", f"127.0.0.1:{port}")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        said = b""
        line.sendall(b"ATE0\r")
        while not said.endswith(b"ATE0\r" + OK):
            said += line.recv(4096)
        line.sendall(b"AT+CGMM\r")
        answer = b""
        while not answer.endswith(OK):
            answer += line.recv(4096)
        assert b'+CGMM: "Air724UG"' in answer


def test_stdio_line(tmp_path: Path) -> None:
    """A pipe in, a pipe out; the end of input is the end."""
    command = [str(binary()), "run", "--stdio", "--state", str(tmp_path / "state")]
    done = subprocess.run(command, input=b"ATE0\rAT+CGMM\r", capture_output=True, timeout=20)
    assert done.returncode == 0, done
    assert b'\r\n+CGMM: "Air724UG"\r\n\r\nOK\r\n' in done.stdout


def _read_until(descriptor: int, end: bytes) -> bytes:
    read = b""
    while end not in read:
        assert select.select([descriptor], [], [], 20)[0], read
        read += os.read(descriptor, 4096)
    return read


def test_stdio_on_a_terminal(tmp_path: Path) -> None:
    """It says how to end it, which Ctrl-] does, and the log fits the width of the terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    command = [str(binary()), "run", "--stdio", "--state", str(tmp_path / "state")]
    twin = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    assert twin.stdout is not None
    screen = b""
    try:
        screen += _read_until(ours, b"Ctrl-] ends it.")
        _read_until(twin.stdout.fileno(), b"+NITZ")
        os.write(ours, b'AT+CIPSTART="TCP","127.0.0.1",1\r')
        screen += _read_until(ours, b"peer]\r\n")
        os.write(ours, b"\x1d")
        assert twin.wait(20) == 0
    finally:
        twin.kill()
        twin.communicate()
        os.close(ours)
    shown = re.sub(rb"\x1b\[[0-9;]*m", b"", screen).splitlines()
    assert max(len(line.rstrip()) for line in shown) <= 60, shown


def test_answers_that_cannot_be_written_are_a_failure(tmp_path: Path) -> None:
    """Standard output is full: exit code 1, with the reason."""
    command = [str(binary()), "run", "--stdio", "--state", str(tmp_path / "state")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, input=b"AT\r", stdout=full, stderr=subprocess.PIPE, timeout=20, check=False
        )
    assert done.returncode == 1, done
    assert b"No space left on device" in done.stderr


def test_the_power_key_is_a_signal(twin: Twin) -> None:
    """Off by AT+CPOWD=1; the log says how to switch it on, and that works."""
    at = twin.serial(network=False)
    at.ask("AT+CPOWD=1", lines("NORMAL POWER DOWN"))
    said = twin.wait_for_log(r"the module is off; .*kill -USR1 (\d+)")
    os.kill(int(said[1]), signal.SIGUSR1)
    at.until(b"RDY")
    at.close()


def test_modules_differ(tmp_path: Path) -> None:
    """Three modules in one process: each has its own link, identity and files."""
    links = [tmp_path / f"tty{number}" for number in range(3)]
    state = tmp_path / "state"
    command = [str(binary()), "run", "--modules", "3", "--pty", str(tmp_path / "tty"), "--state", str(state)]
    with (
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process,
        wait.at_most(30, process),
    ):
        assert process.stdout
        served = [process.stdout.readline() for _ in links]
        identities = set()
        for number, link in enumerate(links):
            assert str(link) in served[number]
            at = At(link)
            at.boot()
            at.fly()
            at.send(b"AT+CGSN\r")
            identities.add(at.until(OK))
            at.upload("name", str(link).encode())
            at.close()
            assert (state / f"modem{number}" / "files" / "name").read_text() == str(link)
        assert len(identities) == 3
        process.terminate()
        assert process.wait() == 0
    assert not any(link.is_symlink() for link in links)
