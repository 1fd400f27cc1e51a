"""Orders of the authority and of the people on duty: kept, put on the record, and obeyed at once.

The gate is told every half second, and right after each order that is given here. Where the store
can't be read for two seconds it closes by itself (`law.gate`).
Source: law 30, 45; loi n° 2023-380, article 10, VI 4° and VIII.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from veilleur.errors import ConfigurationError, NotFound, StoreError
from veilleur.law.authorisation import Authorisation
from veilleur.law.conditions import faults
from veilleur.law.deed import Deed, Entry
from veilleur.law.gate import CONTACT_S, Gate, boot_s
from veilleur.law.orders import Act, Orders, Scope, Stop, Suspension
from veilleur.store import orders
from veilleur.store.database import Database

ASK_EVERY_S = 0.5


class Authority:
    """told: called where the orders have changed. alive: called with each reading. boot: the gate's
    clock."""

    def __init__(
        self,
        database: Database,
        gate: Gate,
        *,
        told: Callable[[Orders], None] = lambda _: None,
        alive: Callable[[StoreError | None], None] = lambda _: None,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
        boot: Callable[[], float] = boot_s,
    ) -> None:
        self._database, self._gate, self._told, self._alive = database, gate, told, alive
        self._utc, self._boot = utc, boot
        self._lock = threading.Lock()
        self.orders = Orders()

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(ASK_EVERY_S):
            try:
                self.renew()
                self._alive(None)
            except StoreError as error:
                self._alive(error)

    def renew(self) -> None:
        """Read what is in force and have the gate obey it. Raises StoreError."""
        with self._lock:
            self._gate.steady.stepped_s(self._utc())  # from now on it notices when that is set
            fresh_until = self._boot() + CONTACT_S
            with self._database.read() as r:
                now = orders.current(r, self._utc())
            self._gate.obey(now, fresh_until=fresh_until)
            changed, self.orders = now != self.orders, now
        if changed:
            self._told(now)

    # ------------------------------------------------------------------ stops
    def stop(self, scope: Scope, target: str, who: str, reason: str) -> Stop:
        """Anybody on duty; it holds until somebody lifts it."""
        now = self._utc()
        wanted = Stop(scope=scope, target=target, who=who, at=now, reason=reason)
        with self._database.write() as w:
            if orders.stop(w, wanted):
                w.record(_entry(Deed.STOPPED, now, who, _of(scope, target), reason))
        self.renew()
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

    def add(self, act: Authorisation, who: str) -> None:
        """Raises ConfigurationError for what the law has against it, AlreadyStored."""
        now = self._utc()
        against = faults(act, self._gate.regime.profile, now)
        if against:
            raise ConfigurationError(
                "; ".join(fault.message for fault in against),
                remedy="; ".join(dict.fromkeys(fault.remedy for fault in against)),
                setting=against[0].cause,
            )
        with self._database.write() as w:
            orders.add_act(w, act, who, now)
            details = {
                "authority": act.authority,
                "cameras": ", ".join(act.cameras),
                "events": ", ".join(act.events),
                "from": act.period.start.isoformat(),
                "until": act.period.end.isoformat(),
            }
            of = f"authorisation:{act.reference}"
            deed = Deed.AUTHORISATION_ADDED
            w.record(Entry(deed=deed, at=now, who=who, of=of, details=details))
        self.renew()

    def suspend(self, reference: str, who: str, reason: str) -> None:
        """On the authority's order: at once, and over restarts."""
        now = self._utc()
        by = Suspension(who=who, at=now, reason=reason)
        with self._database.write() as w:
            if orders.suspend(w, reference, by):
                of = f"authorisation:{reference}"
                w.record(_entry(Deed.AUTHORISATION_SUSPENDED, now, who, of, reason))
        self.renew()

    def resume(self, reference: str, who: str, reason: str) -> None:
        now = self._utc()
        with self._database.write() as w:
            if not orders.resume(w, reference, who, now):
                raise NotFound(f"{reference} is not suspended", remedy="look at the list of acts")
            of = f"authorisation:{reference}"
            w.record(_entry(Deed.AUTHORISATION_RESUMED, now, who, of, reason))
        self.renew()

    def withdraw(self, camera: str, who: str, reason: str) -> None:
        """The camera may be analysed under no act, from now on."""
        now = self._utc()
        with self._database.write() as w:
            if orders.withdraw(w, camera, who, now, reason):
                w.record(_entry(Deed.CAMERA_WITHDRAWN, now, who, f"camera:{camera}", reason))
        self.renew()


def _of(scope: Scope, target: str) -> str:
    return f"{scope.value}:{target}" if target else scope.value


def _entry(deed: Deed, at: datetime, who: str, of: str, reason: str) -> Entry:
    return Entry(deed=deed, at=at, who=who, of=of, reason=reason)
