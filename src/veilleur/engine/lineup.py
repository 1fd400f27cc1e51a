"""Which cameras a command analyses, with their rules and permits. What can't work is said here,
before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from veilleur.cameras.camera import CameraSettings
from veilleur.cameras.source import Kind, Reach, Source, parse_source
from veilleur.catalogue import Event, Subject
from veilleur.engine.assembly import Assembly
from veilleur.engine.member import Member
from veilleur.errors import ConfigurationError
from veilleur.events.registry import build_rule
from veilleur.events.specification import RuleSpecification
from veilleur.law.authorisation import Authorisation
from veilleur.law.gate import Gate, Origin
from veilleur.law.orders import Orders
from veilleur.law.permits import SimulatorProof, covering, not_covered, origin_of, proof_of
from veilleur.law.regime import covered, laboratory, unverified
from veilleur.site import NOMINAL, Site, SiteCamera, camera_view

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
RING_S, RING_BYTES = 10.0, 4 << 20
"""Packets of the last seconds, in memory, for evidence to come: whichever limit is met first."""
ANYWHERE = RuleSpecification(
    id="anywhere", event=Event.FORBIDDEN_ZONE, subject=Subject.BOTH, zone=WHOLE
)
"""What a camera without a site file is watched for: anybody, anywhere in the picture."""

_NAMED = re.compile(r"(?P<id>[A-Za-z0-9_.-]+)=(?P<address>.+)", re.DOTALL)
_ADDRESS = re.compile(r"(?i)^rtsps?://")


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
    at: datetime,
    gate: Gate | None = None,
) -> Lineup:
    """The cameras asked for: addresses, `ID=ADDRESS`, ids of the site file, or all of that file.

    folder: where the site file lies. at: the aware instant of the start, at which an act is in
    force or not. gate: one that is told its orders by a desk, whatever is authorised at the start;
    the cameras are entered there. None: a gate is made, and a camera that nothing covers is
    refused here. The order is that of importance: beyond capacity the last are given up.
    Errors: ConfigurationError, NotAuthorised (laboratory and real cameras in one line-up, too).
    """
    chosen = [_choose(text, site, folder) for text in asked] if asked else _all(site, folder)
    zone = ZoneInfo(site.time_zone) if site is not None else None
    members: list[Member] = []
    origins: dict[str, Origin] = {}
    notes: list[str] = []
    for camera, source in _named_once(chosen):
        origin = origin_of(source, is_our_simulator)
        prove = proof_of(camera.id, source, origin, is_our_simulator)
        source = source.reaching(_reach(camera, origin))
        member = _member(camera, source, folder, zone, prove)
        if gate is None and not origin.laboratory:
            act = covering(camera.id, authorisation)
            notes += not_covered(camera.id, member.assembly.rules, act, at)
        origins[camera.id] = origin
        members.append(member)
    if any(not camera.rules for camera, _ in chosen):
        notes.append("no rules given: anybody anywhere is signalled; draw zones in a --site file")
    if gate is None:
        gate = _commanded(origins, authorisation)
        notes += unverified(gate.regime)
    else:
        for id_, origin in origins.items():
            gate.enter(id_, origin)
    return Lineup(tuple(members), gate, tuple(notes))


def _reach(camera: SiteCamera, origin: Origin) -> Reach:
    """Our simulator has proven to be on this machine; another camera is by the file's word."""
    if origin.laboratory:
        return Reach.HERE
    return Reach.EITHER if camera.allow_loopback else Reach.NETWORK


def _commanded(origins: Mapping[str, Origin], authorisation: Authorisation | None) -> Gate:
    """The gate of a command. It refuses a file where there is a real camera too."""
    if all(origin.laboratory for origin in origins.values()):
        return Gate(origins, laboratory())
    acts = Orders.of(authorisation) if authorisation is not None else Orders()
    return Gate(origins, covered(), acts)


# ---------------------------------------------------------------------- which cameras
def _all(site: Site | None, folder: Path) -> list[tuple[SiteCamera, Source]]:
    if site is None:
        raise ConfigurationError(
            "nothing to watch", remedy="name a file, an rtsp:// address, or give --site FILE"
        )
    return [(camera, _source_of(camera, folder)) for camera in site.cameras]


def sources_of(site: Site, folder: Path) -> list[tuple[str, Source]]:
    """Each camera's id and what is opened for it. Errors: ConfigurationError."""
    return [(camera.id, source) for camera, source in _all(site, folder)]


