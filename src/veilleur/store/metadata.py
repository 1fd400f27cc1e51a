"""What all tables share: their catalogue, how an instant is kept, and how words are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

from veilleur.store.failures import failure

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_NOT_KEPT = re.compile("[\0\ud800-\udfff]")


def microseconds(at: datetime) -> int:
    """Since 1970, UTC. Raises ValueError for an instant without a time zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return (at - EPOCH) // MICROSECOND


def instant(microseconds: int) -> datetime:
    return EPOCH + microseconds * MICROSECOND


def words(text: str) -> str:
    """What not every database keeps (NUL, halves of characters) becomes U+FFFD, visibly."""
    return _NOT_KEPT.sub("\ufffd", text)


class Instant(TypeDecorator[datetime]):
    """An aware instant, as whole microseconds since 1970 in UTC: exact, and alike everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        try:
            return instant(value)
        except (OverflowError, TypeError) as error:
            raise failure("the database", "corrupt", f"{value!r} is no instant") from error


class Words(TypeDecorator[str]):
    """Text that somebody typed, or that came from outside."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else words(value)
