"""People who want to go somewhere and keep off each other: trajectories with exact truth.

The social force model (Helbing, Molnár, "Social force model for pedestrian dynamics", Phys. Rev. E
51, 4282, 1995) with the constants of Helbing, Farkas, Vicsek, "Simulating dynamical features of
escape panic", Nature 407, 487 (2000), without walls and without friction between bodies: crowds
here are dense enough to be crowds, not crushed. Free speeds follow Weidmann (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilleur.simulation.crowds import Walk

Doubles = NDArray[np.float64]
STEP_S = 0.05
KEPT = 4  # every so manieth step is kept
RELAX_S = 0.5
PUSH_M_S2, REACH_M = 25.0, 0.08  # 2000 N on 80 kg
RADIUS_M = 0.25
WALK_M_S, SPREAD_M_S = 1.34, 0.26
NEAR_M = 0.3  # of the goal: then somebody stands


@dataclass(frozen=True, slots=True)
class Aim:
    """From `since` seconds on: go to `goal` (metres) at `speed` m/s. speed 0: stand."""

    since: float
    goal: tuple[float, float]
    speed: float


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who is at `start` (metres) at 0 s and follows aims, in rising order of time."""

    start: tuple[float, float]
    aims: tuple[Aim, ...]


def simulate(agents: Sequence[Agent], duration_s: float) -> list[Walk]:
    """The way of each agent, a point each 0.2 s."""
    places = np.array([agent.start for agent in agents], np.float64).reshape(-1, 2)
    velocities = np.zeros_like(places)
    kept = [places.copy()]
    steps = round(duration_s / STEP_S)
    for n in range(1, steps + 1):
        wanted = _wanted(agents, places, (n - 1) * STEP_S)
        force = (wanted - velocities) / RELAX_S + _pushes(places)
        velocities = _capped(velocities + force * STEP_S, wanted)
        places = places + velocities * STEP_S
        if n % KEPT == 0:
            kept.append(places.copy())
    times = np.arange(len(kept), dtype=np.float64) * (STEP_S * KEPT)
    track = np.array(kept)
    return [Walk(times, track[:, i]) for i in range(len(agents))]


def _wanted(agents: Sequence[Agent], places: Doubles, time: float) -> Doubles:
    """(n, 2) m/s that everybody would like to have now."""
    wanted = np.zeros_like(places)
    for i, agent in enumerate(agents):
        now = [aim for aim in agent.aims if aim.since <= time]
        if not now:
            continue
        way = np.array(now[-1].goal) - places[i]
        length = float(np.hypot(*way))
        if length > NEAR_M:
            wanted[i] = way / length * now[-1].speed
    return wanted


def _pushes(places: Doubles) -> Doubles:
    """(n, 2) m/s2 by which everybody is kept off the others."""
    apart = places[:, None] - places[None]
    distance = np.hypot(apart[..., 0], apart[..., 1])
    np.fill_diagonal(distance, np.inf)
    size = PUSH_M_S2 * np.exp((2 * RADIUS_M - distance) / REACH_M)
    each = (size / np.maximum(distance, 1e-6))[..., None] * apart
    return np.asarray(each.sum(axis=1), np.float64)


def _capped(velocities: Doubles, wanted: Doubles) -> Doubles:
    """Nobody is pushed to more than 1.3 times the speed he wants, or 0.5 m/s."""
    most = np.maximum(1.3 * np.hypot(wanted[:, 0], wanted[:, 1]), 0.5)
    speeds = np.maximum(np.hypot(velocities[:, 0], velocities[:, 1]), 1e-9)
    return np.asarray(velocities * np.minimum(1.0, most / speeds)[:, None])
