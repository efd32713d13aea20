"""Every version, suite and level, through AT, against three servers that share no code with the twin."""

from collections.abc import Callable
from pathlib import Path

from matrix.cells import cells, with_older_servers
from matrix.run import failures, run, table

PAGE = Path(__file__).parent.parent / "docs" / "tls.md"


def test_every_cell_against_every_server(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    results = run(tmp_path)
    printed = table(results)
    record_property("table", printed)
    wrong = failures(results)
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join([printed, *wrong])
    assert all(len(done) == len(cells() + with_older_servers()) for done in results.values())
    assert printed in PAGE.read_text(), "docs/tls.md has another table; run `cargo xtask tls-matrix --write`"
