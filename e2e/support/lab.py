"""`modemtwin lab`: servers to connect to."""

import re
import subprocess
from pathlib import Path

from . import wait
from .twin import binary


class Lab:
    """A running lab at ports that were free."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "lab"
        self._log = directory / "lab.log"
        command = [str(binary()), "lab", "--dir", str(self.directory), "--port-base", "0"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait.until(self._is_up, "the lab's servers", within=30)

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.output()
        return "Ctrl-C ends it." in self.output()

    def port(self, server: str) -> int:
        """Where the server of this name listens."""
        said = re.search(rf"^{server} +at 127\.0\.0\.1:(\d+)$", self.output(), re.MULTILINE)
        assert said, self.output()
        return int(said[1])

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
