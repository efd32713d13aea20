"""The whole run, and its table."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from support.pki import Pki

from .cells import ALL_SUITES, ALL_VERSIONS, LEVELS, SUITES, TLS12, VERSIONS, Cell, cells, with_older_servers
from .drive import Result, Worker
from .peers import PEERS, Peer

# So many modules for each implementation, each with servers of its own.
MODULES = 2
WIDTH = 80

NOT_POSSIBLE = {"impossible": ".", "server cannot": "S", "nothing in common": "-"}

Results = dict[str, dict[Cell, Result]]


class _Shared(Iterator[Cell]):
    """Several threads take from it."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._cells = iter(cells)
        self._lock = threading.Lock()

    def __next__(self) -> Cell:
        with self._lock:
            return next(self._cells)


def run(directory: Path, peers: tuple[type[Peer], ...] = PEERS) -> Results:
    """Every cell against every server. A server that cannot be started fails the run."""
    pki = Pki(_made(directory / "pki"))
    # If the twin ever asked the computer whom it trusts, every server here would pass.
    os.environ["SSL_CERT_FILE"] = str(pki.authority.certificate)
    results: Results = {}
    workers: list[Worker] = []
    with ExitStack() as stack:
        for kind in peers:
            left, results[kind.name] = _Shared(cells() + with_older_servers()), {}
            for number in range(MODULES):
                place = _made(directory / f"{kind.name}{number}")
                peer = stack.enter_context(kind(place, pki))
                workers.append(Worker(place, peer, pki, left, results[kind.name]))
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    del os.environ["SSL_CERT_FILE"]
    return results


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def failures(results: Results) -> list[str]:
    """What is wrong, cell by cell."""
    return [
        f"{peer}, {cell}: {result.wrong}"
        for peer, done in results.items()
        for cell, result in done.items()
        if result.mark == "wrong"
    ]


def table(results: Results) -> str:
    """The table as text, not wider than 80 columns; the same for every run in which nothing is wrong."""
    head = "sslversion".ljust(28) + "".join(suite.ljust(7) for suite in (*SUITES, ALL_SUITES))
    rows = [head.rstrip()]
    for kind in PEERS:
        if done := results.get(kind.name):
            rows += ["", kind.name + (f" (S: {kind.reason})" if kind.reason else "")]
            rows += [_row(f"  {version}  {name}", done, version) for version, name in enumerate(VERSIONS)]
            rows += [
                _row(f"  {ALL_VERSIONS}  all; server: {VERSIONS[server]}", done, ALL_VERSIONS, server)
                for server in reversed(range(TLS12 + 1))
            ]
    rows += ["", *_counts(results)]
    assert all(len(row) <= WIDTH for row in rows), rows
    return "\n".join(rows) + "\n"


def _row(label: str, done: dict[Cell, Result], version: int, server: int = TLS12) -> str:
    suites = (*SUITES, ALL_SUITES)
    marks = [_mark([done[Cell(version, suite, level, server)] for level in LEVELS]) for suite in suites]
    return (label.ljust(28) + "".join(mark.ljust(7) for mark in marks)).rstrip()


def _mark(levels: list[Result]) -> str:
    """The levels that work, or why none does."""
    marks = {result.mark for result in levels}
    if len(marks) == 1 and (why := NOT_POSSIBLE.get(*marks)):
        return why
    return "".join(str(level) if levels[level].mark == "works" else "!" for level in LEVELS)


def _counts(results: Results) -> list[str]:
    base = set(cells())
    every = [(cell, result) for done in results.values() for cell, result in done.items()]

    def count(mark: str, *, older: bool = False) -> int:
        return sum(result.mark == mark and (cell not in base) == older for cell, result in every)

    somewhere = {cell for cell, result in every if result.mark == "works"} & base
    return [
        f"{len(base)} cells, {len(results)} servers: {count('works')} work, {count('impossible')} cannot exist, "
        f"{count('server cannot')} S, {count('wrong')} wrong.",
        f"{len(somewhere)} cells work with at least one server; {len(base) - len(somewhere)} cannot exist.",
        f"Older servers: {count('works', older=True)} work, {count('nothing in common', older=True)} have nothing in "
        f"common, {count('server cannot', older=True)} S, {count('wrong', older=True)} wrong.",
        f"{sum(result.connections for _, result in every):,} connections, "
        f"{sum(result.echoed for _, result in every):,} bytes echoed.",
    ]
