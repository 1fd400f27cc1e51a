"""Which permit a camera gets: the laboratory's, an authorisation's, or none.

A file is laboratory footage. An RTSP camera is laboratory footage only if it proves to be our own
simulator (a per-run secret; being on the loopback proves nothing). Any other camera needs an
authorisation that names it.
"""

from __future__ import annotations

from collections.abc import Callable

from veilleur.cameras.source import Kind, Source
from veilleur.errors import NotAuthorised
from veilleur.law.authorisation import ARTICLE, Authorisation
from veilleur.law.gate import Authorised, Laboratory, Permit

SimulatorProof = Callable[[str, int], bool]


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
    return Authorised(authorisation)
