"""MQTT against mosquitto: what the broker and its other clients see is checked, not only what the module says.

mosquitto links the system's OpenSSL. As it comes from Debian it takes what the module offers by default (0XFFFF); the suites 0X002F,
0X0035 and 0X003D one by one are tried with `listener … ciphers`.

`MQTT_MESSAGES` says how many messages the long exchange has (1000 unless said).
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import mqtt, wait
from support.at import OK, At, lines
from support.mqtt import Mosquitto, Subscriber
from support.pki import Identity, Pki
from support.play import play
from support.twin import Twin

MESSAGES = int(os.environ.get("MQTT_MESSAGES", "1000"))
CONNECT_FAILED = lines("STATE:IP INITIAL", "CONNECT FAIL")
REFUSED = lines("+CME ERROR: 767")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A plain one."""
    with Mosquitto(tmp_path) as broker:
        yield broker


# @covers mqtt.start.ok mqtt.mconnect.ok mqtt.msub.ok mqtt.mpub.qos0 mqtt.mpub.qos1 mqtt.mpub.qos2 mqtt.in.direct
def test_there_and_back(twin: Twin, broker: Mosquitto) -> None:
    at = twin.serial()
    mqtt.start(at, broker.port)
    mqtt.session(at, "module", more=',"user","secret"')
    mqtt.subscribe(at, "down/#", 2)
    with Subscriber(broker, "up/+", qos=2) as watcher:
        at.ok('AT+MPUB="up/0",0,0,"zero"', 'AT+MPUB="up/1",1,0,"{\\22one\\22:1}"')
        at.expect(lines("PUBACK"))
        at.ok('AT+MPUB="up/2",2,0,"two"')
        at.expect(lines("PUBREC", "PUBCOMP"))
        watcher.expect("zero", '{"one":1}', "two")
        at.hand_over('AT+MPUBEX="up/3",0,0,5', b"three", OK)
        watcher.expect("zero", '{"one":1}', "two", "three")
    for qos in range(3):
        broker.publish(f"down/{qos}", b'a,"b"\r\n', qos=qos)
        at.expect(f'\r\n+MSUB: "down/{qos}",7 byte,a,"b"\r\n\r\n'.encode())
    at.ok('AT+MUNSUB="down/#"')
    at.expect(lines("UNSUBACK"))
    broker.publish("down/4", b"unheard", qos=1)
    at.ok("AT+MDISCONNECT", "AT+MIPCLOSE")
    broker.wait_for_log("Received DISCONNECT from module")
    at.works()
    assert "secret" not in twin.log()


def test_retained_messages(twin: Twin, broker: Mosquitto) -> None:
    at = twin.serial()
    mqtt.start(at, broker.port)
    mqtt.session(at, "module")
    at.ok('AT+MPUB="state/door",1,1,"open"')
    at.expect(lines("PUBACK"))
    assert broker.retained("state/door") == b"open"
    broker.publish("state/lamp", b"on", retain=True)
    mqtt.subscribe(at, "state/lamp", 0)
    at.expect(lines('+MSUB: "state/lamp",2 byte,on'))
    # An empty message takes it back.
    at.ok('AT+MPUB="state/door",1,1,""')
    at.expect(lines("PUBACK"))
    mqtt.subscribe(at, "state/door", 0)
    at.ok("AT+MDISCONNECT", "AT+MIPCLOSE")


# @covers mqtt.will.close mqtt.mconfig.will mqtt.mdisconnect.ok
def test_the_will(twin: Twin, broker: Mosquitto) -> None:
    at = twin.serial()
    will = ',"u","p",1,1,"will/module","gone \\22away\\22"'
    with Subscriber(broker, "will/#", qos=1) as watcher:
        # DISCONNECT takes it back.
        mqtt.start(at, broker.port)
        mqtt.session(at, "module", more=will)
        at.ok("AT+MDISCONNECT", "AT+MIPCLOSE")
        broker.wait_for_log("Received DISCONNECT from module")
        # Closing alone does not.
        mqtt.start(at, broker.port)
        mqtt.session(at, "module", more=will)
        at.ok("AT+MIPCLOSE")
        watcher.expect('gone "away"')
    assert broker.retained("will/module") == b'gone "away"'


