"""A database with accounts in it, and a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pwdlib.hashers.argon2 import Argon2Hasher

from veilleur.console.administration import Accounts, Rights, Tokens
from veilleur.console.identities import KeptIdentities
from veilleur.console.passwords import Passwords
from veilleur.console.permission import Role
from veilleur.console.settings import Rates, Settings
from veilleur.console.signing import SignIn
from veilleur.law.deed import COMMAND_LINE, Deed
from veilleur.store import chain
from veilleur.store.chain import Line
from veilleur.store.database import Database

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
PASSWORD = "correct horse battery"
CHEAP = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
UNLIMITED = Rates(anonymous_hz=1e6, anonymous_burst=10**6, signed_in_hz=1e6, signed_in_burst=10**6)


@dataclass
class Clock:
    """UTC; stands still until it is moved. set_by: so far it was set, while no time passed."""

    at: datetime = NOW
    set_by: timedelta = timedelta()

    def __call__(self) -> datetime:
        return self.at + self.set_by

    def passed(self) -> float:
        return (self.at - NOW).total_seconds()

    def on(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class Residents:
    """Everything about accounts, over a database of its own."""

    folder: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.database = Database.open(f"sqlite:///{self.folder}/veilleur.db", reserve_bytes=1 << 16)
        self.settings = Settings(
            passwords=CHEAP, now=self.clock, passed=self.clock.passed, rates=UNLIMITED
        )
        self.identities = KeptIdentities(self.database, self.settings)
        self.accounts = Accounts(self.database, self.settings)
        self.tokens = Tokens(self.database, self.settings)
        self.signing = SignIn(self.database, self.settings, self.identities)

    def add(
        self,
        name: str,
        *roles: Role,
        cameras: frozenset[str] | None = None,
        qualified: bool = True,
    ) -> None:
        until = NOW + YEAR if qualified else NOW
        rights = Rights(
            roles=frozenset(roles or (Role.OPERATOR,)),
            cameras=cameras,
            habilitated_until=until,
            trained_until=NOW + YEAR,
            language="en",
        )
        self.accounts.add(name, PASSWORD, rights, COMMAND_LINE)

    def lines(self, *deeds: Deed) -> list[Line]:
        with self.database.read() as r:
            found = list(chain.lines(r, limit=100_000))
        return [line for line in found if not deeds or line.deed in deeds]
