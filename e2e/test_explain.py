"""`modemtwin explain`: what the TLS contexts of a session would do."""

import subprocess
from pathlib import Path

from support.pki import Pki
from support.twin import Twin, binary


def explain(state: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(binary()), "explain", "--state", str(state), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_a_session_of_a_running_twin(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    at = twin.serial(network=False)
    at.upload("ca.crt", pki.authority.certificate.read_bytes())
    at.upload("me.crt", pki.client.certificate.read_bytes())
    at.upload("me.key", pki.client.key.read_bytes())
    session = tmp_path / "session.log"
    session.write_text(
        "AT\n"
        'AT+SSLCFG="cacert",0,"ca.crt"\n'
        '12:00:01 > AT+SSLCFG="clientcert",0,"me.crt"\n'
        'AT+SSLCFG="clientkey",0,"me.key"\nOK\n'
        'AT+SSLCFG="seclevel",0,2\n'
        'AT+SSLCFG="sslversion",0,3\n'
        'AT+SSLCFG="ciphersuite",0,0X0035\n'
    )
    done = explain(twin.state, "--session", session)
    assert done.returncode == 0, done.stderr
    assert "TLS 1.2 with 0X0035" in done.stdout
    assert "belongs to clientcert" in done.stdout
    assert "nothing on this side is in the way" in done.stdout
    # The same, with a key that is somebody else's.
    at.upload("me.key", pki.server.key.read_bytes())
    done = explain(twin.state, "--session", session)
    assert done.returncode == 1
    assert "does NOT belong to clientcert" in done.stdout
    assert "SSL context 0" in done.stderr
    at.works()


def test_lines_of_the_command_line(twin: Twin) -> None:
    level, anchor = 'AT+SSLCFG="seclevel",2,1', 'AT+SSLCFG="cacert",2,"nowhere"'
    done = explain(twin.state, "--sslcfg", level, "--sslcfg", anchor)
    assert done.returncode == 1
    assert "nowhere: the module has no such file" in done.stdout
    assert "SSL context 2" in done.stderr
    done = explain(twin.state, "--sslcfg", 'AT+SSLCFG="seclevel",0,3')
    assert (done.returncode, done.stdout) == (1, "")
    assert "a number from 0 to 2" in done.stderr
    done = explain(twin.state, "--module", "7")
    assert done.returncode == 1
    assert "modem7" in done.stderr
