"""`modemtwin lab`: servers to connect to."""

import re
import subprocess
from pathlib import Path

from . import wait
from .twin import binary

# The rows of the lab's table; the columns are plain, TLS, TLS with client certificates.
SERVERS = {
    "TCP echo": ("echo", 0),
    "TLS echo": ("echo", 1),
    "mutual TLS echo": ("echo", 2),
    "MQTT broker": ("MQTT broker", 0),
    "MQTTS broker": ("MQTT broker", 1),
    "mutual MQTTS broker": ("MQTT broker", 2),
    "HTTP server": ("HTTP", 0),
    "HTTPS server": ("HTTP", 1),
    "mutual HTTPS server": ("HTTP", 2),
    "FTP server": ("FTP", 0),
    "FTPS server": ("FTP", 1),
    "mutual FTPS server": ("FTP", 2),
}


class Lab:
    """A running lab at ports that were free."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "lab"
        self._log = directory / "lab.log"
        command = [str(binary()), "lab", "--dir", str(self.directory), "--port-base", "0", "--show", "all"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait.until(self._is_up, "the lab's servers", within=30)

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.output()
        return "Ctrl-C ends it." in self.output()

    def port(self, server: str) -> int:
        """Where the server of this name listens."""
        row, column = SERVERS[server]
        said = re.search(rf"^  {row} +(\d+) +(\d+) +(\d+)", self.output(), re.MULTILINE)
        assert said, self.output()
        return int(said[column + 1])

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def file(self, pattern: str) -> Path:
        """The one file whose name is like this."""
        found = sorted(self.directory.rglob(pattern))
        assert len(found) == 1, f"{pattern}: {found} of {sorted(self.directory.rglob('*'))}"
        return found[0]

    def stop(self) -> int:
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(timeout=20)
