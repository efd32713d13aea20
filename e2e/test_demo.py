"""`modemtwin demo` and `modemtwin commands`, as somebody meets them first."""

import re
import subprocess

from support.twin import binary


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(binary()), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def test_demo_shows_the_whole_session() -> None:
    done = run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = ["AT+CIPSSL=1", "CONNECT OK", "DATA ACCEPT:10", "1234567890", "SHUT OK", "AT+CIPSSL=0"]
    summary = ["TLS_RSA_WITH_AES_256_CBC_SHA", "10 bytes sent, 10 bytes received"]
    in_order = ".*".join(map(re.escape, steps + summary))
    assert re.search(in_order, done.stdout, re.DOTALL), done.stdout


def test_demo_is_plain_text_and_narrow() -> None:
    """No colours when nobody looks; eighty columns; no key in it."""
    done = run("demo")
    assert "\x1b" not in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert "PRIVATE KEY" not in done.stdout


def test_commands_lists_every_family() -> None:
    done = run("commands")
    assert done.returncode == 0, done.stderr
    for name in ("+CIPSTART", "+SSLCFG", "+FSWRITE", "+CPIN", "+CSTT", "+CCLK", "&W", "+CPOWD"):
        assert name in done.stdout, name


def test_usage_errors() -> None:
    assert run("dance").returncode == 2
    assert run("run", "--resolve", "nonsense").returncode == 2
    assert run("--help").returncode == 0
