"""Orders of the authority and of the people on duty: kept, put on the record, and obeyed at once.

The gate is told every half second, and right after each order that is given here. Where the store
can't be read for two seconds it closes by itself (`law.gate`).
Source: law 30, 45; loi n° 2023-380, article 10, VI 4° and VIII.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from veilleur.desk.timekeeping import checked
from veilleur.errors import Coded, ConfigurationError, NotFound, StoreError
from veilleur.law.authorisation import Authorisation
from veilleur.law.conditions import faults
from veilleur.law.deed import SYSTEM, Deed, Entry
from veilleur.law.gate import CONTACT_S, Gate, boot_s
from veilleur.law.orders import Act, Orders, Scope, Stop, Suspension
from veilleur.law.steady import STEP_S
from veilleur.store import orders
from veilleur.store.database import Database
from veilleur.store.transaction import Writing

ASK_EVERY_S = 0.5


class Authority:
    """told: called where the orders have changed. alive: called with each reading. boot: the gate's
    clock. checked: does a time server vouch for this instant, which is now?"""

    def __init__(
        self,
        database: Database,
        gate: Gate,
        *,
        told: Callable[[Orders], None] = lambda _: None,
        alive: Callable[[StoreError | None], None] = lambda _: None,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
        boot: Callable[[], float] = boot_s,
        checked: Callable[[datetime], bool] = checked,
    ) -> None:
        self._database, self._gate, self._told, self._alive = database, gate, told, alive
        self._utc, self._boot, self._checked = utc, boot, checked
        self._lock = threading.Lock()
        self._unwritten: list[_Order] = []
        self._fresh_until = -math.inf
        self.orders = Orders()

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(ASK_EVERY_S):
            try:
                self._database.claim()
                self._write_unwritten()
                self.renew()
                self.settle()
                self._alive(None)
            except StoreError as error:
                if self._database.lost is not None:
                    self._end_contact()
                self._alive(error)

    def _end_contact(self) -> None:
        """Another desk gives the orders now: nothing passes the gate of this one."""
        with self._lock:
            self._fresh_until = -math.inf
            self._gate.obey(self.orders, fresh_until=self._fresh_until)

    def renew(self) -> None:
        """Read what is in force and have the gate obey it. Raises StoreError."""
        with self._lock:
            self._gate.steady.stepped_s(self._utc())  # from now on it notices when that is set
            fresh_until = self._boot() + CONTACT_S  # before the orders are read
            with self._database.read() as r:
                now = self._with_unwritten(orders.current(r, self._utc()))
            self._fresh_until = fresh_until
            self._gate.obey(now, fresh_until=fresh_until)
            changed, self.orders = now != self.orders, now
        if changed:
            self._told(now)

    # ------------------------------------------------------------------ the clock
    @property
    def doubt_s(self) -> float:
        """By how much the clock was set since it was last known to be right, 0: it was not. While
        it is in doubt an act has to cover the time with and without that step."""
        stepped_s = self._gate.steady.stepped_s(self._utc())
        return stepped_s if abs(stepped_s) > STEP_S else 0.0

    def settle(self) -> None:
        """The doubt ends where a time server vouches for the clock as it is now."""
        if self.doubt_s and self._checked(self._utc()):
            self._settle(SYSTEM, "a time server keeps the clock")

    def clock_is_right(self, who: str, reason: str) -> None:
        """Somebody has compared it with another clock, and answers for it. Raises StoreError: the
        doubt goes on where that can't be put on the record."""
        if self.doubt_s:
            self._settle(who, reason)
            self.renew()

    def _settle(self, who: str, reason: str) -> None:
        """On the record first: an act may open again by it. Not where the clock was set meanwhile:
        nobody has answered for that."""
        doubt_s = self.doubt_s
        details = {"seconds": f"{doubt_s:+.1f}"}
        with self._database.write() as w:
            deed = Deed.CLOCK_STEPPED
            w.record(Entry(deed=deed, at=self._utc(), who=who, reason=reason, details=details))
        if abs(self.doubt_s - doubt_s) <= STEP_S:
            self._gate.steady.settle(self._utc())

    # ------------------------------------------------------------------ what closes
    def _close(self, order: _Order) -> None:
        """The gate obeys at once; the record may follow. Law 30 and 45 know no disk that is full.

        Raises StoreError where the order is in force and not yet on the record: it is written as
        soon as that is possible, and until then the desk says so.
        """
        with self._lock:
            self._unwritten.append(order)
            self.orders = order.applied(self.orders)
            self._gate.obey(self.orders, fresh_until=self._fresh_until)
        self._told(self.orders)
        try:
            self._write_unwritten()
        except StoreError as error:
            raise StoreError(
                f"it is in force, and not on the record yet: {error.message}",
                remedy="it is written by itself as soon as that is possible",
                cause=error.cause,
            ) from error
        self.renew()

    def _with_unwritten(self, kept: Orders) -> Orders:
        for order in self._unwritten:
            kept = order.applied(kept)
        return kept

    def _write_unwritten(self) -> None:
        for order in list(self._unwritten):
            with self._database.write() as w:
                if order.keep(w):
                    w.record(order.entry)
            with self._lock:
                if order in self._unwritten:
                    self._unwritten.remove(order)

    def stop(self, scope: Scope, target: str, who: str, reason: str, *, token: str = "") -> Stop:
        """Anybody on duty; it holds until somebody lifts it. token: by which a program does it for
        them, "" for themselves; here and below. Raises StoreError: see `_close`."""
        now = self._utc()
        wanted = Stop(scope=scope, target=target, who=who, at=now, reason=reason)
        self._close(
            _Order(
                lambda kept: _stopped(kept, wanted),
                lambda w: orders.stop(w, wanted),
                _entry(Deed.STOPPED, now, who, _of(scope, target), reason, token),
            )
        )
        return wanted

    def lift(self, scope: Scope, target: str, who: str, reason: str) -> None:
        now = self._utc()
        with self._database.write() as w:
            if not orders.lift(w, scope, target, who, now):
                raise NotFound("there is no such stop", remedy="look at those in force")
            w.record(_entry(Deed.RESUMED, now, who, _of(scope, target), reason))
        self.renew()

    # ------------------------------------------------------------------ acts
    def acts(self) -> list[Act]:
        """Every act there is, the latest end first."""
        with self._database.read() as r:
            return orders.all_acts(r)

    def add(self, act: Authorisation, who: str, *, token: str = "") -> None:
        """Raises ConfigurationError for what the law has against it, AlreadyStored: an act with
        this reference is there, the same or another."""
        now = self._utc()
        against = faults(act, self._gate.regime.profile, now)
        if against:
            raise ConfigurationError(
                "; ".join(fault.message for fault in against),
                remedy="; ".join(dict.fromkeys(fault.remedy for fault in against)),
                setting=against[0].cause,
                coded=Coded(against[0].cause, against[0].values),
            )
        with self._database.write() as w:
            orders.add_act(w, act, who, now)
            details = {
                "authority": act.authority,
                "cameras": ", ".join(act.cameras),
                "events": ", ".join(act.events),
                "from": act.period.start.isoformat(),
                "until": act.period.end.isoformat(),
                **({"token": token} if token else {}),
            }
            of = f"authorisation:{act.reference}"
            deed = Deed.AUTHORISATION_ADDED
            w.record(Entry(deed=deed, at=now, who=who, of=of, details=details))
        self.renew()

    def suspend(self, reference: str, who: str, reason: str, *, token: str = "") -> None:
        """On the authority's order: at once, and over restarts. Only a new act opens it again (law
        45). Raises NotFound; StoreError: see `_close`."""
        now, of = self._utc(), f"authorisation:{reference}"
        by = Suspension(who=who, at=now, reason=reason)
        if all(act.authorisation.reference != reference for act in self.acts()):
            raise NotFound(f"there is no act {reference!r}", remedy="look at the list of acts")
        self._close(
            _Order(
                lambda kept: _suspended(kept, reference, by),
                lambda w: orders.suspend(w, reference, by),
                _entry(Deed.AUTHORISATION_SUSPENDED, now, who, of, reason, token),
            )
        )

    def withdraw(self, camera: str, who: str, reason: str, *, token: str = "") -> None:
        """The camera may be analysed under no act there is; a later one may name it again. Raises
        StoreError: see `_close`."""
        now = self._utc()
        self._close(
            _Order(
                lambda kept: replace(kept, withdrawn=kept.withdrawn | {camera}),
                lambda w: orders.withdraw(w, camera, who, now, reason),
                _entry(Deed.CAMERA_WITHDRAWN, now, who, f"camera:{camera}", reason, token),
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """applied: the orders with this one in force. keep: stores it; False: it was stored already."""

    applied: Callable[[Orders], Orders]
    keep: Callable[[Writing], bool]
    entry: Entry


def _stopped(kept: Orders, wanted: Stop) -> Orders:
    if any((one.scope, one.target) == (wanted.scope, wanted.target) for one in kept.stops):
        return kept
    return replace(kept, stops=(*kept.stops, wanted))


def _suspended(kept: Orders, reference: str, by: Suspension) -> Orders:
    acts = tuple(
        replace(act, suspended=act.suspended or by)
        if act.authorisation.reference == reference
        else act
        for act in kept.acts
    )
    return replace(kept, acts=acts)


def _of(scope: Scope, target: str) -> str:
    return f"{scope.value}:{target}" if target else scope.value


def _entry(deed: Deed, at: datetime, who: str, of: str, reason: str, token: str = "") -> Entry:
    details = {"token": token} if token else {}
    return Entry(deed=deed, at=at, who=who, of=of, reason=reason, details=details)
