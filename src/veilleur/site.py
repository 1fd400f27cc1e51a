"""The site file: cameras, what each may look at, and where.

    site: Station square
    time_zone: Europe/Paris
    cameras:
      - id: gate
        source: rtsp://10.0.0.5/main
        sub_stream: rtsp://10.0.0.5/sub       # analysed instead, where the camera has one
        user: viewer
        password: "p@ss:/?#%&"                # as typed, nothing is escaped; or password_file
        masks: [[[0.0, 0.0], [0.3, 0.0], [0.3, 0.2], [0.0, 0.2]]]
        ground: {image: [[0.1, 0.9], ...], metres: [[0, 0], ...]}
        rules:
          - {id: tracks, event: forbidden_zone, zone: [...], params: {dwell_s: 1.0}}

Rules are written as in a dataset (`events.specification`). Every mistake is reported with its
line and column, all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from ruamel.yaml.comments import CommentedMap

from veilleur.errors import ConfigurationError
from veilleur.events.registry import build_rule
from veilleur.events.specification import Point, RuleSpecification
from veilleur.geometry import View, Zone
from veilleur.ground import view_on
from veilleur.perception.backends import Precision
from veilleur.perception.loader import Choice
from veilleur.perception.models import NANODET, ModelConfiguration
from veilleur.yaml import Problems, place, read_model, read_tree

NOMINAL = View(1600, 900)


class SiteCamera(BaseModel):
    """One camera of the site file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    source: str | None = None
    sub_stream: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    rate_hz: float = Field(default=5.0, gt=0, le=30, description="analysed frames a second")
    masks: tuple[tuple[Point, ...], ...] = ()
    ground: dict[str, Any] | None = None
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

    model: any ONNX detector that an adapter reads; absent: the embedded one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = "openvino"
    precision: Precision = Precision.FP32
    model: ModelConfiguration | None = None

    def choice(self, folder: Path) -> Choice:
        """folder: where the site file lies; a model's file is relative to it."""
        model = self.model or NANODET
        if self.model is not None:
            model = model.model_copy(update={"file": folder / model.file})
        return Choice(backend=self.backend, precision=self.precision, model=model)


class Site(BaseModel):
    """A whole site file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str = Field(min_length=1)
    time_zone: str = "Europe/Paris"
    detector: DetectorSetting | None = None
    cameras: tuple[SiteCamera, ...] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone {name!r}: write it as Europe/Paris") from None
        return name

    def camera(self, id_: str) -> SiteCamera | None:
        return next((camera for camera in self.cameras if camera.id == id_), None)


def _repeated(ids: list[str], what: str) -> Iterator[tuple[int, ConfigurationError]]:
    """Each entry whose id stands further up already, by its number."""
    for number, id_ in enumerate(ids):
        if id_ in ids[:number]:
            yield (
                number,
                ConfigurationError(
                    f"two entries have the id {id_!r}: each {what} needs its own",
                    remedy="give this one another id",
                ),
            )


def load_site(path: Path) -> Site:
    """Read and check a site file, zones, rules and ground planes included.

    Errors: `veilleur.yaml.Problems` (a ConfigurationError) with every mistake, line and column.
    """
    site = read_model(path, Site)
    tree = read_tree(path)
    problems = [_placed(error, tree, at, path) for at, error in _mistakes(site, path.parent)]
    if problems:
        raise Problems(problems)
    return site


def camera_view(camera: SiteCamera, width: int, height: int, folder: Path) -> View:
    """The camera's view at this picture size, with its ground plane if it has one."""
    return view_on(camera.ground, width, height, folder)


_At = tuple[str | int, ...]


def _mistakes(site: Site, folder: Path) -> Iterator[tuple[_At, ConfigurationError]]:
    """What the types cannot see: shapes of zones, parameters of events, the ground plane; ids."""
    for number, error in _repeated([camera.id for camera in site.cameras], "camera"):
        yield ("cameras", number, "id"), error
    for number, camera in enumerate(site.cameras):
        at: _At = ("cameras", number)
        for which, error in _repeated([r.id for r in camera.rules], f"rule of {camera.id!r}"):
            yield (*at, "rules", which, "id"), error
        view = NOMINAL
        try:
            view = camera_view(camera, NOMINAL.width, NOMINAL.height, folder)
        except ConfigurationError as error:
            yield (*at, "ground"), error
        for which, mask in enumerate(camera.masks):
            try:
                Zone(view.pixels(list(mask)))
            except ConfigurationError as error:
                yield (*at, "masks", which), error
        for which, rule in enumerate(camera.rules):
            try:
                build_rule(rule, view, local_time_known=True)
            except ConfigurationError as error:
                yield (*at, "rules", which), error


def _placed(
    error: ConfigurationError, tree: CommentedMap, at: _At, path: Path
) -> ConfigurationError:
    inside = tuple(part for part in error.setting.split(".") if part)
    line, column = place(tree, (*at, *inside))
    return ConfigurationError(
        error.message,
        remedy=error.remedy,
        setting=".".join(str(part) for part in (*at, *inside)),
        file=str(path),
        line=line,
        column=column,
    )
