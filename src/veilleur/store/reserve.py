"""Space on the disk that is kept for the record: given up, for it, when the disk is full.

While it is not held, pictures are refused; once there is room again it is taken back first.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


class Reserve:
    """A file of `size` bytes that holds nothing. `held`: it is there, whole."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self.held = path.is_file() and path.stat().st_size >= size

    def hold(self) -> None:
        """Take the space, if there is twice as much: `held` says whether it is."""
        if self.held:
            return
        free = os.statvfs(self.path.parent)
        if free.f_bavail * free.f_frsize < 2 * self.size:
            return
        try:
            self._allocate()
        except OSError as error:
            log.warning("%s: can't reserve space for records: %s", self.path, error)
            return
        self.held = True

    def _allocate(self) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, self.size)
        finally:
            os.close(file)

    def spend(self) -> None:
        """Give the space up, to whoever takes it first."""
        self.path.unlink(missing_ok=True)
        self.held = False
