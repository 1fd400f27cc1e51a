"""One desk a database: the second is refused by name, and a lost claim is noticed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.acts import NOW, act, verified
from tests.storing import postgresql, sqlite_url
from veilleur.catalogue import Event
from veilleur.desk.authority import Authority
from veilleur.errors import NotAuthorised, StoreError
from veilleur.law.gate import Gate, Live
from veilleur.law.regime import desk
from veilleur.store.database import Database

__all__ = ["postgresql"]  # a fixture

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


def cut(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(CUT.encode())


def test_whose_a_file_is_is_said_to_whoever_comes_second(tmp_path: Path) -> None:
    with Database.open(sqlite_url(tmp_path)) as first:
        first.claim()
        with pytest.raises(StoreError) as caught:
            Database.open(sqlite_url(tmp_path))
    assert caught.value.cause == "locked"
    assert f"process {os.getpid()} on " in caught.value.message
    assert "end that one first" in caught.value.remedy
    with Database.open(sqlite_url(tmp_path)) as again:
        again.claim()


@pytest.mark.tool("postgresql")
def test_a_server_has_one_desk_and_any_number_of_commands(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    with Database.open(url) as first, Database.open(url) as second:
        first.claim()
        first.claim()
        with pytest.raises(StoreError) as caught:
            second.claim()
        assert caught.value.cause == "locked"
        assert f"process {os.getpid()} on " in caught.value.message
        assert "pg_terminate_backend" in caught.value.remedy
        first.close()
        second.claim()


@pytest.mark.tool("postgresql")
def test_a_claim_that_was_cut_is_taken_again_or_is_another_ones(
    postgresql: Callable[[], str],
) -> None:
    url = postgresql()
    with Database.open(url) as first, Database.open(url) as second:
        first.claim()
        cut(url)
        first.claim()
        cut(url)
        second.claim()
        for _ in range(2):
            with pytest.raises(StoreError) as caught:
                first.claim()
            assert caught.value.cause == "locked"
            assert "has lost its database to another one" in caught.value.message
        second.close()
        with pytest.raises(StoreError):
            first.claim()
    with Database.open(url) as again:
        again.claim()


@pytest.mark.tool("postgresql")
def test_who_lost_the_claim_writes_nothing_any_more(postgresql: Callable[[], str]) -> None:
    """Not even what its clockwork would: escalations, erasures, its pulse. Nor when the other desk
    is gone again: it has given other orders meanwhile."""
    url = postgresql()
    with Database.open(url) as first, Database.open(url) as second:
        first.claim()
        cut(url)
        second.claim()
        with pytest.raises(StoreError):
            first.claim()
        second.close()
        for use in (first.write, first.read):
            with pytest.raises(StoreError, match="has lost its database") as caught, use():
                pytest.fail("it goes on")
            assert caught.value.cause == "locked"


@pytest.mark.tool("postgresql")
def test_a_desk_that_lost_its_database_to_another_looks_at_nothing(
    postgresql: Callable[[], str],
) -> None:
    """Its gate is closed as soon as it knows."""
    url, boot = postgresql(), 0.0
    with Database.open(url) as first, Database.open(url) as second:
        gate = Gate({"gate": Live()}, desk(verified()), site="square", boot=lambda: boot)
        told: list[StoreError | None] = []
        ended = threading.Event()

        def alive(error: StoreError | None) -> None:
            told.append(error)
            ended.set()

        authority = Authority(
            first, gate, utc=lambda: NOW, boot=lambda: boot, alive=alive, checked=lambda _: False
        )
        first.claim()
        authority.add(act(), "dpo")
        assert gate.admit("gate", {"tracks": Event.FORBIDDEN_ZONE}, NOW)
        cut(url)
        second.claim()
        boot = 1.5
        authority.run(ended)
        assert told[0] is not None
        assert told[0].cause == "locked"
        with pytest.raises(NotAuthorised):
            gate.admit("gate", {"tracks": Event.FORBIDDEN_ZONE}, NOW)