def _choose(text: str, site: Site | None, folder: Path) -> tuple[SiteCamera, Source]:
    """One argument of the command line. Never shows it: it may hold a password."""
    named = _NAMED.fullmatch(text) if not Path(text).exists() else None
    if site is None:
        source = _parsed(named["address"] if named else text)
        return SiteCamera(id=named["id"] if named else source.suggested_id), source
    camera = site.camera(text)
    if camera is not None:
        return camera, _source_of(camera, folder)
    if named:
        return _known(named["id"], site), _parsed(named["address"])
    if len(site.cameras) == 1:
        return site.cameras[0], _parsed(text)
    raise ConfigurationError(
        f"the site file has {len(site.cameras)} cameras: which of them is {_shown(text)}?",
        remedy=f"write ID=ADDRESS with one of: {', '.join(c.id for c in site.cameras)}",
    )


def _known(id_: str, site: Site) -> SiteCamera:
    camera = site.camera(id_)
    if camera is None:
        raise ConfigurationError(
            f"the site file has no camera {id_!r}",
            remedy=f"it has: {', '.join(c.id for c in site.cameras)}",
        )
    return camera


def _shown(text: str) -> str:
    """An argument without what may be a password in it."""
    if "@" not in text and "://" not in text:
        return repr(text)
    return "that address"


def _parsed(text: str) -> Source:
    """An address or file, as typed; a camera of this machine must be there."""
    text = text.strip()
    if "://" in text and not _ADDRESS.match(text) and not Path(text).exists():
        raise ConfigurationError(
            "an address must begin with rtsp:// or rtsps://",
            remedy="as in rtsp://user:password@10.0.0.5/stream, or give a file or /dev/video0",
            setting="source",
        )
    source = parse_source(text)
    if source.kind is Kind.LOCAL and not Path(source.address).exists():
        present = sorted(str(path) for path in Path("/dev").glob("video*"))
        raise ConfigurationError(
            f"there is no camera {source.address} on this machine",
            remedy=f"there is {', '.join(present)}" if present else "none is connected",
            setting="source",
        )
    return source


def _source_of(camera: SiteCamera, folder: Path) -> Source:
    """The address to analyse: the sub-stream first, since the detector needs no more pixels."""
    address = camera.sub_stream or camera.source
    if address is None:
        raise ConfigurationError(
            f"camera {camera.id!r} has no source",
            remedy=f"add `source:` to it, or give {camera.id}=ADDRESS",
            setting="source",
        )
    source = _parsed(address if "://" in address else str(folder / address))
    if camera.password_file is not None:
        return source.signed_in(camera.user, _read_password(folder / camera.password_file))
    if camera.password is not None:
        return source.signed_in(camera.user, camera.password.get_secret_value())
    return source.signed_in(camera.user, None)


def _read_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigurationError(
            f"the password file cannot be read: {reason}",
            remedy="its path is relative to the site file; its one line is the password",
            file=str(path),
        ) from None


def _named_once(chosen: list[tuple[SiteCamera, Source]]) -> list[tuple[SiteCamera, Source]]:
    """The same file twice becomes two cameras with two names."""
    taken: set[str] = set()
    named = []
    for camera, source in chosen:
        name, number = camera.id, 1
        while name in taken:
            number += 1
            name = f"{camera.id}-{number}"
        taken.add(name)
        named.append((camera.model_copy(update={"id": name}), source))
    return named


# ---------------------------------------------------------------------- what becomes of them
def _member(
    camera: SiteCamera,
    source: Source,
    folder: Path,
    zone: ZoneInfo | None,
    prove: Callable[[], None],
) -> Member:
    settings = CameraSettings(
        id=camera.id,
        source=source,
        rate_hz=camera.rate_hz,
        masks=camera.masks,
        live=source.live,
        ring_seconds=RING_S,
        ring_bytes=RING_BYTES,
    )
    rules = camera.rules or (ANYWHERE,)
    begins = None if source.live else camera.starts_at
    clock = begins is not None or (source.live and zone is not None)
    view = camera_view(camera, NOMINAL.width, NOMINAL.height, folder)
    for rule in rules:
        build_rule(rule, view, local_time_known=clock)
    return Member(
        settings,
        Assembly(camera.id, rules, begins),
        partial(camera_view, camera, folder=folder),
        zone=zone if source.live else None,
        prove=prove,
    )
