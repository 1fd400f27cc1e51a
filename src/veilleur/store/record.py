"""The audit record: rows that are only ever added, each bound to the one before it.

    digest = SHA-256 over a JSON list: scheme, number, at, who, deed, of, reason, details, previous

`previous` is the digest of the row before; the first row's is the chain's origin, 256 random bits
made with the database. So no row can be changed, removed, moved or slipped in without every later
digest changing; and the last digest, the head, stands in a row of its own (and in a file beside
the database), so that the end can't be cut off either. Triggers refuse to change or delete a row.
Source: RFC 9162 and C2SP tlog-checkpoint for the idea of a head kept elsewhere; law 71, 72.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, Text, select

from veilleur.errors import StoreError
from veilleur.law.deed import Entry
from veilleur.store.failures import failure
from veilleur.store.metadata import Instant, Words, metadata, microseconds, words

SCHEME = "veilleur-audit-1"
_compact = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_sorted = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("who", Words, nullable=False),
    Column("deed", String(40), nullable=False, index=True),
    Column("of", Words, nullable=False, index=True),
    Column("reason", Words, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

chain_head = Table(
    "chain_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("origin", String(64), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: its last row's number (0: none yet) and digest."""

    number: int
    digest: str


def canonical(details: Mapping[str, str]) -> str:
    """One text for one mapping, whatever the order it was made in."""
    return _sorted(dict(details))


def digest_of(
    number: int, at: int, texts: tuple[str, str, str, str], details: str, previous: str
) -> str:
    """at: microseconds since 1970. texts: who, deed, of, reason. details: canonical JSON."""
    content = [SCHEME, number, at, *texts, details, previous]
    return sha256(_compact(content).encode()).hexdigest()


def read_head(connection: Connection, *, to_write: bool = False) -> Head:
    """The head as it is recorded. to_write: nobody else may move it until the transaction ends.

    Raises StoreError "corrupt" where it is none."""
    return read_end(connection, to_write=to_write).head


@dataclass(frozen=True, slots=True)
class End:
    """What a chain is bound to at both ends."""

    origin: str
    head: Head


def read_end(connection: Connection, *, to_write: bool = False) -> End:
    """As `read_head`, with the chain's origin."""
    query = select(chain_head)
    rows = connection.execute(query.with_for_update() if to_write else query).all()
    if len(rows) != 1:
        raise _no_end(f"{len(rows)} rows tell where it ends")
    (row,) = rows
    typed = isinstance(row.number, int) and row.number >= 0
    if not typed or not isinstance(row.origin, str) or not isinstance(row.digest, str):
        raise _no_end(f"it is said to end with {row.number!r}, {row.digest!r}")
    return End(row.origin, Head(row.number, row.digest))


def _no_end(found: str) -> StoreError:
    return failure("the database", "corrupt", f"the end of its record was tampered with: {found}")


def append(connection: Connection, head: Head, entry: Entry) -> Head:
    """Add one row after `head`; the head row is left to `write_head`, once a transaction."""
    texts = (words(entry.who), entry.deed.value, words(entry.of), words(entry.reason))
    details = canonical(entry.details)
    number = head.number + 1
    digest = digest_of(number, microseconds(entry.at), texts, details, head.digest)
    who, deed, of, reason = texts
    connection.execute(
        audit.insert(),
        {
            "number": number,
            "at": entry.at,
            "who": who,
            "deed": deed,
            "of": of,
            "reason": reason,
            "details": details,
            "previous": head.digest,
            "digest": digest,
        },
    )
    return Head(number, digest)


def write_head(connection: Connection, head: Head) -> None:
    connection.execute(
        chain_head.update().values(number=head.number, digest=head.digest)  # its only row
    )
