"""Files as RTSP cameras, in a thread of their own, for tests, demos and integrators.

    with Simulator([SimulatedCamera(Path("street.mp4"))]) as simulator:
        open_it(simulator.url(0))
        simulator.inject(0, Fault(Kind.STALL))

Nothing here needs sleeping: `wait_for` returns when something has happened, or says that it has
not within the time given.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from veilleur.errors import ConfigurationError
from veilleur.simulation import media as coded
from veilleur.simulation.camera import Camera, SentFrame, TrueClock
from veilleur.simulation.faults import Fault, Kind, Planned
from veilleur.simulation.media import Media
from veilleur.simulation.message import Credentials, Request
from veilleur.simulation.proof import proven
from veilleur.simulation.rtp import Codec
from veilleur.simulation.rtsp import Access, CameraServer

T = TypeVar("T")

PATIENCE_S = 10.0
"""Seconds that a test waits at most, unless it says otherwise."""

_VARIANTS = {
    Kind.RESOLUTION: coded.smaller,
    Kind.FREEZE: coded.frozen,
    Kind.DARK: coded.dark,
}


@dataclass(frozen=True, slots=True)
class SimulatedCamera:
    """What one camera shows. codec: None keeps the file's. audio: offers a (silent) second track.

    faults: what happens by plan; their `camera` is not looked at.
    """

    path: Path
    codec: Codec | None = None
    credentials: Credentials | None = None
    audio: bool = False
    faults: tuple[Planned, ...] = field(default=())


class Simulator:
    """Cameras that run from `__enter__` to `__exit__`. All methods may be called from any thread.

    port: of the first camera, the others follow; 0 takes free ones. Raises ConfigurationError for
    a file that cannot be served and a port that is taken.
    """

    def __init__(self, sources: Sequence[SimulatedCamera], port: int = 0) -> None:
        self._sources, self._port = tuple(sources), port
        self._media: dict[tuple[Path, Codec | None], Media] = {}
        self._variants: dict[tuple[Path, Codec, Kind], Media] = {}
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread
        self._happened = threading.Condition()
        self._cleanup = ExitStack()
        self._servers: list[CameraServer] = []
        self._ending: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        clock = TrueClock(time.time(), time.monotonic())
        for number, source in enumerate(self._sources):
            camera = Camera(self._loaded(source), clock, seed=number)
            access = Access(source.credentials, source.audio)
            self._servers.append(CameraServer(camera, access, time.monotonic, self._tell))
        for number, source in enumerate(self._sources):
            for planned in source.faults:
                self._repainted(number, planned.fault)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cameras", daemon=True)
        self._thread.start()
        self._cleanup.callback(self._stop)
        try:
            self._open()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def url(self, i: int) -> str:
        """Where camera `i` (from 0) is, with user and password, each percent-encoded."""
        credentials = self._sources[i].credentials
        if credentials is None:
            return self._servers[i].uri
        who = f"{quote(credentials.user, safe='')}:{quote(credentials.password, safe='')}"
        return self._servers[i].uri.replace("rtsp://", f"rtsp://{who}@", 1)

    def typed(self, i: int) -> str:
        """The same as a person types it into `veilleur watch`: nothing is encoded."""
        credentials = self._sources[i].credentials
        if credentials is None:
            return self._servers[i].uri
        who = f"{credentials.user}:{credentials.password}"
        return self._servers[i].uri.replace("rtsp://", f"rtsp://{who}@", 1)

    def port(self, i: int) -> int:
        """The port of camera `i`."""
        return self._servers[i].port

    def media(self, i: int) -> Media:
        """What camera `i` serves."""
        return self._media[self._sources[i].path, self._sources[i].codec]

    def inject(self, i: int, fault: Fault) -> None:
        """The fault sets in at camera `i`; it has, when this returns."""
        media = self._repainted(i, fault)
        self._do(lambda: self._begin(i, fault, media))

    def clear(self, i: int, fault: Fault) -> None:
        """The fault is over; no harm if it is over already or never was."""
        self._run(self._end(i, fault))

    def frames_sent(self, i: int) -> tuple[SentFrame, ...]:
        """Ground truth: what camera `i` has sent to at least one viewer, oldest first."""
        return self._do(lambda: tuple(self._servers[i].camera.frames))

    def viewers(self, i: int) -> int:
        """How many play camera `i` now."""
        return self._do(lambda: len(self._servers[i].camera.viewers))

    def requests(self, i: int) -> tuple[Request, ...]:
        """Every request camera `i` has answered, oldest first."""
        return self._do(lambda: tuple(self._servers[i].requests))

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> bool:
        """Waits until `condition` holds, looked at after each event. False: it did not in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            left_s = deadline - time.monotonic()
            if left_s <= 0.0:
                return False
            with self._happened:
                self._happened.wait(min(left_s, 0.1))
        return True

    def wait_for_frames(self, i: int, count: int, timeout_s: float = PATIENCE_S) -> bool:
        """Waits until camera `i` has sent so many pictures in all."""
        return self.wait_for(lambda: self._servers[i].camera.sent >= count, timeout_s)

    def wait_for_viewers(self, i: int, count: int, timeout_s: float = PATIENCE_S) -> bool:
        """Waits until exactly so many viewers play camera `i`."""
        return self.wait_for(lambda: self.viewers(i) == count, timeout_s)

    def _loaded(self, source: SimulatedCamera) -> Media:
        key = source.path, source.codec
        if key not in self._media:
            self._media[key] = coded.load(*key)
        return self._media[key]

    def _repainted(self, i: int, fault: Fault) -> Media | None:
        """What the camera films under this fault, coded on first use; None: what it always does."""
        paint = _VARIANTS.get(fault.kind)
        if paint is None:
            return None
        path, codec = self._sources[i].path, self.media(i).codec
        key = path, codec, fault.kind
        if key not in self._variants:
            self._variants[key] = paint(path, codec)
        return self._variants[key]

    def _open(self) -> None:
        for number, server in enumerate(self._servers):
            port = self._port + number if self._port else 0
            try:
                self._run(server.open(port))
            except OSError as error:
                raise ConfigurationError(
                    f"port {port} cannot be used: {error.strerror}",
                    remedy="choose another with --port",
                    setting="port",
                ) from error
            server.proof = self._cleanup.enter_context(proven(server.port))
        for number, source in enumerate(self._sources):
            for planned in source.faults:
                self._do(partial(self._plan, number, planned))

    def _plan(self, i: int, planned: Planned) -> None:
        media = self._repainted(i, planned.fault)
        self._loop.call_later(planned.at_s, self._begin, i, planned.fault, media)

    def _begin(self, i: int, fault: Fault, media: Media | None) -> None:
        server = self._servers[i]
        if fault.kind in (Kind.CUT, Kind.RESET):
            server.drop(reset=fault.kind is Kind.RESET)
            return
        server.camera.begin(fault, time.monotonic(), media)
        if fault.kind is Kind.REFUSE:
            server.refuse()
            server.drop(reset=True)
        if fault.duration_s is not None:
            self._loop.call_later(fault.duration_s, self._end_soon, i, fault)
        server.tick()

    def _end_soon(self, i: int, fault: Fault) -> None:
        task = self._loop.create_task(self._end(i, fault))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, i: int, fault: Fault) -> None:
        server = self._servers[i]
        server.camera.end(fault, time.monotonic())
        if fault.kind is Kind.REFUSE and not server.camera.has(Kind.REFUSE):
            await server.open()
        server.tick()

    def _stop(self) -> None:
        for server in self._servers:
            self._run(server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _tell(self) -> None:
        with self._happened:
            self._happened.notify_all()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def _do(self, action: Callable[[], T]) -> T:
        """Runs it in the cameras' thread."""

        async def done() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(PATIENCE_S)
