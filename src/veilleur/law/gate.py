"""The gate before the detector: no frame passes it unless a rule may look at its camera now.

What it asks stands in `law.conditions`; what was ordered comes with `obey` and holds from the next
frame on. It remembers nothing else: an authorisation that ends closes it by itself, and so does
silence, where it was not told its orders for `CONTACT_S`.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from veilleur.catalogue import Event
from veilleur.errors import NotAuthorised
from veilleur.law.authorisation import ARTICLE, Authorisation, instant
from veilleur.law.conditions import (
    SEPARATE,
    SINGLE_PURPOSE,
    SUSPENDED,
    NotStopped,
    Use,
    authorise,
)
from veilleur.law.orders import Orders, Suspension
from veilleur.law.regime import Regime, laboratory
from veilleur.law.steady import Steady

CONTACT_S = 2.0
"""Orders are obeyed within so long, so who was not told any for so long may not go on."""

CLOCK_REMEDY = (
    "compare the clock with another one; a supervisor who answers for it says so on the page of "
    "technical alarms, or it goes on by itself when a time server keeps the clock"
)


@dataclass(frozen=True, slots=True)
class Laboratory:
    """A file, or a camera that proves to be our simulator. `why` says which."""

    why: str
    laboratory = True


@dataclass(frozen=True, slots=True)
class Live:
    """A real camera: nothing opens it but an act that covers it."""

    laboratory = False


@dataclass(frozen=True, slots=True)
class Embedded:
    """A film of the package itself, the desk's proof of life: nobody is in it who could be watched,
    so it belongs to either world and only a stop closes it. Nothing of a site is ever this."""

    laboratory = True


Origin = Laboratory | Live | Embedded
"""Where a camera's pictures come from."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Under what a camera is analysed, for every output: laboratory or not, and which acts."""

    laboratory: bool
    reference: str


@dataclass(frozen=True, slots=True)
class _Told:
    """The orders as they are asked, all swapped at once. acts: by camera, the latest end last."""

    orders: Orders
    fresh_until: float
    acts: dict[str, tuple[Authorisation, ...]] = field(default_factory=dict)
    suspended: dict[str, Suspension] = field(default_factory=dict)

    @classmethod
    def of(cls, orders: Orders, fresh_until: float) -> _Told:
        acts: dict[str, list[Authorisation]] = {}
        for act in sorted(orders.acts, key=lambda act: instant(act.authorisation.period.end)):
            for camera in set(act.authorisation.cameras):
                acts.setdefault(camera, []).append(act.authorisation)
        suspended = {
            act.authorisation.reference: act.suspended
            for act in orders.acts
            if act.suspended is not None
        }
        by_camera = {camera: tuple(named) for camera, named in acts.items()}
        return cls(orders, fresh_until, by_camera, suspended)


