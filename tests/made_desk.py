"""A whole desk on a made street, with a made detector: real decoders, real store, known events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.watching import Blocks, Made, across, street
from veilleur.desk.desk import Desk, DeskSettings
from veilleur.engine.report import CameraReport, Condition
from veilleur.law.authorisation import Authorisation
from veilleur.law.profile import shipped
from veilleur.perception.loader import Choice
from veilleur.site import load_site

PATIENCE_S = 60.0
SITE = """
site: street
cameras:
"""
CAMERA = """
  - id: {id}
    source: {source}
    rules: [{{id: anybody, event: forbidden_zone, subject: person, params: {{dwell_s: 0.6}},
             zone: [[0, 0], [1, 0], [1, 1], [0, 1]]}}]
"""


def comes_and_goes(seconds: float) -> float | None:
    """Somebody walks for six seconds of every nine."""
    return across(seconds) if seconds % 9.0 < 6.0 else None


def made_film(folder: Path, seconds: float = 18.0) -> Path:
    return street(folder / "street.mp4", seconds, comes_and_goes)


def write_site(folder: Path, sources: Mapping[str, str]) -> Path:
    """A site file. sources: what each camera is, by its name. Returns the file."""
    file = folder / "site.yaml"
    cameras = [CAMERA.format(id=name, source=source) for name, source in sources.items()]
    file.write_text(SITE + "".join(cameras))
    return file


def made_site(folder: Path, *cameras: str, seconds: float = 18.0) -> Path:
    """A site file and the film that all its cameras show. Returns the file."""
    film = made_film(folder, seconds)
    return write_site(folder, dict.fromkeys(cameras, film.name))


def made_act(*cameras: str, seconds: float = 86_400.0, **changes: object) -> Authorisation:
    """A laboratory's act for these cameras, from a minute ago for so many seconds."""
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "reference": "LAB-1",
        "authority": "A test",
        "laboratory": True,
        "controller": "A test",
        "perimeter": "A street",
        "cameras": cameras,
        "events": ("forbidden_zone",),
        "period": {"from": now - timedelta(minutes=1), "until": now + timedelta(seconds=seconds)},
        "services": ("municipal_police",),
        "reasons": "A test",
        "gathering": "cultural",
        "notice": {"text": "A test", "told_by": ("a poster",)},
    }
    return Authorisation.model_validate(fields | changes)


def made_settings(site: Path, folder: Path, **changes: object) -> DeskSettings:
    values: dict[str, object] = {
        "site": load_site(site),
        "file": site,
        "database": f"sqlite:///{folder / 'veilleur.db'}",
        "profile": shipped("laboratory"),
        "choice": Choice(streams=2),
        "loop": True,
    }
    return DeskSettings(**{**values, **changes})  # type: ignore[arg-type]


class DeskAtWork:
    """Entered it runs, authorised, in this process."""

    def __init__(self, site: Path, folder: Path, detector: Blocks) -> None:
        self._settings = made_settings(site, folder)
        self._detector = detector
        self.file = folder / "veilleur.db"

    def __enter__(self) -> Self:
        self.desk = Desk.open(self._settings, Made(self._detector))
        self.desk.__enter__()
        cameras = [camera.id for camera in self._settings.site.cameras]
        self.desk.authority.add(made_act(*cameras), "dpo")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.desk.__exit__(kind, error, trace)

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait on a condition, not on the clock."""
        pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"in vain: {what}: {self.desk.vitals()}"
            pause.wait(0.02)

    def report(self, camera: str) -> CameraReport:
        return next(one for one in self.desk.cameras() if one.camera == camera)

    def condition(self, camera: str) -> Condition:
        return self.report(camera).condition
