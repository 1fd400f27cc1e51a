"""What a node keeps of one camera: its stream, its pipeline, its trouble, and its report.

`collect` belongs to the collector's thread, `analyse` to whichever analyst has the camera's frame
in hand (never two at once); `report` may be called from anywhere.
"""

from __future__ import annotations

import math
import traceback
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from veilleur.cameras.backoff import Backoff
from veilleur.cameras.camera import Camera, State
from veilleur.cameras.frame import Frame
from veilleur.cameras.picture import Picture
from veilleur.engine.assembly import Detectors
from veilleur.engine.history import BoxHistory
from veilleur.engine.lag import Lag
from veilleur.engine.member import Member
from veilleur.engine.pipeline import Pipeline, Step
from veilleur.engine.quiet import Quiet
from veilleur.engine.recorded import Requests
from veilleur.engine.report import CameraReport, Condition, Surprise
from veilleur.engine.seen import Seen, Sight
from veilleur.engine.shape import fitted
from veilleur.engine.situations import Alert
from veilleur.engine.timeline import Timeline
from veilleur.engine.whynot import WhyNotHistory
from veilleur.errors import NotAuthorised, VeilleurError
from veilleur.geometry import View
from veilleur.law.gate import Gate
from veilleur.perception.objects import Kind

RATE_OVER_S = 5.0
SILENT_AFTER_S = 3.0
"""A live camera that has sent nothing for so long is shown as stalled, before it is given up."""
LATE_S = 0.15
"""From a frame's arrival to the rules' answer: what is promised. Beyond it an answer is late."""
PROVE_AGAIN_S = 5.0
GOES_ON_S = 5.0
"""A situation is taken to go on for so long after the last look; a quiet scene is looked at by key
frames, 2.5 s apart at most."""