# @covers mqtt.kicked mqtt.closed.broker
def test_another_client_with_the_same_id(start_twin: Callable[..., Twin], broker: Mosquitto) -> None:
    first, second = start_twin().serial(), start_twin().serial()
    mqtt.start(first, broker.port)
    mqtt.session(first, "same")
    mqtt.start(second, broker.port)
    mqtt.session(second, "same")
    first.expect(lines("CLOSED"))
    first.ask("AT+MQTTSTATU", lines("+MQTTSTATU :0", "OK"))
    first.ask('AT+MPUB="t",0,0,"x"', REFUSED)
    second.ask("AT+MQTTSTATU", lines("+MQTTSTATU :1", "OK"))


# @covers mqtt.ping.sent mqtt.ping.silent
def test_the_module_keeps_the_session_alive(twin: Twin, broker: Mosquitto) -> None:
    at = twin.serial()
    mqtt.start(at, broker.port)
    mqtt.session(at, "module", keep_alive=1)
    broker.wait_for_log("Sending PINGRESP to module")
    at.ask("AT+MQTTSTATU", lines("+MQTTSTATU :1", "OK"))


def upload(at: At, **files: Path) -> None:
    for name, path in files.items():
        at.upload(f"{name}.pem", path.read_bytes())


def context(at: At, pki_authority: Identity | None, client: Identity | None, level: int, clock: str = "") -> None:
    if pki_authority:
        upload(at, ca=pki_authority.certificate)
        at.ok('AT+SSLCFG="cacert",88,"ca.pem"')
    if client:
        upload(at, cert=client.certificate, key=client.key)
        at.ok('AT+SSLCFG="clientcert",88,"cert.pem"', 'AT+SSLCFG="clientkey",88,"key.pem"')
    at.ok(f'AT+SSLCFG="seclevel",88,{level}')
    if clock:
        at.ok(f'AT+CCLK="{clock}"')


def exchange(at: At, broker: Mosquitto) -> None:
    """A session that shows that payload gets through."""
    mqtt.session(at, "module")
    with Subscriber(broker, "up") as watcher:
        at.ok('AT+MPUB="up",1,0,"secure"')
        at.expect(lines("PUBACK"))
        watcher.expect("secure")
    at.ok("AT+MDISCONNECT", "AT+MIPCLOSE")


# @covers mqtt.tls.default mqtt.tls.plain
@pytest.mark.parametrize(
    ("suite", "name"), [("0X0035", "AES256-SHA"), ("0X002F", "AES128-SHA"), ("0X003D", "AES256-SHA256"), ("0XFFFF", "")]
)
def test_tls_suites(twin: Twin, pki: Pki, tmp_path: Path, suite: str, name: str) -> None:
    with Mosquitto(tmp_path, identity=pki.server, ciphers=name) as broker:
        at = twin.serial()
        at.ok(f'AT+SSLCFG="ciphersuite",88,{suite}')
        mqtt.start(at, broker.port, tls=True)
        exchange(at, broker)


# @covers mqtt.tls.context
def test_tls_one_way(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, identity=pki.server) as broker:
        at = twin.serial()
        context(at, pki.authority, None, 1)
        mqtt.start(at, broker.port, tls=True)
        exchange(at, broker)
        # Not this server, said this authority.
        upload(at, ca=pki.second_authority.certificate)
        at.ok(f'AT+SSLMIPSTART="127.0.0.1",{broker.port}')
        at.expect(CONNECT_FAILED, within=30)
        at.ask("AT+MCONNECT=1,60", REFUSED)
        # And not at this time.
        upload(at, ca=pki.authority.certificate)
        at.ok('AT+CCLK="60/01/01,00:00:00+32"', f'AT+SSLMIPSTART="127.0.0.1",{broker.port}')
        at.expect(CONNECT_FAILED, within=30)
        twin.wait_for_log("expired")
        at.ok('AT+SSLCFG="ignorelocaltime",88,1')
        mqtt.start(at, broker.port, tls=True)
        exchange(at, broker)


