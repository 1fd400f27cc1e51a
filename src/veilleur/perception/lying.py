"""Looks again for whoever stood and is lost, or has become low.

The detector does not find people who lie. So where somebody who stood is lost inside the picture,
or his box has become low, the pose model looks, in all four quarter turns, at what is new there and
has come to rest: a low box, a doubtful one too, or what differs from the picture as it was. Nothing
is looked at while nobody is suspected, nor where somebody else hides him or he is found again under
another number; and a body at rest is only compared with itself, as is a place where nobody was
found.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from veilleur.cameras.picture import Picture
from veilleur.geometry import Box, FloatArray, ImageArray, View
from veilleur.perception.body import Body
from veilleur.perception.novelty import Novelty, Usual
from veilleur.perception.objects import Detections, Kind, Tracks
from veilleur.perception.pose import Poses
from veilleur.perception.posture import Posture, posture
from veilleur.perception.rest import ELSEWHERE, MOVED, Rest
from veilleur.perception.standing import FORGET_S, Standing, Suspect

TURNS, CLEAR = (0, 1, 3, 2), 0.55  # a pose so sure needs no further turn
LEAST_PX = 60.0  # height upright, pixels of the view: smaller people are not looked for
UPRIGHT_S = 0.15  # seen upright for less may be two people in one box
REACH, ABOVE, BELOW = 1.2, 0.9, 0.5  # heights from the foot within which the body's middle lies
SEARCHED = 1.6, 0.7, 0.6  # heights beside, above and below the foot where something may be new
NEW = 0.05  # heights squared: less that is new is no body
NOVEL = 0.2  # share of a body that must be new: who slides off a seat lies half where he sat
DOUBTFUL = 0.2  # score of a box that is worth a look
LOW_BOX = 0.8  # heights
LONGEST = 1.1  # heights: what is new and longer is more than a body
LENGTH = 0.35, 1.7  # heights: the longer side of a body
MAYBE = 0.15  # mean score of a body's points, from which it is worth a nearer look
NEARER = 0.75, 0.2  # of the longer side: the body is as small, or as far off the middle
FIRST_S, PAUSE_S = 0.4, 0.4  # before the first look at a suspect, and between two
SOON_S, LATER_S = 0.6, 4.0  # between looks at a body
MEMORY = 4  # looks that count
SURE_AFTER = 2  # looks that found him lying: as long as nothing moves, that is so
GONE_AFTER = 3  # looks in a row that did not
COVERED = 0.3  # share of a body or suspect behind somebody else's box
FOUND_AGAIN = 0.7  # heights: somebody who begins so near to where another was lost is that one
BLIND_S = 30.0  # blind for longer, and nobody is known any more
FLOODED, FLOOD_S = 0.6, 3.0  # share of the picture that is new: nobody is looked at, for so long
QUIET = 0.1  # share of a body: less has changed, so there is nothing new to see
SAVED = 24.0  # inferences that may be saved up
NOBODY = np.zeros((0, 4))
RATE = 0.5  # inferences a second, in the long run, on one camera


@dataclass(slots=True)
class _Down:
    """A suspect somebody looks for; once found, a body."""

    suspect: Suspect
    usual: ImageArray | None
    rest: Rest
    due: float
    results: deque[bool] = field(default_factory=lambda: deque(maxlen=MEMORY))
    looks: int = 0
    lying_since: float | None = None
    refuted: Box | None = None
    hidden: bool = False

    @property
    def found(self) -> bool:
        return any(self.results)

    @property
    def sure(self) -> bool:
        return sum(self.results) >= SURE_AFTER

    @property
    def gone(self) -> bool:
        last = list(self.results)[-GONE_AFTER:]
        return len(last) == GONE_AFTER and not any(last)

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen."""
        one = self.suspect
        self.suspect = replace(
            one,
            upright_until=one.upright_until + missed_s,
            down_since=one.down_since + missed_s,
        )
        self.rest.resume(missed_s)
        self.due += missed_s
        if self.lying_since is not None:
            self.lying_since += missed_s

    def body(self) -> Body:
        one = self.suspect
        return Body(
            key=one.key,
            box=self.rest.box,
            stood_px=one.stood_px,
            upright_s=one.upright_s,
            upright_until=one.upright_until,
            down_since=one.down_since,
            still_since=self.rest.since,
            lying=sum(self.results) / max(len(self.results), SURE_AFTER),
            looks=self.looks,
            lying_since=self.lying_since,
            hidden=self.hidden,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One picture with who is in it."""

    picture: Picture
    persons: Tracks
    detections: Detections
    time: float

    def others(self, key: int) -> FloatArray:
        """(n, 4) boxes of everybody else."""
        return np.asarray(self.persons.boxes[self.persons.ids != key], np.float64)


class Lying:
    """The bodies of one camera."""

    def __init__(self, view: View, poses: Poses) -> None:
        self._view, self._poses = view, poses
        self._standing = Standing(view)
        self._usual = Usual()
        self._down: dict[int, _Down] = {}
        self._dismissed: dict[int, float] = {}
        self._saved, self._time = SAVED, 0.0
        self._flood: float | None = None

    def forget(self) -> None:
        """Nobody is known any more."""
        self._time = 0.0
        self._standing.forget()
        self._usual.forget()
        self._down.clear()
        self._dismissed.clear()

    def resume(self, missed_s: float) -> None:
        """So long nothing was seen: it makes nothing older. Who was only suspected is forgotten
        when it was too long to say what became of him, and all are after `BLIND_S`."""
        if not 0 <= missed_s <= BLIND_S:
            self.forget()
            return
        if missed_s > FORGET_S:
            self._standing.forget()
            self._down = {key: down for key, down in self._down.items() if down.found}
        self._standing.resume(missed_s)
        self._usual.forget()
        self._time += missed_s
        self._dismissed = {key: until + missed_s for key, until in self._dismissed.items()}
        for down in self._down.values():
            down.resume(missed_s)

    @property
    def bodies(self) -> tuple[Body, ...]:
        """As last seen: found, or still being looked for."""
        return tuple(down.body() for down in self._down.values())

    def step(
        self, picture: Picture, tracks: Tracks, detections: Detections, time: float
    ) -> tuple[Body, ...]:
        """Told every picture that was looked at anew. time: seconds of the stream's own clock."""
        self._standing.step(tracks, detections, time)
        persons = tracks.of(Kind.PERSON)
        seen = _Seen(picture, persons[persons.seen], detections, time)
        if time < self._time:
            self.forget()
        self._saved = min(SAVED, self._saved + RATE * max(time - self._time, 0.0))
        self._time = time
        self._sort_out(seen)
        if self._down and self._flooded(seen):
            return self.bodies
        for down in self._down.values():
            self._watch(down, seen)
        due = [one for one in self._down.values() if one.due <= time and not one.hidden]
        if due:
            self._look(min(due, key=lambda one: one.due), seen)
        if self._standing.anybody:
            self._usual.remember(picture, time)
        return self.bodies

    def _flooded(self, seen: _Seen) -> bool:
        """Everything has just changed: the light, or something is before the camera. For a moment
        nothing is said against those who lie there."""
        new = Novelty.since(self._usual.now(), seen.picture, self._view, NOBODY).everywhere
        if new < FLOODED:
            self._flood = None
            return False
        if self._flood is None or seen.time < self._flood:
            self._flood = seen.time
        if seen.time - self._flood > FLOOD_S:
            return False
        for down in self._down.values():
            down.rest.wait(seen.time)
        return True

    def _sort_out(self, seen: _Seen) -> None:
        """Who is new among the suspects, who stands again, who was never found."""
        suspects = {one.key: one for one in self._standing.suspects() if _worth(one)}
        for key, down in list(self._down.items()):
            given_up = not down.found and (key not in suspects or self._again(suspects[key], seen))
            if given_up or down.gone or self._standing.stands(key):
                del self._down[key]
                if not self._standing.stands(key):
                    self._dismissed[key] = suspects[key].upright_until if key in suspects else 0.0
        self._dismissed = {
            key: until
            for key, until in self._dismissed.items()
            if key in suspects and suspects[key].upright_until == until
        }
        for key, suspect in suspects.items():
            if key in self._down:
                if not self._down[key].found:
                    self._down[key].suspect = suspect
            elif key not in self._dismissed:
                rest = Rest(suspect.box, seen.time)
                self._down[key] = _Down(suspect, self._usual.now(), rest, seen.time + FIRST_S)

    def _again(self, one: Suspect, seen: _Seen) -> bool:
        """Whether somebody upright has begun since, where this one was lost."""
        if one.low:
            return False
        persons = seen.persons
        young = persons[persons.ages < seen.time - one.down_since]
        upright = young.heights >= LOW_BOX * one.stood_px
        gaps = np.asarray(young.feet, np.float64)[upright] - np.array(one.box.foot)
        return bool((np.hypot(gaps[:, 0], gaps[:, 1]) < FOUND_AGAIN * one.stood_px).any())

    def _watch(self, down: _Down, seen: _Seen) -> None:
        """Compare with itself; whoever stands before it hides it."""
        down.hidden = _covered(down.rest.box, seen.others(down.suspect.key)) > COVERED
        if down.hidden:
            down.rest.wait(seen.time)
        else:
            down.rest.look(seen.picture, self._view, seen.time)

    def _look(self, down: _Down, seen: _Seen) -> None:
        """At a body that has moved, or for one where something has come to rest."""
        moved = down.rest.moved > MOVED
        if down.sure and down.rest.moved < QUIET:
            down.due = seen.time + SOON_S
            return
        new = Novelty.since(down.usual, seen.picture, self._view, seen.others(down.suspect.key))
        if not down.found or moved:
            down.due = seen.time + PAUSE_S
            place = self._place(down, new, seen.detections)
            if place is None:
                return
            if moved or not _same(place, down.rest.box):
                down.rest = Rest(place, seen.time)
                down.rest.look(seen.picture, self._view, seen.time)
                return
        if _in_vain(down):
            down.results.append(False)
            down.due = seen.time + SOON_S
        elif self._saved >= len(TURNS):
            self._judge(down, new, seen)

    def _judge(self, down: _Down, new: Novelty, seen: _Seen) -> None:
        """Read the pose of what is there."""
        down.looks += 1
        read = self._read(down, new, seen)
        lies = read is not None
        if read is not None:
            down.rest = down.rest.at(read.box, seen.time)
            down.rest.look(seen.picture, self._view, seen.time)
            if down.lying_since is None:
                down.lying_since = seen.time
        down.refuted = None if lies else down.rest.box
        down.results.append(lies)
        down.due = seen.time + (LATER_S if down.sure else SOON_S)

    def _read(self, down: _Down, new: Novelty, seen: _Seen) -> Posture | None:
        """His posture, if he lies there. Where the joints fill little of what was shown, it is read
        once more from nearer to: the pose of somebody small is told only from close."""
        box = down.rest.box
        turns: tuple[int, ...] = TURNS
        for _ in range(2):
            pose = self._poses.of(seen.picture, self._view, box, turns, CLEAR)
            if pose is None:
                return None
            self._saved -= pose.looks
            read = posture(pose, down.suspect.stood_px, self._view)
            if read.lying and self._fits(read.box, down, new):
                return read
            if read.sure < MAYBE or not _nearer(read.box, box):
                return None
            box, turns = read.box, (pose.turn,)
        return None

    def _place(self, down: _Down, new: Novelty, detections: Detections) -> Box | None:
        """Where to look: at a low box, or at what is new."""
        one = down.suspect
        low = one.box if one.low else _low_box(detections, one)
        thing = self._thing(down, new)
        places = [place for place in (low, thing) if place is not None]
        untried = [place for place in places if not _same(place, down.refuted)] or places
        resting = [place for place in untried if _same(place, down.rest.box)]
        return next(iter([*resting, *untried]), None)

    def _thing(self, down: _Down, new: Novelty) -> Box | None:
        """The largest thing that is new around where he stood."""
        one = down.suspect
        x, y = one.foot
        beside, above, below = (share * one.stood_px for share in SEARCHED)
        within = Box(x - beside, y - above, x + beside, y + below)
        return new.largest(within, NEW * one.stood_px**2, LONGEST * one.stood_px)

    def _fits(self, box: Box, down: _Down, new: Novelty) -> bool:
        """As long as a body, near to where he stood, and not there before."""
        one = down.suspect
        longer = max(box.width, box.height) / one.stood_px
        novel = down.found or new.share(box) >= NOVEL
        return LENGTH[0] <= longer <= LENGTH[1] and _near(box, one) and novel


def _in_vain(down: _Down) -> bool:
    """Nobody was found there, and it has not changed since: another look would say the same."""
    return not down.found and down.refuted == down.rest.box and down.rest.moved < QUIET


def _worth(one: Suspect) -> bool:
    return one.stood_px >= LEAST_PX and one.upright_s >= UPRIGHT_S


def _near(box: Box, one: Suspect) -> bool:
    across, down = np.subtract(box.centre, one.foot) / one.stood_px
    return bool(abs(across) <= REACH and -ABOVE <= down <= BELOW)


def _low_box(detections: Detections, one: Suspect) -> Box | None:
    """The surest low box of a person near to where he stood."""
    persons = detections.of(Kind.PERSON)
    persons = persons[persons.scores >= DOUBTFUL]
    boxes = [Box(*row) for row in persons.boxes[np.argsort(-persons.scores)].tolist()]
    low = [box for box in boxes if box.height <= LOW_BOX * one.stood_px and _near(box, one)]
    return low[0] if low else None


def _nearer(body: Box, shown: Box) -> bool:
    """Whether a look from nearer to would show more of it."""
    side = max(shown.width, shown.height)
    small, off = NEARER
    long = max(body.width, body.height)
    return long <= small * side or math.dist(body.centre, shown.centre) > off * side


def _covered(box: Box, others: FloatArray) -> float:
    """The largest share of the box that one of the others (n, 4) covers."""
    width = np.minimum(others[:, 2], box.x2) - np.maximum(others[:, 0], box.x1)
    height = np.minimum(others[:, 3], box.y2) - np.maximum(others[:, 1], box.y1)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    return float(shared.max(initial=0.0)) / max(box.width * box.height, 1.0)


def _same(one: Box, other: Box | None) -> bool:
    """About the same place."""
    if other is None:
        return False
    return math.dist(one.centre, other.centre) <= ELSEWHERE * max(other.width, other.height)
