"""A process that uses a database and is then struck: python -m tests.store_victim

It reads jobs, one a line: a word and a database's URL. For each it forks a child, which stops
before it begins (so that a tracer can be attached), and says its process id. The child writes a
line after each deed: "ok" and what was acknowledged, or "failed" and the cause.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import count

from tests.storing import NOON, at, entry, opened
from tests.storing import signal as made
from veilleur.errors import StoreError
from veilleur.incidents import life
from veilleur.incidents.incident import Verdict
from veilleur.law.deed import Deed
from veilleur.store import evidence, incidents, orders, outbox
from veilleur.store.database import Database
from veilleur.store.evidence import Content, Sort
from veilleur.store.transaction import Writing

SMALL_RESERVE = 1 << 20
PICTURE = Content(os.urandom(20_000), "image/jpeg")
MANY = 1500  # rows of the record: enough for a checkpoint


def say(*words: object) -> None:
    """At once, and whole."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def a_signal(w: Writing) -> str:
    first = made(rule=f"rule-{os.urandom(6).hex()}")
    incident = opened(first)
    incidents.insert(w, incident)
    w.record(entry(Deed.SIGNAL, f"signal:{first.id}"))
    w.record(entry(Deed.INCIDENT_OPENED, f"incident:{incident.id}"))
    outbox.append(w, incident, Deed.INCIDENT_OPENED, NOON)
    return str(first.id)


def a_verdict(w: Writing) -> str:
    first = made(rule=f"rule-{os.urandom(6).hex()}")
    incident = opened(first)
    incidents.insert(w, incident)
    w.record(entry(Deed.SIGNAL, f"signal:{first.id}"))
    taken = life.take(incident, "ann", at(1))
    verdict = Verdict(confirmed=True, who="ann", at=at(2), reason="minor")
    incidents.update(w, life.decide(taken, verdict), incident.revision)
    w.record(entry(Deed.INCIDENT_CONFIRMED, f"incident:{incident.id}"))
    outbox.append(w, incident, Deed.INCIDENT_CONFIRMED, NOON)
    return str(first.id)


def a_stop(w: Writing) -> str:
    orders.withdraw(w, os.urandom(6).hex(), "ann", NOON, "")
    return record(w, Deed.CAMERA_WITHDRAWN)


def a_picture(w: Writing) -> str:
    first = made(rule=f"rule-{os.urandom(6).hex()}")
    incident = opened(first)
    incidents.insert(w, incident)
    outbox.append(w, incident, Deed.INCIDENT_OPENED, NOON)
    piece = evidence.promise(w, incident.id, Sort.STILL, taken_at=NOON, expires_at=NOON)
    evidence.keep(w, piece, PICTURE)
    w.record(entry(Deed.SIGNAL, f"signal:{first.id}"))
    return str(first.id)


def an_erasure(w: Writing) -> str:
    evidence.expire(w, NOON + timedelta(days=1))
    return record(w, Deed.EVIDENCE_ERASED)


def much(w: Writing) -> str:
    for _ in range(MANY):
        w.record(entry(Deed.DENIED, of="page:" + "x" * 1000))
    return record(w, Deed.ENDED)


def record(w: Writing, deed: Deed) -> str:
    return f"record:{w.record(entry(deed))}"


DEEDS: dict[str, list[Callable[[Writing], str]]] = {
    "open": [a_signal],
    "deeds": [a_signal, a_verdict, a_stop, a_picture, a_signal, an_erasure, a_signal],
    "much": [a_signal, much, a_signal, a_signal],
}


def child(word: str, url: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        database = Database.open(url, reserve_bytes=SMALL_RESERVE)
    except StoreError as error:
        say("refused", error.cause)
        return
    deeds = DEEDS[word] if word in DEEDS else (a_signal for _ in count())
    for deed in deeds:
        try:
            with database.write() as w:
                acknowledged = deed(w)
            say("ok", acknowledged)
        except StoreError as error:
            say("failed", error.cause)
    database.close()


def main() -> None:
    for line in sys.stdin:
        word, url = line.split()
        process = os.fork()
        if process == 0:
            child(word, url)
            os._exit(0)
        say("started", process)
        os.waitpid(process, 0)
        say("ended")


if __name__ == "__main__":
    main()
