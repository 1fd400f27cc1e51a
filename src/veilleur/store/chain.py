"""Is the audit record whole? Every row is read, and what does not fit is named by its number.

The numbers run from 1 to the head's without a gap; each row's digest is that of its content; each
names the digest of the row before. Where one of the three fails, a row was changed, deleted, moved,
inserted or cut off. Somebody who may write to the tables and the head can make a new chain from any
row on: what shows that is a head which was kept elsewhere (`known`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import BigInteger, ColumnElement, RowMapping, select, type_coerce

from veilleur.law.deed import Deed
from veilleur.store.failures import understood
from veilleur.store.record import Head, audit, digest_of, read_end
from veilleur.store.transaction import Reading

MOST = 100
"""So many findings are told; the rest is only counted."""
KEPT = 20_000
"""So many rows of a kind are judged one by one."""
PLACES = 200
"""In so many places a row that stands in a wrong one is looked for."""
CLOCK_BACK = 60_000_000  # microseconds
AT_ONCE = 5000
REWRITTEN = "it was written anew, with a digest of its own: the row after it is bound to another"


class Tamper(StrEnum):
    """What happened to a row."""

    CHANGED = "changed"
    DELETED = "deleted"
    REORDERED = "reordered"
    INSERTED = "inserted"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Finding:
    """number: of the row; of several together the first."""

    kind: Tamper
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """rows: how many there are. head: the end as it is recorded. more: findings beyond those told.

    clock_back: numbers of rows that are told to be over a minute older than the row before: the
    clock was set back. That is no break.
    """

    rows: int
    head: Head
    findings: tuple[Finding, ...]
    more: int = 0
    clock_back: tuple[int, ...] = ()

    @property
    def intact(self) -> bool:
        return not self.findings


class RawLine(Protocol):
    """A row as it is kept. at: microseconds since 1970. Nothing in it can be relied on, not even
    its types: that is what is to be found out."""

    @property
    def number(self) -> Any: ...
    @property
    def at(self) -> Any: ...
    @property
    def who(self) -> Any: ...
    @property
    def deed(self) -> Any: ...
    @property
    def of(self) -> Any: ...
    @property
    def reason(self) -> Any: ...
    @property
    def details(self) -> Any: ...
    @property
    def previous(self) -> Any: ...
    @property
    def digest(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the record. details: canonical JSON of short texts."""

    number: int
    at: datetime
    who: str
    deed: str
    of: str
    reason: str
    details: str
    previous: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which rows are asked for: of these deeds, by this account, about this; in this time."""

    deeds: frozenset[Deed] = frozenset()
    who: str | None = None
    of: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.deeds:
            yield audit.c.deed.in_([deed.value for deed in self.deeds])
        if self.who is not None:
            yield audit.c.who == self.who
        if self.of is not None:
            yield audit.c.of == self.of
        if self.since is not None:
            yield audit.c.at >= self.since
        if self.until is not None:
            yield audit.c.at < self.until


EVERYTHING = Question()


def verify(r: Reading, known: Sequence[Head] = ()) -> ChainReport:
    """Read it all. known: ends of the chain that were kept elsewhere, which must be in it.

    Raises StoreError "corrupt" where the record's own end can't be read.
    """
    end = read_end(r.connection)
    return examine(end.origin, end.head, raw_lines(r), known)


def raw_lines(r: Reading) -> Iterable[RawLine]:
    """Every row as it is kept, in order of their numbers."""
    query = select(*_RAW).order_by(audit.c.number)
    return r.connection.execution_options(yield_per=AT_ONCE).execute(query)


def examine(
    origin: str, head: Head, rows: Iterable[RawLine], known: Sequence[Head] = ()
) -> ChainReport:
    """The same for rows from wherever they come, in order of their numbers."""
    walk = _Walk(origin, head, known)
    for row in rows:
        walk.step(row)
    findings, more = walk.findings()
    return ChainReport(walk.rows, head, tuple(findings), more, tuple(walk.clock_back))


@understood("the record")
def lines(
    r: Reading,
    question: Question = EVERYTHING,
    *,
    after: int = 0,
    before: int | None = None,
    limit: int = 100,
    newest: bool = False,
) -> list[Line]:
    """Rows in order of their numbers. after, before: neither included. newest: the last first."""
    query = select(audit).where(audit.c.number > after, *question.conditions).limit(limit)
    if before is not None:
        query = query.where(audit.c.number < before)
    order = audit.c.number.desc() if newest else audit.c.number
    return [_line(row._mapping) for row in r.connection.execute(query.order_by(order))]


def _line(row: RowMapping) -> Line:
    """What is no text was put there by somebody: it is shown as what it is."""
    texts = {name: row[name] for name in row if name not in ("number", "at")}
    shown = {name: it if isinstance(it, str) else repr(it) for name, it in texts.items()}
    return Line(number=int(row["number"]), at=row["at"], **shown)


_RAW_AT = type_coerce(audit.c.at, BigInteger).label("at")
_RAW = tuple(_RAW_AT if column is audit.c.at else column for column in audit.c)


def _written_as(row: RawLine, number: int) -> bool:
    """Is the row's digest that of its content, had it this number? Bytes are no content."""
    texts = (row.who, row.deed, row.of, row.reason)
    if any(isinstance(one, bytes) for one in (row.at, *texts, row.details, row.previous)):
        return False
    return bool(digest_of(number, row.at, texts, row.details, row.previous) == row.digest)


