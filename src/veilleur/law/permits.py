"""Where a camera's pictures come from, and what is said at start of that which no act covers.

A file is laboratory footage. An RTSP camera is laboratory footage only if it proves to be our own
simulator (a per-run secret; being on the loopback proves nothing), and proves it again with each
connection. Any other camera needs an authorisation that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from veilleur.cameras.source import Kind, Source
from veilleur.errors import NotAuthorised
from veilleur.events.specification import RuleSpecification
from veilleur.law.authorisation import ARTICLE, Authorisation, instant
from veilleur.law.conditions import SINGLE_PURPOSE
from veilleur.law.gate import Laboratory, Live, Origin

SimulatorProof = Callable[[str, int], bool]
"""Does our own simulator answer at this host and port, now?"""


def origin_of(source: Source, is_our_simulator: SimulatorProof) -> Origin:
    """Laboratory only for what can't be anybody real; everything else is a real camera."""
    if source.kind is Kind.FILE:
        return Laboratory("file")
    if source.kind is Kind.RTSP and is_our_simulator(source.host, source.port):
        return Laboratory("simulated camera")
    return Live()


def covering(camera: str, authorisation: Authorisation | None) -> Authorisation:
    """The act under which a command may look at a real camera. Raises NotAuthorised without one."""
    if authorisation is None:
        raise NotAuthorised(
            f"camera {camera!r} is a real camera: it is analysed only under an authorisation",
            remedy="give --authorisation FILE (reference, authority, cameras, events, period)",
            article=ARTICLE,
            camera=camera,
            cause="no_act",
        )
    if camera not in authorisation.cameras:
        raise NotAuthorised(
            f"{authorisation.reference} does not name camera {camera!r}",
            remedy=f"it names: {', '.join(authorisation.cameras)}; add it to the "
            "authorisation, or name the cameras to watch (an address as ID=ADDRESS)",
            article=ARTICLE,
            camera=camera,
            cause="camera_not_named",
        )
    return authorisation


def not_covered(
    camera: str,
    rules: Sequence[RuleSpecification],
    act: Authorisation,
    at: datetime,
) -> list[str]:
    """What is said at start of that which the act does not cover: it is not analysed.

    These are rules for other events, and all of them outside its period. at: the aware instant of
    the start. Raises NotAuthorised where none is covered.
    """
    left_out = [rule for rule in rules if rule.event not in act.events]
    if len(left_out) == len(rules):
        raise NotAuthorised(
            f"{act.reference} covers no rule of camera {camera!r}",
            remedy=f"it covers: {', '.join(act.events)}",
            article=SINGLE_PURPOSE,
            camera=camera,
            cause="event_not_named",
        )
    return _out_of_force(camera, act, at) + [
        f"{camera}: rule {rule.id} ({rule.event.value}) is not analysed: "
        f"{act.reference} does not cover it"
        for rule in left_out
    ]


def _out_of_force(camera: str, act: Authorisation, at: datetime) -> list[str]:
    period = act.period
    if period.covers(at):
        return []
    if instant(at) < instant(period.start):
        begins = period.start.isoformat(timespec="minutes")
        return [f"{camera}: {act.reference} is not in force until {begins}: no analysis before"]
    ended = period.end.isoformat(timespec="minutes")
    return [f"{camera}: {act.reference} has ended, at {ended}: no analysis without a new one"]


def proof_of(
    camera: str, source: Source, origin: Origin, is_our_simulator: SimulatorProof
) -> Callable[[], None]:
    """What is to be asked with each new connection: it raises NotAuthorised where a simulated
    camera no longer proves to be one. Other origins don't depend on who answers."""

    def prove() -> None:
        if simulated and not is_our_simulator(source.host, source.port):
            raise NotAuthorised(
                f"what answers for camera {camera!r} is no longer our simulator",
                remedy="start the simulator again; a real camera needs --authorisation FILE",
                article=ARTICLE,
                camera=camera,
                cause="not_our_simulator",
            )

    simulated = origin.laboratory and source.kind is Kind.RTSP
    return prove
