"""Which cameras a command analyses, with their rules and permits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from veilleur.cameras.camera import CameraSettings
from veilleur.cameras.source import Secret, Source, parse_source
from veilleur.catalogue import Event, Subject
from veilleur.engine.assembly import Assembly
from veilleur.engine.node import Member
from veilleur.errors import ConfigurationError
from veilleur.events.specification import RuleSpecification
from veilleur.law.authorisation import Authorisation
from veilleur.law.gate import Gate, Permit
from veilleur.law.permits import SimulatorProof, permit_for
from veilleur.site import Site, SiteCamera, camera_view

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
ANYWHERE = RuleSpecification(
    id="anywhere", event=Event.FORBIDDEN_ZONE, subject=Subject.BOTH, zone=WHOLE
)
"""What a camera without a site file is watched for: anybody, anywhere in the picture."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """Cameras in order of importance, the gate that holds their permits, and notes to show."""

    members: tuple[Member, ...]
    gate: Gate
    notes: tuple[str, ...] = ()

    def reference(self, camera: str) -> str:
        """Under what the camera is analysed, for every output."""
        return self.gate.permit(camera).reference


def line_up(
    asked: Sequence[str],
    site: Site | None,
    authorisation: Authorisation | None,
    *,
    folder: Path,
    is_our_simulator: SimulatorProof,
) -> Lineup:
    """The cameras asked for: addresses, `ID=ADDRESS`, ids of the site file, or all of that file.

    folder: where the site file lies. Errors: ConfigurationError, NotAuthorised.
    """
    chosen = [_choose(text, site) for text in asked] if asked else _all(site, folder)
    cameras = _named_once(chosen)
    members = []
    permits: dict[str, Permit] = {}
    for camera, source in cameras:
        permits[camera.id] = permit_for(camera.id, source, authorisation, is_our_simulator)
        members.append(_member(camera, source, folder))
    notes: tuple[str, ...] = ()
    if any(not camera.rules for camera, _ in cameras):
        notes = ("no rules given: anybody anywhere is signalled; draw zones in a --site file",)
    return Lineup(tuple(members), Gate(permits), notes)


def _all(site: Site | None, folder: Path) -> list[tuple[SiteCamera, Source]]:
    if site is None:
        raise ConfigurationError(
            "nothing to watch", remedy="name a file, an rtsp:// address, or give --site FILE"
        )
    return [(camera, _source_of(camera, folder)) for camera in site.cameras]


def _choose(text: str, site: Site | None) -> tuple[SiteCamera, Source]:
    """One argument of the command line."""
    if site is None:
        source = parse_source(text)
        return SiteCamera(id=_suggested_id(source)), source
    camera = site.camera(text)
    if camera is not None:
        return camera, _source_of(camera, Path())
    name, equals, address = text.partition("=")
    camera = site.camera(name) if equals else None
    if camera is not None:
        return camera, parse_source(address)
    if len(site.cameras) == 1:
        return site.cameras[0], parse_source(text)
    raise ConfigurationError(
        f"the site file has {len(site.cameras)} cameras: which of them is {text!r}?",
        remedy=f"write ID=ADDRESS with one of: {', '.join(c.id for c in site.cameras)}",
    )


def _source_of(camera: SiteCamera, folder: Path) -> Source:
    """The address to analyse: the sub-stream first, since the detector needs no more pixels."""
    address = camera.sub_stream or camera.source
    if address is None:
        raise ConfigurationError(
            f"camera {camera.id!r} has no source",
            remedy=f"add `source:` to it, or give {camera.id}=ADDRESS",
            setting="source",
        )
    source = parse_source(address if "://" in address else str(folder / address))
    if camera.password_file is not None:
        source = replace(source, password=Secret(_read_password(folder / camera.password_file)))
    elif camera.password is not None:
        source = replace(source, password=Secret(camera.password.get_secret_value()))
    return source if camera.user is None else replace(source, user=camera.user)


def _suggested_id(source: Source) -> str:
    """A camera that has no name yet is called by its host, or its file."""
    name = source.host or Path(source.address).stem
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-") or "camera"


def _read_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the password file cannot be read: {error}", file=str(path)
        ) from error


def _named_once(chosen: list[tuple[SiteCamera, Source]]) -> list[tuple[SiteCamera, Source]]:
    """The same file twice becomes two cameras with two names."""
    seen: dict[str, int] = {}
    named = []
    for camera, source in chosen:
        seen[camera.id] = seen.get(camera.id, 0) + 1
        if seen[camera.id] > 1:
            camera = camera.model_copy(update={"id": f"{camera.id}-{seen[camera.id]}"})
        named.append((camera, source))
    return named


def _member(camera: SiteCamera, source: Source, folder: Path) -> Member:
    settings = CameraSettings(
        id=camera.id,
        source=source,
        rate_hz=camera.rate_hz,
        masks=camera.masks,
        live=source.live,
    )
    rules = camera.rules or (ANYWHERE,)
    view = partial(camera_view, camera, folder=folder)
    return Member(settings, Assembly(camera.id, rules), view)
