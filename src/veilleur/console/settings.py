"""How the console is offered: where, under which name, for how long one stays signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from veilleur.console.passwords import Passwords, standard
from veilleur.console.remote import as_address
from veilleur.errors import ConfigurationError
from veilleur.law.gate import boot_s


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Requests a second on average, and how many at once, for one address or one session. An
    address may be a whole control room whose screens are opened at the same time."""

    anonymous_hz: float = 20.0
    anonymous_burst: int = 400
    files_hz: float = 200.0
    files_burst: int = 5000
    signed_in_hz: float = 100.0
    signed_in_burst: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """Wrong passwords for one account, or from one address, within so many seconds; then none is
    tried. An address may be a whole control room."""

    account: int = 8
    address: int = 40
    within_s: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """host, port: where it listens; nobody else can reach the default. certificate, key: files in
    PEM, both or neither. origin: what stands in the browser's address line, where that is not what
    this process sees (a proxy in front): "https://desk.example.org". trusted_proxy: the address
    that this proxy comes from: what it says of where a request comes from counts for the limits.
    idle, longest: how long a session lives without and with use. passwords: how they are kept.
    laboratory: files and simulated cameras only; the desk says so. now: the clock, UTC. passed:
    seconds that nobody sets, by which sessions live.

    Errors: ConfigurationError where passwords would cross a network unprotected.
    """

    host: str = "127.0.0.1"
    port: int = 8443
    certificate: Path | None = None
    key: Path | None = None
    origin: str | None = None
    trusted_proxy: str | None = None
    laboratory: bool = False
    idle: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=12)
    rates: Rates = Rates()
    locks: Locks = Locks()
    passwords: Passwords = field(default_factory=standard)
    now: Callable[[], datetime] = _utc_now
    passed: Callable[[], float] = boot_s

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ConfigurationError(
                "a certificate and its key go together, and one is missing",
                remedy="give both --tls-certificate and --tls-key, or neither",
                setting="tls",
            )
        if self.origin is not None and not _is_origin(self.origin):
            raise ConfigurationError(
                f"{self.origin!r} is no origin",
                remedy="write it as https://desk.example.org, without a path",
                setting="origin",
            )
        if self.trusted_proxy is not None and as_address(self.trusted_proxy) is None:
            raise ConfigurationError(
                f"{self.trusted_proxy!r} is no address of a proxy",
                remedy="give the address it connects from, in digits: --trusted-proxy 10.0.0.2",
                setting="trusted_proxy",
            )
        self._refuse_clear_network()

    def _refuse_clear_network(self) -> None:
        """Whatever stands in the browser's address line: without TLS it stays on this machine."""
        if not self.secure and not self.local:
            raise ConfigurationError(
                f"on {self._where()} passwords and pictures would cross the network unprotected",
                remedy="give --tls-certificate and --tls-key, or --origin https://... of a proxy "
                "that speaks TLS, or listen on 127.0.0.1",
                setting="host",
            )

    @property
    def local(self) -> bool:
        """Is it for browsers on this machine alone?"""
        return all(map(_loopback, self._names()))

    def _names(self) -> list[str]:
        named = urlsplit(self.origin or "").hostname
        return [self.host, named] if named else [self.host]

    def _where(self) -> str:
        return " and ".join(name for name in self._names() if not _loopback(name))

    @property
    def secure(self) -> bool:
        """Does the browser speak TLS?"""
        if self.origin is not None:
            return self.origin.startswith("https://")
        return self.certificate is not None

    def origin_for(self, host: str) -> str:
        """What the browser calls this place. host: the request's Host header."""
        return self.origin or f"{'https' if self.secure else 'http'}://{host.lower()}"

    def answers_to(self, host: str) -> bool:
        """Is this Host header one of ours? A foreign name that was pointed at this address (DNS
        rebinding) is not; an address in digits or localhost cannot be pointed anywhere."""
        name = _name(host)
        if self.origin is not None:
            return name == urlsplit(self.origin).hostname
        return name == self.host.lower() or name == "localhost" or as_address(name) is not None


def _name(host: str) -> str:
    """The name in a Host header, without its port; "" where there is none or it is nonsense."""
    if set(host) & set("/\\@?# \t"):
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _loopback(host: str) -> bool:
    found = as_address(host)
    return host == "localhost" or (found is not None and found.is_loopback)


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    whole = f"{parts.scheme}://{parts.netloc}"
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text == whole
