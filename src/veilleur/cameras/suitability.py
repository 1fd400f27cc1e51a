"""What a camera can serve: for each event a verdict, the reason, and what to do about it.

Pixels per metre follow IEC/EN 62676-4 (video surveillance systems, application guidelines), which
names 12.5 pixels per metre to monitor, 25 to detect, 62.5 to observe, 125 to recognise and 250 to
identify. Which class an event needs is chosen by us, and so is everything that says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from veilleur.cameras.inspection import SceneStatistics, StreamDescription
from veilleur.catalogue import Event
from veilleur.geometry import View
from veilleur.ground import PERSON_M, person_height_px, pixels_per_metre

MONITOR, DETECT, OBSERVE, RECOGNISE, IDENTIFY = 12.5, 25.0, 62.5, 125.0, 250.0
"""Pixels per metre, IEC/EN 62676-4."""
DETECTOR_PX = 416
"""The longer side of the detector's input. The limits in pixels of a person's height below were
chosen by us, from trials with the embedded detector."""
WHOLE_PX = 34.0  # on the input: as tall as this, one look at the whole picture finds people
CLOSE_PX = 24.0  # in the camera's own pixels: found by looking at parts, enlarged at most twice
SMALLEST_PX = 144  # height of the picture (QCIF): below it no event is served, chosen by us
LEAST_PX = 12.0  # below this nobody is found reliably
_LOW_M = 0.1
FEW = 20  # boxes of people from which their height means something (chosen by us)


class Fit(StrEnum):
    """From good to bad; not known: no picture was looked at."""

    YES = "yes"
    LIMITED = "limited"
    NOT_KNOWN = "not known"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Is this camera fit for this event? remedy: the next step, "" where there is none."""

    event: Event
    fit: Fit
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Angle:
    """How the camera looks at people.

    down_degrees: 0 along the ground, 90 straight down, where most people stand (or in the middle
    of the picture); None: not known. height_m: of the camera, estimated from how people's height
    changes over the picture; None: not known.
    """

    down_degrees: float | None = None
    height_m: float | None = None


@dataclass(frozen=True, slots=True)
class _Need:
    """What an event needs of a camera. Chosen by us. rate_hz: analysed pictures a second.
    weak: why it is not to be relied on, whatever the camera."""

    pixels_per_metre: float
    rate_hz: float
    people: bool = True
    steepest: float = 75.0
    weak: str = ""


