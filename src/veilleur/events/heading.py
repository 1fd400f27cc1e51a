"""Which way is travel allowed at a point? One heading for a zone, or a drawn field of arrows."""

from __future__ import annotations

import numpy as np

from veilleur.errors import ConfigurationError
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import FloatArray, View, Zone

STEP_PX = 10.0  # length of the arrow that is carried over to the ground


class Headings:
    """Unit vectors of allowed travel: on the ground where it is known, else in the picture.

    Arrows are given in relative coordinates of the picture. With one arrow and a ground plane, the
    arrow counts at the middle of the zone, and its direction on the ground everywhere. Several are
    interpolated by inverse squared distance in the picture.
    """

    def __init__(self, spec: RuleSpecification, view: View, zone: Zone) -> None:
        """Raises ConfigurationError: no heading, both kinds, or one without a direction."""
        if (spec.allowed_heading is None) == (not spec.headings):
            raise ConfigurationError(
                f"rule {spec.id}: wrong_way needs allowed_heading or headings, exactly one of them",
                remedy="say which way travel is allowed, like allowed_heading: [0, -1] for upwards",
                setting="allowed_heading",
            )
        if spec.allowed_heading is not None:
            self._at = zone.centroid[None]
            arrows = np.array([spec.allowed_heading], dtype=np.float64)
        else:
            self._at = view.pixels([arrow.at for arrow in spec.headings])
            arrows = np.array([arrow.heading for arrow in spec.headings], dtype=np.float64)
        arrows = arrows * (view.width, view.height)
        length = np.linalg.norm(arrows, axis=1, keepdims=True)
        if not (np.isfinite(length).all() and (length > 0).all()):
            raise self._refuse(spec, "a heading of no length says nothing")
        self._arrows = arrows / length
        if view.ground is not None:
            ends = view.ground.to_metres(self._at + STEP_PX * self._arrows)
            self._arrows = ends - view.ground.to_metres(self._at)
            self._arrows = self._arrows / np.linalg.norm(self._arrows, axis=1, keepdims=True)
            if not np.isfinite(self._arrows).all():
                raise self._refuse(spec, "a heading above the horizon has no ground under it")

    @staticmethod
    def _refuse(spec: RuleSpecification, message: str) -> ConfigurationError:
        setting = "allowed_heading" if spec.allowed_heading is not None else "headings"
        return ConfigurationError(
            f"rule {spec.id}: {message}",
            remedy="give two numbers, to the right and down",
            setting=setting,
        )

    def at(self, point: FloatArray) -> FloatArray:
        """(2,) pixels to a (2,) unit vector; zero where arrows cancel each other out."""
        if len(self._arrows) == 1:
            return np.asarray(self._arrows[0])
        square = ((self._at - point) ** 2).sum(axis=1)
        weights = 1 / np.maximum(square, 1.0)
        mean = weights @ self._arrows / weights.sum()
        length = float(np.linalg.norm(mean))
        return mean / length if length > 0.2 else np.zeros(2)
