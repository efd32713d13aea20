"""Fixtures. Every test gets a twin of its own; certificates are made once.

`cargo xtask test` runs all of this. By hand, after it has run once:

    MODEMTWIN=target/debug/modemtwin target/e2e-venv/bin/pytest e2e -k guide
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.nginx import Nginx
from support.origin import ANSWERS, Origin
from support.pki import Pki
from support.tcp import TcpServer, echo
from support.twin import Twin


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Authorities, servers and clients."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def start_twin(tmp_path: Path) -> Iterator[Callable[..., Twin]]:
    """Starts twins with options; ends them."""
    twins: list[Twin] = []

    def start(*options: str) -> Twin:
        twins.append(Twin(tmp_path / f"twin{len(twins)}", *options))
        return twins[-1]

    yield start
    for twin in twins:
        twin.kill()
        print(f"--- log of the twin\n{twin.log()}")


@pytest.fixture
def twin(start_twin: Callable[..., Twin]) -> Twin:
    """A twin without further options."""
    return start_twin()


@pytest.fixture
def tcp_echo() -> Iterator[TcpServer]:
    """A plain TCP echo."""
    with TcpServer(echo) as server:
        yield server


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    """A plain web server."""
    with Nginx(tmp_path) as nginx:
        yield nginx


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A web server that answers as nginx would not."""
    with Origin(ANSWERS) as origin:
        yield origin


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the tables that tests have made."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "table":
                terminalreporter.section(report.nodeid)
                terminalreporter.write(text)
