"""`veilleur simulate`: files as RTSP cameras on the loopback, with faults on command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from veilleur.errors import ConfigurationError
from veilleur.simulation.faults import Kind, Planned, parse
from veilleur.simulation.message import Credentials
from veilleur.simulation.rtp import Codec
from veilleur.simulation.simulator import SimulatedCamera, Simulator


def simulate(
    files: Annotated[list[Path], typer.Argument(help="video files; each becomes a camera")],
    cameras: Annotated[
        int | None, typer.Option(min=1, help="how many; files are used again in turn")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="of the first camera; 0 takes free ones")
    ] = 8554,
    codec: Annotated[
        Codec | None, typer.Option(help="code the files again as this; H.264 and H.265 stay as is")
    ] = None,
    user: Annotated[str | None, typer.Option(help="name that viewers must give")] = None,
    password: Annotated[str | None, typer.Option(help="with any characters")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="[CAMERA/]KIND[=AMOUNT]@SECONDS[:DURATION], again and again: " + ", ".join(Kind)
        ),
    ] = None,
) -> None:
    """Serve files as RTSP cameras on this machine, for ever. Ctrl-C stops."""
    count = cameras or len(files)
    planned = tuple(parse(text) for text in fault or [])
    _check_cameras(planned, count)
    credentials = _credentials(user, password)
    sources = [
        SimulatedCamera(
            path=files[number % len(files)],
            codec=codec,
            credentials=credentials,
            faults=tuple(p for p in planned if p.camera in (None, number)),
        )
        for number in range(count)
    ]
    with Simulator(sources, port) as simulator, _until_stopped() as stopped:
        console = Console(highlight=False, soft_wrap=True)
        for number, source in enumerate(sources):
            media = simulator.media(number)
            shape = f"{media.width}x{media.height} {media.codec} {media.rate:.3g}/s"
            console.print(f"{simulator.typed(number)}  {shape}  {source.path.name}", markup=False)
        stopped.wait()


def _credentials(user: str | None, password: str | None) -> Credentials | None:
    if user is None and password is None:
        return None
    if user is None or password is None or ":" in user:
        raise ConfigurationError(
            "a user and a password belong together, and a user's name holds no colon",
            remedy="give both --user and --password",
            setting="user",
        )
    return Credentials(user, password)


def _check_cameras(planned: tuple[Planned, ...], count: int) -> None:
    for one in planned:
        if one.camera is not None and one.camera >= count:
            raise ConfigurationError(
                f"a fault for camera {one.camera + 1}, but there are {count}",
                remedy="cameras count from 1; --cameras makes more of them",
                setting="fault",
            )


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Set by Ctrl-C or a request to end."""
    stopped = threading.Event()
    caught = (signal.SIGINT, signal.SIGTERM)
    before = {which: signal.signal(which, lambda *_: stopped.set()) for which in caught}
    try:
        yield stopped
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
