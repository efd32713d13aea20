"""Debian's own tools for modems, unchanged, on a real PTY: gammu, chat (ppp), picocom and minicom's script runner."""
# @covers sms.cmgs.pdu sms.cnmi.stored sms.cmgd sms.cpms

import os
import subprocess
from pathlib import Path

import pytest

from support import wait
from support.twin import Twin, binary

NUMBER = "+861440000000000"


def sms(twin: Twin, *options: str) -> None:
    """A message for the twin's module, from outside."""
    command = [str(binary()), "sms", "--state", str(twin.state), *options]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=20)


class Gammu:
    """gammu, set up for one line."""

    def __init__(self, line: Path, directory: Path) -> None:
        self._rc = directory / "gammurc"
        self._rc.write_text(f"[gammu]\ndevice = {line}\nconnection = at115200\n")

    def command(self, *words: str) -> list[str]:
        return ["gammu", "-c", str(self._rc), *words]

    def run(self, *words: str) -> str:
        """What it prints. It has to succeed."""
        done = subprocess.run(
            self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done
        return done.stdout


@pytest.fixture
def attached(twin: Twin) -> Twin:
    """A twin that is registered, its line free."""
    twin.serial().close()
    return twin


@pytest.fixture
def gammu(attached: Twin, tmp_path: Path) -> Gammu:
    return Gammu(attached.link, tmp_path)


def fields(text: str) -> dict[str, str]:
    """`Name : value` lines; of several with one name, the first."""
    pairs = [line.split(":", 1) for line in text.splitlines() if ":" in line]
    return {name.strip(): value.strip() for name, value in reversed(pairs)}


def test_gammu_identifies_the_module(gammu: Gammu) -> None:
    told = fields(gammu.run("identify"))
    assert "AirM2M" in told["Manufacturer"]
    assert "Air724UG" in told["Model"]
    assert told["IMEI"] == "001724000000004"
    assert told["SIM IMSI"] == "460040000000000"


def test_gammu_sees_the_network(gammu: Gammu) -> None:
    told = fields(gammu.run("networkinfo"))
    assert told["Network state"] == "home network"
    assert told["Packet network state"] == "home network"
    assert told["Network"].startswith("460 04")
    assert told["GPRS"] == "attached"
    assert fields(gammu.run("getsmsc"))["Number"] == '"+8613800100500"'


def test_gammu_sends(attached: Twin, gammu: Gammu) -> None:
    """Plain, in UCS2, and so long that it takes two messages."""
    long = ("A long one. " * 20).strip()
    for text in ["Hello from gammu", "你好", long]:
        unicode = ["-unicode"] if not text.isascii() else []
        said = gammu.run("sendsms", "TEXT", "+8613800138000", *unicode, "-autolen", "400", "-text", text)
        assert "OK, message reference=" in said, said
    outbox = attached.state / "modem0" / "outbox"
    lines = [line.split(" ", 4) for line in outbox.read_text().splitlines()]
    assert [line[1:3] for line in lines] == [["+8613800138000", "outside"]] * 4
    texts = [line[4].strip('"') for line in lines]
    assert texts[0] == "Hello from gammu"
    assert bytes.fromhex(lines[1][3]).endswith("你好".encode("utf-16-be"))
    assert "".join(texts[2:]) == long
    assert outbox.stat().st_mode & 0o777 == 0o600


def test_gammu_reads_and_deletes(attached: Twin, gammu: Gammu) -> None:
    """What has come in, from outside and from the module itself; and it outlives the twin."""
    gammu.run("sendsms", "TEXT", NUMBER, "-text", "to myself")
    sms(attached, "--from", "+8613800138000", "Grüße {€} 你好")
    wait.until(lambda: not any((attached.state / "modem0" / "spool").iterdir()), "the spool is empty")
    listed = wait.until(
        lambda: (text if "你好" in (text := gammu.run("getallsms")) else None), "both messages", within=30
    )
    assert "to myself" in listed and "Grüße {€} 你好" in listed
    assert f'"{NUMBER}"' in listed and '"+8613800138000"' in listed
    attached.kill()
    attached.restart()
    attached.serial().close()
    assert "to myself" in gammu.run("getallsms")
    gammu.run("deletesms", "0", "1")
    left = gammu.run("getallsms")
    assert "to myself" not in left and "你好" in left


def test_gammu_hears_of_a_new_message(attached: Twin, gammu: Gammu, tmp_path: Path) -> None:
    """It asks for +CMTI and gets it, while it goes on asking for everything else."""
    output = tmp_path / "monitor"
    # Line by line, or nothing is seen before its end.
    command = ["stdbuf", "-oL", *gammu.command("monitor", "1000")]
    with output.open("w") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    with wait.at_most(60, process):
        wait.until(lambda: "GPRS" in output.read_text(), "gammu is at work", within=30)
        sms(attached, "ding dong")
        wait.until(lambda: "SMS message received" in output.read_text(), "gammu tells", within=30)


def on_line(twin: Twin, *command: str) -> subprocess.CompletedProcess[str]:
    """A tool whose standard input and output are the line."""
    line = os.open(twin.link, os.O_RDWR | os.O_NOCTTY)
    try:
        return subprocess.run(
            command, stdin=line, stdout=line, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(line)


def test_chat_dials(attached: Twin) -> None:
    """A usual dial script gets as far as the module lets it: NO CARRIER, as there is no PPP server."""
    script = ["", "AT", "OK", "ATE0", "OK", "AT+CPIN?", "READY", "AT+CREG?", ",1", "AT+CGDCONT?", "OK"]
    done = on_line(attached, "chat", "-t", "10", "ABORT", "ERROR", *script, "AT", "OK")
    assert done.returncode == 0, done
    done = on_line(
        attached, "chat", "-t", "10", "ABORT", "BUSY", "ABORT", "NO CARRIER", *script, "ATD*99#", "CONNECT"
    )
    # The second ABORT word.
    assert done.returncode == 5, done
    attached.wait_for_log("no PPP server")


def test_picocom_asks(attached: Twin) -> None:
    command = ["picocom", "-q", "-b", "115200", "-x", "2000", "-t", "AT+CGMI\r", str(attached.link)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    assert '+CGMI: "AirM2M"' in done.stdout and "OK" in done.stdout


def test_minicoms_script_asks(attached: Twin, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(
        "timeout 30\n"
        'send "AT+CGMR"\n'
        "expect {\n"
        '  "V401881" goto there\n'
        "  timeout 10 goto missing\n"
        "}\n"
        "there:\n"
        "exit 0\n"
        "missing:\n"
        "exit 7\n"
    )
    done = on_line(attached, "runscript", str(script))
    assert done.returncode == 0, done
