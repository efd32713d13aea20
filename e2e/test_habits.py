"""What drivers in the field do, over a real PTY: each habit has broken a driver or an emulator somewhere."""

import re
import socket
import threading
from collections.abc import Callable

import pytest

from support.at import OK, PROMPT, At, lines
from support.tcp import TcpServer
from support.twin import Twin

DIGITS = b"0123456789" * 10


def bytewise(at: At, data: bytes) -> None:
    """One write for each byte."""
    for byte in data:
        at.send(bytes([byte]))


def test_cr_and_lf_in_different_writes(twin: Twin, tcp_echo: TcpServer) -> None:
    """The LF of a command's CRLF is never payload, however late it comes."""
    at = twin.serial()
    at.bearer(multi=True)
    at.connect(tcp_echo.port, link=0)
    for command in (b"AT+CIPSEND=0,4", b"AT+CIPSE"):
        at.send(command)
        if command.endswith(b"SE"):
            at.send(b"ND=0,4")
        at.send(b"\r")
        at.expect(PROMPT)
        at.send(b"\n")
        at.send(b"abcd")
        at.expect(lines("DATA ACCEPT:0,4"))
        assert at.receive(0, 4) == b"abcd"
    at.works()


def test_text_and_line_end_in_different_writes(twin: Twin) -> None:
    at = twin.serial(network=False)
    for _ in range(20):
        at.send(b"AT+CGM")
        at.send(b"I")
        at.send(b"\r")
        at.expect(lines('+CGMI: "AirM2M"', "OK"))
        at.send(b"\n")
    at.works()


def test_a_bare_lf_ends_no_command_and_is_explained(twin: Twin) -> None:
    """As on the module; the log says why nothing came back. The CR that follows at last makes it a command."""
    at = twin.serial(network=False)
    at.send(b"AT+CGMI\n")
    twin.wait_for_log(r"the line ended with LF; commands end with CR")
    at.send(b"\r")
    at.expect(lines('+CGMI: "AirM2M"', "OK"))


def test_esc_cr_first_and_then_byte_by_byte_with_echo(twin: Twin) -> None:
    """As gammu begins: ESC and CR end whatever was half done, then each byte is written for itself."""
    at = twin.serial(network=False)
    at.send(b"ATE1\r")
    at.until(OK)
    for command, answer in ((b"AT", b""), (b"AT+CGSN", rb"\r\n\d{15}\r\n"), (b"AT+CMEE=1", b"")):
        at.send(b"\x1b\r")
        bytewise(at, command + b"\r")
        said = at.until(OK)
        assert re.fullmatch(rb"(\x1b\r)?" + re.escape(command) + rb"\r" + answer + OK, said), said
    at.send(b"ATE0\r")
    at.until(OK)
    at.works()


def test_a_hundred_digits_satisfy_a_half_finished_data_phase(twin: Twin, tcp_echo: TcpServer) -> None:
    """A script that begins with filler digits, in case an earlier run left CIPSEND or FSWRITE waiting for data."""
    at = twin.serial()
    at.bearer(multi=True)
    at.connect(tcp_echo.port, link=0)
    at.ask("AT+CIPSEND=0,100", PROMPT)
    at.send(DIGITS)
    at.expect(lines("DATA ACCEPT:0,100"))
    assert at.receive(0, 100) == DIGITS
    at.send(DIGITS + b"AT+CGMI\r")
    at.expect(lines('+CGMI: "AirM2M"', "OK"))


def test_the_first_word_of_a_new_client_is_garbage_and_at(start_twin: Callable[..., Twin]) -> None:
    at = At(start_twin().link)
    at.send(DIGITS + b"AT\r")
    at.until(OK)
    at.close()


def test_cipstart_without_waiting(twin: Twin, tcp_echo: TcpServer) -> None:
    """The next command is on the line before CIPSTART has its result; the result still comes as a line of its own."""
    at = twin.serial()
    at.bearer(multi=True)
    at.send(b'AT+CIPSTART=0,"TCP","127.0.0.1",%d\rAT+CSQ\rAT+CIPMUX?\r' % tcp_echo.port)
    said = b""
    while b"CONNECT OK" not in said or said.count(OK) < 3:
        said += at.until(b"\r\n")
    connected = lines("0, CONNECT OK")
    assert said.count(connected) == 1, said
    rest = said.replace(connected, b"")
    assert re.fullmatch(OK + rb"\r\n\+CSQ: \d+,99\r\n" + OK + rb"\r\n\+CIPMUX: 1\r\n" + OK, rest), said
    at.transmit(b"x", link=0)
    assert at.receive(0, 1) == b"x"


