"""kill -9: what was answered OK is there, what was half written is not."""

import os

from support.at import OK, PROMPT
from support.twin import Twin

ROUNDS = 10


def test_right_after_ok(twin: Twin) -> None:
    """Replacing and appending, killed between OK and the next command, again and again."""
    at = twin.serial(network=False)
    at.ok('AT+FSCREATE="replaced"', 'AT+FSCREATE="appended"')
    appended = b""
    for round_ in range(ROUNDS):
        replaced = os.urandom(10_240 - 512 * round_)
        at.hand_over(f'AT+FSWRITE="replaced",0,{len(replaced)},10', replaced, OK)
        twin.kill()
        twin.restart()
        at = twin.serial(network=False)
        assert at.download("replaced", len(replaced)) == replaced
        at.ask('AT+FSFLSIZE="replaced"', b"\r\n+FSFLSIZE: %d\r\n" % len(replaced) + OK)

        part = os.urandom(1000)
        appended += part
        at.hand_over(f'AT+FSWRITE="appended",1,{len(part)},10', part, OK)
        twin.kill()
        twin.restart()
        at = twin.serial(network=False)
        assert at.download("appended", len(appended)) == appended


def test_in_the_middle_of_the_data(twin: Twin) -> None:
    """The old content stays, whole; nothing is left over."""
    at = twin.serial(network=False)
    old = os.urandom(5000)
    at.upload("f", old)
    for size in (1, 4999, 9999):
        at.ask('AT+FSWRITE="f",0,10000,10', PROMPT)
        at.send(os.urandom(size))
        twin.kill()
        twin.restart()
        at = twin.serial(network=False)
        assert at.download("f", len(old)) == old
        at.ask('AT+FSFLSIZE="f"', b"\r\n+FSFLSIZE: 5000\r\n" + OK)
    leftovers = [path for path in twin.state.rglob("*") if path.is_file() and path.stat().st_size >= 5000]
    assert leftovers == [twin.files / "f"]


def test_right_after_create_and_delete(twin: Twin) -> None:
    at = twin.serial(network=False)
    for round_ in range(3):
        at.ok(f'AT+FSCREATE="f{round_}"')
        twin.kill()
        twin.restart()
        at = twin.serial(network=False)
        at.ask(f'AT+FSFLSIZE="f{round_}"', b"\r\n+FSFLSIZE: 0\r\n" + OK)
        at.ok(f'AT+FSDEL="f{round_}"')
        twin.kill()
        twin.restart()
        at = twin.serial(network=False)
        at.ask(f'AT+FSFLSIZE="f{round_}"', b"\r\nERROR\r\n")
