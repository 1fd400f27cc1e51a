"""The ground plane of one camera: pixels of the view to metres and back.

Three ways to know it, in falling order of trust:

- `calibration`: a Tsai camera file (R. Tsai, "A versatile camera calibration technique", IEEE
  J. Robotics and Automation 3(4), 1987), as the PETS benchmarks publish it. Its unit is mm.
- `image` and `metres`: four or more points seen in the picture and measured on the ground. The
  plane is the homography between them: normalised direct linear transform (Hartley and Zisserman,
  "Multiple View Geometry", algorithm 4.2), then least squares on the distance in the picture.
- `lengths`: three or more segments on the ground whose lengths are known. Assumes a level horizon,
  no lens distortion, square pixels and an optical axis through the middle of the picture; solves
  for focal length, tilt and height of the camera.

Metres: x to the right and y away from the camera when seen from above (right-handed); with
`lengths` the origin lies under the camera.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Protocol, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.optimize import least_squares

from veilleur.errors import ConfigurationError
from veilleur.geometry import FloatArray, GroundPlane, View, Zone

PERSON_M = 1.7  # mean standing height assumed where a person's height is asked for
LARGEST_FILE = 65536  # bytes of a calibration file
Doubles = NDArray[np.float64]
Relative = Annotated[float, Field(ge=0.0, le=1.0)]


class KnownLength(BaseModel):
    """A segment on the ground between two relative points, and how long it is in metres."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: tuple[Relative, Relative]
    b: tuple[Relative, Relative]
    metres: float = Field(gt=0)


class GroundSpecification(BaseModel):
    """How the ground is known: exactly one of the three ways.

    image: relative points, 0..1; metres: the same points on the ground; calibration: a file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: tuple[tuple[Relative, Relative], ...] = ()
    metres: tuple[tuple[float, float], ...] = ()
    calibration: str | None = None
    lengths: tuple[KnownLength, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [bool(self.image or self.metres), bool(self.calibration), bool(self.lengths)]
        if sum(given) != 1:
            raise ValueError("give exactly one of image and metres, calibration, lengths")
        return self


class Upright(Protocol):
    """A ground plane that also knows which way is up."""

    def above(self, points: FloatArray, metres: float) -> FloatArray:
        """(n, 2) ground points in pixels to the pixels of what stands `metres` above them."""
        ...


def _refuse(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"ground: {message}", remedy=remedy)


def _points(points: FloatArray) -> Doubles:
    return np.asarray(points, dtype=np.float64).reshape(-1, 2)


def _with(points: FloatArray, third: float) -> Doubles:
    """(n, 2) to (n, 3), the third column constant."""
    out = np.full((len(points), 3), third)
    out[:, :2] = points
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A plane seen by a camera without distortion.

    image_from_ground: (3, 3) homography, metres to pixels, scaled so that the third coordinate is
    positive in front of the camera. up: (3,) its fourth column, the image of the vertical, None
    where the points did not tell.
    """

    image_from_ground: Doubles
    error_m: float | None = None
    up: Doubles | None = None

    def to_metres(self, points: FloatArray) -> Doubles:
        """(n, 2) pixels to (n, 2) metres; NaN above the horizon."""
        inverse = np.linalg.inv(self.image_from_ground)
        mapped = _with(_points(points), 1.0) @ inverse.T
        # the scale of a point in front of the camera is positive in both directions
        scale = np.where(mapped[:, 2] > 1e-12, mapped[:, 2], np.nan)
        return np.asarray(mapped[:, :2] / scale[:, None])

    def to_pixels(self, points: FloatArray) -> Doubles:
        """(n, 2) metres to (n, 2) pixels; NaN behind the camera."""
        points = _points(points)
        mapped = _with(points, 1.0) @ self.image_from_ground.T
        scale = np.where(mapped[:, 2] > 1e-12, mapped[:, 2], np.nan)
        return np.asarray(mapped[:, :2] / scale[:, None])

    def above(self, points: FloatArray, metres: float) -> Doubles:
        """(n, 2) ground points in pixels to the pixels `metres` above them; NaN if unknown."""
        ground = self.to_metres(points)
        if self.up is None:
            return np.full_like(ground, np.nan)
        mapped = _with(ground, 1.0) @ self.image_from_ground.T
        mapped = mapped + metres * self.up
        scale = np.where(mapped[:, 2] > 1e-12, mapped[:, 2], np.nan)
        return np.asarray(mapped[:, :2] / scale[:, None])


# ------------------------------------------------------------------ pairs of points