def test_data_right_behind_the_command(twin: Twin, tcp_echo: TcpServer) -> None:
    """No wait for the prompt: command and data in one write, again and again."""
    at = twin.serial()
    at.bearer()
    at.ok("AT+CIPRXF=1")
    at.connect(tcp_echo.port)
    for size in (1, 10, 100, 1460):
        data = bytes(index % 251 for index in range(size))
        at.send(b"AT+CIPSEND=%d\r\n" % size + data)
        at.expect(PROMPT + lines(f"DATA ACCEPT:{size}"))
        at.expect(data)


def test_address_and_echo_off_in_one_line(twin: Twin) -> None:
    """`AT+CIFSR;E0`: the bare address, then OK, so that the host has a final code to wait for."""
    at = twin.serial()
    at.ok("AT+CSTT", "AT+CIICR")
    at.send(b"ATE1\r")
    at.until(OK)
    at.send(b"AT+CIFSR;E0\r")
    said = at.until(OK)
    assert re.fullmatch(rb"AT\+CIFSR;E0\r\r\n\d+\.\d+\.\d+\.\d+\r\n\r\nOK\r\n", said), said
    at.works()


# @covers tcp.reset-all
@pytest.mark.parametrize("rounds", [3])
def test_bring_up_that_resets_everything_first(twin: Twin, tcp_echo: TcpServer, rounds: int) -> None:
    """Set-up is repeated as a whole, whatever the state; an error for "not open" is fine, a wedged state is not."""
    at = twin.serial()
    for _ in range(rounds):
        for command in (
            "AT+CIPSHUT", "AT+CGATT=0", "AT+SAPBR=0,1", "AT+SAPBR=3,1,\"Contype\",\"GPRS\"", "AT+SAPBR=3,1,\"APN\",\"\"",
            "AT+CGACT=0,5", "AT+CGATT=1", "AT+SAPBR=1,1", "AT+SAPBR=2,1", "AT+CIPMUX=1", "AT+CIPQSEND=1", "AT+CIPRXGET=0",
            'AT+CSTT="","",""', "AT+CIICR",
        ):  # fmt: skip
            at.send(command.encode() + b"\r")
            final(at)
        at.send(b"AT+CIFSR;E0\r")
        assert final(at) == b"OK"
        at.connect(tcp_echo.port, link=0)
        at.transmit(b"still here", link=0)
        assert at.receive(0, 10) == b"still here"


# @covers gen.cgact.detached
def test_a_driver_of_the_sim800_family(twin: Twin, tcp_echo: TcpServer) -> None:
    """It knows OK and ERROR at the end of a line and no +CME ERROR, so that whatever it asks for in vain costs it a minute. It
    detaches, activates a context before it attaches again, and fetches what comes in pieces as large as its own buffer."""
    at = twin.serial()
    for _ in range(2):
        at.ask("AT+CIPSHUT", lines("SHUT OK"))
        for command in (
            "AT+CGATT=0", 'AT+SAPBR=3,1,"Contype","GPRS"', 'AT+SAPBR=3,1,"APN","cmnet"', 'AT+CGDCONT=1,"IP","cmnet"',
            "AT+CGACT=1,1", "AT+SAPBR=1,1", "AT+SAPBR=2,1", "AT+CGATT=1", "AT+CIPMUX=1", "AT+CIPQSEND=1", "AT+CIPRXGET=1",
            'AT+CSTT="cmnet","",""', "AT+CIICR", "AT+CIFSR;E0", 'AT+CDNSCFG="8.8.8.8","8.8.4.4"',
        ):  # fmt: skip
            at.send(command.encode() + b"\r\n")
            assert final(at) == b"OK", command
        for link in (0, 1):
            at.ok("AT+CIPSSL=0")
            at.send(b'AT+CIPSTART=%d,"TCP","127.0.0.1",%d\r\n' % (link, tcp_echo.port))
            at.until(b"CONNECT OK\r\n")
        data = bytes(index * 7 % 256 for index in range(500))
        at.send(b"AT+CIPSEND=1,500\r\n")
        at.until(b">")
        at.send(data)
        at.until(b"\r\nDATA ACCEPT:")
        assert at.until(b"\r\n") == b"1,500\r\n"
        fetched = b""
        while len(fetched) < len(data):
            at.send(b"AT+CIPRXGET=4,1\r\n")
            at.until(b"+CIPRXGET: 4,1,")
            waiting = int(at.until(b"\r\n"))
            at.until(b"OK\r\n")
            if not waiting:
                at.send(b"AT+CIPSTATUS=1\r\n")
                at.until(b',"CONNECTED"')
                at.until(b"OK\r\n")
                continue
            at.send(b"AT+CIPRXGET=2,1,63\r\n")
            at.until(b"+CIPRXGET: 2,1,")
            given, left = at.until(b"\r\n").split(b",")
            assert int(left) <= waiting
            fetched += at.take(int(given))
            at.until(b"OK\r\n")
        assert fetched == data
        at.ask("AT+CIPCLOSE=1", lines("1, CLOSE OK"))


