"""The whole run, and its table."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from support.pki import Pki

from .cells import ALL_SUITES, ALL_VERSIONS, LEVELS, SUITES, VERSIONS, Cell, cells
from .drive import Result, Worker
from .peers import PEERS, Peer

# So many modules for each implementation, each with servers of its own.
MODULES = 2
WIDTH = 80

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
            left, results[kind.name] = _Shared(cells()), {}
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
            rows += [_row(version, done) for version in range(ALL_VERSIONS + 1)]
    rows += ["", *_counts(results)]
    assert all(len(row) <= WIDTH for row in rows), rows
    return "\n".join(rows) + "\n"


def _row(version: int, done: dict[Cell, Result]) -> str:
    label = f"all, {VERSIONS[-1]} agreed on" if version == ALL_VERSIONS else VERSIONS[version]
    marks = [_mark([done[Cell(version, suite, level)] for level in LEVELS]) for suite in (*SUITES, ALL_SUITES)]
    return (f"  {version}  {label}".ljust(28) + "".join(mark.ljust(7) for mark in marks)).rstrip()


def _mark(levels: list[Result]) -> str:
    """The levels that work, or why none does; for all suites, also the one that was agreed on."""
    marks = {result.mark for result in levels}
    if marks == {"impossible"}:
        return "."
    if marks == {"server cannot"}:
        return "S"
    return "".join(str(level) if levels[level].mark == "works" else "!" for level in LEVELS)


def _counts(results: Results) -> list[str]:
    every = [result for done in results.values() for result in done.values()]
    count = {mark: sum(result.mark == mark for result in every) for mark in ("works", "impossible", "server cannot")}
    pairs = {
        (cell.version, cell.suite, cell.level)
        for done in results.values()
        for cell, result in done.items()
        if result.mark == "works"
    }
    return [
        f"{len(cells())} cells, {len(results)} servers: {count['works']} work, "
        f"{count['impossible']} cannot exist, {count['server cannot']} S, "
        f"{len(failures(results))} wrong.",
        f"{len(pairs)} cells work with at least one server; {len(cells()) - len(pairs)} cannot exist.",
        f"{sum(result.connections for result in every):,} connections, "
        f"{sum(result.echoed for result in every):,} bytes echoed.",
    ]
