"""Waiting for conditions."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str, within: float = 10.0) -> T:
    """Asks again until the condition gives something true, and returns that."""
    deadline = time.monotonic() + within
    while True:
        if result := condition():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.005)


@contextmanager
def at_most(seconds: float, process: subprocess.Popen[Any]) -> Iterator[None]:
    """Kills the process when it takes longer, so that nobody waits for its output for ever; and at the end."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        process.kill()
