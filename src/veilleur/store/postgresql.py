"""PostgreSQL as this product uses it: by psycopg, durable commits, no endless waits."""

from __future__ import annotations

from importlib.util import find_spec

from sqlalchemy import URL, Connection, Engine, create_engine

from veilleur.errors import ConfigurationError, StoreError
from veilleur.store import claim
from veilleur.store.claim import Claim
from veilleur.store.transaction import Writing

READERS = 16
CONNECT_S = 5


class Postgresql:
    """One connection writes, others read, one holds the claim of a desk. The server sees to its
    disk and to its soundness."""

    def __init__(self, url: URL, patience_s: float) -> None:
        if find_spec("psycopg") is None:
            raise ConfigurationError(
                "the driver for PostgreSQL is not installed",
                remedy="pip install 'veilleur[postgresql]'",
                setting="database",
            )
        url = url.set(drivername="postgresql+psycopg")
        self.where = url.render_as_string(hide_password=True)
        self.writer = _engine(url, patience_s, 1)
        self.reader = _engine(url, patience_s, READERS, reads=True)
        self._claim = Claim(_claiming(url, patience_s), self.where)

    def examine(self, connection: Connection) -> None:
        """The server examines its own files."""

    def take_in(self, writing: Writing) -> None:
        """Every process writes here itself."""

    def committed(self, writing: Writing) -> None:
        """Nothing is left to do."""

    def failed(self, error: StoreError) -> StoreError:
        """The server has said what it was; there is nothing to give up on its disk."""
        return error

    def refuse_unessential(self) -> None:
        """The server's disk can't be asked for its space."""

    def claim(self) -> None:
        self._claim.keep()

    def close(self) -> None:
        self._claim.release()
        self.reader.dispose()
        self.writer.dispose()


def _engine(url: URL, patience_s: float, size: int, *, reads: bool = False) -> Engine:
    waits = int(patience_s * 1000)
    wanted = (f"lock_timeout={waits}", "synchronous_commit=on", "TimeZone=UTC")
    settings = (*wanted, "default_transaction_read_only=on") if reads else wanted
    options = " ".join(f"-c {setting}" for setting in settings)
    return create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=patience_s,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": CONNECT_S},
        isolation_level="REPEATABLE READ" if reads else "READ COMMITTED",
    )


def _claiming(url: URL, patience_s: float) -> Engine:
    settings = " ".join(f"-c {name}={value}" for name, value in claim.KEEP_ALIVE.items())
    name = f"veilleur desk, {claim.process()}"
    return create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        connect_args={
            "options": f"{settings} -c statement_timeout={int(patience_s * 1000)}",
            "application_name": name,  # the server cuts it off at 63 bytes
            "connect_timeout": CONNECT_S,
            "tcp_user_timeout": int(patience_s * 1000),
        },
        isolation_level="AUTOCOMMIT",
    )
