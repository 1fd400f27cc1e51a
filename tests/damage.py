"""F8: the file of a database is damaged while the service is down: what becomes of it.

    python -m tests.damage --trials 2000 [--seed 0]
    python -m tests.damage --only 1234             # one again, and how it ends

A database that holds something of everything is struck at a random place: a bit turned, a page of
nothing, noise, a file cut short. Then it is opened and everything is read. It may be refused as
damaged, with what to do; the audit record may name a break; SQLite has no check sums, so a turned
bit in a number or a word outside record and pictures may go unnoticed. Nothing else may happen.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from unittest.mock import patch

from tests.acts import act
from tests.side_by_side import again
from tests.storing import NOON, signal, signalled, sqlite_url
from veilleur.errors import StoreError
from veilleur.law.orders import Scope, Stop, Suspension
from veilleur.store import (
    accounts,
    chain,
    evidence,
    incidents,
    orders,
    outbox,
    sessions,
    settings,
    tokens,
)
from veilleur.store.accounts import Account
from veilleur.store.database import Database
from veilleur.store.evidence import Content, Sort
from veilleur.store.tokens import Token
from veilleur.store.transaction import Reading, Writing

PAGE = 4096
INCIDENTS, OTHERS = 30, 4
FLIP, ZERO, NOISE, CUT = "a bit turned", "a page of nothing", "noise", "cut short"
KINDS = (FLIP,) * 3 + (ZERO, NOISE, CUT)
REFUSED, BREAK, UNNOTICED = "refused", "break", "unnoticed"
MAY_BE = {
    FLIP: {REFUSED, BREAK, UNNOTICED},
    NOISE: {REFUSED, BREAK, UNNOTICED},
    ZERO: {REFUSED},
    CUT: {REFUSED},
}


@dataclass(slots=True)
class Trials:
    """wrong: seeds and what became of them. ends: how often what ended how."""

    wrong: list[str] = field(default_factory=list)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __str__(self) -> str:
        said = [f"{kind}: {n} {end}" for (kind, end), n in sorted(self.ends.items())]
        return "; ".join([*said, f"{len(self.wrong)} wrong"])


def opened(folder: Path) -> Database:
    return Database.open(sqlite_url(folder), reserve_bytes=1 << 16)


def fill(folder: Path) -> None:
    """Something of everything; the same bytes each time."""
    folder.mkdir()
    die = Random(8)
    with (
        patch("secrets.randbits", die.getrandbits),
        patch("secrets.token_hex", lambda n: die.randbytes(n).hex()),
        opened(folder) as database,
        database.write() as w,
    ):
        for number in range(INCIDENTS):
            incident = signalled(w, signal(rule=str(number)))
            if number % 6 == 0:
                piece = evidence.promise(w, incident.id, Sort.STILL, taken_at=NOON, expires_at=NOON)
                if number % 12 == 0:
                    evidence.keep(w, piece, Content(die.randbytes(9000), "image/jpeg"))
        for number in range(OTHERS):
            _others(w, f"one-{number}", number)


def _others(w: Writing, name: str, number: int) -> None:
    orders.add_act(w, act(reference=name, cameras=(name,)), "dpo", NOON)
    orders.suspend(w, name, Suspension(who="dpo", at=NOON, reason="ordered"))
    orders.stop(w, Stop(scope=Scope.CAMERA, target=name, who="ann", at=NOON))
    roles, cameras = frozenset({"operator"}), frozenset({"gate"})
    account = Account(
        name=name,
        password="x",
        roles=roles,
        cameras=cameras,
        habilitated_until=NOON,
        trained_until=NOON,
    )
    accounts.add(w, account, NOON)
    sessions.begin(w, name, name, NOON)
    settings.put(w, name, "a value")
    token = Token(
        id=signal().id,
        account=name,
        name=name,
        permissions=frozenset({"read"}),
        cameras=cameras,
        issued=NOON,
        expires=NOON,
    )
    tokens.issue(w, token, f"digest-{number}")


def read_all(r: Reading) -> None:
    for incident in incidents.recent(r, None, limit=1000):
        for piece in evidence.pieces(r, incident.id, None):
            evidence.content(r, piece.id, None)
    for number in range(OTHERS):
        sessions.session(r, f"one-{number}")
        settings.get(r, f"one-{number}")
    outbox.after(r, 0, 1000, None)
    accounts.all_accounts(r)
    tokens.all_tokens(r)
    orders.all_acts(r)
    orders.current(r, NOON)
    evidence.awaited(r)
    chain.lines(r, limit=1000)


def outcome(folder: Path) -> str:
    """REFUSED, BREAK, UNNOTICED, or in words what may not be. Raises whatever it may not raise."""
    try:
        with opened(folder) as database, database.read() as r:
            report = chain.verify(r)
            read_all(r)
    except StoreError as error:
        named = error.cause == "corrupt" and error.remedy
        return REFUSED if named else f"wrongly named: {error.cause}: {error}"
    return UNNOTICED if report.intact else BREAK


def strike(content: bytearray, kind: str, die: Random) -> None:
    place = die.randrange(len(content))
    if kind == FLIP:
        content[place] ^= 1 << die.randrange(8)
    elif kind == ZERO:
        page = place // PAGE * PAGE
        content[page : page + PAGE] = bytes(PAGE)
    elif kind == NOISE:
        end = min(place + 16, len(content))
        content[place:end] = die.randbytes(end - place)
    else:
        del content[place:]


def trial(filled: Path, seed: int, scratch: Path) -> tuple[str, str]:
    """Which kind of damage, and what became of it."""
    die = Random(seed)
    kind = die.choice(KINDS)
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(filled, scratch)
    file = scratch / "veilleur.db"
    content = bytearray(file.read_bytes())
    strike(content, kind, die)
    file.write_bytes(content)
    return kind, outcome(scratch)


def trials(folder: Path, first: int, number: int) -> Trials:
    """Seeds from `first` on, in an empty folder."""
    filled, done = folder / "filled", Trials()
    fill(filled)
    for seed in range(first, first + number):
        with again("tests.damage", "--only", seed):
            kind, end = trial(filled, seed, folder / "struck")
        done.ends[kind, end.partition(":")[0]] += 1
        if end not in MAY_BE[kind]:
            done.wrong.append(f"python -m tests.damage --only {seed}: {kind}: {end}")
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this seed alone")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    first, number = (asked.seed, asked.trials) if asked.only is None else (asked.only, 1)
    done = trials(folder, first, number)
    shutil.rmtree(folder)
    print(*done.wrong[:20], done, sep="\n")
    sys.exit(bool(done.wrong))


if __name__ == "__main__":
    main()