_CONDITIONS = {
    State.CONNECTING: Condition.CONNECTING,
    State.RUNNING: Condition.RUNNING,
    State.STALLED: Condition.STALLED,
    State.REFUSED: Condition.REFUSED,
    State.LOST: Condition.LOST,
    State.CRASHED: Condition.CRASHED,
    State.ENDED: Condition.ENDED,
    State.CLOSED: Condition.CLOSED,
}
_UNTAKEN = ("displaced", "stale", "no room")
_FINAL = (State.ENDED, State.REFUSED, State.LOST, State.CRASHED, State.STALLED)
_NEXT = {
    Condition.STALLED: "check its power and network; it is connected again by itself",
    Condition.LOST: "check its power and network; it is connected again by itself",
    Condition.CRASHED: "it is started again by itself; if it dies again, update the camera's "
    "firmware or choose another stream",
}
"""What to do, where the cause itself doesn't say it."""
_BLIND = {
    "frozen": "the same picture again and again (restart the camera)",
    "dark": "no light (switch a lamp or the camera's infra-red on)",
    "blurred": "out of focus, fogged or wet (clean and focus the camera)",
    "covered": "something is before the lens (have a look at the camera)",
    "moved": "it looks elsewhere than it did (turn it back, or draw its zones anew and restart)",
    "light": "the light has just changed (wait some seconds)",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a camera's frames from being analysed, though they come."""

    condition: Condition
    words: str


@dataclass(slots=True)
class Seat:
    """One camera of a node.

    `_connected` is the time of the present connection's first frame, `_judged` of the one for which
    the pipeline was made.

    `_made_of` is the member for which the pipeline was made: another one, with other rules, may
    take its place at any time (`adopt`).

    trouble: why its frames are not analysed; backoff: when that is tried again, rests_until: host
    seconds. late: analysed frames whose answer came late. over: a file that has come to its end, in
    whatever way, all its frames collected. looked_until: host seconds, somebody looks at it live.
    """

    member: Member
    camera: Camera
    quiet: Quiet = field(default_factory=Quiet)
    backoff: Backoff = field(default_factory=Backoff)
    pipeline: Pipeline | None = None
    key_frames_only: bool = False
    analysed: int = 0
    late: int = 0
    lag: Lag = field(default_factory=Lag)
    last: Step | None = None
    seen: Seen | None = None
    last_alert: Alert | None = None
    trouble: Trouble | None = None
    _delays: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=1000))
    history: BoxHistory = field(default_factory=BoxHistory)
    why_not: WhyNotHistory = field(default_factory=WhyNotHistory)
    requests: Requests = field(default_factory=Requests)
    looked_until: float = -math.inf
    _made_of: Member | None = None
    _timeline: Timeline = field(default_factory=Timeline)
    _sight: Sight = field(default_factory=Sight)
    _stream: object = None
    _view: View | None = None
    _connected: float = 0.0
    _judged: float | None = None
    _refusal: NotAuthorised | None = None
    _prove_at: float = 0.0
    _received: float | None = None
    _lost_before: int = 0
    rests_until: float = 0.0
    over: bool = False

    @property
    def id(self) -> str:
        return self.member.id

    # ------------------------------------------------------------------ the collector's thread
    def collect(self, now: float, *, shed: bool) -> Frame | None:
        """The next frame, on the camera's own line of time. A quiet camera is asked for key frames
        only, one that is shed for none."""
        self.camera.key_frames_only(self.key_frames_only)
        self.camera.look_closely(self.looked_at(now))
        self.camera.rest(shed)
        if shed:
            self._received = now
        retry_at = self.camera.retry_at
        if self._final and retry_at is not None and now >= retry_at:
            self.over = True
            return None
        frame = self.camera.read(now)
        if frame is None:
            self.over = self._final
            return None
        new = self.camera.facts is not self._stream and self.member.settings.never_ends
        if self.camera.facts is not self._stream or shed:
            self.lag.restart()
        self.lag.note(frame.time, frame.arrived)
        self._stream = self.camera.facts
        if new:
            self._timeline.connected()
        frame = self._timeline.placed(frame)
        if new:
            self._connected = frame.time
        self._received = now
        return frame

    def tick(self, now: float) -> None:
        """The same without taking a frame."""
        if not self._final:
            self.camera.tick(now)

    def adopt(self, member: Member) -> None:
        """Other rules, zones or ground for the same camera: from the next frame on. Its stream goes
        on, what the old rules knew is forgotten."""
        self.member, self.rests_until = member, 0.0

    @property
    def lost(self) -> int:
        """Frames that came and were lost because nobody took them in time, since its analysis
        began."""
        return self._untaken() - self._lost_before if self.analysed else 0

    def _untaken(self) -> int:
        return sum(self.camera.dropped[cause] for cause in _UNTAKEN)

    @property
    def _final(self) -> bool:
        """A file will give nothing more than the frames that have already come."""
        return self.member.once and self.camera.state in _FINAL

    # ------------------------------------------------------------------ the analyst's thread
    def analyse(self, frame: Frame, gate: Gate, detectors: Detectors, at: datetime) -> Step:
        """One frame through the pipeline. Raises NotAuthorised; VeilleurError for a pipeline that
        can't be made."""
        member = self.member
        if member is not self._made_of:
            self.pipeline = self._view = None
            self.quiet, self._made_of = Quiet(), member
        connected = self._connected
        if connected != self._judged and frame.time >= connected:
            self._prove(frame)
            # What happened while the camera was away is not known: nothing goes on as if it were.
            self.pipeline, self._judged = None, connected
        if self.pipeline is None:
            self.pipeline = self._made(member, frame.picture, gate, detectors, at)
        if member.zone is not None and member.settings.never_ends:
            # Anew with each frame: the camera's clock and the host's drift apart.
            began = at - timedelta(seconds=frame.time)
            self.pipeline.begins = began.astimezone(member.zone)
        frame, suspended = fitted(frame, self.pipeline.view)
        step = self.pipeline.step(frame, at)
        self.trouble = Trouble(Condition.OTHER_SHAPE, suspended) if suspended else None
        return step

    def _prove(self, frame: Frame) -> None:
        """Is it still what its permit was given for? Asked seldom where the answer was no."""
        if self._refusal is not None and frame.arrived < self._prove_at:
            raise self._refusal.with_traceback(None)
        try:
            self.member.prove()
        except NotAuthorised as refusal:
            self._refusal, self._prove_at = refusal, frame.arrived + PROVE_AGAIN_S
            raise
        self._refusal = None

    def _made(
        self, member: Member, picture: Picture, gate: Gate, detectors: Detectors, at: datetime
    ) -> Pipeline:
        assembly = member.assembly
        if member.zone is not None and member.settings.never_ends:
            assembly = replace(assembly, begins=at.astimezone(member.zone))
        if self._view is None:
            self._view = member.view(picture.width, picture.height)
        return assembly.pipeline(self._view, gate, detectors)

    def note(self, step: Step, frame: Frame, now: float) -> None:
        """What an analysed frame led to. now: host seconds, after the rules' answer."""
        self.backoff.worked(now)
        if not self.analysed:
            self._lost_before = self._untaken()
        self._delays.append((now, now - frame.arrived))
        self.late += now - frame.arrived > LATE_S
        self.analysed += 1
        self.last, self.seen = step, self._sight.see(step, frame)
        self.history.add(frame.arrived, self.seen.view, self.seen.boxes)
        self.why_not.add(frame.arrived, step.verdicts)
        if step.alerts:
            self.last_alert = step.alerts[-1]
        self.key_frames_only = not self.member.waits and self.quiet.update(
            frame.time,
            moving=_stirs(frame),
            key_interval_s=self.camera.key_interval_s,
        )

    def parameters(self, rule: str) -> str:
        """Short digest of a rule of the last analysed frame, as it was configured then."""
        assert self._made_of is not None
        return self._made_of.assembly.parameters(rule)

    def refuse(self, refusal: NotAuthorised) -> None:
        """The gate is closed: nothing of what was seen is shown any longer. A refusal may be kept,
        its trace not: that keeps the frame, and so a slot."""
        refusal.__traceback__ = None
        no_contact = refusal.cause == "no_contact"
        condition = Condition.NO_CONTACT if no_contact else Condition.NOT_AUTHORISED
        self.trouble = Trouble(condition, str(refusal))
        self.last = self.seen = None
        self.key_frames_only = False

    def fail(self, error: Exception, now: float) -> Surprise | None:
        """The analysis broke: it begins anew after a while. A Surprise where nobody foresaw it."""
        self.pipeline = self.last = self.seen = None
        self.key_frames_only = False
        self.rests_until = self.backoff.failed(now)
        if isinstance(error, VeilleurError):
            self.trouble = Trouble(Condition.FAILED, str(error))
            return None
        surprise = surprise_of(error, self.id)
        words = f"a mistake in the engine: {surprise.words} (report it; it is tried again)"
        self.trouble = Trouble(Condition.FAILED, words)
        return surprise

    # ------------------------------------------------------------------ any thread
    def looked_at(self, now: float) -> bool:
        """Somebody looks at it live: it is neither quiet nor given up."""
        return now < self.looked_until

    def ongoing(self, now: float) -> frozenset[str]:
        """The rules whose situation goes on now, as far as the camera shows what is now."""
        last, seen = self.last, self.seen
        if last is None or seen is None or self.camera.state is not State.RUNNING:
            return frozenset()
        if now - seen.frame.arrived > GOES_ON_S:
            return frozenset()
        return frozenset(v.rule for v in last.verdicts if v.verdict.holding or v.verdict.signals)

    def report(
        self, gate: Gate, dropped: Counter[str], now: float, *, shed: bool, since: float
    ) -> CameraReport:
        """The camera as it is now. dropped: by the node; since: when the node was started."""
        trouble = self._trouble(now, shed=shed)
        late = self._late(now)
        permit = gate.permit(self.id)
        scene = self.last.scene if self.last else None
        live = scene is not None and trouble.condition is Condition.RUNNING
        return CameraReport(
            camera=self.id,
            condition=trouble.condition,
            cause=trouble.words,
            retry_in_s=None if self.over else _positive(self.camera.retry_at, now),
            reference=permit.reference,
            laboratory=permit.laboratory,
            analysed=self.analysed,
            analysed_hz=len(late) / min(RATE_OVER_S, max(now - since, 1.0)),
            latency_p50_s=_quantile(late, 0.5),
            latency_p95_s=_quantile(late, 0.95),
            dropped=Counter(self.camera.dropped) + dropped,
            people=len(scene.tracks.of(Kind.PERSON)) if scene and live else None,
            vehicles=len(scene.tracks.of(Kind.VEHICLE)) if scene and live else None,
            key_frames_only=self.key_frames_only,
            last_alert=self.last_alert,
            stream_time=scene.time if scene else 0.0,
        )

    def _late(self, now: float) -> list[float]:
        """Seconds from arrival to answer of the frames analysed lately, the quickest first."""
        late: list[float] = []
        for at, delay in reversed(tuple(self._delays)):
            if now - at > RATE_OVER_S:
                break
            late.append(delay)
        return sorted(late)

    def _trouble(self, now: float, *, shed: bool) -> Trouble:
        condition = _CONDITIONS[self.camera.state]
        if condition is Condition.RUNNING or condition is Condition.ENDED:
            silent_s = self._silent_s(now)
            if silent_s is not None:
                return _with_next(Condition.STALLED, f"no picture for {silent_s:.0f} s")
            if shed:
                words = "this machine can't carry all its cameras: the last ones are given up"
                return Trouble(Condition.SHED, f"{words} (watch fewer, or take a larger machine)")
            return self.trouble or self._blind() or Trouble(condition, self.camera.cause)
        if condition is Condition.CLOSED and self.trouble is not None:
            return self.trouble
        if self.member.once and condition is Condition.CRASHED:
            return Trouble(condition, f"{self.camera.cause} (the rest of it is not analysed)")
        return _with_next(condition, self.camera.cause)

    def _silent_s(self, now: float) -> float | None:
        """For how long a live camera has sent nothing, where that is too long."""
        if self._received is None or not self.member.settings.never_ends:
            return None
        slack = 2 * (self.camera.key_interval_s or SILENT_AFTER_S)
        usual = max(SILENT_AFTER_S, slack if self.key_frames_only else 0.0)
        silent_s = now - self._received
        return silent_s if silent_s > usual else None

    def _blind(self) -> Trouble | None:
        blind = self.last.scene.blind if self.last else None
        if blind is None or self.camera.state is State.ENDED:
            return None
        return Trouble(Condition.BLIND, f"rules suspended, {blind}: {_BLIND.get(blind, blind)}")


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Between the two nearest values. numpy's takes ten times as long for so few, and reports are
    asked for several times a second."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def surprise_of(error: Exception, camera: str = "") -> Surprise:
    """An error nobody foresaw, in one line and in full. Its own message may quote what it was
    given, so only its kind and place are in the line."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" in {last[0].name}, line {last[0].lineno}" if last else ""
    trace = "".join(traceback.format_exception(error))
    return Surprise(camera=camera, words=f"{type(error).__name__}{place}", trace=trace)


def _stirs(frame: Frame) -> bool:
    """Something moves, or the camera can't see whether it does."""
    activity = frame.activity
    return frame.blind is not None or activity.everywhere or len(activity.boxes) > 0


def _with_next(condition: Condition, words: str) -> Trouble:
    """The cause with what to do next."""
    following = _NEXT.get(condition)
    if following is None or words.endswith(")"):
        return Trouble(condition, words)
    return Trouble(condition, f"{words} ({following})")


def _positive(retry_at: float | None, now: float) -> float | None:
    return None if retry_at is None else max(0.0, retry_at - now)