def test_tls_mutual(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, identity=pki.server, client_authority=pki.authority) as broker:
        at = twin.serial()
        context(at, pki.authority, pki.client, 2)
        mqtt.start(at, broker.port, tls=True)
        exchange(at, broker)
        broker.wait_for_log("u'CN=client,O=Modemtwin tests'")
        before = broker.log().count("New client connected")
        # Level 1: no certificate is shown.
        at.ok('AT+SSLCFG="seclevel",88,1')
        refused(at, broker)
        # One of an authority that the broker does not know.
        context(at, pki.authority, pki.stranger, 2)
        refused(at, broker)
        # No client of the module's came through.
        assert broker.log().count("New client connected") == before


def files(authority: Identity, client: Identity) -> dict[str, Path]:
    return {"ca.crt": authority.certificate, "client.crt": client.certificate, "client.key": client.key}


def test_a_plain_session_as_a_transcript(twin: Twin, broker: Mosquitto) -> None:
    with Subscriber(broker, "#", qos=2) as watcher:
        play(twin, "mqtt/plain", port=broker.port)
        watcher.expect("zero", '{"one":1}', "two", "three", "again")
    assert broker.retained("up") == b'{"one":1}'
    broker.wait_for_log("Received DISCONNECT from module")


def test_tls_sessions_as_transcripts(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "one-way", identity=pki.server) as broker, Subscriber(broker, "up") as watcher:
        play(twin, "mqtt/one-way", files={"ca.crt": pki.authority.certificate}, port=broker.port)
        watcher.expect("secure")
    with (
        Mosquitto(tmp_path / "mutual", identity=pki.server, client_authority=pki.authority) as broker,
        Subscriber(broker, "up") as watcher,
    ):
        play(twin, "mqtt/mutual", files=files(pki.authority, pki.client), port=broker.port)
        watcher.expect("secure")
        broker.wait_for_log("u'CN=client,O=Modemtwin tests'")


@pytest.mark.parametrize(
    ("authority", "client", "broker_says", "twin_says"),
    [
        ("second_authority", "client", "alert unknown ca", "not in cacert|no certificate in cacert signed"),
        ("authority", "stranger", "certificate verify failed", "did not accept the client certificate .*unknown_ca"),
        ("authority", "expired_client", "certificate verify failed", "did not accept .*certificate_expired"),
    ],
)
def test_tls_refusals_as_transcripts(
    twin: Twin, pki: Pki, tmp_path: Path, authority: str, client: str, broker_says: str, twin_says: str
) -> None:
    """Wrong authority, wrong client certificate, expired client certificate: who does not like whom, and why."""
    with Mosquitto(tmp_path, identity=pki.server, client_authority=pki.authority) as broker:
        given = files(getattr(pki, authority), getattr(pki, client))
        play(twin, "mqtt/refused", files=given, port=broker.port)
        broker.wait_for_log(broker_says)
        twin.wait_for_log(twin_says)
        assert "New client connected" not in broker.log()


def test_an_expired_server_certificate(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, identity=pki.expired_server) as broker:
        play(twin, "mqtt/refused", files=files(pki.authority, pki.client), port=broker.port)
        twin.wait_for_log(r"CN=expired-server expired on .*ignorelocaltime")
        broker.wait_for_log("alert certificate expired")
        at = twin.serial()
        at.ok('AT+SSLCFG="ignorelocaltime",88,1')
        mqtt.start(at, broker.port, tls=True)
        exchange(at, broker)


