"""Lines: serial devices, several lines of one module, the timing of a UART."""

import os
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import wait
from support.at import OK, PROMPT, At, lines
from support.cable import Cable
from support.tcp import TcpServer
from support.twin import Twin, binary


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """A cable to an adapter at ttyUSB0."""
    yield (cable := Cable(tmp_path / "ttyUSB0"))
    cable.pull()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The program, to its end."""
    return subprocess.run(
        [str(binary()), "run", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
    )


# @covers gen.ipr.after-ok
def test_a_serial_device_changes_its_rate_behind_the_answer(start_twin: Callable[..., Twin], cable: Cable) -> None:
    """Bytes, and the speed as tcgetattr has it, before and after AT+IPR's OK."""
    before = cable.settings
    twin = start_twin("--serial", f"{cable.device},57600")
    assert f"line 1 at {cable.device}" in twin.log()
    at = At(cable)
    at.boot()
    assert cable.speed == termios.B57600
    at.ask("AT+IPR=9600", OK)
    wait.until(lambda: cable.speed == termios.B9600, "the new rate")
    at.ask("AT+IPR?", lines("+IPR: 9600", "OK"))
    assert not cable.has(termios.CRTSCTS)
    at.ask("AT+IFC=2,2", OK)
    wait.until(lambda: cable.has(termios.CRTSCTS), "RTS/CTS")
    at.upload("bytes", bytes(range(256)) * 20)
    assert at.download("bytes", 5120) == bytes(range(256)) * 20
    assert twin.stop() == 0
    assert cable.settings == before


def test_a_serial_device_that_is_pulled_out_is_used_again_when_it_is_back(
    start_twin: Callable[..., Twin], tmp_path: Path
) -> None:
    device = tmp_path / "ttyUSB0"
    cable = Cable(device)
    twin = start_twin("--serial", str(device))
    at = At(cable)
    at.boot()
    at.ask("AT+IPR=38400", OK)
    cable.pull()
    twin.wait_for_log("the device is gone")
    cable = Cable(device)
    wait.until(lambda: cable.speed == termios.B38400, "the rate that was set")
    twin.wait_for_log("the device is back")
    # The module has not noticed: the echo is still off.
    At(cable).works()
    cable.pull()


def test_a_serial_device_is_silent_until_at_has_come(start_twin: Callable[..., Twin], cable: Cable) -> None:
    """The module finds its rate out; what it had to say at power-on comes then."""
    twin = start_twin("--serial", str(cable.device))
    usb = twin.serial(network=False)
    usb.works()
    assert cable.in_waiting == 0
    at = At(cable)
    at.send(b"AT\r")
    at.until(OK)


def test_a_serial_device_belongs_to_one_twin(start_twin: Callable[..., Twin], cable: Cable, tmp_path: Path) -> None:
    start_twin("--serial", str(cable.device))
    done = run("--serial", str(cable.device), "--state", str(tmp_path / "other"))
    assert done.returncode == 1
    assert "ttyUSB0 is in use by another program" in done.stderr


@pytest.mark.parametrize(
    ("device", "code", "reason"),
    [
        ("missing", 1, "is the adapter plugged in?"),
        ("file", 1, "is not a serial device"),
        ("file,fast", 2, "no bit rate"),
    ],
)
def test_what_is_no_serial_device_is_refused(tmp_path: Path, device: str, code: int, reason: str) -> None:
    (tmp_path / "file").touch()
    done = run("--serial", str(tmp_path / device), "--state", str(tmp_path / "state"))
    assert done.returncode == code, done
    assert reason in done.stderr


