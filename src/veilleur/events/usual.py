"""What is usual on one camera at one hour: sums of how fast and whither people move, nobody's.

Nothing in it can be led back to a person: person-seconds, by speed and by direction, for each hour
of the day. It is learnt from what the rule sees anyway and only ever makes the rule less sensitive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from veilleur.geometry import FloatArray

SPEED_STEP = 0.25  # m/s
SPEEDS = 24  # steps; the last holds everything faster
SECTORS = 16
HOURS = 24
UNKNOWN = HOURS  # the slot where the local time is not known
ENOUGH_S = 600.0  # person-seconds from which an hour is known
FASTEST_SHARE = 0.98  # of the person-seconds are slower than the usual speed
MOVES_M_S = 0.5  # below it somebody stands

_MIDDLES = (np.arange(SECTORS) + 0.5) * 2 * np.pi / SECTORS
_UNITS = np.stack([np.cos(_MIDDLES), np.sin(_MIDDLES)], axis=1)
_ALONG = (_UNITS @ _UNITS.T) >= 0.5


@dataclass(frozen=True, slots=True, eq=False)
class UsualState:
    """All that is kept: (25, 24) and (25, 16) float64, person-seconds by hour and speed, and by
    hour and direction of those who move. The 25th row: the local time was not known."""

    speeds: FloatArray
    directions: FloatArray


class Usual:
    """Told the speeds of the people in the zone, as time goes by."""

    def __init__(self, state: UsualState | None = None) -> None:
        """state: what was kept of an earlier run; None: nothing is known yet."""
        self._speeds = np.zeros((HOURS + 1, SPEEDS))
        self._directions = np.zeros((HOURS + 1, SECTORS))
        if state is not None:
            self._speeds += state.speeds
            self._directions += state.directions

    @property
    def state(self) -> UsualState:
        return UsualState(self._speeds.copy(), self._directions.copy())

    def learn(self, velocities: FloatArray, passed_s: float, local: datetime | None) -> None:
        """velocities: (n, 2) m/s of the people seen now; passed_s: seconds since the last time."""
        hour = _hour(local)
        speeds = np.hypot(*np.asarray(velocities, np.float64).reshape(-1, 2).T)
        steps = np.minimum((speeds / SPEED_STEP).astype(int), SPEEDS - 1)
        self._speeds[hour] += np.bincount(steps, minlength=SPEEDS) * passed_s
        self._directions[hour] += sectors(velocities) * passed_s

    def fast_m_s(self, local: datetime | None) -> float:
        """Nearly nobody is faster at this hour; 0 where too little is known."""
        row = self._speeds[_hour(local)]
        total = float(row.sum())
        if total < ENOUGH_S:
            return 0.0
        step = int(np.searchsorted(np.cumsum(row), FASTEST_SHARE * total))
        return (step + 1) * SPEED_STEP

    def directions(self, local: datetime | None) -> FloatArray | None:
        """(16,) person-seconds by direction at this hour; None where too little is known."""
        row = self._directions[_hour(local)]
        return row.copy() if float(row.sum()) >= ENOUGH_S else None


def sectors(velocities: FloatArray) -> FloatArray:
    """(n, 2) m/s to (16,): how many of those who move go each way; sector 0 begins at +x."""
    moving = np.asarray(velocities, np.float64).reshape(-1, 2)
    moving = moving[np.hypot(*moving.T) >= MOVES_M_S]
    angles = np.arctan2(moving[:, 1], moving[:, 0]) % (2 * np.pi)
    index = (angles / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    return np.bincount(index, minlength=SECTORS).astype(np.float64)


def stream(directions: FloatArray) -> tuple[FloatArray, float]:
    """(16,) by direction: (2,) unit heading of the main stream, and the share that goes within 60
    degrees of it, 0..1."""
    total = float(directions.sum())
    if total <= 0.0:
        return np.zeros(2), 0.0
    shares = _ALONG @ directions / total
    best = int(shares.argmax())
    mean = (directions * _ALONG[best]) @ _UNITS
    return mean / max(float(np.hypot(*mean)), 1e-9), float(shares[best])


def _hour(local: datetime | None) -> int:
    return UNKNOWN if local is None else local.hour