def boot_s() -> float:
    """Seconds since the machine was started, the time it was suspended included; no clock setting
    moves it (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Gate:
    """Every frame passes here before it may be looked at. Safe to ask from any thread.

    origins: where each camera's pictures come from. regime: what is asked; None: the laboratory's.
    orders: those at the start. site: this site's id. boot: seconds, the clock of `fresh_until`.

    steady: notices where the machine's clock is set; an act must cover both opinions then.

    Where the regime asks for contact it is closed until the first `obey`. Raises NotAuthorised for
    a camera of the other world: a laboratory's gate opens no real camera, and the other way round.
    """

    def __init__(
        self,
        origins: Mapping[str, Origin],
        regime: Regime | None = None,
        orders: Orders | None = None,
        *,
        site: str = "",
        boot: Callable[[], float] = boot_s,
    ) -> None:
        self.regime = regime or laboratory()
        self._site, self._boot = site, boot
        self.steady = Steady(boot)
        self._lock = threading.Lock()
        self._origins: dict[str, Origin] = {}
        self._told = _Told.of(orders or Orders(), -math.inf if self.regime.contact else math.inf)
        for camera, origin in origins.items():
            self.enter(camera, origin)

    # ------------------------------------------------------------------ cameras and orders
    def enter(self, camera: str, origin: Origin) -> None:
        """A camera comes under the gate. Raises NotAuthorised for one of the other world."""
        embedded = isinstance(origin, Embedded)
        if not embedded and origin.laboratory != self.regime.laboratory:
            raise _other_world(camera, origin)
        with self._lock:
            self._origins = {**self._origins, camera: origin}

    def leave(self, camera: str) -> None:
        """A camera is no longer under the gate: nothing of it passes."""
        with self._lock:
            self._origins = {name: of for name, of in self._origins.items() if name != camera}

    def obey(self, orders: Orders, *, fresh_until: float) -> None:
        """From the next frame on these orders hold, and until `fresh_until` (seconds of `boot_s`).

        Take the time before the orders are read: `boot_s() + CONTACT_S`.
        """
        self._told = _Told.of(orders, fresh_until)

    @property
    def in_contact(self) -> bool:
        """Were orders told lately enough?"""
        return self._boot() < self._told.fresh_until

    # ------------------------------------------------------------------ what may be looked at
    def admit(self, camera: str, wanted: Mapping[str, Event], at: datetime) -> frozenset[str]:
        """Ids of the rules that may look at this camera's frame now.

        wanted: rule id -> its event. at: an aware instant. Raises NotAuthorised where it is none of
        them: the frame then reaches no detector.
        """
        told = self._told
        refusal: NotAuthorised | None = None
        admitted = []
        for rule, event in wanted.items():
            try:
                self._covering(told, camera, rule, event, at)
                admitted.append(rule)
            except NotAuthorised as why:
                refusal = refusal or why.with_traceback(None)
        if not admitted:
            try:
                raise refusal or _no_purpose(camera)
            finally:
                # its trace would hold this frame, this frame it: a circle that keeps the picture
                # of whoever asked, and with it one of its camera's few slots
                del refusal
        return frozenset(admitted)

    def refusal(self, camera: str, rule: str, event: Event, at: datetime) -> NotAuthorised | None:
        """Why this rule may not look now; None: it may."""
        try:
            self._covering(self._told, camera, rule, event, at)
        except NotAuthorised as why:
            return why
        return None

    def covering(self, camera: str, rule: str, event: Event, at: datetime) -> Authorisation | None:
        """The act under which this rule looks now; None in a laboratory that needs none. Raises
        NotAuthorised where it may not."""
        return self._covering(self._told, camera, rule, event, at)

    def permit(self, camera: str) -> Permit:
        """What every output of the camera says. Raises NotAuthorised for an unknown camera."""
        origin = self._origin(camera)
        if isinstance(origin, Laboratory):
            return Permit(True, f"LABORATORY ({origin.why})")
        if isinstance(origin, Embedded):
            return Permit(True, "PROOF OF LIFE")
        named = dict.fromkeys(act.reference for act in self._told.acts.get(camera, ()))
        return Permit(False, ", ".join(named) or "no authorisation")

    def _covering(
        self, told: _Told, camera: str, rule: str, event: Event, at: datetime
    ) -> Authorisation | None:
        """Any act that covers it will do; where none does, the latest one's reason is told."""
        origin = self._origin(camera)
        if self._boot() >= told.fresh_until:
            raise _no_contact(camera)
        asked = Use(
            camera=camera,
            rule=rule,
            event=event,
            at=at,
            laboratory=origin.laboratory,
            profile=self.regime.profile,
            orders=told.orders,
            act=None,
            site=self._site,
        )
        if isinstance(origin, Embedded):
            authorise(asked, (NotStopped(),))
            return None
        acts: tuple[Authorisation | None, ...] = told.acts.get(camera) or (None,)
        instants = self.steady.instants(at)
        refusal: NotAuthorised | None = None
        for act in acts:
            suspended = told.suspended.get(act.reference) if act is not None else None
            refusal = self._against(replace(asked, act=act, suspended=suspended), instants)
            if refusal is None:
                return act
        assert refusal is not None, "there is at least one act, or None for none"
        try:
            raise refusal
        finally:
            del refusal  # see `admit`

    def _against(self, use: Use, instants: Sequence[datetime]) -> NotAuthorised | None:
        """What speaks against it by any opinion of what time it is; None: nothing."""
        refusals = []
        for moment in instants:
            try:
                authorise(replace(use, at=moment), self.regime.conditions)
            except NotAuthorised as why:
                refusals.append(why.with_traceback(None))
        if not refusals:
            return None
        if len(refusals) < len(instants):
            return _in_doubt(use, (instants[0] - instants[-1]).total_seconds())
        return refusals[0]

    def _origin(self, camera: str) -> Origin:
        try:
            return self._origins[camera]
        except KeyError:
            raise NotAuthorised(
                f"camera {camera!r} is not under the gate: it has no authorisation",
                remedy="give --authorisation FILE, or analyse a file in laboratory mode",
                article=ARTICLE,
                camera=camera,
                cause="unknown_camera",
            ) from None


def _other_world(camera: str, origin: Origin) -> NotAuthorised:
    what = "a file or a simulated camera" if origin.laboratory else "a real camera"
    mode = "live" if origin.laboratory else "laboratory"
    return NotAuthorised(
        f"camera {camera!r} is {what}: it can't run in {mode} mode",
        remedy="laboratory and live mode are kept apart: run them as two",
        article=SEPARATE,
        camera=camera,
        cause="other_world",
    )


def _in_doubt(use: Use, stepped_s: float) -> NotAuthorised:
    """It is authorised by one of two opinions of what time it is, and not by the other."""
    way = "forward" if stepped_s > 0 else "back"
    reference = use.act.reference if use.act is not None else use.profile.name
    return NotAuthorised(
        f"the machine's clock was set {way} by {abs(stepped_s):.0f} s and is in doubt: {reference} "
        "does not cover both times",
        remedy=CLOCK_REMEDY,
        article=ARTICLE,
        camera=use.camera,
        cause="clock_in_doubt",
    )


def _no_contact(camera: str) -> NotAuthorised:
    return NotAuthorised(
        "no contact with the authority: its orders have not been read for more than "
        f"{CONTACT_S:.0f} s",
        remedy="it goes on by itself when they can be read again: check the database",
        article=SUSPENDED,
        camera=camera,
        cause="no_contact",
    )


def _no_purpose(camera: str) -> NotAuthorised:
    return NotAuthorised(
        f"camera {camera!r} has no rule: there is nothing it may be looked at for",
        remedy="give it a rule for one of the eight events",
        article=SINGLE_PURPOSE,
        camera=camera,
        cause="no_purpose",
    )
