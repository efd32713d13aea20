"""Captures of the twin's connections, read by tshark."""

import re
import subprocess
from pathlib import Path


def tshark(capture: Path, *options: str) -> str:
    """Has a capture read by an independent program that knows nothing but this file. It must find it in order."""
    done = subprocess.run(
        # Ports are free ones, so none says what is in a connection.
        ["tshark", "-n", "-o", "tls.keylog_file:", "-o", "tcp.try_heuristic_first:TRUE", "-r", str(capture), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "appears to have been cut short" not in done.stderr, done.stderr
    return done.stdout


def followed(capture: Path, protocol: str, stream: int = 0) -> list[tuple[str, bytes]]:
    """The payload of one connection in a capture: who (`twin` or `peer`) said what."""
    shown = tshark(capture, "-q", "-z", f"follow,{protocol},raw,{stream}")
    said = re.findall(r"^(\t?)([0-9a-f]+)$", shown, re.MULTILINE)
    assert said, shown
    return [("peer" if tab else "twin", bytes.fromhex(digits)) for tab, digits in said]


def said_by(who: str, said: list[tuple[str, bytes]]) -> bytes:
    return b"".join(data for speaker, data in said if speaker == who)
