"""Passwords: which are taken, how they are kept, and how one is tried.

Source: OWASP ASVS 5.0, V6.2 (length and no rules of composition), V11.4 (argon2id; pwdlib takes the
parameters of RFC 9106, second recommendation).
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from veilleur.errors import ConfigurationError

SHORTEST, LONGEST = 12, 200


class Passwords:
    """hasher: argon2id; tests take a cheaper one."""

    def __init__(self, hasher: Argon2Hasher | None = None) -> None:
        self._hash = PasswordHash((hasher or Argon2Hasher(),))
        self._nobodys = self._hash.hash(secrets.token_urlsafe())

    def hash(self, password: str, name: str) -> str:
        """What is kept. name: of the account. Raises ConfigurationError: it will not be taken."""
        text = _plain(password)
        if not SHORTEST <= len(text) <= LONGEST:
            raise ConfigurationError(
                f"a password has {SHORTEST} to {LONGEST} characters, this one has {len(text)}",
                remedy="take some words that belong together for you alone",
                setting="password",
            )
        if name.lower() in text.lower() or len(set(text)) < 5:
            raise ConfigurationError(
                "this password would be among the first that somebody tries",
                remedy="leave out the account's name, and use different characters",
                setting="password",
            )
        return self._hash.hash(text)

    def right(self, password: str, kept: str | None) -> bool:
        """kept: the account's hash; None: there is no such account, and it takes as long."""
        text = _plain(password[:LONGEST])
        return self._hash.verify(text, kept or self._nobodys) and kept is not None


@cache
def standard() -> Passwords:
    """The one that the product uses."""
    return Passwords()


def _plain(password: str) -> str:
    """The same characters, however a keyboard composes them."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()