def _normaliser(points: Doubles) -> Doubles:
    """(3, 3): moves the mean to the origin and the mean distance to the square root of two."""
    centre = points.mean(axis=0)
    spread = float(np.linalg.norm(points - centre, axis=1).mean())
    scale = math.sqrt(2) / spread
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1.0]])


def _linear(ground: Doubles, image: Doubles) -> Doubles:
    """(n, 2) metres and pixels, n >= 4, to the (3, 3) homography between them."""
    to_ground, to_image = _normaliser(ground), _normaliser(image)
    g = _with(ground, 1.0) @ to_ground.T
    x, y = (_with(image, 1.0) @ to_image.T)[:, :2].T
    zero = np.zeros_like(g)
    rows = np.vstack([np.hstack([g, zero, -x[:, None] * g]), np.hstack([zero, g, -y[:, None] * g])])
    _, strength, right = np.linalg.svd(rows)
    if strength[7] < 1e-6 * strength[0]:
        raise _refuse(
            "the points do not fix a plane (three or more of four lie on one line)",
            "choose points spread over the ground, no three on one line",
        )
    h = np.linalg.inv(to_image) @ right[-1].reshape(3, 3) @ to_ground
    return np.asarray(h / np.linalg.norm(h))


def _refined(h: Doubles, ground: Doubles, image: Doubles) -> Doubles:
    """Least squares on the distance in the picture, from the linear solution."""

    def residuals(values: Doubles) -> Doubles:
        mapped = _with(ground, 1.0) @ values.reshape(3, 3).T
        return np.asarray((mapped[:, :2] / mapped[:, 2:] - image).ravel())

    found = least_squares(residuals, h.ravel(), x_scale="jac", max_nfev=100)
    refined = np.asarray(found.x, dtype=np.float64).reshape(3, 3)
    return refined / np.linalg.norm(refined)


def _fit(ground: Doubles, image: Doubles) -> Doubles:
    h = _linear(ground, image)
    if len(ground) > 4:
        h = _refined(h, ground, image)
    depth = _with(ground, 1.0) @ h[2]
    if (depth > 0).any() and (depth < 0).any():
        raise _refuse(
            "the pairs contradict each other: two points are exchanged, or one is above the "
            "horizon",
            "check that image and metres list the same points in the same order",
        )
    h = h if depth[0] > 0 else -h
    if np.linalg.det(h) > 0:
        raise _refuse(
            "the metres are mirrored against the picture",
            "x to the right and y away from the camera, seen from above; for a plan with y down, "
            "change the sign of y; if x and y were exchanged, change them back",
        )
    return h


def _check_pairs(ground: Doubles, image: Doubles, width: int, height: int) -> None:
    if len(ground) != len(image) or len(ground) < 4:
        raise _refuse(
            f"{len(image)} points in the picture and {len(ground)} in metres",
            "give four or more pairs",
        )
    if not np.isfinite(ground).all():
        raise _refuse("metres must be finite numbers", "measure the point again")
    apart = np.linalg.norm(image[:, None] - image[None], axis=2)
    metres = np.linalg.norm(ground[:, None] - ground[None], axis=2)
    i, j = np.triu_indices(len(image), 1)
    same = (apart[i, j] < 1e-3 * math.hypot(width, height)) | (metres[i, j] < 1e-6)
    if same.any():
        first = int(np.flatnonzero(same)[0])
        raise _refuse(
            f"points {i[first] + 1} and {j[first] + 1} are one and the same",
            "give each point once",
        )


