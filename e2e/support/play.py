"""Transcripts on a twin's line: `modemtwin play`."""

import subprocess
from pathlib import Path

from .twin import Twin, binary

DIRECTORY = Path(__file__).parent.parent / "transcripts"


def play(twin: Twin, name: str, *, files: dict[str, Path] | None = None, **variables: object) -> None:
    """Plays one of our transcripts. The module is on the network, and echoes what is typed.

    `files` are what the transcript binds by name, `variables` what stands in its braces.
    """
    at = twin.serial()
    at.ok("ATE1")
    at.close()
    played(twin.link, DIRECTORY / f"{name}.at", files or {}, variables)


def played(line: Path, transcript: Path, files: dict[str, Path], variables: dict[str, object]) -> str:
    """What `modemtwin play` prints; it went as written."""
    command = [str(binary()), "play", str(transcript), "--line", str(line)]
    command += [f"--set={name}={value}" for name, value in variables.items()]
    command += [f"--bind={name}={path}" for name, path in files.items()]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, f"{transcript.name}\n{done.stdout}\n{done.stderr}"
    return done.stdout