# @covers gen.queue.lines
def test_two_lines_of_one_module(start_twin: Callable[..., Twin], tcp_echo: TcpServer, tmp_path: Path) -> None:
    """Each has its own echo and command state; while one is in a data phase, the other gets what the module reports."""
    second = tmp_path / "usb"
    twin = start_twin("--pty", str(second))
    assert f"modem0 line 0 (UART1) at {twin.link}" in twin.log()
    assert f"modem0 line 1 at {second}" in twin.log()
    uart = twin.serial()
    usb = At(second)
    usb.send(b"AT\r")
    usb.until(b"AT\r" + OK)
    # The first one's echo is off, this one's is on.
    usb.ask("AT", b"AT\r" + OK)
    uart.works()

    usb.ask("ATE0", b"ATE0\r" + OK)

    uart.bearer(multi=True)
    uart.connect(tcp_echo.port, link=0)
    usb.connect(tcp_echo.port, link=1)
    uart.send(b"AT+CIPSEND=0,10\r")
    uart.expect(PROMPT)
    usb.transmit(b"usb", link=1)
    assert usb.receive(1, 3) == b"usb"
    uart.send(b"0123456789")
    uart.expect(lines("DATA ACCEPT:0,10"))
    assert uart.receive(0, 10) == b"0123456789"

    uart.send(b'AT+FSCREATE="f"\r')
    uart.expect(OK)
    uart.send(b'AT+FSWRITE="f",0,10,30\r')
    uart.expect(PROMPT)
    usb.ok("AT+CREG=1")
    usb.send(b"AT+CFUN=4\r")
    usb.until(OK)
    usb.send(b"AT+CFUN=1\r")
    usb.until(b"+CREG: 1\r\n")
    uart.send(b"0123456789")
    # Nothing of that in the middle of the data, nor in front of their result.
    uart.expect(OK)
    uart.until(b"+CREG: 1\r\n")
    assert (twin.files / "f").read_bytes() == b"0123456789"


# @covers tcp.transparent.dtr
def test_a_client_that_closes_its_pty_drops_dtr(twin: Twin, tcp_echo: TcpServer) -> None:
    """That ends a transparent connection, unless the client has said (`stty -hupcl`) that DTR is to stay."""
    at = twin.serial()
    at.ok("AT+CIPMODE=1")
    at.bearer()

    def connect(count: int) -> None:
        at.ok(f"AT+CIPSTART=TCP,127.0.0.1,{tcp_echo.port}")
        at.expect(lines("CONNECT"))
        tcp_echo.wait_for_connections(count)
        at.send(b"payload")
        at.expect(b"payload")

    connect(1)
    at.close()
    wait.until(lambda: tcp_echo.connections[0].fileno() < 0, "the end of the connection")
    at = At(twin.link)
    at.works()
    connect(2)
    with twin.link.open("rb", buffering=0) as line:
        settings = termios.tcgetattr(line)
        settings[2] &= ~termios.HUPCL
        termios.tcsetattr(line, termios.TCSANOW, settings)
    at.close()
    at = At(twin.link)
    at.send(b"more payload")
    at.expect(b"more payload")
    at.close()


def test_a_pty_talks_at_a_rate(start_twin: Callable[..., Twin]) -> None:
    """Silent until AT has come; the rate that a client has and the module has not is said, and garbles nothing."""
    twin = start_twin("--baud", "auto")
    at = twin.serial(network=False)
    at.ask("AT+IPR=57600", OK)
    at.works()
    twin.wait_for_log(r"the client's terminal is at 115200 bit/s and AT\+IPR at 57600")
    at.ask("AT+IPR=115200", OK)
    at.works()


def test_a_client_that_sets_no_rate_finds_the_modules(start_twin: Callable[..., Twin]) -> None:
    twin = start_twin()
    at = twin.serial(network=False)
    at.ask("AT+IPR=9600", OK)
    at.works()
    at.close()

    def speed() -> int:
        with twin.link.open("rb", buffering=0) as line:
            found = termios.tcgetattr(line)[4]
            assert isinstance(found, int)
            return found

    wait.until(lambda: speed() == termios.B9600, "the rate")
    assert twin.stop(signal.SIGINT) == 0


def test_ctrl_bracket_ends_the_other_lines_too(tmp_path: Path) -> None:
    """On a terminal in raw mode there would be no other way to end them."""
    terminal, stdin = os.openpty()
    link = tmp_path / "modem"
    command = [str(binary()), "run", "--pty", str(link), "--stdio", "--state", str(tmp_path / "state")]
    with (
        subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process,
        wait.at_most(30, process),
    ):
        # From here on no character is a signal.
        wait.until(lambda: not termios.tcgetattr(terminal)[3] & termios.ISIG, "raw mode")
        os.write(terminal, b"\x1d")
        assert process.wait() == 0
    assert not link.is_symlink()
    os.close(terminal)
    os.close(stdin)
