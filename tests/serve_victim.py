"""The whole service in a process of its own, to be struck: python -m tests.serve_victim FOLDER

With --nest (`tests.nest`) it stays where it has imported everything, and forks services.

FOLDER holds site.yaml, made by the harness; the data folder and the history lie in it. The service
is the product's own, wrapped from outside: each frame that is looked at, each signal the store has
acknowledged and each verdict goes into the history (`tests.history`). An operator who never tires
takes and decides what waits. The cookie of a screen is written to FOLDER/cookie.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Self

from tests.history import Acknowledged, Decided, Fed, Pen
from tests.made_desk import made_act, made_settings
from tests.nest import hatch
from tests.watching import Blocks, Made
from veilleur.cli import serve as serving
from veilleur.cli.choosing import chosen
from veilleur.console.identities import KeptIdentities
from veilleur.console.permission import Role
from veilleur.console.settings import Rates, Settings
from veilleur.desk.desk import Desk, DeskSettings
from veilleur.desk.intake import Stored
from veilleur.engine.assembly import Assembly, Detectors
from veilleur.engine.pipeline import Pipeline
from veilleur.engine.shedding import Shedding
from veilleur.errors import IncidentRefused, NotFound, StoreError, VeilleurError
from veilleur.geometry import View
from veilleur.law.authorisation import Authorisation
from veilleur.law.gate import Gate, boot_s
from veilleur.law.orders import Scope
from veilleur.store import accounts, incidents
from veilleur.store.accounts import Account

SCREEN = "screen"
DAY = timedelta(days=1)
FREELY = Rates(anonymous_hz=1e6, anonymous_burst=10**6, signed_in_hz=1e6, signed_in_burst=10**6)


class Witnessed:
    """A looker that notes each frame before it is looked at."""

    def __init__(self, looker: Any, camera: str, pen: Pen) -> None:
        self._looker, self._camera, self._pen = looker, camera, pen

    def look(self, *arguments: Any, **named: Any) -> Any:
        self._pen.write(Fed(self._camera, boot_s()))
        return self._looker.look(*arguments, **named)


def witness(pen: Pen) -> None:
    honest = Assembly.pipeline

    def pipeline(self: Assembly, view: View, gate: Gate, detectors: Detectors) -> Pipeline:
        made = honest(self, view, gate, detectors)
        made.looker = Witnessed(made.looker, self.camera, pen)  # type: ignore[assignment]
        return made

    Assembly.pipeline = pipeline  # type: ignore[method-assign]


def carry_all_cameras() -> None:
    """None is given up for want of room: trials run side by side, on machines that others use too,
    and a camera that was given up stays away for a minute, whatever is struck."""
    Shedding.update = lambda *_: None  # type: ignore[method-assign]


def desk_class(pen: Pen, detectors: Detectors | None) -> type[Desk]:
    class WitnessedDesk(Desk):
        @classmethod
        def open(cls, settings: DeskSettings, _: Detectors | None = None) -> Self:
            return super().open(settings, detectors)  # type: ignore[return-value]

        def _stored(self, done: Sequence[Stored]) -> None:
            for one in done:
                if not one.signal.canary:
                    pen.write(Acknowledged(str(one.signal.id)))
            super()._stored(done)

    return WitnessedDesk


def the_act(file: Path, cameras: Sequence[str], seconds: float) -> Authorisation:
    """The same one after each restart."""
    if not file.exists():
        made = made_act(*cameras, seconds=seconds)
        file.write_text(made.model_dump_json(by_alias=True, exclude_none=True))
    return Authorisation.model_validate_json(file.read_text())


def account_of_the_screen(settings: Settings, until: datetime) -> Account:
    return Account(
        name=SCREEN,
        password=settings.passwords.hash("correct horse battery", SCREEN),
        roles=frozenset({Role.OPERATOR}),
        habilitated_until=until,
        trained_until=until,
        language="en",
    )


@contextmanager
def screen(desk: Desk, settings: Settings, folder: Path) -> Iterator[None]:
    """An account with a session, for the harness."""
    now = datetime.now(UTC)
    with desk.database.write() as w:
        if accounts.account(w, SCREEN) is None:
            accounts.add(w, account_of_the_screen(settings, now + DAY), now)
        secret = KeptIdentities(desk.database, settings).begin(w, SCREEN)
    (folder / "cookie").write_text(secret)
    yield


@contextmanager
def operator(desk: Desk, pen: Pen, seed: int) -> Iterator[None]:
    ended = threading.Event()
    work = threading.Thread(target=_operate, args=(desk, pen, Random(seed), ended), daemon=True)
    work.start()
    try:
        yield
    finally:
        ended.set()
        work.join()


def _operate(desk: Desk, pen: Pen, die: Random, ended: threading.Event) -> None:
    while not ended.wait(die.uniform(0.0, 0.3)):
        with suppress(IncidentRefused, NotFound, StoreError):
            with desk.database.read() as r:
                waiting = incidents.open_incidents(r, None)
            if waiting:
                one = die.choice(waiting)
                desk.people.take(one.id, SCREEN, None)
                sure = die.random() < 0.5
                reason = "as_signalled" if sure else "animal"
                desk.people.decide(one.id, SCREEN, None, confirmed=sure, reason=reason)
                pen.write(Decided(str(one.id)))


def main() -> None:
    if sys.argv[1:2] == ["--nest"]:
        hatch(int(sys.argv[2]), serve)
    else:
        serve(sys.argv[1:])


def serve(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--real", action="store_true", help="the product's own detector")
    parser.add_argument("--idle", action="store_true", help="no operator")
    parser.add_argument("--stopped", action="store_true", help="everything is stopped at once")
    parser.add_argument("--until", type=float, default=86_400.0, help="seconds the act holds")
    asked = parser.parse_args(arguments)
    folder: Path = asked.folder
    data = folder / "data"
    data.mkdir(exist_ok=True)
    pen = Pen(folder / "history")
    witness(pen)
    carry_all_cameras()
    # An hour's step of the clock is an hour without a touch: the screen is to see what comes then.
    settings = Settings(port=0, laboratory=True, rates=FREELY, idle=DAY, longest=DAY)
    wanted = made_settings(folder / "site.yaml", data)
    if asked.real:
        wanted = replace(wanted, choice=chosen(None))
    vars(serving)["Desk"] = desk_class(pen, None if asked.real else Made(Blocks()))
    cameras = [camera.id for camera in wanted.site.cameras]
    act = the_act(folder / "act.json", cameras, asked.until)

    @contextmanager
    def beside(desk: Desk) -> Iterator[None]:
        if asked.stopped:
            desk.authority.stop(Scope.EVERYTHING, "", SCREEN, "the end of the test")
        with screen(desk, settings, folder):
            if asked.idle or asked.stopped:
                yield
            else:
                with operator(desk, pen, len(cameras)):
                    yield

    try:
        serving.run(wanted, settings, [act], beside)
    except VeilleurError as error:
        print(f"refused: {error}", flush=True)


if __name__ == "__main__":
    main()
