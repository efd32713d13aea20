"""A serial device that is no hardware: a pseudo-terminal in the adapter's place, the test at the cable's other end."""

import array
import fcntl
import os
import select
import termios
from pathlib import Path


class Cable:
    """The host's end. It reads and writes like a port of pyserial, as far as `At` needs it."""

    def __init__(self, device: Path) -> None:
        self.device = device
        self.timeout = 0.0
        self._host, self._adapter = os.openpty()
        device.symlink_to(os.ttyname(self._adapter))

    def pull(self) -> None:
        """The adapter is gone, and its name first: the number may be used again."""
        self.device.unlink()
        os.close(self._adapter)
        os.close(self._host)

    @property
    def settings(self) -> list[object]:
        """As tcgetattr gives them for the adapter."""
        return termios.tcgetattr(self._host)

    @property
    def speed(self) -> int:
        """One of termios.B…"""
        speed = self.settings[4]
        assert isinstance(speed, int)
        return speed

    def has(self, flag: int) -> bool:
        """Whether a control flag is set."""
        control = self.settings[2]
        assert isinstance(control, int)
        return bool(control & flag)

    @property
    def in_waiting(self) -> int:
        """How many bytes can be read at once."""
        count = array.array("i", [0])
        fcntl.ioctl(self._host, termios.FIONREAD, count)
        return count[0]

    def write(self, data: bytes) -> None:
        """All of it."""
        while data:
            data = data[os.write(self._host, data) :]

    def read(self, count: int) -> bytes:
        """At most so many bytes; none when nothing comes in time."""
        ready, _, _ = select.select([self._host], [], [], self.timeout)
        return os.read(self._host, count) if ready else b""

    def close(self) -> None:
        """The cable stays."""
