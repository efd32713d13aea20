"""Runs the matrix and prints its table; what is wrong goes to standard error."""

import sys
import tempfile
from pathlib import Path

from .run import failures, run, table


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="modemtwin-matrix-") as directory:
        results = run(Path(directory))
    print(table(results), end="")
    wrong = failures(results)
    for failure in wrong:
        print(failure, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
