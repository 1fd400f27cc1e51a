"""`veilleur serve`: the desk and its console, for one site."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from veilleur.cameras.simulated import is_our_simulator
from veilleur.cli.choosing import chosen, tell
from veilleur.cli.ending import orderly
from veilleur.cli.first import offer
from veilleur.console.administration import Accounts
from veilleur.console.app import create_app
from veilleur.console.serving import address, bind
from veilleur.console.serving import serve as serve_forever
from veilleur.console.settings import Settings
from veilleur.desk.desk import Desk, DeskSettings
from veilleur.engine.lineup import sources_of
from veilleur.errors import ConfigurationError
from veilleur.evidence.memory import lock_as_much_as_permitted, no_core_dumps
from veilleur.law.authorisation import Authorisation, read_authorisation
from veilleur.law.deed import COMMAND_LINE
from veilleur.law.permits import origin_of
from veilleur.law.profile import LegalProfile, read_profile, shipped
from veilleur.site import Site, load_site


def serve(
    site: Annotated[Path, typer.Option(help="cameras, zones and rules")],
    data: Annotated[
        Path, typer.Option(help="where everything is kept; made where it is missing")
    ] = Path("veilleur-data"),
    database: Annotated[
        str | None, typer.Option(help="another database: postgresql://user@host/name")
    ] = None,
    authorisation: Annotated[
        list[Path] | None, typer.Option(help="an act of the authority; may be given several times")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="the legal profile in force, for real cameras")
    ] = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on", min=0, max=65535)] = 8080,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file")] = None,
    origin: Annotated[
        str | None, typer.Option(help="what browsers call this place, behind a proxy")
    ] = None,
    trusted_proxy: Annotated[
        str | None, typer.Option(help="address of that proxy: its X-Forwarded-For counts")
    ] = None,
    idle_minutes: Annotated[
        int, typer.Option(help="a session ends after so long without use", min=5, max=60)
    ] = 15,
) -> None:
    """Serve the console: alerts to people who decide. Ctrl-C stops."""
    plan = load_site(site, whole=True)
    law = _law(plan, site.parent, profile)
    settings = Settings(
        host=host,
        port=port,
        certificate=tls_certificate,
        key=tls_key,
        origin=origin,
        trusted_proxy=trusted_proxy,
        idle=timedelta(minutes=idle_minutes),
        laboratory=law.laboratory,
    )
    choice = chosen(plan.detector.choice(site.parent) if plan.detector else None)
    wanted = DeskSettings(
        site=plan,
        file=site,
        database=database or f"sqlite:///{_folder(data) / 'veilleur.db'}",
        profile=law,
        choice=choice,
        loop=law.laboratory,
    )
    acts = [read_authorisation(path) for path in authorisation or ()]
    with suppress(KeyboardInterrupt), orderly():
        run(wanted, settings, acts, beside=partial(_first, settings))


def run(
    wanted: DeskSettings,
    settings: Settings,
    acts: Sequence[Authorisation],
    beside: Callable[[Desk], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> None:
    """Until it is stopped. acts: put on the record where they aren't yet. beside: what goes on as
    long as the desk does. Raises StoreError where another desk took the database meanwhile."""
    no_core_dumps()
    lock_as_much_as_permitted()
    with bind(settings) as listener:
        desk = Desk.open(wanted)
        desk.when_lost = partial(signal.raise_signal, signal.SIGINT)
        try:
            with desk:
                for act in acts:
                    _enter(desk, act)
                app = create_app(desk, settings)
                with beside(desk):
                    _welcome(desk, address(settings, listener))
                    serve_forever(app, settings, listener, desk.feed.end)
        finally:
            if desk.lost is not None:
                raise desk.lost from None


def _enter(desk: Desk, act: Authorisation) -> None:
    """Put an act on the record, where it isn't yet. One that can open nothing is told and does not
    keep the console from starting. Raises ConfigurationError where another act has its reference:
    what is authorised is never changed under the same number."""
    known = {one.authorisation.reference: one.authorisation for one in desk.authority.acts()}
    if act.reference in known:
        if known[act.reference] != act:
            raise ConfigurationError(
                f"{act.reference} is on the record with other contents than in this file",
                remedy="a change is another act with a reference of its own",
                setting="authorisation",
            )
        return
    try:
        desk.authority.add(act, COMMAND_LINE)
    except ConfigurationError as error:
        tell(f"{act.reference} opens nothing: {error}")
    for camera in act.cameras:
        if desk.camera(camera) is None:
            tell(f"{act.reference} names {camera!r}, which the site file does not have")


def _welcome(desk: Desk, where: str) -> None:
    mode = f"under the legal profile {desk.settings.profile.name}"
    if desk.laboratory:
        mode = "LABORATORY: files and simulated cameras, nobody real is watched"
    tell(f"{desk.site.site}, {mode}")
    tell(f"the console is at {where}")


@contextmanager
def _first(settings: Settings, desk: Desk) -> Iterator[None]:
    offer(Accounts(desk.database, settings), settings, terminal=sys.stderr.isatty())
    yield


def _folder(data: Path) -> Path:
    """For this user alone. Raises ConfigurationError."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the folder {data} can't be made: {error.strerror}",
            remedy="give another one with --data",
            setting="data",
        ) from None
    return data.resolve()


def _law(plan: Site, folder: Path, profile: Path | None) -> LegalProfile:
    """The profile that was given; without one the laboratory's, for files and our simulator alone.

    Raises ConfigurationError for a real camera without a profile: no text, no analysis.
    """
    if profile is not None:
        return read_profile(profile)
    real = [
        camera
        for camera, source in sources_of(plan, folder)
        if not origin_of(source, is_our_simulator).laboratory
    ]
    if real:
        raise ConfigurationError(
            f"{', '.join(real)}: a real camera is analysed only under a law in force",
            remedy="give its profile with --profile FILE, verified by a jurist; the ones that are "
            "shipped are expired (2024) or nobody has verified them (2030)",
            setting="profile",
        )
    return shipped("laboratory")
