"""Which permit a camera gets: the laboratory's, an authorisation's, or none.

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
from veilleur.law.authorisation import ARTICLE, Authorisation
from veilleur.law.gate import SINGLE_PURPOSE, Authorised, Laboratory, Permit

SimulatorProof = Callable[[str, int], bool]
"""Does our own simulator answer at this host and port, now?"""


def permit_for(
    camera: str,
    source: Source,
    authorisation: Authorisation | None,
    is_our_simulator: SimulatorProof,
) -> Permit:
    """The permit of one camera. Raises NotAuthorised where there is none to be had."""
    if source.kind is Kind.FILE:
        return Laboratory("file")
    if source.kind is Kind.RTSP and is_our_simulator(source.host, source.port):
        return Laboratory("simulated camera")
    if authorisation is None:
        raise NotAuthorised(
            f"camera {camera!r} is a real camera: it is analysed only under an authorisation",
            remedy="give --authorisation FILE (reference, authority, cameras, events, period)",
            article=ARTICLE,
            camera=camera,
        )
    if camera not in authorisation.cameras:
        raise NotAuthorised(
            f"{authorisation.reference} does not name camera {camera!r}",
            remedy=f"it names: {', '.join(authorisation.cameras)}; add it to the "
            "authorisation, or name the cameras to watch (an address as ID=ADDRESS)",
            article=ARTICLE,
            camera=camera,
        )
    return Authorised(authorisation)


def not_covered(
    camera: str,
    rules: Sequence[RuleSpecification],
    permit: Permit,
    at: datetime,
) -> list[str]:
    """What is said at start of that which the permit does not cover: it is not analysed.

    These are rules for other events, and all of them outside its period. at: the aware instant of
    the start. Raises NotAuthorised where none is covered.
    """
    if not isinstance(permit, Authorised):
        return []
    covered = permit.authorisation.events
    left_out = [rule for rule in rules if rule.event not in covered]
    if len(left_out) == len(rules):
        raise NotAuthorised(
            f"{permit.reference} covers no rule of camera {camera!r}",
            remedy=f"it covers: {', '.join(covered)}",
            article=SINGLE_PURPOSE,
            camera=camera,
        )
    return _out_of_force(camera, permit, at) + [
        f"{camera}: rule {rule.id} ({rule.event.value}) is not analysed: "
        f"{permit.reference} does not cover it"
        for rule in left_out
    ]


def _out_of_force(camera: str, permit: Authorised, at: datetime) -> list[str]:
    period = permit.authorisation.period
    if period.covers(at):
        return []
    if at < period.start:
        begins = period.start.isoformat(timespec="minutes")
        return [f"{camera}: {permit.reference} is not in force until {begins}: no analysis before"]
    ended = period.end.isoformat(timespec="minutes")
    return [f"{camera}: {permit.reference} has ended, at {ended}: no analysis without a new one"]


def proof_of(
    camera: str, source: Source, permit: Permit, is_our_simulator: SimulatorProof
) -> Callable[[], None]:
    """What is to be asked with each new connection: it raises NotAuthorised where a simulated
    camera no longer proves to be one. Other permits don't depend on who answers."""

    def prove() -> None:
        if simulated and not is_our_simulator(source.host, source.port):
            raise NotAuthorised(
                f"what answers for camera {camera!r} is no longer our simulator",
                remedy="start the simulator again; a real camera needs --authorisation FILE",
                article=ARTICLE,
                camera=camera,
            )

    simulated = permit.laboratory and source.kind is Kind.RTSP
    return prove
