"""What is asked for in each cell, and what has to come of it."""

from dataclasses import dataclass

VERSIONS = ("SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2")
ALL_VERSIONS = 4
TLS12 = 3
# In the order of the guide, which is also the order of the twin's offer.
SUITES = ("0035", "002F", "0005", "0004", "000A", "003D")
ALL_SUITES = "FFFF"
NEEDS_TLS12 = "003D"
LEVELS = (0, 1, 2)


@dataclass(frozen=True)
class Cell:
    """One setting of the three parameters."""

    version: int
    suite: str
    level: int

    def __str__(self) -> str:
        return f"sslversion {self.version}, ciphersuite 0X{self.suite}, seclevel {self.level}"

    @property
    def newest(self) -> int:
        """The newest version that may be offered."""
        return min(self.version, TLS12)

    @property
    def impossible(self) -> bool:
        """The suite does not exist in that version (RFC 5246): nothing may be offered at all."""
        return self.suite == NEEDS_TLS12 and self.newest < TLS12

    @property
    def offer(self) -> tuple[str, list[str]]:
        """What the ClientHello has to say: the newest version, and exactly these suites."""
        if self.suite != ALL_SUITES:
            return VERSIONS[self.newest], [self.suite]
        return VERSIONS[self.newest], [suite for suite in SUITES if self.newest == TLS12 or suite != NEEDS_TLS12]

    def outcome(self) -> tuple[str, str]:
        """The version and suite to end up with. Every server here knows TLS 1.2, and prefers 003D, then 0035."""
        best = NEEDS_TLS12 if self.newest == TLS12 else "0035"
        return VERSIONS[self.newest], best if self.suite == ALL_SUITES else self.suite


def cells() -> list[Cell]:
    """All of them, in the table's order."""
    return [
        Cell(version, suite, level)
        for version in range(ALL_VERSIONS + 1)
        for suite in (*SUITES, ALL_SUITES)
        for level in LEVELS
    ]
