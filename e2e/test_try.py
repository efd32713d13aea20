"""The sessions of the README's "Try it by hand": shown as they are in docs/try, and played by a module against the lab."""

import re
from collections.abc import Callable
from pathlib import Path

from support.lab import Lab
from support.play import played
from support.twin import Twin

ROOT = Path(__file__).parent.parent
SESSIONS = ("mqtt", "http", "ftp")
# Where the lab has its servers unless something else is there.
PORTS = {"57514": "MQTT broker", "57516": "HTTP server", "57517": "HTTPS server", "57518": "FTP server"}


def test_the_readme_shows_them() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in SESSIONS:
        text = (ROOT / "docs" / "try" / f"{name}.at").read_text()
        assert f"```at\n{text}```" in readme, f"README.md does not show docs/try/{name}.at as it is"


# @covers mqtt.start.ok http.tls.context ftp.put.begin ftp.get.begin
def test_they_go_as_written(start_twin: Callable[..., Twin], tmp_path: Path) -> None:
    """All on one module, and again; only the ports are those that the lab really has."""
    twin = start_twin()
    lab = Lab(tmp_path)
    try:
        for name in SESSIONS * 2:
            text = (ROOT / "docs" / "try" / f"{name}.at").read_text()
            ports = re.findall(r"\b57\d{3}\b", text)
            assert ports, text
            for port in ports:
                text = text.replace(port, str(lab.port(PORTS[port])))
            (tmp_path / f"{name}.at").write_text(text)
            played(twin.link, tmp_path / f"{name}.at", {"ca.crt": lab.file("ca.crt")}, {})
    finally:
        print(f"--- log of the lab\n{lab.output()}")
        lab.stop()
