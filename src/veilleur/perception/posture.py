"""Does this body lie? From its joints, and from how low it is.

Angles are in the picture, against the vertical: 0 upright, 90 level, 180 head down. Who bends has
legs that stand, who sits or kneels has a back that stands; who lies has neither. Somebody who lies
along the line of sight is foreshortened, so his angles say little: then only how low he is counts,
if his legs are seen (of whoever stands cut off by the picture's lower edge, they are not).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veilleur.geometry import Box, FloatArray, View
from veilleur.perception.pose import BODY, Point, Pose

SURE = 0.3  # mean score of the body's points: less is nobody
SEEN = 0.2  # score of a single point
LEVEL = 50.0  # degrees: a back that is not upright
ALONG = 45.0  # degrees: from shoulders to feet
FLAT = 0.75  # of the height upright: who lies is not taller
LOWEST = 0.34  # of the height upright: nobody's joints are so low sitting
LEGS_SEEN = 0.2  # mean score of knees and ankles
MARGIN = 0.06  # of the height upright, around the points

SHOULDERS = (Point.LEFT_SHOULDER, Point.RIGHT_SHOULDER)
HIPS = (Point.LEFT_HIP, Point.RIGHT_HIP)
KNEES = (Point.LEFT_KNEE, Point.RIGHT_KNEE)
ANKLES = (Point.LEFT_ANKLE, Point.RIGHT_ANKLE)
LEGS = (*KNEES, *ANKLES)


@dataclass(frozen=True, slots=True)
class Posture:
    """sure: mean score of the body's points. back, body: degrees from the vertical, shoulders to
    hips and shoulders to feet. tall: vertical extent, of the height upright. legs: how surely they
    are seen. box: around what is seen, pixels of the view."""

    sure: float
    back: float
    body: float
    tall: float
    legs: float
    box: Box

    @property
    def level(self) -> bool:
        """Lies across the line of sight."""
        return self.sure >= SURE and self.back >= LEVEL and self.body >= ALONG and self.tall <= FLAT

    @property
    def low(self) -> bool:
        """Too low to sit, legs included, and wider than high."""
        seen = self.sure >= SURE and self.legs >= LEGS_SEEN
        return seen and self.tall <= LOWEST and self.box.height <= self.box.width

    @property
    def lying(self) -> bool:
        return self.level or self.low


def posture(pose: Pose, stood_px: float, view: View) -> Posture:
    """stood_px: how tall the person is upright at this place, pixels of the view."""
    shoulders, hips = pose.middle(*SHOULDERS), pose.middle(*HIPS)
    feet = pose.middle(*(ANKLES if pose.surety(*ANKLES) >= SEEN else KNEES))
    joints = _around(pose, 0.0, view)
    return Posture(
        sure=pose.surety(*BODY),
        back=_from_vertical(shoulders, hips),
        body=_from_vertical(shoulders, feet),
        tall=joints.height / stood_px,
        legs=pose.surety(*LEGS),
        box=_around(pose, MARGIN * stood_px, view),
    )


def _around(pose: Pose, margin: float, view: View) -> Box:
    seen = pose.points[pose.scores >= SEEN]
    if len(seen) < 2:
        seen = pose.points[list(BODY)]
    limit = np.array((view.width, view.height), np.float64)
    low = np.clip(seen.min(axis=0) - margin, 0, limit)
    high = np.clip(seen.max(axis=0) + margin, 0, limit)
    return Box(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _from_vertical(upper: FloatArray, lower: FloatArray) -> float:
    across, down = lower - upper
    return float(np.degrees(np.arctan2(abs(across), down)))
