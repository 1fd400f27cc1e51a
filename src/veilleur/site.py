"""The site file: cameras, what each may look at, and where.

    site: Station square
    time_zone: Europe/Paris
    cameras:
      - id: gate
        source: rtsp://10.0.0.5/main
        sub_stream: rtsp://10.0.0.5/sub       # analysed instead, where the camera has one
        user: viewer
        password: "p@ss:/?#%&"                # as typed, nothing is escaped; or password_file
        allow_loopback: true                  # only for a tunnel or relay on this machine
        masks: [[[0.0, 0.0], [0.3, 0.0], [0.3, 0.2], [0.0, 0.2]]]
        ground: {image: [[0.1, 0.9], ...], metres: [[0, 0], ...]}
        rules:
          - {id: tracks, event: forbidden_zone, zone: [...], params: {dwell_s: 1.0}}

Rules are written as in a dataset (`events.specification`). Every mistake is reported with its
line and column, all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from ruamel.yaml.comments import CommentedMap

from veilleur.errors import ConfigurationError
from veilleur.events.mistakes import rule_mistakes
from veilleur.events.schedule import TimeZone
from veilleur.events.specification import Point, RuleSpecification
from veilleur.geometry import View, Zone
from veilleur.ground import GroundSpecification, view_on
from veilleur.perception.backends import Precision
from veilleur.perception.loader import Choice
from veilleur.perception.models import NANODET, ModelConfiguration
from veilleur.yaml import Misplaced, as_model, read_model, read_tree

NOMINAL = View(1600, 900)
_MASK: TypeAdapter[tuple[Point, ...]] = TypeAdapter(tuple[Point, ...])


class SiteCamera(BaseModel):
    """One camera of the site file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    source: str | None = None
    sub_stream: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    allow_loopback: bool = Field(
        default=False, description="the camera is reached by a tunnel or relay on this machine"
    )
    rate_hz: float = Field(default=5.0, gt=0, le=30, description="analysed frames a second")
    masks: tuple[tuple[Point, ...], ...] = ()
    ground: GroundSpecification | None = None
    starts_at: datetime | None = Field(
        default=None, description="local time of a file's first picture, for schedules"
    )
    rules: tuple[RuleSpecification, ...] = ()

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("give password or password_file, not both")
        return self


class DetectorSetting(BaseModel):
    """A detector by configuration, instead of what this machine measured: see docs/architecture.md.

    model: any ONNX detector that an adapter reads; absent: the embedded one. weapon: another, shown
    enlarged people, whose classes under `weapon` are weapons; absent: the embedded verifier.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = "openvino"
    precision: Precision = Precision.FP32
    model: ModelConfiguration | None = None
    weapon: ModelConfiguration | None = None

    @model_validator(mode="after")
    def _weapons_apart(self) -> Self:
        if self.model is not None and self.model.weapon:
            raise ValueError(
                "weapons have a detector of their own: name them under detector.weapon"
            )
        if self.weapon is not None and not self.weapon.weapon:
            raise ValueError("weapon: name its classes: weapon: [numbers]")
        return self

    def choice(self, folder: Path) -> Choice:
        """folder: where the site file lies; a model's file is relative to it."""
        model = self.model or NANODET
        if self.model is not None:
            model = model.model_copy(update={"file": folder / model.file})
        weapon = self.weapon
        if weapon is not None:
            alone = {"file": folder / weapon.file, "person": (), "vehicle": (), "bag": ()}
            weapon = weapon.model_copy(update=alone)
        return Choice(self.backend, self.precision, model=model, weapon=weapon)


