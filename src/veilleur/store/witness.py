"""The head of the audit chain in a file beside the database: the witness that rows are missing.

A database whose log was removed, or an older copy put in its place, is sound in itself: only
something outside it can say that acknowledged rows are gone. The file is written in place after
each commit and not flushed: after a power cut it may be behind the database, never before it.
"""

from __future__ import annotations

import logging
import os
from hashlib import sha256
from pathlib import Path

from veilleur.store.record import Head

log = logging.getLogger(__name__)


def line_of(head: Head) -> str:
    """One line of fixed width, shorter than a sector: 20 digits, the digest, a check sum."""
    text = f"{head.number:020d} {head.digest}"
    return f"{text} {sha256(text.encode()).hexdigest()[:16]}\n"


def parse(text: str) -> Head | None:
    """None: empty, or torn by a power cut."""
    words = text.partition("\n")[0].split()
    if len(words) != 3 or not words[0].isdigit():
        return None
    head = Head(int(words[0]), words[1])
    return head if line_of(head).split() == words else None


class Witness:
    """head: what the file says; None: nothing that can be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.head = parse(os.pread(self._file, 256, 0).decode(errors="replace"))

    def see(self, head: Head) -> None:
        """Called after the commit: a failure here undoes nothing, and is only noted."""
        self.head = head
        try:
            os.pwrite(self._file, line_of(head).encode(), 0)
        except OSError as error:
            log.warning("%s: can't keep the end of the chain: %s", self.path, error)

    def try_again(self) -> None:
        """Write what it holds once more: an OSError says what is wrong with the disk."""
        if self.head is not None:
            os.pwrite(self._file, line_of(self.head).encode(), 0)

    def close(self) -> None:
        os.close(self._file)
