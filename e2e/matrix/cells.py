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
    """One setting of the three parameters, and the newest version that the server knows."""

    version: int
    suite: str
    level: int
    server: int = TLS12

    def __str__(self) -> str:
        server = "" if self.server == TLS12 else f", server up to {VERSIONS[self.server]}"
        return f"sslversion {self.version}, ciphersuite 0X{self.suite}, seclevel {self.level}{server}"

    @property
    def newest(self) -> int:
        """The newest version that may be offered."""
        return min(self.version, TLS12)

    @property
    def impossible(self) -> bool:
        """The suite does not exist in that version (RFC 5246): nothing may be offered at all."""
        return self.suite == NEEDS_TLS12 and self.newest < TLS12

    @property
    def agreed(self) -> int:
        """The newest version that both have."""
        return min(self.newest, self.server)

    @property
    def nothing_in_common(self) -> bool:
        """The suite does not exist in the version that both have."""
        return self.suite == NEEDS_TLS12 and self.agreed < TLS12

    @property
    def offer(self) -> tuple[str, list[str]]:
        """What the ClientHello has to say: the newest version, and exactly these suites."""
        if self.suite != ALL_SUITES:
            return VERSIONS[self.newest], [self.suite]
        return VERSIONS[self.newest], [suite for suite in SUITES if self.newest == TLS12 or suite != NEEDS_TLS12]

    def outcome(self) -> tuple[str, str]:
        """The version and suite to end up with. Every server here prefers 003D, then 0035."""
        best = NEEDS_TLS12 if self.agreed == TLS12 else "0035"
        return VERSIONS[self.agreed], best if self.suite == ALL_SUITES else self.suite


def cells() -> list[Cell]:
    """All of them, in the table's order."""
    return [
        Cell(version, suite, level)
        for version in range(ALL_VERSIONS + 1)
        for suite in (*SUITES, ALL_SUITES)
        for level in LEVELS
    ]


def with_older_servers() -> list[Cell]:
    """The cells that offer all versions, each towards servers that do not know the newest."""
    return [
        Cell(ALL_VERSIONS, suite, level, server)
        for server in reversed(range(TLS12))
        for suite in (*SUITES, ALL_SUITES)
        for level in LEVELS
    ]
