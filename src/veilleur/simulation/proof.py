"""A per-run secret by which the simulator proves that it is ours. Server half.

The protocol stands in `cameras.simulated`, which asks.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from veilleur.cameras.simulated import SECRET_BYTES, answer, is_private, runtime_folder, secret_file
from veilleur.errors import ConfigurationError

_LONGEST_NONCE = 128


class Proof:
    """Answers nonces for one port."""

    def __init__(self, secret: bytes, port: int) -> None:
        self._secret, self._port = secret, port

    def answer(self, nonce: str) -> str:
        """The proof for this nonce; empty for one that is too long to be ours."""
        return answer(self._secret, nonce, self._port) if len(nonce) <= _LONGEST_NONCE else ""


@contextmanager
def proven(port: int) -> Iterator[Proof]:
    """A fresh secret, readable by this user alone, for as long as the block lasts.

    Raises ConfigurationError where the folder for it is not private.
    """
    folder, path = runtime_folder(), secret_file(port)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(folder, folder=True):
        raise ConfigurationError(
            f"{folder} is open to other users, so no secret can lie there",
            remedy=f"run: chmod 700 {folder}, or remove it",
            file=str(folder),
        )
    secret = secrets.token_bytes(SECRET_BYTES)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
    try:
        yield Proof(secret, port)
    finally:
        path.unlink(missing_ok=True)
