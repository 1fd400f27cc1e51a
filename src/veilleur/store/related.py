"""Rows that hang on others: the values of many owners, in one question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sqlalchemy import Column, select

from veilleur.store.transaction import Reading

Owner = TypeVar("Owner")


def related(
    r: Reading, owner: Column[Owner], value: Column[str], of: Iterable[Owner]
) -> dict[Owner, list[str]]:
    """The values of each of these owners that has any. owner, value: columns of one table."""
    found: dict[Owner, list[str]] = {}
    for one, text in r.connection.execute(select(owner, value).where(owner.in_(list(of)))):
        found.setdefault(one, []).append(text)
    return found
