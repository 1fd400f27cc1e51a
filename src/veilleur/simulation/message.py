"""RTSP requests, answers and Digest authentication, as text.

Sources: RFC 2326 (RTSP 1.0, which cameras speak), RFC 2617 and 7616 (Digest). MD5 only: neither
FFmpeg nor GStreamer, with which cameras are read, can do SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
}
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))')
_REALM = "veilleur"


class BadRequest(ValueError):
    """These bytes are no RTSP request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. headers: names in lower case."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body_length(self) -> int:
        """Bytes that follow the head."""
        text = self.headers.get("content-length", "0")
        return int(text) if text.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. headers: name and value, in this order."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: str = ""

    def encode(self, sequence: str) -> bytes:
        """The bytes, for the request that carried this CSeq."""
        lines = [f"RTSP/1.0 {self.status} {REASONS[self.status]}", f"CSeq: {sequence}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


def parse(head: bytes) -> Request:
    """The request whose head ends with an empty line. Raises BadRequest."""
    first, _, rest = head.decode("utf-8", "replace").partition("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("RTSP/"):
        raise BadRequest(first[:80])
    pairs = (line.partition(":") for line in rest.split("\r\n") if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Request(parts[0], parts[1], headers)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom a camera lets in. The password may hold any character."""

    user: str
    password: str = field(repr=False)


class Digest:
    """One connection's challenge, and whether a request answers it."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._nonce = secrets.token_hex(16)

    @property
    def challenge(self) -> str:
        """The value of WWW-Authenticate."""
        return f'Digest realm="{_REALM}", nonce="{self._nonce}", qop="auth", algorithm=MD5'

    def allows(self, request: Request) -> bool:
        """Does the request prove that its sender knows the password?"""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        given = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(text)}
        if scheme.lower() != "digest" or given.get("nonce") != self._nonce:
            return False
        expected = self._response(request.method, given)
        return given.get("username") == self._credentials.user and hmac.compare_digest(
            expected.encode(), given.get("response", "").lower().encode()
        )

    def _response(self, method: str, given: Mapping[str, str]) -> str:
        """RFC 2617, 3.2.2.1, with and without qop."""
        user, password = self._credentials.user, self._credentials.password
        who = _md5(f"{user}:{_REALM}:{password}")
        what = _md5(f"{method}:{given.get('uri', '')}")
        if "qop" not in given:
            return _md5(f"{who}:{self._nonce}:{what}")
        middle = ":".join(given.get(name, "") for name in ("nc", "cnonce", "qop"))
        return _md5(f"{who}:{self._nonce}:{middle}:{what}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
