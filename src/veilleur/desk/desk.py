"""The desk: the engine, the store and the people, in one object. Console and API call this one.

desk = Desk.open(settings)
with desk:
    desk.people.take(id_, "ana", scope)
    desk.authority.stop(Scope.CAMERA, "gate", "ana", "works on the platform")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from uuid import UUID

from veilleur import __version__
from veilleur.cameras.simulated import is_our_simulator
from veilleur.catalogue import Priority
from veilleur.desk import availability, canary, said
from veilleur.desk.authority import Authority
from veilleur.desk.availability import Availability
from veilleur.desk.canary import Canary
from veilleur.desk.clockwork import ALIVE, Clockwork
from veilleur.desk.configuring import Configuring
from veilleur.desk.duties import Duties
from veilleur.desk.feed import Feed, Message, Topic
from veilleur.desk.footage import Footages, Seconds
from veilleur.desk.herald import Herald
from veilleur.desk.intake import Intake, IntakeSettings, Stored
from veilleur.desk.people import People
from veilleur.desk.pictures import Pictures
from veilleur.desk.pulse import Alive, Pulse
from veilleur.desk.technical import TechnicalAlarm
from veilleur.desk.viewing import Viewings
from veilleur.desk.vitals import Stage, Vitals
from veilleur.desk.watch import Watch
from veilleur.engine.assembly import Detectors
from veilleur.engine.lineup import line_up
from veilleur.engine.member import Member
from veilleur.engine.report import CameraReport, Surprise
from veilleur.errors import StoreError
from veilleur.incidents.life import Limits
from veilleur.law.deed import SYSTEM, Deed, Entry
from veilleur.law.gate import Embedded, Gate
from veilleur.law.orders import Orders, Scope
from veilleur.law.profile import LegalProfile
from veilleur.law.regime import desk as desk_regime
from veilleur.perception.backends import cores
from veilleur.perception.loader import Choice
from veilleur.site import Site, SiteCamera
from veilleur.store import settings as kept
from veilleur.store.database import Database
from veilleur.store.outbox import OutboxRow
from veilleur.store.signals import Scope as Cameras

RING_S, RING_BYTES = 60.0, 24 << 20
FEWEST_ANALYSTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSettings:
    """What a desk is made of.

    site, file: the site file and where it lies. database: its URL. profile: the law it runs under.
    loop: files begin again at their end (a laboratory's cameras never end). canary_every_s: seconds
    from one proof of life to the next.
    """

    site: Site
    file: Path
    database: str
    profile: LegalProfile
    choice: Choice
    limits: Limits = field(default_factory=Limits)
    loop: bool = False
    canary_every_s: float = canary.EVERY_S


class Desk:
    """Made by `open`; works while it is entered. Everything here is safe from any thread.

    detectors: where they are made elsewhere; None: those of the settings' choice. when_lost: called
    once, by a thread of the desk, where another desk has taken the database: to leave it then.
    """

    def __init__(
        self, settings: DeskSettings, database: Database, detectors: Detectors | None = None
    ) -> None:
        self.settings, self.database = settings, database
        self.site = settings.site
        self.feed = Feed()
        self.gate = Gate({}, desk_regime(settings.profile), site=settings.site.site)
        self.gate.enter(canary.CAMERA, Embedded())
        members = self._members()
        self.watch = Watch(
            members,
            self.gate,
            detectors or Detectors(settings.choice),
            analysts=max(FEWEST_ANALYSTS, settings.choice.streams or cores()),
            told=lambda surprise: self._surprised("engine", surprise),
        )
        self.lost: StoreError | None = None
        """Another desk has taken the database: nothing is looked at or stored any more."""
        self.when_lost: Callable[[], None] = lambda: None
        self._connect()
        self._duties = Duties(self._surprised)

    @classmethod
    def open(cls, settings: DeskSettings, detectors: Detectors | None = None) -> Desk:
        """Errors: StoreError ("locked": another desk has the database), ConfigurationError,
        NotAuthorised, ModelUnusable."""
        database = Database.open(settings.database)
        try:
            database.claim()
            return cls(settings, database, detectors)
        except BaseException:
            database.close()
            raise

    def _connect(self) -> None:
        database, limits = self.database, self.settings.limits
        self.pulse = Pulse(self.feed, self.watch, self.gate)
        telling = self.pulse.of(Stage.TELLING)
        self.herald = Herald(database, self.feed, self._told, alive=telling)
        self.people = People(database, self.herald.nudge)
        self.authority = Authority(
            database,
            self.gate,
            told=self._ordered,
            alive=partial(self._obeyed, self.pulse.of(Stage.AUTHORITY)),
        )
        self.pictures = Pictures(database, self.site, self.pulse.of(Stage.PICTURES))
        self.footages = Footages(database, self.watch, self.gate)
        self.viewings = Viewings(database, self.watch, self.footages.kept)
        self.intake = Intake(
            database,
            self.watch.sightings,
            IntakeSettings(
                limits=limits,
                pictures_for=timedelta(days=self.settings.profile.image_days),
                canary=canary.CAMERA,
            ),
            priorities=self._priorities,
            stored=self._stored,
            alive=self.pulse.of(Stage.STORING, "intake"),
        )
        self.clockwork = Clockwork(
            database,
            self.feed,
            self.watch,
            limits,
            changed=self.herald.nudge,
            alive=self.pulse.of(Stage.CLOCKWORK),
        )
        self.configuring = Configuring(
            database,
            self.settings.file,
            site=lambda: self.site,
            member=self.watch.member,
            orders=lambda: self.authority.orders,
            adopt=self._adopt,
        )
        self.canary = Canary(
            self.watch.add,
            self.watch.remove,
            came=lambda: self.pulse.beats.beat(Stage.CANARY),
            missed=lambda words: self.pulse.beats.ails(Stage.CANARY, words),
            wanted=self._may_sing,
            every_s=self.settings.canary_every_s,
        )

    # ------------------------------------------------------------------ beginning and end
    def __enter__(self) -> Desk:
        self._record_start()
        self.pictures.give_up_old()
        self.authority.renew()
        self.watch.start()
        duties = self._duties
        duties.start("authority", self.authority.run)
        duties.start("watch", self.watch.run)
        duties.start("intake", self.intake.run)
        duties.start("herald", self.herald.run)
        duties.start("pictures", self.pictures.run)
        duties.start("footage", self.footages.run)
        duties.start("clockwork", self.clockwork.run)
        duties.start("pulse", self.pulse.run)
        duties.start("canary", self.canary.run)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """What was seen is stored before the store is closed."""
        self.watch.close()
        self._duties.end()
        self.feed.end()
        try:
            with self.database.write() as w:
                w.record(Entry(deed=Deed.ENDED, at=_now(), who=SYSTEM))
        except StoreError as refused:
            self._surprised("end", Surprise(camera="", words=str(refused), trace=""))
        self.database.close()

    def _record_start(self) -> None:
        """With when it was last alive, where it was not ended: so long nobody watched."""
        with self.database.write() as w:
            details = {
                "version": __version__,
                "profile": self.settings.profile.name,
                "laboratory": str(self.laboratory).lower(),
                "last_alive": kept.get(w, ALIVE) or "",
            }
            w.record(Entry(deed=Deed.STARTED, at=_now(), who=SYSTEM, details=details))

    # ------------------------------------------------------------------ as it is now
    @property
    def laboratory(self) -> bool:
        """Nobody real is watched: every page, record and export says so."""
        return self.gate.regime.laboratory

    def cameras(self) -> list[CameraReport]:
        """Those of the site, in its order; the canary is none."""
        return [report for report in self.watch.report() if report.camera != canary.CAMERA]

    def camera(self, id_: str) -> SiteCamera | None:
        return self.site.camera(id_)

    def technical(self) -> tuple[TechnicalAlarm, ...]:
        return self.clockwork.technical.alarms(_now())

    def availability(self, scope: Cameras, of: timedelta = availability.WEEK) -> list[Availability]:
        """How much of the last day or week (`availability.DAY`, `WEEK`, at most `KEPT_FOR`) each
        camera of the site in that scope was analysed, and why not, in the site's order. A camera
        that was never counted is left out. Raises StoreError."""
        cameras = [camera.id for camera in self.site.cameras]
        with self.database.read() as r:
            return availability.availability(r, cameras, scope, of, _now())

    def seconds(self, incident: UUID) -> Seconds:
        """Until when its seconds are recorded, and until when its clear ones can be opened. Whoever
        asks has made sure that the incident is in the scope."""
        return self.footages.seconds(incident)

    def vitals(self) -> Vitals:
        return self.pulse.vitals()

    # ------------------------------------------------------------------ what the parts tell
    def _stored(self, done: Sequence[Stored]) -> None:
        self.herald.nudge()
        self.pictures.wanted(done)
        self.footages.wanted(done)

    def _told(self, row: OutboxRow) -> None:
        if row.camera == canary.CAMERA:
            self.canary.heard()
        if row.kind in (Deed.INCIDENT_CONFIRMED, Deed.INCIDENT_DISMISSED):
            self.footages.kept.let_go(row.incident)  # there is no doubt left to remove

    def _ordered(self, orders: Orders) -> None:
        self.feed.publish(Message(topic=Topic.STOPS, data=said.line(said.stops(orders))))

    def _may_sing(self) -> bool:
        """Not while everything is stopped: then nothing at all is looked at."""
        return all(
            stop.scope not in (Scope.EVERYTHING, Scope.SITE) for stop in self.authority.orders.stops
        )

    def _adopt(self, site: Site, member: Member) -> None:
        """A camera is set otherwise: it alone changes, from its next frame on."""
        self.site = self.pictures.site = site
        self.watch.replace(member)

    def _priorities(self) -> dict[tuple[str, str], Priority]:
        return {
            (camera.id, rule.id): rule.urgency
            for camera in self.site.cameras
            for rule in camera.rules
        }

    def _obeyed(self, alive: Alive, error: StoreError | None) -> None:
        """Orders were read, or not. Whose database is another one's leaves, told once."""
        alive(error)
        if self.lost is None and self.database.lost is not None:
            self.lost = self.database.lost
            self.when_lost()

    def _surprised(self, duty: str, surprise: Surprise) -> None:
        self.pulse.surprised(duty, surprise)

    def _members(self) -> list[Member]:
        lineup = line_up(
            [],
            self.site,
            None,
            folder=self.settings.file.parent,
            is_our_simulator=is_our_simulator,
            at=_now(),
            gate=self.gate,
        )
        return [self._member(member) for member in lineup.members]

    def _member(self, member: Member) -> Member:
        """With the desk's longer memory, for evidence; and without an end, in the laboratory."""
        ours = member.remembering(RING_S, RING_BYTES)
        return replace(ours, settings=replace(ours.settings, loop=self.settings.loop))


def _now() -> datetime:
    return datetime.now(UTC)