def _held_back_error(ground: Doubles, image: Doubles) -> float | None:
    """Metres, root mean square: each point predicted by a fit of all others. None under five."""
    if len(ground) < 5:
        return None
    found = list(_each_held_back(ground, image))
    if any(one is None for one in found):
        return None
    error = math.sqrt(sum(one.error_m**2 for one in found if one) / len(found))
    return error if math.isfinite(error) else None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How well all others tell one point, or one known length.

    error_m: metres beside it, or too long or short. seen: pixels at which the others would put
    the point, None for a length.
    """

    error_m: float
    seen: tuple[float, float] | None = None


def _each_held_back(ground: Doubles, image: Doubles) -> Iterator[HeldBack | None]:
    """None where without this point the others lie on one line."""
    for n in range(len(ground)):
        rest = np.arange(len(ground)) != n
        try:
            plane = Plane(_fit(ground[rest], image[rest]))
        except ConfigurationError:
            yield None
            continue
        away = plane.to_metres(image[n : n + 1])[0] - ground[n]
        x, y = plane.to_pixels(ground[n : n + 1])[0].tolist()
        yield HeldBack(float(np.linalg.norm(away)), (x, y))


def _vertical(h: Doubles, width: int, height: int) -> Doubles | None:
    """(3,) image of the vertical, by taking the camera apart; None where it has no solution.

    Assumes square pixels and an optical axis through the middle: the first two columns of the
    homography are then orthogonal and of equal length for one focal length (Zhang 2000).
    """
    centred = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]]) @ h
    a, b = centred[:, 0], centred[:, 1]
    # a.b = 0 and |a| = |b| with the first two rows divided by the focal length f: both linear in
    # 1 / f^2; solved together by least squares
    left = np.array([a[0] * b[0] + a[1] * b[1], a[0] ** 2 + a[1] ** 2 - b[0] ** 2 - b[1] ** 2])
    right = -np.array([a[2] * b[2], a[2] ** 2 - b[2] ** 2])
    inverse_square = float(left @ right / max(float(left @ left), 1e-30))
    if not 1e-9 < inverse_square < 1e-3:
        return None
    focal = 1 / math.sqrt(inverse_square)
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    scaled = np.linalg.inv(camera) @ h
    size = math.sqrt(float(np.linalg.norm(scaled[:, 0]) * np.linalg.norm(scaled[:, 1])))
    third = np.cross(scaled[:, 0], scaled[:, 1]) / size
    return np.asarray(camera @ third)


@lru_cache(maxsize=512)
def _from_pairs(spec: GroundSpecification, width: int, height: int) -> Plane:
    image = np.asarray(spec.image, dtype=np.float64).reshape(-1, 2) * (width, height)
    ground = np.asarray(spec.metres, dtype=np.float64).reshape(-1, 2)
    _check_pairs(ground, image, width, height)
    h = _fit(ground, image)
    return Plane(h, _held_back_error(ground, image), _vertical(h, width, height))


# ------------------------------------------------------------------ known lengths


def _level_camera(focal: float, tilt: float, up_m: float, width: int, height: int) -> Plane:
    """A camera `up_m` above the ground, tilted down by `tilt` radians, horizon level."""
    sin, cos = math.sin(tilt), math.cos(tilt)
    # axes of the camera (right, down, ahead) in terms of the ground (right, away, up)
    turn = np.array([[1.0, 0, 0], [0, -sin, -cos], [0, cos, -sin]])
    shift = turn @ np.array([0, 0, -up_m])
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    h = camera @ np.column_stack([turn[:, 0], turn[:, 1], shift])
    return Plane(h, None, camera @ turn[:, 2])


def _lengths_fit(a: Doubles, b: Doubles, metres: Doubles, size: tuple[int, int]) -> Plane:
    """Focal length, tilt and height by least squares on the logarithm of the lengths."""

    def plane(values: Doubles) -> Plane:
        return _level_camera(math.exp(values[0]), values[1], math.exp(values[2]), *size)

    def residuals(values: Doubles) -> Doubles:
        found = np.linalg.norm(plane(values).to_metres(a) - plane(values).to_metres(b), axis=1)
        return np.asarray(np.nan_to_num(np.log(np.maximum(found, 1e-9) / metres), nan=20.0))

    lowest = [math.log(0.3 * size[0]), math.radians(2), math.log(0.5)]
    highest = [math.log(8 * size[0]), math.radians(88), math.log(200)]
    starts = [
        (math.log(focal * size[0]), math.radians(tilt), math.log(5.0))
        for focal in (0.6, 1.0, 2.0)
        for tilt in (10, 25, 45, 70)
    ]
    fits = [least_squares(residuals, start, bounds=(lowest, highest)) for start in starts]
    best = min(fits, key=lambda fit: float(fit.cost))
    strength = np.linalg.svd(np.asarray(best.jac), compute_uv=False)
    if strength[2] < 1e-3 * strength[0] or best.cost > 0.5 * len(metres) * 0.25:
        raise _refuse(
            "the known lengths do not fix the camera",
            "add segments in other directions and at other distances, all on the ground",
        )
    return plane(np.asarray(best.x))


@lru_cache(maxsize=512)
def _from_lengths(spec: GroundSpecification, width: int, height: int) -> Plane:
    if len(spec.lengths) < 3:
        raise _refuse(f"{len(spec.lengths)} known lengths", "give three or more")
    a = np.array([known.a for known in spec.lengths]) * (width, height)
    b = np.array([known.b for known in spec.lengths]) * (width, height)
    metres = np.array([known.metres for known in spec.lengths])
    if (np.linalg.norm(a - b, axis=1) < 1).any():
        raise _refuse("a known length has no extent in the picture", "draw it longer")
    plane = _lengths_fit(a, b, metres, (width, height))
    if len(metres) < 5:
        return plane
    lengths = list(_each_length_held_back(a, b, metres, (width, height)))
    error = math.sqrt(sum(one.error_m**2 for one in lengths) / len(lengths))
    return Plane(plane.image_from_ground, error if math.isfinite(error) else None, plane.up)


def _each_length_held_back(
    a: Doubles, b: Doubles, metres: Doubles, size: tuple[int, int]
) -> Iterator[HeldBack]:
    for n in range(len(metres)):
        rest = np.arange(len(metres)) != n
        fit = _lengths_fit(a[rest], b[rest], metres[rest], size)
        ends = fit.to_metres(np.stack([a[n], b[n]]))
        yield HeldBack(abs(float(np.linalg.norm(ends[1] - ends[0])) - float(metres[n])))


# ------------------------------------------------------------------ Tsai


@dataclass(frozen=True, slots=True, eq=False)
class TsaiCamera:
    """A camera with radial distortion. Lengths in mm; see the module's docstring.

    turn (3, 3), shift (3,): world to camera. pitch: (2,) mm a pixel. centre: (2,) pixels of the
    calibrated picture. scale: (2,) pixels of the view per pixel of that picture.
    """

    turn: Doubles
    shift: Doubles
    focal: float
    kappa: float
    pitch: Doubles
    centre: Doubles
    scale: Doubles
    error_m: float | None = None

    def to_metres(self, points: FloatArray) -> Doubles:
        """(n, 2) pixels to (n, 2) metres; NaN above the horizon."""
        bent = (_points(points) / self.scale - self.centre) * self.pitch
        straight = bent * (1 + self.kappa * (bent**2).sum(axis=1, keepdims=True))
        rays = _with(straight, self.focal) @ self.turn
        origin = -self.turn.T @ self.shift
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = -origin[2] / rays[:, 2]
        reach = np.where(reach > 0, reach, np.nan)
        return np.asarray((origin[:2] + reach[:, None] * rays[:, :2]) / 1000)

    def to_pixels(self, points: FloatArray) -> Doubles:
        """(n, 2) metres to (n, 2) pixels; NaN behind the camera."""
        points = _points(points)
        return self._project(_with(points * 1000, 0.0))

    def above(self, points: FloatArray, metres: float) -> Doubles:
        """(n, 2) ground points in pixels to the pixels `metres` above them."""
        ground = self.to_metres(points) * 1000
        return self._project(_with(ground, metres * 1000))

    def _project(self, world: Doubles) -> Doubles:
        seen = world @ self.turn.T + self.shift
        depth = np.where(seen[:, 2] > 0, seen[:, 2], np.nan)
        straight = self.focal * seen[:, :2] / depth[:, None]
        bent = straight.copy()
        for _ in range(20):  # bent * (1 + kappa * |bent|^2) = straight, by Newton along the radius
            square = (bent**2).sum(axis=1, keepdims=True)
            wanted = np.linalg.norm(straight, axis=1, keepdims=True)
            radius = np.sqrt(square)
            slope = 1 + 3 * self.kappa * square
            step = (radius * (1 + self.kappa * square) - wanted) / slope
            bent = bent * np.where(radius > 0, (radius - step) / np.maximum(radius, 1e-12), 1.0)
        return np.asarray((bent / self.pitch + self.centre) * self.scale)


def _rotation(x: float, y: float, z: float) -> Doubles:
    """Turns about x, then y, then z, radians."""
    (sx, sy, sz), (cx, cy, cz) = np.sin([x, y, z]), np.cos([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, dtype=np.float64)


def _from_calibration(path: Path, width: int, height: int) -> TsaiCamera:
    remedy = "a Tsai camera file has the elements Geometry, Intrinsic and Extrinsic"
    try:
        raw = path.read_bytes()[: LARGEST_FILE + 1]
    except OSError as error:
        raise _refuse(f"{path} cannot be read: {error.strerror}", "check its name") from error
    if len(raw) > LARGEST_FILE or b"<!" in raw:
        raise _refuse(f"{path} is no calibration file", remedy)
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314 (small, and without any declaration)
        geometry, inner, outer = (
            {name: float(value) for name, value in _element(root, tag).attrib.items()}
            for tag in ("Geometry", "Intrinsic", "Extrinsic")
        )
        return TsaiCamera(
            turn=_rotation(outer["rx"], outer["ry"], outer["rz"]),
            shift=np.array([outer["tx"], outer["ty"], outer["tz"]]),
            focal=inner["focal"],
            kappa=inner["kappa1"],
            pitch=np.array([geometry["dpx"] / inner["sx"], geometry["dpy"]]),
            centre=np.array([inner["cx"], inner["cy"]]),
            scale=np.array([width / geometry["width"], height / geometry["height"]]),
        )
    except (ElementTree.ParseError, KeyError, ValueError, ZeroDivisionError) as error:
        raise _refuse(f"{path} cannot be understood: {error}", remedy) from error


def _element(root: ElementTree.Element, tag: str) -> ElementTree.Element:
    found = root.find(tag)
    if found is None:
        raise KeyError(tag)
    return found


# ------------------------------------------------------------------ for everybody


def ground_plane(
    spec: GroundSpecification | Mapping[str, object], width: int, height: int, folder: Path
) -> Plane | TsaiCamera:
    """The ground of a view of this size in pixels. A calibration file is relative to `folder`.

    Raises ConfigurationError: points on one line, doubled, exchanged, mirrored, too few; lengths
    that do not fix a camera; a file that cannot be read.
    """
    if not isinstance(spec, GroundSpecification):
        try:
            spec = GroundSpecification.model_validate(dict(spec))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise _refuse(
                f"{place or 'settings'}: {first['msg']}", "see docs/events.md, Ground"
            ) from error
    if spec.calibration is not None:
        return _from_calibration(folder / spec.calibration, width, height)
    if spec.lengths:
        return _from_lengths(spec, width, height)
    return _from_pairs(spec, width, height)


def held_back(spec: GroundSpecification, width: int, height: int) -> tuple[HeldBack | None, ...]:
    """Each point, or each known length, as all others tell it; () under five of them.

    None for one without which the others fix no plane. Errors: ConfigurationError as
    `ground_plane`.
    """
    size = width, height
    if len(spec.lengths) >= 5:
        a = np.array([known.a for known in spec.lengths]) * size
        b = np.array([known.b for known in spec.lengths]) * size
        metres = np.array([known.metres for known in spec.lengths])
        return tuple(_each_length_held_back(a, b, metres, size))
    if len(spec.image) < 5 or len(spec.image) != len(spec.metres):
        return ()
    ground = np.asarray(spec.metres, dtype=np.float64)
    return tuple(_each_held_back(ground, np.asarray(spec.image, dtype=np.float64) * size))


def view_on(
    spec: GroundSpecification | Mapping[str, object] | None, width: int, height: int, folder: Path
) -> View:
    """The view of this size in pixels, with its ground if `spec` describes one.

    Raises ConfigurationError as `ground_plane` does.
    """
    if spec is None:
        return View(width, height)
    return View(width, height, ground_plane(spec, width, height, folder))


def pixels_per_metre(ground: GroundPlane, point: tuple[float, float]) -> float:
    """How many pixels a metre on the ground takes at this point, across the line of sight.

    The larger of the two directions: a metre away from the camera looks shorter. NaN above the
    horizon.
    """
    x, y = point
    here, right, down = ground.to_metres(np.array([[x, y], [x + 1, y], [x, y + 1]]))
    metres = (
        np.linalg.svd(np.column_stack([right - here, down - here]), compute_uv=False)
        if np.isfinite([here, right, down]).all()
        else np.array([np.nan])
    )
    return float(1 / metres[-1])


def area_m2(ground: GroundPlane, zone: Zone) -> float:
    """Square metres of the zone on the ground, its border taken every few pixels.

    Raises ConfigurationError where the zone reaches the horizon.
    """
    outline = ground.to_metres(zone.outline(10.0))
    if not np.isfinite(outline).all():
        raise ConfigurationError(
            f"{zone.setting}: it reaches above the horizon, where there is no ground",
            remedy="draw the zone on the ground",
            setting=zone.setting,
        )
    return float(shapely.Polygon(outline).area)


def person_height_px(
    ground: GroundPlane, point: tuple[float, float], metres: float = PERSON_M
) -> float | None:
    """Pixels that a standing person takes whose foot is at this point; None where not known."""
    if not isinstance(ground, Plane | TsaiCamera):
        return None
    foot = np.array([point], dtype=np.float64)
    height = float(np.linalg.norm(ground.above(foot, metres) - foot))
    return height if math.isfinite(height) else None
