"""The program under test."""

import os
import re
import signal
import subprocess
from pathlib import Path

from . import wait
from .at import At


def binary() -> Path:
    """The program, as `cargo xtask test` has built it."""
    path = os.environ.get("MODEMTWIN")
    assert path, "MODEMTWIN must be the path of the built program; `cargo xtask test` sets it"
    return Path(path)


class Twin:
    """One running `modemtwin run` with one module on a PTY."""

    def __init__(self, directory: Path, *options: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.link = directory / "modem"
        self.state = directory / "state"
        self._log = directory / "log"
        self._options = options
        self._ports: list[At] = []
        self._start()

    def _start(self) -> None:
        command = [str(binary()), "run", "--pty", str(self.link), "--state", str(self.state), *self._options]
        # What is new in the log tells this start's line from a link that a killed twin has left behind.
        self._log_start = len(self.log())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait.until(self._is_up, f"the line {self.link}; log:\n{self.log()}")

    def _is_up(self) -> bool:
        assert self._process.poll() is None, f"the twin ended ({self._process.returncode}); log:\n{self.log()}"
        return str(self.link) in self.log()[self._log_start :] and self.link.exists()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def files(self) -> Path:
        """The directory that AT sees."""
        return self.state / "modem0" / "files"

    def serial(self, *, network: bool = True) -> At:
        """A port to the module, booted, with the echo off; on the network or in flight mode, so that no message of
        registration comes in between."""
        at = At(self.link)
        self._ports.append(at)
        at.boot()
        if network:
            at.attach()
        else:
            at.fly()
        return at

    def log(self) -> str:
        """All that it has written to standard output and error."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def wait_for_log(self, pattern: str) -> re.Match[str]:
        """Waits until the log matches, ignoring case."""
        try:
            return wait.until(lambda: re.search(pattern, self.log(), re.IGNORECASE), pattern)
        except AssertionError:
            raise AssertionError(f"nothing in the log matches {pattern!r}:\n{self.log()}") from None

    def kill(self) -> None:
        """As a power failure does it."""
        self._end(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end; gives its exit code."""
        return self._end(how)

    def restart(self) -> None:
        """Starts it again, after `kill` or `stop`, on the same directory."""
        self._start()

    def _end(self, how: signal.Signals) -> int:
        for port in self._ports:
            port.close()
        self._ports.clear()
        if self._process.poll() is None:
            self._process.send_signal(how)
        return self._process.wait(timeout=20)