class Site(BaseModel):
    """A whole site file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str = Field(min_length=1)
    time_zone: TimeZone = "Europe/Paris"
    detector: DetectorSetting | None = None
    cameras: tuple[SiteCamera, ...] = Field(min_length=1)

    def camera(self, id_: str) -> SiteCamera | None:
        return next((camera for camera in self.cameras if camera.id == id_), None)


def load_site(path: Path, *, whole: bool = False) -> Site:
    """Read and check a site file, zones, rules and ground planes included. whole: nobody else says
    where a camera's pictures come from, so that each needs its source.

    Errors: `veilleur.yaml.Problems` (a ConfigurationError) with every mistake, line and column.
    """
    return read_model(path, Site, partial(_mistakes, folder=path.parent, whole=whole))


def site_in(tree: CommentedMap, path: Path) -> Site:
    """The same, of a tree that is to stand in the file at `path`."""
    return as_model(tree, path, Site, partial(_mistakes, folder=path.parent))


def load_choice(path: Path) -> Choice:
    """How the detector is to run: from a file that holds what a site file has under `detector:`,
    or from a whole site file. A model's file is relative to it.

    Errors: ConfigurationError with every mistake, line and column.
    """
    if not {"cameras", "detector"} & set(read_tree(path)):
        return read_model(path, DetectorSetting).choice(path.parent)
    setting = load_site(path).detector
    if setting is None:
        raise ConfigurationError(
            "this site file names no detector",
            remedy="add `detector:` to it; without it the embedded one is used",
            setting="detector",
            file=str(path),
        )
    return setting.choice(path.parent)


def camera_view(camera: SiteCamera, width: int, height: int, folder: Path) -> View:
    """The camera's view at this picture size, with its ground plane if it has one."""
    return view_on(camera.ground, width, height, folder)


# ---------------------------------------------------------------------- what the types cannot see
_At = tuple[str | int, ...]


def _mistakes(raw: Mapping[str, Any], folder: Path, *, whole: bool = False) -> Iterator[Misplaced]:
    """Shapes of zones, parameters of events, the ground plane, ids: in whatever can be read."""
    cameras = _list(raw.get("cameras"))
    yield from _repeated(cameras, ("cameras",), "camera")
    for number, camera in enumerate(cameras):
        if isinstance(camera, Mapping):
            yield from _of_camera(camera, ("cameras", number), folder)
            if whole and camera.get("source") is None and camera.get("sub_stream") is None:
                yield Misplaced(("cameras", number), _no_source(camera))


def _no_source(camera: Mapping[str, Any]) -> ConfigurationError:
    return ConfigurationError(
        f"camera {camera.get('id', '?')!r} has no source", remedy="add `source:` to it"
    )


def _of_camera(camera: Mapping[str, Any], at: _At, folder: Path) -> Iterator[Misplaced]:
    rules = _list(camera.get("rules"))
    yield from _repeated(rules, (*at, "rules"), f"rule of {camera.get('id', '?')!r}")
    view = NOMINAL
    try:
        view = _view(camera.get("ground"), folder)
    except ValidationError:
        view = _seen_from_above()
    except ConfigurationError as error:
        yield Misplaced((*at, "ground"), error)
        view = _seen_from_above()
    for which, mask in enumerate(_list(camera.get("masks"))):
        try:
            Zone(view.pixels(list(_MASK.validate_python(mask))), "mask")
        except ValidationError:
            continue
        except ConfigurationError as error:
            yield Misplaced((*at, "masks", which), error)
    for which, rule in enumerate(rules):
        if isinstance(rule, Mapping):
            for mistake in rule_mistakes(rule, view):
                yield Misplaced((*at, "rules", which), mistake)


def _view(ground: object, folder: Path) -> View:
    """Errors: ValidationError for what the types refuse, ConfigurationError for the rest."""
    spec = None if ground is None else GroundSpecification.model_validate(ground)
    return view_on(spec, NOMINAL.width, NOMINAL.height, folder)


@cache
def _seen_from_above() -> View:
    """A view for rules whose camera's own ground is described wrongly."""
    image = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    metres = ((0.0, 9.0), (16.0, 9.0), (16.0, 0.0), (0.0, 0.0))
    return _view({"image": image, "metres": metres}, Path())


def _repeated(entries: list[Any], at: _At, what: str) -> Iterator[Misplaced]:
    """Each entry whose id stands further up already."""
    ids = [entry.get("id") if isinstance(entry, Mapping) else None for entry in entries]
    for number, id_ in enumerate(ids):
        if id_ is not None and id_ in ids[:number]:
            yield Misplaced(
                (*at, number, "id"),
                ConfigurationError(
                    f"two entries have the id {id_!r}: each {what} needs its own",
                    remedy="give this one another id",
                ),
            )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