def refused(at: At, broker: Mosquitto) -> None:
    """TLS 1.2: a broker that does not like the module's certificate ends the handshake."""
    at.ok(f'AT+SSLMIPSTART="127.0.0.1",{broker.port}')
    at.expect(CONNECT_FAILED, within=30)


def test_plain_start_at_a_tls_port(twin: Twin, pki: Pki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, identity=pki.server) as broker:
        at = twin.serial()
        mqtt.start(at, broker.port)
        at.ok("AT+MCONNECT=1,60")
        at.expect(lines("CLOSED"))
        at.ask('AT+MSUB="t",0', REFUSED)


# @covers mqtt.session.again mqtt.closed.again
@pytest.mark.parametrize("qos", [1, 2])
def test_many_messages_and_a_restart_of_the_broker(twin: Twin, broker: Mosquitto, qos: int) -> None:
    at = twin.serial()
    names = [f"{number:05}" for number in range(MESSAGES)]
    mqtt.start(at, broker.port)
    mqtt.session(at, "module", clean=False)
    mqtt.subscribe(at, "down", qos)
    with Subscriber(broker, "up", qos=qos) as watcher:
        line = Line(at)
        half = MESSAGES // 2
        broker.publish_lines("down", names[:half], qos=qos)
        for number, name in enumerate(names):
            if number == half:
                # Some are under way when it goes.
                line.publish(name, qos)
                broker.stop()
                line.wait_for("CLOSED")
                broker.restart()
                line.come_back(broker.port)
                broker.publish_lines("down", names[half:], qos=qos)
                continue
            line.publish(name, qos)
        line.settle(len(names), within=60 + MESSAGES / 20)
        wait.until(lambda: set(watcher.received()) >= set(names), "all at the subscriber", within=60 + MESSAGES / 20)
    assert set(line.down) == set(names), "lost on the way to the module"
    twin.wait_for_log("the broker closed the connection|the connection to the broker broke")
    if qos == 2:
        # A broker that restarts may send what it sent before (this one does, also behind PUBREC), and says so in its log. What it
        # took from the module it took once.
        assert broker.sent(watcher.name, again=False) == len(names), "doubled on the way to the broker"
        for received, client in ((watcher.received(), watcher.name), (line.down, "module")):
            assert len(received) - len(names) <= broker.sent(client, again=True), f"doubled at {client}"
    at.ok("AT+MDISCONNECT", "AT+MIPCLOSE")


class Line:
    """The host's side of the long exchange: publishes while the window is open, sorts what the module says."""

    WINDOW = 8

    def __init__(self, at: At) -> None:
        self._at = at
        self.down: list[str] = []
        self._open = 0
        self.words: Counter[str] = Counter()

    def _one(self, within: float = 30) -> str:
        """The next line that the module says, sorted."""
        self._at.expect(b"\r\n", within)
        word = self._at.until(b"\r\n")[:-2].decode()
        self.words[word] += 1
        if message := re.fullmatch(r'\+MSUB: "down",5 byte,(\d{5})', word):
            self.down.append(message[1])
        elif word in ("PUBACK", "PUBCOMP"):
            self._open -= 1
        else:
            assert word in ("OK", "PUBREC", "CLOSED", "CONNECT OK", "CONNACK OK"), word
        return word

    def wait_for(self, word: str) -> None:
        while self._one() != word:
            pass

    def publish(self, payload: str, qos: int) -> None:
        while self._open >= self.WINDOW:
            self._one()
        self._at.send(f'AT+MPUB="up",{qos},0,"{payload}"\r'.encode())
        self._open += 1
        self.wait_for("OK")

    def come_back(self, port: int) -> None:
        for command, word in [(f'AT+MIPSTART="127.0.0.1",{port}', "CONNECT OK"), ("AT+MCONNECT=0,60", "CONNACK OK")]:
            self._at.send(command.encode() + b"\r")
            self.wait_for(word)

    def settle(self, down: int, within: float) -> None:
        """Until everything is acknowledged and everything has come."""
        while self._open > 0 or len(set(self.down)) < down:
            self._one(within)
