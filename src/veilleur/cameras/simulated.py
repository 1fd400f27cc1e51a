"""Is that camera our own simulator? The client half of its proof.

A loopback address alone proves nothing: a tunnel to a real camera has one too. The simulator
therefore writes a fresh random secret into a file that only this user can read, and answers a
random nonce in an RTSP OPTIONS with HMAC-SHA256(secret, nonce:port). A camera, a relay on another
port, or an old answer cannot know that value. The server half is `simulation.proof`.

What it does not prove: that the same process still listens there a moment later. Ask again with
each connection.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import socket
import stat
import tempfile
import time
from pathlib import Path

NONCE_HEADER = "X-Veilleur-Nonce"
PROOF_HEADER = "X-Veilleur-Proof"
SECRET_BYTES = 32
TIMEOUT_S = 1.0
"""For connecting and for the whole answer, each."""

_LONGEST_ANSWER = 4096
_PROOF = re.compile(rb"^" + PROOF_HEADER.encode() + rb": *([0-9a-f]{64}) *\r$", re.MULTILINE)


def runtime_folder() -> Path:
    """Where secrets lie: the user's runtime directory, or a folder of their own in the temp one."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(given) if given else Path(tempfile.gettempdir())
    return parent / ("veilleur" if given else f"veilleur-{os.getuid()}")


def secret_file(port: int) -> Path:
    """The file of the simulator's camera on this port."""
    return runtime_folder() / f"simulator-{port}.secret"


def answer(secret: bytes, nonce: str, port: int) -> str:
    """HMAC-SHA256 of nonce and port, in hexadecimal (RFC 2104)."""
    return hmac.new(secret, f"{nonce}:{port}".encode(), hashlib.sha256).hexdigest()


def is_private(path: Path, *, folder: bool) -> bool:
    """Ours, not a link, and closed to everybody else."""
    try:
        found = path.lstat()
    except OSError:
        return False
    kind = stat.S_ISDIR if folder else stat.S_ISREG
    return kind(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def is_our_simulator(host: str, port: int, *, timeout_s: float = TIMEOUT_S) -> bool:
    """Does a simulator started by this user on this machine answer there? False in all doubt."""
    address, secret = _loopback(host, port), _secret(port)
    if address is None or secret is None:
        return False
    nonce = secrets.token_hex(16)
    try:
        found = _PROOF.search(_ask(address, port, nonce, timeout_s))
    except OSError:
        return False
    expected = answer(secret, nonce, port).encode()
    return found is not None and hmac.compare_digest(found[1], expected)


def _loopback(host: str, port: int) -> str | None:
    """The address to connect to, where every address of that name is this machine's own."""
    try:
        found = {str(i[4][0]) for i in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        return None
    if not found or not all(ipaddress.ip_address(one).is_loopback for one in found):
        return None
    return sorted(found)[0]


def _secret(port: int) -> bytes | None:
    path = secret_file(port)
    if not is_private(path.parent, folder=True) or not is_private(path, folder=False):
        return None
    try:
        secret = path.read_bytes()
    except OSError:
        return None
    return secret if len(secret) == SECRET_BYTES else None


def _ask(address: str, port: int, nonce: str, timeout_s: float) -> bytes:
    """The head of the answer to one OPTIONS request; TimeoutError (an OSError) where none comes."""
    with socket.create_connection((address, port), timeout=timeout_s) as connection:
        uri = f"rtsp://127.0.0.1:{port}/"
        request = f"OPTIONS {uri} RTSP/1.0\r\nCSeq: 1\r\n{NONCE_HEADER}: {nonce}\r\n\r\n"
        connection.sendall(request.encode())
        deadline, head = time.monotonic() + timeout_s, b""
        while b"\r\n\r\n" not in head and len(head) < _LONGEST_ANSWER:
            connection.settimeout(max(deadline - time.monotonic(), 1e-3))
            piece = connection.recv(_LONGEST_ANSWER)
            if not piece:
                break
            head += piece
        return head