_NEEDS: dict[Event, _Need] = {
    Event.FORBIDDEN_ZONE: _Need(DETECT, 5.0),
    Event.WRONG_WAY: _Need(DETECT, 5.0),
    Event.DENSITY: _Need(DETECT, 1.0),
    Event.ABANDONED_OBJECT: _Need(OBSERVE, 1.0),
    Event.PERSON_ON_GROUND: _Need(OBSERVE, 5.0, steepest=60.0),
    Event.CROWD_MOVEMENT: _Need(DETECT, 5.0),
    Event.WEAPON: _Need(
        IDENTIFY,
        5.0,
        steepest=60.0,
        weak="experimental: on any camera it misses weapons and takes other things for them",
    ),
    Event.FIRE: _Need(
        MONITOR,
        2.0,
        people=False,
        steepest=90.0,
        weak="weak on any camera: it finds open flames best, and hardly any smoke",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a camera, and the next step."""

    fit: Fit
    reason: str
    remedy: str


def judge(
    stream: StreamDescription,
    scene: SceneStatistics | None,
    view: View,
    event: Event,
    told: Finding | None = None,
) -> Verdict:
    """The worst finding decides; where all is well, the reason says what was measured.

    scene: None where no picture may be looked at (no authorisation): then nothing is known but
    what the stream rules out. told: what the event's own rule found out about this camera.
    """
    need = _NEEDS[event]
    found = list(_findings(stream, scene, view, need))
    if told is not None:
        found.append(told)
    worst = max((f.fit for f in found), key=list(Fit).index, default=Fit.YES)
    decisive = (worst, Fit.LIMITED) if worst is Fit.NOT_KNOWN else (worst,)
    deciding = [f for f in found if f.fit in decisive and worst is not Fit.YES]
    reason = "; ".join(f.reason for f in deciding) or _all_well(stream, scene, view, need)
    remedy = "; ".join(dict.fromkeys(f.remedy for f in deciding if f.remedy))
    return Verdict(event, worst, reason, remedy)


def judge_all(
    stream: StreamDescription,
    scene: SceneStatistics | None,
    view: View,
    counting: Finding | None = None,
) -> tuple[Verdict, ...]:
    """One verdict for each of the eight events. counting: what the density rule itself objects."""
    return tuple(
        judge(stream, scene, view, event, counting if event is Event.DENSITY else None)
        for event in Event
    )


def findings(
    stream: StreamDescription, scene: SceneStatistics | None, view: View, event: Event
) -> tuple[Finding, ...]:
    """All that speaks against a camera for an event, one by one; none: nothing does."""
    return tuple(_findings(stream, scene, view, _NEEDS[event]))


def _findings(
    stream: StreamDescription, scene: SceneStatistics | None, view: View, need: _Need
) -> Iterator[Finding]:
    yield from _of_stream(stream, need)
    if view.height < SMALLEST_PX:
        yield Finding(
            Fit.NO,
            f"its pictures are {view.height} pixels high ({SMALLEST_PX} are needed, chosen by us)",
            "use a stream of higher resolution",
        )
    if need.weak:
        yield Finding(Fit.LIMITED, need.weak, "do not rely on it: see docs/events.md")
    if scene is None:
        yield Finding(
            Fit.NOT_KNOWN,
            "no picture was looked at: light, people and angle are not known",
            "give --authorisation FILE",
        )
        return
    yield from _of_light(scene)
    if need.people:
        yield from _of_people(scene, view)
    yield from _of_scale(scene, view, need)
    down = angle_of(scene, view).down_degrees
    if down is not None and down > need.steepest:
        yield Finding(
            Fit.LIMITED,
            f"people are seen from {down:.0f}° above (up to {need.steepest:.0f}°, chosen by us)",
            "a flatter view finds people better",
        )


def _of_stream(stream: StreamDescription, need: _Need) -> Iterator[Finding]:
    rate = stream.measured_hz or stream.declared_hz
    if rate is None:
        yield Finding(Fit.LIMITED, "the rate is not known", "read the stream for longer")
    elif rate < 0.95 * need.rate_hz:
        yield Finding(
            Fit.NO if rate < 0.15 * need.rate_hz else Fit.LIMITED,
            f"{rate:.2g} pictures a second of {need.rate_hz:g} (chosen by us)",
            f"set the camera to at least {need.rate_hz:g} pictures a second",
        )
    interval = stream.key_interval_s
    if stream.live and interval is not None and interval > 4.5:
        least = "" if stream.key_seen else "more than "
        yield Finding(
            Fit.LIMITED,
            f"a key frame every {least}{interval:.0f} s: it takes as long to see again after a "
            "loss or a quiet scene (4 s, chosen by us)",
            "set the key-frame (I-frame) interval to 1 to 2 s",
        )


def _of_light(scene: SceneStatistics) -> Iterator[Finding]:
    """Limits chosen by us."""
    if scene.blind > 0.5:
        yield Finding(
            Fit.NO,
            f"nothing is seen in {scene.blind:.0%} of the pictures: {scene.blind_by}",
            "clean, aim, focus or light the camera, then check again",
        )
    elif scene.level < 25 or scene.contrast < 6:
        yield Finding(
            Fit.NO,
            f"too dark or without contrast (level {scene.level:.0f}, contrast "
            f"{scene.contrast:.0f} of 255; 25 and 6 are needed, chosen by us)",
            "add light or infra-red",
        )
    elif scene.level < 40 or scene.contrast < 12:
        yield Finding(
            Fit.LIMITED,
            f"dim or flat (level {scene.level:.0f}, contrast {scene.contrast:.0f} of 255; 40 and "
            "12 are good, chosen by us)",
            "add light",
        )
    if scene.noise > 8:
        yield Finding(
            Fit.LIMITED,
            f"noisy ({scene.noise:.0f} grey levels; up to 8, chosen by us)",
            "add light, or lengthen the exposure",
        )


def _of_people(scene: SceneStatistics, view: View) -> Iterator[Finding]:
    """Are people as tall as the detector needs them? A quarter may be smaller."""
    people = scene.people
    if people is None or len(people) < FEW:
        seen = "nobody was" if people is None or not len(people) else "too few people were"
        yield Finding(
            Fit.LIMITED,
            f"{seen} seen: how tall they appear is not known",
            "check again for longer (--seconds) while people walk by",
        )
        return
    tall = float(np.quantile(people[:, 3] - people[:, 1], 0.25))
    if tall >= CLOSE_PX or tall * DETECTOR_PX / max(view.width, view.height) >= WHOLE_PX:
        return
    yield Finding(
        Fit.LIMITED if tall >= LEAST_PX else Fit.NO,
        f"people are {tall:.0f} pixels tall ({CLOSE_PX:.0f} are needed, {LEAST_PX:.0f} at least: "
        "our detector's limits)",
        "use the main stream, zoom in, or mount the camera nearer",
    )


def _of_scale(scene: SceneStatistics, view: View, need: _Need) -> Iterator[Finding]:
    scale = scale_of(scene, view)
    if scale is None or scale >= need.pixels_per_metre:
        return
    yield Finding(
        Fit.LIMITED if scale >= need.pixels_per_metre / 2 else Fit.NO,
        f"{scale:.0f} pixels per metre of {need.pixels_per_metre:g} (IEC/EN 62676-4)",
        "zoom in, mount the camera nearer, or use a stream of higher resolution",
    )


def _all_well(
    stream: StreamDescription, scene: SceneStatistics | None, view: View, need: _Need
) -> str:
    rate = stream.measured_hz or stream.declared_hz
    parts = [f"{rate:.3g} pictures a second" if rate else ""]
    scale = scale_of(scene, view) if scene else None
    if scale is not None:
        parts.append(f"{scale:.0f} pixels per metre of {need.pixels_per_metre:g}")
    if scene and scene.people is not None and len(scene.people) and need.people:
        tall = float(np.median(scene.people[:, 3] - scene.people[:, 1]))
        parts.append(f"people {tall:.0f} pixels tall")
    return ", ".join(part for part in parts if part)


def scale_of(scene: SceneStatistics, view: View) -> float | None:
    """Pixels per metre where people stand; from their height (1.7 m) where nothing is calibrated.

    None where neither is known.
    """
    if view.ground is not None:
        scales = [pixels_per_metre(view.ground, foot) for foot in _feet(scene, view)]
        known = [scale for scale in scales if math.isfinite(scale)]
        return float(np.median(known)) if known else None
    people = scene.people
    if people is None or len(people) < FEW:
        return None
    return float(np.median(people[:, 3] - people[:, 1])) / PERSON_M


def angle_of(scene: SceneStatistics, view: View) -> Angle:
    """From the calibration where there is one, else from how people's height changes."""
    return Angle(_down_degrees(scene, view), _camera_height_m(scene))


def _feet(scene: SceneStatistics, view: View) -> list[tuple[float, float]]:
    people = scene.people
    if people is None or len(people) < FEW:
        return [(view.width / 2, view.height * 0.75)]
    chosen = people[:: max(1, len(people) // 50)]
    return [(float((x1 + x2) / 2), float(y2)) for x1, _, x2, y2 in chosen]


def _down_degrees(scene: SceneStatistics, view: View) -> float | None:
    """What stands upright looks shorter by the cosine of the angle from which it is seen.

    Taken over the lowest centimetres: a head is nearer to the camera than the feet.
    """
    ground = view.ground
    if ground is None:
        return None
    angles = []
    for foot in _feet(scene, view):
        tall, scale = person_height_px(ground, foot, _LOW_M), pixels_per_metre(ground, foot)
        if tall is not None and math.isfinite(scale) and scale > 0:
            angles.append(math.degrees(math.acos(min(1.0, tall / (_LOW_M * scale)))))
    return float(np.median(angles)) if angles else None


def _camera_height_m(scene: SceneStatistics) -> float | None:
    """Heights fall in a straight line to 0 at the horizon; there the camera's height is the same.

    In person heights it is the distance from the horizon to the foot, over the height. Holds for
    views that are not steep; None where people don't spread over the picture or the line is bad.
    """
    people = scene.people
    if people is None or len(people) < FEW:
        return None
    foot, tall = people[:, 3], people[:, 3] - people[:, 1]
    if float(np.std(foot)) < 0.1 * float(foot.max()):
        return None
    slope, at_zero = np.polyfit(foot, tall, 1)
    explained = float(np.corrcoef(foot, tall)[0, 1])
    if slope <= 0.02 or explained < 0.7 or not math.isfinite(float(at_zero)):
        return None
    return PERSON_M / float(slope)