# @covers gen.clts gen.cbc
def test_a_restart_that_begins_with_the_time_stamps(twin: Twin) -> None:
    """Local time stamps on, settings stored, radio off, restart, and AT until it answers; an error anywhere gives up."""
    at = twin.serial()
    at.ok("AT+CLTS=1", "AT&W")
    at.send(b"AT+CFUN=0\r")
    at.until(OK)
    at.send(b"AT+CFUN=1,1\r")
    at.until(OK)
    at.boot()
    at.attach()
    at.ok("AT&FZ", "ATE0")
    at.send(b"AT+CBC\r")
    assert re.fullmatch(rb"\r\n\+CBC: \d,\d+,\d+\r\n" + OK, at.until(OK))


def test_leaving_a_mode_that_it_is_not_in_before_each_close(twin: Twin, tcp_echo: TcpServer) -> None:
    """`+++` without a line end, in command mode before CIPCLOSE, and never a look at an answer."""
    at = twin.serial()
    at.bearer(multi=True)
    for _ in range(3):
        at.connect(tcp_echo.port, link=0)
        at.send(b"+++")
        at.send(b"AT+CIPCLOSE=0\r\n")
        at.expect(lines("0, CLOSE OK"))
    at.works()


def test_blanks_case_and_quotes(twin: Twin, tcp_echo: TcpServer) -> None:
    """Arguments quoted or bare, numbers too; blanks inside commands and after commas; any case."""
    at = twin.serial()
    at.bearer(multi=True)
    for command in (
        f'AT+CIPSTART=0,"TCP","127.0.0.1","{tcp_echo.port}"', f"at+cipstart=0,tcp,127.0.0.1,{tcp_echo.port}",
        f'AT +CIPSTART=0, "TCP",  "127.0.0.1", {tcp_echo.port} ', f'AT + CIPSTART = "0","tcp","127.0.0.1",{tcp_echo.port}',
    ):  # fmt: skip
        at.ok(command)
        at.expect(lines("0, CONNECT OK"))
        at.ask('AT+CIPCLOSE="0",1', lines("0, CLOSE OK"))


def test_nothing_comes_between_a_command_and_its_result(twin: Twin) -> None:
    """A peer that never stops sending: unsolicited lines wait until the open command has its final code."""
    stop = threading.Event()

    def storm(connection: socket.socket) -> None:
        while not stop.is_set():
            connection.sendall(b"storm" * 20)

    at = twin.serial()
    at.bearer(multi=True)
    with TcpServer(storm) as first, TcpServer(storm) as second:
        at.connect(first.port, link=0)
        at.send(b'AT+CIPSTART=1,"TCP","127.0.0.1",%d\r' % second.port)
        commands = [b"AT+CSQ", b"AT+CGMI", b"AT+CIPSTATUS=0", b"AT+CCLK?", b"AT+CREG?"] * 20
        commands += [b"AT+CIPSEND=0,2\r\nhi"]
        for command in commands:
            at.send(command + b"\r")
        finals = 0
        while finals < len(commands) + 1:
            finals += answer(at) is not None
        stop.set()
        at.send(b"AT+CIPSHUT\r")
        while answer(at) != b"SHUT OK":
            pass
        at.works()


def answer(at: At) -> bytes | None:
    """The next framed thing on a line in multi mode: skips what links bring; a final code ends an answer, and between an
    answer's first line and its final code stands nothing unsolicited."""
    at.expect(b"\r\n")
    if (line := at.take(2)) == b"> ":
        return None
    line = (line + at.until(b"\r\n"))[:-2]
    if received := re.fullmatch(rb"\+RECEIVE,\d,(\d+):", line):
        at.take(int(received[1]))
        return None
    if re.fullmatch(rb"\d, (CONNECT OK|CLOSED)", line):
        return None
    if line in (b"OK", b"SHUT OK") or line.startswith(b"DATA ACCEPT:"):
        return line
    assert re.match(rb"\+(CSQ|CGMI|CCLK|CREG): |0,0,\"TCP\"", line), line
    at.expect(OK)
    return b"OK"


def final(at: At) -> bytes:
    """Reads on to a final code."""
    while True:
        at.expect(b"\r\n")
        line = at.until(b"\r\n")[:-2]
        if line in (b"OK", b"ERROR", b"SHUT OK") or line.startswith((b"+CME ERROR:", b"CLOSE OK")):
            return line