class _Walk:
    """From the first row to the last. It keeps what does not fit, and judges at the end."""

    def __init__(self, origin: str, head: Head, known: Sequence[Head]) -> None:
        self.head = head
        self.rows = 0
        self.clock_back: list[int] = []
        self._expected = 1
        self._previous: str | None = origin  # of the row before; None: it can't be relied on
        self._unlinked: int | None = None  # a row that names another row before it
        self._latest = 0
        self._known = {one.number: one.digest for one in known if one.number}
        self._seen: dict[int, str] = {}
        self._broken: dict[int, RawLine] = {}  # whose content is not that of its digest
        self._missing: list[int] = []
        self._rewritten: list[int] = []
        self._strange: list[object] = []  # numbers that can't be
        self._uncounted = 0

    def step(self, row: RawLine) -> None:
        self.rows += 1
        number = row.number
        if not isinstance(number, int) or number < self._expected:
            self._strange.append(number)
            return
        self._gap(range(self._expected, number))
        if number in self._known:
            self._seen[number] = row.digest
        if _written_as(row, number):
            self._link(row)
        else:
            self._break(row)
        self._expected = number + 1
        self._clock(row)

    def _gap(self, missing: range) -> None:
        if missing:
            self._settle()
            self._previous = None
            self._missing.extend(missing[:KEPT])
            self._uncounted += max(0, len(missing) - KEPT)

    def _break(self, row: RawLine) -> None:
        self._settle()
        self._previous = None
        if len(self._broken) < KEPT:
            self._broken[row.number] = row
        else:
            self._uncounted += 1

    def _link(self, row: RawLine) -> None:
        """Its own digest is right: is it bound to the row before?"""
        fits = self._previous is None or row.previous == self._previous
        if self._unlinked is not None:  # the row before names another one before it ...
            self._rewritten.append(self._unlinked - 1 if fits else self._unlinked)
            self._unlinked = None  # ... which is wrong, or it is itself
        elif not fits:
            self._unlinked = row.number
        self._previous = row.digest

    def _settle(self) -> None:
        """What comes next says nothing about the unlinked row."""
        if self._unlinked is not None:
            self._rewritten.append(self._unlinked - 1)
            self._unlinked = None

    def _clock(self, row: RawLine) -> None:
        if not isinstance(row.at, int):
            return
        if row.at < self._latest - CLOCK_BACK:
            self.clock_back.append(row.number)
        self._latest = row.at

    def findings(self) -> tuple[list[Finding], int]:
        """All that is wrong, by number, and how much more there is."""
        self._end()
        claims = self._claims()
        found = [
            *self._absent(claims),
            *self._misplaced(claims),
            *self._surplus(claims),
            *(_found(Tamper.CHANGED, number, REWRITTEN) for number in self._rewritten),
            *self._unknown(),
        ]
        found.sort(key=lambda one: one.number)
        return found[:MOST], max(0, len(found) - MOST) + self._uncounted

    def _end(self) -> None:
        last = self._expected - 1
        complete = last == self.head.number
        whole = self._previous in (None, self.head.digest)
        if self._unlinked is not None and not (complete and whole):
            self._rewritten.append(self._unlinked)  # neither side knows it
        elif self._unlinked is not None:
            self._settle()
        elif complete and not whole:
            self._rewritten.append(last)

    def _claims(self) -> dict[int, int]:
        """Where a broken row stands, and the number under which it was written."""
        places = [*self._broken, *self._missing][:PLACES]
        claims: dict[int, int] = {}
        shift = 1
        for number, row in self._broken.items():
            for place in (number + shift, number - 1, number + 1, *places):
                if _written_as(row, place):
                    claims[number], shift = place, place - number
                    break
        return claims

    def _absent(self, claims: Mapping[int, int]) -> Iterator[Finding]:
        """Numbers whose row stands nowhere."""
        claimed = set(claims.values())
        for number in {*self._missing, *claims} - claimed:
            if number > self.head.number:
                continue
            yield _found(Tamper.DELETED, number, "it is not there")
        last = self._expected - 1
        cut = [n for n in range(last + 1, self.head.number + 1)[:KEPT] if n not in claimed]
        self._uncounted += max(0, self.head.number - last - KEPT)
        for number in cut:
            until = f"the record is cut off: it should go on to number {self.head.number}"
            yield _found(Tamper.TRUNCATED, number, until)

    def _misplaced(self, claims: Mapping[int, int]) -> Iterator[Finding]:
        claimed = set(claims.values())
        for number in self._broken:
            if number in claims:
                written = f"it was written as number {claims[number]}"
                yield _found(Tamper.REORDERED, number, written)
            elif number in claimed:
                yield _found(Tamper.INSERTED, number, "another row was written under its number")
            else:
                yield _found(Tamper.CHANGED, number, "its content is not what was written")

    def _surplus(self, claims: Mapping[int, int]) -> Iterator[Finding]:
        last = self._expected - 1
        doubled = set(claims.values()) - set(self._broken) - set(self._missing)
        for number in (one for one in doubled if one <= last):
            yield _found(Tamper.INSERTED, number, "another row was written under its number")
        for number in range(self.head.number + 1, last + 1)[:KEPT]:
            if number not in self._broken and number not in self._missing:
                yield _found(Tamper.INSERTED, number, f"the record ends at {self.head.number}")
        for strange in self._strange:
            number = strange if isinstance(strange, int) else 0
            yield _found(Tamper.INSERTED, number, f"{strange!r} is no number of a row, or is twice")

    def _unknown(self) -> Iterator[Finding]:
        """Ends that were kept elsewhere and are not in this record."""
        for number, digest in self._known.items():
            if number not in self._seen:
                what = "an end of the record that was kept elsewhere is not in it"
                yield _found(Tamper.TRUNCATED, number, what)
            elif self._seen[number] != digest:
                what = "the record up to it is not the one whose end was kept elsewhere"
                yield _found(Tamper.CHANGED, number, what)


def _found(kind: Tamper, number: int, what: str) -> Finding:
    return Finding(kind, number, f"record {number} was {kind.value}: {what}")
