"""The console on a socket: on the loopback unless told otherwise, TLS by two files."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from veilleur.console.settings import Settings
from veilleur.errors import ConfigurationError

LEAVES_WITHIN_S = 1
"""Screens that are connected when the service ends are cut off after so long."""

BACKLOG = 2048


def bind(settings: Settings) -> socket.socket:
    """The listening socket: who connects from now on waits, and is answered when `serve` runs.
    Port 0: any that is free. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"nothing can listen on {settings.host}, port {settings.port}: {error.strerror}",
            remedy="another service has it: give another --port, or end that one",
            setting="port",
        ) from None
    return listener


def address(settings: Settings, listener: socket.socket) -> str:
    """What a browser on this machine opens."""
    if settings.origin is not None:
        return settings.origin
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.secure else "http"
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """Tells everybody who listens that it ends, so that no stream holds it up."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._ending()
        super().handle_exit(sig, frame)


def serve(
    app: ASGIApp, settings: Settings, listener: socket.socket, ending: Callable[[], None]
) -> None:
    """Until SIGINT or SIGTERM. ending: called when that comes. No access log: the record has what
    people did, and a log of addresses nobody asked for."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_graceful_shutdown=LEAVES_WITHIN_S,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        proxy_headers=False,
        h11_max_incomplete_event_size=64 << 10,
    )
    _Server(config, ending).run(sockets=[listener])
