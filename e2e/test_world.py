"""`modemtwin run --world`: the surroundings from a file, at the start and as they change."""

import os
import re
import signal
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from support.at import ERROR, OK, At, lines
from support.tcp import TcpServer
from support.twin import Twin, binary

PAGE = Path(__file__).parent.parent / "docs" / "world.md"
UP = lines("^MODE: 17,17", "+E_UTRAN Service", "+CGEV: ME PDN ACT 5")

Start = Callable[[str], Twin]


@pytest.fixture
def twin_in(start_twin: Callable[..., Twin], tmp_path: Path) -> Start:
    """Starts a twin in a world."""

    def start(world: str) -> Twin:
        file = tmp_path / "world.txt"
        file.write_text(world)
        return start_twin("--world", str(file))

    return start


def as_on_the_page(line: str) -> str:
    line = re.sub(r"^ *\d+\.\d{3} ", "", line)
    return textwrap.fill(line, 110, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def explained(twin: Twin, subject: str) -> None:
    """The log has an explanation with this subject, and docs/world.md shows the same words."""
    found = twin.wait_for_log(rf"(?m)^.*: {re.escape(subject)}: .*$")
    shown = as_on_the_page(found[0])
    assert shown in PAGE.read_text(), f"docs/world.md does not show this:\n{shown}"


def test_a_card_in_arrears(twin_in: Start) -> None:
    """GSM only, with its own technology number; no data."""
    twin = twin_in("card in arrears\n")
    at = twin.serial()
    at.ask("AT+CPIN?", lines("+CPIN: READY", "OK"))
    at.ask("AT+CREG?;+CGATT?", b"\r\n+CREG: 0,1\r\n\r\n+CGATT: 0\r\n" + OK)
    at.ask("AT+COPS?", lines('+COPS: 0,2,"46004",0', "OK"))
    at.ask("AT+CGATT=1", lines("+CME ERROR: 107"))
    twin.wait_for_log(r"AT\+CGATT=: .*the card is in arrears, so it gets GSM only.*pay the operator")


def test_no_card(twin_in: Start) -> None:
    twin = twin_in("# Nothing in the slot.\ncard out\n")
    at = twin.serial(network=False)
    at.ask("AT+CPIN?", lines("+CME ERROR: 10"))
    at.ask('AT+CIPSTART="TCP","192.0.2.1",80', lines("+CME ERROR: 10"))
    explained(twin, "AT+CIPSTART=")


def test_no_bearer(twin_in: Start) -> None:
    twin = twin_in("bearer refused\n")
    at = twin.serial()
    at.ok('AT+CIPSTART="TCP","192.0.2.1",80')
    at.expect(lines("+PDP: DEACT", "STATE: PDP DEACT", "CONNECT FAIL"))
    explained(twin, "bearer")


def test_a_private_apn(twin_in: Start, tcp_echo: TcpServer) -> None:
    twin = twin_in('apn private "iot.example" "user" "password"\n')
    at = twin.serial()
    at.ok('AT+CIPSTART="TCP","192.0.2.1",80')
    at.expect(lines("+PDP: DEACT", "STATE: PDP DEACT", "CONNECT FAIL"))
    explained(twin, "bearer")
    at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.ok('AT+CSTT="iot.example","user","password"', "AT+CIICR")
    at.send(b"AT+CIFSR\r")
    at.until(b".")
    at.until(b"\r\n")
    at.connect(tcp_echo.port)
    assert "password" not in twin.log().replace("<password>", "").replace("user name or password", "")


def test_name_servers_that_fail(twin_in: Start, tcp_echo: TcpServer) -> None:
    """A name fails, an address does not."""
    twin = twin_in("dns failing\n")
    at = twin.serial()
    at.bearer()
    at.start(80, host="server.example")
    at.expect(lines("STATE: IP STATUS", "CONNECT FAIL"))
    twin.wait_for_log(r"link 0: the name servers answer that they cannot")
    at.connect(tcp_echo.port)


def test_a_name_that_leads_to_a_private_address(start_twin: Callable[..., Twin], tmp_path: Path) -> None:
    """The module looks first: nothing is sent there. Given up by the driver, since it takes 75 s."""
    world = tmp_path / "world.txt"
    world.write_text("private-servers unreachable\n")
    twin = start_twin("--world", str(world), "--resolve", "office.example:10.255.255.1")
    at = twin.serial()
    at.bearer()
    at.start(80, host="office.example")
    at.ask("AT+CIPCLOSE", lines("CLOSE OK"))
    at.start(80, host="192.168.1.10")
    at.ask("AT+CIPCLOSE", lines("CLOSE OK"))
    at.works()
    assert "connect failed" not in twin.log()


def test_the_firmware_without_ssl(twin_in: Start) -> None:
    twin = twin_in("profile air724ug-no-ssl\n")
    at = twin.serial(network=False)
    at.ask("AT+CIPSSL=1", ERROR)
    at.ask('AT+SSLCFG="seclevel",0,1', ERROR)
    explained(twin, "AT+CIPSSL=")


def test_changes_come_in_their_order(twin_in: Start, tcp_echo: TcpServer) -> None:
    """The signal fades while a link is up, and comes back."""
    twin = twin_in("after 8s rssi 1\nafter 5s bearer lost\n\nafter 10s rssi 20\n")
    at = twin.serial()
    at.bearer()
    at.connect(tcp_echo.port)
    at.expect(lines("+CGEV: NW PDN DEACT 5", "+PDP: DEACT"))
    at.ask("AT+CIPSHUT", lines("SHUT OK"))
    at.expect(lines("^MODE: 0,0", "+NO Service"))
    at.until(lines("+CGEV: ME DETACH"))
    at.ask("AT+CSQ", lines("+CSQ: 1,99", "OK"))
    at.expect(UP)
    at.until(b"+NITZ")
    at.until(b"\r\n")
    at.ask("AT+CSQ", lines("+CSQ: 20,99", "OK"))


def test_power_key_and_reset_pin(twin_in: Start) -> None:
    """Off at first: a short press does nothing, SIGUSR1 is a long one. The reset pin restarts it."""
    twin = twin_in("power off\nafter 100ms power-key 1500ms\nafter 9s reset 100ms\nafter 9500ms reset 150ms\n")
    said = twin.wait_for_log(r"the module is off; .*kill -USR1 (\d+)")
    twin.wait_for_log(r"power key: 1500 ms low are too short")
    at = At(twin.link)
    os.kill(int(said[1]), signal.SIGUSR1)
    at.until(lines("RDY"))
    twin.wait_for_log(r"reset pin: 100 ms low are too short for a reset; it takes 150 ms")
    at.until(lines("RDY"))
    at.close()


def test_all_modules_of_a_run(tmp_path: Path) -> None:
    world = tmp_path / "world.txt"
    world.write_text("rssi 7\n")
    links = [tmp_path / f"tty{number}" for number in range(2)]
    command = [str(binary()), "run", "--modules", "2", "--pty", str(tmp_path / "tty")]
    command += ["--state", str(tmp_path / "state"), "--world", str(world)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            for link in links:
                assert str(link) in process.stdout.readline()
            for link in links:
                at = At(link)
                at.boot()
                at.attach()
                at.ask("AT+CSQ", lines("+CSQ: 7,99", "OK"))
                at.close()
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.mark.parametrize(
    ("world", "says"),
    [
        ("card in\nweather bad\n", "world.txt:2:1: there are power, profile, card, account"),
        ("attach slow\n", "world.txt:1:12: here stands a time such as 200ms, 5s or 2m"),
        ("rssi 3\n\nrssi 4\n", "world.txt:3:1: rssi stands in line 1 already"),
        ("bearer lost\n", "world.txt:1:1: this only happens: write after and a time in front of it"),
        ("after 5s profile air724ug\n", "world.txt:1:10: there are power, profile, card"),
        ("profile sim800\n", "there is no profile called sim800; there are air724ug and air724ug-no-ssl"),
    ],
)
def test_a_wrong_file_starts_nothing(tmp_path: Path, world: str, says: str) -> None:
    file = tmp_path / "world.txt"
    file.write_text(world)
    done = run(tmp_path, file)
    assert done.returncode == 1, done
    assert says in done.stderr
    assert not (tmp_path / "tty").is_symlink()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    done = run(tmp_path, tmp_path / "nowhere")
    assert done.returncode == 1, done
    assert f"cannot read {tmp_path / 'nowhere'}: No such file" in done.stderr
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert "cannot read" in run(tmp_path, tmp_path / "bytes").stderr


def run(directory: Path, world: Path) -> subprocess.CompletedProcess[str]:
    command = [str(binary()), "run", "--pty", str(directory / "tty"), "--state", str(directory / "state")]
    command += ["--world", str(world)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
